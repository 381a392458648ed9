/** The commands about runs and tasks, by what they do to the store and to the file, and what people see of it. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { RunId, TaskId } from '../../src/core/model';
import type { LockState } from '../../src/ui/fileLocks';
import { actionsNow } from '../../src/ui/showActions';
import { Somebody, useScene } from './scene';
import { treeText } from './treeText';

const command = (name: string, ...values: unknown[]): Thenable<unknown> =>
  vscode.commands.executeCommand(`wavelock.${name}`, ...values);

describe('commands about runs', () => {
  const here = useScene('runs');
  let codex: Somebody;

  before(async () => {
    codex = await Somebody.at(here.folder, 'codex');
  });
  after(() => codex.leave());

  const target = (task: string): { folder: string; run: RunId } => ({
    folder: here.folder,
    run: here.run(task).id,
  });
  const statusOf = (run: RunId): string | undefined => here.model.view.allRuns.get(run)?.status;

  it('Claim Next Run, then Complete Run: the box is checked, in store, file and tree', async () => {
    await command('claimRun', target('2-01'));
    const { run } = await here.untilTask('2-01', (task) => task.run?.status === 'running');
    assert.equal(run?.claim?.agent, here.parts.model.agent);
    assert.match(
      await treeText(here.parts.tree),
      /2-01 — window:.* · Post journal entries .*\[play-circle\]/,
    );
    here.dialogue.will({ pick: /2-01/ });
    await command('completeRun');
    // Only what this window has claimed is offered.
    assert.deepEqual(here.dialogue.offered[0]?.labels.length, 1);
    await here.untilTask('2-01', ({ status }) => status === 'done');
    assert.match(here.text(), /- \[x\] \*\*2-01\*\*/);
    assert.match(await treeText(here.parts.tree), /2-01 — Post journal entries .*\[pass\]/);
    assert.equal(here.parts.claimed.has(run.id), false, 'the token is forgotten with the run');
  });

  it('Claim Next Run takes the oldest that can be claimed', async () => {
    await command('claimRun');
    await here.until(() => here.parts.claimed.size === 1);
    const mine = [...here.model.view.allRuns.values()].filter(({ id }) =>
      here.parts.claimed.has(id),
    );
    assert.equal(mine[0]?.status, 'running');
    here.dialogue.will({ type: 'given up' });
    await command('failRun', { folder: here.folder, run: mine[0].id });
    assert.equal(here.model.view.allRuns.get(mine[0].id)?.error?.message, 'given up');
  });

  it('Fail Run asks what went wrong, and the file says it', async () => {
    await command('claimRun', target('2-01'));
    await here.untilTask('2-01', (task) => task.run?.status === 'running');
    here.dialogue.will({ type: 'the bank holiday table is missing' });
    await command('failRun', target('2-01'));
    await here.untilTask('2-01', ({ status }) => status === 'failed');
    assert.match(here.text(), /\*\*2-01\*\*.*\n.*Error: the bank holiday table is missing/);
    assert.deepEqual(here.dialogue.said, [], 'who fails a run here knows it');
  });

  it('Cancel Run offers what is queued or running, and ends a queued one', async () => {
    const { run } = target('2-01');
    here.dialogue.will({ pick: new RegExp(run) });
    await command('cancelRun');
    assert.ok(here.dialogue.offered[0]?.labels.every((label) => !label.includes('1-01')));
    await here.until(() => statusOf(run) === 'cancelled');
  });

  it('Kill Run asks why, and the reason is kept', async () => {
    const { run } = target('2-03');
    here.dialogue.will({ type: 'wrong branch' });
    await command('killRun', target('2-03'));
    await here.until(() => statusOf(run) === 'killed');
    assert.equal(here.model.view.allRuns.get(run)?.reason, 'wrong branch');
  });

  it('Cancel Run asks the holder of a running one to stop, and the tree says so', async () => {
    const named = target('2-01');
    await codex.does({ kind: 'run.claim', run: named.run });
    await here.until(() => statusOf(named.run) === 'running');
    await command('cancelRun', named);
    await here.until(() => here.model.view.allRuns.get(named.run)?.stop?.directive === 'cancel');
    assert.match(await treeText(here.parts.tree), /Attempt 1 — Running · codex · asked to stop/);
  });

  it('Retry Run makes the next attempt of one that has failed', async () => {
    const named = target('2-01');
    const { token } = await codex.does({ kind: 'run.claim', run: named.run });
    await codex.does({ kind: 'run.fail', run: named.run, token, error: { message: 'no network' } });
    await here.untilTask(
      '2-01',
      ({ status, run }) => status === 'failed' && run?.status === 'error',
    );
    assert.match(
      await treeText(here.parts.tree),
      /2-01 — .*\n {6}Attempt 1 — Error · no network \[error\]/,
    );
    here.dialogue.will({ pick: new RegExp(named.run) });
    await command('retryRun');
    await here.untilTask('2-01', ({ run }) => run?.status === 'queued' && run.attempt === 2);
    assert.match(await treeText(here.parts.tree), /Attempt 2 — Queued .*\n {6}Attempt 1 — Error/);
  });

  it('Create Run offers tasks without a live run, and a run without a task', async () => {
    here.dialogue.will({ pick: /3-01/ });
    await command('createRun');
    const labels = here.dialogue.offered[0]?.labels ?? [];
    assert.ok(!labels.some((label) => label.includes('2-01')), 'it has a queued run');
    assert.ok(!labels.some((label) => label.includes('1-01')), 'it is done');
    const { run } = await here.untilTask('3-01', (task) => task.run?.status === 'queued');
    assert.deepEqual([run?.wave, run?.title], [3, 'Trial balance report']);

    here.dialogue.will({ pick: /without a task/ }, { type: 'Sweep the floor' });
    await command('createRun');
    await here.until(() =>
      [...here.model.view.allRuns.values()].some(({ title }) => title === 'Sweep the floor'),
    );
    assert.match(
      await treeText(here.parts.tree),
      /Runs without a task — .*\n {2}Sweep the floor — Queued/,
    );
  });

  it('copies id, link and summary of a run', async () => {
    const { run } = target('2-01');
    await command('copyRunId', target('2-01'));
    assert.equal(await vscode.env.clipboard.readText(), run);
    await command('copyRunLink', target('2-01'));
    assert.equal(
      await vscode.env.clipboard.readText(),
      `${vscode.env.uriScheme}://wavelock.wavelock/run/${run}`,
    );
    await command('copyRunSummary', target('2-01'));
    const summary = await vscode.env.clipboard.readText();
    assert.match(
      summary,
      /^2-01: Post journal entries atomically \(run_\w{10}\)\nStatus: Queued\nWorkflow: runs-\d+, Wave 2/,
    );
  });

  it('a run that has ended meanwhile is not cancelled, and people are told', async () => {
    const named = target('2-01');
    await codex.does({ kind: 'run.cancel', run: named.run });
    await here.until(() => statusOf(named.run) === 'cancelled');
    await command('cancelRun', named);
    const said = await here.dialogue.hears(/cancelled/);
    assert.equal(said.how, 'warning');
    assert.deepEqual(said.buttons, ['Show Runs']);
  });

  it('Set Task Status offers the other states, and changes the file', async () => {
    here.dialogue.will({ pick: /2-03/ }, { pick: /Completed/ });
    await command('setTaskStatus');
    assert.ok(!here.dialogue.offered[1]?.labels.some((label) => label.includes('Pending')));
    await here.untilTask('2-03', ({ status }) => status === 'done');
    assert.match(here.text(), /- \[x\] \*\*2-03\*\*/);
  });

  it('Take Back Last Change goes back step by step, and says when nothing of this window is left', async () => {
    const boxes = (): string[] => here.text().match(/^- \[.\] \*\*[\d-]+/gm) ?? [];
    const before = boxes();
    await command('setTaskStatus', { path: here.file, task: '2-03' }, 'done');
    await here.untilTask('2-03', ({ status }) => status === 'done');
    await command('takeBack', { path: here.file });
    await here.untilTask('2-03', ({ status, run }) => status === 'todo' && run?.attempt === 2);
    assert.deepEqual(boxes(), before);
    await command('takeBack', vscode.Uri.file(here.file));
    await here.until(({ workflows: [workflow] }) => workflow?.wave === 1);
    assert.match(here.text(), /Wave 1\/3/);
    assert.deepEqual(here.dialogue.said, []);
    await command('takeBack');
    const said = await here.dialogue.hears(/There is no change of yours/);
    assert.equal(said.how, 'warning');
  });

  it('Take Back Last Change says what was built on it, and keeps what this window works on', async () => {
    await command('claimRun', target('2-01'));
    await here.untilTask('2-01', ({ status }) => status === 'doing');
    await command('setTaskStatus', { path: here.file, task: '2-01' }, 'done');
    await here.untilTask('2-01', ({ status }) => status === 'done');
    await command('takeBack');
    // The token of the run goes with it: the window may speak for the task that it works on.
    await here.untilTask('2-01', ({ status }) => status === 'doing');
    await command('takeBack');
    const said = await here.dialogue.hears(/has gone on since it began/);
    assert.match(said.text, /run\.claimed of run_\w{10} by window:/);
    assert.equal(statusOf(target('2-01').run), 'running');
    await command('completeRun', target('2-01'));
  });

  it('a box that is ticked in the file keeps no run waiting, neither one that there is nor a new one', async () => {
    assert.deepEqual(here.run('2-02').unmet, [here.run('2-01').id]);
    await here.write(here.text().replace('- [ ] **2-01**', '- [x] **2-01**'));
    await here.untilTask('2-02', ({ run }) => run?.unmet.length === 0);
    await command('cancelRun', target('2-02'));
    await here.untilTask('2-02', ({ run }) => run?.status === 'cancelled');
    await command('createRun', { path: here.file, task: '2-02' });
    const { run } = await here.untilTask('2-02', (task) => task.run?.status === 'queued');
    assert.deepEqual([run?.attempt, run?.dependsOn], [1, []]);
  });

  it('a ticked box sets the task, and cancels the run that nobody needs', async () => {
    const node = {
      kind: 'task',
      id: `task:${here.file}:2-01`,
      path: here.file,
      wave: 2,
      task: '2-01' as TaskId,
    } as const;
    const { run } = target('2-01');
    await here.parts.surfaces.workflows?.tick([[node, vscode.TreeItemCheckboxState.Checked]]);
    await here.untilTask('2-01', ({ status }) => status === 'done');
    await here.until(() => statusOf(run) === 'cancelled');
    assert.equal(
      (here.parts.tree.getTreeItem(node).checkboxState as { state: number }).state,
      vscode.TreeItemCheckboxState.Checked,
    );
  });

  it('a box that may not be ticked goes back, and the way out is offered', async () => {
    const named = target('2-01');
    await codex.does({ kind: 'run.claim', run: named.run });
    await here.untilTask('2-01', ({ status }) => status === 'doing');
    const wave = (
      await here.parts.tree.getChildren(
        (await here.parts.tree.getChildren()).find(({ kind }) => kind === 'workflow'),
      )
    )[1];
    const node = (await here.parts.tree.getChildren(wave))[0]!;
    const told: unknown[] = [];
    const listener = here.parts.tree.onDidChangeTreeData((changed) => told.push(changed));
    const before = here.text();
    await here.parts.surfaces.workflows?.tick([[node, vscode.TreeItemCheckboxState.Checked]]);
    listener.dispose();
    assert.equal(told.at(-1), node, 'VS Code draws the row again');
    assert.ok(!told.includes(undefined), 'and not all of the tree');
    assert.equal(here.text(), before);
    const said = await here.dialogue.hears(/2-01/);
    assert.deepEqual(said.buttons, ['Cancel Its Run', 'Copy Run Id']);
    said.press('Cancel Its Run');
    await here.until(() => here.model.view.allRuns.get(named.run)?.stop !== null);
  });

  it('only what is legal now is in the list of actions', async () => {
    const keys = here.parts.surfaces.keys!;
    const names = (file?: LockState['state']): string[] =>
      actionsNow(keys, file).map(({ command: id }) => id.replace('wavelock.', ''));
    assert.ok(names('free').includes('acquireLock'));
    for (const file of ['mine', 'held', undefined] as const)
      assert.ok(!names(file).includes('acquireLock'), file);
    assert.ok(names('held').includes('showLockHolder'));
    assert.ok(names().includes('claimRun'));
    assert.ok(!names().includes('completeRun'));
    assert.ok(!names().includes('retryStore'));
    await command('claimRun', target('2-01'));
    await here.untilTask('2-01', ({ run }) => run?.status === 'running');
    assert.ok(names().includes('completeRun'));
    await command('completeRun', target('2-01'));
  });

  it('a heartbeat extends the lease of a claimed run, and tells who is to stop', async () => {
    const named = target('2-01');
    await command('claimRun', named);
    await here.until(() => statusOf(named.run) === 'running');
    await codex.does({ kind: 'run.cancel', run: named.run });
    const said = await here.dialogue.hears(/asked to stop run/);
    assert.deepEqual(said.buttons, ['Complete Run', 'Fail Run…']);
    const before = here.model.view.allRuns.get(named.run)?.claim?.leaseUntil ?? 0;
    await here.parts.claimed.beat();
    await here.until(
      () => (here.model.view.allRuns.get(named.run)?.claim?.leaseUntil ?? 0) > before,
    );
    await command('completeRun', named);
  });
});

