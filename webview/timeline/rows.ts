/** The rows of the timeline: a head for each agent or wave, under it its runs in the order of time. */
import { asText } from '../graph/runs';
import { timelineWords } from './words';

/** A row of the panel's model has these, so it can be handed over as it is. */
export interface TimelineRun {
  readonly id: string;
  readonly wave: number | null;
  readonly task: string | null;
  readonly title: string;
  /** A status of the store, or what the panel makes of it: pending, blocked, retry. */
  readonly status: string;
  readonly agent: string | null;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** The run that this one is another attempt of. */
  readonly retryOf?: string | null | undefined;
  /** The last sign of life. */
  readonly heartbeatAt?: number | null | undefined;
  /** When a retry may begin. */
  readonly dueAt?: number | null | undefined;
  readonly stale?: boolean | undefined;
  /** Why it ended so, in a few words. */
  readonly note?: string | null | undefined;
}

export type Grouping = 'agent' | 'wave';

export const runRow = 26;
export const groupRow = 30;

export type TimelineRow =
  | {
      readonly kind: 'group';
      readonly key: string;
      readonly label: string;
      readonly runs: number;
      readonly claimed: boolean;
      readonly open: boolean;
    }
  | {
      readonly kind: 'run';
      readonly key: string;
      readonly run: TimelineRun;
      /** The attempt before, if it is the row above. */
      readonly before: TimelineRun | null;
    };

export interface TimelineRows {
  readonly list: readonly TimelineRow[];
  /** Where each row begins; one more for the end of all. */
  readonly tops: Float64Array;
  readonly index: ReadonlyMap<string, number>;
}

export const runKey = (id: string) => `run ${id}`;

export function timelineRows(
  runs: readonly TimelineRun[],
  grouping: Grouping,
  folded: ReadonlySet<string>,
): TimelineRows {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const starts = new Map<string, number>();
  const groups = new Map<string | number | null, TimelineRun[]>();
  for (const run of byId.values()) {
    const name = grouping === 'agent' ? run.agent : run.wave;
    const group = groups.get(name);
    if (group) group.push(run);
    else groups.set(name, [run]);
  }
  const names = [...groups.keys()].sort(byName);
  const list: TimelineRow[] = [];
  for (const name of names) {
    const group = groups.get(name) ?? [];
    const key = `${grouping} ${name === null ? 'none' : `is ${name}`}`;
    const open = !folded.has(key);
    list.push({
      kind: 'group',
      key,
      label:
        grouping === 'wave'
          ? timelineWords.wave(name === null ? null : Number(name))
          : name === null
            ? timelineWords.notClaimed
            : asText(String(name)),
      runs: group.length,
      claimed: name !== null,
      open,
    });
    if (!open) continue;
    const keyed = group.map((run) => ({ run, root: rootOf(run, byId, starts) }));
    keyed.sort(
      (one, other) =>
        one.root.start - other.root.start ||
        compare(one.root.id, other.root.id) ||
        one.run.attempt - other.run.attempt ||
        compare(one.run.id, other.run.id),
    );
    keyed.forEach(({ run }, place) => {
      const above = keyed[place - 1]?.run;
      const before = above !== undefined && above.id === run.retryOf ? above : null;
      list.push({ kind: 'run', key: runKey(run.id), run, before });
    });
  }
  const tops = new Float64Array(list.length + 1);
  list.forEach((row, place) => {
    tops[place + 1] = (tops[place] ?? 0) + (row.kind === 'group' ? groupRow : runRow);
  });
  return { list, tops, index: new Map(list.map(({ key }, place) => [key, place])) };
}

/** By number, then by name as people count (worker-2 before worker-10); what belongs to nobody last. */
function byName(one: string | number | null, other: string | number | null): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return collator.compare(String(one), String(other)) || compare(String(one), String(other));
}

const collator = new Intl.Collator('en', { numeric: true });
const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

interface Root {
  readonly id: string;
  readonly start: number;
}

/** The first attempt that is shown, and when it began. Data that runs in a circle ends the walk. */
function rootOf(
  run: TimelineRun,
  byId: ReadonlyMap<string, TimelineRun>,
  starts: Map<string, number>,
): Root {
  let root = run;
  for (let steps = 0; steps < 100; steps += 1) {
    const before = root.retryOf ? byId.get(root.retryOf) : undefined;
    if (!before || before === run) break;
    root = before;
  }
  let start = starts.get(root.id);
  if (start === undefined) starts.set(root.id, (start = root.startedAt ?? root.createdAt));
  return { id: root.id, start };
}

/** The row at a height. */
export function rowAt(tops: Float64Array, height: number): number {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((tops[middle] ?? 0) <= height) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, Math.min(low, tops.length - 2));
}

/** From the first that was made to the last thing that is known, or will be. */
export function extent(
  runs: readonly TimelineRun[],
  now: number,
): { from: number; to: number } | null {
  if (runs.length === 0) return null;
  let from = Infinity;
  let to = -Infinity;
  for (const run of runs) {
    from = Math.min(from, run.createdAt);
    to = Math.max(to, run.endedAt ?? (isOpen(run) ? now : run.createdAt), run.dueAt ?? -Infinity);
  }
  return { from, to: Math.max(to, from + 1) };
}

/** Time still passes for it. */
export const isOpen = (run: TimelineRun) => run.endedAt === null && openStates.has(run.status);
const openStates: ReadonlySet<string> = new Set(['running', 'queued', 'blocked', 'retry']);
