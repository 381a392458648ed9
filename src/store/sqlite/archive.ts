/**
 * `archive.db`: ended runs that have left the live store.
 *
 * Contract: a run is durable here before the live store drops it; so a crash between the two leaves it in
 * both, and the next step writes the same row again. It keeps SQLite's rollback journal: it is written
 * seldom, and is one whole file whenever nobody is writing. Its rows follow from the events of the live
 * store, which is what `store verify` compares them with; no chain of its own is needed.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeRun } from '../../core/codec';
import { StoreError } from '../../core/errors';
import type { RunId, RunRow } from '../../core/model';
import type { OnStep } from '../durableFs';
import { asFault, isBusy, isLeftHalfWritten } from './sqliteFault';
import type { ArchivedRuns } from './tables';

export const archiveFile = 'archive.db';

/** "WAVA" in the file's header. */
const applicationId = 0x57415641;

const schema = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
  place      INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  row        TEXT NOT NULL,
  root       TEXT AS (row ->> '$.root'),
  created_at REAL AS (row ->> '$.createdAt')
) STRICT;
CREATE INDEX runs_by_root ON runs (root);
PRAGMA application_id = ${applicationId};
PRAGMA user_version = 1;
`;

export class Archive implements ArchivedRuns {
  readonly #path: string;
  #reader: DatabaseSync | undefined;

  /** @param lineage of the store that this archive belongs to, which a restore does not change */
  constructor(
    folder: string,
    private readonly lineage: string,
  ) {
    this.#path = join(folder, archiveFile);
  }

  /** Durable when it returns. Throws what SQLite throws: "busy" means that nothing has happened. */
  write(rows: readonly RunRow[], onStep: OnStep = () => undefined): void {
    refuseOdd(this.#path);
    const database = new DatabaseSync(this.#path, { timeout: 0 });
    try {
      database.exec('PRAGMA synchronous = EXTRA');
      database.exec('BEGIN IMMEDIATE');
      try {
        if (isEmpty(database)) {
          database.exec(schema);
          database.prepare("INSERT INTO meta VALUES ('lineage', ?)").run(this.lineage);
        }
        this.#refuseForeign(database);
        const put = database.prepare(
          'INSERT INTO runs (id, row) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row',
        );
        for (const row of rows) put.run(row.id, JSON.stringify(row));
        onStep('archive.commit');
        database.exec('COMMIT');
        onStep('archive.durable');
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    } finally {
      database.close();
    }
  }

  runs(ids: readonly RunId[]): readonly RunRow[] {
    if (ids.length === 0) return [];
    return this.#ask(
      `SELECT row FROM runs WHERE id IN (SELECT value FROM json_each(?)) ORDER BY created_at, place`,
      JSON.stringify(ids),
    );
  }

  chain(root: RunId): readonly RunRow[] {
    return this.#ask('SELECT row FROM runs WHERE root = ? ORDER BY created_at, place', root);
  }

  /** Those that begin so. */
  ids(prefix: string, limit: number): readonly RunId[] {
    return this.#ask(
      `SELECT row FROM runs WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`,
      prefix,
      `${prefix}\uffff`,
      limit,
    ).map(({ id }) => id);
  }

  /** What SQLite says against its pages. */
  integrity(): readonly string[] {
    return this.#whole(() => this.#open()?.prepare('PRAGMA integrity_check').all() ?? [])
      .map((row) => String(row['integrity_check']))
      .filter((said) => said !== 'ok');
  }

  close(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #ask(sql: string, ...values: (string | number)[]): readonly RunRow[] {
    try {
      return this.#whole(
        () =>
          this.#open()
            ?.prepare(sql)
            .all(...values)
            .map((row) => decodeRun(String(row['row']))) ?? [],
      );
    } catch (error) {
      // Busy keeps its own name: the mailbox tries the whole transaction again.
      throw isBusy(error) ? error : asFault(error, this.#path);
    }
  }

  /** Takes back first what a process that died in the middle has left; the reader itself may not. */
  #whole<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (!isLeftHalfWritten(error)) throw error;
    }
    this.close();
    const database = new DatabaseSync(this.#path, { timeout: 0 });
    try {
      isEmpty(database);
    } finally {
      database.close();
    }
    return read();
  }

  /** Opened at the first question, since most commands ask none; undefined as long as nothing was archived. */
  #open(): DatabaseSync | undefined {
    if (this.#reader) return this.#reader;
    if (!refuseOdd(this.#path)) return undefined;
    const database = new DatabaseSync(this.#path, { readOnly: true, timeout: 0 });
    try {
      // The very first writer may have made the file and not yet committed.
      if (isEmpty(database)) {
        database.close();
        return undefined;
      }
      this.#refuseForeign(database);
    } catch (error) {
      if (database.isOpen) database.close();
      throw error;
    }
    this.#reader = database;
    return database;
  }

  #refuseForeign(database: DatabaseSync): void {
    const id = database.prepare('PRAGMA application_id').get()?.['application_id'];
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > 1) {
      throw new StoreError(
        'store_newer',
        `The archive ${this.#path} was written by a newer Wavelock. Update Wavelock here.`,
      );
    }
    const lineage =
      id === applicationId
        ? database.prepare("SELECT value FROM meta WHERE key = 'lineage'").get()?.['value']
        : undefined;
    if (lineage === this.lineage) return;
    throw new StoreError(
      'store_foreign',
      `${this.#path} is not the archive of this store. Wavelock leaves it alone; move it away.`,
    );
  }
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'] === 0;
}

/** @returns whether it is there */
function refuseOdd(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (stats.isFile()) return true;
  throw new StoreError(
    'store_foreign',
    `${path} is ${stats.isSymbolicLink() ? 'a link' : 'not a file'}. Wavelock leaves it alone; move it away.`,
  );
}
