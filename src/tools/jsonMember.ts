/**
 * Puts one member into a JSON text that belongs to somebody else: comments, order, spaces and line ends of all the
 * rest stay as they are. Reads what editors read: comments and commas too many are fine.
 *
 * Contract: pure. What it cannot read is not changed, and said so. The result holds the member, and what was there
 * holds what it held.
 */

export type Edited =
  | { readonly how: 'unchanged' | 'edited'; readonly text: string }
  | { readonly how: 'unreadable'; readonly why: string };

/** @param path of the objects to go into, which are made where they are missing; then the member's own name */
export function withMember(text: string, path: readonly string[], value: object): Edited {
  const start = text.startsWith('\ufeff') ? 1 : 0;
  if (text.slice(start).trim() === '') {
    const whole = `${JSON.stringify(nested(path, value), null, 2)}\n`;
    return { how: 'edited', text: `${text.slice(0, start)}${whole}` };
  }
  try {
    return edited(text, start, path, value);
  } catch (error) {
    if (error instanceof Unreadable) return { how: 'unreadable', why: error.message };
    throw error;
  }
}

class Unreadable extends Error {
  override readonly name = 'Unreadable';
}

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Member {
  readonly name: string;
  readonly at: number;
  readonly value: Span;
}

interface ObjectSpan extends Span {
  readonly members: readonly Member[];
  /** After the last member stands a comma: its end. */
  readonly commaTo: number | undefined;
}

function edited(
  text: string,
  start: number,
  path: readonly string[],
  value: object,
): Exclude<Edited, { how: 'unreadable' }> {
  const reader = new Reader(text, start);
  let object = reader.document();
  for (const [depth, name] of path.entries()) {
    const member = object.members.findLast((each) => each.name === name);
    const rest = path.slice(depth + 1);
    if (!member) return { how: 'edited', text: inserted(text, object, name, nested(rest, value)) };
    if (rest.length > 0) {
      object = reader.objectAt(member.value, path.slice(0, depth + 1).join('.'));
      continue;
    }
    if (says(reader.valueAt(member.value), value)) return { how: 'unchanged', text };
    const { from, to } = member.value;
    const written = indented(value, unitOf(text), lineIndent(text, member.at), endOf(text));
    return { how: 'edited', text: text.slice(0, from) + written + text.slice(to) };
  }
  throw new Error('a member has a name');
}

function nested(path: readonly string[], value: object): object {
  return path.reduceRight<object>((inner, name) => ({ [name]: inner }), value);
}

/** What we would write is there; more may stand beside it. */
function says(present: unknown, value: object): boolean {
  if (typeof present !== 'object' || present === null) return false;
  return Object.entries(value).every(
    ([name, wanted]) =>
      JSON.stringify((present as Record<string, unknown>)[name]) === JSON.stringify(wanted),
  );
}

/** After the last member, in the manner of those that are there. */
function inserted(text: string, object: ObjectSpan, name: string, value: object): string {
  const last = object.members.at(-1);
  const end = endOf(text);
  const unit = unitOf(text);
  if (!last) {
    const outer = lineIndent(text, object.from);
    const inner = outer + unit;
    const between = text.slice(object.from + 1, object.to - 1).trimEnd();
    const member = `${JSON.stringify(name)}: ${indented(value, unit, inner, end)}`;
    return `${text.slice(0, object.from + 1)}${between}${end}${inner}${member}${end}${outer}${text.slice(object.to - 1)}`;
  }
  const isOneLine = !/[\r\n]/.test(text.slice(object.from, object.to));
  const comma = object.commaTo === undefined ? ',' : '';
  const at = object.commaTo ?? last.value.to;
  const trailing = object.commaTo === undefined ? '' : ',';
  if (isOneLine) {
    const member = `${JSON.stringify(name)}: ${JSON.stringify(value)}`;
    return `${text.slice(0, at)}${comma} ${member}${trailing}${text.slice(at)}`;
  }
  const inner = lineIndent(text, last.at);
  const member = `${JSON.stringify(name)}: ${indented(value, unit, inner, end)}`;
  // A comment on the line of the last member stays with it.
  const rest = /^[^\S\r\n]*\/\/[^\r\n]*/.exec(text.slice(at))?.[0] ?? '';
  const after = at + rest.length;
  return `${text.slice(0, at)}${comma}${rest}${end}${inner}${member}${trailing}${text.slice(after)}`;
}

