/**
 * The store's own thread: the host's event loop never waits for a disk. Speaks `ThreadRequest` and
 * `ThreadReport` with `threadStore.ts`; `threadEntry.ts` starts it.
 */
import { workerData, type MessagePort } from 'node:worker_threads';
import { isStoreError } from '../../core/errors';
import type { Disposable } from '../../shared/lifecycle';
import { openLocalStore, type LocalOptions } from '../localStore';
import type { Store, StoreOptions } from '../store';
import type { SentError, ThreadReport, ThreadRequest } from '../threadStore';

/** @param more what cannot come as a message: functions that a test injects */
export async function serve(port: MessagePort, more: Partial<LocalOptions> = {}): Promise<void> {
  const report = (message: ThreadReport): void => {
    port.postMessage(message);
  };
  let store: Store;
  try {
    store = await openLocalStore({ ...(workerData as StoreOptions), ...more, inThread: true });
  } catch (error) {
    report({ type: 'openFailed', error: sent(error) });
    return;
  }
  const subscriptions = new Map<number, Disposable>();
  store.onFault((error) => {
    report({ type: 'fault', error: sent(error) });
  });

  const answer = async (request: ThreadRequest): Promise<unknown> => {
    switch (request.type) {
      case 'submit':
        return store.submit(request.command, request.opId);
      case 'read':
        return store.read(request.name, request.ask);
      case 'subscribe':
        subscriptions.set(
          request.id,
          store.subscribe(request.from, (events) => {
            report({ type: 'events', subscription: request.id, events });
          }),
        );
        return undefined;
      case 'unsubscribe':
        subscriptions.get(request.subscription)?.dispose();
        subscriptions.delete(request.subscription);
        return undefined;
      case 'verify':
      case 'backup':
      case 'retain':
        return store[request.type]();
      case 'close':
        await store.close();
        return undefined;
    }
  };

  port.on('message', (request: ThreadRequest) => {
    answer(request).then(
      (value) => {
        report({ type: 'answer', id: request.id, value });
        if (request.type === 'close') port.close();
      },
      (error: unknown) => {
        report({ type: 'failed', id: request.id, error: sent(error) });
      },
    );
  });
  report({
    type: 'open',
    readOnlyBecause: store.readOnlyBecause && sent(store.readOnlyBecause),
  });
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
