/**
 * How processes that write to one store take turns.
 *
 * SQLite's own back-off sleeps longer the longer it has waited, so beside busy processes one may get nothing
 * at all. Here it is the other way round: who has waited longest looks most often and shows that it waits, and
 * who has worked for a whole turn meanwhile steps back for longer than that one sleeps between two looks.
 *
 * Contract: this decides who comes next, never what is right; only the database's lock keeps writers apart.
 * A process that is killed or stopped leaves nothing behind that others would have to clear away. Waiting is
 * a timer, so reads go on meanwhile.
 */
import { join } from 'node:path';
import { StoreError } from '../core/errors';
import { touch, touchOf } from './durableFs';
import { Busy } from './engine';

/** What waiters show to whoever is at work. It may fail to be seen: then turns are a matter of luck. */
export interface WaitingSign {
  /** False when another shows that it has waited for longer. */
  show(waitedMs: number): boolean;
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
  readonly longestWaitMs?: number | undefined;
}

/** Milliseconds. */
const longestWait = 10_000;
const turn = 20;
/** Work that pauses for so long lets others in by itself. */
const breath = 4;
/** Between two looks: of who has waited longest, and of the others at most. */
const nap = { first: 1, others: 6 };
/** Longer than the first sleeps, with time to spare for a machine that is busy. */
const stepBack = 4;
/** No pause of a process that runs is longer, on a machine under load as well. */
const longestPause = 200;
/** The first shows itself at each look; a sign older than this is that of one who has got in, or is no more. */
const signLasts = 20;

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
  const { sign, lastActive, time = realTime, longestWaitMs = longestWait } = options;
  let looked = time.now();
  let waited = 0;
  for (let looks = 1; ; looks += 1) {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Busy)) throw error;
      if (waited > longestWaitMs) throw busyFor(longestWaitMs, lastActive?.(), error);
    }
    // A single transaction of another is over before anyone could step back from it.
    const isFirst = looks === 1 || sign === undefined || sign.show(waited);
    await time.sleep(isFirst ? nap.first : nap.others * (0.5 + time.random() / 2));
    const now = time.now();
    // Who was stopped meanwhile, or slept with the machine, has not looked, and so has not waited.
    waited += Math.min(now - looked, longestPause);
    looked = now;
  }
}

function busyFor(waitMs: number, lastActive: string | undefined, cause: Busy): StoreError {
  const who = lastActive === undefined ? '' : ` The last to write was ${lastActive}.`;
  return new StoreError(
    'store_busy',
    `The store has been busy for ${waitMs / 1000} s: another process keeps it locked.${who} Close or continue that process, or try again.`,
    { cause },
  );
}

/** An empty file. Its time of change tells that somebody waits, the time it bears since when the first one does. */
export class WaitingFile implements WaitingSign {
  readonly #path: string;
  #last: bigint | undefined;

  constructor(
    storeFolder: string,
    private readonly now: () => number = Date.now,
  ) {
    this.#path = join(storeFolder, 'waiting');
  }

  show(waitedMs: number): boolean {
    const now = this.now();
    const since = now - waitedMs;
    const shown = touchOf(this.#path);
    const isShownNow = shown !== undefined && now - Number(shown.changed) / 1e6 < signLasts;
    // Within a few milliseconds nobody is first.
    if (isShownNow && shown.time < since - 2) return false;
    touch(this.#path, since);
    return true;
  }

  seen(): boolean {
    const before = this.#last;
    this.#last = touchOf(this.#path)?.changed;
    return this.#last !== before;
  }
}

const realTime: Time = {
  // Nothing has to be loaded for it, as for `performance`; short calls wait for nobody most of the time.
  now: () => process.uptime() * 1_000,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};
