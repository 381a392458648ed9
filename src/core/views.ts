/**
 * The read model that every surface shows, and how events carry it forward. A view built from a snapshot
 * of rows and a view evolved through the events since are the same view.
 */
import type { GuardRow, RunRow, Seq, StoredEvent, WorkflowId, WorkflowRow } from './model';

export interface StateView {
  readonly seq: Seq;
  readonly workflows: ReadonlyMap<WorkflowId, WorkflowRow>;
  /** The newest run of each task, by workflow and task. */
  readonly runs: ReadonlyMap<WorkflowId, ReadonlyMap<string, RunRow>>;
  readonly guards: ReadonlyMap<string, GuardRow>;
}

export interface StateRows {
  readonly seq: Seq;
  readonly workflows: readonly WorkflowRow[];
  readonly runs: readonly RunRow[];
  readonly guards: readonly GuardRow[];
}

export function viewOf(rows: StateRows): StateView {
  const runs = new Map<WorkflowId, Map<string, RunRow>>();
  for (const run of rows.runs) {
    if (run.workflow === null || run.task === null) continue;
    const tasks = runs.get(run.workflow) ?? new Map<string, RunRow>();
    runs.set(run.workflow, tasks.set(run.task, run));
  }
  return {
    seq: rows.seq,
    workflows: new Map(rows.workflows.map((row) => [row.id, row])),
    runs,
    guards: new Map(rows.guards.map((row) => [guardKey(row), row])),
  };
}

/** An event that the view has seen already changes nothing. */
export function evolve(view: StateView, event: StoredEvent): StateView {
  if (event.seq <= view.seq) return view;
  const next = { ...view, seq: event.seq };
  switch (event.kind) {
    case 'workflow.created':
    case 'workflow.advanced':
    case 'workflow.completed': {
      const row = event.data['row'] as WorkflowRow;
      return { ...next, workflows: new Map(view.workflows).set(row.id, row) };
    }
    case 'run.created': {
      const run = event.data['row'] as RunRow;
      if (run.workflow === null || run.task === null) return next;
      const tasks = new Map(view.runs.get(run.workflow)).set(run.task, run);
      return { ...next, runs: new Map(view.runs).set(run.workflow, tasks) };
    }
    case 'lock.acquired': {
      const guard = {
        file: event.resource,
        worktree: event.data['worktree'],
        holder: event.data['holder'],
      } as GuardRow;
      return { ...next, guards: new Map(view.guards).set(guardKey(guard), guard) };
    }
    case 'lock.released': {
      const guards = new Map(view.guards);
      guards.delete(
        guardKey({ file: event.resource ?? '', worktree: event.data['worktree'] as string }),
      );
      return { ...next, guards };
    }
    case 'file.intent':
    case 'file.written':
      return next;
    // A newer version may have written kinds that this one does not know: they move `seq`, nothing else.
    default:
      return next;
  }
}

export function guardKey(place: { readonly file: string; readonly worktree: string }): string {
  return `${place.worktree}\0${place.file}`;
}
