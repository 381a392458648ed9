/** Around the workflow: links to runs, `wavelock` in terminals, the MCP server, the language of the editor. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../src/extension';
import { writePrograms } from '../../src/ui/terminalsPath';
import { heard } from './heard';
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

describe('around the workflow', () => {
  let parts: ExtensionParts;

  before(async () => {
    parts = await awake();
  });
  beforeEach(() => putFile(parts, freshSample()));
  afterEach(closeEditors);

  describe('a link', () => {
    const open = (path: string): Promise<void> =>
      parts.runLinks.handleUri(
        vscode.Uri.parse(`${vscode.env.uriScheme}://wavelock.wavelock${path}`),
      );

    it('to a run shows its task and the panel, and changes nothing', async () => {
      await vscode.commands.executeCommand('wavelock.advanceWave');
      await when(parts, () => workflowOf(parts)?.wave === 2);
      const task = workflowOf(parts)?.waves[1]?.tasks[1];
      const before = onDisk();
      await open(`/run/${task?.run?.id ?? ''}`);
      const editor = vscode.window.visibleTextEditors.find(
        ({ document }) => document.uri.fsPath === stateFile,
      );
      assert.equal(editor?.selection.active.line, task?.line);
      await heard(
        (listener) => vscode.window.tabGroups.onDidChangeTabs(listener),
        () =>
          vscode.window.tabGroups.all.some(({ tabs }) =>
            tabs.some(({ label }) => label === 'Run State'),
          ),
      );
      assert.equal(onDisk(), before);
    });

    it('to a run of another folder says so', async () => {
      const { told } = await answering({}, () => open('/run/run_0000000000'));
      assert.match(told.join(), /There is no run run_0000000000 in this window/);
    });

    for (const path of ['/run/../../etc/passwd', '/run/run_0?x', '/kill/run_0000000000', '/']) {
      it(`${path} leads nowhere`, async () => {
        const { told } = await answering({}, () => open(path));
        assert.match(told.join(), /leads to nothing/);
      });
    }
  });

  describe('wavelock in a terminal', () => {
    it('runs on the Node of the editor, without an agent, whatever the folders are called', () => {
      const place = mkdtempSync(join(tmpdir(), "it's 100% a folder "));
      try {
        const program = parts.terminalsPath.program;
        writePrograms(place, program);
        writePrograms(place, program);
        const output = execFileSync(
          join(place, 'wavelock'),
          ['status', '--json', '--cwd', folder],
          {
            encoding: 'utf8',
            env: { HOME: process.env['HOME'], PATH: '/usr/bin:/bin' },
          },
        );
        const status = JSON.parse(output) as { ok: boolean; workflows: { wave: number }[] };
        assert.equal(status.ok, true);
        assert.equal(status.workflows[0]?.wave, 1);
      } finally {
        rmSync(place, { recursive: true });
      }
    });

    it('is in front of the PATH, and a terminal finds it', async () => {
      const marker = join(folder, 'found.txt');
      await parts.terminalsPath.written;
      const terminal = vscode.window.createTerminal({
        name: 'test',
        shellPath: '/bin/sh',
        cwd: folder,
      });
      try {
        const closed = heard(
          (listener) => vscode.window.onDidCloseTerminal(listener),
          () => terminal.exitStatus !== undefined,
        );
        terminal.sendText(
          'env | grep WAVELOCK_AGENT > agent.txt; wavelock status --json > found.txt; exit',
        );
        await closed;
        const status = JSON.parse((await vscode.workspace.openTextDocument(marker)).getText()) as {
          ok: boolean;
        };
        assert.equal(status.ok, true);
        const agent = await vscode.workspace.openTextDocument(join(folder, 'agent.txt'));
        assert.equal(agent.getText(), '');
      } finally {
        terminal.dispose();
        rmSync(marker, { force: true });
        rmSync(join(folder, 'agent.txt'), { force: true });
      }
    });
  });

  it('MCP: the editor is told of one server for the folder, on its own Node', async () => {
    const [server, another] = await parts.mcpServers.provideMcpServerDefinitions();
    assert.equal(another, undefined);
    assert.ok(server);
    assert.equal(server.command, process.execPath);
    assert.deepEqual(server.args.slice(1), ['mcp', '--cwd', folder]);
    assert.ok(existsSync(server.args[0] ?? ''));
    assert.deepEqual(server.env, { ELECTRON_RUN_AS_NODE: '1' });
    assert.equal(server.cwd?.fsPath, folder);
  });
});
