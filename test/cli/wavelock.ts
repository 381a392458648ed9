/** The command line as a script runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

export interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** The one document of `--json`. */
  readonly document: Record<string, unknown> & { ok: boolean };
}

export interface Options {
  readonly cwd: string;
  readonly uid?: number;
  readonly program?: string;
  readonly nodeFlags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export async function wavelock(options: Options, ...args: string[]): Promise<Result> {
  const program = options.program ?? resolve('dist/cli.js');
  const child = spawn(process.execPath, [...(options.nodeFlags ?? []), program, ...args], {
    cwd: options.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_OPTIONS: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  const document = (
    args.includes('--json') ? JSON.parse(out) : { ok: code === 0 }
  ) as Result['document'];
  return { code, out, err, document };
}
