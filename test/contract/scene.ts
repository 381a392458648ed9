/**
 * One sequence: a scenario of the plain model, spoken by several processes at once. Between two moments everybody
 * speaks as fast as it can; then all are heard, and the plain model judges what they were answered.
 *
 * Time passes only between rounds, and everything that it ended is swept then. So rules, which expire what they
 * touch, and the model, which expires everything, know the same whenever somebody speaks.
 */
import type { AgentName, RunId, RunRow } from '../../src/core/model';
import { Memory, spoken, type Place, type Spoken } from '../model/cast';
import { actors, hosts, type Step } from '../model/commands';
import { plainKey, sameKey } from '../model/keys';
import { engines } from './engines';
import type { Conversation, Stage, Utterance } from './conversation';
import type { Exchange } from './history';
import { identity } from './stores';

const nobody = actors.findIndex(({ named }) => !named);

interface Asked extends Utterance {
  readonly place?: Place;
}

export class Scene {
  readonly #memory = new Memory();
  /** Runs of scenarios before, which this one does not know. */
  readonly #former = new Set<string>();
  readonly #ended = new Map<RunId, RunRow>();
  /** What has been said since the last sweep can be news to the other host. */
  #unswept = false;

  constructor(
    private readonly stage: Stage,
    private readonly conversation: Conversation,
  ) {}

  async play(steps: readonly Step[]): Promise<void> {
    await this.#clear();
    let together: Step[] = [];
    let most = this.stage.random.within(3, 10);
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
    const last = steps.at(-1);
    if (this.#unswept || (last && isOfTime(last))) await this.#sweep();
    await this.conversation.judgeRows();
  }

  /** Of the scenario before nothing is left but what has ended; that is said and judged like all else. */
  async #clear(): Promise<void> {
    const { conversation } = this;
    const { history } = conversation;
    // Nobody counts how often one speaks who gives no name.
    const settings = history.world.config.map(({ key }) =>
      conversation.utter(nobody, { kind: 'config.set', key, value: null }),
    );
    await conversation.say(settings, 'at once');
    const leaving = [0, 1, 2, 3].map((who) =>
      conversation.utter(who, { kind: 'agent.leave', force: true }),
    );
    await conversation.say(leaving, 'at once');
    const cancelling = history.world.runs
      .filter(({ status }) => status === 'queued')
      .map(({ id: run }) => conversation.utter(nobody, { kind: 'run.cancel', run }));
    await conversation.say(cancelling, 'at once');
    for (const { id } of [...history.world.archive, ...history.world.runs])
      this.#former.add(history.storeSide.nameOf(id));
  }

  async #let(step: Step): Promise<void> {
    const { universe } = this.conversation;
    if (step.do === 'pass') universe.pass(step.ms);
    else if (step.do === 'jump') universe.jump(hosts[step.host] as string, step.ms);
    else if (step.do === 'reboot') {
      universe.reboot(hosts[step.host] as string);
      const there = actors.flatMap(({ host }, who) => (host === hosts[step.host] ? [who] : []));
      await this.conversation.meet(there);
    } else if (step.do === 'die') {
      universe.die(step.who);
      await this.conversation.meet([step.who]);
    }
  }

  /** By somebody of every host. */
  async #sweep(): Promise<void> {
    const { conversation } = this;
    const sweepers = hosts.map((host) =>
      this.stage.random.among(actors.flatMap((actor, who) => (actor.host === host ? [who] : []))),
    );
    const sweeps = sweepers.map((who) => conversation.utter(who, { kind: 'sweep' }));
    this.#remember(await conversation.say(sweeps, 'at once'));
    this.#unswept = false;
  }

  async #speak(steps: readonly Step[]): Promise<void> {
    const { random } = this.stage;
    const { conversation } = this;
    const asked: Asked[] = [];
    for (const step of steps) {
      const said = spoken(step, this.#memory, conversation.history.storeSide);
      if (!said || this.#asksTwice(said, asked)) continue;
      const utterance = this.#utter(said);
      asked.push(utterance);
      // The answer may be lost on its way.
      if (random.chance(0.06)) asked.push(utterance);
    }
    const { granted } = conversation;
    if (granted.length > 0 && random.chance(0.3))
      asked.push(conversation.again(random.among(granted)));
    await this.#archiveChosen();
    this.#remember(await conversation.say(asked, 'in turns'));
    this.#unswept = true;
  }

  /** Several go to their places in one round, and each has to have one of its own. */
  #utter({ who, command, place }: Spoken): Asked {
    const utterance = this.conversation.utter(who, command);
    if (!place) return utterance;
    if ('renewal' in command) return { ...utterance, place };
    const id = `${place.id}_${this.conversation.operations}` as Place['id'];
    const waiting = { ...command, waiter: id } as typeof command;
    return {
      who,
      line: { ...utterance.line, command: waiting },
      place: { ...place, id },
    };
  }

  /**
   * Whoever gets by another way what it stands in line for is free to take its turn, without an offer by the
   * rules, for nothing was freed, and with one by the model, which offers to everybody who is free.
   */
  #asksTwice({ who, command, place }: Spoken, others: readonly Asked[]): boolean {
    if (command.kind !== 'lock.acquire') return false;
    const agent = actors[who]?.name as AgentName;
    const keysOf = (acquire: typeof command): ReturnType<typeof plainKey>[] =>
      acquire.wishes.map((wish) => plainKey(wish.resource, { ...acquire, caseFold: false }));
    const wanted = keysOf(command);
    const isWanted = (key: Parameters<typeof sameKey>[0]): boolean =>
      wanted.some((each) => sameKey(each, key));
    const inLine = this.conversation.history.world.waiters.some(
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

  /** As a store does: durable in the archive before they are dropped. */
  async #archiveChosen(): Promise<void> {
    const { folder, history } = this.conversation;
    const rows = this.#memory.chosen.flatMap(
      (name) => this.#ended.get(history.storeSide.idOf(name)) ?? [],
    );
    if (rows.length > 0) await engines[this.stage.engine].archive(folder, identity(), rows);
  }

  #remember(exchanges: readonly (Asked & Exchange)[]): void {
    const memory = this.#memory;
    const { storeSide, world } = this.conversation.history;
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
      if (!memory.runs.includes(name) && !this.#former.has(name)) memory.runs.push(name);
    }
  }
}

const inOrder = (one: Exchange, other: Exchange): number => one.answer.at - other.answer.at;

const isOfTime = (step: Step): boolean => ['pass', 'jump', 'reboot', 'die'].includes(step.do);
