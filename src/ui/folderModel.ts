/**
 * One workspace folder as the surfaces see it: its workflow file, its store, and the view that the
 * store's events carry forward. Surfaces read `state` and listen; nothing here knows who they are.
 */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { isStoreError, type FaultCode } from '../core/errors';
import type { AdvanceFacts, Answer, StoredEvent } from '../core/model';
import { evolve, viewOf, type StateView } from '../core/views';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { EngineVersions, Identity } from '../store/engine';
import { overview, type WorkflowOverview } from '../store/overview';
import { placeOf, type Place } from '../store/place';
import { sqliteMissing } from '../store/sqlite/available';
import { isLost, type SharedStores } from '../store/sharedStores';
import type { Store } from '../store/store';
import type { StoreWarning } from '../store/storeFolder';
import {
  findWorkflowFile,
  WorkflowFiles,
  workflowFileName,
  type AdvanceRequest,
  type WorkflowFile,
} from '../store/workflowFiles';

export type StoreState =
  | { readonly state: 'none' }
  | { readonly state: 'opening' }
  | { readonly state: 'live'; readonly warnings: readonly StoreWarning[] }
  | { readonly state: 'failed'; readonly code: FaultCode; readonly message: string }
  | { readonly state: 'untrusted' };

export interface FolderState {
  readonly folder: string;
  readonly store: StoreState;
  readonly seq: number;
  /** Null when the folder has no workflow file. */
  readonly workflow: WorkflowOverview | null;
  readonly path: string | null;
}

export interface FolderModelOptions {
  readonly folder: string;
  readonly identity: Identity;
  /** Those of the window: another folder may have the same one. */
  readonly stores: Pick<SharedStores, 'share'>;
  readonly storeSetting: string;
  readonly durability: 'full' | 'normal';
  readonly log: (message: string, error?: unknown) => void;
  /** Milliseconds that never go back. */
  readonly clock?: () => number;
}

/** A promise left by another process is kept by us when it has not kept it itself by then. */
const promiseTakeover = 5_000;
/** A store that fails again and again stays down, with its reason on the screen. */
const restarts = { most: 3, withinMs: 5_000 };
/** What passes by itself; the next event shows that it has. */
const passing: ReadonlySet<FaultCode> = new Set([
  'store_busy',
  'store_full',
  'store_io',
  'store_permission',
]);
/** Saving touches a file several times; one look after the last is enough. */
const settleTime = 25;

export class FolderModel implements Disposable {
  readonly #changed: Emitter<void>;
  readonly onDidChange: Emitter<void>['event'];
  readonly #place: Place;
  #view: StateView = viewOf({ seq: 0, workflows: [], runs: [], guards: [] });
  #file: WorkflowFile | undefined;
  #storeState: StoreState = { state: 'none' };
  #store: Store | undefined;
  #files: WorkflowFiles | undefined;
  #opening: Promise<void> | undefined;
  #watcher: FSWatcher | undefined;
  #settling: NodeJS.Timeout | undefined;
  #takeover: NodeJS.Timeout | undefined;
  #ownPromises: NodeJS.Timeout | undefined;
  #importing: Promise<void> | undefined;
  /** Of the folder above the store's, while that one is gone. */
  #returnWatcher: FSWatcher | undefined;
  #restarts: readonly number[] = [];
  #lost = false;
  #disposed = false;

