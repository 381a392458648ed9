/** What is wrong with a native workflow file, and what would mend it. */
import { late } from '../core/late';
import type { PlanTask } from '../core/model';
import { dependencyFindings, overlapFindings, type Dependent, type FileUser } from './dependencies';
import type { TextEdit } from './document';
import { insertLines } from './insertion';
import { lineEndOf, spanOf, type Span } from './lines';
import { finding, fixOf, inOrder, quote, type Finding, type FixMaker } from './problems';
import { countEdits, progressEdits } from './stateMdEdits';
import {
  eolOf,
  filesOf,
  MAX_WAVES,
  progressAt,
  tasksByWave,
  waveOf,
  type State,
  type Status,
  type Task,
} from './stateMdMeaning';
import type { FieldName, Section, TaskEntry } from './stateMdSyntax';
import { isTaskId, slugOf } from './taskText';
import { waveUnderWay } from './waveUnderWay';

export function findingsOf(state: State): Finding[] {
  const { syntax, status } = state;
  // Whatever else could be said of a damaged file would be noise.
  if (syntax.binary) return [syntax.binary];
  return inOrder([
    ...syntax.findings,
    ...headerFindings(state),
    ...(status ? statusFindings(state, status) : []),
    ...(status ? waveFindings(state, status) : []),
    ...(status ? progressFindings(state, status) : []),
    ...syntax.sections.flatMap(countFindings),
    ...unnamedFindings(state),
    ...taskFindings(state),
  ]);
}

/* ------------------------------------------------------------------ the header */

const LABELS = {
  id: 'Workflow ID',
  status: 'Status',
  started: 'Started',
  updated: 'Updated',
} as const;

function headerFindings(state: State): Finding[] {
  const { syntax, id, status } = state;
  const { fields, firstLine, sections } = syntax;
  const place = (name: FieldName) =>
    spanOf((fields.get(name) ?? fields.get('title'))?.line ?? firstLine);
  const findings: Finding[] = [];
  if (!fields.get('title')?.value) {
    const message = 'Begin the file with “# Workflow: ” and a name.';
    findings.push(finding('missing_header', place('title'), message, titleFix(state)));
  }
  if (id === null) {
    const message =
      'Add the line “**Workflow ID:** `id`”, with 1 to 128 characters between backticks.';
    const slug = slugOf(fields.get('title')?.value ?? '') || 'workflow';
    const fix = fieldFix(state, 'id', () => `\`${slug}\``);
    findings.push(finding('missing_id', place('id'), message, fix));
  }
  if (status === null) {
    const message =
      'Add the line “**Status:** Wave 0/3”: the wave under way, 0 before the start, and how many there are.';
    const fix = fieldFix(state, 'status', () => statusText(state));
    findings.push(finding('missing_status', place('status'), message, fix));
  }
  if (sections.length === 0) {
    const message =
      'Add a section for the tasks, such as “## 📋 Pending (0 tasks)”; the others are Completed, In Progress and Failed.';
    findings.push(finding('missing_sections', place('title'), message, sectionFix(state)));
  }
  for (const name of ['started', 'updated'] as const) {
    const field = fields.get(name);
    if (!field?.value) {
      const message = `Add the line “**${LABELS[name]}:** YYYY-MM-DD HH:MM:SS”, in local time.`;
      const fix = fieldFix(state, name, (now) => now);
      findings.push(finding(`missing_${name}`, place(name), message, fix));
    } else if (!isTimestamp(field.value)) {
      const message = `${quote(field.value)} is no time. Write it as YYYY-MM-DD HH:MM:SS.`;
      const fix = fieldFix(state, name, (now) => asTimestamp(field.value) ?? now);
      findings.push(finding('invalid_timestamp', field.at, message, fix));
    }
  }
  return findings;
}

function isTimestamp(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return false;
  const iso = text.replace(' ', 'T');
  const time = new Date(`${iso}Z`);
  // An impossible day, such as February 30, becomes another one.
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(iso);
}

/** What is written as a time in another form; a time zone cannot be told from the text alone. */
function asTimestamp(text: string): string | null {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.\d+)?)?$/.exec(text);
  if (!parts) return null;
  const time = `${parts[1]} ${parts[2] ?? '00:00'}${parts[3] ?? ':00'}`;
  return isTimestamp(time) ? time : null;
}

function titleFix(state: State): FixMaker {
  const { text, id, syntax } = state;
  const field = syntax.fields.get('title');
  const name = id ?? 'Untitled';
  if (field) {
    const { end } = spanOf(field.line);
    return fixOf('Add a name', { start: end, end, text: ` ${name}` });
  }
  if (syntax.heading && syntax.heading.value !== '') {
    const { start } = syntax.heading.at;
    return fixOf('Write “# Workflow: ”', { start, end: start, text: 'Workflow: ' });
  }
  const lines = [`# Workflow: ${name}`];
  const edit = insertLines({
    text,
    at: top(text),
    lines,
    eol: eolOf(syntax),
    apart: { after: true },
  });
  return fixOf('Add the header', edit);
}

