/**
 * When a lease or lock is over, judged by evidence (LEASE-2 … LEASE-9, LOCK-6, STOP-3, STOP-4). Every rule
 * that relies on a row's being alive calls one of `expire…` on it first; the sweep only tidies what nobody
 * has touched.
 *
 * Contract: an expiry is a `Write` with its own event and evidence. It compares the row as it was read with
 * the row as it is (run, epoch, beat), so a heartbeat in flight wins.
 */
import type {
  Beat,
  ClaimRow,
  Context,
  Evidence,
  Liveness,
  LockRow,
  PageMark,
  NewEvent,
  ProcessIdentity,
  RunId,
  RunRow,
  SightingRow,
  SlotWaiterRow,
  Step,
  WaiterId,
  WaiterRow,
} from '../model';
import { ask, write } from './ask';
import { dropAndOffer, renewalMs, waiterDropped } from './lockLine';
import { endRun, type Ending } from './runs';

export const slotRenewalMs = 30_000;
export const sweepLimit = 500;
/** Rows that are asked for at once. */
const sweepPage = 100;

export function beatNow(context: Context): Beat {
  return {
    host: context.host,
    bootId: context.bootId,
    mono: context.mono,
    wall: context.now,
    server: context.server,
  };
}

export interface Term {
  /** What is judged, and the id of its row: `run:ID`, `stop:ID`, `lock:ID`, `agent:NAME` and the like. */
  readonly subject: string;
  readonly beat: Beat;
  readonly ttlMs: number;
  /** Judged before any clock; null when there is none to judge. */
  readonly process: ProcessIdentity | null;
  /** What another boot of the same host means: over at once, or one fresh term from the first sighting. */
  readonly afterReboot: 'over' | 'fresh';
}

export type Judgement =
  | { readonly over: false; readonly remainingMs: number; readonly sight: SightingRow | null }
  | { readonly over: true; readonly evidence: Evidence };

/** Pure: is this over for this observer? `sight` is a first sighting that has to be written. */
export function judge(term: Term, sighting: SightingRow | null, context: Context): Judgement {
  const { beat, ttlMs } = term;
  const process = livenessOf(term.process, context);
  const evidence = { ttlMs, process, host: beat.host, observer: context.observer };
  if (process === 'gone') {
    return { over: true, evidence: { rule: 'process-gone', ageMs: null, ...evidence } };
  }
  const rule = clockOf(beat, context);
  if (rule === 'other-boot' && term.afterReboot === 'over') {
    return { over: true, evidence: { rule, ageMs: null, ...evidence } };
  }
  const ownAge = ageOf(beat, context);
  const known = sighting && sameBeat(sighting.beat, beat) ? sighting : null;
  const ageMs = ownAge ?? (known ? sinceSighting(known, context) : 0);
  if (ageMs >= ttlMs) return { over: true, evidence: { rule, ageMs, ...evidence } };
  const sight = ownAge === null && !known ? sightingNow(term, context) : null;
  return { over: false, remainingMs: ttlMs - ageMs, sight };
}

/** Asks for the sighting, judges, and writes a first sighting. */
export function* judged(term: Term, context: Context): Step<Judgement> {
  const { observer } = context;
  const dated = ageOf(term.beat, context) !== null;
  const sighting = dated ? null : yield* ask('sighting', { observer, subject: term.subject });
  const judgement = judge(term, sighting, context);
  if (!judgement.over && judgement.sight) {
    yield* write([{ put: 'sighting', row: judgement.sight }], []);
  }
  return judgement;
}

/** How long ago a beat was, or null where only a first sighting can tell. */
export function ageOf(beat: Beat, context: Context): number | null {
  if (context.server !== null && beat.server !== null) return context.server - beat.server;
  if (beat.host !== context.host || beat.bootId !== context.bootId) return null;
  return context.sharedMono ? context.mono - beat.mono : context.now - beat.wall;
}

