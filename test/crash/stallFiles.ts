/**
 * Stalls in the middle of a file's write, with the lockfile and without: a successor goes on, a person edits the
 * file, and the late writer undoes nothing.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as elapsed } from 'node:timers/promises';
import { findWorkflowFile, WorkflowFiles } from '../../src/store/workflowFiles';
import { stateMd } from '../contract/stores';
import type { Report, StopAt } from './stallChild';
import { noLockfile } from './stallLockfile';
import { margin, scene, shortestStale, type Scene, type Story, type Waits } from './stallStory';
import { allEvents } from './stormRecord';

const lockWaitMs = 4_000;
const text = stateMd({ wave: 1, waves: [['x'], ['x'], ['x'], ['x'], [' ']] });

/** The steps of an advance with its lockfile, in their order. */
const lockSteps = ['lock.make', 'lock.made', 'locked'];
const writeSteps = ['committed', 'temp', 'backup', 'hold', 'check', 'rename', 'flush', 'written'];
const releaseSteps = ['lock.free', 'lock.remove', 'lock.removed'];
/** Transactions of an advance: with a lockfile the first and the last say who holds it. */
const transactions = { withLockfile: 4, without: 2 };

export function fileStories(waits: Waits): readonly Story[] {
  const inTransaction = (count: number): readonly StopAt[] =>
    Array.from({ length: count }, (_, index) => index + 1).flatMap((time) => [
      { step: 'store.commit', time },
      { step: 'store.durable', time },
    ]);
  const at = (step: string): StopAt => ({ step });
  return [
    ...[...[...lockSteps, ...writeSteps, ...releaseSteps].map(at)],
    ...inTransaction(transactions.withLockfile),
  ]
    .map((stopAt): Story => new FileStory(waits, stopAt, true))
    .concat(
      [...writeSteps.map(at), ...inTransaction(transactions.without)]
        .filter((stopAt) => !isOpen(stopAt))
        .map((stopAt) => new FileStory(waits, stopAt, false)),
    );
}

/**
 * Without a lockfile the plan may be older than the write that was confirmed while its own transaction waited;
 * nothing tells such a plan from one that people have set back, until an advance names the content it has seen.
 */
function isOpen({ step, time }: StopAt): boolean {
  return step === 'store.commit' && time === 1;
}

class FileStory implements Story {
  readonly name: string;

  constructor(
    private readonly waits: Waits,
    private readonly stopAt: StopAt,
    private readonly lockfile: boolean,
  ) {
    const { step, time } = stopAt;
    const where = time === undefined ? `"${step}"` : `"${step}" of transaction ${time}`;
    this.name = `a file write ${lockfile ? 'with' : 'without'} a lockfile, at ${where}: undoes nobody`;
  }

  run(): Promise<void> {
    const prepare = (bench: Scene['bench']): void => {
      bench.write('STATE.md', text);
    };
    return scene({ lockfile: this.lockfile, prepare }, (stage) => this.#play(stage));
  }

  async #play(stage: Scene): Promise<void> {
    const { bench, store, sleeper } = stage;
    const path = join(bench.folder, 'STATE.md');
    sleeper.tell({ do: 'advance', seen: 1, stopAt: this.stopAt });
    assert.ok(await sleeper.standsStill(), `it did not come to "${this.stopAt.step}"`);
    const files = new WorkflowFiles({
      place: bench.place,
      store,
      now: Date.now,
      lockStaleMs: shortestStale,
      lockWaitMs,
      ...(this.lockfile ? {} : { acquire: noLockfile }),
    });
    let report: Report;
    let after: string | undefined;
    if (this.stopAt.step === 'store.commit') {
      // It holds the database, so they wait for it, and for no longer than it stands still.
      const others = this.#goOn(files, bench.folder);
      await elapsed(this.lockfile ? shortestStale + 200 : 300);
      sleeper.goOn();
      [report] = await Promise.all([sleeper.report(), others]);
    } else {
      await this.#goOn(files, bench.folder);
      if (this.stopAt.step !== 'lock.remove') {
        after = readFileSync(path, 'utf8').replace('- A note', '- By hand\n- A note');
        writeFileSync(path, after);
      }
      report = await this.#wakeBeside(files, path, stage);
    }
    await files.keepPromises();
    if (after !== undefined) assert.equal(readFileSync(path, 'utf8'), after, 'somebody was undone');
    await this.#checkAgreement(stage, path, report);
  }

