/**
 * Backups of the store itself, in `.wavelock/store-backups/`.
 *
 * Contract: a name that ends in `.db` is a whole store that was looked through after it was written. Until
 * then it has a temp name, which a crash leaves behind and the next backup removes. Nothing but backups
 * beyond the last few is ever deleted, and that only after a newer one counts.
 *
 * SQLite's online backup copies pages off this thread, from one snapshot, while others go on writing.
 * `VACUUM INTO` takes two thirds of the time (0.7 s against 1.1 s for 350 MB) but holds the thread for all of
 * it, and by rebuilding indexes it would hide damage.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../core/errors';
import type { Seq } from '../../core/model';
import { discard, discardUseless, putInPlace, reserveTemp, type OnStep } from '../durableFs';
import { fileFault } from '../fileFault';
import { chance } from '../chance';
import { asFault, isBusy } from './sqliteFault';
import { verifyStore } from './verify';
import { backupsFolder, databaseFile } from './witness';

export interface StoreBackup {
  readonly id: string;
  readonly file: string;
  readonly at: number;
  readonly seq: Seq;
  readonly bytes: number;
}

export interface BackupOptions {
  /** A daily one is made by whoever comes first; others leave it to them. */
  readonly reason: 'asked' | 'migration' | 'daily';
  readonly now: number;
  readonly keep?: number;
  readonly onStep?: OnStep | undefined;
}

const defaultKeep = 5;
const hour = 60 * 60_000;
const day = 24 * hour;
/** Pages that are copied before others may have a turn. */
const pagesAtOnce = 500;

/** Newest first. */
export function listBackups(folder: string): readonly StoreBackup[] {
  const backups = join(folder, backupsFolder);
  try {
    return backupsIn(backups);
  } catch (error) {
    throw fileFault(error, backups);
  }
}

function backupsIn(backups: string): readonly StoreBackup[] {
  if (lstatSync(backups, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(backups)
    .flatMap((name) => {
      const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-(\d+)\.db$/.exec(name);
      if (!match) return [];
      const [, ...parts] = match.map(Number);
      const [year = 0, month = 1, date, hours, minutes, seconds, ms, seq = 0] = parts;
      const file = join(backups, name);
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats?.isFile() !== true) return [];
      return [
        {
          id: name.slice(0, -'.db'.length),
          file,
          at: Date.UTC(year, month - 1, date, hours, minutes, seconds, ms),
          seq,
          bytes: stats.size,
        },
      ];
    })
    .sort((one, other) => other.at - one.at || other.seq - one.seq);
}

export function isBackupDue(folder: string, now: number): boolean {
  const [newest] = listBackups(folder);
  return newest === undefined || now - newest.at >= day || newest.at > now + day;
}

/** @returns undefined when another process is at work on today's */
export async function makeBackup(
  folder: string,
  options: BackupOptions,
): Promise<StoreBackup | undefined> {
  try {
    return await backUp(folder, options);
  } catch (error) {
    throw isBusy(error)
      ? new StoreError('store_busy', `The store in ${folder} is being written; try again.`, {
          cause: error,
        })
      : asFault(error, join(folder, databaseFile));
  }
}

async function backUp(
  folder: string,
  { reason, now, keep = defaultKeep, onStep = () => undefined }: BackupOptions,
): Promise<StoreBackup | undefined> {
  const backups = join(folder, backupsFolder);
  refuseOddFolder(backups);
  const temp =
    reason === 'daily'
      ? dailyTemp(folder, now)
      : join(backups, `.${chance(6).toString('hex')}.tmp`);
  if (!reserveTemp(temp)) return undefined;
  try {
    onStep('backup.temp');
    // Another had ended between the look that brought us here and the name that is ours now.
    if (reason === 'daily' && !isBackupDue(folder, now)) {
      discard(temp);
      return undefined;
    }
    const seq = await copyOut(join(folder, databaseFile), temp, onStep);
    onStep('backup.verify');
    const { ok, problems } = await verifyStore(folder, temp);
    if (!ok) {
      throw new StoreError(
        'store_damaged',
        `The store in ${folder} could be copied, but the copy is damaged (${problems[0]?.where ?? ''}: ${problems[0]?.message ?? ''}). It does not count as a backup; \`wavelock store verify\` shows more.`,
      );
    }
    const id = `${new Date(now).toISOString().replace(/[-:.]/g, '')}-${seq}`;
    const file = join(backups, `${id}.db`);
    putInPlace(temp, file, (step) => {
      onStep(`backup.${step}`);
    });
    onStep('backup.done');
    for (const old of listBackups(folder).slice(keep)) discard(old.file);
    removeOldTemps(backups);
    return { id, file, at: now, seq, bytes: lstatSync(file).size };
  } catch (error) {
    discardUseless(temp);
    throw error;
  }
}

/** One file without a log beside it, of one moment of the database. */
export async function copyOut(
  path: string,
  copy: string,
  onStep: OnStep = () => undefined,
): Promise<Seq> {
  const source = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
  try {
    // An open snapshot: without it every commit of others would make the copy begin anew.
    source.exec('BEGIN');
    const seq = Number(source.prepare('SELECT max(seq) AS seq FROM events').get()?.['seq'] ?? 0);
    await backup(source, copy, {
      rate: pagesAtOnce,
      progress: () => {
        onStep('backup.pages');
      },
    });
    onStep('backup.copied');
    const target = new DatabaseSync(copy);
    try {
      target.exec('PRAGMA journal_mode = DELETE');
    } finally {
      target.close();
    }
    return seq;
  } finally {
    source.close();
  }
}

/** Another name each hour: one that the dead have left is in nobody's way then, and needs not be taken from them. */
export function dailyTemp(folder: string, now: number): string {
  return join(folder, backupsFolder, `.daily-${Math.floor(now / hour)}.tmp`);
}

/** Left by the dead: nobody writes one for an hour. */
function removeOldTemps(backups: string): void {
  for (const name of readdirSync(backups)) {
    const file = join(backups, name);
    const stats = /^\..*\.tmp(-journal|-wal|-shm)?$/.test(name)
      ? lstatSync(file, { throwIfNoEntry: false })
      : undefined;
    if (stats !== undefined && Date.now() - stats.mtimeMs > hour) discard(file);
  }
}

function refuseOddFolder(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isDirectory()) return;
  throw new StoreError(
    'store_foreign',
    `${path} is not a folder. Wavelock leaves it alone; move it away, so that the store can be backed up.`,
  );
}
