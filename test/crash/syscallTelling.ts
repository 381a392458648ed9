/** Has `syscallsChild.ts` tell stories on the failing file system, and hears what it says. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { shimWith, type Call, type Errno, type FailMode, type Family } from './shim';

/** What a call may really answer. */
export const plausible: { readonly [Name in Errno]: readonly Family[] } = {
  ENOSPC: ['open', 'write', 'sync', 'truncate', 'mkdir', 'rename', 'link', 'copy'],
  EIO: [
    ...['open', 'read', 'write', 'sync', 'truncate', 'rename', 'mkdir', 'rmdir'],
    ...['unlink', 'link', 'map', 'lock', 'stat', 'attributes', 'copy'],
  ] as Family[],
  EMFILE: ['open'],
  EACCES: ['open', 'mkdir', 'rmdir', 'unlink', 'rename', 'link', 'stat', 'attributes'],
};

export interface Task {
  readonly stories: readonly string[];
  readonly errno?: Errno;
  readonly mode?: FailMode;
  /** Instead of all that such an error can come from. */
  readonly families?: readonly Family[];
  /** Ends at the first thing that does not hold: what comes after may only wait for it. */
  readonly brief?: boolean;
  /** Nothing fails: all calls of the process are counted, or those of the acts are told in order. */
  readonly only?: 'count' | 'log';
}

export type Line =
  | { readonly story: string; readonly calls: number; readonly errors: number }
  | { readonly story: string; readonly k: number; readonly call: string; readonly wrong: string }
  | { readonly story: string; readonly counted: Partial<Record<Family, number>> }
  | { readonly story: string; readonly log: readonly Call[] };

/**
 * @param root what is watched, below `scratch`, which has the shim
 * @param tracer a program that runs the child
 */
export async function tellStories(
  task: Task,
  root: string,
  scratch: string,
  tracer: readonly string[] = [],
): Promise<Line[]> {
  const { env, controlFile } = shimWith(join(scratch, 'shim.so'), `${root}-control`);
  const traced = tracer.length > 0;
  // Into the child alone: the tracer would be watched as well.
  const settings = traced ? Object.entries(env).map(([key, value]) => `-E${key}=${value}`) : [];
  const [program = process.execPath, ...args] = [
    ...tracer,
    ...settings,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--enable-source-maps',
    'out/test/crash/syscallsChild.js',
    ...[controlFile, root, JSON.stringify(task)],
  ];
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(traced ? {} : env) },
  });
  let said = '';
  child.stdout.on('data', (text) => (said += String(text)));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, said.slice(-2_000));
  return said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}
