/**
 * The failing file system of `shim.c`: builds it, and steers it from inside the process that it was loaded
 * into. Linux with a C compiler only; elsewhere there is a reason to skip.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** In the order of `enum family` in shim.c. */
export const families = [
  'open',
  'read',
  'write',
  'sync',
  'truncate',
  'rename',
  'mkdir',
  'rmdir',
  'unlink',
  'link',
  'map',
  'lock',
  'stat',
  'attributes',
  'copy',
] as const;
export type Family = (typeof families)[number];

export type Errno = 'ENOSPC' | 'EIO' | 'EMFILE' | 'EACCES';

const modes = { off: 0, count: 1, once: 2, forGood: 3 } as const;
export type FailMode = 'once' | 'forGood';

export interface Call {
  readonly family: Family;
  /** Below the root that is watched; empty for the root itself. */
  readonly path: string;
  readonly failed: boolean;
}

/** As `struct control` and `struct entry` have it. */
const layout = { root: 32, rootSize: 480, log: 512, entry: 128, capacity: 16_384 };

export interface Shim {
  /** What a child process needs to run on it. */
  readonly env: Readonly<Record<string, string>>;
  readonly controlFile: string;
}

/** @returns why not, where it cannot be built */
export function buildShim(folder: string): Shim | string {
  if (process.platform !== 'linux') return `no LD_PRELOAD on ${process.platform}`;
  const library = join(folder, 'shim.so');
  const built = spawnSync(
    'gcc',
    ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, 'test/crash/shim.c', '-ldl'],
    { encoding: 'utf8' },
  );
  if (built.error) return `no C compiler (${built.error.message})`;
  if (built.status !== 0) throw new Error(`shim.c cannot be compiled:\n${built.stderr}`);
  return shimWith(library, join(folder, 'control'));
}

/** Another process, with a control of its own. */
export function shimWith(library: string, controlFile: string): Shim {
  writeFileSync(controlFile, Buffer.alloc(layout.log + layout.entry * layout.capacity));
  return { env: { LD_PRELOAD: library, WAVELOCK_SHIM: controlFile }, controlFile };
}

/** The end inside the process. */
export class ShimControl {
  readonly #file: number;

  constructor(controlFile: string, root: string) {
    this.#file = openSync(controlFile, 'r+');
    const name = Buffer.alloc(layout.rootSize);
    name.write(root);
    writeSync(this.#file, name, 0, name.length, layout.root);
    this.#header({ mode: modes.off });
  }

  /** Fails the `k`-th call of these families, once or from then on. */
  arm(mode: FailMode, k: number, error: Errno, of: readonly Family[]): void {
    this.#header({ mode: modes[mode], k, error: constants.errno[error], families: maskOf(of) });
  }

  /** Only counts and keeps the log. */
  watch(of: readonly Family[] = families): void {
    this.#header({ mode: modes.count, families: maskOf(of) });
  }

  /** @returns what happened since it was armed */
  off(): { readonly calls: number; readonly failures: number } {
    const counts = Buffer.alloc(8);
    const off = Buffer.alloc(4);
    writeSync(this.#file, off, 0, 4, 0);
    readSync(this.#file, counts, 0, 8, 16);
    return { calls: counts.readInt32LE(0), failures: counts.readInt32LE(4) };
  }

  log(): readonly Call[] {
    const { calls } = this.off();
    if (calls > layout.capacity) throw new Error(`${calls} calls are more than the log can hold`);
    const bytes = Buffer.alloc(calls * layout.entry);
    readSync(this.#file, bytes, 0, bytes.length, layout.log);
    return Array.from({ length: calls }, (_, index) => {
      const entry = bytes.subarray(index * layout.entry, (index + 1) * layout.entry);
      const family = families[entry.readUInt8(0)];
      if (family === undefined) throw new Error('a family that shim.ts does not know');
      const path = entry.toString('utf8', 2, entry.indexOf(0, 2));
      return { family, failed: entry.readUInt8(1) === 1, path };
    });
  }

  close(): void {
    closeSync(this.#file);
  }

  #header({ mode = 0, k = 0, error = 0, families: mask = 0 }): void {
    const header = Buffer.alloc(layout.root);
    [mode, k, error, mask, 0, 0, layout.capacity].forEach((value, index) =>
      header.writeInt32LE(value, index * 4),
    );
    // The rest before the mode: from that on calls are counted.
    writeSync(this.#file, header, 4, header.length - 4, 4);
    writeSync(this.#file, header, 0, 4, 0);
  }
}

function maskOf(of: readonly Family[]): number {
  return of.reduce((mask, family) => mask | (1 << families.indexOf(family)), 0);
}
