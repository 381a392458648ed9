/**
 * Waiting for what others have: stands in line, and asks again when something has happened that may help.
 *
 * Contract: woken by events, with a renewal every 5 s, which keeps the place in line, takes an offer that was missed
 * and expires what is over. The place is given up when the wait ends otherwise than granted.
 */
import type { Answer, EventKind, Refusal, StoredEvent } from '../core/model';
import type { Store } from '../store/store';

export const renewEveryMs = 5_000;

export interface Patience<Facts> {
  readonly store: Store;
  readonly waitMs: number;
  /** Refused for good by anything else. */
  readonly worthWaiting: ReadonlySet<Refusal['code']>;
  /** What may have made room. */
  readonly wakes: ReadonlySet<EventKind>;
  readonly ending: AbortSignal;
  ask(renewal: boolean): Promise<Answer<Facts>>;
  /** Leaves the line. */
  leave(): Promise<unknown>;
  /** Told of the first refusal. */
  readonly waiting: (refusal: Refusal) => void;
}

export async function waitFor<Facts>(patience: Patience<Facts>): Promise<Answer<Facts>> {
  const { store, waitMs, worthWaiting, wakes, ending } = patience;
  const deadline = performance.now() + waitMs;
  const bell = new Bell();
  // Before the first question, so that nothing can happen in between.
  const subscription = store.subscribe(await store.read('head', {}), (events) => {
    if (events.some(({ kind, session }) => wakes.has(kind) && !isOwn(session))) bell.ring();
  });
  const isOwn = (session: StoredEvent['session']): boolean => session === store.identity.session;
  const end = (): void => {
    bell.ring();
  };
  ending.addEventListener('abort', end, { once: true });
  try {
    for (let renewal = false; ; renewal = true) {
      const answer = await patience.ask(renewal);
      if (answer.ok || !worthWaiting.has(answer.refusal.code)) return answer;
      const left = deadline - performance.now();
      if (left <= 0 || ending.aborted) {
        await patience.leave();
        ending.throwIfAborted();
        return answer;
      }
      if (!renewal) patience.waiting(answer.refusal);
      await bell.heard(Math.min(left, renewEveryMs, soonest(answer.refusal)));
    }
  } finally {
    ending.removeEventListener('abort', end);
    subscription.dispose();
  }
}

/** A run that waits for its time is worth another question just then; nothing will happen that tells of it. */
function soonest(refusal: Refusal): number {
  return refusal.code === 'nothing_queued' && refusal.waiting.notBefore > 0
    ? Math.max(1, refusal.retryAfterMs)
    : Infinity;
}

/** Rings once for whoever listens next, however often it was rung before. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  async heard(atMostMs: number): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.ceil(atMostMs));
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
