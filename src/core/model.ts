/**
 * The words of the domain: ids, the plan, and rows as the store keeps them. Commands, refusals and answers
 * are in `commands.ts`, events in `events.ts`, what rules ask and return in `decision.ts`; all of them are
 * exported from here, so that everyone imports the one `model`.
 *
 * Types only. Ids get their brand in the codec or from `Context`; nothing here knows where rows live.
 *
 * Units: every instant is a wall-clock number of milliseconds since 1970 and ends in `At`, or is called
 * `since` or `notBefore`; every duration is milliseconds and ends in `Ms`. `null` means "none", a missing
 * field means "written by a version that did not know it" and appears in commands only.
 */
export type * from './commands';
export type * from './decision';
export type * from './events';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type RunId = Branded<'RunId'>;
export type WorkflowId = Branded<'WorkflowId'>;
export type TaskId = Branded<'TaskId'>;
export type SessionId = Branded<'SessionId'>;
export type OpId = Branded<'OpId'>;
export type AgentId = Branded<'AgentId'>;
export type LockId = Branded<'LockId'>;
/** Place in a queue; chosen by the waiter, so that a renewal and a lost answer find the same place. */
export type WaiterId = Branded<'WaiterId'>;
/** Of one promised edit of a workflow file. */
export type EditId = Branded<'EditId'>;
export type ConflictId = Branded<'ConflictId'>;

/** Proof of a claim. Only the claim's own reply holds it; the store keeps its digest. */
export type ClaimToken = Branded<'ClaimToken'>;
export type TokenDigest = Branded<'TokenDigest'>;

/** One boot of one machine. Its monotonic clock is shared by all processes and survives none. */
export type BootId = Branded<'BootId'>;
/** `host/bootId`: who has seen what. Not a process, so that short calls add up. */
export type ObserverId = Branded<'ObserverId'>;

/** The canonical text of a lock's resource, made by `parseKey` only. */
export type ResourceKey = Branded<'ResourceKey'>;

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
  /** Of a workflow of several files, the one that this is about; left out where there is only one. */
  readonly file?: string;
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

/* ------------------------------------------------------------------ clocks and processes */

/**
 * The moment of a claim, heartbeat, grant or renewal, as its maker's clocks had it. Which of them counts is
 * decided by who looks (LEASE-2 … LEASE-6).
 */
export interface Beat {
  readonly host: string;
  readonly bootId: BootId;
  /** Milliseconds of the clock that stops in suspend and never jumps; comparable within a boot only. */
  readonly mono: number;
  readonly wall: number;
  /** The database server's clock, when there is one server for all; else null. */
  readonly server: number | null;
}

/** Enough to know a process again, and to tell it from another that was given the same pid. */
export interface ProcessIdentity {
  readonly host: string;
  readonly bootId: BootId;
  readonly pidNamespace: string;
  readonly pid: number;
  /** In the unit of the operating system; compared for equality only. */
  readonly startTime: string;
}

export type Liveness = 'alive' | 'gone' | 'unknown';

/** Why something was taken to be over; kept with the event and shown to people. */
export interface Evidence {
  readonly rule:
    'same-boot' | 'other-boot' | 'other-host' | 'server-time' | 'process-gone' | 'forced';
  /** Age of the last beat on the clock that decided; null when no clock was needed. */
  readonly ageMs: number | null;
  readonly ttlMs: number;
  readonly process: Liveness;
  /** Where the holder lived, and who judged. */
  readonly host: string;
  readonly observer: ObserverId;
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
  /** Of the content that was last written by us or imported: what a change by hand is measured from. Rows of older versions lack all that follows. */
  readonly hash?: ContentHash;
  /** Where git stood then; null outside of git. */
  readonly head?: string | null;
  /** What may be changed in the file; the rest of it belongs to others. */
  readonly editing?: FileEditing;
}

/** `full`: the native file. `checkbox`: the boxes of tasks only. `none`: task states live in the store alone. */
export type FileEditing = 'full' | 'checkbox' | 'none';

