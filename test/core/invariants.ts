/**
 * What has to hold of a store whatever happens, held to its rows and events alone: nothing here asks a rule or
 * the plain model, and time is the true time of the universe, which no rule can see.
 */
import assert from 'node:assert/strict';
import * as codec from '../../src/core/codec';
import type {
  Answer,
  Command,
  Context,
  Evidence,
  LockRow,
  RunRow,
  StoredEvent,
} from '../../src/core/model';
import { evolve, viewOf, type StateView } from '../../src/core/views';
import { secret, type Universe } from '../model/universe';
import { conflict } from '../model/keys';
import type { RowStore } from './rowStore';

const order = (run: RunRow): number =>
  run.status === 'queued' ? 0 : run.status === 'running' ? 1 : 2;

/** Since when, in true time, and by which machine, a lease or lock has held. */
interface Since {
  readonly beat: string;
  readonly time: number;
}

export class Invariants {
  #view: StateView;
  #runs = new Map<string, RunRow>();
  #locks: readonly LockRow[] = [];
  #seq = 0;
  #fence = 0;
  readonly #grants = new Set<string>();
  readonly #since = new Map<string, Since>();

  constructor(
    private readonly store: RowStore,
    private readonly universe: Universe,
    /** Whether what is encoded and decoded again is looked at, which takes its time. */
    private readonly thorough: boolean,
  ) {
    this.#view = viewOf(store.snapshot());
  }

  /** After every transaction. */
  check(command: Command, context: Context, answer: Answer<unknown>): void {
    const events = this.store.events.slice(this.#seq);
    this.#seq = this.store.seq;
    for (const event of events) this.#checkEvent(event, context);
    this.#checkRuns(command, answer);
    this.#checkLocks(command, answer, events);
    this.#follow(events);
  }

  #follow(events: readonly StoredEvent[]): void {
    for (const event of events) this.#view = evolve(this.#view, event);
    this.#runs = new Map(
      [...this.store.archive, ...this.store.runs].map((run) => [run.id as string, run]),
    );
    this.#locks = this.store.locks;
    for (const { id, grant } of this.#locks) this.#note(`lock ${id}`, grant);
    for (const { id, claim, status } of this.store.runs)
      if (claim && status === 'running') this.#note(`run ${id}`, claim.beat);
  }

  #note(subject: string, beat: object): void {
    const text = JSON.stringify(beat);
    if (this.#since.get(subject)?.beat !== text)
      this.#since.set(subject, { beat: text, time: this.universe.time });
  }

  #age(subject: string): number {
    return this.universe.time - (this.#since.get(subject)?.time ?? this.universe.time);
  }

  #checkEvent(event: StoredEvent, context: Context): void {
    const text = JSON.stringify(event);
    assert.ok(!text.includes(secret), `a token is in an event: ${text}`);
    if (this.thorough)
      assert.deepEqual(codec.decodeEvent(text), event, 'an event is not what it was encoded from');
    if (event.kind === 'lock.acquired' || event.kind === 'lock.upgraded') {
      if (!('row' in event.data)) return;
      assert.ok(event.data.row.fence > this.#fence, 'a fencing token did not grow');
      this.#fence = event.data.row.fence;
    } else if (event.kind === 'lock.expired') {
      const { lock, evidence } = event.data;
      const age = this.#age(`lock ${lock}`);
      assert.ok(age >= evidence.ttlMs, `lock ${lock} was taken away at ${age} ms`);
    } else if (event.kind === 'run.lost') {
      this.#checkLoss(event.data.row, event.data.evidence, context);
    }
  }

