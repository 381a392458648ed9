/**
 * WAVES.md and plain checklists: tasks under headings `Wave n`, as checkboxes or as rows of a table. The people's
 * own kind of file, without a status line: which wave is under way follows from the tasks. Only the checkbox of
 * a task is ours to change.
 */
import type { PlanTask, TaskId, TaskStatus, WorkflowEdit, WorkflowId } from '../core/model';
import { dependencyFindings, type Dependency } from './dependencies';
import {
  can,
  cannot,
  detailsIn,
  NOTHING_DERIVED,
  type EditAnswer,
  type TextEdit,
  type WorkflowDocument,
} from './document';
import {
  headingOf,
  lineEndOf,
  lineStartOf,
  readLines,
  spanOf,
  type Line,
  type Span,
} from './lines';
import {
  ConflictScanner,
  finding,
  fixOf,
  HidingScanner,
  inOrder,
  nulFinding,
  quote,
  told,
  type Finding,
} from './problems';
import { MAX_WAVES } from './stateMdMeaning';
import { BOX_OF, BOX_STATUS, isTaskId, slugOf } from './taskText';
import { waveUnderWay } from './waveUnderWay';

export function readWaves(
  path: string,
  text: string,
  format: 'waves' | 'checklist',
): WorkflowDocument {
  const reader = new WavesReader();
  for (const line of readLines(text)) reader.read(line);
  const { name, waves, findings } = reader.end();
  const numbered = waves.map((wave, index) => ({ ...wave, number: index + 1 }));
  const dependents = numbered.flatMap(({ number, tasks }) =>
    tasks.map(({ id, dependsOn }) => ({ id, wave: number, dependsOn })),
  );
  const isEmpty = dependents.length === 0;
  return {
    format,
    editing: 'checkbox',
    path,
    text,
    plan: isEmpty
      ? null
      : {
          // A file that states no id goes by its place.
          id: path.slice(0, 128) as WorkflowId,
          name: name ?? path,
          wave: waveUnderWay(numbered),
          waveCount: numbered.length,
          waves: numbered.map(({ number, tasks }) => ({ number, tasks: tasks.map(planTask) })),
        },
    waveTitles: new Map(numbered.map(({ number, title }) => [number, title])),
    details: new Map(),
    notes: [],
    derived: NOTHING_DERIVED,
    ...told(inOrder([...findings, ...dependencyFindings(dependents)])),
    edit: (edit) => editOf(numbered, edit),
  };
}

interface Wave {
  /** As the heading states it, which may begin with 0. */
  readonly stated: number;
  readonly title: string;
  /** Of its first heading; a deeper one that names the wave again is a part of it. */
  readonly level: number;
  /** What the heading says of all its tasks, if anything. */
  readonly status: TaskStatus | null;
  readonly begun: boolean;
  readonly tasks: Task[];
}

interface Task {
  readonly id: TaskId;
  readonly description: string;
  readonly status: TaskStatus;
  readonly line: Line;
  /** With its brackets; null for the row of a table. */
  readonly box: Span | null;
  readonly dependsOn: Dependency[];
}

function planTask({ id, description, status, dependsOn, line }: Task): PlanTask {
  const ids = new Set(dependsOn.map((dependency) => dependency.id).filter(isTaskId));
  return { id, description, status, dependsOn: [...ids], line: line.number };
}

/* ------------------------------------------------------------------ reading */

const WAVE = /^[^\p{L}\p{N}]*Wave\s+(\d{1,9})(?![\w.]\d)(?!\w)/iu;
const STATUS_WORDS: readonly (readonly [TaskStatus, RegExp])[] = [
  ['done', /✅|\b(?:completed?|done)\b/i],
  ['doing', /🚧|🔄|\bin progress\b/i],
  ['failed', /❌|\bfailed\b/i],
];
const BOX = /^[-*+][ \t]+\[([^[\]]*)\](?=\s|$)/;
const DEPENDS = /^[-*+][ \t]+(?:Depends(?: on)?|Dependencies):\s*/i;
const ID_COLUMN = /^(?:(?:task|feature|plan) )?id$|^task$/i;

function statusIn(text: string): TaskStatus | null {
  const short = text.slice(0, 400);
  return STATUS_WORDS.find(([, words]) => words.test(short))?.[0] ?? null;
}

interface Columns {
  readonly id: number;
  readonly description: number;
  readonly status: number;
  readonly dependsOn: number;
}

class WavesReader {
  private name: string | null = null;
  private readonly waves = new Map<number, Wave>();
  private readonly ids = new Set<string>();
  private readonly lineOf = new Map<string, number>();
  private readonly counts = new Map<string, number>();
  private readonly findings: Finding[] = [];
  private readonly conflicts = new ConflictScanner();
  private readonly hiding = new HidingScanner();
  private binary: Finding | null = null;
  private firstLine: Line | null = null;
  private wave: Wave | null = null;
  private task: Task | null = null;
  /** The heading row above, and what its columns mean once the line of dashes has come. */
  private header: string[] | null = null;
  private columns: Columns | null = null;

