/**
 * The store's own thread: the host's event loop never waits for a disk. Speaks `ThreadRequest` and
 * `ThreadReport` with `threadStore.ts`; `threadEntry.ts` starts it.
 */
import { workerData, type MessagePort } from 'node:worker_threads';
import { isStoreError } from '../../core/errors';
import type { Disposable } from '../../shared/lifecycle';
import { openLocalStore, type LocalOptions } from '../localStore';
import { takeApart } from '../parts';
import type { Store, StoreOptions } from '../store';
import type { SentError, ThreadReport, ThreadRequest, ThreadTask } from '../threadStore';

/** @param more what cannot come as a message: functions that a test injects */
export async function serve(port: MessagePort, more: Partial<LocalOptions> = {}): Promise<void> {
  let store: Store;
  try {
    store = await openLocalStore({ ...(workerData as StoreOptions), ...more, inThread: true });
  } catch (error) {
    port.postMessage({ type: 'openFailed', error: sent(error) } satisfies ThreadReport);
    return;
  }
  const service = new Service(store, port);
  port.on('message', (request: ThreadRequest) => {
    service.receive(request);
  });
}

class Service {
  readonly #subscriptions = new Map<number, Disposable>();
  readonly #awaits = new Map<number, AbortController>();
  /** What is to be sent when the host has taken what it was sent before. */
  readonly #sendNext = new Map<number, () => void>();
  readonly #answering = new Set<Promise<void>>();

  constructor(
    private readonly store: Store,
    private readonly port: MessagePort,
  ) {
    store.onFault((error) => {
      this.#report({ type: 'fault', error: sent(error) });
    });
    this.#report({
      type: 'open',
      readOnlyBecause: store.readOnlyBecause && sent(store.readOnlyBecause),
    });
  }

  receive(request: ThreadRequest): void {
    if (request.type === 'next') {
      const sendNext = this.#sendNext.get(request.of);
      this.#sendNext.delete(request.of);
      sendNext?.();
      return;
    }
    if (request.type === 'close') {
      void this.#close(request.id);
      return;
    }
    const answering = this.#answer(request).finally(() => this.#answering.delete(answering));
    this.#answering.add(answering);
  }

  async #answer(request: ThreadTask): Promise<void> {
    const { id } = request;
    try {
      const { frame, parts } = takeApart(await this.#do(request));
      for (const part of parts) {
        this.#report({ type: 'part', id, part });
        await this.#taken(id);
      }
      this.#report({ type: 'answer', id, value: frame });
    } catch (error) {
      this.#report({ type: 'failed', id, error: sent(error) });
    }
  }

  async #do(request: ThreadTask): Promise<unknown> {
    const { store } = this;
    switch (request.type) {
      case 'submit':
        return store.submit(request.command, request.opId);
      case 'read':
        return store.read(request.name, request.ask);
      case 'subscribe':
        this.#subscribe(request.id, request.from);
        return undefined;
      case 'unsubscribe':
        this.#subscriptions.get(request.subscription)?.dispose();
        this.#subscriptions.delete(request.subscription);
        this.#sendNext.delete(request.subscription);
        return undefined;
      case 'await': {
        const controller = new AbortController();
        this.#awaits.set(request.id, controller);
        try {
          return await store.await({ ...request.ask, signal: controller.signal });
        } finally {
          this.#awaits.delete(request.id);
        }
      }
      case 'unawait':
        this.#awaits.get(request.wait)?.abort();
        return undefined;
      case 'verify':
      case 'backup':
      case 'retain':
      case 'harden':
        return store[request.type]();
    }
  }

  #subscribe(id: number, from: number): void {
    this.#subscriptions.set(
      id,
      this.store.subscribe(from, (events) => {
        this.#report({ type: 'events', subscription: id, events });
        return this.#taken(id);
      }),
    );
  }

  #taken(id: number): Promise<void> {
    return new Promise((resolve) => {
      this.#sendNext.set(id, resolve);
    });
  }

  /** Everything that was asked before is answered before. */
  async #close(id: number): Promise<void> {
    try {
      await this.store.close();
      await Promise.all(this.#answering);
      this.#report({ type: 'answer', id, value: undefined });
    } catch (error) {
      this.#report({ type: 'failed', id, error: sent(error) });
    }
    this.port.close();
  }

  #report(message: ThreadReport): void {
    this.port.postMessage(message);
  }
}

function sent(error: unknown): SentError {
  if (!(error instanceof Error))
    return { message: String(error), stack: undefined, code: undefined };
  return {
    message: error.message,
    stack: error.stack,
    code: isStoreError(error) ? error.code : undefined,
  };
}
