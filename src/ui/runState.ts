/** A run in a few words, for the margins of a workflow file. Times are of the clock, so that none has to tick. */
import * as vscode from 'vscode';
import type { RunRow, RunStatus, TaskStatus } from '../core/model';

export function runWord(status: RunStatus): string {
  switch (status) {
    case 'queued':
      return vscode.l10n.t('Queued');
    case 'running':
      return vscode.l10n.t('Running');
    case 'completed':
      return vscode.l10n.t('Completed');
    case 'error':
      return vscode.l10n.t('Error');
    case 'killed':
      return vscode.l10n.t('Killed');
    case 'cancelled':
      return vscode.l10n.t('Cancelled');
    case 'lost':
      return vscode.l10n.t('Lost');
  }
}

export function taskWord(status: TaskStatus): string {
  switch (status) {
    case 'todo':
      return vscode.l10n.t('Pending');
    case 'doing':
      return vscode.l10n.t('In progress');
    case 'done':
      return vscode.l10n.t('Completed');
    case 'failed':
      return vscode.l10n.t('Failed');
  }
}

const icons: Readonly<Record<RunStatus, string>> = {
  queued: '$(circle-large-outline)',
  running: '$(play-circle)',
  completed: '$(pass)',
  error: '$(error)',
  killed: '$(stop-circle)',
  cancelled: '$(circle-slash)',
  lost: '$(debug-disconnect)',
};

export function runIcon(status: RunStatus): string {
  return icons[status];
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
