/** Backups of the store: made whole or not at all, looked through, and put back with what is lost told first. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { isStoreError, type FaultCode } from '../../src/core/errors';
import { reserveTemp } from '../../src/store/durableFs';
import { openLocalStore, type LocalOptions } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { dailyTemp, listBackups, makeBackup } from '../../src/store/sqlite/backups';
import { openSqlite } from '../../src/store/sqlite/opening';
import { migrations } from '../../src/store/sqlite/migrate';
import { copyStore, previewRestore, restoreStore } from '../../src/store/sqlite/restore';
import { verifyStore } from '../../src/store/sqlite/verify';
import type { Store } from '../../src/store/store';
import type { Schedule } from '../../src/store/upkeep';
import { anAdvance, identity, obstructDailyBackup, Workbench } from './stores';
import { Timers } from './timers';

const hour = 60 * 60_000;
const day = 24 * hour;
const noTimers: Schedule = () => () => undefined;

describe('store: backups', () => {
  let bench: Workbench;
  let folder: string;
  let database: string;
  const opened: Store[] = [];
  beforeEach(() => {
    bench = new Workbench();
    folder = join(bench.folder, '.wavelock');
    database = join(folder, 'store.db');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await bench.clear();
  });

  async function open(options: Partial<LocalOptions> = {}): Promise<Store> {
    const store = await openLocalStore({
      place: placeOf(bench.folder),
      identity: identity(),
      durability: 'normal',
      schedule: noTimers,
      ...options,
    });
    opened.push(store);
    return store;
  }

  async function filled(advances = 5): Promise<Store> {
    const store = await open();
    for (let index = 0; index < advances; index += 1) await store.submit(anAdvance(`wf${index}`));
    return store;
  }

  const fails = (code: FaultCode) => (error: unknown) => isStoreError(error) && error.code === code;
  const eventsOf = (store: Store) => store.read('events', { after: 0, limit: 1_000 });

  it('is one whole file, found well, for the owner alone', async () => {
    const store = await filled();
    const backup = await store.backup();
    assert.deepEqual(listBackups(folder), [backup]);
    assert.equal(backup.seq, await store.read('head', {}));
    assert.equal(statSync(backup.file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(join(folder, 'store-backups')), [`${backup.id}.db`]);
    assert.ok((await verifyStore(folder, backup.file)).ok);
  });

  it('holds one moment, while others go on writing', async () => {
    const store = await filled(20);
    const other = await open();
    const load = { on: true };
    const writing = (async () => {
      for (let index = 0; load.on; index += 1) await other.submit(anAdvance(`more${index}`));
    })();
    const backup = await store.backup();
    load.on = false;
    await writing;
    const { ok, head } = await verifyStore(folder, backup.file);
    assert.ok(ok);
    assert.equal(head.seq, backup.seq);
    assert.ok((await store.read('head', {})) > backup.seq);
  });

  it('the last five are kept', async () => {
    await (await filled()).close();
    for (let index = 0; index < 7; index += 1) {
      await makeBackup(folder, { reason: 'asked', now: 1_000_000 + index });
    }
    assert.deepEqual(
      listBackups(folder).map(({ at }) => at - 1_000_000),
      [6, 5, 4, 3, 2],
    );
  });

  it('a damaged store is not taken for a backup, and pushes none out', async () => {
    const store = await filled();
    const good = await store.backup();
    await store.close();
    const raw = new DatabaseSync(database);
    raw.exec("UPDATE workflows SET row = replace(row, 'active', 'passive')");
    raw.close();
    await assert.rejects(
      makeBackup(folder, { reason: 'asked', now: Date.now(), keep: 1 }),
      fails('store_damaged'),
    );
    assert.deepEqual(listBackups(folder), [good]);
    assert.deepEqual(readdirSync(join(folder, 'store-backups')), [`${good.id}.db`]);
  });

  it('one a day is made after opening, and none of a store without events', async () => {
    const timers = new Timers();
    const empty = await open({ schedule: timers.schedule });
    timers.goOff(0);
    await empty.close();
    assert.deepEqual(listBackups(folder), []);
    await (await filled()).close();
    for (const due of [1, 1, 2]) {
      if (due === 2) age(listBackups(folder)[0]?.file ?? '');
      const store = await open({ schedule: timers.schedule });
      timers.goOff(0);
      await store.close();
      assert.equal(listBackups(folder).length, due);
    }
  });

  /** As if it had been made the day before. */
  function age(file: string): void {
    const seq = file.slice(file.lastIndexOf('-'));
    const name = new Date(Date.now() - day - 1).toISOString().replace(/[-:.]/g, '');
    writeFileSync(join(folder, 'store-backups', `${name}${seq}`), readFileSync(file));
    rmSync(file);
  }

  it('two who open at the same time make one', async () => {
    await (await filled()).close();
    const [one, other] = await Promise.all(
      [1, 2].map(() => makeBackup(folder, { reason: 'daily', now: Date.now() })),
    );
    assert.equal([one, other].filter(Boolean).length, 1);
    assert.equal(listBackups(folder).length, 1);
  });

  it('the name of what is being written is one process’s alone, however many begin in the same moment', async () => {
    const rounds = 3_000;
    const path = dailyTemp(folder, Date.now());
    const children = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { stdout } = await promisify(execFile)(process.execPath, [
          'out/test/contract/reserveChild.js',
          path,
          String(rounds),
        ]);
        return JSON.parse(stdout) as { readonly won: number; readonly taken: number };
      }),
    );
    assert.ok(
      children.every(({ won }) => won > 0),
      JSON.stringify(children),
    );
    assert.deepEqual(
      children.map(({ taken }) => taken),
      [0, 0, 0, 0],
    );
  });

  it('a daily one whose maker died is made in the next hour, and what they left goes', async () => {
    await filled();
    const now = Date.now();
    const left = dailyTemp(folder, now);
    assert.ok(reserveTemp(left));
    writeFileSync(`${left}-journal`, 'of the dead');
    const longAgo = new Date(now - 2 * hour);
    for (const path of [left, `${left}-journal`]) utimesSync(path, longAgo, longAgo);
    assert.equal(await makeBackup(folder, { reason: 'daily', now }), undefined);
    assert.ok(existsSync(`${left}-journal`), 'of somebody at work, for all that anybody knows');
    const made = await makeBackup(folder, { reason: 'daily', now: now + hour });
    assert.ok(made);
    assert.deepEqual(readdirSync(join(folder, 'store-backups')), [basename(made.file)]);
  });

  it('a daily one that cannot be begun says so to each who tries: its name is given back', async () => {
    await (await filled()).close();
    obstructDailyBackup(folder);
    for (const now of [Date.now(), Date.now()])
      await assert.rejects(makeBackup(folder, { reason: 'daily', now }), fails('store_io'));
  });

  it('a store of an older schema is backed up before it is changed', async () => {
    await (await filled()).close();
    const next = [...migrations, 'CREATE TABLE to_come (x)'];
    const engine = await openSqlite({
      folder,
      identity: identity(),
      durability: 'normal',
      inThread: false,
      migrations: next,
    });
    engine.close();
    const [backup] = listBackups(folder);
    assert.ok(backup);
    const [then, now] = [backup.file, database].map((path) => {
      const file = new DatabaseSync(path, { readOnly: true });
      const version = file.prepare('PRAGMA user_version').get()?.['user_version'];
      file.close();
      return version;
    });
    assert.deepEqual([then, now], [migrations.length, next.length]);
  });

  it('a store of the first schema keeps its answers, and is well', async () => {
    const submission = {
      command: { kind: 'run.create', title: 'Work' },
      opId: 'op_1' as never,
    } as const;
    const options = { folder, identity: identity(), durability: 'full', inThread: false } as const;
    const old = await openSqlite({ ...options, migrations: migrations.slice(0, 1) });
    const before = old.transact([submission]);
    old.close();
    const now = await openSqlite(options);
    assert.deepEqual(now.transact([submission]), before);
    now.close();
    assert.deepEqual((await verifyStore(folder)).problems, []);
  });

  it('the log is empty when the store has been idle, and not before', async () => {
    const timers = new Timers();
    const store = await open({ schedule: timers.schedule });
    timers.goOff(0);
    for (let index = 0; index < 20; index += 1) await store.submit(anAdvance(`wf${index}`));
    const log = `${database}-wal`;
    assert.ok(statSync(log).size > 0);
    assert.equal([...timers.due.values()].filter(({ afterMs }) => afterMs > 0).length, 1);
    timers.goOff(1_000);
    assert.equal(statSync(log).size, 0);
    await store.submit(anAdvance('one more'));
    await store.close();
    assert.equal(timers.due.size, 0, 'closing ends the timers');
  });

  it('the log stays bounded under a steady load with readers', async () => {
    const store = await filled();
    const reader = await open();
    const page = 4_120;
    for (let round = 0; round < 40; round += 1) {
      await Promise.all(
        Array.from({ length: 64 }, (_, index) => store.submit(anAdvance(`w${round}-${index}`))),
      );
      await reader.read('state', {});
    }
    // SQLite begins the log anew at 1,000 pages, plus what one transaction writes.
    assert.ok(statSync(`${database}-wal`).size < 3_000 * page);
  });

  describe('restore', () => {
    it('brings back the last backup and says what is gone', async () => {
      const store = await filled();
      const backup = await store.backup();
      const then = await eventsOf(store);
      await store.submit(anAdvance('later'));
      await store.submit(anAdvance('later', 1));
      await store.close();

      const preview = previewRestore(folder, 'latest');
      assert.deepEqual(preview.backup, backup);
      assert.equal(preview.lost.events, 7);
      assert.deepEqual(preview.lost.kinds, {
        'workflow.created': 1,
        'workflow.advanced': 2,
        'run.created': 2,
        'file.pending': 2,
      });
      assert.ok(preview.lost.certain && preview.lost.last !== null);

      const { lost, setAside } = await restoreStore(folder, 'latest', { now: Date.now() });
      assert.deepEqual(lost, preview.lost);
      const again = await open();
      assert.equal(again.readOnlyBecause, undefined);
      assert.deepEqual(await eventsOf(again), then);
      assert.ok((await again.submit(anAdvance('on it goes'))).ok);
      assert.ok((await again.verify()).ok);
      // What was there is kept, readable as it was.
      const kept = new DatabaseSync(join(setAside, 'store.db'), { readOnly: true });
      assert.equal(kept.prepare('SELECT max(seq) AS n FROM events').get()?.['n'], then.length + 7);
      kept.close();
    });

    for (const [what, damage] of [
      [
        'zeroed',
        () => {
          writeFileSync(database, Buffer.alloc(8_192));
        },
      ],
      [
        'cut',
        () => {
          writeFileSync(database, readFileSync(database).subarray(0, 5_000));
        },
      ],
      [
        'gone',
        () => {
          rmSync(database);
        },
      ],
    ] as const) {
      it(`of a store that is ${what}: the loss is told by head`, async () => {
        const store = await filled();
        const { seq } = await store.backup();
        await store.submit(anAdvance('later'));
        await store.close();
        damage();
        await assert.rejects(open(), isStoreError);
        const { lost } = await restoreStore(folder, 'latest', { now: Date.now() });
        assert.deepEqual([lost.events, lost.certain], [4, false]);
        assert.equal(await (await open()).read('head', {}), seq);
      });
    }

    it('waits for nobody and forces nobody: refused while the store is open elsewhere', async () => {
      const store = await filled();
      await store.backup();
      await assert.rejects(
        restoreStore(folder, 'latest', { now: Date.now() }),
        fails('store_busy'),
      );
      assert.ok((await store.submit(anAdvance('goes on'))).ok);
      assert.ok(!existsSync(join(folder, 'set-aside')));
    });

    it('by force: who has it open is told, and nothing it says is lost in silence', async () => {
      const store = await filled();
      await store.backup();
      const faults: unknown[] = [];
      store.onFault((error) => faults.push(error));
      await restoreStore(folder, 'latest', { now: Date.now(), force: true });
      await assert.rejects(store.submit(anAdvance('to nowhere')), fails('store_gone'));
      const again = await open();
      assert.ok((await again.submit(anAdvance('new'))).ok);
      const seq = await again.read('head', {});
      // Its end must not take the log of the new one with it.
      await store.close();
      assert.equal(await again.read('head', {}), seq);
      await again.close();
      const after = await open();
      assert.equal(await after.read('head', {}), seq);
      assert.ok((await after.verify()).ok);
    });

    it('leaves nothing beside what it has put in place', async () => {
      const store = await filled();
      await store.backup();
      await store.close();
      await restoreStore(folder, 'latest', { now: Date.now() });
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('.') && name !== '.gitignore'),
        [],
      );
    });

    it('a damaged backup is refused, and nothing changes', async () => {
      const store = await filled();
      const { file } = await store.backup();
      await store.close();
      // SQLite has nothing against it; only what the events say tells.
      const raw = new DatabaseSync(file);
      raw.exec(`UPDATE runs SET row = replace(row, 'queued', 'running') WHERE created = 1`);
      raw.close();
      const before = readFileSync(database);
      await assert.rejects(
        restoreStore(folder, 'latest', { now: Date.now() }),
        fails('store_damaged'),
      );
      assert.deepEqual(readFileSync(database), before);
      assert.ok((await (await open()).verify()).ok);
    });

    it("takes away a log that is not the backup's, before the backup comes", async () => {
      const store = await filled();
      await store.backup();
      await store.submit(anAdvance('later'));
      const log = readFileSync(`${database}-wal`);
      await store.close();
      writeFileSync(`${database}-wal`, log);
      rmSync(join(folder, 'head'));
      const { seq, setAside } = await restoreStore(folder, 'latest', { now: Date.now() });
      assert.deepEqual(readFileSync(join(setAside, 'store.db-wal')), log);
      const again = await open();
      assert.equal(await again.read('head', {}), seq);
      assert.ok((await again.verify()).ok);
    });

    it('`present` accepts a store that is behind, as it is', async () => {
      const store = await filled();
      await store.close();
      const head = join(folder, 'head');
      const said = JSON.parse(readFileSync(head, 'utf8')) as { seq: number };
      writeFileSync(head, JSON.stringify({ ...said, seq: said.seq + 3 }));
      assert.equal((await open()).readOnlyBecause?.code, 'store_behind');
      await Promise.all(opened.splice(0).map((it) => it.close()));
      const { lost } = await restoreStore(folder, 'present', { now: Date.now() });
      assert.equal(lost.events, 3);
      assert.ok((await (await open()).submit(anAdvance('goes on'))).ok);
    });

    it('an unknown backup is named, with those there are', async () => {
      await (await filled()).close();
      assert.throws(() => previewRestore(folder, 'latest'), /no backup/);
    });
  });

  it('a copy is another store with the same content', async () => {
    const store = await filled();
    const target = join(bench.folder, 'copy', '.wavelock');
    mkdirSync(join(bench.folder, 'copy'));
    const { seq } = await copyStore(folder, target);
    await assert.rejects(copyStore(folder, target), fails('store_foreign'));
    const copy = await openLocalStore({
      place: placeOf(bench.folder, target),
      identity: identity(),
      durability: 'normal',
      schedule: noTimers,
    });
    assert.equal(await copy.read('head', {}), seq);
    assert.deepEqual(await eventsOf(copy), await eventsOf(store));
    await copy.submit(anAdvance('only there'));
    assert.equal(await store.read('head', {}), seq);
    await copy.close();
  });
});
