/** A store whose engine runs in this very thread: the CLI's, and what the store thread wraps. */
import type { Answer, Command, Granted, OpId, Seq, StoredEvent } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { Identity, Reads } from './engine';
import { Follower } from './follower';
import { Mailbox } from './mailbox';
import { newId } from './newId';
import { openSqlite, type SqliteEngine } from './sqlite/engine';
import type { Store, StoreOptions } from './store';

/** A message or a batch of this size never blocks whoever receives it for long. */
const eventsAtOnce = 500;

export async function openLocalStore(
  options: StoreOptions & { readonly inThread?: boolean },
): Promise<Store> {
  const engine = await openSqlite({
    folder: options.place.storeFolder,
    identity: options.identity,
    durability: options.durability,
    inThread: options.inThread ?? false,
  });
  return new LocalStore(engine, options.place.storeFolder, options.identity);
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
  #follower: Follower | undefined;

  readonly onFault = this.#faults.event;

  constructor(
    private readonly engine: SqliteEngine,
    private readonly folder: string,
    readonly identity: Identity,
  ) {
    this.#mailbox = new Mailbox(engine, () => {
      this.#deliver();
    });
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
