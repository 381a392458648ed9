/** Opens a workflow file where the matter is. */
import * as vscode from 'vscode';
import type { WorkflowTarget } from './commandTable';
import type { WorkspaceModel } from './workspaceModel';

export async function openWorkflowFile(
  model: WorkspaceModel,
  target: (WorkflowTarget & { readonly line?: number }) | undefined,
): Promise<void> {
  const path = target?.path ?? model.workflows[0]?.workflow.path;
  if (path === undefined) return;
  const document = await vscode.workspace.openTextDocument(path);
  const editor = await vscode.window.showTextDocument(document);
  if (target?.line === undefined) return;
  const { range } = document.lineAt(Math.min(target.line, document.lineCount - 1));
  editor.selection = new vscode.Selection(range.start, range.start);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
