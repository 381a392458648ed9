/** Runs, locks and agents as several processes use them at once through the command line. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { EventKind, StoredEvent } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import { obstructDailyBackup, stateMd, Workbench } from '../contract/stores';
import { Running } from './running';
import { wavelock, type Result } from './wavelock';

interface Run {
  readonly id: string;
  readonly status: string;
}

describe('cli: runs, locks and agents', function () {
  this.timeout(300_000);
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  const call = (...args: string[]): Promise<Result> =>
    wavelock({ cwd: bench.folder }, ...args, '--json');
  const as = (agent: string, ...args: string[]): Promise<Result> => call('--agent', agent, ...args);
  const refusalOf = ({ document }: Result): Record<string, unknown> & { code: string } =>
    document['refusal'] as Record<string, unknown> & { code: string };
  const runOf = ({ document }: Result): Run => document['run'] as Run;

  async function create(...flags: string[]): Promise<readonly Run[]> {
    const { document } = await call('run', 'create', '--title', 'work', ...flags);
    return document['runs'] as Run[];
  }

  /** Still running; what it says so far is in `out`. */
  function begin(...args: string[]): {
    child: ChildProcess;
    ended: Promise<{ code: number | null; out: string }>;
  } {
    const child = spawn(process.execPath, [resolve('dist/cli.js'), ...args], {
      cwd: bench.folder,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    child.stdout.on('data', (chunk) => (out += String(chunk)));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out }));
    return { child, ended };
  }

  function happened(store: Store, kind: EventKind): Promise<StoredEvent> {
    return new Promise((done) => {
      const subscription = store.subscribe(0, (events) => {
        const found = events.find((event) => event.kind === kind);
        if (!found) return;
        subscription.dispose();
        done(found);
      });
    });
  }

  it('a run goes by the beginning of its id, as long as there is one', async () => {
    const runs = await create('--count', '40');
    const [first] = runs;
    const id = first?.id ?? '';
    assert.equal(runOf(await call('run', 'show', id.slice(0, -1))).id, id);
    assert.equal(runOf(await call('run', 'show', id.slice('run_'.length, -1))).id, id);
    const several = refusalOf(await call('run', 'show', 'run_'));
    assert.equal(several.code, 'bad_input');
    assert.match(String(several['message']), /is the beginning of run_.* and more/);
  });

  it('an agent goes by its id, too, and a new name is registered by its first use', async () => {
    await create('--count', '2');
    assert.equal((await as('ada', 'run', 'claim')).code, 0);
    const [ada] = (await call('agent', 'list')).document['agents'] as {
      id: string;
      name: string;
    }[];
    assert.equal(ada?.name, 'ada');
    const claim = await as(ada.id, 'run', 'claim');
    assert.equal((runOf(claim) as unknown as { agent: string }).agent, 'ada');
  });

  it('a waiting claim is woken by the run that is created meanwhile', async () => {
    const store = await bench.store();
    const { ended } = begin('--agent', 'ada', 'run', 'claim', '--wait', '50s', '--json');
    await happened(store, 'slot.queued');
    await create();
    const { code, out } = await ended;
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as { run: Run }).run.status, 'running');
  });

  it('a waiting claim that is interrupted leaves the line and exits with 130', async function () {
    if (process.platform === 'win32') this.skip();
    const store = await bench.store();
    const { child, ended } = begin('--agent', 'ada', 'run', 'claim', '--wait', '50s', '--json');
    await happened(store, 'slot.queued');
    child.kill('SIGINT');
    assert.deepEqual(await ended, { code: 130, out: '' });
    assert.deepEqual((await store.read('state', {})).slotWaiters, []);
  });

  it('a waiting acquire takes what is released, and others are told their place', async () => {
    const store = await bench.store();
    await as('ada', 'lock', 'acquire', 'a.ts');
    const { ended } = begin('--agent', 'bob', 'lock', 'acquire', 'a.ts', '--wait', '50s', '--json');
    await happened(store, 'lock.queued');
    const cy = refusalOf(await as('cy', 'lock', 'acquire', 'a.ts'));
    assert.equal((cy['denials'] as { queuePosition: number }[])[0]?.queuePosition, 2);
    await as('ada', 'lock', 'release', '--all');
    const { code, out } = await ended;
    assert.equal(code, 0, out);
  });

  it('the same --op-id claims once and tells the same token', async () => {
    await create('--count', '2');
    const first = await as('ada', 'run', 'claim', '--op-id', 'once');
    const second = await as('ada', 'run', 'claim', '--op-id', 'once');
    assert.equal(second.document['token'], first.document['token']);
    const { counts } = (await call('run', 'list')).document as unknown as {
      counts: { running: number };
    };
    assert.equal(counts.running, 1);
  });

  it('neither a token nor what it is known by is told by anything but the claim', async () => {
    const [made] = await create();
    const token = String((await as('ada', 'run', 'claim')).document['token']);
    const digest = createHash('sha256').update(token).digest('hex');
    for (const look of [
      ['run', 'list'],
      ['run', 'show', made?.id ?? ''],
      ['log', '--since', '0'],
      ['export'],
      ['agent', 'list'],
    ]) {
      const { out } = await call(...look);
      assert.ok(!out.includes(token) && !out.includes(digest), look.join(' '));
    }
  });

  it('more commands in a second than are allowed: rate_limited with retryAfterMs, exit 4', async () => {
    await create('--count', '20');
    await call('config', 'set', 'rate.mutations', '1');
    const results = await Promise.all(Array.from({ length: 8 }, () => as('ada', 'run', 'claim')));
    const limited = results.filter(({ code }) => code === 4);
    assert.ok(limited.length > 0, 'none was sent away');
    for (const result of limited) {
      assert.equal(refusalOf(result).code, 'rate_limited');
      assert.ok(Number(refusalOf(result)['retryAfterMs']) > 0);
    }
  });

  it('looking leaves no trace where there is no store', async () => {
    for (const look of [
      ['run', 'list'],
      ['run', 'next'],
      ['lock', 'list'],
      ['agent', 'list'],
      ['config', 'get'],
      ['log'],
      ['export'],
      ['metrics'],
      ['guard', 'a.ts'],
      ['doctor'],
    ]) {
      assert.equal((await call(...look)).code, 0, look.join(' '));
    }
    assert.ok(!existsSync(bench.storeFolder));
  });

  it('the box of a task follows its run before the claim is answered', async () => {
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' '], [' ']] }));
    assert.equal((await call('advance')).code, 0);
    const claim = await as('ada', 'run', 'claim');
    assert.match(readFileSync(join(bench.folder, 'STATE.md'), 'utf8'), /\[~\] \*\*1-1\*\*/);
    await call('run', 'complete', runOf(claim).id, '--token', String(claim.document['token']));
    assert.match(readFileSync(join(bench.folder, 'STATE.md'), 'utf8'), /\[x\] \*\*1-1\*\*/);
  });

  it('a reader that has gone is no error, and ends what follows', async () => {
    await create('--count', '300');
    for (const args of [
      ['run', 'list', '--limit', '300', '--json'],
      ['log', '--follow', '--since', '0', '--json'],
    ]) {
      const child = spawn(process.execPath, [resolve('dist/cli.js'), ...args], {
        cwd: bench.folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      child.stdout.destroy();
      let err = '';
      child.stderr.on('data', (chunk) => (err += String(chunk)));
      const [code] = (await once(child, 'close')) as [number];
      assert.deepEqual([code, err], [0, ''], args.join(' '));
    }
  });

  it('log --follow tells one JSON a line, of what happens elsewhere as well, until it is told to end', async function () {
    if (process.platform === 'win32') this.skip();
    const store = await bench.store();
    await create();
    const { child, ended } = begin('log', '--follow', '--since', '0', '--json');
    let seen = '';
    const says = (what: string): Promise<void> =>
      new Promise((resolve, reject) => {
        child.stdout?.on('data', (chunk) => {
          seen += String(chunk);
          if (seen.includes(what)) resolve();
        });
        child.once('close', () => {
          reject(new Error(`It ended without saying ${what}: ${seen}`));
        });
      });
    // What has happened before; what happens then is only heard by one that is still there.
    await says('"run.created"');
    const late = says('"late"');
    await store.submit({ kind: 'agent.register', name: 'late' as never });
    await late;
    child.kill('SIGTERM');
    const { code, out } = await ended;
    assert.equal(code, 0);
    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as StoredEvent);
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, index) => index + 1),
    );
  });

  it('log --follow goes on when the daily backup fails, and ends when the store is gone', async function () {
    if (process.platform === 'win32') this.skip();
    await create();
    obstructDailyBackup(bench.storeFolder);
    const following = new Running({ cwd: bench.folder }, 'log', '--follow', '--json');
    await following.says(/The daily backup of the store failed, .*-journal/);
    await create();
    await following.says(/"run\.created"/);
    rmSync(join(bench.folder, '.wavelock'), { recursive: true });
    const { code, out } = await following.ended;
    assert.equal(code, 3);
    assert.match(out, /"code":"store_gone"/);
  });

  it('guard and verify count paths from where one works', async () => {
    bench.write('STATE.md', '');
    await as('ada', 'lock', 'acquire', 'src/a.ts');
    const below = { cwd: bench.folder };
    assert.equal(
      (await wavelock(below, '--agent', 'bob', 'guard', join(bench.folder, 'src/a.ts'), '--json'))
        .code,
      1,
    );
    assert.equal((await as('ada', 'guard', './src/a.ts')).code, 0);
    assert.equal(refusalOf(await as('ada', 'guard', '../a.ts')).code, 'bad_input');
  });

  it('doctor tells what is over with its evidence, and --fix tidies it up', async () => {
    await as('ada', 'lock', 'acquire', 'a.ts', '--ttl', '1ms');
    const codes = async (...flags: string[]): Promise<unknown> => {
      const { document } = await call('doctor', ...flags);
      return [
        (document['findings'] as { code: string }[]).map(({ code }) => code),
        document['fixed'],
      ];
    };
    assert.deepEqual(await codes(), [['lock_expired'], []]);
    assert.deepEqual(await codes('--fix'), [[], ['lock_expired']]);
  });

  it('metrics has the names of docs/metrics.md, and no other', async () => {
    await create();
    await as('ada', 'lock', 'acquire', 'a.ts');
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' '], [' ']] }));
    await call('advance');
    const { out } = await wavelock({ cwd: bench.folder }, 'metrics');
    const listed = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(wavelock_\w+)`/gm)];
    const told = [...out.matchAll(/^# TYPE (\w+) /gm)];
    assert.deepEqual(
      told.map(([, name]) => name),
      listed.map(([, name]) => name),
    );
    assert.match(out, /^wavelock_runs\{status="queued"\} 2$/m);
  });

  it('people get tables and no colours in a pipe', async () => {
    await create();
    const { out } = await wavelock({ cwd: bench.folder }, 'run', 'list');
    assert.match(
      out,
      /^RUN +STATUS +TRY +TITLE +TASK +AGENT +AGE\nrun_\w+ +queued +work +\d+ s\n1 queued\n$/,
    );
  });
});
