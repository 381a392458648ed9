/** A run in a few words, for the margins of a workflow file. Times are of the clock, so that none has to tick. */
import * as vscode from 'vscode';
import type { RunRow, RunStatus, TaskStatus } from '../core/model';
import { runLook, taskLook } from './runWords';

export function runWord(status: RunStatus): string {
  return runLook(status).word;
}

export function taskWord(status: TaskStatus): string {
  return taskLook(status).word;
}

export function runIcon(status: RunStatus): string {
  return `$(${runLook(status).icon})`;
}

/** `2` of at most `3`; nothing for the first of one. */
export function attemptWords({ attempt, maxAttempts }: RunRow): string | undefined {
  if (attempt === 1 && maxAttempts === 1) return undefined;
  return maxAttempts > 1
    ? vscode.l10n.t('attempt {0} of {1}', attempt, maxAttempts)
    : vscode.l10n.t('attempt {0}', attempt);
}

export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString(vscode.env.language, {
    hour: '2-digit',
    minute: '2-digit',
  });
}
