/** The documents of the command line, and how people get to see them. */
import type { FaultCode } from '../core/errors';
import type { AdvanceFacts, ConflictRow, Problem, Refusal, Seq, TaskStatus } from '../core/model';
import type { FileBackup } from '../store/fileBackups';
import type { StoreBackup } from '../store/sqlite/backups';
import { tasksDone, type WorkflowOverview } from '../store/overview';
import type { BackupPreview } from '../store/workflowFiles';
import type {
  BackupDocument,
  BackupListDocument,
  ConflictDocument,
  InitDocument,
  NoteDocument,
  TaskDocument,
} from './fileCommands';
import type { StoreDocument, VerifyDocument } from './storeCommands';

export interface Refused {
  readonly ok: false;
  readonly at: Seq;
  readonly refusal: Refusal;
}

export interface Failed {
  readonly ok: false;
  readonly error: { readonly code: FaultCode | 'bad_usage'; readonly message: string };
}

export type AdvanceDocument = ({ readonly ok: true; readonly at: Seq } & AdvanceFacts) | Refused;

export type StatusDocument =
  | {
      readonly ok: true;
      readonly at: Seq;
      readonly workflows: readonly WorkflowOverview[];
    }
  | Refused;

type Looked = Pick<WorkflowOverview, 'file' | 'format' | 'editing'>;

export type ValidateDocument =
  | {
      readonly ok: true;
      readonly at: Seq;
      readonly files: readonly Looked[];
      readonly problems: readonly Problem[];
    }
  | (Refused & { readonly files?: readonly Looked[]; readonly problems: readonly Problem[] });

/** Granted commands about a workflow's file, but the list of its backups. */
type FileDocument = Extract<
  InitDocument | TaskDocument | NoteDocument | BackupDocument | ConflictDocument,
  { ok: true }
>;

export type Document =
  | AdvanceDocument
  | StatusDocument
  | ValidateDocument
  | VerifyDocument
  | StoreDocument
  | InitDocument
  | TaskDocument
  | NoteDocument
  | BackupListDocument
  | BackupDocument
  | ConflictDocument
  | Failed;

export function present(document: Document, colour: boolean): string {
  const paint = painter(colour);
  if (!document.ok) return presentFailure(document, paint);
  if ('lost' in document) return presentRestore(document);
  if ('copy' in document) return `Copied to ${document.copy}, up to event ${document.head.seq}.\n`;
  if ('backup' in document) return backupLine(document.backup);
  if ('backups' in document) {
    return document.backups.map(backupLine).join('') || 'There is no backup yet.\n';
  }
  if ('head' in document) {
    return `The store is well: ${document.head.seq} events, ${document.runs} runs.\n`;
  }
  if ('workflows' in document) {
    if (document.workflows.length === 0)
      return 'No workflow here: this folder has no STATE.md, .planning/ or WAVES.md.\n';
    return document.workflows.map((workflow) => presentWorkflow(workflow, paint)).join('\n');
  }
  if ('problems' in document) {
    const files = document.files.map(({ file }) => printable(file)).join(', ');
    const are = document.files.length === 1 ? 'is' : 'are';
    return `${document.problems.map(problemLine).join('')}${files} ${are} valid.\n`;
  }
  if (!('carriedOver' in document)) return presentFile(document, paint);
  if (document.completed) return `${paint.bold(document.workflow)} is completed.\n`;
  const runs = document.runs.length;
  return (
    `${paint.bold(document.workflow)}: wave ${document.from} → ${document.to}, ` +
    `${runs} ${runs === 1 ? 'run' : 'runs'} queued.\n`
  );
}

/** What was done with a workflow's file. */
function presentFile(document: FileDocument, paint: Paint): string {
  if ('tasks' in document && 'waveCount' in document) {
    const { workflow, file, waveCount, tasks } = document;
    return `${paint.bold(printable(workflow))}: ${tasks} tasks in ${waveCount} waves, in ${file}.\n`;
  }
  if ('cancelled' in document) {
    const { task, from, cancelled, unsaid } = document;
    const spared = cancelled === null ? '' : ` Its run ${cancelled} was cancelled.`;
    const left = unsaid.length === 0 ? '' : ` The file has no place for: ${unsaid.join(', ')}.`;
    return `Task ${paint.bold(task.task)}: ${from} → ${task.status}.${spared}${left}\n`;
  }
  if ('noted' in document) return `Noted in ${printable(document.noted.workflow)}.\n`;
  if ('preview' in document) return presentPreview(document.preview);
  if ('restoredFile' in document) {
    const { file, backup } = document.restoredFile;
    return `Restored ${file} from ${backup.id}. What was there is a backup now.\n`;
  }
  if ('conflicts' in document) {
    return document.conflicts.map(conflictLine).join('') || 'There is no conflict.\n';
  }
  const { conflict, texts } = document;
  if (!texts) return `${conflict.id} is resolved: ${conflict.resolved ?? ''}.\n`;
  const sides = (['base', 'mine', 'theirs'] as const).map(
    (side) => `── ${side} ──\n${printableLines(texts[side] ?? '(it was lost)')}\n`,
  );
  return `${conflictLine(conflict)}${sides.join('')}`;
}

