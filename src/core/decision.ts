/**
 * How a rule talks to a store. A rule is a generator: it yields a question and is resumed with rows, or
 * yields a write and is resumed when the write is made; it ends in changes or a refusal. Each engine drives
 * it in one transaction, so what a rule has read stays true until its end.
 *
 * Contract of `Write`: what it changes stays, also when the rule then refuses. It is for what is true
 * whatever the answer will be: expiries, sightings, a place in a queue, a used rate. A rule asks again after
 * it and sees the rows as they are now. Everything else goes into the final `Changes`, which a refusal
 * does not have; that is why a refused command changes nothing.
 */
import type { EventKind, EventOf, NewEvent, StoredEvent } from './events';
import type { Refusal } from './commands';
import type {
  AgentId,
  AgentKind,
  AgentName,
  AgentRow,
  BootId,
  ClaimToken,
  ConfigKey,
  ConfigRow,
  ConflictId,
  ConflictRow,
  ContentHash,
  CounterRow,
  EditId,
  FileEdit,
  FileIntent,
  GuardRow,
  Liveness,
  LockId,
  LockRow,
  ObserverId,
  OpId,
  ProcessIdentity,
  RateRow,
  RelativePath,
  RunId,
  RunRow,
  Seq,
  SessionId,
  SessionRow,
  SightingRow,
  SlotWaiterRow,
  TaskId,
  TaskRow,
  TokenDigest,
  WaiterId,
  WaiterRow,
  WorkflowId,
  WorkflowRow,
} from './model';

/** Asks about nothing in particular. */
type All = object;

/** Rows come in order of creation unless a query says otherwise; "Limited" means that `limit` is honoured. */
export interface RowQueries {
  /* runs */
  run: { readonly ask: { readonly id: RunId }; readonly rows: RunRow | null };
  /** The live store only, in the order of `ids`; unknown ids are left out. */
  runs: { readonly ask: { readonly ids: readonly RunId[] }; readonly rows: readonly RunRow[] };
  /** Ended runs that have left the live store; unknown ids are left out. */
  archived: { readonly ask: { readonly ids: readonly RunId[] }; readonly rows: readonly RunRow[] };
  /** All attempts in the live store, oldest first. */
  chain: { readonly ask: { readonly root: RunId }; readonly rows: readonly RunRow[] };
  /** All attempts that have left the live store, oldest first. */
  archivedChain: { readonly ask: { readonly root: RunId }; readonly rows: readonly RunRow[] };
  children: { readonly ask: { readonly parent: RunId }; readonly rows: readonly RunRow[] };
  /** Queued runs whose `unmet` names one of these. */
  dependents: { readonly ask: { readonly of: readonly RunId[] }; readonly rows: readonly RunRow[] };
  /** Queued or running. */
  liveOfTask: {
    readonly ask: { readonly workflow: WorkflowId | null; readonly task: TaskId };
    readonly rows: readonly RunRow[];
  };
  /** Every attempt of every chain in the live store, oldest first. */
  ofTask: {
    readonly ask: { readonly workflow: WorkflowId; readonly task: TaskId };
    readonly rows: readonly RunRow[];
  };
  /** Running, claimed by this agent. */
  heldRuns: { readonly ask: { readonly agent: AgentName }; readonly rows: readonly RunRow[] };
  /**
   * Queued, nothing unmet, `notBefore` not after `now`; highest priority first, then oldest. Of `workflow`
   * only, unless that is null; never of a workflow in `except`. Limited.
   */
  claimable: {
    readonly ask: {
      readonly workflow: WorkflowId | null;
      readonly except: readonly WorkflowId[];
      readonly now: number;
      readonly limit: number;
    };
    readonly rows: readonly RunRow[];
  };
  /** How many queued runs wait, and for what: so that `nothing_queued` can say why. */
  waitingRuns: {
    readonly ask: { readonly workflow: WorkflowId | null; readonly now: number };
    readonly rows: {
      /** Something is unmet, blocked ones included. */
      readonly dependencies: number;
      /** Of those: an unmet dependency has no live attempt, so only a person can help (RUN-8). */
      readonly blocked: number;
      readonly notBefore: number;
      /** The earliest `notBefore` to come. */
      readonly soonest: number | null;
    };
  };
  /** The number of running runs; of one workflow unless null. */
  running: { readonly ask: { readonly workflow: WorkflowId | null }; readonly rows: number };
  /**
   * Running runs whose lease, timeout or stop grace may be over: all those with a wall time in the past on
   * the claim's own clock, those of the observer's own boot that are over by its monotonic clock, those claimed or asked to stop on another boot or host, and those of a process.
   * Oldest beat first, then by id; those beyond `after`. Limited.
   */
  expirableRuns: {
    readonly ask: {
      readonly now: number;
      /** Of the observer's own boot: a wall clock that was set back must not keep what is over. */
      readonly mono: number;
      readonly observer: ObserverId;
      readonly after: PageMark<RunId> | null;
      readonly limit: number;
    };
    readonly rows: readonly RunRow[];
  };
  /** Ended, no live run refers to them, and older than `endedBefore` or beyond the newest `keep`. Limited. */
  archivable: {
    readonly ask: {
      readonly endedBefore: number;
      readonly keep: number;
      readonly limit: number;
    };
    readonly rows: readonly RunRow[];
  };
  /** Live runs that refer to this one: children, dependents, retries, of which the status is not ended. */
  referrers: { readonly ask: { readonly run: RunId }; readonly rows: readonly RunRow[] };

