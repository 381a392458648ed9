/**
 * Who gets which run, and for how long: claim, heartbeat, slots and the line in front of them (CLAIM-n,
 * LEASE-1, SLOT-n).
 *
 * Contract: a running run is its slot, so there is no count that could leak. A claim is granted only when
 * a slot is free after everybody who has waited longer and could use it.
 */
import type { CommandOf, Context, Decision, Granted, RunRow, Step, WorkflowId } from '../model';

/** What a claim by anybody would give now, without making it: `run next` (CLAIM-7). */
export function nextRun(_workflow: WorkflowId | null, _context: Context): Step<RunRow | null> {
  throw new Error('to be written');
}

export interface SlotState {
  /** The limit; Infinity when it is switched off with 0. */
  readonly slots: number;
  readonly used: number;
}

/** Of the whole store, or of one workflow when it has a limit of its own (SLOT-1). */
export function slotState(_workflow: WorkflowId | null): Step<SlotState> {
  throw new Error('to be written');
}

export function claimRun(
  _command: CommandOf<'run.claim'>,
  _context: Context,
): Decision<Granted['run.claim']> {
  throw new Error('to be written');
}

export function leaveSlotQueue(
  _command: CommandOf<'run.unwait'>,
  _context: Context,
): Decision<Granted['run.unwait']> {
  throw new Error('to be written');
}

export function heartbeatRun(
  _command: CommandOf<'run.heartbeat'>,
  _context: Context,
): Decision<Granted['run.heartbeat']> {
  throw new Error('to be written');
}
