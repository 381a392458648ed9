/**
 * The rows that events tell of, rebuilt one event at a time: what a check of the store compares the real
 * rows with. It is the views' `evolve` that carries them forward, so a check cannot have its own idea of an
 * event; beside it are the few rows that no surface shows.
 */
import type { PendingWrite, RunId, RunRow, StoredEvent, WorkflowId } from './model';
import { evolve, viewOf, type StateView } from './views';

export class Replay {
  readonly view: StateView = viewOf({ seq: 0, workflows: [], runs: [], guards: [] });
  readonly pendingWrites = new Map<WorkflowId, PendingWrite>();
  /** The last fencing token that was given. */
  fence = 0;

  /** @param archived told of each run that leaves, as it was then; undefined when no event made it */
  constructor(private readonly archived: (id: RunId, row: RunRow | undefined) => void) {}

  apply(event: StoredEvent): void {
    if (event.kind === 'run.archived') {
      for (const id of event.data.runs) this.archived(id, this.view.allRuns.get(id));
    }
    evolve(this.view, event);
    this.#pending(event);
    if ('row' in event.data && event.data.row !== null && 'fence' in event.data.row) {
      this.fence = Math.max(this.fence, event.data.row.fence);
    }
  }

  #pending(event: StoredEvent): void {
    const { workflow } = event;
    if (workflow === undefined) return;
    if (event.kind === 'file.written') this.pendingWrites.delete(workflow);
    if (event.kind !== 'file.intent') return;
    this.pendingWrites.set(workflow, {
      workflow,
      file: event.resource as PendingWrite['file'],
      worktree: this.view.workflows.get(workflow)?.worktree ?? '',
      edit: event.data.edit,
      base: event.data.base,
      target: event.data.target,
      session: event.session,
      since: event.at,
    });
  }
}
