/** What the locks of a store come to: how each stands, who waits for it in which order, and circles. Pure. */
import type { PanelLock, PanelWaiter } from '../src/shared/protocol';
import type { StoreRows } from './model';

export type LockState = 'stale' | 'held' | 'mine' | 'offered' | 'guard';
export const lockStates: readonly LockState[] = ['stale', 'held', 'mine', 'offered', 'guard'];

export interface LockLine {
  readonly key: string;
  readonly state: LockState;
  readonly resource: string;
  readonly mode: 'read' | 'write';
  readonly holder: string;
  readonly since: number;
  /** Null is for as long as the holder says so. */
  readonly until: number | null;
  readonly ttlMs: number;
  /** Null for what is offered and held by nobody. */
  readonly lock: PanelLock | null;
  /** First come, first. */
  readonly waiters: readonly PanelWaiter[];
}

export function lockLines(rows: StoreRows, now: number): LockLine[] {
  const waitersOf = new Map<string, PanelWaiter[]>();
  const lines: LockLine[] = [];
  for (const waiter of rows.waiters.values()) {
    const inTheWay = waiter.on.filter((id) => rows.locks.has(id));
    for (const id of inTheWay) waitersOf.set(id, [...(waitersOf.get(id) ?? []), waiter]);
    if (waiter.offerUntil === null || inTheWay.length > 0) continue;
    for (const { resource, mode } of waiter.wants) {
      lines.push({
        key: `${waiter.id} ${resource}`,
        state: 'offered',
        resource,
        mode,
        holder: waiter.agent,
        since: waiter.since,
        until: waiter.offerUntil,
        ttlMs: Math.max(1, waiter.offerUntil - waiter.since),
        lock: null,
        waiters: [waiter],
      });
    }
  }
  for (const lock of rows.locks.values()) {
    lines.push({
      key: lock.id,
      state: stateOfLock(lock, now),
      resource: lock.resource,
      mode: lock.mode,
      holder: lock.agent,
      since: lock.since,
      until: lock.expiresAt,
      ttlMs: lock.ttlMs,
      lock,
      waiters: waitersOf.get(lock.id) ?? [],
    });
  }
  return lines.sort(
    (one, other) =>
      lockStates.indexOf(one.state) - lockStates.indexOf(other.state) ||
      other.waiters.length - one.waiters.length ||
      (one.resource < other.resource ? -1 : one.resource > other.resource ? 1 : 0),
  );
}

function stateOfLock(lock: PanelLock, now: number): LockState {
  if (lock.kind === 'guard') return 'guard';
  if (lock.expiresAt !== null && lock.expiresAt <= now) return 'stale';
  return lock.mine ? 'mine' : 'held';
}

/** Agents that wait for one another in a circle, or null: the store lets nobody close one, so this is a last look. */
export function circleOfWaits(rows: StoreRows): readonly string[] | null {
  const waits = new Map<string, Set<string>>();
  for (const { agent, on } of rows.waiters.values())
    for (const id of on) {
      const holder = rows.locks.get(id)?.agent;
      if (holder === undefined || holder === agent) continue;
      const known = waits.get(agent);
      if (known) known.add(holder);
      else waits.set(agent, new Set([holder]));
    }
  const done = new Set<string>();
  for (const start of waits.keys()) {
    if (done.has(start)) continue;
    const path: string[] = [];
    const onPath = new Set<string>();
    // Each step goes deeper or comes back; what was left behind is never gone into again.
    const stack: Iterator<string>[] = [[start][Symbol.iterator]()];
    while (stack.length > 0) {
      const next = stack.at(-1)?.next();
      if (!next || next.done === true) {
        stack.pop();
        const left = path.pop();
        if (left !== undefined) onPath.delete(left);
        continue;
      }
      const agent = next.value;
      if (onPath.has(agent)) return [...path.slice(path.indexOf(agent)), agent];
      if (done.has(agent)) continue;
      done.add(agent);
      path.push(agent);
      onPath.add(agent);
      stack.push((waits.get(agent) ?? new Set<string>()).values());
    }
  }
  return null;
}
