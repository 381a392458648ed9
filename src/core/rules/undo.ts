/**
 * Taking back what an agent has done last to a workflow: a task's status, a note, a wave (UNDO-n).
 *
 * Contract: nothing that was told is untold. Taking back is a change of its own, decided only where nothing has been
 * built on what it takes back, and promised for the file as what the file said before. A change that was taken back
 * and the taking back stand for nothing afterwards: neither is in the way of an earlier one, and an agent that goes on
 * taking back goes further back.
 */
import type {
  BuiltOn,
  ContentHash,
  Context,
  Decision,
  EventKind,
  EventOf,
  Freed,
  FileEdit,
  Granted,
  LastChange,
  NewEvent,
  OpId,
  Plan,
  Refusal,
  RefusalOf,
  RowChange,
  RowQueries,
  RunRow,
  Seq,
  Step,
  StoredEvent,
  TaskId,
  TaskRow,
  Undoable,
  UndoChange,
  UndoneChange,
  WorkflowId,
  WorkflowRow,
} from '../model';
import { waveNow } from '../waveNow';
import { agentRequired } from './agents';
import { ask } from './ask';
import { boundHere } from './files';
import { boundAgain, knownRuns, unmetOf } from './links';
import { mostAttempts, nextAttempt, retriedAs } from './retries';
import { endRun, liveRunOfTask, type Part } from './runs';
import { mayNotSpeakFor, promise, stillNeeded } from './tasks';

/** How many of the newest events of a store are looked at: what lies further back nobody wants back in a hurry. */
export const undoHorizon = 100_000;

const moves = ['workflow.advanced', 'workflow.completed'] as const;
const changes = ['task.changed', 'note.added', ...moves] as const;

type WaveMoved = EventOf<(typeof moves)[number]>;

/** What of a task cannot be there any more without somebody having built on how the task stood. */
const work: readonly EventKind[] = [
  'task.changed',
  'run.created',
  'run.claimed',
  'run.completed',
  'run.failed',
  'run.killed',
  'run.cancelled',
  'run.lost',
  'run.retried',
  'run.cancel_requested',
  'run.changed',
];

export function* undoChange(
  command: UndoChange,
  context: Context,
): Decision<Granted['change.undo']> {
  const { sight, file } = command;
  if (!context.named) return agentRequired('It has to be known whose last change is meant.');
  const bound = yield* boundHere(sight);
  if ('code' in bound) return bound;
  const found = yield* lastOf(sight.workflow, context);
  if (!found) return nothingToUndo(sight.workflow);
  const { change, over } = found;
  if (change.seq !== command.undoes) {
    return conflict('Something has changed since this was asked for. Look again, then take back.');
  }
  const plan = { ...command.plan, wave: waveNow(command.plan, sight.editing, bound.row) };
  const taken = yield* takenBack(
    change,
    { command: { ...command, plan }, over, known: bound.row },
    context,
  );
  if ('code' in taken) return taken;
  if (file !== null && 'unfit' in file) return conflict(unfit[file.unfit]);
  const open = yield* ask('fileEdits', { workflow: sight.workflow });
  if ((yield* editsOf(change)).some(({ id }) => open.some((edit) => edit.id === id)))
    return conflict('The file does not say it yet. Try again when it does.');
  const promised = file
    ? yield* promise(taken.row, { kind: 'merge', base: file.with, mine: file.without }, context)
    : nothing;
  const { seq: undoes, opId: op } = change;
  return {
    facts: {
      workflow: sight.workflow,
      undone: taken.undone,
      runs: taken.runs,
      cancelled: taken.cancelled.map(({ id }) => id),
    },
    changes: [...bound.changes, ...taken.changes, ...promised.changes],
    events: [
      ...bound.events,
      ...taken.events,
      ...promised.events,
      {
        kind: 'change.undone',
        workflow: sight.workflow,
        ...(change.task === undefined ? {} : { task: change.task }),
        data: { undoes, op, what: taken.undone.kind, row: taken.row },
      },
    ],
  };
}

const nothing: Part = { changes: [], events: [] };

