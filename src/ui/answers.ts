/** How a command about a workflow file answers the person who gave it, where the file itself does not say it. */
import * as vscode from 'vscode';
import type { Answer, Refusal } from '../core/model';
import { commandTo } from './commands';
import type { WorkflowTarget } from './commandTable';

/** @returns the facts of what was done; undefined when the person has been told why nothing was */
export async function answered<Facts>(
  work: () => Promise<Answer<Facts>>,
  { target, log }: { readonly target?: WorkflowTarget; readonly log: vscode.LogOutputChannel },
): Promise<Facts | undefined> {
  try {
    const answer = await work();
    if (answer.ok) return answer.facts;
    log.info(`Refused (${answer.refusal.code}): ${answer.refusal.message}`);
    void explain(answer.refusal, target);
  } catch (error) {
    log.error('A command failed', error);
    const message = error instanceof Error ? error.message : String(error);
    void offer(vscode.window.showErrorMessage, message, [showLog()]);
  }
  return undefined;
}

/** Nothing is changed where nobody trusts the files; says so, and what to do. */
export function allowedToChange(): boolean {
  if (vscode.workspace.isTrusted) return true;
  const manage = {
    command: 'workbench.trust.manage',
    title: vscode.l10n.t('Manage Workspace Trust'),
  };
  void offer(
    vscode.window.showWarningMessage,
    vscode.l10n.t('This workspace is not trusted, so Wavelock changes nothing in it.'),
    [manage],
  );
  return false;
}

/** For a moment in the status bar: what was asked for is done, and needs no click. */
export function done(message: string): void {
  vscode.window.setStatusBarMessage(`$(check) ${message}`, 5_000);
}

function explain(refusal: Refusal, target: WorkflowTarget | undefined): Promise<void> {
  return offer(vscode.window.showWarningMessage, refusal.message, wayOut(refusal, target));
}

function wayOut(refusal: Refusal, target: WorkflowTarget | undefined): vscode.Command[] {
  if (refusal.code === 'invalid_workflow')
    return [commandTo('wavelock.validateWorkflowFile', vscode.l10n.t('Show Problems'), target)];
  if (refusal.code === 'conflict' && refusal.conflict !== undefined)
    return [commandTo('wavelock.resolveConflict', vscode.l10n.t('Resolve Conflict…'), target)];
  if (refusal.code === 'unknown_workflow')
    return [commandTo('wavelock.initializeWorkflow', vscode.l10n.t('Initialize Workflow'))];
  return [];
}

async function offer(
  show: (message: string, ...items: string[]) => Thenable<string | undefined>,
  message: string,
  ways: readonly vscode.Command[],
): Promise<void> {
  const choice = await show(message, ...ways.map(({ title }) => title));
  const way = ways.find(({ title }) => title === choice);
  if (way)
    await vscode.commands.executeCommand(way.command, ...((way.arguments ?? []) as unknown[]));
}

function showLog(): vscode.Command {
  return commandTo('wavelock.showLog', vscode.l10n.t('Show Log'));
}
