/**
 * The workflow files of one workspace folder, as every host changes them: under the lock of the file, the command
 * first, the file after (`fileWriter.ts`). Before a command is decided the file is brought together with what the
 * store knows, so a command is always about the file as it is.
 *
 * Contract: an answer that grants something comes when the file says it, or with a fault that says that the
 * change itself stands and the file will follow. The lock keeps writers out of each other's way; what makes a
 * write right is the content, compared in the store and on the disk.
 */
import { statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type {
  AdvanceFacts,
  Answer,
  ConflictId,
  ConflictRow,
  ContentHash,
  Denial,
  FileSight,
  Granted,
  OpId,
  PlanDraft,
  Refusal,
  RelativePath,
  Seq,
  StructuredDiff,
  TaskChange,
  TaskId,
  TaskStatus,
  ClaimToken,
  WorkflowId,
  WorkflowRow,
} from '../core/model';
import { StoreError } from '../core/errors';
import type { Stated } from '../workflow/difference';
import { isValid, type TaskDetails } from '../workflow/document';
import { initialStateMd } from '../workflow/initialState';
import { createFile, disk, fileFault, type FileOps, type OnStep } from './durableFs';
import { FileBackups, type FileBackup } from './fileBackups';
import {
  acquireFileLock,
  holdForEdit,
  type FileLock,
  type FileLockOptions,
  type LockHeld,
} from './fileLock';
import {
  FileWriter,
  LockLost,
  mergedText,
  structured,
  type Replacement,
  type Settled,
} from './fileWriter';
import { processIdentity } from './hostClock';
import { KeptTexts } from './keptTexts';
import { relativeTo, type Place } from './place';
import type { Store } from './store';
import {
  filesWithId,
  findWorkflowFile,
  hashOf,
  invalidFile,
  isValidFile,
  localTime,
  missingFile,
  pathAt,
  readWorkflowFile,
  sightOf,
  workflowFileName,
  type ValidFile,
} from './workflowFile';
import { documentIn, documentOf, severitiesOf, type Reading } from './workflowReading';
import { gitState } from './gitState';

export {
  findWorkflowFile,
  findWorkflowFiles,
  hashOf,
  workflowFileName,
  type WorkflowFile,
} from './workflowFile';

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

export interface BackupPreview {
  readonly backup: FileBackup;
  readonly file: RelativePath;
  readonly text: string;
  /** What a restore would change in the plan. */
  readonly diff: StructuredDiff;
  /** Only what is valid can be restored. */
  readonly valid: boolean;
}

export interface Restored {
  readonly workflow: WorkflowId;
  readonly file: RelativePath;
  readonly backup: FileBackup;
}

export interface Saved {
  readonly hash: ContentHash;
  /** The file had changed meanwhile, and has both changes now. */
  readonly merged: boolean;
}

export type ConflictResolution = 'mine' | 'theirs' | 'merged';
export type ConflictTexts = { readonly [Side in 'base' | 'mine' | 'theirs']: string | undefined };

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
  readonly #ops: FileOps;
  #reading: Reading;

  constructor(private readonly options: WorkflowFilesOptions) {
    this.#place = options.place;
    this.#reading = options.place;
    this.#store = options.store;
    this.#onStep = options.onStep ?? (() => undefined);
    this.#ops = options.ops ?? disk;
  }

  /**
   * Takes a workflow to its next wave, in the store and in the file.
   * @param at here and below: the file, or a folder, for the first workflow file in it
   */
  advance(at: string, request: AdvanceRequest): Promise<Answer<AdvanceFacts>> {
    const { seen, force, opId } = request;
    return this.#change(at, (file, sight) =>
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

  async setTask(at: string, request: SetTaskRequest): Promise<Answer<TaskSet>> {
    const { seen, token, opId, ...change } = request;
    let unsaid: TaskSet['unsaid'] = [];
    const answer = await this.#change(at, async (file, sight) => {
      const present = statusIn(file, change.task);
      if (present === undefined) return this.#refuse(unknownTask(change.task, sight));
      const updated = localTime(this.options.now());
      const sayable = file.document.edit({ kind: 'task', ...change, updated });
      // Promised all the same, it would be told as done and stand nowhere.
      if (!sayable.ok) {
        return this.#refuse({ code: 'read_only', message: sayable.message, why: sayable.why });
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

  /**
   * Tells the store what a person has changed, and the file what was promised. Nothing is refused here: while
   * a file cannot be read, or is a copy, it stays as it is. Whoever holds the lock does all this as well.
   */
  async sync(at: string): Promise<void> {
    await this.#readSettings();
    const found = findWorkflowFile(this.#reading, at);
    if (!found || !isValidFile(found)) return;
    await this.#underLock(found.path, 0, async (writer) => {
      await writer.settle();
      return this.#done(undefined);
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
      // Longer than a dead holder's lock lives, else its promise would wait for the next start.
      const waitMs = (this.options.lockStaleMs ?? defaultLockStale) + 2_000;
      const path = (await this.#whereItIs(row))?.path;
      if (path === undefined) continue;
      const answer = await this.#underLock(path, waitMs, async (writer) => {
        await this.#settleOrFault(writer, row.file);
        return this.#done(undefined);
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
      return this.#refuse(invalidFile({ path, file, hash: hashOf(text), document }));
    }
    const waitMs = this.options.lockWaitMs ?? defaultLockWait;
    return this.#underLock(path, waitMs, async (writer) => {
      if (!createFile(path, text, this.#ops)) {
        return this.#refuse({
          code: 'conflict',
          message: `${file} is there already, and is left as it is. Edit it, or give another file.`,
        });
      }
      this.#onStep('written');
      const settled = await writer.settle();
      if (!settled.ok) return this.#refuse(settled.refusal);
      const { workflow, wave, waveCount } = settled.sight;
      const tasks = document.plan.waves.reduce((count, { tasks: of }) => count + of.length, 0);
      return this.#done({ workflow, file, wave, waveCount, tasks });
    });
  }

  /* ---------------------------------------------------------------- backups */

  /** Of the folder's workflow, newest first. */
  async backups(at: string): Promise<Answer<{ readonly backups: readonly FileBackup[] }>> {
    const of = await this.#backupsOf(at);
    if ('code' in of) return this.#refuse(of);
    return this.#done({ backups: of.backups.list() });
  }

  /** What a restore would bring, beside what is there. */
  async previewBackup(at: string, id: string): Promise<Answer<BackupPreview>> {
    const found = await this.#backup(at, id);
    if ('code' in found) return this.#refuse(found);
    const { backup, content, path, file } = found;
    const present = readWorkflowFile(this.#reading, path)?.document;
    const then = documentOf(this.#reading, file, content);
    return this.#done({
      backup,
      file,
      text: then.text,
      diff: structured(present ?? nothingStated, then),
      valid: isValid(then),
    });
  }

  /** Puts a backup in the file's place; what is there becomes a backup itself, however damaged it is. */
  async restore(at: string, id: string): Promise<Answer<Restored>> {
    const found = await this.#backup(at, id);
    if ('code' in found) return this.#refuse(found);
    const { backup, content, path, file, workflow } = found;
    const document = documentOf(this.#reading, file, content);
    if (!isValid(document)) {
      return this.#refuse(invalidFile({ path, file, hash: backup.hash, document }));
    }
    refuseWriteProtected(path);
    const waitMs = this.options.lockWaitMs ?? defaultLockWait;
    return this.#underLock(path, waitMs, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        await this.#beforeReplace(writer, path);
        const base = readWorkflowFile(this.#reading, path)?.hash;
        const { workflow: row } = await this.#store.read('workflowFile', { workflow });
        const replacement = { content, document, restores: backup.id, base: base ?? null };
        if (base === backup.hash || (await writer.replace(replacement, row?.hash ?? null))) break;
        if (attempt === mostAttempts) throw beingWritten(file);
      }
      await this.#settleOrFault(writer, file);
      return this.#done({ workflow, file, backup });
    });
  }

  /** What a person has changed is told before it is replaced; what cannot be read has nothing to tell. */
  async #beforeReplace(writer: Writer, path: string): Promise<void> {
    const file = readWorkflowFile(this.#reading, path);
    if (file && isValidFile(file)) await writer.settle();
  }

  async #backupsOf(at: string): Promise<
    | {
        readonly backups: FileBackups;
        readonly workflow: WorkflowId;
        readonly path: string;
        readonly file: RelativePath;
      }
    | Refusal
  > {
    await this.#readSettings();
    const path = pathAt(at);
    const found = readWorkflowFile(this.#reading, path);
    const file = found?.file ?? relativeTo(this.#place, path) ?? (path as RelativePath);
    // A damaged file does not say whose it is; the store remembers.
    const rows = await this.#store.read('workflows', {});
    const bound = rows.find((row) => row.file === file && row.worktree === this.#place.worktree);
    const workflow = bound?.id ?? found?.document.plan?.id;
    if (workflow === undefined) return missingFile(path);
    const backups = new FileBackups(this.#place.storeFolder, workflow, this.#ops);
    return { backups, workflow, path: found?.path ?? path, file };
  }

  async #backup(at: string, id: string) {
    const of = await this.#backupsOf(at);
    if ('code' in of) return of;
    const found = of.backups.find(id);
    if (found) return { ...of, ...found };
    const message = `There is no one backup of ${of.file} whose id begins with ${id}. \`wavelock backup list\` shows those there are.`;
    return { code: 'bad_input', message, path: 'id' } satisfies Refusal;
  }

  /* ---------------------------------------------------------------- conflicts */

  /** Those that nobody has resolved. */
  async conflicts(): Promise<readonly ConflictRow[]> {
    return this.#store.read('conflicts', {});
  }

  /** The three texts of a conflict; one that was lost is undefined. */
  conflictTexts(conflict: ConflictRow): ConflictTexts {
    const texts = new KeptTexts(this.#place.storeFolder, conflict.workflow, this.#ops);
    const { base, mine, theirs } = conflict;
    return { base: texts.read(base), mine: texts.read(mine), theirs: texts.read(theirs) };
  }

  /** `theirs` and `merged` leave the file as it is; `mine` brings in what Wavelock would have written. */
  async resolve(
    id: ConflictId,
    as: ConflictResolution,
  ): Promise<Answer<Granted['conflict.resolve']>> {
    const conflict = (await this.conflicts()).find((each) => each.id === id);
    const rows = await this.#store.read('workflows', {});
    const row = rows.find((each) => each.id === conflict?.workflow);
    if (conflict && row && as === 'mine') {
      const refusal = await this.#bringIn(conflict, row);
      if (refusal) return this.#refuse(refusal);
    }
    return this.#store.submit({ kind: 'conflict.resolve', conflict: id, as });
  }

  async #bringIn(conflict: ConflictRow, row: WorkflowRow): Promise<Refusal | undefined> {
    const { mine, theirs } = this.conflictTexts(conflict);
    if (mine === undefined || theirs === undefined) {
      return {
        code: 'conflict',
        message: `The texts of ${conflict.id} are gone. Resolve it as theirs, and make the change again.`,
        conflict: conflict.id,
      };
    }
    await this.#readSettings();
    const path = this.#pathOf(row);
    const waitMs = this.options.lockWaitMs ?? defaultLockWait;
    const answer = await this.#underLock(path, waitMs, async (writer) => {
      const settled = await writer.settle();
      if (!settled.ok) return this.#refuse(settled.refusal);
      return this.#mergeIn(writer, settled, { base: theirs, mine });
    });
    return answer.ok ? undefined : answer.refusal;
  }

  /* ---------------------------------------------------------------- a text of one's own */

  /** Gives the file `mine`, which was made from `base`, with whatever has come to the file since. */
  async save(
    at: string,
    { base, mine }: { readonly base: string; readonly mine: string },
  ): Promise<Answer<Saved>> {
    return this.#change(at, (_file, sight, writer, settled) =>
      mine === settled.file.document.text
        ? this.#done({ hash: sight.hash, merged: false })
        : this.#mergeIn(writer, settled, { base, mine }),
    );
  }

  async #mergeIn(
    writer: Writer,
    { file, sight }: Extract<Settled, { ok: true }>,
    { base, mine }: { readonly base: string; readonly mine: string },
  ): Promise<Answer<Saved>> {
    const { text } = file.document;
    const merge = mergedText(this.#reading, file.file, { base, mine, theirs: text });
    if (merge === undefined) {
      const { workflow } = sight;
      const conflict = await writer.recordConflict(
        { workflow, file: file.file },
        { texts: { base, mine, theirs: text }, edits: [] },
      );
      return this.#refuse({
        code: 'conflict',
        message: `${file.file} has changed in the same places. Both versions are kept as ${conflict.id}; the file was left as it is.`,
        conflict: conflict.id,
        diff: conflict.diff,
      });
    }
    const document = documentIn(this.#reading, file.file, merge);
    if (!isValid(document)) {
      return this.#refuse(invalidFile({ ...file, hash: hashOf(merge), document }));
    }
    const written = await writer.replace({ content: merge, document, base: file.hash }, file.hash);
    // The caller reads again and comes back.
    if (!written) return this.#refuse({ code: 'conflict', message: `${file.file} has changed.` });
    return this.#done({ hash: hashOf(merge), merged: merge !== mine });
  }

  /**
   * One command about the file as it is: read and brought up to date under its lock, decided, and written.
   */
  async #change<Facts>(
    at: string,
    submit: (
      file: ValidFile,
      sight: FileSight,
      writer: Writer,
      settled: Extract<Settled, { ok: true }>,
    ) => Promise<Answer<Facts>>,
  ): Promise<Answer<Facts>> {
    const found = await this.#present(at);
    if ('refusal' in found) return this.#refuse(found.refusal);
    const { present } = found;
    const waitMs = this.options.lockWaitMs ?? defaultLockWait;
    return this.#underLock(present.path, waitMs, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        // The wait for the lock may have been long; the file as it is now decides.
        const settled = await writer.settle();
        if (!settled.ok) return this.#refuse(settled.refusal);
        const answer = await submit(settled.file, settled.sight, writer, settled);
        if (answer.ok) {
          this.#onStep('committed');
          await this.#settleOrFault(writer, settled.file.file);
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
      const present = readWorkflowFile(this.#reading, path) ?? (await this.#movedFrom(path));
      if (!present) return { refusal: missingFile(path) };
      if (!isValidFile(present)) return { refusal: invalidFile(present) };
      refuseWriteProtected(present.path);
      await this.#followMove(present);
      return { present };
    } catch (error) {
      throw fileFault(error, path);
    }
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
    const bound = readWorkflowFile(this.#reading, this.#pathOf(row));
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
    if (readWorkflowFile(this.#reading, this.#pathOf(row))) return;
    if (this.#onlyOne(row)?.file === file.file) await this.#bind(file, row);
  }

  #onlyOne(row: WorkflowRow): ValidFile | undefined {
    const name = row.file.slice(row.file.lastIndexOf('/') + 1);
    const [only, another] = filesWithId(this.#reading, name, row.id);
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
  async bindHere(at: string): Promise<Answer<Granted['workflow.bind']>> {
    await this.#readSettings();
    const file = findWorkflowFile(this.#reading, at);
    if (!file) return this.#refuse(missingFile(pathAt(at)));
    if (!isValidFile(file)) return this.#refuse(invalidFile(file));
    const { workflow } = await this.#store.read('workflowFile', {
      workflow: file.document.plan.id,
    });
    return this.#bind(file, workflow);
  }

  /** As they are now: another process may have changed them. */
  async #readSettings(): Promise<void> {
    this.#reading = { ...this.#place, severities: await severitiesOf(this.#store) };
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
    } catch (error) {
      throw fileFault(error, path);
    } finally {
      await writer.release();
    }
  }

  #writer(path: string, lock: FileLock): FileWriter {
    return new FileWriter(path, lock, {
      place: this.#reading,
      store: this.#store,
      now: this.options.now,
      ops: this.#ops,
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
      onStep: this.#onStep,
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

  async #done<Facts>(facts: Facts): Promise<Answer<Facts>> {
    return { ok: true, at: await this.#store.read('head', {}), facts };
  }
}

/** A writer that takes the lock again when it was lost: whoever had it meanwhile may be done, or dead. */
class Writer {
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

function beingWritten(file: RelativePath): StoreError {
  return new StoreError('store_busy', `${file} is being written by another program all the time.`);
}

const nothingStated: Stated = { plan: null, details: new Map() };

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
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw fileFault(error, path);
  }
  if (stats === undefined || (stats.mode & 0o222) !== 0) return;
  throw new StoreError(
    'store_permission',
    `${path} is write-protected. Nothing was changed; make the file writable first.`,
  );
}
