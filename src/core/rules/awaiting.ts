/**
 * When waiting for runs is over (WAIT-n). Pure, over what the caller has seen: it subscribes before the first
 * look, asks after every event that concerns one of the runs, and every 5 s for the net.
 */
import type { Refusal, RunId, RunRow, RunSnapshot } from '../model';
import { chainState } from './retries';

export const recheckMs = 5_000;

export interface AwaitAsk {
  readonly ids: readonly RunId[];
  readonly mode: 'any' | 'all';
  /** These very attempts, not their chains. */
  readonly attempt: boolean;
  readonly deadlineReached: boolean;
}

/** Every chain that an awaited id belongs to, oldest attempt first, archive included; absent means unknown. */
export type AwaitedChains = ReadonlyMap<RunId, readonly RunRow[]>;

export type AwaitVerdict =
  | { readonly over: false; readonly runs: readonly RunSnapshot[] }
  | {
      readonly over: true;
      readonly runs: readonly RunSnapshot[];
      readonly refusal: Refusal | null;
    };

export function awaitVerdict(ask: AwaitAsk, chains: AwaitedChains): AwaitVerdict {
  const seen = ask.ids.map((id) => look(id, chains.get(id) ?? [], ask.attempt));
  const runs = seen.map(({ snapshot }) => snapshot);
  const ended = seen.filter(({ snapshot }) => snapshot.ended);
  const decisive = ask.mode === 'all' ? seen : firstOf(ended);
  const over = ask.mode === 'all' ? ended.length === seen.length : ended.length > 0;
  if (over) return { over, runs, refusal: failure(decisive, runs) };
  if (!ask.deadlineReached) return { over, runs };
  const message = `The deadline came while ${runs.length - ended.length} of ${runs.length} runs had not ended.`;
  return { over: true, runs, refusal: { code: 'timeout', message, retryAfterMs: recheckMs, runs } };
}

interface Seen {
  readonly snapshot: RunSnapshot;
  /** Nobody knows when an unknown run ended; any known end came before. */
  readonly endedAt: number;
}

function look(id: RunId, chain: readonly RunRow[], attemptOnly: boolean): Seen {
  const attempts = attemptOnly ? chain.filter((run) => run.id === id) : chain;
  const state = chainState(attempts);
  if (state === null) {
    const snapshot = {
      id,
      status: 'unknown',
      attempt: null,
      ended: true,
      satisfied: false,
    } as const;
    return { snapshot, endedAt: Infinity };
  }
  const decisive = attempts.find(({ status }) => status === 'completed') ?? state.newest;
  return {
    snapshot: {
      id,
      status: decisive.status,
      attempt: decisive.id,
      ended: state.status !== 'live',
      satisfied: state.status === 'satisfied',
    },
    endedAt: decisive.endedAt ?? Infinity,
  };
}

/** The first that ended; of those that ended at once, the first that was asked for. */
function firstOf(ended: readonly Seen[]): readonly Seen[] {
  return [...ended].sort((one, other) => one.endedAt - other.endedAt).slice(0, 1);
}

function failure(decisive: readonly Seen[], runs: readonly RunSnapshot[]): Refusal | null {
  const failed = decisive.filter(({ snapshot }) => !snapshot.satisfied);
  if (failed.length === 0) return null;
  const names = failed.map(({ snapshot: { id, status } }) => `${id} (${status})`).join(', ');
  return { code: 'run_failed', message: `Not completed: ${names}.`, runs };
}
