/** `wavelock worker`: real workers, real commands, real kills. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigKey, CreateRuns, RunId, RunRow, StoredEvent } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import { obstructDailyBackup, stateMd, Workbench } from '../contract/stores';
import { Breath, Running } from './running';
import { wavelock } from './wavelock';

describe('worker', function () {
  if (process.platform === 'win32') return;
  let bench: Workbench;
  let store: Store;
  let started: Running[];
  beforeEach(async () => {
    started = [];
    bench = new Workbench();
    store = await bench.store();
  });
  afterEach(async () => {
    await Promise.all(started.map((worker) => worker.signal('SIGKILL').ended));
    await bench.clear();
  });

  const start = (command: string, ...args: string[]): Running => {
    const worker = new Running(
      { cwd: bench.folder, env: { BREATH: join(bench.folder, 'breath') } },
      ...['worker', '--exec', command, '--interval', '1h', ...args],
    );
    started.push(worker);
    return worker;
  };
  const create = async (fields: Partial<CreateRuns> = {}): Promise<readonly RunRow[]> => {
    const answer = await store.submit({ kind: 'run.create', title: 'work', ...fields });
    assert.ok(answer.ok);
    return answer.facts.runs;
  };
  const set = async (key: ConfigKey, value: number): Promise<void> => {
    assert.ok((await store.submit({ kind: 'config.set', key, value })).ok);
  };
  const runs = async (): Promise<readonly RunRow[]> => (await store.read('state', {})).runs;
  const statuses = async (): Promise<string> =>
    (await runs()).map(({ status, attempt }) => `${status} ${attempt}`).join(', ');
  const ended = (...rows: readonly RunRow[]): Promise<unknown> =>
    store.await({ ids: rows.map(({ id }) => id), mode: 'all', deadlineMs: null });
  /** The first event that fits, however it comes. */
  const heard = (fits: (event: StoredEvent) => boolean): Promise<StoredEvent> =>
    new Promise((resolve) => {
      const subscription = store.subscribe(0, (events) => {
        const found = events.find(fits);
        if (!found) return;
        subscription.dispose();
        resolve(found);
      });
    });

  it('takes a run the moment it is made, however long its interval is', async () => {
    const worker = start('echo "$WAVELOCK_TITLE"');
    await worker.says(/waits for runs/);
    const [run] = await create({ title: 'first' });
    await ended(run as RunRow);
    assert.equal(await statuses(), 'completed 1');
    const [again] = await create({ title: 'second' });
    await ended(again as RunRow);
    const { code, err } = await worker.signal('SIGINT').ended;
    assert.equal(code, 0);
    assert.match(err, /▸ run_\w+ {2}first\n/);
    assert.match(err, /✔ run_\w+ {2}completed after/);
  });

  it('--drain --json ends with one document when there is nothing left to claim', async () => {
    const [first] = await create();
    await create({ count: 4 });
    await create({ dependsOn: [first?.id as RunId] });
    const args = ['worker', '--exec', 'true', '--concurrency', '3', '--drain', '--json'];
    const { code, document, err } = await wavelock({ cwd: bench.folder }, ...args);
    assert.equal(code, 0);
    const { at, agent, ...rest } = document;
    assert.match(String(agent), /^worker:.+:\w{6}$/);
    // Its session ends after its answer.
    assert.equal(Number(at) + 1, await store.read('head', {}));
    assert.deepEqual(rest, {
      v: 1,
      ok: true,
      claimed: 6,
      ended: { completed: 6, error: 0, killed: 0, cancelled: 0, lost: 0 },
      stopped: null,
    });
    assert.equal(err.match(/▸/g)?.length, 6);
  });

  it('does no more at once than it was told to, and no more than there are slots', async () => {
    await set('slots', 3);
    await create({ count: 12 });
    let [running, most] = [0, 0];
    const all = new Promise<void>((resolve) => {
      let left = 12;
      store.subscribe(0, (events) => {
        for (const { kind } of events) {
          if (kind === 'run.claimed') most = Math.max(most, (running += 1));
          if (kind !== 'run.completed') continue;
          running -= 1;
          left -= 1;
          if (left === 0) resolve();
        }
      });
    });
    const workers = [1, 2].map(() => start('sleep 0.05', '--concurrency', '2'));
    await all;
    assert.equal(most, 3);
    for (const worker of workers) assert.equal((await worker.signal('SIGTERM').ended).code, 0);
    assert.deepEqual((await store.read('state', {})).slotWaiters, []);
  });

  it('tries a run again as its policy says, and says when it is exhausted', async () => {
    const backoff = { baseMs: 1, capMs: 1 };
    await create({ maxAttempts: 3, backoff });
    await create({ maxAttempts: 3, backoff, title: 'twice' });
    const command = 'test "$WAVELOCK_TITLE $WAVELOCK_ATTEMPT" = "twice 2"';
    await start(command, '--drain').ended;
    assert.equal(
      (await runs())
        .map(({ title, status, attempt }) => `${title} ${attempt} ${status}`)
        .sort()
        .join(', '),
      'twice 1 error, twice 2 completed, work 1 error, work 2 error, work 3 error',
    );
  });

  it('waits as long as it is told to where its rate is limited, and loses nothing', async () => {
    await create({ count: 6 });
    await set('rate.mutations', 4);
    const { code } = await start('true', '--drain', '--concurrency', '3').ended;
    assert.equal(code, 0);
    assert.equal(await statuses(), Array(6).fill('completed 1').join(', '));
  });

  it('takes of one workflow only, by its id or its file; one that is not there is refused', async () => {
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' ', ' ']] }));
    await create();
    assert.equal((await wavelock({ cwd: bench.folder }, 'advance')).code, 0);
    assert.equal((await start('true', '--drain', '--workflow', 'STATE.md').ended).code, 0);
    assert.equal(await statuses(), 'queued 1, completed 1, completed 1');
    const unknown = await start('true', '--workflow', 'nobody').ended;
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /There is no workflow nobody/);
    for (const args of [
      ['--concurrency', '0'],
      ['--interval', 'soon'],
      ['--exec', ''],
    ]) {
      assert.equal((await start('true', ...args).ended).code, 2, args.join(' '));
    }
  });

  describe('told to stop', () => {
    const well = `trap 'exit 0' INT TERM`;
    const deaf = `trap '' INT TERM; (trap '' INT TERM; exec 9>"$BREATH"; exec sleep 1000) &`;
    const wait = `: > "$WAVELOCK_TITLE"; sleep 1000 & while :; do wait; done`;
    const command = `case $WAVELOCK_TITLE in well) ${well};; deaf) ${deaf} esac; ${wait}`;

    /** Two are under way, a third waits. */
    const busy = async (): Promise<{ worker: Running; breath: Breath; third: RunRow }> => {
      const breath = new Breath(bench.folder);
      await create({ title: 'well', priority: 2, maxAttempts: 2 });
      await create({ title: 'deaf', priority: 1, maxAttempts: 2 });
      const [third] = await create({ title: 'third' });
      const worker = start(command, '--concurrency', '2');
      await breath.begun();
      await heard(({ kind }) => kind === 'run.claimed');
      await new Promise<void>((resolve) => {
        const look = (): void => {
          if (existsSync(join(bench.folder, 'well'))) resolve();
          else setImmediate(look);
        };
        look();
      });
      return { worker, breath, third: third as RunRow };
    };

    it('claims nothing more, passes the signal on, waits for the grace, and exits 0 with nothing left', async () => {
      await set('grace', 300);
      const { worker, breath, third } = await busy();
      const { code, err, out } = await worker.signal('SIGINT').ended;
      assert.equal(code, 0);
      await breath.over();
      const [one, two, untouched, retry] = await runs();
      assert.deepEqual([one?.title, one?.status], ['well', 'completed']);
      assert.deepEqual(
        [two?.title, two?.status, two?.error?.code],
        ['deaf', 'error', 'interrupted'],
      );
      assert.deepEqual([untouched?.id, untouched?.status], [third.id, 'queued']);
      assert.deepEqual([retry?.retryOf, retry?.status], [two?.id, 'queued']);
      const took = Number(two?.endedAt) - Number(one?.endedAt);
      assert.ok(took >= 200, `the deaf one had ${took} ms more`);
      assert.match(err, /SIGINT: told 2 to stop/);
      assert.equal(out, '2 runs claimed: 1 completed, 1 error.\n');
      assert.deepEqual((await store.read('state', {})).sessions, []);
    });

    it('twice, kills at once', async () => {
      await set('grace', 3_600_000);
      const { worker, breath } = await busy();
      worker.signal('SIGTERM');
      await worker.says(/SIGTERM: told/);
      const { code } = await worker.signal('SIGTERM').ended;
      assert.equal(code, 0);
      await breath.over();
      assert.doesNotMatch(await statuses(), /running/);
    });

    it('by kill −9: its runs are lost, what it started is gone, and each is tried once more', async () => {
      const { worker, breath } = await busy();
      await worker.signal('SIGKILL').ended;
      await breath.over();
      assert.equal((await start('true', '--drain').ended).code, 0);
      const told = (await runs()).map(
        ({ title, attempt, status }) => `${title} ${attempt} ${status}`,
      );
      assert.deepEqual(told.sort(), [
        'deaf 1 lost',
        'deaf 2 completed',
        'third 1 completed',
        'well 1 lost',
        'well 2 completed',
      ]);
    });

    it('while it has nothing to do, ends at once', async () => {
      const worker = start('true');
      await worker.says(/waits for runs/);
      const { code, out } = await worker.signal('SIGTERM').ended;
      assert.deepEqual([code, out], [0, '0 runs claimed.\n']);
    });
  });

  it('hears of a dead worker at its interval, without anybody telling it', async () => {
    await create({ maxAttempts: 2, backoff: { baseMs: 1, capMs: 1 } });
    const doomed = start('sleep 1000');
    await heard(({ kind }) => kind === 'run.claimed');
    const heir = start('true', '--interval', '100ms');
    await heir.says(/waits for runs/);
    await doomed.signal('SIGKILL').ended;
    await heard(({ kind }) => kind === 'run.completed');
    assert.equal(await statuses(), 'lost 1, completed 2');
  });

  it('goes on when the daily backup fails, and tells it', async () => {
    obstructDailyBackup(bench.storeFolder);
    await create();
    const worker = start('true');
    await worker.says(/The daily backup of the store failed, .*-journal/);
    await ended(...(await create()));
    const { code } = await worker.signal('SIGTERM').ended;
    assert.deepEqual([code, await statuses()], [0, 'completed 1, completed 1']);
  });

  it('ends when its store is gone', async () => {
    const worker = start('true');
    await worker.says(/waits for runs/);
    rmSync(join(bench.folder, '.wavelock'), { recursive: true });
    const { code, err } = await worker.ended;
    assert.equal(code, 3);
    assert.match(err, /was removed while it was in use/);
  });

  it('keeps a log of each run, and none of them on its own output', async () => {
    await create({ count: 2 });
    const { out, err } = await start('echo noise', '--drain').ended;
    assert.doesNotMatch(out + err, /noise/);
    assert.equal(readdirSync(join(bench.folder, '.wavelock', 'logs')).length, 2);
  });
});
