/**
 * Where a folder's store lives, so that every window, terminal and worktree of one repository finds the
 * same one without being told.
 */
import { realpathSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { RelativePath } from '../core/model';
import { fileFault } from './fileFault';

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
 * worktree's (the repository's own folder, where it is bare or lies apart). Outside git only the folder itself counts.
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
    return { storeFolder: realParent(resolve(start, explicitStore)), root, worktree };
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

/**
 * `.git` is a file in a linked worktree, in a submodule, and where the repository was put elsewhere. All
 * worktrees of one repository must come to the same place; its configuration tells where the main one is.
 */
function linkedWorktree(top: string, dotGit: string): GitPlace {
  const target = /^gitdir: (.+)$/m.exec(readFileSync(dotGit, 'utf8'))?.[1];
  if (target === undefined) return { top, worktree: '', home: join(top, storeFolderName) };
  const gitFolder = resolve(top, target.trim());
  const common = readIfThere(join(gitFolder, 'commondir'));
  const commonFolder = common === undefined ? gitFolder : resolve(gitFolder, common.trim());
  const worktree = common === undefined ? '' : basename(gitFolder);
  return { top, worktree, home: homeOf(commonFolder) };
}

/** A submodule's folder names its worktree; of one that has none, and says so or not, it is the only fixed place. */
function homeOf(commonFolder: string): string {
  if (basename(commonFolder) === '.git') return join(dirname(commonFolder), storeFolderName);
  const config = readIfThere(join(commonFolder, 'config')) ?? '';
  const main = /^\s*worktree\s*=\s*(.+?)\s*$/m.exec(config)?.[1];
  return main === undefined
    ? join(commonFolder, 'wavelock')
    : join(resolve(commonFolder, main.replace(/^"(.*)"$/, '$1')), storeFolderName);
}

function readIfThere(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true
    ? readFileSync(path, 'utf8')
    : undefined;
}

/** The same folder under the same name, whatever links lead to it; whether it is one itself is looked at later. */
function realParent(folder: string): string {
  const parent = dirname(folder);
  if (parent === folder) return folder;
  return statSync(parent, { throwIfNoEntry: false })
    ? join(realpathSync(parent), basename(folder))
    : join(realParent(parent), basename(folder));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
