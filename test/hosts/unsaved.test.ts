/** A workflow file with unsaved changes in this window, while others change it on the disk. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../src/extension';
import { heard } from './heard';
import {
  answering,
  awake,
  closeEditors,
  folder,
  freshSample,
  onDisk,
  openFile,
  putFile,
  replaceIn,
  stateFile,
  typeAfter,
  untilText,
  uri,
  wavelock,
  when,
  workflowOf,
} from './workspace';

describe('unsaved changes of a workflow file', () => {
  let original = '';
  const note = "formatting is the view's business";
  let parts: ExtensionParts;

  before(async () => {
    parts = await awake();
  });
  beforeEach(() => {
    original = freshSample();
    return putFile(parts, original);
  });
  afterEach(closeEditors);

  const conflicts = (): readonly unknown[] => {
    const live = parts.language.live.open.find(({ workflow }) => workflow.path === stateFile);
    return live ? parts.language.conflicts.of(live) : [];
  };
  const untilConflicts = (count: number): Promise<void> =>
    heard(
      (listener) => parts.language.conflicts.onDidChange(listener),
      () => conflicts().length === count,
    );

  /** Another process advances; this window's buffer is dirty meanwhile. */
  async function advanceElsewhere(): Promise<void> {
    const { code, output } = await wavelock('advance');
    assert.equal(code, 0, output);
    await when(parts, () => workflowOf(parts)?.wave === 2);
  }

  it('take up what another process writes, and a save writes both', async () => {
    const document = await openFile();
    await typeAfter(document, note, '\n- typed and not saved');
    await advanceElsewhere();
    await untilText(document, (text) => text.includes('Wave 2/3'));
    assert.match(document.getText(), /- typed and not saved/);
    assert.ok(document.isDirty, 'nobody has saved');
    assert.doesNotMatch(onDisk(), /typed/);
    assert.deepEqual(conflicts(), []);
    assert.ok(await document.save());
    assert.ok(!document.isDirty);
    assert.equal(onDisk(), document.getText());
    assert.match(onDisk(), /Wave 2\/3[\s\S]*- typed and not saved/);
  });

  it('are no hindrance to Advance Wave here, and stay unsaved with the change in them', async () => {
    const document = await openFile();
    await typeAfter(document, note, '\n- typed and not saved');
    await vscode.commands.executeCommand('wavelock.advanceWave');
    await untilText(document, (text) => text.includes('Wave 2/3'));
    assert.ok(document.isDirty);
    assert.match(onDisk(), /Wave 2\/3/);
    assert.match(document.getText(), /- typed and not saved/);
    await vscode.commands.executeCommand('undo');
    await untilText(document, (text) => text.includes('Wave 1/3'));
  });

  it('of a large file are merged and saved as well', async () => {
    const tasks = Array.from(
      { length: 2_000 },
      (_, index) =>
        `- [ ] **L-${index}**: Task ${index} of many, to make the file larger than VS Code compares`,
    );
    const text = original
      .replace('(7 tasks)', '(2007 tasks)')
      .replace('### Wave 3\n', `### Wave 3\n${tasks.join('\n')}\n`);
    assert.ok(text.length > 128 * 1024);
    await putFile(parts, text);
    const document = await openFile();
    await typeAfter(document, note, '\n- typed and not saved');
    await advanceElsewhere();
    await untilText(document, (now) => now.includes('Wave 2/3'));
    assert.ok(await document.save());
    assert.equal(onDisk(), document.getText());
    assert.match(onDisk(), /typed and not saved/);
  });

  it('that do not go together with the disk are a conflict, and neither side is lost', async () => {
    const document = await openFile();
    await replaceIn(document, '- [ ] **2-01**: Post', '- [~] **2-01**: Post');
    const { code } = await wavelock('task', 'set', '2-01', '--status', 'failed');
    assert.equal(code, 0);
    await untilConflicts(1);
    assert.match(document.getText(), /\[~\] \*\*2-01/);
    assert.match(onDisk(), /## ❌ Failed/);
    assert.match(parts.language.status.shown.sync, /^Conflict/);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      uri,
      10,
    );
    assert.ok(lenses.some(({ command }) => command?.command === 'wavelock.resolveConflict'));
    const [mine, theirs] = [document.getText(), onDisk()];
    await document.save();
    await untilText(document, (text) => text === mine);
    assert.ok(document.isDirty);
    assert.equal(onDisk(), theirs);
    assert.match(document.getText(), /\[~\] \*\*2-01/);
  });

  describe('a conflict with the disk', () => {
    let document: vscode.TextDocument;
    /** What the person picks, by the beginning of its label. */
    async function choose(label: string): Promise<void> {
      const { showQuickPick } = vscode.window;
      const window = vscode.window as { showQuickPick: unknown };
      window.showQuickPick = async (items: Thenable<readonly vscode.QuickPickItem[]>) =>
        (await items).find((item) => item.label.includes(label));
      try {
        await vscode.commands.executeCommand('wavelock.resolveConflict', { path: stateFile });
      } finally {
        window.showQuickPick = showQuickPick;
      }
    }

    beforeEach(async () => {
      document = await openFile();
      await replaceIn(document, '- [ ] **2-01**: Post', '- [~] **2-01**: Post');
      const { code } = await wavelock('task', 'set', '2-01', '--status', 'done');
      assert.equal(code, 0);
      await untilConflicts(1);
    });

    it('mine: the file says what was typed', async () => {
      const mine = document.getText();
      await choose('Keep mine');
      await untilConflicts(0);
      assert.equal(onDisk(), mine);
      assert.equal(document.getText(), mine);
      assert.ok(!document.isDirty);
    });

    it('theirs: the editor shows what the disk says', async () => {
      const theirs = onDisk();
      await choose('Keep theirs');
      await untilConflicts(0);
      assert.equal(onDisk(), theirs);
      assert.equal(document.getText(), theirs);
      assert.ok(!document.isDirty);
    });

    it('merge: opens the merge editor, and what is saved there is the file', async () => {
      const theirs = onDisk();
      const mine = document.getText();
      await choose('Merge');
      const texts = (): string[] =>
        vscode.window.visibleTextEditors.map((editor) => editor.document.getText());
      await heard(
        (listener) => vscode.window.onDidChangeVisibleTextEditors(listener),
        () => texts().includes(mine) && texts().filter((text) => text === theirs).length === 2,
      );
      assert.equal(onDisk(), theirs, 'opening it changes nothing');
      const merged = theirs.replace(note, `${note}\n- merged by hand`);
      await typeAfter(document, note, '\n- merged by hand');
      assert.ok(await document.save());
      assert.equal(onDisk(), merged);
      await untilConflicts(0);
    });

    it('a save that is refused keeps both versions in the store, and each choice settles them', async () => {
      const mine = document.getText();
      await document.save();
      await untilText(document, (text) => text === mine);
      const model = parts.model.folder(folder);
      await when(parts, () => (model?.view.conflicts.size ?? 0) === 1);
      const [row] = model?.view.conflicts.values() ?? [];
      assert.ok(row);
      const texts = await model?.change(({ files }) => Promise.resolve(files.conflictTexts(row)));
      assert.equal(texts?.mine, mine);
      assert.equal(texts.theirs, onDisk());
      await choose('Keep mine');
      await untilConflicts(0);
      assert.equal(onDisk(), mine);
      assert.equal(model?.view.conflicts.size, 0);
    });
  });

  /** Of a buffer that does not go together with what somebody else has put on the disk meanwhile. */
  async function refusedSave(): Promise<{
    readonly document: vscode.TextDocument;
    readonly mine: string;
    readonly theirs: string;
  }> {
    const document = await openFile();
    await replaceIn(document, '- [ ] **2-01**', '- [x] **2-01**');
    const mine = document.getText();
    const theirs = original.replace('- [ ] **2-01**', '- [!] **2-01**');
    writeFileSync(stateFile, theirs);
    await untilConflicts(1);
    await document.save();
    await untilText(document, (text) => text === mine);
    return { document, mine, theirs };
  }

  /** On its row in the tree. */
  async function clickOnConflict(): Promise<void> {
    const { tree } = parts;
    const workflows = await tree.getChildren();
    const rows = (await Promise.all(workflows.map((node) => tree.getChildren(node)))).flat();
    const row = rows.find(({ kind }) => kind === 'conflict');
    const click = row && tree.getTreeItem(row).command;
    assert.equal(click?.command, 'wavelock.resolveConflict');
    await vscode.commands.executeCommand(click.command, ...((click.arguments ?? []) as unknown[]));
  }

  it('of the same length as what is on the disk are not written over it either', async () => {
    const { document, theirs } = await refusedSave();
    assert.ok(document.isDirty);
    assert.equal(onDisk(), theirs);
    assert.equal(conflicts().length, 1);
  });

  it('kept after a refused save open in the merge editor, and the disk stays as it is', async () => {
    const { document, mine, theirs } = await refusedSave();
    await when(parts, () => parts.model.folder(folder)?.view.conflicts.size === 1);
    await answering({ pick: [/Merge/] }, clickOnConflict);
    assert.equal(onDisk(), theirs);
    await heard(
      (listener) => vscode.window.onDidChangeVisibleTextEditors(listener),
      () => vscode.window.visibleTextEditors.some((editor) => editor.document.getText() === mine),
    );
    assert.equal(onDisk(), theirs);
    assert.match(document.getText(), /\[!\] \*\*2-01/);
  });

  it('that are being typed and not valid yet still take up the disk', async () => {
    const document = await openFile();
    await replaceIn(document, '**3-03**: Cut over the old ledger', '**3-02**: half typed');
    await advanceElsewhere();
    await untilText(document, (text) => text.includes('Wave 2/3'));
    assert.match(document.getText(), /half typed/);
    assert.ok(await document.save(), 'a file is its owner’s to save');
    assert.match(onDisk(), /Wave 2\/3[\s\S]*half typed/);
  });

  it('are saved with what came to the disk at the last moment, and no file that is read meanwhile is cut', async () => {
    const document = await openFile();
    await replaceIn(document, '**3-03**: Cut over the old ledger', '**3-02**: half typed');
    const theirs = original.replace(
      '**owner:** mira',
      '**owner:** mira, until the end of the year',
    );
    writeFileSync(stateFile, theirs);
    const reader = openSync(stateFile, 'r');
    try {
      assert.ok(await document.save());
      assert.match(onDisk(), /half typed[\s\S]*until the end/);
      assert.equal(onDisk(), document.getText());
      assert.equal(readFileSync(reader, 'utf8'), theirs);
    } finally {
      closeSync(reader);
    }
  });

  it('a save after which the disk has moved at the last moment loses neither side', async () => {
    const document = await openFile();
    await typeAfter(document, note, '\n- typed here');
    // In the same moment, before anybody has been told.
    writeFileSync(stateFile, original.replace('**owner:** mira', '**owner:** mira and jo'));
    assert.ok(await document.save());
    assert.match(onDisk(), /typed here[\s\S]*mira and jo/);
    assert.equal(onDisk(), document.getText());
  });
});
