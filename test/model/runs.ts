/** What a run is, and how it ends: rules RUN, STOP, RETRY, and LEASE for runs. */
import type {
  ClaimToken,
  CommandOf,
  Context,
  EndedStatus,
  RunId,
  RunRow,
  WorkflowId,
} from '../../src/core/model';
import { beatOf, grant, isOver, refuse, type Outcome, type World } from './world';

export const isLive = (run: RunRow): boolean => run.status === 'queued' || run.status === 'running';

/* ------------------------------------------------------------------ looking */

const everyRun = (world: World): RunRow[] => [...world.archive, ...world.runs];

export const findRun = (world: World, id: RunId): RunRow | undefined =>
  everyRun(world).find((run) => run.id === id);

/** All attempts at what this run is an attempt at, oldest first. */
function attemptsOf(world: World, id: RunId): RunRow[] {
  const root = findRun(world, id)?.root;
  return everyRun(world)
    .filter((run) => run.root === root)
    .sort((a, b) => a.attempt - b.attempt);
}

const satisfied = (world: World, id: RunId): boolean =>
  attemptsOf(world, id).some((run) => run.status === 'completed');

export const failed = (world: World, id: RunId): boolean =>
  !attemptsOf(world, id).some((run) => run.status === 'completed' || isLive(run));

export const unmetOf = (world: World, run: RunRow): RunId[] =>
  run.dependsOn.filter((id) => !satisfied(world, id));

const holds = (run: RunRow, token: ClaimToken, context: Context): boolean =>
  run.claim?.tokenDigest === context.digest(token);

/* ------------------------------------------------------------------ making and linking */

export function createRuns(
  world: World,
  command: CommandOf<'run.create'>,
  context: Context,
): Outcome {
  const { dependsOn = [], parent = null, workflow = null, task = null } = command;
  const busy = task === null ? undefined : liveOfTask(world, workflow, task);
  if (busy) return refuse('task_busy', { task, run: busy.id, status: busy.status });
  for (const id of [...(parent === null ? [] : [parent]), ...dependsOn])
    if (!findRun(world, id)) return refuse('unknown_run', { run: id });
  const runs: RunRow[] = [];
  for (let made = 0; made < (command.count ?? 1); made += 1) {
    const run = queuedRun(
      {
        title: command.title,
        parent,
        dependsOn: [...new Set(dependsOn)],
        workflow,
        wave: command.wave ?? null,
        task,
        priority: command.priority ?? 0,
        maxAttempts: command.maxAttempts ?? 1,
        backoff: command.backoff ?? { baseMs: 1_000, capMs: 300_000 },
        notBefore: command.notBefore ?? null,
        timeoutMs: command.timeoutMs ?? null,
        links: command.links ?? [],
      },
      context,
    );
    runs.push({ ...run, unmet: unmetOf(world, run) });
  }
  world.runs.push(...runs);
  return grant({ runs });
}

/** A first attempt at something. */
export function queuedRun(
  fields: Partial<RunRow> & Pick<RunRow, 'title'>,
  context: Context,
): RunRow {
  const id = context.newRunId();
  return {
    id,
    status: 'queued',
    parent: null,
    dependsOn: [],
    unmet: [],
    workflow: null,
    wave: null,
    task: null,
    priority: 0,
    attempt: 1,
    maxAttempts: 1,
    backoff: { baseMs: 1_000, capMs: 300_000 },
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
    root: id,
    handoff: null,
    links: [],
    ...fields,
  };
}

const liveOfTask = (
  world: World,
  workflow: WorkflowId | null,
  task: RunRow['task'],
): RunRow | undefined =>
  world.runs.find((run) => isLive(run) && run.workflow === workflow && run.task === task);

export function linkRun(world: World, command: CommandOf<'run.link'>): Outcome {
  const run = findRun(world, command.run);
  if (!run) return refuse('unknown_run', { run: command.run });
  const { parent = null, dependsOn = [] } = command;
  if (run.status !== 'queued')
    return refuse('invalid_transition', { run: run.id, status: run.status });
  for (const id of [...(parent === null ? [] : [parent]), ...dependsOn])
    if (!findRun(world, id)) return refuse('unknown_run', { run: id });
  if (parent !== null && reaches(world, parent, run, (each) => (each.parent ? [each.parent] : [])))
    return refuse('cycle');
  if (dependsOn.some((id) => reaches(world, id, run, (each) => each.dependsOn)))
    return refuse('cycle');
  const linked = {
    ...run,
    parent: parent ?? run.parent,
    dependsOn: [...new Set([...run.dependsOn, ...dependsOn])],
  };
  world.putRun({ ...linked, unmet: unmetOf(world, linked) });
  return grant({ run: findRun(world, run.id) });
}

