/**
 * One workspace folder as the surfaces see it: its workflow file, its store, and the view that the
 * store's events carry forward. Surfaces read `state` and listen; nothing here knows who they are.
 */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname, join } from 'node:path';
import { isStoreError, StoreError, type FaultCode } from '../core/errors';
import type { AdvanceFacts, Answer, RelativePath, StoredEvent, WorkflowId } from '../core/model';
import { evolve, viewOf, type StateView } from '../core/views';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { EngineVersions, Identity, Reads } from '../store/engine';
import { mergedText } from '../store/promisedText';
import { overview, type WorkflowOverview } from '../store/overview';
import { placeOf, type Place } from '../store/place';
import { isLost, type SharedStores } from '../store/sharedStores';
import { sqliteMissing } from '../store/sqlite/available';
import type { Store } from '../store/store';
import type { StoreWarning } from '../store/storeFolder';
import { WorkflowFiles, type AdvanceRequest, type WorkflowFile } from '../store/workflowFiles';
import { documentIn, severitiesIn } from '../store/workflowReading';
import type { WorkflowDocument } from '../workflow/document';
import { WorkflowWatch } from './workflowWatch';

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
  /** One for each workflow file of the folder, in the order in which they count. */
  readonly workflows: readonly WorkflowOverview[];
}

/** What is different; a surface that shows a part of it need not look at the rest. */
export interface FolderChange {
  readonly folder: string;
  /** The store has come, gone, failed or recovered: all may be different. */
  readonly store: boolean;
  /** A workflow file reads otherwise, has come or gone. */
  readonly files: boolean;
  /** What the store has told, in order. */
  readonly events: readonly StoredEvent[];
}

