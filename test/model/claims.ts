/** Who gets which run, the line in front of the slots, and why not: rules CLAIM and SLOT. */
import type {
  CommandOf,
  Context,
  RunId,
  RunRow,
  SlotWaiterRow,
  WorkflowId,
} from '../../src/core/model';
import { failed, findRun } from './runs';
import { beatOf, grant, refuse, type Outcome, type World } from './world';

const isDue = (run: RunRow, context: Context): boolean =>
  run.notBefore === null || run.notBefore <= context.now;

const isClaimable = (run: RunRow, context: Context): boolean =>
  run.status === 'queued' && run.unmet.length === 0 && isDue(run, context);

/** CLAIM-1. */
function claimable(world: World, want: Want, context: Context): RunRow[] {
  return world.runs
    .filter((run) => isClaimable(run, context))
    .filter((run) => want.run === null || run.id === want.run)
    .filter((run) => want.workflow === null || run.workflow === want.workflow)
    .sort((a, b) => b.priority - a.priority);
}

interface Want {
  readonly workflow: WorkflowId | null;
  readonly run: RunId | null;
}

/** SLOT-1: would this run find a slot, if those others ran too? */
function fits(world: World, run: RunRow, others: readonly RunRow[]): boolean {
  const running = [...world.runs.filter((known) => known.status === 'running'), ...others];
  const room = (limit: number, used: number): boolean => limit === 0 || used < limit;
  if (!room(world.number('slots', 10), running.length)) return false;
  if (run.workflow === null) return true;
  return room(
    world.number(`slots.${run.workflow}`, 0),
    running.filter((other) => other.workflow === run.workflow).length,
  );
}

export function claim(world: World, command: CommandOf<'run.claim'>, context: Context): Outcome {
  const want: Want = { workflow: command.workflow ?? null, run: command.run ?? null };
  if (want.run !== null) {
    const run = findRun(world, want.run);
    if (!run) return refuse('unknown_run', { run: want.run });
    if (run.status !== 'queued')
      return refuse('invalid_transition', { run: run.id, status: run.status });
  }
  const place = world.slotWaiters.findIndex((waiter) => waiter.id === command.waiter);
  const ahead = place < 0 ? world.slotWaiters : world.slotWaiters.slice(0, place);

  // SLOT-3: everybody who has waited longer takes, in thought, what it could take now.
  const promised: RunRow[] = [];
  for (const waiter of ahead) {
    const theirs = claimable(world, waiter, context).find(
      (run) => !promised.includes(run) && fits(world, run, promised),
    );
    if (theirs) promised.push(theirs);
  }
  const wanted = claimable(world, want, context);
  const mine = wanted.find((run) => !promised.includes(run) && fits(world, run, promised));
  if (!mine) {
    const code = wanted.length === 0 ? 'nothing_queued' : 'no_slot';
    const waiting = code === 'no_slot' ? {} : { waiting: waitingCounts(world, want, context) };
    return refuse(code, { ...waiting, ...standInLine(world, command, want, context) });
  }

  const leaseMs =
    command.leaseMs ??
    (command.program === true
      ? world.number('lease.program', 60_000)
      : world.number('lease.claim', 1_800_000));
  const token = context.newToken();
  world.putRun({
    ...mine,
    status: 'running',
    startedAt: context.now,
    epoch: mine.epoch + 1,
    claim: {
      agent: context.agent,
      session: context.session,
      epoch: mine.epoch + 1,
      tokenDigest: context.digest(token),
      leaseMs,
      leaseUntil: context.now + leaseMs,
      beat: beatOf(context),
      started: beatOf(context),
      process: command.program === true ? context.process : null,
    },
  });
  if (command.waiter !== undefined) leaveLine(world, command.waiter);
  return grant({ run: findRun(world, mine.id), token });
}

function standInLine(
  world: World,
  command: CommandOf<'run.claim'>,
  want: Want,
  context: Context,
): Record<string, unknown> {
  const { waiter } = command;
  if (waiter === undefined) return {};
  const known = world.slotWaiters.find((each) => each.id === waiter);
  const row: SlotWaiterRow = {
    id: waiter,
    agent: context.agent,
    session: context.session,
    ...want,
    since: known?.since ?? context.now,
    renewed: beatOf(context),
    process: command.program === true ? context.process : null,
  };
  world.slotWaiters = known
    ? world.slotWaiters.map((each) => (each.id === waiter ? row : each))
    : [...world.slotWaiters, row];
  const queuePosition = world.slotWaiters.findIndex((each) => each.id === waiter) + 1;
  // SLOT-4: who says that it stood in line, and does not any more, was dropped.
  return { queuePosition, ...(command.renewal === true && !known ? { dropped: true } : {}) };
}

export function leaveLine(world: World, id: SlotWaiterRow['id']): boolean {
  const before = world.slotWaiters.length;
  world.slotWaiters = world.slotWaiters.filter((waiter) => waiter.id !== id);
  return world.slotWaiters.length < before;
}

/** CLAIM-6: what stands in the way of those that nobody can claim now. */
function waitingCounts(
  world: World,
  want: Want,
  context: Context,
): Record<'dependencies' | 'notBefore' | 'blocked', number> {
  const queued = world.runs
    .filter((run) => run.status === 'queued')
    .filter((run) => want.run === null || run.id === want.run)
    .filter((run) => want.workflow === null || run.workflow === want.workflow);
  const blocked = queued.filter((run) => run.unmet.some((id) => failed(world, id)));
  const dependent = queued.filter((run) => run.unmet.length > 0 && !blocked.includes(run));
  const early = queued.filter((run) => run.unmet.length === 0 && !isDue(run, context));
  return { dependencies: dependent.length, notBefore: early.length, blocked: blocked.length };
}
