/**
 * Lines of a Markdown text, read once from the front, with the little of Markdown that every reader here
 * needs to know: what is indented how far, and what is not meant, being code or commented out.
 *
 * Yields one line at a time: five million empty lines must not become five million objects at once.
 */

/** A piece of one line: `[start, end)` in UTF-16 units of the text; line and column are for people. */
export interface Span {
  /** Where there are several, the one that this is in. */
  readonly file?: string;
  readonly line: number;
  readonly column: number;
  readonly start: number;
  readonly end: number;
}

export interface Line {
  readonly number: number;
  /** Without indentation, trailing white space, byte order mark and end of line. */
  readonly content: string;
  /** Where `content` starts in the text, and in its line. */
  readonly start: number;
  readonly column: number;
  /** Width of the indentation; a tab reaches to the next multiple of four. */
  readonly indent: number;
  /** Where the end of line starts. */
  readonly end: number;
  readonly eol: string;
  /** The part of a code block or comment that this line is; null for a line that counts. */
  readonly hidden: 'opens' | 'inside' | 'closes' | 'whole' | null;
  readonly hiddenBy: 'fence' | 'comment' | null;
}

export function* readLines(text: string): Generator<Line> {
  const hiding = new HidingTracker();
  const ends = new LineEnds(text);
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  for (let number = 0; ; number++) {
    const eol = ends.next(start);
    const line = lineIn(text, { number, start, end: ends.at }, eol, hiding);
    yield line;
    if (eol === '') return;
    start = lineEndOf(line);
  }
}

/** Where a line that counts is: there may be very many, and nobody has to keep them all. */
export class LinePlace {
  readonly lineNumber: number;
  private readonly lineStart: number;
  private readonly contentStart: number;
  private readonly lineEnd: number;

  constructor(
    private readonly text: string,
    line: Line,
  ) {
    this.lineNumber = line.number;
    this.lineStart = lineStartOf(line);
    this.contentStart = line.start;
    this.lineEnd = line.end;
  }

  /** Of the line's content, without white space at its end. */
  protected contentFrom(from: number): string {
    return this.text.slice(this.contentStart + from, this.lineEnd).trimEnd();
  }

  /** Read once more. */
  get line(): Line {
    const { text, lineNumber: number, lineStart: start, lineEnd: end } = this;
    const isPair = text.startsWith('\r\n', end);
    return lineIn(text, { number, start, end }, text.slice(end, end + (isPair ? 2 : 1)), null);
  }
}

function lineIn(
  text: string,
  { number, start: lineStart, end }: Pick<Line, 'number' | 'start' | 'end'>,
  eol: string,
  hiding: HidingTracker | null,
): Line {
  let start = lineStart;
  let indent = 0;
  for (; start < end; start++) {
    const code = text.charCodeAt(start);
    if (code === SPACE) indent++;
    else if (code === TAB) indent += 4 - (indent % 4);
    else break;
  }
  const content = text.slice(start, end).trimEnd();
  const hidden = hiding?.next(content, indent) ?? null;
  const hiddenBy = hiding && hidden !== null ? hiding.kind : null;
  return { number, content, start, column: start - lineStart, indent, end, eol, hidden, hiddenBy };
}

const TAB = 9;
const SPACE = 32;

/** Finds ends of line without an object for each: a search that is behind the line already is not made again. */
class LineEnds {
  /** Where the last one that was asked for begins, or the end of the text. */
  at = 0;
  private lineFeed = -1;
  private carriageReturn = -1;

  constructor(private readonly text: string) {}

  next(from: number): string {
    const { text } = this;
    if (this.lineFeed < from) this.lineFeed = this.find('\n', from);
    if (this.carriageReturn < from) this.carriageReturn = this.find('\r', from);
    this.at = Math.min(this.lineFeed, this.carriageReturn, text.length);
    if (this.at === text.length) return '';
    if (this.at === this.lineFeed) return '\n';
    return this.lineFeed === this.at + 1 ? '\r\n' : '\r';
  }

  private find(mark: string, from: number): number {
    const at = this.text.indexOf(mark, from);
    return at < 0 ? Infinity : at;
  }
}

/** The span of `[from, to)` of a line's content. */
export function spanOf(line: Line, from = 0, to = line.content.length): Span {
  return {
    line: line.number,
    column: line.column + from,
    start: line.start + from,
    end: line.start + to,
  };
}

/** Where the line itself starts, before its indentation. */
export function lineStartOf(line: Line): number {
  return line.start - line.column;
}

/** Where the next line starts. */
export function lineEndOf(line: Line): number {
  return line.end + line.eol.length;
}

/** `#` to `######`; a level and where the heading's text starts in the content. */
export function headingOf(
  line: Line,
): { readonly level: number; readonly textStart: number } | null {
  if (line.indent >= 4 || line.hidden !== null || !line.content.startsWith('#')) return null;
  const match = HEADING.exec(line.content);
  return match && { level: match[1]?.length ?? 0, textStart: match[0].length };
}

const HEADING = /^(#{1,6})(?:[ \t]+|$)/;

interface Opened {
  readonly kind: 'fence' | 'comment';
  readonly mark: string;
  readonly length: number;
  /** What the lines in it are indented by at least, being below a list item; 0 outside lists. */
  readonly item: number;
}

class HidingTracker {
  kind: 'fence' | 'comment' = 'fence';
  private open: Opened | null = null;
  /**
   * What a line has to be indented by to be below the list item above; 0 outside lists. The outermost item
   * counts: whether there are items within it must not decide what a line further down is read as.
   */
  private item = 0;

  next(content: string, indent: number): Line['hidden'] {
    if (this.open) {
      if (content === '' || indent >= this.open.item) {
        if (!closes(content, this.open)) return 'inside';
        this.open = null;
        return 'closes';
      }
      // Neither can outlive its list item: an unclosed one below a task must not hide the next task.
      this.open = null;
    }
    if (content === '') return null;
    const item = this.follow(content, indent);
    if (indent >= (item === 0 ? 4 : item + 5)) return null;

    if (content.startsWith('<!--')) {
      this.kind = 'comment';
      // `<!-->` is whole, too.
      if (content.includes('-->', 2)) return 'whole';
      this.open = { kind: 'comment', mark: '-->', length: 0, item };
      return 'opens';
    }
    const mark = content.charAt(0);
    if (mark !== '`' && mark !== '~') return null;
    const length = runLength(content, mark);
    // Three backticks, text and three backticks on one line are inline code.
    if (length < 3 || (mark === '`' && content.includes('`', length))) return null;
    this.kind = 'fence';
    this.open = { kind: 'fence', mark, length, item };
    return 'opens';
  }

  private follow(content: string, indent: number): number {
    // Readers take a heading for the end of the list, wherever it stands.
    const isHeading = content.startsWith('#') && indent < 4 && HEADING.test(content);
    if (isHeading || indent < this.item) this.item = 0;
    // Readers take “-[ ]” for an item, too.
    if (this.item === 0 && /^[-*+](?:[ \t[]|$)/.test(content)) this.item = indent + 1;
    return this.item;
  }
}

function closes(content: string, { kind, mark, length }: Opened): boolean {
  if (kind === 'comment') return content.includes(mark);
  const run = runLength(content, mark);
  return run >= length && run === content.length;
}

function runLength(content: string, mark: string): number {
  let length = 0;
  while (content[length] === mark) length++;
  return length;
}
