/** The command that queues a run for a task as an advance of its wave would. */
import type { CreateRuns, RunId, TaskId } from '../core/model';
import type { Located } from './workspaceModel';

export interface TaskRuns {
  /** What the task waits for by the file. */
  needs(task: TaskId): readonly TaskId[];
  /**
   * It waits for the newest runs of what its task depends on; what is done holds nothing up, whoever did it.
   * @returns undefined for a task that the file does not have
   */
  of(task: TaskId, made?: ReadonlyMap<TaskId, RunId>): CreateRuns | undefined;
}

export function taskRuns({ model, workflow }: Located): TaskRuns {
  const plan = model.files.find(({ path }) => path === workflow.path)?.document.plan;
  const planned = new Map(
    plan?.waves.flatMap(({ number, tasks }) =>
      tasks.map((task) => [task.id, { ...task, wave: number }] as const),
    ),
  );
  const shown = new Map(
    workflow.waves.flatMap(({ tasks }) => tasks.map((task) => [task.id, task] as const)),
  );
  const needs = (task: TaskId): readonly TaskId[] => planned.get(task)?.dependsOn ?? [];
  return {
    needs,
    of(id, made) {
      const task = planned.get(id);
      if (!plan || !task) return undefined;
      const dependsOn = needs(id).flatMap((other) => {
        const before = shown.get(other);
        const run = made?.get(other) ?? before?.run?.id;
        return run === undefined || before?.status === 'done' ? [] : [run];
      });
      return {
        kind: 'run.create',
        title: task.description === '' ? id : task.description,
        workflow: plan.id,
        wave: task.wave,
        task: id,
        ...(dependsOn.length > 0 ? { dependsOn } : {}),
      };
    },
  };
}
