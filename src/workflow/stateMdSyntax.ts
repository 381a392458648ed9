/**
 * The native workflow file as written: where each field, section and task stands in the text. What it
 * means as a plan is for `stateMd.ts`; here is only what a line says by itself and under its headings.
 */
import type { TaskStatus } from '../core/model';
import type { Dependency } from './dependencies';
import type { TaskDetails } from './document';
import type { Line, Span } from './lines';
import { headingOf, lineEndOf, lineStartOf, readLines, spanOf } from './lines';
import {
  ConflictScanner,
  finding,
  fixOf,
  HidingScanner,
  nulFinding,
  quote,
  type Finding,
} from './problems';
import { BOX_OF, BOX_STATUS } from './taskText';

export type FieldName = 'title' | 'id' | 'status' | 'started' | 'updated' | 'progress';

/** A piece of text that means something, and where it stands. */
export interface Token<Value = string> {
  readonly value: Value;
  readonly at: Span;
}

export interface Field extends Token {
  readonly line: Line;
}

export interface Section {
  readonly line: Line;
  /** What an empty box would claim here; boxes decide. */
  readonly status: TaskStatus;
  readonly count: Token<number> | null;
  /** At least one: what stands above the first wave heading, if only nothing. */
  readonly groups: readonly Group[];
  readonly tasks: readonly TaskEntry[];
}

/** A part of the file up to the next heading that ends it. */
export interface Part {
  /** After its last line that is not blank. */
  readonly end: number;
  /** True when a code block or comment is still open there. */
  readonly open: boolean;
}

/** What stands under one `### Wave n`. */
export interface Group extends Part {
  /** Null above the first wave heading. */
  readonly heading: Line | null;
  readonly wave: Token<number> | null;
  readonly tasks: readonly TaskEntry[];
  /** True when there is more than tasks, or more in the heading than its wave. */
  readonly remarks: boolean;
}

export interface TaskEntry {
  readonly line: Line;
  /** With its brackets. */
  readonly box: Span;
  readonly status: TaskStatus;
  /** As written, which need not be an id. */
  readonly id: Token;
  readonly description: string;
  /** The `### Wave n` above, if any. */
  readonly wave: Token<number> | null;
  readonly dependsOn: readonly Dependency[];
  /** Under one name at least one; the first counts. */
  readonly details: ReadonlyMap<keyof TaskDetails, readonly Field[]>;
  /** After the last of the lines that are indented below it. */
  readonly end: number;
  /** True when a code block or comment is still open there. */
  readonly open: boolean;
  /** False where other lines would be read otherwise if it were not there. */
  readonly movable: boolean;
}

export interface Notes extends Part {
  readonly line: Line;
}

export interface StateMdSyntax {
  readonly firstLine: Line;
  /** The first of each name. */
  readonly fields: ReadonlyMap<FieldName, Field>;
  /** The text of the first heading of level 1, above the first part. */
  readonly heading: Token | null;
  readonly sections: readonly Section[];
  /** Texts of the list items under all headings “Notes”; only the first such part is added to. */
  readonly notes: readonly string[];
  readonly notesPart: Notes | null;
  /** The first heading “Metadata”. */
  readonly metadata: Line | null;
  readonly whole: Part;
  /** Only what a line shows by itself. */
  readonly findings: readonly Finding[];
  readonly binary: Finding | null;
}

const FIELD_NAMES: ReadonlyMap<string, FieldName> = new Map([
  ['workflow id', 'id'],
  ['status', 'status'],
  ['started', 'started'],
  ['updated', 'updated'],
  ['progress', 'progress'],
]);

const SECTION_STATUS: ReadonlyMap<string, TaskStatus> = new Map([
  ['completed', 'done'],
  ['in progress', 'doing'],
  ['pending', 'todo'],
  ['failed', 'failed'],
]);

/*
 * Every pattern below is anchored at the start of a line's content and never has two quantifiers in a row
 * that can match the same character, so that each is linear in the line.
 */
const FIELD = /^\*\*(Workflow ID|Status|Started|Updated|Progress):\*\*\s*/i;
const TITLE = /^Workflow:\s*/i;
const SECTION =
  /^[^\p{L}\p{N}]*(completed|in progress|pending|failed)\s*(?:\(\s*(\d+)\s+tasks?\s*\)|\(|$)/diu;
const WAVE = /^Wave\s+(\d+)(?!\w|\.\d)/di;
const WAVE_WITHOUT_NUMBER = /^Wave(?=\s|$)/i;
const BOX = /^[-*+]([ \t]*)\[([^[\]]*)\]/;
const PLAIN_WAVE = /^Wave\s+\d+$/i;
const NOTES = /^[^\p{L}\p{N}]*(notes|metadata)$/iu;
const DETAIL = /^[-*+][ \t]+(Depends|Commit|Files|Error)(?:(?<=s) on)?:\s*/i;
/** Begins something of its own: an item, a quote, a table, a rule, or a side of a conflict. */
const BLOCK = /^(?:[-*+>|]|\d+[.)]|[<=>]{7})/;
const ITEM = /^[-*+][ \t]+/;

