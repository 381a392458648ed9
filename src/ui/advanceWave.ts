/** "Advance Wave", from wherever it was asked: the question, the answer, and the way out of a refusal. */
import * as vscode from 'vscode';
import type { AdvanceFacts, Answer, Refusal } from '../core/model';
import { runCommand } from './commands';
import type { WorkflowTarget } from './commandTable';
import type { Located, WorkspaceModel } from './workspaceModel';

export type AdvanceResult =
  { readonly ok: true } | { readonly ok: false; readonly message: string };

export class AdvanceWave {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Asked with words on the screen: a refusal is shown with what helps. */
  async interactively(target?: WorkflowTarget): Promise<void> {
    if (!vscode.workspace.isTrusted) {
      await this.#explainTrust();
      return;
    }
    await this.model.ready;
    const chosen = await this.#choose(target);
    if (!chosen) return;
    const seen = target?.seen ?? chosen.workflow.wave;
    const answer = await this.#advance(chosen, seen);
    if (answer?.ok === false) await this.#explain(chosen, answer.refusal);
  }

  /** Asked by a surface that shows the answer itself. */
  async quietly(target: WorkflowTarget): Promise<AdvanceResult> {
    const chosen = this.model.workflow(target.path);
    const answer = chosen && (await this.#advance(chosen, target.seen));
    if (answer === undefined) return { ok: false, message: vscode.l10n.t('Nothing was changed.') };
    return answer.ok ? { ok: true } : { ok: false, message: answer.refusal.message };
  }

  async #explainTrust(): Promise<void> {
    const manage = vscode.l10n.t('Manage Workspace Trust');
    const choice = await vscode.window.showWarningMessage(
      vscode.l10n.t('This workspace is not trusted, so Wavelock changes nothing in it.'),
      manage,
    );
    if (choice === manage) await vscode.commands.executeCommand('workbench.trust.manage');
  }

  async #choose(target: WorkflowTarget | undefined): Promise<Located | undefined> {
    const all = this.model.workflows;
    const named = all.find(({ workflow }) => workflow.path === target?.path);
    if (named) return named;
    if (all.length <= 1) {
      if (all[0]) return all[0];
      await vscode.window.showInformationMessage(
        vscode.l10n.t('There is no workflow in this workspace: no folder of it has a STATE.md.'),
      );
      return undefined;
    }
    const picked = await vscode.window.showQuickPick(
      all.map((located) => ({
        label: located.workflow.name,
        description: vscode.l10n.t(
          'Wave {0}/{1}',
          located.workflow.wave,
          located.workflow.waveCount,
        ),
        detail: located.workflow.path,
        located,
      })),
      { title: vscode.l10n.t('Advance which workflow?') },
    );
    return picked?.located;
  }

  async #advance(
    { model, workflow }: Located,
    seen: number | undefined,
    force?: { readonly reason: string },
  ): Promise<Answer<AdvanceFacts> | undefined> {
    try {
      const answer = await vscode.window.withProgress(
        { location: { viewId: 'wavelock.workflows' } },
        () =>
          model.advance(workflow.path, {
            ...(seen === undefined ? {} : { seen }),
            ...(force === undefined ? {} : { force }),
          }),
      );
      this.log.info(
        answer.ok
          ? `Advanced ${answer.facts.workflow} from wave ${answer.facts.from} to ${answer.facts.to}`
          : `Refused (${answer.refusal.code}): ${answer.refusal.message}`,
      );
      return answer;
    } catch (error) {
      this.log.error('Advance Wave failed', error);
      const message = error instanceof Error ? error.message : String(error);
      const showLog = vscode.l10n.t('Show Log');
      void vscode.window.showErrorMessage(message, showLog).then((choice) => {
        if (choice === showLog) this.log.show();
      });
      return undefined;
    }
  }

  async #explain(chosen: Located, refusal: Refusal): Promise<void> {
    const { workflow } = chosen;
    const open = vscode.l10n.t('Open {0}', workflow.file);
    const force = vscode.l10n.t('Advance Anyway…');
    // What is not saved is not decided upon; perhaps it is what is missing.
    const unsaved = unsavedText(workflow.path);
    const save = vscode.l10n.t('Save and Advance');
    const choice = await vscode.window.showWarningMessage(
      sentence(refusal),
      ...(unsaved ? [save] : []),
      ...(refusal.code === 'wave_incomplete' ? [force] : []),
      open,
    );
    if (choice === save) {
      if (await unsaved?.save()) await this.interactively({ path: workflow.path });
      return;
    }
    if (choice === open) {
      const line = firstLine(chosen, refusal);
      await runCommand('wavelock.openWorkflowFile', {
        path: workflow.path,
        ...(line === undefined ? {} : { line }),
      });
    } else if (choice === force) {
      const reason = await vscode.window.showInputBox({
        title: vscode.l10n.t('Advance although the wave is not completed'),
        prompt: vscode.l10n.t('Why? The reason is kept with the event.'),
        validateInput: (value) =>
          value.trim() === '' ? vscode.l10n.t('A reason is needed.') : undefined,
      });
      if (reason === undefined) return;
      const answer = await this.#advance(chosen, workflow.wave, { reason });
      if (answer?.ok === false) await this.#explain(chosen, answer.refusal);
    }
  }
}

function unsavedText(path: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(({ uri, isDirty }) => isDirty && uri.fsPath === path);
}

function sentence(refusal: Refusal): string {
  if (refusal.code !== 'wave_incomplete') return refusal.message;
  const named = refusal.blockers.slice(0, 5).map(({ task, why }) => `${task} (${why})`);
  const more = refusal.blockers.length - named.length;
  if (more > 0) named.push(vscode.l10n.t('{0} more', more));
  return `${refusal.message} ${named.join(', ')}`;
}

function firstLine({ workflow }: Located, refusal: Refusal): number | undefined {
  if (refusal.code === 'invalid_workflow') return refusal.problems[0]?.line;
  if (refusal.code !== 'wave_incomplete') return undefined;
  const blocker = refusal.blockers[0]?.task;
  return workflow.waves.flatMap((wave) => wave.tasks).find((task) => task.id === blocker)?.line;
}
