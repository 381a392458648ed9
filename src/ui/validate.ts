/** "Validate Workflow File": reads it anew, and shows what is wrong, or that nothing is. */
import * as vscode from 'vscode';
import { chooseWorkflow, type FileTarget } from './workflowChoice';
import type { LiveDocuments } from './liveDocuments';
import type { WorkspaceModel } from './workspaceModel';

export async function validateWorkflowFile(
  model: WorkspaceModel,
  live: LiveDocuments,
  target: FileTarget,
): Promise<void> {
  const chosen = await chooseWorkflow(model, live, {
    target,
    title: vscode.l10n.t('Validate which workflow file?'),
  });
  if (!chosen) return;
  const { path, file } = chosen.workflow;
  const text = await vscode.workspace.openTextDocument(path);
  await vscode.window.showTextDocument(text);
  const problems = live.now(text)?.document.problems ?? chosen.workflow.problems;
  if (problems.length > 0) {
    await vscode.commands.executeCommand('workbench.actions.view.problems');
    return;
  }
  const message = vscode.l10n.t('{0} is a valid workflow file', file);
  vscode.window.setStatusBarMessage(`$(check) ${message}`, 5_000);
}
