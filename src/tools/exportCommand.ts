/** `export`: all that the live store holds, in a form that other programs read. */
import type { RunStatus, TaskRow, WorkflowRow } from '../core/model';
import { inStore } from './asking';
import type { Done, Refused } from './commandLine';
import type { Agent } from './agentCommands';
import type { ListedLock } from './lockCommands';
import { runsOf, type Run } from './runShape';
import { clock } from './terminal';
import { hasStore, locate, type Workplace } from './workplace';

export const exportFormats = ['json', 'csv', 'markdown', 'mermaid'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface Exported {
  readonly workflows: readonly Pick<
    WorkflowRow,
    'id' | 'name' | 'file' | 'worktree' | 'wave' | 'waveCount' | 'status'
  >[];
  /** Oldest first. */
  readonly runs: readonly Run[];
  readonly tasks: readonly TaskRow[];
  readonly locks: readonly ListedLock[];
  readonly agents: readonly Agent[];
}

export type ExportDocument =
  (Done & Exported) | (Done & { readonly format: ExportFormat; readonly text: string }) | Refused;

const nothing: Exported = { workflows: [], runs: [], tasks: [], locks: [], agents: [] };

export async function exported(
  workplace: Workplace,
  format: ExportFormat,
): Promise<ExportDocument> {
  const { at, ...all } = await gathered(workplace);
  if (format === 'json') return { ok: true, at, ...all };
  return { ok: true, at, format, text: writers[format](all) };
}

async function gathered(workplace: Workplace): Promise<Exported & { readonly at: number }> {
  if (!hasStore(locate(workplace).place)) return { at: 0, ...nothing };
  return inStore(workplace, async (store) => {
    const standing = await store.read('locks', {});
    const { seq, workflows, runs, tasks = [], agents = [] } = await store.read('state', {});
    return {
      at: seq,
      workflows: workflows.map(({ id, name, file, worktree, wave, waveCount, status }) => ({
        ...{ id, name, file, worktree, wave, waveCount, status },
      })),
      runs: runsOf(runs, runs),
      tasks,
      locks: standing.map(({ id, resource, mode, worktree, agent, fence, since, expiresAt }) => ({
        ...{ id, resource, mode, worktree, agent, token: fence, since, expiresAt },
      })),
      agents: agents.map(({ id, name, kind, description, registeredAt, seen }) => ({
        ...{ id, name, kind, description, registeredAt, lastSeen: seen.wall, host: seen.host },
      })),
    };
  });
}

const writers: Readonly<Record<Exclude<ExportFormat, 'json'>, (all: Exported) => string>> = {
  csv,
  markdown,
  mermaid,
};

/* ------------------------------------------------------------------ CSV */

const columns = [
  'id',
  'title',
  'status',
  'workflow',
  'wave',
  'task',
  'parent',
  'dependsOn',
  'priority',
  'attempt',
  'maxAttempts',
  'createdAt',
  'startedAt',
  'endedAt',
  'agent',
  'result',
  'error',
  'reason',
  'retryOf',
] as const satisfies readonly (keyof Run)[];

/** Of the runs, by RFC 4180; times as ISO 8601. */
function csv({ runs }: Exported): string {
  const rows = runs.map((run) => columns.map((column) => cell(run, column)).join(','));
  return [columns.join(','), ...rows].map((line) => `${line}\r\n`).join('');
}

function cell(run: Run, column: (typeof columns)[number]): string {
  const value = run[column];
  if (value === null) return '';
  if (typeof value === 'number')
    return column.endsWith('At') ? new Date(value).toISOString() : String(value);
  if (column === 'dependsOn') return quoted((value as readonly string[]).join(' '));
  return quoted(typeof value === 'string' ? value : JSON.stringify(value));
}

/** A spreadsheet takes what begins like a formula for one. */
function quoted(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/* ------------------------------------------------------------------ Markdown */

function markdown({ workflows, runs, locks, agents }: Exported): string {
  const parts = ['# Wavelock'];
  if (workflows.length > 0) {
    parts.push(
      '## Workflows',
      tableOf(
        ['Workflow', 'File', 'Wave', 'Status'],
        workflows.map(({ name, file, wave, waveCount, status }) => [
          name,
          file,
          `${wave}/${waveCount}`,
          status,
        ]),
      ),
    );
  }
  parts.push(
    '## Runs',
    tableOf(
      ['Run', 'Title', 'Status', 'Task', 'Attempt', 'Agent', 'Started', 'Ended'],
      runs.map(({ id, title, status, task, attempt, maxAttempts, agent, startedAt, endedAt }) => [
        id,
        title,
        status,
        task ?? '',
        `${attempt}/${maxAttempts}`,
        agent ?? '',
        startedAt === null ? '' : clock(startedAt),
        endedAt === null ? '' : clock(endedAt),
      ]),
    ),
  );
  if (locks.length > 0) {
    parts.push(
      '## Locks',
      tableOf(
        ['Resource', 'Mode', 'Agent', 'Until'],
        locks.map(({ resource, mode, agent, expiresAt }) => [
          resource,
          mode,
          agent,
          clock(expiresAt),
        ]),
      ),
    );
  }
  if (agents.length > 0) {
    parts.push(
      '## Agents',
      tableOf(
        ['Agent', 'Kind', 'Last seen', 'About'],
        agents.map(({ name, kind, lastSeen, description }) => [
          name,
          kind,
          clock(lastSeen),
          description,
        ]),
      ),
    );
  }
  return `${parts.join('\n\n')}\n`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapedCell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

function escapedCell(text: string): string {
  // Inside of a word, as in an id, an underscore is only that.
  return text.replace(/[\\`*{}[\]<>|#]|(?<!\w)_|_(?!\w)/g, '\\$&').replace(/\s+/g, ' ');
}

/* ------------------------------------------------------------------ Mermaid */

/** The graph of runs: what waits for what, what is part of what, and what was tried again. */
function mermaid({ runs }: Exported): string {
  const known = new Set<string>(runs.map(({ id }) => id));
  const lines = ['flowchart LR'];
  for (const { id, title, status, task } of runs) {
    lines.push(`  ${id}["${label(task === null ? title : `${task}: ${title}`)}"]:::${status}`);
  }
  for (const { id, dependsOn, parent, retryOf } of runs) {
    for (const of of dependsOn) if (known.has(of)) lines.push(`  ${of} --> ${id}`);
    if (parent !== null && known.has(parent)) lines.push(`  ${parent} -.- ${id}`);
    if (retryOf !== null && known.has(retryOf)) lines.push(`  ${retryOf} -. retry .-> ${id}`);
  }
  for (const [status, style] of Object.entries(styles)) lines.push(`  classDef ${status} ${style}`);
  return `${lines.join('\n')}\n`;
}

/** Entities, so that no text can end the label or begin anything else. */
function label(text: string): string {
  return text.replace(
    /[^\p{L}\p{N} .,:;/()-]/gu,
    (character) => `#${character.codePointAt(0) ?? 63};`,
  );
}

const styles: Readonly<Record<RunStatus, string>> = {
  queued: 'fill:#eeeeee,stroke:#999999,color:#333333',
  running: 'fill:#dbeafe,stroke:#2563eb,color:#1e3a8a',
  completed: 'fill:#dcfce7,stroke:#16a34a,color:#14532d',
  error: 'fill:#fee2e2,stroke:#dc2626,color:#7f1d1d',
  killed: 'fill:#fee2e2,stroke:#dc2626,color:#7f1d1d',
  cancelled: 'fill:#fef9c3,stroke:#ca8a04,color:#713f12',
  lost: 'fill:#fae8ff,stroke:#a21caf,color:#701a75',
};
