/**
 * The read model that every surface shows, and how events carry it forward. A view built from a snapshot
 * of rows and a view evolved through the events since are the same view (VIEW-1).
 *
 * Contract: a view belongs to whoever keeps it. `evolve` carries it forward in place, at the cost of the change
 * and not of the view, and returns the same object; who wants to remember how things were copies what it needs.
 */
import type {
  AgentName,
  AgentRow,
  ConfigRow,
  ConflictId,
  ConflictRow,
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
  TaskId,
  TaskRow,
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
  /** By `taskKey`, oldest first. */
  readonly ofTask: ReadonlyMap<string, readonly RunId[]>;
  readonly agents: ReadonlyMap<AgentName, AgentRow>;
  readonly sessions: ReadonlyMap<SessionId, SessionRow>;
  readonly locks: ReadonlyMap<LockId, LockRow>;
  /** In FIFO order. */
  readonly waiters: ReadonlyMap<WaiterId, WaiterRow>;
  readonly slotWaiters: ReadonlyMap<WaiterId, SlotWaiterRow>;
  readonly config: ReadonlyMap<string, ConfigRow>;
  readonly guards: ReadonlyMap<string, GuardRow>;
  /** What was last said of tasks, by workflow and task. */
  readonly tasks: ReadonlyMap<string, TaskRow>;
  /** Those that nobody has resolved yet. */
  readonly conflicts: ReadonlyMap<ConflictId, ConflictRow>;
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
  readonly tasks?: readonly TaskRow[];
  readonly conflicts?: readonly ConflictRow[];
}

/** A view as only this file sees it. */
interface GrowingView extends StateView {
  seq: Seq;
  readonly workflows: Map<WorkflowId, WorkflowRow>;
  readonly runs: Map<WorkflowId, Map<string, RunRow>>;
  readonly allRuns: Map<RunId, RunRow>;
  readonly agents: Map<AgentName, AgentRow>;
  readonly sessions: Map<SessionId, SessionRow>;
  readonly locks: Map<LockId, LockRow>;
  readonly waiters: Map<WaiterId, WaiterRow>;
  readonly slotWaiters: Map<WaiterId, SlotWaiterRow>;
  readonly config: Map<string, ConfigRow>;
  readonly guards: Map<string, GuardRow>;
  readonly tasks: Map<string, TaskRow>;
  readonly conflicts: Map<ConflictId, ConflictRow>;
  /** Tells which to show when the newest goes to the archive. */
  readonly ofTask: Map<string, readonly RunId[]>;
}

export function viewOf(rows: StateRows): StateView {
  const view: GrowingView = {
    seq: rows.seq,
    workflows: new Map(rows.workflows.map((row) => [row.id, row])),
    runs: new Map(),
    allRuns: new Map(),
    agents: new Map(rows.agents?.map((row) => [row.name, row])),
    sessions: new Map(rows.sessions?.map((row) => [row.id, row])),
    locks: new Map(rows.locks?.map((row) => [row.id, row])),
    waiters: new Map(rows.waiters?.map((row) => [row.id, row])),
    slotWaiters: new Map(rows.slotWaiters?.map((row) => [row.id, row])),
    config: new Map(rows.config?.map((row) => [row.key, row])),
    guards: new Map(rows.guards.map((row) => [guardKey(row), row])),
    tasks: new Map(rows.tasks?.map((row) => [taskKey(row.workflow, row.task), row])),
    conflicts: new Map(rows.conflicts?.map((row) => [row.id, row])),
    ofTask: new Map(),
  };
  for (const run of rows.runs) putRun(view, run);
  return view;
}

/** Carries the view forward in place; an event that it has seen already changes nothing. */
export function evolve(view: StateView, event: StoredEvent): StateView {
  if (event.seq <= view.seq) return view;
  // Every view comes from `viewOf`.
  const growing = view as GrowingView;
  growing.seq = event.seq;
  // A newer version may have written kinds that this one does not know: they move `seq`, nothing else.
  if (Object.hasOwn(evolutions, event.kind)) {
    const evolution = evolutions[event.kind] as (view: GrowingView, event: StoredEvent) => void;
    evolution(growing, event);
  }
  return view;
}

type Evolution<Kind extends EventKind> = (view: GrowingView, event: EventOf<Kind>) => void;

const nothing = (): void => undefined;

