/**
 * The ways of the edges: out of the right side, along a lane of the gutter, into the left side. A way over several
 * columns runs in a row that is free in all of them if one is near. Each source has one lane in a gutter, so that
 * what belongs together is drawn as one line that parts.
 */
import { bandPadding, gutter, halfPitch, nodeHeight, nodeWidth } from './metrics';

/**
 * By edge, the corners: (startX, startY) → (laneOut, startY) → (laneOut, track) → (laneIn, track) → (laneIn, endY) →
 * (endX, endY). Where `track` is the height of an end, the way has one bend less.
 */
export interface Routes {
  readonly laneOut: Float64Array;
  readonly track: Float64Array;
  readonly laneIn: Float64Array;
}

interface Placed {
  readonly column: Int32Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly columns: readonly Int32Array[];
  readonly from: Int32Array;
  readonly to: Int32Array;
}

const middle = nodeHeight / 2;
/** Over more columns nobody follows a line by eye, and looking for a free row would take too long. */
const farthest = 24;
const rowsTried = 6;
/** Between the borders of two bands, with room for the arrow. */
const firstLane = bandPadding + 4;
const lastLane = gutter - bandPadding - 3;
const laneGap = 4;

interface Lane {
  top: number;
  bottom: number;
  readonly source: number;
  readonly edges: number[];
}

export function routeEdges(graph: Placed): Routes {
  const { column, x, y, from, to } = graph;
  const count = from.length;
  const routes: Routes = {
    laneOut: new Float64Array(count),
    track: new Float64Array(count),
    laneIn: new Float64Array(count),
  };
  // Gutter 0 is left of the first column. Lanes are found by source, for what leaves and for what arrives.
  const gutters = Array.from({ length: graph.columns.length + 1 }, () => new Map<number, Lane>());
  const use = (gutterIndex: number, edge: number, one: number, other: number) => {
    const lanes = gutters[gutterIndex];
    const source = from[edge] ?? 0;
    const lane = lanes?.get(source) ?? { top: Infinity, bottom: -Infinity, source, edges: [] };
    lanes?.set(source, lane);
    lane.top = Math.min(lane.top, one, other);
    lane.bottom = Math.max(lane.bottom, one, other);
    lane.edges.push(edge);
  };
  const taken = graph.columns.map((runs) => new Set(Array.from(runs, (run) => y[run] ?? 0)));
  for (let edge = 0; edge < count; edge += 1) {
    const source = from[edge] ?? 0;
    const target = to[edge] ?? 0;
    const out = (column[source] ?? 0) + 1;
    const into = column[target] ?? 0;
    const start = (y[source] ?? 0) + middle;
    const end = (y[target] ?? 0) + middle;
    const track = trackOf(taken, out, into, start, end);
    routes.track[edge] = track;
    if (out === into) use(out, edge, start, end);
    else {
      if (track !== start) use(out, edge, start, track);
      if (track !== end) use(into, edge, track, end);
    }
  }
  gutters.forEach((lanes, gutterIndex) => {
    const levels = assign([...lanes.values()]);
    const most = Math.max(0, ...levels.values());
    const step = most === 0 ? 0 : Math.min(laneGap, (lastLane - firstLane) / most);
    for (const [lane, level] of levels) {
      for (const edge of lane.edges) {
        const source = from[edge] ?? 0;
        const right =
          gutterIndex === (column[source] ?? 0) + 1
            ? (x[source] ?? 0) + nodeWidth
            : (x[to[edge] ?? 0] ?? 0) - gutter;
        const place = right + firstLane + level * step;
        if (gutterIndex === (column[source] ?? 0) + 1) routes.laneOut[edge] = place;
        if (gutterIndex === (column[to[edge] ?? 0] ?? 0)) routes.laneIn[edge] = place;
      }
    }
  });
  return routes;
}

/** A row that no node stands in, between gutter `out` and gutter `into`; else the row of the source. */
function trackOf(
  taken: readonly ReadonlySet<number>[],
  out: number,
  into: number,
  start: number,
  end: number,
): number {
  if (out === into) return end;
  // Backwards, or to its own column: around, in the row between two nodes.
  if (into < out) return end - halfPitch;
  if (into - out > farthest) return start;
  const free = (row: number) => {
    for (let column = out; column < into; column += 1)
      if (taken[column]?.has(row - middle)) return false;
    return true;
  };
  if (free(start)) return start;
  if (free(end)) return end;
  for (let away = 1; away <= rowsTried; away += 1) {
    const nearer = end < start ? -1 : 1;
    for (const side of [nearer, -nearer]) {
      const row = start + side * away * halfPitch;
      if (free(row)) return row;
    }
  }
  return start;
}

/** The first lane in which nothing else runs at the same height. */
function assign(lanes: readonly Lane[]): Map<Lane, number> {
  const sorted = [...lanes].sort((one, other) => one.top - other.top || one.source - other.source);
  const most = lastLane - firstLane + 1;
  const bottoms: number[] = [];
  return new Map(
    sorted.map((lane, index) => {
      let level = bottoms.findIndex((bottom) => bottom < lane.top);
      if (level < 0) level = bottoms.length < most ? bottoms.length : index % most;
      bottoms[level] = Math.max(bottoms[level] ?? -Infinity, lane.bottom);
      return [lane, level];
    }),
  );
}
