/**
 * A refusal or a fault on the screen: what stands in the way, and buttons for what clears it. Used by every
 * command, so that the same no reads the same everywhere.
 *
 * Contract: nothing here waits for the person; a command has ended when its answer is on the screen.
 */
import * as vscode from 'vscode';
import { isStoreError, type FaultCode } from '../core/errors';
import type { Refusal } from '../core/model';
import { plain, plainNotice } from '../shared/plainText';
import type { Directed } from './claimedRuns';
import { runCommand } from './commands';

export interface WayOut {
  readonly title: string;
  readonly take: () => unknown;
}

/** Where it happened, for buttons that lead there. */
export interface Scene {
  readonly folder?: string;
  /** The workflow file. */
  readonly path?: string;
  /** The file that was to be locked. */
  readonly resource?: vscode.Uri;
  /** The same again. */
  readonly again?: () => unknown;
}

export class Explanations {
  constructor(private readonly log: vscode.LogOutputChannel) {}

  refused(refusal: Refusal, scene: Scene, first: readonly WayOut[] = []): void {
    this.log.info(`Refused (${refusal.code}): ${refusal.message}`);
    this.#show('warning', sentenceOf(refusal), [...first, ...waysOutOf(refusal, scene)]);
  }

  failed(what: string, error: unknown, scene: Scene = {}): void {
    this.log.error(`${what} failed`, error);
    const message = error instanceof Error ? error.message : String(error);
    this.#show(
      'error',
      message,
      isStoreError(error) ? faultWays(error.code) : [this.openLog],
      scene,
    );
  }

  untrusted(): void {
    this.#show(
      'warning',
      vscode.l10n.t('This workspace is not trusted, so Wavelock changes nothing in it.'),
      [
        {
          title: vscode.l10n.t('Manage Workspace Trust'),
          take: () => vscode.commands.executeCommand('workbench.trust.manage'),
        },
      ],
    );
  }

  /** A surface that has failed again and again. */
  down(name: string, reason: string, restart: () => void): void {
    this.#show('error', vscode.l10n.t('{0} is switched off: {1}', name, reason), [
      { title: vscode.l10n.t('Start Again'), take: restart },
      this.openLog,
    ]);
  }

  /** Somebody wants a run that this window has claimed to stop. */
  directed({ folder, run, directive }: Directed): void {
    this.#show(
      'warning',
      directive === 'kill'
        ? vscode.l10n.t('You are asked to stop run {0} at once.', run)
        : vscode.l10n.t('You are asked to stop run {0}.', run),
      [
        {
          title: vscode.l10n.t('Complete Run'),
          take: () => runCommand('wavelock.completeRun', { folder, run }),
        },
        {
          title: vscode.l10n.t('Fail Run…'),
          take: () => runCommand('wavelock.failRun', { folder, run }),
        },
      ],
    );
  }

  /** There is nothing that the command could be about. */
  nothing(message: string, ways: readonly WayOut[] = []): void {
    this.#show('info', message, ways);
  }

  get openLog(): WayOut {
    return {
      title: vscode.l10n.t('Show Log'),
      take: () => {
        this.log.show();
      },
    };
  }

  #show(
    how: 'info' | 'warning' | 'error',
    message: string,
    ways: readonly WayOut[],
    { again }: Scene = {},
  ): void {
    const all = again ? [...ways, { title: vscode.l10n.t('Try Again'), take: again }] : ways;
    const show = {
      info: vscode.window.showInformationMessage,
      warning: vscode.window.showWarningMessage,
      error: vscode.window.showErrorMessage,
    }[how];
    void show(plainNotice(plain(message, 1_000)), ...all.map(({ title }) => title)).then((chosen) =>
      all.find(({ title }) => title === chosen)?.take(),
    );
  }
}

