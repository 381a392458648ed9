/** A process that takes back its agent's last change, and dies at the step that it was told: `undoChild.js FOLDER STEP`. */
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { identity } from './stores';

const [folder = '', fatal = ''] = process.argv.slice(2);
const place = placeOf(folder);

async function takeBack(): Promise<void> {
  const store = await openLocalStore({ place, identity: identity(), durability: 'full' });
  const files = new WorkflowFiles({
    place,
    store,
    now: Date.now,
    onStep: (step) => {
      if (step === fatal) process.kill(process.pid, 'SIGKILL');
    },
  });
  await files.undo(folder);
  await store.close();
}

void takeBack();
