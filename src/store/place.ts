/**
 * Where a folder's store lives, so that every window, terminal and worktree of one repository finds the
 * same one without being told.
 */
import { realpathSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { RelativePath } from '../core/model';
import { fileFault } from './durableFs';

export const storeFolderName = '.wavelock';

export interface Place {
  /** The folder that holds `store.db`. */
  readonly storeFolder: string;
  /** Top of the worktree; the paths of workflow files count from here. */
  readonly root: string;
  /** Name of the linked worktree; empty for the main one and outside git. */
  readonly worktree: string;
}

/**
 * An explicit folder; else the nearest `.wavelock` up to the top of the worktree; else the main
 * worktree's (a bare repository's own folder). Outside git only the folder itself counts.
 */
export function placeOf(folder: string, explicitStore?: string): Place {
  try {
    return find(folder, explicitStore);
  } catch (error) {
    throw fileFault(error, folder);
  }
}

function find(folder: string, explicitStore: string | undefined): Place {
  const start = realpathSync(folder);
  const git = findGit(start);
  const root = git?.top ?? start;
  const worktree = git?.worktree ?? '';
  if (explicitStore !== undefined && explicitStore !== '') {
    return { storeFolder: resolve(start, explicitStore), root, worktree };
  }
  for (let at = start; ; at = dirname(at)) {
    const candidate = join(at, storeFolderName);
    if (isFolder(candidate)) return { storeFolder: candidate, root, worktree };
    if (at === root) break;
  }
  return { storeFolder: git?.home ?? join(start, storeFolderName), root, worktree };
}

/** The path as workflow rows keep it; undefined when it lies outside the worktree. */
export function relativeTo(place: Place, path: string): RelativePath | undefined {
  const within = relative(place.root, path);
  if (
    within === '' ||
    within === '..' ||
    within.startsWith(`..${sep}`) ||
    resolve(within) === within
  ) {
    return undefined;
  }
  return within.split(sep).join('/') as RelativePath;
}

interface GitPlace {
  readonly top: string;
  readonly worktree: string;
  /** Where the store goes when there is none yet. */
  readonly home: string;
}

function findGit(start: string): GitPlace | undefined {
  for (let at = start; ; at = dirname(at)) {
    const dotGit = join(at, '.git');
    const stats = statSync(dotGit, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return { top: at, worktree: '', home: join(at, storeFolderName) };
    if (stats?.isFile()) return linkedWorktree(at, dotGit);
    if (dirname(at) === at) return undefined;
  }
}

/** A linked worktree's `.git` is a file that points into the main repository; a submodule's does not. */
function linkedWorktree(top: string, dotGit: string): GitPlace {
  const own: GitPlace = { top, worktree: '', home: join(top, storeFolderName) };
  const target = /^gitdir: (.+)$/m.exec(readFileSync(dotGit, 'utf8'))?.[1];
  if (target === undefined) return own;
  const gitFolder = resolve(top, target.trim());
  const common = readIfThere(join(gitFolder, 'commondir'));
  if (common === undefined) return own;
  const commonFolder = resolve(gitFolder, common.trim());
  return {
    top,
    worktree: basename(gitFolder),
    home:
      basename(commonFolder) === '.git'
        ? join(dirname(commonFolder), storeFolderName)
        : join(commonFolder, 'wavelock'),
  };
}

function readIfThere(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
    ? readFileSync(path, 'utf8')
    : undefined;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
