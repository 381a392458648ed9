/**
 * The only writer of files.
 *
 * A replaced file is always whole: the new bytes are on the disk under another name before the name
 * changes over, and the folder is flushed after. A crash leaves the old file or the new one, and at most
 * a temp file, which the next writer removes.
 */
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../core/errors';

/** Called before each step of a write, by name. Tests stop or kill the process there. */
export type OnStep = (step: string) => void;

export interface ReplaceOptions {
  /** Gets the file as it was, before the new one takes its place. */
  readonly backup?: string;
  /** Last look before the change-over; throws when the file is no longer ours to write. */
  readonly check: () => void;
  readonly onStep?: OnStep | undefined;
}

/** Must be called under the file's lock: it removes what other writers have left behind. */
export function replaceFile(path: string, text: string, options: ReplaceOptions): void {
  const step = options.onStep ?? (() => undefined);
  const folder = dirname(path);
  const temp = join(folder, `.${basename(path)}.wavelock-${randomBytes(6).toString('hex')}`);
  // A writer that was stopped and wakes up later finds its temp file gone and cannot rename it over ours.
  removeTempFiles(path);
  step('temp');
  try {
    writeDurably(temp, text, statSync(path).mode);
    if (options.backup !== undefined) {
      step('backup');
      keepBackup(path, options.backup);
    }
    step('check');
    options.check();
    step('rename');
    renameSync(temp, path);
  } catch (error) {
    rmSync(temp, { force: true });
    throw fileFault(error, path);
  }
  step('flush');
  flushFolder(folder);
  step('written');
}

export function removeTempFiles(path: string): void {
  const folder = dirname(path);
  const prefix = `.${basename(path)}.wavelock-`;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix)) rmSync(join(folder, name), { force: true });
  }
}

/**
 * The folder of a store: for its owner alone, and unseen by git. Two processes may create it at once.
 */
export function createStoreFolder(folder: string): void {
  try {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isDirectory()) {
      throw new StoreError(
        'store_foreign',
        `${folder} is ${stats.isSymbolicLink() ? 'a link' : 'a file'}, not a folder. Wavelock leaves it alone; move it away, or set another folder for the store.`,
      );
    }
    makeFolder(folder);
    const ignore = join(folder, '.gitignore');
    // An empty one was left by somebody who died, or had no space, before its text.
    if ((lstatSync(ignore, { throwIfNoEntry: false })?.size ?? 0) === 0) {
      writeFileSync(ignore, '*\n');
    }
  } catch (error) {
    throw fileFault(error, folder);
  }
}

/**
 * For its owner alone, with the folders above it that are missing. Its name is on the disk before anything is
 * put into it, else a power cut could take all of that with it. Not `recursive`: that hides why it failed.
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && dirname(folder) !== folder) {
      makeFolder(dirname(folder));
      makeFolder(folder);
      return;
    }
    if (code === 'EEXIST' && statSync(folder).isDirectory()) return;
    throw error;
  }
  try {
    flushFolder(dirname(folder));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A folder that we may write but not read, or a file system that flushes no folders.
    if (code === 'EACCES' || code === 'EPERM' || code === 'EINVAL') return;
    // Whoever comes next would find it there, and not flush it.
    rmdirSync(folder);
    throw error;
  }
}

/** Best effort by design: the hint only makes others look sooner. Never writes through a link. */
export function overwriteHint(path: string, text: string): void {
  try {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    // Windows knows no O_NOFOLLOW; there the look at open has to do.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
    const file = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0), 0o600);
    try {
      writeFileSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

/** Best effort as well: gives the file a new time, of which `touchedAt` tells the change. Follows no link. */
export function touch(path: string): void {
  try {
    const now = new Date();
    if (lstatSync(path, { throwIfNoEntry: false })) lutimesSync(path, now, now);
    else closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

/** By the file system's own clock, which nobody sets; undefined when there is no such file. */
export function touchedAt(path: string): bigint | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ctimeNs;
  } catch (error) {
    if (!isFileError(error)) throw error;
    return undefined;
  }
}

/* ------------------------------------------------------------------ files that a database engine fills */

/**
 * A name that one process fills before the file gets its own. False when another is at work on it; one
 * that nobody has touched for an hour was left by the dead.
 */
export function reserveTemp(path: string): boolean {
  try {
    makeFolder(dirname(path));
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || Date.now() - stats.mtimeMs > 3_600_000) {
      // The journal first: one that is left would be played back into the new database.
      for (const left of withCompanions(path)) rmSync(left, { force: true });
    }
    closeSync(openSync(path, 'wx', 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileFault(error, path);
  }
}

/** The last step of a new file: its bytes reach the disk, then its name does. */
export function putInPlace(temp: string, path: string, onStep: OnStep = () => undefined): void {
  try {
    flushFile(temp);
    onStep('rename');
    renameSync(temp, path);
    onStep('flush');
    flushFolder(dirname(path));
  } catch (error) {
    throw fileFault(error, path);
  }
}

/** Gives a file a second name in another folder, so that its first may be taken over. */
export function keepBeside(path: string, kept: string): void {
  try {
    makeFolder(dirname(kept));
    keepBackup(path, kept);
  } catch (error) {
    throw fileFault(error, path);
  }
}

/** Moves whatever it is, without looking inside; false when there is nothing. */
export function setAside(path: string, kept: string): boolean {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return false;
    makeFolder(dirname(kept));
    renameSync(path, kept);
    flushFolder(dirname(kept));
    flushFolder(dirname(path));
    return true;
  } catch (error) {
    throw fileFault(error, path);
  }
}

export function copyDurably(path: string, copy: string): void {
  try {
    copyFileSync(path, copy, constants.COPYFILE_EXCL);
    flushFile(copy);
  } catch (error) {
    throw fileFault(error, copy);
  }
}

/** For what is only ours and of no use any more: a temp file, a backup beyond the last few. */
export function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw fileFault(error, path);
  }
}

