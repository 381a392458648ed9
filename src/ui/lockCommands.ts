/** The commands about locks on files: take, wait for, give back, break, and look who holds one. */
import { basename } from 'node:path';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ContentHash, LockRow, WaiterId } from '../core/model';
import { plain, plainIcons } from '../shared/plainText';
import { newId } from '../store/newId';
import { hashOf } from '../store/workflowFiles';
import { mention, type Acting } from './acting';
import { activeFile } from './activeFile';
import type { LockedTarget } from './commandTable';
import { runCommand } from './commands';
import type { FileLocks, FilePlace } from './fileLocks';
import type { FolderModel } from './folderModel';
import { evidenceOf, modeWord, storesOf, waitersFor } from './lockTree';
import { timeLeft } from './visibleTime';
import type { WorkspaceModel } from './workspaceModel';

interface Chosen {
  readonly model: FolderModel;
  readonly lock: LockRow;
}

export class LockCommands {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly locks: FileLocks,
    private readonly acting: Acting,
  ) {}

  async acquire(file?: vscode.Uri): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const uri = file ?? activeFile();
    const place = uri && this.locks.place(uri);
    if (!place) {
      this.acting.explanations.nothing(
        vscode.l10n.t('Open a file of this workspace first: a lock is on a file.'),
      );
      return;
    }
    const what = `Lock ${place.file}`;
    const answer = await this.acting.answer(place.model, { what, resource: uri }, ({ store }) =>
      store.submit(acquireOf(place, uri)),
    );
    if (answer?.ok) this.#tellLocked(place);
    else if (answer) {
      this.acting.explanations.refused(
        answer.refusal,
        { folder: place.model.folder, resource: uri },
        answer.refusal.code === 'lock_denied'
          ? [{ title: vscode.l10n.t('Wait for It'), take: () => this.wait(place, uri) }]
          : [],
      );
    }
  }

  /** Stands in line until it is our turn, or the person has waited enough. */
  async wait(place: FilePlace, uri: vscode.Uri): Promise<void> {
    const waiter = newId('wtr') as WaiterId;
    const { model } = place;
    const asked = { what: `Wait for ${place.file}`, resource: uri };
    await vscode.window.withProgress(
      {
        location: vscode.ProgressLocation.Notification,
        title: vscode.l10n.t('Waiting for the lock on {0}', plain(place.file)),
        cancellable: true,
      },
      async (_progress, enough) => {
        for (let renewal = false; ; renewal = true) {
          const answer = await this.acting.answer(model, asked, ({ store }) =>
            store.submit({ ...acquireOf(place, uri), waiter, ...(renewal ? { renewal } : {}) }),
          );
          if (!answer) return;
          if (answer.ok) {
            this.#tellLocked(place);
            return;
          }
          if (answer.refusal.code !== 'lock_denied') {
            this.acting.explanations.refused(answer.refusal, { resource: uri });
            return;
          }
          await ourTurn(model, waiter, answer.refusal.retryAfterMs, enough);
          if (!enough.isCancellationRequested) continue;
          await this.acting.answer(model, asked, ({ store }) =>
            store.submit({ kind: 'lock.unwait', waiter }),
          );
          return;
        }
      },
    );
  }

  async release(target?: LockedTarget): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Release which lock?'),
      none: vscode.l10n.t('This window holds no lock.'),
      may: (lock) => lock.agent === this.model.agent,
    });
    if (!chosen) return;
    const { model, lock } = chosen;
    const facts = await this.acting.ask(model, { what: `Release ${lock.resource}` }, ({ store }) =>
      store.submit({ kind: 'lock.release', resources: [lock.resource], ...placeOf(lock) }),
    );
    if (facts) mention(vscode.l10n.t('Released {0}', plain(lock.resource)));
  }

  async break(target?: LockedTarget): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Break which lock?'),
      none: vscode.l10n.t('Nobody else holds a lock.'),
      may: (lock) => lock.agent !== this.model.agent,
    });
    if (!chosen) return;
    const { model, lock } = chosen;
    const reason = await vscode.window.showInputBox({
      title: vscode.l10n.t('Break the lock of {0} on {1}', plain(lock.agent), plain(lock.resource)),
      prompt: vscode.l10n.t('Why? It is kept with the event, and the holder is told.'),
      validateInput: (value) =>
        value.trim() === '' ? vscode.l10n.t('A reason is needed.') : undefined,
    });
    if (reason === undefined || reason.trim() === '') return;
    const facts = await this.acting.ask(model, { what: `Break ${lock.resource}` }, ({ store }) =>
      store.submit({
        kind: 'lock.break',
        resource: lock.resource,
        ...placeOf(lock),
        reason: reason.trim(),
      }),
    );
    if (facts) mention(vscode.l10n.t('Broken: {0}', plain(lock.resource)));
  }

  async showHolder(target?: LockedTarget): Promise<void> {
    await this.model.ready;
    const chosen = await this.#choose(target, {
      title: vscode.l10n.t('Who holds which lock?'),
      none: vscode.l10n.t('Nothing is locked.'),
      may: () => true,
    });
    if (!chosen) return;
    const { model, lock } = chosen;
    const now = Date.now();
    const mine = lock.agent === this.model.agent;
    const named: LockedTarget = { folder: model.folder, lock: lock.id };
    const actions = mine
      ? [
          {
            label: `$(unlock) ${vscode.l10n.t('Release Lock')}`,
            take: () => runCommand('wavelock.releaseLock', named),
          },
        ]
      : [
          {
            label: `$(trash) ${vscode.l10n.t('Break Lock…')}`,
            take: () => runCommand('wavelock.breakLock', named),
          },
        ];
    const facts = [
      `${modeWord(lock)}, ${timeLeft(lock.expiresAt, now)}`,
      ...evidenceOf(model, lock, now).map(({ text }) => text),
      ...waitersFor(model, lock).map(({ agent }, index) =>
        vscode.l10n.t('{0} waits at position {1}', plain(agent), index + 1),
      ),
    ];
    const holder = mine ? vscode.l10n.t('this window') : plain(lock.agent);
    const items: (vscode.QuickPickItem & { readonly take?: () => unknown })[] = [
      ...actions,
      { label: vscode.l10n.t('How it stands'), kind: vscode.QuickPickItemKind.Separator },
      ...facts.map((label) => ({ label: plainIcons(label) })),
    ];
    const picked = await vscode.window.showQuickPick(items, {
      title: vscode.l10n.t('{0} is locked by {1}', plain(lock.resource), holder),
    });
    await picked?.take?.();
  }

  #tellLocked({ file }: FilePlace): void {
    mention(vscode.l10n.t('Locked {0}', plain(basename(file))));
  }

  async #choose(
    target: LockedTarget | undefined,
    {
      title,
      none,
      may,
    }: {
      readonly title: string;
      readonly none: string;
      readonly may: (lock: LockRow) => boolean;
    },
  ): Promise<Chosen | undefined> {
    const uri = target === undefined ? activeFile() : isLock(target) ? undefined : asUri(target);
    const place = uri && this.locks.place(uri);
    const named = target && isLock(target) ? this.#find(target) : undefined;
    if (named) return named;
    const all = storesOf(this.model).flatMap((model) =>
      [...model.view.locks.values()].map((lock) => ({ model, lock })),
    );
    const legal = all.filter(({ lock }) => may(lock));
    const here = place ? this.locks.locksOn(place) : [];
    const ofFile = legal.filter(({ lock }) => here.some(({ id }) => id === lock.id));
    const among = ofFile.length > 0 ? ofFile : target === undefined ? legal : [];
    if (among.length === 0) {
      this.acting.explanations.nothing(none);
      return undefined;
    }
    if (among.length === 1 && ofFile.length === 1) return among[0];
    const now = Date.now();
    const items = among.map((chosen) => ({
      label: plainIcons(plain(chosen.lock.resource)),
      description: [
        modeWord(chosen.lock),
        plainIcons(plain(chosen.lock.agent)),
        timeLeft(chosen.lock.expiresAt, now),
      ].join(' · '),
      chosen,
    }));
    return (await vscode.window.showQuickPick(items, { title, matchOnDescription: true }))?.chosen;
  }

  #find({ folder, lock }: { folder: string; lock: LockRow['id'] }): Chosen | undefined {
    const model = this.model.folder(folder);
    const row = model?.view.locks.get(lock);
    return model && row && { model, lock: row };
  }
}

