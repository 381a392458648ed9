/** Folders and processes of one bench; all of them are gone when it ends. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { percentile } from './bench';

/** Thrown for what this machine cannot measure; it is shown and breaks no law. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

export class Workshop {
  readonly #root = scratch();
  readonly #crew = new Set<Hand>();
  readonly notes: string[] = [];

  /** A new folder. */
  folder(): string {
    return mkdtempSync(join(this.#root, 'f'));
  }

  /** Shown below the table. */
  note(text: string): void {
    if (!this.notes.includes(text)) this.notes.push(text);
  }

  /** Starts `NAME.child.ts` and waits until it says that it is ready. */
  async hire(program: string, job: unknown, env: NodeJS.ProcessEnv = {}): Promise<Hand> {
    const hand = new Hand(program, job, env);
    this.#crew.add(hand);
    await hand.hear();
    return hand;
  }

  async dismiss(...hands: readonly Hand[]): Promise<void> {
    await Promise.all(hands.map((hand) => hand.end()));
    for (const hand of hands) this.#crew.delete(hand);
  }

  async clear(): Promise<void> {
    await this.dismiss(...this.#crew);
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** On the disk that the project is on: a folder for temporary files may be memory, which flushes nothing. */
function scratch(): string {
  const beside = resolve(__dirname, '../../.vscode-test');
  mkdirSync(beside, { recursive: true });
  return mkdtempSync(join(beside, 'bench-'));
}

/** A process at work. */
export class Hand {
  readonly #child: ChildProcess;
  readonly #heard: unknown[] = [];
  readonly #listening: ((message: unknown) => void)[] = [];
  readonly #ended: Promise<void>;
  #failure: Error | undefined;
  readonly #failed: ((error: Error) => void)[] = [];

  constructor(program: string, job: unknown, env: NodeJS.ProcessEnv) {
    this.#child = fork(join(__dirname, `${program}.child.js`), [JSON.stringify(job)], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--enable-source-maps'],
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message) => {
      const listener = this.#listening.shift();
      this.#failed.shift();
      if (listener) listener(message);
      else this.#heard.push(message);
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#failure = new Error(`${program} ended with ${String(code ?? signal)}`);
        for (const fail of this.#failed.splice(0)) fail(this.#failure);
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  tell(order: unknown): void {
    this.#child.send(order as object);
  }

  /** Its next message. */
  hear<Report>(): Promise<Report> {
    const heard = this.#heard.shift();
    if (heard !== undefined) return Promise.resolve(heard as Report);
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise<Report>((resolve, reject) => {
      this.#listening.push(resolve as (message: unknown) => void);
      this.#failed.push(reject);
    });
  }

  async ask<Report>(order: unknown): Promise<Report> {
    this.tell(order);
    return this.hear<Report>();
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async end(): Promise<void> {
    // A child ends when nobody can give it orders any more.
    if (this.#child.connected) this.#child.disconnect();
    await this.#ended;
  }
}

/** The child's side: what it was started with, and its orders one after the other. */
export function work(begin: (job: never) => Promise<(order: never) => Promise<unknown>>): void {
  const say = (report: unknown): void => {
    process.send?.(report ?? null);
  };
  const fail = (error: unknown): void => {
    console.error(error);
    process.exit(1);
  };
  process.once('disconnect', () => process.exit());
  begin(JSON.parse(process.argv[2] ?? 'null') as never).then((obey) => {
    process.on('message', (order) => {
      obey(order as never).then(say, fail);
    });
    say({ ready: true });
  }, fail);
}

/** Milliseconds of a clock that all processes of this machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

export function spread(values: readonly number[]): { p50: number; p95: number; p99: number } {
  const at = (share: number): number => percentile(values, share);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
