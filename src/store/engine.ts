/**
 * The port between the store and what keeps its rows. An engine turns a batch of commands into one
 * transaction: it asks the rules, gives them rows, writes what they change, and answers only when that
 * is as durable as it will be. SQL and drivers stay behind it.
 */
import type {
  AgentKind,
  AgentName,
  Answer,
  Command,
  Granted,
  Nothing,
  OpId,
  PendingWrite,
  RunId,
  RunRow,
  Seq,
  SessionId,
  SessionRow,
  StoredEvent,
  WorkflowId,
} from '../core/model';
import type { StateRows } from '../core/views';

/** Who is speaking; one for each process. */
export interface Identity {
  readonly agent: AgentName;
  /** False for a call that gave no name: it may read and create, but hold nothing. */
  readonly named: boolean;
  readonly kind: AgentKind;
  readonly session: SessionId;
  readonly host: string;
  readonly pid: number;
}

export interface Submission {
  readonly command: Command;
  /** The same id again gets the same answer, and nothing happens twice. */
  readonly opId: OpId;
}

export type AnyAnswer = Answer<Granted[Command['kind']]>;

/** One command's end within a batch: answered, or failed by itself while the others stand. */
export type Outcome = { readonly answer: AnyAnswer } | { readonly error: unknown };

export interface Reads {
  head: { readonly ask: Nothing; readonly rows: Seq };
  state: { readonly ask: Nothing; readonly rows: StateRows };
  /** What a view of one workflow needs: its row, the newest run of each of its tasks, and who holds which file. */
  workflow: { readonly ask: { readonly id: WorkflowId | null }; readonly rows: StateRows };
  pendingWrites: { readonly ask: Nothing; readonly rows: readonly PendingWrite[] };
  events: {
    readonly ask: { readonly after: Seq; readonly limit: number };
    readonly rows: readonly StoredEvent[];
  };
  chains: { readonly ask: { readonly ids: readonly RunId[] }; readonly rows: Chains };
  /** What there is to tidy up. */
  chores: { readonly ask: Nothing; readonly rows: Chores };
  session: { readonly ask: { readonly id: SessionId }; readonly rows: SessionRow | null };
  versions: { readonly ask: Nothing; readonly rows: EngineVersions };
}

export interface Chores {
  readonly sweep: boolean;
  readonly retention: boolean;
}

export interface Chains {
  readonly seq: Seq;
  /** The chain that each id belongs to, oldest attempt first, archive included; empty for an unknown id. */
  readonly chains: readonly { readonly id: RunId; readonly runs: readonly RunRow[] }[];
}

export interface EngineVersions {
  readonly node: string;
  readonly engine: string;
  readonly inThread: boolean;
  readonly durability: 'full' | 'normal';
}

export interface Engine {
  /** Throws `Busy` when another process is at work; nothing has happened then. */
  transact(batch: readonly Submission[]): readonly Outcome[];
  read<Name extends keyof Reads>(name: Name, ask: Reads[Name]['ask']): Reads[Name]['rows'];
  /** Whether others have committed since this was last asked. */
  othersCommitted(): boolean;
  close(): void;
}

/** Not a fault yet: the mailbox waits its turn and only then speaks of `store_busy`. */
export class Busy extends Error {
  override readonly name = 'Busy';
}
