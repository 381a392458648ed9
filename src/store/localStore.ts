/** A store whose engine runs in this very thread: the CLI's, and what the store thread wraps. */
import { isStoreError, StoreError } from '../core/errors';
import type { Answer, Command, Granted, OpId, RunRow, Seq } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import { Awaits, type Awaited, type AwaitRequest } from './awaits';
import type { OnStep } from './durableFs';
import { Busy, type Identity, type Reads } from './engine';
import { Follower } from './follower';
import { Mailbox } from './mailbox';
import type { MountQuestions } from './mounts';
import { newId } from './newId';
import { rowsAtOnce } from './parts';
import { Presence } from './presence';
import { retainRuns } from './retention';
import type { StoreBackup } from './sqlite/backups';
import { type ContextOf, type SqliteEngine } from './sqlite/engine';
import { openSqlite } from './sqlite/opening';
import { verifyStore, type Verified } from './sqlite/verify';
import type { EventListener, Store, StoreOptions } from './store';
import type { StoreWarning } from './storeFolder';
import { Turns, WaitingFile, whenFree } from './turns';
import { quietTimer, Upkeep, type Schedule } from './upkeep';

export interface LocalOptions extends StoreOptions {
  readonly inThread?: boolean;
  readonly onStep?: OnStep;
  /** All timers but the follower's; a test has its own. */
  readonly schedule?: Schedule;
  /** How the kind of a file system is found out; a test has its own. */
  readonly mounts?: MountQuestions;
  readonly contextOf?: ContextOf;
  /** How long a command waits for its turn before it is `store_busy`. */
  readonly busyWaitMs?: number;
}

export async function openLocalStore(options: LocalOptions): Promise<Store> {
  const { place, identity, durability, inThread = false, onStep, mounts, contextOf } = options;
  const folder = place.storeFolder;
  const engine = await openSqlite({
    folder,
    identity,
    durability,
    inThread,
    onStep,
    mounts,
    contextOf,
  });
  return new LocalStore(engine, options);
}

interface Subscriber {
  next: Seq;
  /** It has been given events and is not done with them. */
  taken: boolean;
  readonly listener: EventListener;
}

/** Milliseconds until events are read again after somebody was found writing; no engine with a log needs it. */
const readAgain = 10;

