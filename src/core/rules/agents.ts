/**
 * Who is there (AGENT-n). An agent is a durable name; a session is one process of it.
 *
 * Contract: what an agent holds goes with it in one transaction; the end of a session alone takes nothing.
 */
import type {
  AgentName,
  AgentRow,
  CommandOf,
  Context,
  Decision,
  Granted,
  Refusal,
  Step,
} from '../model';

export const silenceMs = 5 * 60_000;

/** The speaker as a registered agent, registered now if the name is new, or `agent_required` (AGENT-2). */
export function speaker(_context: Context): Step<{ readonly agent: AgentRow } | Refusal> {
  throw new Error('to be written');
}

/** Removes an agent that has no live session, is silent, and holds nothing; says whether it did (AGENT-5). */
export function sweepAgent(_name: AgentName, _context: Context): Step<boolean> {
  throw new Error('to be written');
}

export function registerAgent(
  _command: CommandOf<'agent.register'>,
  _context: Context,
): Decision<Granted['agent.register']> {
  throw new Error('to be written');
}

export function touchAgent(
  _command: CommandOf<'agent.touch'>,
  _context: Context,
): Decision<Granted['agent.touch']> {
  throw new Error('to be written');
}

export function leaveAgent(
  _command: CommandOf<'agent.leave'>,
  _context: Context,
): Decision<Granted['agent.leave']> {
  throw new Error('to be written');
}

export function startSession(
  _command: CommandOf<'session.start'>,
  _context: Context,
): Decision<Granted['session.start']> {
  throw new Error('to be written');
}

export function endSession(
  _command: CommandOf<'session.end'>,
  _context: Context,
): Decision<Granted['session.end']> {
  throw new Error('to be written');
}
