/**
 * When a lease or lock is over, judged by evidence (LEASE-2 … LEASE-9, LOCK-6, STOP-3, STOP-4), and the
 * sweep. Every rule that relies on a row's being alive calls one of `expire…` on it first; the sweep only
 * tidies what nobody has touched.
 *
 * Contract: an expiry is a `Write` with its own event and evidence. It compares the row as it was read with
 * the row as it is (run, epoch, beat), so a heartbeat in flight wins.
 */
import type {
  Beat,
  CommandOf,
  Context,
  Decision,
  Evidence,
  Granted,
  LockRow,
  ProcessIdentity,
  RunRow,
  SightingRow,
  SlotWaiterRow,
  Step,
  WaiterRow,
} from '../model';

export const defaultGraceMs = 10_000;
export const sweepLimit = 500;

export function beatNow(context: Context): Beat {
  return {
    host: context.host,
    bootId: context.bootId,
    mono: context.mono,
    wall: context.now,
    server: context.server,
  };
}

export interface Term {
  /** `run:ID`, `stop:ID`, `timeout:ID`, `lock:ID`, `waiter:ID` or `slot:ID`. */
  readonly subject: string;
  readonly beat: Beat;
  readonly ttlMs: number;
  /** Judged before any clock; null when there is none to judge. */
  readonly process: ProcessIdentity | null;
  /** What another boot of the same host means: over at once, or one fresh term from the first sighting. */
  readonly afterReboot: 'over' | 'fresh';
}

export type Judgement =
  | { readonly over: false; readonly remainingMs: number; readonly sight: SightingRow | null }
  | { readonly over: true; readonly evidence: Evidence };

/** Pure: is this over for this observer? `sight` is a first sighting that has to be written. */
export function judge(_term: Term, _sighting: SightingRow | null, _context: Context): Judgement {
  throw new Error('to be written');
}

/** Asks for the sighting, judges, and writes a first sighting. */
export function judged(_term: Term, _context: Context): Step<Judgement> {
  throw new Error('to be written');
}

/** The run as it is after its lease, timeout and stop grace have been judged; expired ones are ended. */
export function expireRun(_run: RunRow, _context: Context): Step<RunRow> {
  throw new Error('to be written');
}

/** Those of the locks that still stand. */
export function expireLocks(
  _locks: readonly LockRow[],
  _context: Context,
): Step<readonly LockRow[]> {
  throw new Error('to be written');
}

/** Those of the waiters that have renewed in time; passes on offers that were not taken. */
export function expireWaiters(
  _waiters: readonly WaiterRow[],
  _context: Context,
): Step<readonly WaiterRow[]> {
  throw new Error('to be written');
}

export function expireSlotWaiters(
  _waiters: readonly SlotWaiterRow[],
  _context: Context,
): Step<readonly SlotWaiterRow[]> {
  throw new Error('to be written');
}

export function sweep(_command: CommandOf<'sweep'>, _context: Context): Decision<Granted['sweep']> {
  throw new Error('to be written');
}
