/**
 * A writer that dies in the middle of a commit leaves the database half written and, where there is no
 * write-ahead log, a journal of what was there before. Whoever comes next has to put that back, which a
 * connection that can only read cannot do: to it the file would look read-only.
 */
import { lstatSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Throws "busy" when the writer is alive. */
export function finishRollback(path: string): void {
  if ((lstatSync(`${path}-journal`, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  // A journal alone would make a new, empty database.
  if ((lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
  } finally {
    database.close();
  }
}
