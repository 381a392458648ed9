/**
 * The read model that every surface shows, and how events carry it forward. A view built from a snapshot
 * of rows and a view evolved through the events since are the same view.
 */
import type {
  AgentName,
  AgentRow,
  ConfigRow,
  EventKind,
  EventOf,
  GuardRow,
  LockId,
  LockRow,
  RunId,
  RunRow,
  RunStatus,
  Seq,
  SessionId,
  SessionRow,
  SlotWaiterRow,
  StoredEvent,
  WaiterId,
  WaiterRow,
  WorkflowId,
  WorkflowRow,
} from './model';
import { chainState } from './rules/retries';

export interface StateView {
  readonly seq: Seq;
  readonly workflows: ReadonlyMap<WorkflowId, WorkflowRow>;
  /** The newest run of each task, by workflow and task. */
  readonly runs: ReadonlyMap<WorkflowId, ReadonlyMap<string, RunRow>>;
  /** Every run of the live store, oldest first. */
  readonly allRuns: ReadonlyMap<RunId, RunRow>;
  readonly agents: ReadonlyMap<AgentName, AgentRow>;
  readonly sessions: ReadonlyMap<SessionId, SessionRow>;
  readonly locks: ReadonlyMap<LockId, LockRow>;
  /** In FIFO order. */
  readonly waiters: ReadonlyMap<WaiterId, WaiterRow>;
  readonly slotWaiters: ReadonlyMap<WaiterId, SlotWaiterRow>;
  readonly config: ReadonlyMap<string, ConfigRow>;
  readonly guards: ReadonlyMap<string, GuardRow>;
}

export interface StateRows {
  readonly seq: Seq;
  readonly workflows: readonly WorkflowRow[];
  readonly runs: readonly RunRow[];
  readonly guards: readonly GuardRow[];
  readonly agents?: readonly AgentRow[];
  readonly sessions?: readonly SessionRow[];
  readonly locks?: readonly LockRow[];
  readonly waiters?: readonly WaiterRow[];
  readonly slotWaiters?: readonly SlotWaiterRow[];
  readonly config?: readonly ConfigRow[];
}

export function viewOf(rows: StateRows): StateView {
  let runs: StateView['runs'] = new Map();
  for (const run of rows.runs) runs = withTaskRun(runs, run);
  return {
    seq: rows.seq,
    workflows: new Map(rows.workflows.map((row) => [row.id, row])),
    runs,
    allRuns: new Map(rows.runs.map((row) => [row.id, row])),
    agents: new Map((rows.agents ?? []).map((row) => [row.name, row])),
    sessions: new Map((rows.sessions ?? []).map((row) => [row.id, row])),
    locks: new Map((rows.locks ?? []).map((row) => [row.id, row])),
    waiters: new Map((rows.waiters ?? []).map((row) => [row.id, row])),
    slotWaiters: new Map((rows.slotWaiters ?? []).map((row) => [row.id, row])),
    config: new Map((rows.config ?? []).map((row) => [row.key, row])),
    guards: new Map(rows.guards.map((row) => [guardKey(row), row])),
  };
}

/** An event that the view has seen already changes nothing. */
export function evolve(view: StateView, event: StoredEvent): StateView {
  if (event.seq <= view.seq) return view;
  const next = { ...view, seq: event.seq };
  // A newer version may have written kinds that this one does not know: they move `seq`, nothing else.
  if (!Object.hasOwn(evolutions, event.kind)) return next;
  const evolution = evolutions[event.kind] as (view: StateView, event: StoredEvent) => StateView;
  return evolution(next, event);
}

type Evolution<Kind extends EventKind> = (view: StateView, event: EventOf<Kind>) => StateView;

const same = (view: StateView): StateView => view;

