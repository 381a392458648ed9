/** `store verify` finds nothing wrong with any history that the rules make: no false alarm, of any kind of row. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { canonical } from '../../src/core/codec';
import type { RowChange } from '../../src/core/model';
import { Archive } from '../../src/store/sqlite/archive';
import { openSqlite } from '../../src/store/sqlite/opening';
import { Tables } from '../../src/store/sqlite/tables';
import { verifyStore } from '../../src/store/sqlite/verify';
import { chained } from '../../src/store/sqlite/witness';
import { Duel } from '../core/duel';
import type { RowStore } from '../core/rowStore';
import { scenarios } from '../model/commands';
import { identity, Workbench } from './stores';

const runs = process.env['WAVELOCK_CAMPAIGN'] === '1' ? 1_000 : 40;
const seed = Number(process.env['WAVELOCK_SEED'] ?? 20261121);

describe('store: verify', () => {
  const bench = new Workbench();
  const folder = join(bench.folder, '.wavelock');
  after(() => bench.clear());

  it(`finds nothing wrong with what the rules have made (${runs} scenarios, seed ${seed})`, async function () {
    this.timeout(600_000);
    await fc.assert(
      fc.asyncProperty(scenarios(20, 60), async (steps) => {
        const duel = new Duel('unswept', false);
        duel.play(steps);
        await keep(duel.store);
        assert.deepEqual((await verifyStore(folder)).problems, []);
      }),
      { numRuns: runs, seed },
    );
  });

  /** As the engine would have written it. */
  async function keep(store: RowStore): Promise<void> {
    for (const name of ['store.db', 'head', 'archive.db'])
      rmSync(join(folder, name), { force: true });
    const options = {
      folder,
      identity: identity(),
      durability: 'normal',
      inThread: false,
    } as const;
    const engine = await openSqlite(options);
    engine.close();
    rmSync(join(folder, 'head'));
    const archive = new Archive(folder, engine.lineage);
    if (store.archive.length > 0) archive.write(store.archive);
    archive.close();
    const database = new DatabaseSync(join(folder, 'store.db'));
    const tables = new Tables(database);
    database.exec('BEGIN');
    for (const change of rowsOf(store)) tables.apply(change);
    let hash: unknown = engine.lineage;
    for (const event of store.events) {
      const text = canonical(event);
      const next = chained(hash, text);
      tables.sql('INSERT INTO events VALUES (?, ?, ?)').run(event.seq, text, next);
      hash = next;
    }
    database.exec('COMMIT');
    tables.close();
    database.close();
  }

  function rowsOf(store: RowStore): RowChange[] {
    const put = <Kind extends string, Row>(kind: Kind, rows: readonly Row[]) =>
      rows.map((row) => ({ put: kind, row }));
    return [
      ...put('run', store.runs),
      ...put('agent', store.agents),
      ...put('session', store.sessions),
      ...put('lock', store.locks),
      ...put('waiter', store.waiters),
      ...put('slotWaiter', store.slotWaiters),
      ...put('sighting', store.sightings),
      ...put('rate', store.rates),
      ...put('config', store.config),
      ...put('counter', store.counters),
      ...put('workflow', store.workflows),
      ...put('task', store.tasks),
      ...put('fileEdit', store.fileEdits),
      ...put('fileIntent', store.fileIntents),
      ...put('conflict', store.conflicts),
      ...put('guard', store.guards),
    ];
  }
});
