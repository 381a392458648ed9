/**
 * The runs that this window has claimed: the tokens that prove it, and a heartbeat for each while the window is open,
 * so that a person who works for an hour does not lose a run that looks abandoned.
 *
 * Contract: a token is kept as long as its run is running, over reloads of the window as well, because ending a run
 * needs nothing else. It is never shown.
 */
import type * as vscode from 'vscode';
import * as z from 'zod/mini';
import type { ClaimToken, RunId, StoredEvent } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { WorkspaceModel } from './workspaceModel';

/** Well within the lease of a plain claim, which is half an hour unless the store says otherwise. */
export const beatEveryMs = 5 * 60_000;

const key = 'claimedRuns';
const Kept = z.record(z.string(), z.object({ folder: z.string(), token: z.string() }));

interface Claimed {
  readonly folder: string;
  readonly token: ClaimToken;
}

export interface Directed {
  readonly folder: string;
  readonly run: RunId;
  readonly directive: 'cancel' | 'kill';
}

export class ClaimedRuns implements Disposable {
  readonly #claimed: Map<RunId, Claimed>;
  readonly #listener: Disposable;
  readonly #timer: NodeJS.Timeout;
  readonly #directed: Emitter<Directed>;
  /** Somebody wants a run of ours to stop. */
  readonly onDidDirect: Emitter<Directed>['event'];

  constructor(
    private readonly model: WorkspaceModel,
    private readonly memory: vscode.Memento,
    private readonly log: (message: string, error: unknown) => void,
    everyMs = beatEveryMs,
  ) {
    this.#directed = new Emitter((error) => {
      log('A request to stop could not be shown', error);
    });
    this.onDidDirect = this.#directed.event;
    const kept = Kept.safeParse(memory.get(key, {}));
    this.#claimed = new Map(Object.entries(kept.success ? kept.data : {}) as [RunId, Claimed][]);
    this.#listener = model.onDidChange((change) => {
      for (const event of change?.events ?? []) this.#follow(event);
    });
    this.#timer = setInterval(() => {
      void this.beat();
    }, everyMs);
    this.#timer.unref();
  }

  get size(): number {
    return this.#claimed.size;
  }

  has(run: RunId): boolean {
    return this.#claimed.has(run);
  }

  token(run: RunId): ClaimToken | undefined {
    return this.#claimed.get(run)?.token;
  }

  add(run: RunId, folder: string, token: ClaimToken): void {
    this.#claimed.set(run, { folder, token });
    this.#keep();
  }

  /** Each claim's sign of life, now. */
  async beat(): Promise<void> {
    for (const [run, { folder, token }] of [...this.#claimed]) {
      const model = this.model.folder(folder);
      if (model?.state.store.state !== 'live') continue;
      try {
        const answer = await model.use(({ store }) =>
          store.submit({ kind: 'run.heartbeat', run, token }),
        );
        if (!answer.ok) this.#drop(run);
        else if (answer.facts.directive !== null) {
          this.#directed.fire({ folder, run, directive: answer.facts.directive });
        }
      } catch (error) {
        this.log(`The heartbeat of ${run} failed`, error);
      }
    }
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#listener.dispose();
    this.#directed.dispose();
  }

  #follow(event: StoredEvent): void {
    const run = event.run;
    const claimed = run === undefined ? undefined : this.#claimed.get(run);
    if (run === undefined || !claimed) return;
    if (event.kind === 'run.cancel_requested' && event.data.row.stop) {
      const { directive } = event.data.row.stop;
      this.#directed.fire({ folder: claimed.folder, run, directive });
      return;
    }
    const row = 'row' in event.data ? event.data.row : undefined;
    if (row && 'epoch' in row && row.status !== 'running' && row.status !== 'queued') {
      this.#drop(run);
    }
  }

  #drop(run: RunId): void {
    if (this.#claimed.delete(run)) this.#keep();
  }

  #keep(): void {
    void this.memory.update(key, Object.fromEntries(this.#claimed));
  }
}
