/**
 * A damaged store: each damage is a named fault at open, or found by `verify`, or changes nothing that anyone
 * could see. The long form (`WAVELOCK_CAMPAIGN=1`) flips 2,500 bits; `WAVELOCK_SEED` chooses which.
 */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isStoreError, type FaultCode } from '../../src/core/errors';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { verifyStore } from '../../src/store/sqlite/verify';
import type { Store } from '../../src/store/store';
import { anAdvance, identity, Workbench } from './stores';

const seed = Number(process.env['WAVELOCK_SEED'] ?? 20261121);
const flips = process.env['WAVELOCK_CAMPAIGN'] === '1' ? 2_500 : 200;

/** Without upkeep: a backup of each damaged store would only take time. */
function open(folder: string): Promise<Store> {
  return openLocalStore({
    place: placeOf(folder),
    identity: identity(),
    durability: 'normal',
    schedule: () => () => undefined,
  });
}

/** Rows of every kind that this version has commands for, old and new. */
async function fill(store: Store, advances = 40): Promise<void> {
  const answers = Array.from({ length: advances }, (_, index) =>
    store.submit(anAdvance(`wf${index % 13}`, Math.floor(index / 13))),
  );
  await Promise.all(answers);
  for (let index = 0; index < 6; index += 1) {
    const command = anAdvance(`wf${index}`);
    const edits = (await store.read('fileEdits', {})).filter(
      ({ workflow }) => workflow === command.plan.id,
    );
    const write = { workflow: command.plan.id, target: 'target' as never };
    const base = command.sight.hash;
    await store.submit({
      ...{ kind: 'file.intend', ...write, known: base, base },
      edits: edits.map(({ id }) => id),
    });
    if (index > 2) await store.submit({ kind: 'file.confirm', ...write });
    const task = `${index}` as never;
    await store.submit({
      kind: 'task.set',
      sight: { ...command.sight, hash: index > 2 ? write.target : base },
      change: { task, status: 'done' },
      present: 'todo',
    });
    await store.submit({
      ...{ kind: 'file.conflict', workflow: command.plan.id, conflict: `cfl_${index}` as never },
      ...{ base, mine: base, theirs: base, edits: [] },
      diff: { added: [], removed: [], modified: ['1-1'] },
    });
    await store.submit({
      kind: 'guard.hold',
      file: `wf${index}/STATE.md` as never,
      worktree: '',
      holder: {
        agent: 'me' as never,
        session: store.identity.session,
        host: 'h',
        pid: 1,
        since: 1,
      },
    });
  }
  await store.submit({ kind: 'guard.free', file: 'wf1/STATE.md' as never, worktree: '' });
}

/** Every row of every table. */
function contentsOf(file: string): string {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database
      .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all();
    return JSON.stringify(
      tables.map(({ name, sql }) => [
        sql,
        database.prepare(`SELECT * FROM "${String(name)}"`).all(),
      ]),
      (_key, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    );
  } finally {
    database.close();
  }
}

type Class = 'fault' | 'found' | 'nothing' | 'unreported';