describe('the filter of the tree', () => {
  const here = useScene('filter');

  it('leaves the tasks that say it somewhere, with their waves, and says how many', async () => {
    await command('filterTree', 'BANK');
    assert.match(
      await treeText(here.parts.tree),
      /^Double-entry ledger migration — Wave 2\/3 \[layers\]\n {2}Wave 2 — .*\n {4}2-03 — Import bank statements[^\n]*\n {6}Attempt 1[^\n]*$/,
    );
    assert.equal(here.parts.surfaces.workflows?.view.message, '“bank”: 1 of 10 tasks');
    await command('filterTree', 'no such thing');
    assert.equal(await treeText(here.parts.tree), '');
    await command('clearFilter');
    assert.match(await treeText(here.parts.tree), /3-03/);
    assert.equal(here.parts.surfaces.workflows.view.message, '');
  });
});

describe('terminals that work on tasks', () => {
  const here = useScene('terminals');
  const settings = (): vscode.WorkspaceConfiguration =>
    vscode.workspace.getConfiguration('wavelock.worker');
  const sent: string[] = [];
  const createTerminal = vscode.window.createTerminal;
  let options: vscode.TerminalOptions | undefined;

  // What a shell would make of the line is the shell's; here counts what it is told.
  before(async () => {
    (vscode.window as { createTerminal: unknown }).createTerminal = (
      given: vscode.TerminalOptions,
    ) => {
      options = given;
      const terminal = createTerminal({ ...given, name: given.name ?? '' });
      const send = terminal.sendText.bind(terminal);
      terminal.sendText = (text, enter) => {
        sent.push(text);
        send(enter === false ? text : '', enter);
      };
      return terminal;
    };
    await settings().update('command', `npm run "it's"`, vscode.ConfigurationTarget.Workspace);
  });
  after(async () => {
    vscode.window.createTerminal = createTerminal;
    await settings().update('command', undefined, vscode.ConfigurationTarget.Workspace);
    for (const terminal of vscode.window.terminals) terminal.dispose();
  });
  beforeEach(() => {
    sent.length = 0;
  });

  it('Run Task in Terminal runs the configured command for the task, as this window', async () => {
    here.dialogue.will({ pick: /2-02/ });
    await command('runTaskInTerminal');
    assert.deepEqual(sent, [`wavelock exec --task 2-02 -- npm run "it's"`]);
    assert.equal(options?.cwd, here.folder);
    assert.deepEqual(options.env, { WAVELOCK_AGENT: here.parts.model.agent });
    assert.ok(
      here.dialogue.offered[0]?.labels.every((label) => !label.includes('1-01')),
      'it is done',
    );
    assert.ok(vscode.window.terminals.some(({ name }) => name === 'Wavelock: 2-02'));
  });

  it('Start Worker and Stop Worker: one terminal, then its interrupt', async () => {
    const keys = here.parts.surfaces.keys!;
    assert.equal(keys.get('hasWorkers'), false);
    await command('startWorker');
    assert.deepEqual(sent, [`wavelock worker --exec 'npm run "it'\\''s"' --concurrency 1`]);
    assert.equal(keys.get('hasWorkers'), true);
    await command('stopWorker');
    assert.equal(sent[1], '\u0003');
    assert.equal(keys.get('hasWorkers'), false);
    await command('stopWorker');
    await here.dialogue.hears(/No worker was started/);
  });
});
