/** What the stories of stalls have in common: a folder, a process that stands still, and the others. */
import assert from 'node:assert/strict';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { Answer, RefusalCode } from '../../src/core/model';
import type { AnyAnswer } from '../../src/store/engine';
import type { Store } from '../../src/store/store';
import { Workbench } from '../contract/stores';
import type { Report } from './stallChild';
import { Sleeper } from './stallSleeper';

export interface Story {
  readonly name: string;
  run(): Promise<void>;
}

/** How long others waited, against what they may have to. */
export class Waits {
  readonly #longest = new Map<string, { readonly ms: number; readonly bound: number }>();

  async atMost<T>(what: string, bound: number, work: Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await work;
    const ms = performance.now() - start;
    if (ms > (this.#longest.get(what)?.ms ?? 0)) this.#longest.set(what, { ms, bound });
    assert.ok(ms <= bound, `${what} took ${Math.round(ms)} ms; the bound is ${bound}`);
    return value;
  }

  said(): string {
    return [...this.#longest]
      .map(([what, { ms, bound }]) => `longest ${what} ${Math.round(ms)} of ${bound} ms`)
      .join(', ');
  }
}

/** Milliseconds; what a claim or lock of a story lasts. */
export const lease = 200;
export const shortestStale = 2_000;
/** For a machine on which many wait for two cores; added to what the rules allow. */
export const margin = 15_000;

export interface Scene {
  readonly bench: Workbench;
  /** Of somebody else, who goes on. */
  readonly store: Store;
  readonly sleeper: Sleeper;
}

export async function scene(
  options: { readonly lockfile?: boolean; prepare?(bench: Workbench): void },
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  const bench = new Workbench();
  options.prepare?.(bench);
  const { lockfile = true } = options;
  const sleeper = new Sleeper({ folder: bench.folder, lockfile, staleMs: shortestStale });
  try {
    await sleeper.ready();
    const store = await bench.store();
    await play({ bench, store, sleeper });
    const { problems } = await store.verify();
    assert.deepEqual(problems, []);
  } finally {
    await sleeper.end();
    await bench.clear();
  }
}

/** Longer than claims and locks of a story last. */
export const outlast = (): Promise<void> => elapsed(lease + 60);

export function granted<Facts>(answer: Answer<Facts>): Facts {
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.facts;
}

export function refused(answer: AnyAnswer | Answer<unknown>, ...codes: RefusalCode[]): void {
  assert.ok(!answer.ok && codes.includes(answer.refusal.code), JSON.stringify(answer));
}

export function answerOf(report: Report): AnyAnswer {
  assert.equal(report.is, 'answer', JSON.stringify(report));
  assert.ok('answer' in report);
  return report.answer;
}