/** What was last said of a task otherwise than by its runs, or by them where the file may not say it. */
export interface TaskRow {
  readonly workflow: WorkflowId;
  readonly task: TaskId;
  readonly status: TaskStatus;
  readonly by: 'hand' | 'set' | 'run';
  readonly agent: AgentName;
  readonly since: number;
  readonly commit: string | null;
  readonly files: readonly string[];
  readonly error: string | null;
}

export type RunStatus = 'queued' | 'running' | EndedStatus;
export type EndedStatus = 'completed' | 'error' | 'killed' | 'cancelled' | 'lost';

/** A JSON value as a program handed it over; never interpreted. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };

/**
 * One attempt at a piece of work. `status` only ever rises: queued, running, ended.
 *
 * Rows come from the store in the order of creation; putting a known id keeps its place, so no row needs a
 * number of its own for "oldest".
 */
export interface RunRow {
  readonly id: RunId;
  readonly title: string;
  readonly status: RunStatus;
  readonly parent: RunId | null;
  /** As given; each is satisfied by any attempt of its chain. */
  readonly dependsOn: readonly RunId[];
  /**
   * The members of `dependsOn` of which no attempt has completed yet. Kept by the transaction that completes
   * one, so that a claim finds the claimable by index. Blocked is not stored: see `blockedBy` in views.ts.
   */
  readonly unmet: readonly RunId[];
  readonly workflow: WorkflowId | null;
  readonly wave: number | null;
  readonly task: TaskId | null;
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** Not claimable before this wall-clock time. */
  readonly notBefore: number | null;
  readonly timeoutMs: number | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Set from the claim on, and kept when ended, so that a late holder can be told `stale_claim`. */
  readonly claim: ClaimRow | null;
  /** Number of claims so far; the claim's epoch is the value it made. */
  readonly epoch: number;
  readonly stop: StopRequest | null;
  readonly result: Json | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Why a person or a rule ended it. */
  readonly reason: string | null;
  readonly retryOf: RunId | null;
  /** First attempt of the chain; its own id for a first attempt. */
  readonly root: RunId;
  /** For the next attempt. */
  readonly handoff: string | null;
  readonly links: readonly Link[];
}

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** To a log, an artefact or a page: a relative path of the workspace, or an http(s) address. */
export interface Link {
  readonly kind: 'log' | 'artefact' | 'page';
  readonly target: string;
}

export interface ClaimRow {
  readonly agent: AgentName;
  readonly session: SessionId;
  readonly epoch: number;
  readonly tokenDigest: TokenDigest;
  readonly leaseMs: number;
  /** For display: `beat.wall + leaseMs`. Whether it is over, the clocks of `beat` decide. */
  readonly leaseUntil: number;
  /** The last sign of life; the claim itself is the first. */
  readonly beat: Beat;
  /** When it was claimed; timeouts count from here. */
  readonly started: Beat;
  /** The process that heartbeats by itself; null for a plain claim, whose process is gone at once. */
  readonly process: ProcessIdentity | null;
}

/** Asked of a running run, delivered by its next heartbeat; after the grace it is killed without an answer. */
export interface StopRequest {
  readonly directive: 'cancel' | 'kill';
  readonly reason: string | null;
  readonly by: AgentName;
  readonly asked: Beat;
  readonly graceMs: number;
}

export interface AgentRow {
  readonly id: AgentId;
  /** The key: agents go by their name. */
  readonly name: AgentName;
  readonly kind: AgentKind;
  readonly description: string;
  readonly registeredAt: number;
  /** Last sign of life of any session or call. */
  readonly seen: Beat;
}

export type AgentKind = 'window' | 'terminal' | 'worker' | 'mcp' | 'other';

/** One process of an agent. Dropped when it ends or is found gone. */
export interface SessionRow {
  readonly id: SessionId;
  readonly agent: AgentName;
  readonly process: ProcessIdentity;
  readonly startedAt: number;
  readonly seen: Beat;
}

