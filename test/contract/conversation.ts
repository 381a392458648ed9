/**
 * Processes that speak to one store, each for some of the actors, and the plain model that judges what they are
 * answered. Who says what, and when time passes, is for others to say: `scene.ts`, `encounters.ts`.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentName, Command, OpId, StoredEvent } from '../../src/core/model';
import type { Identity } from '../../src/store/engine';
import type { Store } from '../../src/store/store';
import { actors } from '../model/commands';
import { opIdOf } from '../model/operation';
import { sessionOf, Universe } from '../model/universe';
import { engines, type EngineName } from './engines';
import { History, NoOrder, type Exchange } from './history';
import type { Random } from './random';
import type { Line, Said, Voice } from './speaker';
import type { SpeakerProcess } from './speakers';
import { identity } from './stores';

/** By actor; who gives no name shares a process with somebody. */
const processOf = [0, 1, 2, 3, 1] as const;

export interface Stage {
  readonly engine: EngineName;
  readonly speakers: readonly SpeakerProcess[];
  readonly random: Random;
  /** Actors whose first store has a thread of its own, which takes longer to start than much is said in. */
  readonly inThread: ReadonlySet<number>;
}

export interface Utterance {
  readonly who: number;
  readonly line: Line & { readonly opId: OpId };
}

export class Conversation {
  readonly universe = new Universe();
  readonly history = new History(this.universe);
  readonly #voices = new Map<number, Voice>();
  /** Operations that were granted: said again, they are answered the same. */
  readonly #granted = new Map<OpId, Utterance & Exchange>();
  #operations = 0;

  private constructor(
    private readonly stage: Stage,
    readonly folder: string,
    private readonly judge: Store,
  ) {}

  static async begin(stage: Stage): Promise<Conversation> {
    const folder = mkdtempSync(join(tmpdir(), 'wavelock-processes-'));
    const judge = await engines[stage.engine].open({
      folder,
      identity: identity(),
      inThread: false,
      scripted: false,
    });
    const conversation = new Conversation(stage, folder, judge);
    await conversation.meet(actors.map((_, who) => who));
    return conversation;
  }

  async end(): Promise<void> {
    await Promise.all(this.stage.speakers.map((speaker) => speaker.close(this.folder)));
    await this.judge.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get operations(): number {
    return this.#operations;
  }

  get granted(): readonly Utterance[] {
    return [...this.#granted.values()];
  }

  /** A process that was started anew has a session and a connection of its own. */
  async meet(who: readonly number[]): Promise<void> {
    const { speakers, engine, inThread } = this.stage;
    await Promise.all(
      speakers.map(async (speaker, index) => {
        const mine = who.filter((each) => processOf[each] === index);
        const former = mine.flatMap((each) => this.#voices.get(each)?.name ?? []);
        const voices = mine.map((each) =>
          voiceOf(each, this.universe, inThread.has(each) && !this.#voices.has(each)),
        );
        await speaker.open(this.folder, voices, { engine, scripted: true });
        await speaker.close(this.folder, former);
        mine.forEach((each, place) => this.#voices.set(each, voices[place] as Voice));
      }),
    );
  }

  /** A new operation, decided at the moment that it is now. */
  utter(who: number, command: Command): Utterance {
    this.#operations += 1;
    const opId = opIdOf(this.#operations, this.universe.momentOf(who));
    return { who, line: { voice: this.#voiceOf(who), command, opId } };
  }

  /** The same operation, by whoever speaks for its author now. */
  again({ who, line }: Utterance): Utterance {
    return { who, line: { ...line, voice: this.#voiceOf(who) } };
  }

  /**
   * Everybody says what is theirs, at the same time as the others; each in the order given, either all at once
   * or in turns, where the next waits for answers. Throws when no order explains what was answered.
   */
  async say<U extends Utterance>(
    utterances: readonly U[],
    manner: 'at once' | 'in turns',
  ): Promise<readonly (U & Exchange)[]> {
    const { speakers, random } = this.stage;
    if (utterances.length === 0) return [];
    const heard = await Promise.all(
      speakers.map(async (speaker, index) => {
        const mine = utterances.filter(({ who }) => processOf[who] === index);
        const turns: U[][] = [];
        for (const utterance of mine) {
          const turn = turns.at(-1);
          if (!turn || (manner === 'in turns' && random.chance(0.5))) turns.push([utterance]);
          else turn.push(utterance);
        }
        if (turns.length === 0) return [];
        const lines = turns.map((turn) => turn.map(({ line }) => line));
        const said = await speaker.say(this.folder, lines);
        return turns.flatMap((turn, place) =>
          turn.map((utterance, which) => heardOf(utterance, said[place]?.[which])),
        );
      }),
    );
    const exchanges = heard.flat().filter((exchange) => !this.#isRepeated(exchange));
    this.history.judge({ exchanges, events: await this.#newEvents() });
    return exchanges;
  }

  /** The same operation again, after it was granted. */
  #isRepeated(exchange: Utterance & Exchange): boolean {
    const { opId, answer } = exchange;
    const before = this.#granted.get(opId);
    if (before === undefined) {
      if (answer.ok) this.#granted.set(opId, exchange);
      return false;
    }
    assert.deepEqual(answer, before.answer, `operation ${opId} was answered in two ways`);
    return true;
  }

  async #newEvents(): Promise<readonly StoredEvent[]> {
    return this.judge.read('events', { after: this.history.head, limit: 10_000 });
  }

  /** The store has the rows that the model has. */
  async judgeRows(): Promise<void> {
    const state = await this.judge.read('state', {});
    assert.equal(state.seq, this.history.head);
    const archive = this.history.rounds.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'run.archived' ? event.data.runs : [])),
    );
    this.history.judgeRows({
      ...(state as Required<typeof state>),
      archive: archive.map((id) => ({ id })),
    });
  }

  /** And finds nothing wrong with itself: its rows are those of its events. */
  async verify(): Promise<void> {
    const verified = await this.judge.verify();
    assert.ok(verified.ok, JSON.stringify(verified));
  }

  #voiceOf(who: number): string {
    return (this.#voices.get(who) as Voice).name;
  }
}

function heardOf<U extends Utterance>(utterance: U, said: Said | undefined): U & Exchange {
  const { line } = utterance;
  if (said === undefined) throw new NoOrder(`${line.command.kind} was not answered`);
  if ('fault' in said) throw new NoOrder(`${line.command.kind} failed: ${said.fault}`);
  const { answer, head } = said;
  if (answer.ok && head < answer.at)
    throw new NoOrder(
      `${line.command.kind} was answered at ${answer.at}, when others saw ${head} only`,
    );
  return { ...utterance, ...line, answer };
}

function voiceOf(who: number, universe: Universe, inThread: boolean): Voice {
  const { name, named, host } = actors[who] as (typeof actors)[number];
  const moment = universe.momentOf(who);
  const speaker: Identity = {
    agent: name as AgentName,
    named,
    kind: 'terminal',
    session: sessionOf(moment),
    host,
    pid: moment.pid,
  };
  return { name: `${name}@${host}#${moment.pid}`, identity: speaker, inThread };
}
