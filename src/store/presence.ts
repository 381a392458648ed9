/**
 * What a process does for the store while it stays: a window or a server is known by a session and gives signs
 * of life; it tidies up what is over, and moves old runs to the archive. A call that waits for runs tidies up
 * meanwhile, because the run that it waits for may be held by somebody who is gone.
 *
 * Contract: a store at rest is read once a minute and not written, but for a sign of life every two minutes.
 * No timer of it keeps a process alive. The session ends with `close`; what the agent holds stays held.
 */
import { isStoreError } from '../core/errors';
import type { SessionId } from '../core/model';
import type { Store } from './store';
import type { Schedule } from './upkeep';

export const sweepEveryMs = 60_000;
/** Well under the five minutes after which a silent agent is taken to be gone. */
export const signEveryMs = 120_000;
export const retainEveryMs = 60 * 60_000;

export interface PresenceOptions {
  readonly session: SessionId;
  /** Stays with a window or a server, under a name. */
  readonly resident: boolean;
  readonly schedule: Schedule;
  /** Moves runs to the archive while the condition holds. */
  readonly retain: (goOn: () => boolean) => Promise<number>;
  readonly failed: (error: Error) => void;
}

export class Presence {
  readonly #timers = new Map<string, () => void>();
  #working: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly store: Pick<Store, 'submit' | 'read'>,
    private readonly options: PresenceOptions,
  ) {
    if (!options.resident) return;
    this.#again('sign', 0, signEveryMs, () => this.#sign());
    this.#tidy(0);
    this.#again('retain', 0, retainEveryMs, () => this.#retain());
  }

  /** Somebody waits for runs, or nobody does any more. */
  waiting(isWaiting: boolean): void {
    if (this.options.resident || this.#closed) return;
    if (isWaiting) this.#tidy(0);
    else this.#cancel('sweep');
  }

  /** When it resolves the session has ended; nothing of it is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
    await this.#working;
    if (this.options.resident)
      await this.#attempt(() => this.store.submit({ kind: 'session.end' }));
  }

  #tidy(afterMs: number): void {
    this.#again('sweep', afterMs, sweepEveryMs, () => this.#sweep());
  }

  /** Also begins the session, and begins it anew when others have taken us to be gone. */
  async #sign(): Promise<void> {
    const { session } = this.options;
    const known = await this.store.read('session', { id: session });
    await this.store.submit({ kind: known ? 'agent.touch' : 'session.start' });
  }

  async #sweep(): Promise<void> {
    while (!this.#closed && (await this.store.read('chores', {})).sweep) {
      const answer = await this.store.submit({ kind: 'sweep' });
      if (!answer.ok || !answer.facts.more) return;
    }
  }

  async #retain(): Promise<void> {
    if (!(await this.store.read('chores', {})).retention) return;
    await this.options.retain(() => !this.#closed);
  }

  /** One thing at a time, in the order in which they came due. */
  #again(name: string, afterMs: number, everyMs: number, work: () => Promise<unknown>): void {
    this.#cancel(name);
    this.#timers.set(
      name,
      this.options.schedule(() => {
        this.#again(name, everyMs, everyMs, work);
        this.#working = this.#working.then(() => (this.#closed ? undefined : this.#attempt(work)));
      }, afterMs),
    );
  }

  #cancel(name: string): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }

  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // Others keep the store busy; all of this has time.
      if (isStoreError(error) && error.code === 'store_busy') return;
      this.options.failed(error as Error);
    }
  }
}
