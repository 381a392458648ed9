/** Changes of a text as the editor takes them: the smallest that lead from what it shows to what it shall show. */
import * as vscode from 'vscode';
import type { TextEdit } from '../workflow/document';
import { diffLines, splitLines } from '../workflow/lineDiff';

/** Line by line, so that cursors and folds beside a change stay where they are. */
export function editsBetween(before: string, after: string): TextEdit[] {
  if (before === after) return [];
  const old = splitLines(before);
  const lines = splitLines(after);
  const starts = [0];
  for (const line of old) starts.push((starts.at(-1) ?? 0) + line.length);
  return diffLines(old, lines).map(({ start, end, newStart, newEnd }) => ({
    start: starts[start] ?? before.length,
    end: starts[end] ?? before.length,
    text: lines.slice(newStart, newEnd).join(''),
  }));
}

/** A text of the disk as a buffer holds it: without byte order mark, with one kind of line end. */
export function asInBuffer(text: string, buffer: Pick<vscode.TextDocument, 'eol'>): string {
  const eol = buffer.eol === vscode.EndOfLine.CRLF ? '\r\n' : '\n';
  return text.replace(/^\uFEFF/, '').replace(/\r\n?|\n/g, eol);
}

export function workspaceEdit(
  text: vscode.TextDocument,
  edits: readonly TextEdit[],
): vscode.WorkspaceEdit {
  const edit = new vscode.WorkspaceEdit();
  edit.set(text.uri, textEdits(text, edits));
  return edit;
}

export function textEdits(
  text: vscode.TextDocument,
  edits: readonly TextEdit[],
): vscode.TextEdit[] {
  return edits.map(({ start, end, text: replacement }) =>
    vscode.TextEdit.replace(
      new vscode.Range(text.positionAt(start), text.positionAt(end)),
      replacement,
    ),
  );
}