function presentPreview({ backup, text, diff, valid }: BackupPreview): string {
  const changes = [
    ...diff.added.map((task) => `  + ${printable(task)}\n`),
    ...diff.removed.map((task) => `  - ${printable(task)}\n`),
    ...diff.modified.map((task) => `  ~ ${printable(task)}\n`),
  ];
  const unfit = valid ? '' : 'It is not a valid workflow file, and cannot be restored.\n';
  return `${backupLine(backup)}${changes.join('')}${unfit}\n${printableLines(text)}\n`;
}

function conflictLine({ id, workflow, since, diff }: ConflictRow): string {
  const tasks = [...diff.added, ...diff.removed, ...diff.modified].map(printable).join(', ');
  return `${id}  ${printable(workflow)}  ${new Date(since).toLocaleString()}  ${tasks}\n`;
}

function presentFailure(document: Extract<Document, { ok: false }>, paint: Paint): string {
  if ('error' in document) {
    const found = 'head' in document ? document.problems : [];
    const lines = found.map(
      ({ where, message }) => `  ${printable(where)}: ${printable(message)}\n`,
    );
    return `${paint.red('wavelock:')} ${printable(document.error.message)}\n${lines.join('')}`;
  }
  const { refusal } = document;
  const details = [];
  if ('blockers' in refusal) {
    const width = Math.max(...refusal.blockers.map((blocker) => blocker.task.length));
    for (const { task, why } of refusal.blockers) {
      details.push(`  ${printable(task).padEnd(width)}  ${printable(why)}\n`);
    }
  }
  const problems =
    'problems' in document ? document.problems : 'problems' in refusal ? refusal.problems : [];
  for (const problem of problems) details.push(problemLine(problem));
  return `${paint.yellow('Refused:')} ${printable(refusal.message)}\n${details.join('')}`;
}

function presentWorkflow(workflow: WorkflowOverview, paint: Paint): string {
  const state = workflow.completed ? 'completed' : `Wave ${workflow.wave}/${workflow.waveCount}`;
  const where = paint.dim(`${printable(workflow.file)}${edited[workflow.editing]}`);
  const lines = [`${paint.bold(printable(workflow.name))}  ${state}  ${where}`];
  if (workflow.holder) lines.push(`  locked by ${printable(workflow.holder.agent)}`);
  for (const problem of workflow.problems) lines.push(problemLine(problem).trimEnd());
  for (const wave of workflow.waves) {
    const marker = wave.number === workflow.wave && !workflow.completed ? '▸' : ' ';
    lines.push(`${marker} Wave ${wave.number}  ${tasksDone(wave)}/${wave.tasks.length}`);
    const width = Math.max(0, ...wave.tasks.map((task) => task.id.length));
    for (const task of wave.tasks) {
      const run = task.run ? paint.dim(`  ${task.run.id} ${task.run.status}`) : '';
      lines.push(
        `    [${boxes[task.status]}] ${task.id.padEnd(width)}  ${printable(task.description)}${run}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function presentRestore(document: Extract<StoreDocument, { lost: unknown }>): string {
  const { restored, from, head, lost, setAside } = document;
  const count = lost.events === null ? 'An unknown number of events' : `${lost.events} events`;
  const time = (at: number): string => new Date(at).toLocaleString();
  const kinds = Object.entries(lost.kinds).map(([kind, many]) => `  ${many} ${kind}\n`);
  return [
    `${restored ? 'Restored' : 'Would restore'} ${from}, up to event ${head.seq}.\n`,
    `${count} after it ${restored ? 'are' : 'would be'} lost`,
    lost.first === null || lost.last === null ? '' : ` (${time(lost.first)} to ${time(lost.last)})`,
    lost.certain ? '.\n' : ', as far as can be seen.\n',
    ...kinds,
    setAside === null ? '' : `What was there is in ${printable(setAside)}.\n`,
  ].join('');
}

function backupLine(backup: StoreBackup | FileBackup): string {
  const { id, bytes } = backup;
  const what = 'seq' in backup ? `  ${backup.seq} events` : '';
  return `${id}${what}  ${Math.ceil(bytes / 1024)} KB\n`;
}

/** What Wavelock changes in the file. */
const edited: Record<WorkflowOverview['editing'], string> = {
  full: '',
  checkbox: ' (only checkboxes are changed)',
  none: ' (read only)',
};

const boxes: Record<TaskStatus, string> = { todo: ' ', doing: '~', done: 'x', failed: '!' };

function problemLine(problem: Problem): string {
  const file = problem.file === undefined ? '' : `${printable(problem.file)}:`;
  return `  ${file}${problem.line}:${problem.column} ${problem.severity} ${printable(problem.message)} (${problem.code})\n`;
}

/** Text of a file must not steer the terminal: control and direction characters are shown, not sent. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function printableLines(text: string): string {
  return text.split(/\r?\n/).map(printable).join('\n');
}

interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
}

function painter(colour: boolean): Paint {
  const wrap = (open: number, close: number) => (text: string) =>
    colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { bold: wrap(1, 22), dim: wrap(2, 22), red: wrap(31, 39), yellow: wrap(33, 39) };
}
