/**
 * Holders of a lockfile that die or stand still: who comes next gets in as soon as that is certain, alone,
 * and the former one can do no harm when it wakes. WAVELOCK_CAMPAIGN=1 for the long form.
 */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { processIdentity } from '../../src/store/hostClock';
import { LockFolder } from '../../src/store/lockFolder';
import { LockNotes } from '../../src/store/lockNotes';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { stateMd, Workbench } from '../contract/stores';
import type { Order, Report } from './fileLockChild';

const campaign = process.env['WAVELOCK_CAMPAIGN'] !== undefined;
const rounds = campaign ? 2_000 : 20;
const kills = campaign ? 200 : 6;
const hour = 3_600_000;
const shortestStale = 2_000;
const oldText = stateMd({ wave: 1, waves: [['x'], [' ', ' '], [' ']] });

/** Where a process that advances may be stopped; before `committed` it has promised nothing. */
const steps = ['locked', 'committed', 'temp', 'backup', 'hold', 'check', 'rename'];

describe('crash: holders of a lockfile', function () {
  this.timeout(campaign ? 600_000 : 150_000);

  let bench: Workbench;
  const children: Child[] = [];
  beforeEach(() => {
    bench = new Workbench();
    bench.write('STATE.md', oldText);
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.end()));
    await bench.clear();
  });

  const start = async (staleMs = hour, folder = bench.folder): Promise<Child> => {
    const child = new Child(folder, staleMs);
    children.push(child);
    await child.next('ready');
    return child;
  };
  const lockPath = (): string => join(bench.folder, 'STATE.md.lock');

  it(`killed: whoever waits is in at once, ${kills} times, though stale is an hour`, async () => {
    const took: number[] = [];
    let holder = await start();
    await holder.ask({ do: 'hold' });
    for (let kill = 0; kill < kills; kill += 1) {
      const next = await start();
      next.tell({ do: 'hold' });
      // Half of them wait since before the death, the others come after.
      if (kill % 2 === 0) await next.waits();
      const { pid } = holder;
      const at = Number(process.hrtime.bigint()) / 1e6;
      await holder.kill();
      const report = await next.next('hold');
      assert.deepEqual(report.tookOver, { why: 'process-gone', host: hostname(), pid });
      took.push((report.at ?? Infinity) - at);
      holder = next;
    }
    await holder.ask({ do: 'release' });
    assert.equal(existsSync(lockPath()), false);
    took.sort((a, b) => a - b);
    const percentile = (share: number): string =>
      (took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0).toFixed(1);
    console.log(
      `      ${kills} kills, takeover p50 ${percentile(0.5)} ms, p95 ${percentile(0.95)} ms, longest ${percentile(1)} ms`,
    );
  });

  it(`eight that fight over a dead holder's lock are in one at a time, ${rounds} rounds`, async () => {
    const dead = await start();
    const corpse = processIdentity(hostname(), dead.pid);
    await dead.kill();
    const notes = new LockNotes(bench.lockOptions(0).notes);
    const fighters = await Promise.all(Array.from({ length: 8 }, () => start()));
    let takeovers = 0;
    for (let round = 0; round < rounds; round += 1) {
      const left = LockFolder.make(lockPath(), notes.write(lockPath(), corpse));
      assert.ok(left);
      left.close();
      const marker = join(bench.folder, `inside-${round}`);
      const reports = await Promise.all(
        fighters.map((fighter) => fighter.ask({ do: 'section', marker })),
      );
      for (const report of reports) {
        assert.ok(report.stillOurs, 'the lock was lost to a process that was not entitled to it');
        if (report.tookOver) takeovers += 1;
      }
      assert.equal(existsSync(lockPath()), false);
    }
    // Now and then one that had not even looked is first at the place that another has cleared.
    assert.ok(takeovers > 0 && takeovers <= rounds);
    console.log(
      `      ${rounds} rounds, ${takeovers} takeovers, ${rounds * 8} times in, never two at once`,
    );
  });

  it('ended without a release: it removes its own lock, and only that', async () => {
    const [own, robbed] = await Promise.all([start(), start()]);
    await own.ask({ do: 'hold' });
    own.tell({ do: 'exit' });
    await own.ended;
    assert.equal(existsSync(lockPath()), false);

    await robbed.ask({ do: 'hold' });
    const found = LockFolder.find(lockPath());
    assert.ok(found instanceof LockFolder && found.remove());
    found.close();
    const others = LockFolder.make(lockPath(), 1_800_000_000);
    assert.ok(others);
    robbed.tell({ do: 'exit' });
    await robbed.ended;
    assert.ok(others.isThere());
    others.close();
  });

  it('ended by SIGTERM: the lock is free, and there is nothing to take over', async () => {
    const [own, next] = await Promise.all([start(), start()]);
    await own.ask({ do: 'hold' });
    own.signal('SIGTERM');
    await own.ended;
    assert.equal((await next.ask({ do: 'hold' })).tookOver, undefined);
    await next.ask({ do: 'release' });
  });

  describe('stopped for longer than stale', () => {
    // All at once: each spends most of its time standing still.
    const stories = new Map<string, Promise<void>>();
    before(() => {
      for (const step of steps) {
        const story = standStillAt(step);
        story.catch(() => undefined);
        stories.set(step, story);
      }
      const story = sleepThrough();
      story.catch(() => undefined);
      stories.set('sleep', story);
    });

    for (const step of steps) {
      it(`at "${step}" of an advance: what it does when it wakes changes nothing`, () =>
        stories.get(step));
    }
    it('while it holds: it knows, and its release removes nothing', () => stories.get('sleep'));
  });
});