  /* slots */
  slotWaiter: { readonly ask: { readonly id: WaiterId }; readonly rows: SlotWaiterRow | null };
  /** The whole line, FIFO. */
  slotWaiters: { readonly ask: All; readonly rows: readonly SlotWaiterRow[] };

  /* agents and sessions */
  agent: { readonly ask: { readonly name: AgentName }; readonly rows: AgentRow | null };
  session: { readonly ask: { readonly id: SessionId }; readonly rows: SessionRow | null };
  sessions: { readonly ask: { readonly agent: AgentName }; readonly rows: readonly SessionRow[] };
  /** Longest silent first. Limited. */
  silentAgents: {
    readonly ask: { readonly seenBefore: number; readonly limit: number };
    readonly rows: readonly AgentRow[];
  };

  /* locks */
  /** Every lock that can conflict, and a few that cannot: the rule compares. */
  locksNear: { readonly ask: LockArea; readonly rows: readonly LockRow[] };
  /** Every waiter of which a request can conflict, FIFO. */
  waitersNear: { readonly ask: LockArea; readonly rows: readonly WaiterRow[] };
  locksOf: { readonly ask: { readonly agent: AgentName }; readonly rows: readonly LockRow[] };
  lockWaiter: { readonly ask: { readonly id: WaiterId }; readonly rows: WaiterRow | null };
  waitersOf: { readonly ask: { readonly agent: AgentName }; readonly rows: readonly WaiterRow[] };
  /** The whole line, FIFO: who waits for whom is a question about all of it. */
  lockWaiters: { readonly ask: All; readonly rows: readonly WaiterRow[] };
  /** As `expirableRuns`, for locks. Limited. */
  expirableLocks: {
    readonly ask: {
      readonly now: number;
      /** Of the observer's own boot: a wall clock that was set back must not keep what is over. */
      readonly mono: number;
      readonly observer: ObserverId;
      readonly after: PageMark<LockId> | null;
      readonly limit: number;
    };
    readonly rows: readonly LockRow[];
  };

  /* the rest */
  sighting: {
    readonly ask: { readonly observer: ObserverId; readonly subject: string };
    readonly rows: SightingRow | null;
  };
  rate: { readonly ask: { readonly key: string }; readonly rows: RateRow | null };
  config: { readonly ask: { readonly key: ConfigKey }; readonly rows: ConfigRow | null };
  /** All keys that begin so, for `slots.<workflow>`. */
  configs: { readonly ask: { readonly prefix: string }; readonly rows: readonly ConfigRow[] };
  counter: {
    readonly ask: { readonly name: CounterRow['name'] };
    readonly rows: CounterRow | null;
  };

  /* workflow files */
  workflow: { readonly ask: { readonly id: WorkflowId }; readonly rows: WorkflowRow | null };
  /** The newest run of each task. */
  newestRuns: { readonly ask: { readonly workflow: WorkflowId }; readonly rows: readonly RunRow[] };
  task: {
    readonly ask: { readonly workflow: WorkflowId; readonly task: TaskId };
    readonly rows: TaskRow | null;
  };
  fileEdits: {
    readonly ask: { readonly workflow: WorkflowId };
    readonly rows: readonly FileEdit[];
  };
  /** In no order. */
  fileIntents: {
    readonly ask: { readonly workflow: WorkflowId };
    readonly rows: readonly FileIntent[];
  };
  conflict: { readonly ask: { readonly id: ConflictId }; readonly rows: ConflictRow | null };
  /**
   * What has happened about a workflow beyond `after` and before `before`, newest first, among the newest events of the store (see
   * `undoHorizon`). Of these kinds, tasks, this agent and operation; null stands for any, and so does no kind. Limited.
   */
  workflowEvents: {
    readonly ask: {
      readonly workflow: WorkflowId;
      readonly kinds: readonly EventKind[];
      readonly tasks: readonly TaskId[] | null;
      readonly agent: AgentName | null;
      readonly op: OpId | null;
      readonly except: readonly OpId[];
      readonly after: Seq;
      readonly before: Seq | null;
      readonly limit: number;
    };
    readonly rows: readonly StoredEvent[];
  };
  guard: {
    readonly ask: { readonly file: RelativePath; readonly worktree: string };
    readonly rows: GuardRow | null;
  };
}

/** A change that can be taken back. */
export type Undoable = EventOf<
  'task.changed' | 'note.added' | 'workflow.advanced' | 'workflow.completed'
>;

