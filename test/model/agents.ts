/** Who is there, what goes with them, and what may be asked how often: rules AGENT, RATE, CONF. */
import type {
  AgentName,
  AgentRow,
  CommandOf,
  Context,
  RunRow,
  SessionRow,
} from '../../src/core/model';
import { releaseAll } from './locks';
import { end } from './runs';
import { beatOf, grant, isOver, refuse, type Outcome, type World } from './world';

const silenceMs = 5 * 60_000;
const signOfLifeMs = 30_000;

export const isKnown = (world: World, name: AgentName): boolean =>
  world.agents.some((agent) => agent.name === name);

/** AGENT-1, AGENT-2. */
export function enrol(
  world: World,
  name: AgentName,
  context: Context,
  described: { readonly agentKind?: RowKind; readonly description?: string } = {},
): void {
  const known = world.agents.find((agent) => agent.name === name);
  const row = {
    id: known?.id ?? context.newAgentId(),
    name,
    kind: described.agentKind ?? known?.kind ?? context.agentKind,
    description: described.description ?? known?.description ?? '',
    registeredAt: known?.registeredAt ?? context.now,
    seen: beatOf(context),
  };
  world.agents = known
    ? world.agents.map((agent) => (agent.name === name ? row : agent))
    : [...world.agents, row];
}

type RowKind = Context['agentKind'];

/** AGENT-7: of the agent, and of the session that it came with. */
export function signOfLife(world: World, context: Context): void {
  const agent = world.agents.find(({ name }) => name === context.agent);
  if (!agent || !context.named) return;
  const sameBoot = agent.seen.host === context.host && agent.seen.bootId === context.bootId;
  if (sameBoot && context.mono - agent.seen.mono < signOfLifeMs) return;
  const seen = beatOf(context);
  world.agents = world.agents.map((each) => (each === agent ? { ...each, seen } : each));
  world.sessions = world.sessions.map((each) =>
    each.id === context.session ? { ...each, seen } : each,
  );
}

const heldRuns = (world: World, name: AgentName): RunRow[] =>
  world.runs.filter((run) => run.status === 'running' && run.claim?.agent === name);

export function leave(world: World, command: CommandOf<'agent.leave'>, context: Context): Outcome {
  const name = command.agent ?? context.agent;
  if (!isKnown(world, name)) return grant({ locks: [], lost: [] });
  const held = heldRuns(world, name);
  if (held.length > 0 && command.force !== true)
    return refuse('conflict', { runs: held.map((run) => run.id) });
  const locks = world.locks.filter((lock) => lock.agent === name).map((lock) => lock.id);
  for (const run of held) end(world, run, { status: 'lost', retry: true }, context);
  remove(world, name);
  return grant({ locks, lost: held.map((run) => run.id) });
}

/** AGENT-4. */
function remove(world: World, name: AgentName): void {
  releaseAll(world, name);
  world.slotWaiters = world.slotWaiters.filter((waiter) => waiter.agent !== name);
  world.sessions = world.sessions.filter((session) => session.agent !== name);
  world.agents = world.agents.filter((agent) => agent.name !== name);
}

/** AGENT-5. */
export function sweepAgents(world: World, context: Context): AgentName[] {
  const gone = world.agents.filter((agent) => mayBeSwept(world, agent, context));
  for (const { name } of gone) remove(world, name);
  return gone.map((agent) => agent.name);
}

/** A sweep looks at those of whom the wall clock says so first; the clock that counts is judged after it. */
function mayBeSwept(world: World, { name, seen }: AgentRow, context: Context): boolean {
  if (context.now - seen.wall <= silenceMs) return false;
  const span = { subject: `agent:${name}`, beat: seen, ttlMs: silenceMs, process: null } as const;
  if (!isOver(world, { ...span, afterReboot: 'fresh' }, context)) return false;
  // What somebody here knows to be over, nobody elsewhere has to wait for.
  world.sessions = world.sessions.filter(
    (session) => session.agent !== name || !isKnownOver(session, context),
  );
  const sessions = world.sessions
    .filter((session) => session.agent === name)
    .map((session) => isLiveSession(world, session, context));
  const holdsLocks = world.locks.some((lock) => lock.agent === name);
  return !sessions.includes(true) && !holdsLocks && heldRuns(world, name).length === 0;
}

/** AGENT-8. */
const isKnownOver = ({ process }: SessionRow, context: Context): boolean =>
  (process.host === context.host && process.bootId !== context.bootId) ||
  context.liveness(process) === 'gone';

/** Of a process that nobody here can look at, its silence decides. */
function isLiveSession(world: World, { id, process, seen }: SessionRow, context: Context): boolean {
  if (context.liveness(process) === 'alive') return true;
  const subject = `session:${id}`;
  return !isOver(
    world,
    { subject, beat: seen, ttlMs: silenceMs, process: null, afterReboot: 'over' },
    context,
  );
}

export function startSession(world: World, context: Context): Outcome {
  world.sessions = [
    ...world.sessions.filter((session) => session.id !== context.session),
    {
      id: context.session,
      agent: context.agent,
      process: context.process,
      startedAt: context.now,
      seen: beatOf(context),
    },
  ];
  return grant({ session: context.session });
}

export function endSession(world: World, context: Context): Outcome {
  world.sessions = world.sessions.filter((session) => session.id !== context.session);
  return grant();
}

/* ------------------------------------------------------------------ limits and settings */

/** One comes back every so often, up to the limit. What another clock has counted, counts for nothing here. */
function takeOne(
  world: World,
  key: string,
  { limit, perMs }: { readonly limit: number; readonly perMs: number },
  context: Context,
): boolean {
  if (limit === 0) return true;
  const known = world.rates.get(key);
  const comparable = known?.at.host === context.host && known.at.bootId === context.bootId;
  const refill = known && comparable ? ((context.mono - known.at.mono) * limit) / perMs : limit;
  const left = Math.min(limit, (known?.left ?? 0) + refill);
  if (left < 1) return false;
  world.rates.set(key, { left: left - 1, at: beatOf(context) });
  return true;
}

/** RATE-1; who gives no name is somebody else each time. */
export function rateAllows(world: World, context: Context): boolean {
  const limit = world.number('rate.mutations', 1_000);
  return !context.named || takeOne(world, `of ${context.agent}`, { limit, perMs: 1_000 }, context);
}

/** RATE-3. */
export function notify(
  world: World,
  { about }: CommandOf<'notification.take'>,
  context: Context,
): Outcome {
  const limit = world.number('rate.notifications', 1);
  const show = takeOne(world, `about ${about}`, { limit, perMs: 10_000 }, context);
  return grant({ show });
}

export function configure(world: World, command: CommandOf<'config.set'>): Outcome {
  const { key, value } = command;
  if (typeof value === 'number' && value < 0) return refuse('bad_input');
  if (typeof value === 'string') return refuse('bad_input');
  world.config = world.config.filter((row) => row.key !== key);
  if (value !== null) world.config.push({ key, value });
  return grant({ key });
}
