/**
 * One scenario, twice: through the rules over a row store, and through the plain model. After every step both
 * have to have said the same and to be in the same state.
 */
import assert from 'node:assert/strict';
import type {
  Answer,
  ClaimToken,
  Command,
  Context,
  RunRow,
  WorkflowId,
} from '../../src/core/model';
import { sameAnswer, sameTables, text } from '../model/compare';
import { Memory, renewal, Side, spoken, type Spoken } from '../model/cast';
import { actors, hosts, lineOf, type Step } from '../model/commands';
import { plainKey, sameKey } from '../model/keys';
import { Universe } from '../model/universe';
import { PlainModel, type Outcome } from '../model/plainModel';
import { Invariants } from './invariants';
import { RowStore } from './rowStore';

export type Manner =
  /** A sweep comes before each command, so that rules have noticed what the model knows. */
  | 'swept'
  /** Nobody sweeps, and what is answered has to be the same all the same. */
  | 'lazy'
  /** Nobody sweeps, and only the invariants are held. */
  | 'unswept';

export class Duel {
  readonly store = new RowStore();
  readonly #model = new PlainModel();
  readonly #universe = new Universe();
  readonly #memory = new Memory();
  readonly #rulesSide = new Side(this.#universe, '');
  readonly #modelSide = new Side(this.#universe, 'm');
  readonly #invariants: Invariants;
  /** The steps, and what was answered to each, for a failing scenario. */
  readonly #said: (Step | string)[] = [];
  /** For whom everything that is over now has been swept already. */
  #swept = '';

  constructor(
    private readonly manner: Manner,
    thorough: boolean,
  ) {
    this.#invariants = new Invariants(this.store, this.#universe, thorough);
  }

  play(steps: readonly Step[]): void {
    for (const step of steps) this.step(step);
    this.#invariants.checkAll();
  }

  get said(): readonly string[] {
    return this.#said.map((line) => (typeof line === 'string' ? line : lineOf(line)));
  }

