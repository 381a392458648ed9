/**
 * Where each run of the graph stands. The rank is the wave; a wave with dependencies of its own gets sub-ranks,
 * each a column of the wave's band. Within a column the order follows the neighbours, and stays as it is when
 * something is added: a graph that rearranges itself cannot be learnt.
 *
 * All of it takes time in proportion to runs and edges (times the logarithm of a column), and ends on a cycle.
 */
import {
  bandPadding,
  columnPitch,
  gutter,
  halfPitch,
  left,
  nodeHeight,
  nodeWidth,
  pitch,
  top,
} from './metrics';
import { routeEdges, type Routes } from './routes';
import { spread } from './spread';

/** What the layout has to know of a run. */
export interface LayoutRun {
  readonly id: string;
  readonly wave: number | null;
  readonly dependsOn: readonly string[];
}

export interface Band {
  readonly wave: number | null;
  readonly x: number;
  readonly width: number;
  readonly runs: number;
}

export interface GraphLayout {
  readonly ids: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  /** By run: the column, its place in the column, and the upper left corner. */
  readonly column: Int32Array;
  readonly place: Int32Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** By column: the runs from top to bottom, and the rank. */
  readonly columns: readonly Int32Array[];
  readonly ranks: readonly Rank[];
  readonly bands: readonly Band[];
  /** By edge: the run that is needed, and the one that needs it. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly routes: Routes;
  readonly width: number;
  readonly height: number;
}

export interface Rank {
  readonly wave: number | null;
  readonly sub: number;
}

/** @param previous the layout on screen, whose order is kept where it still applies */
export function layOut(runs: readonly LayoutRun[], previous?: GraphLayout): GraphLayout {
  const graph = readGraph(runs);
  const columns = makeColumns(graph);
  const kept = previous && keptRuns(graph, columns, previous);
  const y = kept ? insert(graph, columns, kept) : arrange(graph, columns);
  snap(columns.members, y);
  return finish(graph, columns, y);
}

/** Whether the same runs need the same runs, so that a layout still holds. */
export function sameShape(one: readonly LayoutRun[], other: readonly LayoutRun[]): boolean {
  if (one.length !== other.length) return false;
  return one.every((run, index) => {
    const twin = other[index];
    return (
      twin !== undefined &&
      (run === twin ||
        (run.id === twin.id &&
          run.wave === twin.wave &&
          (run.dependsOn === twin.dependsOn ||
            (run.dependsOn.length === twin.dependsOn.length &&
              run.dependsOn.every((id, place) => id === twin.dependsOn[place])))))
    );
  });
}

interface Graph {
  readonly ids: readonly string[];
  readonly waves: readonly (number | null)[];
  readonly index: ReadonlyMap<string, number>;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly needs: Neighbours;
  readonly holdsUp: Neighbours;
}

/** The neighbours of run `i` are `list[start[i]] … list[start[i + 1] - 1]`. */
export interface Neighbours {
  readonly start: Int32Array;
  readonly list: Int32Array;
}

function readGraph(runs: readonly LayoutRun[]): Graph {
  const index = new Map<string, number>();
  const kept: LayoutRun[] = [];
  for (const run of runs) {
    if (index.has(run.id)) continue;
    index.set(run.id, kept.length);
    kept.push(run);
  }
  const from: number[] = [];
  const to: number[] = [];
  kept.forEach((run, target) => {
    const seen = run.dependsOn.length > 1 ? new Set<number>() : undefined;
    for (const id of run.dependsOn) {
      const source = index.get(id);
      // What is not shown, or is the run itself, has no edge.
      if (source === undefined || source === target || seen?.has(source)) continue;
      seen?.add(source);
      from.push(source);
      to.push(target);
    }
  });
  const sources = Int32Array.from(from);
  const targets = Int32Array.from(to);
  return {
    ids: kept.map(({ id }) => id),
    waves: kept.map(({ wave }) => wave),
    index,
    from: sources,
    to: targets,
    needs: neighbours(targets, sources, kept.length),
    holdsUp: neighbours(sources, targets, kept.length),
  };
}

export function neighbours(of: Int32Array, list: Int32Array, count: number): Neighbours {
  const start = new Int32Array(count + 1);
  for (const run of of) at(start, run + 1, 1);
  for (let run = 0; run < count; run += 1) at(start, run + 1, start[run] ?? 0);
  const next = start.slice();
  const sorted = new Int32Array(list.length);
  of.forEach((run, edge) => {
    const place = next[run] ?? 0;
    sorted[place] = list[edge] ?? 0;
    next[run] = place + 1;
  });
  return { start, list: sorted };
}

function at(array: Int32Array, index: number, add: number): void {
  array[index] = (array[index] ?? 0) + add;
}

interface Columns {
  /** By run. */
  readonly column: Int32Array;
  readonly ranks: readonly Rank[];
  /** By column, from top to bottom; the arrays are put in order in place. */
  readonly members: readonly Int32Array[];
}

function makeColumns(graph: Graph): Columns {
  const sub = subRanks(graph);
  const depth = new Map<number | null, number>();
  graph.waves.forEach((wave, run) => {
    depth.set(wave, Math.max(depth.get(wave) ?? 0, 1 + (sub[run] ?? 0)));
  });
  const ranks: Rank[] = [];
  const first = new Map<number | null, number>();
  for (const wave of [...depth.keys()].sort(byWave)) {
    first.set(wave, ranks.length);
    for (let level = 0; level < (depth.get(wave) ?? 0); level += 1)
      ranks.push({ wave, sub: level });
  }
  const column = Int32Array.from(
    graph.waves,
    (wave, run) => (first.get(wave) ?? 0) + (sub[run] ?? 0),
  );
  const lists = ranks.map((): number[] => []);
  column.forEach((it, run) => lists[it]?.push(run));
  return { column, ranks, members: lists.map((list) => Int32Array.from(list)) };
}

/** Runs of no wave stand last. */
const byWave = (one: number | null, other: number | null) =>
  (one ?? Infinity) === (other ?? Infinity) ? 0 : (one ?? Infinity) - (other ?? Infinity);

/** The longest way through the own wave. On a cycle the run that came first is put where it stands. */
function subRanks({ ids, waves, needs, holdsUp }: Graph): Int32Array {
  const count = ids.length;
  const sub = new Int32Array(count);
  const open = new Int32Array(count);
  const done = new Uint8Array(count);
  const ready: number[] = [];
  const inside = (one: number, other: number) => waves[one] === waves[other];
  for (let run = 0; run < count; run += 1) {
    each(needs, run, (need) => {
      if (inside(need, run)) at(open, run, 1);
    });
    if (open[run] === 0) ready.push(run);
  }
  let forced = 0;
  for (let next = 0; ; next += 1) {
    while (next === ready.length && forced < count) {
      if (done[forced] === 0) ready.push(forced);
      forced += 1;
    }
    const run = ready[next];
    if (run === undefined) return sub;
    if (done[run] === 1) continue;
    done[run] = 1;
    each(holdsUp, run, (later) => {
      if (done[later] === 1 || !inside(run, later)) return;
      sub[later] = Math.max(sub[later] ?? 0, (sub[run] ?? 0) + 1);
      at(open, later, -1);
      if (open[later] === 0) ready.push(later);
    });
  }
}

export function each(
  { start, list }: Neighbours,
  run: number,
  visit: (neighbour: number) => void,
): void {
  const end = start[run + 1] ?? 0;
  for (let place = start[run] ?? 0; place < end; place += 1) visit(list[place] ?? 0);
}

const degree = ({ start }: Neighbours, run: number) => (start[run + 1] ?? 0) - (start[run] ?? 0);

function mean(of: Neighbours, run: number, values: Float64Array): number {
  let sum = 0;
  each(of, run, (neighbour) => (sum += values[neighbour] ?? 0));
  return sum / degree(of, run);
}

/** Rounds to and fro; more of them change little. */
const orderRounds = 3;

/** Order and height of everything, from nothing. */
function arrange(graph: Graph, { members }: Columns): Float64Array {
  const { needs, holdsUp } = graph;
  const y = new Float64Array(graph.ids.length);
  const alone = (run: number) => degree(needs, run) + degree(holdsUp, run) === 0;
  for (const column of members) {
    column.sort((one, other) => Number(alone(one)) - Number(alone(other)) || one - other);
    column.forEach((run, place) => (y[run] = place * pitch));
  }
  const want = new Float64Array(y.length);
  const sweep = (columns: readonly Int32Array[], towards: Neighbours) => {
    for (const column of columns) {
      for (const run of column)
        want[run] = degree(towards, run) > 0 ? mean(towards, run, y) : (y[run] ?? 0);
      column.sort(
        (one, other) =>
          Number(alone(one)) - Number(alone(other)) ||
          (want[one] ?? 0) - (want[other] ?? 0) ||
          (y[one] ?? 0) - (y[other] ?? 0),
      );
      column.forEach((run, place) => (y[run] = place * pitch));
    }
  };
  const backwards = [...members].reverse();
  for (let round = 0; round < orderRounds; round += 1) {
    sweep(members, needs);
    sweep(backwards, holdsUp);
  }
  sweep(members, needs);
  // The order stands. Now each run as near to its neighbours as the others leave room.
  const joined = members.map((column) => {
    const first = column.findIndex(alone);
    return first < 0 ? column : column.subarray(0, first);
  });
  const settle = (columns: readonly Int32Array[], towards: Neighbours) => {
    for (const column of columns) {
      for (const run of column)
        want[run] = degree(towards, run) > 0 ? mean(towards, run, y) : (y[run] ?? 0);
      spread(column, want, y, pitch);
    }
  };
  settle(joined, needs);
  settle([...joined].reverse(), holdsUp);
  settle(joined, needs);
  let least = Infinity;
  for (const [first] of joined) if (first !== undefined) least = Math.min(least, y[first] ?? 0);
  members.forEach((column, index) => {
    let next = 0;
    const those = joined[index]?.length ?? 0;
    column.forEach((run, place) => {
      // Those alone stand below the others.
      y[run] = place < those ? (y[run] ?? 0) - least : next;
      next = (y[run] ?? 0) + pitch;
    });
  });
  return y;
}

/** Heights on screen of the runs that have kept their rank; NaN for the others. */
function keptRuns(graph: Graph, columns: Columns, previous: GraphLayout): Float64Array | undefined {
  const kept = new Float64Array(graph.ids.length).fill(NaN);
  let count = 0;
  graph.ids.forEach((id, run) => {
    const before = previous.index.get(id);
    if (before === undefined) return;
    const was = previous.ranks[previous.column[before] ?? 0];
    const is = columns.ranks[columns.column[run] ?? 0];
    if (was?.wave !== is?.wave || was?.sub !== is?.sub) return;
    kept[run] = (previous.y[before] ?? 0) - top;
    count += 1;
  });
  // Where most is new, or most has gone, what is left is no picture that anybody knows.
  return count * 2 >= Math.max(graph.ids.length, previous.ids.length) ? kept : undefined;
}

/** A run that was there moves only as far as a new one needs room. */
const holdFast = 1_000;

/** Puts new runs beside their neighbours, between others that keep their order. */
function insert(graph: Graph, { members }: Columns, kept: Float64Array): Float64Array {
  const { needs, holdsUp } = graph;
  const y = kept.slice();
  const weight = Float64Array.from(kept, (value) => (Number.isNaN(value) ? 1 : holdFast));
  for (const column of members) {
    const old = column.filter((run) => !Number.isNaN(kept[run]));
    if (old.length < column.length) {
      old.sort((one, other) => (kept[one] ?? 0) - (kept[other] ?? 0) || one - other);
      const end = old.length > 0 ? (kept[old.at(-1) ?? 0] ?? 0) + pitch : 0;
      const added = column.filter((run) => Number.isNaN(kept[run]));
      for (const run of added) y[run] = meanKnown(run, y) ?? end;
      added.sort((one, other) => (y[one] ?? 0) - (y[other] ?? 0) || one - other);
      merge(column, old, added, y);
    } else column.sort((one, other) => (kept[one] ?? 0) - (kept[other] ?? 0) || one - other);
    spread(column, y, y, pitch, weight);
    if ((y[column[0] ?? 0] ?? 0) < 0)
      column.forEach((run, place) => (y[run] = Math.max(y[run] ?? 0, place * pitch)));
  }
  return y;

  function meanKnown(run: number, heights: Float64Array): number | undefined {
    let sum = 0;
    let count = 0;
    for (const side of [needs, holdsUp])
      each(side, run, (neighbour) => {
        const height = heights[neighbour] ?? NaN;
        if (Number.isNaN(height)) return;
        sum += height;
        count += 1;
      });
    return count > 0 ? sum / count : undefined;
  }
}

function merge(into: Int32Array, old: Int32Array, added: Int32Array, y: Float64Array): void {
  let next = 0;
  let place = 0;
  for (const run of added) {
    while (next < old.length && (y[old[next] ?? 0] ?? 0) <= (y[run] ?? 0))
      into[place++] = old[next++] ?? 0;
    into[place++] = run;
  }
  while (next < old.length) into[place++] = old[next++] ?? 0;
}

/** Onto the half pitch. What is a pitch apart stays it: the difference to the tight column never falls. */
function snap(members: readonly Int32Array[], y: Float64Array): void {
  for (const column of members)
    column.forEach((run, place) => {
      const beyond = (y[run] ?? 0) - place * pitch;
      y[run] = place * pitch + Math.round(beyond / halfPitch) * halfPitch;
    });
}

function finish(graph: Graph, { column, ranks, members }: Columns, y: Float64Array): GraphLayout {
  const place = new Int32Array(y.length);
  const x = new Float64Array(y.length);
  let lowest = 0;
  for (const list of members)
    list.forEach((run, at) => {
      place[run] = at;
      x[run] = left + (column[run] ?? 0) * columnPitch;
      y[run] = top + (y[run] ?? 0);
      lowest = Math.max(lowest, y[run] ?? 0);
    });
  const layout = {
    ids: graph.ids,
    index: graph.index,
    column,
    place,
    x,
    y,
    columns: members,
    ranks,
  };
  return {
    ...layout,
    bands: bandsOf(ranks, members),
    from: graph.from,
    to: graph.to,
    routes: routeEdges({ column, x, y, columns: members, from: graph.from, to: graph.to }),
    width: 2 * left + ranks.length * columnPitch - gutter,
    height: lowest + nodeHeight + left,
  };
}

function bandsOf(ranks: readonly Rank[], members: readonly Int32Array[]): Band[] {
  const bands: { wave: number | null; x: number; width: number; runs: number }[] = [];
  ranks.forEach(({ wave }, column) => {
    const runs = members[column]?.length ?? 0;
    const band = bands.at(-1);
    if (band && band.wave === wave) {
      band.width += columnPitch;
      band.runs += runs;
      return;
    }
    const x = left + column * columnPitch - bandPadding;
    bands.push({ wave, x, width: nodeWidth + 2 * bandPadding, runs });
  });
  return bands;
}
