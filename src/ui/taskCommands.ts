/** Setting where a task stands: by the command, or by ticking its box in the tree. */
import * as vscode from 'vscode';
import type { TaskStatus } from '../core/model';
import { plain, plainIcons } from '../shared/plainText';
import type { TaskOverview } from '../store/overview';
import { mention, type Acting } from './acting';
import type { ClaimedRuns } from './claimedRuns';
import type { TaskTarget } from './commandTable';
import { taskActions } from './legalActions';
import { lookOfTask, taskLook } from './runWords';
import type { Located, WorkspaceModel } from './workspaceModel';

export interface FoundTask extends Located {
  readonly task: TaskOverview;
}

export class TaskCommands {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly acting: Acting,
    private readonly claimed: ClaimedRuns,
  ) {}

  async setStatus(target?: TaskTarget, status?: TaskStatus): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const found = await this.choose(
      target,
      vscode.l10n.t('Set the status of which task?'),
      (task) => taskActions(task.workflow, task.task, this.claimed).set.length > 0,
    );
    if (!found) return;
    const wanted = status ?? (await this.#pickStatus(found));
    if (wanted === undefined) return;
    let error: string | undefined;
    if (wanted === 'failed') {
      error = await vscode.window.showInputBox({
        title: vscode.l10n.t('{0} has failed', plain(found.task.id)),
        prompt: vscode.l10n.t('What went wrong? It may be left empty.'),
      });
      if (error === undefined) return;
    }
    await this.set(found, wanted, error);
  }

  /** @returns whether it was set; why not is on the screen */
  async set(
    { model, workflow, task }: FoundTask,
    status: TaskStatus,
    error?: string,
  ): Promise<boolean> {
    const { path } = workflow;
    const token = task.run?.status === 'running' ? this.claimed.token(task.run.id) : undefined;
    const facts = await this.acting.ask(model, { what: `Set task ${task.id}`, path }, ({ files }) =>
      files.setTask(path, {
        task: task.id,
        status,
        seen: task.status,
        ...(token === undefined ? {} : { token }),
        ...(error === undefined || error.trim() === '' ? {} : { error: error.trim() }),
      }),
    );
    if (facts) mention(`${plain(task.id)}: ${taskLook(status).word}`);
    return facts !== undefined;
  }

  find({ path, task }: TaskTarget): FoundTask | undefined {
    const located = this.model.workflow(path);
    const found = located?.workflow.waves
      .flatMap(({ tasks }) => tasks)
      .find(({ id }) => id === task);
    return located && found && { ...located, task: found };
  }

  /** The one that is named, or one of those for which it is legal. */
  async choose(
    target: TaskTarget | undefined,
    title: string,
    may: (task: FoundTask) => boolean,
  ): Promise<FoundTask | undefined> {
    const named = target && this.find(target);
    if (named) return named;
    const legal = this.model.workflows
      .flatMap((located) =>
        located.workflow.waves.flatMap(({ tasks }) => tasks.map((task) => ({ ...located, task }))),
      )
      .filter(may);
    if (legal.length === 0) {
      this.acting.explanations.nothing(
        vscode.l10n.t('There is no task for which this could be done now.'),
      );
      return undefined;
    }
    const several = this.model.workflows.length > 1;
    const items = legal.map((found) => ({
      label: `$(${lookOfTask(found.task).icon}) ${plainIcons(plain(found.task.id))}`,
      description: plainIcons(plain(found.task.description)),
      ...(several ? { detail: plainIcons(plain(found.workflow.name)) } : {}),
      found,
    }));
    return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.found;
  }

  async #pickStatus(found: FoundTask): Promise<TaskStatus | undefined> {
    const { set } = taskActions(found.workflow, found.task, this.claimed);
    const items = set.map((status) => {
      const { icon, word } = taskLook(status);
      return { label: `$(${icon}) ${word}`, status };
    });
    const title = vscode.l10n.t('{0} is:', plain(found.task.id));
    return (await vscode.window.showQuickPick(items, { title }))?.status;
  }
}