function isLock(target: LockedTarget): target is Extract<LockedTarget, { lock: unknown }> {
  return 'lock' in target;
}

/** A row of the tree that is no lock names nothing. */
function asUri(target: LockedTarget): vscode.Uri | undefined {
  return target instanceof vscode.Uri ? target : undefined;
}

function acquireOf({ resource, model }: FilePlace, uri: vscode.Uri) {
  const hash = contentOf(uri);
  return {
    kind: 'lock.acquire',
    wishes: [{ resource, mode: 'write', ...(hash === undefined ? {} : { hash }) }],
    worktree: model.place.worktree,
  } as const;
}

/** Undefined for what cannot be read now: the lock is on the name. */
function contentOf(uri: vscode.Uri): ContentHash | undefined {
  try {
    return hashOf(readFileSync(uri.fsPath));
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}

function placeOf(lock: LockRow): { readonly worktree: string; readonly shared?: boolean } {
  return lock.worktree === null ? { worktree: '', shared: true } : { worktree: lock.worktree };
}

/** Resolves when the lock is offered to the waiter, when it has to renew, and when the person has had enough. */
function ourTurn(
  model: FolderModel,
  waiter: WaiterId,
  atMostMs: number,
  enough: vscode.CancellationToken,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      following.dispose();
      cancelling.dispose();
      resolve();
    };
    const timer = setTimeout(done, atMostMs);
    const following = model.onDidChange(({ events }) => {
      if (events.some((event) => event.kind === 'lock.offered' && event.data.row.id === waiter))
        done();
    });
    const cancelling = enough.onCancellationRequested(done);
  });
}
