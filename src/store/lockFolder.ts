/**
 * One lock folder on the disk, told from every other that was or will be at the same path.
 *
 * Our handle pins the inode: as long as it is open no new folder can get the same number, so `isThere` is
 * exact. Windows gives no handle of a folder; its numbers are not used again soon, and the time of birth
 * is compared as well.
 *
 * For others the folder carries a number of its own, by which they find who made it (`lockNotes.ts`): inodes
 * are used again at once, and before Linux 6.13 two births within 4 ms are one. The folder has to be empty,
 * so the number is its time of access, in the future, where no reader's access replaces it.
 */
import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  utimesSync,
  type BigIntStats,
} from 'node:fs';

import type { OnStep } from './durableFs';

export const foreign = Symbol('not a folder');

/** Seconds: 2027 to 2037, which every file system can keep. */
export const nonces = { first: 1_800_000_000, last: 2_140_000_000 };

/**
 * Milliseconds. `mkdir` does not tell which folder it made. After a longer halt what we find may be a
 * successor's; less is too short for any lock to go stale.
 */
const surelyOurs = 1_000;

export class LockFolder {
  readonly nonce: number;
  readonly #pinned: boolean;
  #closed = false;

  private constructor(
    readonly path: string,
    private handle: number | undefined,
    private readonly first: BigIntStats,
  ) {
    this.nonce = Number(first.atimeNs / 1_000_000_000n);
    this.#pinned = handle !== undefined;
  }

  /** Undefined when something is there already. */
  static make(
    path: string,
    nonce: number,
    onStep: OnStep = () => undefined,
  ): LockFolder | undefined {
    const before = performance.now();
    onStep('lock.make');
    try {
      mkdirSync(path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return undefined;
      throw error;
    }
    onStep('lock.made');
    const handle = openFolder(path);
    if (handle === 'absent') return undefined;
    if (performance.now() - before > surelyOurs) {
      if (handle !== undefined) closeSync(handle);
      return undefined;
    }
    try {
      signOfLife(handle ?? path, nonce);
      return new LockFolder(path, handle, statsOf(handle ?? path));
    } catch (error) {
      if (handle !== undefined) closeSync(handle);
      rmdirSync(path);
      throw error;
    }
  }

  /** What others have put there. The caller closes it. */
  static find(path: string): LockFolder | typeof foreign | undefined {
    const stats = lstatOf(path);
    if (!stats) return undefined;
    if (!stats.isDirectory()) return foreign;
    const handle = openFolder(path);
    if (handle === 'absent') return undefined;
    return new LockFolder(path, handle, handle === undefined ? stats : statsOf(handle));
  }

  isThere(): boolean {
    if (this.#closed) return false;
    const now = lstatOf(this.path);
    return now !== undefined && now.ino === this.first.ino && this.#sameBirth(now);
  }

  /** Of this folder and no other, as long as it is open. */
  get identity(): string {
    return `${this.first.ino}:${this.first.birthtimeNs}:${this.nonce}`;
  }

  /** When it last gave a sign of life. */
  lastSign(): number {
    return Number(statsOf(this.handle ?? this.path).mtimeMs);
  }

  /** Through the handle this cannot reach a folder that has taken our place. */
  touch(): void {
    if (this.#closed || (this.handle === undefined && !this.isThere())) return;
    signOfLife(this.handle ?? this.path, this.nonce);
  }

  /** False when it is not there any more, or when somebody has put something into it. */
  remove(): boolean {
    if (!this.isThere()) return false;
    try {
      rmdirSync(this.path);
      return true;
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) return false;
      throw error;
    }
  }

  close(): void {
    this.#closed = true;
    if (this.handle === undefined) return;
    // The number may be another file's in a moment.
    const { handle } = this;
    this.handle = undefined;
    closeSync(handle);
  }

  #sameBirth(now: BigIntStats): boolean {
    return this.#pinned || now.birthtimeNs === this.first.birthtimeNs;
  }
}

/** Undefined where a folder cannot be opened. */
function openFolder(path: string): number | 'absent' | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    const code = codeOf(error) ?? '';
    // Also when it has just become a file or a link: whoever asks will look again.
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code)) return 'absent';
    if (code === 'EACCES') return undefined;
    throw error;
  }
}

function signOfLife(target: number | string, nonce: number): void {
  const now = Date.now() / 1_000;
  if (typeof target === 'number') futimesSync(target, nonce, now);
  else utimesSync(target, nonce, now);
}

function statsOf(target: number | string): BigIntStats {
  return typeof target === 'number'
    ? fstatSync(target, { bigint: true })
    : lstatSync(target, { bigint: true });
}

function lstatOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
