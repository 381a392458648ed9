/**
 * The native workflow file as written: where each field, section and task stands in the text. What it
 * means as a plan is for `stateMd.ts`; here is only what a line says by itself and under its headings.
 */
import type { TaskStatus } from '../core/model';
import type { Dependency } from './dependencies';
import type { TaskDetails } from './document';
import type { Line, Span } from './lines';
import { headingOf, lineEndOf, LinePlace, lineStartOf, readLines, spanOf } from './lines';
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
  /** Read anew by each that asks. */
  readonly line: Line;
  readonly lineNumber: number;
  /** With its brackets. */
  readonly box: Span;
  readonly status: TaskStatus;
  /** As written, which need not be an id. */
  readonly id: Token;
  readonly description: string;
  /** The `### Wave n` above, if any. */
  readonly wave: Token<number> | null;
  readonly dependsOn: readonly Dependency[];
  /** In the order of their lines; the first of a name counts. */
  readonly details: readonly Detail[];
  /** After the last of the lines that are indented below it. */
  readonly end: number;
  /** True when a code block or comment is still open there. */
  readonly open: boolean;
  /** False where other lines would be read otherwise if it were not there. */
  readonly movable: boolean;
}

export interface Detail extends Field {
  readonly name: keyof TaskDetails;
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
  const mayBeBinary = text.includes('\0');
  for (const line of readLines(text)) {
    reader ??= new SyntaxReader(text, line, mayBeBinary);
    reader.read(line);
  }
  if (!reader) throw new Error('a text has at least one line');
  return reader.end();
}

type Open<T> = { -readonly [Key in keyof T]: T[Key] };

function isItem({ content }: Line): boolean {
  return content.startsWith('-') || content.startsWith('*') || content.startsWith('+');
}

function endAt(part: Open<Part>, end: number, open: boolean): void {
  part.end = end;
  part.open = open;
}

interface OpenGroup extends Open<Group> {
  tasks: TaskEntry[];
}

interface OpenSection extends Open<Section> {
  groups: OpenGroup[];
  tasks: TaskEntry[];
}

/**
 * A large file has a hundred thousand tasks, each with its details: they know where they stand, and read their line
 * again when they are asked for it.
 */
class OpenTask extends LinePlace implements TaskEntry {
  dependsOn: Dependency[] = NO_DEPENDENCIES;
  details: Detail[] = NO_DETAILS;
  end: number;
  open = false;
  readonly id: Token;
  readonly indent: number;

  constructor(
    text: string,
    line: Line,
    private readonly places: TaskPlaces,
    readonly status: TaskStatus,
    readonly wave: Token<number> | null,
    public movable: boolean,
  ) {
    super(text, line);
    this.end = lineEndOf(line);
    this.indent = line.indent;
    const { idFrom, idTo } = places;
    this.id = new TextToken(line.content.slice(idFrom, idTo), this, idFrom);
  }

  /** The arrays of a few are made to measure: one that grows makes room for many. */
  add(detail: Detail): void {
    if (this.details.length < 4) this.details = [...this.details, detail];
    else this.details.push(detail);
  }

  get box(): Span {
    return spanOf(this.line, this.places.boxFrom, this.places.boxTo);
  }

  get description(): string {
    return this.contentFrom(this.places.descriptionFrom).trimStart();
  }
}

/** In the content of the task's line. */
interface TaskPlaces {
  readonly boxFrom: number;
  readonly boxTo: number;
  readonly idFrom: number;
  readonly idTo: number;
  readonly descriptionFrom: number;
}

class TextToken implements Token {
  constructor(
    readonly value: string,
    private readonly place: LinePlace,
    private readonly from: number,
  ) {}

  get at(): Span {
    return spanOf(this.place.line, this.from, this.from + this.value.length);
  }
}

const NO_DEPENDENCIES: Dependency[] = [];
const NO_DETAILS: Detail[] = [];

class OpenDetail extends LinePlace implements Detail {
  constructor(
    text: string,
    line: Line,
    readonly name: keyof TaskDetails,
    private readonly from: number,
  ) {
    super(text, line);
  }

  get value(): string {
    return this.contentFrom(this.from);
  }

  get at(): Span {
    return spanOf(this.line, this.from);
  }
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

  constructor(
    private readonly text: string,
    private readonly firstLine: Line,
    private readonly mayBeBinary: boolean,
  ) {}

