/**
 * What is locked of a file, by whom, as this window knows it. Read by the status bar, the explorer's badges, the
 * read-only guard and the commands, so that all of them say the same.
 */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type * as vscode from 'vscode';
import type { Holder, LockKey, LockRow, RelativePath } from '../core/model';
import { overlap, parseKey } from '../core/rules/lockKeys';
import { guardKey } from '../core/views';
import { liveness } from '../store/hostClock';
import { relativeTo } from '../store/place';
import type { FolderModel } from './folderModel';
import type { WorkspaceModel } from './workspaceModel';

export interface FilePlace {
  readonly model: FolderModel;
  /** From the root of the worktree. */
  readonly file: RelativePath;
  /** How a lock on the whole file is said. */
  readonly resource: string;
  readonly key: LockKey;
}

export type LockState =
  | { readonly state: 'free' }
  | { readonly state: 'mine'; readonly lock: LockRow }
  /** `lock` keeps this window from writing; with mode read, others read it. */
  | { readonly state: 'held'; readonly lock: LockRow }
  /** Over, and not tidied up yet: it keeps nobody from anything. */
  | { readonly state: 'stale'; readonly lock: LockRow }
  /** A workflow file that another process is just writing. */
  | { readonly state: 'guarded'; readonly holder: Holder }
  /** The process that was writing it is gone. */
  | { readonly state: 'abandoned'; readonly holder: Holder };

/** Whoever writes a workflow file gives a sign of life on its lockfile more often than this. */
const guardStaleMs = 10_000;
/** Most writes are over before anybody could read of them. */
const guardShownAfterMs = 250;
const guardLookMs = 500;
const caseFold = process.platform === 'win32' || process.platform === 'darwin';

export class FileLocks {
  readonly #realFolders = new Map<string, string>();

  constructor(private readonly model: WorkspaceModel) {}

  /** Undefined for what lies in no folder of this window, and for what is no name of a resource. */
  place(uri: vscode.Uri): FilePlace | undefined {
    if (uri.scheme !== 'file') return undefined;
    const model = this.#folderOf(uri.fsPath);
    if (!model) return undefined;
    const real = join(this.#realFolder(model.folder), relative(model.folder, uri.fsPath));
    const file = relativeTo(model.place, real);
    if (file === undefined) return undefined;
    const resource = /^(workspace$|task:|glob:)/.test(file) ? `./${file}` : file;
    const key = parseKey(resource, { worktree: model.place.worktree, shared: false, caseFold });
    return 'problem' in key ? undefined : { model, file, resource, key };
  }

  /** All that stands on a part of the file or more; expired ones too. */
  locksOn({ model, key }: FilePlace): LockRow[] {
    return [...model.view.locks.values()].filter((lock) => overlap(lock, key));
  }

  stateOf(place: FilePlace, now: number): LockState {
    const { model, file } = place;
    const holder = this.#guardOf(model, file);
    if (holder && now - holder.since >= guardShownAfterMs) {
      return { state: isHeld(model, file, holder) ? 'guarded' : 'abandoned', holder };
    }
    const locks = this.locksOn(place);
    const standing = locks.filter((lock) => lock.expiresAt > now);
    const others = standing.filter((lock) => lock.agent !== this.model.agent);
    const foreign = others.find(({ mode }) => mode === 'write');
    if (foreign) return { state: 'held', lock: foreign };
    const mine = standing.find((lock) => lock.agent === this.model.agent);
    if (mine) return { state: 'mine', lock: mine };
    if (others[0]) return { state: 'held', lock: others[0] };
    const stale = locks.find((lock) => lock.agent !== this.model.agent);
    return stale ? { state: 'stale', lock: stale } : { state: 'free' };
  }

  /** When the state may be another though nothing is told of it. */
  changesAt(place: FilePlace, now: number): number {
    const holder = this.#guardOf(place.model, place.file);
    if (holder) {
      const shownAt = holder.since + guardShownAfterMs;
      if (now < shownAt) return shownAt;
      // Nothing tells of the death of a process.
      if (isHeld(place.model, place.file, holder)) return now + guardLookMs;
    }
    const ends = this.locksOn(place).map(({ expiresAt }) => expiresAt);
    return Math.min(...ends.filter((end) => end > now), Infinity);
  }

  /** Of another process; our own writes are over before anybody looks. */
  #guardOf({ view, place }: FolderModel, file: string): Holder | undefined {
    const holder = view.guards.get(guardKey({ file, worktree: place.worktree }))?.holder;
    return holder && holder.session !== this.model.session ? holder : undefined;
  }

  #folderOf(path: string): FolderModel | undefined {
    return this.model.folders
      .filter(({ folder }) => {
        const within = relative(folder, path);
        return within !== '' && !within.startsWith('..') && join(folder, within) === path;
      })
      .sort((one, other) => other.folder.length - one.folder.length)[0];
  }

  #realFolder(folder: string): string {
    const known = this.#realFolders.get(folder);
    if (known !== undefined) return known;
    const real = existsSync(folder) ? realpathSync(folder) : folder;
    this.#realFolders.set(folder, real);
    return real;
  }
}

/** Whether whoever noted that it holds a workflow file still does: a killed one can say no more. */
function isHeld(model: FolderModel, file: string, holder: Holder): boolean {
  const { bootId, pidNamespace, startTime, host, pid } = holder;
  if (bootId !== undefined && pidNamespace !== undefined && startTime !== undefined) {
    const life = liveness({ bootId, pidNamespace, startTime, host, pid });
    if (life === 'gone') return false;
  }
  const lockfile = statSync(`${join(model.place.root, file)}.lock`, { throwIfNoEntry: false });
  return lockfile !== undefined && Date.now() - lockfile.mtimeMs < guardStaleMs;
}

/** Whether this window should keep its hands off. */
export function isForeign(state: LockState): boolean {
  return state.state === 'guarded' || (state.state === 'held' && state.lock.mode === 'write');
}
