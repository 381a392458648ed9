/**
 * What commands about runs need of workflow files, which most of them never do: the task that a run is for, and the
 * box that shows what became of it. A bundle of its own, loaded when it is needed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isStoreError } from '../core/errors';
import type { FileEdit, Refusal, TaskId, WorkflowId } from '../core/model';
import type { Store } from '../store/store';
import { pathAt, readWorkflowFile } from '../store/workflowFile';
import { WorkflowFiles } from '../store/workflowFiles';
import { chosen, workflowsIn } from './workflowChoice';
import { locate, type Workplace } from './workplace';

/**
 * What files are promised is written before the answer is given. The command itself stands whatever becomes of them,
 * and an answer that holds a token must not wait: a file that somebody holds is left to that one, or to the next.
 */
export async function keepPromises(
  store: Store,
  workplace: Workplace,
  edits: readonly FileEdit[],
): Promise<void> {
  const { place } = locate(workplace);
  const due = new Set(edits.map(({ workflow }) => workflow));
  const rows = (await store.read('workflows', {})).filter(
    ({ id, worktree }) => due.has(id) && worktree === place.worktree,
  );
  const isHeld = rows.some(({ file }) => existsSync(`${join(place.root, file)}.lock`));
  if (rows.length === 0 || isHeld) return;
  try {
    await new WorkflowFiles({ place, store, now: Date.now }).keepPromises();
  } catch (error) {
    if (!isStoreError(error)) throw error;
    workplace.warn(`${error.message} What you asked for is done; its file follows.`);
  }
}

export type TaskPlace =
  | Refusal
  | {
      readonly description?: string;
      readonly place: {
        readonly workflow?: WorkflowId;
        readonly wave?: number;
        readonly task?: TaskId;
      };
    };

/** Where the file has the task that is meant; a workflow alone goes by its id. */
export async function placeOfTask(
  { task, workflow }: { readonly task: string | undefined; readonly workflow: string | undefined },
  workplace: Workplace,
  store: Store,
): Promise<TaskPlace> {
  const workflows = await workflowsIn(locate(workplace), store);
  const path = await chosen(workflows, workflow, store);
  if (typeof path !== 'string') return path;
  const plan = readWorkflowFile(workflows.reading, pathAt(path))?.document.plan;
  if (!plan) {
    return { code: 'unknown_workflow', message: `There is no workflow in ${path}.` };
  }
  if (task === undefined) return { place: { workflow: plan.id } };
  for (const { number, tasks } of plan.waves) {
    const found = tasks.find(({ id }) => id === task);
    if (!found) continue;
    const place = { workflow: plan.id, wave: number, task: found.id };
    return { description: found.description, place };
  }
  const id = task.slice(0, 64) as TaskId;
  const message = `Workflow ${plan.id} has no task ${id}.`;
  return { code: 'unknown_task', message, task: id, workflow: plan.id };
}
