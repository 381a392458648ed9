/**
 * The workflow files of one workspace folder, as every host changes them: under the lock of the file, the command
 * first, the file after (`fileWriter.ts`). Before a command is decided the file is brought together with what the
 * store knows, so a command is always about the file as it is.
 *
 * Contract: an answer that grants something comes when the file says it, or with a fault that says that the
 * change itself stands and the file will follow. The lock keeps writers out of each other's way; what makes a
 * write right is the content, compared in the store and on the disk.
 */
import { join } from 'node:path';
import type {
  AdvanceFacts,
  Answer,
  ConflictId,
  ConflictRow,
  FileSight,
  Granted,
  OpId,
  Plan,
  PlanDraft,
  Refusal,
  RelativePath,
  TaskChange,
  TaskId,
  TaskStatus,
  ClaimToken,
  WorkflowId,
} from '../core/model';
import { StoreError } from '../core/errors';
import { viewOf } from '../core/views';
import { isValid, type TaskDetails } from '../workflow/document';
import { initialStateMd } from '../workflow/initialState';
import { BackupRestore, type BackupPreview, type Restored } from './backupRestore';
import {
  ConflictMerge,
  type ConflictResolution,
  type ConflictTexts,
  type Saved,
} from './conflictMerge';
import { createFile, disk, opsWithin, type FileOps, type OnStep } from './durableFs';
import { fileFault } from './fileFault';
import type { FileBackup } from './fileBackups';
import { FileBindings } from './fileBindings';
import type { acquireFileLock, FileLock } from './fileLock';
import type { Settled } from './fileWriter';
import { KeptTexts } from './keptTexts';
import { LockedFiles, type LockedWriter } from './lockedFiles';
import { relativeTo, type Place } from './place';
import { planNow } from './planNow';
import { mostAttempts, settleOrFault } from './settling';
import type { Store } from './store';
import { takenBackIn } from './takenBack';
import {
  findWorkflowFile,
  hashOf,
  invalidFile,
  isValidFile,
  localTime,
  missingFile,
  pathAt,
  readWorkflowFile,
  refuseWriteProtected,
  workflowFileName,
  type ValidFile,
} from './workflowFile';
import { documentIn, severitiesOf, type Reading } from './workflowReading';

export {
  findWorkflowFile,
  findWorkflowFiles,
  hashOf,
  workflowFileName,
  type WorkflowFile,
} from './workflowFile';
export type { BackupPreview, Restored } from './backupRestore';
export type { ConflictResolution, ConflictTexts, Saved } from './conflictMerge';

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

export type TaskSet = Granted['task.set'] & {
  /** What the file has no place for. */
  readonly unsaid: readonly (keyof TaskDetails)[];
};

export interface Initialized {
  readonly workflow: WorkflowId;
  readonly file: RelativePath;
  readonly wave: number;
  readonly waveCount: number;
  readonly tasks: number;
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

export class WorkflowFiles {
  readonly #place: Place;
  readonly #store: Store;
  readonly #onStep: OnStep;
  readonly #ops: FileOps;
  readonly #locked: LockedFiles;
  readonly #bindings: FileBindings;
  readonly #backups: BackupRestore;
  readonly #conflicts: ConflictMerge;
  #reading: Reading;

  constructor(private readonly options: WorkflowFilesOptions) {
    const { place, store, onStep = () => undefined } = options;
    const ops = opsWithin(place.storeFolder, options.ops ?? disk);
    const reading = (): Reading => this.#reading;
    this.#place = place;
    this.#reading = place;
    this.#store = store;
    this.#onStep = onStep;
    this.#ops = ops;
    const locked = new LockedFiles({ ...options, onStep, ops, reading });
    const bindings = new FileBindings({ place, store, reading });
    this.#locked = locked;
    this.#bindings = bindings;
    this.#backups = new BackupRestore({ place, store, ops, locked, reading });
    this.#conflicts = new ConflictMerge({ place, store, ops, locked, reading, bindings });
  }

