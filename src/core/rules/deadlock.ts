/** Who waits for whom, and whether that closes a circle (LOCK-13). Pure, linear in edges. */
import type { AgentName, WaitsFor } from '../model';

/** The circle that begins and ends at `from`, or null. */
export function cycleOfWaits(
  _edges: readonly WaitsFor[],
  _from: AgentName,
): readonly WaitsFor[] | null {
  throw new Error('to be written');
}
