/**
 * What a run is, and how it ends by word of its holder or of a person: create, complete, fail, cancel, kill,
 * link, hand off (RUN-1 … RUN-12, STOP-1 … STOP-4).
 *
 * Contract: status only rises; every way to an end goes through `endRun`, which frees the slot, settles
 * dependents, makes the automatic retry, and is the only place that writes an ended status.
 */
import type {
  Changes,
  ClaimToken,
  CommandOf,
  Context,
  Decision,
  EndedStatus,
  Granted,
  NewEvent,
  Refusal,
  RowChange,
  RunId,
  RunRow,
  RunStatus,
  Step,
} from '../model';

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

export interface Ending {
  readonly status: EndedStatus;
  readonly event: Extract<
    NewEvent,
    { kind: 'run.completed' | 'run.failed' | 'run.killed' | 'run.cancelled' | 'run.lost' }
  >['kind'];
  readonly fields: Partial<Pick<RunRow, 'result' | 'error' | 'reason' | 'links'>>;
  readonly evidence?: Extract<NewEvent, { kind: 'run.lost' }>['data']['evidence'];
}

/** Ends a live run (RUN-2, RUN-9, RETRY-2, SLOT-5). The caller has checked that it may. */
export function endRun(_run: RunRow, _ending: Ending, _context: Context): Step<Ended> {
  throw new Error('to be written');
}

/** The run of a token that is right and fresh, or why not (CLAIM-5): expires what it touches first. */
export function heldRun(
  _id: RunId,
  _token: ClaimToken,
  _context: Context,
): Step<{ readonly row: RunRow } | Refusal> {
  throw new Error('to be written');
}

/** The path of the cycle that these links would close, by run id, or null (RUN-6). */
export function cycleThrough(
  _run: RunId,
  _links: { readonly parent: RunId | null; readonly dependsOn: readonly RunId[] },
): Step<readonly RunId[] | null> {
  throw new Error('to be written');
}

export function createRuns(
  _command: CommandOf<'run.create'>,
  _context: Context,
): Decision<Granted['run.create']> {
  throw new Error('to be written');
}

export function completeRun(
  _command: CommandOf<'run.complete'>,
  _context: Context,
): Decision<Granted['run.complete']> {
  throw new Error('to be written');
}

export function failRun(
  _command: CommandOf<'run.fail'>,
  _context: Context,
): Decision<Granted['run.fail']> {
  throw new Error('to be written');
}

export function cancelRun(
  _command: CommandOf<'run.cancel'>,
  _context: Context,
): Decision<Granted['run.cancel']> {
  throw new Error('to be written');
}

export function killRun(
  _command: CommandOf<'run.kill'>,
  _context: Context,
): Decision<Granted['run.kill']> {
  throw new Error('to be written');
}

export function linkRun(
  _command: CommandOf<'run.link'>,
  _context: Context,
): Decision<Granted['run.link']> {
  throw new Error('to be written');
}

export function handOffRun(
  _command: CommandOf<'run.handoff'>,
  _context: Context,
): Decision<Granted['run.handoff']> {
  throw new Error('to be written');
}

/** Nothing to change: asking for what is so already is granted. */
export function unchanged<Facts>(facts: Facts): Changes<Facts> {
  return { facts, changes: [], events: [] };
}
