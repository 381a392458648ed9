/** What a task's box and its newest run come to: one state, with the glyph that shows it and its place on the board. */
import type { PanelRun, PanelTask } from '../src/shared/protocol';

export type ItemState =
  | 'error'
  | 'failed'
  | 'lost'
  | 'killed'
  | 'cancelled'
  | 'running'
  | 'doing'
  | 'retry'
  | 'blocked'
  | 'queued'
  | 'pending'
  | 'completed';

/** Answers "what keeps this wave from advancing?", so it is also the order on the board. */
export type Group = 'attention' | 'active' | 'waiting' | 'completed';
export const groups: readonly Group[] = ['attention', 'active', 'waiting', 'completed'];

/** A list on the board: a running run that looks stale needs a person, so it has one of its own. */
export type Bucket = ItemState | 'stale';

interface Look {
  readonly glyph: string;
  readonly group: Group;
}

export const looks: { readonly [Each in Bucket]: Look } = {
  stale: { glyph: 'play-circle', group: 'attention' },
  error: { glyph: 'error', group: 'attention' },
  failed: { glyph: 'error', group: 'attention' },
  lost: { glyph: 'debug-disconnect', group: 'attention' },
  killed: { glyph: 'stop-circle', group: 'attention' },
  cancelled: { glyph: 'circle-slash', group: 'attention' },
  running: { glyph: 'play-circle', group: 'active' },
  doing: { glyph: 'play-circle', group: 'active' },
  retry: { glyph: 'history', group: 'waiting' },
  blocked: { glyph: 'debug-pause', group: 'waiting' },
  queued: { glyph: 'circle-large-outline', group: 'waiting' },
  pending: { glyph: 'issue-draft', group: 'waiting' },
  completed: { glyph: 'pass', group: 'completed' },
};

/** In the order of the board. */
export const buckets = Object.keys(looks) as readonly Bucket[];
export const itemStates = buckets.filter((bucket) => bucket !== 'stale');

/** What the state of a queued run depends on beside its row. */
export interface Surroundings {
  readonly now: number;
  /** One of its dependencies has ended otherwise than completed, and nothing of that chain is live. */
  readonly blocked: boolean;
}

/**
 * A run at work is at work, whatever the box says, and so is one that is to be tried again. Otherwise a box that
 * somebody has moved is a statement about the task, and an empty one says nothing against a run.
 */
export function stateOf(
  task: Pick<PanelTask, 'status'> | null,
  run: PanelRun | null,
  around: Surroundings,
): ItemState {
  if (run?.status === 'running') return 'running';
  if (task && !(run?.status === 'queued' && run.attempt > 1)) {
    if (task.status === 'done') return 'completed';
    if (task.status === 'failed') return 'failed';
    if (task.status === 'doing') return 'doing';
  }
  if (!run) return 'pending';
  if (run.status !== 'queued') return run.status;
  if (around.blocked) return 'blocked';
  return run.notBefore !== null && run.notBefore > around.now ? 'retry' : 'queued';
}

/** No sign of life for longer than the claim allows, and nobody has judged it yet. */
export function isStale(run: PanelRun | null, now: number): boolean {
  return run?.status === 'running' && run.leaseUntil !== null && run.leaseUntil < now;
}

export const isLive = (run: PanelRun): boolean =>
  run.status === 'queued' || run.status === 'running';
