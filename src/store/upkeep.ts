/**
 * What a store does for itself while nobody asks: one backup a day, and an empty write-ahead log when it is
 * idle. No timer of it keeps a process alive, and closing the store ends them.
 *
 * The log grows with what is committed while somebody reads an old snapshot. Reads of ours are one statement
 * or one short transaction; only a verification and a backup hold a snapshot for as long as they last.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { isStoreError, StoreError } from '../core/errors';
import type { OnStep } from './durableFs';
import { Busy } from './engine';
import { isBackupDue, makeBackup, type StoreBackup } from './sqlite/backups';
import type { SqliteEngine } from './sqlite/engine';
import { databaseFile } from './sqlite/witness';

/** @returns what cancels it */
export type Schedule = (work: () => void, afterMs: number) => () => void;

export interface UpkeepOptions {
  /** A call is short, and backs up only what takes no time. */
  readonly resident: boolean;
  readonly onStep?: OnStep | undefined;
  readonly schedule: Schedule;
  readonly failed: (error: Error) => void;
}

/** Without a commit for this long, the log is emptied. */
export const idleMs = 1_000;
const hour = 60 * 60_000;
/** Copied, looked through and flushed in about 50 ms. */
const smallBytes = 4 * 1024 * 1024;

export class Upkeep {
  #cancelIdle: () => void = () => undefined;
  #cancelDaily: () => void = () => undefined;
  #working: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly engine: SqliteEngine,
    private readonly folder: string,
    private readonly options: UpkeepOptions,
  ) {
    // What is damaged, foreign or behind must not push out the backups of what was not.
    if (!engine.readOnlyBecause) this.#daily(0);
  }

  /** The log is emptied when this has not been called for a while. */
  committed(): void {
    this.#cancelIdle();
    if (this.#closed) return;
    this.#cancelIdle = this.options.schedule(() => {
      this.#emptyLog();
    }, idleMs);
  }

  async backup(): Promise<StoreBackup> {
    const { readOnlyBecause } = this.engine;
    if (readOnlyBecause) throw readOnlyBecause;
    const made = makeBackup(this.folder, {
      reason: 'asked',
      now: Date.now(),
      onStep: this.options.onStep,
    });
    // Closing waits for it, whoever hears of a failure.
    this.#working = made.catch(() => undefined);
    const backup = await made;
    if (backup === undefined)
      throw new StoreError('store_busy', 'Another process is backing up; try again.');
    return backup;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelIdle();
    this.#cancelDaily();
    await this.#working;
  }

  #daily(afterMs: number): void {
    this.#cancelDaily = this.options.schedule(() => {
      this.#working = this.#backUpIfDue().catch((error: unknown) => {
        this.options.failed(error as Error);
      });
      if (this.options.resident) this.#daily(hour);
    }, afterMs);
  }

  async #backUpIfDue(): Promise<void> {
    const now = Date.now();
    if (!isBackupDue(this.folder, now) || this.engine.read('head', {}) === 0) return;
    const bytes = lstatSync(join(this.folder, databaseFile), { throwIfNoEntry: false })?.size ?? 0;
    if (!this.options.resident && bytes > smallBytes) return;
    try {
      await makeBackup(this.folder, { reason: 'daily', now, onStep: this.options.onStep });
    } catch (error) {
      // The next hour, or the next who opens it, tries again.
      if (!isStoreError(error)) throw error;
      if (error.code === 'store_busy') return;
      // The copy shows what is wrong with the store itself.
      if (error.code === 'store_damaged') throw error;
      throw new StoreError(
        'backup_failed',
        `The daily backup of the store failed, and is tried again within the hour. ${error.message}`,
        { cause: error },
      );
    }
  }

  #emptyLog(): void {
    try {
      // Somebody reads an old moment, or writes: later, then.
      if (!this.engine.checkpoint()) this.committed();
    } catch (error) {
      if (error instanceof Busy) this.committed();
      else this.options.failed(error as Error);
    }
  }
}

/** Does not keep the process alive. */
export const quietTimer: Schedule = (work, afterMs) => {
  const timer = setTimeout(work, afterMs);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
};