describe('store: damage', () => {
  let bench: Workbench;
  let folder: string;
  let database: string;
  beforeEach(() => {
    bench = new Workbench();
    ({ storeFolder: folder, database } = bench);
  });
  afterEach(() => bench.clear());

  async function filled(): Promise<void> {
    const store = await open(bench.folder);
    await fill(store);
    await store.close();
  }

  /** What opening it, looking through it and reading it say, in this order. */
  async function classify(before: string): Promise<{ readonly is: Class; readonly says: string }> {
    let store: Store;
    try {
      store = await open(bench.folder);
    } catch (error) {
      assert.ok(isStoreError(error), `not a named fault: ${String(error)}`);
      assert.ok(error.message.includes(folder), error.message);
      return { is: 'fault', says: error.code };
    }
    try {
      const why = store.readOnlyBecause;
      if (why) {
        await assert.rejects(store.submit(anAdvance('more')), (error) => error === why);
        assert.equal(typeof (await store.read('head', {})), 'number');
        return { is: 'fault', says: `${why.code}, read-only` };
      }
      const { ok, problems } = await store.verify();
      if (!ok) return { is: 'found', says: problems[0]?.code ?? '' };
    } finally {
      await store.close();
    }
    const same = contentsOf(database) === before;
    return same ? { is: 'nothing', says: '' } : { is: 'unreported', says: 'contents differ' };
  }

  async function faultOf(): Promise<FaultCode> {
    const { is, says } = await classify('');
    assert.equal(is, 'fault', says);
    return says.replace(', read-only', '') as FaultCode;
  }

  class Tally {
    readonly counts: Record<Class, number> = { fault: 0, found: 0, nothing: 0, unreported: 0 };
    readonly #says = new Map<string, number>();
    readonly #unreported: string[] = [];

    add(where: string, { is, says }: { readonly is: Class; readonly says: string }): void {
      this.counts[is] += 1;
      if (says !== '') this.#says.set(says, (this.#says.get(says) ?? 0) + 1);
      if (is === 'unreported') this.#unreported.push(where);
    }

    report(what: string): void {
      const { fault, found, nothing, unreported } = this.counts;
      const says = [...this.#says].map(([name, count]) => `${name} ${count}`).join(', ');
      process.stdout.write(
        `      ${what}: ${fault} faults at open, ${found} found by verify, ${nothing} without effect, ${unreported} unreported (seed ${seed}; ${says})\n`,
      );
      assert.deepEqual(this.#unreported, []);
    }
  }

  it('a store that is well is found well, and looking changes nothing', async () => {
    await filled();
    const before = readFileSync(database);
    const { ok, problems, runs, head } = await verifyStore(folder);
    assert.deepEqual(problems, []);
    assert.ok(ok && runs > 20 && head.seq > 100);
    assert.deepEqual(readFileSync(database), before);
  });

  it(`${flips} flipped bits in the database: none unreported`, async function () {
    this.timeout(600_000);
    await filled();
    const before = contentsOf(database);
    const whole = readFileSync(database);
    const head = readFileSync(join(folder, 'head'));
    const random = randomOf(seed);
    const tally = new Tally();
    for (let count = 0; count < flips; count += 1) {
      // A tenth goes into the first page, where the header and the schema are.
      const end = count % 10 === 0 ? 4_096 : whole.length;
      const [at, bit] = [Math.floor(random() * end), Math.floor(random() * 8)];
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      restock(bytes, head);
      tally.add(`byte ${at} bit ${bit}`, await classify(before));
    }
    tally.report(`${flips} bits of ${whole.length / 4_096} pages`);
    assert.ok(tally.counts.found > 0 && tally.counts.nothing > 0);
  });

  it('flipped bits in the write-ahead log: none unreported', async function () {
    this.timeout(600_000);
    const store = await open(bench.folder);
    await fill(store);
    const files = ['store.db', 'store.db-wal', 'head'].map((name) =>
      readFileSync(join(folder, name)),
    );
    await store.close();
    const before = contentsOf(database);
    const [bytes, wal, head] = files as [Buffer, Buffer, Buffer];
    const random = randomOf(seed + 1);
    const tally = new Tally();
    for (let count = 0; count < flips / 4; count += 1) {
      const [at, bit] = [Math.floor(random() * wal.length), Math.floor(random() * 8)];
      const damaged = Buffer.from(wal);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
      restock(bytes, head, damaged);
      tally.add(`byte ${at} bit ${bit}`, await classify(before));
    }
    tally.report(`${flips / 4} bits of a log of ${wal.length} bytes`);
  });

  it('cut at every page, and in the middle of pages: none unreported', async function () {
    this.timeout(600_000);
    await filled();
    const before = contentsOf(database);
    const whole = readFileSync(database);
    const head = readFileSync(join(folder, 'head'));
    const tally = new Tally();
    for (let end = 0; end < whole.length; end += 4_096) {
      for (const cut of [end, end + 1_000]) {
        restock(whole.subarray(0, cut), head);
        tally.add(`cut at ${cut}`, await classify(before));
      }
    }
    tally.report('cuts');
    assert.equal(tally.counts.nothing, 0);
  });

  function restock(bytes: Uint8Array, head: Uint8Array, wal?: Uint8Array): void {
    for (const name of readdirSync(folder)) {
      if (name !== '.gitignore') rmSync(join(folder, name), { recursive: true });
    }
    writeFileSync(database, bytes);
    writeFileSync(join(folder, 'head'), head);
    if (wal) writeFileSync(`${database}-wal`, wal);
  }

  it('a zeroed header, page and file are damaged', async () => {
    await filled();
    const whole = readFileSync(database);
    const head = readFileSync(join(folder, 'head'));
    for (const [from, to] of [
      [0, 100],
      [0, 4_096],
      [0, whole.length],
    ]) {
      restock(Buffer.from(whole).fill(0, from, to), head);
      assert.equal(await faultOf(), 'store_damaged');
    }
  });

  it('a list of free pages that does not add up is found, though every row is right', async () => {
    await filled();
    const bytes = readFileSync(database);
    bytes.writeUInt32BE(bytes.readUInt32BE(36) + 1, 36);
    writeFileSync(database, bytes);
    const { problems } = await verifyStore(folder);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['pages'],
    );
  });

  it('a newer schema is newer, with everything left as it is', async () => {
    await filled();
    const newer = new DatabaseSync(database);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    const before = readFileSync(database);
    assert.equal(await faultOf(), 'store_newer');
    assert.deepEqual(readFileSync(database), before);
  });

  it('a lost log leaves a store that is behind: it is read, and takes nothing', async () => {
    const store = await open(bench.folder);
    await fill(store);
    // A copy of a live store, as of a machine that stopped: its log holds what is not in the database yet.
    const copies = join(bench.folder, 'copy', '.wavelock');
    mkdirSync(copies, { recursive: true });
    for (const name of ['store.db', 'head']) copyFileSync(join(folder, name), join(copies, name));
    await store.close();
    const behind = await open(join(bench.folder, 'copy'));
    assert.equal(behind.readOnlyBecause?.code, 'store_behind');
    await behind.close();
  });

  it('a database without tables, where head has seen events, is not begun anew', async () => {
    await filled();
    rmSync(database);
    const empty = new DatabaseSync(database);
    empty.exec('PRAGMA journal_mode = WAL');
    empty.close();
    assert.ok(statSync(database).size > 0);
    assert.equal(await faultOf(), 'store_gone');
  });

  it("another store's log is foreign, and is not baked into the database", async () => {
    await filled();
    const other = new Workbench();
    const theirs = await open(other.folder);
    await fill(theirs, 60);
    copyFileSync(join(other.folder, '.wavelock/store.db-wal'), `${database}-wal`);
    await theirs.close();
    await other.clear();
    const before = readFileSync(database);
    const wal = readFileSync(`${database}-wal`);
    assert.ok(['store_foreign', 'store_damaged'].includes(await faultOf()));
    assert.deepEqual(readFileSync(database), before);
    assert.deepEqual(readFileSync(`${database}-wal`), wal);
    // Its own log gone, the store is as it was.
    rmSync(`${database}-wal`);
    const store = await open(bench.folder);
    assert.equal(store.readOnlyBecause, undefined);
    assert.ok((await store.verify()).ok);
    await store.close();
  });

  it('head is ahead: behind; of another store: foreign; and it keeps saying so', async () => {
    await filled();
    const path = join(folder, 'head');
    const head = JSON.parse(readFileSync(path, 'utf8')) as { storeId: string; seq: number };
    for (const [change, code] of [
      [{ seq: head.seq + 1 }, 'store_behind'],
      [{ storeId: 'another' }, 'store_foreign'],
    ] as const) {
      writeFileSync(path, JSON.stringify({ ...head, ...change }));
      assert.equal(await faultOf(), code);
      assert.equal(await faultOf(), code, 'opening does not make it forget');
      const { ok, problems } = await verifyStore(folder);
      assert.ok(!ok);
      assert.equal(problems[0]?.code, 'head');
    }
  });

  for (const [name, text] of [
    ['missing', undefined],
    ['empty', ''],
    ['torn', '{"storeId":"abc'],
    ['half of one and half of another', '{"hash":"00ff","seq":9999,"storeId":"x","end":"11"}'],
    ['garbage', '\0\u0001\u0002'],
    ['of another shape', '[1]'],
    ['without a number', '{"storeId":"x","seq":"many"}'],
  ] as const) {
    it(`a head that is ${name} is no matter`, async () => {
      await filled();
      const before = contentsOf(database);
      const path = join(folder, 'head');
      if (text === undefined) rmSync(path);
      else writeFileSync(path, text);
      assert.deepEqual(await classify(before), { is: 'nothing', says: '' });
      assert.match(readFileSync(path, 'utf8'), /"seq":\d+/);
    });
  }

  for (const name of [
    'store.db',
    'store.db-wal',
    'store.db-shm',
    'head',
    'archive.db',
    'store-backups',
  ]) {
    it(`a folder or a link in the place of ${name} is named, and stays`, async () => {
      await filled();
      const path = join(folder, name);
      const target = join(bench.folder, 'somebody-elses');
      writeFileSync(target, 'precious');
      for (const put of [
        () => {
          if (name === 'store-backups') writeFileSync(path, '');
          else mkdirSync(path);
        },
        () => {
          symlinkSync(target, path);
        },
      ]) {
        rmSync(path, { recursive: true, force: true });
        put();
        if (name === 'archive.db') {
          const { problems } = await verifyStore(folder);
          assert.deepEqual(
            problems.map(({ where }) => where),
            ['archive.db'],
          );
        }
        assert.equal(await faultOf(), 'store_foreign');
        assert.equal(readFileSync(target, 'utf8'), 'precious');
        assert.ok(existsSync(path));
      }
    });
  }

  it('a database that is gone or empty does not begin anew in silence', async () => {
    await filled();
    renameSync(database, `${database}.moved`);
    assert.equal(await faultOf(), 'store_gone');
    writeFileSync(database, '');
    assert.equal(await faultOf(), 'store_gone');
    assert.equal(readFileSync(database).length, 0);
  });

  it('a file cut under a live store is a fault, not an answer', async () => {
    const store = await open(bench.folder);
    await fill(store);
    await store.close();
    const again = await open(bench.folder);
    truncateSync(database, 4_096);
    await assert.rejects(again.submit(anAdvance('wf-new')), isStoreError);
    await again.close();
  });
});

/** mulberry32. */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
