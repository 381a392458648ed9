/** How text gets to a terminal: harmless, in columns, in colour where there is one. */

/** Whom an answer is shown to. */
export interface Look {
  readonly paint: Paint;
  /** Width of the terminal; undefined when the output goes elsewhere and nothing has to be cut. */
  readonly columns: number | undefined;
  /** Ages and times that are left count from here. */
  readonly now: number;
}

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
}

export function painter(colour: boolean): Paint {
  const wrap = (open: number, close: number) => (text: string) =>
    colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    red: wrap(31, 39),
    green: wrap(32, 39),
    yellow: wrap(33, 39),
    cyan: wrap(36, 39),
  };
}

/** What hides in a text, turns its direction, or steers a terminal. */
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Text of others must not steer the terminal: control and direction characters are shown, not sent. */
export function printable(text: string): string {
  return text.replace(
    unsafe,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function printableLines(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');
}

/* ------------------------------------------------------------------ columns */

export interface Cell {
  /** Without colour; made printable here. */
  readonly text: string;
  readonly paint?: (text: string) => string;
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Gives way first where the terminal is too narrow. */
  readonly flexible?: true;
}

const gap = '  ';
const leastFlexible = 8;

/** Aligned; cut to the width of the terminal, the flexible columns first. Without rows there is no table. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  { paint, columns: width }: Look,
): string {
  if (rows.length === 0) return '';
  const cells = rows.map((row) =>
    row.map((cell) =>
      typeof cell === 'string'
        ? { text: printable(cell) }
        : { ...cell, text: printable(cell.text) },
    ),
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...cells.map((row) => widthOf(row[index]?.text ?? ''))),
  );
  if (width !== undefined) narrow(columns, widths, width);
  const line = (row: readonly Cell[]): string =>
    columns
      .map(({ align }, index) => {
        const { text, paint: painted = (same: string) => same } = row[index] ?? { text: '' };
        const most = widths[index] ?? 0;
        const shown = cut(text, most);
        const space = ' '.repeat(Math.max(0, most - widthOf(shown)));
        if (align === 'right') return `${space}${painted(shown)}`;
        return index === columns.length - 1 ? painted(shown) : `${painted(shown)}${space}`;
      })
      .join(gap)
      .trimEnd();
  const head = line(columns.map(({ title }) => ({ text: title, paint: paint.dim })));
  return [head, ...cells.map(line)].map((text) => `${text}\n`).join('');
}

/** Takes what is too much from the flexible columns, the widest first. */
function narrow(columns: readonly Column[], widths: number[], width: number): void {
  const total = (): number =>
    widths.reduce((sum, each) => sum + each, 0) + gap.length * (widths.length - 1);
  while (total() > width) {
    let widest = -1;
    for (const [index, { flexible }] of columns.entries()) {
      const own = widths[index] ?? 0;
      if (flexible && own > leastFlexible && own > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = Math.max(leastFlexible, (widths[widest] ?? 0) - (total() - width));
  }
}

/** With an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let [shown, used] = ['', 0];
  for (const character of text) {
    const own = widthOf(character);
    if (used + own > width - 1) break;
    shown += character;
    used += own;
  }
  return `${shown}…`;
}

/** In cells of a terminal: two for East Asian wide characters and emoji, none for combining marks. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x300) width += 1;
    else if (/\p{M}|[\u200c\u200d\ufe0f]/u.test(character)) continue;
    else width += isWide(code) ? 2 : 1;
  }
  return width;
}

function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0xa4cf) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff00 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x1f300 && code <= 0x1faff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/* ------------------------------------------------------------------ time */

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** `4 min`: the largest unit that there is one of, as people say it. */
export function lasting(ms: number): string {
  const [unit, size] = units.find(([, each]) => ms >= each) ?? ['s', 1_000];
  return `${Math.floor(Math.max(0, ms) / size)} ${unit}`;
}

export function ago(at: number | null, now: number): string {
  return at === null ? '' : lasting(now - at);
}

/** Local, to the second, the same everywhere. */
export function clock(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function counted(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`;
}
