/**
 * The one interface of every workflow file format: text in, a document out that knows what the text
 * means, what is wrong with it, and which bytes an edit has to touch.
 *
 * Reading never throws and is linear in the size of the text. Formats differ; nothing outside this
 * folder knows how.
 */
import type { Plan, Problem, TaskEdit, TaskId, WorkflowEdit } from '../core/model';
import type { ProblemCode } from './problems';

export type WorkflowFormat = 'native' | 'planning' | 'waves' | 'checklist' | 'unknown';

/** What Wavelock may write: everything an edit can say, the checkbox of a task alone, or nothing. */
export type Editing = 'full' | 'checkbox' | 'none';

/** Replaces `[start, end)` of a text, in UTF-16 units. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface WorkflowDocument {
  readonly format: WorkflowFormat;
  readonly editing: Editing;
  /** The file that `text` is of. Edits, fixes and problems without a file of their own belong to it. */
  readonly path: string;
  readonly text: string;
  /** Null when the text names no workflow, so that there is nothing to speak of. */
  readonly plan: Plan | null;
  /** What the file calls its waves, where it says more than their number. */
  readonly waveTitles: ReadonlyMap<number, string>;
  /** What the file says of its tasks beyond the plan; tasks of which it says no more are left out. */
  readonly details: ReadonlyMap<TaskId, TaskDetails>;
  /** What people and programs have noted, each with its stamp. */
  readonly notes: readonly string[];
  /** What the file says that follows from the rest of it. */
  readonly derived: Derived;
  /** In the order of their lines. */
  readonly problems: readonly Problem[];
  /** The smallest edits that make the text say `edit`, or why this file cannot say it. */
  edit(edit: WorkflowEdit): EditAnswer;
  /** What would mend one of `problems`, where that is plain; `now` is local time as the file writes it. */
  fix(problem: Problem, now: string): Fix | null;
}

export interface Derived {
  /** In order; `edit` writes what `text` says now. */
  readonly counts: readonly {
    readonly value: number;
    readonly shall: number;
    readonly edit: TextEdit;
  }[];
  readonly updated: { readonly value: string; readonly edit: TextEdit } | null;
}

export const NOTHING_DERIVED: Derived = { counts: [], updated: null };

export interface TaskDetails {
  readonly commit: string | null;
  readonly files: readonly string[];
  readonly error: string | null;
}

export type EditAnswer =
  | {
      readonly ok: true;
      /** Empty when the text says so already. */
      readonly edits: readonly TextEdit[];
      /** What the edit says of the task and this format has no place for. */
      readonly unsaid: readonly (keyof TaskDetails)[];
    }
  | { readonly ok: false; readonly why: CannotEdit; readonly message: string };

/**
 * - `unknown_task`: no task of this file has the id.
 * - `not_in_format`: files of this kind have no place for it, or another tool owns that place.
 * - `no_status`: there is no status line that a wave could be written to.
 * - `no_place`: an open code block or comment would swallow what is written.
 * - `unreadable`: the file is damaged or of an unknown shape, and is never written.
 */
export type CannotEdit = 'unknown_task' | 'not_in_format' | 'no_status' | 'no_place' | 'unreadable';

/** Applied, it leaves no problem of that code in its place. */
export interface Fix {
  readonly title: string;
  readonly edits: readonly TextEdit[];
}

/** A document of a text that cannot even be read; it is shown with its reason and never written. */
export function unreadable(
  path: string,
  text: string,
  code: ProblemCode,
  message: string,
): WorkflowDocument {
  return {
    format: 'unknown',
    editing: 'none',
    path,
    text,
    plan: null,
    waveTitles: new Map(),
    details: new Map(),
    notes: [],
    derived: NOTHING_DERIVED,
    problems: [{ line: 0, column: 0, length: 0, severity: 'error', code, message }],
    edit: () => cannot('unreadable', message),
    fix: () => null,
  };
}

export function can(
  edits: readonly TextEdit[],
  unsaid: readonly (keyof TaskDetails)[] = [],
): EditAnswer {
  return { ok: true, edits, unsaid };
}

export function cannot(why: CannotEdit, message: string): EditAnswer {
  return { ok: false, why, message };
}

/** What `edit` says of its task beside the status. */
export function detailsIn(edit: TaskEdit): (keyof TaskDetails)[] {
  return (['commit', 'files', 'error'] as const).filter((name) => edit[name] !== undefined);
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
