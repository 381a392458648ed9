/**
 * What is said of tasks: by a person's word, by hand in the file, and by the runs that work on them (TASK-n).
 *
 * Contract: a change that the file has to show is promised in the transaction that makes it (`file.pending`), and
 * the writer of the file keeps the promise afterwards. What the file cannot say is kept as the task's own row.
 */
import type {
  AddNote,
  ClaimToken,
  Context,
  Decision,
  FileChange,
  FileEdit,
  FileSight,
  Freed,
  Granted,
  NewEvent,
  Refusal,
  RowChange,
  RunId,
  RunRow,
  SetTask,
  Step,
  TaskChange,
  TaskId,
  TaskMoved,
  TaskRow,
  TaskStatus,
  WorkflowId,
  WorkflowRow,
} from '../model';
import { ask } from './ask';
import { boundHere } from './files';
import { freedFrom, knownRuns } from './links';
import { chainOf, newer } from './retries';
import { endRun, heldRun, isEnded, liveRunOfTask, taskBusy, type Part } from './runs';

const nothing: Part = { changes: [], events: [] };

export function* setTask(command: SetTask, context: Context): Decision<Granted['task.set']> {
  const { sight, change, present, seen } = command;
  const { task, status } = change;
  const bound = yield* boundHere(sight);
  if ('code' in bound) return bound;
  const from = sight.editing === 'none' ? yield* statusSaid(sight, task, present) : present;
  if (seen !== undefined && seen !== from) {
    return {
      code: 'conflict',
      message: `Task ${task} has moved on: it is ${from}, not ${seen}. Look again before you change it.`,
    };
  }
  const run = yield* liveRunOfTask(sight.workflow, task, context);
  const unfit = run && (yield* mayNotSpeakFor(task, run, command.token, context));
  if (unfit) return unfit;
  const spare = run?.status === 'queued' && status === 'done' ? run : null;
  const cancelled = spare
    ? yield* cancelledFor(spare, 'Its task was set to done.', context)
    : nothing;
  const others =
    status === 'done'
      ? yield* freedBy(sight.workflow, [task], spare ? [spare.id] : [])
      : { freed: [], ...nothing };
  const freed = others.freed.length === 0 ? {} : { freed: others.freed };
  const row = taskRow(sight.workflow, change, 'set', context);
  const promised = yield* promise(bound.row, { kind: 'task', cause: 'set', ...change }, context);
  return {
    facts: { workflow: sight.workflow, task: row, from, cancelled: spare?.id ?? null },
    changes: [
      ...bound.changes,
      { put: 'task', row },
      ...cancelled.changes,
      ...others.changes,
      ...promised.changes,
    ],
    events: [
      ...bound.events,
      { kind: 'task.changed', workflow: sight.workflow, task, data: { row, from, ...freed } },
      ...cancelled.events,
      ...others.events,
      ...promised.events,
    ],
  };
}

/** Where the file may not say it, the store does. */
function* statusSaid({ workflow }: FileSight, task: TaskId, present: TaskStatus): Step<TaskStatus> {
  return (yield* ask('task', { workflow, task }))?.status ?? present;
}

/** A task that is worked on belongs to who holds its run. */
export function* mayNotSpeakFor(
  task: TaskId,
  run: RunRow,
  token: ClaimToken | undefined,
  context: Context,
): Step<Refusal | null> {
  if (run.status !== 'running') return null;
  if (token === undefined) return taskBusy(task, run);
  const held = yield* heldRun(run.id, token, context);
  return 'code' in held ? held : null;
}

export function* addNote(command: AddNote, context: Context): Decision<Granted['note.add']> {
  const { sight, text } = command;
  const { workflow, file, editing } = sight;
  if (editing !== 'full') {
    return {
      code: 'read_only',
      message: `${file} is kept by another tool; Wavelock writes no notes into it.`,
      why: `editing: ${editing}`,
    };
  }
  const bound = yield* boundHere(sight);
  if ('code' in bound) return bound;
  const promised = yield* promise(bound.row, { kind: 'note', by: context.agent, text }, context);
  return {
    facts: { workflow, text },
    changes: [...bound.changes, ...promised.changes],
    events: [...bound.events, { kind: 'note.added', workflow, data: { text } }, ...promised.events],
  };
}

