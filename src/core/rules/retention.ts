/**
 * What leaves the live store for the archive (KEEP-n).
 *
 * Contract: a run is dropped only when the caller says that it is durable in the archive, and only if it may
 * still go: what a live run refers to stays, also when the reference came after the choice.
 */
import type { CommandOf, Context, Decision, Granted } from '../model';

export const runsAStep = 500;

export function retentionStep(
  _command: CommandOf<'retention.step'>,
  _context: Context,
): Decision<Granted['retention.step']> {
  throw new Error('to be written');
}