  read(line: Line): void {
    this.firstLine ??= line;
    this.binary ??= nulFinding(line);
    const conflict = this.conflicts.finding(line);
    if (conflict) this.findings.push(conflict);
    this.hiding.next(line);
    if (line.hidden !== null) return;
    const isRow = line.content.startsWith('|');
    if (!isRow) this.header = this.columns = null;
    if (line.content === '') return;
    const heading = headingOf(line);
    if (heading) this.readHeading(heading.level, line.content.slice(heading.textStart));
    else if (this.wave && isRow) this.readRow(line, this.wave);
    else if (this.wave) this.readItem(line, this.wave);
  }

  end(): { name: string | null; waves: readonly Wave[]; findings: readonly Finding[] } {
    const waves = [...this.waves.values()].sort((a, b) => a.stated - b.stated);
    if (this.binary) return { name: this.name, waves, findings: [this.binary] };
    const findings = [...this.findings, ...this.hiding.end()];
    if (this.firstLine && waves.every(({ tasks }) => tasks.length === 0)) {
      const message =
        'Wavelock finds no tasks here. It reads checkboxes “- [ ] **id**: description”, or the rows of a table with a column “ID”, below headings “## Wave 1”.';
      findings.push(finding('unknown_format', spanOf(this.firstLine), message));
    }
    return { name: this.name, waves, findings };
  }

  private readHeading(level: number, text: string): void {
    this.task = null;
    const match = WAVE.exec(text);
    const stated = Number(match?.[1] ?? NaN);
    if (match && stated <= MAX_WAVES) {
      const rest = text.slice(match[0].length);
      this.wave = this.waves.get(stated) ?? newWave(stated, level, rest, text);
      this.waves.set(stated, this.wave);
      return;
    }
    if (level === 1) this.name ??= text || null;
    if (this.wave && level <= this.wave.level) this.wave = null;
  }

  private readItem(line: Line, wave: Wave): void {
    const match = BOX.exec(line.content);
    const above = this.task;
    if (match && !(above ? line.indent >= above.line.indent + 2 : line.indent >= 4)) {
      this.addBox(line, match, wave);
    } else if (above && line.indent > above.line.indent) {
      const depends = DEPENDS.exec(line.content);
      if (depends) addDependencies(above, line, depends[0].length);
    }
  }

  private addBox(line: Line, [boxed, mark = '']: RegExpExecArray, wave: Wave): void {
    const box = spanOf(line, boxed.length - mark.length - 2, boxed.length);
    const status = BOX_STATUS.get(mark);
    if (status === undefined) {
      const message = `${quote(boxed)} is no checkbox. Write “- [ ] ” for to do, “- [~] ” for in progress, “- [x] ” for done or “- [!] ” for failed.`;
      const fix = fixOf('Write “[ ]”', { start: box.start, end: box.end, text: '[ ]' });
      this.findings.push(finding('invalid_checkbox', box, message, fix));
    }
    const text = line.content.slice(boxed.length).trim();
    const named = idIn(text);
    const at = spanOf(line, line.content.length - text.length);
    const id = named ? this.unused(named.id, at, line) : this.generated(wave, text);
    this.task = null;
    if (id === null) return;
    const description = named?.description ?? text;
    this.task = { id, description, status: status ?? 'todo', line, box, dependsOn: [] };
    wave.tasks.push(this.task);
  }

  /** Null for an id that stands there already; the first counts. */
  private unused(id: TaskId, at: Span, line: Line): TaskId | null {
    const first = this.lineOf.get(id);
    if (first === undefined && !this.ids.has(id)) {
      this.ids.add(id);
      this.lineOf.set(id, line.number);
      return id;
    }
    const where = first === undefined ? 'above' : `on line ${first + 1}`;
    const message = `Task ${quote(id)} stands ${where} already. Remove one of the two, or give it another id.`;
    this.findings.push(finding('duplicate_task', at, message));
    return null;
  }

  /** What the task says is its id, so that it keeps it when lines move. */
  private generated(wave: Wave, text: string): TaskId {
    const stem = `w${wave.stated}-${slugOf(text) || hashOf(text)}`;
    for (;;) {
      const count = (this.counts.get(stem) ?? 0) + 1;
      this.counts.set(stem, count);
      const id = count === 1 ? stem : `${stem}-${count}`;
      if (this.ids.has(id)) continue;
      this.ids.add(id);
      return id as TaskId;
    }
  }

  private readRow(line: Line, wave: Wave): void {
    this.task = null;
    const cells = cellsOf(line);
    if (this.columns) this.addRow(line, cells, this.columns, wave);
    else if (this.header && cells.length > 0 && cells.every(({ text }) => /^:?-+:?$/.test(text))) {
      this.columns = columnsOf(this.header);
    } else {
      this.header = cells.map(({ text }) => text);
    }
  }