/** RUN-6: does a way lead from here to that run? A chain is one thing, and goes on from its newest attempt. */
function reaches(
  world: World,
  from: RunId,
  to: RunRow,
  next: (run: RunRow) => readonly RunId[],
  seen: readonly RunId[] = [],
): boolean {
  const newest = attemptsOf(world, from).at(-1);
  if (newest === undefined || seen.includes(newest.root)) return false;
  const { root } = newest;
  if (root === to.root) return true;
  return next(newest).some((id) => reaches(world, id, to, next, [...seen, root]));
}

export function handOff(
  world: World,
  command: CommandOf<'run.handoff'>,
  context: Context,
): Outcome {
  const run = findRun(world, command.run);
  if (!run) return refuse('unknown_run', { run: command.run });
  if (command.token !== undefined) {
    const held = heldOrWhy(world, run.id, command.token, context);
    if ('ok' in held) return held;
  } else {
    if (!isLive(run)) return refuse('invalid_transition', { run: run.id, status: run.status });
    if (run.status === 'running') return refuse('stale_claim', { run: run.id });
  }
  world.putRun({ ...run, handoff: command.note });
  return grant({ run: findRun(world, run.id) });
}

/* ------------------------------------------------------------------ ending */

interface Ending {
  readonly status: EndedStatus;
  readonly retry: boolean;
  readonly fields?: Partial<Pick<RunRow, 'result' | 'error' | 'reason' | 'links'>>;
}

interface End {
  readonly run: RunRow;
  readonly retry: RunRow | null;
  readonly exhausted: boolean;
}

/** RUN-9, RETRY-2: the one way to an end. Whoever depended on it learns whether it still waits. */
export function end(world: World, run: RunRow, ending: Ending, context: Context): End {
  const ended: RunRow = {
    ...run,
    ...ending.fields,
    status: ending.status,
    endedAt: context.now,
  };
  world.putRun(ended);
  world.runs = world.runs.map((each) =>
    each.status === 'queued' ? { ...each, unmet: unmetOf(world, each) } : each,
  );
  // Somebody who asked a run to stop does not want it again, whatever it then ended as.
  if (!ending.retry || run.stop !== null) return { run: ended, retry: null, exhausted: false };
  if (run.attempt >= run.maxAttempts) return { run: ended, retry: null, exhausted: true };
  // RETRY-1: n is the number of failures before this one.
  const wait = Math.min(run.backoff.capMs, run.backoff.baseMs * 2 ** (run.attempt - 1));
  const jittered = wait * (0.8 + 0.4 * context.random());
  const retry = nextAttempt(world, ended, context.now + Math.max(0, Math.round(jittered)), context);
  return { run: ended, retry, exhausted: false };
}

/** RETRY-6. */
function nextAttempt(
  world: World,
  run: RunRow,
  notBefore: number | null,
  context: Context,
): RunRow {
  const next: RunRow = {
    ...run,
    id: context.newRunId(),
    status: 'queued',
    attempt: run.attempt + 1,
    notBefore,
    createdAt: context.now,
    startedAt: null,
    endedAt: null,
    claim: null,
    epoch: 0,
    stop: null,
    result: null,
    error: null,
    reason: null,
    retryOf: run.id,
  };
  const row = { ...next, unmet: unmetOf(world, next) };
  world.runs.push(row);
  return row;
}

/** Heartbeat, complete and fail: whose word counts (CLAIM-5, RUN-2, RUN-3). */
function heldOrWhy(world: World, id: RunId, token: ClaimToken, context: Context): RunRow | Outcome {
  const run = findRun(world, id);
  if (!run) return refuse('unknown_run', { run: id });
  if (run.status === 'running' && holds(run, token, context)) return run;
  if (isLive(run) || run.status === 'lost' || !holds(run, token, context))
    return refuse('stale_claim', { run: id, status: run.status });
  return refuse('invalid_transition', { run: id, status: run.status });
}

export function heartbeat(
  world: World,
  command: CommandOf<'run.heartbeat'>,
  context: Context,
): Outcome {
  const run = heldOrWhy(world, command.run, command.token, context);
  if ('ok' in run) return run;
  if (run.claim === null) throw new Error('a running run has a claim');
  const leaseUntil = context.now + run.claim.leaseMs;
  world.putRun({ ...run, claim: { ...run.claim, beat: beatOf(context), leaseUntil } });
  return grant({ leaseUntil, directive: run.stop?.directive ?? null });
}

