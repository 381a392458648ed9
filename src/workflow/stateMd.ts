/** STATE.md, the native workflow file: what it says as a plan, what is wrong with it, how to edit it. */
import type {
  Plan,
  PlanTask,
  Problem,
  TaskId,
  WaveEdit,
  WorkflowEdit,
  WorkflowId,
} from '../core/model';
import { can, cannot, type EditAnswer, type TextEdit, type WorkflowDocument } from './document';
import { lineStartOf, spanOf } from './lines';
import { dependencyProblems, error, inOrder, quote, warning } from './problems';
import type { Field, FieldName, Section, StateMdSyntax, TaskEntry, Token } from './stateMdSyntax';
import { numberAt, readSyntax } from './stateMdSyntax';

/** A file may state any number; nobody has to make that many waves of it. */
export const MAX_WAVES = 10_000;

export function readStateMd(text: string, path = 'STATE.md'): WorkflowDocument {
  const state = interpret(readSyntax(text));
  return {
    format: 'native',
    editing: 'full',
    path,
    text,
    plan: planOf(state),
    details: new Map(),
    problems: inOrder(problemsOf(state)),
    edit: (edit) => editOf(state, edit),
    fix: () => null,
  };
}

function editOf(state: State, edit: WorkflowEdit): EditAnswer {
  if (edit.kind !== 'wave') return cannot('not_in_format', 'Not yet.');
  if (!state.status) return cannot('no_status', 'A file without a status line has no wave to set.');
  return can(waveEdits(state.syntax, state.status, edit));
}

interface Status {
  readonly wave: Token<number>;
  readonly waveCount: Token<number>;
}

interface Task extends TaskEntry {
  readonly taskId: TaskId;
}

interface State {
  readonly syntax: StateMdSyntax;
  readonly id: WorkflowId | null;
  readonly status: Status | null;
  /** Those that a plan can hold: with an id, and the first of it. */
  readonly tasks: readonly Task[];
  readonly taskProblems: readonly Problem[];
}

function interpret(syntax: StateMdSyntax): State {
  const tasks = new Map<string, Task>();
  const taskProblems: Problem[] = [];
  for (const entry of syntax.sections.flatMap((section) => section.tasks)) {
    const { value, at } = entry.id;
    const first = tasks.get(value);
    if (first) {
      const message = `Task ${quote(value)} stands on line ${first.line.number + 1} already. Remove one of the two, or give it another id.`;
      taskProblems.push(error(at, 'duplicate_task', message));
    } else if (isTaskId(value)) {
      tasks.set(value, { ...entry, taskId: value });
    } else {
      const message = `${quote(value)} cannot be a task's id. Write “**id**: description”; an id has 1 to 64 letters, digits, “.”, “_” and “-” and begins with a letter or digit.`;
      taskProblems.push(error(at, 'invalid_task_id', message));
    }
  }
  return {
    syntax,
    id: workflowIdOf(syntax.fields.get('id')),
    status: statusOf(syntax.fields.get('status')),
    tasks: [...tasks.values()],
    taskProblems,
  };
}

