/** One item: how far the waves are, and who holds the workflow file. */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';
import type { CommandId } from './commandTable';
import type { WorkflowOverview } from '../store/overview';
import type { Located, WorkspaceModel } from './workspaceModel';

export class StatusBar implements Disposable {
  readonly #item: vscode.StatusBarItem;
  readonly #listeners: Disposable[];

  constructor(private readonly model: WorkspaceModel) {
    this.#item = vscode.window.createStatusBarItem('status', vscode.StatusBarAlignment.Left, 50);
    this.#item.name = 'Wavelock';
    this.#item.command = 'wavelock.openPanel' satisfies CommandId;
    const show = (): void => {
      this.#show();
    };
    this.#listeners = [
      model.onDidChange(show),
      vscode.window.onDidChangeActiveTextEditor(show),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('wavelock.statusBar')) show();
      }),
    ];
    show();
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#item.dispose();
  }

  #show(): void {
    const relevant = this.#relevant();
    const enabled = vscode.workspace
      .getConfiguration('wavelock')
      .get<boolean>('statusBar.enabled', true);
    if (!relevant || !enabled) {
      this.#item.hide();
      return;
    }
    const { workflow } = relevant;
    const { store } = relevant.model.state;
    const parts = [progress(workflow)];
    const details = [workflow.name];
    const { holder } = workflow;
    if (holder && holder.session !== this.model.session) {
      const since = new Date(holder.since).toLocaleTimeString();
      parts.push(`$(lock) ${vscode.l10n.t('held by {0}', holder.agent)}`);
      details.push(
        vscode.l10n.t(
          '{0} is locked by {1} (process {2} on {3}) since {4}',
          workflow.file,
          holder.agent,
          holder.pid,
          holder.host,
          since,
        ),
      );
    } else {
      parts.push(holder ? '$(lock)' : '$(unlock)');
      details.push(
        holder
          ? vscode.l10n.t('{0} is locked by this window', workflow.file)
          : vscode.l10n.t('{0} is free', workflow.file),
      );
    }
    if (store.state === 'failed') {
      parts.push('$(warning)');
      details.push(store.message);
    }
    for (const problem of workflow.problems
      .filter(({ severity }) => severity === 'error')
      .slice(0, 3)) {
      details.push(vscode.l10n.t('Line {0}: {1}', problem.line + 1, problem.message));
    }
    this.#item.text = parts.join('  ');
    this.#item.tooltip = details.join('\n');
    this.#item.accessibilityInformation = {
      label: `Wavelock, ${progressWords(workflow)}, ${details.slice(1).join(', ')}`,
    };
    this.#item.backgroundColor =
      store.state === 'failed'
        ? new vscode.ThemeColor('statusBarItem.warningBackground')
        : undefined;
    this.#item.show();
  }

  /** The active file, if it is one; else the first of its folder; else the first of all. */
  #relevant(): Located | undefined {
    const all = this.model.workflows;
    const active = vscode.window.activeTextEditor?.document.uri;
    const folder = active && vscode.workspace.getWorkspaceFolder(active)?.uri.fsPath;
    return (
      all.find(({ workflow }) => workflow.path === active?.fsPath) ??
      all.find(({ model }) => model.folder === folder) ??
      all[0]
    );
  }
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
