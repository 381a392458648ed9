/**
 * One sequence: a scenario of the plain model, spoken by several processes at once. Between two moments everybody
 * speaks as fast as it can; then all are heard, and the plain model judges what they were answered.
 *
 * Time passes only between rounds, and everything that it ended is swept then. So rules, which expire what they
 * touch, and the model, which expires everything, know the same whenever somebody speaks.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentName, OpId, RunId, RunRow, StoredEvent } from '../../src/core/model';
import type { Identity } from '../../src/store/engine';
import type { Store } from '../../src/store/store';
import { Memory, spoken, type Place, type Spoken } from '../model/cast';
import { actors, hosts, type Step } from '../model/commands';
import { plainKey, sameKey } from '../model/keys';
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
  /** Actors whose store has a thread of its own. */
  readonly inThread: ReadonlySet<number>;
}

interface Utterance {
  readonly who: number;
  readonly line: Line & { readonly opId: OpId };
  readonly place?: Place;
}

export class Scene {
  readonly #universe = new Universe();
  readonly history = new History(this.#universe);
  readonly #memory = new Memory();
  readonly #folder = mkdtempSync(join(tmpdir(), 'wavelock-scene-'));
  readonly #voices = new Map<number, Voice>();
  /** Operations that were granted: said again, they are answered the same. */
  readonly #granted = new Map<OpId, Utterance & { readonly answer: Exchange['answer'] }>();
  readonly #ended = new Map<RunId, RunRow>();
  #judge: Store | undefined;
  #operations = 0;
  /** What has been said since the last sweep can be news to the other host. */
  #unswept = false;

  constructor(private readonly stage: Stage) {}

  async play(steps: readonly Step[]): Promise<void> {
    const { engine } = this.stage;
    this.#judge = await engines[engine].open({
      folder: this.#folder,
      identity: identity(),
      inThread: false,
      scripted: false,
    });
    await this.#meet(actors.map((_, who) => who));
    let together: Step[] = [];
    let most = 0;
    const flush = async (): Promise<void> => {
      if (together.length > 0) await this.#speak(together);
      together = [];
      most = this.stage.random.within(3, 10);
    };
    for (const [index, step] of steps.entries()) {
      if (!isOfTime(step)) {
        if (together.push(step) >= most) await flush();
        continue;
      }
      await flush();
      if (this.#unswept) await this.#sweep();
      await this.#let(step);
      const next = steps[index + 1];
      if (next && !isOfTime(next)) await this.#sweep();
    }
    await flush();
    if (this.#unswept) await this.#sweep();
    await this.#judgeAll();
  }

  async end(): Promise<void> {
    await Promise.all(this.stage.speakers.map((speaker) => speaker.close(this.#folder)));
    await this.#judge?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get operations(): number {
    return this.#operations;
  }

  async #let(step: Step): Promise<void> {
    const universe = this.#universe;
    if (step.do === 'pass') universe.pass(step.ms);
    else if (step.do === 'jump') universe.jump(hosts[step.host] as string, step.ms);
    else if (step.do === 'reboot') {
      universe.reboot(hosts[step.host] as string);
      await this.#meet(actors.flatMap(({ host }, who) => (host === hosts[step.host] ? [who] : [])));
    } else if (step.do === 'die') {
      universe.die(step.who);
      await this.#meet([step.who]);
    }
  }

  /** A process that was started anew has a session and a connection of its own. */
  async #meet(who: readonly number[]): Promise<void> {
    const { speakers, engine, inThread } = this.stage;
    await Promise.all(
      speakers.map(async (speaker, index) => {
        const mine = who.filter((each) => processOf[each] === index);
        const former = mine.flatMap((each) => this.#voices.get(each)?.name ?? []);
        const voices = mine.map((each) => voiceOf(each, this.#universe, inThread.has(each)));
        await speaker.open(this.#folder, voices, { engine, scripted: true });
        await speaker.close(this.#folder, former);
        mine.forEach((each, place) => this.#voices.set(each, voices[place] as Voice));
      }),
    );
  }

  /** By somebody of every host. */
  async #sweep(): Promise<void> {
    const { random } = this.stage;
    const sweepers = hosts.map((host) =>
      random.among(actors.flatMap((actor, who) => (actor.host === host ? [who] : []))),
    );
    await this.#say(
      sweepers.map((who) => this.#utter({ who, command: { kind: 'sweep' } })),
      false,
    );
    this.#unswept = false;
  }

  async #speak(steps: readonly Step[]): Promise<void> {
    const { random } = this.stage;
    const utterances: Utterance[] = [];
    for (const step of steps) {
      const said = spoken(step, this.#memory, this.history.storeSide);
      if (!said || this.#asksTwice(said, utterances)) continue;
      const utterance = this.#utter(said);
      utterances.push(utterance);
      // The answer may be lost on its way.
      if (random.chance(0.06)) utterances.push(utterance);
    }
    const before = [...this.#granted.values()];
    if (before.length > 0 && random.chance(0.3)) utterances.push(this.#again(random.among(before)));
    await this.#archiveChosen();
    await this.#say(utterances, true);
    this.#unswept = true;
  }

  /** By whoever speaks for its author now. */
  #again({ who, line }: Utterance): Utterance {
    return { who, line: { ...line, voice: this.#voiceOf(who) } };
  }

  #voiceOf(who: number): string {
    return (this.#voices.get(who) as Voice).name;
  }

  #utter({ who, command, place }: Spoken): Utterance {
    const number = (this.#operations += 1);
    const opId = opIdOf(number, this.#universe.momentOf(who));
    const voice = this.#voiceOf(who);
    const isNew = place !== undefined && !('renewal' in command);
    if (!isNew) return { who, line: { voice, command, opId }, ...(place ? { place } : {}) };
    // Several go to their places in one round, and each has to have one of its own.
    const id = `${place.id}_${number}` as Place['id'];
    const line = { voice, command: { ...command, waiter: id }, opId } as Utterance['line'];
    return { who, line, place: { ...place, id } };
  }

  /**
   * Whoever gets by another way what it stands in line for is free to take its turn, without an offer by the
   * rules, for nothing was freed, and with one by the model, which offers to everybody who is free.
   */
  #asksTwice({ who, command, place }: Spoken, others: readonly Utterance[]): boolean {
    if (command.kind !== 'lock.acquire') return false;
    const agent = actors[who]?.name as AgentName;
    const keysOf = (acquire: typeof command): ReturnType<typeof plainKey>[] =>
      acquire.wishes.map((wish) => plainKey(wish.resource, { ...acquire, caseFold: false }));
    const wanted = keysOf(command);
    const isWanted = (key: Parameters<typeof sameKey>[0]): boolean =>
      wanted.some((each) => sameKey(each, key));
    const inLine = this.history.world.waiters.some(
      (waiter) =>
        waiter.agent === agent && waiter.id !== place?.id && waiter.requests.some(isWanted),
    );
    const beside = others.some(
      ({ who: other, line, place: theirs }) =>
        line.command.kind === 'lock.acquire' &&
        actors[other]?.name === agent &&
        (place !== undefined || theirs !== undefined) &&
        keysOf(line.command).some(isWanted),
    );
    return inLine || beside;
  }

  async #archiveChosen(): Promise<void> {
    const rows = this.#memory.chosen.flatMap(
      (name) => this.#ended.get(this.history.storeSide.idOf(name)) ?? [],
    );
    if (rows.length === 0) return;
    await engines[this.stage.engine].archive(this.#folder, identity(), rows);
  }

  /* ---------------------------------------------------------------- saying and hearing */

  async #say(utterances: readonly Utterance[], inTurns: boolean): Promise<void> {
    const { speakers, random } = this.stage;
    const heard = await Promise.all(
      speakers.map(async (speaker, index) => {
        const mine = utterances.filter(({ who }) => processOf[who] === index);
        const turns: Utterance[][] = [];
        for (const utterance of mine) {
          const turn = turns.at(-1);
          if (!turn || (inTurns && random.chance(0.5))) turns.push([utterance]);
          else turn.push(utterance);
        }
        if (turns.length === 0) return [];
        const said = await speaker.say(
          this.#folder,
          turns.map((turn) => turn.map(({ line }) => line)),
        );
        return turns.flatMap((turn, place) =>
          turn.map((utterance, which) => this.#heard(utterance, said[place]?.[which])),
        );
      }),
    );
    const exchanges = heard.flat().filter((exchange) => !this.#isRepeated(exchange));
    this.history.judge({ exchanges, events: await this.#newEvents() });
    this.#remember(exchanges);
  }

  #heard(utterance: Utterance, said: Said | undefined): Utterance & Exchange {
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
    const judge = this.#judge as Store;
    return judge.read('events', { after: this.history.head, limit: 10_000 });
  }

  #remember(exchanges: readonly (Utterance & Exchange)[]): void {
    const memory = this.#memory;
    const { storeSide, world } = this.history;
    for (const { who, command, answer, place } of [...exchanges].sort(inOrder)) {
      if (answer.ok && command.kind === 'run.claim') {
        const { run, token } = answer.facts as { run: RunRow; token: never };
        const name = storeSide.nameOf(run.id);
        storeSide.remember(name, run.epoch, token);
        memory.claims.push({ run: name, who, epoch: run.epoch });
      }
      if (answer.ok && command.kind === 'retention.step') {
        const { next } = answer.facts as { next: readonly RunRow[] };
        memory.chosen = next.map((run) => storeSide.nameOf(run.id));
        for (const run of next) this.#ended.set(run.id, run);
      }
      if (!place || answer.ok) continue;
      const places = command.kind === 'run.claim' ? memory.claimPlaces : memory.lockPlaces;
      if (!places.some((each) => each.id === place.id)) places.push(place);
    }
    for (const run of [...world.archive, ...world.runs]) {
      const name = storeSide.nameOf(run.id);
      if (!memory.runs.includes(name)) memory.runs.push(name);
    }
  }

  async #judgeAll(): Promise<void> {
    const judge = this.#judge as Store;
    const state = await judge.read('state', {});
    assert.equal(state.seq, this.history.head);
    const archive = this.history.rounds.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === 'run.archived' ? event.data.runs : [])),
    );
    this.history.judgeRows({
      ...(state as Required<typeof state>),
      archive: archive.map((id) => ({ id })),
    });
    const verified = await judge.verify();
    assert.ok(verified.ok, JSON.stringify(verified));
  }
}

const inOrder = (one: Exchange, other: Exchange): number => one.answer.at - other.answer.at;

const isOfTime = (step: Step): boolean => ['pass', 'jump', 'reboot', 'die'].includes(step.do);

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
