/**
 * What people are interrupted for: a lock of theirs was broken, a run of theirs failed or was lost, and the store is
 * back after a failure. Nothing else; a normal advance is silent.
 *
 * The store decides whether one may be shown, so that a hundred failures at once are one interruption.
 */
import * as vscode from 'vscode';
import type { RunRow, StoredEvent } from '../core/model';
import { plain, plainNotice } from '../shared/plainText';
import { runCommand } from './commands';
import type { WayOut } from './explain';
import type { FolderModel } from './folderModel';
import { nameOf } from './runCommands';
import type { WorkspaceChange, WorkspaceModel } from './workspaceModel';

export const notificationKinds = ['lockBroken', 'runFailed', 'recovered'] as const;
export type NotificationKind = (typeof notificationKinds)[number];

interface Notice {
  readonly kind: NotificationKind;
  readonly message: string;
  readonly ways: readonly WayOut[];
}

export class Notifications {
  /** Folders whose store has failed and is not back yet. */
  readonly #failed = new Set<string>();

  constructor(
    private readonly model: WorkspaceModel,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  follow(change: WorkspaceChange): void {
    if (change === undefined) return;
    const model = this.model.folder(change.folder);
    if (!model) return;
    for (const event of change.events) {
      const notice = this.#noticeOf(event, model);
      if (notice) void this.#notify(model, notice);
    }
    if (!change.store) return;
    const { state } = model.state.store;
    if (state === 'failed') this.#failed.add(model.folder);
    else if (state === 'live' && this.#failed.delete(model.folder)) {
      void this.#notify(model, {
        kind: 'recovered',
        message: vscode.l10n.t('The store of {0} works again.', model.folder),
        ways: [],
      });
    }
  }

  #noticeOf(event: StoredEvent, model: FolderModel): Notice | undefined {
    if (event.kind === 'lock.broken') {
      // Somebody who breaks a lock of their own knows.
      if (event.data.agent !== this.model.agent || event.session === this.model.session)
        return undefined;
      return {
        kind: 'lockBroken',
        message: vscode.l10n.t(
          '{0} has broken your lock on {1}: {2}',
          plain(event.agent),
          plain(event.resource ?? ''),
          plain(event.data.reason),
        ),
        ways: [],
      };
    }
    if (event.kind !== 'run.failed' && event.kind !== 'run.lost') return undefined;
    const { row } = event.data;
    if (row.claim?.agent !== this.model.agent || endedByHere(event, this.model)) return undefined;
    const name = nameOf(row);
    return {
      kind: 'runFailed',
      message:
        event.kind === 'run.lost'
          ? vscode.l10n.t('Your run {0} was lost: nothing was heard of it any more.', name)
          : vscode.l10n.t('Your run {0} has failed: {1}', name, plain(row.error?.message ?? '')),
      ways: [
        {
          title: vscode.l10n.t('Retry'),
          take: () => runCommand('wavelock.retryRun', { folder: model.folder, run: row.id }),
        },
      ],
    };
  }

  async #notify(model: FolderModel, { kind, message, ways }: Notice): Promise<void> {
    const setting = `notifications.${kind}`;
    const settings = vscode.workspace.getConfiguration('wavelock');
    if (!settings.get<boolean>(setting, true)) return;
    if (!(await this.#mayShow(model, kind))) return;
    const never = vscode.l10n.t("Don't Show Again");
    const show =
      kind === 'recovered'
        ? vscode.window.showInformationMessage
        : vscode.window.showWarningMessage;
    const titles = ways.map(({ title }) => title);
    const chosen = await show(plainNotice(message), ...titles, never);
    if (chosen === never) await settings.update(setting, false, vscode.ConfigurationTarget.Global);
    else ways.find(({ title }) => title === chosen)?.take();
  }

  /** One of a kind in ten seconds, for this window. */
  async #mayShow(model: FolderModel, kind: NotificationKind): Promise<boolean> {
    try {
      const answer = await model.use(({ store }) =>
        store.submit({ kind: 'notification.take', about: `${kind}:${this.model.agent}` }),
      );
      return !answer.ok || answer.facts.show;
    } catch (error) {
      this.log.warn(`It could not be asked whether to notify: ${String(error)}`);
      return true;
    }
  }
}

/** Who fails a run by a command of this window sees it happen. */
function endedByHere(
  event: StoredEvent & { readonly data: { readonly row: RunRow } },
  model: WorkspaceModel,
): boolean {
  return event.kind === 'run.failed' && event.session === model.session;
}
