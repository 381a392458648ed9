/** A store of the same folder in a process of its own, asked by messages. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Command, Granted } from '../../src/core/model';

export interface Asked {
  readonly id: number;
  readonly command: Command;
}

export interface Told {
  readonly id: number;
  readonly answer?: Answer<unknown>;
  readonly failed?: string;
}

export class OtherProcess {
  readonly #waiting = new Map<number, (told: Told) => void>();
  #lastId = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (told: Told) => {
      this.#waiting.get(told.id)?.(told);
      this.#waiting.delete(told.id);
    });
  }

  /** Resolves when its store is open. */
  static async start(folder: string): Promise<OtherProcess> {
    const child = fork('out/test/contract/otherProcessChild.js', [folder], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    await once(child, 'message');
    return new OtherProcess(child);
  }

  /** The facts of a command that has to be granted. */
  async submit<C extends Command>(command: C): Promise<Granted[C['kind']]> {
    this.#lastId += 1;
    const id = this.#lastId;
    const told = new Promise<Told>((resolve) => {
      this.#waiting.set(id, resolve);
    });
    this.child.send({ id, command } satisfies Asked);
    const { answer, failed } = await told;
    if (!answer?.ok) throw new Error(failed ?? JSON.stringify(answer));
    return answer.facts as Granted[C['kind']];
  }

  kill(): Promise<unknown> {
    this.child.kill('SIGKILL');
    return once(this.child, 'exit');
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.disconnect();
    await once(this.child, 'exit');
  }
}
