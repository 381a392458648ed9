/** A store whose engine runs in this very thread: the CLI's, and what the store thread wraps. */
import type { StoreError } from '../core/errors';
import type { Answer, Command, Granted, OpId, Seq, StoredEvent } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { OnStep } from './durableFs';
import type { Identity, Reads } from './engine';
import { Follower } from './follower';
import { Mailbox } from './mailbox';
import { newId } from './newId';
import { openSqlite, type ContextOf, type SqliteEngine } from './sqlite/engine';
import { retainRuns } from './retention';
import type { StoreBackup } from './sqlite/backups';
import { verifyStore, type Verified } from './sqlite/verify';
import type { Store, StoreOptions } from './store';
import { Turns, WaitingFile, whenFree } from './turns';
import { Upkeep, type Schedule, type UpkeepOptions } from './upkeep';

/** A message or a batch of this size never blocks whoever receives it for long. */
const eventsAtOnce = 500;

export interface LocalOptions extends StoreOptions {
  readonly inThread?: boolean;
  readonly onStep?: OnStep;
  /** Timers of the upkeep; a test has its own. */
  readonly schedule?: Schedule;
  readonly contextOf?: ContextOf;
}

export async function openLocalStore(options: LocalOptions): Promise<Store> {
  const { place, identity, durability, inThread = false, onStep, schedule, contextOf } = options;
  const folder = place.storeFolder;
  const engine = await openSqlite({ folder, identity, durability, inThread, onStep, contextOf });
  return new LocalStore(engine, folder, identity, { inThread, onStep, schedule });
}

interface Subscriber {
  next: Seq;
  readonly listener: (events: readonly StoredEvent[]) => void;
}

class LocalStore implements Store {
  readonly #mailbox: Mailbox;
  readonly #subscribers = new Set<Subscriber>();
  readonly #faults = new Emitter<Error>((error) => {
    throw error;
  });
  readonly #upkeep: Upkeep;
  #follower: Follower | undefined;

  readonly onFault = this.#faults.event;
  readonly readOnlyBecause: StoreError | undefined;

  constructor(
    private readonly engine: SqliteEngine,
    private readonly folder: string,
    readonly identity: Identity,
    options: Omit<UpkeepOptions, 'failed'>,
  ) {
    this.readOnlyBecause = engine.readOnlyBecause;
    this.#upkeep = new Upkeep(engine, folder, {
      ...options,
      failed: (error) => {
        this.#faults.fire(error);
      },
    });
    const turns = new Turns({
      sign: new WaitingFile(folder),
      lastActive: () => engine.lastActive(),
    });
    this.#mailbox = new Mailbox(engine, turns, () => {
      this.#upkeep.committed();
      this.#deliver();
    });
  }

  verify(): Promise<Verified> {
    return verifyStore(this.folder);
  }

  backup(): Promise<StoreBackup> {
    return this.#upkeep.backup();
  }

  retain(): Promise<number> {
    return retainRuns(this, (rows) =>
      whenFree(() => {
        this.engine.archive(rows);
      }),
    );
  }

  async submit<C extends Command>(command: C, opId?: OpId): Promise<Answer<Granted[C['kind']]>> {
    const answer = await this.#mailbox.submit({ command, opId: opId ?? (newId('op') as OpId) });
    // The rule for this kind of command made the facts.
    return answer as Answer<Granted[C['kind']]>;
  }

  read<Name extends keyof Reads>(
    name: Name,
    ask: Reads[Name]['ask'],
  ): Promise<Reads[Name]['rows']> {
    return new Promise((resolve) => {
      resolve(this.engine.read(name, ask));
    });
  }

  subscribe(from: Seq, listener: (events: readonly StoredEvent[]) => void): Disposable {
    const subscriber: Subscriber = { next: from, listener };
    this.#subscribers.add(subscriber);
    this.#follower ??= new Follower(this.folder, this.engine, {
      changed: () => {
        this.#deliver();
      },
      failed: (error) => {
        this.#faults.fire(error);
      },
    });
    queueMicrotask(() => {
      this.#deliver();
    });
    return {
      dispose: () => {
        this.#subscribers.delete(subscriber);
      },
    };
  }

  async close(): Promise<void> {
    this.#follower?.dispose();
    await this.#mailbox.close();
    await this.#upkeep.close();
    this.#subscribers.clear();
    this.engine.close();
  }

  #deliver(): void {
    try {
      for (const subscriber of this.#subscribers) this.#catchUp(subscriber);
    } catch (error) {
      this.#faults.fire(error as Error);
    }
  }

  #catchUp(subscriber: Subscriber): void {
    for (;;) {
      const events = this.engine.read('events', { after: subscriber.next, limit: eventsAtOnce });
      const last = events.at(-1);
      if (last === undefined || !this.#subscribers.has(subscriber)) return;
      subscriber.next = last.seq;
      subscriber.listener(events);
    }
  }
}
