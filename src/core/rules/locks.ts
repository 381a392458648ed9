/**
 * Cooperative locks: who may read or write what, the line of those who wait, and offers (LOCK-n).
 *
 * Contract: no two locks of different agents stand whose keys overlap and of which one writes. A refused
 * acquire changes no lock. Every waiter is offered, granted, or dropped with an answer.
 */
import type {
  AgentName,
  CommandOf,
  Context,
  Decision,
  Granted,
  LockKey,
  LockMode,
  LockRow,
  Step,
} from '../model';
import type { Part } from './runs';

export const defaultTtlMs = 30 * 60_000;
export const mostTtlMs = 24 * 60 * 60_000;
export const renewalMs = 30_000;
export const offerMs = 10_000;

/** Pure: may both stand at once? Of one agent's own locks, always (LOCK-2). */
export function compatible(
  _one: LockKey & { readonly mode: LockMode; readonly agent: AgentName },
  _other: LockKey & { readonly mode: LockMode; readonly agent: AgentName },
): boolean {
  throw new Error('to be written');
}

/** Drops locks and offers what they covered to the next compatible waiters (LOCK-11). */
export function freeLocks(
  _locks: readonly LockRow[],
  _why: 'released' | 'broken',
  _reason: string | null,
  _context: Context,
): Step<Part> {
  throw new Error('to be written');
}

/** Makes offers to those at the head of the line whose requests nothing blocks any more (LOCK-11). */
export function offerNext(_freed: readonly LockKey[], _context: Context): Step<void> {
  throw new Error('to be written');
}

/** Drops every lock and waiter of an agent: it has left, or was swept (AGENT-4). */
export function releaseAll(_agent: AgentName, _context: Context): Step<Part> {
  throw new Error('to be written');
}

export function acquireLocks(
  _command: CommandOf<'lock.acquire'>,
  _context: Context,
): Decision<Granted['lock.acquire']> {
  throw new Error('to be written');
}

export function releaseLocks(
  _command: CommandOf<'lock.release'>,
  _context: Context,
): Decision<Granted['lock.release']> {
  throw new Error('to be written');
}

export function leaveLockQueue(
  _command: CommandOf<'lock.unwait'>,
  _context: Context,
): Decision<Granted['lock.unwait']> {
  throw new Error('to be written');
}

export function breakLock(
  _command: CommandOf<'lock.break'>,
  _context: Context,
): Decision<Granted['lock.break']> {
  throw new Error('to be written');
}

export function verifyLocks(
  _command: CommandOf<'lock.verify'>,
  _context: Context,
): Decision<Granted['lock.verify']> {
  throw new Error('to be written');
}
