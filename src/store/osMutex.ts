/**
 * Mutual exclusion between processes that ends with the process, whatever ends it: the operating system's
 * own file lock. Node has no call for it, but SQLite takes one; the file stays empty and nothing is flushed.
 *
 * Only for work of a few system calls: nobody can take it from a process that is stopped inside.
 */
import { StoreError } from '../core/errors';

export interface Done<T> {
  readonly value: T;
}

const sqliteBusy = 5;
const pause = { shortest: 0.5, longest: 4 };

/** Undefined when others were at work all the time. */
export async function exclusively<T>(
  path: string,
  waitMs: number,
  work: () => T,
): Promise<Done<T> | undefined> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const done = exclusivelyNow(path, 0, work);
    if (done || performance.now() >= deadline) return done;
    const span = pause.longest - pause.shortest;
    await new Promise((resolve) => setTimeout(resolve, pause.shortest + Math.random() * span));
  }
}

/** Blocks the thread for `blockMs` at most. */
export function exclusivelyNow<T>(
  path: string,
  blockMs: number,
  work: () => T,
): Done<T> | undefined {
  // Only here, because loading it prints a warning on some versions.
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  let mutex: InstanceType<typeof DatabaseSync> | undefined;
  try {
    mutex = new DatabaseSync(path);
    mutex.exec(`PRAGMA busy_timeout = ${blockMs}; BEGIN EXCLUSIVE`);
  } catch (error) {
    mutex?.close();
    if (!(error instanceof Error && 'errcode' in error)) throw error;
    // The low byte is the kind of error, the rest says where.
    if ((Number(error.errcode) & 0xff) === sqliteBusy) return undefined;
    throw new StoreError(
      'store_io',
      `${path} cannot be used to keep processes apart: ${error.message}. Remove it if it is not Wavelock's.`,
      { cause: error },
    );
  }
  try {
    return { value: work() };
  } finally {
    mutex.close();
  }
}
