/** The host's end of a store that lives in a thread of its own. */
import { Worker } from 'node:worker_threads';
import { isStoreError, StoreError, type FaultCode } from '../core/errors';
import type { Answer, Command, Granted, OpId, Seq, StoredEvent } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { Identity, Reads } from './engine';
import type { StoreBackup } from './sqlite/backups';
import type { Verified } from './sqlite/verify';
import type { Store, StoreOptions } from './store';

export type ThreadRequest = { readonly id: number } & (
  | { readonly type: 'submit'; readonly command: Command; readonly opId: OpId | undefined }
  | { readonly type: 'read'; readonly name: keyof Reads; readonly ask: Reads[keyof Reads]['ask'] }
  | { readonly type: 'subscribe'; readonly from: Seq }
  | { readonly type: 'unsubscribe'; readonly subscription: number }
  | { readonly type: 'verify' | 'backup' | 'retain' | 'close' }
);

export type ThreadReport =
  | { readonly type: 'open'; readonly readOnlyBecause: SentError | undefined }
  | { readonly type: 'openFailed'; readonly error: SentError }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failed'; readonly id: number; readonly error: SentError }
  | {
      readonly type: 'events';
      readonly subscription: number;
      readonly events: readonly StoredEvent[];
    }
  | { readonly type: 'fault'; readonly error: SentError };

/** An error keeps neither its class nor its code on the way between threads. */
export interface SentError {
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: FaultCode | undefined;
}

/** @param script the bundle of `sqlite/threadEntry.ts` */
export async function openThreadStore(options: StoreOptions, script: string): Promise<Store> {
  const worker = new Worker(script, {
    workerData: options,
    name: 'wavelock-store',
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const readOnlyBecause = await new Promise<StoreError | undefined>((resolve, reject) => {
    const settle = (report: ThreadReport): void => {
      worker.off('error', reject);
      if (report.type === 'openFailed') {
        void worker.terminate();
        reject(received(report.error));
      } else {
        const error = report.type === 'open' ? report.readOnlyBecause : undefined;
        const fault = error && received(error);
        resolve(isStoreError(fault) ? fault : undefined);
      }
    };
    worker.once('error', reject);
    worker.once('message', settle);
  });
  return new ThreadStore(worker, options.identity, readOnlyBecause);
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

class ThreadStore implements Store {
  readonly #waiting = new Map<number, Waiting>();
  readonly #subscriptions = new Map<number, (events: readonly StoredEvent[]) => void>();
  readonly #faults = new Emitter<Error>((error) => {
    throw error;
  });
  readonly #ended: Promise<void>;
  #lastId = 0;
  #closing: Promise<void> | undefined;
  #gone: StoreError | undefined;

  readonly onFault = this.#faults.event;

  constructor(
    private readonly worker: Worker,
    readonly identity: Identity,
    readonly readOnlyBecause: StoreError | undefined,
  ) {
    worker.on('message', (report: ThreadReport) => {
      this.#receive(report);
    });
    worker.on('error', (cause) => {
      this.#end('The store thread failed', cause);
    });
    this.#ended = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#end('The store thread ended');
        resolve();
      });
    });
  }

  async submit<C extends Command>(command: C, opId?: OpId): Promise<Answer<Granted[C['kind']]>> {
    return (await this.#request({ type: 'submit', command, opId })) as Answer<Granted[C['kind']]>;
  }

  async read<Name extends keyof Reads>(
    name: Name,
    ask: Reads[Name]['ask'],
  ): Promise<Reads[Name]['rows']> {
    return (await this.#request({ type: 'read', name, ask })) as Reads[Name]['rows'];
  }

  async verify(): Promise<Verified> {
    return (await this.#request({ type: 'verify' })) as Verified;
  }

  async backup(): Promise<StoreBackup> {
    return (await this.#request({ type: 'backup' })) as StoreBackup;
  }

  async retain(): Promise<number> {
    return (await this.#request({ type: 'retain' })) as number;
  }

  subscribe(from: Seq, listener: (events: readonly StoredEvent[]) => void): Disposable {
    const id = this.#newId();
    this.#subscriptions.set(id, listener);
    this.#request({ type: 'subscribe', from }, id).catch((error: unknown) => {
      this.#faults.fire(error as Error);
    });
    return {
      dispose: () => {
        if (!this.#subscriptions.delete(id) || this.#closing || this.#gone) return;
        this.#request({ type: 'unsubscribe', subscription: id }).catch((error: unknown) => {
          this.#faults.fire(error as Error);
        });
      },
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#gone) return;
    const asked = this.#request({ type: 'close' });
    this.#subscriptions.clear();
    await asked;
    await this.#ended;
  }

  #newId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #request(request: Without<ThreadRequest, 'id'>, id = this.#newId()): Promise<unknown> {
    if (this.#gone) return Promise.reject(this.#gone);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...request, id });
    });
  }

  #receive(report: ThreadReport): void {
    switch (report.type) {
      case 'answer':
        this.#take(report.id)?.resolve(report.value);
        return;
      case 'failed':
        this.#take(report.id)?.reject(received(report.error));
        return;
      case 'events':
        this.#subscriptions.get(report.subscription)?.(report.events);
        return;
      case 'fault':
        this.#faults.fire(received(report.error));
        return;
      case 'open':
      case 'openFailed':
        return;
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** Nobody is left waiting for an answer that cannot come. */
  #end(why: string, cause?: unknown): void {
    if (this.#gone) return;
    this.#gone = new StoreError(
      'store_unavailable',
      `${why}. Reload the window to start it again.`,
      { cause },
    );
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone);
    this.#waiting.clear();
    if (!this.#closing) this.#faults.fire(this.#gone);
  }
}

type Without<Union, Key extends keyof Union> = Union extends unknown ? Omit<Union, Key> : never;

function received(error: SentError): Error {
  const made =
    error.code === undefined ? new Error(error.message) : new StoreError(error.code, error.message);
  if (error.stack !== undefined) made.stack = error.stack;
  return made;
}
