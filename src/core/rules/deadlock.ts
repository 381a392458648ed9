/** Who waits for whom, and whether that closes a circle (LOCK-13). Pure, linear in edges. */
import type { AgentName, WaitsFor } from '../model';

/** The shortest circle that begins and ends at `from`, or null. */
export function cycleOfWaits(
  edges: readonly WaitsFor[],
  from: AgentName,
): readonly WaitsFor[] | null {
  const waits = new Map<AgentName, WaitsFor[]>();
  for (const edge of edges) {
    const known = waits.get(edge.agent);
    if (known) known.push(edge);
    else waits.set(edge.agent, [edge]);
  }
  // How each agent was first come to; a map yields what is added while it is walked.
  const came = new Map<AgentName, WaitsFor | undefined>([[from, undefined]]);
  for (const [agent, way] of came) {
    for (const edge of waits.get(agent) ?? []) {
      if (edge.holder === from) return pathTo(edge, way, came);
      if (!came.has(edge.holder)) came.set(edge.holder, edge);
    }
  }
  return null;
}

function pathTo(
  last: WaitsFor,
  before: WaitsFor | undefined,
  came: ReadonlyMap<AgentName, WaitsFor | undefined>,
): readonly WaitsFor[] {
  const path = [last];
  for (let way = before; way; way = came.get(way.agent)) path.push(way);
  return path.reverse();
}
