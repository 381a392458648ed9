/** `guard`: keeps a commit or an edit away from what other agents have locked, outside of the editor too. */
import { execFileSync } from 'node:child_process';
import { inStore } from './asking';
import { refused, type Done, type Refused } from './commandLine';
import { fromRoot } from './lockCommands';
import { hasStore, locate, Unfit, type Workplace } from './workplace';

export type GuardDocument = (Done & { readonly files: readonly string[] }) | Refused;

export interface Guarded {
  readonly files: readonly string[];
  /** What git would commit, beside the files that are named. */
  readonly staged: boolean;
}

/** Somebody who waits does so by calling again. */
const againMs = 5_000;

export async function guard(
  workplace: Workplace,
  { files: named, staged }: Guarded,
): Promise<GuardDocument> {
  const at = locate(workplace);
  const files = [
    ...new Set([
      ...named.map((file) => fromRoot(file, at)),
      ...(staged ? stagedFiles(at.place.root) : []),
    ]),
  ];
  // Looking leaves no trace: where there is no store, nobody has locked anything.
  if (files.length === 0 || !hasStore(at.place)) return { ok: true, at: 0, files };
  return inStore(workplace, async (store) => {
    const { worktree } = at.place;
    const denials = await store.read('heldByOthers', { resources: files, worktree });
    const head = await store.read('head', {});
    if ('code' in denials) return refused(denials, head);
    if (denials.length === 0) return { ok: true, at: head, files };
    const names = denials.map(({ resource, holder }) => `${resource} (${holder.name})`);
    return refused(
      {
        code: 'lock_denied',
        message: `Others have locked ${names.join(', ')}.`,
        denials,
        retryAfterMs: againMs,
      },
      head,
    );
  });
}

/** Both names of a file that is moved; from the top of the worktree, as locks are. */
function stagedFiles(root: string): readonly string[] {
  try {
    return execFileSync('git', ['diff', '--cached', '--name-only', '--no-renames', '-z'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
      .split('\0')
      .filter((file) => file !== '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'Git was not found.' : `${root} is no repository that git can read.`;
    throw new Unfit(`staged: ${why}`, 'staged');
  }
}
