/** New attempts after failed ones, by rule or by hand (RETRY-n). Contract: a chain has at most one live run. */
import type { CommandOf, Context, Decision, Granted, RunRow, Step } from '../model';

/** now + min(cap, base·2ⁿ) ± jitter, n failures so far before this one; never before now (RETRY-1). */
export function notBeforeOf(
  _run: Pick<RunRow, 'attempt' | 'backoff'>,
  _context: Pick<Context, 'now' | 'random'>,
): number {
  throw new Error('to be written');
}

/** The row of the next attempt; the caller puts it and its events. */
export function nextAttempt(_run: RunRow, _automatic: boolean, _context: Context): RunRow {
  throw new Error('to be written');
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

/** Live store first, then archive; the chain of any of its members. */
export function chainOf(_run: RunRow): Step<readonly RunRow[]> {
  throw new Error('to be written');
}

export function retryRun(
  _command: CommandOf<'run.retry'>,
  _context: Context,
): Decision<Granted['run.retry']> {
  throw new Error('to be written');
}
