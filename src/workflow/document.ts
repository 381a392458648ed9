/**
 * The one interface of every workflow file format: text in, a document out that knows what the text
 * means, what is wrong with it, and which bytes an edit has to touch.
 *
 * Reading never throws and is linear in the size of the text. Formats differ; nothing outside this
 * folder knows how.
 */
import type { Plan, Problem, WorkflowEdit } from '../core/model';

/** Replaces `[start, end)` of a text, in UTF-16 units. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface WorkflowDocument {
  readonly format: 'native';
  readonly text: string;
  /** Null when the text names no workflow, so that there is nothing to speak of. */
  readonly plan: Plan | null;
  /** In the order of their lines. */
  readonly problems: readonly Problem[];
  /** The smallest edits that make the text say `edit`; empty when it says so already. */
  edits(edit: WorkflowEdit): readonly TextEdit[];
}

/** A document of a text that cannot even be read; it is shown with its reason and never written. */
export function unreadable(text: string, code: string, message: string): WorkflowDocument {
  return {
    format: 'native',
    text,
    plan: null,
    problems: [{ line: 0, column: 0, length: 0, severity: 'error', code, message }],
    edits: () => [],
  };
}

/** A plan may be acted upon only when nothing in its file is an error. */
export function isValid(
  document: WorkflowDocument,
): document is WorkflowDocument & { readonly plan: Plan } {
  return (
    document.plan !== null && !document.problems.some((problem) => problem.severity === 'error')
  );
}

/** Edits must be in order and must not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = '';
  let position = 0;
  for (const edit of edits) {
    if (edit.start < position || edit.end < edit.start || edit.end > text.length) {
      throw new RangeError(`edit [${edit.start}, ${edit.end}) does not fit after ${position}`);
    }
    result += text.slice(position, edit.start) + edit.text;
    position = edit.end;
  }
  return result + text.slice(position);
}
