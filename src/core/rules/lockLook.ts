/**
 * What can be seen of locks without asking for one (LOOK-n): what `lock list` shows and `guard` goes by.
 *
 * Contract: nothing here writes, so what is over is passed over and not expired; the next who relies on it does that.
 */
import type { Context, Denial, LockKey, LockRow, RefusalOf, Step } from '../model';
import { ask } from './ask';
import { ageOf, judge, type Term } from './expiry';
import { areaOf, overlap, parseKey } from './lockKeys';

/** Every lock that stands, over all worktrees, oldest first (LOOK-1). */
export function* standingLocks(context: Context): Step<readonly LockRow[]> {
  return yield* standing(yield* ask('locksNear', { worktree: null, at: [], under: '' }), context);
}

export interface Touched {
  readonly resources: readonly string[];
  /** Name of the linked worktree, '' for the main one. */
  readonly worktree: string;
}

/**
 * What others hold of these, whether they read or write: who changes a file is in the way of both (LOOK-2). A lock
 * of the asker's own is in nobody's way.
 */
export function* heldByOthers(
  { resources, worktree }: Touched,
  context: Context,
): Step<readonly Denial[] | RefusalOf<'bad_input'>> {
  const denials: Denial[] = [];
  for (const resource of new Set(resources)) {
    const key = parseKey(resource, { worktree, shared: false, caseFold: context.caseFold });
    if ('problem' in key)
      return { code: 'bad_input', message: `${resource}: ${key.problem}`, path: resource };
    const [lock] = (yield* lockedNear(key, context)).filter(
      ({ agent }) => !context.named || agent !== context.agent,
    );
    if (lock) denials.push(yield* denialOf(resource, lock));
  }
  return denials;
}

function* lockedNear(key: LockKey, context: Context): Step<readonly LockRow[]> {
  const near = yield* ask('locksNear', areaOf(key));
  return yield* standing(
    near.filter((lock) => overlap(lock, key)),
    context,
  );
}

function* denialOf(resource: string, { agent: name, since, expiresAt }: LockRow): Step<Denial> {
  const agent = yield* ask('agent', { name });
  const { id = 'unknown', description = '' } = agent ?? {};
  return { resource, holder: { id, name, description, since, expiresAt } };
}

function* standing(locks: readonly LockRow[], context: Context): Step<readonly LockRow[]> {
  const kept: LockRow[] = [];
  for (const lock of locks) {
    const { id, grant: beat, ttlMs } = lock;
    const subject = `lock:${id}`;
    const term: Term = { subject, beat, ttlMs, process: null, afterReboot: 'fresh' };
    const { observer } = context;
    const sighting =
      ageOf(beat, context) === null ? yield* ask('sighting', { observer, subject }) : null;
    if (!judge(term, sighting, context).over) kept.push(lock);
  }
  return kept;
}
