/**
 * The front matter of a Markdown file: the part of YAML that people write there. Keys of the first level with a
 * text, or a list of texts; what is nested deeper is passed over. Anchors, aliases and tags are refused and
 * never expanded, so that no file grows by being read; each line is looked at once.
 */
import { readLines, spanOf, type Line, type Span } from './lines';
import { finding, quote, type Finding } from './problems';

export interface FrontMatterValue {
  /** A single text is a list of one. */
  readonly values: readonly string[];
  readonly isList: boolean;
  /** Where the key stands. */
  readonly at: Span;
}

export interface FrontMatter {
  readonly values: ReadonlyMap<string, FrontMatterValue>;
  /** Zero-based line below it; 0 where there is none. */
  readonly nextLine: number;
  readonly findings: readonly Finding[];
}

const KEY = /^([\w.-]+|"[^"]*"|'[^']*')[ \t]*:(?:[ \t]+|$)/;

export function readFrontMatter(text: string): FrontMatter {
  const reader = new FrontMatterReader();
  let first: Line | null = null;
  for (const line of readLines(text)) {
    if (first === null) {
      if (line.content !== '---' || line.column > 0) return NONE;
      first = line;
    } else if (line.column === 0 && (line.content === '---' || line.content === '...')) {
      return reader.end(line.number + 1);
    } else {
      reader.read(line);
    }
  }
  if (!first || !reader.hasKeys) return NONE;
  return {
    ...NONE,
    findings: [
      invalid(spanOf(first), 'The front matter is never closed. End it with a line “---”.'),
    ],
  };
}

const NONE: FrontMatter = { values: new Map(), nextLine: 0, findings: [] };

function invalid(at: Span, message: string): Finding {
  return finding('invalid_front_matter', at, message);
}

interface OpenValue {
  readonly key: string;
  readonly at: Span;
  values: string[];
  isList: boolean;
  /** A list in brackets that goes on in the next line. */
  flow: FlowList | null;
}

class FrontMatterReader {
  private readonly values = new Map<string, FrontMatterValue>();
  private readonly findings: Finding[] = [];
  private open: OpenValue | null = null;

  get hasKeys(): boolean {
    return this.open !== null;
  }

  read(line: Line): void {
    const { content } = line;
    if (this.open?.flow) {
      this.readFlow(this.open, this.open.flow, content, line);
      return;
    }
    if (content === '' || content.startsWith('#')) return;
    if (/^-(?:[ \t]|$)/.test(content) && this.open) {
      // Deeper lists and maps are of no use here; their first line is an item all the same.
      if (this.open.values.length === 0) this.open.isList = true;
      if (this.open.isList) this.add(this.open, content.slice(1).trim(), line);
      return;
    }
    if (line.column > 0) return;
    const key = KEY.exec(content);
    if (!key) {
      const message = `${quote(content)} is no “key: value”. Write it so, or end the front matter with “---” above it.`;
      this.findings.push(invalid(spanOf(line), message));
      return;
    }
    this.close();
    const name = (key[1] ?? '').replace(/^(["'])(.*)\1$/, '$2');
    this.open = { key: name, at: spanOf(line), values: [], isList: false, flow: null };
    this.readValue(this.open, content.slice(key[0].length), line);
  }

  end(nextLine: number): FrontMatter {
    if (this.open?.flow) {
      this.findings.push(invalid(this.open.at, 'This list is never closed. End it with “]”.'));
    }
    this.close();
    return { values: this.values, nextLine, findings: this.findings };
  }

  private close(): void {
    const { open } = this;
    if (!open) return;
    const { key, at, values, isList } = open;
    if (!this.values.has(key)) this.values.set(key, { values, isList, at });
  }

  private readValue(open: OpenValue, text: string, line: Line): void {
    if (text.startsWith('[')) {
      open.isList = true;
      open.flow = new FlowList();
      this.readFlow(open, open.flow, text.slice(1), line);
    } else if (text !== '' && !/^[|>][+-]?\d*$/.test(text)) {
      this.add(open, text, line);
    }
  }

  private readFlow(open: OpenValue, list: FlowList, text: string, line: Line): void {
    if (!list.read(text)) return;
    open.flow = null;
    for (const item of list.items) this.add(open, item, line);
  }

  private add(open: OpenValue, text: string, line: Line): void {
    if (/^[&*!]/.test(text)) {
      const message = `${quote(text)}: anchors, aliases and tags are not read. Write the value itself, in quotation marks if it begins so.`;
      this.findings.push(invalid(spanOf(line), message));
      return;
    }
    const value = unquoted(text);
    if (value !== '') open.values.push(value);
  }
}

function withoutComment(text: string): string {
  const comment = text.search(/(?:^|[ \t])#/);
  return (
    comment < 0 || /["']/.test(text.slice(0, comment)) ? text : text.slice(0, comment)
  ).trimEnd();
}

function unquoted(text: string): string {
  const mark = text.charAt(0);
  if (mark !== '"' && mark !== "'") return withoutComment(text).trim();
  const end = text.indexOf(mark, 1);
  return end < 0 ? text.slice(1) : text.slice(1, end);
}

/** What stands between brackets, in one line or in several. */
class FlowList {
  /** Still in their quotation marks. */
  readonly items: string[] = [];
  private item = '';
  /** Looking through the item for it on each line would take the square of its length. */
  private isBlank = true;
  private mark = '';

  /** True once the bracket is closed; what stands within quotation marks does not count. */
  read(text: string): boolean {
    let start = 0;
    for (let index = 0; index < text.length; index++) {
      const character = text.charAt(index);
      if (this.mark !== '') {
        if (character === this.mark) this.mark = '';
      } else if (this.isBlank && (character === '"' || character === "'")) {
        this.mark = character;
        this.isBlank = false;
      } else if (character === ',' || character === ']') {
        this.items.push((this.item + text.slice(start, index)).trim());
        this.item = '';
        start = index + 1;
        this.isBlank = true;
        if (character === ']') return true;
      } else if (character === '#' && /^\s?$/.test(text.charAt(index - 1))) {
        this.item += text.slice(start, index);
        return false;
      } else if (character !== ' ' && character !== '\t') {
        this.isBlank = false;
      }
    }
    this.item += `${text.slice(start)} `;
    return false;
  }
}
