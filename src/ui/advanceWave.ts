/** "Advance Wave", from wherever it was asked: the question, the answer, and the way out of a refusal. */
import * as vscode from 'vscode';
import type { AdvanceFacts, Answer, Refusal } from '../core/model';
import { runCommand } from './commands';
import type { WorkflowTarget } from './commandTable';
import type { FolderState } from './folderModel';
import type { WorkspaceModel } from './workspaceModel';

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
    const state = await this.#choose(target);
    if (!state) return;
    const seen = target?.seen ?? state.workflow?.wave;
    const answer = await this.#advance(state.folder, seen);
    if (answer?.ok === false) await this.#explain(state, answer.refusal);
  }

  /** Asked by a surface that shows the answer itself. */
  async quietly(target: WorkflowTarget): Promise<AdvanceResult> {
    const answer = await this.#advance(target.folder, target.seen);
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

  async #choose(target: WorkflowTarget | undefined): Promise<FolderState | undefined> {
    const states = this.model.states.filter((state) => state.workflow !== null);
    const named = states.find((state) => state.folder === target?.folder);
    if (named) return named;
    if (states.length <= 1) {
      if (states[0]) return states[0];
      await vscode.window.showInformationMessage(
        vscode.l10n.t('There is no workflow in this workspace: no folder of it has a STATE.md.'),
      );
      return undefined;
    }
    const picked = await vscode.window.showQuickPick(
      states.map((state) => ({
        label: state.workflow?.name ?? state.folder,
        description: vscode.l10n.t(
          'Wave {0}/{1}',
          state.workflow?.wave ?? 0,
          state.workflow?.waveCount ?? 0,
        ),
        detail: state.path ?? '',
        state,
      })),
      { title: vscode.l10n.t('Advance which workflow?') },
    );
    return picked?.state;
  }

  async #advance(
    folder: string,
    seen: number | undefined,
    force?: { readonly reason: string },
  ): Promise<Answer<AdvanceFacts> | undefined> {
    const folderModel = this.model.folder(folder);
    if (!folderModel) return undefined;
    if (!(await this.#saved(folderModel.state))) return undefined;
    try {
      const answer = await vscode.window.withProgress(
        { location: { viewId: 'wavelock.workflows' } },
        () =>
          folderModel.advance({
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

  /** What is not saved would be overtaken by our change of the file; the person decides. */
  async #saved(state: FolderState): Promise<boolean> {
    const document = vscode.workspace.textDocuments.find(({ uri }) => uri.fsPath === state.path);
    if (document?.isDirty !== true) return true;
    const save = vscode.l10n.t('Save and Advance');
    const choice = await vscode.window.showWarningMessage(
      vscode.l10n.t('{0} has changes that are not saved.', state.workflow?.file ?? ''),
      save,
    );
    return choice === save && (await document.save());
  }

  async #explain(state: FolderState, refusal: Refusal): Promise<void> {
    const open = vscode.l10n.t('Open {0}', state.workflow?.file ?? 'STATE.md');
    const force = vscode.l10n.t('Advance Anyway…');
    const choice = await vscode.window.showWarningMessage(
      sentence(refusal),
      ...(refusal.code === 'wave_incomplete' ? [force] : []),
      open,
    );
    if (choice === open) {
      const line = firstLine(state, refusal);
      await runCommand('wavelock.openWorkflowFile', {
        folder: state.folder,
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
      const answer = await this.#advance(state.folder, state.workflow?.wave, { reason });
      if (answer?.ok === false) await this.#explain(state, answer.refusal);
    }
  }
}

function sentence(refusal: Refusal): string {
  if (refusal.code !== 'wave_incomplete') return refusal.message;
  const named = refusal.blockers.slice(0, 5).map(({ task, why }) => `${task} (${why})`);
  const more = refusal.blockers.length - named.length;
  if (more > 0) named.push(vscode.l10n.t('{0} more', more));
  return `${refusal.message} ${named.join(', ')}`;
}

function firstLine(state: FolderState, refusal: Refusal): number | undefined {
  if (refusal.code === 'invalid_workflow') return refusal.problems[0]?.line;
  if (refusal.code !== 'wave_incomplete') return undefined;
  const blocker = refusal.blockers[0]?.task;
  return state.workflow?.waves.flatMap((wave) => wave.tasks).find((task) => task.id === blocker)
    ?.line;
}
