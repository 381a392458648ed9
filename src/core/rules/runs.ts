/**
 * What a run is, and how it ends by word of its holder or of a person: create, complete, fail, cancel, kill,
 * hand off (RUN-1 … RUN-13, STOP-1 … STOP-5).
 *
 * Contract: status only rises; every way to an end goes through `endRun`, which frees the slot, settles
 * dependents, makes the automatic retry, and is the only place that writes an ended status.
 */
import type {
  Changes,
  ClaimRow,
  ClaimToken,
  CommandOf,
  Context,
  Decision,
  EndedStatus,
  EventSubject,
  Evidence,
  Granted,
  NewEvent,
  Refusal,
  RefusalOf,
  RowChange,
  RunId,
  RunRow,
  RunStatus,
  Step,
  StopRequest,
  TaskId,
  WorkflowId,
} from '../model';
import { ask } from './ask';
import { beatNow, expireRun, runSubjects } from './expiry';
import { numberSetting } from './limits';
import { linkable, releasedBy, unmetOf } from './links';
import { afterFailure, retriedAs } from './retries';
import { toldByRun } from './tasks';

export const statusOrder: Readonly<Record<RunStatus, 0 | 1 | 2>> = {
  queued: 0,
  running: 1,
  completed: 2,
  error: 2,
  killed: 2,
  cancelled: 2,
  lost: 2,
};

export function isEnded(status: RunStatus): status is EndedStatus {
  return statusOrder[status] === 2;
}

export const defaultBackoff = { baseMs: 1_000, capMs: 5 * 60_000 } as const;
export const defaultMaxAttempts = 1;

/** A queued first attempt; everything that the caller does not say has its default. */
export function newRun(
  fields: Partial<RunRow> & Pick<RunRow, 'id' | 'title'>,
  context: Pick<Context, 'now'>,
): RunRow {
  return {
    status: 'queued',
    parent: null,
    dependsOn: [],
    unmet: [],
    workflow: null,
    wave: null,
    task: null,
    priority: 0,
    attempt: 1,
    maxAttempts: defaultMaxAttempts,
    backoff: defaultBackoff,
    notBefore: null,
    timeoutMs: null,
    createdAt: context.now,
    startedAt: null,
    endedAt: null,
    claim: null,
    epoch: 0,
    stop: null,
    result: null,
    error: null,
    reason: null,
    retryOf: null,
    root: fields.id,
    handoff: null,
    links: [],
    ...fields,
  };
}

/** The changes and events that a part of a rule adds to those of the whole. */
export interface Part {
  readonly changes: readonly RowChange[];
  readonly events: readonly NewEvent[];
}

export interface Ended extends Part {
  readonly row: RunRow;
  readonly retry: RunRow | null;
  readonly exhausted: boolean;
}

export type Ending = {
  /** Whoever ends it tells of its task: nothing is to be promised for its box. */
  readonly untold?: true;
  readonly fields: Partial<Pick<RunRow, 'result' | 'error' | 'reason' | 'links'>>;
} & (
  | { readonly status: 'completed'; readonly event: 'run.completed' }
  | { readonly status: 'error'; readonly event: 'run.failed' }
  | { readonly status: 'killed'; readonly event: 'run.killed'; readonly evidence?: Evidence }
  | { readonly status: 'cancelled'; readonly event: 'run.cancelled' }
  | { readonly status: 'lost'; readonly event: 'run.lost'; readonly evidence: Evidence }
);

/** Ends a live run (RUN-2, RUN-9, RETRY-2, SLOT-5). The caller has checked that it may. */
export function* endRun(run: RunRow, ending: Ending, context: Context): Step<Ended> {
  const row: RunRow = {
    ...run,
    ...ending.fields,
    status: ending.status,
    endedAt: context.now,
  };
  const released = row.status === 'completed' ? yield* releasedBy(row) : [];
  const { retry, exhausted } = afterFailure(row, context);
  const next = retry ? retriedAs(retry, row, { automatic: true, reason: null }) : nothingMore;
  const told = ending.untold ? nothingMore : yield* toldByRun(row, retry, context);
  return {
    row,
    retry,
    exhausted,
    changes: [
      ...[row, ...released].map((put): RowChange => ({ put: 'run', row: put })),
      ...runSubjects(run).map((subject): RowChange => ({ drop: 'sightings', subject })),
      ...next.changes,
      ...told.changes,
    ],
    events: [endEvent(row, ending, exhausted, released), ...next.events, ...told.events],
  };
}

const nothingMore: Part = { changes: [], events: [] };

