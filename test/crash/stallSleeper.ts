/** The test's end of a process that stands still where it is told to; see `stallChild.ts`. */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as elapsed } from 'node:timers/promises';
import type { Order, Report, SleeperOptions } from './stallChild';

export class Sleeper {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #reports: Report[] = [];
  #wake = (): void => undefined;

  constructor(options: SleeperOptions) {
    this.#process = fork('out/test/crash/stallChild.js', [JSON.stringify(options)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#ended = once(this.#process, 'exit');
    this.#process.on('message', (report: Report) => {
      this.#reports.push(report);
      this.#wake();
    });
    void this.#ended.then(() => {
      this.#wake();
    });
  }

  async ready(): Promise<void> {
    const { is } = await this.report();
    assert.equal(is, 'ready');
  }

  tell(order: Order): void {
    this.#process.send(order);
  }

  /** Carries it out without a halt, and says how it went. */
  async ask(order: Order): Promise<Report> {
    this.tell(order);
    return this.report();
  }

  async report(): Promise<Report> {
    for (;;) {
      const report = this.#reports.shift();
      if (report) return report;
      if (!this.#isThere) assert.fail(`the process ended before it reported`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** When it stands still, which only the system can tell. False when it got to the end without. */
  async standsStill(): Promise<boolean> {
    for (;;) {
      const stat = readFileSync(`/proc/${this.#process.pid}/stat`, 'utf8');
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return true;
      if (this.#reports.length > 0) return false;
      if (!this.#isThere) assert.fail('the process ended before it stood still');
      await elapsed(2);
    }
  }

  goOn(): void {
    this.#process.kill('SIGCONT');
  }

  async end(): Promise<void> {
    if (!this.#isThere) return;
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  get #isThere(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }
}
