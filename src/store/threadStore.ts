/** The host's end of a store that lives in a thread of its own. */
import { Worker } from 'node:worker_threads';
import { isStoreError, StoreError, type FaultCode } from '../core/errors';
import type { Answer, Command, Granted, OpId, Seq, StoredEvent } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { Awaited, AwaitRequest } from './awaits';
import type { Identity, Reads } from './engine';
import { putTogether, type Part } from './parts';
import type { StoreBackup } from './sqlite/backups';
import type { Verified } from './sqlite/verify';
import type { EventListener, Store, StoreOptions } from './store';

export type ThreadRequest = { readonly id: number } & (
  | { readonly type: 'submit'; readonly command: Command; readonly opId: OpId | undefined }
  | { readonly type: 'read'; readonly name: keyof Reads; readonly ask: Reads[keyof Reads]['ask'] }
  | { readonly type: 'subscribe'; readonly from: Seq }
  | { readonly type: 'unsubscribe'; readonly subscription: number }
  | { readonly type: 'await'; readonly ask: Omit<AwaitRequest, 'signal'> }
  | { readonly type: 'unawait'; readonly wait: number }
  /** Asks for the next part of an answer, or the next batch of a subscription; is not answered itself. */
  | { readonly type: 'next'; readonly of: number }
  | { readonly type: 'verify' | 'backup' | 'retain' | 'harden' }
  | { readonly type: 'close' }
);

/** What is answered when it is done; the others steer what is under way. */
export type ThreadTask = Exclude<ThreadRequest, { readonly type: 'next' | 'close' }>;

export type ThreadReport =
  | { readonly type: 'open'; readonly readOnlyBecause: SentError | undefined }
  | { readonly type: 'openFailed'; readonly error: SentError }
  | { readonly type: 'part'; readonly id: number; readonly part: Part }
  /** The last of an answer: all of it, or what its parts belong into. */
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
      worker.off('error', failed);
      worker.off('exit', ended);
      if (report.type === 'openFailed') {
        void worker.terminate();
        reject(received(report.error));
      } else {
        const error = report.type === 'open' ? report.readOnlyBecause : undefined;
        const fault = error && received(error);
        resolve(isStoreError(fault) ? fault : undefined);
      }
    };
    const failed = (cause: unknown): void => {
      reject(threadGone('The store thread failed while it opened the store', cause));
    };
    const ended = (): void => {
      reject(threadGone('The store thread ended while it opened the store'));
    };
    worker.once('error', failed);
    worker.once('exit', ended);
    worker.once('message', settle);
  });
  return new ThreadStore(worker, options.identity, readOnlyBecause);
}

interface Waiting {
  /** What has come of a long answer. */
  readonly parts: Part[];
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

class ThreadStore implements Store {
  readonly #waiting = new Map<number, Waiting>();
  readonly #subscriptions = new Map<number, EventListener>();
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

  async harden(): Promise<void> {
    await this.#request({ type: 'harden' });
  }

  subscribe(from: Seq, listener: EventListener): Disposable {
    const id = this.#newId();
    this.#subscriptions.set(id, listener);
    this.#request({ type: 'subscribe', from }, id).catch((error: unknown) => {
      this.#faults.fire(error as Error);
    });
    return {
      dispose: () => {
        if (this.#subscriptions.delete(id)) this.#tell({ type: 'unsubscribe', subscription: id });
      },
    };
  }

  async await({ signal, ...ask }: AwaitRequest): Promise<Answer<Awaited>> {
    signal?.throwIfAborted();
    const id = this.#newId();
    const abort = (): void => {
      this.#take(id)?.reject(signal?.reason);
      this.#tell({ type: 'unawait', wait: id });
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return (await this.#request({ type: 'await', ask }, id)) as Answer<Awaited>;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
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
      this.#waiting.set(id, { parts: [], resolve, reject });
      this.worker.postMessage({ ...request, id });
    });
  }

  /** Where no answer matters, and none is to be had from a thread that is about to end. */
  #tell(request: Without<ThreadRequest, 'id'>): void {
    if (!this.#gone && !this.#closing) this.worker.postMessage({ ...request, id: this.#newId() });
  }

  #receive(report: ThreadReport): void {
    switch (report.type) {
      case 'part':
        // Also of an answer that nobody waits for any more: the thread waits to be rid of it.
        this.#waiting.get(report.id)?.parts.push(report.part);
        this.#wantNext(report.id);
        return;
      case 'answer': {
        const waiting = this.#take(report.id);
        waiting?.resolve(putTogether(report.value, waiting.parts));
        return;
      }
      case 'failed':
        this.#take(report.id)?.reject(received(report.error));
        return;
      case 'events':
        void this.#hand(report.events, report.subscription);
        return;
      case 'fault':
        this.#faults.fire(received(report.error));
        return;
      case 'open':
      case 'openFailed':
        return;
    }
  }

  async #hand(events: readonly StoredEvent[], subscription: number): Promise<void> {
    try {
      await this.#subscriptions.get(subscription)?.(events);
    } catch (error) {
      this.#faults.fire(error as Error);
    }
    this.#wantNext(subscription);
  }

  #wantNext(of: number): void {
    if (!this.#gone) this.worker.postMessage({ type: 'next', of, id: this.#newId() });
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  /** Nobody is left waiting for an answer that cannot come. */
  #end(why: string, cause?: unknown): void {
    if (this.#gone) return;
    this.#gone = threadGone(why, cause);
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone);
    this.#waiting.clear();
    if (!this.#closing) this.#faults.fire(this.#gone);
  }
}

type Without<Union, Key extends keyof Union> = Union extends unknown ? Omit<Union, Key> : never;

function threadGone(why: string, cause?: unknown): StoreError {
  const told = cause instanceof Error ? `${why}: ${cause.message}` : why;
  return new StoreError('store_unavailable', `${told}. What was acknowledged is safe.`, { cause });
}

function received(error: SentError): Error {
  const made =
    error.code === undefined ? new Error(error.message) : new StoreError(error.code, error.message);
  if (error.stack !== undefined) made.stack = error.stack;
  return made;
}
