/** Folds sections, waves, and tasks with what is written below them. */
import * as vscode from 'vscode';
import { outlineOf, type OutlineNode } from '../workflow/outline';
import type { LiveDocuments } from './liveDocuments';

export class WorkflowFolding implements vscode.FoldingRangeProvider {
  constructor(private readonly live: LiveDocuments) {}

  async provideFoldingRanges(
    text: vscode.TextDocument,
    _context: vscode.FoldingContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.FoldingRange[]> {
    const live = await this.live.settled(text, token);
    if (!live?.isMain) return [];
    return [...ranges(outlineOf(live.document))];
  }
}

function* ranges(nodes: readonly OutlineNode[]): Generator<vscode.FoldingRange> {
  for (const { line, end, children } of nodes) {
    if (end > line) yield new vscode.FoldingRange(line, end);
    yield* ranges(children);
  }
}
