/**
 * The line in front of locks: who is in whose way, who waits for whom, and whose turn it is (LOCK-9 … LOCK-14).
 *
 * Contract: what is over is expired before it is looked at, so nothing here ever waits for a sweep. Whoever
 * stands in line keeps those who come later from what conflicts, whether it has been offered or not; an offer
 * wakes the waiter and shortens the time that the others have to wait for it.
 */
import type {
  AgentName,
  Context,
  LockArea,
  LockId,
  LockKey,
  LockMode,
  LockRow,
  NewEvent,
  RowChange,
  Step,
  WaiterId,
  WaiterRow,
  WaitsFor,
} from '../model';
import { ask, write } from './ask';
import { cycleOfWaits } from './deadlock';
import { beatNow, expireLocks, expireWaiters } from './expiry';
import { areaOf, overlap, sameKey } from './lockKeys';
import type { Part } from './runs';

export const renewalMs = 30_000;
export const offerMs = 10_000;

export interface Wanted extends LockKey {
  readonly mode: LockMode;
}

/** Pure: may both stand at once? Of one agent's own locks, always (LOCK-2). */
export function compatible(
  one: Wanted & { readonly agent: AgentName },
  other: Wanted & { readonly agent: AgentName },
): boolean {
  return (
    one.agent === other.agent ||
    (one.mode === 'read' && other.mode === 'read') ||
    !overlap(one, other)
  );
}

/* ------------------------------------------------------------------ what is in the way */

/** Somebody who wants all of these; `id` is its place in line, if it has one. */
export interface Asker<Request extends Wanted> {
  readonly id: WaiterId | null;
  readonly agent: AgentName;
  readonly requests: readonly Request[];
}

/** One request, what the asker holds of it, and what keeps it from being granted. */
export interface Standing<Request extends Wanted> {
  readonly request: Request;
  readonly own: LockRow | null;
  readonly locks: readonly LockRow[];
  /** Those ahead in line; first come, first. */
  readonly waiters: readonly WaiterRow[];
}

/** What this transaction is about to do with rows that still are as they were. */
interface Pending {
  /** To be dropped: in nobody's way any more. */
  readonly locks: ReadonlySet<LockId>;
  readonly waiters: ReadonlySet<WaiterId>;
  /** To be offered their turn. */
  readonly offered: ReadonlySet<WaiterId>;
}

const nothingPending: Pending = { locks: new Set(), waiters: new Set(), offered: new Set() };

/** How each of its requests stands, once everything that is over has been expired. */
export function* standingOf<Request extends Wanted>(
  asker: Asker<Request>,
  context: Context,
  pending = nothingPending,
): Step<readonly Standing<Request>[]> {
  const standings: Standing<Request>[] = [];
  for (const request of asker.requests) {
    const area = areaOf(request);
    const locks = yield* expireLocks(yield* ask('locksNear', area), context);
    const waiters = yield* waitersIn(area, context);
    const place = waiters.findIndex(({ id }) => id === asker.id);
    const ahead = place < 0 ? waiters : waiters.slice(0, place);
    standings.push(
      inTheWay(
        request,
        asker.agent,
        locks.filter(({ id }) => !pending.locks.has(id)),
        ahead.filter(({ id }) => !pending.waiters.has(id)),
        ({ id, offer }) => offer !== null || pending.offered.has(id),
      ),
    );
  }
  return standings;
}

/** With the offers that they have now: one who falls silent brings the next its turn. */
function* waitersIn(area: LockArea, context: Context): Step<readonly WaiterRow[]> {
  const near = yield* ask('waitersNear', area);
  const present = yield* expireWaiters(near, context);
  return present.length === near.length ? near : yield* ask('waitersNear', area);
}

/**
 * What it holds already is only refreshed, whoever waits for it. Nor does an upgrade wait in line: those there
 * wait for the very lock that it has, or behind one who does (LOCK-3). But a reader whose turn it is waits for
 * nobody, and is not overtaken (LOCK-11).
 */
function inTheWay<Request extends Wanted>(
  request: Request,
  agent: AgentName,
  near: readonly LockRow[],
  ahead: readonly WaiterRow[],
  hasTurn: (waiter: WaiterRow) => boolean,
): Standing<Request> {
  const own = near.find((lock) => lock.agent === agent && sameKey(lock, request)) ?? null;
  if (own && !isUpgrade(own, request)) return { request, own, locks: [], waiters: [] };
  const wanted = { ...request, agent };
  const locks = near.filter((lock) => !compatible(lock, wanted));
  const waiters = ahead.filter(
    (waiter) => !letsPass(waiter, wanted) && (own === null || hasTurn(waiter)),
  );
  return { request, own, locks, waiters };
}

export function isUpgrade(own: LockRow, request: Wanted): boolean {
  return own.mode === 'read' && request.mode === 'write';
}

function letsPass(
  { agent, requests }: WaiterRow,
  wanted: Wanted & { readonly agent: AgentName },
): boolean {
  return requests.every((request) => compatible({ ...request, agent }, wanted));
}

export function isFree(standings: readonly Standing<Wanted>[]): boolean {
  return standings.every(({ locks, waiters }) => locks.length === 0 && waiters.length === 0);
}

/* ------------------------------------------------------------------ who waits for whom */

