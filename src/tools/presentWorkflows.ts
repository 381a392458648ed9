/** Workflows and their files as people get to see them. */
import type { ConflictRow, TaskStatus } from '../core/model';
import type { WorkflowOverview } from '../store/overview';
import type { BackupPreview } from '../store/workflowFiles';
import type {
  BackupDocument,
  BackupListDocument,
  ConflictDocument,
  InitDocument,
  NoteDocument,
  TaskDocument,
  UndoDocument,
} from './fileCommands';
import { backupLine, problemLine } from './presentLines';
import { clock, counted, cut, printable, printableLines, widthOf, type Look } from './terminal';
import type { AdvanceDocument, StatusDocument, ValidateDocument } from './workflowCommands';

type Workflow = Granted<StatusDocument>['workflows'][number];
type Granted<Document> = Extract<Document, { readonly ok: true }>;

export function showStatus({ workflows }: Granted<StatusDocument>, look: Look): string {
  if (workflows.length === 0)
    return 'No workflow here: this folder has no STATE.md, .planning/ or WAVES.md.\n';
  return workflows.map((workflow) => presentWorkflow(workflow, look)).join('\n');
}

export function showValid({ files, problems }: Granted<ValidateDocument>): string {
  const names = files.map(({ file }) => printable(file)).join(', ');
  const are = files.length === 1 ? 'is' : 'are';
  return `${problems.map(problemLine).join('')}${names} ${are} valid.\n`;
}

export function showAdvanced(document: Granted<AdvanceDocument>, { paint }: Look): string {
  const workflow = paint.bold(printable(document.workflow));
  if (document.completed) return `${workflow} is completed.\n`;
  const { from, to, runs } = document;
  return `${workflow}: wave ${from} → ${to}, ${counted(runs.length, 'run')} queued.\n`;
}

export function showInit(document: Granted<InitDocument>, { paint }: Look): string {
  const { workflow, file, waveCount, tasks } = document;
  return `${paint.bold(printable(workflow))}: ${counted(tasks, 'task')} in ${counted(waveCount, 'wave')}, in ${printable(file)}.\n`;
}

export function showTask(document: Granted<TaskDocument>, { paint }: Look): string {
  const { task, from, cancelled, unsaid } = document;
  const spared = cancelled === null ? '' : ` Its run ${cancelled} was cancelled.`;
  const left = unsaid.length === 0 ? '' : ` The file has no place for: ${unsaid.join(', ')}.`;
  return `Task ${paint.bold(task.task)}: ${from} → ${task.status}.${spared}${left}\n`;
}

export function showNote({ noted }: Granted<NoteDocument>): string {
  return `Noted in ${printable(noted.workflow)}.\n`;
}

export function showUndone(document: Granted<UndoDocument>, { paint }: Look): string {
  const { workflow, undone, runs, cancelled } = document;
  const queued = runs.length === 0 ? '' : ` Queued again: ${runs.map(({ id }) => id).join(', ')}.`;
  const ended = cancelled.length === 0 ? '' : ` ${counted(cancelled.length, 'run')} cancelled.`;
  return `${paint.bold(printable(workflow))}: ${takenBack(undone)}.${queued}${ended}\n`;
}

function takenBack(undone: Granted<UndoDocument>['undone']): string {
  switch (undone.kind) {
    case 'task':
      return `task ${undone.task} is ${undone.to} again, not ${undone.from}`;
    case 'note':
      return `the note "${cut(printable(undone.text), longestNote)}" is taken back`;
    case 'wave':
      if (undone.completed) return `goes on in wave ${undone.to}`;
      return `back from wave ${undone.from} to wave ${undone.to}`;
  }
}

const longestNote = 60;

export function showBackups({ backups }: Granted<BackupListDocument>): string {
  return backups.map(backupLine).join('') || 'There is no backup yet.\n';
}

export function showBackup(document: Granted<BackupDocument>): string {
  if ('preview' in document) return presentPreview(document.preview);
  const { file, backup } = document.restoredFile;
  return `Restored ${printable(file)} from ${backup.id}. What was there is a backup now.\n`;
}

export function showConflict(document: Granted<ConflictDocument>): string {
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
  return `${id}  ${printable(workflow)}  ${clock(since)}  ${tasks}\n`;
}

function presentWorkflow(workflow: Workflow, { paint, columns }: Look): string {
  const state = workflow.completed ? 'completed' : `Wave ${workflow.wave}/${workflow.waveCount}`;
  const where = paint.dim(`${printable(workflow.file)}${edited[workflow.editing]}`);
  const lines = [`${paint.bold(printable(workflow.name))}  ${state}  ${where}`];
  if (workflow.holder) lines.push(`  locked by ${printable(workflow.holder.agent)}`);
  for (const problem of workflow.problems) lines.push(problemLine(problem).trimEnd());
  for (const wave of workflow.waves) {
    const done = wave.tasks.filter(({ status }) => status === 'done').length;
    const marker = wave.number === workflow.wave && !workflow.completed ? '▸' : ' ';
    lines.push(`${marker} Wave ${wave.number}  ${done}/${wave.tasks.length}`);
    const width = Math.max(0, ...wave.tasks.map((task) => task.id.length));
    for (const task of wave.tasks) {
      const run = task.run ? `  ${task.run.id} ${task.run.status}` : '';
      const start = `    [${boxes[task.status]}] ${task.id.padEnd(width)}  `;
      const room = columns === undefined ? Infinity : columns - widthOf(start) - run.length;
      const description = cut(printable(task.description), Math.max(leastDescription, room));
      lines.push(`${start}${description}${paint.dim(run)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** What Wavelock changes in the file. */
const edited: Record<WorkflowOverview['editing'], string> = {
  full: '',
  checkbox: ' (only checkboxes are changed)',
  none: ' (read only)',
};

const leastDescription = 16;

const boxes: Record<TaskStatus, string> = { todo: ' ', doing: '~', done: 'x', failed: '!' };
