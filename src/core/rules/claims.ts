/**
 * Who gets which run, and for how long: claim, heartbeat, and the line in front of the slots (CLAIM-n,
 * LEASE-1, SLOT-3 … SLOT-6).
 *
 * Contract: a claim is granted only when a slot is free after everybody who has waited longer and could use
 * it. The token leaves in the claim's own reply only.
 */
import type {
  ClaimRow,
  CommandOf,
  Context,
  Decision,
  Granted,
  NewRun,
  RefusalOf,
  RowChange,
  RunRow,
  SlotWaiterRow,
  Step,
  WaiterId,
  WorkflowId,
} from '../model';
import { speaker } from './agents';
import { ask, write } from './ask';
import { beatNow, expireOldRuns, expireSlotWaiters, slotSubject, sweepLimit } from './expiry';
import { numberSetting } from './limits';
import { aboutRun, createRuns, heldRun, invalidTransition, presentRun, unchanged } from './runs';
import { Supply, whyNoRoom, whyNot, type Wish } from './slots';
import { toldByRun } from './tasks';

/**
 * What a claim by anybody would give now, without making it: `run next` (CLAIM-7). It writes nothing, so what
 * nobody has expired yet still counts.
 */
export function* nextRun(workflow: WorkflowId | null, context: Context): Step<RunRow | null> {
  const line = yield* ask('slotWaiters', {});
  return yield* leftFor({ workflow, run: null }, line, context);
}

/** What this wish gets when everybody who has waited longer has taken theirs (SLOT-3). */
function* leftFor(
  wish: Wish,
  ahead: readonly SlotWaiterRow[],
  context: Context,
): Step<RunRow | null> {
  const supply = yield* Supply.look(context);
  for (const waiter of ahead) {
    if (supply.isEmpty) return null;
    yield* supply.take(waiter);
  }
  return yield* supply.take(wish);
}

export function* claimRun(
  command: CommandOf<'run.claim'>,
  context: Context,
): Decision<Granted['run.claim']> {
  const who = yield* speaker(context);
  if ('code' in who) return who;
  if (command.create !== undefined) return yield* claimNew(command, command.create, context);
  if (command.run !== undefined) {
    const found = yield* presentRun(command.run, context);
    if ('code' in found) return found;
    if (found.row.status !== 'queued') return invalidTransition(found.row, 'be claimed');
  }
  const place = yield* placeOf(command, context);
  if ('code' in place) return place;
  const { ahead, mine, dropped } = place;
  const wish: Wish = { workflow: command.workflow ?? null, run: command.run ?? null };
  let run = yield* leftFor(wish, ahead, context);
  // What is over may hold a slot, and its loss may make a run. It is not judged while there is enough: a run,
  // and room in every workflow, in one of which a run of higher priority may wait for just that slot.
  const isScarce = !run || (yield* Supply.look(context)).full.length > 0;
  if (isScarce && (yield* expireOldRuns(sweepLimit, context)).length > 0) {
    run = yield* leftFor(wish, ahead, context);
  }
  if (run) return yield* claimed(run, command, mine, context);
  const waits = command.waiter !== undefined;
  if (waits) yield* stand({ ...mine, ...wish, id: command.waiter }, command, context);
  return yield* whyNot(wish, { position: ahead.length + 1, waits, dropped }, context);
}

/** Room is looked for first: what is made on the way would stay, whatever the answer is (CLAIM-10). */
function* claimNew(
  command: CommandOf<'run.claim'>,
  create: NewRun,
  context: Context,
): Decision<Granted['run.claim']> {
  if (command.run !== undefined || command.waiter !== undefined) {
    const message = 'create: A run that is made now is neither named nor waited for.';
    return { code: 'bad_input', message, path: 'create' };
  }
  const made = yield* createRuns({ kind: 'run.create', ...create }, context);
  if ('code' in made) return made;
  const line = yield* expireSlotWaiters(yield* ask('slotWaiters', {}), context);
  const workflow = create.workflow ?? null;
  if (!(yield* roomAfter(line, workflow, context))) {
    const freed = (yield* expireOldRuns(sweepLimit, context)).length > 0;
    if (!freed || !(yield* roomAfter(line, workflow, context))) {
      return yield* whyNoRoom(workflow, line.length + 1);
    }
  }
  yield* write(made.changes, made.events);
  // One was asked for.
  return yield* claimed(made.facts.runs[0] as RunRow, command, null, context);
}

