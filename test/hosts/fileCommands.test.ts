/** What a person does with a workflow file by commands: begin one, note something, have an older one again. */
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../src/extension';
import {
  answering,
  awake,
  closeEditors,
  folder,
  freshSample,
  onDisk,
  putFile,
  stateFile,
  when,
  workflowOf,
} from './workspace';

describe('commands of workflow files', () => {
  let original = '';
  let parts: ExtensionParts;

  before(async () => {
    parts = await awake();
  });
  beforeEach(() => {
    original = freshSample();
    return putFile(parts, original);
  });
  afterEach(closeEditors);

  const model = () => parts.model.folder(folder)!;

  describe('Add Note', () => {
    it('asks for a line and writes it below the notes', async () => {
      await answering({ input: ['Auditors come on Friday'] }, () =>
        vscode.commands.executeCommand('wavelock.addNote'),
      );
      assert.match(
        onDisk(),
        /## Notes\n[\s\S]*, window:[^\n]*: Auditors come on Friday\n[\s\S]*## Metadata/,
      );
    });

    it('changes nothing when it is given up', async () => {
      await answering({ input: [undefined] }, () =>
        vscode.commands.executeCommand('wavelock.addNote'),
      );
      assert.equal(onDisk(), original);
    });

    it('says why it is refused', async () => {
      await putFile(parts, original.replace('Wave 1/3', 'soon'));
      const { told } = await answering({ input: ['x'] }, () =>
        vscode.commands.executeCommand('wavelock.addNote', vscode.Uri.file(stateFile)),
      );
      assert.match(told.join(), /STATE\.md is not a valid workflow file/);
    });
  });

  describe('Restore STATE.md from Backup', () => {
    async function advanced(): Promise<string> {
      const answer = await model().advance(stateFile, {});
      assert.ok(answer.ok);
      await when(parts, () => workflowOf(parts)?.wave === 2);
      return onDisk();
    }

    it('lists times and what differs, shows both sides, and restores', async () => {
      const after = await advanced();
      const { asked } = await answering({ pick: [/history/, /Restore this backup/] }, () =>
        vscode.commands.executeCommand('wavelock.restoreBackup'),
      );
      const [first] = asked[0] ?? [];
      assert.match(first?.label ?? '', /\d{4}|\d\/\d/);
      assert.notEqual(first?.detail, undefined);
      assert.equal(onDisk(), original);
      await when(parts, () => workflowOf(parts)?.wave === 1);
      // What was there has become a backup itself.
      const list = await model().change(({ files }) => files.backups(stateFile));
      assert.ok(list.ok && list.facts.backups.length === 2);
      assert.notEqual(after, original);
    });

    it('looking at one changes nothing', async () => {
      const after = await advanced();
      await answering({ pick: [/history/, undefined] }, () =>
        vscode.commands.executeCommand('wavelock.restoreBackup'),
      );
      assert.equal(onDisk(), after);
      const diff = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      assert.ok(diff instanceof vscode.TabInputTextDiff);
      const right = await vscode.workspace.openTextDocument(diff.modified);
      assert.equal(right.getText(), original);
    });

    it('brings back a file that is damaged, and one that is gone', async () => {
      await advanced();
      writeFileSync(stateFile, 'nothing of it is left');
      await when(parts, () => workflowOf(parts)?.valid === false);
      await answering({ pick: [/history/, /Restore this backup/] }, () =>
        vscode.commands.executeCommand('wavelock.restoreBackup'),
      );
      assert.equal(onDisk(), original);
      rmSync(stateFile);
      await when(parts, () => workflowOf(parts) === undefined);
      const list = await model().change(({ files }) => files.backups(stateFile));
      assert.ok(list.ok);
      const backup = list.facts.backups.at(-1)?.id;
      await vscode.commands.executeCommand('wavelock.restoreBackup', undefined, backup);
      assert.ok(existsSync(stateFile));
    });

    it('says so when there is none', async () => {
      const { told } = await answering({}, () =>
        vscode.commands.executeCommand('wavelock.restoreBackup'),
      );
      assert.match(told.join(), /There is no backup yet/);
    });
  });

  describe('Initialize Workflow', () => {
    beforeEach(async () => {
      await closeEditors();
      rmSync(stateFile);
      await when(parts, () => workflowOf(parts) === undefined);
    });

    it('step by step: a name, the tasks of each wave; the file is valid and open', async () => {
      await answering(
        { pick: [/Step by step/], input: ['Ship it', 'Lay the keel; Step the mast', 'Sail', ''] },
        () => vscode.commands.executeCommand('wavelock.initializeWorkflow'),
      );
      await when(parts, () => workflowOf(parts)?.valid === true);
      assert.match(
        onDisk(),
        /^# Workflow: Ship it\n\n\*\*Workflow ID:\*\* `ship-it`\n\*\*Status:\*\* Wave 0\/2/,
      );
      assert.match(
        onDisk(),
        /### Wave 1\n- \[ \] \*\*1-01\*\*: Lay the keel\n- \[ \] \*\*1-02\*\*: Step the mast\n\n### Wave 2\n- \[ \] \*\*2-01\*\*: Sail\n/,
      );
      assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, stateFile);
    });

    it('from a template', async () => {
      await answering({ pick: [/New feature/], input: ['Search'] }, () =>
        vscode.commands.executeCommand('wavelock.initializeWorkflow'),
      );
      await when(parts, () => workflowOf(parts)?.waveCount === 3);
      assert.match(onDisk(), /^# Workflow: Search\n[\s\S]*### Wave 1: Design\n/);
    });

    it('from a plan.json of the workspace, and a bad one is refused with its reason', async () => {
      const plan = join(folder, 'plan.json');
      writeFileSync(plan, JSON.stringify({ name: 'Of a plan', waves: [] }));
      try {
        const { told } = await answering({ pick: [/plan\.json$/] }, () =>
          vscode.commands.executeCommand('wavelock.initializeWorkflow'),
        );
        assert.match(told.join(), /A workflow has a wave at least/);
        assert.ok(!existsSync(stateFile));
        const tasks = [
          { id: 'a', description: 'First' },
          { id: 'b', description: 'Second', dependsOn: ['a'] },
        ];
        writeFileSync(plan, JSON.stringify({ name: 'Of a plan', waves: [{ tasks }] }));
        await answering({ pick: [/plan\.json$/] }, () =>
          vscode.commands.executeCommand('wavelock.initializeWorkflow'),
        );
        await when(parts, () => workflowOf(parts)?.valid === true);
        assert.match(onDisk(), /\*\*b\*\*: Second\n {2}- Depends: a\n/);
      } finally {
        rmSync(plan);
      }
    });

    it('never touches a file that is there', async () => {
      writeFileSync(stateFile, original);
      const { told } = await answering({}, () =>
        vscode.commands.executeCommand('wavelock.initializeWorkflow', {
          plan: { name: 'x', waves: [{ tasks: [] }] },
        }),
      );
      assert.match(told.join(), /There is a STATE\.md already/);
      assert.equal(onDisk(), original);
    });
  });
});
