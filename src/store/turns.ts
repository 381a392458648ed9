/**
 * How processes that write to one store take turns.
 *
 * SQLite's own back-off sleeps longer the longer it has waited, so beside busy processes one may get nothing
 * at all. Here it is the other way round: who has waited longer looks more often, and who has worked for a
 * whole turn while others wait steps back for longer than they sleep between two looks.
 *
 * Contract: this decides who comes next, never what is right; only the database's lock keeps writers apart.
 * A process that is killed or stopped leaves nothing behind that others would have to clear away. Waiting is
 * a timer, so reads go on meanwhile.
 */
import { join } from 'node:path';
import { StoreError } from '../core/errors';
import { touch, touchedAt } from './durableFs';
import { Busy } from './engine';

/** What waiters show to whoever is at work. It may fail to be seen: then turns are a matter of luck. */
export interface WaitingSign {
  show(): void;
  /** Whether another process has shown it since this was last asked. */
  seen(): boolean;
}

export interface Time {
  /** Monotonic, in milliseconds. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

export interface WaitOptions {
  readonly sign?: WaitingSign | undefined;
  /** Who wrote last, for people; asked only when the wait is given up. */
  readonly lastActive?: (() => string | undefined) | undefined;
  readonly time?: Time | undefined;
}

/** Milliseconds. */
const longestWait = 10_000;
const turn = 20;
/** Work that pauses for so long lets others in by itself. */
const breath = 4;
/** Bounds of the sleep between two looks; the older a wait, the nearer to the shorter. */
const nap = { shortest: 1, longest: 6 };
/** Longer than those sleep who have waited for a turn of ours. */
const stepBack = 4;

export class Turns {
  readonly #time: Time;
  /** Since when one transaction has followed another; undefined when this process has stepped back. */
  #workingSince: number | undefined;
  #workedUntil = -Infinity;

  constructor(private readonly options: WaitOptions) {
    this.#time = options.time ?? realTime;
  }

  /** Runs `work` when it is our turn and the database is free, or gives up with `store_busy`. */
  async take<T>(work: () => T): Promise<T> {
    await this.#stepBackIfDue();
    return whenFree(() => {
      const start = this.#time.now();
      const value = work();
      this.#workedUntil = this.#time.now();
      if (this.#workingSince === undefined) {
        this.#workingSince = start;
        // From here on, only who waits during this turn counts.
        this.options.sign?.seen();
      }
      return value;
    }, this.options);
  }

  async #stepBackIfDue(): Promise<void> {
    const now = this.#time.now();
    if (now - this.#workedUntil > breath) this.#workingSince = undefined;
    if (this.#workingSince === undefined || now - this.#workingSince < turn) return;
    this.#workingSince = undefined;
    if (this.options.sign?.seen() === true) await this.#time.sleep(stepBack);
  }
}

/** Runs `work` as soon as the database is free, or gives up with `store_busy`. */
export async function whenFree<T>(work: () => T, options: WaitOptions = {}): Promise<T> {
  const { sign, lastActive, time = realTime } = options;
  const start = time.now();
  for (let looks = 1; ; looks += 1) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Busy)) throw error;
      if (time.now() - start > longestWait) throw busyFor(lastActive?.(), error);
    }
    // A single transaction of another is over before anyone could step back from it.
    if (looks > 1) sign?.show();
    await time.sleep(napAfter(time.now() - start, time.random()));
  }
}

function napAfter(waited: number, random: number): number {
  const span = Math.min(nap.longest, Math.max(nap.shortest, 150 / waited));
  return span * (0.5 + random / 2);
}

function busyFor(lastActive: string | undefined, cause: Busy): StoreError {
  const who = lastActive === undefined ? '' : ` The last to write was ${lastActive}.`;
  return new StoreError(
    'store_busy',
    `The store has been busy for ${longestWait / 1000} s: another process keeps it locked.${who} Close or continue that process, or try again.`,
    { cause },
  );
}

/** An empty file: showing is touching it, and only that its time has changed means something. */
export class WaitingFile implements WaitingSign {
  readonly #path: string;
  #last: bigint | undefined;

  constructor(storeFolder: string) {
    this.#path = join(storeFolder, 'waiting');
  }

  show(): void {
    touch(this.#path);
  }

  seen(): boolean {
    const before = this.#last;
    this.#last = touchedAt(this.#path);
    return this.#last !== before;
  }
}

const realTime: Time = {
  now: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};
