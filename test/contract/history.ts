/**
 * What several speakers were answered, judged by the plain model.
 *
 * Every answer tells `at`, the head of the order of events when it was decided. So whoever has written events has
 * its place by their numbers; who has not was decided between two that did. Where several were, any order counts
 * in which each connection was answered in the order in which it spoke, and the model says the same as the store
 * did. Is there none, the store has done what no order of whole transactions explains.
 */
import assert from 'node:assert/strict';
import type { Answer, Command, OpId, RunRow, Seq, StoredEvent } from '../../src/core/model';
import { Side } from '../model/cast';
import { sameAnswer, sameTables, type Tables } from '../model/compare';
import { contextOf } from '../model/operation';
import { PlainModel } from '../model/plainModel';
import type { Universe } from '../model/universe';
import { World } from '../model/world';

/** One command and its answer. */
export interface Exchange {
  /** The connection; it is answered in the order in which it speaks. */
  readonly voice: string;
  readonly opId: OpId;
  readonly command: Command;
  readonly answer: Answer<unknown>;
}

/** What was said at once: every command of it before any of the next round. */
export interface Round {
  readonly exchanges: readonly Exchange[];
  readonly events: readonly StoredEvent[];
}

interface Placed extends Exchange {
  /** Its first event; null when it has none. */
  readonly first: Seq | null;
}

/** More worlds than this fit what was answered: then nothing is decided. */
const mostWorlds = 64;
const mostSteps = 20_000;

export class NoOrder extends Error {
  override readonly name = 'NoOrder';
}

export class History {
  readonly rounds: Round[] = [];
  /** Of the store's ids and of the model's. */
  readonly storeSide: Side;
  readonly #modelSide: Side;
  #worlds: readonly World[] = [new World()];
  #head = 0;
  #steps = 0;
  #deepest = { done: -1, why: 'no answer has its place' };

  constructor(private readonly universe: Universe) {
    this.storeSide = new Side(universe, '');
    this.#modelSide = new Side(universe, '');
  }

  /** One of those that fit; nearly always there is only one. */
  get world(): World {
    return this.#worlds[0] as World;
  }

  get head(): Seq {
    return this.#head;
  }

  /** Throws when no order of the round's commands explains its answers. */
  judge(round: Round): void {
    this.rounds.push(round);
    const queues = this.#placed(round);
    this.#learn(round.events);
    const ends = new Map<string, World>();
    this.#steps = 0;
    this.#deepest = { done: -1, why: 'no answer has its place' };
    for (const world of this.#worlds) {
      const search: Search = { queues, ends, seen: new Set() };
      this.#search(search, { world, next: queues.map(() => 0), head: this.#head });
    }
    if (ends.size === 0) throw new NoOrder(`no order explains the answers: ${this.#deepest.why}`);
    if (ends.size > mostWorlds) throw new NoOrder(`${ends.size} worlds explain the answers`);
    this.#worlds = [...ends.values()];
    this.#head += round.events.length;
  }