const unfit = {
  lost: 'What the file said before is not kept any more. Look at `wavelock backup list`, or change it by hand.',
  apart: 'The file has been changed in the same place since. Change it by hand.',
} as const;

function conflict(message: string, since: readonly BuiltOn[] = []): RefusalOf<'conflict'> {
  return { code: 'conflict', message, ...(since.length === 0 ? {} : { since }) };
}

function nothingToUndo(workflow: WorkflowId): Refusal {
  return {
    code: 'invalid_transition',
    message: `There is no change of yours in ${workflow} that could be taken back.`,
  };
}

/* ------------------------------------------------------------------ which change */

/** What would be taken back, and what the file was promised with it; for whoever has to know what the file said before. */
export function* lastChange(workflow: WorkflowId, context: Context): Step<LastChange | null> {
  const found = yield* lastOf(workflow, context);
  if (!found) return null;
  const { change } = found;
  const edits = yield* editsOf(change);
  const [known] = yield* search(workflow, { kinds: knowing, before: change.seq, limit: 1 });
  return { change, edits, before: known ? hashIn(known) : null };
}

/** Events that tell which content of the file the store knows; a command is decided about no other (FILE-2). */
const knowing: readonly EventKind[] = [
  ...moves,
  'workflow.created',
  'workflow.bound',
  'file.written',
  'file.restored',
  'file.imported',
  'file.rebased',
  'change.undone',
];

function hashIn({ data }: StoredEvent): ContentHash | null {
  if ('hash' in data) return data.hash;
  return 'row' in data && data.row !== null && 'hash' in data.row ? (data.row.hash ?? null) : null;
}

interface Found {
  readonly change: Undoable;
  /** The operations since of changes that were taken back, and of the takings back: they stand for nothing. */
  readonly over: readonly OpId[];
}

/** Page by page, so that what is near is found soon however much lies behind it. */
const pageOfChanges = 20;

function* lastOf(workflow: WorkflowId, { agent }: Context): Step<Found | null> {
  for (let before: Seq | null = null; ;) {
    const of = { kinds: changes, agent, before, limit: pageOfChanges };
    const own: readonly StoredEvent[] = yield* search(workflow, of);
    const oldest = own.at(-1);
    if (!oldest) return null;
    const undone = yield* search(workflow, { kinds: ['change.undone'], after: oldest.seq });
    const over = undone.flatMap((event) =>
      event.kind === 'change.undone' ? [event.opId, event.data.op] : [],
    );
    const change = own.filter(isSaid).find(({ opId }) => !over.includes(opId));
    if (change) return { change, over };
    before = oldest.seq;
  }
}

/** By the agent's own word: a box that it found changed by hand is not its change, nor is what its run has shown. */
function isSaid(event: StoredEvent): event is Undoable {
  if (event.kind === 'task.changed') return event.data.row.by === 'set';
  return (changes as readonly EventKind[]).includes(event.kind);
}

function* editsOf({ workflow, opId, seq }: Undoable): Step<readonly FileEdit[]> {
  if (workflow === undefined) return [];
  const found = yield* search(workflow, { kinds: ['file.pending'], op: opId, after: seq - 1 });
  return found.flatMap((event) => (event.kind === 'file.pending' ? [event.data.row] : []));
}

function search(
  workflow: WorkflowId,
  of: Partial<RowQueries['workflowEvents']['ask']>,
): Step<readonly StoredEvent[]> {
  return ask('workflowEvents', {
    ...{
      workflow,
      kinds: [],
      tasks: null,
      agent: null,
      op: null,
      except: [],
      after: 0,
      before: null,
    },
    limit: undoHorizon,
    ...of,
  });
}

/* ------------------------------------------------------------------ taking it back */

interface TakenBack extends Part {
  readonly undone: UndoneChange;
  readonly row: WorkflowRow;
  /** Queued again. */
  readonly runs: readonly RunRow[];
  readonly cancelled: readonly RunRow[];
}

interface Asked {
  readonly command: UndoChange;
  readonly over: readonly OpId[];
  readonly known: WorkflowRow;
}

