/** Which workflow a command is about: the one that it names, the one that is looked at, or one that is picked. */
import * as vscode from 'vscode';
import type { WorkflowTarget } from './commandTable';
import type { LiveDocuments } from './liveDocuments';
import type { Located, WorkspaceModel } from './workspaceModel';

/** What menus of the tree, of the editor and of the explorer hand over. */
export type FileTarget = WorkflowTarget | vscode.Uri | undefined;

export async function chooseWorkflow(
  model: WorkspaceModel,
  live: LiveDocuments,
  { target, title }: { readonly target: FileTarget; readonly title: string },
): Promise<Located | undefined> {
  await model.ready;
  const all = model.workflows;
  const named = target === undefined ? undefined : pathOf(target);
  if (named !== undefined) {
    const found = model.workflow(named) ?? workflowOf(model, live, vscode.Uri.file(named));
    if (found) return found;
  }
  const active = vscode.window.activeTextEditor?.document.uri;
  const looked = active && workflowOf(model, live, active);
  if (looked && named === undefined) return looked;
  if (all.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('There is no workflow file in this workspace.'),
    );
    return undefined;
  }
  if (all.length === 1) return all[0];
  const picked = await vscode.window.showQuickPick(
    all.map((located) => ({
      label: plainLabel(located.workflow.name),
      description: located.workflow.file,
      located,
    })),
    { title, matchOnDescription: true },
  );
  return picked?.located;
}

function pathOf(target: WorkflowTarget | vscode.Uri): string {
  return 'fsPath' in target ? target.fsPath : target.path;
}

function workflowOf(
  model: WorkspaceModel,
  live: LiveDocuments,
  uri: vscode.Uri,
): Located | undefined {
  const path = live.belonging({ uri })?.workflow.path;
  return path === undefined ? undefined : model.workflow(path);
}

/** A label would draw `$(name)` as a picture, and obey characters that nobody sees. */
export function plainLabel(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, ' ').replace(/\$(?=\()/g, '\\$');
}
