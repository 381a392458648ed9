/** The outline of a workflow file, and what can be folded in it. */
import * as vscode from 'vscode';
import { outlineOf, type OutlineNode } from '../workflow/outline';
import type { LiveDocuments } from './liveDocuments';

export class WorkflowSymbols implements vscode.DocumentSymbolProvider {
  static readonly metadata: vscode.DocumentSymbolProviderMetadata = { label: 'Wavelock' };

  constructor(private readonly live: LiveDocuments) {}

  async provideDocumentSymbols(
    text: vscode.TextDocument,
    token: vscode.CancellationToken,
  ): Promise<vscode.DocumentSymbol[]> {
    const live = await this.live.settled(text, token);
    if (!live?.isMain) return [];
    return outlineOf(live.document).map((node) => symbolOf(text, node));
  }
}

function symbolOf(text: vscode.TextDocument, node: OutlineNode): vscode.DocumentSymbol {
  const first = text.lineAt(Math.min(node.line, text.lineCount - 1)).range;
  const last = text.lineAt(Math.min(node.end, text.lineCount - 1)).range;
  const { task, wave } = node;
  const kind = task
    ? vscode.SymbolKind.Event
    : wave === null
      ? vscode.SymbolKind.Namespace
      : vscode.SymbolKind.Module;
  // VS Code refuses a symbol without a name.
  const name = (task ? task.id : node.title).trim() || '#';
  const symbol = new vscode.DocumentSymbol(
    name,
    task?.description ?? '',
    kind,
    first.union(last),
    first,
  );
  symbol.children = node.children.map((child) => symbolOf(text, child));
  return symbol;
}
