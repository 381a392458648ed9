/** Two folders in one window, each with a workflow and a store of its own. */
import assert from 'node:assert/strict';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../../src/extension';
import { Dialogue } from '../dialogue';
import { activated } from '../scene';
import { treeText } from '../treeText';

describe('two folders', () => {
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri.fsPath);
  const dialogue = new Dialogue();
  let parts: ExtensionParts;

  function until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): boolean => {
        if (!holds()) return false;
        resolve();
        return true;
      };
      if (look()) return;
      const listener = parts.model.onDidChange(() => {
        if (look()) listener.dispose();
      });
    });
  }

  before(async () => {
    parts = await activated();
    await parts.model.ready;
    await until(() => parts.model.states.every(({ store }) => store.state === 'live'));
    dialogue.begin();
  });
  after(() => {
    dialogue.end();
  });
  afterEach(() => {
    dialogue.forget();
  });

  it('show both workflows and one window as an agent in each store', async () => {
    const text = await treeText(parts.tree);
    assert.equal(text.match(/^Double-entry ledger migration/gm)?.length, 2);
    await until(() => parts.model.folders.every(({ view }) => view.agents.has(parts.model.agent)));
    const agents = await treeText(parts.surfaces.agents!);
    assert.equal(agents.match(/^This window — /gm)?.length, 2);
  });

  it('the status bar and the lock are those of the folder that the active file is in', async () => {
    const file = vscode.Uri.file(join(folders[1] ?? '', 'STATE.md'));
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(file));
    await vscode.commands.executeCommand('wavelock.acquireLock');
    await until(() => parts.model.folder(folders[1] ?? '')?.view.locks.size === 1);
    assert.equal(parts.model.folder(folders[0] ?? '')?.view.locks.size, 0);
    assert.match(parts.surfaces.statusBar?.text ?? '', /mine/);
    await vscode.commands.executeCommand('wavelock.releaseLock');
    await until(() => parts.model.folder(folders[1] ?? '')?.view.locks.size === 0);
  });

  it('Claim Next Run asks where', async () => {
    dialogue.will({ pick: new RegExp(basename(folders[1] ?? '')) });
    await vscode.commands.executeCommand('wavelock.claimRun');
    assert.deepEqual(
      dialogue.offered[0]?.labels,
      folders.map((folder) => basename(folder)),
    );
    // Nothing is queued at wave 1; the answer says so and offers what helps.
    const said = await dialogue.hears(/./);
    assert.deepEqual(said.buttons, ['Create Run', 'Show Runs']);
  });

  it('a folder that is removed while it is open takes its rows along, and leaves the other alone', async () => {
    const removed = new Promise<void>((resolve) => {
      const listener = parts.model.onDidChange((change) => {
        if (change !== undefined) return;
        listener.dispose();
        resolve();
      });
    });
    vscode.workspace.updateWorkspaceFolders(1, 1);
    await removed;
    assert.equal(parts.model.folders.length, 1);
    const text = await treeText(parts.tree);
    assert.equal(text.match(/^Double-entry ledger migration/gm)?.length, 1);
    assert.equal((await treeText(parts.surfaces.agents!)).match(/^This window/gm)?.length, 1);
    const answer = await parts.model.folders[0]?.advance(join(folders[0] ?? '', 'STATE.md'), {});
    assert.equal(answer?.ok, true);
  });
});
