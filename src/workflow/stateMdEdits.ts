/**
 * Edits of the native workflow file. Each touches the lines that it must and no others, and what the file then
 * says differs from before in nothing but the edit.
 *
 * A task that changes its status moves to the section of that status, with all that is indented below it. Where
 * moving it would change how other lines are read (see `movable`), where another has its id, or where nothing can be added to the file's
 * end, the task stays and its box alone says the status: boxes decide.
 */
import type { NoteEdit, TaskEdit, TaskStatus, WaveEdit, WorkflowEdit } from '../core/model';
import { applyEdits, can, cannot, type EditAnswer, type TextEdit } from './document';
import { blankLineEnd, insertLines, isBlankBefore } from './insertion';
import { lineEndOf, lineStartOf } from './lines';
import { quote } from './problems';
import type { State, Status, Task } from './stateMdMeaning';
import { detailsOf, eolOf, progressAt, waveOf, withinWaves } from './stateMdMeaning';
import type { Group, Section, StateMdSyntax } from './stateMdSyntax';
import { boxIn } from './stateMdSyntax';
import { codeSpan, fileList, oneLine } from './taskText';

export function editOf(state: State, edit: WorkflowEdit): EditAnswer {
  if (state.syntax.binary) return cannot('unreadable', state.syntax.binary.problem.message);
  switch (edit.kind) {
    case 'wave':
      return waveEdit(state, edit);
    case 'task':
      return taskEdit(state, edit);
    case 'note':
      return noteEdit(state, edit);
  }
}

/** Nothing to do is nothing to date, either. */
function dated({ syntax }: State, edits: readonly TextEdit[], updated: string): EditAnswer {
  if (edits.length === 0) return can([]);
  return can(sorted([...edits, ...updatedEdits(syntax, updated)]));
}

/* ------------------------------------------------------------------ the wave */

