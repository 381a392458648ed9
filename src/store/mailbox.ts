/**
 * The queue in front of an engine. Commands are decided in the order in which they came, many to a
 * transaction, and answered only after it is durable.
 *
 * While another process holds the database the mailbox waits on a timer, so that reads go on, and tries
 * again after a short random pause: equal chances for everyone, where SQLite's own growing back-off lets
 * one process starve.
 */
import { StoreError } from '../core/errors';
import { Busy, type AnyAnswer, type Engine, type Outcome, type Submission } from './engine';

const batchSize = 256;
const longestWait = 10_000;
/** Milliseconds; the bounds of the pause after the engine was found busy. */
const pause = { shortest: 0.5, longest: 6 };

interface Letter {
  readonly submission: Submission;
  resolve(answer: AnyAnswer): void;
  reject(error: unknown): void;
}

export class Mailbox {
  readonly #queue: Letter[] = [];
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(
    private readonly engine: Engine,
    private readonly afterCommit: () => void,
  ) {}

  submit(submission: Submission): Promise<AnyAnswer> {
    if (this.#closed) {
      return Promise.reject(new StoreError('store_unavailable', 'The store is closed.'));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ submission, resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Takes nothing more, and resolves when all that was taken is answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // Whoever submits in the same turn of the event loop shares the transaction.
    await immediate();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, batchSize);
      try {
        settle(batch, await this.#transact(batch.map((letter) => letter.submission)));
      } catch (error) {
        for (const letter of batch) letter.reject(error);
        continue;
      }
      this.afterCommit();
      await immediate();
    }
    this.#draining = undefined;
  }

  async #transact(batch: readonly Submission[]): Promise<readonly Outcome[]> {
    return whenFree(() => this.engine.transact(batch));
  }
}

/** Runs `work` as soon as the database is free, or gives up with `store_busy`. */
export async function whenFree<T>(work: () => T): Promise<T> {
  const start = performance.now();
  for (;;) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Busy)) throw error;
      if (performance.now() - start > longestWait) {
        throw new StoreError(
          'store_busy',
          `The store has been busy for ${longestWait / 1000} s. Another process keeps it locked; close it, or try again.`,
          { cause: error },
        );
      }
    }
    await elapsed(pause.shortest + Math.random() * (pause.longest - pause.shortest));
  }
}

function settle(batch: readonly Letter[], outcomes: readonly Outcome[]): void {
  batch.forEach((letter, index) => {
    const outcome = outcomes[index];
    if (outcome === undefined)
      letter.reject(new Error('the engine left a command without an answer'));
    else if ('answer' in outcome) letter.resolve(outcome.answer);
    else letter.reject(outcome.error);
  });
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const elapsed = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
