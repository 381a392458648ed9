/**
 * The lock of one workflow file between windows: the folder `STATE.md.lock`, kept fresh by `proper-lockfile`.
 *
 * It keeps writers out of each other's way; it does not make a write right. A holder that was stopped
 * for long may find its lock taken over, so whoever writes asks `stillOurs` last and compares the
 * file's content with what it has read (see `workflowFiles.ts`).
 *
 * Why no two get in, and why nobody removes what is not theirs:
 * - The only way in is our own `mkdir` of the path. So two can be in only if a folder was removed while its
 *   maker was in.
 * - Folders are removed in two places, by their maker (release, exit) and by a takeover, and both do so in one
 *   go, "is it still this very folder? remove it", inside a mutex of the operating system (`osMutex.ts`).
 *   Nothing of ours can come between the look and the removal, wherever a process is stopped or killed.
 * - "This very folder" is its inode, which cannot be given to another while we have it open (`lockFolder.ts`):
 *   a taker opens the folder before it judges, so what it removes is what it has judged. And a sign of life
 *   since then calls the takeover off.
 * - Of several that find the same holder gone, the first in the mutex removes the folder and makes its own
 *   there; the others find another inode and wait again.
 * - Evidence is about one folder, by the number that it carries, and is written before the folder is made
 *   (`lockNotes.ts`). A folder whose number nobody knows falls to nobody before `stale`.
 * - proper-lockfile's own ways to remove by path (stale takeover, release, its handler at exit) never get to
 *   the disk: it runs on the few calls of `heartbeatFs`, which know one folder only.
 * Two holders remain possible where one was stopped for longer than `stale`; the first then knows by
 * `stillOurs`. A release that cannot have the mutex looks and removes without it (`removeOurs`). And a foreign
 * program that removes by path, or a process with another store, does not know of our mutex.
 */
import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { lock as keepFresh } from 'proper-lockfile';
import { isStoreError } from '../core/errors';
import type { ProcessIdentity, Takeover } from '../core/model';
import type { OnStep } from './durableFs';
import { fileFault, isFileError } from './fileFault';
import { bootedAt, liveness, thisBoot } from './hostClock';
import { hasEnded, judge, type Sight, type Verdict, type Witness } from './lockEvidence';
import { foreign, LockFolder } from './lockFolder';
import { LockNotes } from './lockNotes';
import { exclusively, exclusivelyNow } from './osMutex';

export interface FileLockOptions {
  /** How long to go on trying while another holds it. */
  readonly waitMs: number;
  /** Without a sign of life for so long a lock is taken over; proper-lockfile allows 2,000 at least. */
  readonly staleMs: number;
  /** A folder in that of the store, which must be there; the same one for all who may take this lock. */
  readonly notes: string;
  /** Who we are, for those who find our lock when we are gone. */
  readonly process: ProcessIdentity;
  readonly guard?: GuardRecord;
  readonly onStep?: OnStep;
}

/** Where people are shown who holds the lock. */
export interface GuardRecord {
  hold(tookOver: Takeover | undefined): Promise<void>;
  /** We hold it no more; another may by now. */
  free(): Promise<void>;
}

export interface EditLockOptions extends FileLockOptions {
  /** The lock was lost to `held` and could not be had again; it is released by this. */
  onLost(held: LockHeld): void;
}

export interface FileLock {
  stillOurs(): boolean;
  /** Set when the holder before us did not give it back. */
  readonly tookOver: Takeover | undefined;
  /**
   * Never removes a lock that has passed to another holder. One that the file system will not let go of is
   * removed by the next who wants it: at once in this process, elsewhere when it is stale.
   */
  release(): Promise<void>;
}

/** `since` is when the lock last gave a sign of life; `foreign` tells a lock that is not ours in kind. */
export interface LockHeld {
  readonly since: number | undefined;
  readonly foreign: boolean;
}

export type LockAttempt = { readonly lock: FileLock } | { readonly held: LockHeld };

/** Milliseconds. A release wakes us at once; that a process has died we only see when we look. */
const pause = { first: 5, longest: 250, longestBesideLiving: 15 };
/** proper-lockfile gives a sign of life every half of `stale`, but not more than once a second. */
const shortestStale = 2_000;
/** Others are in the mutex for microseconds, unless they are stopped there. */
const mutexWait = 250;

export const lockPathOf = (file: string): string => `${file}.lock`;

