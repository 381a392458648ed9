/** Stalls around claims, ends and locks: what a process has been granted before is not its own any more after. */
import assert from 'node:assert/strict';
import type { ClaimToken, Command, RunId, RunRow } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import type { Report, StopAt } from './stallChild';
import type { Sleeper } from './stallSleeper';
import {
  answerOf,
  granted,
  lease,
  margin,
  outlast,
  refused,
  scene,
  type Scene,
  type Story,
  type Waits,
} from './stallStory';
import { allEvents } from './stormRecord';

/** In the middle of the transaction, with SQLite's lock; after it, with the answer not yet given. */
const inside = 'store.commit';
const steps = ['asked', inside, 'store.durable', 'answered'] as const;
type Step = (typeof steps)[number];

export function storeStories(waits: Waits): readonly Story[] {
  return [
    ...steps.map((step) => new ClaimStory(waits, step)),
    ...(['complete', 'fail', 'heartbeat'] as const).flatMap((kind) =>
      steps.map((step) => new EndStory(waits, step, kind)),
    ),
    ...(['acquire', 'refresh', 'upgrade', 'release'] as const).flatMap((kind) =>
      steps.map((step) => new LockStory(waits, step, kind)),
    ),
  ];
}

abstract class StoreStory implements Story {
  abstract readonly name: string;

  constructor(
    private readonly waits: Waits,
    protected readonly step: Step,
  ) {}

  run(): Promise<void> {
    return scene({}, (stage) => this.play(stage));
  }

  protected abstract play(stage: Scene): Promise<void>;

  /**
   * Has the sleeper stop in the middle of `order` for longer than what it holds lasts, and lets another do
   * `work` meanwhile: behind it where it holds the database, else before it wakes.
   */
  protected async during<T>(
    { sleeper, store }: Scene,
    command: Command,
    work: () => Promise<T>,
  ): Promise<{ readonly theirs: Report; readonly ours: T }> {
    const stopAt: StopAt = { step: this.step };
    sleeper.tell({ do: 'submit', command, stopAt });
    assert.ok(await sleeper.standsStill(), `it did not come to "${this.step}"`);
    await this.waits.atMost('read', margin, store.read('state', {}));
    if (this.step === inside) {
      const pending = work();
      await outlast();
      sleeper.goOn();
      const ours = await this.waits.atMost('turn behind a stopped writer', lease + margin, pending);
      return { theirs: await sleeper.report(), ours };
    }
    await outlast();
    const ours = await this.waits.atMost('turn beside a stopped process', margin, work());
    sleeper.goOn();
    return { theirs: await sleeper.report(), ours };
  }
}

const create = {
  kind: 'run.create',
  title: 'Work',
  maxAttempts: 3,
  backoff: { baseMs: 0, capMs: 0 },
} as const;

async function newRun(store: Store): Promise<RunId> {
  const { runs } = granted(await store.submit(create));
  return runs[0]?.id ?? assert.fail();
}

/** The token of a run that is lost takes no step any more, and whoever has the next attempt keeps it. */
async function isStale(sleeper: Sleeper, run: RunId, token: ClaimToken): Promise<void> {
  const error = { message: 'Too late' };
  for (const command of [
    { kind: 'run.heartbeat', run, token },
    { kind: 'run.complete', run, token },
    { kind: 'run.fail', run, token, error },
  ] as const) {
    refused(answerOf(await sleeper.ask({ do: 'submit', command })), 'stale_claim');
  }
}

async function runOf(store: Store, id: RunId): Promise<RunRow> {
  const { runs } = await store.read('state', {});
  return runs.find((run) => run.id === id) ?? assert.fail(`${id} is not there`);
}

class ClaimStory extends StoreStory {
  get name(): string {
    return `a claim, at "${this.step}": one holder, and the late one is stale`;
  }

  protected async play(stage: Scene): Promise<void> {
    const { store, sleeper } = stage;
    const run = await newRun(store);
    const { theirs, ours } = await this.during(
      stage,
      { kind: 'run.claim', run, leaseMs: lease },
      () => store.submit({ kind: 'run.claim' }),
    );
    const mine = granted(ours);
    const answer = answerOf(theirs);
    if (this.step === 'asked') {
      assert.equal(mine.run.id, run);
      refused(answer, 'invalid_transition');
    } else {
      assert.ok(answer.ok && 'token' in answer.facts, JSON.stringify(answer));
      assert.deepEqual([mine.run.retryOf, mine.run.attempt], [run, 2]);
      await isStale(sleeper, run, answer.facts.token);
      assert.equal((await runOf(store, run)).status, 'lost');
    }
    const { id } = mine.run;
    granted(await store.submit({ kind: 'run.complete', run: id, token: mine.token }));
    const ends = (await allEvents(store)).filter(({ kind }) => kind === 'run.completed');
    assert.deepEqual(
      ends.map((event) => event.run),
      [id],
    );
  }
}

