/**
 * Opening the store of a folder. What is there is looked at before anything can change it: a file that is damaged,
 * foreign or newer stays byte by byte as it is, and is read only if it can be read at all.
 */
import { closeSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isStoreError, StoreError } from '../../core/errors';
import { prepareStoreFolder, type StoreFolder } from '../storeFolder';
import { WaitingFile, whenFree } from '../turns';
import { makeBackup } from './backups';
import { journalOf, SqliteEngine, type SqliteOptions } from './engine';
import { migrate, stateOf } from './migrate';
import { asFault, faultsNamed, isBusy, readIfPossible } from './sqliteFault';
import { Tables } from './tables';
import {
  databaseFile,
  evidenceAgainst,
  hasDatabase,
  lastActiveIn,
  missing,
  readHead,
  type Head,
} from './witness';

export async function openSqlite(options: SqliteOptions): Promise<SqliteEngine> {
  const path = join(options.folder, databaseFile);
  try {
    return await openAt(path, options);
  } catch (error) {
    throw asFault(error, path);
  }
}

async function openAt(path: string, options: SqliteOptions): Promise<SqliteEngine> {
  const { folder } = options;
  const prepared = prepareStoreFolder(folder, options.mounts);
  // Before the database is looked at: whatever is committed meanwhile only makes that one newer.
  const head = readHead(folder);
  const waiting = { sign: new WaitingFile(folder), lastActive: () => lastActiveAt(path) };
  if (hasDatabase(folder, head)) {
    const { state, readOnly } = await whenFree(
      () =>
        faultsNamed(path, () => {
          finishRollback(path, head);
          return look(path, head, options);
        }),
      waiting,
    );
    if (readOnly) return engineOn(readOnly.database, path, options, prepared, readOnly.fault);
    if (state === 'older') {
      await makeBackup(folder, { reason: 'migration', now: Date.now() });
    }
  }
  return whenFree(
    () =>
      faultsNamed(path, () =>
        engineOn(openDatabase(path, options, prepared), path, options, prepared),
      ),
    waiting,
  );
}

/** Of a connection that is closed again if there is to be no engine. */
function engineOn(
  database: DatabaseSync,
  path: string,
  options: SqliteOptions,
  prepared: StoreFolder,
  fault?: StoreError,
): SqliteEngine {
  try {
    return new SqliteEngine(database, path, options, prepared, fault);
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * A process that died in the middle of a commit without a log, as the one that makes the store is, has left a
 * half-written database and the journal that takes it back. Only a connection that may write can do so. A store
 * with a log never has a journal, so one beside it is another's, and playing it back would be the damage.
 */
function finishRollback(path: string, head: Head | null): void {
  // An empty one takes nothing back; a store without a log always has one.
  if ((lstatSync(`${path}-journal`, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  if (head !== null && head.seq > 0 && hasLog(path)) {
    throw new StoreError(
      'store_foreign',
      `${path}-journal is there, which a store with a log never has. Wavelock leaves it alone; move it away.`,
    );
  }
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
  } finally {
    database.close();
  }
}

/**
 * By the header: whether whoever opens it keeps a write-ahead log. Closing a file drops its locks for the whole
 * process (POSIX), so this is for a store that nobody else of this process has open: folders share one store.
 */
function hasLog(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const versions = Buffer.alloc(2);
    return readSync(file, versions, 0, 2, 18) === 2 && versions[0] === 2;
  } finally {
    closeSync(file);
  }
}

interface FirstLook {
  readonly state: ReturnType<typeof stateOf>;
  readonly readOnly?: { readonly database: DatabaseSync; readonly fault: StoreError };
}

/**
 * Through a connection that can only read: what is wrong with a file must stay as it is, and a connection
 * that may write would bake a foreign write-ahead log into the database when it is closed.
 */
function look(path: string, head: Head | null, { migrations }: SqliteOptions): FirstLook {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
  try {
    const state = stateOf(database, path, migrations);
    if (state === 'empty' && (head?.seq ?? 0) > 0) throw missing(path, head);
    const fault = state === 'empty' ? undefined : evidenceAgainst(database, path, head);
    if (fault) return { state, readOnly: { database, fault } };
    database.close();
    return { state };
  } catch (error) {
    const fault = isBusy(error) ? undefined : asFault(error, path);
    if (isStoreError(fault) && fault.code === 'store_damaged' && canRead(database)) {
      return { state: 'current', readOnly: { database, fault } };
    }
    database.close();
    throw error;
  }
}

/** Of a store that is not open yet; whoever keeps it busy may keep it from being read, too. */
function lastActiveAt(path: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    return readIfPossible(() => {
      database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
      return lastActiveIn(database, Date.now());
    });
  } finally {
    database?.close();
  }
}

/** Damaged, but SQLite finds its way: better shown read-only than not at all. */
function canRead(database: DatabaseSync): boolean {
  try {
    new Tables(database, { runs: () => [], chain: () => [] }).state();
    database.prepare('SELECT max(seq) FROM events').get();
    return true;
  } catch (error) {
    if (!isStoreError(asFault(error, '')) && !(error instanceof Error && 'errcode' in error))
      throw error;
    return false;
  }
}

/**
 * With a write-ahead log, unless the folder is on another machine, or was when the store was last opened: a log
 * needs memory that all its users share. Without one the journal is truncated and flushed at every commit; to
 * delete it, as SQLite would, is not on the disk until somebody flushes the folder.
 */
function openDatabase(
  path: string,
  { durability, migrations, onStep }: SqliteOptions,
  { network }: StoreFolder,
): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // Before there is a log: a database that loses it still knows that it was one of ours.
    migrate(database, path, migrations, onStep);
    if (network === null && newestSeq(database) === 0) database.exec('PRAGMA journal_mode = WAL');
    if (network !== null || journalOf(database) !== 'wal')
      database.exec('PRAGMA journal_mode = TRUNCATE');
    database.exec(`PRAGMA synchronous = ${durability === 'full' ? 'FULL' : 'NORMAL'}`);
    database.exec('PRAGMA foreign_keys = ON');
    refuseReadOnly(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite opens for reading what it could not open for writing, and says so at the first write only. */
function refuseReadOnly(database: DatabaseSync): void {
  try {
    database.exec('BEGIN IMMEDIATE; ROLLBACK');
  } catch (error) {
    // It says "read-only" before it looks for a lock. Whoever only wants to read need not wait for a writer.
    if (!isBusy(error)) throw error;
  }
}

function newestSeq(database: DatabaseSync): number {
  return Number(database.prepare('SELECT max(seq) AS seq FROM events').get()?.['seq'] ?? 0);
}