export function readSyntax(text: string): StateMdSyntax {
  let reader: SyntaxReader | null = null;
  for (const line of readLines(text)) {
    reader ??= new SyntaxReader(line);
    reader.read(line);
  }
  if (!reader) throw new Error('a text has at least one line');
  return reader.end();
}

type Open<T> = { -readonly [Key in keyof T]: T[Key] };

interface OpenGroup extends Open<Group> {
  tasks: TaskEntry[];
}

interface OpenSection extends Open<Section> {
  groups: OpenGroup[];
  tasks: TaskEntry[];
}

interface OpenTask extends Open<TaskEntry> {
  dependsOn: Dependency[];
  details: Map<keyof TaskDetails, Field[]>;
}

class SyntaxReader {
  private readonly fields = new Map<FieldName, Field>();
  private heading: Token | null = null;
  private readonly sections: OpenSection[] = [];
  private readonly notes: string[] = [];
  private readonly findings: Finding[] = [];
  private readonly conflicts = new ConflictScanner();
  private readonly hiding = new HidingScanner();
  private readonly whole: Open<Part> = { end: 0, open: false };
  private binary: Finding | null = null;
  private inHeader = true;
  private afterBlank = false;
  private section: OpenSection | null = null;
  private group: OpenGroup | null = null;
  private task: OpenTask | null = null;
  /** True while lines still belong to `task`. */
  private inTask = false;
  private notesPart: Open<Notes> | null = null;
  private inNotes: Open<Notes> | null = null;
  private metadata: Line | null = null;

  constructor(private readonly firstLine: Line) {}

  read(line: Line): void {
    this.binary ??= nulFinding(line);
    const conflict = this.conflicts.finding(line);
    if (conflict) this.findings.push(conflict);
    this.hiding.next(line);
    if (line.content === '') {
      this.afterBlank = true;
      return;
    }
    const { task } = this;
    const heading = headingOf(line);
    if (heading) this.readHeading(line, heading.level, heading.textStart);
    else if (line.hidden !== null) this.passHidden(line);
    else if (this.inHeader) this.readField(line);
    else if (this.section) this.readItem(line, this.section);
    else if (this.inNotes) this.readNote(line);
    this.follow(line, task);
    this.afterBlank = false;
  }

  end(): StateMdSyntax {
    this.findings.push(...this.hiding.end());
    const { firstLine, fields, heading, sections, notes, notesPart, metadata } = this;
    const { whole, findings, binary } = this;
    return {
      ...{ firstLine, fields, heading, sections, notes, notesPart, metadata },
      ...{ whole, findings, binary },
    };
  }

  /** Carries on where the parts end that this line is in; `above` is the task before it. */
  private follow(line: Line, above: OpenTask | null): void {
    const end = lineEndOf(line);
    const open = this.hiding.isOpen;
    for (const part of [this.whole, this.group, this.inNotes]) {
      if (!part) continue;
      part.end = end;
      part.open = open;
    }
    if (!above || line.hidden === 'inside' || line.hidden === 'closes') {
      if (this.task && this.inTask) Object.assign(this.task, { end, open });
      return;
    }
    const indented = line.indent > above.line.indent;
    if (this.task !== above) {
      // A heading ends a task wherever it stands; a task below it would lose what it is indented to.
      if (this.task && line.indent > 0) above.movable = false;
    } else if (this.inTask && indented) {
      Object.assign(above, { end, open });
    } else {
      // A line of text right below a task goes on with its sentence.
      const goesOn = this.inTask && !this.afterBlank && line.hidden === null;
      this.inTask = false;
      if (line.indent > 0 || (goesOn && !BLOCK.test(line.content))) above.movable = false;
    }
  }

  private passHidden({ hidden, indent }: Line): void {
    const begins = hidden === 'opens' || hidden === 'whole';
    const ofTask = this.task !== null && this.inTask && (!begins || indent > this.task.line.indent);
    if (this.group && !ofTask) this.group.remarks = true;
  }