  /** Whoever comes next: keeps what was promised, and goes a step further. */
  async #goOn(files: WorkflowFiles, folder: string): Promise<void> {
    const stale = this.lockfile ? shortestStale : 0;
    const stuck = this.stopAt.step === 'lock.remove';
    await this.waits.atMost(
      `keeping of promises ${this.lockfile ? 'with' : 'without'} a lockfile`,
      stale + 2_000 + margin,
      files.keepPromises().catch((error: unknown) => {
        if (!stuck) throw error;
      }),
    );
    const answer = await this.waits.atMost(
      `advance ${this.lockfile ? 'with' : 'without'} a lockfile`,
      lockWaitMs + margin,
      files.advance(folder, {}),
    );
    // Stopped inside of the mutex it can be robbed of nothing; to be told so in time is all that others can have.
    if (stuck && !answer.ok) assert.equal(answer.refusal.code, 'lock_denied');
    else if (this.stopAt.step !== 'store.commit') assert.ok(answer.ok, JSON.stringify(answer));
  }

  /** Another holds the lock when it wakes, and still does when it has done what it had begun. */
  async #wakeBeside(
    files: WorkflowFiles,
    path: string,
    { sleeper, store }: Scene,
  ): Promise<Report> {
    // These have not got the lock, and would wait for it.
    const isOut = ['lock.make', 'lock.made', 'lock.remove'].includes(this.stopAt.step);
    if (!this.lockfile || isOut) {
      sleeper.goOn();
      return sleeper.report();
    }
    const held = await files.holdForEdit(path, () => undefined);
    assert.ok(held.ok, JSON.stringify(held));
    sleeper.goOn();
    const report = await sleeper.report();
    const isOurs = held.facts.lock.stillOurs() && existsSync(`${path}.lock`);
    // It waits for the lock by now. Beside fifteen others our sign of life may come late; then it was fair.
    const isFair = isOurs || (await takenAsStale(store, held.at));
    assert.ok(isFair, 'a late release has removed the lock of another');
    await held.facts.lock.release();
    return report;
  }

  async #checkAgreement({ bench, store }: Scene, path: string, report: Report): Promise<void> {
    const { workflows } = await store.read('state', {});
    const said = findWorkflowFile(bench.place, bench.folder)?.document.plan?.wave;
    assert.equal(said, workflows[0]?.wave);
    assert.deepEqual(await store.read('fileEdits', {}), []);
    const steps = (await allEvents(store)).flatMap(({ kind, data }) =>
      kind === 'workflow.advanced' ? [`${data.from} to ${data.to}`] : [],
    );
    assert.deepEqual(steps, [...new Set(steps)], 'a wave was advanced twice');
    checkTold(report, steps.includes('1 to 2'));
    const left = readdirSync(bench.folder).filter((name) => name.includes('.wavelock-'));
    assert.deepEqual(left, []);
    assert.equal(existsSync(`${path}.lock`), false, 'the lock was left behind');
  }
}

async function takenAsStale(store: Scene['store'], since: number): Promise<boolean> {
  return (await allEvents(store)).some(
    ({ seq, kind, data }) =>
      seq > since &&
      kind === 'lock.acquired' &&
      'guard' in data &&
      data.holder.tookOver?.why === 'stale',
  );
}

/** Late as it is, what it is told is true. */
function checkTold(report: Report, hasAdvanced: boolean): void {
  const said = JSON.stringify(report);
  if (report.is === 'fault') {
    // Its lock was taken over in the very moment in which its promise was made: whoever has it keeps it.
    assert.equal(report.code, 'store_busy', said);
    assert.match(report.message, /The change itself is recorded/);
    assert.ok(hasAdvanced);
  } else {
    assert.equal(report.is, 'answer', said);
    assert.ok('answer' in report);
    const { answer } = report;
    if (answer.ok) assert.ok(hasAdvanced, said);
    else assert.equal(answer.refusal.code, 'conflict', said);
  }
}
