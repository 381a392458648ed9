/**
 * Where each node of the graph stands: a band for each wave, in it a rank for each step of its inner dependencies, in
 * that the nodes in the order of the barycentres of their neighbours. Pure, and linear but for the sorting.
 *
 * Contract: a layout made from an earlier one keeps every node where it was, unless its own rank has changed: a node
 * that comes takes its place in its rank and moves only those below it there. A rank that outgrows its band goes on
 * downwards, so no band moves either. Circles do not hang: what is on one stands in the first rank of its wave.
 */

export interface GraphNode {
  readonly key: string;
  readonly wave: number;
}

export interface GraphShape {
  /** In the order in which they are told: that of the file, then of creation. */
  readonly nodes: readonly GraphNode[];
  /** Keys of what is needed, and of what needs it. */
  readonly edges: readonly (readonly [from: string, to: string])[];
}

export interface Placed {
  readonly key: string;
  readonly wave: number;
  readonly rank: number;
  /** Place within its rank. */
  readonly place: number;
  readonly x: number;
  readonly y: number;
}

export interface Rank {
  readonly wave: number;
  readonly rank: number;
  readonly x: number;
  /** Columns abreast, of a rank that would be too tall as one. */
  readonly columns: number;
  /** Keys in order; the place tells row and column. */
  readonly keys: readonly string[];
}

export interface Band {
  readonly wave: number;
  readonly x: number;
  readonly width: number;
}

export interface GraphLayout {
  readonly placed: ReadonlyMap<string, Placed>;
  readonly ranks: readonly Rank[];
  readonly bands: readonly Band[];
  readonly edges: GraphShape['edges'];
  readonly width: number;
  readonly height: number;
}

export const nodeWidth = 188;
export const nodeHeight = 44;
export const pitch = 62;
export const gutter = 40;
export const bandGap = 20;
export const bandPadding = 10;
export const bandHead = 44;
/** Taller ranks go on in the next column. */
const tallest = 48;
const sweeps = 4;
/** More new nodes than this part of all: the old order says nothing any more. */
const mostNew = 0.2;

export function layoutOf(shape: GraphShape, before?: GraphLayout): GraphLayout {
  const nodes = new Map(shape.nodes.map((node) => [node.key, node]));
  const edges = shape.edges.filter(([from, to]) => from !== to && nodes.has(from) && nodes.has(to));
  const ranks = ranksOf(shape.nodes, edges);
  const fresh = before ? shape.nodes.filter(({ key }) => !before.placed.has(key)).length : Infinity;
  const orders =
    before && fresh <= Math.max(1, mostNew * shape.nodes.length)
      ? keptOrders(shape.nodes, ranks, edges, before)
      : sweptOrders(shape.nodes, ranks, edges);
  return placedLayout(orders, edges, before);
}

interface RankKey {
  readonly wave: number;
  readonly rank: number;
}
const rankName = ({ wave, rank }: RankKey): string => `${wave} ${rank}`;

/** The longest way through what is needed within the same wave. */
function ranksOf(
  nodes: readonly GraphNode[],
  edges: GraphShape['edges'],
): ReadonlyMap<string, RankKey> {
  const wave = new Map(nodes.map((node) => [node.key, node.wave]));
  const after = new Map<string, string[]>();
  const waits = new Map<string, number>();
  for (const [from, to] of edges) {
    if (wave.get(from) !== wave.get(to)) continue;
    const list = after.get(from);
    if (list) list.push(to);
    else after.set(from, [to]);
    waits.set(to, (waits.get(to) ?? 0) + 1);
  }
  const rank = new Map<string, number>();
  const ready = nodes.flatMap(({ key }) => (waits.has(key) ? [] : [key]));
  for (const key of ready) rank.set(key, 0);
  // What becomes ready on the way is gone through as well.
  for (let at = 0; at < ready.length; at += 1) {
    const key = ready[at] as string;
    const own = rank.get(key) ?? 0;
    for (const next of after.get(key) ?? []) {
      rank.set(next, Math.max(rank.get(next) ?? 0, own + 1));
      const left = (waits.get(next) ?? 1) - 1;
      waits.set(next, left);
      if (left === 0) ready.push(next);
    }
  }
  const settled = new Set(ready);
  return new Map(
    nodes.map(({ key, wave: of }) => [
      key,
      { wave: of, rank: settled.has(key) ? (rank.get(key) ?? 0) : 0 },
    ]),
  );
}

type Orders = Map<string, { readonly of: RankKey; keys: string[] }>;

function inRanks(nodes: readonly GraphNode[], ranks: ReadonlyMap<string, RankKey>): Orders {
  const orders: Orders = new Map();
  for (const { key } of nodes) {
    const of = ranks.get(key);
    if (!of) continue;
    const known = orders.get(rankName(of));
    if (known) known.keys.push(key);
    else orders.set(rankName(of), { of, keys: [key] });
  }
  return new Map(
    [...orders].sort(
      ([, { of: one }], [, { of: other }]) =>
        (one.wave || Infinity) - (other.wave || Infinity) || one.rank - other.rank,
    ),
  );
}

