/**
 * Waiting for runs to end, on events alone.
 *
 * Contract: a wait hears of events before its first look, so that no end falls between the two. It looks again
 * when an attempt of one of its chains has ended, at its deadline, and every 5 s in case a notice went astray;
 * never otherwise. All waits of a store share one subscription and one look at the rows, and the last one that
 * ends takes subscription and timers with it.
 */
import { StoreError } from '../core/errors';
import type {
  Answer,
  EventKind,
  EventOf,
  RunId,
  RunRow,
  RunSnapshot,
  Seq,
  StoredEvent,
} from '../core/model';
import { awaitVerdict, recheckMs } from '../core/rules/awaiting';
import type { Disposable } from '../shared/lifecycle';
import type { OnStep } from './durableFs';
import type { Chains } from './engine';
import type { Schedule } from './upkeep';

export interface AwaitRequest {
  readonly ids: readonly RunId[];
  readonly mode: 'any' | 'all';
  /** These very attempts, not their chains. */
  readonly attempt?: boolean;
  /** Counts from the call; null waits as long as the store is open. */
  readonly deadlineMs: number | null;
  /** Its reason is what the wait is rejected with. */
  readonly signal?: AbortSignal;
}

export interface Awaited {
  readonly runs: readonly RunSnapshot[];
}

/** What waiting needs of a store. */
export interface AwaitSource {
  head(): Promise<Seq>;
  chains(ids: readonly RunId[]): Promise<Chains>;
  subscribe(from: Seq, listener: (events: readonly StoredEvent[]) => void): Disposable;
  /** Some waits go on after their first look, or none is left. */
  waiting(isWaiting: boolean): void;
}

interface Wait {
  readonly request: AwaitRequest;
  /** By the monotonic clock; infinite without one. */
  readonly deadline: number;
  /** Of the chains; known from the first look on. */
  roots: readonly RunId[];
  /** The newest event that concerns it, and the moment of its last look. */
  heard: Seq;
  seen: Seq;
  cancelDeadline: () => void;
  resolve(answer: Answer<Awaited>): void;
  reject(error: unknown): void;
}

/** Longer timers go off at once. */
const longestTimer = 2 ** 31 - 1;
/** Chains that are read before others have a turn. */
const chainsAtOnce = 250;

export class Awaits {
  readonly #waits = new Set<Wait>();
  /** Those that have not had a look yet. */
  readonly #fresh = new Set<Wait>();
  /** Those that have had one, by each of their roots. */
  readonly #byRoot = new Map<RunId, Set<Wait>>();
  readonly #due = new Set<Wait>();
  #looking = false;
  #subscription: Disposable | undefined;
  #cancelRecheck: () => void = () => undefined;
  #closed = false;

  constructor(
    private readonly source: AwaitSource,
    private readonly schedule: Schedule = timer,
    private readonly onStep: OnStep = () => undefined,
  ) {}

