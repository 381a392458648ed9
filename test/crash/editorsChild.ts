/**
 * A process that changes a workflow file until it is told to stop: its own task to and fro, and notes that are
 * numbered. `editorsChild.js FOLDER TASK MOST LOCK`. Says what was granted, and when it is done.
 */
import type { TaskId } from '../../src/core/model';
import { isStoreError } from '../../src/core/errors';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { identity } from '../contract/stores';
import { noLockfile } from './stallLockfile';

export interface Said {
  readonly ready?: true;
  /** Of the notes that were granted, the last. */
  readonly notes: number;
  /** As the task was set last. */
  readonly status: 'todo' | 'done';
  /** Recorded, but the file had to follow later. */
  readonly later: number;
  /** Not even that: others were faster again and again. */
  readonly busy: number;
}

const [folder = '', task = '', most = '0', lock = ''] = process.argv.slice(2);
const place = placeOf(folder);
let stopped = false;

async function edit(): Promise<void> {
  const store = await openLocalStore({
    place,
    identity: identity(),
    durability: 'normal',
    schedule: () => () => undefined,
  });
  const files = new WorkflowFiles({
    place,
    store,
    now: Date.now,
    lockWaitMs: 120_000,
    ...(lock === 'off' ? { acquire: noLockfile } : {}),
  });
  const said = { notes: 0, status: 'todo' as Said['status'], later: 0, busy: 0 };
  process.send?.({ ready: true, ...said });
  for (let turn = 1; !stopped && turn <= Number(most); turn += 1) {
    const status = turn % 2 === 1 ? 'done' : 'todo';
    if (await granted(files.setTask(folder, { task: task as TaskId, status })))
      said.status = status;
    const note = said.notes + 1;
    if (await granted(files.addNote(folder, { text: `${task} says ${note}.` }))) said.notes = note;
  }
  process.send?.(said);
  await store.close();
  process.disconnect();

  /** A refusal is a file in the middle of a save by hand; nothing was recorded then. */
  async function granted(asked: Promise<{ readonly ok: boolean }>): Promise<boolean> {
    try {
      return (await asked).ok;
    } catch (error) {
      if (!isStoreError(error)) throw error;
      if (error.message.includes('change itself is recorded')) {
        said.later += 1;
        return true;
      }
      if (error.code !== 'store_busy') throw error;
      said.busy += 1;
      return false;
    }
  }
}

process.once('message', () => {
  stopped = true;
});
void edit();