export function complete(
  world: World,
  command: CommandOf<'run.complete'>,
  context: Context,
): Outcome {
  const run = heldOrWhy(world, command.run, command.token, context);
  if ('ok' in run) return run;
  const fields = {
    result: command.result ?? null,
    links: [...run.links, ...(command.links ?? [])],
  };
  return grant({ ...end(world, run, { status: 'completed', retry: false, fields }, context) });
}

export function fail(world: World, command: CommandOf<'run.fail'>, context: Context): Outcome {
  const run = heldOrWhy(world, command.run, command.token, context);
  if ('ok' in run) return run;
  const status = command.as ?? 'error';
  const { code = 'error', message } = command.error;
  const fields = {
    error: { code, message },
    links: [...run.links, ...(command.links ?? [])],
  };
  return grant({
    ...end(world, run, { status, retry: status === 'error', fields }, context),
  });
}

/** STOP-1, STOP-2. */
export function stop(
  world: World,
  command: CommandOf<'run.cancel'> | CommandOf<'run.kill'>,
  context: Context,
): Outcome {
  const run = findRun(world, command.run);
  if (!run) return refuse('unknown_run', { run: command.run });
  const reason = command.reason ?? null;
  const directive = command.kind === 'run.kill' ? 'kill' : 'cancel';
  if (run.status === 'queued') {
    const status = directive === 'kill' ? 'killed' : 'cancelled';
    const ended = end(world, run, { status, retry: false, fields: { reason } }, context);
    return grant({ ...ended, ended: true });
  }
  if (run.status !== 'running')
    return refuse('invalid_transition', { run: run.id, status: run.status });
  const asked = run.stop?.directive;
  if (asked === undefined || (asked === 'cancel' && directive === 'kill')) {
    const graceMs = world.number('grace', 10_000);
    world.putRun({
      ...run,
      stop: { directive, reason, by: context.agent, asked: beatOf(context), graceMs },
    });
  }
  return grant({ run: findRun(world, run.id), retry: null, exhausted: false, ended: false });
}

/** STOP-3, STOP-4, LEASE-3, LEASE-7: what time has done to a run that nobody has ended. */
export function expireRun(world: World, run: RunRow, context: Context): 'killed' | 'lost' | null {
  const { claim } = run;
  if (run.status !== 'running' || claim === null) return null;
  const plain = { afterReboot: 'fresh', process: null } as const;
  const lease = {
    subject: `run:${run.id}`,
    beat: claim.beat,
    ttlMs: claim.leaseMs,
    afterReboot: 'over',
    process: claim.process,
  } as const;
  const leaseOver = isOver(world, lease, context);
  const graceOver =
    run.stop !== null &&
    isOver(
      world,
      {
        ...plain,
        subject: `stop:${run.id}`,
        beat: run.stop.asked,
        ttlMs: run.stop.graceMs,
      },
      context,
    );
  const timeOver =
    run.timeoutMs !== null &&
    isOver(
      world,
      { ...plain, subject: `timeout:${run.id}`, beat: claim.started, ttlMs: run.timeoutMs },
      context,
    );
  if (graceOver) {
    const reason = run.stop.reason;
    end(world, run, { status: 'killed', retry: false, fields: { reason } }, context);
    return 'killed';
  }
  if (timeOver) {
    const error = { code: 'timeout', message: '' };
    end(world, run, { status: 'killed', retry: true, fields: { error } }, context);
    return 'killed';
  }
  if (leaseOver) {
    end(world, run, { status: 'lost', retry: true }, context);
    return 'lost';
  }
  return null;
}

export function retry(world: World, command: CommandOf<'run.retry'>, context: Context): Outcome {
  const run = findRun(world, command.run);
  if (!run) return refuse('unknown_run', { run: command.run });
  const attempts = attemptsOf(world, run.id);
  const newest = attempts.at(-1) ?? run;
  const done = attempts.find((attempt) => attempt.status === 'completed');
  if (done) return refuse('invalid_transition', { run: done.id, status: done.status });
  const live =
    attempts.find(isLive) ??
    (run.task === null ? undefined : liveOfTask(world, run.workflow, run.task));
  if (live)
    return run.task === null
      ? refuse('invalid_transition', { run: live.id, status: live.status })
      : refuse('task_busy', { task: run.task, run: live.id, status: live.status });
  if (newest.attempt >= 100) return refuse('too_many_retries', { run: newest.id });
  return grant({ run: nextAttempt(world, newest, null, context) });
}