/** What a change of a workflow is made with. */
export interface FolderTools {
  readonly files: WorkflowFiles;
  readonly store: Store;
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
/** A command that writes the file itself has done so by then. */
const ownPromiseTime = 25;

export class FolderModel implements Disposable {
  readonly #changed: Emitter<FolderChange>;
  readonly onDidChange: Emitter<FolderChange>['event'];
  readonly place: Place;
  readonly #watch: WorkflowWatch;
  #view: StateView = viewOf({ seq: 0, workflows: [], runs: [], guards: [] });
  /** Made when they are asked for, and kept as long as they hold. */
  readonly #overviews = new Map<string, WorkflowOverview>();
  #storeState: StoreState = { state: 'none' };
  #backupFailed: StoreWarning | undefined;
  #store: Store | undefined;
  #files: WorkflowFiles | undefined;
  #opening: Promise<void> | undefined;
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
    this.place = placeOf(options.folder, options.storeSetting);
    this.#watch = new WorkflowWatch(this.place, options.folder, options.log);
    this.#watch.onDidChange((files) => {
      this.#hearFiles(files);
    });
  }

  get folder(): string {
    return this.options.folder;
  }

  get state(): FolderState {
    return {
      folder: this.folder,
      store: this.#storeState,
      seq: this.#view.seq,
      workflows: this.#watch.files.map((file) => this.#overviewOf(file)),
    };
  }

  /** Everything that the store has told; carried forward in place. */
  get view(): StateView {
    return this.#view;
  }

  /** The files as they were last read, with their documents. */
  get files(): readonly WorkflowFile[] {
    return this.#watch.files;
  }

  /** What a text would say as this file, and how grave its problems count here. */
  read(file: RelativePath, text: string): WorkflowDocument {
    return documentIn(this.#watch.reading, file, text);
  }

  /** Both changes of `base` in one valid text; undefined where they do not go together. */
  merge(file: RelativePath, texts: Parameters<typeof mergedText>[2]): string | undefined {
    return mergedText(this.#watch.reading, file, texts);
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

  /** @param path of the workflow file; the folder itself for the first that it has */
  advance(path: string, request: AdvanceRequest): Promise<Answer<AdvanceFacts>> {
    return this.change(({ files }) => files.advance(path, request));
  }

  /**
   * A person's change of something: opens the store if it must, but begins none in the place of one that is gone;
   * has its effect on the screen with the answer.
   */
  async change<Result>(
    work: (tools: FolderTools) => Promise<Result>,
    where: 'in a workflow' | 'even without a file' = 'in a workflow',
  ): Promise<Result> {
    await this.#opening;
    // Whoever asks has not seen yet that it is gone, and would work on in an empty one.
    if (this.#lost && !this.#isThere()) throw this.#noStore();
    await this.retry(where);
    const result = await this.use(work);
    await this.#shown();
    return result;
  }

  /** Until what is on the screen is not behind what the store has acknowledged by now. */
  async #shown(): Promise<void> {
    const store = this.#store;
    if (!store) return;
    // A store that fails here has failed after the answer, and says so by itself.
    const head = await store.read('head', {}).catch(() => 0);
    await new Promise<void>((resolve) => {
      const isShown = (): boolean =>
        this.#view.seq >= head ||
        this.#store !== store ||
        this.#storeState.state !== 'live' ||
        this.#disposed;
      if (isShown()) {
        resolve();
        return;
      }
      const listener = this.onDidChange(() => {
        if (!isShown()) return;
        listener.dispose();
        resolve();
      });
    });
  }

  /** What nobody asked for just now: never opens a store that was lost, which would begin anew. */
  async use<Result>(work: (tools: FolderTools) => Promise<Result>): Promise<Result> {
    await this.#opening;
    if (!this.#files || !this.#store) throw this.#noStore();
    const result = await work({ files: this.#files, store: this.#store });
    // The watch on the files would tell a little later.
    this.#watch.look();
    return result;
  }

  /**
   * Opens the store if it is not: also one that was lost while it was open, and then anew if it is not there
   * any more. For the wish of a person who has been told; what can be had again without one comes back by itself.
   */
  async retry(where?: 'in a workflow' | 'even without a file'): Promise<void> {
    await this.#opening;
    if (this.#store) return;
    this.#lost = false;
    await this.#openWhenNeeded(where === 'even without a file');
  }

  /** What the store answers; undefined while none is open. */
  async readStore<Name extends keyof Reads>(
    name: Name,
    ask: Reads[Name]['ask'],
  ): Promise<Reads[Name]['rows'] | undefined> {
    await this.#opening;
    return this.#store?.read(name, ask);
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
    clearTimeout(this.#takeover);
    clearTimeout(this.#ownPromises);
    this.#watch.dispose();
    this.#returnWatcher?.close();
    // Who waits to be shown something waits no longer.
    this.#tell({});
    this.#changed.dispose();
    await this.#opening;
    await this.#importing;
    await this.#store?.close();
  }

  /** A store is made only where there is a workflow to keep, or where one is about to be. */
  #openWhenNeeded(evenWithoutFile = false): Promise<void> {
    const { state } = this.#storeState;
    const untried = state === 'none' || (state === 'failed' && !this.#store && !this.#lost);
    const wanted = (evenWithoutFile || this.#watch.files.length > 0) && untried;
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
    const { place } = this;
    const store = await stores.share({ place, identity, durability, resident: true });
    this.#backupFailed = undefined;
    // The first backup may fail while the rest is still being read.
    store.onFault((error) => {
      this.#hearFault(store, error);
    });
    try {
      this.#view = viewOf(await store.read('state', {}));
      this.#overviews.clear();
    } catch (error) {
      await store.close();
      throw error;
    }
    this.#store = store;
    this.#files = new WorkflowFiles({ place, store, now: Date.now });
    store.subscribe(this.#view.seq, (events) => {
      this.#follow(events);
    });
    if (store.readOnlyBecause) {
      this.#fail(store.readOnlyBecause);
      return;
    }
    this.#setStore(this.#live(store));
    this.#configure();
    this.#keepPromises();
    // What was changed while nobody looked.
    this.#import(this.#watch.files);
  }

  #hearFault(store: Store, error: Error): void {
    if (isStoreError(error) && error.code === 'backup_failed') {
      this.options.log('The daily backup failed', error);
      this.#backupFailed = { code: error.code, message: error.message };
      if (this.#store === store && this.#storeState.state === 'live')
        this.#setStore(this.#live(store));
      return;
    }
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
    if (this.#isThere()) this.#restart();
    else this.#watchForReturn();
  }

  /** Its folder alone says nothing: whoever writes beside the store makes it. */
  #isThere(): boolean {
    return existsSync(join(this.place.storeFolder, 'store.db'));
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
      const watcher = watch(dirname(this.place.storeFolder), { persistent: false }, () => {
        if (!this.#isThere()) return;
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
    for (const path of this.#concernedBy(events)) this.#overviews.delete(path);
    if (events.some(({ kind }) => kind === 'config.set')) this.#configure();
    if (events.some((event) => event.kind === 'file.written')) this.#watch.look();
    const pending = events.filter((event) => event.kind === 'file.pending');
    if (pending.some((event) => event.session === this.session)) {
      this.#ownPromises ??= setTimeout(() => {
        this.#ownPromises = undefined;
        this.#keepPromises();
      }, ownPromiseTime);
    }
    if (pending.some((event) => event.session !== this.session)) {
      this.#takeover ??= setTimeout(() => {
        this.#takeover = undefined;
        this.#keepPromises();
      }, promiseTakeover);
    }
    const recovered = this.#storeState.state === 'failed' && passing.has(this.#storeState.code);
    if (recovered) this.#storeState = this.#live(this.#store ?? { warnings: [] });
    this.#tell({ events, store: recovered });
  }

  /** Events of a run may name no workflow; those of a guarded file none either. */
  *#concernedBy(events: readonly StoredEvent[]): Generator<string> {
    const named = new Set<WorkflowId>();
    for (const event of events) {
      const workflow = event.workflow ?? (event.run && this.#view.allRuns.get(event.run)?.workflow);
      if (workflow) named.add(workflow);
      else if (!event.run && !event.kind.startsWith('agent.')) {
        yield* [...this.#overviews.keys()];
        return;
      }
    }
    for (const [path, { id }] of this.#overviews) if (id !== null && named.has(id)) yield path;
  }

  #keepPromises(): void {
    this.#files?.keepPromises().catch((error: unknown) => {
      this.options.log('A promised write of a workflow file is still to come', error);
    });
  }

  #configure(): void {
    const listed = this.#view.config.get('workflow.files')?.value;
    this.#watch.configure({
      listed: Array.isArray(listed) ? (listed as string[]) : [],
      severities: severitiesIn(this.#view.config.values()),
    });
  }

  #overviewOf(file: WorkflowFile): WorkflowOverview {
    const known = this.#overviews.get(file.path);
    if (known) return known;
    const made = overview(file, this.#view, this.place.worktree);
    this.#overviews.set(file.path, made);
    return made;
  }

  #hearFiles(changed: readonly WorkflowFile[]): void {
    for (const { path } of changed) this.#overviews.delete(path);
    void this.#openWhenNeeded().then(() => {
      this.#import(changed);
    });
    this.#tell({ files: true });
  }

  /** What a person has saved is told to the store at once; our own writes are known there already. */
  #import(changed: readonly WorkflowFile[]): void {
    const files = this.#files;
    if (this.#storeState.state !== 'live' || !files || this.#disposed) return;
    for (const { path, hash, document } of changed) {
      if (!document.plan || this.#view.workflows.get(document.plan.id)?.hash === hash) continue;
      const before = this.#importing;
      this.#importing = (async () => {
        await before;
        await files.sync(path).catch((error: unknown) => {
          this.options.log(`A change of ${path} is still to be told`, error);
        });
      })();
    }
  }

  #tell(change: Partial<Omit<FolderChange, 'folder'>>): void {
    this.#changed.fire({ folder: this.folder, store: false, files: false, events: [], ...change });
  }

  #setStore(state: StoreState): void {
    this.#storeState = state;
    this.#tell({ store: true });
  }

  #live({ warnings }: Pick<Store, 'warnings'>): StoreState {
    const failed = this.#backupFailed;
    return { state: 'live', warnings: failed ? [...warnings, failed] : warnings };
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

  #noStore(): Error {
    const state = this.#storeState;
    if (state.state === 'failed') return new StoreError(state.code, state.message);
    return new Error(
      state.state === 'untrusted'
        ? 'This workspace is not trusted, so Wavelock changes nothing in it.'
        : `There is no workflow file in ${this.folder}.`,
    );
  }
}
