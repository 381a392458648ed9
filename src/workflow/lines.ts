/**
 * Lines of a Markdown text, read once from the front, with the little of Markdown that every reader here
 * needs to know: what is indented how far, and what is only an example inside a code fence.
 *
 * Yields one line at a time: five million empty lines must not become five million objects at once.
 */

/** A piece of one line: `[start, end)` in UTF-16 units of the text; line and column are for people. */
export interface Span {
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
  readonly eol: string;
  /** The line's part in a code fence. */
  readonly fence: 'opens' | 'inside' | 'closes' | null;
}

export function* readLines(text: string): Generator<Line> {
  const endOfLine = /\r\n?|\n/g;
  const fences = new FenceTracker();
  let lineStart = text.startsWith('\uFEFF') ? 1 : 0;
  for (let number = 0; ; number++) {
    endOfLine.lastIndex = lineStart;
    const eol = endOfLine.exec(text);
    const lineEnd = eol?.index ?? text.length;

    let column = 0;
    let indent = 0;
    for (; lineStart + column < lineEnd; column++) {
      const character = text[lineStart + column];
      if (character === ' ') indent++;
      else if (character === '\t') indent += 4 - (indent % 4);
      else break;
    }
    const start = lineStart + column;
    const content = text.slice(start, lineEnd).trimEnd();
    const fence = fences.next(content, indent);
    yield { number, content, start, column, indent, eol: eol?.[0] ?? '', fence };

    if (!eol) return;
    lineStart = endOfLine.lastIndex;
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

class FenceTracker {
  private open: { mark: string; length: number; container: number } | null = null;
  /** Indentation that still belongs to the list item above; 0 outside lists. */
  private container = 0;

  next(content: string, indent: number): Line['fence'] {
    if (this.open) {
      const { mark, length, container } = this.open;
      if (content === '' || indent >= container) {
        const run = runLength(content, mark);
        if (run < length || run !== content.length) return 'inside';
        this.open = null;
        return 'closes';
      }
      // A fence cannot outlive its list item: an unclosed one below a task must not hide the next task.
      this.open = null;
    }
    if (content === '') return null;
    this.follow(content, indent);

    const mark = content.charAt(0);
    if ((mark !== '`' && mark !== '~') || indent >= this.container + 4) return null;
    const length = runLength(content, mark);
    // Three backticks, text and three backticks on one line are inline code.
    if (length < 3 || (mark === '`' && content.includes('`', length))) return null;
    this.open = { mark, length, container: this.container };
    return 'opens';
  }

  private follow(content: string, indent: number): void {
    if (/^[-*+][ \t]/.test(content)) this.container = indent + 2;
    else if (indent < this.container) this.container = indent < 2 ? 0 : indent;
  }
}

function runLength(content: string, mark: string): number {
  let length = 0;
  while (content[length] === mark) length++;
  return length;
}
