/** Which two resources can mean the same thing (KEY-n), said as naively as it can be said. */
import type { LockKey, LockMode, ResourceKind } from '../../src/core/model';

/** Only what overlap is about: no anchor, for nothing here looks by one. */
export interface PlainKey {
  readonly resource: string;
  readonly kind: ResourceKind;
  readonly worktree: string | null;
}

export interface Place {
  readonly worktree: string;
  readonly shared?: boolean;
  readonly caseFold: boolean;
}

export function plainKey(text: string, place: Place): PlainKey {
  const worktree = place.shared === true ? null : place.worktree;
  if (text === 'workspace') return { resource: text, kind: 'workspace', worktree };
  if (text.startsWith('task:')) return { resource: text, kind: 'task', worktree: null };
  const tidy = (path: string): string => {
    const segments: string[] = [];
    for (const segment of path.normalize('NFC').split('/')) {
      if (segment === '..') segments.pop();
      else if (segment !== '' && segment !== '.') segments.push(segment);
    }
    const joined = segments.join('/');
    return place.caseFold ? joined.toLowerCase() : joined;
  };
  if (text.startsWith('glob:'))
    return { resource: `glob:${tidy(text.slice('glob:'.length))}`, kind: 'glob', worktree };
  const [path = '', symbol] = text.split('#');
  if (symbol === undefined) return { resource: tidy(path), kind: 'path', worktree };
  return { resource: `${tidy(path)}#${symbol}`, kind: 'symbol', worktree };
}

export function overlaps(one: PlainKey, other: PlainKey): boolean {
  if (one.worktree !== null && other.worktree !== null && one.worktree !== other.worktree)
    return false;
  if (one.kind === 'workspace' || other.kind === 'workspace') return true;
  if (one.kind === 'task' || other.kind === 'task') return one.resource === other.resource;
  if (one.kind === 'glob' && other.kind === 'glob') {
    const [a, b] = [literalPart(globOf(one)), literalPart(globOf(other))];
    return a.startsWith(b) || b.startsWith(a);
  }
  if (one.kind === 'glob') return matches(globOf(one), fileOf(other));
  if (other.kind === 'glob') return matches(globOf(other), fileOf(one));
  if (one.kind === 'symbol' && other.kind === 'symbol') return one.resource === other.resource;
  return fileOf(one) === fileOf(other);
}

/** LOCK-15: is all that the other names named by this one too? */
export function covers(one: PlainKey, other: PlainKey): boolean {
  if (one.worktree !== null && one.worktree !== other.worktree) return false;
  if (one.kind === 'workspace' || one.resource === other.resource) return true;
  const isFile = other.kind === 'path' || other.kind === 'symbol';
  if (one.kind === 'glob') return isFile && matches(globOf(one), fileOf(other));
  return one.kind === 'path' && isFile && one.resource === fileOf(other);
}

interface Held extends PlainKey {
  readonly mode: LockMode;
  readonly agent: string;
}

/** LOCK-1, LOCK-2: may these two not stand together? */
export function conflict(one: Held, other: Held): boolean {
  return (
    one.agent !== other.agent &&
    (one.mode === 'write' || other.mode === 'write') &&
    overlaps(one, other)
  );
}

export const sameKey = (one: PlainKey | LockKey, other: PlainKey | LockKey): boolean =>
  one.resource === other.resource && one.worktree === other.worktree;

const globOf = (key: PlainKey): string => key.resource.slice('glob:'.length);
const fileOf = (key: PlainKey): string => key.resource.split('#')[0] ?? '';

function literalPart(glob: string): string {
  const end = glob.search(/[*?[{]/);
  return end < 0 ? glob : glob.slice(0, end);
}

/** Braces are spelt out, then every way to match is tried. */
export function matches(glob: string, path: string): boolean {
  const braces = /^(.*?)\{([^{}]*)\}(.*)$/.exec(glob);
  if (braces) {
    const [, before = '', choices = '', after = ''] = braces;
    return choices.split(',').some((choice) => matches(before + choice + after, path));
  }
  return segmentsMatch(glob.split('/'), path.split('/'));
}

function segmentsMatch(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return path.length === 0;
  if (first === '**') {
    if (rest.length === 0) return path.length > 0;
    return path.some((_segment, index) => segmentsMatch(rest, path.slice(index)));
  }
  const [segment, ...below] = path;
  return segment !== undefined && textMatches(first, segment) && segmentsMatch(rest, below);
}

function textMatches(glob: string, text: string): boolean {
  if (glob === '') return text === '';
  if (glob.startsWith('*'))
    return textMatches(glob.slice(1), text) || (text !== '' && textMatches(glob, text.slice(1)));
  if (text === '') return false;
  if (glob.startsWith('?')) return textMatches(glob.slice(1), text.slice(1));
  const choice = /^\[([^\]]+)\]/.exec(glob);
  if (choice)
    return (
      (choice[1] ?? '').includes(text[0] ?? '') &&
      textMatches(glob.slice(choice[0].length), text.slice(1))
    );
  return glob[0] === text[0] && textMatches(glob.slice(1), text.slice(1));
}
