/** What would mend a problem of a workflow file, as the lamp beside the text offers it; one, or all at once. */
import * as vscode from 'vscode';
import type { Problem } from '../core/model';
import { localTime } from '../store/workflowFile';
import { applyEdits, type Fix, type TextEdit, type WorkflowDocument } from '../workflow/document';
import { codeOf } from './diagnostics';
import { rangeOf, type LiveDocument, type LiveDocuments } from './liveDocuments';
import { editsBetween, workspaceEdit } from './textChanges';

export const fixAllKind = vscode.CodeActionKind.SourceFixAll.append('wavelock');

/** Each round mends what does not touch each other; what is left after so many is for people. */
const mostRounds = 50;
/** So that a file with thousands of problems does not stop the editor; the rest is fixed when asked again. */
const mostTimeMs = 1_500;

export class QuickFixes implements vscode.CodeActionProvider {
  static readonly kinds: vscode.CodeActionProviderMetadata = {
    providedCodeActionKinds: [vscode.CodeActionKind.QuickFix, fixAllKind],
  };

  constructor(private readonly live: LiveDocuments) {}

  async provideCodeActions(
    text: vscode.TextDocument,
    _range: vscode.Range,
    { diagnostics, only }: vscode.CodeActionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.CodeAction[]> {
    const ours = diagnostics.filter((diagnostic) => codeOf(diagnostic) !== undefined);
    const asksForAll = only !== undefined && fixAllKind.intersects(only);
    if (ours.length === 0 && !asksForAll) return [];
    const live = await this.live.settled(text, token);
    if (!live) return [];
    const now = localTime(Date.now());
    const single = ours.flatMap((diagnostic) => quickFix(live, diagnostic, now) ?? []);
    const wantsAll = asksForAll || (only === undefined && single.length > 0);
    const fixable = live.document.problems.filter((problem) => fixOf(live, problem, now));
    if (!wantsAll || (fixable.length < 2 && !asksForAll)) return single;
    const all = fixAll(live, now);
    return all ? [...single, all] : single;
  }
}

function quickFix(
  live: LiveDocument,
  diagnostic: vscode.Diagnostic,
  now: string,
): vscode.CodeAction | undefined {
  const code = codeOf(diagnostic);
  const problem = live.document.problems.find(
    (each) => each.code === code && rangeOf(each).isEqual(diagnostic.range),
  );
  const fix = problem && fixOf(live, problem, now);
  if (!fix) return undefined;
  const action = new vscode.CodeAction(fix.title, vscode.CodeActionKind.QuickFix);
  action.diagnostics = [diagnostic];
  action.isPreferred = true;
  action.edit = workspaceEdit(live.text, fix.edits);
  return action;
}

function fixAll(live: LiveDocument, now: string): vscode.CodeAction | undefined {
  const mended = mendAll(live.document, now, (text) => live.model.read(live.file, text));
  if (mended === live.document.text) return undefined;
  const title = vscode.l10n.t('Fix all problems of this workflow file that can be fixed');
  const action = new vscode.CodeAction(title, fixAllKind);
  action.edit = workspaceEdit(live.text, editsBetween(live.document.text, mended));
  return action;
}

/** Of a workflow of several files, fixes are of the main one. */
function fixOf(live: LiveDocument, problem: Problem, now: string): Fix | null {
  if (!live.isMain || problem.file !== undefined) return null;
  return live.document.fix(problem, now);
}

/** The text with every fix in it, as far as fixes go. */
export function mendAll(
  document: WorkflowDocument,
  now: string,
  read: (text: string) => WorkflowDocument,
): string {
  const until = performance.now() + mostTimeMs;
  let current = document;
  for (let round = 0; round < mostRounds && performance.now() < until; round += 1) {
    const edits = fixesApart(current, now);
    if (edits.length === 0) break;
    const next = applyEdits(current.text, edits);
    if (next === current.text) break;
    current = read(next);
  }
  return current.text;
}

/** The edits of fixes that do not touch one another, in order; the others have their turn in the next round. */
function fixesApart(document: WorkflowDocument, now: string): TextEdit[] {
  const taken: TextEdit[] = [];
  let cycleBroken = false;
  for (const problem of document.problems) {
    if (problem.file !== undefined) continue;
    // Each task of a circle has a fix that breaks it; one is enough.
    if (problem.code === 'dependency_cycle' && cycleBroken) continue;
    const edits = document.fix(problem, now)?.edits ?? [];
    if (edits.length === 0 || edits.some((edit) => taken.some((other) => touch(edit, other))))
      continue;
    taken.push(...edits);
    cycleBroken ||= problem.code === 'dependency_cycle';
  }
  return taken.sort((a, b) => a.start - b.start);
}

function touch(one: TextEdit, other: TextEdit): boolean {
  return one.start <= other.end && other.start <= one.end;
}
