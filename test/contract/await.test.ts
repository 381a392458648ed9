/** Waiting for runs on a real store: the cases, with the end made by another process. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import type { Answer, ClaimToken, RunId, RunRow } from '../../src/core/model';
import { recheckMs } from '../../src/core/rules/awaiting';
import type { Awaited } from '../../src/store/awaits';
import { openLocalStore, type LocalOptions } from '../../src/store/localStore';
import type { Store } from '../../src/store/store';
import type { Schedule } from '../../src/store/upkeep';
import { OtherProcess } from './otherProcess';
import { identity, Workbench } from './stores';

describe('store: waiting for runs', () => {
  let bench: Workbench;
  let other: OtherProcess;
  const opened: Store[] = [];
  beforeEach(async () => {
    bench = new Workbench();
    other = await OtherProcess.start(bench.folder);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await other.end();
    await bench.clear();
  });

  async function open(options: Partial<LocalOptions> = {}): Promise<Store> {
    const store = await openLocalStore({
      place: bench.place,
      identity: identity(),
      durability: 'normal',
      schedule: withoutNet,
      ...options,
    });
    opened.push(store);
    return store;
  }

  const create = async (count = 1, more: { maxAttempts?: number } = {}): Promise<RunId[]> => {
    const { runs } = await other.submit({ kind: 'run.create', title: 'Work', count, ...more });
    return runs.map(({ id }) => id);
  };
  const claim = async (run: RunId): Promise<ClaimToken> =>
    (await other.submit({ kind: 'run.claim', run })).token;
  async function complete(run: RunId): Promise<void> {
    await other.submit({ kind: 'run.complete', run, token: await claim(run) });
  }
  async function fail(run: RunId): Promise<RunRow | null> {
    const token = await claim(run);
    return (await other.submit({ kind: 'run.fail', run, token, error: { message: 'no' } })).retry;
  }

  const endOf = (answer: Answer<Awaited>): string | null =>
    answer.ok ? null : answer.refusal.code;
  const statuses = (answer: Answer<Awaited>): string[] => {
    if (answer.ok) return answer.facts.runs.map(({ status }) => status);
    return 'runs' in answer.refusal
      ? (answer.refusal.runs as Awaited['runs']).map(({ status }) => status)
      : [];
  };

  for (const where of ['in this thread', 'in a thread of its own'] as const) {
    const store = (): Promise<Store> => (where === 'in this thread' ? open() : bench.threadStore());

    describe(where, () => {
      it('R-9 all: what ended before the call is over at once, also from the archive', async () => {
        const [first, second] = (await create(2)) as [RunId, RunId];
        await complete(first);
        await complete(second);
        const mine = await store();
        const ask = { ids: [first, second], mode: 'all', deadlineMs: null } as const;
        assert.deepEqual(statuses(await mine.await(ask)), ['completed', 'completed']);
        await other.submit({ kind: 'config.set', key: 'retention.max', value: 1 });
        assert.equal(await mine.retain(), 1);
        const answer = await mine.await(ask);
        assert.ok(answer.ok);
        assert.equal(answer.at, await mine.read('head', {}));
        assert.deepEqual(statuses(answer), ['completed', 'completed']);
      });

      it('R-10 all: is told of the ends that another process makes during the call', async () => {
        const ids = await create(3);
        const mine = await store();
        const answer = mine.await({ ids, mode: 'all', deadlineMs: null });
        for (const id of ids) await complete(id);
        assert.deepEqual(statuses(await answer), ['completed', 'completed', 'completed']);
      });

      it('R-10 a failed attempt with a retry due is no end; with `attempt` it is', async () => {
        const [run] = (await create(1, { maxAttempts: 2 })) as [RunId];
        const mine = await store();
        const chain = mine.await({ ids: [run], mode: 'all', deadlineMs: null });
        const attempt = mine.await({ ids: [run], mode: 'all', attempt: true, deadlineMs: null });
        const retry = await fail(run);
        assert.ok(retry);
        assert.equal(endOf(await attempt), 'run_failed');
        await other.submit({ kind: 'run.cancel', run: retry.id });
        assert.equal(endOf(await chain), 'run_failed');
        assert.deepEqual(statuses(await chain), ['cancelled']);
      });

      it('R-11 any: the first of many wins, the others stay', async () => {
        const ids = await create(20);
        const mine = await store();
        const answer = mine.await({ ids, mode: 'any', deadlineMs: null });
        await complete(ids[13]!);
        assert.equal(endOf(await answer), null);
        assert.deepEqual(
          statuses(await answer).map((status, index) => (status === 'queued' ? null : index)),
          ids.map((_, index) => (index === 13 ? 13 : null)),
        );
      });

      it('R-12 an unknown id counts as ended', async () => {
        const [run] = (await create()) as [RunId];
        const mine = await store();
        const unknown = 'run_0000000000' as RunId;
        const any = await mine.await({ ids: [run, unknown], mode: 'any', deadlineMs: null });
        assert.equal(endOf(any), 'run_failed');
        assert.deepEqual(statuses(any), ['queued', 'unknown']);
        const all = mine.await({ ids: [run, unknown], mode: 'all', deadlineMs: null });
        await complete(run);
        assert.deepEqual(statuses(await all), ['completed', 'unknown']);
      });

      it('R-13 times out with a snapshot, no earlier than at its deadline', async function () {
        const [first, second] = (await create(2)) as [RunId, RunId];
        await complete(first);
        const mine = await store();
        const late: number[] = [];
        for (const deadlineMs of [0, 1, 30, 250]) {
          const before = performance.now();
          const answer = await mine.await({ ids: [first, second], mode: 'all', deadlineMs });
          const took = performance.now() - before;
          assert.equal(endOf(answer), 'timeout');
          assert.deepEqual(statuses(answer), ['completed', 'queued']);
          assert.ok(took >= deadlineMs, `${took} ms of ${deadlineMs}`);
          late.push(took - deadlineMs);
        }
        const most = Math.max(...late);
        this.test!.title += ` (at most ${most.toFixed(1)} ms late)`;
        // 100 ms on a machine that does nothing else.
        assert.ok(most < 2_000, `${most} ms late`);
      });

      it('is rejected with the reason of its signal, and the store goes on', async () => {
        const ids = await create();
        const mine = await store();
        const controller = new AbortController();
        const { signal } = controller;
        const answer = mine.await({ ids, mode: 'all', deadlineMs: null, signal });
        const reason = new Error('changed my mind');
        controller.abort(reason);
        await assert.rejects(answer, reason);
        await assert.rejects(mine.await({ ids, mode: 'all', deadlineMs: null, signal }), reason);
        assert.equal(endOf(await mine.await({ ids, mode: 'all', deadlineMs: 0 })), 'timeout');
      });

      it('is rejected when the store is closed, or its folder is gone', async () => {
        const ids = await create();
        const [one, two] = [await store(), await store()];
        const ask = { ids, mode: 'all', deadlineMs: null } as const;
        const closed = assert.rejects(one.await(ask), fault('store_unavailable'));
        const gone = assert.rejects(two.await(ask), fault('store_gone'));
        await one.close();
        await closed;
        // Its daily backup may be about to put something there.
        rmSync(join(bench.folder, '.wavelock'), { recursive: true, maxRetries: 5 });
        await gone;
      });
    });
  }

  const fault = (code: string) => (error: unknown) => isStoreError(error) && error.code === code;

  it('R-14 survives a missed notice: the watch is dead and `head` is not written', async function () {
    const ids = await create();
    const token = await claim(ids[0]!);
    const mine = await open();
    const answer = mine.await({ ids, mode: 'all', deadlineMs: null });
    // A folder takes no text, so the watch has nothing to tell from here on.
    const head = join(bench.folder, '.wavelock', 'head');
    rmSync(head);
    mkdirSync(head);
    const unrelated = await create();
    const from = await mine.read('head', {});
    await new Promise<void>((resolve) => {
      mine.subscribe(from - 1, (events) => {
        if (events.some(({ run }) => run === unrelated[0])) resolve();
      });
    });
    await other.submit({ kind: 'run.complete', run: ids[0]!, token });
    const before = performance.now();
    assert.equal(endOf(await answer), null);
    const took = performance.now() - before;
    this.test!.title += ` (${took.toFixed(0)} ms)`;
    assert.ok(took <= 5_000, `${took} ms`);
  });

  it('hears of an end that falls between its first look and the answer to it', async () => {
    const ids = await create();
    // The look that finds the run queued ends it, so that only the event is left to tell.
    const mine = await open({
      onStep: (step) => {
        if (step === 'await.look') cancelled ??= other.submit({ kind: 'run.cancel', run: ids[0]! });
      },
    });
    let cancelled: Promise<unknown> | undefined;
    const answer = await mine.await({ ids, mode: 'all', deadlineMs: null });
    assert.deepEqual(statuses(answer), ['cancelled']);
    await cancelled;
  });

  it('R-15 1,000 awaits on one run wake once each, none leaks', async () => {
    const [run, unrelated] = (await create(2)) as [RunId, RunId];
    const timers = new CountedTimers();
    let looks = 0;
    let allLooked = (): void => undefined;
    const firstLooks = new Promise<void>((resolve) => (allLooked = resolve));
    const mine = await open({
      schedule: timers.schedule,
      onStep: (step) => {
        if (step !== 'await.look') return;
        looks += 1;
        if (looks === 1_000) allLooked();
      },
    });
    const waits = Array.from({ length: 1_000 }, () =>
      mine.await({ ids: [run], mode: 'all', deadlineMs: 60_000 }),
    );
    await firstLooks;
    assert.equal(timers.running, 1_001, 'a deadline each, and one net for all');
    // What concerns other runs wakes nobody, nor does what is not an end.
    await complete(unrelated);
    const token = await claim(run);
    await other.submit({ kind: 'run.heartbeat', run, token });
    await other.submit({ kind: 'run.complete', run, token });
    for (const answer of await Promise.all(waits)) assert.equal(endOf(answer), null);
    assert.equal(looks, 2_000);
    assert.equal(timers.running, 0);
    assert.equal(process.getActiveResourcesInfo().includes('FSEventWrap'), false);
  });

  it('R-15 1,000 awaits through a thread end once each', async () => {
    const [run] = (await create()) as [RunId];
    const mine = await bench.threadStore();
    let ends = 0;
    const waits = Array.from({ length: 1_000 }, () =>
      mine.await({ ids: [run], mode: 'all', deadlineMs: null }).then((answer) => {
        ends += 1;
        return answer;
      }),
    );
    await complete(run);
    for (const answer of await Promise.all(waits)) assert.equal(endOf(answer), null);
    assert.equal(ends, 1_000);
  });
});

function everyday(work: () => void, afterMs: number): () => void {
  const timer = setTimeout(work, afterMs);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}

/** Without the look every 5 s: what an event does not tell is not found. */
const withoutNet: Schedule = (work, afterMs) =>
  afterMs >= recheckMs ? () => undefined : everyday(work, afterMs);

/** Of deadlines and of the net; a store's other timers are shorter. */
class CountedTimers {
  running = 0;
  readonly schedule: Schedule = (work, afterMs) => {
    if (afterMs < recheckMs) return everyday(work, afterMs);
    this.running += 1;
    let over = false;
    const end = (): void => {
      if (!over) this.running -= 1;
      over = true;
    };
    const timer = setTimeout(() => {
      end();
      work();
    }, afterMs);
    timer.unref();
    return () => {
      end();
      clearTimeout(timer);
    };
  };
}
