/**
 * What git is doing with a worktree, read from its own files: no process is started, and nothing is locked.
 *
 * `head` changes when HEAD does, by a checkout as by a commit. It is only ever compared.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface GitState {
  /** Null outside of git. */
  readonly head: string | null;
  /** While one of these is under way, files change under everybody's hands. */
  readonly busy: 'merge' | 'rebase' | 'cherry-pick' | 'revert' | null;
}

const underWay: readonly (readonly [file: string, busy: NonNullable<GitState['busy']>])[] = [
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['MERGE_HEAD', 'merge'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
];

/** @param root top of the worktree */
export function gitState(root: string): GitState {
  const folder = gitFolderOf(root);
  const head = folder === undefined ? undefined : textOf(join(folder, 'HEAD'))?.trim();
  if (folder === undefined || head === undefined) return { head: null, busy: null };
  const busy = underWay.find(([file]) => existsSync(join(folder, file)))?.[1] ?? null;
  const ref = /^ref: (.+)$/.exec(head)?.[1];
  if (ref === undefined) return { head, busy };
  return { head: `${ref} ${commitOf(folder, ref)}`, busy };
}

/** A linked worktree and a submodule have a file that says where their folder is. */
function gitFolderOf(root: string): string | undefined {
  const path = join(root, '.git');
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (stats.isDirectory()) return path;
  const target = /^gitdir: (.+)$/m.exec(textOf(path) ?? '')?.[1];
  return target === undefined ? undefined : resolve(root, target.trim());
}

/** Empty for a branch without a commit. */
function commitOf(folder: string, ref: string): string {
  const common = textOf(join(folder, 'commondir'));
  const shared = common === undefined ? folder : resolve(folder, common.trim());
  const loose = textOf(join(folder, ...ref.split('/'))) ?? textOf(join(shared, ...ref.split('/')));
  if (loose !== undefined) return loose.trim();
  const packed = textOf(join(shared, 'packed-refs')) ?? '';
  const line = packed.split('\n').find((each) => each.endsWith(` ${ref}`));
  if (line !== undefined) return line.slice(0, line.indexOf(' '));
  // Where refs are kept in tables, their list is another one after each change.
  return (
    textOf(join(shared, 'reftable', 'tables.list'))
      ?.replace(/\s+/g, ' ')
      .trim() ?? ''
  );
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // A ref may be a folder of refs, and any of them may go while we look.
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