/** Writes a field's value where the field stands, or a line for it where it belongs among the others. */
function fieldFix(
  state: State,
  name: keyof typeof LABELS,
  value: (now: string) => string,
): FixMaker {
  const { text, syntax } = state;
  const label = LABELS[name];
  const field = syntax.fields.get(name);
  return (now) => {
    const title = `Write “**${label}:** ${value(now)}”`;
    if (field) {
      const { start, end } = field.at;
      return {
        title,
        edits: [{ start, end, text: `${field.value === '' ? ' ' : ''}${value(now)}` }],
      };
    }
    const order: readonly FieldName[] = ['title', 'id', 'status', 'started', 'updated'];
    const above = order
      .slice(0, order.indexOf(name))
      .flatMap((other) => syntax.fields.get(other) ?? [])
      .at(-1);
    const at = above ? lineEndOf(above.line) : top(text);
    const line = `**${label}:** ${value(now)}`;
    const lines = above === syntax.fields.get('title') && above ? ['', line] : [line];
    return { title, edits: [insertLines({ text, at, lines, eol: eolOf(syntax) })] };
  };
}

function top(text: string): number {
  return text.startsWith('\uFEFF') ? 1 : 0;
}

function statusText({ syntax, tasks }: State): string {
  const numbers = syntax.sections
    .flatMap(({ groups }) => groups.flatMap(({ wave }) => wave?.value ?? []))
    .filter((number) => number >= 1 && number <= MAX_WAVES);
  const count = numbers.reduce((most, number) => Math.max(most, number), 1);
  const waves = new Map<number, Pick<PlanTask, 'status'>[]>();
  for (let number = 1; number <= count; number++) waves.set(number, []);
  for (const task of tasks.values()) waves.get(task.wave?.value ?? 0)?.push(task);
  const under = waveUnderWay([...waves].map(([number, of]) => ({ number, tasks: of })));
  return `Wave ${under}/${count}`;
}

function sectionFix({ text, syntax }: State): FixMaker | null {
  const behind = [syntax.notesPart?.line, syntax.metadata].flatMap((line) => line ?? []);
  const next = behind.toSorted((a, b) => a.number - b.number)[0];
  if (!next && syntax.whole.open) return null;
  const at = next ? next.start - next.column : Math.max(syntax.whole.end, top(text));
  const lines = ['## 📋 Pending (0 tasks)'];
  const apart = { before: true, after: true };
  return fixOf('Add an empty section', insertLines({ text, at, lines, eol: eolOf(syntax), apart }));
}

/* ------------------------------------------------------------------ waves */

function statusFindings(state: State, { wave, waveCount }: Status): Finding[] {
  if (waveCount.value < 1 || waveCount.value > MAX_WAVES) {
    const message = `A workflow has 1 to ${MAX_WAVES} waves. Write how many this one has.`;
    const needed = Math.min(Math.max(highestWave(state), wave.value, 1), MAX_WAVES);
    const fix = replacing(waveCount.at, String(needed));
    return [finding('wave_out_of_range', waveCount.at, message, fix)];
  }
  if (wave.value > waveCount.value) {
    const message = `There are only ${waveCount.value} waves. Write a wave from 0 to ${waveCount.value}, or raise the number after the slash.`;
    const fix = replacing(wave.at, String(waveCount.value));
    return [finding('wave_out_of_range', wave.at, message, fix)];
  }
  return [];
}

function replacing({ start, end }: Span, text: string): FixMaker {
  return fixOf(`Write “${text}”`, { start, end, text });
}

/** Of those that a heading may name. */
function highestWave({ syntax }: State): number {
  let highest = 0;
  for (const { groups } of syntax.sections) {
    for (const { wave } of groups) {
      if (wave && wave.value <= MAX_WAVES) highest = Math.max(highest, wave.value);
    }
  }
  return highest;
}

function waveFindings(state: State, status: Status): Finding[] {
  const findings: Finding[] = [];
  const { value: waveCount, at: countAt } = status.waveCount;
  const groups = state.syntax.sections.flatMap((section) => section.groups);
  const raise = replacing(countAt, String(highestWave(state)));
  for (const heading of groups.flatMap(({ wave }) => wave ?? [])) {
    if (heading.value >= 1 && heading.value <= Math.min(waveCount, MAX_WAVES)) continue;
    const nowhere = heading.value < 1 || heading.value > MAX_WAVES;
    const message = nowhere
      ? `Waves go from 1 to ${MAX_WAVES}. Give these tasks another wave.`
      : `The status line knows ${waveCount} waves. Write “/${heading.value}” there, or give these tasks another wave.`;
    findings.push(finding('wave_out_of_range', heading.at, message, nowhere ? null : raise));
  }
  let expected = 1;
  for (const [number, tasks] of [...tasksByWave(state, status)].sort(([a], [b]) => a - b)) {
    if (number > expected && tasks[0]) {
      const missing =
        number - 1 > expected ? `Waves ${expected} to ${number - 1} have` : `Wave ${expected} has`;
      const message = `${missing} no tasks, but wave ${number} has. Add the missing tasks or close the gap.`;
      findings.push(finding('wave_gap', tasks[0].wave?.at ?? tasks[0].id.at, message));
    }
    expected = number + 1;
  }
  return findings;
}