const evolutions: { readonly [Kind in EventKind]: Evolution<Kind> } = {
  'run.created': (view, { data }) => putRun(view, data.row),
  'run.claimed': (view, { data }) => {
    const after = putRun(view, data.row);
    return data.waiter === undefined
      ? after
      : { ...after, slotWaiters: without(view.slotWaiters, data.waiter) };
  },
  'run.beat': (view, { run, data }) => {
    const row = run === undefined ? undefined : view.allRuns.get(run);
    if (!row?.claim) return view;
    const claim = { ...row.claim, beat: data.beat, leaseUntil: data.leaseUntil };
    return putRun(view, { ...row, claim });
  },
  'run.completed': (view, { data }) => {
    let after = putRun(view, data.row);
    for (const { run, unmet } of data.released) {
      const row = after.allRuns.get(run);
      if (row) after = putRun(after, { ...row, unmet });
    }
    return after;
  },
  'run.failed': (view, { data }) => putRun(view, data.row),
  'run.killed': (view, { data }) => putRun(view, data.row),
  'run.cancelled': (view, { data }) => putRun(view, data.row),
  'run.lost': (view, { data }) => putRun(view, data.row),
  'run.retried': same,
  'run.cancel_requested': (view, { data }) => putRun(view, data.row),
  'run.changed': (view, { data }) => putRun(view, data.row),
  'run.archived': (view, { data }) => {
    const allRuns = new Map(view.allRuns);
    for (const run of data.runs) allRuns.delete(run);
    return { ...view, allRuns };
  },
  'slot.queued': (view, { data: { row } }) => ({
    ...view,
    slotWaiters: new Map(view.slotWaiters).set(row.id, row),
  }),
  'slot.dropped': (view, { data }) => ({
    ...view,
    slotWaiters: without(view.slotWaiters, data.waiter),
  }),
  'agent.registered': (view, { data: { row } }) => ({
    ...view,
    agents: new Map(view.agents).set(row.name, row),
  }),
  'agent.left': (view, event) => withoutAgent(view, event),
  'agent.swept': (view, event) => withoutAgent(view, event),
  'session.started': (view, { data: { row } }) => ({
    ...view,
    sessions: new Map(view.sessions).set(row.id, row),
  }),
  'session.ended': (view, event) => ({
    ...view,
    sessions: without(view.sessions, (event.about as SessionId | undefined) ?? event.session),
  }),
  'lock.acquired': (view, { resource, data }) => {
    if ('row' in data) return putLock(view, data.row, data.waiter);
    const guard = { file: resource, worktree: data.worktree, holder: data.holder } as GuardRow;
    return { ...view, guards: new Map(view.guards).set(guardKey(guard), guard) };
  },
  'lock.refreshed': (view, { data }) => putLock(view, data.row, data.waiter),
  'lock.upgraded': (view, { data }) => putLock(view, data.row, data.waiter),
  'lock.released': (view, { resource, data }) =>
    'lock' in data
      ? { ...view, locks: without(view.locks, data.lock) }
      : {
          ...view,
          guards: without(view.guards, guardKey({ file: resource ?? '', worktree: data.worktree })),
        },
  'lock.expired': (view, { data }) => ({ ...view, locks: without(view.locks, data.lock) }),
  'lock.broken': (view, { data }) => ({ ...view, locks: without(view.locks, data.lock) }),
  'lock.queued': (view, { data }) => putWaiter(view, data.row),
  'lock.offered': (view, { data }) => putWaiter(view, data.row),
  'lock.dropped': (view, { data }) => ({ ...view, waiters: without(view.waiters, data.waiter) }),
  'workflow.created': (view, { data }) => putWorkflow(view, data.row),
  'workflow.advanced': (view, { data }) => putWorkflow(view, data.row),
  'workflow.completed': (view, { data }) => putWorkflow(view, data.row),
  'file.intent': same,
  'file.written': same,
  'config.set': (view, { resource, data }) => ({
    ...view,
    config: data.row
      ? new Map(view.config).set(data.row.key, data.row)
      : without(view.config, resource ?? ''),
  }),
};

function putRun(view: StateView, row: RunRow): StateView {
  return {
    ...view,
    allRuns: new Map(view.allRuns).set(row.id, row),
    runs: withTaskRun(view.runs, row),
  };
}

/** A task shows its newest run; a change of an older attempt does not bring that one back. */
function withTaskRun(runs: StateView['runs'], run: RunRow): StateView['runs'] {
  if (run.workflow === null || run.task === null) return runs;
  const shown = runs.get(run.workflow)?.get(run.task);
  if (shown && shown.root === run.root && shown.attempt > run.attempt) return runs;
  return new Map(runs).set(run.workflow, new Map(runs.get(run.workflow)).set(run.task, run));
}

function putLock(view: StateView, row: LockRow, waiter: WaiterId | undefined): StateView {
  const locks = new Map(view.locks).set(row.id, row);
  return waiter === undefined
    ? { ...view, locks }
    : { ...view, locks, waiters: without(view.waiters, waiter) };
}

function putWaiter(view: StateView, row: WaiterRow): StateView {
  return { ...view, waiters: new Map(view.waiters).set(row.id, row) };
}

function putWorkflow(view: StateView, row: WorkflowRow): StateView {
  return { ...view, workflows: new Map(view.workflows).set(row.id, row) };
}

function withoutAgent(view: StateView, event: EventOf<'agent.left' | 'agent.swept'>): StateView {
  const name = (event.about as AgentName | undefined) ?? event.agent;
  return {
    ...view,
    agents: without(view.agents, name),
    sessions: new Map([...view.sessions].filter(([, session]) => session.agent !== name)),
  };
}

function without<Key, Value>(
  map: ReadonlyMap<Key, Value>,
  key: NoInfer<Key>,
): ReadonlyMap<Key, Value> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

export function guardKey(place: { readonly file: string; readonly worktree: string }): string {
  return `${place.worktree}\0${place.file}`;
}

/** Runs by status, as every list shows them. */
export function countsOf(runs: Iterable<RunRow>): Readonly<Record<RunStatus, number>> {
  const counts = {
    queued: 0,
    running: 0,
    completed: 0,
    error: 0,
    killed: 0,
    cancelled: 0,
    lost: 0,
  };
  for (const run of runs) counts[run.status] += 1;
  return counts;
}

/**
 * The dependencies that keep a queued run from ever being claimed: ended otherwise than completed, and no
 * attempt of theirs is live. Derived, never stored (RUN-8). A dependency that is gone counts as blocking.
 */
export function blockedBy(
  run: RunRow,
  chain: (id: RunId) => readonly RunRow[],
): readonly { readonly run: RunId; readonly newest: RunRow | null }[] {
  if (run.status !== 'queued') return [];
  return run.unmet.flatMap((id) => {
    const state = chainState(chain(id));
    return state === null || state.status === 'failed'
      ? [{ run: id, newest: state?.newest ?? null }]
      : [];
  });
}
