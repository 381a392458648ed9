/** Two changes of one text, made apart: one text that says both, or where they contradict each other. */
import type { TaskId } from '../core/model';
import type { PlanDifference, TaskField } from './difference';

export type Merge =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly conflict: MergeConflict };

/** Whole texts, so that a person can take either, and what stands against what. */
export interface MergeConflict {
  readonly base: string;
  readonly mine: string;
  readonly theirs: string;
  /** What both say of one task, differently. */
  readonly tasks: readonly TaskConflict[];
  /** Lines that both changed, in the order of the base. */
  readonly lines: readonly LineConflict[];
  /** What each side has done since the base. */
  readonly changes: { readonly mine: TextDifference; readonly theirs: TextDifference };
}

export interface TaskConflict {
  readonly task: TaskId;
  readonly field: TaskField | 'task';
  readonly mine: string;
  readonly theirs: string;
}

/** Lines of one place, as each side has them. */
export interface LineConflict {
  /** Zero-based line of the base. */
  readonly line: number;
  readonly base: readonly string[];
  readonly mine: readonly string[];
  readonly theirs: readonly string[];
}

/** `modified` pairs lines that took each other's place. */
export interface TextDifference {
  readonly plan: PlanDifference;
  readonly added: readonly LineAt[];
  readonly removed: readonly LineAt[];
  readonly modified: readonly { readonly before: LineAt; readonly after: LineAt }[];
}

export interface LineAt {
  /** Zero-based; of the new text for what was added, else of the base. */
  readonly line: number;
  readonly text: string;
}
