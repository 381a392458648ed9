/**
 * Cooperative locks: who may read or write what (LOCK-n). The line of those who wait is in `lockLine.ts`.
 *
 * Contract: no two locks of different agents stand whose keys overlap and of which one writes. A refused
 * acquire changes no lock. Every waiter is offered, granted, or dropped with an answer.
 */
import type {
  Changes,
  CommandOf,
  ContentHash,
  Context,
  Decision,
  Denial,
  FileConflict,
  Granted,
  GrantedLock,
  HeldLock,
  LockKey,
  LockRow,
  NewEvent,
  Refusal,
  RefusalOf,
  RowChange,
  Step,
  WaiterId,
  WaiterRow,
} from '../model';
import { speaker } from './agents';
import { ask, write } from './ask';
import { beatNow, expireLocks, expireWaiters } from './expiry';
import { numberSetting } from './limits';
import { areaOf, covers, parseKey, sameKey } from './lockKeys';
import {
  circleOf,
  isFree,
  isUpgrade,
  letGo,
  lockReleased,
  dropAndOffer,
  releaseAll,
  standingOf,
  waiterDropped,
  waiterGone,
  type Standing,
  type Wanted,
} from './lockLine';
import { unchanged } from './runs';

export const mostTtlMs = 24 * 60 * 60_000;
/** Well within an offer, so that whoever waits takes its turn also when it missed the news. */
export const retryAfterMs = 5_000;

/** A wish by its key; `hash` is undefined when the asker has not looked. */
interface Wish extends Wanted {
  readonly hash: ContentHash | null | undefined;
}

/* ------------------------------------------------------------------ resources as they are said */

type Place = Pick<CommandOf<'lock.break'>, 'worktree' | 'shared'>;

function keyOf(
  resource: string,
  { worktree, shared = false }: Place,
  path: string,
  { caseFold }: Context,
): LockKey | RefusalOf<'bad_input'> {
  const key = parseKey(resource, { worktree, shared, caseFold });
  return 'problem' in key ? { code: 'bad_input', message: key.problem, path } : key;
}

/** Each resource once, in order; of two wishes for one, writing beats reading (LOCK-5). */
function wishesOf(
  command: CommandOf<'lock.acquire' | 'lock.verify'>,
  context: Context,
): readonly Wish[] | RefusalOf<'bad_input'> {
  const wishes = new Map<string, Wish>();
  for (const [index, { resource, mode = 'write', hash }] of command.wishes.entries()) {
    const key = keyOf(resource, command, `wishes[${index}].resource`, context);
    if ('code' in key) return key;
    const twin = wishes.get(key.resource);
    wishes.set(key.resource, {
      ...key,
      mode: twin?.mode === 'write' ? 'write' : mode,
      hash: hash === undefined ? twin?.hash : hash,
    });
  }
  return [...wishes.values()].sort((one, other) => (one.resource < other.resource ? -1 : 1));
}

/* ------------------------------------------------------------------ acquire */

export function* acquireLocks(
  command: CommandOf<'lock.acquire'>,
  context: Context,
): Decision<Granted['lock.acquire']> {
  const requests = wishesOf(command, context);
  if ('code' in requests) return requests;
  const found = yield* speaker(context);
  if ('code' in found) return found;
  const { waiter: id } = command;
  const place = id === undefined ? null : yield* placeOf(id, requests, context);
  if (place && 'code' in place) return place;
  const asker = { id: id ?? null, agent: context.agent, requests };
  const standings = yield* standingOf(asker, context);
  const ttlMs = Math.min(command.ttlMs ?? (yield* numberSetting('lock.ttl')), mostTtlMs);
  if (isFree(standings)) return yield* grant(standings, ttlMs, place?.row ?? null, context);
  if (id === undefined || !place) return yield* denied(standings);

  const cycle = yield* circleOf(asker, standings, context);
  if (cycle) {
    if (place.row) yield* leaveLine(place.row, 'deadlock', context);
    const circle = cycle.map(({ agent }) => agent).join(' → ');
    return {
      code: 'deadlock',
      message: `${circle} → ${context.agent} would wait for ever.`,
      cycle,
    };
  }
  const row: WaiterRow = {
    ...(place.row ?? { id, agent: context.agent, since: context.now }),
    session: context.session,
    requests: requests.map((request) => ({ ...request, hash: request.hash ?? null })),
    ttlMs,
    renewed: beatNow(context),
    offer: null,
  };
  yield* write([{ put: 'waiter', row }], [{ kind: 'lock.queued', data: { row } }]);
  const lost = !place.row && (place.stood || command.renewal === true);
  return {
    ...(yield* denied(standings)),
    waiter: id,
    ...(lost ? { dropped: true } : {}),
  };
}

