/**
 * What may be done with what is shown. The rules decide anew when it is asked; this only keeps people from being
 * offered what would be refused. Pure.
 */
import type { PanelLock, PanelStore, PanelTask, PanelWorkflow } from '../src/shared/protocol';
import { l10n } from './l10n';
import type { Model } from './model';
import type { Wish } from './parts';
import type { Item, Scope } from './scope';
import { isLive } from './states';

export interface Action {
  readonly id: string;
  readonly label: string;
  readonly icon: string;
  /** A reason is asked for first: it may be left empty, or must be said. */
  readonly asks: 'no' | 'may' | 'must';
  readonly primary?: boolean;
  readonly wish: (reason: string) => Wish;
}

export const canWrite = (store: PanelStore | undefined): boolean => store?.state === 'live';

export function itemActions(
  item: Item,
  scope: Scope,
  model: Model,
  workflow: PanelWorkflow | null,
): Action[] {
  if (!canWrite(model.stores.get(scope.store))) return [];
  return [...runActions(item, scope, model, workflow), ...taskActions(item, workflow)];
}

function runActions(
  { key, run, task, state, stale }: Item,
  scope: Scope,
  model: Model,
  workflow: PanelWorkflow | null,
): Action[] {
  const { store } = scope;
  const actions: Action[] = [];
  if (run && !isLive(run)) {
    const attempts = model.attemptsOf(scope, key);
    const mayFollow = attempts.every((it) => !isLive(it) && it.status !== 'completed');
    if (mayFollow && task?.status !== 'done') {
      actions.push({
        id: 'retry',
        label: l10n.t('Retry'),
        icon: 'debug-restart',
        asks: 'no',
        primary: true,
        wish: () => ({ type: 'run', store, run: run.id, action: 'retry' }),
      });
    }
  }
  if (run && isLive(run) && run.stop === null) {
    actions.push({
      id: 'cancel',
      label: run.status === 'queued' ? l10n.t('Cancel') : l10n.t('Ask to stop'),
      icon: 'circle-slash',
      asks: 'no',
      primary: stale,
      wish: () => ({ type: 'run', store, run: run.id, action: 'cancel' }),
    });
  }
  if (run?.status === 'running' && run.stop !== 'kill') {
    actions.push({
      id: 'kill',
      label: l10n.t('Kill…'),
      icon: 'stop-circle',
      asks: 'may',
      wish: (reason) => ({
        type: 'run',
        store,
        run: run.id,
        action: 'kill',
        ...(reason === '' ? {} : { reason }),
      }),
    });
  }
  const idle = !run || !isLive(run);
  if (task && workflow && idle && state !== 'completed' && run === null) {
    actions.push({
      id: 'queue',
      label: l10n.t('Queue a run'),
      icon: 'add',
      asks: 'no',
      wish: () => ({ type: 'queue', workflow: workflow.key, task: task.id }),
    });
  }
  return actions;
}

/** Setting a box is for tasks that nobody works on. */
function taskActions({ task, run }: Item, workflow: PanelWorkflow | null): Action[] {
  if (!task || !workflow || workflow.editing === 'none' || workflow.errors.length > 0) return [];
  if (run?.status === 'running') return [];
  const set = (status: PanelTask['status'], label: string, icon: string): Action => ({
    id: `task-${status}`,
    label,
    icon,
    asks: 'no',
    wish: () => ({
      type: 'task',
      workflow: workflow.key,
      task: task.id,
      status,
      seen: task.status,
    }),
  });
  const all = [
    set('done', l10n.t('Mark as done'), 'check'),
    set('doing', l10n.t('Mark as in progress'), 'play'),
    set('failed', l10n.t('Mark as failed'), 'error'),
    set('todo', l10n.t('Mark as to do'), 'discard'),
  ];
  return all.filter(({ id }) => id !== `task-${task.status}`);
}

export function lockActions(lock: PanelLock, store: PanelStore | undefined): Action[] {
  if (!store || !canWrite(store) || lock.kind === 'guard') return [];
  if (lock.mine) {
    return [
      {
        id: 'release',
        label: l10n.t('Release Lock'),
        icon: 'unlock',
        asks: 'no',
        wish: () => ({ type: 'release', store: store.key, lock: lock.id }),
      },
    ];
  }
  return [
    {
      id: 'break',
      label: l10n.t('Break…'),
      icon: 'trash',
      asks: 'must',
      wish: (reason) => ({ type: 'break', store: store.key, lock: lock.id, reason }),
    },
  ];
}
