/**
 * Keeps the parts of a program apart: one that fails is ended and started anew, with those that were built on it;
 * one that fails again and again stays down, with its reason. The others go on.
 *
 * Contract: `start` never throws. A part is ended before it is started again, and everything that runs is ended by
 * `dispose`, in the opposite order of its start.
 */
import { Belongings, type Disposable } from './lifecycle';

/** What a part is given: whatever it does later goes through `guard`, so that its failure is its own. */
export interface PartContext {
  readonly belongings: Belongings;
  /** A failure of `work` is the part's failure; the answer is `otherwise` then. */
  readonly guard: <Values extends readonly unknown[], Result>(
    work: (...values: Values) => Result,
    otherwise: Result,
  ) => (...values: Values) => Result;
}

export interface Part {
  readonly name: string;
  /** Names of parts that were added before. */
  readonly needs?: readonly string[];
  readonly start: (context: PartContext) => void;
}

export interface PartDown {
  readonly name: string;
  readonly reason: string;
}

export interface SupervisionOptions {
  readonly failed: (name: string, error: unknown) => void;
  /** A part stays down. */
  readonly down: (part: PartDown) => void;
  /** Milliseconds that never go back. */
  readonly clock?: () => number;
}

const restarts = { most: 3, withinMs: 5_000 };

interface Running {
  readonly part: Part;
  belongings: Belongings | undefined;
  failures: readonly number[];
  down: PartDown | undefined;
}

export class Supervision implements Disposable {
  readonly #parts = new Map<string, Running>();
  #disposed = false;

  constructor(private readonly options: SupervisionOptions) {}

  get down(): readonly PartDown[] {
    return [...this.#parts.values()].flatMap(({ down }) => (down ? [down] : []));
  }

  start(part: Part): void {
    const running: Running = { part, belongings: undefined, failures: [], down: undefined };
    this.#parts.set(part.name, running);
    this.#start(running);
  }

  /** By a person's word: what is down gets its three attempts again. */
  restart(name: string): void {
    const running = this.#parts.get(name);
    if (!running || this.#disposed) return;
    running.failures = [];
    this.#restart(running);
  }

  dispose(): void {
    this.#disposed = true;
    for (const running of [...this.#parts.values()].reverse()) this.#end(running);
  }

  #start(running: Running): void {
    const { part } = running;
    const missing = part.needs?.find((name) => !this.#parts.get(name)?.belongings);
    if (missing !== undefined) {
      this.#stayDown(running, `It needs ${missing}, which is down.`);
      return;
    }
    running.down = undefined;
    const belongings = new Belongings();
    running.belongings = belongings;
    const current = (): boolean => running.belongings === belongings;
    try {
      part.start({
        belongings,
        guard:
          (work, otherwise) =>
          (...values) => {
            // What was ended may still be called once by who has not heard of it.
            if (!current()) return otherwise;
            try {
              return work(...values);
            } catch (error) {
              if (current()) this.#fail(running, error);
              return otherwise;
            }
          },
      });
    } catch (error) {
      if (current()) this.#fail(running, error);
    }
  }

  #fail(running: Running, error: unknown): void {
    const now = this.options.clock?.() ?? performance.now();
    this.options.failed(running.part.name, error);
    running.failures = [...running.failures, now].filter((at) => now - at < restarts.withinMs);
    if (running.failures.length <= restarts.most) this.#restart(running);
    else {
      for (const dependent of this.#dependentsOf(running)) this.#end(dependent);
      this.#end(running);
      this.#stayDown(running, error instanceof Error ? error.message : String(error));
      for (const dependent of this.#dependentsOf(running).reverse()) this.#start(dependent);
    }
  }

  #restart(running: Running): void {
    const dependents = this.#dependentsOf(running);
    for (const dependent of dependents) this.#end(dependent);
    this.#end(running);
    if (this.#disposed) return;
    this.#start(running);
    for (const dependent of dependents.reverse()) this.#start(dependent);
  }

  #stayDown(running: Running, reason: string): void {
    running.down = { name: running.part.name, reason };
    this.options.down(running.down);
  }

  #end(running: Running): void {
    const { belongings } = running;
    running.belongings = undefined;
    try {
      belongings?.dispose();
    } catch (error) {
      // It is being ended; that it does not end well takes nothing else down.
      this.options.failed(running.part.name, error);
    }
  }

  /** Last started first. */
  #dependentsOf({ part }: Running): Running[] {
    const found = new Set([part.name]);
    const dependents: Running[] = [];
    for (const running of this.#parts.values()) {
      if (!running.part.needs?.some((name) => found.has(name))) continue;
      found.add(running.part.name);
      dependents.unshift(running);
    }
    return dependents;
  }
}
