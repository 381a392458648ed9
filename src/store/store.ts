/**
 * One workspace's state, as every host uses it.
 *
 * Promises: an answer comes after its transaction is durable; all processes see one order of events;
 * a subscriber gets every event after the one it names, once and in order. What a store cannot do it
 * says with a `StoreError`; a refusal is an answer.
 */
import type { StoreError } from '../core/errors';
import type { Answer, Command, Granted, OpId, Seq, StoredEvent } from '../core/model';
import type { Disposable } from '../shared/lifecycle';
import type { Awaited, AwaitRequest } from './awaits';
import type { Identity, Reads } from './engine';
import type { Place } from './place';
import type { StoreBackup } from './sqlite/backups';
import type { Verified } from './sqlite/verify';

export interface Store {
  readonly identity: Identity;
  submit<C extends Command>(command: C, opId?: OpId): Promise<Answer<Granted[C['kind']]>>;
  read<Name extends keyof Reads>(name: Name, ask: Reads[Name]['ask']): Promise<Reads[Name]['rows']>;
  /** Batches of events after `from`, at most 500 at once, as they are committed by anyone. */
  subscribe(from: Seq, listener: EventListener): Disposable;
  /** Ends when the runs have ended, or with a `timeout` and how they are then. Never polls. */
  await(request: AwaitRequest): Promise<Answer<Awaited>>;
  /** Why it answers reads and takes no command, found at open; undefined for a store that is well. */
  readonly readOnlyBecause: StoreError | undefined;
  /** Looks at everything and changes nothing; see `docs/storage.md` for what it finds. */
  verify(): Promise<Verified>;
  /** Backs the store up now; there is a daily one besides. */
  backup(): Promise<StoreBackup>;
  /** Moves ended runs to the archive as the settings say; resolves with how many. */
  retain(): Promise<number>;
  /** From now on as durable as `full`, however it was opened. */
  harden(): Promise<void>;
  /** Faults that no caller waits for: the store lost its folder, its thread ended. */
  onFault(listener: (error: Error) => void): Disposable;
  /** Answers what was submitted, then ends. */
  close(): Promise<void>;
}

/** The next batch comes when it is done with this one. */

export type EventListener = (events: readonly StoredEvent[]) => void | Promise<void>;

export interface StoreOptions {
  readonly place: Place;
  readonly identity: Identity;
  readonly durability: 'full' | 'normal';
  /** Stays with a window or a server, as against one call: see `presence.ts`. */
  readonly resident?: boolean;
}