export async function acquireFileLock(
  file: string,
  options: FileLockOptions,
): Promise<LockAttempt> {
  return attempt(file, options, undefined);
}

/**
 * For an editor with unsaved changes: lives until released. When a suspended machine or another program has
 * cost us the lock, it is had again if it is free, else `onLost` tells.
 */
export async function holdForEdit(file: string, options: EditLockOptions): Promise<LockAttempt> {
  return attempt(file, options, (held) => {
    options.onLost(held);
  });
}

async function attempt(
  file: string,
  options: FileLockOptions,
  onLost: ((held: LockHeld) => void) | undefined,
): Promise<LockAttempt> {
  try {
    const entry = await enter(lockPathOf(file), options);
    if ('held' in entry) return entry;
    return { lock: await HeldLock.of(entry, options, onLost) };
  } catch (error) {
    throw fileFault(error, file);
  }
}

/* ------------------------------------------------------------------ getting in */

interface Entry {
  readonly folder: LockFolder;
  readonly tookOver: Takeover | undefined;
}

async function enter(
  path: string,
  options: FileLockOptions,
): Promise<Entry | { readonly held: LockHeld }> {
  const deadline = performance.now() + options.waitMs;
  const left = owed.get(path);
  if (left) await settle(left);
  const removals = new Removals(path);
  const maker = new LockMaker(path, options);
  try {
    for (let wait = pause.first; ; wait *= 2) {
      const found = LockFolder.find(path);
      if (!found) {
        const folder = maker.make();
        if (folder) return { folder, tookOver: undefined };
        continue;
      }
      let sight: Sight;
      let verdict: Verdict;
      try {
        sight = see(path, found);
        const former = found === foreign ? undefined : maker.notes.read(found.nonce)?.process;
        verdict = maker.judge(sight, former);
        if (verdict.take && found !== foreign) {
          const folder = await maker.takeOver(found, sight);
          const { host = null, pid = null } = former ?? {};
          if (folder) return { folder, tookOver: { why: verdict.why, host, pid } };
        }
      } finally {
        if (found !== foreign) found.close();
      }
      const left = deadline - performance.now();
      if (left <= 0) return { held: { since: sight.since, foreign: sight.foreign } };
      const alive = !verdict.take && verdict.why === 'alive';
      wait = Math.min(wait, alive ? pause.longestBesideLiving : pause.longest);
      const stale = verdict.take ? Infinity : verdict.againMs;
      await removals.next(Math.min(wait * (0.5 + Math.random() / 2), left, stale));
    }
  } finally {
    removals.stop();
    maker.dropUnused();
  }
}

/** One attempt's right to make the folder, written down when it is first used. */
class LockMaker {
  readonly notes: LockNotes;
  #nonce: number | undefined;

  constructor(
    private readonly path: string,
    private readonly options: FileLockOptions,
  ) {
    this.notes = new LockNotes(options.notes);
  }

