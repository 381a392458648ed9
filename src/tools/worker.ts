/**
 * `wavelock worker`: takes runs as they become claimable and does each with one command.
 *
 * Contract: it hears of work by events; the interval is there only for what no event tells, such as a worker that
 * died or a time that has come. It never does more at once than it was told to. Told to stop, it claims nothing
 * more, passes the signal on, and ends when nothing of it is left: a run that did not complete counts as an
 * interrupted error and is tried again as its policy says. Told again, it kills at once.
 */
import { hostname } from 'node:os';
import { isStoreError, type StoreError } from '../core/errors';
import type {
  EndedStatus,
  EventKind,
  Refusal,
  RunRow,
  Seq,
  StoredEvent,
  WaiterId,
  WorkflowId,
} from '../core/model';
import { isEnded } from '../core/rules/runs';
import { newId } from '../store/newId';
import { HeldRun, type HeldRunEnd } from './heldRun';
import { refused, type Refused } from './commandLine';
import { runnerEnvironment, type Environment } from './runnerEnvironment';
import { RunnerStore } from './runnerStore';
import type { Workplace } from './workplace';

export interface WorkerOptions {
  /** For the shell. */
  readonly command: string;
  readonly concurrency: number;
  readonly intervalMs: number;
  readonly workflow: string | undefined;
  /** Ends when there is nothing left that could be claimed, now or later. */
  readonly drain: boolean;
  readonly env: Environment;
}

export type WorkerDocument =
  | {
      readonly ok: true;
      readonly at: Seq;
      readonly agent: string;
      readonly claimed: number;
      readonly ended: Readonly<Record<EndedStatus, number>>;
      readonly stopped: NodeJS.Signals | null;
    }
  | Refused;

/** Told as it happens, for people. */
export type WorkerNews =
  | { readonly kind: 'ready'; readonly agent: string }
  | { readonly kind: 'claimed'; readonly run: RunRow }
  | { readonly kind: 'ended'; readonly end: HeldRunEnd }
  | { readonly kind: 'stopping'; readonly signal: NodeJS.Signals; readonly running: number };

/** Any of these may leave something to claim that was not there before. */
const mayMakeWork: ReadonlySet<EventKind> = new Set<EventKind>([
  'run.created',
  'run.completed',
  'run.failed',
  'run.killed',
  'run.cancelled',
  'run.lost',
  'run.changed',
  'slot.dropped',
  'config.set',
]);

/** Well before a place in line is taken to be given up. */
const renewEveryMs = 10_000;

