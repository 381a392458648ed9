/**
 * Puts a backup in the store's place.
 *
 * Contract: nothing is deleted. What was there goes to `.wavelock/set-aside/<time>/`, first its log, so that
 * no log ever stands beside a database that it does not belong to. The new database comes whole, by one
 * rename, with a new `storeId`: a process that still has the old file open finds another under its name and
 * answers `store_gone`. A crash on the way leaves a store that opens with a named fault, and restoring again
 * finishes it.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeEvent } from '../../core/codec';
import { StoreError } from '../../core/errors';
import type { EventKind, Seq } from '../../core/model';
import {
  copyDurably,
  createStoreFolder,
  discard,
  discardUseless,
  keepBeside,
  overwriteHint,
  putInPlace,
  reserveTemp,
  setAside,
  type OnStep,
} from '../durableFs';
import { archiveFile } from './archive';
import { copyOut, listBackups, type StoreBackup } from './backups';
import { asFault, isBusy } from './sqliteFault';
import { verifyStore } from './verify';
import { databaseFile, headFile, headText, readHead, refuseOddFiles, sameBytes } from './witness';

/** What is there now and not in the backup. */
export interface Lost {
  /** Null when neither the database nor `head` can say. */
  readonly events: number | null;
  readonly kinds: Readonly<Partial<Record<EventKind, number>>>;
  readonly first: number | null;
  readonly last: number | null;
  /** False: the present database cannot be read, or has another history than the backup. */
  readonly certain: boolean;
}

export interface Preview {
  readonly backup: StoreBackup | null;
  readonly seq: Seq;
  readonly lost: Lost;
}

export interface Restored extends Preview {
  readonly setAside: string;
}

export interface RestoreOptions {
  readonly now: number;
  /** Although another process has the store open; it will answer `store_gone`. */
  readonly force?: boolean;
  readonly onStep?: OnStep | undefined;
}

/** `latest`, the id of a backup, or `present`: the database as it is now, whatever `head` says of it. */
export type RestoreFrom = string;

export function previewRestore(folder: string, from: RestoreFrom): Preview {
  const path = join(folder, databaseFile);
  try {
    const chosen = choose(folder, from);
    const seq = chosen?.seq ?? seqOf(path);
    return { backup: chosen, seq, lost: lostBy(folder, chosen, seq) };
  } catch (error) {
    throw asFault(error, path);
  }
}

export async function restoreStore(
  folder: string,
  from: RestoreFrom,
  options: RestoreOptions,
): Promise<Restored> {
  const { now, force = false, onStep = () => undefined } = options;
  const path = join(folder, databaseFile);
  const temp = join(folder, `.${databaseFile}.restore`);
  const aside = join(folder, 'set-aside', new Date(now).toISOString().replace(/[-:.]/g, ''));
  try {
    if (existsSync(path)) refuseOddFiles(folder);
    const chosen = choose(folder, from);
    discard(`${temp}-journal`);
    discard(temp);
    if (chosen === null) {
      reserveTemp(temp);
      await copyOut(path, temp);
    } else {
      copyDurably(chosen.file, temp);
    }
    const { ok, problems } = await verifyStore(folder, temp);
    if (!ok) {
      throw new StoreError(
        'store_damaged',
        `${chosen?.file ?? path} is damaged itself (${problems[0]?.where ?? ''}: ${problems[0]?.message ?? ''}); nothing was changed. Choose another of the backups.`,
      );
    }
    // As long as it has no log: who only reads one that has leaves files beside it.
    const seq = seqOf(temp);
    const storeId = rename(temp);
    onStep('restore.copied');
    const held = force ? undefined : holdAlone(path);
    try {
      const lost = lostBy(folder, chosen, seq, held);
      onStep('restore.held');
      if (existsSync(path)) keepBeside(path, join(aside, databaseFile));
      onStep('restore.kept');
      for (const end of ['-wal', '-shm', '-journal'])
        setAside(path + end, join(aside, databaseFile + end));
      onStep('restore.aside');
      putInPlace(temp, path, (step) => {
        onStep(`restore.${step}`);
      });
      onStep('restore.placed');
      overwriteHint(join(folder, headFile), headText(storeId, newestOf(path)));
      return { backup: chosen, seq, lost, setAside: aside };
    } finally {
      // Its file has moved, which SQLite notices: it leaves the log of the new one alone.
      held?.close();
    }
  } catch (error) {
    discardUseless(temp);
    throw asFault(error, path);
  }
}

