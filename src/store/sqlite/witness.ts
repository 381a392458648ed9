/**
 * What can be known of a store before anything is written to it: is each name a plain file, does `head` (what
 * the last writer told the others) speak of this database and of no later one, does the newest event follow
 * from the one before.
 *
 * Not detected: a write-ahead log lost together with `head`; a change in the middle, which is for `verify`.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../core/errors';
import type { Seq } from '../../core/model';
import { sha256 } from '../chance';

export const databaseFile = 'store.db';
export const headFile = 'head';
const headLength = 256;
export const backupsFolder = 'store-backups';

export interface Head {
  readonly storeId: string;
  readonly seq: Seq;
  /** Of that event, in hex: tells two stores apart that have the same name and number of events. */
  readonly hash: string | null;
}

/** SQLite would follow a link or fail on a folder with words that help nobody. */
export function refuseOddFiles(folder: string): void {
  for (const name of [databaseFile, `${databaseFile}-wal`, `${databaseFile}-shm`, headFile]) {
    const path = join(folder, name);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined || stats.isFile()) continue;
    throw new StoreError(
      'store_foreign',
      `${path} is ${stats.isSymbolicLink() ? 'a link' : 'not a file'}. Wavelock leaves it alone; move it away, or set another folder for the store.`,
    );
  }
}

/** What the last writer told the others; null when it is torn or missing, which is no matter. */
export function readHead(folder: string): Head | null {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(join(folder, headFile), 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT')
      return null;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { storeId, seq, hash, end } = value as Partial<Record<string, unknown>>;
  if (typeof hash === 'string' && typeof end === 'string' && !hash.startsWith(end)) return null;
  return typeof storeId === 'string' && Number.isSafeInteger(seq)
    ? { storeId, seq: Number(seq), hash: typeof hash === 'string' ? hash : null }
    : null;
}

/** True when there is a database to look at. One that has been and is no more must not begin anew in silence. */
export function hasDatabase(folder: string, head: Head | null): boolean {
  const path = join(folder, databaseFile);
  if ((lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return true;
  const wal = lstatSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if ((head?.seq ?? 0) === 0 && wal === 0) return false;
  throw missing(path, head);
}

export function missing(path: string, head: Head | null): StoreError {
  return new StoreError(
    'store_gone',
    `${path} is missing or empty, but ${head ? `its head speaks of ${head.seq} events` : 'its write-ahead log is there'}. \`wavelock store restore latest\` brings back the last backup; to begin anew, move the folder away.`,
  );
}

/** What speaks against writing to this database, though it can be read. */
export function evidenceAgainst(
  database: DatabaseSync,
  path: string,
  head: Head | null,
): StoreError | undefined {
  const storeId = metaOf(database, 'storeId');
  const lineage = metaOf(database, 'lineage');
  if (storeId === undefined || lineage === undefined) {
    return damaged(path, 'has lost its own name');
  }
  const [last, before] = database
    .prepare('SELECT seq, event, hash FROM events ORDER BY seq DESC LIMIT 2')
    .all();
  const seq = Number(last?.['seq'] ?? 0);
  if (last !== undefined) {
    const follows = chained(before?.['hash'] ?? lineage, String(last['event']));
    if (!sameBytes(last['hash'], follows) || (before === undefined) !== (seq === 1)) {
      return damaged(path, `does not vouch for its newest event, ${seq}`);
    }
  }
  if (head === null) return undefined;
  const known = head.seq > seq || head.seq === 0 ? null : hashAt(database, head.seq);
  if (head.storeId !== storeId || (known !== null && head.hash !== null && known !== head.hash)) {
    return new StoreError(
      'store_foreign',
      `${path} is not the store that was here last: another was put in its place, or its write-ahead log is another's. It can be read, and nothing is written. \`wavelock store restore latest\` brings back the last backup; \`wavelock store restore present\` accepts it as it is.`,
    );
  }
  if (head.seq > seq) {
    return new StoreError(
      'store_behind',
      `${path} ends at event ${seq}, but ${head.seq} have been seen: it was put back from outside, or has lost its write-ahead log. It can be read, and nothing is written. \`wavelock store restore latest --preview\` shows what the last backup has; \`wavelock store restore present\` accepts the loss.`,
    );
  }
  return undefined;
}

/** Who wrote the newest event, for people; undefined when there is none, or it cannot be read. */
export function lastActiveIn(database: DatabaseSync, now: number): string | undefined {
  const newest = database
    .prepare(
      `SELECT event ->> '$.agent' AS agent, event ->> '$.at' AS at,
         sessions.row ->> '$.process.pid' AS pid, sessions.row ->> '$.process.host' AS host
       FROM events LEFT JOIN sessions ON sessions.id = event ->> '$.session'
       ORDER BY seq DESC LIMIT 1`,
    )
    .get();
  if (newest === undefined) return undefined;
  const { agent, at, pid, host } = newest;
  const where = pid === null ? '' : ` (process ${String(pid)} on ${String(host)})`;
  const seconds = Math.max(0, Math.round((now - Number(at)) / 1_000));
  return `${String(agent)}${where}, ${seconds} s ago`;
}

export function metaOf(database: DatabaseSync, key: string): string | undefined {
  const value = database.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value'];
  return typeof value === 'string' ? value : undefined;
}

/** hash = sha256(hash of the event before, event); before the first stands the store's lineage. */
export function chained(previous: unknown, event: string): Buffer {
  return previous instanceof Uint8Array || typeof previous === 'string'
    ? sha256(previous, event)
    : sha256(event);
}

/**
 * The text of `head`, of the newest event. It is overwritten in place: always of one length, and how it begins
 * is said again at its end, so that a reader knows the halves of two.
 */
export function headText(
  storeId: string,
  newest: Readonly<Record<string, unknown>> | undefined,
): string {
  const { seq = 0, hash: bytes } = newest ?? {};
  const hash = bytes instanceof Uint8Array ? hex(bytes) : null;
  return JSON.stringify({ hash, seq, storeId, end: hash?.slice(0, 16) }).padEnd(headLength);
}

function hashAt(database: DatabaseSync, seq: Seq): string {
  const hash = database.prepare('SELECT hash FROM events WHERE seq = ?').get(seq)?.['hash'];
  return hash instanceof Uint8Array ? hex(hash) : '';
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

export function sameBytes(one: unknown, other: Uint8Array): boolean {
  return one instanceof Uint8Array && Buffer.compare(one, other) === 0;
}

function damaged(path: string, what: string): StoreError {
  return new StoreError(
    'store_damaged',
    `The store ${path} ${what}. It can be read, and nothing is written. \`wavelock store verify\` shows what is wrong; \`wavelock store restore latest --preview\` what the last backup has.`,
  );
}