function indented(value: object, unit: string, indent: string, end: string): string {
  return JSON.stringify(value, null, unit).split('\n').join(`${end}${indent}`);
}

function lineIndent(text: string, at: number): string {
  const start = Math.max(text.lastIndexOf('\n', at - 1), text.lastIndexOf('\r', at - 1)) + 1;
  return /^[ \t]*/.exec(text.slice(start, at))?.[0] ?? '';
}

function unitOf(text: string): string {
  return /[\r\n]([ \t]+)\S/.exec(text)?.[1] ?? '  ';
}

function endOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

/** Deeper is no configuration. */
const mostDepth = 200;

/** Finds where things stand, without a syntax tree. */
class Reader {
  #at: number;

  constructor(
    private readonly text: string,
    private readonly start: number,
  ) {
    this.#at = start;
  }

  document(): ObjectSpan {
    this.#at = this.start;
    this.#space();
    const object = this.#object(0);
    this.#space();
    if (this.#at < this.text.length) this.#fail('something follows after its end');
    return object;
  }

  objectAt({ from }: Span, name: string): ObjectSpan {
    this.#at = from;
    if (this.text[from] !== '{') throw new Unreadable(`${name} is not an object`);
    return this.#object(0);
  }

  /** As plain JSON; undefined where it has comments, which is then no text of ours. */
  valueAt({ from, to }: Span): unknown {
    try {
      return JSON.parse(this.text.slice(from, to)) as unknown;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  #object(depth: number): ObjectSpan {
    const from = this.#at;
    this.#expect('{');
    const members: Member[] = [];
    let commaTo: number | undefined;
    for (;;) {
      this.#space();
      if (this.text[this.#at] === '}') break;
      if (members.length > 0 && commaTo === undefined) this.#fail('a comma is missing');
      const at = this.#at;
      const name = this.#string();
      this.#space();
      this.#expect(':');
      this.#space();
      const value = this.#value(depth + 1);
      members.push({ name, at, value });
      this.#space();
      commaTo = this.text[this.#at] === ',' ? (this.#at += 1) : undefined;
    }
    this.#at += 1;
    return { from, to: this.#at, members, commaTo };
  }

  #value(depth: number): Span {
    if (depth > mostDepth) this.#fail('it is nested too deeply');
    const from = this.#at;
    const first = this.text[from];
    if (first === '{') this.#object(depth);
    else if (first === '[') this.#array(depth);
    else if (first === '"') this.#string();
    else {
      const word = /^(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(
        this.text.slice(from, from + 400),
      );
      if (!word) this.#fail('a value is missing');
      this.#at += word[0].length;
    }
    return { from, to: this.#at };
  }

  #array(depth: number): void {
    this.#expect('[');
    for (let comma = true; ; comma = this.#comma()) {
      this.#space();
      if (this.text[this.#at] === ']') break;
      if (!comma) this.#fail('a comma is missing');
      this.#value(depth + 1);
      this.#space();
    }
    this.#at += 1;
  }

  #comma(): boolean {
    if (this.text[this.#at] !== ',') return false;
    this.#at += 1;
    return true;
  }

  #string(): string {
    const match = /"(?:[^"\\\r\n]|\\.)*"/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.text)?.[0];
    if (found === undefined) this.#fail('a name in quotes is missing');
    this.#at += found.length;
    const value = this.valueAt({ from: this.#at - found.length, to: this.#at });
    if (typeof value !== 'string') this.#fail('a text has an escape that there is not');
    return value;
  }

  #space(): void {
    const match = /(?:\s|\/\/[^\r\n]*|\/\*[^]*?\*\/)*/y;
    match.lastIndex = this.#at;
    this.#at += match.exec(this.text)?.[0].length ?? 0;
  }

  #expect(what: string): void {
    if (this.text[this.#at] !== what) this.#fail(`${what} is missing`);
    this.#at += 1;
  }

  #fail(why: string): never {
    const line = this.text.slice(0, this.#at).split(/\r\n|\r|\n/).length;
    throw new Unreadable(`${why} in line ${line}`);
  }
}
