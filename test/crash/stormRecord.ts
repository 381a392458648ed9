/**
 * What the processes of a storm were told, kept outside of the store, and whether the store agrees. An answer
 * counts from the moment in which its process has told of it, whatever becomes of the process after.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Command, CommandOf, Granted, StoredEvent } from '../../src/core/model';
import type { AnyAnswer } from '../../src/store/engine';
import type { Store } from '../../src/store/store';
import type { Told } from './stormChild';
import { narrow, type Order } from './stormWork';

interface Acknowledged {
  readonly order: Order;
  readonly answer: AnyAnswer & { readonly ok: true };
  /** Before anybody had asked for it. */
  readonly from: number;
  readonly until: number;
}

const notificationsPerMs = 10_000;

export class StormRecord {
  readonly acknowledged = new Map<string, Acknowledged>();
  readonly wrong: string[] = [];
  readonly counts = new Map<string, number>();
  archived = 0;
  longestOpenMs = 0;
  readonly #tokens = new Map<string, string>();
  /** Who was killed may have been answered: the one who asks again hears what was decided back then. */
  readonly #firstAsked = new Map<string, number>();

  get answers(): number {
    return this.#answers;
  }
  #answers = 0;

  /** @param underWay what this process has asked for and not been told of, which is kept up to date */
  hear(told: Told, underWay: Map<string, Order>): void {
    switch (told.told) {
      case 'open':
        this.longestOpenMs = Math.max(this.longestOpenMs, told.ms);
        return;
      case 'asks':
        underWay.set(told.order.op, told.order);
        if (!this.#firstAsked.has(told.order.op)) this.#firstAsked.set(told.order.op, told.from);
        return;
      case 'answer': {
        const order = underWay.get(told.op);
        assert.ok(order, `an answer to ${told.op}, which nobody has asked for`);
        underWay.delete(told.op);
        this.#answers += 1;
        if (told.answer.ok) {
          const from = this.#firstAsked.get(told.op) ?? told.until;
          this.#acknowledge({ order, answer: told.answer, from, until: told.until });
        } else this.#count(`refused ${told.answer.refusal.code}`);
        return;
      }
      case 'fault':
        underWay.delete(told.op);
        this.#count(`fault ${told.code}`);
        if (told.code !== 'store_busy') this.wrong.push(`${told.op}: ${told.message}`);
        return;
      case 'did':
        this.#count(told.chore);
        if (told.chore === 'retain') this.archived += told.count;
        return;
      case 'dies':
        this.#count(`died at ${told.at}`);
        return;
      case 'wrong':
        this.wrong.push(told.what);
    }
  }

  #acknowledge(given: Acknowledged): void {
    const { order, answer } = given;
    this.#count(order.do === 'advance' ? 'wave.advance' : order.command.kind);
    const before = this.acknowledged.get(order.op);
    if (before) {
      this.#expect(same(before.answer, answer), `${order.op} was answered in two ways`);
      return;
    }
    this.acknowledged.set(order.op, given);
    if (order.do !== 'submit') return;
    this.#expect(order.forged === undefined, `a forged token was taken: ${show(order)}`);
    if (order.command.kind !== 'run.claim') return;
    const { run, token } = answer.facts as Granted['run.claim'];
    const claim = `${run.id} ${run.epoch}`;
    this.#expect(!this.#tokens.has(claim), `${claim} was given to two`);
    this.#tokens.set(claim, token);
  }

  /** Everything that was acknowledged, against the store as it is after the storm. */
  async check(store: Store, folder: string): Promise<{ readonly events: number }> {
    this.#checkAnswers(folder);
    const events = await allEvents(store);
    this.#checkEffects(events);
    this.#checkClaims(events);
    this.#checkSlots(events);
    this.#checkAdvances(events);
    this.#checkNotifications();
    const archived = events.flatMap(({ kind, data }) => (kind === 'run.archived' ? data.runs : []));
    this.#expect(archived.length >= this.archived, `of ${this.archived} archived runs are gone`);
    this.#expect(new Set(archived).size === archived.length, 'a run was archived twice');
    await this.#askAgain(store);
    return { events: events.length };
  }