export class Worker {
  readonly #held = new Set<HeldRun>();
  readonly #ended: Record<EndedStatus, number> = {
    completed: 0,
    error: 0,
    killed: 0,
    cancelled: 0,
    lost: 0,
  };
  readonly #over: Promise<void>;
  #end: () => void = () => undefined;
  #fault: StoreError | undefined;
  #refusal: Refusal | undefined;
  #stopped: NodeJS.Signals | null = null;
  #stopping = false;
  #claiming = false;
  #claimAgain = false;
  #claimed = 0;
  #timer: NodeJS.Timeout | undefined;
  #waiter: WaiterId | undefined;

  private constructor(
    private readonly desk: RunnerStore,
    private readonly workflow: WorkflowId | undefined,
    private readonly options: WorkerOptions,
    private readonly workplace: Workplace,
    private readonly tell: (news: WorkerNews) => void,
  ) {
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Opens the store, works until it is told to stop, and leaves nothing behind. */
  static async work(
    workplace: Workplace,
    options: WorkerOptions,
    tell: (news: WorkerNews) => void,
    onSignal: (stop: (signal: NodeJS.Signals) => void) => () => void,
  ): Promise<WorkerDocument> {
    const nameless = (session: string): string =>
      `worker:${hostname().slice(0, 40)}:${session.slice(4, 10)}`;
    const desk = await RunnerStore.open(workplace, { kind: 'worker', nameless, resident: true });
    try {
      const { workflow } = options;
      const id = workflow === undefined ? undefined : await desk.workflow(workflow);
      if (typeof id === 'object') return refused(id, await desk.store.read('head', {}));
      const worker = new Worker(desk, id, options, workplace, tell);
      const release = onSignal((signal) => {
        worker.#stop(signal);
      });
      try {
        return await worker.#work();
      } finally {
        release();
      }
    } finally {
      await desk.close();
    }
  }

  async #work(): Promise<WorkerDocument> {
    const fault = this.desk.store.onFault((error) => {
      this.#fail(error);
    });
    this.desk.follow(await this.desk.store.read('head', {}), (events) => {
      this.#hear(events);
    });
    this.tell({ kind: 'ready', agent: this.desk.agent });
    this.#claim();
    await this.#over;
    fault.dispose();
    clearTimeout(this.#timer);
    if (this.#fault) throw this.#fault;
    await this.#leaveLine();
    const at = await this.desk.store.read('head', {});
    if (this.#refusal) return refused(this.#refusal, at);
    const { agent } = this.desk;
    return {
      ok: true,
      at,
      agent,
      claimed: this.#claimed,
      ended: this.#ended,
      stopped: this.#stopped,
    };
  }

  #hear(events: readonly StoredEvent[]): void {
    for (const held of this.#held) for (const event of events) held.hear(event);
    if (events.some(({ kind }) => mayMakeWork.has(kind))) this.#claim();
  }

  /* ---------------------------------------------------------------- claiming */

  /** One claim after another, until there is nothing more to have; whoever calls meanwhile makes it look again. */
  #claim(): void {
    this.#claimAgain = true;
    if (this.#claiming || this.#isFull()) return;
    this.#claiming = true;
    this.#claimAll()
      .catch((error: unknown) => {
        this.#fail(error as Error);
      })
      .finally(() => {
        this.#claiming = false;
        this.#endIfDone();
      });
  }

  #isFull(): boolean {
    return this.#stopping || this.#held.size >= this.options.concurrency;
  }

  async #claimAll(): Promise<void> {
    clearTimeout(this.#timer);
    while (this.#claimAgain && !this.#isFull()) {
      this.#claimAgain = false;
      for (let more = true; more && !this.#isFull();) more = await this.#claimOne();
    }
  }

  /** Whether it is worth to ask again at once. */
  async #claimOne(): Promise<boolean> {
    const { store } = this.desk;
    const { workflow } = this;
    const renewal = this.#waiter !== undefined;
    const claimedAt = performance.now();
    const answer = await this.#patiently(() =>
      store.submit({
        kind: 'run.claim',
        program: true,
        ...(workflow === undefined ? {} : { workflow }),
        ...(this.#waiter === undefined ? {} : { waiter: this.#waiter, renewal }),
      }),
    );
    if (answer === undefined) return false;
    if (answer.ok) {
      // Granted, the place in line is gone.
      this.#waiter = undefined;
      this.#begin(answer.facts, claimedAt);
      return true;
    }
    const { refusal } = answer;
    if (refusal.code === 'no_slot') {
      // From now on in line, so that others who came later do not overtake.
      const stands = this.#waiter !== undefined;
      this.#waiter ??= newId('wtr') as WaiterId;
      this.#claimAfter(Math.min(this.options.intervalMs, renewEveryMs));
      return !stands;
    }
    if (refusal.code === 'nothing_queued') {
      await this.#leaveLine();
      const { dependencies, notBefore } = refusal.waiting;
      if (this.options.drain && dependencies + notBefore === 0 && this.#held.size === 0) {
        this.#stopping = true;
        return false;
      }
      this.#claimAfter(Math.min(this.options.intervalMs, refusal.retryAfterMs));
      return false;
    }
    if (refusal.code === 'rate_limited') {
      this.#claimAfter(refusal.retryAfterMs);
      return false;
    }
    this.#refusal = refusal;
    this.#stopping = true;
    return false;
  }

  #claimAfter(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#claim();
    }, ms);
  }

  /** Others keep the store busy: at the next interval, then. */
  async #patiently<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isStoreError(error) || error.code !== 'store_busy') throw error;
      this.workplace.warn(error.message);
      this.#claimAfter(this.options.intervalMs);
      return undefined;
    }
  }

  async #leaveLine(): Promise<void> {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter === undefined) return;
    await this.#patiently(() => this.desk.store.submit({ kind: 'run.unwait', waiter }));
  }

  /* ---------------------------------------------------------------- working */

  #begin({ run, token }: { run: RunRow; token: string }, claimedAt: number): void {
    const { desk, options, workplace } = this;
    const held = new HeldRun({
      store: desk.store,
      place: desk.place,
      run,
      token: token as never,
      claimedAt,
      command: options.command,
      cwd: desk.folder,
      env: runnerEnvironment(options.env, { run, token: token as never, agent: desk.agent }),
      stdin: 'ignore',
      interruptedAs: 'error',
      graceMs: desk.graceMs,
      keepPromises: () => desk.keepPromises(),
      warn: workplace.warn,
    });
    this.#claimed += 1;
    this.#held.add(held);
    this.tell({ kind: 'claimed', run });
    // It was claimed while we were told to stop.
    if (this.#stopped) held.interrupt(this.#stopped);
    held.done
      .then(
        (end) => {
          if (isEnded(end.run.status)) this.#ended[end.run.status] += 1;
          this.tell({ kind: 'ended', end });
        },
        (error: unknown) => {
          this.#fail(error as Error);
        },
      )
      .finally(() => {
        this.#held.delete(held);
        this.#claim();
        this.#endIfDone();
      });
  }

  #stop(signal: NodeJS.Signals): void {
    if (this.#stopped) {
      for (const held of this.#held) held.kill();
      return;
    }
    this.#stopped = signal;
    this.#stopping = true;
    this.tell({ kind: 'stopping', signal, running: this.#held.size });
    for (const held of this.#held) held.interrupt(signal);
    this.#endIfDone();
  }

  /** Without its store it can hold nothing. */
  #fail(error: Error): void {
    if (!isStoreError(error)) throw error;
    if (error.code === 'store_busy' || error.code === 'backup_failed') {
      this.workplace.warn(error.message);
      return;
    }
    this.#fault ??= error;
    this.#stopping = true;
    for (const held of this.#held) held.interrupt('SIGTERM');
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#stopping && this.#held.size === 0 && !this.#claiming) this.#end();
  }
}