function takenBack(change: Undoable, asked: Asked, context: Context): Step<TakenBack | Refusal> {
  switch (change.kind) {
    case 'task.changed':
      return taskBack(change, asked, context);
    case 'note.added':
      return noteBack(change, asked);
    case 'workflow.advanced':
    case 'workflow.completed':
      return waveBack(change, asked, context);
  }
}

function* taskBack(
  change: EventOf<'task.changed'>,
  { command, over, known }: Asked,
  context: Context,
): Step<TakenBack | Refusal> {
  const { workflow, task, status } = change.data.row;
  const to = change.data.from ?? 'todo';
  const live = yield* liveRunOfTask(workflow, task, context);
  const busy = live && (yield* mayNotSpeakFor(task, live, command.token, context));
  if (busy) return busy;
  const freed = change.data.freed ?? [];
  const tasks = [task, ...(yield* begunOf(freed))];
  const built = yield* builtOn(change, { over, tasks });
  if (built.length > 0)
    return inTheWay(`Task ${task} has gone on since it was set to ${status}`, built);
  const present = statusIn(command.plan, task);
  if (present !== status) {
    const stands = present === undefined ? 'is not in the file any more' : `is ${present} by now`;
    return conflict(`Task ${task} ${stands}, not ${status} as it was set.`);
  }
  const runs = yield* runsAgain(change, context);
  const waiting = yield* boundAgain(freed);
  const row: TaskRow = {
    ...{ workflow, task, status: to, by: 'set', agent: context.agent, since: context.now },
    ...(yield* detailsBefore(change, over)),
  };
  return {
    undone: { kind: 'task', seq: change.seq, task, from: status, to },
    row: known,
    runs: runs.rows,
    cancelled: [],
    changes: [{ put: 'task', row }, ...runs.changes, ...waiting.changes],
    events: [
      { kind: 'task.changed', workflow, task, data: { row, from: status } },
      ...runs.events,
      ...waiting.events,
    ],
  };
}

/** The tasks of those that have not waited to be asked. */
function* begunOf(freed: readonly Freed[]): Step<readonly TaskId[]> {
  const known = yield* knownRuns(freed.map(({ run }) => run));
  return [...known.values()].flatMap(({ task, status }) =>
    task === null || status === 'queued' ? [] : [task],
  );
}

/** As the store knew them; where the file has them, the file brings them back by itself. */
function* detailsBefore(
  { workflow, task, opId, data }: EventOf<'task.changed'>,
  over: readonly OpId[],
): Step<Pick<TaskRow, 'commit' | 'files' | 'error'>> {
  const none = { commit: null, files: [], error: null };
  if (workflow === undefined || task === undefined) return none;
  const [before] = yield* search(workflow, {
    ...{ kinds: ['task.changed'], tasks: [task], except: [opId, ...over], limit: 1 },
  });
  if (before?.kind !== 'task.changed' || before.data.row.status !== data.from) return none;
  const { commit, files, error } = before.data.row;
  return { commit, files, error };
}

/** The queued run that was not needed any more is needed again: as a new attempt, for an ended run stays ended. */
function* runsAgain(
  { workflow, opId, seq }: EventOf<'task.changed'>,
  context: Context,
): Step<Part & { readonly rows: readonly RunRow[] }> {
  const rows: RunRow[] = [];
  const changes: RowChange[] = [];
  const events: NewEvent[] = [];
  if (workflow === undefined) return { rows, changes, events };
  const reason = 'What had cancelled it was taken back.';
  for (const event of yield* search(workflow, { kinds: ['run.cancelled'], op: opId, after: seq })) {
    if (event.kind !== 'run.cancelled' || event.data.row.attempt >= mostAttempts) continue;
    const { row } = event.data;
    const dependsOn = yield* stillNeeded(row.dependsOn);
    const unmet = yield* unmetOf(dependsOn, yield* knownRuns(dependsOn));
    const next = { ...nextAttempt(row, false, context), dependsOn, unmet };
    const again = retriedAs(next, row, { automatic: false, reason });
    rows.push(next);
    changes.push(...again.changes);
    events.push(...again.events);
  }
  return { rows, changes, events };
}

