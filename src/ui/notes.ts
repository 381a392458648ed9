/** "Add Note": a line at the end of the file's notes, with its time and who wrote it. */
import * as vscode from 'vscode';
import { limits } from '../core/commandCodec';
import { allowedToChange, answered, done } from './answers';
import type { LiveDocuments } from './liveDocuments';
import { chooseWorkflow, type FileTarget } from './workflowChoice';
import type { WorkspaceModel } from './workspaceModel';

export async function addNote(
  parts: {
    readonly model: WorkspaceModel;
    readonly live: LiveDocuments;
    readonly log: vscode.LogOutputChannel;
  },
  target: FileTarget,
  given?: string,
): Promise<void> {
  if (!allowedToChange()) return;
  const { model, live, log } = parts;
  const title = vscode.l10n.t('Add a note to which workflow?');
  const chosen = await chooseWorkflow(model, live, { target, title });
  if (!chosen) return;
  const { path, file } = chosen.workflow;
  const text =
    given ??
    (await vscode.window.showInputBox({
      title: vscode.l10n.t('Add Note'),
      prompt: vscode.l10n.t('One line, at the end of the notes of {0}', file),
      validateInput: problemOf,
    }));
  if (text === undefined) return;
  const noted = await answered(
    () => chosen.model.change(({ files }) => files.addNote(path, { text })),
    { target: { path }, log },
  );
  if (noted) done(vscode.l10n.t('Noted in {0}', file));
}

function problemOf(text: string): string | undefined {
  if (text.trim() === '') return vscode.l10n.t('Write something.');
  if (text.length > limits.note)
    return vscode.l10n.t('A note has at most {0} characters.', limits.note);
  return undefined;
}
