/** Locks, agents and settings as people get to see them. */
import type {
  AgentListDocument,
  ConfigDocument,
  ConfigSetDocument,
  LeaveDocument,
  RegisterDocument,
} from './agentCommands';
import type {
  AcquireDocument,
  BreakDocument,
  LockListDocument,
  ReleaseDocument,
  VerifyLocksDocument,
} from './lockCommands';
import { ago, counted, lasting, printable, table, type Look } from './terminal';

type Granted<Document> = Extract<Document, { readonly ok: true }>;

export function showAcquired({ locks }: Granted<AcquireDocument>, { paint, now }: Look): string {
  return locks
    .map(
      ({ resource, mode, how, expiresAt }) =>
        `${paint.bold(printable(resource))}  ${mode} ${how}, for ${lasting(expiresAt - now)}\n`,
    )
    .join('');
}

export function showReleased({ released }: Granted<ReleaseDocument>): string {
  return released.length === 0
    ? 'You held none of these.\n'
    : `${counted(released.length, 'lock')} released.\n`;
}

export function showLocksVerified({ locks }: Granted<VerifyLocksDocument>): string {
  return `${counted(locks.length, 'lock')} held; nothing has changed since.\n`;
}

export function showBroken({ broken }: Granted<BreakDocument>): string {
  return broken.length === 0
    ? 'Nobody holds it.\n'
    : broken.map(({ agent }) => `The lock of ${printable(agent)} is broken.\n`).join('');
}

export function showLocks({ locks, waiters }: Granted<LockListDocument>, look: Look): string {
  const { paint, now } = look;
  if (locks.length === 0 && waiters.length === 0) return 'There is no lock.\n';
  const held = table(
    [
      { title: 'RESOURCE', flexible: true },
      { title: 'MODE' },
      { title: 'AGENT', flexible: true },
      { title: 'HELD', align: 'right' },
      { title: 'LEFT', align: 'right' },
      { title: 'WORKTREE', flexible: true },
    ],
    locks.map(({ resource, mode, agent, since, expiresAt, worktree }) => [
      resource,
      { text: mode, paint: mode === 'write' ? paint.yellow : paint.cyan },
      agent,
      ago(since, now),
      lasting(expiresAt - now),
      worktree ?? '(all)',
    ]),
    look,
  );
  const line = table(
    [
      { title: '#', align: 'right' },
      { title: 'WAITING', flexible: true },
      { title: 'FOR', flexible: true },
      { title: 'SINCE', align: 'right' },
    ],
    waiters.map(({ agent, resources, since, queuePosition, offered }) => [
      String(queuePosition),
      offered ? `${agent} (its turn)` : agent,
      resources.join(', '),
      ago(since, now),
    ]),
    look,
  );
  return [held, line].filter((text) => text !== '').join('\n');
}

export function showAgent({ agent }: Granted<RegisterDocument>, { paint }: Look): string {
  return `${paint.bold(printable(agent.name))} is registered as ${agent.id}.\n`;
}

export function showAgents({ agents }: Granted<AgentListDocument>, look: Look): string {
  if (agents.length === 0) return 'No agent is registered.\n';
  return table(
    [
      { title: 'AGENT', flexible: true },
      { title: 'ID' },
      { title: 'KIND' },
      { title: 'SEEN', align: 'right' },
      { title: 'RUNS', flexible: true },
      { title: 'LOCKS', flexible: true },
      { title: 'ABOUT', flexible: true },
    ],
    agents.map(({ name, id, kind, lastSeen, runs, locks, description }) => [
      { text: name, paint: look.paint.bold },
      id,
      kind,
      ago(lastSeen, look.now),
      runs.join(' '),
      locks.join(' '),
      description,
    ]),
    look,
  );
}

export function showLeft({ locks, lost }: Granted<LeaveDocument>): string {
  const runs = lost.length === 0 ? '' : ` ${counted(lost.length, 'run')} lost: ${lost.join(', ')}.`;
  return `Left; ${counted(locks.length, 'lock')} released.${runs}\n`;
}

export function showConfig({ config }: Granted<ConfigDocument>, look: Look): string {
  return table(
    [{ title: 'SETTING' }, { title: 'VALUE', flexible: true }],
    Object.entries(config).map(([key, value]) => [
      key,
      typeof value === 'object' ? value.join(', ') : String(value),
    ]),
    look,
  );
}

export function showConfigSet({ key, value }: Granted<ConfigSetDocument>): string {
  return `${key} is ${typeof value === 'object' ? value.map(printable).join(', ') : printable(String(value))}.\n`;
}
