/**
 * Where the files, the runs and the store tell different stories (DRIFT-n). Nothing here mends anything: people win
 * over runs, git wins over both, and what they have left behind is said, each with what to do about it.
 *
 * Contract: pure, and linear in tasks, runs and promises. What a task's box says is measured against the newest run
 * of the task. A difference that the file is still promised to make up for is no drift until the promise is
 * overdue; what somebody has said on purpose after a run had ended is none either, unless the workflow is stuck by it.
 */
import type {
  ContentHash,
  FileEdit,
  Plan,
  PlanTask,
  RelativePath,
  RunId,
  RunRow,
  RunStatus,
  TaskId,
  WorkflowId,
  WorkflowRow,
} from './model';
import { taskKey, type StateView } from './views';

/** In the order in which `drift` tells them; explained in docs/workflow-files.md. */
export const driftCodes = [
  'file_missing',
  'unbound_copy',
  'binding_missing',
  'not_imported',
  'edit_overdue',
  'conflict_open',
  'task_gone',
  'done_while_running',
  'open_while_running',
  'done_while_queued',
  'done_after_failure',
  'open_after_failure',
  'open_after_completed',
  'doing_without_run',
  'carried_over',
  'ahead_of_wave',
] as const;

export type DriftCode = (typeof driftCodes)[number];

export interface Drift {
  readonly code: DriftCode;
  /** `info` is worth knowing, and may well be meant so. */
  readonly severity: 'warning' | 'info';
  readonly workflow: WorkflowId;
  readonly file: RelativePath;
  /** Zero-based; of the task in the file. */
  readonly line?: number;
  readonly task?: TaskId;
  readonly run?: RunId;
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
}

/** A workflow file that is there. Its plan is as every surface shows it: `planNow` of `store/planNow.ts`. */
export interface FileSeen {
  readonly file: RelativePath;
  readonly hash: ContentHash;
  readonly plan: Plan;
}

export interface DriftAsked {
  /** Every workflow file of this worktree whose plan could be read, valid or not. */
  readonly files: readonly FileSeen[];
  /** Files that are there but say no plan, so that they are not told as missing. */
  readonly unreadable?: readonly RelativePath[];
  readonly worktree: string;
  /** What the files are promised (`fileEdits`). */
  readonly pending: readonly FileEdit[];
  readonly now: number;
  /** A promise older than this is overdue. */
  readonly overdueMs?: number;
}

/** Others take a promise over after 5 s; what is left after a minute is stuck. */
const overdueAfter = 60_000;

export function drift(asked: DriftAsked, view: StateView): Drift[] {
  const found = [
    ...bindings(asked, view),
    ...promises(asked, view),
    ...conflicts(view),
    ...asked.files.flatMap((seen) => (isBound(seen, asked, view) ? tasks(seen, asked, view) : [])),
  ];
  const order = new Map(driftCodes.map((code, index) => [code, index]));
  return found.sort((a, b) => (order.get(a.code) ?? 0) - (order.get(b.code) ?? 0));
}

/* ------------------------------------------------------------------ which file is whose */

function isBound({ file, plan }: FileSeen, { worktree }: DriftAsked, view: StateView): boolean {
  const row = view.workflows.get(plan.id);
  return row === undefined || (row.file === file && row.worktree === worktree);
}

function bindings(asked: DriftAsked, view: StateView): Drift[] {
  const there = new Set([...asked.files.map(({ file }) => file), ...(asked.unreadable ?? [])]);
  const gone = [...view.workflows.values()].flatMap((row) =>
    row.worktree === asked.worktree && !there.has(row.file) ? [missing(row)] : [],
  );
  return [
    ...gone,
    ...asked.files.flatMap((seen) => binding(seen, asked, view.workflows.get(seen.plan.id))),
  ];
}

function missing({ id, file }: WorkflowRow): Drift {
  return {
    ...{ code: 'file_missing', severity: 'warning', workflow: id, file },
    message: `${file}, the file of workflow ${id}, is gone. Its runs go on; it cannot be advanced.`,
    advice: `Bring ${file} back from git or with \`wavelock backup restore\`, or put the file where it belongs now: the only one with this id is found again by itself.`,
  };
}

