/**
 * A process killed at every step of an advance: afterwards the wave has advanced exactly once or not at
 * all, and file and store agree as soon as anybody comes next.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../../src/store/store';
import { hashOf, WorkflowFiles } from '../../src/store/workflowFiles';
import { stateMd, Workbench } from '../contract/stores';
import { atEachStep, stepsOfAWrite } from './atEachStep';
import { noLockfile } from './stallLockfile';

const oldText = stateMd({ wave: 1, waves: [['x'], [' ', ' '], [' ']] });

/** In the order in which they happen; the promise is made before `committed`. */
const steps = ['locked', ...stepsOfAWrite];
const afterRename = new Set(['flush', 'written', 'confirmed', 'tidied']);
const afterConfirm = new Set(['confirmed', 'tidied']);

for (const lock of ['on', 'off'] as const) {
  describe(`crash: killed while a wave advances, with the lock ${lock}`, function () {
    this.timeout(150_000);

    atEachStep(
      steps,
      (step) => `at "${step}": exactly once or not at all`,
      (step) => dieAndGoOn(step, lock),
    );
  });
}

async function dieAndGoOn(step: string, lock: 'on' | 'off'): Promise<void> {
  const bench = new Workbench();
  try {
    const path = bench.write('STATE.md', oldText);
    const pid = await dieAt(bench.folder, step, lock);
    const afterCrash = readFileSync(path, 'utf8');
    const promised = step !== 'locked';
    if (afterRename.has(step)) assert.match(afterCrash, /Wave 2\/3/);
    else assert.equal(afterCrash, oldText, 'the file is whole and old until the rename');

    const store = await bench.store();
    const files = new WorkflowFiles({
      place: bench.place,
      store,
      now: Date.now,
      // Nothing here waits for a lock to go stale: that its process is gone is enough.
      lockStaleMs: 3_600_000,
      lockWaitMs: 10_000,
      ...(lock === 'off' ? { acquire: noLockfile } : {}),
    });
    assert.equal(
      (await store.read('fileEdits', {})).length,
      promised && !afterConfirm.has(step) ? 1 : 0,
    );
    await files.keepPromises();
    await files.keepPromises();

    const state = await store.read('state', {});
    assert.equal(state.workflows[0]?.wave, promised ? 2 : undefined);
    const { workflow } = await store.read('workflowFile', { workflow: 'wf' as never });
    assert.equal(state.runs.length, promised ? 2 : 0);
    assert.deepEqual(await store.read('fileEdits', {}), []);
    const after = readFileSync(path, 'utf8');
    if (promised) assert.match(after, /Wave 2\/3/);
    else assert.equal(after, oldText);
    if (promised) assert.equal(workflow?.hash, hashOf(after), 'file and store agree');
    const leftOvers = readdirSync(bench.folder).filter((name) => name.includes('wavelock-'));
    assert.deepEqual(leftOvers, []);
    if (promised) {
      const backups = join(bench.folder, '.wavelock/backups/wf');
      for (const name of readdirSync(backups)) {
        assert.equal(readFileSync(join(backups, name), 'utf8'), oldText);
      }
    }
    // And the workflow goes on from there: nothing is stuck.
    const next = await files.advance(bench.folder, {});
    assert.equal(next.ok, !promised);
    if (!next.ok) assert.equal(next.refusal.code, 'wave_incomplete');
    const taken = lock === 'on' ? [{ why: 'process-gone', host: hostname(), pid }] : [];
    assert.deepEqual(await takeovers(store), taken);
  } finally {
    await bench.clear();
  }
}

async function takeovers(store: Store): Promise<unknown[]> {
  const events = await store.read('events', { after: 0, limit: 500 });
  return events.flatMap(({ kind, data }) =>
    kind === 'lock.acquired' && 'holder' in data ? (data.holder.tookOver ?? []) : [],
  );
}

async function dieAt(folder: string, step: string, lock: string): Promise<number | undefined> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'out/test/crash/advanceChild.js', folder, step, lock],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', `the child did not reach "${step}"`);
  return child.pid;
}