/** The place in line, if the waiter still has it, and whether it had one. */
function* placeOf(
  id: WaiterId,
  requests: readonly Wanted[],
  context: Context,
): Step<{ readonly row: WaiterRow | null; readonly stood: boolean } | RefusalOf<'bad_input'>> {
  const known = yield* ask('lockWaiter', { id });
  if (!known) return { row: null, stood: false };
  if (known.agent !== context.agent) {
    return { code: 'bad_input', message: 'This place in line is another agent’s.', path: 'waiter' };
  }
  const [row = null] = yield* expireWaiters([known], context);
  if (!row || wantsTheSame(row, requests)) return { row, stood: true };
  // Who asks for something else has not waited for it yet.
  yield* leaveLine(row, 'withdrawn', context);
  return { row: null, stood: true };
}

function wantsTheSame({ requests }: WaiterRow, others: readonly Wanted[]): boolean {
  return (
    requests.length === others.length &&
    requests.every((request) =>
      others.some((other) => sameKey(request, other) && request.mode === other.mode),
    )
  );
}

function* leaveLine(row: WaiterRow, why: 'withdrawn' | 'deadlock', context: Context): Step<void> {
  yield* dropAndOffer({ locks: [], waiters: [row], events: [waiterDropped(row, why)] }, context);
}

/** One denial for each resource that was not to be had. */
function* denied(standings: readonly Standing<Wanted>[]): Step<RefusalOf<'lock_denied'>> {
  const denials: Denial[] = [];
  for (const { request, locks, waiters } of standings) {
    const first = locks[0] ?? waiters[0];
    if (!first) continue;
    const { agent: name, since } = first;
    const agent = yield* ask('agent', { name });
    denials.push({
      resource: request.resource,
      holder: {
        id: agent?.id ?? 'unknown',
        name,
        description: agent?.description ?? '',
        since,
        ...('expiresAt' in first ? { expiresAt: first.expiresAt } : {}),
      },
      queuePosition: waiters.length + 1,
    });
  }
  const names = denials.map(({ resource, holder }) => `${resource} (${holder.name})`);
  return {
    code: 'lock_denied',
    message: `Others hold or have waited longer for ${names.join(', ')}.`,
    denials,
    retryAfterMs,
  };
}

function* grant(
  standings: readonly Standing<Wish>[],
  ttlMs: number,
  waiter: WaiterRow | null,
  context: Context,
): Step<Changes<Granted['lock.acquire']>> {
  const counter = (yield* ask('counter', { name: 'fence' })) ?? { name: 'fence', value: 0 };
  let fence = counter.value;
  const changes: RowChange[] = waiter ? waiterGone(waiter) : [];
  const events: NewEvent[] = [];
  const locks: GrantedLock[] = [];
  for (const { request, own } of standings) {
    const how = !own ? 'acquired' : isUpgrade(own, request) ? 'upgraded' : 'refreshed';
    if (how !== 'refreshed') fence += 1;
    const before = own ?? newLock(request, context);
    const row: LockRow = {
      ...before,
      mode: before.mode === 'write' ? 'write' : request.mode,
      session: context.session,
      fence: how === 'refreshed' ? before.fence : fence,
      grant: beatNow(context),
      ttlMs,
      expiresAt: context.now + ttlMs,
      hash: request.hash === undefined ? before.hash : request.hash,
    };
    changes.push({ put: 'lock', row });
    events.push({
      kind: `lock.${how}`,
      resource: row.resource,
      data: { row, ...(waiter ? { waiter: waiter.id } : {}) },
    });
    locks.push({ ...heldLock(row), how });
  }
  if (fence > counter.value) changes.push({ put: 'counter', row: { ...counter, value: fence } });
  return { facts: { locks }, changes, events };
}

function newLock(
  { resource, kind, anchor, worktree, mode }: Wanted,
  context: Context,
): Pick<LockRow, keyof Wanted | 'id' | 'agent' | 'since' | 'fence' | 'hash'> {
  const { agent, now: since } = context;
  const key = { resource, kind, anchor, worktree };
  return { ...key, mode, id: context.newLockId(), agent, since, fence: 0, hash: null };
}

