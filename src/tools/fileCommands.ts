/** What the command line does with a workflow's file: begin one, say where a task stands, note, restore, resolve. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type {
  Answer,
  ClaimToken,
  ConflictId,
  ConflictRow,
  Granted,
  Json,
  OpId,
  TaskChange,
} from '../core/model';
import { decodePlanDraft } from '../core/planDraft';
import { fileFault } from '../store/fileFault';
import type { FileBackup } from '../store/fileBackups';
import type { Store } from '../store/store';
import {
  workflowFileName,
  WorkflowFiles,
  type BackupPreview,
  type ConflictResolution,
  type ConflictTexts,
  type Initialized,
  type Restored,
  type TaskSet,
} from '../store/workflowFiles';
import { chosen, workflowsIn } from './workflowChoice';
import { isNoFile } from '../store/workflowReading';
import { refused, type Done, type Refused } from './commandLine';
import { withChildren, type Run } from './runShape';
import { inLines } from './workflowCommands';
import { locate, withStore, type Workplace } from './workplace';

export type InitDocument = (Done & Initialized) | Refused;
export type TaskDocument = (Done & TaskSet) | Refused;
export type NoteDocument = (Done & { readonly noted: Granted['note.add'] }) | Refused;
export type UndoDocument =
  (Done & Omit<Granted['change.undo'], 'runs'> & { readonly runs: readonly Run[] }) | Refused;
export type BackupListDocument = (Done & { readonly backups: readonly FileBackup[] }) | Refused;
export type BackupDocument =
  | (Done & { readonly preview: BackupPreview })
  | (Done & { readonly restoredFile: Restored })
  | Refused;
export type ConflictDocument =
  | (Done & { readonly conflicts: readonly ConflictRow[] })
  | (Done & { readonly conflict: ConflictRow; readonly texts?: ConflictTexts })
  | Refused;

export interface LockWait {
  readonly lockWaitMs: number;
}

export interface Aim {
  /** By id or file; needed where there are several. */
  readonly workflow: string | undefined;
}

export async function init(
  workplace: Workplace,
  {
    file,
    name,
    plan,
    ...wait
  }: LockWait & {
    readonly file: string | undefined;
    readonly name: string | undefined;
    readonly plan: Json;
  },
): Promise<InitDocument> {
  const { folder } = locate(workplace);
  const wanted = resolve(folder, file ?? workflowFileName);
  if (basename(wanted) !== workflowFileName) {
    const message = `file: A workflow's file is called ${workflowFileName}.`;
    return { ok: false, at: 0, refusal: { code: 'bad_input', message, path: 'file' } };
  }
  const decoded = decodePlanDraft(plan, name);
  if ('code' in decoded) return { ok: false, at: 0, refusal: decoded };
  return withFiles(workplace, wait, (files) => files.initialize(dirname(wanted), decoded.draft));
}

/** What was handed over, parsed; or why it cannot be. */
export function planIn(
  path: string,
  folder: string,
): { readonly plan: Json } | { readonly problem: string } {
  const name = path === '-' ? 'standard input' : path;
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : resolve(folder, path), 'utf8');
  } catch (error) {
    if (!isNoFile(error)) throw fileFault(error, name);
    return { problem: `there is no plan ${name}` };
  }
  try {
    return { plan: JSON.parse(text) as Json };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { problem: `${name} is not JSON: ${error.message}` };
  }
}

export function setTask(
  workplace: Workplace,
  {
    token,
    lockWaitMs,
    workflow,
    ...change
  }: Aim & LockWait & TaskChange & { readonly token?: ClaimToken },
): Promise<TaskDocument> {
  return withWorkflow(workplace, { workflow, lockWaitMs }, (files, path) =>
    files.setTask(path, {
      ...change,
      ...(token === undefined ? {} : { token }),
      ...operation(workplace.opId),
    }),
  );
}

export async function addNote(
  workplace: Workplace,
  { text, ...aim }: Aim & LockWait & { readonly text: string },
): Promise<NoteDocument> {
  const document = await withWorkflow(workplace, aim, (files, path) =>
    files.addNote(path, { text, ...operation(workplace.opId) }),
  );
  if (!document.ok) return document;
  const { ok, at, ...noted } = document;
  return { ok, at, noted };
}

