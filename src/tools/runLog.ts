/**
 * What a command wrote, kept beside the store so that a failure can be understood later.
 *
 * Contract: a log never takes more than twice `partBytes`, whatever a command floods out: the newest part and the
 * one before it are kept. At most `keptRuns` runs have a log. A disk that takes nothing ends the log, not the run.
 */
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../store/durableFs';
import type { RunId } from '../core/model';

export const logFolderName = 'logs';
export const partBytes = 512 * 1024;
export const keptRuns = 200;

const openFlags =
  constants.O_WRONLY |
  constants.O_CREAT |
  constants.O_APPEND |
  // Windows has no such flag, and no such links for everyone.
  ((constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0);

export class RunLog {
  readonly path: string;
  readonly #before: string;
  #descriptor: number | undefined;
  #size = 0;
  #dropped = 0;

  /** @param storeFolder where `store.db` is */
  constructor(
    storeFolder: string,
    run: RunId,
    private readonly failed: (error: Error) => void,
  ) {
    const folder = join(storeFolder, logFolderName);
    this.path = join(folder, `${run}.log`);
    this.#before = join(folder, `${run}.before.log`);
    this.#try(() => {
      makeFolder(folder);
      prune(folder);
      this.#open();
    });
  }

  write(chunk: Uint8Array): void {
    this.#try(() => {
      if (this.#descriptor === undefined) return;
      if (this.#size > 0 && this.#size + chunk.length > partBytes) this.#turn();
      const fitting = chunk.length > partBytes ? chunk.subarray(-partBytes) : chunk;
      writeAll(this.#descriptor, fitting);
      this.#size += fitting.length;
    });
  }

  close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined) closeSync(descriptor);
  }

  #open(): void {
    this.#descriptor = openSync(this.path, openFlags, 0o600);
  }

  /** The part that is full becomes the one before, in the place of that one. */
  #turn(): void {
    this.#dropped += lstatSync(this.#before, { throwIfNoEntry: false })?.size ?? 0;
    this.close();
    renameSync(this.path, this.#before);
    this.#open();
    this.#size = 0;
    if (this.#dropped > 0 && this.#descriptor !== undefined) {
      const note = `[wavelock: about ${this.#dropped} bytes before ${partBytes} others were dropped]\n`;
      writeAll(this.#descriptor, Buffer.from(note));
    }
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.close();
      this.failed(error as Error);
    }
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
}

/** The oldest go. Of two that do this at once, the second finds some gone already. */
function prune(folder: string): void {
  const names = readdirSync(folder).filter((name) => name.endsWith('.log'));
  if (names.length < 2 * keptRuns) return;
  const aged = names
    .map((name) => ({
      name,
      at: lstatSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs,
    }))
    .sort((one, other) => (one.at ?? 0) - (other.at ?? 0));
  for (const { name } of aged.slice(0, names.length - keptRuns)) {
    rmSync(join(folder, name), { force: true });
  }
}