/**
 * After a failure, which must not be hidden by another: a temporary database, and its journal first, for one
 * that is left would be played back into the next database of that name. What stays is removed by its next user.
 */
export function discardUseless(database: string): void {
  for (const path of withCompanions(database)) {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }
}

/** What SQLite keeps beside a database goes first. */
function withCompanions(database: string): readonly string[] {
  return ['-journal', '-wal', '-shm', ''].map((end) => database + end);
}

function flushFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeDurably(path: string, text: string, mode: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    writeFileSync(file, text);
    // The process's umask may have narrowed what the original allows.
    chmodSync(path, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A link costs nothing and cannot be half-written; where none can be made, a flushed copy. */
function keepBackup(path: string, backup: string): void {
  makeFolder(dirname(backup));
  try {
    linkSync(path, backup);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return;
    if (code !== 'EXDEV' && code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK')
      throw error;
    copyFileSync(path, backup);
    flushFile(backup);
  }
  flushFolder(dirname(backup));
}

function flushFolder(folder: string): void {
  // Windows has no handle of a folder to flush; its file system orders renames itself.
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/**
 * What keeps us from writing a file and beside it, found out by trying: for a fault whose messenger does not
 * tell its cause. The file itself is not opened, for closing it would drop the locks that SQLite has on it.
 */
export function obstacleTo(path: string): StoreError | undefined {
  const probe = join(dirname(path), '.probe.tmp');
  try {
    try {
      writeFileSync(probe, Buffer.alloc(4_096), { mode: 0o600 });
    } finally {
      rmSync(probe, { force: true });
    }
    if (lstatSync(path, { throwIfNoEntry: false })) {
      accessSync(path, constants.R_OK | constants.W_OK);
    }
    return undefined;
  } catch (error) {
    const fault = fileFault(error, path);
    if (fault instanceof StoreError) return fault;
    throw error;
  }
}

/** A file system's refusal, in words that help; anything else as it is. */
export function fileFault(error: unknown, asked: string): unknown {
  if (!isFileError(error)) return error;
  const path = error.path ?? asked;
  const cause = { cause: error };
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return new StoreError(
        'store_permission',
        `No permission to write or read ${path}. Make it writable, or start Wavelock as a user who may use it.`,
        cause,
      );
    case 'EROFS':
      return new StoreError(
        'store_readonly',
        `${path} is on a read-only file system. Make it writable, or use another folder.`,
        cause,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new StoreError(
        'store_full',
        `The disk is full: ${path} could not be written. Free some space and try again.`,
        cause,
      );
    case 'EMFILE':
    case 'ENFILE':
      return new StoreError(
        'store_unavailable',
        `Too many files are open for ${path} to be opened as well. Close some programs or windows, or raise the limit (ulimit -n), and try again.`,
        cause,
      );
    case 'ENOENT':
      return new StoreError('store_gone', `${path} is not there any more.`, cause);
    default:
      return new StoreError(
        'store_io',
        `The disk reported an error on ${path} (${error.message}). Check the disk and try again.`,
        cause,
      );
  }
}

/** The file system's own refusal, as against a mistake of ours. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    typeof error.code === 'string'
  );
}
