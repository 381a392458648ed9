/** Locks, the line in front of them, and offers: rules LOCK. Everything is compared with everything. */
import type {
  AgentName,
  CommandOf,
  Context,
  LockMode,
  LockRow,
  WaiterRow,
} from '../../src/core/model';
import { conflict, covers, plainKey, sameKey, type PlainKey } from './keys';
import { beatOf, grant, isOver, refuse, type Outcome, type World } from './world';

export const renewalMs = 30_000;
const offerMs = 10_000;

interface Request extends PlainKey {
  readonly mode: LockMode;
  readonly hash: LockRow['hash'];
}

type Wishes = Pick<CommandOf<'lock.acquire'>, 'wishes' | 'worktree' | 'shared'>;

const keyOf = (text: string, place: Pick<Wishes, 'worktree' | 'shared'>, context: Context) =>
  plainKey(text, { ...place, caseFold: context.caseFold });

/** LOCK-5: sorted, each resource once, write beats read. */
function requestsOf({ wishes, ...place }: Wishes, context: Context): Request[] {
  const requests: Request[] = [];
  for (const wish of wishes) {
    const key = keyOf(wish.resource, place, context);
    const twin = requests.find((request) => sameKey(request, key));
    const request = { ...key, mode: wish.mode ?? 'write', hash: wish.hash ?? null };
    if (!twin) requests.push(request);
    else if (twin.mode === 'read' && request.mode === 'write')
      requests.splice(requests.indexOf(twin), 1, request);
  }
  return requests.sort((a, b) => (a.resource < b.resource ? -1 : 1));
}

interface Asker {
  readonly agent: AgentName;
  readonly requests: readonly Request[];
  /** Everybody who stands in line before it. */
  readonly ahead: readonly WaiterRow[];
}

const own = (world: World, agent: AgentName, request: Request): LockRow | undefined =>
  world.locks.find((lock) => lock.agent === agent && sameKey(lock, request));

/** What keeps one request from being granted: locks of others, and others who have waited longer. */
function inTheWay(
  world: World,
  { agent, ahead }: Asker,
  request: Request,
): { readonly locks: readonly LockRow[]; readonly waiters: readonly WaiterRow[] } {
  const wanted = { ...request, agent };
  const mine = own(world, agent, request);
  const locks = world.locks.filter((lock) => conflict(lock, wanted));
  // LOCK-3: an upgrade waits behind nobody who waits for it, directly or behind another; but it does behind a
  // reader that has not taken its turn yet (LOCK-11).
  const waiters = ahead.filter(
    (waiter) =>
      (!mine || waiter.offer !== null) &&
      waiter.requests.some((theirs) => conflict({ ...theirs, agent: waiter.agent }, wanted)),
  );
  // LOCK-2: what it holds already is only refreshed.
  if (mine && (mine.mode === 'write' || request.mode === 'read')) return { locks: [], waiters: [] };
  return { locks, waiters };
}

const isFree = (world: World, asker: Asker): boolean =>
  asker.requests.every((request) => {
    const { locks, waiters } = inTheWay(world, asker, request);
    return locks.length === 0 && waiters.length === 0;
  });

const aheadOf = (world: World, id: WaiterRow['id'] | undefined): readonly WaiterRow[] => {
  const place = world.waiters.findIndex((waiter) => waiter.id === id);
  return place < 0 ? world.waiters : world.waiters.slice(0, place);
};

/* ------------------------------------------------------------------ acquire */