/** What an agent has done last to a workflow. */
export interface LastChange {
  readonly change: Undoable;
  /** What was promised of the file with it. */
  readonly edits: readonly FileEdit[];
  /** The content of the file that it was decided about; null when that is too long ago. */
  readonly before: ContentHash | null;
}

/** Where a page ended. Not a row's id alone: the row may be gone when the next page is asked for. */
export interface PageMark<Id> {
  readonly wall: number;
  readonly id: Id;
}

/** Where conflicting keys can be (KEY-6): anchors equal to one of `at`, or `under` itself and below it. */
export interface LockArea {
  /** Rows of this worktree and those that span all; null asks for every worktree. */
  readonly worktree: string | null;
  readonly at: readonly string[];
  readonly under: string | null;
}

export type RowQuery = {
  [Name in keyof RowQueries]: { readonly rows: Name } & RowQueries[Name]['ask'];
}[keyof RowQueries];

export type Rows = RowQueries[keyof RowQueries]['rows'];

export type RowChange =
  | { readonly put: 'run'; readonly row: RunRow }
  /** Archived: gone from the live store. */
  | { readonly drop: 'run'; readonly id: RunId }
  | { readonly put: 'agent'; readonly row: AgentRow }
  | { readonly drop: 'agent'; readonly name: AgentName }
  | { readonly put: 'session'; readonly row: SessionRow }
  | { readonly drop: 'session'; readonly id: SessionId }
  | { readonly put: 'lock'; readonly row: LockRow }
  | { readonly drop: 'lock'; readonly id: LockId }
  | { readonly put: 'waiter'; readonly row: WaiterRow }
  | { readonly drop: 'waiter'; readonly id: WaiterId }
  | { readonly put: 'slotWaiter'; readonly row: SlotWaiterRow }
  | { readonly drop: 'slotWaiter'; readonly id: WaiterId }
  | { readonly put: 'sighting'; readonly row: SightingRow }
  /** By every observer: what they dated is gone. */
  | { readonly drop: 'sightings'; readonly subject: string }
  | { readonly put: 'rate'; readonly row: RateRow }
  | { readonly put: 'config'; readonly row: ConfigRow }
  | { readonly drop: 'config'; readonly key: ConfigKey }
  | { readonly put: 'counter'; readonly row: CounterRow }
  | { readonly put: 'workflow'; readonly row: WorkflowRow }
  | { readonly put: 'task'; readonly row: TaskRow }
  | { readonly put: 'fileEdit'; readonly row: FileEdit }
  | { readonly drop: 'fileEdit'; readonly id: EditId }
  | { readonly put: 'fileIntent'; readonly row: FileIntent }
  | { readonly drop: 'fileIntent'; readonly workflow: WorkflowId; readonly target: ContentHash }
  | { readonly put: 'conflict'; readonly row: ConflictRow }
  | { readonly drop: 'conflict'; readonly id: ConflictId }
  | { readonly put: 'guard'; readonly row: GuardRow }
  | { readonly drop: 'guard'; readonly file: RelativePath; readonly worktree: string };

/** Made at once and kept, whatever the rule's end; see the head of this file. */
export interface Write {
  readonly write: readonly RowChange[];
  readonly events: readonly NewEvent[];
}

export interface Changes<Facts> {
  readonly facts: Facts;
  readonly changes: readonly RowChange[];
  readonly events: readonly NewEvent[];
}

/** A part of a rule that asks and writes, and gives `Result` to the rule that called it. */
export type Step<Result> = Generator<RowQuery | Write, Result, Rows | undefined>;

/** A rule asks for rows one query at a time and ends in changes or a refusal. */
export type Decision<Facts> = Step<Changes<Facts> | Refusal>;

/** Everything a rule may know of the world. */
export interface Context {
  /** The speaker, who is the author of the events. */
  readonly agent: AgentName;
  /** False for a call that gave no name: it may read and create, but hold nothing (AGENT-2). */
  readonly named: boolean;
  readonly agentKind: AgentKind;
  readonly session: SessionId;
  readonly process: ProcessIdentity;

  /** Wall clock. */
  readonly now: number;
  /** Monotonic clock of this boot; stops in suspend. */
  readonly mono: number;
  /** The database server's clock, when there is one server for all. */
  readonly server: number | null;
  readonly host: string;
  readonly bootId: BootId;
  readonly pidNamespace: string;
  readonly observer: ObserverId;
  /** True on Linux only: elsewhere clocks of processes cannot be compared, and `wall` stands in. */
  readonly sharedMono: boolean;
  /** What this host's operating system says; 'unknown' unless boot and pid namespace are its own. */
  liveness(process: ProcessIdentity): Liveness;

  /** The file system of the worktree takes `A` and `a` for one name. */
  readonly caseFold: boolean;

  newRunId(): RunId;
  newAgentId(): AgentId;
  newLockId(): LockId;
  newEditId(): EditId;
  newToken(): ClaimToken;
  digest(token: ClaimToken): TokenDigest;
  /** In [0, 1), for jitter. */
  random(): number;
}
