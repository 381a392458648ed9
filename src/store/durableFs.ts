/**
 * The only writer of files, and long because it is: what reaches the disk, and in which order, is read in one place.
 *
 * A replaced file is always whole: the new bytes are on the disk under another name before the name
 * changes over, and the folder is flushed after. A crash leaves the old file or the new one, and at most
 * a temp file, which the next writer removes.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
  copyFileSync,
  type BigIntStats,
  utimesSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StoreError } from '../core/errors';
import { chance } from './chance';
import { fileFault, isFileError } from './fileFault';

/** Called before each step of a write, by name. Tests stop or kill the process there. */
export type OnStep = (step: string) => void;

/**
 * What is done to the disk for a workflow file, each call one step that a power cut may come after. Tests record
 * the calls and play them back in part.
 */
export interface FileOps {
  /** A new file; fails where there is one. Not on the disk before `flush`. */
  create(path: string, content: string | Uint8Array, mode: number): void;
  flush(path: string): void;
  /** Brings names that were made, changed or removed in it to the disk. */
  flushFolder(folder: string): void;
  /** @param within is there already: one that is gone is not made anew by whoever writes beside it */
  makeFolder(folder: string, within?: string): void;
  link(path: string, name: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Its time of change is now; of no importance after a power cut. */
  touch(path: string): void;
}

export const disk: FileOps = {
  create: writeNew,
  flush: flushFile,
  flushFolder,
  makeFolder,
  link: linkSync,
  rename: renameSync,
  remove: (path) => {
    rmSync(path, { force: true });
  },
  touch: (path) => {
    const now = new Date();
    utimesSync(path, now, now);
  },
};

export interface ReplaceOptions {
  /** Gets the file as it was, before the new one takes its place. */
  readonly backup: string;
  /**
   * Gets the new one, before it takes the place of that inode: another who is about to replace the same one would
   * replace ours unseen, with all that people have saved into it by then. None where no link can be made.
   */
  readonly held: (replaced: string) => string;
  /** Last look before the change-over; throws when the file is no longer ours to write. */
  readonly check: (backup: Kept) => void;
  readonly ops: FileOps;
  readonly onStep?: OnStep | undefined;
}

/** A file under a second name. A link shows what is still written to the file by who has it open. */
export interface Kept {
  readonly path: string;
  readonly linked: boolean;
}

/** Must be called under the file's lock: it removes what other writers have left behind. */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  { backup, held, check, ops, onStep: step = () => undefined }: ReplaceOptions,
): Kept {
  const folder = dirname(path);
  const temp = tempNameOf(path);
  let kept: Kept | undefined;
  let second: string | undefined;
  // A writer that was stopped and wakes up later finds its temp file gone and cannot rename it over ours.
  removeTempFiles(path, ops);
  step('temp');
  try {
    ops.create(temp, content, statSync(path).mode);
    ops.flush(temp);
    step('backup');
    kept = keepUnder(path, backup, ops);
    step('hold');
    const replaced = kept.linked ? inodeOf(kept.path) : undefined;
    if (replaced !== undefined) {
      second = held(replaced);
      linkIfPossible(temp, second, ops);
    }
    step('check');
    check(kept);
    step('rename');
    ops.rename(temp, path);
  } catch (error) {
    ops.remove(temp);
    if (second !== undefined) ops.remove(second);
    // The file goes on as it was; nothing has been replaced that would need to be kept.
    if (kept && !isReplaced(path, kept)) ops.remove(kept.path);
    throw fileFault(error, path);
  }
  step('flush');
  ops.flushFolder(folder);
  step('written');
  return kept;
}

/**
 * For a text that is only a person's: without lock, backup and promise, but whole or not at all. It is never cut
 * short in place: who is just copying it, as VS Code does for its local history, would wait for the rest for ever.
 */
export function putText(path: string, text: string): void {
  const file = realpathSync(path);
  const temp = tempNameOf(file);
  try {
    disk.create(temp, text, statSync(file).mode);
    disk.flush(temp);
    disk.rename(temp, file);
    disk.flushFolder(dirname(file));
  } catch (error) {
    disk.remove(temp);
    throw fileFault(error, path);
  }
}

/** By another writer, who may count on this name of it: writers go without the lock where a file system has none. */
function isReplaced(path: string, { path: name, linked }: Kept): boolean {
  if (!linked) return false;
  try {
    return inodeOf(path) !== inodeOf(name);
  } catch {
    // Not known, and one backup too many harms nobody.
    return true;
  }
}

/** The file itself, whatever its names; undefined when there is none of that name. */
export function inodeOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && inodeIn(stats);
}

export const inodeIn = ({ dev, ino }: BigIntStats): string =>
  `${dev.toString(16)}.${ino.toString(16)}`;

