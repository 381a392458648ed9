/**
 * Many short histories about one thing each: a run that several want, a file that several lock, a wave that
 * several begin. Each begins where nothing is left of the one before, so the model knows only its own.
 */
import type { AgentName, ClaimToken, Command, RunId, RunRow } from '../../src/core/model';
import { actors } from '../model/commands';
import type { Conversation, Stage, Utterance } from './conversation';
import type { Exchange } from './history';

/** Who speaks; who gives no name holds nothing, so nobody meets it. */
const present = [0, 1, 2, 3] as const;

interface Held {
  readonly who: number;
  readonly run: RunId;
  readonly token: ClaimToken;
}

export class Encounters {
  #number = 0;
  /** What is held of the run that it is about. */
  #held: Held[] = [];

  constructor(
    private readonly stage: Stage,
    private readonly conversation: Conversation,
  ) {}

  async begin(): Promise<void> {
    const set = [
      ['slots', 2],
      ['rate.mutations', 0],
    ] as const;
    const { conversation } = this;
    await conversation.say(
      [
        ...set.map(([key, value]) => conversation.utter(0, { kind: 'config.set', key, value })),
        ...present.map((who) => conversation.utter(who, { kind: 'agent.touch' })),
      ],
      'at once',
    );
  }

  /** One history, and what tidies up after it. */
  async meet(): Promise<void> {
    this.#number += 1;
    this.#held = [];
    const { random } = this.stage;
    const kind = random.among(['claims', 'locks', 'waves', 'all'] as const);
    await this.#prepare(kind === 'locks' ? 0 : random.within(1, 2));
    const rounds = random.within(1, 2);
    for (let round = 0; round < rounds; round += 1) {
      const asked = present.flatMap((who) =>
        Array.from({ length: random.within(1, 3) }, () => this.#wish(kind, who)),
      );
      this.#remember(await this.conversation.say(asked, 'in turns'));
    }
    await this.#tidy();
  }

  get #workflow(): never {
    return `wf${this.#number}` as never;
  }