/* ------------------------------------------------------------------ by hand */

export interface Moved extends Part {
  readonly cancelled: readonly RunId[];
}

/** Boxes that a person has changed: told of the task, and never of a run at work or ended (FILE-5). */
export function* movedByHand(
  workflow: WorkflowId,
  moves: readonly TaskMoved[],
  context: Context,
): Step<Moved> {
  const changes: RowChange[] = [];
  const events: NewEvent[] = [];
  const cancelled: RunId[] = [];
  const done: TaskId[] = [];
  for (const { task, from, to } of moves) {
    const row = taskRow(workflow, { task, status: to }, 'hand', context);
    changes.push({ put: 'task', row });
    events.push({ kind: 'task.changed', workflow, task, data: { row, from } });
    if (to !== 'done') continue;
    done.push(task);
    const run = yield* liveRunOfTask(workflow, task, context);
    if (run?.status !== 'queued') continue;
    const ended = yield* cancelledFor(run, 'Its task was checked in the file.', context);
    cancelled.push(run.id);
    changes.push(...ended.changes);
    events.push(...ended.events);
  }
  const others = yield* freedBy(workflow, done, cancelled);
  return {
    changes: [...changes, ...others.changes],
    events: [...events, ...others.events],
    cancelled,
  };
}

/** What is done without a run of ours keeps nobody waiting (TASK-11); a run at work on it may still fail. */
function* freedBy(
  workflow: WorkflowId,
  done: readonly TaskId[],
  ending: readonly RunId[],
): Step<Part & { readonly freed: readonly Freed[] }> {
  const gone: RunId[] = [];
  for (const task of done) {
    const runs = yield* ask('ofTask', { workflow, task });
    const atWork = runs.some(({ id, status }) => status === 'running' && !ending.includes(id));
    if (!atWork) gone.push(...runs.map(({ id }) => id));
  }
  return yield* freedFrom(gone, ending);
}

function cancelledFor(run: RunRow, reason: string, context: Context): Step<Part> {
  const ending = { status: 'cancelled', event: 'run.cancelled', untold: true } as const;
  return endRun(run, { ...ending, fields: { reason } }, context);
}

function taskRow(
  workflow: WorkflowId,
  { task, status, commit, files, error }: TaskChange,
  by: TaskRow['by'],
  { agent, now }: Context,
): TaskRow {
  return {
    workflow,
    task,
    status,
    by,
    agent,
    since: now,
    commit: commit ?? null,
    files: files ?? [],
    error: error ?? null,
  };
}

/** Without those whose task a person has called done since the newest attempt at it ended, or while it ran. */
export function* stillNeeded(dependsOn: readonly RunId[]): Step<readonly RunId[]> {
  const needed = new Set(dependsOn);
  for (const [id, run] of yield* knownRuns(dependsOn)) {
    const { workflow, task } = run;
    if (workflow === null || task === null) continue;
    const said = yield* ask('task', { workflow, task });
    if (said?.status !== 'done' || said.by === 'run') continue;
    const newest = (yield* chainOf(run)).reduce(newer, run);
    if (!isEnded(newest.status) || newest.status === 'completed') continue;
    const spoken = said.by === 'hand' ? begunAt(newest) : (newest.endedAt ?? newest.createdAt);
    if (said.since >= spoken) needed.delete(id);
  }
  return [...needed];
}

function begunAt({ startedAt, createdAt }: RunRow): number {
  return startedAt ?? createdAt;
}

/* ------------------------------------------------------------------ by runs */