/** The circle that the asker would close by waiting, or null; follows only who can be part of one. */
export function* circleOf(
  asker: Asker<Wanted>,
  standings: readonly Standing<Wanted>[],
  context: Context,
): Step<readonly WaitsFor[] | null> {
  const edges = waitsOf(asker.agent, standings);
  const followed = new Set([asker.agent]);
  // The list is walked while it grows.
  for (const { holder } of edges) {
    if (followed.has(holder)) continue;
    followed.add(holder);
    const waiters = yield* expireWaiters(yield* ask('waitersOf', { agent: holder }), context);
    for (const waiter of waiters) {
      edges.push(...waitsOf(holder, yield* standingOf(waiter, context)));
    }
  }
  return cycleOfWaits(edges, asker.agent);
}

function waitsOf(agent: AgentName, standings: readonly Standing<Wanted>[]): WaitsFor[] {
  return standings.flatMap(({ request: { resource }, locks, waiters }) =>
    [...locks, ...waiters].map(({ agent: holder }) => ({ agent, resource, holder })),
  );
}

/* ------------------------------------------------------------------ letting go, and whose turn it is */

/** Rows that go, and the events that say why. */
export interface Leaving {
  readonly locks: readonly LockRow[];
  readonly waiters: readonly WaiterRow[];
  readonly events: readonly NewEvent[];
}

/** Drops them, and offers what they covered to those who are next (LOCK-11). */
export function* letGo({ locks, waiters, events }: Leaving, context: Context): Step<Part> {
  const gone = {
    locks: new Set(locks.map(({ id }) => id)),
    waiters: new Set(waiters.map(({ id }) => id)),
  };
  const freed = [...locks, ...waiters.flatMap(({ requests }) => requests)];
  const offers = yield* offersOf(freed, gone, context);
  return {
    changes: [...locks.flatMap(lockGone), ...waiters.flatMap(waiterGone), ...offers.changes],
    events: [...events, ...offers.events],
  };
}

/** The same, for what is over whatever becomes of the command that has found it. */
export function* dropAndOffer(leaving: Leaving, context: Context): Step<void> {
  const { locks, waiters, events } = leaving;
  if (events.length === 0) return;
  // Dropped before anything else is looked at: who is next may lead back to these rows.
  yield* write([...locks.flatMap(lockGone), ...waiters.flatMap(waiterGone)], events);
  const freed = [...locks, ...waiters.flatMap(({ requests }) => requests)];
  const offers = yield* offersOf(freed, nothingPending, context);
  yield* write(offers.changes, offers.events);
}

/** Drops every lock and waiter of an agent (AGENT-4, LOCK-12). */
export function* releaseAll(
  agent: AgentName,
  why: 'withdrawn' | 'agent-left',
  context: Context,
): Step<Part> {
  const locks = yield* expireLocks(yield* ask('locksOf', { agent }), context);
  const waiters = yield* expireWaiters(yield* ask('waitersOf', { agent }), context);
  const dropped = waiters.map((waiter) => waiterDropped(waiter, why));
  return yield* letGo(
    { locks, waiters, events: [...locks.map(lockReleased), ...dropped] },
    context,
  );
}

export function lockReleased({ id, agent, resource }: LockRow): NewEvent {
  return { kind: 'lock.released', resource, data: { lock: id, agent } };
}

export function waiterDropped(
  { id, agent }: WaiterRow,
  why: 'silent' | 'withdrawn' | 'agent-left' | 'deadlock',
): NewEvent {
  return { kind: 'lock.dropped', data: { waiter: id, agent, why } };
}

function lockGone({ id }: LockRow): RowChange[] {
  return [
    { drop: 'lock', id },
    { drop: 'sightings', subject: `lock:${id}` },
  ];
}

/** Also for one that has come to its turn. */
export function waiterGone({ id }: WaiterRow): RowChange[] {
  return [
    { drop: 'waiter', id },
    { drop: 'sightings', subject: `waiter:${id}` },
    { drop: 'sightings', subject: `offer:${id}` },
  ];
}

/** Offers for those who waited for any of this and whom nothing is in the way of any more, first come first. */
function* offersOf(
  freed: readonly LockKey[],
  gone: Omit<Pending, 'offered'>,
  context: Context,
): Step<Part> {
  const offered = new Set<WaiterId>();
  const changes: RowChange[] = [];
  const events: NewEvent[] = [];
  for (const waiter of yield* expireWaiters(yield* ask('lockWaiters', {}), context)) {
    const isConcerned = waiter.requests.some((request) =>
      freed.some((key) => overlap(request, key)),
    );
    if (!isConcerned || gone.waiters.has(waiter.id)) continue;
    if (!isFree(yield* standingOf(waiter, context, { ...gone, offered }))) continue;
    // As it is now: what was expired on the way may have brought it its offer already.
    const present = yield* ask('lockWaiter', { id: waiter.id });
    if (present?.offer !== null) continue;
    const row: WaiterRow = { ...present, offer: { made: beatNow(context), ttlMs: offerMs } };
    offered.add(row.id);
    changes.push({ put: 'waiter', row });
    events.push({ kind: 'lock.offered', about: row.agent, data: { row } });
  }
  return { changes, events };
}