function heldLock({ id, resource, mode, fence, expiresAt, hash }: LockRow): HeldLock {
  return { id, resource, mode, token: fence, expiresAt, hash };
}

/* ------------------------------------------------------------------ release, leave the line, break */

/** What an unnamed caller shares its name with is not its own (AGENT-2). */
function* ownLocks(context: Context): Step<readonly LockRow[]> {
  const { agent, named } = context;
  return named ? yield* expireLocks(yield* ask('locksOf', { agent }), context) : [];
}

export function* releaseLocks(
  command: CommandOf<'lock.release'>,
  context: Context,
): Decision<Granted['lock.release']> {
  const keys = releasedKeys(command, context);
  if (keys !== 'all' && 'code' in keys) return keys;
  const own = yield* ownLocks(context);
  const locks = keys === 'all' ? own : own.filter((lock) => keys.some((key) => sameKey(key, lock)));
  const facts = { released: locks.map(({ id }) => id) };
  const part =
    keys === 'all' && context.named
      ? yield* releaseAll(context.agent, 'withdrawn', context)
      : yield* letGo({ locks, waiters: [], events: locks.map(lockReleased) }, context);
  return { facts, ...part };
}

function releasedKeys(
  command: CommandOf<'lock.release'>,
  context: Context,
): 'all' | readonly LockKey[] | Refusal {
  if (command.resources === 'all') return 'all';
  const keys: LockKey[] = [];
  for (const [index, resource] of command.resources.entries()) {
    const key = keyOf(resource, command, `resources[${index}]`, context);
    if ('code' in key) return key;
    keys.push(key);
  }
  return keys;
}

export function* leaveLockQueue(
  { waiter: id }: CommandOf<'lock.unwait'>,
  context: Context,
): Decision<Granted['lock.unwait']> {
  const row = yield* ask('lockWaiter', { id });
  if (!context.named || row?.agent !== context.agent) return unchanged({ left: false });
  const events = [waiterDropped(row, 'withdrawn')];
  const part = yield* letGo({ locks: [], waiters: [row], events }, context);
  return { facts: { left: true }, ...part };
}

export function* breakLock(
  command: CommandOf<'lock.break'>,
  context: Context,
): Decision<Granted['lock.break']> {
  const { resource, reason } = command;
  const key = keyOf(resource, command, 'resource', context);
  if ('code' in key) return key;
  const near = yield* expireLocks(yield* ask('locksNear', areaOf(key)), context);
  const locks = near.filter((lock) => sameKey(lock, key));
  const events = locks.map(({ id, agent, resource }): NewEvent => ({
    kind: 'lock.broken',
    resource,
    about: agent,
    data: { lock: id, agent, reason },
  }));
  const part = yield* letGo({ locks, waiters: [], events }, context);
  return { facts: { broken: locks.map(({ id, agent }) => ({ id, agent })) }, ...part };
}

/* ------------------------------------------------------------------ verify */

export function* verifyLocks(
  command: CommandOf<'lock.verify'>,
  context: Context,
): Decision<Granted['lock.verify']> {
  const wishes = wishesOf(command, context);
  if ('code' in wishes) return wishes;
  const own = (yield* ownLocks(context)).filter(({ mode }) => mode === 'write');
  const missing: string[] = [];
  const files: FileConflict[] = [];
  const locks = new Map<string, HeldLock>();
  for (const wish of wishes) {
    const lock = own.find((each) => sameKey(each, wish)) ?? own.find((each) => covers(each, wish));
    if (!lock) missing.push(wish.resource);
    else {
      locks.set(lock.id, heldLock(lock));
      files.push(...changeOf(wish, lock));
    }
  }
  if (missing.length > 0) {
    const message = `You do not hold write locks on ${missing.join(', ')}.`;
    return { code: 'lock_required', message, resources: missing };
  }
  if (files.length > 0) {
    const names = files.map(({ resource }) => resource).join(', ');
    return { code: 'conflict', message: `${names} changed since you locked it.`, files };
  }
  return unchanged({ locks: [...locks.values()] });
}

/** What became of the file since it was locked; a lock on more than one file knows of none. */
function changeOf({ resource, hash: theirs }: Wish, lock: LockRow): readonly FileConflict[] {
  const base = lock.hash;
  const knows = lock.kind === 'path' || lock.kind === 'symbol';
  if (theirs === undefined || !knows || theirs === base) return [];
  const change = base === null ? 'added' : theirs === null ? 'removed' : 'modified';
  return [{ resource, lock: lock.id, base, theirs, change }];
}
