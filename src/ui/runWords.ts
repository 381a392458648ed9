/** How states of runs and tasks are called and drawn, the same in every view. */
import * as vscode from 'vscode';
import type { RunRow, RunStatus, TaskStatus } from '../core/model';
import type { TaskOverview } from '../store/overview';

export interface Look {
  readonly icon: string;
  readonly word: string;
  readonly colour?: string;
}

export function iconOf({ icon, colour }: Look): vscode.ThemeIcon {
  return new vscode.ThemeIcon(
    icon,
    colour === undefined ? undefined : new vscode.ThemeColor(colour),
  );
}

export function taskLook(status: TaskStatus): Look {
  switch (status) {
    case 'todo':
      return { icon: 'issue-draft', word: vscode.l10n.t('Pending') };
    case 'doing':
      return { icon: 'play-circle', word: vscode.l10n.t('In progress'), colour: 'charts.blue' };
    case 'done':
      return { icon: 'pass', word: vscode.l10n.t('Completed'), colour: 'charts.green' };
    case 'failed':
      return { icon: 'error', word: vscode.l10n.t('Failed'), colour: 'charts.red' };
  }
}

export function runLook(status: RunStatus): Look {
  switch (status) {
    case 'queued':
      return { icon: 'circle-large-outline', word: vscode.l10n.t('Queued') };
    case 'running':
      return { icon: 'play-circle', word: vscode.l10n.t('Running'), colour: 'charts.blue' };
    case 'completed':
      return { icon: 'pass', word: vscode.l10n.t('Completed'), colour: 'charts.green' };
    case 'error':
      return { icon: 'error', word: vscode.l10n.t('Error'), colour: 'charts.red' };
    case 'killed':
      return { icon: 'stop-circle', word: vscode.l10n.t('Killed'), colour: 'charts.red' };
    case 'cancelled':
      return { icon: 'circle-slash', word: vscode.l10n.t('Cancelled') };
    case 'lost':
      return { icon: 'debug-disconnect', word: vscode.l10n.t('Lost'), colour: 'charts.yellow' };
  }
}

/** A run at work is at work; otherwise a box that people have moved says more than the run. */
export function lookOfTask({ status, run }: TaskOverview): Look {
  if (run && (run.status === 'running' || status === 'todo')) return runLook(run.status);
  return taskLook(status);
}

/** What there is to say of a run beside its state. */
export function runDetails(run: RunRow): string[] {
  const { status, claim, stop, attempt, maxAttempts, unmet, notBefore, error, reason } = run;
  const details: string[] = [];
  if (status === 'running' && claim) details.push(claim.agent);
  if (attempt > 1 || maxAttempts > 1) {
    details.push(vscode.l10n.t('attempt {0} of {1}', attempt, Math.max(attempt, maxAttempts)));
  }
  if (status === 'running' && stop) {
    details.push(
      stop.directive === 'kill'
        ? vscode.l10n.t('told to stop at once')
        : vscode.l10n.t('asked to stop'),
    );
  }
  if (status === 'queued' && unmet.length === 1) details.push(vscode.l10n.t('waits for one run'));
  if (status === 'queued' && unmet.length > 1) {
    details.push(vscode.l10n.t('waits for {0} runs', unmet.length));
  }
  if (status === 'queued' && notBefore !== null && notBefore > Date.now()) {
    details.push(vscode.l10n.t('not before {0}', timeOf(notBefore)));
  }
  if (error) details.push(error.message);
  else if (reason !== null) details.push(reason);
  return details;
}

export function timeOf(at: number): string {
  return new Date(at).toLocaleTimeString();
}