/** Another store of the same content, for a look or another place; the folder must not have one. */
export async function copyStore(folder: string, target: string): Promise<{ readonly seq: Seq }> {
  const path = join(target, databaseFile);
  if (existsSync(path)) {
    throw new StoreError('store_foreign', `${path} is there already; choose an empty folder.`);
  }
  createStoreFolder(target);
  const temp = join(target, `.${databaseFile}.copy`);
  discard(`${temp}-journal`);
  discard(temp);
  reserveTemp(temp);
  try {
    const seq = await copyOut(join(folder, databaseFile), temp);
    rename(temp);
    const archive = join(folder, archiveFile);
    // First, so that a copy that stands is whole.
    if (existsSync(archive)) copyDurably(archive, join(target, archiveFile));
    putInPlace(temp, path);
    return { seq };
  } catch (error) {
    discardUseless(temp);
    throw asFault(error, join(folder, databaseFile));
  }
}

function choose(folder: string, from: RestoreFrom): StoreBackup | null {
  if (from === 'present') return null;
  const backups = listBackups(folder);
  const found = from === 'latest' ? backups[0] : backups.find(({ id }) => id === from);
  if (found) return found;
  throw new StoreError(
    'store_gone',
    backups.length === 0
      ? `The store in ${folder} has no backup.`
      : `There is no backup ${from}. There are: ${backups.map(({ id }) => id).join(', ')}.`,
  );
}

/** Gives the copy a name of its own, so that nobody takes it for the store that it came from. */
function rename(path: string): string {
  const storeId = randomUUID();
  const database = new DatabaseSync(path);
  try {
    database.prepare("UPDATE meta SET value = ? WHERE key = 'storeId'").run(storeId);
    // As a new store has it; the next who opens it does without on a disk of another machine.
    database.exec('PRAGMA journal_mode = WAL');
    return storeId;
  } finally {
    database.close();
  }
}

/**
 * Every open connection to a store holds a lock on its file, so having it all alone is the proof that nobody
 * else is there. A file that SQLite cannot read cannot be held; whoever has it open cannot commit to it
 * either, and will find it replaced.
 */
function holdAlone(path: string): DatabaseSync | undefined {
  if ((lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) {
      throw new StoreError(
        'store_busy',
        `Another process has the store ${path} open. Close the windows and workers that use it, or add --force: they will then be told that the store was replaced.`,
        { cause: error },
      );
    }
    if (error instanceof Error && 'errcode' in error) return undefined;
    throw error;
  }
}

function seqOf(path: string): Seq {
  return Number(newestOf(path)?.['seq'] ?? 0);
}

function newestOf(path: string): Readonly<Record<string, unknown>> | undefined {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  try {
    return database.prepare('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1').get();
  } catch (error) {
    throw asFault(error, path);
  } finally {
    database.close();
  }
}

function lostBy(folder: string, chosen: StoreBackup | null, seq: Seq, held?: DatabaseSync): Lost {
  const head = readHead(folder)?.seq ?? null;
  const gone = head === null ? null : Math.max(0, head - seq);
  const uncertain = { events: gone, kinds: {}, first: null, last: null, certain: false };
  if (chosen === null) return { ...uncertain, certain: true };
  const path = join(folder, databaseFile);
  if ((lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return uncertain;
  let database: DatabaseSync | undefined;
  try {
    database = held ?? new DatabaseSync(path, { readOnly: true, timeout: 0 });
    const kinds: Partial<Record<EventKind, number>> = {};
    let [events, first, last]: [number, number | null, number | null] = [0, null, null];
    for (const row of database
      .prepare('SELECT event FROM events WHERE seq > ? ORDER BY seq')
      .iterate(seq)) {
      const { kind, at } = decodeEvent(String(row['event']));
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      events += 1;
      first ??= at;
      last = at;
    }
    const certain = hashAt(database, seq, chosen.file) && (head === null || head <= seq + events);
    return { events: Math.max(events, gone ?? 0), kinds, first, last, certain };
  } catch (error) {
    // Being unreadable is the reason to restore; what cannot be told is said to be uncertain.
    if (asFault(error, path) === error && !(error instanceof Error && 'errcode' in error))
      throw error;
    return uncertain;
  } finally {
    if (database !== held) database?.close();
  }
}

function hashAt(database: DatabaseSync, seq: Seq, file: string): boolean {
  if (seq === 0) return true;
  const other = new DatabaseSync(file, { readOnly: true });
  try {
    const sql = 'SELECT hash FROM events WHERE seq = ?';
    const hash = other.prepare(sql).get(seq)?.['hash'];
    return hash instanceof Uint8Array && sameBytes(database.prepare(sql).get(seq)?.['hash'], hash);
  } finally {
    other.close();
  }
}
