/**
 * Globs over paths, without backtracking: the pattern becomes a program whose every step is tried at once,
 * so a match costs at most (length of the pattern) × (length of the path), whatever the pattern.
 *
 * - `*` any characters of one segment, `?` one character; neither is ever a `/`.
 * - `**` any characters, over segments too; `**` with the `/` after it also stands for nothing, and a last
 *   `/**` matches the folder itself.
 * - `[abc]`, `[a-z]`, `[!a]`, `[^a]` one character, never a `/`; a `]` that comes first belongs to the set.
 * - `{a,b}` one of these, nested and with `/` as you like.
 * - What is not closed is text. Nothing escapes: a `*` itself is written `[*]`.
 */

/** `step` takes one character and goes on to the next; `fork` takes none and goes on at all of its targets. */
type Instruction =
  { readonly step: (character: string) => boolean } | { readonly fork: readonly number[] };

export function globMatches(glob: string, path: string): boolean {
  const program = compile(glob);
  let at = reach(program, [0]);
  for (const character of path) {
    const next: number[] = [];
    for (const index of at) {
      const instruction = program[index];
      if (instruction && 'step' in instruction && instruction.step(character)) next.push(index + 1);
    }
    if (next.length === 0) return false;
    at = reach(program, next);
  }
  return at.has(program.length);
}

/** All places that can be come to without taking a character. */
function reach(program: readonly Instruction[], from: readonly number[]): Set<number> {
  const reached = new Set(from);
  // A set yields what is added while it is walked.
  for (const index of reached) {
    const instruction = program[index];
    if (instruction && 'fork' in instruction) {
      for (const target of instruction.fork) reached.add(target);
    }
  }
  return reached;
}

/** The part of a glob before its first special character. */
export function literalPrefix(glob: string): string {
  const special = glob.search(/[*?[{]/);
  return special < 0 ? glob : glob.slice(0, special);
}

/* ------------------------------------------------------------------ the program of a pattern */

/** An open `{`: where its alternatives start, and the jumps from their ends to behind it. */
interface Braces {
  readonly starts: number[];
  readonly ends: number[][];
}

type Step = (character: string) => boolean;

const anything: Step = () => true;
const noSlash: Step = (character) => character !== '/';

function exactly(wanted: string): Step {
  return (character) => character === wanted;
}

function compile(glob: string): Instruction[] {
  const program: Instruction[] = [];
  const open: Braces[] = [];
  const words = wordsOf(glob);
  const closed = closedBraces(words);
  words.forEach((word, index) => {
    const braces = open.at(-1);
    if (word === '{' && closed.has(index)) open.push(openBraces(program));
    else if (braces && word === ',') nextAlternative(program, braces);
    else if (braces && word === '}') closeBraces(program, braces, open);
    else takeWord(program, word);
  });
  return program;
}

function takeWord(program: Instruction[], word: string): void {
  if (word === '**') loop(program, anything);
  else if (word === '*') loop(program, noSlash);
  else if (word === '**/') optional(program, folders);
  else if (word === '/**') optional(program, below);
  else if (word === '?') program.push({ step: noSlash });
  else if (word.length > 2 && word.startsWith('[')) program.push({ step: oneOf(word) });
  else program.push({ step: exactly(word) });
}

function folders(program: Instruction[]): void {
  loop(program, anything);
  program.push({ step: exactly('/') });
}

function below(program: Instruction[]): void {
  program.push({ step: exactly('/') });
  loop(program, anything);
}

function loop(program: Instruction[], step: Step): void {
  const start = program.length;
  program.push({ fork: [start + 1, start + 3] }, { step }, { fork: [start] });
}

function optional(program: Instruction[], part: (program: Instruction[]) => void): void {
  const fork = [program.length + 1];
  program.push({ fork });
  part(program);
  fork.push(program.length);
}

function openBraces(program: Instruction[]): Braces {
  const starts = [program.length + 1];
  program.push({ fork: starts });
  return { starts, ends: [] };
}

function nextAlternative(program: Instruction[], braces: Braces): void {
  const end: number[] = [];
  program.push({ fork: end });
  braces.ends.push(end);
  braces.starts.push(program.length);
}

function closeBraces(program: Instruction[], braces: Braces, open: Braces[]): void {
  for (const end of braces.ends) end.push(program.length);
  open.pop();
}

/* ------------------------------------------------------------------ the words of a pattern */

const withSets = /\*\*\/|\*\*|\[[!^]?[^][^\]]*\]|[^]/gu;
const withoutSets = /\/\*\*$|\*\*\/|\*\*|[^]/gu;

/** Sets are looked for up to the last `]` only: an unclosed `[` must not search the rest again and again. */
function wordsOf(glob: string): string[] {
  const end = glob.lastIndexOf(']') + 1;
  return [...glob.slice(0, end).matchAll(withSets), ...glob.slice(end).matchAll(withoutSets)].map(
    ([word]) => word,
  );
}

/** Where the `{` stand that have a `}`. */
function closedBraces(words: readonly string[]): Set<number> {
  const open: number[] = [];
  const closed = new Set<number>();
  words.forEach((word, index) => {
    if (word === '{') open.push(index);
    const start = word === '}' ? open.pop() : undefined;
    if (start !== undefined) closed.add(start);
  });
  return closed;
}

function oneOf(set: string): Step {
  const [, not, members] = /^\[([!^]?)([^]+)\]$/u.exec(set) as unknown as [string, string, string];
  const ranges = [...members.matchAll(/([^])-([^])|[^]/gu)].map(([one, from = one, to = one]) =>
    [codeOf(from), codeOf(to)].sort((least, most) => least - most),
  ) as [number, number][];
  return (character) => {
    const code = codeOf(character);
    const inside = ranges.some(([least, most]) => least <= code && code <= most);
    return character !== '/' && inside === (not === '');
  };
}

function codeOf(character: string): number {
  return Number(character.codePointAt(0));
}
