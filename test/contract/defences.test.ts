/** What a store does when something happens in the middle of a transaction, where other tests cannot reach. */
import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isStoreError } from '../../src/core/errors';
import type { OpId } from '../../src/core/model';
import { type SqliteEngine } from '../../src/store/sqlite/engine';
import { openSqlite } from '../../src/store/sqlite/opening';
import { anAdvance, identity, Workbench } from './stores';

describe('store: in the middle of a transaction', () => {
  let bench: Workbench;
  let folder: string;
  let database: string;
  beforeEach(() => {
    bench = new Workbench();
    ({ storeFolder: folder, database } = bench);
  });
  afterEach(() => bench.clear());

  it('one command that fails is undone, and those beside it stand', async () => {
    const store = await bench.store();
    refuse('op_bad', 'FAIL');
    const [before, bad, after] = await Promise.allSettled([
      store.submit(anAdvance('before')),
      store.submit(anAdvance('bad'), 'op_bad' as OpId),
      store.submit(anAdvance('after')),
    ]);
    assert.deepEqual(
      [before.status, bad.status, after.status],
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const { workflows } = await store.read('state', {});
    assert.deepEqual(workflows.map(({ id }) => String(id)).sort(), ['after', 'before']);
    change('DROP TRIGGER refusal');
    assert.deepEqual((await store.verify()).problems, []);
  });

  it('a transaction that is lost fails all that share it, and the next one is a new one', async () => {
    const store = await bench.store();
    refuse('op_bad', 'ROLLBACK');
    const settled = await Promise.allSettled([
      store.submit(anAdvance('before')),
      store.submit(anAdvance('bad'), 'op_bad' as OpId),
      store.submit(anAdvance('after')),
    ]);
    assert.deepEqual(
      settled.map(({ status }) => status),
      ['rejected', 'rejected', 'rejected'],
    );
    assert.equal(await store.read('head', {}), 0);
    assert.ok((await store.submit(anAdvance('next'))).ok);
  });

  it('waits while another writes, and fails nobody for it', async () => {
    const store = await bench.store();
    const other = new DatabaseSync(database);
    other.exec('BEGIN IMMEDIATE');
    const waiting = store.submit(anAdvance('wf'));
    waiting.catch(() => undefined);
    // The mailbox has tried by then.
    for (let turn = 0; turn < 5; turn += 1) await new Promise((next) => setImmediate(next));
    other.exec('ROLLBACK');
    other.close();
    assert.ok((await waiting).ok);
  });

  it('keeps every other writer out from before its first look', async () => {
    let met: unknown;
    const [engine, disturbance] = await engineDisturbedBy(() => {
      const other = new DatabaseSync(database, { timeout: 0 });
      try {
        other.exec('BEGIN IMMEDIATE; ROLLBACK');
      } catch (error) {
        met = error;
      } finally {
        other.close();
      }
    });
    disturbance.on = true;
    engine.transact([{ command: anAdvance('wf'), opId: 'op_1' as OpId }]);
    assert.match(String(met), /locked/);
    engine.close();
  });

  it('what a restore has moved aside before the commit is not acknowledged', async () => {
    const [engine, disturbance] = await engineDisturbedBy(() => {
      renameSync(database, `${database}.aside`);
    });
    disturbance.on = true;
    assert.throws(
      () => engine.transact([{ command: anAdvance('wf'), opId: 'op_1' as OpId }]),
      (error) => isStoreError(error) && error.code === 'store_gone',
    );
    engine.close();
  });

  /** Makes the last write of an operation fail, as a disk might. */
  function refuse(op: string, how: 'FAIL' | 'ROLLBACK'): void {
    change(
      `CREATE TRIGGER refusal BEFORE INSERT ON ops WHEN NEW.op_id = '${op}'
       BEGIN SELECT RAISE(${how}, 'refused'); END`,
    );
  }

  function change(sql: string): void {
    const other = new DatabaseSync(database);
    other.exec(sql);
    other.close();
  }

  /** Something that happens once while a command is decided, that is, within its transaction. */
  async function engineDisturbedBy(happens: () => void): Promise<[SqliteEngine, { on: boolean }]> {
    const disturbance = { on: false };
    const who = identity();
    const disturbed = {
      ...who,
      get agent() {
        if (disturbance.on) {
          disturbance.on = false;
          happens();
        }
        return who.agent;
      },
    };
    const options = { folder, durability: 'full', inThread: false } as const;
    return [await openSqlite({ ...options, identity: disturbed }), disturbance];
  }
});
