/** One item: how far the waves are, and whether the active file is locked; a click offers what can be done now. */
import * as vscode from 'vscode';
import { Belongings, type Disposable } from '../shared/lifecycle';
import { plain, plainIcons } from '../shared/plainText';
import type { WorkflowOverview } from '../store/overview';
import { activeFile, onDidChangeActiveFile } from './activeFile';
import type { CommandId } from './commandTable';
import type { FileLocks, FilePlace, LockState } from './fileLocks';
import type { FolderState } from './folderModel';
import { modeWord } from './lockTree';
import { NextChange, timeLeft } from './visibleTime';
import type { Located, WorkspaceModel } from './workspaceModel';

export interface StatusBarOptions {
  readonly model: WorkspaceModel;
  readonly locks: FileLocks;
  readonly now?: () => number;
}

interface Words {
  readonly text: string;
  readonly spoken: string;
  readonly warning: boolean;
}

export class StatusBar implements Disposable {
  readonly #belongings = new Belongings();
  readonly #item: vscode.StatusBarItem;
  readonly #next: NextChange;

  constructor(private readonly options: StatusBarOptions) {
    this.#item = this.#belongings.add(
      vscode.window.createStatusBarItem('status', vscode.StatusBarAlignment.Left, 50),
    );
    this.#item.name = 'Wavelock';
    this.#item.command = 'wavelock.showActions' satisfies CommandId;
    this.#next = this.#belongings.add(
      new NextChange(() => {
        this.show();
      }),
    );
    const show = (): void => {
      this.show();
    };
    this.#belongings.add(onDidChangeActiveFile(show));
    this.#belongings.add(
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('wavelock.statusBar')) show();
      }),
    );
    show();
  }

  /** As people read it; undefined while it is hidden. */
  get text(): string | undefined {
    return this.#shown ? this.#item.text : undefined;
  }

  get tooltip(): string {
    const { tooltip } = this.#item;
    return typeof tooltip === 'string' ? tooltip : '';
  }

  get warns(): boolean {
    return this.#item.backgroundColor !== undefined;
  }

  #shown = false;

  dispose(): void {
    this.#belongings.dispose();
  }

  show(): void {
    const now = this.options.now?.() ?? Date.now();
    const relevant = this.#relevant();
    const enabled = vscode.workspace
      .getConfiguration('wavelock')
      .get<boolean>('statusBar.enabled', true);
    this.#next.expect(Infinity, now);
    this.#shown = relevant !== undefined && enabled;
    if (!relevant || !enabled) {
      this.#item.hide();
      return;
    }
    const { model, workflow } = relevant;
    const place = this.#place(relevant);
    const state = place ? this.options.locks.stateOf(place, now) : undefined;
    if (place) this.#next.expect(this.#changesAt(place, state, now), now);
    const lock = state && lockWords(state, now);
    const file = place ? plain(place.file) : '';
    const store = storeWords(model.state);
    const errors = workflow.problems.filter(({ severity }) => severity === 'error').slice(0, 3);
    this.#item.text = [progress(workflow), lock?.text, store?.text]
      .filter((part) => part !== undefined)
      .join('  ');
    const details = [
      ...(lock ? [`${file}: ${lock.spoken}`] : []),
      ...(store ? [store.spoken] : []),
      ...errors.map(({ line, message }) =>
        vscode.l10n.t('Line {0}: {1}', line + 1, plain(message)),
      ),
    ];
    this.#item.tooltip = [plain(workflow.name), ...details].join('\n');
    this.#item.accessibilityInformation = {
      label: ['Wavelock', progressWords(workflow), ...details].join(', '),
    };
    this.#item.backgroundColor =
      store?.warning === true || lock?.warning === true
        ? new vscode.ThemeColor('statusBarItem.warningBackground')
        : undefined;
    this.#item.show();
  }

  /** The active file where it is one of ours; the workflow file otherwise. */
  #place({ workflow }: Located): FilePlace | undefined {
    const uri = activeFile();
    const { locks } = this.options;
    return (uri && locks.place(uri)) ?? locks.place(vscode.Uri.file(workflow.path));
  }

  #changesAt(place: FilePlace, state: LockState | undefined, now: number): number {
    const { locks } = this.options;
    const another = locks.changesAt(place, now);
    if (state?.state !== 'held' && state?.state !== 'mine') return another;
    const left = state.lock.expiresAt - now;
    return Math.min(another, now + (left % 60_000) + 1);
  }

  /** The active file, if it is one; else the first of its folder; else the first of all. */
  #relevant(): Located | undefined {
    const all = this.options.model.workflows;
    const active = activeFile();
    const folder = active && vscode.workspace.getWorkspaceFolder(active)?.uri.fsPath;
    return (
      all.find(({ workflow }) => workflow.path === active?.fsPath) ??
      all.find(({ model }) => model.folder === folder) ??
      all[0]
    );
  }
}