export function undo(
  workplace: Workplace,
  { token, ...aim }: Aim & LockWait & { readonly token?: ClaimToken },
): Promise<UndoDocument> {
  return withWorkflow(workplace, aim, async (files, path, store) => {
    const answer = await files.undo(path, {
      ...(token === undefined ? {} : { token }),
      ...operation(workplace.opId),
    });
    if (!answer.ok) return answer;
    const runs = await withChildren(store, answer.facts.runs);
    return { ...answer, facts: { ...answer.facts, runs } };
  });
}

export function listBackups(workplace: Workplace, aim: Aim): Promise<BackupListDocument> {
  return withWorkflow(workplace, { ...noWait, ...aim }, (files, path) => files.backups(path));
}

export async function previewBackup(
  workplace: Workplace,
  { id, ...aim }: Aim & { readonly id: string },
): Promise<BackupDocument> {
  const document = await withWorkflow(workplace, { ...noWait, ...aim }, (files, path) =>
    files.previewBackup(path, id),
  );
  if (!document.ok) return document;
  const { ok, at, ...preview } = document;
  return { ok, at, preview };
}

export async function restoreBackup(
  workplace: Workplace,
  { id, ...aim }: Aim & LockWait & { readonly id: string },
): Promise<BackupDocument> {
  const document = await withWorkflow(workplace, aim, (files, path) => files.restore(path, id));
  if (!document.ok) return document;
  const { ok, at, ...restoredFile } = document;
  return { ok, at, restoredFile };
}

export function listConflicts(workplace: Workplace): Promise<ConflictDocument> {
  return withFiles(workplace, noWait, async (files) =>
    granted({ conflicts: await files.conflicts() }),
  );
}

export function showConflict(workplace: Workplace, id: string): Promise<ConflictDocument> {
  return withFiles(workplace, noWait, async (files) => {
    const conflict = (await files.conflicts()).find((each) => each.id === id);
    return conflict
      ? granted({ conflict, texts: files.conflictTexts(conflict) })
      : {
          ok: false,
          at: 0,
          refusal: { code: 'bad_input', message: `There is no open conflict ${id}.`, path: 'id' },
        };
  });
}

export function resolveConflict(
  workplace: Workplace,
  { id, as, ...wait }: LockWait & { readonly id: string; readonly as: ConflictResolution },
): Promise<ConflictDocument> {
  return withFiles(workplace, wait, (files) => files.resolve(id as ConflictId, as));
}

const noWait: LockWait = { lockWaitMs: 0 };

function granted<Facts>(facts: Facts): Answer<Facts> {
  return { ok: true, at: 0, facts };
}

function operation(opId: OpId | undefined): { readonly opId?: OpId } {
  return opId === undefined ? {} : { opId };
}

/** What others have left undone is done first, so that a call sees the file as it is due. */
async function withFiles<Facts extends object>(
  workplace: Workplace,
  { lockWaitMs }: LockWait,
  work: (files: WorkflowFiles, store: Store) => Promise<Answer<Facts>>,
): Promise<(Done & Facts) | Refused> {
  const { place } = locate(workplace);
  return withStore(workplace, place, async (store) => {
    const files = new WorkflowFiles({ place, store, now: Date.now, lockWaitMs });
    await files.keepPromises();
    const answer = await work(files, store);
    if (!answer.ok) return { ok: false, at: answer.at, refusal: inLines(answer.refusal) };
    return {
      ok: true,
      at: answer.at === 0 ? await store.read('head', {}) : answer.at,
      ...answer.facts,
    };
  });
}

function withWorkflow<Facts extends object>(
  workplace: Workplace,
  { workflow, ...wait }: Aim & LockWait,
  work: (files: WorkflowFiles, path: string, store: Store) => Promise<Answer<Facts>>,
): Promise<(Done & Facts) | Refused> {
  return withFiles(workplace, wait, async (files, store) => {
    const path = await chosen(await workflowsIn(locate(workplace), store), workflow, store);
    if (typeof path === 'string') return work(files, path, store);
    return refused(path, await store.read('head', {}));
  });
}