class LocalStore implements Store {
  readonly identity: Identity;
  readonly readOnlyBecause: StoreError | undefined;
  readonly warnings: readonly StoreWarning[];
  readonly #folder: string;
  readonly #mailbox: Mailbox;
  readonly #subscribers = new Set<Subscriber>();
  readonly #faults = new Emitter<Error>((error) => {
    throw error;
  });
  /** Faults that are known and still last. */
  readonly #reported = new Set<string>();
  readonly #upkeep: Upkeep;
  readonly #presence: Presence;
  readonly #awaits: Awaits;
  #follower: Follower | undefined;
  #readingAgain: NodeJS.Timeout | undefined;
  #closed = false;

  readonly onFault = this.#faults.event;

  constructor(
    private readonly engine: SqliteEngine,
    options: LocalOptions,
  ) {
    const { identity, resident = false, onStep, busyWaitMs } = options;
    const { schedule = quietTimer } = options;
    this.identity = identity;
    this.#folder = options.place.storeFolder;
    this.readOnlyBecause = engine.readOnlyBecause;
    this.warnings = engine.warnings;
    const failed = (error: Error): void => {
      this.#report(error);
    };
    this.#upkeep = new Upkeep(engine, this.#folder, { resident, onStep, schedule, failed });
    this.#presence = new Presence(this, {
      session: identity.session,
      resident: resident && identity.named && !engine.readOnlyBecause,
      schedule,
      retain: (goOn) => this.#retain(goOn),
      failed,
    });
    const turns = new Turns({
      sign: new WaitingFile(this.#folder),
      lastActive: () => engine.lastActive(),
      longestWaitMs: busyWaitMs,
    });
    this.#mailbox = new Mailbox(engine, turns, () => {
      this.#reported.clear();
      this.#upkeep.committed();
      this.#deliver();
    });
    const source = {
      head: () => this.read('head', {}),
      chains: (ids: Reads['chains']['ask']['ids']) => this.read('chains', { ids }),
      subscribe: (from: Seq, listener: EventListener) => this.subscribe(from, listener),
      waiting: (isWaiting: boolean) => {
        if (!engine.readOnlyBecause) this.#presence.waiting(isWaiting);
      },
    };
    this.#awaits = new Awaits(source, options.schedule, onStep);
  }

  verify(): Promise<Verified> {
    return verifyStore(this.#folder);
  }

  backup(): Promise<StoreBackup> {
    return this.#upkeep.backup();
  }

  retain(): Promise<number> {
    return this.#retain(() => true);
  }

  harden(): Promise<void> {
    return whenFree(() => {
      this.engine.harden();
    });
  }

  async submit<C extends Command>(command: C, opId?: OpId): Promise<Answer<Granted[C['kind']]>> {
    try {
      const answer = await this.#mailbox.submit({ command, opId: opId ?? (newId('op') as OpId) });
      // The rule for this kind of command made the facts.
      return answer as Answer<Granted[C['kind']]>;
    } catch (error) {
      // A mistake of ours: whoever asked may not be the one who can mend it.
      if (!isStoreError(error)) this.#report(error as Error);
      throw error;
    }
  }

  read<Name extends keyof Reads>(
    name: Name,
    ask: Reads[Name]['ask'],
  ): Promise<Reads[Name]['rows']> {
    return whenFree(() => {
      if (this.#closed) throw new StoreError('store_unavailable', 'The store is closed.');
      return this.engine.read(name, ask);
    });
  }

  subscribe(from: Seq, listener: EventListener): Disposable {
    const subscriber: Subscriber = { next: from, taken: false, listener };
    this.#subscribers.add(subscriber);
    this.#follower ??= new Follower(this.#folder, this.engine, {
      changed: () => {
        this.#deliver();
      },
      failed: (error) => {
        this.#report(error);
        // Nothing that is committed from now on can be told any more.
        if (isStoreError(error) && error.code === 'store_gone') this.#awaits.fail(error);
      },
    });
    queueMicrotask(() => {
      this.#deliver();
    });
    return {
      dispose: () => {
        if (this.#subscribers.delete(subscriber) && this.#subscribers.size === 0) this.#unfollow();
      },
    };
  }

  await(request: AwaitRequest): Promise<Answer<Awaited>> {
    return this.#awaits.begin(request);
  }

  async close(): Promise<void> {
    this.#awaits.close();
    this.#unfollow();
    await this.#presence.close();
    await this.#mailbox.close();
    await this.#upkeep.close();
    this.#subscribers.clear();
    this.#closed = true;
    this.engine.close();
  }

  #retain(goOn: () => boolean): Promise<number> {
    const archive = (rows: readonly RunRow[]): Promise<void> =>
      whenFree(() => {
        this.engine.archive(rows);
      });
    return retainRuns(this, archive, goOn);
  }

  #unfollow(): void {
    clearTimeout(this.#readingAgain);
    this.#follower?.dispose();
    this.#follower = undefined;
  }

  #deliver(): void {
    for (const subscriber of this.#subscribers) {
      try {
        this.#catchUp(subscriber);
      } catch (error) {
        if (error instanceof Busy) this.#deliverLater();
        else this.#report(error as Error);
      }
    }
  }

  #deliverLater(): void {
    clearTimeout(this.#readingAgain);
    this.#readingAgain = setTimeout(() => {
      this.#deliver();
    }, readAgain);
    this.#readingAgain.unref();
  }

  #catchUp(subscriber: Subscriber): void {
    while (!subscriber.taken && this.#subscribers.has(subscriber)) {
      const events = this.engine.read('events', { after: subscriber.next, limit: rowsAtOnce });
      const last = events.at(-1);
      if (last === undefined) return;
      subscriber.next = last.seq;
      const done = subscriber.listener(events);
      if (done === undefined) continue;
      subscriber.taken = true;
      done.then(
        () => {
          subscriber.taken = false;
          this.#deliver();
        },
        (error: unknown) => {
          this.#report(error as Error);
        },
      );
    }
  }

  /** A fault that lasts is told once; it is news again after the store has worked. */
  #report(error: Error): void {
    const known = `${isStoreError(error) ? error.code : error.name}: ${error.message}`;
    if (this.#reported.has(known)) return;
    this.#reported.add(known);
    this.#faults.fire(error);
  }
}
