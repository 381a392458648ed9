/**
 * Who is there (AGENT-n). An agent is a durable name; a session is one process of it.
 *
 * Contract: what an agent holds goes with it in one transaction; the end of a session alone takes nothing.
 */
import type {
  AgentName,
  AgentRow,
  ClaimRow,
  CommandOf,
  Context,
  Decision,
  Granted,
  NewEvent,
  RefusalOf,
  RowChange,
  RunRow,
  SessionRow,
  Step,
} from '../model';
import { ask, write } from './ask';
import { ageOf, beatNow, expireLocks, expireRun, judged } from './expiry';
import { releaseAll } from './lockLine';
import { endRun, unchanged, type Ended, type Part } from './runs';

export const silenceMs = 5 * 60_000;
/** A sign of life is written at most this often (AGENT-7). */
export const signOfLifeMs = 30_000;

/** The speaker as a registered agent, registered now if the name is new, or `agent_required` (AGENT-2). */
export function* speaker(
  context: Context,
): Step<{ readonly agent: AgentRow } | RefusalOf<'agent_required'>> {
  if (!context.named) return agentRequired();
  const known = yield* ask('agent', { name: context.agent });
  if (known) return { agent: known };
  const agent = newAgent(context.agent, context);
  const { changes, events } = registration(agent);
  yield* write(changes, events);
  return { agent };
}

export function agentRequired(
  message = 'This holds something, so it has to be known who you are.',
): RefusalOf<'agent_required'> {
  return {
    code: 'agent_required',
    message,
    register: 'wavelock agent register --name NAME',
  };
}

function newAgent(name: AgentName, context: Context): AgentRow {
  return {
    id: context.newAgentId(),
    name,
    kind: context.agentKind,
    description: '',
    registeredAt: context.now,
    seen: beatNow(context),
  };
}

function registration(row: AgentRow): Part {
  return {
    changes: [{ put: 'agent', row }],
    events: [{ kind: 'agent.registered', about: row.name, data: { row } }],
  };
}

/** Notes that a registered agent, and its session, are there; before whatever they have come for (AGENT-7). */
export function* signOfLife(context: Context): Step<void> {
  const agent = context.named ? yield* ask('agent', { name: context.agent }) : null;
  if (!agent) return;
  const age = ageOf(agent.seen, context);
  if (age !== null && age < signOfLifeMs) return;
  const seen = beatNow(context);
  const changes: RowChange[] = [{ put: 'agent', row: { ...agent, seen } }];
  const session = yield* ask('session', { id: context.session });
  if (session) changes.push({ put: 'session', row: { ...session, seen } });
  yield* write(changes, [{ kind: 'agent.seen', data: { seen } }]);
}

/** Needs no name beside the one that it registers: it is what `agent_required` asks for. */
export function* registerAgent(
  command: CommandOf<'agent.register'>,
  context: Context,
): Decision<Granted['agent.register']> {
  const { name, agentKind, description } = command;
  const known = yield* ask('agent', { name });
  const agent: AgentRow = {
    ...(known ?? newAgent(name, context)),
    ...(agentKind === undefined ? {} : { kind: agentKind }),
    ...(description === undefined ? {} : { description }),
    seen: beatNow(context),
  };
  return { facts: { agent }, ...registration(agent) };
}

/** Its sign of life has been noted on the way in. */
export function* touchAgent(
  _command: CommandOf<'agent.touch'>,
  context: Context,
): Decision<Granted['agent.touch']> {
  const found = yield* speaker(context);
  return 'code' in found ? found : unchanged(found);
}

/* ------------------------------------------------------------------ sessions */

export function* startSession(
  _command: CommandOf<'session.start'>,
  context: Context,
): Decision<Granted['session.start']> {
  const found = yield* speaker(context);
  if ('code' in found) return found;
  const row: SessionRow = {
    id: context.session,
    agent: context.agent,
    process: context.process,
    startedAt: context.now,
    seen: beatNow(context),
  };
  return {
    facts: { session: row.id },
    changes: [{ put: 'session', row }],
    events: [{ kind: 'session.started', data: { row } }],
  };
}

/** Takes nothing from the agent (AGENT-3). */
export function* endSession(
  _command: CommandOf<'session.end'>,
  context: Context,
): Decision<Granted['session.end']> {
  const session = yield* ask('session', { id: context.session });
  if (!session) return unchanged({});
  return {
    facts: {},
    changes: sessionGone(session),
    events: [{ kind: 'session.ended', about: session.id, data: { why: 'closed' } }],
  };
}

function sessionGone({ id }: SessionRow): RowChange[] {
  return [
    { drop: 'session', id },
    { drop: 'sightings', subject: `session:${id}` },
  ];
}

/**
 * Is this process still there (AGENT-8)? One that is known to be over is dropped. Of one that nobody here can
 * look at, its silence decides.
 */