function clockOf(
  beat: Beat,
  context: Context,
): Exclude<Evidence['rule'], 'process-gone' | 'forced'> {
  if (context.server !== null && beat.server !== null) return 'server-time';
  if (beat.host !== context.host) return 'other-host';
  return beat.bootId === context.bootId ? 'same-boot' : 'other-boot';
}

/** A pid means something only where boot and pid namespace are the observer's own (LEASE-7). */
function livenessOf(process: ProcessIdentity | null, context: Context): Liveness {
  const own =
    process?.host === context.host &&
    process.bootId === context.bootId &&
    process.pidNamespace === context.pidNamespace;
  return own ? context.liveness(process) : 'unknown';
}

function sameBeat(one: Beat, other: Beat): boolean {
  return (
    one.host === other.host &&
    one.bootId === other.bootId &&
    one.mono === other.mono &&
    one.wall === other.wall
  );
}

/** An observer is one boot of one host, so its own monotonic clock is comparable. */
function sinceSighting(sighting: SightingRow, context: Context): number {
  return context.sharedMono ? context.mono - sighting.mono : context.now - sighting.wall;
}

function sightingNow({ subject, beat }: Term, context: Context): SightingRow {
  const { observer, mono, now } = context;
  return { observer, subject, beat, mono, wall: now };
}

/**
 * The run as it is after its stop grace, timeout and lease have been judged, in this order: a run that was
 * told to stop, or has had its time, ends as that and not as lost. Expired ones are ended.
 */
export function* expireRun(run: RunRow, context: Context): Step<RunRow> {
  if (run.status !== 'running' || run.claim === null) return run;
  for (const { term, ending } of termsOf(run, run.claim)) {
    const judgement = yield* judged(term, context);
    if (!judgement.over) continue;
    const current = yield* ask('run', { id: run.id });
    if (!current || !sameClaim(current, run.claim)) return current ?? run;
    const ended = yield* endRun(current, ending(judgement.evidence), context);
    yield* write(ended.changes, ended.events);
    return ended.row;
  }
  return run;
}

/** What sightings of a run are about, to be dropped with its end. */
export function runSubjects(run: RunRow): readonly string[] {
  return run.claim === null ? [] : termsOf(run, run.claim).map(({ term }) => term.subject);
}

interface RunTerm {
  readonly term: Term;
  readonly ending: (evidence: Evidence) => Ending;
}

function termsOf(run: RunRow, claim: ClaimRow): readonly RunTerm[] {
  return [...stopTerm(run), ...timeoutTerm(run, claim), leaseTerm(run, claim)];
}

function stopTerm({ id, stop }: RunRow): readonly RunTerm[] {
  if (stop === null) return [];
  const { asked: beat, graceMs: ttlMs, reason } = stop;
  return [
    {
      term: { subject: `stop:${id}`, beat, ttlMs, process: null, afterReboot: 'fresh' },
      ending: (evidence) => ({
        status: 'killed',
        event: 'run.killed',
        fields: { reason },
        evidence,
      }),
    },
  ];
}

function timeoutTerm({ id, timeoutMs }: RunRow, { started: beat }: ClaimRow): readonly RunTerm[] {
  if (timeoutMs === null) return [];
  const error = { code: 'timeout', message: `It ran longer than its limit of ${timeoutMs} ms.` };
  return [
    {
      term: {
        subject: `timeout:${id}`,
        beat,
        ttlMs: timeoutMs,
        process: null,
        afterReboot: 'fresh',
      },
      ending: (evidence) => ({
        status: 'killed',
        event: 'run.killed',
        fields: { error },
        evidence,
      }),
    },
  ];
}

function leaseTerm({ id }: RunRow, { beat, leaseMs: ttlMs, process }: ClaimRow): RunTerm {
  return {
    term: { subject: `run:${id}`, beat, ttlMs, process, afterReboot: 'over' },
    ending: (evidence) => ({ status: 'lost', event: 'run.lost', fields: {}, evidence }),
  };
}

/** Run, epoch and beat as they were judged: a heartbeat that came first wins (LEASE-9). */
function sameClaim(current: RunRow, claim: ClaimRow): boolean {
  return (
    current.status === 'running' &&
    current.claim?.epoch === claim.epoch &&
    sameBeat(current.claim.beat, claim.beat)
  );
}

