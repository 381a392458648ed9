/**
 * When waiting for runs is over (WAIT-n). Pure, over what the caller has seen: it subscribes before the first
 * look, asks after every event that concerns one of the runs, and every 5 s for the net.
 */
import type { Refusal, RunId, RunRow, RunSnapshot } from '../model';

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

export function awaitVerdict(_ask: AwaitAsk, _chains: AwaitedChains): AwaitVerdict {
  throw new Error('to be written');
}
