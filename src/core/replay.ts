/**
 * The rows that events tell of, rebuilt one event at a time: what a check of the store compares the real
 * rows with. It is the views' `evolve` that carries them forward, so a check cannot have its own idea of an
 * event; beside it are the few rows that no surface shows.
 */
import type {
  ContentHash,
  EditId,
  FileEdit,
  FileIntent,
  RunId,
  RunRow,
  StoredEvent,
  WorkflowId,
} from './model';
import { evolve, viewOf, type StateView } from './views';

export class Replay {
  readonly view: StateView = viewOf({ seq: 0, workflows: [], runs: [], guards: [] });
  readonly fileEdits = new Map<EditId, FileEdit>();
  readonly fileIntents = new Map<string, FileIntent>();
  /** The last fencing token that was given. */
  fence = 0;

  /** @param archived told of each run that leaves, as it was then; undefined when no event made it */
  constructor(private readonly archived: (id: RunId, row: RunRow | undefined) => void) {}

  apply(event: StoredEvent): void {
    if (event.kind === 'run.archived') {
      for (const id of event.data.runs) this.archived(id, this.view.allRuns.get(id));
    }
    evolve(this.view, event);
    this.#files(event);
    if ('row' in event.data && event.data.row !== null && 'fence' in event.data.row) {
      this.fence = Math.max(this.fence, event.data.row.fence);
    }
  }

  #files(event: StoredEvent): void {
    if (event.kind === 'file.pending') {
      this.#settle(event.data.replaces);
      this.fileEdits.set(event.data.row.id, event.data.row);
    } else if (event.kind === 'file.intent') {
      if ('row' in event.data) this.#intend(event.data);
      else this.#formerIntent(event, event.data);
    } else if (event.kind === 'file.written' || event.kind === 'file.restored') {
      const { workflow, data } = event;
      if (workflow !== undefined) this.fileIntents.delete(intentKey(workflow, data.target));
      this.#settle('edits' in data ? data.edits : [data.target as string as EditId]);
    } else if (event.kind === 'file.imported') {
      this.#settle(event.data.overruled);
    } else if (event.kind === 'file.conflict') {
      this.#settle(event.data.edits);
    }
  }

  #intend({
    row,
    replaces,
  }: {
    readonly row: FileIntent;
    readonly replaces: readonly ContentHash[];
  }): void {
    for (const target of replaces) this.fileIntents.delete(intentKey(row.workflow, target));
    this.fileIntents.set(intentKey(row.workflow, row.target), row);
  }

  #settle(edits: readonly EditId[]): void {
    for (const id of edits) this.fileEdits.delete(id);
  }

  /** As the second migration has read it: promise and intent in one, one at most for each workflow. */
  #formerIntent(
    { workflow, session, at: since }: StoredEvent,
    {
      target,
      edit: { wave },
    }: { readonly target: ContentHash; readonly edit: { readonly wave: number } },
  ): void {
    if (workflow === undefined) return;
    for (const row of this.fileEdits.values())
      if (row.workflow === workflow) this.fileEdits.delete(row.id);
    const id = target as string as EditId;
    this.fileEdits.set(id, { id, workflow, change: { kind: 'wave', wave }, session, since });
  }
}

function intentKey(workflow: WorkflowId, target: ContentHash): string {
  return `${workflow}\0${target}`;
}