export type LockMode = 'read' | 'write';
export type ResourceKind = 'path' | 'symbol' | 'glob' | 'task' | 'workspace';

/**
 * A parsed resource. `anchor` is what an index can find it by: two keys that can mean the same thing have
 * anchors of which one is equal to, or a folder above, the other (KEY-6).
 */
export interface LockKey {
  readonly resource: ResourceKey;
  readonly kind: ResourceKind;
  /** The file of a path or symbol, the folder of a glob's literal prefix, `task:ID`, or '' for the root. */
  readonly anchor: string;
  /** The linked worktree, '' for the main one; null spans all of them. */
  readonly worktree: string | null;
}

export interface LockRow extends LockKey {
  readonly id: LockId;
  readonly mode: LockMode;
  readonly agent: AgentName;
  readonly session: SessionId;
  /** Only grows, across all locks of the store. */
  readonly fence: number;
  readonly since: number;
  readonly grant: Beat;
  readonly ttlMs: number;
  /** For display: `grant.wall + ttlMs`. */
  readonly expiresAt: number;
  /** Content of the file when the lock was taken; null when it is no file, or not there. */
  readonly hash: ContentHash | null;
}

export interface LockRequest extends LockKey {
  readonly mode: LockMode;
  readonly hash: ContentHash | null;
}

/** A waiting acquire: a batch waits, is offered and is granted as a whole. In FIFO order of creation. */
export interface WaiterRow {
  readonly id: WaiterId;
  readonly agent: AgentName;
  readonly session: SessionId;
  readonly requests: readonly LockRequest[];
  readonly ttlMs: number;
  readonly since: number;
  readonly renewed: Beat;
  /** Its turn: until it is over, nobody who conflicts may overtake. */
  readonly offer: { readonly made: Beat; readonly ttlMs: number } | null;
}

/** A waiting claim, in FIFO order of creation. */
export interface SlotWaiterRow {
  readonly id: WaiterId;
  readonly agent: AgentName;
  readonly session: SessionId;
  /** What it would take: a run of this workflow, this run, or any. */
  readonly workflow: WorkflowId | null;
  readonly run: RunId | null;
  readonly since: number;
  readonly renewed: Beat;
  /** Its process, when that may be judged; null for a plain call. */
  readonly process: ProcessIdentity | null;
}

/**
 * When an observer first saw a beat that its own clock cannot date. An observation, not state: written
 * without an event, not derived from events, and never compared by `store verify`.
 */
export interface SightingRow {
  readonly observer: ObserverId;
  readonly subject: string;
  readonly beat: Beat;
  /** The observer's clocks at first sight. */
  readonly mono: number;
  readonly wall: number;
}

/** A token bucket; like a sighting, not derived from events. */
export interface RateRow {
  readonly key: string;
  readonly tokens: number;
  readonly at: Beat;
}

export interface ConfigRow {
  readonly key: ConfigKey;
  readonly value: ConfigValue;
}

export type ConfigKey =
  | 'slots'
  | `slots.${string}`
  | 'lease.claim'
  | 'lease.program'
  | 'lock.ttl'
  | 'grace'
  | 'retention.days'
  | 'retention.max'
  | 'rate.mutations'
  | 'rate.notifications'
  | 'backups.keep'
  | 'workflow.files'
  | `validate.${string}`;

export type ConfigValue = number | string | readonly string[];

/** A number that only grows; `fence` is the last fencing token that was given. */
export interface CounterRow {
  readonly name: 'fence';
  readonly value: number;
}

/**
 * An edit of a workflow file that a transaction has promised and nobody has confirmed yet. It says what
 * the file shall say, not which bytes, so that applying it twice is the same as once. Those of a workflow are
 * applied in order of creation.
 */
export interface FileEdit {
  readonly id: EditId;
  readonly workflow: WorkflowId;
  readonly change: FileChange;
  readonly session: SessionId;
  readonly since: number;
}