  begin(request: AwaitRequest): Promise<Answer<Awaited>> {
    return new Promise((resolve, reject) => {
      const { signal, deadlineMs } = request;
      signal?.throwIfAborted();
      if (this.#closed) throw closed();
      const abort = (): void => {
        wait.reject(signal?.reason);
      };
      const wait: Wait = {
        request,
        deadline: deadlineMs === null ? Infinity : performance.now() + deadlineMs,
        roots: [],
        heard: 0,
        seen: -1,
        cancelDeadline: () => undefined,
        resolve: (answer) => {
          signal?.removeEventListener('abort', abort);
          this.#end(wait);
          resolve(answer);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', abort);
          this.#end(wait);
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a signal's reason may be anything
          reject(error);
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waits.add(wait);
      this.#fresh.add(wait);
      if (this.#waits.size === 1) this.#recheckLater();
      this.#armDeadline(wait);
      this.#lookAt([wait]);
    });
  }

  /** No event will come any more. */
  fail(error: unknown): void {
    for (const wait of [...this.#waits]) wait.reject(error);
  }

  close(): void {
    this.#closed = true;
    this.fail(closed());
  }

  #hear(events: readonly StoredEvent[]): void {
    for (const event of events) {
      const root = rootOfEnded(event);
      if (root === undefined) continue;
      const concerned = [...(this.#byRoot.get(root) ?? [])];
      for (const wait of [...concerned, ...this.#fresh]) wait.heard = event.seq;
      this.#lookAt(concerned.filter((wait) => wait.seen < wait.heard));
    }
  }

  #lookAt(waits: Iterable<Wait>): void {
    for (const wait of waits) this.#due.add(wait);
    if (this.#due.size === 0 || this.#looking) return;
    this.#looking = true;
    this.#look().then(
      () => {
        this.#looking = false;
        this.#lookAt([]);
      },
      (error: unknown) => {
        this.#looking = false;
        this.fail(error);
      },
    );
  }

  async #look(): Promise<void> {
    // Whoever asks in the same turn of the event loop, or is woken by the same events, shares the look.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.#waits.size === 0) return;
    const from = this.#subscription ? undefined : await this.source.head();
    if (from !== undefined && this.#waits.size > 0) {
      this.#subscription = this.source.subscribe(from, (events) => {
        this.#hear(events);
      });
    }
    const waits = this.#nextDue();
    const ids = [...new Set(waits.flatMap(({ request }) => request.ids))];
    const { seq, chains } = await this.source.chains(ids);
    const known = new Map(chains.map(({ id, runs }) => [id, runs]));
    for (const wait of waits) if (this.#waits.has(wait)) this.#judge(wait, seq, known);
  }

  #nextDue(): readonly Wait[] {
    const waits: Wait[] = [];
    const ids = new Set<RunId>();
    for (const wait of this.#due) {
      this.#due.delete(wait);
      waits.push(wait);
      for (const id of wait.request.ids) ids.add(id);
      if (ids.size >= chainsAtOnce) break;
    }
    return waits;
  }

  #judge(wait: Wait, at: Seq, chains: ReadonlyMap<RunId, readonly RunRow[]>): void {
    this.onStep('await.look');
    const { ids, mode, attempt = false } = wait.request;
    const deadlineReached = performance.now() >= wait.deadline;
    const verdict = awaitVerdict({ ids, mode, attempt, deadlineReached }, chains);
    if (verdict.over) {
      const { runs, refusal } = verdict;
      wait.resolve(refusal ? { ok: false, at, refusal } : { ok: true, at, facts: { runs } });
      return;
    }
    wait.seen = at;
    if (this.#fresh.delete(wait)) {
      if (this.#byRoot.size === 0) this.source.waiting(true);
      wait.roots = [...new Set(ids.map((id) => chains.get(id)?.[0]?.root ?? id))];
      for (const root of wait.roots) {
        const others = this.#byRoot.get(root);
        if (others) others.add(wait);
        else this.#byRoot.set(root, new Set([wait]));
      }
    }
    // Something ended while the rows were being read.
    if (wait.heard > wait.seen) this.#lookAt([wait]);
  }

  #armDeadline(wait: Wait): void {
    if (wait.deadline === Infinity) return;
    const left = Math.ceil(wait.deadline - performance.now());
    wait.cancelDeadline = this.schedule(
      () => {
        // Timers may go off early, and a long one has to be wound up again.
        if (performance.now() < wait.deadline) this.#armDeadline(wait);
        else this.#lookAt([wait]);
      },
      Math.min(Math.max(left, 0), longestTimer),
    );
  }

  #recheckLater(): void {
    this.#cancelRecheck();
    this.#cancelRecheck = this.schedule(() => {
      this.#recheckLater();
      this.#lookAt(this.#waits);
    }, recheckMs);
  }

  #end(wait: Wait): void {
    if (!this.#waits.delete(wait)) return;
    wait.cancelDeadline();
    this.#due.delete(wait);
    this.#fresh.delete(wait);
    for (const root of wait.roots) {
      const others = this.#byRoot.get(root);
      others?.delete(wait);
      if (others?.size === 0) this.#byRoot.delete(root);
      if (this.#byRoot.size === 0) this.source.waiting(false);
    }
    if (this.#waits.size > 0) return;
    this.#cancelRecheck();
    this.#subscription?.dispose();
    this.#subscription = undefined;
  }
}

/** Only the end of an attempt can be the end of a wait. */
const ends = ['run.completed', 'run.failed', 'run.killed', 'run.cancelled', 'run.lost'] as const;

function rootOfEnded(event: StoredEvent): RunId | undefined {
  return isEnd(event) ? event.data.row.root : undefined;
}

function isEnd(event: StoredEvent): event is EventOf<(typeof ends)[number]> {
  return (ends as readonly EventKind[]).includes(event.kind);
}

function closed(): StoreError {
  return new StoreError(
    'store_unavailable',
    'The store was closed while somebody waited for runs.',
  );
}

/** Keeps the process alive: a call that waits has nothing else to do. */
const timer: Schedule = (work, afterMs) => {
  const handle = setTimeout(work, afterMs);
  return () => {
    clearTimeout(handle);
  };
};
