/** What changed between two readings of a workflow: for imports of hand edits, and for conflicts. */
import type { Plan, PlanTask, StructuredDiff, TaskId, TaskMoved, TaskStatus } from '../core/model';
import type { TaskDetails, WorkflowDocument } from './document';

/** A task with all that its file says of it. */
export interface StatedTask extends TaskDetails {
  readonly id: TaskId;
  readonly description: string;
  readonly status: TaskStatus;
  readonly wave: number;
  readonly dependsOn: readonly TaskId[];
}

export type TaskField = Exclude<keyof StatedTask, 'id'>;

export interface TaskModified {
  readonly id: TaskId;
  readonly before: StatedTask;
  readonly after: StatedTask;
  /** At least one. */
  readonly fields: readonly TaskField[];
}

export interface PlanDifference {
  /** Null where both say the same. */
  readonly wave: { readonly before: number; readonly after: number } | null;
  readonly waveCount: { readonly before: number; readonly after: number } | null;
  readonly name: { readonly before: string; readonly after: string } | null;
  readonly added: readonly StatedTask[];
  readonly removed: readonly StatedTask[];
  readonly modified: readonly TaskModified[];
}

/** What a document is compared by; a plan alone will do. */
export type Stated = Pick<WorkflowDocument, 'plan' | 'details'>;

export function statedTasks({ plan, details }: Stated): Map<TaskId, StatedTask> {
  const tasks = new Map<TaskId, StatedTask>();
  for (const { number, tasks: planned } of plan?.waves ?? []) {
    for (const task of planned) tasks.set(task.id, stated(task, number, details.get(task.id)));
  }
  return tasks;
}

function stated(
  { id, description, status, dependsOn }: PlanTask,
  wave: number,
  details: TaskDetails | undefined,
): StatedTask {
  const { commit = null, files = [], error = null } = details ?? {};
  return { id, description, status, wave, dependsOn, commit, files, error };
}

/** Where tasks stand in the file is no difference, nor is their order. */
export function diffPlans(before: Stated, after: Stated): PlanDifference {
  const old = statedTasks(before);
  const now = statedTasks(after);
  const modified = [...old.values()].flatMap((task): TaskModified[] => {
    const other = now.get(task.id);
    const fields = other ? changedFields(task, other) : [];
    return other && fields.length > 0 ? [{ id: task.id, before: task, after: other, fields }] : [];
  });
  const of = <Key extends 'wave' | 'waveCount' | 'name'>(key: Key) => {
    const values = { before: before.plan?.[key], after: after.plan?.[key] };
    return values.before === undefined ||
      values.after === undefined ||
      values.before === values.after
      ? null
      : (values as { readonly before: Plan[Key]; readonly after: Plan[Key] });
  };
  return {
    wave: of('wave'),
    waveCount: of('waveCount'),
    name: of('name'),
    added: [...now.values()].filter((task) => !old.has(task.id)),
    removed: [...old.values()].filter((task) => !now.has(task.id)),
    modified,
  };
}

export function changedFields(a: StatedTask, b: StatedTask): TaskField[] {
  const plain = (['description', 'status', 'wave', 'commit', 'error'] as const).filter(
    (field) => a[field] !== b[field],
  );
  const lists = (['dependsOn', 'files'] as const).filter((field) => !sameList(a[field], b[field]));
  return [...plain, ...lists];
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** Boxes that show otherwise; a task that is new has not moved. */
export function movesBetween(before: Stated, after: Stated): TaskMoved[] {
  return diffPlans(before, after).modified.flatMap(({ id: task, before: was, after: is }) =>
    was.status === is.status ? [] : [{ task, from: was.status, to: is.status }],
  );
}

export function structured(before: Stated, after: Stated): StructuredDiff {
  const { added, removed, modified } = diffPlans(before, after);
  const ids = (tasks: readonly { readonly id: string }[]): string[] => tasks.map(({ id }) => id);
  return { added: ids(added), removed: ids(removed), modified: ids(modified) };
}
