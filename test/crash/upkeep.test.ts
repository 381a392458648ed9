/** A process killed at every step of a backup, a restore and a write to the archive. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import { newRun } from '../../src/core/rules/runs';
import { openLocalStore } from '../../src/store/localStore';
import { Archive } from '../../src/store/sqlite/archive';
import { listBackups, makeBackup } from '../../src/store/sqlite/backups';
import { openSqlite } from '../../src/store/sqlite/opening';
import { restoreStore } from '../../src/store/sqlite/restore';
import { verifyStore } from '../../src/store/sqlite/verify';
import type { Store } from '../../src/store/store';
import { anAdvance, identity, Workbench } from '../contract/stores';

describe('crash: killed while a store looks after itself', () => {
  let bench: Workbench;
  let folder: string;
  beforeEach(() => {
    bench = new Workbench();
    folder = join(bench.folder, '.wavelock');
  });
  afterEach(() => bench.clear());

  function open(): Promise<Store> {
    return openLocalStore({
      place: bench.place,
      identity: identity(),
      durability: 'full',
      schedule: () => () => undefined,
    });
  }

  async function advance(...workflows: string[]): Promise<number> {
    const store = await open();
    for (const workflow of workflows) await store.submit(anAdvance(workflow));
    const seq = await store.read('head', {});
    await store.close();
    return seq;
  }

  async function dieAt(work: string, step: string): Promise<void> {
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        'out/test/crash/upkeepChild.js',
        folder,
        work,
        step,
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
    assert.equal(signal, 'SIGKILL', `the child did not reach "${step}"`);
  }

  for (const step of ['temp', 'copied', 'verify', 'rename', 'flush', 'done']) {
    it(`a backup at "${step}": counts whole or not at all`, async () => {
      const seq = await advance('one', 'two');
      await dieAt('backup', `backup.${step}`);
      const counted = step === 'flush' || step === 'done';
      assert.deepEqual(
        listBackups(folder).map((backup) => backup.seq),
        counted ? [seq] : [],
      );
      for (const { file } of listBackups(folder)) assert.ok((await verifyStore(folder, file)).ok);
      assert.ok(await makeBackup(folder, { reason: 'asked', now: Date.now() + 1 }));
      assert.ok((await verifyStore(folder)).ok);
    });
  }

  for (const step of ['copied', 'held', 'kept', 'aside', 'rename', 'flush', 'placed']) {
    it(`a restore at "${step}": the old store, the new one, or a named fault; never less`, async () => {
      const then = await advance('one', 'two');
      await makeBackup(folder, { reason: 'asked', now: Date.now() });
      const now = await advance('three');
      await dieAt('restore', `restore.${step}`);

      const store = await open().catch((error: unknown) => {
        assert.ok(isStoreError(error), String(error));
        return undefined;
      });
      const seq = await store?.read('head', {});
      const well = store?.readOnlyBecause === undefined;
      await store?.close();
      if (seq !== undefined && well) assert.ok([then, now].includes(seq));

      // And again, to the end: also after one that was cut off.
      await restoreStore(folder, 'latest', { now: Date.now() });
      assert.equal(await advance('four'), then + 4);
      assert.ok((await verifyStore(folder)).ok);
    });
  }

  for (const step of ['archive.commit', 'archive.durable', 'archived']) {
    it(`the archive at "${step}": all rows or none, and again is the same`, async () => {
      await advance('one');
      const rows = [1, 2, 3].map((number) =>
        newRun({ id: `run_${number}` as never, title: `Run ${number}` }, { now: number }),
      );
      writeFileSync(
        join(bench.folder, 'rows.json'),
        rows.map((row) => JSON.stringify(row)).join('\n'),
      );
      await dieAt('archive', step);
      const options = {
        folder,
        identity: identity(),
        durability: 'full',
        inThread: false,
      } as const;
      const engine = await openSqlite(options);
      const ids = rows.map(({ id }) => id);
      const read = (): unknown => {
        const archive = new Archive(folder, engine.lineage);
        try {
          return archive.runs(ids);
        } finally {
          archive.close();
        }
      };
      assert.deepEqual(read(), step === 'archive.commit' ? [] : rows);
      engine.archive(rows);
      assert.deepEqual(read(), rows);
      engine.close();
      assert.ok(!existsSync(join(folder, 'archive.db-journal')));
      assert.ok((await verifyStore(folder)).ok);
    });
  }
});