  /**
   * Takes a workflow to its next wave, in the store and in the file.
   * @param at here and below: the file, or a folder, for the first workflow file in it
   */
  advance(at: string, request: AdvanceRequest): Promise<Answer<AdvanceFacts>> {
    const { seen, force, opId } = request;
    return this.#change(at, async (file, sight) =>
      this.#store.submit(
        {
          kind: 'wave.advance',
          plan: await this.#planNow(file),
          sight,
          ...(seen === undefined ? {} : { seen }),
          ...(force === undefined ? {} : { force }),
        },
        opId,
      ),
    );
  }

  async setTask(at: string, request: SetTaskRequest): Promise<Answer<TaskSet>> {
    const { seen, token, opId, ...change } = request;
    let unsaid: TaskSet['unsaid'] = [];
    const answer = await this.#change(at, async (file, sight) => {
      const present = statusIn(await this.#planNow(file), change.task);
      if (present === undefined) return this.#locked.refuse(unknownTask(change.task, sight));
      const updated = localTime(this.options.now());
      const sayable = file.document.edit({ kind: 'task', ...change, updated });
      // Promised all the same, it would be told as done and stand nowhere.
      if (!sayable.ok) {
        return this.#locked.refuse({
          code: 'read_only',
          message: sayable.message,
          why: sayable.why,
        });
      }
      unsaid = sayable.unsaid;
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
    return answer.ok ? { ...answer, facts: { ...answer.facts, unsaid } } : answer;
  }

  addNote(
    at: string,
    { text, opId }: { readonly text: string; readonly opId?: OpId },
  ): Promise<Answer<Granted['note.add']>> {
    return this.#change(at, (_file, sight) =>
      this.#store.submit({ kind: 'note.add', sight, text }, opId),
    );
  }

  /** Takes back what the speaker has done last to the workflow, where nothing has been built on it. */
  undo(
    at: string,
    { token, opId }: { readonly token?: ClaimToken; readonly opId?: OpId } = {},
  ): Promise<Answer<Granted['change.undo']>> {
    return this.#change(at, async (file, sight) => {
      const { workflow } = sight;
      const last = await this.#store.read('lastChange', { workflow });
      const { storeFolder } = this.#place;
      const text = last && {
        undoes: last.change.seq,
        file: takenBackIn(file, last, {
          reading: this.#reading,
          texts: new KeptTexts(storeFolder, workflow, this.#ops),
          updated: localTime(this.options.now()),
        }),
      };
      // Submitted also where there is nothing to take back: it may be asked again, and was answered before.
      return this.#store.submit(
        {
          ...{ kind: 'change.undo', sight, plan: await this.#planNow(file) },
          ...(text ?? { undoes: null, file: null }),
          ...(token === undefined ? {} : { token }),
        },
        opId,
      );
    });
  }

  /**
   * Tells the store what a person has changed, and the file what was promised. Nothing is refused here: while
   * a file cannot be read, or is a copy, it stays as it is. Whoever holds the lock does all this as well.
   */
  async sync(at: string): Promise<void> {
    await this.#readSettings();
    const found = findWorkflowFile(this.#reading, at);
    if (!found || !isValidFile(found)) return;
    await this.#locked.under(found.path, 0, async (writer) => {
      await writer.settle();
      return this.#locked.done(undefined);
    });
  }

  /** Carries out what processes have promised and could not do themselves. */
  async keepPromises(): Promise<void> {
    await this.#readSettings();
    const edits = await this.#store.read('fileEdits', {});
    const rows = await this.#store.read('workflows', {});
    for (const id of new Set(edits.map(({ workflow }) => workflow))) {
      const row = rows.find((each) => each.id === id && each.worktree === this.#place.worktree);
      if (!row) continue;
      const path = (await this.#bindings.whereItIs(row))?.path;
      if (path === undefined) continue;
      // Else the promise of who died with the lock would wait for the next start.
      const answer = await this.#locked.under(path, this.#locked.outliveMs, async (writer) => {
        await settleOrFault(writer, row.file);
        return this.#locked.done(undefined);
      });
      if (!answer.ok) throw new StoreError('store_busy', answer.refusal.message);
    }
  }

  /* ---------------------------------------------------------------- a new one */

  /** Writes the file of a plan that no file states yet; there must be none. */
  async initialize(folder: string, draft: PlanDraft): Promise<Answer<Initialized>> {
    await this.#readSettings();
    const path = join(folder, workflowFileName);
    const file = relativeTo(this.#place, path) ?? (path as RelativePath);
    const text = initialStateMd(draft, localTime(this.options.now()));
    const document = documentIn(this.#reading, file, text);
    // A plan that people have written may still say what no plan can, such as a circle of dependencies.
    if (!isValid(document)) {
      return this.#locked.refuse(invalidFile({ path, file, hash: hashOf(text), document }));
    }
    return this.#locked.under(path, this.#locked.waitMs, async (writer) => {
      if (!createFile(path, text, this.#ops)) {
        return this.#locked.refuse({
          code: 'conflict',
          message: `${file} is there already, and is left as it is. Edit it, or give another file.`,
        });
      }
      this.#onStep('written');
      const settled = await writer.settle();
      if (!settled.ok) return this.#locked.refuse(settled.refusal);
      const { workflow, wave, waveCount } = settled.sight;
      const tasks = document.plan.waves.reduce((count, { tasks: of }) => count + of.length, 0);
      return this.#locked.done({ workflow, file, wave, waveCount, tasks });
    });
  }

  /* ---------------------------------------------------------------- backups */

  /** Of the folder's workflow, newest first. */
  async backups(at: string): Promise<Answer<{ readonly backups: readonly FileBackup[] }>> {
    await this.#readSettings();
    return this.#backups.list(at);
  }

  /** What a restore would bring, beside what is there. */
  async previewBackup(at: string, id: string): Promise<Answer<BackupPreview>> {
    await this.#readSettings();
    return this.#backups.preview(at, id);
  }

  /** Puts a backup in the file's place; what is there becomes a backup itself, however damaged it is. */
  async restore(at: string, id: string): Promise<Answer<Restored>> {
    await this.#readSettings();
    return this.#backups.restore(at, id);
  }

  /* ---------------------------------------------------------------- conflicts */

  /** Those that nobody has resolved. */
  async conflicts(): Promise<readonly ConflictRow[]> {
    return this.#store.read('conflicts', {});
  }

  /** The three texts of a conflict; one that was lost is undefined. */
  conflictTexts(conflict: ConflictRow): ConflictTexts {
    return this.#conflicts.texts(conflict);
  }

  /** `theirs` and `merged` leave the file as it is; `mine` brings in what Wavelock would have written. */
  async resolve(
    id: ConflictId,
    as: ConflictResolution,
  ): Promise<Answer<Granted['conflict.resolve']>> {
    await this.#readSettings();
    return this.#conflicts.resolve(id, as);
  }

  /** Gives the file `mine`, which was made from `base`, with whatever has come to the file since. */
  async save(
    at: string,
    { base, mine }: { readonly base: string; readonly mine: string },
  ): Promise<Answer<Saved>> {
    return this.#change(at, (_file, sight, writer, settled) =>
      mine === settled.file.document.text
        ? this.#locked.done({ hash: sight.hash, merged: false })
        : this.#conflicts.mergeIn(writer, settled, { base, mine }),
    );
  }

  /* ---------------------------------------------------------------- which file */

  /** For a copy: from now on this file is the workflow's. */
  async bindHere(at: string): Promise<Answer<Granted['workflow.bind']>> {
    await this.#readSettings();
    const file = findWorkflowFile(this.#reading, at);
    if (!file) return this.#locked.refuse(missingFile(pathAt(at)));
    if (!isValidFile(file)) return this.#locked.refuse(invalidFile(file));
    const { workflow } = await this.#store.read('workflowFile', {
      workflow: file.document.plan.id,
    });
    return this.#bindings.bind(file, workflow);
  }

  /** As they are now: another process may have changed them. */
  async #readSettings(): Promise<void> {
    this.#reading = { ...this.#place, severities: await severitiesOf(this.#store) };
  }

  /**
   * For an editor of `path` with unsaved changes: others are shown who has it until it is released. `onLost`
   * when another has come by it; the caller then holds nothing.
   */
  holdForEdit(path: string, onLost: () => void): Promise<Answer<{ readonly lock: FileLock }>> {
    return this.#locked.holdForEdit(path, onLost);
  }

  /* ---------------------------------------------------------------- a change of a file */

  /** With what the store knows where the file has no place for it. */
  async #planNow({ document }: ValidFile): Promise<Plan> {
    if (document.editing === 'full') return document.plan;
    const { id } = document.plan;
    return planNow(document, viewOf(await this.#store.read('workflow', { id }))) ?? document.plan;
  }

  /**
   * One command about the file as it is: read and brought up to date under its lock, decided, and written.
   */
  async #change<Facts>(
    at: string,
    submit: (
      file: ValidFile,
      sight: FileSight,
      writer: LockedWriter,
      settled: Extract<Settled, { ok: true }>,
    ) => Promise<Answer<Facts>>,
  ): Promise<Answer<Facts>> {
    const found = await this.#present(at);
    if ('refusal' in found) return this.#locked.refuse(found.refusal);
    const { present } = found;
    return this.#locked.under(present.path, this.#locked.waitMs, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        // The wait for the lock may have been long; the file as it is now decides.
        const settled = await writer.settle();
        if (!settled.ok) return this.#locked.refuse(settled.refusal);
        const answer = await submit(settled.file, settled.sight, writer, settled);
        if (answer.ok) {
          this.#onStep('committed');
          await settleOrFault(writer, settled.file.file);
          return answer;
        }
        const now = readWorkflowFile(this.#reading, present.path)?.hash;
        const changed = answer.refusal.code === 'conflict' && now !== settled.file.hash;
        if (!changed || attempt === mostAttempts) return answer;
      }
    });
  }

  /** The file, found where it has moved to, if it may be written at all. */
  async #present(
    at: string,
  ): Promise<{ readonly present: ValidFile } | { readonly refusal: Refusal }> {
    await this.#readSettings();
    const path = pathAt(at);
    try {
      const present =
        readWorkflowFile(this.#reading, path) ?? (await this.#bindings.movedFrom(path));
      if (!present) return { refusal: missingFile(path) };
      if (!isValidFile(present)) return { refusal: invalidFile(present) };
      refuseWriteProtected(present.path);
      await this.#bindings.followMove(present);
      return { present };
    } catch (error) {
      throw fileFault(error, path);
    }
  }
}

function statusIn({ waves }: Plan, id: TaskId): TaskStatus | undefined {
  for (const { tasks } of waves) for (const task of tasks) if (task.id === id) return task.status;
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
