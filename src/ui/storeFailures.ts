/** A store that fails is told once, with what helps; the tree and the status bar show it as long as it lasts. */
import { existsSync } from 'node:fs';
import * as vscode from 'vscode';
import { plain, plainNotice } from '../shared/plainText';
import type { Acting } from './acting';
import { faultWays } from './explain';
import type { FolderModel } from './folderModel';
import { storesOf } from './lockTree';
import type { WorkspaceChange, WorkspaceModel } from './workspaceModel';

export class StoreFailures {
  /** By store: what was told of it and still holds. */
  readonly #told = new Map<string, string>();

  constructor(
    private readonly model: WorkspaceModel,
    private readonly acting: Acting,
  ) {}

  follow(change: WorkspaceChange): void {
    if (change?.store !== true) return;
    const model = this.model.folder(change.folder);
    if (!model) return;
    const { storeFolder } = model.place;
    const { store } = model.state;
    if (store.state === 'live') this.#told.delete(storeFolder);
    if (store.state !== 'failed' || this.#told.get(storeFolder) === store.code) return;
    this.#told.set(storeFolder, store.code);
    const ways = [
      ...faultWays(store.code),
      ...(existsSync(storeFolder) && vscode.env.uiKind === vscode.UIKind.Desktop
        ? [
            {
              title: vscode.l10n.t('Show Folder'),
              take: () =>
                vscode.commands.executeCommand('revealFileInOS', vscode.Uri.file(storeFolder)),
            },
          ]
        : []),
    ];
    const message = plainNotice(plain(store.message, 1_000));
    void vscode.window
      .showErrorMessage(message, ...ways.map(({ title }) => title))
      .then((chosen) => ways.find(({ title }) => title === chosen)?.take());
  }

  /** Opens every store again that is not open. */
  async retry(): Promise<void> {
    if (!(await this.acting.allowed())) return;
    this.#told.clear();
    for (const model of this.model.folders)
      if (model.state.store.state === 'failed') await model.retry();
  }

  /** Puts the newest backup in the place of a store that cannot be used any more. Nothing is deleted. */
  async restore(): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const model = await this.#failedFolder();
    if (!model) return;
    const folder = model.place.storeFolder;
    try {
      // Loads SQLite into this process, which nothing else of the window needs.
      const { previewRestore, restoreStore } = await import('../store/sqlite/restore');
      const { backup, lost } = previewRestore(folder, 'latest');
      const restore = vscode.l10n.t('Restore');
      const time = backup ? new Date(backup.at).toLocaleString() : '';
      const chosen = await vscode.window.showWarningMessage(
        lost.events === null
          ? vscode.l10n.t(
              'Restore the store from its backup of {0}? How much came after it cannot be said. What is there now is set aside, not deleted.',
              time,
            )
          : vscode.l10n.t(
              'Restore the store from its backup of {0}? {1} events came after it. What is there now is set aside, not deleted.',
              time,
              lost.events,
            ),
        restore,
      );
      if (chosen !== restore) return;
      await restoreStore(folder, backup?.id ?? 'latest', { now: Date.now(), force: true });
      await model.retry();
    } catch (error) {
      this.acting.explanations.failed('Restore of the store', error, { folder: model.folder });
    }
  }

  async #failedFolder(): Promise<FolderModel | undefined> {
    const failed = storesOf(this.model).filter(({ state }) => state.store.state === 'failed');
    if (failed.length <= 1) {
      if (!failed[0]) {
        this.acting.explanations.nothing(vscode.l10n.t('No store has failed.'));
      }
      return failed[0];
    }
    const items = failed.map((model) => ({ label: model.folder, model }));
    const title = vscode.l10n.t('Restore which store?');
    return (await vscode.window.showQuickPick(items, { title }))?.model;
  }
}