  #checkLoss({ id, claim }: RunRow, { rule }: Evidence, context: Context): void {
    assert.ok(claim, 'a run was lost that nobody had');
    const { beat, process, leaseMs } = claim;
    if (rule === 'forced') return;
    if (rule === 'process-gone') {
      assert.ok(process && this.universe.isGone(process), 'its process is alive');
    } else if (rule === 'other-boot') {
      assert.ok(beat.host === context.host && beat.bootId !== context.bootId, 'no other boot');
    } else {
      const age = this.#age(`run ${id}`);
      assert.ok(age >= leaseMs, `run ${id} was lost at ${age} ms`);
    }
  }

  #checkRuns(command: Command, answer: Answer<unknown>): void {
    const { store } = this;
    for (const run of [...store.archive, ...store.runs]) {
      const before = this.#runs.get(run.id);
      if (before === run) continue;
      if (before) {
        assert.ok(
          order(run) >= order(before),
          `${run.id} went from ${before.status} to ${run.status}`,
        );
        if (order(before) === 2) assert.deepEqual(run, before, 'an ended run was changed');
        assert.ok(run.epoch >= before.epoch);
        if (run.epoch === before.epoch && before.claim)
          assert.equal(run.claim?.tokenDigest, before.claim.tokenDigest, 'a second holder');
      }
      if (order(run) === 2) assert.ok(run.endedAt !== null);
      if (run.claim) {
        assert.equal(run.claim.epoch, run.epoch);
        if (before?.epoch !== run.epoch) {
          const claim = `${run.id} ${run.epoch}`;
          assert.ok(!this.#grants.has(claim), 'one claim was granted twice');
          this.#grants.add(claim);
          assert.ok(answer.ok && command.kind === 'run.claim', 'a claim without a word');
        }
      }
    }
    if (answer.ok && command.kind === 'run.claim')
      this.#checkSlots((answer.facts as { run: RunRow }).run);
    const live = store.runs.filter((run) => order(run) < 2 && run.task !== null);
    const tasks = live.map((run) => `${run.workflow} ${run.task}`);
    assert.equal(new Set(tasks).size, tasks.length, 'a task has two live runs');
    const chains = store.runs.filter((run) => order(run) < 2).map((run) => run.root);
    assert.equal(new Set(chains).size, chains.length, 'a chain has two live attempts');
  }

  /** Limits hold for what is granted; a limit that was lowered since takes nothing away. */
  #checkSlots(granted: RunRow): void {
    const running = this.store.runs.filter((run) => run.status === 'running');
    const limitOf = (key: string, otherwise: number): number =>
      Number(this.store.config.find((row) => row.key === key)?.value ?? otherwise);
    const check = (limit: number, used: number): void => {
      assert.ok(limit === 0 || used <= limit, `${used} runs in ${limit} slots`);
    };
    check(limitOf('slots', 10), running.length);
    const { workflow } = granted;
    if (workflow === null) return;
    const beside = running.filter((run) => run.workflow === workflow);
    check(limitOf(`slots.${workflow}`, 0), beside.length);
  }

  #checkLocks(command: Command, answer: Answer<unknown>, events: readonly StoredEvent[]): void {
    const { locks } = this.store;
    const fresh = locks.filter((lock) => this.#age(`lock ${lock.id}`) < lock.ttlMs);
    for (const [index, lock] of fresh.entries())
      for (const other of fresh.slice(index + 1))
        assert.ok(!conflict(lock, other), `${lock.resource} and ${other.resource} both stand`);
    if (command.kind !== 'lock.acquire' || answer.ok) return;
    // Time may have taken some; the refused batch has not touched the rest.
    const expired = events.flatMap((event) =>
      event.kind === 'lock.expired' ? [event.data.lock] : [],
    );
    const before = this.#locks.filter((lock) => !expired.includes(lock.id));
    assert.deepEqual(locks, before, 'a refused batch changed a lock');
  }

  /** VIEW-1, INPUT-3 and CLAIM-4 over everything; once in a while, for it is slow. */
  checkAll(): void {
    const snapshot = this.store.snapshot();
    assert.deepEqual(this.#view, viewOf(snapshot), 'the evolved view is not the view of the rows');
    const rows: unknown[] = [];
    const same = <Row>(decode: (text: string) => Row, all: readonly Row[]): void => {
      if (this.thorough) for (const row of all) assert.deepEqual(decode(JSON.stringify(row)), row);
      rows.push(all);
    };
    same(codec.decodeRun, [...this.store.runs, ...this.store.archive]);
    same(codec.decodeAgent, this.store.agents);
    same(codec.decodeSession, this.store.sessions);
    same(codec.decodeLock, this.store.locks);
    same(codec.decodeWaiter, this.store.waiters);
    same(codec.decodeSlotWaiter, this.store.slotWaiters);
    same(codec.decodeSighting, this.store.sightings);
    same(codec.decodeRate, this.store.rates);
    same(codec.decodeConfig, this.store.config);
    same(codec.decodeCounter, this.store.counters);
    assert.ok(!JSON.stringify(rows).includes(secret), 'a token is in a row');
  }
}