class EndStory extends StoreStory {
  constructor(
    waits: Waits,
    step: Step,
    private readonly kind: 'complete' | 'fail' | 'heartbeat',
  ) {
    super(waits, step);
  }

  get name(): string {
    return `a ${this.kind}, at "${this.step}": in time, or without any effect`;
  }

  protected async play(stage: Scene): Promise<void> {
    const { store, sleeper } = stage;
    const run = await newRun(store);
    const claim = { kind: 'run.claim', run, leaseMs: lease } as const;
    const claimed = answerOf(await sleeper.ask({ do: 'submit', command: claim }));
    assert.ok(claimed.ok && 'token' in claimed.facts, JSON.stringify(claimed));
    const { token } = claimed.facts;
    const { theirs, ours } = await this.during(stage, this.#command(run, token), () =>
      store.submit({ kind: 'run.claim' }),
    );
    const answer = answerOf(theirs);
    // On a machine under load the lease may be over before the step is reached; then it came too late.
    if (this.step === 'asked' || !answer.ok) refused(answer, 'stale_claim');
    const row = await runOf(store, run);
    const ended = answer.ok && this.kind !== 'heartbeat';
    const status = this.kind === 'complete' ? 'completed' : 'error';
    assert.equal(row.status, ended ? status : 'lost');
    if (ended && this.kind === 'complete') {
      refused(ours, 'nothing_queued');
    } else {
      const mine = granted(ours);
      assert.deepEqual([mine.run.retryOf, mine.run.attempt], [run, 2]);
      if (!ended) await isStale(sleeper, run, token);
      granted(await store.submit({ kind: 'run.complete', run: mine.run.id, token: mine.token }));
    }
    const completed = (await allEvents(store)).filter(({ kind }) => kind === 'run.completed');
    assert.equal(completed.length, 1);
  }

  #command(run: RunId, token: ClaimToken): Command {
    if (this.kind === 'fail') {
      return { kind: 'run.fail', run, token, error: { message: 'It did not work.' } };
    }
    return { kind: `run.${this.kind}`, run, token };
  }
}

const resource = 'src/a.ts';
const acquire = (mode: 'read' | 'write', ttlMs?: number): Command & { kind: 'lock.acquire' } => ({
  kind: 'lock.acquire',
  worktree: '',
  wishes: [{ resource, mode }],
  ...(ttlMs === undefined ? {} : { ttlMs }),
});
const release = { kind: 'lock.release', worktree: '', resources: [resource] } as const;
const verify = { kind: 'lock.verify', worktree: '', wishes: [{ resource }] } as const;

class LockStory extends StoreStory {
  constructor(
    waits: Waits,
    step: Step,
    private readonly kind: 'acquire' | 'refresh' | 'upgrade' | 'release',
  ) {
    super(waits, step);
  }

  get name(): string {
    return `a lock, ${this.kind} at "${this.step}": the next holder keeps it, with a higher token`;
  }

  protected async play(stage: Scene): Promise<void> {
    const { store, sleeper } = stage;
    const held: number[] = [];
    if (this.kind !== 'acquire') {
      const command = acquire(this.kind === 'upgrade' ? 'read' : 'write', lease);
      const before = answerOf(await sleeper.ask({ do: 'submit', command }));
      assert.ok(before.ok && 'locks' in before.facts, JSON.stringify(before));
      held.push(...tokensOf(before.facts.locks));
    }
    const command = this.kind === 'release' ? release : acquire('write', lease);
    const { theirs, ours } = await this.during(stage, command, () =>
      store.submit(acquire('write')),
    );
    const [mine] = granted(ours).locks;
    assert.ok(mine);
    const answer = answerOf(theirs);
    if (this.kind === 'release') assert.ok(answer.ok);
    else if (this.step === 'asked') refused(answer, 'lock_denied');
    else assert.ok(answer.ok && 'locks' in answer.facts, JSON.stringify(answer));
    if (answer.ok && 'locks' in answer.facts) held.push(...tokensOf(answer.facts.locks));
    assert.ok(
      held.every((token) => token < mine.token),
      'a fencing token did not grow',
    );

    // What it does on the belief that it still has the lock.
    refused(answerOf(await sleeper.ask({ do: 'submit', command: verify })), 'lock_required');
    refused(
      answerOf(await sleeper.ask({ do: 'submit', command: acquire('write') })),
      'lock_denied',
    );
    const letGo = answerOf(await sleeper.ask({ do: 'submit', command: release }));
    assert.deepEqual(letGo.ok && letGo.facts, { released: [] });
    granted(await store.submit(verify));
    assert.deepEqual(granted(await store.submit(release)), { released: [mine.id] });
  }
}

function tokensOf(locks: readonly unknown[]): number[] {
  return locks.flatMap((lock) =>
    typeof lock === 'object' && lock !== null && 'token' in lock ? [Number(lock.token)] : [],
  );
}