  make(): LockFolder | undefined {
    this.#nonce ??= this.notes.write(this.path, this.options.process);
    const folder = LockFolder.make(this.path, this.#nonce, this.options.onStep);
    if (!folder) return undefined;
    this.#nonce = undefined;
    sightings.delete(this.path);
    return folder;
  }

  judge(sight: Sight, former: ProcessIdentity | undefined): Verdict {
    const staleMs = Math.max(this.options.staleMs, shortestStale);
    return judge(sight, former, this.#witness(), staleMs);
  }

  /** Removes the folder that was judged, if it is that one still, and makes ours in its place. */
  async takeOver(judged: LockFolder, sight: Sight): Promise<LockFolder | undefined> {
    const { onStep = () => undefined } = this.options;
    this.#nonce ??= this.notes.write(this.path, this.options.process);
    onStep('lock.takeOver');
    const done = await exclusively(this.notes.mutex, mutexWait, () => {
      if (!judged.isThere() || judged.lastSign() !== sight.since) return undefined;
      onStep('lock.clear');
      if (!judged.remove()) return undefined;
      this.notes.drop(judged.nonce);
      return this.make();
    });
    if (done?.value) this.notes.sweep((process) => hasEnded(process, this.#witness()));
    return done?.value;
  }

  dropUnused(): void {
    if (this.#nonce !== undefined) this.notes.drop(this.#nonce);
  }

  #witness(): Witness {
    const { host } = this.options.process;
    return { host, bootId: thisBoot.bootId, bootedAt: bootedAt(), liveness };
  }
}

/** Since when we have seen a lock unchanged, by path; across attempts, for callers that only wait briefly. */
const sightings = new Map<string, { readonly what: string; readonly first: number }>();

function see(path: string, found: LockFolder | typeof foreign): Sight {
  if (found === foreign) return { foreign: true, since: Date.now(), ageMs: 0, unchangedMs: 0 };
  const since = found.lastSign();
  const what = `${found.identity} ${since}`;
  const now = performance.now();
  let sighting = sightings.get(path);
  if (sighting?.what !== what) sightings.set(path, (sighting = { what, first: now }));
  return { foreign: false, since, ageMs: Date.now() - since, unchangedMs: now - sighting.first };
}

/** Wakes who waits when the lock appears or goes; where nothing can be watched, the pauses have to do. */
class Removals {
  #watcher: FSWatcher | undefined;
  #heard = false;
  #wake: (() => void) | undefined;

  constructor(private readonly path: string) {}

  async next(ms: number): Promise<void> {
    // What happened before there was a watch has to be looked for once more.
    if (!this.#watcher && this.#start()) return;
    if (!this.#heard) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#heard = false;
  }

  stop(): void {
    this.#watcher?.close();
  }

  #start(): boolean {
    const name = basename(this.path);
    try {
      this.#watcher = watch(dirname(this.path), (kind, changed) => {
        if (kind !== 'rename' || (changed !== null && changed !== name)) return;
        this.#heard = true;
        this.#wake?.();
      });
    } catch (error) {
      // Out of watches or of handles.
      if (!(error instanceof Error && 'code' in error)) throw error;
      return false;
    }
    this.#watcher.on('error', () => this.#watcher?.close());
    return true;
  }
}

/* ------------------------------------------------------------------ being in */

class HeldLock implements FileLock {
  readonly tookOver: Takeover | undefined;
  readonly #notes: LockNotes;
  #folder: LockFolder;
  /** Gives the call that ends it. */
  #beating: Promise<() => Promise<void>>;
  #ended = false;

  private constructor(
    entry: Entry,
    private readonly options: FileLockOptions,
    private readonly onLost: ((held: LockHeld) => void) | undefined,
  ) {
    this.#notes = new LockNotes(options.notes);
    this.#folder = entry.folder;
    this.tookOver = entry.tookOver;
    this.#beating = this.#beat();
  }

  static async of(
    entry: Entry,
    options: FileLockOptions,
    onLost: ((held: LockHeld) => void) | undefined,
  ): Promise<HeldLock> {
    const lock = new HeldLock(entry, options, onLost);
    try {
      await options.guard?.hold(entry.tookOver);
      return lock;
    } catch (error) {
      await lock.release().catch(() => undefined);
      throw error;
    }
  }

  stillOurs(): boolean {
    try {
      return !this.#ended && this.#folder.isThere();
    } catch (error) {
      throw fileFault(error, this.#folder.path);
    }
  }

  async release(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await endBeat(await this.#beating);
    const { onStep } = this.options;
    await giveBack({ folder: this.#folder, notes: this.#notes, onStep });
    await this.options.guard?.free();
  }

  /** All that proper-lockfile does at once is remembering, so this cannot fail. */
  #beat(): Promise<() => Promise<void>> {
    const folder = this.#folder;
    return keepFresh(`${folder.path}#${folder.identity}`, {
      // It remembers locks by the first name, and must never mix up two of the same path.
      lockfilePath: folder.path,
      stale: this.options.staleMs,
      realpath: false,
      fs: heartbeatFs(folder, this.#notes),
      // The default throws from a timer and would take the host down.
      onCompromised: () => {
        this.#lookAgain();
      },
    });
  }

  /** Nobody could catch what the file system says here, so that is an answer. The beat has stopped by now. */
  #lookAgain(): void {
    if (this.#ended) return;
    let there: boolean;
    try {
      there = this.#folder.isThere();
    } catch (error) {
      if (!isFileError(error)) throw error;
      // Unreadable for the moment: not known to be lost, and the next beat looks again.
      there = true;
    }
    if (there || (this.onLost && this.#makeAgain())) {
      this.#beating = this.#beat();
    } else if (this.onLost) {
      this.#ended = true;
      this.#folder.close();
      // Shown for longer than it is true, at worst.
      this.options.guard?.free().catch(() => undefined);
      this.onLost(heldAt(this.#folder.path));
    }
  }

  #makeAgain(): boolean {
    const former = this.#folder;
    const maker = new LockMaker(former.path, this.options);
    try {
      const made = maker.make();
      if (!made) return false;
      this.#folder = made;
      former.close();
      return true;
    } catch (error) {
      if (!isFileError(error) && !isStoreError(error)) throw error;
      // No folder to make it in, or no permission: as lost as if another had it.
      return false;
    } finally {
      this.#notes.drop(former.nonce);
      maker.dropUnused();
    }
  }
}

interface Owed {
  readonly folder: LockFolder;
  readonly notes: LockNotes;
  readonly onStep?: OnStep | undefined;
}

/** Given back, but still there, by path. Their holder is done: without this it would wait for itself. */
const owed = new Map<string, Owed>();

/** Whatever was done under the lock stands; that the lock could not be removed is no reason to call it failed. */
async function giveBack(lock: Owed): Promise<void> {
  const { path } = lock.folder;
  try {
    await removeOurs(lock);
  } catch (error) {
    if (!isFileError(error)) throw error;
    owed.get(path)?.folder.close();
    // Open as it is: by that alone it is known to be this folder.
    owed.set(path, lock);
    return;
  }
  lock.folder.close();
}

async function settle(lock: Owed): Promise<void> {
  owed.delete(lock.folder.path);
  await giveBack(lock);
}

async function endBeat(end: () => Promise<void>): Promise<void> {
  try {
    await end();
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ERELEASED') throw error;
  }
}

function heldAt(path: string): LockHeld {
  try {
    const found = LockFolder.find(path);
    if (!found || found === foreign) return { since: undefined, foreign: found === foreign };
    const since = found.lastSign();
    found.close();
    return { since, foreign: false };
  } catch (error) {
    if (!isFileError(error)) throw error;
    // Gone again, or unreadable: nothing to tell of it.
    return { since: undefined, foreign: false };
  }
}

/**
 * When the mutex cannot be had, its holder is stopped or the store's folder is gone. Then nobody of ours takes
 * over, and to remove our own after one more look is better than to leave it.
 */
async function removeOurs({ folder, notes, onStep = () => undefined }: Owed): Promise<void> {
  const remove = (): boolean => {
    onStep('lock.remove');
    return folder.remove();
  };
  onStep('lock.free');
  const done = await exclusively(notes.mutex, mutexWait, remove).catch(() => undefined);
  if (!done) remove();
  onStep('lock.removed');
  notes.drop(folder.nonce);
}

type Callback<T = void> = (error: Error | null, result?: T) => void;

/** What proper-lockfile's timers may do to the disk: look at one folder, and give its sign of life. */
function heartbeatFs(folder: LockFolder, notes: LockNotes) {
  // It compares the time that it set with the one it finds; ours is told from others' by more than that.
  let told = new Date();
  // It begins with a probe of the clock, a time in the future and a look at it; the folder is none of that.
  let probing = true;
  return {
    mkdir: (_path: string, done: Callback) => {
      done(null);
    },
    utimes: (_path: string, _atime: Date, mtime: Date, done: Callback) => {
      told = mtime;
      done(
        probing
          ? null
          : failureOf(() => {
              folder.touch();
            }),
      );
    },
    stat: (_path: string, done: Callback<{ mtime: Date }>) => {
      const failure = probing
        ? null
        : failureOf(() => {
            if (!folder.isThere()) throw new NotOurs();
          });
      probing = false;
      if (failure) done(failure);
      else done(null, { mtime: told });
    },
    // Release removes the folder itself.
    rmdir: (_path: string, done: Callback) => {
      done(null);
    },
    /** From its handler at the exit of the process, which swallows what is thrown. */
    rmdirSync: () => {
      const remove = (): boolean => folder.remove();
      if (!exclusivelyNow(notes.mutex, mutexWait, remove)) remove();
      notes.drop(folder.nonce);
    },
  };
}

class NotOurs extends Error {
  override readonly name = 'NotOurs';
  /** What makes proper-lockfile stop its beat. */
  readonly code = 'ENOENT';
}

function failureOf(work: () => void): Error | null {
  try {
    work();
    return null;
  } catch (error) {
    return error as Error;
  }
}
