/**
 * The workflow files of one workspace folder, as every host changes them: under the lock of the file, the command
 * first, the file after (`fileWriter.ts`). Before a command is decided the file is brought together with what the
 * store knows, so a command is always about the file as it is.
 *
 * Contract: an answer that grants something comes when the file says it, or with a fault that says that the
 * change itself stands and the file will follow. The lock keeps writers out of each other's way; what makes a
 * write right is the content, compared in the store and on the disk.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type {
  AdvanceFacts,
  Answer,
  ConflictRow,
  Denial,
  FileSight,
  Granted,
  OpId,
  Refusal,
  RelativePath,
  Seq,
  TaskChange,
  TaskId,
  TaskStatus,
  ClaimToken,
  WorkflowRow,
} from '../core/model';
import { StoreError } from '../core/errors';
import { disk, fileFault, type FileOps, type OnStep } from './durableFs';
import {
  acquireFileLock,
  holdForEdit,
  type FileLock,
  type FileLockOptions,
  type LockHeld,
} from './fileLock';
import { FileWriter, LockLost, type Settled } from './fileWriter';
import { processIdentity } from './hostClock';
import { relativeTo, type Place } from './place';
import type { Store } from './store';
import {
  filesWithId,
  findWorkflowFile,
  invalidFile,
  isValidFile,
  missingFile,
  readWorkflowFile,
  sightOf,
  workflowFileName,
  type ValidFile,
} from './workflowFile';
import { gitState } from './gitState';

export { findWorkflowFile, hashOf, workflowFileName, type WorkflowFile } from './workflowFile';

export interface AdvanceRequest {
  /** The wave the asker saw. */
  readonly seen?: number;
  readonly force?: { readonly reason: string };
  readonly opId?: OpId;
}

export interface SetTaskRequest extends TaskChange {
  /** The status the asker saw. */
  readonly seen?: TaskStatus;
  /** Of the task's run, while it is running. */
  readonly token?: ClaimToken;
  readonly opId?: OpId;
}

export interface WorkflowFilesOptions {
  readonly place: Place;
  readonly store: Store;
  readonly now: () => number;
  readonly lockWaitMs?: number;
  readonly lockStaleMs?: number;
  readonly onStep?: OnStep;
  readonly ops?: FileOps;
  /** Another lock, or none: nothing is lost without it. */
  readonly acquire?: typeof acquireFileLock;
  readonly pause?: (ms: number) => Promise<void>;
}

const defaultLockWait = 3_000;
const defaultLockStale = 10_000;
/** A command is decided anew when the file has changed since it was read. */
const mostAttempts = 8;

export class WorkflowFiles {
  readonly #place: Place;
  readonly #store: Store;
  readonly #onStep: OnStep;

  constructor(private readonly options: WorkflowFilesOptions) {
    this.#place = options.place;
    this.#store = options.store;
    this.#onStep = options.onStep ?? (() => undefined);
  }

