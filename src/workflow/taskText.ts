/** The small texts of a task, as a line of Markdown holds them: ids, a commit, a list of files. */
import type { TaskId, TaskStatus } from '../core/model';

export const BOX_STATUS: ReadonlyMap<string, TaskStatus> = new Map([
  ['x', 'done'],
  ['X', 'done'],
  ['~', 'doing'],
  [' ', 'todo'],
  ['!', 'failed'],
  ['-', 'todo'],
]);

export const BOX_OF: Readonly<Record<TaskStatus, string>> = {
  todo: '[ ]',
  doing: '[~]',
  done: '[x]',
  failed: '[!]',
};

export function isTaskId(text: string): text is TaskId {
  return /^[A-Za-z0-9][\w.-]{0,63}$/.test(text);
}

/** An id that says what `text` says; empty when nothing of it can stand in an id. */
export function slugOf(text: string): string {
  return text
    .slice(0, 400)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, 48)
    .replace(/-$/, '');
}

/** One line of text that can be written as UTF-8 and reads the same again. */
export function oneLine(text: string): string {
  return text
    .replace(/\p{Cs}/gu, '\uFFFD')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/** As a code span of Markdown, in as many backticks as it takes. Takes one line, not empty. */
export function codeSpan(text: string): string {
  let longest = 0;
  for (const [run] of text.matchAll(/`+/g)) longest = Math.max(longest, run.length);
  const mark = '`'.repeat(longest + 1);
  const pad = text.startsWith('`') || text.endsWith('`') ? ' ' : '';
  return `${mark}${pad}${text}${pad}${mark}`;
}

/** What a text says without the backticks around the whole of it. */
export function withoutCode(text: string): string {
  if (!text.startsWith('`')) return text;
  const mark = /^`*/.exec(text)?.[0] ?? '';
  const inner = text.slice(mark.length, -mark.length);
  if (mark === '' || text.length <= 2 * mark.length || !text.endsWith(mark)) return text;
  if (inner.startsWith('`') || inner.endsWith('`')) return text;
  for (const [run] of inner.matchAll(/`+/g)) if (run === mark) return text;
  return /^ .* $/.test(inner) ? inner.slice(1, -1) : inner;
}

/** The original tool cut its lists: “a, b, c (+2 more)”. */
const CUT = /\s*\(\+\d+ more\)$/;

export function fileList(files: readonly string[]): string {
  return files
    .map((file) => (/[,`]/.test(file) || CUT.test(file) ? codeSpan(file) : file))
    .join(', ');
}

export function filesIn(list: string): string[] {
  return splitAtCommas(list)
    .map((item) => {
      const trimmed = item.trim();
      return withoutCode(trimmed.endsWith(' more)') ? trimmed.replace(CUT, '') : trimmed);
    })
    .filter((file) => file !== '');
}

/** Commas within backticks do not count. */
function splitAtCommas(list: string): string[] {
  if (!list.includes('`')) return list.split(',');
  const items: string[] = [];
  const runs = [...list.matchAll(/`+/g)].map(({ 0: run, index }) => ({ run, index }));
  // Of each length from the back, so that a run finds the next of its own length at the end of a list.
  const ahead = new Map<number, number[]>();
  for (const { run, index } of runs.toReversed()) {
    const places = ahead.get(run.length);
    if (places) places.push(index);
    else ahead.set(run.length, [index]);
  }
  let start = 0;
  let position = 0;
  let comma = list.indexOf(',');
  for (const { run, index } of runs) {
    const places = ahead.get(run.length) ?? [];
    places.pop();
    if (index < position) continue;
    splitPlain(index);
    const closing = places.at(-1);
    position = (closing ?? index) + run.length;
  }
  splitPlain(list.length);
  items.push(list.slice(start));
  return items;

  function splitPlain(end: number): void {
    for (; comma >= 0 && comma < end; comma = list.indexOf(',', comma + 1)) {
      if (comma < position) continue;
      items.push(list.slice(start, comma));
      start = comma + 1;
    }
  }
}
