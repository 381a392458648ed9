/** What scripts rely on: the document and the exit code of every command, granted and refused. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateMd, Workbench } from '../contract/stores';
import { Goldens } from './golden';
import { wavelock } from './wavelock';

const ada = { env: { WAVELOCK_AGENT: 'ada' } };
const bob = { env: { WAVELOCK_AGENT: 'bob' } };

interface Held {
  readonly run: { readonly id: string };
  readonly token: string;
}

describe('goldens', function () {
  this.timeout(900_000);
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());
  const goldensOf = (noun: string): Goldens => new Goldens(noun, { cwd: bench.folder });

  it('run: create, claim, heartbeat, complete, fail and what is refused of them', async () => {
    const golden = goldensOf('run');
    const made = await golden.match('create', ['run', 'create', '--title', 'Write tests']);
    const [first] = (made.document as unknown as { runs: { id: string }[] }).runs;
    const id = first?.id ?? '';
    await golden.match('create-dependent', [
      'run',
      'create',
      '--title',
      'Then this',
      '--depends-on',
      id,
      '--parent',
      id,
      '--priority',
      '5',
      '--timeout',
      '1h',
      '--max-attempts',
      '2',
      '--count',
      '2',
    ]);
    await golden.match('create-refused', [
      'run',
      'create',
      '--title',
      'x',
      '--depends-on',
      'run_0000000000',
    ]);
    await golden.match('create-untitled', ['run', 'create']);
    await golden.match('next', ['run', 'next']);
    await golden.match('claim-unnamed', ['run', 'claim']);
    const claim = (await golden.match('claim', ['run', 'claim'], ada)).document as unknown as Held;
    await golden.match('claim-refused', ['run', 'claim'], ada);
    await golden.match('claim-timeout', ['run', 'claim', '--wait', '10ms'], bob);
    const held = [id, '--token', claim.token];
    await golden.match('heartbeat', ['run', 'heartbeat', ...held]);
    await golden.match('heartbeat-refused', ['run', 'heartbeat', id, '--token', 'stale']);
    await golden.match('cancel-running', ['run', 'cancel', id, '--reason', 'not needed']);
    await golden.match('heartbeat-directive', ['run', 'heartbeat', ...held]);
    await golden.match('complete', ['run', 'complete', ...held, '--result', '{"files":3}']);
    await golden.match('complete-refused', ['run', 'complete', ...held]);
    const second = (await golden.match('claim-next', ['run', 'claim'], ada))
      .document as unknown as Held;
    const next = [second.run.id, '--token', second.token];
    await golden.match('fail', [
      'run',
      'fail',
      ...next,
      '--error',
      'It broke.',
      '--code',
      'broken',
    ]);
    await golden.match('await-failed', ['run', 'await', second.run.id, '--attempt']);
    await golden.match('await', ['run', 'await', id, '--any']);
    await golden.match('await-timeout', ['run', 'await', second.run.id, '--timeout', '1ms']);
    await golden.match('show', ['run', 'show', id]);
    await golden.match('show-refused', ['run', 'show', 'run_0000000000']);
    await golden.match('show-unknown-beginning', ['run', 'show', 'uuuu']);
    await golden.match('list', ['run', 'list']);
    await golden.match('list-some', ['run', 'list', '--status', 'completed', '--limit', '1']);
    const cancelled = await newRun('to cancel');
    await golden.match('cancel', ['run', 'cancel', cancelled]);
    await golden.match('kill', ['run', 'kill', await newRun('to kill'), '--reason', 'wrong']);
    await golden.match('kill-refused', ['run', 'kill', id]);
    await golden.match('retry', ['run', 'retry', cancelled, '--reason', 'again']);
    await golden.match('retry-live', ['run', 'retry', cancelled]);
    await golden.match('retry-refused', ['run', 'retry', 'run_0000000000']);
    golden.done();
  });

  it('run diff: what git knows, and where it knows nothing', async () => {
    const git = (...args: string[]): void => {
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
        cwd: bench.folder,
        stdio: 'ignore',
      });
    };
    git('init', '-q');
    writeFileSync(join(bench.folder, 'a.txt'), 'one\n');
    git('add', 'a.txt');
    git('commit', '-qm', 'one', '--date', '2020-01-01T00:00:00Z');
    const golden = goldensOf('run-diff');
    await golden.match('not-begun', ['run', 'diff', await newRun('later')]);
    const { document } = await golden.match('claim', ['run', 'claim'], ada);
    writeFileSync(join(bench.folder, 'a.txt'), 'two\n');
    await golden.match('diff', ['run', 'diff', (document as unknown as Held).run.id]);
    await golden.match('unknown', ['run', 'diff', 'run_0000000000']);
    golden.done();
  });

  it('lock: acquire, verify, list, break, release and what is refused of them', async () => {
    const golden = goldensOf('lock');
    bench.write('a.ts', 'let a;\n');
    await golden.match('acquire', ['lock', 'acquire', 'a.ts', 'glob:src/**', '--ttl', '5m'], ada);
    await golden.match('acquire-unnamed', ['lock', 'acquire', 'a.ts']);
    await golden.match('acquire-refused', ['lock', 'acquire', 'src/x.ts', 'b.ts'], bob);
    await golden.match('acquire-timeout', ['lock', 'acquire', 'a.ts', '--wait', '10ms'], bob);
    await golden.match('acquire-outside', ['lock', 'acquire', '../x'], ada);
    await golden.match('acquire-read', ['lock', 'acquire', 'task:1-1', '--read'], ada);
    await golden.match('list', ['lock', 'list']);
    await golden.match('verify', ['lock', 'verify', 'a.ts'], ada);
    await golden.match('verify-required', ['lock', 'verify', 'a.ts'], bob);
    bench.write('a.ts', 'let b;\n');
    await golden.match('verify-conflict', ['lock', 'verify', 'a.ts'], ada);
    await golden.match('break', ['lock', 'break', 'a.ts', '--reason', 'gone home'], bob);
    await golden.match('release', ['lock', 'release', 'glob:src/**', 'never'], ada);
    await golden.match('release-all', ['lock', 'release', '--all'], ada);
    golden.done();
  });

  it('agent and config: who is there, and what is set', async () => {
    const golden = goldensOf('agent');
    await golden.match('register', [
      'agent',
      'register',
      '--name',
      'ada',
      '--description',
      'Writes tests',
    ]);
    await golden.match('register-refused', ['agent', 'register', '--name', 'x'.repeat(65)]);
    await golden.match('run', ['run', 'create', '--title', 'held']);
    await golden.match('claim', ['run', 'claim'], ada);
    await golden.match('list', ['agent', 'list']);
    await golden.match('leave-refused', ['agent', 'leave'], ada);
    await golden.match('leave', ['agent', 'leave', '--force'], ada);
    await golden.match('leave-unnamed', ['agent', 'leave']);
    await golden.match('unknown-id', ['agent', 'list', '--agent', 'agt_0000000000']);
    await golden.match('config-get', ['config', 'get']);
    await golden.match('config-get-one', ['config', 'get', 'slots.ledger']);
    await golden.match('config-get-refused', ['config', 'get', 'colour']);
    await golden.match('config-set', ['config', 'set', 'lock.ttl', '10m']);
    await golden.match('config-set-refused', ['config', 'set', 'slots', 'many']);
    await golden.match('config-default', ['config', 'set', 'lock.ttl', 'default']);
    golden.done();
  });

  it('workflow: init, status, validate, advance, task, note, backup, conflict', async () => {
    const golden = goldensOf('workflow');
    await golden.match('status-none', ['status']);
    await golden.match('validate-none', ['validate']);
    const plan = {
      name: 'Ledger',
      waves: [
        { tasks: [{ id: 'a', description: 'First' }] },
        { tasks: [{ id: 'b', description: 'Second', dependsOn: ['a'] }] },
      ],
    };
    bench.write('plan.json', JSON.stringify(plan));
    await golden.match('init', ['init', '--from', 'plan.json']);
    await golden.match('init-refused', ['init', '--from', 'plan.json']);
    await golden.match('init-bad', ['init', '--from', 'STATE.md']);
    await golden.match('status', ['status']);
    await golden.match('status-unknown', ['status', '--workflow', 'nope']);
    await golden.match('validate', ['validate']);
    await golden.match('advance', ['advance']);
    await golden.match('advance-refused', ['advance']);
    await golden.match('run-of-task', ['run', 'create', '--task', 'b']);
    await golden.match('run-of-unknown-task', ['run', 'create', '--task', 'zz']);
    await golden.match('task-set', [
      'task',
      'set',
      'a',
      '--status',
      'done',
      '--commit',
      'abc1234',
      '--files',
      'x.ts,y.ts',
    ]);
    await golden.match('task-set-refused', ['task', 'set', 'nope', '--status', 'done']);
    await golden.match('note-add', ['note', 'add', 'Looks good'], ada);
    // Before anything is taken back: that may give a content of before once more, and each has one backup.
    await golden.match('backup-list', ['backup', 'list']);
    await golden.match('undo', ['undo'], ada);
    await golden.match('undo-refused', ['undo'], ada);
    await golden.match('undo-unnamed', ['undo']);
    await wavelock({ cwd: bench.folder, ...ada }, 'task', 'set', 'a', '--status', 'failed');
    await wavelock({ cwd: bench.folder, ...bob }, 'task', 'set', 'a', '--status', 'done');
    await golden.match('undo-built-on', ['undo'], ada);
    await golden.match('undo-task', ['undo'], bob);
    await golden.match('backup-show-refused', ['backup', 'show', 'nope']);
    await golden.match('backup-restore-refused', ['backup', 'restore', 'nope']);
    await golden.match('conflict-list', ['conflict', 'list']);
    await golden.match('conflict-show-refused', ['conflict', 'show', 'nope']);
    await golden.match('conflict-resolve-refused', ['conflict', 'resolve', 'nope', '--mine']);
    bench.write(
      'STATE.md',
      stateMd({ wave: 1, waves: [['x'], [' ']] }).replace('Wave 1/2', 'soon'),
    );
    await golden.match('validate-refused', ['validate']);
    await golden.match('advance-invalid', ['advance']);
    golden.done();
  });

  it('log, export, metrics, guard, doctor, store and completion', async () => {
    const golden = goldensOf('insight');
    await golden.match('log-none', ['log']);
    await golden.match('metrics-none', ['metrics']);
    await golden.match('doctor-none', ['doctor']);
    await golden.match('store-verify-none', ['store', 'verify']);
    await golden.match('create', ['run', 'create', '--title', 'Seen "everywhere" |*']);
    await golden.match('acquire', ['lock', 'acquire', 'a.ts'], ada);
    await golden.match('log', ['log', '--since', '0', '--limit', '2']);
    await golden.match('export', ['export']);
    for (const format of ['csv', 'markdown', 'mermaid'])
      await golden.match(`export-${format}`, ['export', '--format', format]);
    await golden.match('guard', ['guard', 'b.ts', 'a.ts'], ada);
    await golden.match('guard-refused', ['guard', 'b.ts', 'a.ts'], bob);
    await golden.match('guard-staged-outside-git', ['guard', '--staged'], bob);
    await golden.match('doctor', ['doctor']);
    await golden.match('store-verify', ['store', 'verify']);
    await golden.match('store-backup', ['store', 'backup']);
    await golden.match('store-restore-preview', ['store', 'restore', 'latest', '--preview']);
    mkdirSync(join(bench.folder, 'elsewhere'));
    await golden.match('store-copy', ['store', 'copy', 'elsewhere']);
    golden.done();
  });

  it('usage: what is asked wrongly', async () => {
    const golden = goldensOf('usage');
    await golden.match('unknown-command', ['rnu', 'list']);
    await golden.match('unknown-subcommand', ['run', 'clam']);
    await golden.match('unknown-flag', ['run', 'list', '--statsu', 'lost']);
    await golden.match('bad-duration', ['run', 'claim', '--wait', '5 minutes']);
    await golden.match('bad-json', [
      'run',
      'complete',
      'run_0000000000',
      '--token',
      't',
      '--result',
      '{',
    ]);
    await golden.match('bad-number', ['run', 'list', '--limit', 'ten']);
    await golden.match('bad-choice', ['run', 'list', '--status', 'done']);
    await golden.match('missing-argument', ['lock', 'acquire']);
    await golden.match('missing-token', ['run', 'heartbeat', 'run_0000000000']);
    await golden.match('missing-reason', ['lock', 'break', 'a.ts']);
    await golden.match('both-sides', ['run', 'await', 'run_0000000000', '--any', '--all']);
    await golden.match('no-plan', ['init', '--from', 'nowhere.json']);
    await golden.match('no-folder', ['run', 'list', '--cwd', 'nowhere']);
    golden.done();
  });

  async function newRun(title: string): Promise<string> {
    const { document } = await wavelock(
      { cwd: bench.folder },
      'run',
      'create',
      '--title',
      title,
      '--json',
    );
    return (document as unknown as { runs: { id: string }[] }).runs[0]?.id ?? '';
  }
});
