/**
 * Brings a database to this version's schema. Two processes that start at once are safe: the change is
 * one immediate transaction, and whoever comes second finds it done.
 */
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../core/errors';
import type { OnStep } from '../durableFs';
import { initial } from './migrations/001-initial';
import { operations } from './migrations/002-operations';
import { workflowFiles } from './migrations/003-workflow-files';

export const migrations: readonly string[] = [initial, operations, workflowFiles];

/** "WAVL" in the file's header: tells our database from anybody else's. */
export const applicationId = 0x5741564c;

/** What must be done to a database before it can be used; anything odd is thrown, and nothing is changed. */
export function stateOf(
  database: DatabaseSync,
  path: string,
  known = migrations,
): 'empty' | 'older' | 'current' {
  const version = numberOf(database, 'user_version');
  const id = numberOf(database, 'application_id');
  const tables = Number(database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n']);
  if (version === 0 && id === 0 && tables === 0) return 'empty';
  if (id !== applicationId) {
    throw new StoreError(
      'store_foreign',
      `${path} is a database of another program. Wavelock leaves it alone; move it away, or set another folder for the store.`,
    );
  }
  if (version > known.length) {
    throw new StoreError(
      'store_newer',
      `The store ${path} was written by a newer Wavelock (schema ${version}, this one knows ${known.length}). Update Wavelock here.`,
    );
  }
  // A schema is numbered in the transaction that makes it, so only damage can part the two.
  if (version < 1 || tables === 0) {
    throw new StoreError(
      'store_damaged',
      `The store ${path} has schema ${version} with ${tables} tables and indexes: its header or schema is damaged. It was left as it is; \`wavelock store restore latest\` brings back the last backup.`,
    );
  }
  return version < known.length ? 'older' : 'current';
}

export function migrate(
  database: DatabaseSync,
  path: string,
  known = migrations,
  onStep: OnStep = () => undefined,
): void {
  if (stateOf(database, path, known) === 'current') return;
  database.exec('BEGIN IMMEDIATE');
  try {
    const state = stateOf(database, path, known);
    const version = numberOf(database, 'user_version');
    for (const sql of known.slice(version)) database.exec(sql);
    if (state === 'empty') {
      database.exec(`PRAGMA application_id = ${applicationId}`);
      const id = process.getBuiltinModule('node:crypto').randomUUID();
      // A restore gives a new storeId, so that whoever has seen the old one notices; the lineage stays.
      const insert = database.prepare('INSERT INTO meta VALUES (?, ?)');
      insert.run('storeId', id);
      insert.run('lineage', id);
    }
    database.exec(`PRAGMA user_version = ${known.length}`);
    onStep('migration.commit');
    database.exec('COMMIT');
    onStep('migration.durable');
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** The text of this version's schema as SQLite keeps it, to compare a file's with. */
export function schemaOf(database: DatabaseSync): readonly string[] {
  return database
    .prepare(
      "SELECT type || ' ' || name || char(10) || coalesce(sql, '') AS text FROM sqlite_schema",
    )
    .all()
    .map((row) => String(row['text']))
    .sort();
}

export function freshSchema(): readonly string[] {
  const database = new DatabaseSync(':memory:');
  try {
    migrate(database, ':memory:');
    return schemaOf(database);
  } finally {
    database.close();
  }
}

function numberOf(database: DatabaseSync, pragma: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}
