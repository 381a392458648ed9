/**
 * What the command line can do already, done by it: a process of its own, so that a look at ten thousand runs, or at a
 * store that is damaged, takes nothing from the editor. It runs on the editor's own Node.
 */
import { execFile } from 'node:child_process';
import * as vscode from 'vscode';
import * as z from 'zod/mini';
import type { Acting } from './acting';

const Failed = z.object({
  ok: z.literal(false),
  refusal: z.optional(z.object({ message: z.string() })),
  error: z.optional(z.object({ message: z.string() })),
});

const mostOutput = 256 * 2 ** 20;

export class CommandLine {
  constructor(
    private readonly acting: Acting,
    private readonly script: string,
  ) {}

  /** What it wrote; undefined when it could do nothing, which is on the screen then. */
  async run(folder: string, args: readonly string[], title: string): Promise<string | undefined> {
    const { stdout, stderr, failed } = await vscode.window.withProgress(
      { location: { viewId: 'wavelock.workflows' }, title },
      () => finished(this.script, [...args, '--cwd', folder], folder),
    );
    const why = stdout.startsWith('{') ? Failed.safeParse(JSON.parse(stdout)).data : undefined;
    if (!why && stdout !== '') return stdout;
    const message = why?.refusal?.message ?? why?.error?.message ?? stderr.trim();
    this.acting.explanations.failed(
      `wavelock ${args.join(' ')}`,
      new Error(message === '' ? (failed?.message ?? vscode.l10n.t('It said nothing.')) : message),
    );
    return undefined;
  }
}

interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly failed: Error | null;
}

function finished(script: string, args: readonly string[], cwd: string): Promise<Finished> {
  const options = {
    cwd,
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', NO_COLOR: '1' },
    maxBuffer: mostOutput,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], options, (failed, stdout, stderr) => {
      resolve({ stdout, stderr, failed });
    });
  });
}
