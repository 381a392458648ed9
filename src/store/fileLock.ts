/**
 * The lock of one workflow file between windows: `STATE.md` → `STATE.md.lock`, by `proper-lockfile`.
 *
 * It keeps writers out of each other's way; it does not make a write right. A holder that was stopped
 * for long may find its lock taken over, so whoever writes asks `stillOurs` last and compares the
 * file's content with what it has read (see `workflowFiles.ts`).
 */
import { lstat } from 'node:fs/promises';
import { lock, type LockOptions } from 'proper-lockfile';
import { fileFault } from './durableFs';

export interface FileLockOptions {
  /** How long to go on trying while another holds it. */
  readonly waitMs: number;
  /** Age at which a lock without a sign of life is taken over; proper-lockfile allows 2,000 at least. */
  readonly staleMs: number;
}

export interface FileLock {
  stillOurs(): Promise<boolean>;
  /** Never removes a lock that has passed to another holder. */
  release(): Promise<void>;
}

/** `since` is when the lock last gave a sign of life; `foreign` tells a lock file that is not ours in kind. */
export interface LockHeld {
  readonly since: number | undefined;
  readonly foreign: boolean;
}

export type LockAttempt = { readonly lock: FileLock } | { readonly held: LockHeld };

const pause = { first: 10, longest: 250 };

export const lockPathOf = (file: string): string => `${file}.lock`;

export async function acquireFileLock(
  file: string,
  options: FileLockOptions,
): Promise<LockAttempt> {
  const deadline = performance.now() + options.waitMs;
  for (let wait = pause.first; ; wait = Math.min(wait * 2, pause.longest)) {
    const attempt = await tryLock(file, options.staleMs);
    if ('lock' in attempt || performance.now() + wait > deadline) return attempt;
    await elapsed(wait * (0.5 + Math.random() / 2));
  }
}

async function tryLock(file: string, stale: number): Promise<LockAttempt> {
  let compromised = false;
  const lockOptions: LockOptions = {
    stale,
    // The caller hands in a real path, and the lock of a file that is about to appear is fine.
    realpath: false,
    // The default throws from a timer and would take the host down.
    onCompromised: () => {
      compromised = true;
    },
  };
  let release: () => Promise<void>;
  try {
    release = await lock(file, lockOptions);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // A lock file (not a folder) is another tool's: fresh ones answer ELOCKED, old ones ENOTDIR.
    if (code === 'ELOCKED' || code === 'ENOTDIR') return { held: await describe(file) };
    throw fileFault(error, file);
  }
  const path = lockPathOf(file);
  const made = await identityOf(path);
  const stillOurs = async (): Promise<boolean> =>
    !compromised && made !== undefined && (await identityOf(path)) === made;
  return {
    lock: {
      stillOurs,
      async release() {
        if (!(await stillOurs())) return;
        try {
          await release();
        } catch (error) {
          const code = (error as NodeJS.ErrnoException).code;
          if (code !== 'ENOTACQUIRED' && code !== 'ERELEASED') throw fileFault(error, file);
        }
      },
    },
  };
}

async function describe(file: string): Promise<LockHeld> {
  try {
    const stats = await lstat(lockPathOf(file));
    return { since: stats.mtimeMs, foreign: !stats.isDirectory() };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { since: undefined, foreign: false };
    throw error;
  }
}

/** A folder made anew has another number, or at least another time of birth. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    return `${stats.ino}:${stats.birthtimeNs}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
