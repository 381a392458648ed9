/**
 * A process killed at every step of a write of a workflow file, with a person's unsaved change in between:
 * afterwards what was committed is in the file once, file and store agree, and the person's words are there.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { hashOf, WorkflowFiles } from '../../src/store/workflowFiles';
import { stateMd, Workbench } from '../contract/stores';
import { atEachStep, stepsOfAWrite } from './atEachStep';

const oldText = stateMd({ wave: 1, waves: [[' ', ' '], [' ']] });
const steps = ['locked', 'imported', ...stepsOfAWrite];

describe('crash: killed while a task is set', function () {
  this.timeout(300_000);

  atEachStep(steps, (step) => `S-2, S-20 at "${step}": once or not at all`, dieAndGoOn);
});

async function dieAndGoOn(step: string): Promise<void> {
  const bench = new Workbench();
  try {
    const path = bench.write('STATE.md', oldText);
    await dieAt(bench.folder, step);
    const store = await bench.store();
    const options = { place: bench.place, store, now: Date.now, lockStaleMs: 3_600_000 };
    const files = new WorkflowFiles({ ...options, lockWaitMs: 10_000 });
    bench.write('STATE.md', readFileSync(path, 'utf8').replace('- A note', '- By hand\n- A note'));
    await files.keepPromises();
    await files.sync(bench.folder);

    const text = readFileSync(path, 'utf8');
    const done = step !== 'locked' && step !== 'imported';
    assert.equal(text.includes('- [x] **1-1**'), done, text);
    assert.equal(text.split('- By hand').length, 2, text);
    assert.deepEqual(await store.read('fileEdits', {}), []);
    assert.deepEqual(await store.read('conflicts', {}), []);
    const { workflow } = await store.read('workflowFile', { workflow: 'wf' as never });
    assert.equal(workflow?.hash, hashOf(text), 'file and store agree');
    const events = await store.read('events', { after: 0, limit: 500 });
    const changes = events.filter(({ kind }) => kind === 'task.changed');
    assert.equal(changes.length, done ? 1 : 0);
    const leftOvers = readdirSync(bench.folder).filter((name) => name !== '.wavelock');
    assert.deepEqual(leftOvers, ['STATE.md']);
  } finally {
    await bench.clear();
  }
}

async function dieAt(folder: string, step: string): Promise<void> {
  const flags = ['--disable-warning=ExperimentalWarning'];
  const child = spawn(
    process.execPath,
    [...flags, 'out/test/crash/advanceChild.js', folder, step, 'on', '1-1'],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', `the child did not reach "${step}"`);
}