function binding(
  { file, hash, plan }: FileSeen,
  { worktree }: DriftAsked,
  row: WorkflowRow | undefined,
): Drift[] {
  const of = { workflow: plan.id, file };
  if (row === undefined) {
    return [
      {
        ...{ code: 'binding_missing', severity: 'info', ...of },
        message: `Nothing is known of workflow ${plan.id} yet, so ${file} is not watched over.`,
        advice: 'Nothing has to be done: the first command or window that uses it binds it.',
      },
    ];
  }
  if (row.file !== file || row.worktree !== worktree) {
    const where = row.worktree === '' ? '' : ` in worktree ${row.worktree}`;
    return [
      {
        ...{ code: 'unbound_copy', severity: 'warning', ...of },
        message: `${file} has the id of workflow ${plan.id}, which belongs to ${row.file}${where}. It is shown and never written.`,
        advice: `Give it an id of its own, remove it, or bind the workflow here instead.`,
      },
    ];
  }
  if (row.hash === hash) return [];
  return [
    {
      ...{ code: 'not_imported', severity: 'info', ...of },
      message: `${file} has changed since it was last looked at.`,
      advice: 'Nothing has to be done: the next command or open window takes the change in.',
    },
  ];
}

/* ------------------------------------------------------------------ what files are to say */

