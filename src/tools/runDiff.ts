/** `run diff`: what came of a run in the files, as git knows it. */
import { execFileSync } from 'node:child_process';
import type { RunId, RunRow } from '../core/model';
import type { Store } from '../store/store';
import { inStore, refuse, runIdOf } from './asking';
import { copy, type Copied } from './clipboard';
import type { Done, Refused } from './commandLine';
import { locate, Unfit, type Workplace } from './workplace';

export type DiffDocument =
  | (Done & {
      readonly run: RunId;
      /** Commits between which it lies; `to` is null for the files as they are. */
      readonly from: string;
      readonly to: string | null;
      readonly diff: string;
      readonly copied: Copied | null;
    })
  | Refused;

/** What an empty repository is compared with. */
const emptyTree = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const mostBytes = 256 * 1024 * 1024;

/**
 * From the last commit before the run began to the last one before it ended; to the files as they are while it is
 * running, and where nothing was committed meanwhile. Commits go by their own time, so another agent's are in it too.
 */
export function diffOfRun(
  workplace: Workplace,
  asked: {
    readonly run: string;
    readonly copy: boolean;
    readonly env: Readonly<Record<string, string | undefined>>;
  },
): Promise<DiffDocument> {
  const { root } = locate(workplace).place;
  return inStore(workplace, async (store) => {
    const run = await runIdOf(store, asked.run);
    if (typeof run !== 'string') return refuse(store, run);
    const row = await rowOf(store, run);
    if (!row)
      return refuse(store, { code: 'unknown_run', message: `There is no run ${run}.`, run });
    if (row.startedAt === null) {
      const message = `run: ${run} has not begun, so there is nothing that came of it.`;
      return refuse(store, { code: 'bad_input', message, path: 'run' });
    }
    const from = commitBefore(root, row.startedAt) ?? emptyTree;
    const last = row.endedAt === null ? undefined : commitBefore(root, row.endedAt);
    const to = last === undefined || last === from ? null : last;
    const diff = git(root, [
      'diff',
      '--no-color',
      '--no-ext-diff',
      from,
      ...(to === null ? [] : [to]),
    ]);
    return {
      ok: true,
      at: await store.read('head', {}),
      run,
      from,
      to,
      diff,
      copied: asked.copy ? await copy(diff, `${run}.diff`, asked.env) : null,
    };
  });
}

async function rowOf(store: Store, run: RunId): Promise<RunRow | undefined> {
  const { chains } = await store.read('chains', { ids: [run] });
  return chains[0]?.runs.find(({ id }) => id === run);
}

function commitBefore(root: string, at: number): string | undefined {
  const before = `--before=${new Date(at).toISOString()}`;
  const all = git(root, ['rev-list', '-1', before, '--all', '--']);
  // What is checked out tells more than any branch; without a commit there is nothing to ask.
  const heads = all === '' ? '' : git(root, ['rev-list', '-1', before, 'HEAD', '--']);
  return heads.trim() === '' ? undefined : heads.trim();
}

function git(root: string, args: readonly string[]): string {
  try {
    return execFileSync('git', [...args], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: mostBytes,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'Git was not found.' : `${root} is no repository that git can read.`;
    throw new Unfit(`cwd: ${why}`, 'cwd');
  }
}