  read(line: Line): void {
    if (this.mayBeBinary) this.binary ??= nulFinding(line);
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
    endAt(this.whole, end, open);
    if (this.group) endAt(this.group, end, open);
    if (this.inNotes) endAt(this.inNotes, end, open);
    if (!above || line.hidden === 'inside' || line.hidden === 'closes') {
      if (this.task && this.inTask) endAt(this.task, end, open);
      return;
    }
    const indented = line.indent > above.indent;
    if (this.task !== above) {
      // A heading ends a task wherever it stands; a task below it would lose what it is indented to.
      if (this.task && line.indent > 0) above.movable = false;
    } else if (this.inTask && indented) {
      endAt(above, end, open);
    } else {
      // A line of text right below a task goes on with its sentence.
      const goesOn = this.inTask && !this.afterBlank && line.hidden === null;
      this.inTask = false;
      if (line.indent > 0 || (goesOn && !BLOCK.test(line.content))) above.movable = false;
    }
  }

  private passHidden({ hidden, indent }: Line): void {
    const begins = hidden === 'opens' || hidden === 'whole';
    const ofTask = this.task !== null && this.inTask && (!begins || indent > this.task.indent);
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
    const match = isItem(line) ? BOX.exec(line.content) : null;
    const rest = match ? line.content.slice(match[0].length) : '';
    // `[text](target)` and `[text][name]` are links.
    if (match && !/^[([]/.test(rest) && this.isTask(line, rest)) {
      this.addTask(line, match, section);
      return;
    }
    if (!this.task || line.indent <= this.task.indent) {
      if (this.group) this.group.remarks = true;
      return;
    }
    // Below a line that has ended the task it says nothing of it: what an edit puts beside it could end there, too.
    const detail = this.inTask && isItem(line) ? DETAIL.exec(line.content) : null;
    const name = detail?.[1]?.toLowerCase();
    if (!detail || !name) return;
    const from = detail[0].length;
    if (name === 'depends') {
      if (this.task.dependsOn === NO_DEPENDENCIES) this.task.dependsOn = [];
      addDependencies(this.task.dependsOn, line, from);
      return;
    }
    this.task.add(new OpenDetail(this.text, line, name as keyof TaskDetails, from));
  }

  /**
   * A box below a task is one of that task's own steps, unless it has a bold id: such a task was indented
   * by accident, and a plan must not lose it.
   */
  private isTask(line: Line, rest: string): boolean {
    const nested = this.task ? line.indent >= this.task.indent + 2 : line.indent >= 4;
    return !nested || (this.task !== null && rest.trimStart().startsWith('**'));
  }

  private addTask(line: Line, match: RegExpExecArray, section: OpenSection): void {
    const [boxed, gap = '', mark = ''] = match;
    const rest = line.content.slice(boxed.length);
    const status = BOX_STATUS.get(mark);
    if (status === undefined || gap === '' || /^\S/.test(rest)) {
      const box = spanOf(line, boxed.length - mark.length - 2, boxed.length);
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
      const box = spanOf(line, boxed.length - mark.length - 2, boxed.length);
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
    const boxTo = boxed.length;
    this.task = new OpenTask(
      this.text,
      line,
      { boxFrom: boxTo - mark.length - 2, boxTo, ...readTaskText(line.content, textStart) },
      mark === ' ' && section.status === 'failed' ? 'failed' : (status ?? section.status),
      this.group?.wave ?? null,
      // Where it ends an open code block, the next line would have to.
      line.indent === 0 && !this.whole.open,
    );
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
function readTaskText(
  content: string,
  from: number,
): Pick<TaskPlaces, 'idFrom' | 'idTo' | 'descriptionFrom'> {
  const bold = content.startsWith('**', from);
  const closing = bold ? content.indexOf('**', from + 2) : content.indexOf(':', from);
  const { length } = content;
  if (closing < 0) return { idFrom: from, idTo: length, descriptionFrom: length };
  if (!bold) return { idFrom: from, idTo: closing, descriptionFrom: closing + 1 };
  if (content[closing - 1] === ':')
    return { idFrom: from + 2, idTo: closing - 1, descriptionFrom: closing + 2 };
  const colon = content[closing + 2] === ':' ? 1 : 0;
  return { idFrom: from + 2, idTo: closing, descriptionFrom: closing + 2 + colon };
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
