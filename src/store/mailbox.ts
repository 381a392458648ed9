/**
 * The queue in front of an engine. Commands are decided in the order in which they came, many to a
 * transaction, and answered only after it is durable. While another process is at work the queue grows, and
 * shares the next transaction.
 */
import { isStoreError, StoreError } from '../core/errors';
import type { AnyAnswer, Engine, Outcome, Submission } from './engine';
import type { Turns } from './turns';

const batchSize = 256;

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
    private readonly engine: Pick<Engine, 'transact'>,
    private readonly turns: Pick<Turns, 'take'>,
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
      if (await this.#transact()) this.afterCommit();
      await immediate();
    }
    this.#draining = undefined;
  }

  async #transact(): Promise<boolean> {
    const waiting = this.#queue.length;
    let batch: readonly Letter[] = [];
    let outcomes: readonly Outcome[];
    try {
      outcomes = await this.turns.take(() => {
        batch = this.#queue.slice(0, batchSize);
        return this.engine.transact(batch.map(({ submission }) => submission));
      });
    } catch (error) {
      // Who came while we waited has a whole wait of its own.
      const failed = isStoreError(error) && error.code === 'store_busy' ? waiting : batch.length;
      for (const letter of this.#queue.splice(0, failed)) letter.reject(error);
      return false;
    }
    this.#queue.splice(0, batch.length);
    settle(batch, outcomes);
    return true;
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
