/**
 * The native workflow file as written: where each field, section and task stands in the text. What it
 * means as a plan is for `stateMd.ts`; here is only what a line says by itself and under its headings.
 */
import type { Problem, TaskStatus } from '../core/model';
import type { Line, Span } from './lines';
import { readLines, spanOf } from './lines';
import type { Dependency } from './problems';
import { ConflictScanner, error, nulProblem, quote, warning } from './problems';

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
  /** What an empty box would claim here; boxes decide. */
  readonly status: TaskStatus;
  readonly count: Token<number> | null;
  readonly waves: readonly Token<number>[];
  readonly tasks: readonly TaskEntry[];
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
}

export interface StateMdSyntax {
  readonly firstLine: Line;
  /** The first of each name. */
  readonly fields: ReadonlyMap<FieldName, Field>;
  readonly sections: readonly Section[];
  /** Only what a line shows by itself. */
  readonly problems: readonly Problem[];
  readonly binary: Problem | null;
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

const BOX_STATUS: ReadonlyMap<string, TaskStatus> = new Map([
  ['x', 'done'],
  ['X', 'done'],
  ['~', 'doing'],
  [' ', 'todo'],
  ['!', 'failed'],
  ['-', 'todo'],
]);

/*
 * Every pattern below is anchored at the start of a line's content and never has two quantifiers in a row
 * that can match the same character, so that each is linear in the line.
 */
const FIELD = /^\*\*(Workflow ID|Status|Started|Updated|Progress):\*\*\s*/i;
const TITLE = /^Workflow:\s*/i;
const HEADING = /^(#{1,6})(?:[ \t]+|$)/;
const SECTION =
  /^[^\p{L}\p{N}]*(completed|in progress|pending|failed)\s*(?:\(\s*(\d+)\s+tasks?\s*\)|\(|$)/diu;
const WAVE = /^Wave\s+(\d+)(?!\w|\.\d)/di;
const WAVE_WITHOUT_NUMBER = /^Wave(?=\s|$)/i;
const BOX = /^[-*+]([ \t]*)\[([^[\]]*)\]/;
const DEPENDS = /^[-*+][ \t]+Depends:/i;

export function readSyntax(text: string): StateMdSyntax {
  let reader: SyntaxReader | null = null;
  for (const line of readLines(text)) {
    reader ??= new SyntaxReader(line);
    reader.read(line);
  }
  if (!reader) throw new Error('a text has at least one line');
  return reader.end();
}

interface OpenSection extends Section {
  readonly waves: Token<number>[];
  readonly tasks: OpenTask[];
}

interface OpenTask extends TaskEntry {
  readonly dependsOn: Dependency[];
}

class SyntaxReader {
  private readonly fields = new Map<FieldName, Field>();
  private readonly sections: OpenSection[] = [];
  private readonly problems: Problem[] = [];
  private readonly conflicts = new ConflictScanner();
  private binary: Problem | null = null;
  private fenceOpener: Line | null = null;
  private inHeader = true;
  private section: OpenSection | null = null;
  private wave: Token<number> | null = null;
  private task: OpenTask | null = null;

  constructor(private readonly firstLine: Line) {}

  read(line: Line): void {
    this.binary ??= nulProblem(line);
    const conflict = this.conflicts.problem(line);
    if (conflict) this.problems.push(conflict);

    if (line.fence === 'opens') this.fenceOpener = line;
    if (line.fence === null || line.fence === 'closes') this.fenceOpener = null;
    if (line.fence !== null || line.content === '') return;

    const heading = line.indent < 4 ? HEADING.exec(line.content) : null;
    if (heading) this.readHeading(line, heading[1]?.length ?? 0, heading[0].length);
    else if (this.inHeader) this.readField(line);
    else if (this.section) this.readItem(line, this.section);
  }

  end(): StateMdSyntax {
    if (this.fenceOpener) {
      this.problems.push(
        warning(
          spanOf(this.fenceOpener),
          'unclosed_fence',
          'This code block is never closed, so that everything below it is read as code. Close it.',
        ),
      );
    }
    const { firstLine, fields, sections, problems, binary } = this;
    return { firstLine, fields, sections, problems, binary };
  }

  private readHeading(line: Line, level: number, textStart: number): void {
    const text = line.content.slice(textStart);
    if (level === 1) {
      this.section = null;
      const title = TITLE.exec(text);
      if (title && this.inHeader) this.addField('title', line, textStart + title[0].length);
    } else if (level === 2) {
      this.inHeader = false;
      this.wave = null;
      this.section = this.openSection(line, text, textStart);
    } else if (level === 3 && this.section) {
      this.readWave(line, text, textStart, this.section);
    }
    this.task = null;
  }

  private openSection(line: Line, text: string, textStart: number): OpenSection | null {
    const match = SECTION.exec(text);
    const status = SECTION_STATUS.get(match?.[1]?.toLowerCase() ?? '');
    if (!match || !status) return null;
    const section = { status, count: numberAt(line, match, 2, textStart), waves: [], tasks: [] };
    this.sections.push(section);
    return section;
  }

  private readWave(line: Line, text: string, textStart: number, section: OpenSection): void {
    const match = WAVE.exec(text);
    const wave = match && numberAt(line, match, 1, textStart);
    if (wave) {
      section.waves.push(wave);
      this.wave = wave;
    } else if (WAVE_WITHOUT_NUMBER.test(text)) {
      this.problems.push(
        error(
          spanOf(line),
          'wave_out_of_range',
          'This heading names no wave. Write “### Wave 1”, with the number of the wave.',
        ),
      );
    }
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
    this.problems.push(
      warning(
        spanOf(line),
        'duplicate_field',
        `Line ${first.line.number + 1} says this already, and the first counts. Remove one of the two.`,
      ),
    );
  }

  private readItem(line: Line, section: OpenSection): void {
    const match = BOX.exec(line.content);
    const rest = match ? line.content.slice(match[0].length) : '';
    // `[text](target)` and `[text][name]` are links.
    if (match && !/^[([]/.test(rest) && this.isTask(line, rest)) {
      this.addTask(line, match, section);
    } else if (this.task && line.indent > this.task.line.indent && DEPENDS.test(line.content)) {
      addDependencies(this.task.dependsOn, line);
    }
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
      this.problems.push(
        error(
          box,
          'invalid_checkbox',
          `${quote(boxed)} is no checkbox. Write “- [ ] ” for to do, “- [~] ” for in progress, “- [x] ” for done or “- [!] ” for failed.`,
        ),
      );
    } else if (mark === '-') {
      this.problems.push(
        warning(
          box,
          'unknown_checkbox',
          '“[-]” is read as to do. Write “[ ]”, or “[~]” if the task is in progress.',
        ),
      );
    }
    const textStart = line.content.length - rest.trimStart().length;
    this.task = {
      line,
      box,
      status: mark === ' ' && section.status === 'failed' ? 'failed' : (status ?? section.status),
      ...readTaskText(line, textStart),
      wave: this.wave,
      dependsOn: [],
    };
    section.tasks.push(this.task);
  }
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

function addDependencies(dependencies: Dependency[], line: Line): void {
  let start = line.content.indexOf(':') + 1;
  for (const item of line.content.slice(start).split(',')) {
    const id = item.trim().replace(/^`([^`]*)`$/, '$1');
    const from = start + item.indexOf(id);
    if (id !== '') dependencies.push({ id, at: spanOf(line, from, from + id.length) });
    start += item.length + 1;
  }
}