function* isLive(session: SessionRow, context: Context): Step<boolean> {
  const why = whyEnded(session, context);
  if (why !== null) {
    yield* write(sessionGone(session), [
      { kind: 'session.ended', about: session.id, data: { why } },
    ]);
    return false;
  }
  if (context.liveness(session.process) === 'alive') return true;
  const silence = yield* judged(
    {
      subject: `session:${session.id}`,
      beat: session.seen,
      ttlMs: silenceMs,
      process: null,
      afterReboot: 'over',
    },
    context,
  );
  return !silence.over;
}

function whyEnded({ process }: SessionRow, context: Context): 'other-boot' | 'process-gone' | null {
  if (process.host === context.host && process.bootId !== context.bootId) return 'other-boot';
  return context.liveness(process) === 'gone' ? 'process-gone' : null;
}

/* ------------------------------------------------------------------ leaving and being swept */

export function* leaveAgent(
  command: CommandOf<'agent.leave'>,
  context: Context,
): Decision<Granted['agent.leave']> {
  if (command.agent === undefined && !context.named) return agentRequired();
  const name = command.agent ?? context.agent;
  const agent = yield* ask('agent', { name });
  if (!agent) return unchanged({ locks: [], lost: [] });
  const held = yield* runningOf(name, context);
  const runs = held.map(({ id }) => id);
  if (runs.length > 0 && command.force !== true) {
    return { code: 'conflict', message: `${name} holds ${runs.join(', ')}.`, runs };
  }
  for (const run of held) {
    const ended = yield* loseRun(run, context);
    // One at a time: what two of them leave behind may be in the same row.
    yield* write(ended.changes, ended.events);
  }
  const locks = yield* expireLocks(yield* ask('locksOf', { agent: name }), context);
  const gone = yield* removal(name, context);
  const forced = runs.length > 0;
  return {
    facts: { locks: locks.map(({ id }) => id), lost: runs },
    changes: gone.changes,
    events: [...gone.events, { kind: 'agent.left', about: name, data: { forced } }],
  };
}

/** Those of its runs whose lease still stands. */
function* runningOf(agent: AgentName, context: Context): Step<readonly RunRow[]> {
  const running: RunRow[] = [];
  for (const run of yield* ask('heldRuns', { agent })) {
    const present = yield* expireRun(run, context);
    if (present.status === 'running') running.push(present);
  }
  return running;
}

function* loseRun(run: RunRow, context: Context): Step<Ended> {
  // It was found by the agent of its claim.
  const { leaseMs, beat } = run.claim as ClaimRow;
  return yield* endRun(
    run,
    {
      status: 'lost',
      event: 'run.lost',
      fields: { reason: 'Its agent has left.' },
      evidence: {
        rule: 'forced',
        ageMs: null,
        ttlMs: leaseMs,
        process: 'unknown',
        host: beat.host,
        observer: context.observer,
      },
    },
    context,
  );
}

/** Everything that goes with an agent, but for its runs (AGENT-4, SLOT-6). */
function* removal(name: AgentName, context: Context): Step<Part> {
  const released = yield* releaseAll(name, 'agent-left', context);
  const changes: RowChange[] = [...released.changes];
  const events: NewEvent[] = [...released.events];
  for (const { id, agent } of yield* ask('slotWaiters', {})) {
    if (agent !== name) continue;
    changes.push({ drop: 'slotWaiter', id }, { drop: 'sightings', subject: `slot:${id}` });
    events.push({ kind: 'slot.dropped', data: { waiter: id, agent, why: 'agent-left' } });
  }
  const sessions = yield* ask('sessions', { agent: name });
  changes.push(...sessions.flatMap(sessionGone));
  changes.push({ drop: 'agent', name }, { drop: 'sightings', subject: `agent:${name}` });
  return { changes, events };
}

/** Removes an agent that has no live session, is silent, and holds nothing; says whether it did (AGENT-5). */
export function* sweepAgent(name: AgentName, context: Context): Step<boolean> {
  const agent = yield* ask('agent', { name });
  if (!agent) return false;
  const term = { subject: `agent:${name}`, beat: agent.seen, ttlMs: silenceMs, process: null };
  const silence = yield* judged({ ...term, afterReboot: 'fresh' }, context);
  if (!silence.over || (yield* isPresent(name, context))) return false;
  const gone = yield* removal(name, context);
  // Only a process or a boot ends something without a clock, and neither counts here.
  const silentMs = Number(silence.evidence.ageMs);
  yield* write(gone.changes, [
    ...gone.events,
    { kind: 'agent.swept', about: name, data: { silentMs } },
  ]);
  return true;
}

/** It has a live session, or holds what has not expired. */
function* isPresent(name: AgentName, context: Context): Step<boolean> {
  let live = false;
  for (const session of yield* ask('sessions', { agent: name })) {
    if (yield* isLive(session, context)) live = true;
  }
  const locks = yield* expireLocks(yield* ask('locksOf', { agent: name }), context);
  return live || locks.length > 0 || (yield* runningOf(name, context)).length > 0;
}
