/**
 * One workflow, or the runs of a store that belong to none, as the tabs show it: an item for each task and for each
 * chain of attempts without one, indexed by wave, state and agent.
 *
 * Contract: every index is right after each `put` and `drop`, at a cost that does not depend on how many items there
 * are. Nothing here looks through all items to draw a frame.
 */
import type { PanelRun, PanelTask } from '../src/shared/protocol';
import { Ordered } from './ordered';
import { buckets, looks, type Bucket, type Group, type ItemState } from './states';

export interface Item {
  /** Task id, or the id of the first attempt. */
  readonly key: string;
  readonly task: PanelTask | null;
  /** The newest attempt. */
  readonly run: PanelRun | null;
  /** 0 is outside of all waves. */
  readonly wave: number;
  readonly order: number;
  readonly state: ItemState;
  readonly stale: boolean;
  readonly bucket: Bucket;
}

export const titleOf = ({ task, run }: Item): string => {
  const said = task && task.title !== '' ? task.title : run?.title;
  return said ?? task?.id ?? '';
};
export const agentOf = ({ run }: Item): string => run?.agent ?? '';
/** A run that has completed does not tick the box, and only the box closes a task: the file is the record. */
export const isUnticked = ({ state, task }: Item): boolean =>
  state === 'completed' && task !== null && task.status !== 'done';

const byOrder = (one: Item, other: Item): number =>
  one.order - other.order || (one.key < other.key ? -1 : one.key > other.key ? 1 : 0);

/** Attempts of one agent, by when they were claimed; those that nobody has, by when they were made. */
const byStart = (one: PanelRun, other: PanelRun): number =>
  startOf(one) - startOf(other) ||
  one.order - other.order ||
  (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
const startOf = (run: PanelRun): number => run.startedAt ?? run.createdAt;

/** How many items are in each bucket, and what that means for the wave. */
export class Count {
  readonly of = Object.fromEntries(buckets.map((bucket) => [bucket, 0])) as Record<Bucket, number>;
  all = 0;
  unticked = 0;
  /** Of tasks only: others keep no wave from advancing. */
  tasks = 0;
  readonly open: Record<Exclude<Group, 'completed'>, number> = {
    attention: 0,
    active: 0,
    waiting: 0,
  };

  add(item: Item, by: 1 | -1): void {
    this.of[item.bucket] += by;
    this.all += by;
    if (isUnticked(item)) this.unticked += by;
    if (item.task === null) return;
    this.tasks += by;
    const { group } = looks[item.bucket];
    if (group !== 'completed') this.open[group] += by;
  }

  state(state: ItemState): number {
    return this.of[state] + (state === 'running' ? this.of.stale : 0);
  }

  get completed(): number {
    return this.of.completed - this.unticked;
  }

  get running(): number {
    return this.of.running + this.of.stale + this.of.doing;
  }

  /** Tasks that keep the wave from advancing. */
  get blockers(): number {
    return this.open.attention + this.open.active + this.open.waiting + this.unticked;
  }
}

export class Wave {
  readonly count = new Count();
  readonly lists = Object.fromEntries(
    buckets.map((bucket) => [bucket, new Ordered<Item>(byOrder)]),
  ) as Record<Bucket, Ordered<Item>>;

  constructor(readonly number: number) {}

  add(item: Item): void {
    this.count.add(item, 1);
    this.lists[item.bucket].add(item);
  }

  remove(item: Item): void {
    this.count.add(item, -1);
    this.lists[item.bucket].remove(item);
  }
}

export class Scope {
  readonly items = new Map<string, Item>();
  readonly waves = new Map<number, Wave>();
  readonly count = new Count();
  /** How many items each agent has; '' is nobody. */
  readonly agents = new Map<string, number>();
  /** Every attempt, by who has or had it; '' is nobody. */
  readonly lanes = new Map<string, Ordered<PanelRun>>();
  /** Grows with each change of anything here. */
  version = 0;
  /** Grows with what the graph looks like: items that come and go, their waves, what they need. */
  shape = 0;

  constructor(
    readonly key: string,
    readonly store: string,
    /** The id that its runs name; null for those outside of workflows. */
    readonly workflow: string | null,
  ) {}

  put(item: Item): void {
    const before = this.items.get(item.key);
    if (before) this.#remove(before);
    if (!before || !sameShape(before, item)) this.shape += 1;
    this.items.set(item.key, item);
    this.count.add(item, 1);
    const wave = this.waves.get(item.wave) ?? new Wave(item.wave);
    this.waves.set(item.wave, wave);
    wave.add(item);
    const agent = agentOf(item);
    this.agents.set(agent, (this.agents.get(agent) ?? 0) + 1);
    this.version += 1;
  }

  drop(key: string): void {
    const before = this.items.get(key);
    if (!before) return;
    this.items.delete(key);
    this.#remove(before);
    this.version += 1;
    this.shape += 1;
  }

  #remove(item: Item): void {
    this.count.add(item, -1);
    const wave = this.waves.get(item.wave);
    wave?.remove(item);
    if (wave?.count.all === 0) this.waves.delete(item.wave);
    const agent = agentOf(item);
    const left = (this.agents.get(agent) ?? 1) - 1;
    if (left === 0) this.agents.delete(agent);
    else this.agents.set(agent, left);
  }

  putAttempt(before: PanelRun | undefined, run: PanelRun | undefined): void {
    if (before) {
      const lane = this.lanes.get(before.agent ?? '');
      lane?.remove(before);
      if (lane?.length === 0) this.lanes.delete(before.agent ?? '');
    }
    if (run) {
      const agent = run.agent ?? '';
      const lane = this.lanes.get(agent) ?? new Ordered<PanelRun>(byStart);
      this.lanes.set(agent, lane);
      lane.add(run);
    }
    this.version += 1;
  }

  /** The waves in order, those without an item as well where the file has them. */
  waveNumbers(stated: readonly { readonly number: number }[]): readonly number[] {
    const numbers = new Set([...stated.map(({ number }) => number), ...this.waves.keys()]);
    return [...numbers].sort((one, other) => (one || Infinity) - (other || Infinity));
  }
}

const none: readonly string[] = [];

function sameShape(one: Item, other: Item): boolean {
  return (
    one.wave === other.wave &&
    sameTexts(one.task?.needs ?? none, other.task?.needs ?? none) &&
    sameTexts(one.run?.needs ?? none, other.run?.needs ?? none)
  );
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return (
    one === other || (one.length === other.length && one.every((text, at) => text === other[at]))
  );
}

/** Items of a wave in the order of the board, those of hidden states left out. */
export function* itemsOf(wave: Wave | undefined, hidden: ReadonlySet<ItemState>): Generator<Item> {
  if (!wave) return;
  for (const bucket of buckets) {
    if (!hidden.has(stateOfBucket(bucket))) yield* wave.lists[bucket].rows;
  }
}

export const stateOfBucket = (bucket: Bucket): ItemState =>
  bucket === 'stale' ? 'running' : bucket;