function* noteBack(
  { seq, data: { text } }: EventOf<'note.added'>,
  { known: row }: Asked,
): Step<TakenBack> {
  return { undone: { kind: 'note', seq, text }, row, runs: [], cancelled: [], ...nothing };
}

function* waveBack(
  change: WaveMoved,
  { command: { plan }, over, known }: Asked,
  context: Context,
): Step<TakenBack | Refusal> {
  const { seq } = change;
  const { from, to } = change.data;
  const begun = change.kind === 'workflow.advanced';
  const tasks = begun ? tasksOf(plan, to) : [];
  const built = yield* builtOn(change, { over, tasks });
  if (built.length > 0) {
    return inTheWay(
      begun ? `Wave ${to} has gone on since it began` : 'The workflow has gone on',
      built,
    );
  }
  if (plan.wave !== to || known.status !== (begun ? 'active' : 'completed')) {
    return conflict(`The workflow is not where it was taken: wave ${plan.wave} is under way.`);
  }
  const row: WorkflowRow = { ...known, wave: from, status: 'active' };
  const cancelled: RunRow[] = [];
  const changes: RowChange[] = [{ put: 'workflow', row }];
  const events: NewEvent[] = [];
  for (const run of yield* queuedBy(change)) {
    const ended = yield* endRun(
      run,
      {
        ...{ status: 'cancelled', event: 'run.cancelled', untold: true },
        fields: { reason: 'Its wave was taken back.' },
      },
      context,
    );
    cancelled.push(ended.row);
    changes.push(...ended.changes);
    events.push(...ended.events);
  }
  const undone: UndoneChange = { kind: 'wave', seq, from: to, to: from, completed: !begun };
  return { undone, row, runs: [], cancelled, changes, events };
}

/**
 * The queued attempts of its runs: the first ones, or those that the taking back of a task has queued again. Nothing else
 * has happened to any, or the wave could not be taken back.
 */
function* queuedBy({ workflow, opId, seq }: WaveMoved): Step<readonly RunRow[]> {
  const queued: RunRow[] = [];
  if (workflow === undefined) return queued;
  const made = yield* search(workflow, { kinds: ['run.created'], op: opId, after: seq });
  for (const event of made.toReversed()) {
    if (event.kind !== 'run.created') continue;
    const chain = yield* ask('chain', { root: event.data.row.root });
    queued.push(...chain.filter(({ status }) => status === 'queued'));
  }
  return queued;
}

/* ------------------------------------------------------------------ what was built on it */

/** As many as a person wants to read. */
const mostShown = 10;

/** What others, or the same agent, have done since on the ground of it; in order. */
function* builtOn(
  { workflow, opId, seq: after }: Undoable,
  { over, tasks }: { readonly over: readonly OpId[]; readonly tasks: readonly TaskId[] },
): Step<readonly BuiltOn[]> {
  if (workflow === undefined) return [];
  const since = { after, except: [opId, ...over], limit: mostShown };
  const gone = yield* search(workflow, { kinds: moves, ...since });
  const done = tasks.length === 0 ? [] : yield* search(workflow, { kinds: work, tasks, ...since });
  return [...gone, ...done]
    .sort((one, other) => one.seq - other.seq)
    .map(({ seq, kind, agent, task, run }) => ({
      ...{ seq, kind, agent },
      ...(task === undefined ? {} : { task }),
      ...(run === undefined ? {} : { run }),
    }));
}

function inTheWay(what: string, since: readonly BuiltOn[]): Refusal {
  const told = since.slice(0, 3).map(({ kind, agent, task, run }) => {
    const about = run ?? task;
    return `${kind}${about === undefined ? '' : ` of ${about}`} by ${agent}`;
  });
  const more = since.length > told.length ? ', and more' : '';
  return conflict(`${what}: ${told.join(', ')}${more}.`, since);
}

function tasksOf(plan: Plan, wave: number): readonly TaskId[] {
  return plan.waves.find(({ number }) => number === wave)?.tasks.map(({ id }) => id) ?? [];
}

function statusIn({ waves }: Plan, task: TaskId): TaskRow['status'] | undefined {
  return waves.flatMap(({ tasks }) => tasks).find(({ id }) => id === task)?.status;
}
