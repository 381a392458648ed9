/**
 * The queue in front of the engine, and how processes take turns at one database. Time is made here: processes
 * that compete are simulated to the microsecond, and nobody sleeps. At the end, real ones. Long because the made
 * machine is here with what is shown on it.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync, symlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isStoreError, StoreError } from '../../src/core/errors';
import type { OpId } from '../../src/core/model';
import { Busy, type AnyAnswer, type Outcome, type Submission } from '../../src/store/engine';
import { Mailbox } from '../../src/store/mailbox';
import { openSqlite } from '../../src/store/sqlite/opening';
import { Turns, WaitingFile, whenFree, type Time, type WaitingSign } from '../../src/store/turns';
import { anAdvance, identity, Workbench } from './stores';

const campaign = process.env['WAVELOCK_CAMPAIGN'] !== undefined;
const seed = Number(process.env['WAVELOCK_SEED'] ?? 20261121);
const seeds = Array.from({ length: campaign ? 20 : 1 }, (_, index) => seed + index);

/* ------------------------------------------------------------------ made time */

/** Moves only when everybody sleeps, to the first who wakes. */
class Clock {
  now = 0;
  #awake = 0;
  readonly #sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  start(process: () => Promise<void>): void {
    this.#awake += 1;
    void process().then(() => {
      this.#awake -= 1;
    });
  }

  sleep(ms: number): Promise<void> {
    this.#awake -= 1;
    return new Promise((wake) => {
      this.#sleepers.push({ at: this.now + ms, wake });
    });
  }

  async run(): Promise<void> {
    for (;;) {
      while (this.#awake > 0) await Promise.resolve();
      this.#sleepers.sort((one, other) => one.at - other.at);
      const first = this.#sleepers.shift();
      if (!first) return;
      this.now = first.at;
      this.#awake += 1;
      first.wake();
    }
  }
}

/** The clock as one process sees it, which is busy itself for as long as its own work takes. */
class ProcessTime implements Time {
  readonly slept: number[] = [];
  #busyFor = 0;

  constructor(
    private readonly clock: Clock,
    readonly random: () => number,
  ) {}

  now(): number {
    return this.clock.now + this.#busyFor;
  }

  spend(ms: number): void {
    this.#busyFor += ms;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    await this.rest(ms);
  }

  async rest(ms: number): Promise<void> {
    const until = this.#busyFor + ms;
    this.#busyFor = 0;
    await this.clock.sleep(until);
  }
}

