/** Links to a run, `<scheme>://wavelock.wavelock/run/ID`: they show it, and never do anything else. */
import * as vscode from 'vscode';
import type { RunId } from '../core/model';
import type { Disposable } from '../shared/lifecycle';
import { runCommand } from './commands';
import type { WorkspaceModel } from './workspaceModel';

/** As `newId` makes them; a link is anybody's text. */
const runPath = /^\/run\/(run_[0-9a-z]{10})\/?$/;

export class RunLinks implements vscode.UriHandler, Disposable {
  readonly #registered: Disposable;

  constructor(
    private readonly model: WorkspaceModel,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#registered = vscode.window.registerUriHandler(this);
  }

  dispose(): void {
    this.#registered.dispose();
  }

  async handleUri(uri: vscode.Uri): Promise<void> {
    const id = runPath.exec(uri.path)?.[1];
    if (id === undefined) {
      this.log.warn(`A link that leads nowhere: ${uri.path.slice(0, 200)}`);
      void vscode.window.showWarningMessage(
        vscode.l10n.t('This link leads to nothing that Wavelock knows.'),
      );
      return;
    }
    await this.model.ready;
    const found = await this.#find(id as RunId);
    if (!found) {
      void vscode.window.showWarningMessage(
        vscode.l10n.t(
          'There is no run {0} in this window. Open the folder that it belongs to.',
          id,
        ),
      );
      return;
    }
    const { path, line } = found;
    if (path !== undefined)
      await runCommand('wavelock.openWorkflowFile', {
        path,
        ...(line === undefined ? {} : { line }),
      });
    await runCommand('wavelock.openPanel');
  }

  async #find(id: RunId): Promise<{ readonly path?: string; readonly line?: number } | undefined> {
    for (const folder of this.model.folders) {
      await folder.versions().catch(() => undefined);
      const run = folder.view.allRuns.get(id);
      if (!run) continue;
      const workflow = folder.state.workflows.find((each) => each.id === run.workflow);
      if (!workflow) return {};
      const task = workflow.waves
        .flatMap(({ tasks }) => tasks)
        .find(({ id: of }) => of === run.task);
      return { path: workflow.path, ...(task ? { line: task.line } : {}) };
    }
    return undefined;
  }
}
