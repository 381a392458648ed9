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
  PageMark,
  Step,
  WaiterId,
} from '../model';
import { silenceMs, sweepAgent } from './agents';
import { ask } from './ask';
import { expireLocks, expireOldRuns, expireSlotWaiters, expireWaiters, sweepLimit } from './expiry';

export function* sweep(_command: CommandOf<'sweep'>, context: Context): Decision<Granted['sweep']> {
  const runs = yield* expireOldRuns(sweepLimit, context);
  let left = sweepLimit - runs.length;
  // A lock that goes is offered, and who does not answer any more goes with the offer.
  const line = yield* ask('lockWaiters', {});
  const locks = yield* expireOldLocks(left, context);
  left -= locks.length;
  yield* expireWaiters((yield* ask('lockWaiters', {})).slice(0, left), context);
  const acquires = missingFrom(line, yield* ask('lockWaiters', {}));
  left = Math.max(0, left - acquires.length);
  const claims = yield* sweepSlotWaiters(left, context);
  left -= claims.length;
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

/** Whether there is anything that the sweep would have to look at: a store at rest is read, and not written. */
export function* isSweepDue(context: Context): Step<boolean> {
  const { now, mono, observer } = context;
  const first = { now, mono, observer, after: null, limit: 1 };
  const seenBefore = now - silenceMs;
  return (
    (yield* ask('expirableRuns', first)).length > 0 ||
    (yield* ask('expirableLocks', first)).length > 0 ||
    (yield* ask('lockWaiters', {})).length > 0 ||
    (yield* ask('slotWaiters', {})).length > 0 ||
    (yield* ask('silentAgents', { seenBefore, limit: 1 })).length > 0
  );
}

/** Page by page: what stands on one may be over on the next. */
function* expireOldLocks(most: number, context: Context): Step<readonly LockId[]> {
  const { now, mono, observer } = context;
  const gone: LockId[] = [];
  let after: PageMark<LockId> | null = null;
  while (gone.length < most) {
    const limit = most - gone.length;
    const page: readonly LockRow[] = yield* ask('expirableLocks', {
      now,
      mono,
      observer,
      after,
      limit,
    });
    gone.push(...missingFrom(page, yield* expireLocks(page, context)));
    if (page.length < limit) break;
    for (const { id, grant } of page) after = { wall: grant.wall, id };
  }
  return gone;
}

function* sweepSlotWaiters(most: number, context: Context): Step<readonly WaiterId[]> {
  const line = (yield* ask('slotWaiters', {})).slice(0, most);
  return missingFrom(line, yield* expireSlotWaiters(line, context));
}

function* sweepAgents(most: number, context: Context): Step<readonly AgentName[]> {
  const gone: AgentName[] = [];
  const silent = yield* ask('silentAgents', { seenBefore: context.now - silenceMs, limit: most });
  for (const { name } of silent) if (yield* sweepAgent(name, context)) gone.push(name);
  return gone;
}

function missingFrom<Id>(
  before: readonly { readonly id: Id }[],
  after: readonly { readonly id: Id }[],
): readonly Id[] {
  const standing = new Set(after.map(({ id }) => id));
  return before.flatMap(({ id }) => (standing.has(id) ? [] : [id]));
}