  step(step: Step): void {
    this.#said.push(step);
    if (step.do === 'pass') this.#universe.pass(step.ms);
    else if (step.do === 'jump') this.#universe.jump(hosts[step.host]!, step.ms);
    else if (step.do === 'reboot') this.#universe.reboot(hosts[step.host]!);
    else if (step.do === 'die') this.#universe.die(step.who);
    if (['pass', 'jump', 'reboot', 'die'].includes(step.do)) this.#swept = '';
    const [mine, theirs] = [this.#rulesSide, this.#modelSide].map((side) =>
      spoken(step, this.#memory, side),
    );
    if (mine && theirs) this.#speak(mine, theirs);
  }

  /**
   * Everybody lets go of what they have, and whoever stands in line keeps asking: nobody waits for ever, and
   * then nothing is left of anything.
   */
  close(): void {
    this.step({ do: 'pass', ms: 1_503 });
    this.#ask(0, () => ({ kind: 'config.set', key: 'rate.mutations', value: 0 }));
    this.#ask(0, () => ({ kind: 'config.set', key: 'slots', value: null }));
    this.#ask(0, () => ({ kind: 'config.set', key: 'slots.wf1', value: null }));
    const { store } = this;
    const isQuiet = (): boolean =>
      store.waiters.length + store.slotWaiters.length + store.locks.length === 0 &&
      !store.runs.some((run) => run.status === 'running');
    const enough = 3 + store.waiters.length + store.slotWaiters.length;
    for (let round = 0; round < enough && !isQuiet(); round += 1) {
      this.#letGo();
      this.#renew();
    }
    assert.ok(isQuiet(), `somebody still waits or holds: ${text(store.snapshot())}`);
    this.#invariants.checkAll();
  }

  #letGo(): void {
    for (const claim of this.#memory.claims) {
      const isHeld = this.store.runs.some(
        (run) =>
          run.status === 'running' &&
          run.epoch === claim.epoch &&
          this.#rulesSide.nameOf(run.id) === claim.run,
      );
      if (!isHeld) continue;
      this.#ask(claim.who, (side) => ({
        kind: 'run.complete',
        run: side.idOf(claim.run),
        token: side.token(claim),
      }));
    }
    for (const { agent, resource, worktree } of this.store.locks) {
      const who = actors.findIndex((actor) => actor.name === agent);
      const shared = worktree === null;
      this.#ask(who, () => ({
        kind: 'lock.release',
        resources: [resource],
        worktree: worktree ?? '',
        shared,
      }));
    }
  }

  #renew(): void {
    const { claimPlaces, lockPlaces } = this.#memory;
    const line = [...this.store.waiters, ...this.store.slotWaiters].map((waiter) => waiter.id);
    for (const place of [...lockPlaces, ...claimPlaces]) {
      if (!line.includes(place.id)) continue;
      const isClaim = place.step.do === 'claim';
      // There has to be something to get, and a slot for it.
      if (isClaim) this.#ask(place.who, () => ({ kind: 'run.create', title: 'work', workflow }));
      const [mine, theirs] = [this.#rulesSide, this.#modelSide].map((side) => renewal(place, side));
      if (mine && theirs) this.#speak(mine, theirs);
      // Whoever waits for one given run is told when that is not to be had, and goes.
      if (place.run !== null)
        this.#ask(place.who, () => ({ kind: 'run.unwait', waiter: place.id }));
    }
  }

  #ask(who: number, command: (side: Side) => Command): void {
    this.#speak(
      { who, command: command(this.#rulesSide) },
      { who, command: command(this.#modelSide) },
    );
  }

  #speak(mine: Spoken, theirs: Spoken): void {
    const { who } = mine;
    if (this.#asksTwice(mine)) return;
    const moment: string = this.#rulesSide.context(who).observer;
    if (this.manner === 'swept' && moment !== this.#swept) {
      this.#both(who, { kind: 'sweep' }, { kind: 'sweep' });
      this.#swept = moment;
    }
    const answer = this.#both(who, mine.command, theirs.command);
    this.#remember(mine, answer);
  }

  /**
   * Whoever gets by another way what it stands in line for is free to take its turn, without an offer by the
   * rules, for nothing was freed, and with one by the model, which offers to everybody who is free.
   */
  #asksTwice({ who, command, place }: Spoken): boolean {
    if (command.kind !== 'lock.acquire') return false;
    const context = this.#rulesSide.context(who);
    const wanted = command.wishes.map((wish) =>
      plainKey(wish.resource, { ...command, caseFold: context.caseFold }),
    );
    return this.store.waiters.some(
      ({ id, agent, requests }) =>
        agent === context.agent &&
        id !== place?.id &&
        requests.some((request) => wanted.some((key) => sameKey(request, key))),
    );
  }

  /** Only the rules hear it when nobody sweeps. */
  #both(who: number, mine: Command, theirs: Command): Answer<unknown> {
    const context = this.#rulesSide.context(who);
    const answer: Answer<unknown> = this.store.perform(mine, context);
    this.#invariants.check(mine, context, answer);
    this.#rulesSide.learn([...this.store.archive, ...this.store.runs], this.store.locks);
    if (answer.ok && mine.kind === 'run.claim') {
      const { run, token } = answer.facts as { run: RunRow; token: ClaimToken };
      this.#rulesSide.remember(this.#rulesSide.nameOf(run.id), run.epoch, token);
    }
    const { world } = this.#model;
    if (this.manner !== 'unswept') {
      const outcome = this.#model.perform(theirs, this.#modelSide.context(who));
      this.#modelSide.learn([...world.archive, ...world.runs], world.locks);
      if (outcome.ok && theirs.kind === 'run.claim') {
        const { run, token } = outcome.facts as unknown as { run: RunRow; token: ClaimToken };
        this.#modelSide.remember(this.#modelSide.nameOf(run.id), run.epoch, token);
      }
      this.#compare(mine, context, answer, outcome);
    }
    for (const run of [...this.store.archive, ...this.store.runs]) {
      const name = this.#rulesSide.nameOf(run.id);
      if (!this.#memory.runs.includes(name)) this.#memory.runs.push(name);
    }
    return answer;
  }

  #remember({ who, command, place }: Spoken, answer: Answer<unknown>): void {
    const memory = this.#memory;
    const name = (id: string): string => this.#rulesSide.nameOf(id);
    if (answer.ok && command.kind === 'run.claim') {
      const { run } = answer.facts as { run: RunRow };
      memory.claims.push({ run: name(run.id), who, epoch: run.epoch });
    }
    if (answer.ok && command.kind === 'retention.step') {
      const { next } = answer.facts as { next: readonly RunRow[] };
      memory.chosen = next.map((run) => name(run.id));
    }
    if (!place || answer.ok) return;
    const places = command.kind === 'run.claim' ? memory.claimPlaces : memory.lockPlaces;
    if (!places.some((each) => each.id === place.id)) places.push(place);
  }

  /* ---------------------------------------------------------------- the same? */

  #compare(command: Command, context: Context, answer: Answer<unknown>, outcome: Outcome): void {
    const said = answer.ok ? 'granted' : answer.refusal.code;
    this.#said.push(`    ${command.kind} by ${context.agent}: ${said}`);
    sameAnswer(command, [answer, this.#rulesSide], [outcome, this.#modelSide]);
    if (this.manner === 'swept')
      sameTables([this.store, this.#rulesSide], [this.#model.world, this.#modelSide], (process) =>
        context.liveness(process),
      );
  }
}

const workflow = 'wf1' as WorkflowId;
