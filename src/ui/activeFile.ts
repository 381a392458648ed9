/** The file that the active editor shows: the one that VS Code's own commands for "the active editor" act on. */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';

export function activeFile(): vscode.Uri | undefined {
  const input: unknown = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputTextDiff) return input.modified;
  if (
    input instanceof vscode.TabInputText ||
    input instanceof vscode.TabInputCustom ||
    input instanceof vscode.TabInputNotebook
  ) {
    return input.uri;
  }
  return undefined;
}

export function onDidChangeActiveFile(listener: () => void): Disposable {
  return vscode.Disposable.from(
    vscode.window.tabGroups.onDidChangeTabs(listener),
    vscode.window.tabGroups.onDidChangeTabGroups(listener),
    vscode.window.onDidChangeActiveTextEditor(listener),
  );
}
