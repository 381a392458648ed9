/** Whole lines put into a text, so that the lines around them stay as they are. */
import type { TextEdit } from './document';

export interface Insertion {
  readonly text: string;
  /** Where a line starts, or the end of the text. */
  readonly at: number;
  readonly lines: readonly string[];
  readonly eol: string;
  /** Where to see to an empty line between these and their neighbours. */
  readonly apart?: { readonly before?: boolean; readonly after?: boolean };
}

export function insertLines({ text, at, lines, eol, apart = {} }: Insertion): TextEdit {
  const before = apart.before === true && !isBlankBefore(text, at) ? [''] : [];
  const after = apart.after === true && !isBlankAfter(text, at) ? [''] : [];
  const all = [...before, ...lines, ...after];
  // A last line without an end gets one, and the new last line has none in its turn.
  const [first = '', ...rest] = endsLine(text, at) ? [...all, ''] : ['', ...all];
  const put = [first, ...rest].join(eol);
  return { start: at, end: at, text: notGlued(put, text[at - 1], text[at]) };
}

/** Ends of line of two kinds must not become one where they meet. */
function notGlued(put: string, before: string | undefined, after: string | undefined): string {
  const start = before === '\r' && put.startsWith('\n') ? `\r${put.slice(1)}` : put;
  return after === '\n' && start.endsWith('\r') ? `${start.slice(0, -1)}\n` : start;
}

function endsLine(text: string, at: number): boolean {
  return at === 0 || (at === 1 && text.startsWith('\uFEFF')) || isEol(text[at - 1]);
}

/** True at the start of the text, too. */
export function isBlankBefore(text: string, at: number): boolean {
  let position = at;
  if (isEol(text[position - 1])) {
    position -= text[position - 1] === '\n' && text[position - 2] === '\r' ? 2 : 1;
  }
  for (; position > 0 && !isEol(text[position - 1]); position--) {
    if (!isSpace(text[position - 1])) return false;
  }
  return true;
}

/** True at the end of the text, too. */
export function isBlankAfter(text: string, at: number): boolean {
  return blankLineEnd(text, at) !== null;
}

/** Where the line after the blank line at `at` starts; null when that line is not blank. */
export function blankLineEnd(text: string, at: number): number | null {
  for (let position = at; position < text.length; position++) {
    const character = text[position];
    if (character === '\r') return text[position + 1] === '\n' ? position + 2 : position + 1;
    if (character === '\n') return position + 1;
    if (!isSpace(character)) return null;
  }
  return text.length;
}

function isEol(character: string | undefined): boolean {
  return character === '\n' || character === '\r';
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && character.trim() === '';
}
