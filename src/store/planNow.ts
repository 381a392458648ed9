/** The plan of a workflow as it counts now: what its file says, and what that kind of file has no place for. */
import type { Plan, PlanTask, TaskChange, TaskStatus } from '../core/model';
import { taskKey, type StateView } from '../core/views';
import { waveNow } from '../core/waveNow';
import type { WorkflowDocument } from '../workflow/document';

/**
 * What the file says, and what the store knows where the file has no place for it: the wave that a checklist does not
 * state, and of a task with an open box that its run is at work or has failed, where a box cannot say so.
 */
export function planNow(document: WorkflowDocument, view: StateView): Plan | null {
  const { plan, editing } = document;
  if (plan === null || editing === 'full') return plan;
  const statusNow = (task: PlanTask): TaskStatus => {
    const said = view.tasks.get(taskKey(plan.id, task.id));
    const mayCount = said?.by === 'run' && task.status === 'todo' && said.status !== 'todo';
    return mayCount && !isSayable(document, said) ? said.status : task.status;
  };
  return {
    ...plan,
    wave: waveNow(plan, editing, view.workflows.get(plan.id)),
    waves: plan.waves.map(({ number, tasks }) => ({
      number,
      tasks: tasks.map((task) => ({ ...task, status: statusNow(task) })),
    })),
  };
}

function isSayable(document: WorkflowDocument, { task, status }: TaskChange): boolean {
  return document.edit({ kind: 'task', task, status, updated: '' }).ok;
}
