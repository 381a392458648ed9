/** How a command of the store is asked for by people and scripts: looked at before it is sent, ids by their beginning. */
import { decodeCommand } from '../core/commandCodec';
import type { Answer, Command, Granted, Refusal, RunId } from '../core/model';
import type { Store } from '../store/store';
import { refused, type Refused } from './commandLine';
import { locate, withStore, type Workplace } from './workplace';

/** One command, decided and with its file written, if it has one. */
export async function ask<C extends Command>(
  store: Store,
  workplace: Workplace,
  command: C,
): Promise<Answer<Granted[C['kind']]>> {
  const decoded = decodeCommand(command);
  if ('code' in decoded) {
    return { ok: false, at: await store.read('head', {}), refusal: decoded };
  }
  const answer = await store.submit(command, workplace.opId);
  if (mayConcernFiles.has(command.kind)) await keepPromises(store, workplace);
  return answer;
}

/** Transitions of a run show in the box of its task. */
const mayConcernFiles: ReadonlySet<Command['kind']> = new Set<Command['kind']>([
  'run.create',
  'run.claim',
  'run.heartbeat',
  'run.complete',
  'run.fail',
  'run.cancel',
  'run.kill',
  'run.retry',
  'agent.leave',
]);

/** What files are promised is written before the answer is given. */
async function keepPromises(store: Store, workplace: Workplace): Promise<void> {
  const edits = await store.read('fileEdits', {});
  if (edits.length === 0) return;
  const files = await import('./filesOfRuns');
  await files.keepPromises(store, workplace, edits);
}

/** The store of the workplace, made if there is none. */
export function inStore<T>(workplace: Workplace, work: (store: Store) => Promise<T>): Promise<T> {
  return withStore(workplace, locate(workplace).place, work);
}

/* ------------------------------------------------------------------ ids by their beginning */

const wholeRunId = /^run_[0-9a-hjkmnp-tv-z]{10}$/;
const listedIds = 10;

/** The one run whose id begins so; `run_` may be left out. */
export async function runIdOf(store: Store, said: string): Promise<RunId | Refusal> {
  if (wholeRunId.test(said)) return said as RunId;
  const prefix = said.startsWith('run_') ? said : `run_${said}`;
  const ids = await store.read('runIds', { prefix, limit: listedIds + 1 });
  const [only, another] = ids;
  if (another !== undefined) {
    const more = ids.length > listedIds ? ' and more' : '';
    const message = `run: ${said} is the beginning of ${ids.slice(0, listedIds).join(', ')}${more}.`;
    return { code: 'bad_input', message, path: 'run' };
  }
  if (only !== undefined) return only;
  const run = said.slice(0, 128) as RunId;
  return { code: 'unknown_run', message: `There is no run ${run}.`, run };
}

export async function runIdsOf(
  store: Store,
  said: readonly string[],
): Promise<readonly RunId[] | Refusal> {
  const ids: RunId[] = [];
  for (const each of said) {
    const id = await runIdOf(store, each);
    if (typeof id !== 'string') return id;
    ids.push(id);
  }
  return ids;
}

export async function refuse(store: Store, refusal: Refusal): Promise<Refused> {
  return refused(refusal, await store.read('head', {}));
}