  private readHeading(line: Line, level: number, textStart: number): void {
    const text = line.content.slice(textStart);
    if (level === 1) {
      this.leaveSection();
      if (this.inHeader) this.heading ??= { value: text, at: spanOf(line, textStart) };
      const title = TITLE.exec(text);
      if (title && this.inHeader) this.addField('title', line, textStart + title[0].length);
    } else if (level === 2) {
      this.inHeader = false;
      this.leaveSection();
      this.openSection(line, text, textStart);
    } else if (level === 3 && this.section) {
      this.readWave(line, text, textStart, this.section);
    } else if (this.group) {
      this.group.remarks = true;
    }
    this.task = null;
    this.inTask = false;
  }

  private leaveSection(): void {
    this.section = null;
    this.group = null;
    this.inNotes = null;
  }

  private openSection(line: Line, text: string, textStart: number): void {
    const match = SECTION.exec(text);
    const status = SECTION_STATUS.get(match?.[1]?.toLowerCase() ?? '');
    if (match && status) {
      const count = numberAt(line, match, 2, textStart);
      this.section = { line, status, count, groups: [], tasks: [] };
      this.sections.push(this.section);
      this.openGroup(this.section, null, null, false);
      return;
    }
    const part = NOTES.exec(text)?.[1]?.toLowerCase();
    if (part === 'metadata') {
      this.metadata ??= line;
    } else if (part === 'notes') {
      this.inNotes = { line, end: 0, open: false };
      this.notesPart ??= this.inNotes;
    }
  }

  private openGroup(
    section: OpenSection,
    heading: Line | null,
    wave: Token<number> | null,
    remarks: boolean,
  ): void {
    this.group = { heading, wave, tasks: [], remarks, end: 0, open: false };
    section.groups.push(this.group);
  }

  private readWave(line: Line, text: string, textStart: number, section: OpenSection): void {
    const match = WAVE.exec(text);
    const wave = match && numberAt(line, match, 1, textStart);
    if (wave) {
      this.openGroup(section, line, wave, !PLAIN_WAVE.test(text));
      return;
    }
    if (this.group) this.group.remarks = true;
    if (!WAVE_WITHOUT_NUMBER.test(text)) return;
    this.findings.push(
      finding(
        'wave_out_of_range',
        spanOf(line),
        'This heading names no wave. Write “### Wave 1”, with the number of the wave.',
      ),
    );
  }

  private readField(line: Line): void {
    const match = line.indent < 4 ? FIELD.exec(line.content) : null;
    const name = FIELD_NAMES.get(match?.[1]?.toLowerCase() ?? '');
    if (match && name) this.addField(name, line, match[0].length);
  }

  private addField(name: FieldName, line: Line, from: number): void {
    const first = this.fields.get(name);
    if (!first) {
      this.fields.set(name, { line, value: line.content.slice(from), at: spanOf(line, from) });
      return;
    }
    const start = lineStartOf(line);
    this.findings.push(
      finding(
        'duplicate_field',
        spanOf(line),
        `Line ${first.line.number + 1} says this already, and the first counts. Remove one of the two.`,
        fixOf('Remove this line', { start, end: lineEndOf(line), text: '' }),
      ),
    );
  }

  private readNote(line: Line): void {
    const item = ITEM.exec(line.content);
    if (item) this.notes.push(line.content.slice(item[0].length));
  }

