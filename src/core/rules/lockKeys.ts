/**
 * What a resource names, and which two can mean the same thing (KEY-n). Pure functions over text.
 *
 * Contract: `overlap` is symmetric, every key overlaps itself, and it never says no when some file, symbol or
 * task belongs to both. Whenever it says yes, `areaOf` of one contains the anchor of the other.
 */
import type { LockArea, LockKey } from '../model';

export interface KeyPlace {
  readonly worktree: string;
  readonly shared: boolean;
  readonly caseFold: boolean;
}

/** NFC, folded where the file system folds, `.` and `..` resolved; or why it is no resource. */
export function parseKey(
  _resource: string,
  _place: KeyPlace,
): LockKey | { readonly problem: string } {
  throw new Error('to be written');
}

export function overlap(_one: LockKey, _other: LockKey): boolean {
  throw new Error('to be written');
}

/** Where everything that overlaps this key can be found. */
export function areaOf(_key: LockKey): LockArea {
  throw new Error('to be written');
}

/** `*` within a segment, `**` over segments, `?`, `[…]`, `{a,b}`; linear in the length of the path. */
export function globMatches(_glob: string, _path: string): boolean {
  throw new Error('to be written');
}

/** The part of a glob before its first special character. */
export function literalPrefix(_glob: string): string {
  throw new Error('to be written');
}
