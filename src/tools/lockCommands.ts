/** What the command line does with locks. Each returns the document that `--json` prints. */
import { lstatSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve, sep } from 'node:path';
import { limits } from '../core/commandCodec';
import type {
  AgentName,
  Answer,
  ContentHash,
  EventKind,
  Granted,
  HeldLock,
  LockId,
  LockMode,
  LockRow,
  LockWish,
  Refusal,
  WaiterId,
} from '../core/model';
import { parseKey } from '../core/rules/lockKeys';
import { sha256 } from '../store/chance';
import { fileFault } from '../store/fileFault';
import { newId } from '../store/newId';
import { relativeTo, type Place } from '../store/place';
import type { Store } from '../store/store';
import { ask, inStore } from './asking';
import { refused, type Done, type Refused } from './commandLine';
import { waitFor } from './patience';
import { hasStore, locate, type Workplace } from './workplace';

export type AcquireDocument = (Done & Granted['lock.acquire']) | Refused;
export type ReleaseDocument = (Done & Granted['lock.release']) | Refused;
export type VerifyLocksDocument = (Done & { readonly locks: readonly HeldLock[] }) | Refused;
export type BreakDocument = (Done & Granted['lock.break']) | Refused;
export type LockListDocument =
  | (Done & { readonly locks: readonly ListedLock[]; readonly waiters: readonly ListedWaiter[] })
  | Refused;

export interface ListedLock {
  readonly id: LockId;
  readonly resource: string;
  readonly mode: LockMode;
  /** Name of the linked worktree, '' for the main one; null spans all of them. */
  readonly worktree: string | null;
  readonly agent: AgentName;
  /** The fencing token. */
  readonly token: number;
  readonly since: number;
  readonly expiresAt: number;
}

export interface ListedWaiter {
  readonly agent: AgentName;
  readonly resources: readonly string[];
  readonly since: number;
  /** It is its turn. */
  readonly offered: boolean;
  readonly queuePosition: number;
}

export interface Acquisition {
  readonly resources: readonly string[];
  readonly mode: LockMode;
  readonly ttlMs: number | undefined;
  readonly waitMs: number | undefined;
  readonly shared: boolean;
  readonly ending: () => AbortSignal;
  /** Told once, when it has to wait. */
  readonly waiting: (refusal: Refusal) => void;
}

export function acquireLocks(workplace: Workplace, asked: Acquisition): Promise<AcquireDocument> {
  const at = locate(workplace);
  return inStore(workplace, async (store) => {
    const resources = asked.resources.map((resource) => fromRoot(resource, at));
    const { shared, mode, ttlMs, waitMs = 0 } = asked;
    const { worktree } = at.place;
    const acquire = (
      waiter?: WaiterId,
      renewal = false,
    ): Promise<Answer<Granted['lock.acquire']>> =>
      ask(store, workplace, {
        kind: 'lock.acquire',
        // Read again for every question: what it says counts at the moment of the grant.
        wishes: wishesFor(resources, at.place, mode),
        worktree,
        ...(shared ? { shared } : {}),
        ...(ttlMs === undefined ? {} : { ttlMs }),
        ...(waiter === undefined ? {} : { waiter, renewal }),
      });
    const answer =
      waitMs === 0 ? await acquire() : await acquireInLine(store, acquire, waitMs, asked);
    return answer.ok
      ? { ok: true, at: answer.at, ...answer.facts }
      : refused(answer.refusal, answer.at);
  });
}

async function acquireInLine(
  store: Store,
  acquire: (waiter: WaiterId, renewal: boolean) => Promise<Answer<Granted['lock.acquire']>>,
  waitMs: number,
  { ending, waiting }: Acquisition,
): Promise<Answer<Granted['lock.acquire']>> {
  const waiter = newId('wtr') as WaiterId;
  return waitFor({
    store,
    waitMs,
    waiting,
    ending: ending(),
    worthWaiting: new Set(['lock_denied']),
    wakes: makesRoomForLocks,
    ask: (renewal) => acquire(waiter, renewal),
    leave: () => store.submit({ kind: 'lock.unwait', waiter }),
  });
}

const makesRoomForLocks: ReadonlySet<EventKind> = new Set<EventKind>([
  'lock.offered',
  'lock.released',
  'lock.expired',
  'lock.broken',
  'lock.dropped',
  'agent.left',
  'agent.swept',
]);

export function releaseLocks(
  workplace: Workplace,
  {
    resources,
    shared,
  }: { readonly resources: readonly string[] | 'all'; readonly shared: boolean },
): Promise<ReleaseDocument> {
  const at = locate(workplace);
  return inStore(workplace, async (store) => {
    const answer = await ask(store, workplace, {
      kind: 'lock.release',
      resources: resources === 'all' ? 'all' : resources.map((each) => fromRoot(each, at)),
      worktree: at.place.worktree,
      ...(shared ? { shared } : {}),
    });
    return answer.ok
      ? { ok: true, at: answer.at, ...answer.facts }
      : refused(answer.refusal, answer.at);
  });
}