/** From the order of the file, by the mean place of neighbours to the left and to the right in turn. */
function sweptOrders(
  nodes: readonly GraphNode[],
  ranks: ReadonlyMap<string, RankKey>,
  edges: GraphShape['edges'],
): Orders {
  const orders = inRanks(nodes, ranks);
  const needs = new Map<string, string[]>();
  const feeds = new Map<string, string[]>();
  for (const [from, to] of edges) {
    push(needs, to, from);
    push(feeds, from, to);
  }
  // Places as parts of a whole, so that ranks of different lengths can be compared.
  const place = new Map<string, number>();
  const number = (keys: readonly string[]) => {
    keys.forEach((key, index) => place.set(key, (index + 0.5) / keys.length));
  };
  const all = [...orders.values()];
  for (const { keys } of all) number(keys);
  for (let sweep = 0; sweep < sweeps; sweep += 1) {
    const towards = sweep % 2 === 0 ? needs : feeds;
    for (const order of sweep % 2 === 0 ? all : [...all].reverse()) {
      const wanted = new Map(
        order.keys.map((key) => [key, barycentre(towards.get(key), place) ?? place.get(key) ?? 0]),
      );
      const was = new Map(order.keys.map((key, index) => [key, index]));
      order.keys.sort(
        (one, other) =>
          (wanted.get(one) ?? 0) - (wanted.get(other) ?? 0) ||
          (was.get(one) ?? 0) - (was.get(other) ?? 0),
      );
      number(order.keys);
    }
  }
  return orders;
}

/** Each rank as it was, without those that have left; who is new comes where its neighbours are. */
function keptOrders(
  nodes: readonly GraphNode[],
  ranks: ReadonlyMap<string, RankKey>,
  edges: GraphShape['edges'],
  before: GraphLayout,
): Orders {
  const orders = inRanks(nodes, ranks);
  const neighbours = new Map<string, string[]>();
  const isNew = (key: string): boolean => {
    const placed = before.placed.get(key);
    const now = ranks.get(key);
    return !placed || placed.wave !== now?.wave || placed.rank !== now.rank;
  };
  for (const [from, to] of edges) {
    if (isNew(to)) push(neighbours, to, from);
    if (isNew(from)) push(neighbours, from, to);
  }
  const share = new Map<string, number>();
  for (const { keys } of before.ranks)
    keys.forEach((key, index) => share.set(key, (index + 0.5) / keys.length));
  for (const order of orders.values()) {
    const stay = order.keys
      .filter((key) => !isNew(key))
      .sort(
        (one, other) =>
          (before.placed.get(one)?.place ?? 0) - (before.placed.get(other)?.place ?? 0),
      );
    const come = order.keys
      .filter(isNew)
      .map((key) => ({ key, at: barycentre(neighbours.get(key), share) ?? 1 }))
      .sort((one, other) => one.at - other.at);
    if (come.length === 0) {
      order.keys = stay;
      continue;
    }
    const merged: string[] = [];
    let next = 0;
    stay.forEach((key, index) => {
      while ((come[next]?.at ?? Infinity) < index / Math.max(1, stay.length))
        merged.push(come[next++]?.key as string);
      merged.push(key);
    });
    for (; next < come.length; next += 1) merged.push(come[next]?.key as string);
    order.keys = merged;
  }
  return orders;
}

function barycentre(
  keys: readonly string[] | undefined,
  place: ReadonlyMap<string, number>,
): number | undefined {
  let sum = 0;
  let count = 0;
  for (const key of keys ?? []) {
    const at = place.get(key);
    if (at === undefined) continue;
    sum += at;
    count += 1;
  }
  return count === 0 ? undefined : sum / count;
}

function placedLayout(
  orders: Orders,
  edges: GraphShape['edges'],
  before: GraphLayout | undefined,
): GraphLayout {
  const known = new Map(before?.ranks.map((rank) => [rankName(rank), rank]));
  const placed = new Map<string, Placed>();
  const ranks: Rank[] = [];
  const bands: Band[] = [];
  let x = 0;
  let height = bandHead;
  let band = null as { readonly wave: number; readonly x: number } | null;
  const close = () => {
    if (!band) return;
    const width = x - gutter + bandPadding - band.x;
    bands.push({ ...band, width });
    x = band.x + width + bandGap;
  };
  for (const { of, keys } of orders.values()) {
    if (band?.wave !== of.wave) {
      close();
      band = { wave: of.wave, x };
      x += bandPadding;
    }
    const columns =
      known.get(rankName(of))?.columns ?? Math.max(1, Math.ceil(keys.length / tallest));
    const rows = Math.ceil(keys.length / columns);
    keys.forEach((key, place) => {
      placed.set(key, {
        key,
        ...of,
        place,
        x: x + Math.floor(place / rows) * (nodeWidth + bandPadding),
        y: bandHead + (place % rows) * pitch,
      });
    });
    ranks.push({ ...of, x, columns, keys });
    x += columns * (nodeWidth + bandPadding) - bandPadding + gutter;
    height = Math.max(height, bandHead + rows * pitch);
  }
  close();
  return { placed, ranks, bands, edges, width: Math.max(0, x - bandGap), height };
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
