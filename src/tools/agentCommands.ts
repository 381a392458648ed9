/** What the command line does with agents and with the settings of the store. */
import { decodeCommand } from '../core/commandCodec';
import type {
  AgentKind,
  AgentName,
  AgentRow,
  ConfigKey,
  ConfigValue,
  Granted,
  RunId,
} from '../core/model';
import { defaults } from '../core/rules/limits';
import { ask, inStore } from './asking';
import { refused, type Done, type Refused } from './commandLine';
import { hasStore, locate, type Workplace } from './workplace';

export interface Agent {
  readonly id: AgentRow['id'];
  readonly name: AgentName;
  readonly kind: AgentKind;
  readonly description: string;
  readonly registeredAt: number;
  readonly lastSeen: number;
  readonly host: string;
}

export type RegisterDocument = (Done & { readonly agent: Agent }) | Refused;
export type LeaveDocument = (Done & Granted['agent.leave']) | Refused;
export type AgentListDocument =
  | (Done & {
      readonly agents: readonly (Agent & {
        readonly sessions: readonly { readonly host: string; readonly pid: number }[];
        readonly runs: readonly RunId[];
        readonly locks: readonly string[];
      })[];
    })
  | Refused;
export type ConfigDocument =
  (Done & { readonly config: Readonly<Record<string, ConfigValue>> }) | Refused;
export type ConfigSetDocument = (Done & Granted['config.set']) | Refused;

export function registerAgent(
  workplace: Workplace,
  asked: {
    readonly name: string;
    readonly kind: AgentKind | undefined;
    readonly description: string | undefined;
  },
): Promise<RegisterDocument> {
  const { name, kind, description } = asked;
  return inStore(workplace, async (store) => {
    const answer = await ask(store, workplace, {
      kind: 'agent.register',
      name: name as AgentName,
      ...(kind === undefined ? {} : { agentKind: kind }),
      ...(description === undefined ? {} : { description }),
    });
    return answer.ok
      ? { ok: true, at: answer.at, agent: agentOf(answer.facts.agent) }
      : refused(answer.refusal, answer.at);
  });
}

function agentOf({ id, name, kind, description, registeredAt, seen }: AgentRow): Agent {
  return { id, name, kind, description, registeredAt, lastSeen: seen.wall, host: seen.host };
}

export async function listAgents(workplace: Workplace): Promise<AgentListDocument> {
  if (!hasStore(locate(workplace).place)) return { ok: true, at: 0, agents: [] };
  return inStore(workplace, async (store) => {
    const locks = await store.read('locks', {});
    const { seq, agents, sessions, running } = await store.read('agents', {});
    return {
      ok: true,
      at: seq,
      agents: agents.map((agent) => ({
        ...agentOf(agent),
        sessions: sessions
          .filter((session) => session.agent === agent.name)
          .map(({ process: { host, pid } }) => ({ host, pid })),
        runs: running.filter(({ claim }) => claim?.agent === agent.name).map(({ id }) => id),
        locks: locks.filter((lock) => lock.agent === agent.name).map(({ resource }) => resource),
      })),
    };
  });
}

export function leaveAgent(workplace: Workplace, force: boolean): Promise<LeaveDocument> {
  return inStore(workplace, async (store) => {
    const command = { kind: 'agent.leave', ...(force ? { force } : {}) } as const;
    const answer = await ask(store, workplace, command);
    return answer.ok
      ? { ok: true, at: answer.at, ...answer.facts }
      : refused(answer.refusal, answer.at);
  });
}

/* ------------------------------------------------------------------ settings */

/** One setting, or all of them: defaults, and what was set. */
export async function getConfig(
  workplace: Workplace,
  key: string | undefined,
): Promise<ConfigDocument> {
  const plain = Object.entries(defaults).filter(([name]) => !name.endsWith('.*'));
  if (key !== undefined) {
    // What would be refused as a setting of this name is none.
    const unknown = decodeCommand({ kind: 'config.set', key, value: null });
    if ('code' in unknown) return refused(unknown, 0);
  }
  const shown = (rows: readonly { readonly key: ConfigKey; readonly value: ConfigValue }[]) => {
    const all = {
      ...Object.fromEntries(plain),
      ...Object.fromEntries(rows.map((row) => [row.key, row.value])),
    };
    if (key === undefined) return all;
    const stands = defaults[key.replace(/^(slots|validate)\..*$/, '$1.*') as keyof typeof defaults];
    return { [key]: all[key] ?? stands };
  };
  if (!hasStore(locate(workplace).place)) return { ok: true, at: 0, config: shown([]) };
  return inStore(workplace, async (store) => {
    const rows = await store.read('configs', { prefix: '' });
    return { ok: true, at: await store.read('head', {}), config: shown(rows) };
  });
}

export function setConfig(
  workplace: Workplace,
  { key, value }: { readonly key: string; readonly value: ConfigValue | null },
): Promise<ConfigSetDocument> {
  return inStore(workplace, async (store) => {
    const command = { kind: 'config.set', key: key as ConfigKey, value } as const;
    const answer = await ask(store, workplace, command);
    return answer.ok
      ? { ok: true, at: answer.at, ...answer.facts }
      : refused(answer.refusal, answer.at);
  });
}

const inTime: ReadonlySet<string> = new Set(['lease.claim', 'lease.program', 'lock.ttl', 'grace']);

/**
 * As it is typed: `default` brings the default back; a time may be said as `30m`; a list has commas between its members,
 * and is empty for an empty text.
 */
export function valueOf(
  key: string,
  text: string,
  durationOf: (text: string) => number,
): ConfigValue | null {
  if (text === 'default') return null;
  if (key === 'workflow.files') {
    return text
      .split(',')
      .map((file) => file.trim())
      .filter((file) => file !== '');
  }
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return inTime.has(key) && /^\d+(ms|s|m|h)$/.test(text) ? durationOf(text) : text;
}