function isTaskId(text: string): text is TaskId {
  return /^[A-Za-z0-9][\w.-]{0,63}$/.test(text);
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

/* ------------------------------------------------------------------ plan */

function planOf(state: State): Plan | null {
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

function planTask({ taskId: id, description, status, dependsOn, line }: Task): PlanTask {
  const ids = new Set(dependsOn.map((dependency) => dependency.id).filter(isTaskId));
  return { id, description, status, dependsOn: [...ids], line: line.number };
}

/** A task without a wave heading belongs to the wave under way. */
function tasksByWave(state: State, status: Status): Map<number, Task[]> {
  const waves = new Map<number, Task[]>();
  for (const task of state.tasks) {
    const number = withinWaves((task.wave ?? status.wave).value);
    const tasks = waves.get(number);
    if (tasks) tasks.push(task);
    else waves.set(number, [task]);
  }
  return waves;
}

/** Before the start the first wave is the one under way. */
function withinWaves(wave: number): number {
  return Math.min(Math.max(wave, 1), MAX_WAVES);
}

/* ------------------------------------------------------------------ problems */

function problemsOf(state: State): Problem[] {
  const { syntax, status } = state;
  // Whatever else could be said of a damaged file would be noise.
  if (syntax.binary) return [syntax.binary];
  return [
    ...syntax.problems,
    ...headerProblems(state),
    ...(status ? statusProblems(status) : []),
    ...(status ? waveProblems(state, status) : []),
    ...(status ? progressProblems(syntax, status) : []),
    ...syntax.sections.flatMap(countProblems),
    ...state.taskProblems,
    ...dependencyProblems(state.tasks.map(({ taskId: id, dependsOn }) => ({ id, dependsOn }))),
  ];
}

function headerProblems({ syntax, id, status }: State): Problem[] {
  const { fields, firstLine, sections } = syntax;
  const place = (name: FieldName) =>
    spanOf((fields.get(name) ?? fields.get('title'))?.line ?? firstLine);
  const problems: Problem[] = [];
  if (!fields.get('title')?.value) {
    problems.push(
      error(place('title'), 'missing_header', 'Begin the file with “# Workflow: ” and a name.'),
    );
  }
  if (id === null) {
    const message =
      'Add the line “**Workflow ID:** `id`”, with 1 to 128 characters between backticks.';
    problems.push(error(place('id'), 'missing_id', message));
  }
  if (status === null) {
    const message =
      'Add the line “**Status:** Wave 0/3”: the wave under way, 0 before the start, and how many there are.';
    problems.push(error(place('status'), 'missing_status', message));
  }
  if (sections.length === 0) {
    const message =
      'Add a section for the tasks, such as “## 📋 Pending (0 tasks)”; the others are Completed, In Progress and Failed.';
    problems.push(error(place('title'), 'missing_sections', message));
  }
  for (const name of ['started', 'updated'] as const) {
    const field = fields.get(name);
    const label = name === 'started' ? 'Started' : 'Updated';
    if (!field?.value) {
      const message = `Add the line “**${label}:** YYYY-MM-DD HH:MM:SS”, in local time.`;
      problems.push(warning(place(name), `missing_${name}`, message));
    } else if (!isTimestamp(field.value)) {
      const message = `${quote(field.value)} is no time. Write it as YYYY-MM-DD HH:MM:SS.`;
      problems.push(warning(field.at, 'invalid_timestamp', message));
    }
  }
  return problems;
}

function isTimestamp(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return false;
  const iso = text.replace(' ', 'T');
  const time = new Date(`${iso}Z`);
  // An impossible day, such as February 30, becomes another one.
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(iso);
}

function statusProblems({ wave, waveCount }: Status): Problem[] {
  if (waveCount.value < 1 || waveCount.value > MAX_WAVES) {
    const message = `A workflow has 1 to ${MAX_WAVES} waves. Write how many this one has.`;
    return [error(waveCount.at, 'wave_out_of_range', message)];
  }
  if (wave.value > waveCount.value) {
    const message = `There are only ${waveCount.value} waves. Write a wave from 0 to ${waveCount.value}, or raise the number after the slash.`;
    return [error(wave.at, 'wave_out_of_range', message)];
  }
  return [];
}

function waveProblems(state: State, status: Status): Problem[] {
  const problems: Problem[] = [];
  const { value: waveCount } = status.waveCount;
  for (const heading of state.syntax.sections.flatMap((section) => section.waves)) {
    if (heading.value >= 1 && heading.value <= Math.min(waveCount, MAX_WAVES)) continue;
    const message =
      heading.value < 1 || heading.value > MAX_WAVES
        ? `Waves go from 1 to ${MAX_WAVES}. Give these tasks another wave.`
        : `The status line knows ${waveCount} waves. Write “/${heading.value}” there, or give these tasks another wave.`;
    problems.push(error(heading.at, 'wave_out_of_range', message));
  }
  let expected = 1;
  for (const [number, tasks] of [...tasksByWave(state, status)].sort(([a], [b]) => a - b)) {
    if (number > expected && tasks[0]) {
      const missing =
        number - 1 > expected ? `Waves ${expected} to ${number - 1} have` : `Wave ${expected} has`;
      const message = `${missing} no tasks, but wave ${number} has. Add the missing tasks or close the gap.`;
      problems.push(warning(tasks[0].wave?.at ?? tasks[0].id.at, 'wave_gap', message));
    }
    expected = number + 1;
  }
  return problems;
}

function countProblems({ count, tasks }: Section): Problem[] {
  if (!count || count.value === tasks.length) return [];
  const message = `This section has ${tasks.length} tasks. Write that number, or look for a task that is not written as one.`;
  return [warning(count.at, 'count_mismatch', message)];
}

function progressProblems(syntax: StateMdSyntax, status: Status): Problem[] {
  if (statusProblems(status).length > 0) return [];
  const { wave, waveCount } = status;
  const [wrong] = progressEdits(syntax, wave.value, waveCount.value);
  const field = syntax.fields.get('progress');
  if (!wrong || !field) return [];
  const { percent, cells } = progressAt(wave.value, waveCount.value);
  const message = `Wave ${wave.value} of ${waveCount.value} is ${percent}%. Write “\`${cells}\` ${percent}%”.`;
  return [warning(field.at, 'progress_mismatch', message)];
}

/* ------------------------------------------------------------------ edits */

function waveEdits(syntax: StateMdSyntax, status: Status, { wave, updated }: WaveEdit): TextEdit[] {
  if (!Number.isSafeInteger(wave) || wave < 0) throw new RangeError(`${wave} is no wave`);
  if (status.wave.value === wave) return [];
  const { start, end } = status.wave.at;
  return [
    { start, end, text: String(wave) },
    ...updatedEdits(syntax, updated),
    ...progressEdits(syntax, wave, status.waveCount.value),
    ...headingEdits(syntax, status.wave.value, wave),
  ].sort((a, b) => a.start - b.start);
}

function updatedEdits({ fields }: StateMdSyntax, updated: string): TextEdit[] {
  const field = fields.get('updated');
  if (!field) return [];
  const { start, end } = field.at;
  if (field.value === '') return [{ start, end, text: ` ${updated}` }];
  // What people wrote behind the time stays.
  const written = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?=\s|$)/.exec(field.value)?.[0] ?? field.value;
  return written === updated ? [] : [{ start, end: start + written.length, text: updated }];
}

function progressEdits({ fields }: StateMdSyntax, wave: number, waveCount: number): TextEdit[] {
  const field = fields.get('progress');
  const written = field && /^(?:`?([█░]{20})(?![█░])`?\s*)?(?:(\d+)\s*%)?/d.exec(field.value);
  if (!written) return [];
  const { cells, percent } = progressAt(wave, waveCount);
  return [cells, String(percent)].flatMap((text, index) => {
    const place = written.indices?.[index + 1];
    if (!place || written[index + 1] === text) return [];
    return [{ start: field.at.start + place[0], end: field.at.start + place[1], text }];
  });
}

function progressAt(wave: number, waveCount: number): { cells: string; percent: number } {
  const part = (of: number) =>
    waveCount < 1 ? 0 : Math.min(of, Math.floor((of * wave) / waveCount));
  return { cells: '█'.repeat(part(20)).padEnd(20, '░'), percent: part(100) };
}

/**
 * Tasks without a wave heading would follow the status line into the next wave: a failure of wave 2 would
 * become one of wave 3. They get the heading of the wave that they have been in.
 */
function headingEdits(
  { sections, firstLine }: StateMdSyntax,
  from: number,
  to: number,
): TextEdit[] {
  const wave = withinWaves(from);
  if (wave === withinWaves(to)) return [];
  return sections.flatMap(({ tasks }) => {
    const task = tasks.find((entry) => entry.wave === null);
    if (!task) return [];
    const start = lineStartOf(task.line);
    return [{ start, end: start, text: `### Wave ${wave}${task.line.eol || firstLine.eol}` }];
  });
}