export function acquire(
  world: World,
  command: CommandOf<'lock.acquire'>,
  context: Context,
): Outcome {
  const { waiter } = command;
  const asker: Asker = {
    agent: context.agent,
    requests: requestsOf(command, context),
    ahead: aheadOf(world, waiter),
  };
  const ttlMs = Math.min(command.ttlMs ?? world.number('lock.ttl', 1_800_000), 24 * 60 * 60_000);
  if (isFree(world, asker)) {
    if (waiter !== undefined) leaveLine(world, waiter);
    return grant({ locks: asker.requests.map((request) => take(world, request, ttlMs, context)) });
  }

  const denials = asker.requests.flatMap((request) => {
    const { locks, waiters } = inTheWay(world, asker, request);
    const holder = locks[0]?.agent ?? waiters[0]?.agent;
    if (holder === undefined) return [];
    return [{ resource: request.resource, queuePosition: waiters.length + 1 }];
  });
  if (waiter === undefined) return refuse('lock_denied', { denials });
  const known = world.waiters.find((each) => each.id === waiter);
  if (waitsForItself(world, asker, waiter)) {
    leaveLine(world, waiter);
    return refuse('deadlock');
  }
  const row: WaiterRow = {
    id: waiter,
    agent: context.agent,
    session: context.session,
    requests: asker.requests.map((request) => ({
      ...request,
      resource: request.resource as LockRow['resource'],
      anchor: '',
    })),
    ttlMs,
    since: known?.since ?? context.now,
    renewed: beatOf(context),
    offer: null,
  };
  world.waiters = known
    ? world.waiters.map((each) => (each.id === waiter ? row : each))
    : [...world.waiters, row];
  const dropped = command.renewal === true && !known;
  return refuse('lock_denied', { denials, ...(dropped ? { dropped } : {}) });
}

function take(
  world: World,
  request: Request,
  ttlMs: number,
  context: Context,
): Record<string, unknown> {
  const mine = own(world, context.agent, request);
  const upgrade = mine?.mode === 'read' && request.mode === 'write';
  const refreshed = mine !== undefined && !upgrade;
  if (!refreshed) world.fence += 1;
  const lock: LockRow = {
    resource: request.resource as LockRow['resource'],
    kind: request.kind,
    anchor: '',
    worktree: request.worktree,
    id: mine?.id ?? context.newLockId(),
    mode: mine?.mode === 'write' ? 'write' : request.mode,
    agent: context.agent,
    session: context.session,
    fence: refreshed ? mine.fence : world.fence,
    since: mine?.since ?? context.now,
    grant: beatOf(context),
    ttlMs,
    expiresAt: context.now + ttlMs,
    hash: request.hash,
  };
  world.locks = mine
    ? world.locks.map((each) => (each.id === mine.id ? lock : each))
    : [...world.locks, lock];
  const { id, resource, mode, expiresAt, hash } = lock;
  const how = refreshed ? 'refreshed' : upgrade ? 'upgraded' : 'acquired';
  return { id, resource, mode, expiresAt, hash, how };
}

/* ------------------------------------------------------------------ who waits for whom */

/**
 * LOCK-13, LOCK-14: follow every way from what is asked; does one come back to the asker? A circle through something
 * else that the asker waits for, as a broken lock can leave one, is for the renewal of that to find.
 */
function waitsForItself(world: World, asker: Asker, id: WaiterRow['id']): boolean {
  const others = world.waiters.filter((waiter) => waiter.id !== id);
  const inLine: Asker[] = others.map((waiter) => ({
    agent: waiter.agent,
    requests: waiter.requests,
    ahead: aheadOf(world, waiter.id),
  }));
  const waitsFor = (waiting: readonly Asker[]): AgentName[] =>
    waiting
      .flatMap((each) => each.requests.map((request) => inTheWay(world, each, request)))
      .flatMap(({ locks, waiters }) => [...locks, ...waiters].map((each) => each.agent));
  const search = (waiting: readonly Asker[], way: readonly AgentName[]): boolean =>
    waitsFor(waiting).some((next) => {
      if (next === asker.agent || way.includes(next)) return next === asker.agent;
      const theirs = inLine.filter(({ agent }) => agent === next);
      return search(theirs, [...way, next]);
    });
  return search([asker], []);
}

/* ------------------------------------------------------------------ letting go */

