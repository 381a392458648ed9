/** A run as every surface outside the editor tells it. Never its token, nor what the token is known by. */
import type { AgentName, Json, RunId, RunRow, RunStatus, TaskId, WorkflowId } from '../core/model';
import type { Store } from '../store/store';

export interface Run {
  readonly id: RunId;
  readonly title: string;
  readonly status: RunStatus;
  readonly parent: RunId | null;
  readonly children: readonly RunId[];
  readonly dependsOn: readonly RunId[];
  readonly workflow: WorkflowId | null;
  readonly wave: number | null;
  readonly task: TaskId | null;
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Who claimed it last. */
  readonly agent: AgentName | null;
  /** Of a run that is running. */
  readonly leaseUntil: number | null;
  readonly result: Json | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly reason: string | null;
  readonly retryOf: RunId | null;
}

export function runOf(row: RunRow, children: readonly RunId[]): Run {
  const { status, claim } = row;
  return {
    id: row.id,
    title: row.title,
    status,
    parent: row.parent,
    children,
    dependsOn: row.dependsOn,
    workflow: row.workflow,
    wave: row.wave,
    task: row.task,
    priority: row.priority,
    attempt: row.attempt,
    maxAttempts: row.maxAttempts,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    endedAt: row.endedAt,
    agent: claim?.agent ?? null,
    leaseUntil: status === 'running' ? (claim?.leaseUntil ?? null) : null,
    result: row.result,
    error: row.error,
    reason: row.reason,
    retryOf: row.retryOf,
  };
}

/** In the same order. Children that have left the live store are not among those of a run. */
export function runsOf(rows: readonly RunRow[], children: readonly RunRow[]): readonly Run[] {
  const byParent = new Map<RunId | null, RunId[]>();
  for (const { id, parent } of children) {
    const known = byParent.get(parent);
    if (known) known.push(id);
    else byParent.set(parent, [id]);
  }
  return rows.map((row) => runOf(row, byParent.get(row.id) ?? []));
}

export async function withChildren(store: Store, rows: readonly RunRow[]): Promise<readonly Run[]> {
  if (rows.length === 0) return [];
  return runsOf(rows, await store.read('children', { of: rows.map(({ id }) => id) }));
}