function mulberry(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One writer at a time; whoever comes meanwhile is told that it is busy. */
class FakeDatabase {
  #freeAt = 0;

  transact(time: ProcessTime, ms: number): void {
    if (time.now() < this.#freeAt) throw new Busy('busy');
    time.spend(ms);
    this.#freeAt = time.now();
  }
}

/** A file of which each process knows when it looked last. */
class FakeSigns {
  #shown = 0;
  #since = 0;
  #at = -Infinity;

  of(now: () => number = () => 0): WaitingSign {
    let known = 0;
    return {
      show: (waited) => {
        const since = now() - waited;
        if (now() - this.#at < 20 && this.#since < since) return false;
        this.#shown += 1;
        this.#since = since;
        this.#at = now();
        return true;
      },
      seen: () => {
        const changed = known !== this.#shown;
        known = this.#shown;
        return changed;
      },
    };
  }
}

interface Worker {
  readonly time: ProcessTime;
  done: number;
  longest: number;
}

interface Shift {
  readonly processes: number;
  readonly transactionMs: number;
  readonly restMs: number;
  readonly forMs: number;
  readonly chance: number;
  readonly sign?: (now: () => number) => WaitingSign;
}

/** Processes that have one transaction after the other to make, for so long. */
async function work({
  processes,
  transactionMs,
  restMs,
  forMs,
  chance,
  sign,
}: Shift): Promise<Worker[]> {
  const clock = new Clock();
  const random = mulberry(chance);
  const database = new FakeDatabase();
  const workers = Array.from({ length: processes }, (): Worker => {
    const time = new ProcessTime(clock, random);
    const turns = new Turns({ time, sign: sign?.(() => time.now()) });
    const worker: Worker = { time, done: 0, longest: 0 };
    clock.start(async () => {
      while (time.now() < forMs) {
        const asked = time.now();
        await turns.take(() => {
          database.transact(time, transactionMs);
        });
        worker.done += 1;
        worker.longest = Math.max(worker.longest, time.now() - asked);
        await time.rest(restMs);
      }
    });
    return worker;
  });
  await clock.run();
  return workers;
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

describe('turns: who comes next at the database', () => {
  for (const { what, transactionMs, restMs } of [
    { what: 'short transactions', transactionMs: 0.4, restMs: 0.02 },
    { what: 'a slow disk', transactionMs: 5, restMs: 0.05 },
    { what: 'transactions longer than a turn', transactionMs: 45, restMs: 0.1 },
  ]) {
    // The more there are, the fewer turns each has in the time, and the more is left to luck.
    for (const { processes, atLeast } of [
      { processes: 2, atLeast: 0.9 },
      { processes: 4, atLeast: 0.8 },
      { processes: 8, atLeast: 0.75 },
    ]) {
      it(`${processes} processes with ${what}: each gets its share, and nobody waits long`, async function () {
        this.timeout(300_000);
        for (const chance of seeds) await fairFor(chance);
      });

      const fairFor = async (chance: number): Promise<void> => {
        const signs = new FakeSigns();
        const forMs = transactionMs < 1 ? 8_000 : 16_000;
        const workers = await work({
          ...{ processes, transactionMs, restMs, forMs, chance },
          sign: (now) => signs.of(now),
        });
        const total = sum(workers.map(({ done }) => done));
        const share = (Math.min(...workers.map(({ done }) => done)) * processes) / total;
        const longest = Math.max(...workers.map((worker) => worker.longest));
        assert.ok(share >= atLeast, `smallest share ${share}; seed ${chance}`);
        // Everybody's turn a few times over.
        const turn = Math.max(20, transactionMs) + transactionMs + 6;
        assert.ok(longest <= 3 * processes * turn, `longest wait ${longest} ms; seed ${chance}`);
        const idle = 1 - (total * (transactionMs + restMs)) / forMs;
        assert.ok(idle < 0.3, `the database was idle for ${idle}; seed ${chance}`);
      };
    }
  }

  it('alone at work, a process never pauses', async () => {
    const signs = new FakeSigns();
    const [worker] = await work({
      ...{ processes: 1, transactionMs: 0.4, restMs: 0.02, forMs: 2_000, chance: seed },
      sign: (now) => signs.of(now),
    });
    assert.deepEqual(worker!.time.slept, []);
  });

  /** One process that makes a transaction after the other; gives when it has stepped back. */
  async function alone(
    sign: WaitingSign,
    shift: (
      transact: (ms: number) => Promise<unknown>,
      rest: (ms: number) => void,
    ) => Promise<void>,
  ): Promise<number[]> {
    let now = 0;
    const steppedBack: number[] = [];
    const time: Time = {
      now: () => now,
      sleep: (ms) => {
        steppedBack.push(now);
        now += ms;
        return Promise.resolve();
      },
      random: () => 0.5,
    };
    const turns = new Turns({ time, sign });
    await shift(
      (ms) => turns.take(() => (now += ms)),
      (ms) => (now += ms),
    );
    return steppedBack;
  }
  const always: WaitingSign = { show: () => true, seen: () => true };

  it('a process that works for less than a turn at a time steps back for nobody', async () => {
    const steppedBack = await alone(always, async (transact, rest) => {
      for (let transaction = 0; transaction < 100; transaction += 1) {
        await transact(15);
        // Long enough for others to get in.
        rest(5);
      }
    });
    assert.deepEqual(steppedBack, []);
  });

  it('a process that has worked for a turn steps back when another has shown that it waits', async () => {
    let waiting = false;
    const steppedBack = await alone({ ...always, seen: () => waiting }, async (transact) => {
      for (let transaction = 0; transaction < 10; transaction += 1) await transact(7);
      waiting = true;
      for (let transaction = 0; transaction < 9; transaction += 1) await transact(7);
    });
    // At 70 others begin to wait; then every 21 ms of work and 4 ms of stepping back.
    assert.equal(steppedBack[0]! >= 70 && steppedBack[0]! <= 70 + 21, true);
    assert.equal(steppedBack[1]! - steppedBack[0]!, 25);
  });

  it('who waited before a turn began, and no more since, is nobody to step back for', async () => {
    const signs = new FakeSigns();
    const [ours, others] = [signs.of(), signs.of()];
    const steppedBack = await alone(ours, async (transact, rest) => {
      for (let turn = 0; turn < 5; turn += 1) {
        others.show(1);
        await transact(15);
        await transact(15);
        await transact(15);
        rest(50);
      }
    });
    assert.deepEqual(steppedBack, []);
  });
});

describe('turns: waiting', () => {
  const busy = (): never => {
    throw new Busy('busy');
  };

  async function waited(options: Parameters<typeof whenFree>[1] = {}) {
    const clock = { now: 0 };
    const naps: { readonly at: number; readonly ms: number }[] = [];
    const random = mulberry(seed);
    const time: Time = {
      now: () => clock.now,
      sleep: (ms) => {
        naps.push({ at: clock.now, ms });
        clock.now += ms;
        return Promise.resolve();
      },
      random,
    };
    const fault = await whenFree(busy, { ...options, time }).catch((error: unknown) => error);
    assert.ok(isStoreError(fault));
    return { fault, naps, took: clock.now };
  }

  it('ends with store_busy, which names who was active last', async () => {
    const lastActive = (): string => 'ann (process 7 on desk), 12 s ago';
    const { fault, took } = await waited({ lastActive });
    assert.equal(fault.code, 'store_busy');
    assert.match(
      fault.message,
      /10 s.*The last to write was ann \(process 7 on desk\), 12 s ago\./,
    );
    assert.ok(took > 10_000 && took < 10_010, `${took} ms`);
  });

  it('looks every millisecond when it has waited longest, else less often', async () => {
    const signOf = (first: (waited: number) => boolean): WaitingSign => ({
      show: first,
      seen: () => false,
    });
    const { naps } = await waited({ sign: signOf((ms) => ms >= 200) });
    const [others, firsts] = [
      naps.filter(({ at }) => at < 200),
      naps.filter(({ at }) => at >= 200),
    ];
    assert.ok(others.slice(1).every(({ ms }) => ms >= 3 && ms <= 6));
    assert.ok(new Set(others.map(({ ms }) => ms)).size > 10, 'not at the same beat as others');
    assert.ok(firsts.every(({ ms }) => ms === 1));
  });

  it('shows that it waits, but not for a single transaction of another', async () => {
    let shown = 0;
    let looks = 0;
    const sign: WaitingSign = { show: () => (shown += 1) > 0, seen: () => false };
    const time: Time = { now: () => 0, sleep: () => Promise.resolve(), random: () => 0.5 };
    const freeAtLook = (look: number) => (): number => {
      looks += 1;
      return looks < look ? busy() : looks;
    };
    assert.equal(await whenFree(freeAtLook(2), { sign, time }), 2);
    assert.equal(shown, 0);
    looks = 0;
    assert.equal(await whenFree(freeAtLook(5), { sign, time }), 5);
    assert.equal(shown, 3);
  });

  it('hands on what is not about another process at work', async () => {
    const fault = new StoreError('store_full', 'full');
    const work = (): never => {
      throw fault;
    };
    await assert.rejects(whenFree(work), (error) => error === fault);
  });

  it('of a real database, says who wrote the newest event', async () => {
    const bench = new Workbench();
    const folder = join(bench.folder, '.wavelock');
    const ann = { ...identity(), agent: 'ann' as never };
    const options = { folder, identity: ann, durability: 'full', inThread: false } as const;
    const engine = await openSqlite(options);
    const op = (name: string, command: Submission['command']): Submission => ({
      command,
      opId: name as OpId,
    });
    engine.transact([op('op_1', { kind: 'agent.register', name: ann.agent })]);
    assert.match(engine.lastActive() ?? '', /^ann, \d+ s ago$/);
    engine.transact([op('op_2', { kind: 'session.start' })]);
    const says = new RegExp(`^ann \\(process ${ann.pid} on ${ann.host}\\), \\d+ s ago$`);
    assert.match(engine.lastActive() ?? '', says);

    const other = new DatabaseSync(join(folder, 'store.db'));
    other.exec('BEGIN IMMEDIATE');
    const clock = { now: 0 };
    const time: Time = {
      now: () => clock.now,
      sleep: (ms) => Promise.resolve(void (clock.now += ms)),
      random: () => 0.5,
    };
    const turns = new Turns({ time, lastActive: () => engine.lastActive() });
    await assert.rejects(
      turns.take(() => engine.transact([op('op_3', anAdvance('wf'))])),
      (error) =>
        isStoreError(error) && error.code === 'store_busy' && error.message.includes('was ann ('),
    );
    other.close();
    engine.close();
    await bench.clear();
  });
});

describe('turns: the sign of those who wait', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  it('is seen by every other process, once each time it was shown', () => {
    const [one, two, waiter] = [0, 1, 2].map(() => new WaitingFile(bench.folder));
    for (const worker of [one!, two!]) worker.seen();
    waiter!.show(0);
    for (const worker of [one!, two!]) {
      assert.equal(worker.seen(), true);
      assert.equal(worker.seen(), false);
    }
    // Whatever the wall clock says: the file's time may even be set back.
    utimesSync(join(bench.folder, 'waiting'), 1, 1);
    assert.equal(one!.seen(), true);
  });

  it('is left to who has waited longest, until that one shows itself no more', () => {
    let now = Date.now();
    const [old, young] = [0, 1].map(() => new WaitingFile(bench.folder, () => now));
    assert.equal(young!.show(10), true);
    assert.equal(old!.show(500), true, 'who has waited longer takes its place');
    assert.equal(young!.show(12), false);
    assert.equal(old!.show(502), true);
    now = Date.now() + 30;
    assert.equal(young!.show(42), true, 'the other has got in, or is no more');
    assert.equal(old!.show(532), true);
  });

  it('holds nobody up when the clock has jumped', () => {
    let now = Date.now();
    const [one, two] = [0, 1].map(() => new WaitingFile(bench.folder, () => now));
    assert.equal(one!.show(100), true);
    for (const jump of [-3_600_000, 3_600_000]) {
      now = Date.now() + jump;
      assert.equal(two!.show(50), true);
    }
  });

  it('costs nothing when it cannot be given, and follows no link', () => {
    const target = bench.write('precious', 'text');
    utimesSync(target, 1, 1);
    symlinkSync(target, join(bench.folder, 'waiting'));
    new WaitingFile(bench.folder).show(0);
    assert.equal(statSync(target).mtimeMs, 1_000);
    const gone = new WaitingFile(join(bench.folder, 'gone'));
    assert.equal(gone.show(0), true);
    assert.equal(gone.seen(), false);
  });
});

/* ------------------------------------------------------------------ the queue */

/** Answers each command with the number of its transaction, unless told to do something else first. */
class FakeEngine {
  readonly batches: string[][] = [];
  readonly before: (() => void)[] = [];

  transact(batch: readonly Submission[]): readonly Outcome[] {
    this.before.shift()?.();
    this.batches.push(batch.map(({ opId }) => opId));
    const answer: AnyAnswer = { ok: true, at: this.batches.length, facts: {} };
    return batch.map(() => ({ answer }));
  }
}

describe('mailbox: the queue in front of the engine', () => {
  const submission = (name: number): Submission => ({
    command: { kind: 'sweep' },
    opId: `op_${name}` as OpId,
  });
  const names = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, index) => `op_${from + index}`);

  let engine: FakeEngine;
  let commits: number;
  beforeEach(() => {
    engine = new FakeEngine();
    commits = 0;
  });

  /** Tries again at once, but after whatever a test does while it waits. */
  function mailbox(duringWait: () => void = () => undefined): Mailbox {
    const time: Time = {
      now: () => 0,
      sleep: () => {
        duringWait();
        return Promise.resolve();
      },
      random: () => 0.5,
    };
    return new Mailbox(engine, new Turns({ time }), () => {
      commits += 1;
    });
  }
  const busy = (): never => {
    throw new Busy('busy');
  };

  it('shares transactions of 256 among what comes together, in the order in which it came', async () => {
    const box = mailbox();
    await Promise.all(names(0, 600).map((_, index) => box.submit(submission(index))));
    assert.deepEqual(engine.batches, [names(0, 256), names(256, 512), names(512, 600)]);
    assert.equal(commits, 3);
  });

  it('takes into the next transaction what comes while it waits', async () => {
    const late: Promise<AnyAnswer>[] = [];
    const box = mailbox(() => late.push(box.submit(submission(late.length + 1))));
    engine.before.push(busy, busy);
    await box.submit(submission(0));
    await Promise.all(late);
    assert.deepEqual(engine.batches, [names(0, 3)]);
  });

  it('gives up for those who have waited so long, and not for who came meanwhile', async () => {
    let waits = 0;
    let second: Promise<AnyAnswer> | undefined;
    const turns = {
      take: async <T>(work: () => T): Promise<T> => {
        waits += 1;
        if (waits > 1) return work();
        second = box.submit(submission(1));
        return Promise.reject(new StoreError('store_busy', 'busy'));
      },
    };
    const box = new Mailbox(engine, turns, () => undefined);
    await assert.rejects(box.submit(submission(0)), isStoreError);
    assert.ok((await second!).ok);
    assert.deepEqual(engine.batches, [['op_1']]);
  });

  it('fails a transaction for all who were in it, and goes on with the rest', async () => {
    const box = mailbox();
    engine.before.push(() => {
      throw new StoreError('store_full', 'full');
    });
    const ends = await Promise.allSettled(
      names(0, 300).map((_, index) => box.submit(submission(index))),
    );
    assert.deepEqual(
      ends.map(({ status }) => status),
      ends.map((_, index) => (index < 256 ? 'rejected' : 'fulfilled')),
    );
    assert.deepEqual(engine.batches, [names(256, 300)]);
    assert.equal(commits, 1);
  });

  it('answers what it has taken before it closes, and takes nothing after', async () => {
    const box = mailbox();
    engine.before.push(busy);
    const taken = box.submit(submission(0));
    const closed = box.close();
    await assert.rejects(box.submit(submission(1)), isStoreError);
    await closed;
    assert.ok((await taken).ok);
    assert.deepEqual(engine.batches, [['op_0']]);
  });
});

/* ------------------------------------------------------------------ real processes */

describe('mailbox: four processes at one store', () => {
  const processes = 4;
  const runs = 200;

  it(`each gets a share of ${runs} runs, and no run goes to two`, async () => {
    const bench = new Workbench();
    const store = await bench.store();
    for (const key of ['slots', 'rate.mutations'] as const)
      await store.submit({ kind: 'config.set', key: key as never, value: 0 });
    assert.ok((await store.submit({ kind: 'run.create', title: 'work', count: runs })).ok);
    const children = await Promise.all(
      Array.from({ length: processes }, async () => {
        const child = fork('out/test/contract/mailboxChild.js', [bench.folder], {
          execArgv: ['--disable-warning=ExperimentalWarning'],
        });
        await once(child, 'message');
        return child;
      }),
    );
    const told = children.map((child) => once(child, 'message') as Promise<[Drained]>);
    for (const child of children) child.send('drain');
    const drained = (await Promise.all(told)).map(([report]) => report);
    await Promise.all(
      children.map((child) => {
        const ended = once(child, 'exit');
        child.disconnect();
        return ended;
      }),
    );
    const claimed = drained.flatMap((report) => report.claimed);
    assert.equal(new Set(claimed).size, runs);
    assert.equal(claimed.length, runs);
    const shares = drained.map((report) => (report.claimed.length * processes) / runs);
    const longest = Math.max(...drained.map((report) => report.longestMs));
    console.log(
      `      smallest share ${Math.min(...shares).toFixed(2)}, longest wait ${longest.toFixed(0)} ms`,
    );
    // The bench holds 0.8; here a noisy machine must not fail what is right.
    assert.ok(Math.min(...shares) >= 0.3, `shares ${shares.join(', ')}`);
    await bench.clear();
  });
});

export interface Drained {
  readonly claimed: readonly string[];
  readonly longestMs: number;
}
