/** What people are told and what they are spared: notifications, failures of the store, the log of events, hostile text. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { obstructDailyBackup } from '../contract/stores';
import { heard } from './heard';
import { Somebody, useScene } from './scene';
import { treeText } from './treeText';

const command = (name: string, ...values: unknown[]): Thenable<unknown> =>
  vscode.commands.executeCommand(`wavelock.${name}`, ...values);

describe('notifications', () => {
  const here = useScene('notices');
  let codex: Somebody;

  before(async () => {
    codex = await Somebody.at(here.folder, 'codex');
  });
  after(() => codex.leave());
  const settings = (): vscode.WorkspaceConfiguration =>
    vscode.workspace.getConfiguration('wavelock');

  it('a normal advance interrupts nobody', async () => {
    for (const id of ['2-01', '2-02', '2-03', '2-04'])
      await command('setTaskStatus', { path: here.file, task: id }, 'done');
    await command('advanceWave');
    await here.until(({ workflows: [workflow] }) => workflow?.wave === 3);
    assert.deepEqual(here.dialogue.said, []);
    assert.deepEqual(here.dialogue.offered, []);
  });

  it('my lock broken: told once, with who and why, and never again if so wished', async () => {
    const lock = async (): Promise<void> => {
      await command('acquireLock', vscode.Uri.file(join(here.folder, 'plan.md')));
      await here.until(() => here.model.view.locks.size === 1);
    };
    const broken = () =>
      codex.does({
        kind: 'lock.break',
        resource: 'plan.md',
        worktree: '',
        reason: 'it is [mine](command:x)',
      });
    await lock();
    await broken();
    const said = await here.dialogue.hears(/broken/);
    assert.equal(said.text, 'codex has broken your lock on plan.md: it is [mine]\u200B(command:x)');
    assert.deepEqual(said.buttons, ["Don't Show Again"]);
    said.press("Don't Show Again");
    await new Promise<void>((resolve) => {
      const listener = vscode.workspace.onDidChangeConfiguration((change) => {
        if (!change.affectsConfiguration('wavelock.notifications.lockBroken')) return;
        listener.dispose();
        resolve();
      });
    });
    try {
      assert.equal(settings().get('notifications.lockBroken'), false);
      here.dialogue.forget();
      await lock();
      await broken();
      await here.until(() => here.model.view.locks.size === 0);
      assert.deepEqual(here.dialogue.said, []);
    } finally {
      await settings().update(
        'notifications.lockBroken',
        undefined,
        vscode.ConfigurationTarget.Global,
      );
    }
  });

  it('my run failed elsewhere: told, with the next attempt a button away', async () => {
    await command('claimRun', { folder: here.folder, run: here.run('2-03').id });
    await here.untilTask('2-03', ({ status }) => status === 'doing');
    const { id } = here.run('2-03');
    const token = here.parts.claimed.token(id);
    assert.ok(token);
    await codex.does({ kind: 'run.fail', run: id, token, error: { message: 'disk\u202Efull' } });
    const said = await here.dialogue.hears(/has failed/);
    assert.match(said.text, /^Your run 2-03: .* has failed: disk\uFFFDfull$/);
    assert.deepEqual(said.buttons, ['Retry', "Don't Show Again"]);
    said.press('Retry');
    await here.untilTask('2-03', ({ run }) => run?.attempt === 2);
  });

  it('what befalls others is theirs', async () => {
    const { run, token } = await codex.does({ kind: 'run.claim', run: here.run('2-03').id });
    await codex.does({ kind: 'run.fail', run: run.id, token, error: { message: 'no' } });
    await here.untilTask(
      '2-03',
      ({ status, run }) => status === 'failed' && run?.status === 'error',
    );
    assert.deepEqual(here.dialogue.said, []);
    assert.ok(here.parts.tree.attention() > 0, 'the badge has it');
    assert.equal(here.parts.surfaces.workflows?.view.badge?.value, here.parts.tree.attention());
  });
});

describe('the log of events', () => {
  const here = useScene('log');

  it('is a document that nobody can write, and follows what happens', async () => {
    await command('showEventLog');
    const editor = vscode.window.activeTextEditor;
    assert.equal(editor?.document.uri.scheme, 'wavelock-events');
    const { document } = editor;
    assert.match(
      document.getText(),
      /\d+ {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}workflow\.advanced +log-1 {2}1 → 2 {2}by window:/,
    );
    const grown = new Promise<void>((resolve) => {
      const listener = vscode.workspace.onDidChangeTextDocument((change) => {
        if (change.document !== document || !document.getText().includes('do not hurry')) return;
        listener.dispose();
        resolve();
      });
    });
    await here.model.change(({ files }) => files.addNote(here.file, { text: 'do not hurry' }));
    await grown;
    assert.equal(document.languageId, 'log');
    await vscode.commands.executeCommand('type', { text: 'x' });
    assert.equal(document.isDirty, false);
  });
});

describe('labels', () => {
  const here = useScene('labels');

  it('show hostile text as what it is, and never endlessly', async () => {
    const name = '**bold** [go](command:x) $(trash) \u202Eevil\u0007';
    await here.write(
      here
        .text()
        .replace('Post journal entries atomically', name)
        .replace('Reverse and correct a posted entry', 'y'.repeat(5_000)),
    );
    await here.untilTask('2-01', ({ description }) => description.startsWith('**bold'));
    const text = await treeText(here.parts.tree);
    assert.match(
      text,
      /2-01 — \*\*bold\*\* \[go\]\(command:x\) \$\(trash\) \uFFFDevil␇ \[circle-large-outline\]/,
    );
    assert.match(text, /2-02 — y{199}… \[/);
    here.dialogue.will({ dismiss: true });
    await command('setTaskStatus');
    await here.write(here.text().replace('Double-entry ledger migration', 'x\u202E$(trash)'));
    await here.until(({ workflows: [workflow] }) => workflow?.name.startsWith('x') === true);
    assert.match(here.parts.surfaces.statusBar?.tooltip ?? '', /^x\uFFFD\$\(trash\)\n/);
  });
});

describe('a store that fails', () => {
  const here = useScene('failing');

  it('is told once with what helps, shown in tree and status bar, and back by Retry', async () => {
    const store = here.model.place.storeFolder;
    const away = `${store}-away`;
    renameSync(store, away);
    const said = await here.dialogue.hears(/store/i);
    assert.equal(said.how, 'error');
    assert.deepEqual(said.buttons.slice(0, 2), ['Retry', 'Restore Latest Backup…']);
    await here.until((state) => state.store.state === 'failed');
    assert.match(await treeText(here.parts.tree), /^[^\n]*store[^\n]* \[warning\]\n/i);
    const { statusBar, keys } = here.parts.surfaces;
    assert.ok(statusBar && keys);
    assert.equal(statusBar.warns, true);
    assert.equal(keys.get('storeFailed'), true);
    assert.equal(here.dialogue.said.length, 1, 'once');
    await assert.rejects(
      here.model.change(({ files }) => files.addNote(here.file, { text: 'to nobody' })),
      { code: 'store_gone' },
    );
    assert.ok(!existsSync(store), 'nobody begins anew by themselves, nor by a command');
    renameSync(away, store);
    await command('retryStore');
    await here.until((state) => state.store.state === 'live');
    await here.dialogue.hears(/works again/);
    assert.equal(keys.get('storeFailed'), false);
    assert.equal(statusBar.warns, false);
  });

  it('Restore Latest Backup says what is lost, sets the rest aside, and the window goes on with it', async () => {
    const store = here.model.place.storeFolder;
    await here.model.change((tools) => tools.store.backup());
    await here.model.change(({ files }) => files.addNote(here.file, { text: 'after the backup' }));
    for (const name of readdirSync(store).filter((each) => /^(store\.db|head)/.test(each)))
      rmSync(join(store, name));
    await assert.rejects(
      here.model.change(({ files }) => files.addNote(here.file, { text: 'to nobody' })),
      { code: 'store_gone' },
    );
    await here.until((state) => state.store.state === 'failed');
    void command('restoreStore');
    const asked = await here.dialogue.hears(/^Restore the store from its backup of /);
    assert.equal(asked.how, 'warning');
    assert.ok(!existsSync(join(store, 'store.db')), 'nothing happens before the answer');
    asked.press('Restore');
    await here.until((state) => state.store.state === 'live');
    await here.model.change(({ files }) => files.addNote(here.file, { text: 'it goes on' }));
    assert.match(here.text(), /it goes on/);
  });

  it('whose daily backup fails goes on, and the tree says why there is none', async () => {
    const store = here.model.place.storeFolder;
    rmSync(join(store, 'store-backups'), { recursive: true });
    obstructDailyBackup(store);
    renameSync(store, `${store}-away`);
    await here.until((state) => state.store.state === 'failed');
    renameSync(`${store}-away`, store);
    await command('retryStore');
    await here.until(
      (state) =>
        state.store.state === 'live' &&
        state.store.warnings.some(({ code }) => code === 'backup_failed'),
    );
    assert.match(
      await treeText(here.parts.tree),
      /^The daily backup of the store failed, [^\n]* \[warning\]\n/,
    );
    assert.equal(here.parts.surfaces.keys?.get('storeFailed'), false);
    await here.model.change(({ files }) => files.addNote(here.file, { text: 'all the same' }));
    assert.match(here.text(), /all the same/);
  });
});

describe('commands that only show', () => {
  const here = useScene('shown');

  it('the actions of the status bar: what is legal now, and the one that is picked is done', async () => {
    here.dialogue.will({ pick: /Open Workflow File/ });
    await command('showActions');
    assert.equal(here.dialogue.offered[0]?.title, 'Wavelock');
    assert.equal(vscode.window.activeTextEditor?.document.uri.fsPath, here.file);
  });

  it('Show Log opens the log of this window', async () => {
    const log = (): boolean =>
      vscode.window.visibleTextEditors.some(
        ({ document }) =>
          document.uri.scheme === 'output' && /wavelock/i.test(document.uri.toString()),
      );
    assert.ok(!log());
    await command('showLog');
    await heard((listener) => vscode.window.onDidChangeVisibleTextEditors(listener), log);
    await vscode.commands.executeCommand('workbench.action.closePanel');
  });
});

describe('surfaces that fail', () => {
  const here = useScene('supervised');

  it('are started again, and take nobody with them', async () => {
    const { surfaces, model } = here.parts;
    const before = surfaces.statusBar;
    assert.ok(before);
    before.show = () => {
      throw new Error('out of order');
    };
    await here.model.change(({ files }) => files.addNote(here.file, { text: 'go on' }));
    await here.until(() => surfaces.statusBar !== before);
    assert.match(surfaces.statusBar?.text ?? '', /Wave 2\/3/);
    assert.deepEqual(here.parts.supervision.down, []);
    assert.ok(model.states.length > 0);
    assert.match(await treeText(here.parts.tree), /Wave 2\/3/);
  });
});

describe('fifty workflow files', () => {
  const here = useScene('fifty');
  const names = Array.from({ length: 49 }, (_, index) => `plan-${index + 1}.md`);

  after(async () => {
    for (const name of names) rmSync(join(here.folder, name), { force: true });
    await here.model.change(({ store }) =>
      store.submit({ kind: 'config.set', key: 'workflow.files', value: null }),
    );
    await here.until(({ workflows }) => workflows.length === 1);
  });

  it('are all shown, closed, and one is chosen to advance', async () => {
    for (const [index, name] of names.entries())
      writeFileSync(
        join(here.folder, name),
        here
          .text()
          .replace(/`fifty-\d+`/, `\`plan-${index + 1}\``)
          .replace('ledger migration', `plan ${index + 1}`),
      );
    await here.model.change(({ store }) =>
      store.submit({ kind: 'config.set', key: 'workflow.files', value: names }),
    );
    await here.until(({ workflows }) => workflows.length === 50);
    const roots = await here.parts.tree.getChildren();
    const workflows = roots.filter(({ kind }) => kind === 'workflow');
    assert.equal(workflows.length, 50);
    assert.equal(
      here.parts.tree.getTreeItem(workflows[7]!).collapsibleState,
      vscode.TreeItemCollapsibleState.Collapsed,
    );
    here.dialogue.will({ pick: /plan 49$/ });
    await command('advanceWave');
    assert.equal(here.dialogue.offered[0]?.labels.length, 50);
    await here.dialogue.hears(/of wave 2 are not completed/);
  });
});

describe('what the command line does for the editor', () => {
  const here = useScene('tools');

  it('Export writes all that the store holds into a new document, in the format that is picked', async () => {
    for (const [format, expected] of [
      ['JSON', /"title": ?"Post journal entries atomically"/],
      ['CSV', /run_\w{10},Post journal entries atomically,queued,tools-1,2,2-01/],
      ['Markdown', /\| .*Post journal entries atomically/],
      ['Mermaid', /^(flowchart|graph) /m],
    ] as const) {
      here.dialogue.will({ pick: new RegExp(`^${format}$`) });
      await command('export');
      const drafts = vscode.workspace.textDocuments.filter(({ isUntitled }) => isUntitled);
      const draft = drafts.find((document) => expected.test(document.getText()));
      assert.ok(draft, `${format}: ${JSON.stringify(here.dialogue.said)}`);
    }
    // Not one by one: the next would have the same name, and may get the editor's backup of the one before as its text.
    for (const draft of vscode.workspace.textDocuments.filter(({ isUntitled }) => isUntitled)) {
      await vscode.window.showTextDocument(draft);
      await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    }
  });

  it('Connect AI Agents shows what it changes, and writes it only when asked again', async () => {
    const [config, rules] = ['.cursor/mcp.json', 'AGENTS.md'].map((file) =>
      join(here.folder, file),
    );
    assert.ok(config && rules);
    here.dialogue.will({ pick: /Cursor/ }, { pick: /Leave everything/ });
    await command('connectAgents');
    const shown = vscode.window.activeTextEditor?.document;
    assert.equal(shown?.uri.scheme, 'wavelock-plan', JSON.stringify(here.dialogue.said));
    assert.match(shown.getText(), /^\+\+\+ b\/\.cursor\/mcp\.json\n[^]*\+ +"wavelock": \{/m);
    assert.match(shown.getText(), /^\+\+\+ b\/AGENTS\.md\n[^]*\+.*claim_run/m);
    assert.deepEqual([existsSync(config), existsSync(rules)], [false, false]);
    try {
      here.dialogue.will({ pick: /Cursor/ }, { pick: /Write these files/ });
      await command('connectAgents');
      assert.deepEqual(JSON.parse(readFileSync(config, 'utf8')), {
        mcpServers: { wavelock: { command: 'wavelock', args: ['mcp'] } },
      });
      assert.match(readFileSync(rules, 'utf8'), /claim_run/);
      here.dialogue.will({ pick: /Cursor/ });
      await command('connectAgents');
      await here.dialogue.hears(/Connected already: Cursor/);
    } finally {
      rmSync(join(here.folder, '.cursor'), { recursive: true, force: true });
      rmSync(rules, { force: true });
    }
  });

  it('Connect AI Agents gives the text for what no repository may change', async () => {
    here.dialogue.will({ pick: /Windsurf/ }, { dismiss: true });
    await command('connectAgents');
    const shown = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(
      shown,
      /Windsurf: put this into ~\/\.codeium\/windsurf\/mcp_config\.json by hand\./,
    );
    assert.match(shown, /"wavelock": \{/);
  });

  it('Run Doctor lists what it finds with what to do, and mends what can be mended', async () => {
    const { storeFolder } = here.model.place;
    chmodSync(storeFolder, 0o755);
    here.dialogue.will({ pick: /Mend/ }, { dismiss: true });
    await command('runDoctor');
    const [found, after] = here.dialogue.offered;
    assert.match(found?.title ?? '', /^Doctor: \d+ found$/);
    assert.ok(
      found?.labels.some((label) => label.includes(storeFolder)),
      found?.labels.join('\n'),
    );
    assert.match(after?.title ?? '', /^Doctor: \d+ mended$/);
    assert.equal(statSync(storeFolder).mode & 0o777, 0o700);
  });
});