/** A file where there was none; false when there is one, which stays as it is. */
export function createFile(path: string, content: string | Uint8Array, ops: FileOps): boolean {
  const temp = tempNameOf(path);
  removeTempFiles(path, ops);
  try {
    ops.create(temp, content, 0o644);
    ops.flush(temp);
    const made = putNew(temp, path, ops);
    if (made) ops.flushFolder(dirname(path));
    return made;
  } catch (error) {
    throw fileFault(error, path);
  } finally {
    ops.remove(temp);
  }
}

/** A link never takes the place of a file that somebody has just made, as a rename would. */
function putNew(temp: string, path: string, ops: FileOps): boolean {
  try {
    ops.link(temp, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    if (!cannotLink(error)) throw error;
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return false;
    ops.rename(temp, path);
    return true;
  }
}

function tempNameOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.wavelock-${chance(6).toString('hex')}`);
}

function removeTempFiles(path: string, ops: FileOps): void {
  const folder = dirname(path);
  const prefix = `.${basename(path)}.wavelock-`;
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix)) ops.remove(join(folder, name));
  }
}

/** No write of a file takes that long. */
export const writesTakeMs = 60_000;

/**
 * Temp files of contents that their writers have died over, and that nobody has kept again since. One that is in use
 * all the same is made anew by who uses it.
 */
export function clearOldTempFiles(folder: string, before: number, ops: FileOps): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    if (!/^\..+\.wavelock-[0-9a-f]{12}$/.test(name)) continue;
    const path = join(folder, name);
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? before) < before) ops.remove(path);
  }
}

/** A link costs nothing and cannot be half-written; where none can be made, a flushed copy. */
function keepUnder(path: string, wanted: string, ops: FileOps): Kept {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? wanted : wanted.replace(/(\.\w+)?$/, `-${number}$1`);
    let linked: boolean;
    try {
      linked = linkOrCopy(path, name, ops);
    } catch (error) {
      // The same content, kept in the same moment: that one may be another file by now.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw error;
    }
    try {
      ops.flushFolder(dirname(name));
    } catch (error) {
      if (!isReplaced(path, { path: name, linked })) ops.remove(name);
      throw error;
    }
    return { path: name, linked };
  }
}

function linkOrCopy(path: string, name: string, ops: FileOps): boolean {
  if (linkIfPossible(path, name, ops)) return true;
  ops.create(name, readFileSync(path), 0o600);
  ops.flush(name);
  return false;
}

function linkIfPossible(path: string, name: string, ops: FileOps): boolean {
  ops.makeFolder(dirname(name));
  try {
    ops.link(path, name);
    return true;
  } catch (error) {
    if (!cannotLink(error)) throw error;
    return false;
  }
}

/** On another device, or on a file system that knows no links. */
function cannotLink(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EXDEV' || code === 'EPERM' || code === 'ENOTSUP' || code === 'EMLINK';
}

/** Each that begins to keep a content clears away the temp files of the others, once. */
const mostKeepingTheSame = 64;

/** A file that says the same for ever, as its name does; writing it again is nothing. */
export function keepContent(
  path: string,
  content: string | Uint8Array,
  { ops, flush }: { readonly ops: FileOps; readonly flush: boolean },
): void {
  // One that a power cut has left empty or cut is written again.
  const isThere = (): boolean =>
    lstatSync(path, { throwIfNoEntry: false })?.size === Buffer.byteLength(content);
  try {
    if (isThere() && touched(path, ops)) {
      if (!flush) return;
      ops.flush(path);
      ops.flushFolder(dirname(path));
      return;
    }
    ops.makeFolder(dirname(path));
    // Once only: many who keep the same at once would else clear away each other's for ever.
    removeTempFiles(path, ops);
    for (let attempt = 1; ; attempt += 1) {
      // Under a name of its own first: who sees its name sees its bytes.
      const temp = tempNameOf(path);
      try {
        ops.create(temp, content, 0o600);
        if (flush) ops.flush(temp);
        ops.rename(temp, path);
        break;
      } catch (error) {
        ops.remove(temp);
        // Another has cleared it away who keeps the same.
        const cleared =
          (error as NodeJS.ErrnoException).code === 'ENOENT' && attempt < mostKeepingTheSame;
        if (!cleared) throw error;
        if (!isThere()) continue;
        // Whoever has put it there need not have flushed it.
        if (flush) ops.flush(path);
        break;
      }
    }
    if (flush) ops.flushFolder(dirname(path));
  } catch (error) {
    throw fileFault(error, path);
  }
}

const mayNotTouch: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS'];

/** Kept once more: whoever clears away what is old leaves it alone. False when somebody just has. */
function touched(path: string, ops: FileOps): boolean {
  try {
    ops.touch(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    // Where nobody may write, nobody clears away.
    if (mayNotTouch.includes(code)) return true;
    throw error;
  }
}

/**
 * The folder of a store: for its owner alone, and unseen by git unless others' files are in it as well. Two
 * processes may create it at once.
 */
export function createStoreFolder(folder: string, { hide } = { hide: true }): void {
  try {
    const stats = lstatSync(folder, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isDirectory()) {
      throw new StoreError(
        'store_foreign',
        `${folder} is ${stats.isSymbolicLink() ? 'a link' : 'a file'}, not a folder. Wavelock leaves it alone; move it away, or set another folder for the store.`,
      );
    }
    makeFolder(folder);
    if (!hide) return;
    const ignore = join(folder, '.gitignore');
    // An empty one was left by somebody who died, or had no space, before its text.
    if ((lstatSync(ignore, { throwIfNoEntry: false })?.size ?? 0) === 0) {
      writeFileSync(ignore, '*\n');
    }
  } catch (error) {
    throw fileFault(error, folder);
  }
}

/** All that is written into the store of a workplace: whoever has moved it away finds none begun in its place. */
export function opsWithin(within: string, ops: FileOps): FileOps {
  return {
    create: (path, content, mode) => {
      ops.create(path, content, mode);
    },
    flush: (path) => {
      ops.flush(path);
    },
    flushFolder: (folder) => {
      ops.flushFolder(folder);
    },
    makeFolder: (folder) => {
      ops.makeFolder(folder, within);
    },
    link: (path, name) => {
      ops.link(path, name);
    },
    rename: (from, to) => {
      ops.rename(from, to);
    },
    remove: (path) => {
      ops.remove(path);
    },
    touch: (path) => {
      ops.touch(path);
    },
  };
}

/**
 * For its owner alone, with the folders above it that are missing. Its name is on the disk before anything is
 * put into it, else a power cut could take all of that with it. Not `recursive`: that hides why it failed.
 */
export function makeFolder(folder: string, within?: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const above = dirname(folder);
    if (code === 'ENOENT' && above !== folder && above !== within) {
      makeFolder(above, within);
      makeFolder(folder, within);
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

/**
 * Best effort by design: the hint only makes others look sooner. Never writes through a link.
 *
 * In place, and emptied by nobody: ext4 sends a file to the disk that was emptied and written anew, which took
 * as long as a commit. So a reader may see the beginning of one text and the end of another.
 */
export function overwriteHint(path: string, text: string): void {
  try {
    const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants;
    // Windows knows no O_NOFOLLOW; there the look at open has to do.
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition
    const file = openSync(path, O_WRONLY | O_CREAT | (O_NOFOLLOW ?? 0), 0o600);
    try {
      const length = writeSync(file, text, 0);
      if (fstatSync(file).size > length) ftruncateSync(file, length);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

/** Best effort as well: gives the file this time, in milliseconds. Follows no link. */
export function touch(path: string, time: number): void {
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) closeSync(openSync(path, 'wx', 0o600));
    lutimesSync(path, time / 1_000, time / 1_000);
  } catch (error) {
    if (!isFileError(error)) throw error;
  }
}

export interface Touch {
  readonly time: number;
  /** In nanoseconds, by the file system's own clock, which nobody sets. */
  readonly changed: bigint;
}

/** Undefined when there is no such file, or it cannot be seen. */
export function touchOf(path: string): Touch | undefined {
  try {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return stats && { time: Number(stats.mtimeMs), changed: stats.ctimeNs };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return undefined;
  }
}

/* ------------------------------------------------------------------ files that a database engine fills */

/** A name that one process fills before the file gets its own. False when another has it, at work or dead. */
export function reserveTemp(path: string): boolean {
  try {
    makeFolder(dirname(path));
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw fileFault(error, path);
  }
  try {
    // The name is ours, and nobody has opened it: a journal that is left would be played back into the new database.
    for (const left of companionsOf(path)) rmSync(left, { force: true });
    return true;
  } catch (error) {
    // While it stands, everybody else takes us to be at work, and nobody tries again or says what is wrong.
    discardUseless(path);
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
    if (lstatSync(kept, { throwIfNoEntry: false }) === undefined) linkOrCopy(path, kept, disk);
    flushFolder(dirname(kept));
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
  for (const path of [...companionsOf(database), database]) {
    try {
      rmSync(path, { force: true });
    } catch (error) {
      if (!isFileError(error)) throw error;
    }
  }
}

/** What SQLite keeps beside a database. */
function companionsOf(database: string): readonly string[] {
  return ['-journal', '-wal', '-shm'].map((end) => database + end);
}

function flushFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function writeNew(path: string, content: string | Uint8Array, mode: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    writeFileSync(file, content);
    // The process's umask may have narrowed what the original allows.
    fchmodSync(file, mode & 0o7777);
  } finally {
    closeSync(file);
  }
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
