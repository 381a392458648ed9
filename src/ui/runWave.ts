/** "Run All" of a wave: a queued run for each of its tasks that is not done and has none under way. */
import * as vscode from 'vscode';
import type { RunId, TaskId } from '../core/model';
import type { TaskOverview, WaveOverview, WorkflowOverview } from '../store/overview';
import { taskRuns, type TaskRuns } from './taskRuns';
import type { WorkspaceModel } from './workspaceModel';

export interface WaveTarget {
  readonly path: string;
  readonly wave: number;
}

/** Only of the wave under way: later ones have their turn when the workflow comes to them. */
export function runnableTasks(
  workflow: WorkflowOverview,
  wave: WaveOverview,
): readonly TaskOverview[] {
  if (wave.number !== workflow.wave) return [];
  return wave.tasks.filter(
    ({ status, run }) =>
      status !== 'done' && !(run && ['queued', 'running', 'completed'].includes(run.status)),
  );
}

export async function runWave(
  model: WorkspaceModel,
  log: vscode.LogOutputChannel,
  target: WaveTarget | undefined,
): Promise<void> {
  await model.ready;
  const located = target === undefined ? model.workflows[0] : model.workflow(target.path);
  const number = target?.wave ?? located?.workflow.wave;
  const wave = located?.workflow.waves.find((each) => each.number === number);
  if (!located || !wave) return;
  const wanted = runnableTasks(located.workflow, wave);
  if (wanted.length === 0) {
    void vscode.window.showInformationMessage(
      vscode.l10n.t('Every task of wave {0} is done or has a run under way.', wave.number),
    );
    return;
  }
  const runs = taskRuns(located);
  const made = new Map<TaskId, RunId>();
  await located.model.change(async ({ store }) => {
    // In an order in which each finds the runs that it waits for.
    for (const task of inOrder(wanted, runs)) {
      const command = runs.of(task.id, made);
      const answer = command && (await store.submit(command));
      if (answer?.ok) {
        const [run] = answer.facts.runs;
        if (run) made.set(task.id, run.id);
      } else if (answer && answer.refusal.code !== 'task_busy') {
        log.info(`Refused (${answer.refusal.code}): ${answer.refusal.message}`);
        void vscode.window.showWarningMessage(answer.refusal.message);
        return;
      }
    }
  });
}

function inOrder(tasks: readonly TaskOverview[], runs: TaskRuns): TaskOverview[] {
  const left = new Map(tasks.map((task) => [task.id, task]));
  const ordered: TaskOverview[] = [];
  const visit = (task: TaskOverview): void => {
    if (!left.delete(task.id)) return;
    for (const id of runs.needs(task.id)) {
      const before = left.get(id);
      if (before) visit(before);
    }
    ordered.push(task);
  };
  for (const task of tasks) visit(task);
  return ordered;
}
