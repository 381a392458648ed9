/** New attempts after failed ones (docs/rules.md, "Retries"). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RunRow, TaskId, WorkflowId } from '../../src/core/model';
import { chainOf, chainState, notBeforeOf } from '../../src/core/rules/retries';
import { newRun } from '../../src/core/rules/runs';
import { granted, refused } from './rowStore';
import { minute, Scene, type Held } from './runScene';

const task = 'build' as TaskId;
const workflow = 'wf' as WorkflowId;
const atOnce = { baseMs: 0, capMs: 0 };

/** The delay before the attempt that follows this one. */
const delay = (attempt: number, random = 0.5): number =>
  notBeforeOf(
    { attempt, backoff: { baseMs: 1_000, capMs: 10_000 } },
    { now: 0, random: () => random },
  );

describe('RETRY: new attempts', () => {
  it('RETRY-1 doubles the delay up to the cap, by the failures before this one', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 5, 99].map((attempt) => delay(attempt)),
      [1_000, 2_000, 4_000, 8_000, 10_000, 10_000],
    );
  });

  it('RETRY-1 scatters by 20 % and is never before now', () => {
    assert.deepEqual([delay(1, 0), delay(1, 0.25)], [800, 900]);
    const backoff = fc.record({ baseMs: fc.nat(), capMs: fc.nat() });
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), backoff, chance, (attempt, given, random) => {
        const now = 1_000_000;
        const due = notBeforeOf({ attempt, backoff: given }, { now, random: () => random });
        const wanted = Math.min(given.capMs, given.baseMs * 2 ** (attempt - 1));
        assert.ok(due >= now && Math.abs(due - now - wanted) <= wanted * 0.2 + 1);
      }),
    );
  });

  it('RETRY-1 is a new run after the failed one, due when its delay is over', () => {
    const scene = new Scene();
    const backoff = { baseMs: 1_000, capMs: minute };
    const held = scene.running({ maxAttempts: 3, backoff });
    const { retry } = granted(scene.fail(held));
    assert.ok(retry);
    const { retryOf, root, attempt, status, notBefore, createdAt } = retry;
    assert.deepEqual(
      [retryOf, root, attempt, status, notBefore, createdAt],
      [held.run.id, held.run.id, 2, 'queued', scene.ann.now + 1_000, scene.ann.now],
    );
    refused(scene.tryClaim(), 'nothing_queued');
    scene.world.advance(1_000);
    assert.equal(scene.claim().run.id, retry.id);
  });

  it('RETRY-2 follows error, timeout and loss in the same transaction', () => {
    const ways: Readonly<Record<string, (scene: Scene, held: Held) => void>> = {
      'run.failed': (scene, held) => granted(scene.fail(held)),
      'run.killed': (scene, held) => {
        scene.world.advance(5_000);
        refused(scene.beat(held), 'invalid_transition');
      },
      'run.lost': (scene) => {
        scene.bob.reboot();
        scene.sweep();
      },
    };
    for (const [kind, end] of Object.entries(ways)) {
      const scene = new Scene();
      const held = scene.running({ maxAttempts: 2, timeoutMs: 5_000, task, workflow });
      const { seq } = scene.store;
      end(scene, held);
      const runEvents = scene.store.events
        .slice(seq)
        .filter((event) => event.kind.startsWith('run.'));
      assert.deepEqual(
        runEvents.map((event) => event.kind),
        [kind, 'run.created', 'run.retried'],
      );
      assert.equal(new Set(runEvents.map(({ opId }) => opId)).size, 1);
      const [, next] = scene.store.runs;
      const said = runEvents.at(-1);
      assert.equal(said?.run, held.run.id);
      assert.deepEqual(said.data, {
        next: next?.id,
        attempt: 2,
        notBefore: next?.notBefore,
        automatic: true,
        reason: null,
      });
    }
  });

  it('RETRY-2 never follows completed, cancelled, or killed by order', () => {
    const ways: readonly ((scene: Scene, held: Held) => unknown)[] = [
      (scene, held) => granted(scene.complete(held)),
      (scene, held) => granted(scene.fail(held, { as: 'cancelled' })),
      (scene, held) => granted(scene.fail(held, { as: 'killed' })),
      (scene, held) => {
        granted(scene.kill(held.run));
        scene.world.advance(10_000);
        return scene.sweep();
      },
      (scene) => granted(scene.cancel(scene.create({ maxAttempts: 5 }))),
    ];
    for (const end of ways) {
      const scene = new Scene();
      const held = scene.running({ maxAttempts: 5 });
      end(scene, held);
      assert.ok(scene.store.runs.every(({ attempt }) => attempt === 1));
    }
  });

  it('RETRY-2 never follows once somebody has asked the run to stop', () => {
    const scene = new Scene();
    const [failed, lost] = [1, 2].map(() => scene.running({ maxAttempts: 5 }));
    granted(scene.cancel(failed!.run));
    granted(scene.cancel(lost!.run));
    const answer = granted(scene.fail(failed!));
    assert.deepEqual([answer.retry, answer.exhausted], [null, false]);
    scene.bob.reboot();
    scene.sweep();
    assert.deepEqual(
      scene.store.runs.map(({ status }) => status),
      ['error', 'lost'],
    );
  });

  it('RETRY-3 the end of the last attempt says that the chain is exhausted', () => {
    const scene = new Scene();
    const first = granted(scene.fail(scene.running({ maxAttempts: 2, backoff: atOnce })));
    assert.deepEqual([first.exhausted, first.retry?.attempt], [false, 2]);
    const last = granted(scene.fail(scene.claim()));
    assert.deepEqual([last.exhausted, last.retry], [true, null]);
    const event = scene.store.events.at(-1);
    assert.equal(event?.kind === 'run.failed' && event.data.exhausted, true);
    const state = chainState(scene.store.runs);
    assert.deepEqual([state?.status, state?.exhausted], ['failed', true]);
  });

  it('RETRY-4 a chain is satisfied by any completed attempt and failed when the newest is', () => {
    const attempts = (...statuses: readonly RunRow['status'][]): readonly RunRow[] =>
      statuses.map((status, index) => {
        const id = `run_${index}` as RunRow['id'];
        return newRun({ id, title: 'x', status, attempt: index + 1, maxAttempts: 3 }, { now: 0 });
      });
    const statusOf = (...statuses: readonly RunRow['status'][]): unknown => {
      const state = chainState(attempts(...statuses));
      return state && [state.status, state.exhausted, state.newest.attempt];
    };
    assert.equal(statusOf(), null);
    assert.deepEqual(statusOf('queued'), ['live', false, 1]);
    assert.deepEqual(statusOf('error', 'running'), ['live', false, 2]);
    assert.deepEqual(statusOf('lost', 'completed'), ['satisfied', false, 2]);
    assert.deepEqual(statusOf('error', 'killed'), ['failed', false, 2]);
    assert.deepEqual(statusOf('error', 'lost', 'error'), ['failed', true, 3]);
  });

  it('RETRY-4 a dependency is met by any attempt of its chain, archived ones included', () => {
    const scene = new Scene();
    const first = scene.running({ maxAttempts: 3, backoff: atOnce });
    const run = scene.create({ dependsOn: [first.run.id] });
    granted(scene.fail(first));
    const second = scene.claim();
    granted(scene.fail(second));
    scene.archive(first.run.id);
    const late = scene.create({ dependsOn: [second.run.id] });
    const third = scene.claim();
    assert.equal(third.run.attempt, 3);
    granted(scene.complete(third));
    assert.deepEqual([scene.run(run).unmet, scene.run(late).unmet], [[], []]);
    scene.archive(second.run.id, third.run.id);
    const chain = scene.store.ask(chainOf(scene.run(first.run)));
    assert.deepEqual(
      chain.map(({ attempt }) => attempt),
      [1, 2, 3],
    );
    assert.deepEqual(scene.create({ dependsOn: [first.run.id] }).unmet, []);
  });

  it('RETRY-5 a retry by hand starts from the newest attempt, at once, also past the limit', () => {
    const scene = new Scene();
    const first = scene.running({ maxAttempts: 1 });
    granted(scene.fail(first));
    const second = granted(scene.retry(first.run)).run;
    assert.deepEqual([second.attempt, second.retryOf, second.notBefore], [2, first.run.id, null]);
    granted(scene.fail(scene.claim()));
    const answer = scene.perform({ kind: 'run.retry', run: first.run.id, reason: 'fixed' });
    const third = granted(answer).run;
    assert.deepEqual([third.attempt, third.retryOf, third.root], [3, second.id, first.run.id]);
    const event = scene.store.events.at(-1);
    assert.deepEqual(event?.kind === 'run.retried' && [event.data.automatic, event.data.reason], [
      false,
      'fixed',
    ]);
    scene.claim();
  });

  it('RETRY-5 is refused while an attempt is live, or when one has completed', () => {
    const scene = new Scene();
    const run = scene.create({ task, workflow });
    assert.equal(refused(scene.retry(run), 'task_busy').run, run.id);
    const plain = scene.create();
    assert.equal(refused(scene.retry(plain), 'invalid_transition').status, 'queued');
    granted(scene.complete(scene.claim({ run: run.id })));
    granted(scene.complete(scene.claim({ run: plain.id })));
    assert.equal(refused(scene.retry(run), 'invalid_transition').status, 'completed');
    assert.equal(refused(scene.retry(plain), 'invalid_transition').status, 'completed');
  });

  it('RETRY-5 finds an attempt that is over, and the one that its loss has made', () => {
    const scene = new Scene();
    const first = scene.running({ maxAttempts: 3, backoff: atOnce });
    granted(scene.fail(first));
    const second = scene.claim();
    scene.world.advance(30 * minute);
    const refusal = refused(scene.retry(first.run), 'invalid_transition');
    assert.deepEqual([scene.status(second.run), refusal.status], ['lost', 'queued']);
    assert.equal(scene.run({ id: refusal.run! }).attempt, 3);
  });

  it('RETRY-5 waits for what has not completed yet, not for what completed meanwhile', () => {
    const scene = new Scene();
    const [met, unmet] = [scene.running(), scene.running()];
    const run = scene.create({ dependsOn: [met.run.id, unmet.run.id] });
    granted(scene.cancel(run));
    granted(scene.complete(met));
    assert.deepEqual(granted(scene.retry(run)).run.unmet, [unmet.run.id]);
  });

  it('RETRY-6 carries what the work is, not what became of it', () => {
    const scene = new Scene();
    const parent = scene.create({ notBefore: 1e12 }).id;
    const carried = {
      title: 'build it',
      parent,
      workflow,
      wave: 2,
      task,
      priority: 7,
      maxAttempts: 4,
      backoff: { baseMs: 5, capMs: 50 },
      timeoutMs: 9_000,
      links: [{ kind: 'page', target: 'https://example.org' }],
    } as const;
    const held = scene.running(carried);
    const note = {
      kind: 'run.handoff',
      run: held.run.id,
      token: held.token,
      note: 'so far',
    } as const;
    granted(scene.perform(note));
    const { retry } = granted(scene.fail(held));
    const expected = { ...carried, handoff: 'so far', dependsOn: [], unmet: [] };
    assert.deepEqual({ ...retry, ...expected }, retry);
    const { claim, result, error, reason, stop, startedAt, endedAt, epoch } = retry!;
    assert.deepEqual([claim, result, error, reason, stop], [null, null, null, null, null]);
    assert.deepEqual([startedAt, endedAt, epoch], [null, null, 0]);
  });

  it('RETRY-7 nobody makes more than a hundred attempts', () => {
    const scene = new Scene();
    scene.set('rate.mutations', 0);
    const first = scene.create();
    for (let attempt = 1; attempt < 100; attempt += 1) {
      granted(scene.fail(scene.claim()));
      assert.equal(granted(scene.retry(first)).run.attempt, attempt + 1);
    }
    granted(scene.fail(scene.claim()));
    const refusal = refused(scene.retry(first), 'too_many_retries');
    assert.deepEqual([refusal.attempt, refusal.maxAttempts], [100, 1]);
  });

  it('A-1 a worker that ends in mid-run has its run retried, never doubled', () => {
    const scene = new Scene();
    const worker = scene.speaker('worker');
    const held = scene.running({ maxAttempts: 2, backoff: atOnce }, { program: true }, worker);
    scene.world.end(worker);
    const restarted = scene.speaker('worker');
    const again = scene.claim({ program: true }, restarted);
    assert.deepEqual([again.run.retryOf, again.run.attempt], [held.run.id, 2]);
    refused(scene.complete(held), 'stale_claim');
    granted(scene.complete(again));
    assert.deepEqual(
      scene.store.runs.map(({ status }) => status),
      ['lost', 'completed'],
    );
  });

  it('A-5 a worker that is told to end gives its run back as cancelled or finishes it', () => {
    const scene = new Scene();
    const [given, finished] = [scene.running(), scene.running()];
    granted(scene.fail(given, { as: 'cancelled', error: { message: 'worker ends' } }));
    granted(scene.complete(finished));
    assert.deepEqual(
      scene.store.runs.map(({ status }) => status),
      ['cancelled', 'completed'],
    );
    assert.equal(granted(scene.retry(given.run)).run.status, 'queued');
  });
});