/** @param hash what the caller has read of the one resource, instead of what the file holds now */
export function verifyLocks(
  workplace: Workplace,
  asked: {
    readonly resources: readonly string[];
    readonly hash: string | undefined;
    readonly shared: boolean;
  },
): Promise<VerifyLocksDocument> {
  const { hash, shared } = asked;
  const at = locate(workplace);
  return inStore(workplace, async (store) => {
    const resources = asked.resources.map((each) => fromRoot(each, at));
    const wishes =
      hash === undefined
        ? wishesFor(resources, at.place, 'write')
        : resources.map((resource) => ({ resource, hash: hash as ContentHash }));
    const { worktree } = at.place;
    const answer = await ask(store, workplace, {
      kind: 'lock.verify',
      wishes,
      worktree,
      ...(shared ? { shared } : {}),
    });
    return answer.ok
      ? { ok: true, at: answer.at, ...answer.facts }
      : refused(answer.refusal, answer.at);
  });
}

export function breakLock(
  workplace: Workplace,
  asked: { readonly resource: string; readonly reason: string; readonly shared: boolean },
): Promise<BreakDocument> {
  const { reason, shared } = asked;
  const at = locate(workplace);
  return inStore(workplace, async (store) => {
    const answer = await ask(store, workplace, {
      kind: 'lock.break',
      resource: fromRoot(asked.resource, at),
      worktree: at.place.worktree,
      reason,
      ...(shared ? { shared } : {}),
    });
    return answer.ok
      ? { ok: true, at: answer.at, ...answer.facts }
      : refused(answer.refusal, answer.at);
  });
}

export async function listLocks(workplace: Workplace): Promise<LockListDocument> {
  if (!hasStore(locate(workplace).place)) return { ok: true, at: 0, locks: [], waiters: [] };
  return inStore(workplace, async (store) => {
    const locks = await store.read('locks', {});
    const { seq, waiters } = await store.read('agents', {});
    return {
      ok: true,
      at: seq,
      locks: locks.map(listed),
      waiters: waiters.map(({ agent, requests, since, offer }, index) => ({
        agent,
        resources: requests.map(({ resource }) => resource),
        since,
        offered: offer !== null,
        queuePosition: index + 1,
      })),
    };
  });
}

function listed({
  id,
  resource,
  mode,
  worktree,
  agent,
  fence,
  since,
  expiresAt,
}: LockRow): ListedLock {
  return { id, resource, mode, worktree, agent, token: fence, since, expiresAt };
}

/* ------------------------------------------------------------------ resources as people say them */

interface Where {
  readonly folder: string;
  readonly place: Place;
}

/**
 * Paths are said from the folder in which one works, and kept from the top of the worktree. One that lies outside
 * stays as it is said, so that the refusal can name it.
 */
export function fromRoot(resource: string, { folder, place }: Where): string {
  if (resource === 'workspace' || resource.startsWith('task:')) return resource;
  const isGlob = resource.startsWith('glob:');
  const path = isGlob ? resource.slice('glob:'.length) : resource;
  if (!isAbsolute(path) && folder === place.root) return resource;
  const within = relativeTo(place, resolve(folder, path));
  if (within === undefined) return resource;
  // A folder is said with a slash at its end, and refused with the advice to lock a glob.
  const end = /[/\\]$/.test(path) ? '/' : '';
  return `${isGlob ? 'glob:' : ''}${within.split(sep).join('/')}${end}`;
}

/** With what each file holds now, so that a later look can tell whether it has changed. */
function wishesFor(
  resources: readonly string[],
  place: Place,
  mode: LockMode,
): readonly LockWish[] {
  return resources.map((resource) => {
    const hash = hashOf(resource, place);
    return { resource, mode, ...(hash === undefined ? {} : { hash }) };
  });
}

/** Larger ones are no text that anybody edits; only whether they are locked is looked at. */
const mostBytes = 64 * 1024 * 1024;

/** Null of a file that is not there; undefined where there is none to be had. */
function hashOf(resource: string, place: Place): ContentHash | null | undefined {
  if (resource.length > limits.resource) return undefined;
  const key = parseKey(resource, { worktree: '', shared: false, caseFold: false });
  if ('problem' in key || (key.kind !== 'path' && key.kind !== 'symbol')) return undefined;
  const path = join(place.root, ...key.anchor.split('/'));
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return null;
    if (!stats.isFile() || stats.size > mostBytes) return undefined;
    return sha256(readFileSync(path)).toString('hex') as ContentHash;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw fileFault(error, path);
  }
}
