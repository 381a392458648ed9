/** `wavelock exec`: one command as a run. Real processes, real signals. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigKey, RunId, RunRow } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import { partBytes } from '../../src/tools/runLog';
import { stateMd, Workbench } from '../contract/stores';
import { Breath, Running } from './running';
import { wavelock, type Result } from './wavelock';

describe('exec', function () {
  if (process.platform === 'win32') return;
  let bench: Workbench;
  let store: Store;
  beforeEach(async () => {
    bench = new Workbench();
    store = await bench.store();
  });
  afterEach(() => bench.clear());

  const env = { WAVELOCK_AGENT: 'ann' };
  const exec = (...args: string[]): Promise<Result> =>
    wavelock({ cwd: bench.folder, env }, 'exec', ...args);
  const start = (...args: string[]): Running =>
    new Running({ cwd: bench.folder, env }, 'exec', ...args);
  const runs = async (): Promise<readonly RunRow[]> => (await store.read('state', {})).runs;
  const onlyRun = async (): Promise<RunRow> => {
    const [run, another] = await runs();
    assert.ok(run && !another, 'there is exactly one run');
    return run;
  };
  const set = async (key: ConfigKey, value: number): Promise<void> => {
    assert.ok((await store.submit({ kind: 'config.set', key, value })).ok);
  };
  const report = (): Record<string, unknown> =>
    JSON.parse(readFileSync(join(bench.folder, 'report.json'), 'utf8')) as Record<string, unknown>;
  const logs = (): string => join(bench.folder, '.wavelock', 'logs');

  describe('a command', () => {
    it('gives its output, its exit code and its environment; a report tells the rest', async () => {
      const script =
        'echo "$WAVELOCK_RUN $WAVELOCK_AGENT ${#WAVELOCK_TOKEN}"; echo oops >&2; exit 7';
      const { code, out, err } = await exec('--report', 'report.json', '--', 'sh', '-c', script);
      const run = await onlyRun();
      assert.deepEqual([code, out, err], [7, `${run.id} ann 40\n`, 'oops\n']);
      assert.deepEqual(
        [run.status, run.error?.code, run.error?.message],
        ['error', 'exit_7', 'The command ended with exit code 7: oops'],
      );
      const { v, ok, refusal, exit, log } = report() as {
        [key: string]: unknown;
        refusal: { code: string };
        exit: { code: number };
      };
      assert.deepEqual([v, ok, refusal.code, exit.code], [1, false, 'run_failed', 7]);
      const path = join(logs(), `${run.id}.log`);
      assert.equal(log, path);
      assert.equal(readFileSync(path, 'utf8'), `${out}${err}`);
      assert.deepEqual(run.links, [{ kind: 'log', target: `.wavelock/logs/${run.id}.log` }]);
      assert.ok(!JSON.stringify(report()).includes('token'));
    });

    it('that ends with 0 completes its run, before any heartbeat was due', async () => {
      const { code } = await exec('--title', 'build', '--report', 'report.json', '--', 'true');
      assert.equal(code, 0);
      const { title, status, result } = await onlyRun();
      assert.deepEqual([title, status, result], ['build', 'completed', { exitCode: 0 }]);
      assert.equal(report()['ok'], true);
    });

    it('takes its arguments as they are, also those that look like ours', async () => {
      const { code, out } = await exec('--', 'printf', '%s|', '--v', 'a b', '$HOME', '--', '-h');
      assert.deepEqual([code, out], [0, '--v|a b|$HOME|--|-h|']);
    });

    it('that a signal ends is killed: 128 + signal', async () => {
      assert.equal((await exec('--', 'sh', '-c', 'kill -SEGV $$')).code, 139);
      const { status, error } = await onlyRun();
      assert.deepEqual([status, error?.code], ['killed', 'signal']);
    });

    it('that does not exist is an error with 127', async () => {
      const { code, err } = await exec('--', 'no-such-command');
      assert.equal(code, 127);
      assert.match(err, /no-such-command/);
      assert.equal((await onlyRun()).error?.code, 'exit_127');
    });

    it('that floods out everything has all of it passed on, and a log within its limit', async () => {
      const { code, out } = await exec('--', 'sh', '-c', 'head -c 20000000 /dev/zero; echo end');
      assert.equal(code, 0);
      assert.equal(out.length, 20_000_004);
      const sizes = readdirSync(logs()).map((name) => statSync(join(logs(), name)).size);
      assert.equal(sizes.length, 2);
      for (const size of sizes) assert.ok(size <= partBytes + 200, `${size} bytes`);
      const run = await onlyRun();
      assert.match(readFileSync(join(logs(), `${run.id}.log`), 'utf8'), /end\n$/);
    });

    it('whose reader goes away hears of it by its own write', async () => {
      const running = start('--', 'sh', '-c', 'echo first; exec yes');
      await running.says(/first/);
      running.stopReading();
      // By a signal or by an error of the write, as the system has it.
      assert.notEqual((await running.ended).code, 0);
      assert.match((await onlyRun()).status, /killed|error/);
    });
  });

  describe('is refused before the start with 125', () => {
    const nothingMade = async (): Promise<void> => {
      assert.deepEqual(await runs(), []);
      assert.ok(!existsSync(join(bench.folder, 'started')));
    };
    const touch = ['--', 'touch', 'started'];

    it('without an agent, with the line that registers one', async () => {
      const { code, err } = await wavelock({ cwd: bench.folder }, 'exec', ...touch);
      assert.equal(code, 125);
      assert.match(err, /Refused/);
      await nothingMade();
    });

    it('where all slots are in use, and leaves no run behind', async () => {
      await set('slots', 1);
      await exec('--', 'true');
      const held = start('--', 'sh', '-c', 'echo holding; read _');
      await held.says(/holding/);
      const { code } = await exec('--report', 'report.json', ...touch);
      assert.equal(code, 125);
      assert.equal((report()['refusal'] as { code: string }).code, 'no_slot');
      assert.equal((await runs()).length, 2);
      await held.signal('SIGTERM').ended;
    });

    it('where the report cannot be written, or there is no such run or task', async () => {
      assert.equal((await exec('--report', 'no/such/folder', ...touch)).code, 125);
      assert.equal((await exec('--run', 'run_nobody', ...touch)).code, 125);
      assert.equal((await exec('--task', 'nobody', ...touch)).code, 125);
      assert.equal((await exec('--workflow', 'nobody', ...touch)).code, 125);
      await nothingMade();
    });

    it('but a misused flag is 2, as everywhere', async () => {
      assert.equal((await exec()).code, 2);
      assert.equal((await exec('--timeout', 'soon', ...touch)).code, 2);
      const { code, document } = await wavelock(
        { cwd: bench.folder, env },
        'exec',
        '--json',
        ...touch,
      );
      assert.equal(code, 2);
      assert.match(JSON.stringify(document), /--report/);
      await nothingMade();
    });
  });

  describe('--task', () => {
    const text = (): string => readFileSync(join(bench.folder, 'STATE.md'), 'utf8');

    it('takes the queued run of the task; its box says doing, then done', async () => {
      bench.write('STATE.md', stateMd({ wave: 0, waves: [[' ', ' ']] }));
      assert.equal((await wavelock({ cwd: bench.folder, env }, 'advance')).code, 0);
      const script = 'grep -c "~.*1-1" STATE.md';
      // The box may follow a moment after the start.
      const waiting = `until ${script}; do :; done`;
      const { code } = await exec('--task', '1-1', '--', 'sh', '-c', waiting);
      assert.equal(code, 0);
      assert.match(text(), /\[x\] \*\*1-1/);
      const mine = (await runs()).filter(({ task }) => task === '1-1');
      assert.deepEqual(
        mine.map(({ status, wave }) => `${status} ${wave}`),
        ['completed 1'],
      );
    });

    it('makes a run where there is none, and leaves one that is running alone', async () => {
      bench.write('STATE.md', stateMd({ wave: 1, waves: [[' ']] }));
      const held = start('--task', '1-1', '--', 'sh', '-c', 'echo holding; read _');
      await held.says(/holding/);
      const second = await exec('--task', '1-1', '--report', 'report.json', '--', 'true');
      assert.equal(second.code, 125);
      assert.equal((report()['refusal'] as { code: string }).code, 'task_busy');
      await held.signal('SIGTERM').ended;
      assert.equal((await runs()).length, 1);
    });
  });

  describe('a run that is to stop', () => {
    const holding = 'echo holding; while :; do read -r _ || exec sleep 1000; done';
    const held = async (...args: string[]): Promise<{ running: Running; run: RunRow }> => {
      const running = start('--report', 'report.json', ...args);
      await running.says(/holding/);
      return { running, run: await onlyRun() };
    };

    it('by a cancel: the command gets SIGTERM at once, long before a heartbeat is due', async () => {
      const trap = `trap 'echo stopping; exit 0' TERM; ${holding}`;
      const { running, run } = await held('--', 'sh', '-c', trap);
      await store.submit({ kind: 'run.cancel', run: run.id, reason: 'no need' });
      const { code, out } = await running.ended;
      assert.deepEqual([code, out], [0, 'holding\nstopping\n']);
      assert.equal((await onlyRun()).status, 'cancelled');
    });

    it('by a cancel that it ignores: killed when the grace is over', async () => {
      await set('grace', 100);
      const { running, run } = await held('--', 'sh', '-c', `trap '' TERM; ${holding}`);
      await store.submit({ kind: 'run.cancel', run: run.id });
      assert.equal((await running.ended).code, 137);
      assert.match((await onlyRun()).status, /cancelled|killed/);
    });

    it('by a kill: at once', async () => {
      const { running, run } = await held('--', 'sh', '-c', `trap 'exit 0' TERM; ${holding}`);
      await store.submit({ kind: 'run.kill', run: run.id });
      assert.equal((await running.ended).code, 137);
      assert.equal((await onlyRun()).status, 'killed');
    });

    it('by its timeout: killed, with the code timeout', async () => {
      const { code } = await exec('--timeout', '200ms', '--', 'sleep', '1000');
      assert.equal(code, 143);
      const { status, error } = await onlyRun();
      assert.deepEqual([status, error?.code], ['killed', 'timeout']);
    });

    it('by a signal to us: passed on; ended by it is killed, ended well is completed', async () => {
      const first = await held('--', 'sh', '-c', holding);
      const ended = await first.running.signal('SIGINT').ended;
      assert.equal(ended.code, 130);
      assert.deepEqual(
        [first.run.status, (await onlyRun()).error?.code],
        ['running', 'interrupted'],
      );
      const second = start('--', 'sh', '-c', `trap 'exit 0' TERM; ${holding}`);
      await second.says(/holding/);
      assert.equal((await second.signal('SIGTERM').ended).code, 0);
      assert.deepEqual(
        (await runs()).map(({ status }) => status),
        ['killed', 'completed'],
      );
    });

    it('by a second signal: at once, whatever the command does with the first', async () => {
      const { running } = await held('--', 'sh', '-c', `trap 'echo heard' INT; ${holding}`);
      running.signal('SIGINT');
      await running.says(/heard/);
      assert.equal((await running.signal('SIGINT').ended).code, 137);
      assert.equal((await onlyRun()).status, 'killed');
    });

    it('because somebody else has it: the command is killed, and nothing is recorded', async () => {
      const { running, run } = await held('--', 'sh', '-c', `trap 'exit 0' TERM; ${holding}`);
      const agent = 'ann' as never;
      assert.ok((await store.submit({ kind: 'agent.leave', agent, force: true })).ok);
      assert.equal((await running.ended).code, 137);
      const { status, claim } = await onlyRun();
      assert.deepEqual([status, claim?.epoch], ['lost', run.claim?.epoch]);
    });

    it('because the store is gone for as long as its lease: the command is killed', async () => {
      await set('lease.program', 1_000);
      const { running } = await held('--', 'sh', '-c', holding);
      await store.close();
      rmSync(join(bench.folder, '.wavelock'), { recursive: true });
      assert.equal((await running.ended).code, 137);
    });
  });

  describe('leaves no process behind', () => {
    const fork = (then: string): string =>
      `(exec 9>"$BREATH"; trap '' TERM INT HUP; echo forked; exec sleep 1000) & ${then}`;
    const startForking = (then: string): { running: Running; breath: Breath } => {
      const breath = new Breath(bench.folder);
      const running = new Running(
        { cwd: bench.folder, env: { ...env, BREATH: breath.path } },
        'exec',
        '--',
        'sh',
        '-c',
        fork(then),
      );
      return { running, breath };
    };

    it('when the command ends and what it forked does not', async () => {
      const { running, breath } = startForking('until [ -s ready ]; do :; done; exit 0');
      await running.says(/forked/);
      bench.write('ready', 'yes');
      await breath.over();
      assert.equal((await running.ended).code, 0);
    });

    it('when it is killed by kill −9: the command and what it forked end, and the run is lost', async () => {
      const { running, breath } = startForking('wait');
      await running.says(/forked/);
      running.signal('SIGKILL');
      await breath.over();
      await running.ended;
      assert.ok((await store.submit({ kind: 'sweep' })).ok);
      assert.equal((await onlyRun()).status, 'lost');
    });
  });

  it('hears a cancel that came between its claim and its first look', async () => {
    const created = await store.submit({ kind: 'run.create', title: 'late' });
    assert.ok(created.ok);
    const [run] = created.facts.runs;
    const seen = store.subscribe(created.at, (events) => {
      for (const { kind } of events) {
        if (kind === 'run.claimed')
          void store.submit({ kind: 'run.cancel', run: run?.id as RunId });
      }
    });
    const { code } = await exec('--run', run?.id ?? '', '--', 'sleep', '1000');
    seen.dispose();
    assert.equal(code, 143);
    assert.equal((await onlyRun()).status, 'cancelled');
  });
});
