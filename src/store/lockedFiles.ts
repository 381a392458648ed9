/**
 * Workflow files under their lock: who waits for it, who is told who has it, and what is written while it is held.
 * The lock keeps writers out of each other's way; that nothing is lost does not hang on it (`fileWriter.ts`).
 */
import { join } from 'node:path';
import { StoreError } from '../core/errors';
import type {
  Answer,
  ConflictRow,
  ContentHash,
  Denial,
  Refusal,
  RelativePath,
  Seq,
} from '../core/model';
import type { FileOps, OnStep } from './durableFs';
import { fileFault } from './fileFault';
import {
  acquireFileLock,
  holdForEdit,
  type FileLock,
  type FileLockOptions,
  type LockHeld,
} from './fileLock';
import { FileWriter, LockLost, type Replacement, type Settled } from './fileWriter';
import { processIdentity } from './hostClock';
import { relativeTo, type Place } from './place';
import type { Store } from './store';
import type { Reading } from './workflowReading';

export interface LockedFilesOptions {
  readonly place: Place;
  readonly store: Store;
  readonly now: () => number;
  readonly ops: FileOps;
  readonly onStep: OnStep;
  /** With the settings as they were read last. */
  readonly reading: () => Reading;
  readonly lockWaitMs?: number | undefined;
  readonly lockStaleMs?: number | undefined;
  readonly acquire?: typeof acquireFileLock | undefined;
  readonly pause?: ((ms: number) => Promise<void>) | undefined;
}

const defaultLockWait = 3_000;
const defaultLockStale = 10_000;

export class LockedFiles {
  readonly #place: Place;
  readonly #store: Store;
  /** How long a command waits unless it is told otherwise. */
  readonly waitMs: number;
  /** Longer than a dead holder's lock lives. */
  readonly outliveMs: number;

  constructor(private readonly options: LockedFilesOptions) {
    this.#place = options.place;
    this.#store = options.store;
    this.waitMs = options.lockWaitMs ?? defaultLockWait;
    this.outliveMs = (options.lockStaleMs ?? defaultLockStale) + 2_000;
  }

  async under<Facts>(
    path: string,
    waitMs: number,
    work: (writer: LockedWriter) => Promise<Answer<Facts>>,
  ): Promise<Answer<Facts>> {
    const acquire = this.options.acquire ?? acquireFileLock;
    const file = relativeTo(this.#place, path) ?? (path as RelativePath);
    const take = (ms: number) => acquire(path, { ...this.#lockOptions(file), waitMs: ms });
    const attempt = await take(waitMs);
    if ('held' in attempt) return this.refuse(await this.#denied(file, attempt.held));
    const writer = new LockedWriter(
      attempt.lock,
      (lock) => this.#writer(path, lock),
      async () => {
        // As long as its new holder may need, or as it takes to see that it is dead.
        const again = await take(this.outliveMs);
        return 'lock' in again ? again.lock : undefined;
      },
    );
    try {
      this.options.onStep('locked');
      return await work(writer);
    } catch (error) {
      throw fileFault(error, path);
    } finally {
      await writer.release();
    }
  }

  #writer(path: string, lock: FileLock): FileWriter {
    const { store, now, ops, onStep, pause = waited } = this.options;
    return new FileWriter(path, lock, {
      ...{ store, now, ops, onStep, pause },
      place: this.options.reading(),
    });
  }

  /** See `WorkflowFiles.holdForEdit`. */
  async holdForEdit(
    path: string,
    onLost: () => void,
  ): Promise<Answer<{ readonly lock: FileLock }>> {
    const file = relativeTo(this.#place, path) ?? (path as RelativePath);
    const { waitMs } = this;
    const attempt = await holdForEdit(path, { ...this.#lockOptions(file), waitMs, onLost });
    if ('held' in attempt) return this.refuse(await this.#denied(file, attempt.held));
    return this.done({ lock: attempt.lock });
  }

  #lockOptions(file: RelativePath): Omit<FileLockOptions, 'waitMs'> {
    const { agent, session, host, pid } = this.#store.identity;
    const { storeFolder, worktree } = this.#place;
    const process = processIdentity(host, pid);
    return {
      staleMs: this.options.lockStaleMs ?? defaultLockStale,
      notes: join(storeFolder, 'lockfiles'),
      process,
      onStep: this.options.onStep,
      guard: {
        hold: async (tookOver) => {
          const since = this.options.now();
          const holder = { ...process, agent, session, since, ...(tookOver && { tookOver }) };
          await this.#store.submit({ kind: 'guard.hold', file, worktree, holder });
        },
        // The lock itself is free by now. A row that stays behind keeps nobody out.
        free: async () => {
          await this.#store.submit({ kind: 'guard.free', file, worktree }).catch(() => undefined);
        },
      },
    };
  }

  async #denied(file: RelativePath, held: LockHeld): Promise<Refusal> {
    const guard = await this.#store.read('guard', { file, worktree: this.#place.worktree });
    const holder: Denial['holder'] =
      guard && !held.foreign
        ? {
            id: guard.holder.session,
            name: guard.holder.agent,
            description: `process ${guard.holder.pid} on ${guard.holder.host}`,
            since: guard.holder.since,
          }
        : {
            id: 'unknown',
            name: 'another program',
            description: `the lock ${file}.lock is not one of Wavelock's`,
            ...(held.since === undefined ? {} : { since: held.since }),
          };
    return {
      code: 'lock_denied',
      message: `${file} is locked by ${holder.name} (${holder.description}). Try again when it is done.`,
      denials: [{ resource: file, holder }],
      retryAfterMs: 1_000,
    };
  }

  async refuse(refusal: Refusal): Promise<{ ok: false; at: Seq; refusal: Refusal }> {
    return { ok: false, at: await this.#store.read('head', {}), refusal };
  }

  async done<Facts>(facts: Facts): Promise<Answer<Facts>> {
    return { ok: true, at: await this.#store.read('head', {}), facts };
  }
}

/** A writer that takes the lock again when it was lost: whoever had it meanwhile may be done, or dead. */
export class LockedWriter {
  constructor(
    private lock: FileLock,
    private readonly make: (lock: FileLock) => FileWriter,
    private readonly takeAgain: () => Promise<FileLock | undefined>,
  ) {}

  replace(replacement: Replacement, known: ContentHash | null): Promise<boolean> {
    return this.make(this.lock).replace(replacement, known);
  }

  recordConflict(...of: Parameters<FileWriter['recordConflict']>): Promise<ConflictRow> {
    return this.make(this.lock).recordConflict(...of);
  }

  async settle(): Promise<Settled> {
    try {
      return await this.make(this.lock).settle();
    } catch (error) {
      if (!(error instanceof LockLost)) throw error;
      const lock = await this.takeAgain();
      if (!lock) {
        const message = 'This process stood still for so long that the file was given to another.';
        throw new StoreError('store_busy', message, { cause: error });
      }
      await this.release();
      this.lock = lock;
      return this.settle();
    }
  }

  release(): Promise<void> {
    return this.lock.release();
  }
}

function waited(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
