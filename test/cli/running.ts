/** The command line as a process that goes on, and what its commands leave behind. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export class Running {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #out = '';
  #err = '';
  #heard: () => void = () => undefined;

  constructor(
    options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
    ...args: readonly string[]
  ) {
    this.#child = spawn(process.execPath, [resolve('dist/cli.js'), ...args], {
      cwd: options.cwd,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        NODE_OPTIONS: '',
        ...options.env,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk) => {
      this.#out += String(chunk);
      this.#heard();
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.#err += String(chunk);
      this.#heard();
    });
    this.ended = once(this.#child, 'close').then(([code]) => {
      this.#heard();
      return { code: code as number | null, out: this.#out, err: this.#err };
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when it has said this, on either stream; fails when it ends without. */
  async says(what: RegExp): Promise<string> {
    for (;;) {
      const match = what.exec(this.#out) ?? what.exec(this.#err);
      if (match) return match[1] ?? match[0];
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`It ended without saying ${what}: ${this.#out}${this.#err}`);
      await new Promise<void>((heard) => {
        this.#heard = heard;
      });
    }
  }

  signal(signal: NodeJS.Signals): this {
    this.#child.kill(signal);
    return this;
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  closeInput(): void {
    this.#child.stdin?.end();
  }

  /** Nobody reads its output any more. */
  stopReading(): void {
    this.#child.stdout?.destroy();
  }
}

/**
 * Tells when everybody is gone who holds it open: the last breath of processes that are not our children. Who
 * writes to it says so with `exec 9>"$BREATH"`.
 */
export class Breath {
  readonly path: string;
  readonly #begun: Promise<unknown>;
  readonly #over: Promise<unknown>;

  constructor(folder: string, name = 'breath') {
    this.path = join(folder, name);
    execFileSync('mkfifo', [this.path]);
    const stream = createReadStream(this.path);
    this.#begun = once(stream, 'open');
    this.#over = once(stream.resume(), 'end');
  }

  /** Somebody holds it. */
  begun(): Promise<unknown> {
    return this.#begun;
  }

  over(): Promise<unknown> {
    return this.#over;
  }
}