function countFindings(section: Section): Finding[] {
  const { count, tasks } = section;
  const edits = countEdits(section, tasks.length);
  if (!count || edits.length === 0) return [];
  const message = `This section has ${tasks.length} tasks. Write that number, or look for a task that is not written as one.`;
  const fix = fixOf(`Write “(${tasks.length} tasks)”`, ...edits);
  return [finding('count_mismatch', count.at, message, fix)];
}

function progressFindings(state: State, status: Status): Finding[] {
  if (statusFindings(state, status).length > 0) return [];
  const { wave, waveCount } = status;
  const edits: TextEdit[] = progressEdits(state.syntax, wave.value, waveCount.value);
  const field = state.syntax.fields.get('progress');
  if (edits.length === 0 || !field) return [];
  const { percent, cells } = progressAt(wave.value, waveCount.value);
  const message = `Wave ${wave.value} of ${waveCount.value} is ${percent}%. Write “\`${cells}\` ${percent}%”.`;
  const fix = fixOf(`Write ${percent}%`, ...edits);
  return [finding('progress_mismatch', field.at, message, fix)];
}

/* ------------------------------------------------------------------ tasks */

function unnamedFindings(state: State): Finding[] {
  const { tasks, unnamed } = state;
  // All together, for one must not be given twice; and late, for few are ever asked for.
  const ids = late(() => newIds(state));
  return unnamed.map((entry, index) => {
    const { value, at } = entry.id;
    const fix: FixMaker = (now) => namingFix(entry, ids()[index] ?? '')(now);
    const first = isTaskId(value) ? tasks.get(value) : undefined;
    if (first) {
      const message = `Task ${quote(value)} stands on line ${first.line.number + 1} already. Remove one of the two, or give it another id.`;
      return finding('duplicate_task', at, message, fix);
    }
    const message = `${quote(value)} cannot be a task's id. Write “**id**: description”; an id has 1 to 64 letters, digits, “.”, “_” and “-” and begins with a letter or digit.`;
    return finding('invalid_task_id', at, message, fix);
  });
}

/** For each that has none of its own, in their order. */
function newIds({ tasks, unnamed }: State): readonly string[] {
  const given = new Set<string>();
  /** The next number to try; the same word a hundred thousand times must not be tried from 2 each time. */
  const numbers = new Map<string, number>();
  return unnamed.map(({ id: { value } }) => {
    const isTaken = isTaskId(value) && tasks.has(value);
    const stem = (isTaken ? value : slugOf(value) || 'task').slice(0, 56);
    let id = stem;
    let number = numbers.get(stem) ?? 2;
    while (given.has(id) || (tasks as ReadonlyMap<string, unknown>).has(id))
      id = `${stem}-${number++}`;
    numbers.set(stem, number);
    given.add(id);
    return id;
  });
}

/** An id in the place of one that can be replaced, or before a text that has none. */
function namingFix({ id: { value, at }, description, line }: TaskEntry, id: string): FixMaker {
  const { start, end } = at;
  const isText = description === '' && !isTaskId(value);
  if (!isText) return fixOf(`Name the task “${id}”`, { start, end, text: id });
  const before = line.content.charAt(start - line.start - 1);
  const bold = `${/\s/.test(before) ? '' : ' '}**${id}**${value === '' ? '' : ': '}`;
  // Within two pairs of asterisks the text is the id, as far as the file goes.
  return before === '*'
    ? fixOf(`Name the task “${id}”`, { start, end, text: id })
    : fixOf(`Name the task “${id}”`, { start, end: start, text: bold });
}

function taskFindings({ status, tasks }: State): Finding[] {
  const wave = (task: Task) => (status ? waveOf(task, status) : 0);
  const dependents: Dependent[] = [];
  const users: FileUser[] = [];
  const anyDepends = [...tasks.values()].some(({ dependsOn }) => dependsOn.length > 0);
  for (const task of tasks.values()) {
    const { id, dependsOn } = task;
    if (anyDepends) dependents.push({ id: id.value, wave: wave(task), dependsOn });
    // What is done no longer changes its files.
    const files = task.status === 'done' ? [] : filesOf(task);
    if (files.length > 0) users.push(new TaskFiles(task, wave(task), files));
  }
  return [...dependencyFindings(dependents), ...overlapFindings(users)];
}

class TaskFiles implements FileUser {
  constructor(
    private readonly task: Task,
    readonly wave: number,
    readonly files: readonly string[],
  ) {}

  get id(): string {
    return this.task.id.value;
  }

  get dependsOn(): Task['dependsOn'] {
    return this.task.dependsOn;
  }

  get at(): Span {
    return this.task.id.at;
  }
}