async function sleepThrough(): Promise<void> {
  const bench = new Workbench();
  bench.write('STATE.md', oldText);
  const lockPath = join(bench.folder, 'STATE.md.lock');
  const sleeper = new Child(bench.folder, shortestStale);
  const next = new Child(bench.folder, shortestStale);
  try {
    await Promise.all([sleeper.next('ready'), next.next('ready')]);
    await sleeper.ask({ do: 'hold' });
    sleeper.signal('SIGSTOP');
    const report = await next.ask({ do: 'hold' });
    assert.deepEqual(report.tookOver, { why: 'stale', host: hostname(), pid: sleeper.pid });
    const { ino } = lstatSync(lockPath);
    sleeper.signal('SIGCONT');
    assert.equal((await sleeper.ask({ do: 'stillOurs' })).stillOurs, false);
    await sleeper.ask({ do: 'release' });
    assert.equal(lstatSync(lockPath).ino, ino);
    assert.equal((await next.ask({ do: 'stillOurs' })).stillOurs, true);
    await next.ask({ do: 'release' });
  } finally {
    await Promise.all([sleeper.end(), next.end()]);
    await bench.clear();
  }
}

async function standStillAt(step: string): Promise<void> {
  const bench = new Workbench();
  const path = bench.write('STATE.md', oldText);
  const sleeper = new Child(bench.folder, shortestStale);
  try {
    await sleeper.next('ready');
    sleeper.tell({ do: 'advance', stopAt: step });
    await sleeper.stopped();
    const store = await bench.store();
    const files = new WorkflowFiles({
      place: bench.place,
      store,
      now: Date.now,
      lockStaleMs: shortestStale,
      lockWaitMs: 10_000,
    });
    await files.keepPromises();
    // Nothing is promised before the commit: then a successor does the advance itself.
    if (step === 'locked') assert.ok((await files.advance(bench.folder, { seen: 1 })).ok);
    const after = readFileSync(path, 'utf8').replace('- A note', '- By hand\n- A note');
    assert.match(after, /Wave 2\/3/);
    bench.write('STATE.md', after);

    sleeper.signal('SIGCONT');
    const report = await sleeper.next(undefined);
    const told = step === 'locked' ? report.stillOurs === false : report.error === undefined;
    assert.ok(told, JSON.stringify(report));
    assert.equal(readFileSync(path, 'utf8'), after);
    const state = await store.read('state', {});
    assert.deepEqual([state.workflows[0]?.wave, state.runs.length], [2, 2]);
    assert.deepEqual(await store.read('fileEdits', {}), []);
    assert.equal(existsSync(`${path}.lock`), false);
  } finally {
    await sleeper.end();
    await bench.clear();
  }
}

class Child {
  readonly ended: Promise<unknown>;
  readonly #process: ChildProcess;
  readonly #reports: Report[] = [];
  #wake = (): void => undefined;

  constructor(folder: string, staleMs: number) {
    this.#process = fork('out/test/crash/fileLockChild.js', [folder, String(staleMs)], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--enable-source-maps'],
    });
    this.ended = once(this.#process, 'exit');
    this.#process.on('message', (report: Report) => {
      this.#reports.push(report);
      this.#wake();
    });
    void this.ended.then(() => {
      this.#wake();
    });
  }

  get pid(): number {
    return this.#process.pid ?? assert.fail('the process did not start');
  }

  tell(order: Order): void {
    this.#process.send(order);
  }

  async ask(order: Order): Promise<Report> {
    this.tell(order);
    return this.next(order.do);
  }

  /** The next report, which must be of this kind; of any when undefined. */
  async next(what: Order['do'] | 'ready' | undefined): Promise<Report> {
    while (this.#reports.length === 0) {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        assert.fail(`the process ended before it reported ${what ?? 'anything'}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const report = this.#reports.shift() ?? assert.fail();
    if (what !== undefined) {
      assert.ok(
        report.done === what || (what === 'ready' && report.ready),
        `${what}: ${JSON.stringify(report)}`,
      );
    }
    return report;
  }

  /** When it stands still: it stops itself, and the system tells. */
  async stopped(): Promise<void> {
    while (this.#state() !== 'T') await new Promise((next) => setImmediate(next));
  }

  /** When it has set its watch on the folder, and so has found the lock held. */
  async waits(): Promise<void> {
    const open = `/proc/${this.pid}/fd`;
    const watches = (): number =>
      readdirSync(open).filter((fd) => linkOf(join(open, fd)) === 'anon_inode:inotify').length;
    while (watches() === 0) await new Promise((next) => setImmediate(next));
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
  }

  #state(): string {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).charAt(0);
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed since it was listed.
    return '';
  }
}
