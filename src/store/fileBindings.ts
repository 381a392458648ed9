/**
 * Which file is a workflow's own. A workflow is bound to one path of one worktree; another file with its id is a copy
 * until a person says otherwise, unless the bound one is gone and it is the only one.
 */
import { join } from 'node:path';
import type { Answer, Granted, WorkflowRow } from '../core/model';
import { gitState } from './gitState';
import { relativeTo, type Place } from './place';
import type { Store } from './store';
import {
  filesWithId,
  isValidFile,
  readWorkflowFile,
  sightOf,
  type ValidFile,
} from './workflowFile';
import type { Reading } from './workflowReading';

export interface FileBindingsOptions {
  readonly place: Place;
  readonly store: Store;
  readonly reading: () => Reading;
}

export class FileBindings {
  readonly #place: Place;
  readonly #store: Store;

  constructor(private readonly options: FileBindingsOptions) {
    this.#place = options.place;
    this.#store = options.store;
  }

  /** The bound file of a workflow, or the only one with its id when that is gone. */
  async whereItIs(row: WorkflowRow): Promise<ValidFile | undefined> {
    const bound = readWorkflowFile(this.options.reading(), this.pathOf(row));
    // Another workflow in its place, as after a change of branch: this one's file is not here.
    const replaced = bound && isValidFile(bound) && bound.document.plan.id !== row.id;
    if (bound && !replaced) return isValidFile(bound) ? bound : undefined;
    const moved = this.#onlyOne(row);
    if (moved) await this.bind(moved, row);
    return moved;
  }

  /** No file here: the one that was bound to this place, if it has moved. */
  async movedFrom(path: string): Promise<ValidFile | undefined> {
    const file = relativeTo(this.#place, path);
    const rows = await this.#store.read('workflows', {});
    const row = rows.find((each) => each.file === file && each.worktree === this.#place.worktree);
    return row && this.#onlyOne(row);
  }

  /** A file with the id of a workflow whose own is gone takes its place, if it is the only one. */
  async followMove(file: ValidFile): Promise<void> {
    const { workflow: row } = await this.#store.read('workflowFile', {
      workflow: file.document.plan.id,
    });
    const here = this.#place.worktree;
    if (!row || row.file === file.file || row.worktree !== here) return;
    if (readWorkflowFile(this.options.reading(), this.pathOf(row))) return;
    if (this.#onlyOne(row)?.file === file.file) await this.bind(file, row);
  }

  #onlyOne(row: WorkflowRow): ValidFile | undefined {
    const name = row.file.slice(row.file.lastIndexOf('/') + 1);
    const [only, another] = filesWithId(this.options.reading(), name, row.id);
    return another ? undefined : only;
  }

  async bind(file: ValidFile, row: WorkflowRow | null): Promise<Answer<Granted['workflow.bind']>> {
    const { head } = gitState(this.#place.root);
    const sight = sightOf(file, this.#place, head);
    const from = row && { file: row.file, worktree: row.worktree };
    // What it says is told when it is brought up to date; until then the content that was known stays.
    const hash = row?.hash ?? sight.hash;
    return this.#store.submit({ kind: 'workflow.bind', sight: { ...sight, hash }, from });
  }

  pathOf({ file }: Pick<WorkflowRow, 'file'>): string {
    return join(this.#place.root, ...file.split('/'));
  }
}
