/** "Restore STATE.md from Backup": which one, what it would change, and then, only when asked again, the restore. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { FileBackup } from '../store/fileBackups';
import type { BackupPreview } from '../store/workflowFiles';
import { allowedToChange, answered, done } from './answers';
import { differenceWords } from './conflicts';
import type { FolderModel } from './folderModel';
import type { LiveDocuments } from './liveDocuments';
import { ShownTexts } from './shownTexts';
import { chooseWorkflow, plainLabel, type FileTarget } from './workflowChoice';
import type { WorkspaceModel } from './workspaceModel';

interface Place {
  readonly model: FolderModel;
  /** Of the workflow file, which may be gone. */
  readonly path: string;
}

export class RestoreBackup implements vscode.Disposable {
  readonly #texts = new ShownTexts('wavelock-backup');

  constructor(
    private readonly model: WorkspaceModel,
    private readonly live: LiveDocuments,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  dispose(): void {
    this.#texts.dispose();
  }

  /** @param backup its id, for who knows it */
  async run(target: FileTarget, backup?: string): Promise<void> {
    if (!allowedToChange()) return;
    const place = await this.#place(target);
    if (!place) return;
    if (backup !== undefined) {
      await this.#restore(place, backup);
      return;
    }
    for (;;) {
      const preview = await this.#choose(place);
      if (!preview) return;
      await this.#show(place, preview);
      const decision = await decide(preview);
      if (decision === undefined) return;
      if (decision === 'another') continue;
      await this.#restore(place, preview.backup.id);
      return;
    }
  }

  /** A file that is gone can be had again, too. */
  async #place(target: FileTarget): Promise<Place | undefined> {
    await this.model.ready;
    const gone = this.model.folders.flatMap((model) => goneFiles(model));
    const [first] = gone;
    if (first && this.model.workflows.length === 0 && target === undefined) {
      if (gone.length === 1) return first;
      const picked = await vscode.window.showQuickPick(
        gone.map((place) => ({ label: plainLabel(place.path), place })),
        { title: vscode.l10n.t('Restore which workflow file?') },
      );
      return picked?.place;
    }
    const title = vscode.l10n.t('Restore which workflow file?');
    const chosen = await chooseWorkflow(this.model, this.live, { target, title });
    return chosen && { model: chosen.model, path: chosen.workflow.path };
  }

  async #choose({ model, path }: Place): Promise<BackupPreview | undefined> {
    const found = await answered(() => model.change(({ files }) => files.backups(path)), {
      target: { path },
      log: this.log,
    });
    if (!found) return undefined;
    if (found.backups.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t(
          'There is no backup yet: Wavelock keeps one of each content that it replaces.',
        ),
      );
      return undefined;
    }
    const previews = await model.change(async ({ files }) => {
      const all = await Promise.all(found.backups.map(({ id }) => files.previewBackup(path, id)));
      return all.flatMap((answer) => (answer.ok ? [answer.facts] : []));
    });
    const picked = await vscode.window.showQuickPick(previews.map(itemOf), {
      title: vscode.l10n.t('Restore which backup? The next step shows what it changes.'),
      matchOnDetail: true,
    });
    return picked?.preview;
  }

  /** What is there now on the left, what would be there on the right. */
  async #show({ path }: Place, { backup, file, text }: BackupPreview): Promise<void> {
    const uri = this.#texts.show(file, text, backup.id);
    const title = vscode.l10n.t('{0}: now ↔ backup of {1}', file, timeOf(backup));
    await vscode.commands.executeCommand('vscode.diff', vscode.Uri.file(path), uri, title, {
      preview: true,
      preserveFocus: true,
    });
  }

  async #restore({ model, path }: Place, id: string): Promise<void> {
    const restored = await answered(
      () => model.change(({ files }) => files.restore(path, id), 'even without a file'),
      { target: { path }, log: this.log },
    );
    if (!restored) return;
    await vscode.window.showTextDocument(vscode.Uri.file(path));
    done(vscode.l10n.t('Restored {0} as it was {1}', restored.file, timeOf(restored.backup)));
  }
}

function itemOf(
  preview: BackupPreview,
): vscode.QuickPickItem & { readonly preview: BackupPreview } {
  const { backup, diff, valid } = preview;
  return {
    label: `$(history) ${timeOf(backup)}`,
    description: backup.hash.slice(0, 8),
    detail: valid
      ? differenceWords(diff)
      : `$(warning) ${vscode.l10n.t('has errors, so it cannot be restored as a whole')}`,
    preview,
  };
}

async function decide({ valid, file }: BackupPreview): Promise<'restore' | 'another' | undefined> {
  const restore = {
    label: `$(discard) ${vscode.l10n.t('Restore this backup')}`,
    detail: vscode.l10n.t(
      '{0} becomes what the right side shows; what is there now becomes a backup.',
      file,
    ),
    decision: 'restore' as const,
  };
  const another = {
    label: `$(arrow-left) ${vscode.l10n.t('Look at another one')}`,
    decision: 'another' as const,
  };
  const picked = await vscode.window.showQuickPick(valid ? [restore, another] : [another], {
    title: vscode.l10n.t('Restore?'),
    // Looking at the two sides must not count as a no.
    ignoreFocusOut: true,
  });
  return picked?.decision;
}

function timeOf({ at }: FileBackup): string {
  return new Date(at).toLocaleString(vscode.env.language);
}

function goneFiles(model: FolderModel): Place[] {
  const there = new Set(model.files.map(({ file }) => file));
  const bound = [...model.view.workflows.values()].filter(
    ({ file, worktree }) => worktree === model.place.worktree && !there.has(file),
  );
  // Several workflows may have had one file after the other.
  return [...new Set(bound.map(({ file }) => file))].map((file) => ({
    model,
    path: join(model.place.root, ...file.split('/')),
  }));
}
