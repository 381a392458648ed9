/**
 * What package.json shows commands by: set when something is different, and only then. None is about the active
 * file: the palette does not look again while it is open, and one of ours would often come after it.
 */
import * as vscode from 'vscode';
import { Belongings, type Disposable } from '../shared/lifecycle';
import type { ClaimedRuns } from './claimedRuns';
import { runActions } from './legalActions';
import { storesOf } from './lockTree';
import type { WorkTerminals } from './workTerminals';
import type { WorkspaceModel } from './workspaceModel';

export interface ContextKeysOptions {
  readonly model: WorkspaceModel;
  readonly claimed: ClaimedRuns;
  readonly terminals: WorkTerminals;
}

export type ContextKey =
  | 'canAdvance'
  | 'canCancel'
  | 'canClaim'
  | 'canComplete'
  | 'canRetry'
  | 'hasLocks'
  | 'hasMyLocks'
  | 'hasOthersLocks'
  | 'hasRuns'
  | 'hasWorkflowFile'
  | 'hasWorkers'
  | 'storeFailed'
  | 'storeLive';

export class ContextKeys implements Disposable {
  readonly #belongings = new Belongings();
  readonly #known = new Map<ContextKey, boolean>();
  #soon: NodeJS.Immediate | undefined;

  constructor(private readonly options: ContextKeysOptions) {
    this.#belongings.add(
      options.terminals.onDidChange(() => {
        this.lookSoon();
      }),
    );
    this.#look();
  }

  /** What is set, for tests and for the list of actions. */
  get(key: ContextKey): boolean {
    this.#look();
    return this.#known.get(key) ?? false;
  }

  /** Many events in one turn are one look. */
  lookSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#look();
    });
  }

  dispose(): void {
    clearImmediate(this.#soon);
    this.#belongings.dispose();
  }

  #look(): void {
    for (const [key, value] of Object.entries(this.#present()) as [ContextKey, boolean][]) {
      if (this.#known.get(key) === value) continue;
      this.#known.set(key, value);
      void vscode.commands.executeCommand('setContext', `wavelock.${key}`, value);
    }
  }

  #present(): Record<ContextKey, boolean> {
    const { model, claimed, terminals } = this.options;
    const stores = storesOf(model);
    const all = stores.flatMap(({ view }) => [...view.locks.values()]);
    const runs = { canClaim: false, canCancel: false, canRetry: false, canComplete: false };
    let hasRuns = false;
    for (const { view } of stores) {
      for (const run of view.allRuns.values()) {
        hasRuns = true;
        const ended = run.status !== 'queued' && run.status !== 'running';
        // Most runs are completed ones, of which nothing can be asked.
        if (run.status === 'completed' || (ended && runs.canRetry)) continue;
        const actions = runActions(run, view, claimed);
        runs.canClaim ||= actions.claim;
        runs.canCancel ||= actions.kill;
        runs.canRetry ||= actions.retry;
        runs.canComplete ||= actions.complete;
      }
    }
    return {
      ...runs,
      hasRuns,
      canAdvance: model.workflows.some(({ workflow }) => workflow.valid && !workflow.completed),
      hasLocks: all.length > 0,
      hasMyLocks: all.some(({ agent }) => agent === model.agent),
      hasOthersLocks: all.some(({ agent }) => agent !== model.agent),
      hasWorkflowFile: model.workflows.length > 0,
      hasWorkers: terminals.workers > 0,
      storeFailed: stores.some(({ state }) => state.store.state === 'failed'),
      storeLive: stores.some(({ state }) => state.store.state === 'live'),
    };
  }
}
