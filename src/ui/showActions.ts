/** A click on the status bar: what can be done now, and nothing else. */
import * as vscode from 'vscode';
import { activeFile } from './activeFile';
import type { CommandId } from './commandTable';
import type { ContextKeys } from './contextKeys';
import type { FileLocks, LockState } from './fileLocks';

interface Action {
  readonly command: CommandId;
  readonly icon: string;
  readonly title: string;
  readonly legal: boolean;
}

export function actionsNow(keys: ContextKeys, file?: LockState['state']): Action[] {
  const is = (key: Parameters<ContextKeys['get']>[0]): boolean => keys.get(key);
  const trusted = vscode.workspace.isTrusted;
  const all: readonly Action[] = [
    {
      command: 'wavelock.retryStore',
      icon: 'refresh',
      title: vscode.l10n.t('Retry Opening the Store'),
      legal: is('storeFailed'),
    },
    {
      command: 'wavelock.restoreStore',
      icon: 'history',
      title: vscode.l10n.t('Restore the Store from Its Latest Backup…'),
      legal: is('storeFailed'),
    },
    {
      command: 'wavelock.advanceWave',
      icon: 'debug-step-over',
      title: vscode.l10n.t('Advance Wave'),
      legal: is('canAdvance'),
    },
    {
      command: 'wavelock.acquireLock',
      icon: 'lock',
      title: vscode.l10n.t('Acquire Lock on This File'),
      legal: is('storeLive') && (file === 'free' || file === 'stale'),
    },
    {
      command: 'wavelock.releaseLock',
      icon: 'unlock',
      title: vscode.l10n.t('Release Lock'),
      legal: is('hasMyLocks'),
    },
    {
      command: 'wavelock.showLockHolder',
      icon: 'person',
      title: vscode.l10n.t('Show Lock Holder'),
      legal: file === 'held' || file === 'stale',
    },
    {
      command: 'wavelock.breakLock',
      icon: 'trash',
      title: vscode.l10n.t('Break Lock…'),
      legal: is('hasOthersLocks'),
    },
    {
      command: 'wavelock.claimRun',
      icon: 'inbox',
      title: vscode.l10n.t('Claim Next Run'),
      legal: is('canClaim'),
    },
    {
      command: 'wavelock.completeRun',
      icon: 'pass',
      title: vscode.l10n.t('Complete Run'),
      legal: is('canComplete'),
    },
    {
      command: 'wavelock.openPanel',
      icon: 'layout',
      title: vscode.l10n.t('Open Run-State Panel'),
      legal: true,
    },
    {
      command: 'wavelock.openWorkflowFile',
      icon: 'go-to-file',
      title: vscode.l10n.t('Open Workflow File'),
      legal: is('hasWorkflowFile'),
    },
    {
      command: 'wavelock.showEventLog',
      icon: 'list-ordered',
      title: vscode.l10n.t('Show Event Log'),
      legal: is('storeLive'),
    },
    {
      command: 'wavelock.showLog',
      icon: 'output',
      title: vscode.l10n.t('Show Log'),
      legal: true,
    },
  ];
  const without: readonly CommandId[] = [
    'wavelock.openPanel',
    'wavelock.openWorkflowFile',
    'wavelock.showLog',
    'wavelock.showLockHolder',
  ];
  return all.filter(({ legal, command }) => legal && (trusted || without.includes(command)));
}

export async function showActions(keys: ContextKeys, locks: FileLocks): Promise<void> {
  const uri = activeFile();
  const place = uri && locks.place(uri);
  const file = place && locks.stateOf(place, Date.now()).state;
  const items = actionsNow(keys, file).map(({ command, icon, title }) => ({
    label: `$(${icon}) ${title}`,
    command,
  }));
  const chosen = await vscode.window.showQuickPick(items, { title: 'Wavelock' });
  if (chosen) await vscode.commands.executeCommand(chosen.command);
}
