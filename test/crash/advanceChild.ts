/**
 * A process that advances a wave, or sets a task to done, and dies at the step that it was told:
 * `advanceChild.js FOLDER STEP LOCK [TASK]`.
 */
import type { TaskId } from '../../src/core/model';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { identity } from '../contract/stores';
import { noLockfile } from './stallLockfile';

const [folder = '', fatal = '', lock = '', task] = process.argv.slice(2);
const place = placeOf(folder);

async function advance(): Promise<void> {
  const store = await openLocalStore({ place, identity: identity(), durability: 'full' });
  const files = new WorkflowFiles({
    place,
    store,
    now: Date.now,
    lockStaleMs: 3_600_000,
    ...(lock === 'off' ? { acquire: noLockfile } : {}),
    onStep: (step) => {
      if (step === fatal) process.kill(process.pid, 'SIGKILL');
    },
  });
  if (task === undefined) await files.advance(folder, {});
  else await files.setTask(folder, { task: task as TaskId, status: 'done' });
  await store.close();
}

void advance();