/** Whether a slot is left when everybody who has waited longer has taken theirs. */
function* roomAfter(
  ahead: readonly SlotWaiterRow[],
  workflow: WorkflowId | null,
  context: Context,
): Step<boolean> {
  const supply = yield* Supply.look(context);
  for (const waiter of ahead) {
    if (supply.isEmpty) return false;
    yield* supply.take(waiter);
  }
  return !supply.isEmpty && (workflow === null || !supply.full.includes(workflow));
}

function* claimed(
  run: RunRow,
  command: CommandOf<'run.claim'>,
  mine: SlotWaiterRow | null,
  context: Context,
): Decision<Granted['run.claim']> {
  const { agent, session, now } = context;
  const program = command.program ?? false;
  const leaseMs =
    command.leaseMs ?? (yield* numberSetting(program ? 'lease.program' : 'lease.claim'));
  const token = context.newToken();
  const beat = beatNow(context);
  const epoch = run.epoch + 1;
  const claim: ClaimRow = {
    agent,
    session,
    epoch,
    tokenDigest: context.digest(token),
    leaseMs,
    leaseUntil: beat.wall + leaseMs,
    beat,
    started: beat,
    process: program ? context.process : null,
  };
  const row: RunRow = { ...run, status: 'running', startedAt: now, epoch, claim };
  const told = yield* toldByRun(row, null, context);
  return {
    facts: { run: row, token },
    changes: [{ put: 'run', row }, ...(mine ? leaving(mine.id) : []), ...told.changes],
    events: [
      {
        kind: 'run.claimed',
        ...aboutRun(row),
        data: { row, ...(mine ? { waiter: mine.id } : {}) },
      },
      ...told.events,
    ],
  };
}

/* ------------------------------------------------------------------ the line */

interface Place {
  readonly ahead: readonly SlotWaiterRow[];
  /** The asker's own place, if it still has one. */
  readonly mine: SlotWaiterRow | null;
  /** It had one and lost it. */
  readonly dropped: boolean;
}

function* placeOf(
  { waiter, renewal = false }: CommandOf<'run.claim'>,
  context: Context,
): Step<Place | RefusalOf<'bad_input'>> {
  const before = yield* ask('slotWaiters', {});
  const line = yield* expireSlotWaiters(before, context);
  if (waiter === undefined) return { ahead: line, mine: null, dropped: false };
  const known = before.find(({ id }) => id === waiter);
  if (known && known.agent !== context.agent) {
    const message = `waiter: The place ${waiter} in line is that of ${known.agent}.`;
    return { code: 'bad_input', message, path: 'waiter' };
  }
  const index = line.findIndex(({ id }) => id === waiter);
  const mine = line[index] ?? null;
  return {
    ahead: mine ? line.slice(0, index) : line,
    mine,
    dropped: !mine && renewal,
  };
}

/** Stands in line, or renews the place there: kept whatever the answer is. */
function* stand(
  place: Wish & { readonly id: WaiterId; readonly since?: number },
  { program = false }: CommandOf<'run.claim'>,
  context: Context,
): Step<void> {
  const { agent, session, now, process } = context;
  const row: SlotWaiterRow = {
    since: now,
    ...place,
    agent,
    session,
    renewed: beatNow(context),
    process: program ? process : null,
  };
  yield* write([{ put: 'slotWaiter', row }], [{ kind: 'slot.queued', data: { row } }]);
}

export function* leaveSlotQueue(
  { waiter }: CommandOf<'run.unwait'>,
  context: Context,
): Decision<Granted['run.unwait']> {
  const row = yield* ask('slotWaiter', { id: waiter });
  if (row?.agent !== context.agent) return unchanged({ left: false });
  const { id, agent } = row;
  return {
    facts: { left: true },
    changes: leaving(id),
    events: [{ kind: 'slot.dropped', data: { waiter: id, agent, why: 'withdrawn' } }],
  };
}

function leaving(waiter: WaiterId): readonly RowChange[] {
  return [
    { drop: 'slotWaiter', id: waiter },
    { drop: 'sightings', subject: slotSubject(waiter) },
  ];
}

/* ------------------------------------------------------------------ leases */

export function* heartbeatRun(
  command: CommandOf<'run.heartbeat'>,
  context: Context,
): Decision<Granted['run.heartbeat']> {
  const held = yield* heldRun(command.run, command.token, context);
  if ('code' in held) return held;
  const { row } = held;
  const beat = beatNow(context);
  const leaseUntil = beat.wall + row.claim.leaseMs;
  return {
    facts: { leaseUntil, directive: row.stop?.directive ?? null },
    changes: [{ put: 'run', row: { ...row, claim: { ...row.claim, beat, leaseUntil } } }],
    events: [
      {
        kind: 'run.beat',
        ...aboutRun(row),
        data: { epoch: row.claim.epoch, beat, leaseUntil },
      },
    ],
  };
}
