/**
 * Tidies what nobody has touched (LEASE-10). No rule relies on it: whoever relies on a row judges it first.
 *
 * Contract: at most `sweepLimit` rows go in one transaction, so that no writer waits long.
 */
import type {
  AgentName,
  CommandOf,
  Context,
  Decision,
  Granted,
  LockId,
  LockRow,
  SlotWaiterRow,
  Step,
  WaiterId,
  WaiterRow,
} from '../model';
import { silenceMs, sweepAgent } from './agents';
import { ask } from './ask';
import {
  expireLocks,
  expireOldRuns,
  expireSlotWaiters,
  expireWaiters,
  sweepLimit,
  sweepPage,
} from './expiry';

export function* sweep(_command: CommandOf<'sweep'>, context: Context): Decision<Granted['sweep']> {
  const runs = yield* expireOldRuns(sweepLimit, context);
  let left = sweepLimit - runs.length;
  const locks = yield* expireOldLocks(left, context);
  left -= locks.length;
  const claims = yield* dropSilent(yield* ask('slotWaiters', {}), expireSlotWaiters, left, context);
  left -= claims.length;
  const acquires = yield* dropSilent(yield* ask('lockWaiters', {}), expireWaiters, left, context);
  left -= acquires.length;
  const agents = yield* sweepAgents(left, context);
  left -= agents.length;
  return {
    facts: {
      lost: runs.flatMap(({ id, status }) => (status === 'lost' ? [id] : [])),
      killed: runs.flatMap(({ id, status }) => (status === 'killed' ? [id] : [])),
      locks,
      waiters: [...claims, ...acquires],
      agents,
      more: left === 0,
    },
    changes: [],
    events: [],
  };
}

function* expireOldLocks(most: number, context: Context): Step<readonly LockId[]> {
  const { now, observer } = context;
  const gone: LockId[] = [];
  let after: LockId | null = null;
  for (;;) {
    const page: readonly LockRow[] = yield* ask('expirableLocks', {
      now,
      observer,
      after,
      limit: sweepPage,
    });
    for (const lock of page) {
      if (gone.length === most) return gone;
      if ((yield* expireLocks([lock], context)).length === 0) gone.push(lock.id);
      after = lock.id;
    }
    if (page.length < sweepPage) return gone;
  }
}

/** One by one, so that the limit holds. */
function* dropSilent<Row extends SlotWaiterRow | WaiterRow>(
  line: readonly Row[],
  expire: (line: readonly Row[], context: Context) => Step<readonly Row[]>,
  most: number,
  context: Context,
): Step<readonly WaiterId[]> {
  const gone: WaiterId[] = [];
  for (const waiter of line) {
    if (gone.length === most) break;
    if ((yield* expire([waiter], context)).length === 0) gone.push(waiter.id);
  }
  return gone;
}

function* sweepAgents(most: number, context: Context): Step<readonly AgentName[]> {
  const gone: AgentName[] = [];
  const silent = yield* ask('silentAgents', { seenBefore: context.now - silenceMs, limit: most });
  for (const { name } of silent) if (yield* sweepAgent(name, context)) gone.push(name);
  return gone;
}
