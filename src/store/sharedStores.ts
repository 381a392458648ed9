/**
 * The stores of one window. Workspace folders that resolve to one store, as the worktrees of a repository do,
 * share one connection, one thread and one session.
 *
 * Contract: who closes its share ends what it has begun itself, and nothing of the others'; the store closes
 * with the last share. A store that is gone or whose thread has ended is not handed out again. Of different
 * durabilities the safer counts for all, for as long as the store is open.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isStoreError, StoreError } from '../core/errors';
import type { Answer, Command, Granted, OpId, Seq } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { Awaited, AwaitRequest } from './awaits';
import type { Identity, Reads } from './engine';
import type { StoreBackup } from './sqlite/backups';
import type { Verified } from './sqlite/verify';
import type { EventListener, Store, StoreOptions } from './store';

interface Shared {
  readonly store: Promise<Store>;
  durability: StoreOptions['durability'];
  shares: number;
}

export class SharedStores {
  readonly #shared = new Map<string, Shared>();
  /** A session ends before the next begins under its name. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(
    private readonly open: (options: StoreOptions) => Promise<Store>,
    /** Told what a folder asked for and did not get. */
    private readonly note: (message: string) => void,
  ) {}

  async share(options: StoreOptions): Promise<Store> {
    const folder = realFolder(options.place.storeFolder);
    for (let closing; (closing = this.#closing.get(folder));) await closing;
    const shared = this.#shared.get(folder) ?? this.#begin(folder, options);
    shared.shares += 1;
    try {
      const store = await shared.store;
      await this.#settleDurability(folder, shared, store, options.durability);
      return new Share(store, {
        broken: () => {
          this.#forget(folder, shared);
        },
        done: () => this.#end(folder, shared),
      });
    } catch (error) {
      await this.#end(folder, shared).catch(() => undefined);
      throw error;
    }
  }

  #begin(folder: string, options: StoreOptions): Shared {
    const shared = { store: this.open(options), durability: options.durability, shares: 0 };
    this.#shared.set(folder, shared);
    shared.store.catch(() => {
      this.#forget(folder, shared);
    });
    return shared;
  }

  async #settleDurability(
    folder: string,
    shared: Shared,
    store: Store,
    wanted: StoreOptions['durability'],
  ): Promise<void> {
    if (wanted === shared.durability) return;
    this.note(
      `Workspace folders that share the store in ${folder} ask for different durability; "full" counts for all of them.`,
    );
    if (wanted !== 'full') return;
    await store.harden();
    shared.durability = 'full';
  }

  #forget(folder: string, shared: Shared): void {
    if (this.#shared.get(folder) === shared) this.#shared.delete(folder);
  }

  async #end(folder: string, shared: Shared): Promise<void> {
    shared.shares -= 1;
    if (shared.shares > 0) return;
    this.#forget(folder, shared);
    const closed = shared.store.then((store) => store.close());
    const over = closed
      .catch(() => undefined)
      .then(() => {
        if (this.#closing.get(folder) === over) this.#closing.delete(folder);
      });
    this.#closing.set(folder, over);
    await closed;
  }
}

class Share implements Store {
  readonly #own = new Set<Disposable>();
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #awaits = new Set<AbortController>();
  readonly #faults = new Emitter<Error>((error) => {
    throw error;
  });
  #closing: Promise<void> | undefined;

  readonly onFault = this.#faults.event;

  constructor(
    private readonly store: Store,
    private readonly owner: { broken(): void; done(): Promise<void> },
  ) {
    this.#own.add(
      store.onFault((error) => {
        if (isLost(error)) owner.broken();
        this.#faults.fire(error);
      }),
    );
  }

  get identity(): Identity {
    return this.store.identity;
  }

  get readOnlyBecause(): StoreError | undefined {
    return this.store.readOnlyBecause;
  }

  submit<C extends Command>(command: C, opId?: OpId): Promise<Answer<Granted[C['kind']]>> {
    return this.#do(() => this.store.submit(command, opId));
  }

  read<Name extends keyof Reads>(
    name: Name,
    ask: Reads[Name]['ask'],
  ): Promise<Reads[Name]['rows']> {
    return this.#do(() => this.store.read(name, ask));
  }

  verify(): Promise<Verified> {
    return this.#do(() => this.store.verify());
  }

  backup(): Promise<StoreBackup> {
    return this.#do(() => this.store.backup());
  }

  retain(): Promise<number> {
    return this.#do(() => this.store.retain());
  }

  harden(): Promise<void> {
    return this.#do(() => this.store.harden());
  }

  async await(request: AwaitRequest): Promise<Answer<Awaited>> {
    const { signal } = request;
    signal?.throwIfAborted();
    const either = new AbortController();
    const abort = (): void => {
      either.abort(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
    this.#awaits.add(either);
    try {
      return await this.#do(() => this.store.await({ ...request, signal: either.signal }));
    } finally {
      this.#awaits.delete(either);
      signal?.removeEventListener('abort', abort);
    }
  }

  subscribe(from: Seq, listener: EventListener): Disposable {
    const subscription = this.store.subscribe(from, listener);
    const own = {
      dispose: () => {
        this.#own.delete(own);
        subscription.dispose();
      },
    };
    this.#own.add(own);
    return own;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const wait of this.#awaits) wait.abort(closed());
    await Promise.allSettled([...this.#underWay]);
    for (const own of [...this.#own]) own.dispose();
    this.#faults.dispose();
    await this.owner.done();
  }

  #do<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(closed());
    const underWay = work().finally(() => this.#underWay.delete(underWay));
    this.#underWay.add(underWay);
    return underWay;
  }
}

/** Nothing more can be had of it by this connection; another may work. */
export function isLost(error: unknown): error is StoreError {
  return isStoreError(error) && (error.code === 'store_gone' || error.code === 'store_unavailable');
}

function closed(): StoreError {
  return new StoreError('store_unavailable', 'The store is closed.');
}

/** One name for one folder, also while it is not there yet. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder)
      throw error;
    return join(realFolder(dirname(folder)), basename(folder));
  }
}