function endEvent(
  row: RunRow,
  ending: Ending,
  exhausted: boolean,
  released: readonly RunRow[],
): NewEvent {
  const about = aboutRun(row);
  switch (ending.event) {
    case 'run.completed': {
      const dependents = released.map(({ id, unmet }) => ({ run: id, unmet }));
      return { kind: 'run.completed', ...about, data: { row, released: dependents } };
    }
    case 'run.lost':
      return { kind: 'run.lost', ...about, data: { row, exhausted, evidence: ending.evidence } };
    case 'run.killed': {
      const evidence = ending.evidence ? { evidence: ending.evidence } : {};
      return { kind: 'run.killed', ...about, data: { row, exhausted, ...evidence } };
    }
    case 'run.failed':
    case 'run.cancelled':
      return { kind: ending.event, ...about, data: { row, exhausted } };
  }
}

/** What an event about a run names. */
export function aboutRun({ id, workflow, task }: RunRow): EventSubject {
  return {
    run: id,
    ...(workflow === null ? {} : { workflow }),
    ...(task === null ? {} : { task }),
  };
}

/* ------------------------------------------------------------------ finding runs */

/** The run as it is now, after expiry; an archived one is known, and ended (RUN-3). */
export function* presentRun(
  id: RunId,
  context: Context,
): Step<{ readonly row: RunRow } | RefusalOf<'unknown_run'>> {
  const live = yield* ask('run', { id });
  if (live) return { row: yield* expireRun(live, context) };
  const [archived] = yield* ask('archived', { ids: [id] });
  return archived ? { row: archived } : unknownRun(id);
}

/** The run of a token that is right and fresh, or why not (CLAIM-5): expires what it touches first. */
export function* heldRun(
  id: RunId,
  token: ClaimToken,
  context: Context,
): Step<{ readonly row: HeldRun } | Refusal> {
  const found = yield* presentRun(id, context);
  if ('code' in found) return found;
  const { row } = found;
  const { claim, status } = row;
  if (claim?.tokenDigest !== context.digest(token) || status === 'lost') return staleClaim(row);
  if (status !== 'running') return invalidTransition(row, 'take this step');
  return { row: { ...row, status, claim } };
}

export type HeldRun = RunRow & { readonly status: 'running'; readonly claim: ClaimRow };

/** The one live run of a task, after expiry (RUN-10). */
export function* liveRunOfTask(
  workflow: WorkflowId | null,
  task: TaskId,
  context: Context,
): Step<RunRow | null> {
  for (const run of yield* ask('liveOfTask', { workflow, task })) yield* expireRun(run, context);
  // The loss of one may have made the next.
  return (yield* ask('liveOfTask', { workflow, task }))[0] ?? null;
}

export function unknownRun(run: RunId): RefusalOf<'unknown_run'> {
  return { code: 'unknown_run', message: `There is no run ${run}.`, run };
}

export function invalidTransition(run: RunRow, what: string): RefusalOf<'invalid_transition'> {
  return {
    code: 'invalid_transition',
    message: `Run ${run.id} is ${run.status} and cannot ${what}.`,
    run: run.id,
    status: run.status,
  };
}

export function taskBusy(task: TaskId, { id, status }: RunRow): RefusalOf<'task_busy'> {
  return {
    code: 'task_busy',
    message: `Task ${task} has a run already: ${id} is ${status}.`,
    task,
    run: id,
    status,
  };
}

function staleClaim(run: RunRow): RefusalOf<'stale_claim'> {
  const { id, status, claim } = run;
  return {
    code: 'stale_claim',
    message: `This is not the token of the present claim of run ${id}, which is ${status}. Stop working on it; nothing was recorded.`,
    run: id,
    status,
    agent: status === 'running' && claim ? claim.agent : null,
  };
}

/* ------------------------------------------------------------------ commands */

export function* createRuns(
  command: CommandOf<'run.create'>,
  context: Context,
): Decision<Granted['run.create']> {
  const { count = 1, task = null, workflow = null, parent = null } = command;
  if (task !== null) {
    if (count > 1) {
      const message = 'count: A task has one live run at most.';
      return { code: 'bad_input', message, path: 'count' };
    }
    const live = yield* liveRunOfTask(workflow, task, context);
    if (live) return taskBusy(task, live);
  }
  const dependsOn = [...new Set(command.dependsOn)];
  const checked = yield* linkable(parent === null ? dependsOn : [parent, ...dependsOn]);
  if ('code' in checked) return checked;
  const unmet = yield* unmetOf(dependsOn, checked.known);
  const runs = Array.from({ length: count }, () =>
    newRun(
      {
        id: context.newRunId(),
        title: command.title,
        parent,
        dependsOn,
        unmet,
        workflow,
        wave: command.wave ?? null,
        task,
        priority: command.priority ?? 0,
        maxAttempts: command.maxAttempts ?? defaultMaxAttempts,
        backoff: command.backoff ?? defaultBackoff,
        notBefore: command.notBefore ?? null,
        timeoutMs: command.timeoutMs ?? null,
        links: command.links ?? [],
      },
      context,
    ),
  );
  return {
    facts: { runs },
    changes: runs.map((row) => ({ put: 'run', row })),
    events: runs.map((row) => ({ kind: 'run.created', ...aboutRun(row), data: { row } })),
  };
}

