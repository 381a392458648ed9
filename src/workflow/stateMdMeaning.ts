/** What the native workflow file means as a plan: which waves, which tasks, which of them may be named. */
import type { Plan, PlanTask, TaskId, WorkflowId } from '../core/model';
import type { Derived, TaskDetails } from './document';
import type { Field, StateMdSyntax, TaskEntry, Token } from './stateMdSyntax';
import { numberAt } from './stateMdSyntax';
import { filesIn, isTaskId, withoutCode } from './taskText';

/** A file may state any number; nobody has to make that many waves of it. */
export const MAX_WAVES = 10_000;

export interface Status {
  readonly wave: Token<number>;
  readonly waveCount: Token<number>;
}

export interface Task extends TaskEntry {
  readonly id: Token<TaskId>;
}

function isTask(entry: TaskEntry): entry is Task {
  return isTaskId(entry.id.value);
}

export interface State {
  readonly text: string;
  readonly syntax: StateMdSyntax;
  readonly id: WorkflowId | null;
  readonly status: Status | null;
  /** Those that a plan can hold: with an id, and the first of it. */
  readonly tasks: ReadonlyMap<TaskId, Task>;
  /** The others. */
  readonly unnamed: readonly TaskEntry[];
  /** Ids that stand there more than once: the order of the lines decides which of them counts. */
  readonly duplicated: ReadonlySet<string>;
}

export function interpret(text: string, syntax: StateMdSyntax): State {
  const tasks = new Map<TaskId, Task>();
  const unnamed: TaskEntry[] = [];
  for (const section of syntax.sections) {
    for (const entry of section.tasks) {
      if (!isTask(entry) || tasks.has(entry.id.value)) unnamed.push(entry);
      else tasks.set(entry.id.value, entry);
    }
  }
  return {
    text,
    syntax,
    id: workflowIdOf(syntax.fields.get('id')),
    status: statusOf(syntax.fields.get('status')),
    tasks,
    unnamed,
    duplicated: new Set(unnamed.map((entry) => entry.id.value)),
  };
}

function workflowIdOf(field: Field | undefined): WorkflowId | null {
  const text = (field?.value ?? '').replace(/^`([^`]*)`$/, '$1').trim();
  return /^[^`\p{Cc}]{1,128}$/u.test(text) ? (text as WorkflowId) : null;
}

function statusOf(field: Field | undefined): Status | null {
  const match = field && /^Wave\s+(\d+)\s*\/\s*(\d+)(?=\s|$)/di.exec(field.value);
  if (!match) return null;
  const offset = field.at.start - field.line.start;
  const wave = numberAt(field.line, match, 1, offset);
  const waveCount = numberAt(field.line, match, 2, offset);
  return wave && waveCount && { wave, waveCount };
}

export function planOf(state: State): Plan | null {
  const { id, status, syntax } = state;
  if (id === null || status === null) return null;
  const waveCount = Math.min(status.waveCount.value, MAX_WAVES);
  const waves = new Map<number, PlanTask[]>();
  for (let number = 1; number <= waveCount; number++) waves.set(number, []);
  for (const [number, tasks] of tasksByWave(state, status)) waves.set(number, tasks.map(planTask));
  return {
    id,
    name: syntax.fields.get('title')?.value || id,
    wave: Math.min(status.wave.value, MAX_WAVES),
    waveCount,
    waves: [...waves].sort(([a], [b]) => a - b).map(([number, tasks]) => ({ number, tasks })),
  };
}

function planTask({ id, description, status, dependsOn, lineNumber }: Task): PlanTask {
  return {
    id: id.value,
    description,
    status,
    dependsOn: dependsOn.length === 0 ? NONE : taskIdsOf(dependsOn),
    line: lineNumber,
  };
}

const NONE: readonly TaskId[] = [];

function taskIdsOf(dependsOn: TaskEntry['dependsOn']): TaskId[] {
  return [...new Set(dependsOn.map((dependency) => dependency.id).filter(isTaskId))];
}

export function tasksByWave({ tasks: all }: State, status: Status): Map<number, Task[]> {
  const waves = new Map<number, Task[]>();
  for (const task of all.values()) {
    const number = waveOf(task, status);
    const tasks = waves.get(number);
    if (tasks) tasks.push(task);
    else waves.set(number, [task]);
  }
  return waves;
}

/** A task without a wave heading belongs to the wave under way. */
export function waveOf({ wave }: TaskEntry, status: Status): number {
  return withinWaves((wave ?? status.wave).value);
}

/** Before the start the first wave is the one under way. */
export function withinWaves(wave: number): number {
  return Math.min(Math.max(wave, 1), MAX_WAVES);
}

export function detailsOf(task: TaskEntry): TaskDetails {
  const commit = withoutCode(detailOf(task, 'commit'));
  return {
    commit: commit === '' ? null : commit,
    files: filesOf(task),
    error: detailOf(task, 'error') || null,
  };
}

export function filesOf(task: TaskEntry): string[] {
  const list = detailOf(task, 'files');
  return list === '' ? [] : filesIn(list);
}

function detailOf({ details }: TaskEntry, name: keyof TaskDetails): string {
  return details.find((detail) => detail.name === name)?.value ?? '';
}

export function allDetails({ tasks }: State): Map<TaskId, TaskDetails> {
  return new Map(
    [...tasks.values()].flatMap((task) =>
      task.details.length === 0 ? [] : [[task.id.value, detailsOf(task)] as const],
    ),
  );
}

/** `### Wave 2: Launch`; the first heading of a wave that says more counts. */
export function waveTitles({ syntax: { sections } }: State): Map<number, string> {
  const titles = new Map<number, string>();
  for (const { heading, wave } of sections.flatMap(({ groups }) => groups)) {
    const title =
      heading && /^#+[ \t]+Wave[ \t]+\d+[ \t]*[:–—-][ \t]*(\S.*)$/i.exec(heading.content)?.[1];
    if (wave && title && !titles.has(wave.value)) titles.set(wave.value, title);
  }
  return titles;
}

export function derivedOf({ syntax: { sections, fields } }: State): Derived {
  const updated = fields.get('updated');
  return {
    counts: sections.flatMap(({ count, tasks }) => {
      if (!count) return [];
      const { start, end } = count.at;
      const edit = { start, end, text: String(count.value) };
      return [{ value: count.value, shall: tasks.length, edit }];
    }),
    updated: updated
      ? {
          value: updated.value,
          edit: { start: updated.at.start, end: updated.at.end, text: updated.value },
        }
      : null,
  };
}

/** The progress line counts waves. */
export function progressAt(wave: number, waveCount: number): { cells: string; percent: number } {
  const part = (of: number) =>
    waveCount < 1 ? 0 : Math.min(of, Math.floor((of * wave) / waveCount));
  return { cells: '█'.repeat(part(20)).padEnd(20, '░'), percent: part(100) };
}

/** The end of line that the file is written with, as far as its first line tells. */
export function eolOf({ firstLine }: StateMdSyntax): string {
  return firstLine.eol === '' ? '\n' : firstLine.eol;
}
