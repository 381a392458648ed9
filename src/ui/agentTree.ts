/** The view of agents: who is there, when it was last heard of, and what it holds. */
import * as vscode from 'vscode';
import type { AgentKind, AgentName, AgentRow } from '../core/model';
import { plain } from '../shared/plainText';
import type { FolderModel } from './folderModel';
import { modeWord, storesOf } from './lockTree';
import { nameOf } from './runCommands';
import { RowTree, type Row } from './treeViewRows';
import { agoChangesAt, timeAgo, timeLeft } from './visibleTime';
import type { WorkspaceModel } from './workspaceModel';

export interface AgentAbout {
  readonly kind: 'agent' | 'holding';
}

export class AgentTree extends RowTree<AgentAbout> {
  constructor(
    private readonly model: WorkspaceModel,
    private readonly now: () => number = Date.now,
  ) {
    super(() => storesOf(model).flatMap((folder) => agentRows(folder, model.agent, now())));
  }

  /** When a row reads otherwise though nothing has happened. */
  changesAt(): number {
    const now = this.now();
    const agents = storesOf(this.model).flatMap(({ view }) => [...view.agents.values()]);
    return Math.min(...agents.map(({ seen }) => agoChangesAt(seen.wall, now)), Infinity);
  }
}

/** This window first, then who was heard of last. */
function agentRows(model: FolderModel, me: AgentName, now: number): Row<AgentAbout>[] {
  const holdings = holdingsOf(model, now);
  return [...model.view.agents.values()]
    .sort((one, other) =>
      one.name === me ? -1 : other.name === me ? 1 : one.name < other.name ? -1 : 1,
    )
    .map((agent) => agentRow(model, agent, { me, now, holds: holdings.get(agent.name) ?? [] }));
}

interface Holding {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly icon: string;
}

function agentRow(
  model: FolderModel,
  agent: AgentRow,
  { me, now, holds }: { me: AgentName; now: number; holds: readonly Holding[] },
): Row<AgentAbout> {
  const mine = agent.name === me;
  const id = `agent:${model.place.storeFolder}:${agent.name}`;
  const label = mine ? vscode.l10n.t('This window') : plain(agent.name);
  const sessions = [...model.view.sessions.values()].filter((one) => one.agent === agent.name);
  const words = [
    ...(mine ? [] : [kindWord(agent.kind)]),
    plain(agent.seen.host),
    mine ? vscode.l10n.t('here') : timeAgo(agent.seen.wall, now),
    holdsWord(holds.length),
  ];
  return {
    id,
    about: { kind: 'agent' },
    label,
    description: words.join(' · '),
    tooltip: [
      plain(agent.name, 1_000),
      ...(agent.description === '' ? [] : [plain(agent.description, 1_000)]),
      ...words,
      ...sessions.map(({ process }) =>
        vscode.l10n.t('Process {0} on {1}', process.pid, plain(process.host)),
      ),
    ].join('\n'),
    icon: kindIcon(agent.kind),
    ...(mine ? { colour: 'charts.green' } : {}),
    context: mine ? 'agent;mine' : 'agent',
    spoken: [label, ...words].join(', '),
    children: holds.map((holding) => ({
      id: `${id}:${holding.id}`,
      about: { kind: 'holding' },
      label: holding.label,
      description: holding.description,
      tooltip: `${holding.label}\n${holding.description}`,
      icon: holding.icon,
      context: 'holding',
    })),
  };
}

function holdingsOf({ view }: FolderModel, now: number): ReadonlyMap<AgentName, Holding[]> {
  const all = new Map<AgentName, Holding[]>();
  const add = (agent: AgentName, holding: Holding): void => {
    const known = all.get(agent);
    if (known) known.push(holding);
    else all.set(agent, [holding]);
  };
  for (const run of view.allRuns.values()) {
    if (run.status !== 'running' || !run.claim) continue;
    add(run.claim.agent, {
      id: run.id,
      label: nameOf(run),
      description: vscode.l10n.t('running'),
      icon: 'play-circle',
    });
  }
  for (const lock of view.locks.values()) {
    add(lock.agent, {
      id: lock.id,
      label: plain(lock.resource),
      description: `${modeWord(lock)} · ${timeLeft(lock.expiresAt, now)}`,
      icon: 'lock',
    });
  }
  return all;
}

function holdsWord(count: number): string {
  if (count === 0) return vscode.l10n.t('holds nothing');
  return count === 1 ? vscode.l10n.t('holds one thing') : vscode.l10n.t('holds {0} things', count);
}

function kindWord(kind: AgentKind): string {
  switch (kind) {
    case 'window':
      return vscode.l10n.t('window');
    case 'terminal':
      return vscode.l10n.t('terminal');
    case 'worker':
      return vscode.l10n.t('worker');
    case 'mcp':
      return vscode.l10n.t('MCP client');
    case 'other':
      return vscode.l10n.t('agent');
  }
}

function kindIcon(kind: AgentKind): string {
  switch (kind) {
    case 'window':
      return 'window';
    case 'terminal':
      return 'terminal';
    case 'worker':
      return 'server-process';
    case 'mcp':
      return 'hubot';
    case 'other':
      return 'account';
  }
}
