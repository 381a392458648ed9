/**
 * Brings a database to this version's schema. Two processes that start at once are safe: the change is
 * one immediate transaction, and whoever comes second finds it done.
 */
import type { DatabaseSync } from 'node:sqlite';
import { randomUUID } from 'node:crypto';
import { StoreError } from '../../core/errors';
import { initial } from './migrations/001-initial';

const migrations = [initial];

/** "WAVL" in the file's header: tells our database from anybody else's. */
const applicationId = 0x5741564c;

export function migrate(database: DatabaseSync, path: string): void {
  if (numberOf(database, 'user_version') === migrations.length) {
    refuseForeign(database, path);
    return;
  }
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = numberOf(database, 'user_version');
    if (version > migrations.length) {
      throw new StoreError(
        'store_newer',
        `The store ${path} was written by a newer Wavelock (schema ${version}, this one knows ${migrations.length}). Update Wavelock here.`,
      );
    }
    refuseForeign(database, path);
    for (const sql of migrations.slice(version)) database.exec(sql);
    if (version === 0) {
      database.exec(`PRAGMA application_id = ${applicationId}`);
      database.prepare("INSERT INTO meta VALUES ('storeId', ?)").run(randomUUID());
    }
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec('COMMIT');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function refuseForeign(database: DatabaseSync, path: string): void {
  const id = numberOf(database, 'application_id');
  const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
  if (id === applicationId || (id === 0 && tables === 0)) return;
  throw new StoreError(
    'store_foreign',
    `${path} is a database of another program. Wavelock leaves it alone; move it away, or set another folder for the store.`,
  );
}

function numberOf(database: DatabaseSync, pragma: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}
