/** Sizes of the graph, in its own units: pixels of the page at a zoom of 1. */

export const nodeWidth = 188;
export const nodeHeight = 44;
export const pitch = 62;
export const gutter = 40;
export const columnPitch = nodeWidth + gutter;
/** Nodes stand on a grid of half the pitch, so that an edge passes in the middle between two of them. */
export const halfPitch = pitch / 2;
/** Of the first node: below the heading of its band. */
export const top = 48;
export const left = 16;
/** The sides of a band beyond its nodes. */
export const bandPadding = 10;
