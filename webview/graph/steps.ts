/** Where an arrow key leads from a run. */
import type { Family } from './kin';
import { each, type GraphLayout } from './layout';

export interface Direction {
  readonly x: -1 | 0 | 1;
  readonly y: -1 | 0 | 1;
}

/**
 * Up and down within the column; sideways along an edge if there is one, else to what stands beside it.
 * -1 where nothing is.
 */
export function neighbourOf(
  layout: GraphLayout,
  family: Family,
  run: number,
  { x, y }: Direction,
): number {
  const column = layout.column[run] ?? 0;
  if (y !== 0) return layout.columns[column]?.[(layout.place[run] ?? 0) + y] ?? -1;
  const height = layout.y[run] ?? 0;
  let best = -1;
  let least = Infinity;
  const consider = (other: number) => {
    const columns = ((layout.column[other] ?? 0) - column) * x;
    if (columns <= 0) return;
    // The nearest column first, in it the nearest height.
    const distance = columns * 1e7 + Math.abs((layout.y[other] ?? 0) - height);
    if (distance < least) [best, least] = [other, distance];
  };
  each(x < 0 ? family.needs : family.holdsUp, run, consider);
  if (best < 0) layout.columns[column + x]?.forEach(consider);
  return best;
}