  /** Each is kept with its operation, word for word. */
  #checkAnswers(folder: string): void {
    const database = new DatabaseSync(join(folder, '.wavelock/store.db'), { readOnly: true });
    const kept = new Map(
      database
        .prepare('SELECT op_id, answer FROM ops')
        .all()
        .map((row) => [String(row['op_id']), String(row['answer'])]),
    );
    database.close();
    for (const [op, { order, answer }] of this.acknowledged) {
      const text = kept.get(op);
      if (text === undefined) this.wrong.push(`lost: ${show(order)} → ${show(answer)}`);
      else this.#expect(text === JSON.stringify(answer), `changed: ${show(answer)} into ${text}`);
    }
  }

  /** What an answer says has happened are the last events of its operation. */
  #checkEffects(events: readonly StoredEvent[]): void {
    const byOp = new Map<string, StoredEvent[]>();
    for (const event of events) {
      const own = byOp.get(event.opId);
      if (own) own.push(event);
      else byOp.set(event.opId, [event]);
    }
    for (const [op, { order, answer }] of this.acknowledged) {
      const own = byOp.get(op) ?? [];
      const last = own.at(-1)?.seq;
      this.#expect(last === undefined || last === answer.at, `${op} at ${answer.at}, not ${last}`);
      const missing = expectedOf(order, answer).filter(
        ({ kind, about }) =>
          !own.some(
            (event) => event.kind === kind && (!about || JSON.stringify(event).includes(about)),
          ),
      );
      if (missing.length === 0) continue;
      this.wrong.push(`${show(order)} → ${show(answer)} without ${show(missing)}`);
    }
  }

  /** One claimer for each run and epoch, and it is the one that was told so. */
  #checkClaims(events: readonly StoredEvent[]): void {
    const claimed = new Map<string, string>();
    for (const event of events) {
      if (event.kind !== 'run.claimed') continue;
      const { id, epoch, claim } = event.data.row;
      const name = `${id} ${epoch}`;
      this.#expect(!claimed.has(name), `${name} is claimed twice`);
      claimed.set(name, claim?.tokenDigest ?? '');
    }
    for (const [name, token] of this.#tokens) {
      const digest = createHash('sha256').update(token).digest('hex');
      this.#expect(claimed.get(name) === digest, `${name} is another's: it was acknowledged`);
    }
  }

  #checkSlots(events: readonly StoredEvent[]): void {
    const running = new Set<string>();
    for (const event of events) {
      if (!('row' in event.data) || event.data.row === null || event.run === undefined) continue;
      const row = event.data.row;
      if (!('status' in row) || !('epoch' in row) || row.workflow !== narrow.workflow) continue;
      if (row.status === 'running') running.add(row.id);
      else running.delete(row.id);
      this.#expect(running.size <= narrow.slots, `${running.size} run at event ${event.seq}`);
    }
  }

  /** Nobody takes a workflow from the same wave twice. */
  #checkAdvances(events: readonly StoredEvent[]): void {
    const seen = new Set<string>();
    for (const { kind, workflow, data } of events) {
      if (kind !== 'workflow.advanced') continue;
      const step = `${workflow} from ${data.from} to ${data.to}`;
      this.#expect(!seen.has(step), `${step} twice`);
      seen.add(step);
    }
  }

  /** Two of a kind are further apart than the limit: from before the one was asked to after the other. */
  #checkNotifications(): void {
    const shown = new Map<string, Acknowledged[]>();
    for (const given of this.acknowledged.values()) {
      if (given.order.do !== 'submit' || given.order.command.kind !== 'notification.take') continue;
      if (!(given.answer.facts as Granted['notification.take']).show) continue;
      const { about } = given.order.command;
      shown.set(about, [...(shown.get(about) ?? []), given]);
    }
    for (const [about, given] of shown) {
      given.sort((one, other) => one.from - other.from);
      given.slice(1).forEach((next, index) => {
        const apart = next.until - (given[index]?.from ?? 0);
        this.#expect(apart >= notificationsPerMs, `${about} was shown again after ${apart} ms`);
      });
    }
  }

  async #askAgain(store: Store): Promise<void> {
    const head = await store.read('head', {});
    const submitted = [...this.acknowledged.values()].flatMap(({ order, answer }) =>
      order.do === 'submit' ? [{ order, answer }] : [],
    );
    while (submitted.length > 0) {
      await Promise.all(
        submitted.splice(0, 256).map(async ({ order, answer }) => {
          const again = await store.submit(order.command, order.op);
          this.#expect(same(again, answer), `${show(order)} asked again: ${show(again)}`);
        }),
      );
    }
    this.#expect((await store.read('head', {})) === head, 'asking again has changed something');
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.wrong.push(otherwise);
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