export type FileChange =
  | { readonly kind: 'wave'; readonly wave: number }
  | ({ readonly kind: 'task'; readonly cause: 'set' | 'run' } & TaskChange)
  | { readonly kind: 'note'; readonly by: AgentName; readonly text: string }
  /** What `mine` has that `base` had not: both are kept by their hashes beside the store. */
  | { readonly kind: 'merge'; readonly base: ContentHash; readonly mine: ContentHash };

/** What is missing stays as it is; `null` takes it away. */
export interface TaskChange {
  readonly task: TaskId;
  readonly status: TaskStatus;
  readonly commit?: string | null;
  readonly files?: readonly string[] | null;
  readonly error?: string | null;
}

/**
 * Bytes that a writer is about to give the file. It stays until they are confirmed, or until their writer
 * makes another: a file that holds a target which nobody has confirmed was written by one of us, never by a person.
 */
export interface FileIntent {
  readonly workflow: WorkflowId;
  readonly target: ContentHash;
  /** What the file held, and takes the backup. */
  readonly base: ContentHash;
  /** What the store knew as the file's content then. */
  readonly known: ContentHash;
  readonly edits: readonly EditId[];
  /** The backup whose bytes these are. */
  readonly restores: string | null;
  /** Of those who have announced these bytes, the last. */
  readonly session: SessionId;
  /** Another had announced them before, and may still write them. */
  readonly shared?: true;
  readonly since: number;
}

/** Two changes of a file that do not go together. All three texts are kept by their hashes beside the store. */
export interface ConflictRow {
  readonly id: ConflictId;
  readonly workflow: WorkflowId;
  readonly base: ContentHash;
  /** What Wavelock would have written. */
  readonly mine: ContentHash;
  /** What the file held. */
  readonly theirs: ContentHash;
  readonly diff: StructuredDiff;
  readonly since: number;
  readonly resolved: null | 'mine' | 'theirs' | 'merged';
}

/** Ids of tasks, or pieces of lines where there is no task to name. */
export interface StructuredDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
}

/**
 * What a workflow file shall say. Semantic and idempotent: carried out on the file as it is by then, and to no
 * effect where the file says so already.
 */
export type WorkflowEdit = WaveEdit | TaskEdit | NoteEdit;

interface EditBase {
  /** Local time as the file writes it: `YYYY-MM-DD HH:MM:SS`. */
  readonly updated: string;
}

export interface WaveEdit extends EditBase {
  readonly kind: 'wave';
  readonly wave: number;
}

/** Of what is left out the file keeps what it says; `null` takes it away. */
export interface TaskEdit extends EditBase {
  readonly kind: 'task';
  readonly task: TaskId;
  readonly status: TaskStatus;
  readonly commit?: string | null;
  readonly files?: readonly string[] | null;
  readonly error?: string | null;
}

/** Time, author and text together are the note: the same three again are the same note. */
export interface NoteEdit extends EditBase {
  readonly kind: 'note';
  readonly by: string;
  readonly text: string;
}

/** A plan that no file states yet. */
export interface PlanDraft {
  readonly id: WorkflowId;
  readonly name: string;
  readonly waves: readonly WaveDraft[];
}

export interface WaveDraft {
  readonly name?: string;
  readonly tasks: readonly TaskDraft[];
}

export interface TaskDraft {
  readonly id: TaskId;
  readonly description: string;
  readonly dependsOn?: readonly TaskId[];
  readonly files?: readonly string[];
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
  /** With these three it can be proven that the process is gone. Rows of older versions lack all that follows. */
  readonly bootId?: BootId;
  readonly pidNamespace?: string;
  readonly startTime?: string;
  readonly tookOver?: Takeover;
}

/** Who is about to make the lockfile at `lock`, an absolute path. */
export interface LockNote {
  readonly lock: string;
  readonly process: ProcessIdentity;
}

/** How a lockfile came from a holder that did not give it back. */
export interface Takeover {
  readonly why: 'process-gone' | 'other-boot' | 'stale';
  /** The former holder, where it was known. */
  readonly host: string | null;
  readonly pid: number | null;
}
