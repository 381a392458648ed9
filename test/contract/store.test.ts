/** The promises of store.md, on a real database in a real folder. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StoredEvent } from '../../src/core/model';
import { viewOf, evolve } from '../../src/core/views';
import { isStoreError } from '../../src/core/errors';
import type { Store } from '../../src/store/store';
import { anAdvance, Workbench } from './stores';

describe('store: what is promised', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  const openers: [string, () => Promise<Store>][] = [
    ['in this thread', () => bench.store()],
    ['in a thread of its own', () => bench.threadStore()],
    ['on a disk of another machine', () => bench.networkStore()],
  ];

  for (const [where, open] of openers) {
    const neighbour = where.startsWith('on a disk') ? open : () => bench.store();

    describe(where, () => {
      it('keeps what it has acknowledged, with its events, across a reopening', async () => {
        const store = await open();
        const answer = await store.submit(anAdvance('wf'));
        assert.ok(answer.ok);
        await store.close();
        const again = await open();
        const state = await again.read('state', {});
        assert.equal(state.seq, answer.at);
        assert.equal(state.workflows[0]?.wave, 1);
        assert.deepEqual(state.runs, answer.facts.runs);
        const events = await again.read('events', { after: 0, limit: 100 });
        assert.deepEqual(
          events.map(({ seq, kind }) => [seq, kind]),
          [
            [1, 'workflow.created'],
            [2, 'workflow.advanced'],
            [3, 'run.created'],
            [4, 'file.pending'],
          ],
        );
      });

      it('answers the same operation the same way, once done', async () => {
        const store = await open();
        const first = await store.submit(anAdvance('wf'), 'op_same' as never);
        const second = await store.submit(anAdvance('wf'), 'op_same' as never);
        assert.deepEqual(second, first);
        assert.equal(await store.read('head', {}), first.at);
      });

      it('tells a subscriber every event of another process, once and in order', async () => {
        const [mine, other] = [await open(), await neighbour()];
        const seen: StoredEvent[] = [];
        const all = new Promise<void>((resolve) => {
          mine.subscribe(0, (events) => {
            seen.push(...events);
            if (seen.length === 40) resolve();
          });
        });
        for (let index = 0; index < 10; index += 1) await other.submit(anAdvance(`wf${index}`));
        await all;
        assert.deepEqual(
          seen.map(({ seq }) => seq),
          Array.from({ length: 40 }, (_, index) => index + 1),
        );
      });

      it('replays from where a subscriber left off', async () => {
        const store = await open();
        await store.submit(anAdvance('wf'));
        const seen = await new Promise<readonly StoredEvent[]>((resolve) =>
          store.subscribe(2, resolve),
        );
        assert.deepEqual(
          seen.map(({ seq }) => seq),
          [3, 4],
        );
      });

      it('answers what was submitted before it closed, and nothing after', async () => {
        const store = await open();
        const pending = Array.from({ length: 20 }, (_, index) =>
          store.submit(anAdvance(`wf${index}`)),
        );
        const closing = store.close();
        for (const answer of await Promise.all(pending)) assert.ok(answer.ok);
        await closing;
        await assert.rejects(store.submit(anAdvance('late')), isStoreError);
      });

      it('decides 400 commands of four stores at once in one order, none lost', async () => {
        const stores = [await open(), await neighbour(), await neighbour(), await neighbour()];
        const answers = await Promise.all(
          stores.flatMap((store, which) =>
            Array.from({ length: 100 }, (_, index) =>
              store.submit(anAdvance(`wf-${which}-${index}`)),
            ),
          ),
        );
        assert.ok(answers.every(({ ok }) => ok));
        const state = await stores[3]!.read('state', {});
        assert.equal(state.workflows.length, 400);
        assert.equal(state.seq, 1_600);
      });

      it('says which engine it is', async () => {
        const versions = await (await open()).read('versions', {});
        assert.match(versions.engine, /^SQLite 3\.\d+/);
        assert.equal(versions.inThread, where === 'in a thread of its own');
        assert.equal(versions.journal, where.startsWith('on a disk') ? 'truncate' : 'wal');
      });
    });
  }

  it('decides 1,000 commands of four stores at once in one order, none lost', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => bench.store()));
    const answers = await Promise.all(
      stores.flatMap((store, which) =>
        Array.from({ length: 250 }, (_, index) => store.submit(anAdvance(`wf-${which}-${index}`))),
      ),
    );
    assert.ok(answers.every(({ ok }) => ok));
    const [store] = stores;
    const state = await store!.read('state', {});
    assert.equal(state.workflows.length, 1_000);
    assert.equal(state.seq, 4_000);
    assert.equal(new Set(answers.map(({ at }) => at)).size, 1_000);
  });

  it('lets exactly one of many advance the same wave', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => bench.store()));
    // Wave 1 has an open task, so a second step from what the winner left is refused as well.
    const answers = await Promise.all(
      stores.map((store) => store.submit({ ...anAdvance('wf'), seen: 0 })),
    );
    const runs = answers.flatMap((answer) => (answer.ok ? answer.facts.runs : []));
    assert.equal(runs.length, 1, 'one run for one task, however many asked');
  });

  it('a view evolved through events equals a fresh view of the rows', async () => {
    const store = await bench.store();
    let view = viewOf(await store.read('state', {}));
    for (let index = 0; index < 20; index += 1)
      await store.submit(anAdvance(`wf${index % 5}`, index % 7));
    const events = await store.read('events', { after: 0, limit: 1_000 });
    view = events.reduce(evolve, view);
    assert.deepEqual(view, viewOf(await store.read('state', {})));
  });

  it('says of one workflow what it says of all', async () => {
    const store = await bench.store();
    for (const workflow of ['one', 'two', 'one'])
      await store.submit(anAdvance(workflow, workflow === 'one' ? 1 : 0));
    const all = viewOf(await store.read('state', {}));
    const one = viewOf(await store.read('workflow', { id: 'one' as never }));
    assert.equal(one.seq, all.seq);
    assert.deepEqual(
      [...one.workflows],
      [...all.workflows].filter(([id]) => String(id) === 'one'),
    );
    assert.ok(all.runs.get('one' as never)?.size);
    assert.deepEqual(one.runs.get('one' as never), all.runs.get('one' as never));
    assert.equal(one.runs.size, 1);
    const tasks = [...all.tasks].filter(([, { workflow }]) => String(workflow) === 'one');
    assert.deepEqual([...one.tasks], tasks);
    const none = await store.read('workflow', { id: null });
    assert.deepEqual([none.workflows, none.runs], [[], []]);
  });

  it('chains each event to the one before', async () => {
    const { createHash } = await import('node:crypto');
    const store = await bench.store();
    await store.submit(anAdvance('wf'));
    await store.close();
    const database = new DatabaseSync(join(bench.folder, '.wavelock/store.db'), { readOnly: true });
    const rows = database.prepare('SELECT event, hash FROM events ORDER BY seq').all();
    const meta = database.prepare("SELECT value FROM meta WHERE key = 'lineage'").get();
    database.close();
    let previous = new Uint8Array(Buffer.from(String(meta?.['value'])));
    for (const row of rows) {
      const hash = createHash('sha256').update(previous).update(String(row['event'])).digest();
      assert.deepEqual(Buffer.from(row['hash'] as Uint8Array), hash);
      previous = row['hash'] as Uint8Array<ArrayBuffer>;
    }
    assert.equal(rows.length, 4);
  });

  it('keeps its folder for the owner and out of git', async () => {
    await bench.store();
    const folder = join(bench.folder, '.wavelock');
    assert.equal(readFileSync(join(folder, '.gitignore'), 'utf8'), '*\n');
    if (process.platform !== 'win32') assert.equal(statSync(folder).mode & 0o777, 0o700);
  });
});

describe('store: what it refuses to touch', () => {
  let bench: Workbench;
  let folder: string;
  let database: string;
  beforeEach(() => {
    bench = new Workbench();
    folder = join(bench.folder, '.wavelock');
    database = join(folder, 'store.db');
    mkdirSync(folder);
  });
  afterEach(() => bench.clear());

  async function fault(): Promise<string> {
    try {
      await bench.store();
    } catch (error) {
      assert.ok(isStoreError(error), String(error));
      assert.ok(error.message.includes(folder), error.message);
      return error.code;
    }
    return assert.fail('the store opened');
  }

  it('a file that is no database is damaged, and stays as it is', async () => {
    writeFileSync(database, 'not a database, but somebody may need it'.repeat(100));
    const before = readFileSync(database);
    assert.equal(await fault(), 'store_damaged');
    assert.deepEqual(readFileSync(database), before);
  });

  it('a database of another program is foreign', async () => {
    const other = new DatabaseSync(database);
    other.exec('CREATE TABLE theirs (x)');
    other.close();
    assert.equal(await fault(), 'store_foreign');
  });

  it('a database of a newer Wavelock says to update', async () => {
    await (await bench.store()).close();
    const newer = new DatabaseSync(database);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    assert.equal(await fault(), 'store_newer');
  });

  it('a folder in the place of the file is foreign', async () => {
    mkdirSync(database);
    assert.equal(await fault(), 'store_foreign');
  });

  it('a link in the place of the file is foreign', async () => {
    symlinkSync('/etc/hostname', database);
    assert.equal(await fault(), 'store_foreign');
  });

  it('a link in the place of the folder is foreign', async () => {
    rmSync(folder, { recursive: true });
    symlinkSync(bench.folder, folder);
    assert.equal(await fault(), 'store_foreign');
  });

  it('a file in the place of the folder is foreign', async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    assert.equal(await fault(), 'store_foreign');
  });

  it('a folder that vanished under a live store is gone, not a success', async () => {
    const store = await bench.store();
    rmSync(folder, { recursive: true });
    await assert.rejects(
      store.submit(anAdvance('wf')),
      (error) => isStoreError(error) && error.code === 'store_gone',
    );
  });

  it('a database that another process keeps locked is busy in the end', async () => {
    const store = await bench.store();
    const other = new DatabaseSync(database);
    other.exec('BEGIN IMMEDIATE');
    const waiting = store.submit(anAdvance('wf'));
    // Reads go on meanwhile, and the answer comes as soon as the other is done.
    assert.equal(await store.read('head', {}), 0);
    other.exec('ROLLBACK');
    other.close();
    assert.ok((await waiting).ok);
  });
});