function lockWords(state: LockState, now: number): Words {
  switch (state.state) {
    case 'free':
      return { text: '$(unlock)', spoken: vscode.l10n.t('free'), warning: false };
    case 'mine': {
      const left = timeLeft(state.lock.expiresAt, now);
      const text = `$(lock) ${vscode.l10n.t('mine, {0}', left)}`;
      return {
        text,
        spoken: vscode.l10n.t('locked by this window, {0}', left),
        warning: false,
      };
    }
    case 'held': {
      const { lock } = state;
      const left = timeLeft(lock.expiresAt, now);
      const agent = plain(lock.agent);
      return {
        text: `$(${lock.mode === 'read' ? 'book' : 'lock'}) ${plainIcons(vscode.l10n.t('held by {0}, {1}', agent, left))}`,
        spoken: vscode.l10n.t('locked by {0} ({1}), {2}', agent, modeWord(lock), left),
        warning: false,
      };
    }
    case 'stale': {
      const agent = plain(state.lock.agent);
      return {
        text: `$(watch) ${plainIcons(vscode.l10n.t('stale lock of {0}', agent))}`,
        spoken: vscode.l10n.t('the lock of {0} has expired and keeps nobody from it', agent),
        warning: true,
      };
    }
    case 'guarded':
    case 'abandoned': {
      const { agent, pid, host, since } = state.holder;
      const stale = state.state === 'abandoned';
      const name = plain(agent);
      const facts = vscode.l10n.t(
        '{0} (process {1} on {2}) has been writing it since {3}',
        name,
        pid,
        plain(host),
        new Date(since).toLocaleTimeString(),
      );
      return {
        text: stale
          ? `$(watch) ${plainIcons(vscode.l10n.t('stale lock of {0}', name))}`
          : `$(lock) ${plainIcons(vscode.l10n.t('held by {0}', name))}`,
        spoken: stale ? vscode.l10n.t('{0}; that process is gone', facts) : facts,
        warning: stale,
      };
    }
  }
}

function storeWords({ store }: FolderState): Words | undefined {
  if (store.state === 'untrusted') {
    const spoken = vscode.l10n.t('This workspace is not trusted: shown as it is, never changed');
    return { text: '$(shield)', spoken, warning: false };
  }
  if (store.state !== 'failed') return undefined;
  return { text: '$(warning)', spoken: plain(store.message, 1_000), warning: true };
}

function progress(workflow: WorkflowOverview): string {
  if (!workflow.valid) return `$(warning) ${progressWords(workflow)}`;
  return `$(${workflow.completed ? 'pass' : 'layers'}) ${progressWords(workflow)}`;
}

function progressWords(workflow: WorkflowOverview): string {
  if (!workflow.valid) return vscode.l10n.t('Invalid workflow');
  const words = vscode.l10n.t('Wave {0}/{1}', workflow.wave, workflow.waveCount);
  return workflow.completed ? vscode.l10n.t('{0} completed', words) : words;
}