  async #prepare(runs: number): Promise<void> {
    if (runs === 0) return;
    const { conversation } = this;
    const make: Command = {
      kind: 'run.create',
      title: 'wanted',
      workflow: this.#workflow,
      count: runs,
      maxAttempts: this.stage.random.within(1, 2),
    };
    const said = [conversation.utter(0, make)];
    if (this.stage.random.chance(0.5))
      said.push(conversation.utter(0, { kind: 'run.claim', workflow: this.#workflow }));
    this.#remember(await conversation.say(said, 'at once'));
  }

  #remember(exchanges: readonly (Utterance & Exchange)[]): void {
    for (const { who, command, answer } of exchanges) {
      if (command.kind !== 'run.claim' || !answer.ok) continue;
      const { run, token } = answer.facts as { run: RunRow; token: ClaimToken };
      this.#held.push({ who, run: run.id, token });
    }
  }

  #wish(kind: 'claims' | 'locks' | 'waves' | 'all', who: number): Utterance {
    const { random } = this.stage;
    const about = kind === 'all' ? random.among(['claims', 'locks', 'waves'] as const) : kind;
    if (about === 'locks') return this.conversation.utter(who, this.#wishOfLocks(who));
    if (about === 'waves' && random.chance(0.6))
      return this.conversation.utter(who, this.#wishOfWaves());
    return this.#wishOfRuns(who);
  }

  #wishOfRuns(who: number): Utterance {
    const { random } = this.stage;
    const { utter } = { utter: this.conversation.utter.bind(this.conversation) };
    const held = this.#held.length > 0 ? random.among(this.#held) : undefined;
    const runs = this.conversation.history.world.runs.filter(
      ({ workflow }) => workflow === this.#workflow,
    );
    const run = runs.length > 0 ? random.among(runs).id : ('run_none' as RunId);
    const sort = random.among(['claim', 'claim', 'end', 'end', 'stop', 'other'] as const);
    if (sort === 'end' && held) {
      const { token } = held;
      // Whoever has the token may speak, and others have heard of it.
      return utter(
        held.who,
        random.among<Command>([
          { kind: 'run.complete', run: held.run, token },
          { kind: 'run.fail', run: held.run, token, error: { message: 'no' } },
          { kind: 'run.heartbeat', run: held.run, token },
        ]),
      );
    }
    if (sort === 'stop' || sort === 'other')
      return utter(
        who,
        random.among<Command>([
          { kind: 'run.cancel', run },
          { kind: 'run.kill', run },
          { kind: 'run.retry', run },
          { kind: 'run.handoff', run, note: `by ${who}` },
        ]),
      );
    const claim = { kind: 'run.claim', workflow: this.#workflow } as const;
    return utter(who, random.chance(0.3) ? { kind: 'run.claim', run } : claim);
  }

  #wishOfLocks(who: number): Command {
    const { random } = this.stage;
    const place = `h${this.#number}`;
    const resource = random.among([`${place}/a.ts`, `${place}/a.ts`, `glob:${place}/*`]);
    const mode = random.among(['read', 'write'] as const);
    const more = random.chance(0.3) ? [{ resource: `${place}/b.ts`, mode }] : [];
    const wishes = [{ resource, mode }, ...more];
    const worktree = '';
    return random.among<Command>([
      { kind: 'lock.acquire', wishes, worktree },
      { kind: 'lock.acquire', wishes, worktree },
      { kind: 'lock.acquire', wishes, worktree },
      { kind: 'lock.release', resources: [resource], worktree },
      { kind: 'lock.verify', wishes: [{ resource }], worktree },
      { kind: 'lock.break', resource, worktree, reason: `of ${who}` },
    ]);
  }

  #wishOfWaves(): Command {
    const { random } = this.stage;
    const workflow = this.#workflow;
    const wave = random.within(0, 1);
    const target = (number: number): never => String(number).repeat(64) as never;
    if (random.chance(0.2))
      return { kind: 'file.confirm', workflow, target: target(1), hash: target(1) };
    const task = (id: string): never =>
      ({ id, description: id, status: 'todo', dependsOn: [], line: 0 }) as never;
    return {
      kind: 'wave.advance',
      plan: {
        id: workflow,
        name: 'Workflow',
        wave,
        waveCount: 2,
        waves: [
          { number: 1, tasks: [task('1-1')] },
          { number: 2, tasks: [task('2-1'), task('2-2')] },
        ],
      },
      file: `${String(workflow)}/STATE.md` as never,
      worktree: '',
      seen: wave,
      ...(random.chance(0.3) ? { force: { reason: 'asked' } } : {}),
      write: { base: target(wave), target: target(wave + 1), updated: '2026-01-02 03:04:05' },
    };
  }

  /** Nothing is left for the next, but agents and settings. */
  async #tidy(): Promise<void> {
    const { conversation } = this;
    const { history } = conversation;
    const said: Utterance[] = [];
    for (const { status, id } of history.world.runs) {
      const held = this.#held.findLast(({ run }) => run === id);
      if (status === 'queued') said.push(conversation.utter(0, { kind: 'run.cancel', run: id }));
      else if (status === 'running' && held) {
        const { who, run, token } = held;
        said.push(conversation.utter(who, { kind: 'run.complete', run, token }));
      }
    }
    for (const agent of new Set(history.world.locks.map((lock) => lock.agent))) {
      const who = actors.findIndex(({ name }) => (name as AgentName) === agent);
      const release = { kind: 'lock.release', resources: 'all', worktree: '' } as const;
      said.push(conversation.utter(who, release));
    }
    for (const { workflow, target } of history.world.pending) {
      const confirm = { kind: 'file.confirm', workflow, target, hash: target } as const;
      said.push(conversation.utter(0, confirm));
    }
    await conversation.say(said, 'at once');
    history.forgetWhatIsOver();
  }
}
