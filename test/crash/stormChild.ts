/**
 * A process of the storm. What it is to be comes as one line on its input; what it asks for and what it is
 * answered it tells on descriptor 3, each in one write: before it asks, and only after the answer. So a
 * line that has been read was true before the process died.
 */
import { readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import type { AgentName, Seq, SessionId } from '../../src/core/model';
import type { AnyAnswer, Identity } from '../../src/store/engine';
import { openLocalStore } from '../../src/store/localStore';
import { newId } from '../../src/store/newId';
import { placeOf } from '../../src/store/place';
import type { Store } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { Chance } from './stormChance';
import { Work, type Chore, type Order } from './stormWork';

export interface Part {
  readonly folder: string;
  readonly index: number;
  readonly seed: number;
  readonly inThread: boolean;
  /** How many orders it has under way at once. */
  readonly lanes: number;
  readonly follows: boolean;
  /** Where it kills itself, at the n-th time. */
  readonly fatal?: { readonly step: string; readonly time: number };
  readonly first?: Chore | 'advance';
  /** What its predecessor asked for and was not told the answer of. */
  readonly unanswered: readonly Order[];
}

export type Told =
  | { readonly told: 'open'; readonly ms: number }
  /** `from` and `until`: before it was asked and after the answer, on the clock that all processes share. */
  | { readonly told: 'asks'; readonly order: Order; readonly from: number }
  | {
      readonly told: 'answer';
      readonly op: string;
      readonly answer: AnyAnswer;
      readonly until: number;
    }
  | { readonly told: 'fault'; readonly op: string; readonly code: string; readonly message: string }
  | { readonly told: 'did'; readonly chore: Chore; readonly count: number }
  | { readonly told: 'dies'; readonly at: string }
  /** Something that must never be. */
  | { readonly told: 'wrong'; readonly what: string };

const tell = (line: Told): void => {
  writeSync(3, `${JSON.stringify(line)}\n`);
};

const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

class Stormer {
  readonly #place;
  readonly #work;
  readonly #chance;
  readonly #underWay = new Set<Promise<void>>();
  #open: Promise<{ readonly store: Store; readonly files: WorkflowFiles }>;
  #reopening = false;
  #last: Seq | undefined;
  #times = 0;

  constructor(private readonly part: Part) {
    this.#place = placeOf(part.folder);
    this.#chance = new Chance(part.seed);
    this.#work = new Work(this.#chance, part.index);
    this.#open = this.#reopened();
  }

  async run(): Promise<void> {
    const { lanes, unanswered, first } = this.part;
    await this.#open;
    await Promise.all(unanswered.map((order) => this.#perform(order)));
    const advance = first === 'advance' ? this.#work.advance() : undefined;
    if (advance) await this.#perform(advance);
    else if (first && first !== 'advance') await this.#do(first);
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
  }

  async #lane(): Promise<never> {
    for (;;) {
      await this.#open;
      const chore = this.#work.chore();
      if (chore) await this.#do(chore);
      else await this.#perform(this.#work.next());
    }
  }

  #perform(order: Order): Promise<void> {
    return this.#track(this.#ask(order));
  }

  async #ask(order: Order): Promise<void> {
    const { op } = order;
    const { store, files } = await this.#open;
    const from = clock();
    tell({ told: 'asks', order, from });
    try {
      const answer: AnyAnswer =
        order.do === 'submit'
          ? await store.submit(order.command, op)
          : await files.advance(join(this.part.folder, order.folder), {
              opId: op,
              force: { reason: 'The storm goes on.' },
            });
      this.#work.learn(order, answer);
      tell({ told: 'answer', op, answer, until: clock() });
    } catch (error) {
      if (!isStoreError(error)) throw error;
      this.#work.failed(order);
      tell({ told: 'fault', op, code: error.code, message: error.message });
    }
  }

  async #do(chore: Chore): Promise<void> {
    if (chore === 'reopen') return this.#reopen();
    return this.#track(this.#keepHouse(chore));
  }

  async #keepHouse(chore: 'retain' | 'backup'): Promise<void> {
    const { store } = await this.#open;
    try {
      if (chore === 'retain') tell({ told: 'did', chore, count: await store.retain() });
      else tell({ told: 'did', chore, count: (await store.backup()).seq });
    } catch (error) {
      if (!isStoreError(error)) throw error;
      tell({ told: 'fault', op: chore, code: error.code, message: error.message });
    }
  }

  async #reopen(): Promise<void> {
    if (this.#reopening) return;
    this.#reopening = true;
    const { store } = await this.#open;
    const others = Promise.all(this.#underWay);
    this.#open = (async () => {
      await others;
      await store.close();
      return this.#reopened();
    })();
    await this.#open;
    this.#reopening = false;
    tell({ told: 'did', chore: 'reopen', count: 1 });
  }

  async #reopened(): Promise<{ readonly store: Store; readonly files: WorkflowFiles }> {
    const { index, inThread, follows } = this.part;
    const identity: Identity = {
      agent: `stormer-${index}` as AgentName,
      named: true,
      kind: 'worker',
      session: newId('ses') as SessionId,
      host: hostname(),
      pid: process.pid,
    };
    const place = this.#place;
    const options = { place, identity, durability: 'full' } as const;
    const onStep = (step: string): void => {
      this.#step(step);
    };
    const start = clock();
    const store = inThread
      ? await openThreadStore(options, resolve('dist/storeThread.js'))
      : await openLocalStore({ ...options, onStep });
    tell({ told: 'open', ms: clock() - start });
    store.onFault((error) => {
      tell({ told: 'wrong', what: `fault: ${error.stack ?? error.message}` });
    });
    if (store.readOnlyBecause) throw store.readOnlyBecause;
    if (follows) await this.#follow(store);
    // As short as it may be, so that whoever stands still loses his lockfiles, too.
    const lockStaleMs = 2_000;
    return {
      store,
      files: new WorkflowFiles({ place, store, now: Date.now, lockStaleMs, onStep }),
    };
  }

  /** Every event once and in order, whoever is killed meanwhile. */
  async #follow(store: Store): Promise<void> {
    this.#last ??= await store.read('head', {});
    store.subscribe(this.#last, (events) => {
      for (const { seq } of events) {
        if (seq !== (this.#last ?? 0) + 1) {
          tell({ told: 'wrong', what: `event ${seq} was told after event ${this.#last}` });
        }
        this.#last = seq;
      }
      this.#work.see(events);
    });
  }

  async #track(work: Promise<void>): Promise<void> {
    this.#underWay.add(work);
    try {
      await work;
    } finally {
      this.#underWay.delete(work);
    }
  }

  #step(step: string): void {
    const { fatal } = this.part;
    if (step !== fatal?.step) return;
    this.#times += 1;
    if (this.#times < fatal.time) return;
    tell({ told: 'dies', at: step });
    process.kill(process.pid, 'SIGKILL');
  }
}

void new Stormer(JSON.parse(readFileSync(0, 'utf8')) as Part).run();
