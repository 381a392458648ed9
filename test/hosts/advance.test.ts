/** The slice in the real extension host: a command, a durable file, and what the views show of it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { reporters } from 'mocha';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../src/extension';
import type { WorkflowOverview } from '../../src/store/overview';
import type { FolderState } from '../../src/ui/folderModel';
import { heard } from './heard';
import { treeText } from './treeText';

const extensionId = 'wavelock.wavelock';
/** The terminal that runs the tests; the host's own console goes to the window's log. */
const print = (line: string): void => {
  reporters.Base.consoleLog(`      ${line}`);
};

describe('extension host', () => {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const file = join(folder, 'STATE.md');
  const original = readFileSync(file, 'utf8');
  let parts: ExtensionParts;

  before(async () => {
    const extension = vscode.extensions.getExtension<ExtensionParts>(extensionId);
    assert.ok(extension, 'the extension is not there');
    parts = await extension.activate();
    await until((state) => state.store.state === 'live');
  });
  // What VS Code still shows of a file must not decide the next test.
  afterEach(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  async function until(holds: (state: FolderState) => boolean): Promise<FolderState> {
    const model = parts.model.folder(folder);
    assert.ok(model);
    await heard(
      (listener) => parts.model.onDidChange(listener),
      () => holds(model.state),
    );
    return model.state;
  }

  /** The same of the folder's first workflow. */
  const untilShown = (holds: (workflow: WorkflowOverview) => boolean): Promise<FolderState> =>
    until(({ workflows: [workflow] }) => workflow !== undefined && holds(workflow));

  async function write(text: string): Promise<void> {
    writeFileSync(file, text);
    await untilShown(() => true);
  }

  function lockTaken(): boolean {
    try {
      mkdirSync(`${file}.lock`);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  it('has node:sqlite here and in the thread of the store', async () => {
    const here = process.getBuiltinModule('node:sqlite');
    const database = new here.DatabaseSync(':memory:');
    const version = String(database.prepare('SELECT sqlite_version() AS v').get()?.['v']);
    database.close();
    const thread = await parts.model.folder(folder)?.versions();
    assert.ok(thread);
    assert.equal(thread.inThread, true);
    assert.match(version, /^3\./);
    print(`host: Node ${process.versions.node}, SQLite ${version}`);
    print(`thread: Node ${thread.node}, ${thread.engine}`);
  });

  it('shows workflow › waves › tasks in words', async () => {
    await untilShown(({ wave }) => wave === 1);
    assert.equal(
      await treeText(parts.tree),
      [
        'Double-entry ledger migration — Wave 1/3 [layers]',
        '  Wave 1 — current · 3/3 done [check-all]',
        '    1-01 — Chart of accounts as data [pass]',
        '    1-02 — Money as integers with a currency [pass]',
        '    1-03 — Journal table with a balance check [pass]',
        '  Wave 2 — 0/4 done [list-unordered]',
        '    2-01 — Post journal entries atomically [issue-draft]',
        '    2-02 — Reverse and correct a posted entry [issue-draft]',
        '    2-03 — Import bank statements (`CAMT.053`, `MT940`) [issue-draft]',
        '    2-04 — Property tests for posting order [issue-draft]',
        '  Wave 3 — 0/3 done [list-unordered]',
        '    3-01 — Trial balance report [issue-draft]',
        '    3-02 — Period close checklist [issue-draft]',
        '    3-03 — Cut over the old ledger [issue-draft]',
      ].join('\n'),
    );
  });

  it('advances by its command: store, file and tree', async () => {
    await vscode.commands.executeCommand('wavelock.advanceWave');
    const state = await untilShown(({ wave }) => wave === 2);
    assert.match(readFileSync(file, 'utf8'), /\*\*Status:\*\* Wave 2\/3/);
    assert.equal(
      state.workflows[0]?.waves[1]?.tasks.every(({ run }) => run?.status === 'queued'),
      true,
    );
    assert.match(await treeText(parts.tree), /Wave 2\/3[\s\S]*2-01 — .* \[circle-large-outline\]/);
    assert.ok(existsSync(join(folder, '.wavelock/store.db')));
  });

  it('follows an edit made by hand, in the file or from outside', async () => {
    await write(readFileSync(file, 'utf8').replace('- [ ] **2-01**', '- [x] **2-01**'));
    await untilShown(({ waves }) => waves[1]?.tasks[0]?.status === 'done');
    assert.match(await treeText(parts.tree), /Wave 2 — current · 1\/4 done/);
    // The store has been told at once: nobody needs to do what is done.
    await untilShown(({ waves }) => waves[1]?.tasks[0]?.run?.status === 'cancelled');
  });

  it('shows an invalid file as invalid, with the reason, and never rewrites it', async () => {
    const broken = original.replace('**Status:** Wave 1/3', '**Status:** some day');
    await write(broken);
    await untilShown(({ valid }) => !valid);
    assert.match(
      await treeText(parts.tree),
      /STATE\.md — invalid file \[warning\]\n {2}.*[Ss]tatus.* \[error\]/,
    );
    const result = await parts.model.folder(folder)?.advance(file, {});
    assert.ok(result && !result.ok && result.refusal.code === 'invalid_workflow');
    assert.equal(readFileSync(file, 'utf8'), broken);
  });

  it('says so when there is no workflow file, and notices when it comes back', async () => {
    rmSync(file);
    await until(({ workflows }) => workflows.length === 0);
    assert.equal(await treeText(parts.tree), '');
    await write(original);
    await untilShown(({ wave }) => wave === 1);
  });

  it('tells the holder while another process has the lock', async () => {
    // The window itself may have it for a moment, to tell the store of the last edit.
    await until(() => lockTaken());
    try {
      const start = performance.now();
      const result = await parts.model.folder(folder)?.advance(file, {});
      assert.ok(result && !result.ok && result.refusal.code === 'lock_denied');
      assert.match(result.refusal.message, /^STATE\.md is locked by /);
      assert.ok(performance.now() - start >= 2_500, 'it waited for the lock before it gave up');
    } finally {
      rmSync(`${file}.lock`, { recursive: true });
    }
  });

  it('opens the workflow file at a task', async () => {
    await vscode.commands.executeCommand('wavelock.openWorkflowFile', { path: file, line: 22 });
    const editor = vscode.window.activeTextEditor;
    assert.equal(editor?.document.uri.fsPath, file);
    assert.equal(editor.selection.active.line, 22);
  });

  it('opens the panel once', async () => {
    const panels = (): number =>
      vscode.window.tabGroups.all
        .flatMap((group) => group.tabs)
        .filter(({ label }) => label === 'Run State').length;
    const opened = new Promise<void>((resolve) => {
      const listener = vscode.window.tabGroups.onDidChangeTabs(() => {
        if (panels() === 0) return;
        listener.dispose();
        resolve();
      });
    });
    await vscode.commands.executeCommand('wavelock.openPanel');
    await opened;
    await vscode.commands.executeCommand('wavelock.openPanel');
    assert.equal(panels(), 1);
  });
});
