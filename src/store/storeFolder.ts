/**
 * The folder that holds a store: made for its owner alone and out of git's sight, and looked at before anything
 * in it is opened. Nothing of what is found there is changed or deleted: what is odd is named.
 *
 * Contract: every name that Wavelock writes to is a plain file or folder of this folder, so that nothing is
 * written elsewhere. It guards against accidents and repositories that bring a `.wavelock` with links in it; a
 * process of the same user that puts a link there later is not kept out.
 */
import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { StoreError } from '../core/errors';
import { createStoreFolder } from './durableFs';
import { networkOf, type MountQuestions } from './mounts';

/** What people should know of a store that works. */
export interface StoreWarning {
  readonly code: 'network_folder' | 'open_to_others' | 'seen_by_git' | 'backup_failed';
  readonly message: string;
}

export interface StoreFolder {
  /** On a disk of another machine: no write-ahead log there. */
  readonly network: string | null;
  readonly warnings: readonly StoreWarning[];
}

const folders = ['backups', 'held', 'lockfiles', 'logs', 'set-aside', 'store-backups', 'texts'];
const files = [
  '.gitignore',
  'archive.db',
  'archive.db-journal',
  'head',
  'store.db',
  'store.db-journal',
  'store.db-shm',
  'store.db-wal',
];

export function prepareStoreFolder(folder: string, mounts?: MountQuestions): StoreFolder {
  const before = lstatSync(folder, { throwIfNoEntry: false });
  const foreign = before?.isDirectory() === true && !isOurs(folder);
  createStoreFolder(folder, { hide: !foreign });
  for (const name of folders) refuseUnless(join(folder, name), 'folder');
  for (const name of files) refuseUnless(join(folder, name), 'file');
  const network = networkOf(folder, mounts);
  const warnings: StoreWarning[] = [];
  if (network !== null) {
    warnings.push({
      code: 'network_folder',
      message: `The store ${folder} is on a file system of another machine (${network}). It works without a write-ahead log there: slower, and only as safe as the locks and flushes of that file system. Set \`wavelock.store\` or WAVELOCK_STORE to a local folder if you can.`,
    });
  }
  // What others may do with a folder that was there before is its owner's choice.
  const mode = before && process.platform !== 'win32' ? before.mode & 0o077 : 0;
  if (mode !== 0) {
    warnings.push({
      code: 'open_to_others',
      message: `Others on this machine can ${(mode & 0o022) === 0 ? 'read' : 'change'} the store in ${folder}. If they should not: chmod 700 '${folder}'`,
    });
  }
  if (foreign && !hidesItself(folder)) {
    warnings.push({
      code: 'seen_by_git',
      message: `The store is in ${folder} beside other files, so Wavelock leaves it visible to git. Choose a folder of its own, or list store.db* and archive.db in a .gitignore.`,
    });
  }
  return { network, warnings };
}

/** Empty, or with nothing in it that could be somebody's: a `.gitignore` of ours would hide theirs from git. */
function isOurs(folder: string): boolean {
  const ours = new Set([...files, ...folders]);
  return readdirSync(folder).every((name) => ours.has(name) || name.startsWith('.store.db.'));
}

function hidesItself(folder: string): boolean {
  return lstatSync(join(folder, '.gitignore'), { throwIfNoEntry: false }) !== undefined;
}

function refuseUnless(path: string, wanted: 'file' | 'folder'): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats || is(stats, wanted)) return;
  const found = stats.isSymbolicLink() ? 'a link' : `not a ${wanted}`;
  throw new StoreError(
    'store_foreign',
    `${path} is ${found}. Wavelock leaves it alone; move it away, or set another folder for the store.`,
  );
}

function is(stats: Stats, wanted: 'file' | 'folder'): boolean {
  return wanted === 'file' ? stats.isFile() : stats.isDirectory();
}