  /** Takes the workflow of `folder` to its next wave, in the store and in the file. */
  advance(folder: string, request: AdvanceRequest): Promise<Answer<AdvanceFacts>> {
    const { seen, force, opId } = request;
    return this.#change(folder, (file, sight) =>
      this.#store.submit(
        {
          kind: 'wave.advance',
          plan: file.document.plan,
          sight,
          ...(seen === undefined ? {} : { seen }),
          ...(force === undefined ? {} : { force }),
        },
        opId,
      ),
    );
  }

  setTask(folder: string, request: SetTaskRequest): Promise<Answer<Granted['task.set']>> {
    const { seen, token, opId, ...change } = request;
    return this.#change(folder, async (file, sight) => {
      const present = statusIn(file, change.task);
      if (present === undefined) return this.#refuse(unknownTask(change.task, sight));
      return this.#store.submit(
        {
          kind: 'task.set',
          sight,
          // A task that has not failed has no error.
          change: change.status === 'failed' ? change : { error: null, ...change },
          present,
          ...(seen === undefined ? {} : { seen }),
          ...(token === undefined ? {} : { token }),
        },
        opId,
      );
    });
  }

  addNote(
    folder: string,
    { text, opId }: { readonly text: string; readonly opId?: OpId },
  ): Promise<Answer<Granted['note.add']>> {
    return this.#change(folder, (_file, sight) =>
      this.#store.submit({ kind: 'note.add', sight, text }, opId),
    );
  }

  /**
   * Tells the store what a person has changed, and the file what was promised. Nothing is refused here: while
   * a file cannot be read, or is a copy, it stays as it is. Whoever holds the lock does all this as well.
   */
  async sync(folder: string): Promise<void> {
    const found = findWorkflowFile(this.#place, folder);
    if (!found || !isValidFile(found)) return;
    await this.#underLock(found.path, 0, async (writer) => {
      await writer.settle();
      return this.#done();
    });
  }

  /** Carries out what processes have promised and could not do themselves. */
  async keepPromises(): Promise<void> {
    const edits = await this.#store.read('fileEdits', {});
    const rows = await this.#store.read('workflows', {});
    for (const id of new Set(edits.map(({ workflow }) => workflow))) {
      const row = rows.find((each) => each.id === id && each.worktree === this.#place.worktree);
      if (!row) continue;
      // Longer than a dead holder's lock lives, else its promise would wait for the next start.
      const waitMs = (this.options.lockStaleMs ?? defaultLockStale) + 2_000;
      const path = (await this.#whereItIs(row))?.path;
      if (path === undefined) continue;
      const answer = await this.#underLock(path, waitMs, async (writer) => {
        await this.#settleOrFault(writer, row.file);
        return this.#done();
      });
      if (!answer.ok) throw new StoreError('store_busy', answer.refusal.message);
    }
  }

  /** Conflicts that nobody has resolved, of this worktree's files. */
  async conflicts(): Promise<readonly ConflictRow[]> {
    return this.#store.read('conflicts', {});
  }

  /**
   * One command about the file as it is: read and brought up to date under its lock, decided, and written.
   */
  async #change<Facts>(
    folder: string,
    submit: (file: ValidFile, sight: FileSight) => Promise<Answer<Facts>>,
  ): Promise<Answer<Facts>> {
    const path = join(folder, workflowFileName);
    const found = findWorkflowFile(this.#place, folder);
    const present = found ?? (await this.#movedFrom(path));
    if (!present) return this.#refuse(missingFile(path));
    if (!isValidFile(present)) return this.#refuse(invalidFile(present));
    refuseWriteProtected(present.path);
    await this.#followMove(present);
    const waitMs = this.options.lockWaitMs ?? defaultLockWait;
    return this.#underLock(present.path, waitMs, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        // The wait for the lock may have been long; the file as it is now decides.
        const settled = await writer.settle();
        if (!settled.ok) return this.#refuse(settled.refusal);
        const answer = await submit(settled.file, settled.sight);
        if (answer.ok) {
          this.#onStep('committed');
          await this.#settleOrFault(writer, settled.file.file);
          return answer;
        }
        const now = readWorkflowFile(this.#place, present.path)?.hash;
        const changed = answer.refusal.code === 'conflict' && now !== settled.file.hash;
        if (!changed || attempt === mostAttempts) return answer;
      }
    });
  }

  /** The change stands; if the file cannot follow now, whoever comes next takes it along. */
  async #settleOrFault(writer: Writer, file: RelativePath): Promise<void> {
    let settled: Settled;
    try {
      settled = await writer.settle();
    } catch (error) {
      throw changeStands(error, file);
    }
    if (settled.ok) return;
    const { code, message } = settled.refusal;
    const fault = code === 'unknown_workflow' ? 'store_gone' : 'store_busy';
    throw changeStands(new StoreError(fault, message), file);
  }

  /* ---------------------------------------------------------------- where the file is */

  /** The bound file of a workflow, or the only one with its id when that is gone. */
  async #whereItIs(row: WorkflowRow): Promise<ValidFile | undefined> {
    const bound = readWorkflowFile(this.#place, this.#pathOf(row));
    if (bound) return isValidFile(bound) ? bound : undefined;
    const moved = this.#onlyOne(row);
    if (moved) await this.#bind(moved, row);
    return moved;
  }

  /** No file here: the one that was bound to this place, if it has moved. */
  async #movedFrom(path: string): Promise<ValidFile | undefined> {
    const file = relativeTo(this.#place, path);
    const rows = await this.#store.read('workflows', {});
    const row = rows.find((each) => each.file === file && each.worktree === this.#place.worktree);
    return row && this.#onlyOne(row);
  }

  /** A file with the id of a workflow whose own is gone takes its place, if it is the only one. */
  async #followMove(file: ValidFile): Promise<void> {
    const { workflow: row } = await this.#store.read('workflowFile', {
      workflow: file.document.plan.id,
    });
    const here = this.#place.worktree;
    if (!row || row.file === file.file || row.worktree !== here) return;
    if (readWorkflowFile(this.#place, this.#pathOf(row))) return;
    if (this.#onlyOne(row)?.file === file.file) await this.#bind(file, row);
  }

  #onlyOne(row: WorkflowRow): ValidFile | undefined {
    const name = row.file.slice(row.file.lastIndexOf('/') + 1);
    const [only, another] = filesWithId(this.#place, name, row.id);
    return another ? undefined : only;
  }

  async #bind(file: ValidFile, row: WorkflowRow | null): Promise<Answer<Granted['workflow.bind']>> {
    const { head } = gitState(this.#place.root);
    const sight = sightOf(file, this.#place, head);
    const from = row && { file: row.file, worktree: row.worktree };
    // What it says is told when it is brought up to date; until then the content that was known stays.
    const hash = row?.hash ?? sight.hash;
    return this.#store.submit({ kind: 'workflow.bind', sight: { ...sight, hash }, from });
  }

  /** For a copy: from now on this file is the workflow's. */
  async bindHere(folder: string): Promise<Answer<Granted['workflow.bind']>> {
    const file = findWorkflowFile(this.#place, folder);
    if (!file) return this.#refuse(missingFile(join(folder, workflowFileName)));
    if (!isValidFile(file)) return this.#refuse(invalidFile(file));
    const { workflow } = await this.#store.read('workflowFile', {
      workflow: file.document.plan.id,
    });
    return this.#bind(file, workflow);
  }

  #pathOf({ file }: Pick<WorkflowRow, 'file'>): string {
    return join(this.#place.root, ...file.split('/'));
  }

  /* ---------------------------------------------------------------- the lock */

  async #underLock<Facts>(
    path: string,
    waitMs: number,
    work: (writer: Writer) => Promise<Answer<Facts>>,
  ): Promise<Answer<Facts>> {
    const acquire = this.options.acquire ?? acquireFileLock;
    const file = relativeTo(this.#place, path) ?? (path as RelativePath);
    const take = (ms: number) => acquire(path, { ...this.#lockOptions(file), waitMs: ms });
    const attempt = await take(waitMs);
    if ('held' in attempt) return this.#refuse(await this.#denied(file, attempt.held));
    const writer = new Writer(
      attempt.lock,
      (lock) => this.#writer(path, lock),
      async () => {
        // As long as its new holder may need, or as it takes to see that it is dead.
        const again = await take((this.options.lockStaleMs ?? defaultLockStale) + 2_000);
        return 'lock' in again ? again.lock : undefined;
      },
    );
    try {
      this.#onStep('locked');
      return await work(writer);
    } finally {
      await writer.release();
    }
  }

  #writer(path: string, lock: FileLock): FileWriter {
    return new FileWriter(path, lock, {
      place: this.#place,
      store: this.#store,
      now: this.options.now,
      ops: this.options.ops ?? disk,
      onStep: this.#onStep,
      pause: this.options.pause ?? waited,
    });
  }

  /**
   * For an editor of `path` with unsaved changes: others are shown who has it until it is released. `onLost`
   * when another has come by it; the caller then holds nothing.
   */
  async holdForEdit(
    path: string,
    onLost: () => void,
  ): Promise<Answer<{ readonly lock: FileLock }>> {
    const file = relativeTo(this.#place, path) ?? (path as RelativePath);
    const waitMs = this.options.lockWaitMs ?? defaultLockWait;
    const attempt = await holdForEdit(path, { ...this.#lockOptions(file), waitMs, onLost });
    if ('held' in attempt) return this.#refuse(await this.#denied(file, attempt.held));
    return { ok: true, at: await this.#store.read('head', {}), facts: { lock: attempt.lock } };
  }

  #lockOptions(file: RelativePath): Omit<FileLockOptions, 'waitMs'> {
    const { agent, session, host, pid } = this.#store.identity;
    const { worktree } = this.#place;
    const process = processIdentity(host, pid);
    return {
      staleMs: this.options.lockStaleMs ?? defaultLockStale,
      notes: join(this.#place.storeFolder, 'lockfiles'),
      process,
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

  async #refuse(refusal: Refusal): Promise<{ ok: false; at: Seq; refusal: Refusal }> {
    return { ok: false, at: await this.#store.read('head', {}), refusal };
  }

  async #done(): Promise<Answer<undefined>> {
    return { ok: true, at: await this.#store.read('head', {}), facts: undefined };
  }
}

/** A writer that takes the lock again when it was lost: whoever had it meanwhile may be done, or dead. */
class Writer {
  constructor(
    private lock: FileLock,
    private readonly make: (lock: FileLock) => FileWriter,
    private readonly takeAgain: () => Promise<FileLock | undefined>,
  ) {}

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

function statusIn({ document }: ValidFile, id: TaskId): TaskStatus | undefined {
  for (const { tasks } of document.plan.waves)
    for (const task of tasks) if (task.id === id) return task.status;
  return undefined;
}

function unknownTask(task: TaskId, { workflow, file }: FileSight): Refusal {
  return {
    code: 'unknown_task',
    message: `${file} has no task ${task}.`,
    task,
    workflow,
  };
}

function changeStands(error: unknown, file: RelativePath): unknown {
  const fault = fileFault(error, file);
  if (!(fault instanceof StoreError)) return fault;
  return new StoreError(
    fault.code,
    `${fault.message} The change itself is recorded; ${file} follows as soon as it can be written.`,
    { cause: error },
  );
}

/** A rename would go past the write protection that somebody has put on the file. */
function refuseWriteProtected(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || (stats.mode & 0o222) !== 0) return;
  throw new StoreError(
    'store_permission',
    `${path} is write-protected. Nothing was changed; make the file writable first.`,
  );
}
