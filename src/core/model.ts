/**
 * The words of the domain: rows as the store keeps them, commands, events and answers.
 *
 * Types only, and the few constructors that make a branded id. Rules (`rules/`) turn a command and the
 * rows it concerns into changes; nothing here knows where rows live.
 */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type RunId = Branded<'RunId'>;
export type WorkflowId = Branded<'WorkflowId'>;
export type TaskId = Branded<'TaskId'>;
export type SessionId = Branded<'SessionId'>;
export type OpId = Branded<'OpId'>;

/** Agents go by their name, which is durable; a process of theirs is a session. */
export type AgentName = Branded<'AgentName'>;

/** Position in the one order of all events. 0 is before the first. */
export type Seq = number;

/** A path from the root of the worktree, `/`-separated, never outside it. */
export type RelativePath = Branded<'RelativePath'>;

/** Hex SHA-256 of a file's bytes. */
export type ContentHash = Branded<'ContentHash'>;

/* ------------------------------------------------------------------ the plan, as a file states it */

export type TaskStatus = 'todo' | 'doing' | 'done' | 'failed';

export interface PlanTask {
  readonly id: TaskId;
  readonly description: string;
  readonly status: TaskStatus;
  readonly dependsOn: readonly TaskId[];
  /** Zero-based line of the task in its file. */
  readonly line: number;
}

export interface PlanWave {
  readonly number: number;
  readonly tasks: readonly PlanTask[];
}

/** A place in a text where something is wrong; lines and columns count from zero. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  readonly length: number;
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
}

/** What a workflow file says, whatever its format. */
export interface Plan {
  readonly id: WorkflowId;
  readonly name: string;
  /** The wave under way: 0 before the first was started. */
  readonly wave: number;
  readonly waveCount: number;
  readonly waves: readonly PlanWave[];
}

/* ------------------------------------------------------------------ rows */

export interface WorkflowRow {
  readonly id: WorkflowId;
  readonly name: string;
  /** The one file that this workflow is bound to. */
  readonly file: RelativePath;
  /** Name of the linked worktree that holds the file; empty for the main one. */
  readonly worktree: string;
  readonly wave: number;
  readonly waveCount: number;
  readonly status: 'active' | 'completed';
}

export type RunStatus =
  'queued' | 'running' | 'completed' | 'error' | 'killed' | 'cancelled' | 'lost';

export interface RunRow {
  readonly id: RunId;
  readonly title: string;
  readonly status: RunStatus;
  readonly dependsOn: readonly RunId[];
  readonly workflow: WorkflowId | null;
  readonly wave: number | null;
  readonly task: TaskId | null;
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly createdAt: number;
}

/**
 * An edit of a workflow file that a transaction has promised and nobody has confirmed yet. It says what
 * the file shall say, not which bytes, so that applying it twice is the same as once.
 */
export interface PendingWrite {
  readonly workflow: WorkflowId;
  readonly file: RelativePath;
  readonly worktree: string;
  readonly edit: WorkflowEdit;
  readonly base: ContentHash;
  readonly target: ContentHash;
  readonly session: SessionId;
  readonly since: number;
}

export interface WorkflowEdit {
  readonly kind: 'wave';
  readonly wave: number;
  /** Local time as the file writes it: `YYYY-MM-DD HH:MM:SS`. */
  readonly updated: string;
}

/** Who holds a workflow file's lockfile. Evidence for people; the lockfile itself is the guard. */
export interface GuardRow {
  readonly file: RelativePath;
  readonly worktree: string;
  readonly holder: Holder;
}

export interface Holder {
  readonly agent: AgentName;
  readonly session: SessionId;
  readonly host: string;
  readonly pid: number;
  readonly since: number;
}

/* ------------------------------------------------------------------ events */

export type EventKind =
  | 'workflow.created'
  | 'workflow.advanced'
  | 'workflow.completed'
  | 'run.created'
  | 'file.intent'
  | 'file.written'
  | 'lock.acquired'
  | 'lock.released';

/** What a rule says has happened; the store adds seq, time and author. */
export interface NewEvent {
  readonly kind: EventKind;
  readonly run?: RunId;
  readonly workflow?: WorkflowId;
  readonly task?: TaskId;
  readonly resource?: string;
  /** Whatever a view needs to follow without reading rows. */
  readonly data: Readonly<Record<string, unknown>>;
}

export interface StoredEvent extends NewEvent {
  readonly v: 1;
  readonly seq: Seq;
  /** For display only; `seq` orders. */
  readonly at: number;
  readonly agent: AgentName;
  readonly session: SessionId;
  readonly opId: OpId;
}

/* ------------------------------------------------------------------ commands and answers */