/** What a run's step means for its task's box; people who have moved the box since it began win (TASK-5). */
export function* toldByRun(run: RunRow, retry: RunRow | null, context: Context): Step<Part> {
  const { workflow: id, task } = run;
  const status = statusBy(run, retry);
  if (id === null || task === null || status === null) return nothing;
  const workflow = yield* ask('workflow', { id });
  // Never read since it was made: there is no file to promise anything for.
  if (workflow?.hash === undefined) return nothing;
  const said = yield* ask('task', { workflow: id, task });
  if (said?.by === 'hand' && said.since >= begunAt(run)) {
    const ended = run.status !== 'running' && run.status !== 'completed' && retry === null;
    return said.status === 'done' && ended ? yield* freedBy(id, [task], [run.id]) : nothing;
  }
  const error = status === 'failed' ? firstLine(run.error?.message ?? '') : '';
  const change: TaskChange = { task, status, ...(error === '' ? {} : { error }) };
  const promised = yield* promise(workflow, { kind: 'task', cause: 'run', ...change }, context);
  if ((workflow.editing ?? 'full') === 'full') return promised;
  // A checkbox need not have a place for it, and then nobody but the store would know.
  const row = taskRow(id, change, 'run', context);
  return {
    changes: [{ put: 'task', row }, ...promised.changes],
    events: [
      { kind: 'task.changed', workflow: id, task, data: { row, from: said?.status ?? null } },
      ...promised.events,
    ],
  };
}

function statusBy(run: RunRow, retry: RunRow | null): TaskStatus | null {
  switch (run.status) {
    case 'queued':
      return null;
    case 'running':
      return 'doing';
    case 'completed':
      return 'done';
    case 'cancelled':
      return run.startedAt === null ? unbegun(run) : 'todo';
    case 'error':
    case 'killed':
    case 'lost':
      if (run.startedAt === null) return unbegun(run);
      return retry ? 'doing' : 'failed';
  }
}

/** What nobody had begun has never shown, but as the attempt after one that failed. */
function unbegun({ retryOf }: RunRow): TaskStatus | null {
  return retryOf === null ? null : 'failed';
}

const longestError = 200;

function firstLine(text: string): string {
  return (text.trim().split(/[\r\n]/)[0] ?? '').slice(0, longestError);
}

/* ------------------------------------------------------------------ promises */

/**
 * The file shall say this. What was promised of the same task or of the wave before is void with it, but for
 * the facts that the new promise does not speak of: so promises do not pile up where nobody can keep them.
 */
export function* promise(
  { id: workflow, file, editing = 'full' }: WorkflowRow,
  change: FileChange,
  context: Context,
): Step<Part> {
  if (
    editing === 'none' ||
    (editing === 'checkbox' && change.kind !== 'task' && change.kind !== 'merge')
  )
    return nothing;
  const { session, now } = context;
  const before = (yield* ask('fileEdits', { workflow })).filter((edit) =>
    isSame(edit.change, change),
  );
  const row: FileEdit = {
    id: context.newEditId(),
    workflow,
    change: before.reduce<FileChange>((all, edit) => joined(edit.change, all), change),
    session,
    since: now,
  };
  return {
    changes: [
      ...before.map(({ id }): RowChange => ({ drop: 'fileEdit', id })),
      { put: 'fileEdit', row },
    ],
    events: [
      {
        kind: 'file.pending',
        workflow,
        ...(change.kind === 'task' ? { task: change.task } : {}),
        resource: file,
        data: { row, replaces: before.map(({ id }) => id) },
      },
    ],
  };
}

function isSame(one: FileChange, other: FileChange): boolean {
  if (one.kind === 'task') return other.kind === 'task' && one.task === other.task;
  return one.kind === 'wave' && other.kind === 'wave';
}

function joined(before: FileChange, now: FileChange): FileChange {
  if (before.kind !== 'task' || now.kind !== 'task') return now;
  // An error belongs to the failure of which it was told.
  const { commit, files } = before;
  const kept = {
    ...(commit === undefined ? {} : { commit }),
    ...(files === undefined ? {} : { files }),
  };
  return { ...kept, ...now };
}