  private readItem(line: Line, section: OpenSection): void {
    const match = BOX.exec(line.content);
    const rest = match ? line.content.slice(match[0].length) : '';
    // `[text](target)` and `[text][name]` are links.
    if (match && !/^[([]/.test(rest) && this.isTask(line, rest)) {
      this.addTask(line, match, section);
      return;
    }
    if (!this.task || line.indent <= this.task.line.indent) {
      if (this.group) this.group.remarks = true;
      return;
    }
    const detail = DETAIL.exec(line.content);
    const name = detail?.[1]?.toLowerCase();
    if (!detail || !name) return;
    const from = detail[0].length;
    if (name === 'depends') {
      addDependencies(this.task.dependsOn, line, from);
      return;
    }
    const field = { line, value: line.content.slice(from), at: spanOf(line, from) };
    const fields = this.task.details.get(name as keyof TaskDetails);
    if (fields) fields.push(field);
    else this.task.details.set(name as keyof TaskDetails, [field]);
  }

  /**
   * A box below a task is one of that task's own steps, unless it has a bold id: such a task was indented
   * by accident, and a plan must not lose it.
   */
  private isTask(line: Line, rest: string): boolean {
    const nested = this.task ? line.indent >= this.task.line.indent + 2 : line.indent >= 4;
    return !nested || (this.task !== null && rest.trimStart().startsWith('**'));
  }

  private addTask(line: Line, match: RegExpExecArray, section: OpenSection): void {
    const [boxed, gap = '', mark = ''] = match;
    const box = spanOf(line, boxed.length - mark.length - 2, boxed.length);
    const rest = line.content.slice(boxed.length);
    const status = BOX_STATUS.get(mark);
    if (status === undefined || gap === '' || /^\S/.test(rest)) {
      const meant = status === undefined ? boxIn(section, section.status) : `[${mark}]`;
      const text = `${gap === '' ? ' ' : ''}${meant}${/^\S/.test(rest) ? ' ' : ''}`;
      this.findings.push(
        finding(
          'invalid_checkbox',
          box,
          `${quote(boxed)} is no checkbox. Write “- [ ] ” for to do, “- [~] ” for in progress, “- [x] ” for done or “- [!] ” for failed.`,
          fixOf(`Write “${meant}”`, { start: box.start, end: box.end, text }),
        ),
      );
    } else if (mark === '-') {
      this.findings.push(
        finding(
          'unknown_checkbox',
          box,
          '“[-]” is read as to do. Write “[ ]”, or “[~]” if the task is in progress.',
          // An empty box among the failed would be a failure.
          section.status === 'failed'
            ? null
            : fixOf('Write “[ ]”', { start: box.start, end: box.end, text: '[ ]' }),
        ),
      );
    }
    const textStart = line.content.length - rest.trimStart().length;
    this.task = {
      line,
      box,
      status: mark === ' ' && section.status === 'failed' ? 'failed' : (status ?? section.status),
      ...readTaskText(line, textStart),
      wave: this.group?.wave ?? null,
      dependsOn: [],
      details: new Map(),
      end: lineEndOf(line),
      open: false,
      // Where it ends an open code block, the next line would have to.
      movable: line.indent === 0 && !this.whole.open,
    };
    this.inTask = true;
    section.tasks.push(this.task);
    this.group?.tasks.push(this.task);
  }
}

/** The box that says `status` in a section, whose own status an empty box takes. */
export function boxIn(section: Pick<Section, 'status'>, status: TaskStatus): string {
  if (section.status !== 'failed') return BOX_OF[status];
  return status === 'failed' ? '[ ]' : status === 'todo' ? '[-]' : BOX_OF[status];
}

/** The number that a group of a match holds; the match began `offset` into the line's content. */
export function numberAt(
  line: Line,
  match: RegExpExecArray,
  group: number,
  offset: number,
): Token<number> | null {
  const place = match.indices?.[group];
  if (!place) return null;
  return { value: Number(match[group]), at: spanOf(line, offset + place[0], offset + place[1]) };
}

/** `**id**: description`, `**id:** description`, `id: description` or an id alone. */
function readTaskText(line: Line, from: number): Pick<TaskEntry, 'id' | 'description'> {
  const { content } = line;
  const taskText = (idStart: number, idEnd: number, descriptionStart: number) => ({
    id: { value: content.slice(idStart, idEnd), at: spanOf(line, idStart, idEnd) },
    description: content.slice(descriptionStart).trim(),
  });
  const bold = content.startsWith('**', from);
  const closing = bold ? content.indexOf('**', from + 2) : content.indexOf(':', from);
  if (closing < 0) return taskText(from, content.length, content.length);
  if (!bold) return taskText(from, closing, closing + 1);
  if (content[closing - 1] === ':') return taskText(from + 2, closing - 1, closing + 2);
  const colon = content[closing + 2] === ':' ? 1 : 0;
  return taskText(from + 2, closing, closing + 2 + colon);
}

function addDependencies(dependencies: Dependency[], line: Line, from: number): void {
  const items = line.content.slice(from).split(',');
  const alone = items.filter((item) => item.trim() !== '').length === 1;
  const gapAfterComma = 1 + (/^\s*/.exec(items[1] ?? '')?.[0].length ?? 0);
  let start = from;
  for (const [index, item] of items.entries()) {
    const id = item.trim().replace(/^`([^`]*)`$/, '$1');
    const at = start + item.indexOf(id);
    if (id !== '') {
      dependencies.push({
        id,
        at: spanOf(line, at, at + id.length),
        removal: alone
          ? { start: lineStartOf(line), end: lineEndOf(line), text: '' }
          : {
              // With the comma before it, or for the first with all up to the second.
              start: line.start + (index > 0 ? start - 1 : from),
              end: line.start + start + item.length + (index > 0 ? 0 : gapAfterComma),
              text: '',
            },
      });
    }
    start += item.length + 1;
  }
}