  constructor(private readonly options: FolderModelOptions) {
    this.#changed = new Emitter((error) => {
      options.log('A surface could not follow a change', error);
    });
    this.onDidChange = this.#changed.event;
    this.#place = placeOf(options.folder, options.storeSetting);
    this.#readFile();
    this.#watchFolder();
  }

  get state(): FolderState {
    return {
      folder: this.options.folder,
      store: this.#storeState,
      seq: this.#view.seq,
      workflow: this.#file ? overview(this.#file, this.#view, this.#place.worktree) : null,
      path: this.#file?.path ?? null,
    };
  }

  get session(): string {
    return this.options.identity.session;
  }

  /** Without trust the file is shown, and nothing on the disk is touched. */
  setTrusted(trusted: boolean): Promise<void> {
    if (!trusted) {
      this.#setStore({ state: 'untrusted' });
      return Promise.resolve();
    }
    if (this.#storeState.state === 'untrusted') this.#setStore({ state: 'none' });
    return this.#openWhenNeeded();
  }

  async advance(request: AdvanceRequest): Promise<Answer<AdvanceFacts>> {
    await this.retry();
    if (!this.#files) throw new Error(this.#whyNoStore());
    const answer = await this.#files.advance(this.options.folder, request);
    // The watch on the file would tell a little later; who has asked sees it with the answer.
    this.#readFile();
    this.#changed.fire();
    return answer;
  }

  /**
   * Opens the store if it is not: also one that was lost while it was open, and then anew if it is not there
   * any more. For a person's wish; what can be had again without one comes back by itself.
   */
  async retry(): Promise<void> {
    await this.#opening;
    if (this.#store) return;
    this.#lost = false;
    await this.#openWhenNeeded();
  }

  /** Undefined while no store is open. */
  async versions(): Promise<EngineVersions | undefined> {
    await this.#opening;
    return this.#store?.read('versions', {});
  }

  dispose(): void {
    void this.close();
  }

  async close(): Promise<void> {
    this.#disposed = true;
    clearTimeout(this.#settling);
    clearTimeout(this.#takeover);
    clearTimeout(this.#ownPromises);
    this.#watcher?.close();
    this.#returnWatcher?.close();
    this.#changed.dispose();
    await this.#opening;
    await this.#importing;
    await this.#store?.close();
  }

  /** A store is made only where there is a workflow to keep. */
  #openWhenNeeded(): Promise<void> {
    const { state } = this.#storeState;
    const untried = state === 'none' || (state === 'failed' && !this.#store && !this.#lost);
    const wanted = this.#file !== undefined && untried;
    if (wanted && !this.#disposed) {
      this.#setStore({ state: 'opening' });
      this.#opening = this.#open().catch((error: unknown) => {
        this.#fail(error);
      });
    }
    return this.#opening ?? Promise.resolve();
  }

  async #open(): Promise<void> {
    const missing = sqliteMissing();
    if (missing !== undefined) {
      this.#setStore({ state: 'failed', code: 'store_unavailable', message: missing });
      return;
    }
    const { identity, durability, stores } = this.options;
    const place = this.#place;
    const store = await stores.share({ place, identity, durability, resident: true });
    try {
      this.#view = viewOf(await store.read('state', {}));
    } catch (error) {
      await store.close();
      throw error;
    }
    this.#store = store;
    this.#files = new WorkflowFiles({ place, store, now: Date.now });
    store.onFault((error) => {
      this.#hearFault(store, error);
    });
    store.subscribe(this.#view.seq, (events) => {
      this.#follow(events);
    });
    if (store.readOnlyBecause) {
      this.#fail(store.readOnlyBecause);
      return;
    }
    this.#setStore({ state: 'live', warnings: store.warnings });
    this.#keepPromises();
  }

  #hearFault(store: Store, error: Error): void {
    if (this.#store !== store) return;
    if (!isStoreError(error)) {
      // A mistake of ours in one command. Its caller was told; the store is as it was.
      this.options.log('Something unexpected happened in the store', error);
      return;
    }
    this.#fail(error);
    if (isLost(error)) this.#lose(store);
  }

  /** The store is of no use any more by this connection. What can be had again comes back by itself. */
  #lose(store: Store): void {
    this.#store = undefined;
    this.#files = undefined;
    // One that is gone would begin anew and empty: that is for a person to wish.
    this.#lost = true;
    store.close().catch((error: unknown) => {
      this.options.log('The lost store could not be closed', error);
    });
    if (existsSync(this.#place.storeFolder)) this.#restart();
    else this.#watchForReturn();
  }

  #restart(): void {
    const now = this.options.clock?.() ?? performance.now();
    this.#restarts = [...this.#restarts, now].filter((at) => now - at < restarts.withinMs);
    if (this.#restarts.length > restarts.most) return;
    this.#lost = false;
    void this.#openWhenNeeded();
  }

  #watchForReturn(): void {
    this.#returnWatcher?.close();
    try {
      const watcher = watch(dirname(this.#place.storeFolder), { persistent: false }, () => {
        if (!existsSync(this.#place.storeFolder)) return;
        watcher.close();
        if (this.#lost && !this.#disposed) this.#restart();
      });
      watcher.on('error', () => {
        watcher.close();
      });
      this.#returnWatcher = watcher;
    } catch (error) {
      this.options.log('The return of the store cannot be watched for', error);
    }
  }

  #follow(events: readonly StoredEvent[]): void {
    this.#view = events.reduce(evolve, this.#view);
    if (events.some((event) => event.kind === 'file.written')) this.#readFile();
    const pending = events.filter((event) => event.kind === 'file.pending');
    if (pending.some((event) => event.session === this.session)) {
      // A command that writes the file itself has done so by then, and nothing is left to do.
      this.#ownPromises ??= setTimeout(() => {
        this.#ownPromises = undefined;
        this.#keepPromises();
      }, settleTime);
    }
    if (pending.some((event) => event.session !== this.session)) {
      this.#takeover ??= setTimeout(() => {
        this.#takeover = undefined;
        this.#keepPromises();
      }, promiseTakeover);
    }
    if (this.#storeState.state === 'failed' && passing.has(this.#storeState.code))
      this.#storeState = { state: 'live', warnings: this.#store?.warnings ?? [] };
    this.#changed.fire();
  }

  #keepPromises(): void {
    this.#files?.keepPromises().catch((error: unknown) => {
      this.options.log('A promised write of a workflow file is still to come', error);
    });
  }

  #readFile(): void {
    try {
      this.#file = findWorkflowFile(this.#place, this.options.folder);
    } catch (error) {
      this.#file = undefined;
      this.options.log(`${workflowFileName} cannot be read`, error);
    }
  }

  #watchFolder(): void {
    try {
      this.#watcher = watch(this.options.folder, { persistent: false }, (_event, name) => {
        if (name !== workflowFileName) return;
        clearTimeout(this.#settling);
        this.#settling = setTimeout(() => {
          this.#fileMayHaveChanged();
        }, settleTime);
      });
      this.#watcher.on('error', (error) => {
        this.options.log('The workspace folder cannot be watched any more', error);
      });
    } catch (error) {
      this.options.log('The workspace folder cannot be watched', error);
    }
  }

  #fileMayHaveChanged(): void {
    const before = this.#file?.hash;
    this.#readFile();
    if (this.#file?.hash === before) return;
    void this.#openWhenNeeded().then(() => {
      this.#importChange();
    });
    this.#changed.fire();
  }

  /** What a person has saved is told to the store at once; our own writes are known there already. */
  #importChange(): void {
    if (this.#storeState.state !== 'live' || !this.#files || this.#disposed) return;
    const { hash, document } = this.#file ?? {};
    if (!document?.plan || this.#view.workflows.get(document.plan.id)?.hash === hash) return;
    this.#importing = this.#files.sync(this.options.folder).catch((error: unknown) => {
      this.options.log('A change of the workflow file is still to be told', error);
    });
  }

  #setStore(state: StoreState): void {
    this.#storeState = state;
    this.#changed.fire();
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.options.log('The store failed', error);
    this.#setStore({
      state: 'failed',
      code: isStoreError(error) ? error.code : 'store_unavailable',
      message,
    });
  }

  #whyNoStore(): string {
    switch (this.#storeState.state) {
      case 'failed':
        return this.#storeState.message;
      case 'untrusted':
        return 'This workspace is not trusted, so Wavelock changes nothing in it.';
      case 'none':
      case 'opening':
      case 'live':
        return `There is no ${workflowFileName} in ${this.options.folder}.`;
    }
  }
}