  /** What has ended and is not referred to any more, the model need not know; nor what led to it. */
  forgetWhatIsOver(): void {
    const worlds = this.#worlds.map((world) => {
      const rest = world.copy();
      const isLive = ({ status }: RunRow): boolean => status === 'queued' || status === 'running';
      rest.runs = rest.runs.filter(isLive);
      rest.workflows = [];
      return rest;
    });
    const different = new Map(worlds.map((world) => [world.fingerprint, world]));
    this.#worlds = [...different.values()];
    this.rounds.length = 0;
  }

  /** The rows of the store are those of the model. */
  judgeRows(tables: Tables): void {
    const { universe } = this;
    const liveness = (process: Parameters<Universe['isGone']>[0]): 'alive' | 'gone' =>
      universe.isGone(process) || universe.machine(process.host).boot !== process.bootId
        ? 'gone'
        : 'alive';
    const failures = this.#worlds.flatMap((world) => {
      try {
        sameTables([tables, this.storeSide], [world, this.#modelSide], liveness);
        return [];
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) throw error;
        return [error.message];
      }
    });
    if (failures.length === this.#worlds.length) throw new NoOrder(failures[0]);
  }

  /** By connection, and each with its events; every event has to be somebody's. */
  #placed({ exchanges, events }: Round): Placed[][] {
    const opAt = new Map(events.map(({ seq, opId }) => [seq, opId]));
    events.forEach(({ seq }, index) => {
      if (seq !== this.#head + index + 1) throw new NoOrder(`event ${seq} leaves a gap before it`);
    });
    const ends = new Set(
      exchanges.flatMap(({ answer, opId }) => (opAt.get(answer.at) === opId ? [answer.at] : [])),
    );
    const claimed = new Set<Seq>();
    const queues = new Map<string, Placed[]>();
    for (const exchange of exchanges) {
      const { answer, opId, voice } = exchange;
      let first: Seq | null = null;
      if (opAt.get(answer.at) === opId && !claimed.has(answer.at)) {
        first = answer.at;
        claimed.add(first);
        while (opAt.get(first - 1) === opId && !ends.has(first - 1)) claimed.add((first -= 1));
      }
      const queue = queues.get(voice) ?? [];
      queue.push({ ...exchange, first });
      queues.set(voice, queue);
    }
    const orphan = events.find(({ seq }) => !claimed.has(seq));
    if (orphan) throw new NoOrder(`event ${orphan.seq} (${orphan.kind}) is of no answer`);
    return [...queues.values()];
  }

  #learn(events: readonly StoredEvent[]): void {
    for (const event of events) {
      if (event.kind === 'run.created') this.storeSide.learn([event.data.row], []);
      else if (event.kind === 'lock.acquired' && 'row' in event.data)
        this.storeSide.learn([], [event.data.row]);
    }
  }

  /** Depth first; what leaves the world as it is needs no second try. */
  #search(search: Search, { world, next, head }: Node): void {
    const { queues, ends, seen } = search;
    const { fingerprint } = world;
    const key = `${next.join()} ${fingerprint}`;
    if (seen.has(key)) return;
    seen.add(key);
    if ((this.#steps += 1) > mostSteps)
      throw new NoOrder(`no order found in ${mostSteps} steps: ${this.#deepest.why}`);
    const waiting = queues.flatMap((queue, index) => {
      const exchange = queue[next[index] as number];
      return exchange ? [{ exchange, index }] : [];
    });
    if (waiting.length === 0) {
      ends.set(fingerprint, world);
      return;
    }
    const silent = waiting.filter(
      ({ exchange }) => exchange.first === null && exchange.answer.at === head,
    );
    const speaking = waiting.filter(({ exchange }) => exchange.first === head + 1);
    const done = next.reduce((sum, count) => sum + count, 0);
    if (silent.length + speaking.length === 0)
      this.#stuck(done, `after event ${head} nobody comes next of ${waiting.map(told).join('; ')}`);
    for (const { exchange, index } of silent.length > 0 ? silent : speaking) {
      const after = world.copy();
      const model = new PlainModel(after);
      const outcome = model.perform(exchange.command, contextOf(exchange.opId));
      this.#modelSide.learn([...after.archive, ...after.runs], after.locks);
      try {
        sameAnswer(exchange.command, [exchange.answer, this.storeSide], [outcome, this.#modelSide]);
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) throw error;
        this.#stuck(done, `${told({ exchange })}: ${error.message}`);
        continue;
      }
      const node: Node = {
        world: after,
        next: next.map((count, each) => (each === index ? count + 1 : count)),
        head: exchange.first === null ? head : exchange.answer.at,
      };
      this.#search(search, node);
      if (exchange.first === null && after.fingerprint === fingerprint) return;
    }
  }

  #stuck(done: number, why: string): void {
    if (done > this.#deepest.done) this.#deepest = { done, why };
  }
}

interface Search {
  readonly queues: readonly (readonly Placed[])[];
  readonly ends: Map<string, World>;
  readonly seen: Set<string>;
}

interface Node {
  readonly world: World;
  /** How many of each queue are done. */
  readonly next: readonly number[];
  readonly head: Seq;
}

const told = ({ exchange }: { readonly exchange: Exchange }): string => {
  const { voice, command, answer } = exchange;
  const said = answer.ok ? 'granted' : answer.refusal.code;
  return `${voice} ${JSON.stringify(command)} ${said} at ${answer.at}`;
};
