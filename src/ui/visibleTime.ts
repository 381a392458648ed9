/** Times as people read them, and when such a text will read otherwise. */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';

const minute = 60_000;

export function timeLeft(until: number, now: number): string {
  const left = until - now;
  if (left <= 0) return vscode.l10n.t('expired');
  if (left < minute) return vscode.l10n.t('less than 1 min left');
  const minutes = Math.floor(left / minute);
  if (minutes < 60) return vscode.l10n.t('{0} min left', minutes);
  return vscode.l10n.t('{0} h {1} min left', Math.floor(minutes / 60), minutes % 60);
}

/** When `timeLeft` says something else; never for what is over. */
export function leftChangesAt(until: number, now: number): number {
  const left = until - now;
  return left <= 0 ? Infinity : now + (left % minute) + 1;
}

export function timeAgo(at: number, now: number): string {
  const minutes = Math.floor((now - at) / minute);
  if (minutes < 1) return vscode.l10n.t('just now');
  if (minutes < 60) return vscode.l10n.t('{0} min ago', minutes);
  if (minutes < 24 * 60) return vscode.l10n.t('{0} h ago', Math.floor(minutes / 60));
  return vscode.l10n.t('{0} days ago', Math.floor(minutes / (24 * 60)));
}

export function agoChangesAt(at: number, now: number): number {
  const minutes = Math.max(0, Math.floor((now - at) / minute));
  const step = minutes < 60 ? 1 : minutes < 24 * 60 ? 60 : 24 * 60;
  return at + (Math.floor(minutes / step) + 1) * step * minute;
}

/** One timer, to the next moment at which a text on the screen is not true any more. */
export class NextChange implements Disposable {
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly changed: () => void) {}

  /** Instead of what was expected before; `Infinity` for nothing. */
  expect(at: number, now: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Longer than a timer can be set; it looks again then.
    const wait = Math.min(at - now, 2 ** 31 - 1);
    if (at === Infinity) return;
    this.#timer = setTimeout(this.changed, Math.max(0, wait));
    this.#timer.unref();
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}
