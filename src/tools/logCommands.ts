/** What the command line tells of events. */
import { isStoreError } from '../core/errors';
import type { Seq, StoredEvent } from '../core/model';
import { rowsAtOnce } from '../store/parts';
import type { Store } from '../store/store';
import { inStore } from './asking';
import type { Done, Refused } from './commandLine';
import { hasStore, locate, type Workplace } from './workplace';

export type LogDocument =
  | (Done & {
      readonly events: readonly StoredEvent[];
      /** There are more after the last of these: ask again with `--since` and its seq. */
      readonly more: boolean;
    })
  | Refused;

/** Without `since`, the last of them. */
export async function readLog(
  workplace: Workplace,
  { since, limit }: { readonly since: Seq | undefined; readonly limit: number },
): Promise<LogDocument> {
  if (!hasStore(locate(workplace).place)) return { ok: true, at: 0, events: [], more: false };
  return inStore(workplace, async (store) => {
    const head = await store.read('head', {});
    const events: StoredEvent[] = [];
    let after = since ?? Math.max(0, head - limit);
    while (events.length < limit) {
      const page = await eventsAfter(store, after, Math.min(rowsAtOnce, limit - events.length));
      const last = page.at(-1);
      if (last === undefined) break;
      events.push(...page);
      after = last.seq;
    }
    return { ok: true, at: head, events, more: after < head && events.length > 0 };
  });
}

async function eventsAfter(store: Store, after: Seq, limit: number): Promise<StoredEvent[]> {
  return (await store.read('events', { after, limit })).map(withoutDigest);
}

const longestTimer = 2 ** 31 - 1;

/** Hands over every event after `since`, and from then on as they are committed by anyone, until `ending`. */
export function followLog(
  workplace: Workplace,
  {
    since,
    ending,
    tell,
  }: {
    readonly since: Seq | undefined;
    readonly ending: AbortSignal;
    readonly tell: (event: StoredEvent) => void;
  },
): Promise<void> {
  return inStore(workplace, async (store) => {
    const from = since ?? (await store.read('head', {}));
    // Nothing that listens to a store keeps a process alive, and here it has nothing else to do.
    const awake = setInterval(() => undefined, longestTimer);
    await new Promise<void>((resolve, reject) => {
      const end = (error?: Error): void => {
        subscription.dispose();
        faults.dispose();
        if (error === undefined) resolve();
        else reject(error);
      };
      const subscription = store.subscribe(from, (events) => {
        for (const event of events) {
          if (ending.aborted) return;
          tell(withoutDigest(event));
        }
      });
      const faults = store.onFault((error) => {
        if (isStoreError(error) && error.code === 'backup_failed') workplace.warn(error.message);
        else end(error);
      });
      const stop = (): void => {
        end();
      };
      if (ending.aborted) stop();
      else ending.addEventListener('abort', stop, { once: true });
    }).finally(() => {
      clearInterval(awake);
    });
  });
}

/** Nobody can claim anything with it; but what a token is known by is nobody's business. */
export function withoutDigest(event: StoredEvent): StoredEvent {
  const { data } = event as { readonly data: { readonly row?: unknown } };
  const row = data.row as
    { readonly claim?: { readonly tokenDigest?: unknown } | null } | null | undefined;
  if (!row?.claim) return event;
  const claim = Object.fromEntries(
    Object.entries(row.claim).filter(([name]) => name !== 'tokenDigest'),
  );
  return { ...event, data: { ...data, row: { ...row, claim } } } as unknown as StoredEvent;
}
