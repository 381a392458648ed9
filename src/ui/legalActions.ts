/**
 * What may be asked for of something, as it is on the screen. The rules decide anew when it is asked; this only
 * keeps people from being offered what would be refused.
 */
import type { RunId, RunRow, TaskStatus } from '../core/model';
import { taskKey, type StateView } from '../core/views';
import type { TaskOverview, WorkflowOverview } from '../store/overview';

export interface RunActions {
  readonly claim: boolean;
  readonly complete: boolean;
  readonly cancel: boolean;
  readonly kill: boolean;
  readonly retry: boolean;
}

/** @param mine the runs of which this window holds the token */
export function runActions(
  run: RunRow,
  view: StateView,
  mine: Pick<ReadonlySet<RunId>, 'has'>,
): RunActions {
  const live = run.status === 'queued' || run.status === 'running';
  return {
    claim: run.status === 'queued' && run.unmet.length === 0,
    complete: run.status === 'running' && mine.has(run.id),
    cancel: live && run.stop === null,
    kill: live && run.stop?.directive !== 'kill',
    retry: !live && run.status !== 'completed' && mayFollow(run, view),
  };
}

/** Nothing of the task is under way, and no attempt has come to its end yet. */
function mayFollow(run: RunRow, view: StateView): boolean {
  if (run.workflow === null || run.task === null) return true;
  const ids = view.ofTask.get(taskKey(run.workflow, run.task)) ?? [];
  return ids.every((id) => {
    const other = view.allRuns.get(id);
    if (other?.status === 'queued' || other?.status === 'running') return false;
    return (
      other?.root !== run.root || (other.status !== 'completed' && other.attempt <= run.attempt)
    );
  });
}

export interface TaskActions {
  /** What its status may be set to. */
  readonly set: readonly TaskStatus[];
  /** To be worked on by a program in a terminal. */
  readonly start: boolean;
}

const statuses: readonly TaskStatus[] = ['todo', 'doing', 'done', 'failed'];

export function taskActions(
  { valid, editing, completed }: WorkflowOverview,
  { status, run }: TaskOverview,
  mine: Pick<ReadonlySet<RunId>, 'has'>,
): TaskActions {
  const busy = run?.status === 'running' && !mine.has(run.id);
  return {
    set: valid && editing !== 'none' && !busy ? statuses.filter((other) => other !== status) : [],
    start: valid && !completed && status !== 'done' && run?.status !== 'running',
  };
}

/** Whether somebody should look at it: it has failed, and nobody has said that this is settled. */
export function needsAttention({ status, run }: TaskOverview): boolean {
  if (status === 'failed') return true;
  return status !== 'done' && (run?.status === 'error' || run?.status === 'lost');
}