function promises(
  { pending, worktree, now, overdueMs = overdueAfter }: DriftAsked,
  view: StateView,
): Drift[] {
  return pending.flatMap(({ workflow, change, since }): Drift[] => {
    const row = view.workflows.get(workflow);
    if (now - since < overdueMs || row?.worktree !== worktree) return [];
    const what = change.kind === 'task' ? `task ${change.task}` : `the ${change.kind}`;
    return [
      {
        ...{ code: 'edit_overdue', severity: 'warning', workflow, file: row.file },
        ...(change.kind === 'task' ? { task: change.task } : {}),
        message: `${row.file} still does not say what was recorded of ${what} ${seconds(now - since)} ago.`,
        advice: `See whether ${row.file} is valid, writable and not in the middle of a merge; the change is then written by itself.`,
      },
    ];
  });
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

function conflicts(view: StateView): Drift[] {
  return [...view.conflicts.values()].flatMap(({ id, workflow }): Drift[] => {
    const row = view.workflows.get(workflow);
    if (!row) return [];
    return [
      {
        ...{ code: 'conflict_open', severity: 'warning', workflow, file: row.file },
        message: `Two changes of ${row.file} do not go together; both are kept as ${id}.`,
        advice: `Look at it with \`wavelock conflict show ${id}\`, then \`wavelock conflict resolve\` it.`,
      },
    ];
  });
}

/* ------------------------------------------------------------------ boxes and runs */

function tasks({ file, plan }: FileSeen, { pending }: DriftAsked, view: StateView): Drift[] {
  const runs = view.runs.get(plan.id) ?? new Map<string, RunRow>();
  const promised = new Set(
    pending.flatMap(({ workflow, change }) =>
      workflow === plan.id && change.kind === 'task' ? [change.task] : [],
    ),
  );
  const found: Drift[] = [];
  const known = new Set<string>();
  for (const wave of plan.waves) {
    for (const task of wave.tasks) {
      known.add(task.id);
      const run = runs.get(task.id);
      if (promised.has(task.id)) continue;
      const told = boxAgainstRun(task, run, view);
      if (told) found.push({ ...told, workflow: plan.id, file, line: task.line, task: task.id });
    }
  }
  for (const run of runs.values()) {
    if (isOver(run)) continue;
    const told = known.has(run.task ?? '') ? outOfWave(run, plan) : taskGone(run, file);
    if (told && run.task !== null)
      found.push({ ...told, workflow: plan.id, file, task: run.task, run: run.id });
  }
  return found;
}

type Told = Pick<Drift, 'code' | 'severity' | 'message' | 'advice' | 'run'>;

function isOver({ status }: RunRow): boolean {
  return status !== 'queued' && status !== 'running';
}

const failed: ReadonlySet<RunStatus> = new Set(['error', 'killed', 'lost']);

function boxAgainstRun(
  { id, status: box }: PlanTask,
  run: RunRow | undefined,
  view: StateView,
): Told | undefined {
  if (run === undefined) return box === 'doing' ? neverBegun(id) : undefined;
  const of = { run: run.id } as const;
  const said = run.workflow === null ? undefined : view.tasks.get(taskKey(run.workflow, id));
  const decidedSince = said !== undefined && said.by !== 'run' && said.since >= (run.endedAt ?? 0);
  switch (run.status) {
    case 'running':
      if (box === 'doing') return undefined;
      return box === 'done'
        ? {
            ...{ code: 'done_while_running', severity: 'warning', ...of },
            message: `Task ${id} is checked, but run ${run.id} is still at work on it.`,
            advice: `Let the run end, or stop it with \`wavelock run cancel ${run.id}\`.`,
          }
        : {
            ...{ code: 'open_while_running', severity: 'warning', ...of },
            message: `Task ${id} is shown as ${box}, but run ${run.id} is at work on it.`,
            advice: `Let the run end, which brings the box up to date, or stop it with \`wavelock run cancel ${run.id}\`.`,
          };
    case 'queued':
      if (box !== 'done') return undefined;
      return {
        ...{ code: 'done_while_queued', severity: 'warning', ...of },
        message: `Task ${id} is checked, but run ${run.id} still waits to do it.`,
        advice: `Cancel it with \`wavelock run cancel ${run.id}\`, or uncheck the task.`,
      };
    case 'completed':
      if (box === 'done') return undefined;
      return {
        ...{ code: 'open_after_completed', severity: 'warning', ...of },
        message: `Run ${run.id} has completed task ${id}, but the task is shown as ${box}.`,
        advice: `Check the task (\`wavelock task set ${id} --status done\`), or have it done again: \`wavelock run create\` for this task.`,
      };
    case 'cancelled':
    case 'error':
    case 'killed':
    case 'lost':
      if (box === 'doing') return decidedSince ? neverBegun(id) : abandoned(id, run);
      if (!failed.has(run.status) || run.startedAt === null || decidedSince) return undefined;
      if (box === 'done') {
        return {
          ...{ code: 'done_after_failure', severity: 'warning', ...of },
          message: `Task ${id} is checked, but its last run ${run.id} ended as ${run.status}.`,
          advice: `If it is done all the same, say so with \`wavelock task set ${id} --status done\`; else \`wavelock run retry ${run.id}\`.`,
        };
      }
      if (box === 'failed') return undefined;
      return {
        ...{ code: 'open_after_failure', severity: 'warning', ...of },
        message: `Task ${id} is shown as ${box}, but its last run ${run.id} ended as ${run.status}.`,
        advice: `Have it tried again with \`wavelock run retry ${run.id}\`, or say what it is with \`wavelock task set ${id}\`.`,
      };
  }
}

function neverBegun(id: TaskId): Told {
  return {
    ...{ code: 'doing_without_run', severity: 'info' },
    message: `Task ${id} is shown as in progress, and no run is at work on it.`,
    advice: 'Fine if somebody works on it without a run; else set it back to todo.',
  };
}

function abandoned(id: TaskId, run: RunRow): Told {
  return {
    ...{ code: 'doing_without_run', severity: 'warning', run: run.id },
    message: `Task ${id} is shown as in progress, but its last run ${run.id} has ended as ${run.status}.`,
    advice: `Have it tried again with \`wavelock run retry ${run.id}\`, or set the task to what it is.`,
  };
}

function taskGone(run: RunRow, file: RelativePath): Told {
  return {
    ...{ code: 'task_gone', severity: 'warning' },
    message: `Run ${run.id} is ${run.status} for task ${run.task ?? ''}, which ${file} does not have any more.`,
    advice: `Stop it with \`wavelock run cancel ${run.id}\`, or bring the task back.`,
  };
}

function outOfWave(run: RunRow, { wave }: Plan): Told | undefined {
  if (run.wave === null || run.wave === wave) return undefined;
  return run.wave < wave
    ? {
        ...{ code: 'carried_over', severity: 'info' },
        message: `Run ${run.id} of wave ${run.wave} is still ${run.status}, while wave ${wave} is under way.`,
        advice: `Let it end, or stop it with \`wavelock run cancel ${run.id}\`.`,
      }
    : {
        ...{ code: 'ahead_of_wave', severity: 'warning' },
        message: `Run ${run.id} of wave ${run.wave} is ${run.status}, but the file has gone back to wave ${wave}.`,
        advice: `Advance the workflow again, or stop the run with \`wavelock run cancel ${run.id}\`.`,
      };
}