export function* completeRun(
  command: CommandOf<'run.complete'>,
  context: Context,
): Decision<Granted['run.complete']> {
  const held = yield* heldRun(command.run, command.token, context);
  if ('code' in held) return held;
  const fields = {
    result: command.result ?? null,
    links: [...held.row.links, ...(command.links ?? [])],
  };
  return endedBy(
    yield* endRun(held.row, { status: 'completed', event: 'run.completed', fields }, context),
  );
}

const failedAs = {
  error: { status: 'error', event: 'run.failed' },
  killed: { status: 'killed', event: 'run.killed' },
  cancelled: { status: 'cancelled', event: 'run.cancelled' },
} as const;

export function* failRun(
  command: CommandOf<'run.fail'>,
  context: Context,
): Decision<Granted['run.fail']> {
  const held = yield* heldRun(command.run, command.token, context);
  if ('code' in held) return held;
  const { code = 'error', message } = command.error;
  const fields = { error: { code, message }, links: [...held.row.links, ...(command.links ?? [])] };
  return endedBy(yield* endRun(held.row, { ...failedAs[command.as ?? 'error'], fields }, context));
}

function endedBy({
  row,
  retry,
  exhausted,
  changes,
  events,
}: Ended): Changes<Granted['run.complete']> {
  return { facts: { run: row, retry, exhausted }, changes, events };
}

export function cancelRun(
  { run, reason }: CommandOf<'run.cancel'>,
  context: Context,
): Decision<Granted['run.cancel']> {
  const fields = { reason: reason ?? null };
  return stopRun(run, 'cancel', { status: 'cancelled', event: 'run.cancelled', fields }, context);
}

export function killRun(
  { run, reason }: CommandOf<'run.kill'>,
  context: Context,
): Decision<Granted['run.kill']> {
  const fields = { reason: reason ?? null };
  return stopRun(run, 'kill', { status: 'killed', event: 'run.killed', fields }, context);
}

/** Ends a queued run; asks the holder of a running one to stop (STOP-1, STOP-2). */
function* stopRun(
  id: RunId,
  directive: StopRequest['directive'],
  ending: Ending,
  context: Context,
): Decision<Granted['run.cancel']> {
  const found = yield* presentRun(id, context);
  if ('code' in found) return found;
  const { row } = found;
  if (isEnded(row.status)) return invalidTransition(row, `be ${ending.status}`);
  if (row.status === 'queued') {
    const { facts, changes, events } = endedBy(yield* endRun(row, ending, context));
    return { facts: { ...facts, ended: true }, changes, events };
  }
  const asked = { run: row, retry: null, exhausted: false, ended: false };
  const before = row.stop;
  if (before && (before.directive === 'kill' || before.directive === directive))
    return unchanged(asked);
  const stop: StopRequest = {
    directive,
    reason: ending.fields.reason ?? null,
    by: context.agent,
    asked: beatNow(context),
    graceMs: yield* numberSetting('grace'),
  };
  const stopping = { ...row, stop };
  return {
    facts: { ...asked, run: stopping },
    changes: [{ put: 'run', row: stopping }],
    events: [{ kind: 'run.cancel_requested', ...aboutRun(row), data: { row: stopping } }],
  };
}

export function* handOffRun(
  command: CommandOf<'run.handoff'>,
  context: Context,
): Decision<Granted['run.handoff']> {
  const { run, token, note } = command;
  const found =
    token === undefined ? yield* presentRun(run, context) : yield* heldRun(run, token, context);
  if ('code' in found) return found;
  const { row } = found;
  if (isEnded(row.status)) return invalidTransition(row, 'take a note');
  if (row.status === 'running' && token === undefined) return staleClaim(row);
  const noted: RunRow = { ...row, handoff: note };
  return {
    facts: { run: noted },
    changes: [{ put: 'run', row: noted }],
    events: [{ kind: 'run.changed', ...aboutRun(row), data: { row: noted, what: 'handoff' } }],
  };
}

/** Nothing to change: asking for what is so already is granted. */
export function unchanged<Facts>(facts: Facts): Changes<Facts> {
  return { facts, changes: [], events: [] };
}
