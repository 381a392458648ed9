/**
 * `wavelock` in the terminals of this window: a small program in a folder of the extension's own, put in front of
 * their PATH. It names no agent: whoever works in a terminal says who they are.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';
import type { EditorProgram } from './editorProgram';

export class TerminalsPath implements Disposable {
  readonly #listeners: vscode.Disposable[] = [];
  /** Resolves when a terminal finds it, or when it is known that none will. */
  written: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: vscode.ExtensionContext,
    readonly program: EditorProgram,
    private readonly log: vscode.LogOutputChannel,
  ) {
    if (vscode.workspace.isTrusted) this.#offer();
    else {
      // What a terminal finds there has been taken back already if it was there before.
      context.environmentVariableCollection.clear();
      this.#listeners.push(
        vscode.workspace.onDidGrantWorkspaceTrust(() => {
          this.#offer();
        }),
      );
    }
  }

  /** Where the program is. */
  get folder(): string {
    return join(this.context.globalStorageUri.fsPath, 'bin');
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
  }

  #offer(): void {
    const { environmentVariableCollection: terminals } = this.context;
    // Told anew at each start: the extension may be another version by now, in another folder.
    terminals.description = vscode.l10n.t('Puts the command `wavelock` on the PATH');
    terminals.prepend('PATH', `${this.folder}${delimiter}`, {
      applyAtProcessCreation: true,
      applyAtShellIntegration: true,
    });
    this.written = new Promise((resolve) => {
      setImmediate(() => {
        try {
          writePrograms(this.folder, this.program);
        } catch (error) {
          this.log.warn('`wavelock` is not on the PATH of terminals', error);
        }
        resolve();
      });
    });
  }
}

export function writePrograms(folder: string, { node, cli, env }: EditorProgram): void {
  mkdirSync(folder, { recursive: true });
  const names = Object.entries(env);
  const shell = names.map(([name, value]) => `${name}=${quoted(value)} `).join('');
  put(join(folder, 'wavelock'), `#!/bin/sh\n${shell}exec ${quoted(node)} ${quoted(cli)} "$@"\n`);
  const set = names.map(([name, value]) => `@set "${name}=${value}"\r\n`).join('');
  const call = `@"${percent(node)}" "${percent(cli)}" %*\r\n`;
  put(join(folder, 'wavelock.cmd'), `@setlocal\r\n${set}${call}`);
}

/** Other windows may be starting, and terminals using it: it is one program or the other, never half of one. */
function put(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const temp = `${path}.${process.pid}.tmp`;
  writeFileSync(temp, text);
  chmodSync(temp, 0o755);
  renameSync(temp, path);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function percent(text: string): string {
  return text.replaceAll('%', '%%');
}
