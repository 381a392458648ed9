/** What a process that died in the middle of making a file has left is taken back; what is another's is not. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isStoreError } from '../../src/core/errors';
import { newRun } from '../../src/core/rules/runs';
import { Archive } from '../../src/store/sqlite/archive';
import { anAdvance, Workbench } from './stores';

describe('store: half-made', () => {
  let bench: Workbench;
  let folder: string;
  let database: string;
  beforeEach(() => {
    bench = new Workbench();
    ({ storeFolder: folder, database } = bench);
  });
  afterEach(() => bench.clear());

  /** Begins a change, and leaves the file as it is when the process dies in the middle of its commit. */
  function leaveHalfWritten(path: string, change: (database: DatabaseSync) => void): void {
    const writer = new DatabaseSync(path);
    // No room for changed pages: they go to the file at once, and what was there to the journal.
    writer.exec('PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN');
    change(writer);
    copyFileSync(path, `${path}.copy`);
    copyFileSync(`${path}-journal`, `${path}.copy-journal`);
    writer.exec('ROLLBACK');
    writer.close();
    copyFileSync(`${path}.copy`, path);
    copyFileSync(`${path}.copy-journal`, `${path}-journal`);
    rmSync(`${path}.copy`);
    rmSync(`${path}.copy-journal`);
  }

  const fill = (writer: DatabaseSync): void => {
    writer.exec('CREATE TABLE half (text)');
    const insert = writer.prepare('INSERT INTO half VALUES (?)');
    for (let row = 0; row < 500; row += 1) insert.run('x'.repeat(500));
  };

  it('a store whose maker died is made by who comes next', async () => {
    mkdirSync(folder);
    leaveHalfWritten(database, fill);
    assert.ok(readFileSync(database).length > 0);
    const store = await bench.store();
    assert.ok((await store.submit(anAdvance('wf'))).ok);
    assert.deepEqual((await store.verify()).problems, []);
    assert.equal(existsSync(`${database}-journal`), false);
  });

  it('an archive whose writer died is read as it was before', async () => {
    const store = await bench.store();
    await store.close();
    const rows = ['one', 'two'].map((title) =>
      newRun({ id: `run_${title}` as never, title }, { now: 1 }),
    );
    const archive = new Archive(folder, 'lineage');
    archive.write(rows);
    const ids = rows.map(({ id }) => id);
    assert.deepEqual(archive.runs(ids), rows);
    leaveHalfWritten(join(folder, 'archive.db'), fill);
    // The one that has it open, and one that comes later.
    for (const reader of [archive, new Archive(folder, 'lineage')]) {
      assert.deepEqual(reader.runs(ids), rows);
      assert.deepEqual(reader.integrity(), []);
      reader.close();
    }
  });

  it('a journal beside a store in use is not its own, and is left alone', async () => {
    const store = await bench.store();
    await store.submit(anAdvance('wf'));
    await store.close();
    const before = readFileSync(database);
    writeFileSync(`${database}-journal`, 'of another database');
    await assert.rejects(
      bench.store(),
      (error) => isStoreError(error) && error.code === 'store_foreign',
    );
    assert.deepEqual(readFileSync(database), before);
    assert.equal(readFileSync(`${database}-journal`, 'utf8'), 'of another database');
  });

  it('an empty .gitignore, left by who died before its text, is filled', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, '.gitignore'), '');
    await bench.store();
    assert.equal(readFileSync(join(folder, '.gitignore'), 'utf8'), '*\n');
  });
});
