/**
 * Answers what the extension asks, and keeps what it says. Test and extension have the same `vscode.window`, so what is
 * put there is what the extension calls.
 */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { heard } from './heard';

export interface Said {
  readonly how: 'info' | 'warning' | 'error';
  readonly text: string;
  readonly buttons: readonly string[];
  readonly press: (title: string) => void;
}

export interface Offered {
  readonly title: string;
  readonly labels: readonly string[];
}

type Answer = { readonly pick: RegExp } | { readonly type: string } | { readonly dismiss: true };

const names = [
  'showQuickPick',
  'showInputBox',
  'showInformationMessage',
  'showWarningMessage',
  'showErrorMessage',
] as const;
type Window = Record<(typeof names)[number], unknown>;

export class Dialogue {
  readonly said: Said[] = [];
  readonly offered: Offered[] = [];
  readonly #answers: Answer[] = [];
  readonly #originals = new Map<string, unknown>();
  readonly #heardOne = new vscode.EventEmitter<void>();

  begin(): void {
    const window = vscode.window as unknown as Window;
    for (const name of names) this.#originals.set(name, window[name]);
    window.showQuickPick = (
      items: readonly vscode.QuickPickItem[],
      options?: vscode.QuickPickOptions,
    ) => {
      const picked = this.#pick(items, options?.title ?? '');
      return Promise.resolve(options?.canPickMany === true && picked ? [picked] : picked);
    };
    window.showInputBox = (options?: vscode.InputBoxOptions) =>
      Promise.resolve(this.#type(options));
    window.showInformationMessage = this.#hear('info');
    window.showWarningMessage = this.#hear('warning');
    window.showErrorMessage = this.#hear('error');
  }

  end(): void {
    const window = vscode.window as unknown as Window;
    for (const name of names) window[name] = this.#originals.get(name);
  }

  forget(): void {
    this.said.length = 0;
    this.offered.length = 0;
    this.#answers.length = 0;
  }

  /** In the order in which they will be asked for. */
  will(...answers: Answer[]): void {
    this.#answers.push(...answers);
  }

  /** Answers that nobody asked for. */
  get unasked(): number {
    return this.#answers.length;
  }

  /** The first that says so, now or later; the test's own limit is the deadline. */
  async hears(text: RegExp): Promise<Said> {
    const said = (): Said | undefined => this.said.find((one) => text.test(one.text));
    await heard(this.#heardOne.event, () => said() !== undefined);
    const found = said();
    assert.ok(found);
    return found;
  }

  #pick(items: readonly vscode.QuickPickItem[], title: string): vscode.QuickPickItem | undefined {
    this.offered.push({ title, labels: items.map(({ label }) => label) });
    const answer = this.#answers.shift();
    if (!answer || 'dismiss' in answer) return undefined;
    assert.ok('pick' in answer, `“${title}” offers a list, and the test would type`);
    const item =
      items.find(({ label }) => answer.pick.test(label)) ??
      items.find(({ detail = '' }) => answer.pick.test(detail));
    assert.ok(
      item,
      `${String(answer.pick)} is not in “${title}”: ${items.map(({ label }) => label).join(' | ')}`,
    );
    return item;
  }

  #type(options: vscode.InputBoxOptions | undefined): string | undefined {
    this.offered.push({ title: options?.title ?? '', labels: [] });
    const answer = this.#answers.shift();
    if (!answer || 'dismiss' in answer) return undefined;
    assert.ok('type' in answer, `“${options?.title ?? ''}” wants text, and the test would pick`);
    return answer.type;
  }

  #hear(how: Said['how']): (text: string, ...buttons: string[]) => Promise<string | undefined> {
    return (text, ...buttons) =>
      new Promise((resolve) => {
        this.said.push({ how, text, buttons, press: resolve });
        this.#heardOne.fire();
      });
  }
}
