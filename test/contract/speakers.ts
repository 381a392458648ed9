/** Processes that live as long as a suite, and speak when they are told to. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import type { Seq } from '../../src/core/model';
import type { EngineName } from './engines';
import type { Done, Line, Order, Report, Said, Voice } from './speaker';

type Without<Union, Key extends keyof Union> = Union extends unknown ? Omit<Union, Key> : never;

interface Waiting {
  resolve(done: Done): void;
  reject(error: Error): void;
}

export class SpeakerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor() {
    this.#child = fork(resolve('out/test/contract/speaker.js'), {
      execArgv: ['--disable-warning=ExperimentalWarning', '--enable-source-maps'],
    });
    this.#child.on('message', (report: Report) => {
      const waiting = this.#waiting.get(report.id);
      this.#waiting.delete(report.id);
      if ('failed' in report) waiting?.reject(new Error(report.failed));
      else waiting?.resolve(report);
    });
    this.#child.once('exit', (code, signal) => {
      for (const waiting of this.#waiting.values())
        waiting.reject(new Error(`the speaker ended with ${code ?? signal}`));
      this.#waiting.clear();
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('the speaker did not start');
    return pid;
  }

  async open(
    folder: string,
    voices: readonly Voice[],
    { engine, scripted }: { readonly engine: EngineName; readonly scripted: boolean },
  ): Promise<void> {
    if (voices.length > 0) await this.#order({ do: 'open', folder, engine, scripted, voices });
  }

  async close(folder: string, voices: readonly string[] | 'all' = 'all'): Promise<void> {
    if (voices.length > 0) await this.#order({ do: 'close', folder, voices });
  }

  async say(
    folder: string,
    turns: readonly (readonly Line[])[],
    dieAt?: number | 'answer',
  ): Promise<readonly (readonly Said[])[]> {
    return (await this.#order({ do: 'say', folder, turns, dieAt })).said;
  }

  async follow(folder: string, voice: string): Promise<void> {
    await this.#order({ do: 'follow', folder, voice });
  }

  async followed(folder: string, until: Seq): Promise<readonly Seq[]> {
    return (await this.#order({ do: 'tell', folder, until })).followed;
  }

  async end(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #order(order: Without<Order, 'id'>): Promise<Done> {
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ ...order, id }, (error) => {
        if (error) reject(error);
      });
    });
  }
}
