/** The processes of a suite, and the stores at which some of them meet. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  AgentName,
  Answer,
  Command,
  CommandOf,
  Granted,
  OpId,
  RunId,
  RunRow,
  Seq,
  SessionId,
} from '../../src/core/model';
import { newId } from '../../src/store/newId';
import type { Store } from '../../src/store/store';
import { granted } from '../core/rowStore';
import { engines, type EngineName } from './engines';
import { SpeakerProcess } from './speakers';
import { identity } from './stores';

const most = 8;

export class Company {
  readonly speakers: SpeakerProcess[] = [];
  readonly seed: number;
  readonly isLong: boolean;

  constructor(
    readonly engine: EngineName,
    { seed, isLong }: { readonly seed: number; readonly isLong: boolean },
  ) {
    this.seed = seed;
    this.isLong = isLong;
  }

  gather(): void {
    while (this.speakers.length < most) this.speakers.push(new SpeakerProcess());
  }

  async part(): Promise<void> {
    await Promise.all(this.speakers.map((speaker) => speaker.end()));
  }

  /** Another process in the place of one that has ended. */
  replace(index: number): void {
    assert.ok(this.speakers[index]?.hasEnded, 'it is still there');
    this.speakers[index] = new SpeakerProcess();
  }

  /** Workers of this machine, on a store of their own for as long as `meeting` lasts. */
  async meet(count: number, meeting: (crew: Crew) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'wavelock-crew-'));
    const store = await engines[this.engine].open({
      folder,
      identity: { ...identity(), agent: 'host' as AgentName },
      inThread: false,
      scripted: false,
    });
    const crew = new Crew(this, folder, store);
    try {
      await Promise.all(Array.from({ length: count }, (_, who) => crew.join(who)));
      await meeting(crew);
      const verified = await store.verify();
      assert.ok(verified.ok, JSON.stringify(verified));
    } finally {
      await Promise.all(
        this.speakers
          .filter((speaker) => !speaker.hasEnded)
          .map((speaker) => speaker.close(folder)),
      );
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }
}

export class Crew {
  constructor(
    private readonly company: Company,
    readonly folder: string,
    /** Nobody's but the test's. */
    readonly store: Store,
  ) {}

  /** Every second worker lives as a window does, with its store in a thread, where that is asked for. */
  async join(who: number, inThread = false): Promise<void> {
    const speaker = this.#speaker(who);
    const voice = {
      name: voice0,
      identity: {
        agent: nameOf(who),
        named: true,
        kind: 'worker',
        session: newId('ses') as SessionId,
        host: hostname(),
        pid: speaker.pid,
      },
      inThread,
    } as const;
    const { engine } = this.company;
    await speaker.open(this.folder, [voice], { engine, scripted: false });
  }

  /** Its process is gone from one moment to the next. */
  async kill(who: number): Promise<void> {
    await this.#speaker(who).kill();
  }

  /** And comes back under its old name, as a process that was started anew. */
  async restart(who: number): Promise<void> {
    if (!this.#speaker(who).hasEnded) await this.kill(who);
    this.company.replace(who);
    await this.join(who);
  }

  async say<C extends Command>(
    who: number,
    command: C,
    opId?: OpId,
  ): Promise<Answer<Granted[C['kind']]>> {
    const [answer] = await this.sayAll(who, [command], opId);
    assert.ok(answer);
    return answer;
  }

  /** All at once, as one process does that awaits none of them. */
  async sayAll<C extends Command>(
    who: number,
    commands: readonly C[],
    opId?: OpId,
  ): Promise<readonly Answer<Granted[C['kind']]>[]> {
    const turn = commands.map((command) => ({ voice: voice0, command, opId }));
    const [said] = await this.#speaker(who).say(this.folder, [turn]);
    return (said ?? []).map((one) => {
      if ('fault' in one) throw new Error(one.fault);
      // The rule for this kind of command made the facts.
      return one.answer as Answer<Granted[C['kind']]>;
    });
  }

  async run(fields: Partial<CommandOf<'run.create'>> = {}): Promise<RunRow> {
    const answer = await this.store.submit({ kind: 'run.create', title: 'work', ...fields });
    const [run] = granted(answer).runs;
    assert.ok(run);
    return run;
  }

  async runs(): Promise<readonly RunRow[]> {
    return (await this.store.read('state', {})).runs;
  }

  async runWith(id: RunId): Promise<RunRow> {
    const run = (await this.runs()).find((each) => each.id === id);
    assert.ok(run, `there is no run ${id}`);
    return run;
  }

  async set(key: 'slots' | 'rate.mutations', value: number): Promise<void> {
    granted(await this.store.submit({ kind: 'config.set', key, value }));
  }

  async follow(who: number): Promise<void> {
    await this.#speaker(who).follow(this.folder, voice0);
  }

  followed(who: number, until: Seq): Promise<readonly Seq[]> {
    return this.#speaker(who).followed(this.folder, until);
  }

  async close(who: number): Promise<void> {
    await this.#speaker(who).close(this.folder);
  }

  #speaker(who: number): SpeakerProcess {
    const speaker = this.company.speakers[who];
    if (!speaker) throw new Error(`there is no worker ${who}`);
    return speaker;
  }
}

const voice0 = 'its own';

export const nameOf = (who: number): AgentName => `worker ${who}` as AgentName;
