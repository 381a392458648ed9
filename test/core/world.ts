/** A plain in-memory store for rules: maps and arrays, obviously right, nothing else. */
import assert from 'node:assert/strict';
import { decide } from '../../src/core/decide';
import type {
  AdvanceWave,
  Changes,
  Command,
  Context,
  Granted,
  GuardRow,
  PendingWrite,
  Plan,
  Refusal,
  RefusalCode,
  RowChange,
  RowQueries,
  RowQuery,
  RunRow,
  RunStatus,
  SessionId,
  StoredEvent,
  TaskStatus,
  WorkflowRow,
} from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';
import { guardKey, type StateRows } from '../../src/core/views';

export const session = 'ses_test' as SessionId;

export interface PlainRows {
  readonly workflows: Map<string, WorkflowRow>;
  readonly runs: RunRow[];
  readonly pending: Map<string, PendingWrite>;
  readonly guards: Map<string, GuardRow>;
  readonly events: StoredEvent[];
  snapshot(): StateRows;
}

class Rows implements PlainRows {
  readonly workflows = new Map<string, WorkflowRow>();
  readonly runs: RunRow[] = [];
  readonly pending = new Map<string, PendingWrite>();
  readonly guards = new Map<string, GuardRow>();
  readonly events: StoredEvent[] = [];

  snapshot(): StateRows {
    return {
      seq: this.events.length,
      workflows: [...this.workflows.values()],
      runs: this.runs,
      guards: [...this.guards.values()],
    };
  }
}

export const emptyRows = (): PlainRows => new Rows();

let ids = 0;
export const context = (): Context => ({
  now: 1_000,
  session,
  agent: 'tester' as never,
  named: true,
  agentKind: 'other',
  process: {
    host: 'host',
    bootId: 'boot' as never,
    pidNamespace: 'ns',
    pid: 1,
    startTime: '1',
  },
  mono: 1_000,
  server: null,
  host: 'host',
  bootId: 'boot' as never,
  pidNamespace: 'ns',
  observer: 'host/boot' as never,
  sharedMono: true,
  liveness: () => 'unknown',
  caseFold: false,
  newRunId: () => `run_new${(ids += 1)}` as never,
  newAgentId: () => `agt_new${(ids += 1)}` as never,
  newLockId: () => `lck_new${(ids += 1)}` as never,
  newToken: () => `token${(ids += 1)}` as never,
  digest: (token) => `digest of ${token}` as never,
  random: () => 0.5,
});

export type Outcome<C extends Command> = Changes<Granted[C['kind']]> | Refusal;

/** Decides a command on the rows and applies what it changes. */
export function perform<C extends Command>(rows: PlainRows, command: C): Outcome<C> {
  const decision = decide(command, context());
  let step = decision.next();
  while (step.done !== true) {
    if ('write' in step.value) {
      for (const change of step.value.write) apply(rows, change);
      step = decision.next(undefined);
    } else {
      step = decision.next(answer(rows, step.value));
    }
  }
  const outcome = step.value;
  if ('code' in outcome) return outcome;
  for (const change of outcome.changes) apply(rows, change);
  for (const event of outcome.events) {
    const seq = rows.events.length + 1;
    rows.events.push({
      v: 1,
      seq,
      at: 1_000,
      agent: 'tester',
      session,
      opId: 'op',
      ...event,
    } as StoredEvent);
  }
  return outcome as Outcome<C>;
}

export function granted<Facts>(outcome: Changes<Facts> | Refusal): Facts {
  if ('code' in outcome) assert.fail(`refused: ${outcome.code} ${outcome.message}`);
  return outcome.facts;
}

export function refused<Code extends RefusalCode>(
  outcome: Changes<unknown> | Refusal,
  code: Code,
): Extract<Refusal, { code: Code }> {
  if (!('code' in outcome)) assert.fail(`granted, but ${code} was due`);
  assert.equal(outcome.code, code);
  return outcome as Extract<Refusal, { code: Code }>;
}

function answer(rows: PlainRows, query: RowQuery): RowQueries[keyof RowQueries]['rows'] {
  switch (query.rows) {
    case 'workflow':
      return rows.workflows.get(query.id) ?? null;
    case 'newestRuns':
      return [...new Map(rows.runs.map((row) => [row.task, row])).values()];
    case 'pending':
      return rows.pending.get(query.workflow) ?? null;
    case 'guard':
      return rows.guards.get(guardKey(query)) ?? null;
    default:
      assert.fail(`no ${query.rows} here`);
  }
}

function apply(rows: PlainRows, change: RowChange): void {
  if ('drop' in change) {
    if (change.drop === 'pending') rows.pending.delete(change.workflow);
    else if (change.drop === 'guard') rows.guards.delete(guardKey(change));
    else assert.fail(`no ${change.drop} here`);
    return;
  }
  switch (change.put) {
    case 'workflow':
      rows.workflows.set(change.row.id, change.row);
      return;
    case 'run':
      rows.runs.push(change.row);
      return;
    case 'pending':
      rows.pending.set(change.row.workflow, change.row);
      return;
    case 'guard':
      rows.guards.set(guardKey(change.row), change.row);
      return;
    default:
      assert.fail(`no ${change.put} here`);
  }
}

/** Tasks are called `wave-position`: `1-1`, `1-2`, `2-1`. */
export function planOf(
  wave: number,
  waves: readonly (readonly TaskStatus[])[],
  dependsOn: Readonly<Record<string, readonly string[]>> = {},
): Plan {
  return {
    id: 'wf' as never,
    name: 'Workflow',
    wave,
    waveCount: waves.length,
    waves: waves.map((tasks, index) => ({
      number: index + 1,
      tasks: tasks.map((status, position) => {
        const id = `${index + 1}-${position + 1}`;
        return {
          id: id as never,
          description: `Task ${id}`,
          status,
          dependsOn: (dependsOn[id] ?? []) as never,
          line: 0,
        };
      }),
    })),
  };
}

export function advanceOf(plan: Plan): AdvanceWave {
  return {
    kind: 'wave.advance',
    plan,
    file: 'STATE.md' as never,
    worktree: '',
    write: { base: 'base' as never, target: 'target' as never, updated: '2026-01-02 03:04:05' },
  };
}

export function run(id: string, task: string, status: RunStatus): RunRow {
  return newRun(
    {
      id: id as never,
      title: task,
      status,
      workflow: 'wf' as never,
      wave: Number(task.split('-')[0]),
      task: task as never,
    },
    { now: 0 },
  );
}
