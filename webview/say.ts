/** States, reasons and ages in words. */
import type { PanelRun } from '../src/shared/protocol';
import { countdown, duration, l10n, time } from './l10n';
import type { Model } from './model';
import { isUnticked, type Item, type Scope } from './scope';
import type { Bucket, Group, ItemState } from './states';

export function stateWord(state: ItemState): string {
  switch (state) {
    case 'pending':
      return l10n.t('Pending');
    case 'queued':
      return l10n.t('Queued');
    case 'running':
      return l10n.t('Running');
    case 'doing':
      return l10n.t('In progress');
    case 'completed':
      return l10n.t('Completed');
    case 'error':
      return l10n.t('Error');
    case 'failed':
      return l10n.t('Failed');
    case 'killed':
      return l10n.t('Killed');
    case 'cancelled':
      return l10n.t('Cancelled');
    case 'lost':
      return l10n.t('Lost');
    case 'blocked':
      return l10n.t('Blocked');
    case 'retry':
      return l10n.t('Retry due');
  }
}

export const bucketWord = (bucket: Bucket): string =>
  bucket === 'stale' ? l10n.t('Running, stale') : stateWord(bucket);

export function groupWord(group: Group): string {
  switch (group) {
    case 'attention':
      return l10n.t('Needs attention');
    case 'active':
      return l10n.t('In progress');
    case 'waiting':
      return l10n.t('Waiting');
    case 'completed':
      return l10n.t('Completed');
  }
}

export const itemWord = (item: Item): string =>
  isUnticked(item) ? l10n.t('Completed, not ticked') : stateWord(item.state);

/** How people call a run: by its task, else by its title. */
export const runName = (run: Pick<PanelRun, 'task' | 'title'>): string => run.task ?? run.title;

export interface Around {
  readonly model: Model;
  readonly scope: Scope;
  readonly now: number;
}

/** Why a person should look, or what it waits for; nothing where the state says it all. */
export function noteOf(item: Item, { model, scope, now }: Around): string | null {
  const { run, state, stale } = item;
  if (!run) return null;
  if (stale) return staleNote(run, now);
  if (state === 'running') {
    if (run.stop === 'kill') return l10n.t('Told to stop at once');
    if (run.stop === 'cancel') return l10n.t('Asked to stop');
    return null;
  }
  switch (state) {
    case 'error':
    case 'killed':
    case 'cancelled':
    case 'failed':
      return joined(run.why ?? run.errorCode, exhausted(run));
    case 'lost':
      return joined(
        run.leaseUntil === null ? null : l10n.t('Lease ended {0}', time(run.leaseUntil)),
        exhausted(run),
      );
    case 'blocked':
      return blockedNote(run, model, scope.store);
    case 'retry': {
      const before = model.attemptsOf(scope, item.key).at(-2);
      return before
        ? joined(
            l10n.t('Attempt {0}: {1}', before.attempt, stateWord(before.status)),
            before.why ?? before.errorCode,
          )
        : null;
    }
    case 'queued':
      return waitsNote(run, model, scope.store);
    case 'doing':
    case 'pending':
    case 'completed':
      return null;
  }
}

export function staleNote(run: PanelRun, now: number): string {
  return run.beatAt === null
    ? l10n.t('Stale: its lease is over')
    : l10n.t('Stale: no heartbeat for {0}', duration(now - run.beatAt));
}

function exhausted(run: PanelRun): string | null {
  const failed = run.status === 'error' || run.status === 'lost';
  if (!failed || run.attempt < run.maxAttempts) return null;
  return run.maxAttempts > 1 ? l10n.t('attempts exhausted') : l10n.t('no retry left');
}

function blockedNote(run: PanelRun, model: Model, store: string): string | null {
  for (const id of run.unmet) {
    const newest = model.chainOf(store, id).at(-1);
    if (!newest) return l10n.t('Needs {0}, which is gone', id);
    if (newest.status === 'queued' || newest.status === 'running' || newest.status === 'completed')
      continue;
    return l10n.t('Needs {0}: {1}', runName(newest), stateWord(newest.status));
  }
  return null;
}

function waitsNote(run: PanelRun, model: Model, store: string): string | null {
  const names = run.unmet.map((id) => {
    const known = model.rows.get(store)?.runs.get(id);
    return known ? runName(known) : id;
  });
  if (names.length > 3) return l10n.t('Waits for {0} runs', names.length);
  if (names.length > 0) return l10n.t('Waits for {0}', names.join(', '));
  return run.priority === 0 ? null : l10n.t('Priority {0}', run.priority);
}

const joined = (...parts: readonly (string | null)[]): string | null => {
  const said = parts.filter((part): part is string => part !== null && part !== '');
  return said.length > 0 ? said.join(' · ') : null;
};

/** How long it runs, waits or took; until when, for one that is due. */
export function ageOf(item: Pick<Item, 'run' | 'state'>, now: number): string {
  const { run, state } = item;
  if (!run) return '';
  if (state === 'retry' && run.notBefore !== null)
    return l10n.t('in {0}', countdown(run.notBefore - now));
  if (run.status === 'queued') return duration(now - run.createdAt);
  if (run.startedAt === null) return '';
  return duration((run.endedAt ?? now) - run.startedAt);
}

export const attemptShare = (run: PanelRun): string =>
  `${run.attempt}/${Math.max(run.attempt, run.maxAttempts)}`;

/** For those who hear it: everything that the card shows. */
export function spoken(item: Item, around: Around): string {
  const { run, task } = item;
  return [
    task?.id,
    task?.title ?? run?.title,
    itemWord(item),
    run?.agent,
    run && run.maxAttempts > 1 ? l10n.t('attempt {0}', attemptShare(run)) : null,
    noteOf(item, around),
  ]
    .filter(Boolean)
    .join(', ');
}