const evolutions: { readonly [Kind in EventKind]: Evolution<Kind> } = {
  'run.created': (view, { data }) => {
    putRun(view, data.row);
  },
  'run.claimed': (view, { data }) => {
    putRun(view, data.row);
    if (data.waiter !== undefined) view.slotWaiters.delete(data.waiter);
  },
  'run.beat': (view, { run, data }) => {
    const row = run === undefined ? undefined : view.allRuns.get(run);
    if (!row?.claim) return;
    const claim = { ...row.claim, beat: data.beat, leaseUntil: data.leaseUntil };
    putRun(view, { ...row, claim });
  },
  'run.completed': (view, { data }) => {
    putRun(view, data.row);
    for (const { run, unmet } of data.released) {
      const row = view.allRuns.get(run);
      if (row) putRun(view, { ...row, unmet });
    }
  },
  'run.failed': (view, { data }) => {
    putRun(view, data.row);
  },
  'run.killed': (view, { data }) => {
    putRun(view, data.row);
  },
  'run.cancelled': (view, { data }) => {
    putRun(view, data.row);
  },
  'run.lost': (view, { data }) => {
    putRun(view, data.row);
  },
  'run.retried': nothing,
  'run.cancel_requested': (view, { data }) => {
    putRun(view, data.row);
  },
  'run.changed': (view, { data }) => {
    putRun(view, data.row);
  },
  'run.archived': (view, { data }) => {
    for (const run of data.runs) dropRun(view, run);
  },
  'slot.queued': (view, { data: { row } }) => {
    view.slotWaiters.set(row.id, row);
  },
  'slot.dropped': (view, { data }) => {
    view.slotWaiters.delete(data.waiter);
  },
  'agent.registered': (view, { data: { row } }) => {
    view.agents.set(row.name, row);
  },
  'agent.seen': (view, { agent, session, data: { seen } }) => {
    const agentRow = view.agents.get(agent);
    if (agentRow) view.agents.set(agent, { ...agentRow, seen });
    const sessionRow = view.sessions.get(session);
    if (sessionRow) view.sessions.set(session, { ...sessionRow, seen });
  },
  'agent.left': dropAgent,
  'agent.swept': dropAgent,
  'session.started': (view, { data: { row } }) => {
    view.sessions.set(row.id, row);
  },
  'session.ended': (view, event) => {
    view.sessions.delete((event.about as SessionId | undefined) ?? event.session);
  },
  'lock.acquired': (view, { resource, data }) => {
    if ('row' in data) {
      putLock(view, data);
      return;
    }
    const guard = { file: resource, worktree: data.worktree, holder: data.holder } as GuardRow;
    view.guards.set(guardKey(guard), guard);
  },
  'lock.refreshed': (view, { data }) => {
    putLock(view, data);
  },
  'lock.upgraded': (view, { data }) => {
    putLock(view, data);
  },
  'lock.released': (view, { resource, data }) => {
    if ('lock' in data) view.locks.delete(data.lock);
    else view.guards.delete(guardKey({ file: resource ?? '', worktree: data.worktree }));
  },
  'lock.expired': (view, { data }) => {
    view.locks.delete(data.lock);
  },
  'lock.broken': (view, { data }) => {
    view.locks.delete(data.lock);
  },
  'lock.queued': (view, { data: { row } }) => {
    view.waiters.set(row.id, row);
  },
  'lock.offered': (view, { data: { row } }) => {
    view.waiters.set(row.id, row);
  },
  'lock.dropped': (view, { data }) => {
    view.waiters.delete(data.waiter);
  },
  'workflow.created': putWorkflow,
  'workflow.advanced': putWorkflow,
  'workflow.completed': putWorkflow,
  'workflow.bound': putWorkflow,
  'task.changed': (view, { data: { row } }) => {
    view.tasks.set(taskKey(row.workflow, row.task), row);
  },
  'note.added': nothing,
  'change.undone': putWorkflow,
  'file.pending': nothing,
  'file.intent': nothing,
  'file.written': (view, { data }) => {
    if ('row' in data) view.workflows.set(data.row.id, data.row);
  },
  'file.restored': putWorkflow,
  'file.imported': putWorkflow,
  'file.rebased': putWorkflow,
  'file.conflict': (view, { data: { row } }) => {
    if (row.resolved === null) view.conflicts.set(row.id, row);
    else view.conflicts.delete(row.id);
  },
  'config.set': (view, { resource, data }) => {
    if (data.row) view.config.set(data.row.key, data.row);
    else view.config.delete(resource ?? '');
  },
};

function putRun(view: GrowingView, row: RunRow): void {
  const known = view.allRuns.has(row.id);
  view.allRuns.set(row.id, row);
  const { workflow, task } = row;
  if (workflow === null || task === null) return;
  const ids = view.ofTask.get(taskKey(workflow, task)) ?? [];
  if (!known) view.ofTask.set(taskKey(workflow, task), [...ids, row.id]);
  // A change of an earlier attempt does not bring that one back.
  else if (ids.at(-1) !== row.id) return;
  view.runs.set(workflow, (view.runs.get(workflow) ?? new Map<string, RunRow>()).set(task, row));
}

function dropRun(view: GrowingView, id: RunId): void {
  const row = view.allRuns.get(id);
  view.allRuns.delete(id);
  if (!row || row.workflow === null || row.task === null) return;
  const { workflow, task } = row;
  const left = (view.ofTask.get(taskKey(workflow, task)) ?? []).filter((other) => other !== id);
  const newest = left.at(-1);
  const shown = newest === undefined ? undefined : view.allRuns.get(newest);
  const tasks = view.runs.get(workflow);
  if (shown) {
    view.ofTask.set(taskKey(workflow, task), left);
    tasks?.set(task, shown);
    return;
  }
  view.ofTask.delete(taskKey(workflow, task));
  tasks?.delete(task);
  if (tasks?.size === 0) view.runs.delete(workflow);
}

export function taskKey(workflow: WorkflowId, task: TaskId): string {
  return `${workflow}\0${task}`;
}

function putLock(
  view: GrowingView,
  { row, waiter }: { readonly row: LockRow; readonly waiter?: WaiterId },
): void {
  view.locks.set(row.id, row);
  if (waiter !== undefined) view.waiters.delete(waiter);
}

function putWorkflow(
  view: GrowingView,
  { data }: { readonly data: { readonly row: WorkflowRow } },
): void {
  view.workflows.set(data.row.id, data.row);
}

/** Looks through the sessions, of which there are as many as processes, when one of their agents goes. */
function dropAgent(view: GrowingView, event: EventOf<'agent.left' | 'agent.swept'>): void {
  const name = (event.about as AgentName | undefined) ?? event.agent;
  view.agents.delete(name);
  for (const [id, { agent }] of view.sessions) if (agent === name) view.sessions.delete(id);
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