/** Why in full: the message, and what it is about where it only counts. */
export function sentenceOf(refusal: Refusal): string {
  if (refusal.code !== 'wave_incomplete') return refusal.message;
  const named = refusal.blockers.slice(0, 5).map(({ task, why }) => `${task} (${why})`);
  const more = refusal.blockers.length - named.length;
  if (more > 0) named.push(vscode.l10n.t('{0} more', more));
  return `${refusal.message} ${named.join(', ')}`;
}

/** What clears the way, nearest first. Not every refusal has one beside looking again. */
function waysOutOf(refusal: Refusal, { folder, path, resource, again }: Scene): WayOut[] {
  const openFile = (line?: number): WayOut[] =>
    path === undefined
      ? []
      : [
          {
            title: vscode.l10n.t('Open File'),
            take: () =>
              runCommand('wavelock.openWorkflowFile', {
                path,
                ...(line === undefined ? {} : { line }),
              }),
          },
        ];
  const tryAgain = again ? [{ title: vscode.l10n.t('Try Again'), take: again }] : [];
  const openPanel = [
    { title: vscode.l10n.t('Show Runs'), take: () => runCommand('wavelock.openPanel') },
  ];
  switch (refusal.code) {
    case 'task_busy': {
      const { run } = refusal;
      if (folder === undefined) return openPanel;
      return [
        {
          title: vscode.l10n.t('Cancel Its Run'),
          take: () => runCommand('wavelock.cancelRun', { folder, run }),
        },
        {
          title: vscode.l10n.t('Copy Run Id'),
          take: () => runCommand('wavelock.copyRunId', { folder, run }),
        },
      ];
    }
    case 'lock_denied':
      if (resource === undefined) return tryAgain;
      return [
        {
          title: vscode.l10n.t('Show Lock Holder'),
          take: () => runCommand('wavelock.showLockHolder', resource),
        },
        {
          title: vscode.l10n.t('Break Lock…'),
          take: () => runCommand('wavelock.breakLock', resource),
        },
      ];
    case 'nothing_queued':
    case 'too_many_retries':
      return [
        { title: vscode.l10n.t('Create Run'), take: () => runCommand('wavelock.createRun') },
        ...openPanel,
      ];
    case 'wave_incomplete':
      return openFile();
    case 'invalid_workflow':
      return openFile(refusal.problems[0]?.line);
    case 'conflict':
    case 'read_only':
    case 'unknown_task':
    case 'unknown_workflow':
      return openFile();
    case 'no_slot':
    case 'run_failed':
    case 'invalid_transition':
    case 'stale_claim':
    case 'unknown_run':
      return openPanel;
    case 'rate_limited':
    case 'timeout':
      return tryAgain;
    case 'lock_required':
      return resource === undefined
        ? []
        : [
            {
              title: vscode.l10n.t('Acquire Lock'),
              take: () => runCommand('wavelock.acquireLock', resource),
            },
          ];
    case 'cycle':
    case 'deadlock':
    case 'agent_required':
    case 'too_large':
    case 'bad_input':
      return [];
  }
}

/** What helps against each fault of the store. */
export function faultWays(code: FaultCode): WayOut[] {
  const retry = {
    title: vscode.l10n.t('Retry'),
    take: () => runCommand('wavelock.retryStore'),
  };
  const restore = {
    title: vscode.l10n.t('Restore Latest Backup…'),
    take: () => runCommand('wavelock.restoreStore'),
  };
  const openLog = { title: vscode.l10n.t('Show Log'), take: () => runCommand('wavelock.showLog') };
  switch (code) {
    case 'store_damaged':
    case 'store_behind':
      return [restore, retry, openLog];
    case 'store_gone':
      return [retry, restore, openLog];
    case 'store_newer':
      return [
        {
          title: vscode.l10n.t('Look for Updates'),
          take: () => vscode.commands.executeCommand('workbench.extensions.action.checkForUpdates'),
        },
        openLog,
      ];
    case 'store_busy':
    case 'store_full':
    case 'store_io':
    case 'store_permission':
    case 'store_readonly':
    case 'store_foreign':
    case 'store_unavailable':
    case 'backup_failed':
      return [retry, openLog];
  }
}
