/** The view of locks: what is locked by whom and for how long, and who waits for it. */
import type { LockId, LockRow, WaiterRow } from '../core/model';
import * as vscode from 'vscode';
import { overlap } from '../core/rules/lockKeys';
import { plain } from '../shared/plainText';
import type { FolderModel } from './folderModel';
import { RowTree, type Row, type RowNode } from './treeViewRows';
import { agoChangesAt, leftChangesAt, timeAgo, timeLeft } from './visibleTime';
import type { WorkspaceModel } from './workspaceModel';

export type LockAbout =
  | { readonly kind: 'lock'; readonly folder: string; readonly lock: LockId }
  | { readonly kind: 'detail' };
export type LockNode = RowNode<LockAbout>;

export class LockTree extends RowTree<LockAbout> {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly now: () => number = Date.now,
  ) {
    super(() => storesOf(model).flatMap((folder) => lockRows(folder, model.agent, now())));
  }

  /** When a row reads otherwise though nothing has happened. */
  changesAt(): number {
    const now = this.now();
    return Math.min(
      ...storesOf(this.model).flatMap(({ view }) =>
        [...view.locks.values()].flatMap((lock) => [
          leftChangesAt(lock.expiresAt, now),
          ...(view.agents.get(lock.agent)
            ? [agoChangesAt(view.agents.get(lock.agent)?.seen.wall ?? now, now)]
            : []),
        ]),
      ),
      Infinity,
    );
  }
}

/** One folder for each store: what folders share is shown once. */
export function storesOf(model: WorkspaceModel): FolderModel[] {
  const stores = new Map<string, FolderModel>();
  for (const folder of model.folders)
    if (!stores.has(folder.place.storeFolder)) stores.set(folder.place.storeFolder, folder);
  return [...stores.values()];
}

function lockRows(folder: FolderModel, me: string, now: number): Row<LockAbout>[] {
  return [...folder.view.locks.values()]
    .sort((one, other) => (one.resource < other.resource ? -1 : 1))
    .map((lock) => lockRow(folder, lock, me, now));
}

function lockRow(model: FolderModel, lock: LockRow, me: string, now: number): Row<LockAbout> {
  const mine = lock.agent === me;
  const stale = lock.expiresAt <= now;
  const holder = mine ? vscode.l10n.t('this window') : plain(lock.agent);
  const mode = modeWord(lock);
  const left = timeLeft(lock.expiresAt, now);
  const where =
    lock.worktree === null
      ? [vscode.l10n.t('all worktrees')]
      : lock.worktree === model.place.worktree
        ? []
        : [vscode.l10n.t('worktree {0}', plain(lock.worktree))];
  const waiters = waitersFor(model, lock);
  const waiting =
    waiters.length === 0
      ? []
      : [
          waiters.length === 1
            ? vscode.l10n.t('one waits')
            : vscode.l10n.t('{0} wait', waiters.length),
        ];
  const label = plain(lock.resource);
  const evidence = evidenceOf(model, lock, now);
  const words = [mode, holder, left, ...where, ...waiting];
  const id = `lock:${model.folder}:${lock.id}`;
  return {
    id,
    about: { kind: 'lock', folder: model.folder, lock: lock.id },
    label,
    description: words.join(' · '),
    tooltip: [label, ...words, ...evidence.map(({ text }) => text)].join('\n'),
    icon: stale ? 'watch' : lock.mode === 'read' ? 'book' : 'lock',
    ...(stale ? { colour: 'list.warningForeground' } : mine ? { colour: 'charts.green' } : {}),
    context: `lock;${mine ? 'mine' : 'other'}${stale ? ';stale' : ''}`,
    spoken: [label, ...words].join(', '),
    open: waiters.length > 0,
    children: [
      ...waiters.map((waiter, index) => waiterRow(id, waiter, index, me, now)),
      ...evidence.map(({ about, text }): Row<LockAbout> => ({
        id: `${id}:${about}`,
        about: { kind: 'detail' },
        label: text,
        description: '',
        tooltip: text,
        icon: 'info',
        context: 'detail',
        spoken: text,
      })),
    ],
  };
}

function waiterRow(
  lockId: string,
  waiter: WaiterRow,
  index: number,
  me: string,
  now: number,
): Row<LockAbout> {
  const name = waiter.agent === me ? vscode.l10n.t('this window') : plain(waiter.agent);
  const words = [
    vscode.l10n.t('waits at position {0}', index + 1),
    vscode.l10n.t('since {0}', new Date(waiter.since).toLocaleTimeString()),
    ...(waiter.offer === null ? [] : [vscode.l10n.t('it is its turn')]),
  ];
  return {
    id: `${lockId}:${waiter.id}`,
    about: { kind: 'detail' },
    label: name,
    description: words.join(' · '),
    tooltip: [name, ...words, timeAgo(waiter.since, now)].join('\n'),
    icon: 'clock',
    context: 'waiter',
    spoken: [name, ...words].join(', '),
  };
}

export function modeWord({ mode }: Pick<LockRow, 'mode'>): string {
  return mode === 'write' ? vscode.l10n.t('write') : vscode.l10n.t('read');
}

/** In the order in which they get it. */
export function waitersFor({ view }: FolderModel, lock: LockRow): WaiterRow[] {
  return [...view.waiters.values()].filter(
    (waiter) =>
      waiter.agent !== lock.agent && waiter.requests.some((request) => overlap(request, lock)),
  );
}

export interface LockEvidence {
  readonly about: 'expiry' | 'since' | 'agent' | 'process';
  readonly text: string;
}

/** What speaks for or against a holder that nobody hears of. */
export function evidenceOf({ view }: FolderModel, lock: LockRow, now: number): LockEvidence[] {
  const agent = view.agents.get(lock.agent);
  const process = view.sessions.get(lock.session)?.process;
  const expired = lock.expiresAt <= now;
  return [
    ...(expired
      ? [
          {
            about: 'expiry',
            text: vscode.l10n.t('It has expired and keeps nobody from anything'),
          } as const,
        ]
      : []),
    {
      about: 'since',
      text: vscode.l10n.t('Held since {0}', new Date(lock.since).toLocaleTimeString()),
    },
    {
      about: 'agent',
      text: agent
        ? vscode.l10n.t(
            'Last sign of life {0} on {1}',
            timeAgo(agent.seen.wall, now),
            plain(agent.seen.host),
          )
        : vscode.l10n.t('Its agent is gone'),
    },
    {
      about: 'process',
      text: process
        ? vscode.l10n.t('Process {0} on {1}', process.pid, plain(process.host))
        : vscode.l10n.t('The process that took it has ended'),
    },
  ];
}
