/** New attempts after failed ones, by rule or by hand (RETRY-n). Contract: a chain has at most one live run. */
import type { CommandOf, Context, Decision, Granted, RunRow, Step } from '../model';
import { ask } from './ask';
import { expireRun } from './expiry';
import { knownRuns, unmetOf } from './links';
import {
  aboutRun,
  invalidTransition,
  isEnded,
  liveRunOfTask,
  newRun,
  presentRun,
  taskBusy,
  type Part,
} from './runs';
import { stillNeeded } from './tasks';

/** The part of the delay that chance adds or takes away. */
const jitter = 0.2;
export const mostAttempts = 100;

/** now + min(cap, base·2ⁿ) ± jitter, n failures so far before this one; never before now (RETRY-1). */
export function notBeforeOf(
  { attempt, backoff }: Pick<RunRow, 'attempt' | 'backoff'>,
  context: Pick<Context, 'now' | 'random'>,
): number {
  const delay = Math.min(backoff.capMs, backoff.baseMs * 2 ** (attempt - 1));
  return context.now + Math.round(delay * (1 - jitter + 2 * jitter * context.random()));
}

/** The row of the next attempt; the caller puts it and its events. */
export function nextAttempt(run: RunRow, automatic: boolean, context: Context): RunRow {
  return newRun(
    {
      id: context.newRunId(),
      title: run.title,
      parent: run.parent,
      dependsOn: run.dependsOn,
      unmet: run.unmet,
      workflow: run.workflow,
      wave: run.wave,
      task: run.task,
      priority: run.priority,
      attempt: run.attempt + 1,
      maxAttempts: run.maxAttempts,
      backoff: run.backoff,
      notBefore: automatic ? notBeforeOf(run, context) : null,
      timeoutMs: run.timeoutMs,
      retryOf: run.id,
      root: run.root,
      handoff: run.handoff,
      links: run.links,
    },
    context,
  );
}

/** Says that `next` follows the ended `run`. */
export function retriedAs(
  next: RunRow,
  run: RunRow,
  how: { readonly automatic: boolean; readonly reason: string | null },
): Part {
  const { id, attempt, notBefore } = next;
  return {
    changes: [{ put: 'run', row: next }],
    events: [
      { kind: 'run.created', ...aboutRun(next), data: { row: next } },
      { kind: 'run.retried', ...aboutRun(run), data: { next: id, attempt, notBefore, ...how } },
    ],
  };
}

/**
 * What an end leads to: after a failure of its own making the next attempt, while some are left (RETRY-2,
 * RETRY-3). Somebody who asked a run to stop does not want it again, whatever it then ended as.
 */
export function afterFailure(
  ended: RunRow,
  context: Context,
): { readonly retry: RunRow | null; readonly exhausted: boolean } {
  const { status, error, stop, attempt, maxAttempts } = ended;
  const timedOut = status === 'killed' && error?.code === 'timeout';
  const failed = status === 'error' || status === 'lost' || timedOut;
  if (!failed || stop !== null) return { retry: null, exhausted: false };
  return attempt < maxAttempts
    ? { retry: nextAttempt(ended, true, context), exhausted: false }
    : { retry: null, exhausted: true };
}

export interface ChainState {
  readonly newest: RunRow;
  readonly status: 'live' | 'satisfied' | 'failed';
  /** Failed, and every attempt that rules may make is used. */
  readonly exhausted: boolean;
}

/** Pure: what a chain of attempts amounts to, oldest first; null for an empty one (RETRY-4). */
export function chainState(attempts: readonly RunRow[]): ChainState | null {
  const newest = attempts.at(-1);
  if (newest === undefined) return null;
  const satisfied = attempts.some((run) => run.status === 'completed');
  const live = attempts.some((run) => run.status === 'queued' || run.status === 'running');
  return {
    newest,
    status: satisfied ? 'satisfied' : live ? 'live' : 'failed',
    exhausted: !satisfied && !live && newest.attempt >= newest.maxAttempts,
  };
}

/** Every attempt, oldest first, live store and archive; the chain of any of its members. */
export function* chainOf({ root }: Pick<RunRow, 'root'>): Step<readonly RunRow[]> {
  const archived = yield* ask('archivedChain', { root });
  const present = yield* ask('chain', { root });
  return [...archived, ...present].sort((one, other) => one.attempt - other.attempt);
}

export function newer(one: RunRow, other: RunRow): RunRow {
  return other.attempt > one.attempt ? other : one;
}

export function* retryRun(
  command: CommandOf<'run.retry'>,
  context: Context,
): Decision<Granted['run.retry']> {
  const found = yield* presentRun(command.run, context);
  if ('code' in found) return found;
  const { row } = found;
  const chain = yield* presentChain(row, context);
  const completed = chain.find(({ status }) => status === 'completed');
  if (completed) return invalidTransition(completed, 'be retried');
  if (row.task !== null) {
    const busy = yield* liveRunOfTask(row.workflow, row.task, context);
    if (busy) return taskBusy(row.task, busy);
  }
  const live = chain.find(({ status }) => !isEnded(status));
  if (live) return invalidTransition(live, 'be retried');
  const newest = chain.reduce(newer, row);
  if (newest.attempt >= mostAttempts) {
    const { id, attempt, maxAttempts } = newest;
    return {
      code: 'too_many_retries',
      message: `Run ${id} is attempt ${attempt}; nobody makes more. Find out why it fails and create a new run.`,
      run: id,
      attempt,
      maxAttempts,
    };
  }
  const dependsOn = yield* stillNeeded(newest.dependsOn);
  const unmet = yield* unmetOf(dependsOn, yield* knownRuns(dependsOn));
  const next = { ...nextAttempt(newest, false, context), dependsOn, unmet };
  const { changes, events } = retriedAs(next, newest, {
    automatic: false,
    reason: command.reason ?? null,
  });
  return { facts: { run: next }, changes, events };
}

/** The chain after its running attempt, if any, has been judged; that may have added the next one. */
function* presentChain(run: RunRow, context: Context): Step<readonly RunRow[]> {
  for (const attempt of yield* chainOf(run)) yield* expireRun(attempt, context);
  return yield* chainOf(run);
}