  private addRow(line: Line, cells: readonly Cell[], columns: Columns, wave: Wave): void {
    const cell = (index: number) => cells[index]?.text ?? '';
    const name = cells[columns.id];
    const text = (name?.text ?? '').replace(/^(\*\*|`)(.*)\1$/, '$2');
    if (!name || !isTaskId(text)) return;
    const id = this.unused(text, spanOf(line, name.from, name.from + name.text.length), line);
    if (id === null) return;
    const own = columns.status < 0 ? null : (statusIn(cell(columns.status)) ?? 'todo');
    const dependsOn: Dependency[] = [];
    const needs = cells[columns.dependsOn];
    if (needs) {
      for (const found of needs.text.matchAll(/[^\s,;]+/g)) {
        const from = needs.from + found.index;
        if (!isTaskId(found[0]) || /^(?:none|n\/a|nothing|-+)$/i.test(found[0])) continue;
        const at = spanOf(line, from, from + found[0].length);
        dependsOn.push({ id: found[0], at, removal: null });
      }
    }
    // Of a wave that is under way its heading does not say which tasks are.
    const status = own ?? (wave.status === 'doing' ? 'todo' : (wave.status ?? 'todo'));
    wave.tasks.push({
      id,
      description: cell(columns.description),
      status,
      line,
      box: null,
      dependsOn,
    });
  }
}

function newWave(stated: number, level: number, rest: string, heading: string): Wave {
  const status = statusIn(rest);
  return { stated, title: heading, level, status, begun: status === 'doing', tasks: [] };
}

/** `**id**: description`, or `id: description` with a digit in the id: “Note: remember” names no task. */
function idIn(text: string): { id: TaskId; description: string } | null {
  const bold = /^\*\*([\w.-]{1,64}):?\*\*:?\s*/.exec(text);
  const plain = /^([\w.-]{1,64}):(?:\s+|$)/.exec(text);
  const match = bold ?? (plain && /\d/.test(plain[1] ?? '') ? plain : null);
  const id = match?.[1] ?? '';
  return match && isTaskId(id) ? { id, description: text.slice(match[0].length) } : null;
}

/** FNV-1a: the same text has the same id on every machine. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}

interface Cell {
  readonly text: string;
  /** In the line's content. */
  readonly from: number;
}

function cellsOf({ content }: Line): Cell[] {
  const cells: Cell[] = [];
  const inner = content.endsWith('|') && content.length > 1 ? content.length - 1 : content.length;
  for (let from = 1; from <= inner;) {
    let to = from;
    while (to < inner && (content[to] !== '|' || content[to - 1] === '\\')) to++;
    const raw = content.slice(from, to);
    cells.push({ text: raw.trim(), from: from + raw.length - raw.trimStart().length });
    from = to + 1;
  }
  return cells;
}

/** Null for a table that is not of tasks. */
function columnsOf(header: readonly string[]): Columns | null {
  const find = (name: RegExp) => header.findIndex((cell) => name.test(cell));
  const id = header.findIndex((cell) => /id$/i.test(cell) && ID_COLUMN.test(cell));
  const known = id >= 0 ? id : find(ID_COLUMN);
  if (known < 0) return null;
  return {
    id: known,
    description: find(/^(?:title|description|name|feature|what)$/i),
    status: find(/^(?:status|state)$/i),
    dependsOn: find(/^(?:dependencies|depends(?: on)?|blocked by|requires)$/i),
  };
}

function addDependencies(task: Task, line: Line, from: number): void {
  const items = line.content.slice(from).split(',');
  const alone: TextEdit = { start: lineStartOf(line), end: lineEndOf(line), text: '' };
  let start = from;
  for (const item of items) {
    const id = item.trim().replace(/^`([^`]*)`$/, '$1');
    const at = start + item.indexOf(id);
    if (id !== '' && !/^none$/i.test(id)) {
      const removal = items.length === 1 ? alone : null;
      task.dependsOn.push({ id, at: spanOf(line, at, at + id.length), removal });
    }
    start += item.length + 1;
  }
}

/* ------------------------------------------------------------------ edits */

function editOf(waves: readonly Wave[], edit: WorkflowEdit): EditAnswer {
  if (edit.kind !== 'task') {
    const what = edit.kind === 'wave' ? 'the wave under way' : 'notes';
    return cannot('not_in_format', `A checklist has no place for ${what}.`);
  }
  const task = waves.flatMap(({ tasks }) => tasks).find(({ id }) => id === edit.task);
  if (!task) return cannot('unknown_task', `The file has no task ${quote(edit.task)}.`);
  const unsaid = detailsIn(edit);
  if (task.status === edit.status) return can([], unsaid);
  if (!task.box) {
    return cannot(
      'not_in_format',
      `${quote(edit.task)} is a row of a table, which has no checkbox.`,
    );
  }
  const { start, end } = task.box;
  return can([{ start, end, text: BOX_OF[edit.status] }], unsaid);
}
