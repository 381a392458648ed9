/** "Advance Wave", from wherever it was asked: the question, the answer, and the way out of a refusal. */
import * as vscode from 'vscode';
import type { AdvanceFacts, Answer, Refusal } from '../core/model';
import { plain, plainIcons } from '../shared/plainText';
import type { Acting } from './acting';
import { runCommand } from './commands';
import type { WorkflowTarget } from './commandTable';
import type { WayOut } from './explain';
import type { Located, WorkspaceModel } from './workspaceModel';

export type AdvanceResult =
  { readonly ok: true } | { readonly ok: false; readonly message: string };

export class AdvanceWave {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly acting: Acting,
  ) {}

  /** Asked with words on the screen: a refusal is shown with what helps. */
  async interactively(target?: WorkflowTarget): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const chosen = await this.#choose(target);
    if (!chosen) return;
    const seen = target?.seen ?? chosen.workflow.wave;
    const answer = await this.#advance(chosen, seen);
    if (answer?.ok === false) this.#explain(chosen, answer.refusal);
  }

  /** Asked by a surface that shows the answer itself. */
  async quietly(target: WorkflowTarget): Promise<AdvanceResult> {
    const chosen = this.model.workflow(target.path);
    const answer = chosen && (await this.#advance(chosen, target.seen));
    if (answer === undefined) return { ok: false, message: vscode.l10n.t('Nothing was changed.') };
    return answer.ok ? { ok: true } : { ok: false, message: answer.refusal.message };
  }

  async #choose(target: WorkflowTarget | undefined): Promise<Located | undefined> {
    const all = this.model.workflows;
    const named = all.find(({ workflow }) => workflow.path === target?.path);
    if (named) return named;
    // Of one that is completed or invalid the refusal says why, but nobody is asked to choose it.
    const legal = all.filter(({ workflow }) => workflow.valid && !workflow.completed);
    const among = legal.length > 0 ? legal : all;
    if (among.length <= 1) {
      if (among[0]) return among[0];
      this.acting.explanations.nothing(
        vscode.l10n.t('There is no workflow in this workspace: no folder of it has a STATE.md.'),
      );
      return undefined;
    }
    const picked = await vscode.window.showQuickPick(
      among.map((located) => ({
        label: plainIcons(plain(located.workflow.name)),
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
    const { path } = workflow;
    return this.acting.answer(model, { what: `Advance ${workflow.file}`, path }, ({ files }) =>
      files.advance(path, {
        ...(seen === undefined ? {} : { seen }),
        ...(force === undefined ? {} : { force }),
      }),
    );
  }

  #explain(chosen: Located, refusal: Refusal): void {
    const { path } = chosen.workflow;
    const line = lineOfBlocker(chosen, refusal);
    const ways: WayOut[] =
      refusal.code === 'wave_incomplete'
        ? [
            {
              title: vscode.l10n.t('Advance Anyway…'),
              take: () => this.#force(chosen),
            },
            {
              title: vscode.l10n.t('Open {0}', chosen.workflow.file),
              take: () =>
                runCommand('wavelock.openWorkflowFile', {
                  path,
                  ...(line === undefined ? {} : { line }),
                }),
            },
          ]
        : [];
    // What is not saved is not decided upon; perhaps it is what is missing.
    const unsaved = unsavedText(path);
    if (unsaved) {
      ways.unshift({
        title: vscode.l10n.t('Save and Advance'),
        take: async () => {
          if (await unsaved.save()) await this.interactively({ path });
        },
      });
    }
    const scene = { folder: chosen.model.folder, ...(ways.length === 0 ? { path } : {}) };
    this.acting.explanations.refused(refusal, scene, ways);
  }

  async #force(chosen: Located): Promise<void> {
    const reason = await vscode.window.showInputBox({
      title: vscode.l10n.t('Advance although the wave is not completed'),
      prompt: vscode.l10n.t('Why? The reason is kept with the event.'),
      validateInput: (value) =>
        value.trim() === '' ? vscode.l10n.t('A reason is needed.') : undefined,
    });
    if (reason === undefined) return;
    const answer = await this.#advance(chosen, chosen.workflow.wave, { reason });
    if (answer?.ok === false) this.#explain(chosen, answer.refusal);
  }
}

function unsavedText(path: string): vscode.TextDocument | undefined {
  return vscode.workspace.textDocuments.find(({ uri, isDirty }) => isDirty && uri.fsPath === path);
}

function lineOfBlocker({ workflow }: Located, refusal: Refusal): number | undefined {
  if (refusal.code !== 'wave_incomplete') return undefined;
  const blocker = refusal.blockers[0]?.task;
  return workflow.waves.flatMap((wave) => wave.tasks).find((task) => task.id === blocker)?.line;
}