/** Asks a workflow for its next wave, on the evidence of the file as the caller has read it under lock. */
export interface AdvanceWave {
  readonly kind: 'wave.advance';
  readonly plan: Plan;
  readonly file: RelativePath;
  readonly worktree: string;
  /** The wave that the asker saw; a plan that has moved on since is a `conflict`. */
  readonly seen?: number;
  readonly force?: { readonly reason: string };
  /** The write that follows when the answer is yes. */
  readonly write: {
    readonly base: ContentHash;
    readonly target: ContentHash;
    readonly updated: string;
  };
}

/** Confirms that a pending write has reached the file. Confirming what is already confirmed is fine. */
export interface ConfirmWrite {
  readonly kind: 'file.confirm';
  readonly workflow: WorkflowId;
  readonly target: ContentHash;
  /** What the file holds now; another program may have edited beside us. */
  readonly hash: ContentHash;
}

export interface HoldGuard {
  readonly kind: 'guard.hold';
  readonly file: RelativePath;
  readonly worktree: string;
  readonly holder: Holder;
}

export interface FreeGuard {
  readonly kind: 'guard.free';
  readonly file: RelativePath;
  readonly worktree: string;
}

export type Command = AdvanceWave | ConfirmWrite | HoldGuard | FreeGuard;

export interface AdvanceFacts {
  readonly workflow: WorkflowId;
  readonly from: number;
  readonly to: number;
  readonly completed: boolean;
  readonly runs: readonly RunRow[];
  readonly carriedOver: readonly RunId[];
}

/** What each kind of command answers when it is granted. */
export interface Granted {
  'wave.advance': AdvanceFacts;
  'file.confirm': { readonly confirmed: boolean };
  'guard.hold': Nothing;
  'guard.free': Nothing;
}

/** An object of which nothing more is known, or needed. */
export type Nothing = Readonly<Record<string, never>>;

export interface Blocker {
  readonly task: TaskId;
  readonly run?: RunId;
  readonly status: TaskStatus | RunStatus;
  readonly why: string;
}

export interface Denial {
  readonly resource: string;
  readonly holder: {
    readonly id: string;
    readonly name: string;
    readonly description: string;
    readonly since?: number;
  };
}

/** A refusal is an answer, not a failure: a stable code, a sentence, and all the facts behind it. */
export type Refusal =
  | {
      readonly code: 'wave_incomplete';
      readonly message: string;
      readonly blockers: readonly Blocker[];
    }
  | {
      readonly code: 'invalid_workflow';
      readonly message: string;
      readonly problems: readonly Problem[];
    }
  | {
      readonly code: 'lock_denied';
      readonly message: string;
      readonly denials: readonly Denial[];
      readonly retryAfterMs: number;
    }
  | { readonly code: 'unknown_workflow'; readonly message: string }
  | { readonly code: 'invalid_transition'; readonly message: string }
  | { readonly code: 'conflict'; readonly message: string }
  | { readonly code: 'bad_input'; readonly message: string };

export type RefusalCode = Refusal['code'];

/** `at` is the head of the event order when the answer was decided. */
export type Answer<Facts> =
  | { readonly ok: true; readonly at: Seq; readonly facts: Facts }
  | { readonly ok: false; readonly at: Seq; readonly refusal: Refusal };

/* ------------------------------------------------------------------ how a rule talks to a store */

/** The only questions a rule may ask. Each engine answers all of them by index. */
export interface RowQueries {
  workflow: { readonly ask: { readonly id: WorkflowId }; readonly rows: WorkflowRow | null };
  /** The newest run of each task. */
  newestRuns: { readonly ask: { readonly workflow: WorkflowId }; readonly rows: readonly RunRow[] };
  pending: { readonly ask: { readonly workflow: WorkflowId }; readonly rows: PendingWrite | null };
  guard: {
    readonly ask: { readonly file: RelativePath; readonly worktree: string };
    readonly rows: GuardRow | null;
  };
}

export type RowQuery = {
  [Name in keyof RowQueries]: { readonly rows: Name } & RowQueries[Name]['ask'];
}[keyof RowQueries];

export type RowChange =
  | { readonly put: 'workflow'; readonly row: WorkflowRow }
  | { readonly put: 'run'; readonly row: RunRow }
  | { readonly put: 'pending'; readonly row: PendingWrite }
  | { readonly drop: 'pending'; readonly workflow: WorkflowId }
  | { readonly put: 'guard'; readonly row: GuardRow }
  | { readonly drop: 'guard'; readonly file: RelativePath; readonly worktree: string };

export interface Changes<Facts> {
  readonly facts: Facts;
  readonly changes: readonly RowChange[];
  readonly events: readonly NewEvent[];
}

/** A rule asks for rows one query at a time and ends in changes or a refusal. */
export type Decision<Facts> = Generator<
  RowQuery,
  Changes<Facts> | Refusal,
  RowQueries[keyof RowQueries]['rows']
>;

/** Everything a rule may know of the world. */
export interface Context {
  readonly now: number;
  readonly session: SessionId;
  readonly agent: AgentName;
  newRunId(): RunId;
}
