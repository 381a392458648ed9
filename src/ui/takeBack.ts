/** "Take Back Last Change": what this window has done last to a workflow, where nothing has been built on it since. */
import * as vscode from 'vscode';
import type { Answer, ClaimToken, Granted, TaskId, UndoneChange } from '../core/model';
import { plain } from '../shared/plainText';
import { mention, type Acting } from './acting';
import type { ClaimedRuns } from './claimedRuns';
import type { LiveDocuments } from './liveDocuments';
import { taskLook } from './runWords';
import { chooseWorkflow, type FileTarget } from './workflowChoice';
import type { Located, WorkspaceModel } from './workspaceModel';

export interface TakenBack {
  readonly ok: boolean;
  /** What was taken back, or why nothing was. */
  readonly message: string;
}

export class TakeBack {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly live: LiveDocuments,
    private readonly acting: Acting,
    private readonly claimed: ClaimedRuns,
  ) {}

  async interactively(target?: FileTarget): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const title = vscode.l10n.t('Take back the last change of which workflow?');
    const chosen = await chooseWorkflow(this.model, this.live, { target, title });
    const answer = chosen && (await this.#undo(chosen));
    if (answer?.ok) mention(sentence(answer.facts.undone));
    else if (answer) {
      const { model, workflow } = chosen;
      this.acting.explanations.refused(answer.refusal, {
        folder: model.folder,
        path: workflow.path,
      });
    }
  }

  /** Asked by a surface that shows the answer itself. */
  async quietly(path: string): Promise<TakenBack> {
    const chosen = this.model.workflow(path);
    const answer = chosen && (await this.#undo(chosen));
    if (answer === undefined) return { ok: false, message: vscode.l10n.t('Nothing was changed.') };
    return answer.ok
      ? { ok: true, message: sentence(answer.facts.undone) }
      : { ok: false, message: answer.refusal.message };
  }

  #undo(chosen: Located): Promise<Answer<Granted['change.undo']> | undefined> {
    const { path, file, id } = chosen.workflow;
    const asked = { what: `Take back the last change of ${file}`, path };
    return this.acting.answer(chosen.model, asked, async ({ files, store }) => {
      const last = id === null ? null : await store.read('lastChange', { workflow: id });
      const task = last?.change.kind === 'task.changed' ? last.change.data.row.task : undefined;
      const token = task && this.#tokenFor(chosen, task);
      return files.undo(path, token === undefined ? {} : { token });
    });
  }

  /** Of a task that this window is at work on, only who has its token may speak. */
  #tokenFor({ workflow }: Located, id: TaskId): ClaimToken | undefined {
    const tasks = workflow.waves.flatMap((wave) => wave.tasks);
    const run = tasks.find((task) => task.id === id)?.run;
    return run?.status === 'running' ? this.claimed.token(run.id) : undefined;
  }
}

function sentence(undone: UndoneChange): string {
  switch (undone.kind) {
    case 'task':
      return vscode.l10n.t('Taken back: {0} is {1}', plain(undone.task), taskLook(undone.to).word);
    case 'note':
      return vscode.l10n.t('Taken back: the note “{0}”', plain(undone.text));
    case 'wave':
      if (undone.completed) return vscode.l10n.t('Taken back: it goes on in wave {0}', undone.to);
      return undone.to === 0
        ? vscode.l10n.t('Taken back: no wave has begun')
        : vscode.l10n.t('Taken back: it is in wave {0} again', undone.to);
  }
}