interface Expected {
  readonly kind: StoredEvent['kind'];
  /** An id that the event names. */
  readonly about?: string;
}

/** The events that there must be when this was the answer. */
function expectedOf(order: Order, { facts }: AnyAnswer & { readonly ok: true }): Expected[] {
  const kind = order.do === 'advance' ? 'wave.advance' : order.command.kind;
  const tell = effects[kind] as (facts: unknown, command: Command | undefined) => Expected[];
  return tell(facts, order.do === 'advance' ? undefined : order.command);
}

const nothing = (): [] => [];

const effects: {
  readonly [Kind in Command['kind']]: (
    facts: Granted[Kind],
    command: CommandOf<Kind>,
  ) => readonly Expected[];
} = {
  'run.create': ({ runs }) => runs.map(({ id }) => ({ kind: 'run.created', about: id })),
  'run.claim': ({ run }) => [{ kind: 'run.claimed', about: run.id }],
  'run.heartbeat': (_, { run }) => [{ kind: 'run.beat', about: run }],
  'run.complete': (_, { run }) => [{ kind: 'run.completed', about: run }],
  'run.fail': (_, { run, as = 'error' }) => {
    const ends = { error: 'run.failed', killed: 'run.killed', cancelled: 'run.cancelled' } as const;
    return [{ kind: ends[as], about: run }];
  },
  'run.cancel': ({ ended }, { run }) => (ended ? [{ kind: 'run.cancelled', about: run }] : []),
  'run.kill': ({ ended }, { run }) => (ended ? [{ kind: 'run.killed', about: run }] : []),
  'run.retry': ({ run }) => [
    { kind: 'run.created', about: run.id },
    { kind: 'run.retried', about: run.id },
  ],
  'run.handoff': (_, { run }) => [{ kind: 'run.changed', about: run }],
  sweep: ({ lost, killed, locks }) => [
    ...lost.map((about) => ({ kind: 'run.lost', about }) as const),
    ...killed.map((about) => ({ kind: 'run.killed', about }) as const),
    ...locks.map((about) => ({ kind: 'lock.expired', about }) as const),
  ],
  'agent.register': () => [{ kind: 'agent.registered' }],
  'session.start': () => [{ kind: 'session.started' }],
  'lock.acquire': ({ locks }) =>
    locks.map(({ id, how }) => ({ kind: `lock.${how}` as const, about: id })),
  'lock.release': ({ released }) =>
    released.map((about) => ({ kind: 'lock.released' as const, about })),
  'lock.break': ({ broken }) =>
    broken.map(({ id }) => ({ kind: 'lock.broken' as const, about: id })),
  'config.set': () => [{ kind: 'config.set' }],
  'wave.advance': ({ completed, runs }) =>
    completed
      ? [{ kind: 'workflow.completed' }]
      : [
          { kind: 'workflow.advanced' },
          { kind: 'file.pending' },
          ...runs.map(({ id }) => ({ kind: 'run.created' as const, about: id })),
        ],
  // Whether these change anything depends on what there was.
  'run.link': nothing,
  'run.unwait': nothing,
  'lock.unwait': nothing,
  'agent.leave': nothing,
  'agent.touch': nothing,
  'session.end': nothing,
  'retention.step': nothing,
  // These change no row that events tell of.
  'lock.verify': nothing,
  'notification.take': nothing,
  // Nobody here asks for these; the write path of files does.
  'task.set': nothing,
  'note.add': nothing,
  'change.undo': nothing,
  'workflow.bind': nothing,
  'file.import': nothing,
  'file.intend': nothing,
  'file.confirm': nothing,
  'file.conflict': nothing,
  'conflict.resolve': nothing,
  'guard.hold': nothing,
  'guard.free': nothing,
};

export async function allEvents(store: Store): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const page = await store.read('events', { after: events.length, limit: 5_000 });
    events.push(...page);
    if (page.length === 0) return events;
  }
}

const same = (one: AnyAnswer, other: AnyAnswer): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const show = (value: unknown): string => JSON.stringify(value).slice(0, 600);