function waveEdit(state: State, { wave, updated }: WaveEdit): EditAnswer {
  const { syntax, status } = state;
  if (!status) return cannot('no_status', 'The file has no status line “**Status:** Wave 0/3”.');
  if (!Number.isSafeInteger(wave) || wave < 0) throw new RangeError(`${wave} is no wave`);
  if (status.wave.value === wave) return can([]);
  const { start, end } = status.wave.at;
  return dated(
    state,
    [
      { start, end, text: String(wave) },
      ...progressEdits(syntax, wave, status.waveCount.value),
      ...headingEdits(syntax, status.wave.value, wave),
    ],
    updated,
  );
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

/** What it takes to make the progress line say the wave; nothing where it is written in a way of its own. */
export function progressEdits(
  { fields }: StateMdSyntax,
  wave: number,
  waveCount: number,
): TextEdit[] {
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

/**
 * Tasks without a wave heading would follow the status line into the next wave: a failure of wave 2 would
 * become one of wave 3. They get the heading of the wave that they have been in.
 */
function headingEdits(syntax: StateMdSyntax, from: number, to: number): TextEdit[] {
  const wave = withinWaves(from);
  if (wave === withinWaves(to)) return [];
  return syntax.sections.flatMap(({ tasks }) => {
    const task = tasks.find((entry) => entry.wave === null);
    if (!task) return [];
    const start = lineStartOf(task.line);
    return [{ start, end: start, text: `### Wave ${wave}${task.line.eol || eolOf(syntax)}` }];
  });
}

/* ------------------------------------------------------------------ a task */

function taskEdit(state: State, edit: TaskEdit): EditAnswer {
  const task = state.tasks.get(edit.task);
  if (!task) return cannot('unknown_task', `The file has no task ${quote(edit.task)}.`);
  const { status } = state;
  if (!status) return cannot('no_status', 'The file has no status line “**Status:** Wave 0/3”.');
  const from = state.syntax.sections.find(({ tasks }) => tasks.some(({ id }) => id === task.id));
  if (!from) throw new RangeError('a task stands in a section');

  const details = detailEdits(state, task, edit);
  if (edit.status === task.status) return dated(state, details, edit.updated);
  const free = task.movable && !task.open && !state.duplicated.has(task.id.value);
  const stays = from.status === edit.status || !free;
  const target = stays ? null : targetOf(state, edit.status, task, status);
  const edits = target
    ? moved(state, task, from, target, [boxEdit(task, boxIn(edit, edit.status)), ...details])
    : [boxEdit(task, boxIn(from, edit.status)), ...details];
  return dated(state, edits, edit.updated);
}

function boxEdit({ box }: Task, text: string): TextEdit {
  return { start: box.start, end: box.end, text };
}

/** What the edit says of the task beside its status, each behind what it follows in most files. */
function detailEdits({ text, syntax }: State, task: Task, edit: TaskEdit): TextEdit[] {
  const stated = detailsOf(task);
  const said = (value: string | null | undefined) =>
    value === undefined ? undefined : oneLine(value ?? '');
  const files = edit.files === undefined ? undefined : (edit.files ?? []).map(oneLine);
  const details = [
    { name: 'commit', label: 'Commit', now: stated.commit ?? '', shall: said(edit.commit) },
    {
      name: 'files',
      label: 'Files',
      now: fileList(stated.files),
      shall: files && fileList(files.filter((file) => file !== '')),
    },
    { name: 'error', label: 'Error', now: stated.error ?? '', shall: said(edit.error) },
  ] as const;

  const edits: TextEdit[] = [];
  const added = new Map<number, string[]>();
  const indent = text.slice(lineStartOf(task.line), task.line.start);
  let after = lineEndOf(task.line);
  for (const { name, label, now, shall } of details) {
    const fields = task.details.filter((detail) => detail.name === name);
    const [field] = fields;
    if (field) after = lineEndOf(field.line);
    if (shall === undefined || shall === now) continue;
    const value = name === 'commit' && shall !== '' ? codeSpan(shall) : shall;
    if (!field) {
      const lines = added.get(after) ?? [];
      added.set(after, [...lines, `${indent}  - ${label}: ${value}`]);
    } else if (value !== '') {
      const { start, end } = field.at;
      edits.push({ start, end, text: field.value === '' ? ` ${value}` : value });
    } else {
      // Of several, the next would count.
      for (const { line } of fields) {
        edits.push({ start: lineStartOf(line), end: lineEndOf(line), text: '' });
      }
    }
  }
  const eol = task.line.eol || eolOf(syntax);
  for (const [at, lines] of added) edits.push(insertLines({ text, at, lines, eol }));
  return sorted(edits);
}

/* ------------------------------------------------------------------ a task's place */

const SECTION_ORDER: readonly TaskStatus[] = ['done', 'doing', 'todo', 'failed'];
const SECTION_TITLE: Readonly<Record<TaskStatus, string>> = {
  done: '## ✅ Completed',
  doing: '## 🔄 In Progress',
  todo: '## 📋 Pending',
  failed: '## ❌ Failed',
};

/** Where a task goes, and what has to be written above it. */
interface Target {
  readonly at: number;
  readonly headings: readonly string[];
  /** Null when it is made for the task. */
  readonly section: Section | null;
}

function targetOf(
  { syntax: { sections } }: State,
  shall: TaskStatus,
  task: Task,
  status: Status,
): Target | null {
  const wave = waveOf(task, status);
  const heading = `### Wave ${wave}`;
  const existing = sections.filter((section) => section.status === shall);
  for (const section of existing) {
    const group = section.groups.find((other) => isOfWave(other, wave, status));
    const at = group && endOfTasks(group);
    if (at !== undefined && at !== null) return { at, headings: [], section };
  }
  for (const section of existing) {
    const later = section.groups.find(
      (group) => group.heading !== null && withinWaves(group.wave?.value ?? 0) > wave,
    );
    if (later?.heading) return { at: lineStartOf(later.heading), headings: [heading], section };
    const last = section.groups.at(-1);
    if (last && !last.open) return { at: last.end, headings: [heading], section };
  }
  if (existing.length > 0) return null;

  const headings = [`${SECTION_TITLE[shall]} (1 tasks)`, '', heading];
  const behind = SECTION_ORDER.slice(SECTION_ORDER.indexOf(shall) + 1);
  const next = sections.find((section) => behind.includes(section.status));
  if (next) return { at: lineStartOf(next.line), headings, section: null };
  const last = sections.at(-1)?.groups.at(-1);
  return last && !last.open ? { at: last.end, headings, section: null } : null;
}

/** Tasks above the first heading are of the wave under way; without tasks there is nothing to go by. */
function isOfWave(group: Group, wave: number, status: Status): boolean {
  if (group.heading === null && group.tasks.length === 0) return false;
  return withinWaves((group.wave ?? status.wave).value) === wave;
}

function endOfTasks(group: Group): number | null {
  const last = group.tasks.at(-1);
  if (last?.movable && !last.open) return last.end;
  return group.open ? null : group.end;
}

function moved(
  state: State,
  task: Task,
  from: Section,
  target: Target,
  changes: readonly TextEdit[],
): TextEdit[] {
  const { text, syntax } = state;
  const start = lineStartOf(task.line);
  const block = applyEdits(
    text.slice(start, task.end),
    changes.map((edit) => ({ ...edit, start: edit.start - start, end: edit.end - start })),
  );
  const isNew = target.headings.length > 0;
  return sorted([
    removalOf(text, task, from, target.at),
    insertLines({
      text,
      at: target.at,
      lines: [...target.headings, block.replace(/(?:\r\n|\r|\n)$/, '')],
      eol: task.line.eol || eolOf(syntax),
      apart: { before: isNew, after: isNew },
    }),
    ...countEdits(from, from.tasks.length - 1),
    ...(target.section ? countEdits(target.section, target.section.tasks.length + 1) : []),
  ]);
}

/** A wave heading that has nothing else below it goes with its last task. */
function removalOf(text: string, task: Task, from: Section, kept: number): TextEdit {
  const group = from.groups.find(({ tasks }) => tasks.some(({ id }) => id === task.id));
  const whole =
    group?.heading && group.tasks.length === 1 && !group.remarks ? group.heading : task.line;
  const start = lineStartOf(whole);
  // Of two blank lines that would meet, one is enough.
  const blank = isBlankBefore(text, start) ? blankLineEnd(text, task.end) : null;
  const end = blank === null || (kept >= task.end && kept < blank) ? task.end : blank;
  return { start, end, text: '' };
}

export function countEdits({ count }: Section, tasks: number): TextEdit[] {
  if (!count || count.value === tasks) return [];
  return [{ start: count.at.start, end: count.at.end, text: String(tasks) }];
}

/* ------------------------------------------------------------------ a note */

function noteEdit(state: State, { by, text: said, updated }: NoteEdit): EditAnswer {
  const { text, syntax } = state;
  const note = noteText(by, said, updated);
  if (syntax.notes.includes(note)) return can([]);
  const eol = eolOf(syntax);
  const { notesPart: part, metadata, whole } = syntax;
  if (part ? part.open : !metadata && whole.open) {
    return cannot('no_place', 'A code block or comment is open where notes go. Close it.');
  }
  if (part) {
    const lines = part.end === lineEndOf(part.line) ? ['', `- ${note}`] : [`- ${note}`];
    return dated(state, [insertLines({ text, at: part.end, lines, eol })], updated);
  }
  const at = metadata
    ? lineStartOf(metadata)
    : Math.max(whole.end, text.startsWith('\uFEFF') ? 1 : 0);
  const lines = ['## Notes', '', `- ${note}`];
  const apart = { before: true, after: true };
  return dated(state, [insertLines({ text, at, lines, eol, apart })], updated);
}

/** One line; the time and the author make it another note than the same words of somebody else. */
export function noteText(by: string, text: string, updated: string): string {
  const author = oneLine(by);
  return `${updated}${author === '' ? '' : `, ${author}`}: ${oneLine(text)}`.trimEnd();
}

function sorted(edits: readonly TextEdit[]): TextEdit[] {
  return edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
}