export function release(
  world: World,
  command: CommandOf<'lock.release'>,
  context: Context,
): Outcome {
  const { resources } = command;
  const mine = world.locks.filter((lock) => lock.agent === context.agent);
  if (resources === 'all') {
    releaseAll(world, context.agent);
    return grant({ released: mine.map((lock) => lock.id) });
  }
  const keys = resources.map((text) => keyOf(text, command, context));
  const going = mine.filter((lock) => keys.some((key) => sameKey(key, lock)));
  world.locks = world.locks.filter((lock) => !going.includes(lock));
  return grant({ released: going.map((lock) => lock.id) });
}

export function releaseAll(world: World, agent: AgentName): void {
  world.locks = world.locks.filter((lock) => lock.agent !== agent);
  world.waiters = world.waiters.filter((waiter) => waiter.agent !== agent);
}

export function leaveLine(world: World, id: WaiterRow['id']): boolean {
  const before = world.waiters.length;
  world.waiters = world.waiters.filter((waiter) => waiter.id !== id);
  return world.waiters.length < before;
}

export function breakLock(
  world: World,
  command: CommandOf<'lock.break'>,
  context: Context,
): Outcome {
  const key = keyOf(command.resource, command, context);
  const going = world.locks.filter((lock) => sameKey(lock, key));
  world.locks = world.locks.filter((lock) => !going.includes(lock));
  return grant({ broken: going.map(({ id, agent }) => ({ id, agent })) });
}

export function verify(world: World, command: CommandOf<'lock.verify'>, context: Context): Outcome {
  const mine = world.locks.filter((lock) => lock.agent === context.agent && lock.mode === 'write');
  const held = requestsOf(command, context).map((wish) => ({
    wish,
    lock: mine.find((lock) => sameKey(lock, wish)) ?? mine.find((lock) => covers(lock, wish)),
  }));
  const missing = held.filter(({ lock }) => !lock).map(({ wish }) => wish.resource);
  if (missing.length > 0) return refuse('lock_required', { resources: missing });
  const files = held.flatMap(({ wish: { resource, hash: theirs }, lock }) => {
    // Only a lock on one file knows what was in it.
    if (!lock || !['path', 'symbol'].includes(lock.kind) || theirs === lock.hash) return [];
    const change = lock.hash === null ? 'added' : theirs === null ? 'removed' : 'modified';
    return [{ resource, lock: lock.id, base: lock.hash, theirs, change }];
  });
  return files.length > 0 ? refuse('conflict', { files }) : grant();
}

/* ------------------------------------------------------------------ what time does, and whose turn it is */

export const lockIsOver = (world: World, lock: LockRow, context: Context): boolean =>
  isOver(
    world,
    {
      subject: `lock:${lock.id}`,
      beat: lock.grant,
      ttlMs: lock.ttlMs,
      afterReboot: 'fresh',
      process: null,
    },
    context,
  );

/** LOCK-10, LOCK-11: silent, or did not take its offer. */
export function waiterIsOver(world: World, waiter: WaiterRow, context: Context): boolean {
  const span = { afterReboot: 'fresh', process: null } as const;
  const silent = isOver(
    world,
    { ...span, subject: `waiter:${waiter.id}`, beat: waiter.renewed, ttlMs: renewalMs },
    context,
  );
  if (waiter.offer === null) return silent;
  const { made: beat, ttlMs } = waiter.offer;
  return isOver(world, { ...span, subject: `offer:${waiter.id}`, beat, ttlMs }, context) || silent;
}

/** LOCK-11: from the head of the line, whoever is held up by nobody has its turn; the next look sees it. */
export function makeOffers(world: World, context: Context): void {
  for (const waiter of world.waiters) {
    const { id, agent, requests } = waiter;
    const asker = { agent, requests, ahead: aheadOf(world, id) };
    if (waiter.offer !== null || !isFree(world, asker)) continue;
    const offered = { ...waiter, offer: { made: beatOf(context), ttlMs: offerMs } };
    world.waiters = world.waiters.map((each) => (each === waiter ? offered : each));
  }
}
