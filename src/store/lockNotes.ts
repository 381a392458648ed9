/**
 * Who makes which lock folder, written down before the folder is there: a process may be killed the moment
 * after. One file for each lock, named by the number that its folder carries (`lockFolder.ts`), in a folder
 * beside the store. Evidence for takeover only; people are shown the store's guard rows.
 *
 * Not flushed: a killed process loses nothing by that, and after a power cut locks are old anyway.
 */
import { randomInt } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CodecError, decodeLockNote } from '../core/codec';
import type { LockNote, ProcessIdentity } from '../core/model';
import { makeFolder } from './durableFs';
import { LockFolder, nonces } from './lockFolder';

/** Milliseconds. A note that cannot be read for so long belongs to somebody who died while writing it. */
const longestWrite = 3_600_000;

export class LockNotes {
  /** Keeps processes apart while they remove lock folders. */
  readonly mutex: string;

  constructor(private readonly folder: string) {
    this.mutex = join(folder, 'mutex');
  }

  /** The number for the folder that is about to be made at `lock`. */
  write(lock: string, process: ProcessIdentity): number {
    // A store that was moved away would begin anew with them.
    makeFolder(this.folder, dirname(this.folder));
    const note: LockNote = { lock, process };
    for (;;) {
      const nonce = randomInt(nonces.first, nonces.last);
      try {
        writeFileSync(this.#path(nonce), JSON.stringify(note), { flag: 'wx', mode: 0o600 });
        return nonce;
      } catch (error) {
        if (codeOf(error) === 'EEXIST') continue;
        // Half of a note says nothing, and nobody would know that it is of no use.
        this.drop(nonce);
        throw error;
      }
    }
  }

  read(nonce: number): LockNote | undefined {
    try {
      return decodeLockNote(readFileSync(this.#path(nonce), 'utf8'));
    } catch (error) {
      // Cut off by a power cut, or not a note: then nothing is known.
      if (error instanceof CodecError) return undefined;
      if (['ENOENT', 'ENOTDIR', 'EACCES', 'EISDIR'].includes(codeOf(error))) return undefined;
      throw error;
    }
  }

  drop(nonce: number): void {
    rmSync(this.#path(nonce), { force: true });
  }

  /** Removes what dead processes have left, but for locks that still stand: those need their evidence. */
  sweep(ended: (process: ProcessIdentity) => boolean): void {
    for (const name of this.#names()) {
      const nonce = Number(name);
      const note = this.read(nonce);
      const useless = note
        ? ended(note.process) && nonceAt(note.lock) !== nonce
        : this.#ageMs(nonce) > longestWrite;
      if (useless) this.drop(nonce);
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.folder).filter((name) => /^\d+$/.test(name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    }
  }

  #ageMs(nonce: number): number {
    const stats = lstatSync(this.#path(nonce), { throwIfNoEntry: false });
    return stats?.isFile() === true ? Date.now() - stats.mtimeMs : 0;
  }

  #path(nonce: number): string {
    return join(this.folder, String(nonce));
  }
}

function nonceAt(lock: string): number | undefined {
  const found = LockFolder.find(lock);
  if (!(found instanceof LockFolder)) return undefined;
  found.close();
  return found.nonce;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
