/** Ended runs leave the live store for the archive, durable there first, and are found there (KEEP-n). */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isStoreError } from '../../src/core/errors';
import type { Answer, RunId } from '../../src/core/model';
import { openLocalStore } from '../../src/store/localStore';
import { retainRuns } from '../../src/store/retention';
import { Archive } from '../../src/store/sqlite/archive';
import type { Store } from '../../src/store/store';
import { identity, Workbench } from './stores';

describe('store: archive', () => {
  let bench: Workbench;
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    bench = new Workbench();
    folder = join(bench.folder, '.wavelock');
    store = await open();
    granted(await store.submit({ kind: 'config.set', key: 'retention.max', value: 0 }));
    granted(await store.submit({ kind: 'config.set', key: 'rate.mutations', value: 0 }));
  });
  afterEach(async () => {
    await store.close();
    await bench.clear();
  });

  function open(): Promise<Store> {
    return openLocalStore({
      place: bench.place,
      identity: identity(),
      durability: 'normal',
      schedule: () => () => undefined,
    });
  }

  function granted<Facts>(answer: Answer<Facts>): Facts {
    if (!answer.ok) assert.fail(answer.refusal.message);
    return answer.facts;
  }

  async function ended(count: number): Promise<RunId[]> {
    const { runs } = granted(await store.submit({ kind: 'run.create', title: 'Work', count }));
    for (const { id } of runs) {
      granted(await store.submit({ kind: 'run.cancel', run: id, reason: 'done with' }));
    }
    return runs.map(({ id }) => id);
  }

  function archivedRuns(ids: readonly RunId[]): readonly RunId[] {
    const database = new DatabaseSync(join(folder, 'store.db'), { readOnly: true });
    const lineage = database.prepare("SELECT value FROM meta WHERE key = 'lineage'").get()?.[
      'value'
    ];
    database.close();
    const archive = new Archive(folder, String(lineage));
    try {
      return archive.runs(ids).map(({ id }) => id);
    } finally {
      archive.close();
    }
  }

  it('takes what has ended and leaves what lives; the events still tell all of it', async () => {
    const gone = await ended(3);
    const { runs } = granted(await store.submit({ kind: 'run.create', title: 'Alive' }));
    assert.equal(await store.retain(), 3);
    assert.deepEqual(archivedRuns(gone), gone);
    const state = await store.read('state', {});
    assert.deepEqual(
      state.runs.map(({ id }) => id),
      runs.map(({ id }) => id),
    );
    assert.deepEqual((await store.verify()).problems, []);
    assert.equal(await store.retain(), 0);
  });

  it('keeps what a live run refers to, until that has ended too', async () => {
    const [parent] = await ended(1);
    assert.ok(parent);
    const created = await store.submit({ kind: 'run.create', title: 'Child', parent });
    const [child] = granted(created).runs;
    assert.equal(await store.retain(), 0);
    granted(await store.submit({ kind: 'run.cancel', run: child!.id, reason: 'over' }));
    assert.equal(await store.retain(), 2);
    assert.ok((await store.verify()).ok);
  });

  it('more than one step takes go in several', async () => {
    await ended(1_100);
    assert.equal(await store.retain(), 1_100);
    assert.equal((await store.read('state', {})).runs.length, 0);
    assert.ok((await store.verify()).ok);
  });

  it('a rule that asks for an archived run gets it', async () => {
    const [run] = await ended(1);
    assert.ok(run);
    await store.retain();
    const answer = await store.submit({ kind: 'run.retry', run, reason: 'again' });
    assert.ok(answer.ok || answer.refusal.code !== 'unknown_run', JSON.stringify(answer));
  });

  it('cut off between the two: runs in both, and the next time finishes it', async () => {
    const gone = await ended(4);
    const cut = new Error('the process ends here');
    let wrote = 0;
    const dying = retainRuns(
      {
        submit: (command) =>
          command.kind === 'retention.step' && command.archived.length > 0
            ? Promise.reject(cut)
            : store.submit(command),
      },
      (rows) => {
        wrote += rows.length;
        return Promise.resolve();
      },
    );
    await assert.rejects(dying, (error) => error === cut);
    assert.equal(wrote, 4);
    assert.equal((await store.read('state', {})).runs.length, 4);
    assert.ok((await store.verify()).ok);
    assert.equal(await store.retain(), 4);
    assert.deepEqual(archivedRuns(gone), gone);
    assert.ok((await store.verify()).ok);
  });

  for (const [what, change] of [
    ['is gone', undefined],
    ['lost a run', 'DELETE FROM runs WHERE place = 2'],
    ['has a changed run', `UPDATE runs SET row = replace(row, 'Work', 'Play') WHERE place = 1`],
  ] as const) {
    it(`an archive that ${what} is found`, async () => {
      await ended(3);
      await store.retain();
      const path = join(folder, 'archive.db');
      if (change === undefined) rmSync(path);
      else {
        const raw = new DatabaseSync(path);
        raw.exec(change);
        raw.close();
      }
      const { problems } = await store.verify();
      assert.equal(problems.length, change === undefined ? 3 : 1);
      assert.ok(problems.every(({ code }) => code === 'archive'));
    });
  }

  it("another store's archive is foreign, and stays", async () => {
    await ended(1);
    const theirs = new Archive(folder, 'another lineage');
    theirs.write([]);
    await assert.rejects(
      store.retain(),
      (error) => isStoreError(error) && error.code === 'store_foreign',
    );
    assert.ok(existsSync(join(folder, 'archive.db')));
    assert.equal((await store.read('state', {})).runs.length, 1);
  });
});
