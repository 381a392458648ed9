/**
 * What a resource names, and which two can mean the same thing (KEY-n). Pure functions over text.
 *
 * Contract: `overlap` is symmetric, every key overlaps itself, and it never says no when some file, symbol or
 * task belongs to both. Whenever it says yes, `areaOf` of one contains the anchor of the other.
 *
 * Forms of a resource:
 * - `workspace`, `task:ID`, `glob:PATTERN` (see `globs.ts`); everything else is a path.
 * - A path separates with `/` or `\`. The first `#` of its last segment begins a symbol, so a folder may be
 *   called `C#`, and a symbol holds no `/`.
 * - `./` before a path says that it is one: `./workspace` is the file of that name. Canonical text keeps
 *   those two characters only where it would otherwise be read as something else.
 */
import type { LockArea, LockKey, ResourceKey } from '../model';
import { globMatches, literalPrefix } from './globs';

export interface KeyPlace {
  readonly worktree: string;
  readonly shared: boolean;
  readonly caseFold: boolean;
}

export interface NoKey {
  readonly problem: string;
}

const globMark = 'glob:';
const taskMark = 'task:';
const taskId = /^[A-Za-z0-9][\w.-]{0,63}$/;

/** NFC, folded where the file system folds, `.` and `..` resolved; or why it is no resource. */
export function parseKey(resource: string, place: KeyPlace): LockKey | NoKey {
  const worktree = place.shared ? null : place.worktree;
  if (resource === 'workspace') return key(resource, 'workspace', '', worktree);
  if (resource.startsWith(taskMark)) return taskKey(resource);
  const isGlob = resource.startsWith(globMark);
  const path = normalPath(isGlob ? resource.slice(globMark.length) : resource, place, isGlob);
  if (typeof path !== 'string') return path;
  if (isGlob) return key(globMark + path, 'glob', folderOf(literalPrefix(path)), worktree);
  return pathKey(path, worktree);
}

function key(
  resource: string,
  kind: LockKey['kind'],
  anchor: string,
  worktree: string | null,
): LockKey {
  return { resource: resource as ResourceKey, kind, anchor, worktree };
}

function taskKey(resource: string): LockKey | NoKey {
  return taskId.test(resource.slice(taskMark.length))
    ? key(resource, 'task', resource, null)
    : { problem: 'This is not a task id.' };
}

function pathKey(path: string, worktree: string | null): LockKey | NoKey {
  const hash = path.indexOf('#', path.lastIndexOf('/') + 1);
  const text = readsAsSomethingElse(path) ? `./${path}` : path;
  if (hash < 0) return key(text, 'path', path, worktree);
  const file = path.slice(0, hash);
  if (file === '' || file.endsWith('/')) return { problem: 'This symbol is of no file.' };
  if (hash === path.length - 1) return { problem: 'No symbol follows the #.' };
  return key(text, 'symbol', file, worktree);
}

function readsAsSomethingElse(path: string): boolean {
  return path === 'workspace' || path.startsWith(taskMark) || path.startsWith(globMark);
}

/** A path or pattern from the root of the worktree, or why there is none. */
function normalPath(text: string, place: KeyPlace, isGlob: boolean): string | NoKey {
  const slashed = (place.caseFold ? folded(text) : text.normalize('NFC')).replaceAll('\\', '/');
  if (slashed.startsWith('/') || isDrive(slashed)) return outside;
  const segments: string[] = [];
  for (const segment of slashed.split('/')) {
    if (segment === '' || segment === '.') continue;
    if (segment !== '..') {
      segments.push(segment);
      continue;
    }
    const left = segments.pop();
    if (left === undefined) return outside;
    if (isGlob && literalPrefix(left) !== left)
      return { problem: 'No .. may follow a wildcard in a glob.' };
  }
  const path = segments.join('/');
  if (path === '') return { problem: 'This names no file; the whole worktree is `workspace`.' };
  if (isDrive(path)) return outside;
  // It would protect nothing inside, and whoever writes it means all of it.
  if (slashed.endsWith('/')) return { problem: `A folder is locked as \`glob:${path}/**\`.` };
  return path;
}

const outside: NoKey = { problem: 'This path leaves the workspace.' };

function isDrive(path: string): boolean {
  return /^[A-Za-z]:/.test(path);
}

/**
 * One character for one, and each by itself, so that `?` and a prefix mean the same before and after: no
 * `ß` becomes `ss`, and a sigma does not depend on what follows it.
 */
function folded(text: string): string {
  return Array.from(text.normalize('NFC'), foldedCharacter).join('').normalize('NFC');
}

function foldedCharacter(character: string): string {
  const lower = character.toUpperCase().toLowerCase();
  return Array.from(lower).length === 1 ? lower : character;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/* ------------------------------------------------------------------ what can mean the same thing */

export function overlap(one: LockKey, other: LockKey): boolean {
  if (one.worktree !== null && other.worktree !== null && one.worktree !== other.worktree)
    return false;
  if (one.kind === 'workspace' || other.kind === 'workspace') return true;
  if (one.kind === 'task' || other.kind === 'task') return one.resource === other.resource;
  if (one.kind === 'glob') return globOverlaps(one, other);
  if (other.kind === 'glob') return globOverlaps(other, one);
  if (one.kind === 'symbol' && other.kind === 'symbol') return one.resource === other.resource;
  return one.anchor === other.anchor;
}

function globOverlaps(glob: LockKey, other: LockKey): boolean {
  const pattern = patternOf(glob);
  if (other.kind !== 'glob') return globMatches(pattern, other.anchor);
  const one = literalPrefix(pattern);
  const two = literalPrefix(patternOf(other));
  return one.startsWith(two) || two.startsWith(one);
}

function patternOf(glob: LockKey): string {
  return glob.resource.slice(globMark.length);
}

/** The same thing and nothing else: what refresh, upgrade, release and break go by. */
export function sameKey(one: LockKey, other: LockKey): boolean {
  return one.resource === other.resource && one.worktree === other.worktree;
}

/** Whoever holds `one` needs no lock on `other` beside it (LOCK-15). */
export function covers(one: LockKey, other: LockKey): boolean {
  if (one.worktree !== null && one.worktree !== other.worktree) return false;
  if (one.kind === 'workspace' || one.resource === other.resource) return true;
  if (other.kind !== 'path' && other.kind !== 'symbol') return false;
  return one.kind === 'glob'
    ? globMatches(patternOf(one), other.anchor)
    : one.kind === 'path' && one.anchor === other.anchor;
}

/** Where everything that overlaps this key can be found (KEY-6). */
export function areaOf(key: LockKey): LockArea {
  const { worktree, kind, anchor } = key;
  const at = kind === 'task' ? [anchor, ''] : selfAndAbove(anchor);
  const under = kind === 'glob' || kind === 'workspace' ? anchor : null;
  return { worktree, at, under };
}

function selfAndAbove(path: string): string[] {
  const at: string[] = [];
  for (let folder = path; folder !== ''; folder = folderOf(folder)) at.push(folder);
  return [...at, ''];
}
