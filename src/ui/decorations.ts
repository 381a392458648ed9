/** A badge on files that are locked, in the explorer and on tabs, with who and why as its words. */
import { realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import * as vscode from 'vscode';
import type { LockId, LockRow } from '../core/model';
import { Belongings, type Disposable } from '../shared/lifecycle';
import { plain } from '../shared/plainText';
import { isForeign, type FileLocks } from './fileLocks';
import type { FolderModel } from './folderModel';
import { storesOf } from './lockTree';
import { NextChange } from './visibleTime';
import type { WorkspaceChange, WorkspaceModel } from './workspaceModel';

interface Known {
  readonly lock: LockRow;
  readonly over: boolean;
}

export class LockDecorations implements vscode.FileDecorationProvider, Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.Uri[] | undefined>();
  readonly onDidChangeFileDecorations = this.#changed.event;
  readonly #belongings = new Belongings();
  readonly #next: NextChange;
  #known = new Map<LockId, Known>();

  constructor(
    private readonly model: WorkspaceModel,
    private readonly locks: FileLocks,
    private readonly now: () => number = Date.now,
  ) {
    this.#next = this.#belongings.add(
      new NextChange(() => {
        this.#look([]);
      }),
    );
    this.#belongings.add(this.#changed);
  }

  dispose(): void {
    this.#belongings.dispose();
  }

  follow(change: WorkspaceChange): void {
    if (change === undefined || change.store) {
      this.#lookAnew();
      this.#changed.fire(undefined);
      return;
    }
    const lockEvents = change.events.filter(({ kind }) => kind.startsWith('lock.'));
    if (lockEvents.length === 0) return;
    const model = this.model.folder(change.folder);
    // Those of a workflow file that is being written name it.
    const guarded = lockEvents.flatMap(({ resource, data }) =>
      model && resource !== undefined && 'guard' in data ? urisOf(model, resource) : [],
    );
    this.#look(guarded);
  }

  provideFileDecoration(uri: vscode.Uri): vscode.FileDecoration | undefined {
    const place = this.locks.place(uri);
    if (!place) return undefined;
    const state = this.locks.stateOf(place, this.now());
    switch (state.state) {
      case 'free':
      case 'stale':
      case 'abandoned':
        return undefined;
      case 'mine':
        return new vscode.FileDecoration(
          '✎',
          vscode.l10n.t('Locked by this window until {0}', until(state.lock)),
        );
      case 'guarded':
        return new vscode.FileDecoration(
          '🔒',
          vscode.l10n.t(
            'Being written by {0}: read-only in this window meanwhile',
            plain(state.holder.agent),
          ),
        );
      case 'held': {
        const { lock } = state;
        const agent = plain(lock.agent);
        return isForeign(state)
          ? new vscode.FileDecoration(
              '🔒',
              vscode.l10n.t(
                'Locked by {0} until {1}: read-only in this window meanwhile',
                agent,
                until(lock),
              ),
              new vscode.ThemeColor('list.deemphasizedForeground'),
            )
          : new vscode.FileDecoration(
              'R',
              vscode.l10n.t('Read by {0} until {1}', agent, until(lock)),
            );
      }
    }
  }

  /** By one time alone: a lock that ran out between two would be neither over nor expected to be. */
  #lookAnew(): void {
    const now = this.now();
    const locks = storesOf(this.model).flatMap(({ view }) => [...view.locks.values()]);
    this.#known = new Map(locks.map((lock) => [lock.id, { lock, over: lock.expiresAt <= now }]));
    const ends = locks.map(({ expiresAt }) => expiresAt);
    this.#next.expect(Math.min(...ends.filter((end) => end > now), Infinity), now);
  }

  #look(also: readonly vscode.Uri[]): void {
    const before = this.#known;
    this.#lookAnew();
    const changed = [...before.values(), ...this.#known.values()].filter(({ lock: { id } }) => {
      const [was, is] = [before.get(id), this.#known.get(id)];
      return was?.lock !== is?.lock || was?.over !== is?.over;
    });
    if (changed.some(({ lock: { kind } }) => kind === 'glob' || kind === 'workspace')) {
      this.#changed.fire(undefined);
      return;
    }
    const uris = changed.flatMap(({ lock }) =>
      lock.kind === 'task' ? [] : this.model.folders.flatMap((model) => urisOf(model, lock.anchor)),
    );
    if (uris.length + also.length > 0) this.#changed.fire([...uris, ...also]);
  }
}

function until({ expiresAt }: LockRow): string {
  return new Date(expiresAt).toLocaleTimeString();
}

/** The file as the explorer knows it: below the workspace folder, whatever links lead there. */
function urisOf({ folder, place }: FolderModel, file: string): vscode.Uri[] {
  const within = relative(realFolder(folder), join(place.root, file));
  return within.startsWith('..') ? [] : [vscode.Uri.file(join(folder, within))];
}

function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    // It was removed while it is open: nothing of it is shown any more.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return folder;
    throw error;
  }
}