/** Those of the locks that still stand; what the others covered is offered to those who are next. */
export function* expireLocks(
  locks: readonly LockRow[],
  context: Context,
): Step<readonly LockRow[]> {
  const standing: LockRow[] = [];
  const over: LockRow[] = [];
  const events: NewEvent[] = [];
  for (const lock of locks) {
    const { id, agent, resource, grant: beat, ttlMs } = lock;
    const term: Term = {
      subject: `lock:${id}`,
      beat,
      ttlMs,
      process: null,
      afterReboot: 'fresh',
    };
    const judgement = yield* judged(term, context);
    if (!judgement.over) {
      standing.push(lock);
      continue;
    }
    const { evidence } = judgement;
    over.push(lock);
    events.push({ kind: 'lock.expired', resource, data: { lock: id, agent, evidence } });
  }
  yield* dropAndOffer({ locks: over, waiters: [], events }, context);
  return standing;
}

/** Those of the waiters that have renewed and taken their offer in time; the others' turn is passed on. */
export function* expireWaiters(
  waiters: readonly WaiterRow[],
  context: Context,
): Step<readonly WaiterRow[]> {
  const standing: WaiterRow[] = [];
  const over: WaiterRow[] = [];
  for (const waiter of waiters) {
    ((yield* isSilent(waiter, context)) ? over : standing).push(waiter);
  }
  const events = over.map((waiter) => waiterDropped(waiter, 'silent'));
  yield* dropAndOffer({ locks: [], waiters: over, events }, context);
  return standing;
}

function* isSilent({ id, renewed, offer }: WaiterRow, context: Context): Step<boolean> {
  const term = { process: null, afterReboot: 'fresh' } as const;
  const place: Term = { ...term, subject: `waiter:${id}`, beat: renewed, ttlMs: renewalMs };
  if ((yield* judged(place, context)).over) return true;
  if (offer === null) return false;
  const turn: Term = { ...term, subject: `offer:${id}`, beat: offer.made, ttlMs: offer.ttlMs };
  return (yield* judged(turn, context)).over;
}

/** Those of the waiting claims that have renewed in time and whose process is not gone (SLOT-4). */
export function* expireSlotWaiters(
  waiters: readonly SlotWaiterRow[],
  context: Context,
): Step<readonly SlotWaiterRow[]> {
  const kept: SlotWaiterRow[] = [];
  for (const waiter of waiters) {
    const { id, agent, renewed: beat, process } = waiter;
    const subject = slotSubject(id);
    const term: Term = { subject, beat, ttlMs: slotRenewalMs, process, afterReboot: 'over' };
    const judgement = yield* judged(term, context);
    if (!judgement.over) {
      kept.push(waiter);
      continue;
    }
    const why = judgement.evidence.rule === 'process-gone' ? 'process-gone' : 'silent';
    yield* write(
      [
        { drop: 'slotWaiter', id },
        { drop: 'sightings', subject },
      ],
      [{ kind: 'slot.dropped', data: { waiter: id, agent, why } }],
    );
  }
  return kept;
}

export function slotSubject(waiter: WaiterId): string {
  return `slot:${waiter}`;
}

/** Ends runs that are over, oldest beat first, until `most` have ended or all have been judged. */
export function* expireOldRuns(most: number, context: Context): Step<readonly RunRow[]> {
  const { now, mono, observer } = context;
  const ended: RunRow[] = [];
  let after: PageMark<RunId> | null = null;
  for (;;) {
    const page: readonly RunRow[] = yield* ask('expirableRuns', {
      now,
      mono,
      observer,
      after,
      limit: sweepPage,
    });
    for (const run of page) {
      if (ended.length === most) return ended;
      const judgedRun = yield* expireRun(run, context);
      if (judgedRun.status !== 'running') ended.push(judgedRun);
      // A row of this query is running, so it has a claim.
      after = { wall: run.claim?.beat.wall ?? 0, id: run.id };
    }
    if (page.length < sweepPage) return ended;
  }
}
