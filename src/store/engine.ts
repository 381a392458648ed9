/**
 * The port between the store and what keeps its rows. An engine turns a batch of commands into one
 * transaction: it asks the rules, gives them rows, writes what they change, and answers only when that
 * is as durable as it will be. SQL and drivers stay behind it.
 */
import type {
  AgentKind,
  AgentName,
  AgentRow,
  Answer,
  Command,
  ConfigKey,
  ConfigRow,
  ConflictRow,
  Denial,
  FileEdit,
  FileIntent,
  Granted,
  GuardRow,
  LastChange,
  LockRow,
  Nothing,
  OpId,
  RefusalOf,
  RelativePath,
  RunId,
  RunRow,
  RunStatus,
  Seq,
  SessionId,
  SessionRow,
  SlotWaiterRow,
  StoredEvent,
  WaiterRow,
  WorkflowId,
  WorkflowRow,
} from '../core/model';
import type { Touched } from '../core/rules/lockLook';
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
  /** What files shall say and do not say yet, of every workflow, in order. */
  fileEdits: { readonly ask: Nothing; readonly rows: readonly FileEdit[] };
  workflows: { readonly ask: Nothing; readonly rows: readonly WorkflowRow[] };
  config: { readonly ask: { readonly key: ConfigKey }; readonly rows: ConfigRow | null };
  /** Those whose key begins so. */
  configs: { readonly ask: { readonly prefix: string }; readonly rows: readonly ConfigRow[] };
  conflicts: { readonly ask: Nothing; readonly rows: readonly ConflictRow[] };
  guard: {
    readonly ask: { readonly file: RelativePath; readonly worktree: string };
    readonly rows: GuardRow | null;
  };
  /** All that the writer of one workflow's file goes by, of one moment. */
  workflowFile: {
    readonly ask: { readonly workflow: WorkflowId };
    readonly rows: {
      readonly workflow: WorkflowRow | null;
      readonly edits: readonly FileEdit[];
      readonly intents: readonly FileIntent[];
    };
  };
  /**
   * What a view of one workflow needs: its row, the newest run of each of its tasks, what was said of them, and who
   * holds which file.
   */
  workflow: { readonly ask: { readonly id: WorkflowId | null }; readonly rows: StateRows };
  events: {
    readonly ask: { readonly after: Seq; readonly limit: number };
    readonly rows: readonly StoredEvent[];
  };
  chains: { readonly ask: { readonly ids: readonly RunId[] }; readonly rows: Chains };
  /** What there is to tidy up. */
  chores: { readonly ask: Nothing; readonly rows: Chores };
  session: { readonly ask: { readonly id: SessionId }; readonly rows: SessionRow | null };
  versions: { readonly ask: Nothing; readonly rows: EngineVersions };
  /** A page of the live store, newest first; no status stands for every one. */
  runs: {
    readonly ask: {
      readonly statuses: readonly RunStatus[];
      readonly workflow: WorkflowId | null;
      readonly limit: number;
    };
    readonly rows: RunListing;
  };
  /** Of the live store, in order of creation. */
  children: { readonly ask: { readonly of: readonly RunId[] }; readonly rows: readonly RunRow[] };
  /** Those that begin so, archive included. */
  runIds: {
    readonly ask: { readonly prefix: string; readonly limit: number };
    readonly rows: readonly RunId[];
  };
  /** What a claim by anybody would give now. */
  nextRun: { readonly ask: { readonly workflow: WorkflowId | null }; readonly rows: RunRow | null };
  agents: { readonly ask: Nothing; readonly rows: Agents };
  /** Those that stand, as this host judges them. */
  locks: { readonly ask: Nothing; readonly rows: readonly LockRow[] };
  /** What others than the speaker hold of these. */
  heldByOthers: {
    readonly ask: Touched;
    readonly rows: readonly Denial[] | RefusalOf<'bad_input'>;
  };
  /** What the speaker has done last to a workflow and could take back. */
  lastChange: { readonly ask: { readonly workflow: WorkflowId }; readonly rows: LastChange | null };
  /** How often each kind of event has happened: a look at all of them. */
  eventKinds: { readonly ask: Nothing; readonly rows: Readonly<Record<string, number>> };
}

export interface RunListing {
  readonly seq: Seq;
  readonly runs: readonly RunRow[];
  readonly children: readonly RunRow[];
  /** Of all that match, but for the status. */
  readonly counts: Readonly<Record<RunStatus, number>>;
}

/** Who is there, and what they do and wait for. */
export interface Agents {
  readonly seq: Seq;
  readonly agents: readonly AgentRow[];
  readonly sessions: readonly SessionRow[];
  readonly running: readonly RunRow[];
  readonly waiters: readonly WaiterRow[];
  readonly slotWaiters: readonly SlotWaiterRow[];
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
  /** `wal`, or `truncate` where there can be no write-ahead log. */
  readonly journal: string;
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
