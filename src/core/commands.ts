/**
 * Everything that any host can ask for, what it is granted, and how it is refused. Each union is closed:
 * `decide.ts` and the codec have one entry for each member and do not compile without it. Long because it is a
 * list: whoever looks for what can be asked finds all of it here.
 */
import type { EventKind } from './events';
import type {
  AgentId,
  AgentKind,
  AgentName,
  AgentRow,
  Backoff,
  ClaimToken,
  ConfigKey,
  ConfigValue,
  ConflictId,
  ConflictRow,
  ContentHash,
  EditId,
  FileEditing,
  Holder,
  Json,
  Link,
  LockId,
  LockMode,
  Plan,
  Problem,
  RelativePath,
  RunId,
  RunRow,
  RunStatus,
  Seq,
  SessionId,
  StructuredDiff,
  TaskChange,
  TaskId,
  TaskRow,
  TaskStatus,
  WaiterId,
  WorkflowId,
  WorkflowRow,
} from './model';

/* ------------------------------------------------------------------ runs */

/** Makes runs that wait to be claimed: `count` equal ones, or one. */
export interface CreateRuns {
  readonly kind: 'run.create';
  readonly title: string;
  readonly count?: number;
  readonly parent?: RunId;
  readonly dependsOn?: readonly RunId[];
  readonly workflow?: WorkflowId;
  readonly wave?: number;
  readonly task?: TaskId;
  readonly priority?: number;
  readonly maxAttempts?: number;
  readonly backoff?: Backoff;
  readonly notBefore?: number;
  readonly timeoutMs?: number;
  readonly links?: readonly Link[];
}

/** Asks for work. With `waiter`, a claim that cannot be granted waits in line; asking again renews it. */
export interface ClaimRun {
  readonly kind: 'run.claim';
  readonly run?: RunId;
  readonly workflow?: WorkflowId;
  readonly leaseMs?: number;
  readonly waiter?: WaiterId;
  /** The waiter stood in line before: if its place is gone by now, the answer says `dropped`. */
  readonly renewal?: boolean;
  /** The speaker's process will heartbeat by itself: a short lease, and its death may be judged. */
  readonly program?: boolean;
  /** Makes the run that it takes, so that nobody can take it in between. Refused, nothing is made. */
  readonly create?: NewRun;
}

/** A run that is claimed as it is made: it waits for nothing. */
export type NewRun = Omit<CreateRuns, 'kind' | 'count' | 'dependsOn' | 'notBefore'>;

/** Ends a waiting claim; one that is not there any more is fine. */
export interface LeaveSlotQueue {
  readonly kind: 'run.unwait';
  readonly waiter: WaiterId;
}

export interface HeartbeatRun {
  readonly kind: 'run.heartbeat';
  readonly run: RunId;
  readonly token: ClaimToken;
}

export interface CompleteRun {
  readonly kind: 'run.complete';
  readonly run: RunId;
  readonly token: ClaimToken;
  readonly result?: Json;
  readonly links?: readonly Link[];
}

export interface FailRun {
  readonly kind: 'run.fail';
  readonly run: RunId;
  readonly token: ClaimToken;
  readonly error: { readonly code?: string; readonly message: string };
  readonly links?: readonly Link[];
  /** How the holder ended: by its own failure, or because it was told or killed by a signal. */
  readonly as?: 'error' | 'killed' | 'cancelled';
}

export interface CancelRun {
  readonly kind: 'run.cancel';
  readonly run: RunId;
  readonly reason?: string;
}

/** Like cancel, but the holder is told to stop at once; a queued run ends killed. */
export interface KillRun {
  readonly kind: 'run.kill';
  readonly run: RunId;
  readonly reason?: string;
}

/** A new attempt by hand, also past `maxAttempts`. */
export interface RetryRun {
  readonly kind: 'run.retry';
  readonly run: RunId;
  readonly reason?: string;
}

/** Adds a parent or dependencies to a queued run, unless that would close a cycle. */
export interface LinkRun {
  readonly kind: 'run.link';
  readonly run: RunId;
  readonly parent?: RunId;
  readonly dependsOn?: readonly RunId[];
}

/** Leaves a note for the next attempt. A running run takes it from its holder only. */
export interface HandOffRun {
  readonly kind: 'run.handoff';
  readonly run: RunId;
  readonly token?: ClaimToken;
  readonly note: string;
}

/** Confirms that `archived` are durable in the archive, and chooses what may follow them. */
export interface RetentionStep {
  readonly kind: 'retention.step';
  readonly archived: readonly RunId[];
}

/** Expires whatever is over: leases, locks, waiters, offers, timeouts, graces, silent agents. At most 500. */
export interface Sweep {
  readonly kind: 'sweep';
}

/* ------------------------------------------------------------------ agents and sessions */

/** Registers a name, or describes it anew. */
export interface RegisterAgent {
  readonly kind: 'agent.register';
  readonly name: AgentName;
  readonly agentKind?: AgentKind;
  readonly description?: string;
}

export interface TouchAgent {
  readonly kind: 'agent.touch';
}

export interface LeaveAgent {
  readonly kind: 'agent.leave';
  /** The speaker when missing. */
  readonly agent?: AgentName;
  /** Makes the runs that it holds lost. */
  readonly force?: boolean;
}

export interface StartSession {
  readonly kind: 'session.start';
}

export interface EndSession {
  readonly kind: 'session.end';
}

/* ------------------------------------------------------------------ locks */

export interface LockWish {
  readonly resource: string;
  readonly mode?: LockMode;
  /** What the caller read from the file just now. */
  readonly hash?: ContentHash | null;
}

/** All of them or none. With `waiter` a denied acquire waits in line; asking again renews it. */
export interface AcquireLocks {
  readonly kind: 'lock.acquire';
  readonly wishes: readonly LockWish[];
  /** Worktree of the caller, '' for the main one. */
  readonly worktree: string;
  /** Over all worktrees. */
  readonly shared?: boolean;
  readonly ttlMs?: number;
  readonly waiter?: WaiterId;
  /** The waiter stood in line before: if its place is gone by now, the answer says `dropped`. */
  readonly renewal?: boolean;
}

export interface ReleaseLocks {
  readonly kind: 'lock.release';
  readonly resources: readonly string[] | 'all';
  readonly worktree: string;
  readonly shared?: boolean;
}

/** Leaves the queue; a waiter that is not there any more is fine. */
export interface LeaveLockQueue {
  readonly kind: 'lock.unwait';
  readonly waiter: WaiterId;
}

/** Takes a lock from whoever holds it; audited, and the holder is told. */
export interface BreakLock {
  readonly kind: 'lock.break';
  readonly resource: string;
  readonly worktree: string;
  readonly shared?: boolean;
  readonly reason: string;
}

/** Does the speaker hold write locks on these, and do the files still say what they said? */
export interface VerifyLocks {
  readonly kind: 'lock.verify';
  readonly wishes: readonly LockWish[];
  readonly worktree: string;
  readonly shared?: boolean;
}

/* ------------------------------------------------------------------ limits and settings */

/** May this notification be shown now? Decided in the transaction, so that windows do not repeat each other. */
export interface TakeNotification {
  readonly kind: 'notification.take';
  readonly about: string;
}

export interface SetConfig {
  readonly kind: 'config.set';
  readonly key: ConfigKey;
  /** null brings the default back. */
  readonly value: ConfigValue | null;
}

/* ------------------------------------------------------------------ workflow files */

/** A workflow's file as the speaker has just read it, under its lockfile. */
export interface FileSight {
  readonly workflow: WorkflowId;
  readonly name: string;
  readonly wave: number;
  readonly waveCount: number;
  readonly file: RelativePath;
  readonly worktree: string;
  readonly hash: ContentHash;
  /** Where git stands; null outside of git. */
  readonly head: string | null;
  readonly editing: FileEditing;
}

/** Asks a workflow for its next wave, on the evidence of the file as the caller has read it under lock. */
export interface AdvanceWave {
  readonly kind: 'wave.advance';
  readonly plan: Plan;
  readonly sight: FileSight;
  /** The wave that the asker saw; a plan that has moved on since is a `conflict`. */
  readonly seen?: number;
  readonly force?: { readonly reason: string };
}

/** Says where a task stands, in the file and in the store. */
export interface SetTask {
  readonly kind: 'task.set';
  readonly sight: FileSight;
  readonly change: TaskChange;
  /** As the file has it now. */
  readonly present: TaskStatus;
  /** What the asker saw; a task that has moved on since is a `conflict`. */
  readonly seen?: TaskStatus;
  /** Of the task's run, which must be the speaker's while it is running. */
  readonly token?: ClaimToken;
}

export interface AddNote {
  readonly kind: 'note.add';
  readonly sight: FileSight;
  readonly text: string;
}

/** Takes back what the speaker has done last to a workflow, where nothing has been built on it. */
export interface UndoChange {
  readonly kind: 'change.undo';
  readonly sight: FileSight;
  readonly plan: Plan;
  /** The change that the asker found; null when it found none, and another by now is a `conflict`. */
  readonly undoes: Seq | null;
  /**
   * What the file said with the change and without it, both kept by their hashes beside the store; null when the
   * change has no place in the file. Unfit: the text before is lost, or does not go together with what came since.
   */
  readonly file:
    | null
    | { readonly with: ContentHash; readonly without: ContentHash }
    | { readonly unfit: 'lost' | 'apart' };
  /** Of the task's run, which must be the speaker's while it is running. */
  readonly token?: ClaimToken;
}

/** Binds a workflow to this very file: asked for by a person, or because the file has moved. */
export interface BindWorkflow {
  readonly kind: 'workflow.bind';
  readonly sight: FileSight;
  /** The row as the asker knows it; null when it knows none. */
  readonly from: { readonly file: RelativePath; readonly worktree: string } | null;
}

/** A task whose box the file shows otherwise than before. */
export interface TaskMoved {
  readonly task: TaskId;
  /** Null when the file had no such task. */
  readonly from: TaskStatus | null;
  readonly to: TaskStatus;
}

/** Tells of a content that none of us has written. Compared with the last known one, so that it is told once. */
export interface ImportFile {
  readonly kind: 'file.import';
  readonly sight: FileSight;
  /** The content that the store knows; null when it knows none. */
  readonly from: ContentHash | null;
  /** By a person, or by git, which speaks of no single task. */
  readonly how: 'hand' | 'git';
  readonly tasks: readonly TaskMoved[];
  readonly diff: StructuredDiff;
  /** What the import would lose of ours, to be brought back: the person saved what was read before it. */
  readonly lost?: { readonly base: ContentHash; readonly mine: ContentHash };
}

/** Announces bytes. Granted only to who knows the content that the store knows. */
export interface IntendWrite {
  readonly kind: 'file.intend';
  readonly workflow: WorkflowId;
  readonly known: ContentHash;
  readonly base: ContentHash;
  readonly target: ContentHash;
  readonly edits: readonly EditId[];
  readonly restores?: string;
  /** What the speaker has announced before and given up. */
  readonly instead?: ContentHash;
}

/** Confirms that the file says `target`, and with it `edits`. Confirming what is already confirmed is fine. */
export interface ConfirmWrite {
  readonly kind: 'file.confirm';
  readonly workflow: WorkflowId;
  readonly target: ContentHash;
  /** Beside those of its intent: what the file said already. */
  readonly edits?: readonly EditId[];
  /** After a restore: what the file says now. */
  readonly sight?: FileSight;
  readonly tasks?: readonly TaskMoved[];
}

/** Keeps two changes that do not go together for a person to decide, and gives up the edits that were one of them. */
export interface RecordConflict {
  readonly kind: 'file.conflict';
  readonly workflow: WorkflowId;
  readonly conflict: ConflictId;
  readonly base: ContentHash;
  readonly mine: ContentHash;
  readonly theirs: ContentHash;
  readonly diff: StructuredDiff;
  readonly edits: readonly EditId[];
}

export interface ResolveConflict {
  readonly kind: 'conflict.resolve';
  readonly conflict: ConflictId;
  readonly as: 'mine' | 'theirs' | 'merged';
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

export type Command =
  | CreateRuns
  | ClaimRun
  | LeaveSlotQueue
  | HeartbeatRun
  | CompleteRun
  | FailRun
  | CancelRun
  | KillRun
  | RetryRun
  | LinkRun
  | HandOffRun
  | RetentionStep
  | Sweep
  | RegisterAgent
  | TouchAgent
  | LeaveAgent
  | StartSession
  | EndSession
  | AcquireLocks
  | ReleaseLocks
  | LeaveLockQueue
  | BreakLock
  | VerifyLocks
  | TakeNotification
  | SetConfig
  | AdvanceWave
  | SetTask
  | AddNote
  | UndoChange
  | BindWorkflow
  | ImportFile
  | IntendWrite
  | ConfirmWrite
  | RecordConflict
  | ResolveConflict
  | HoldGuard
  | FreeGuard;

export type CommandOf<Kind extends Command['kind']> = Extract<Command, { kind: Kind }>;

/* ------------------------------------------------------------------ what is granted */

/** An object of which nothing more is known, or needed. */
export type Nothing = Readonly<Record<string, never>>;

export interface AdvanceFacts {
  readonly workflow: WorkflowId;
  readonly from: number;
  readonly to: number;
  readonly completed: boolean;
  readonly runs: readonly RunRow[];
  readonly carriedOver: readonly RunId[];
}

export interface HeldLock {
  readonly id: LockId;
  readonly resource: string;
  readonly mode: LockMode;
  /** The fencing token. */
  readonly token: number;
  readonly expiresAt: number;
  readonly hash: ContentHash | null;
}

export interface GrantedLock extends HeldLock {
  readonly how: 'acquired' | 'refreshed' | 'upgraded';
}

export interface EndedFacts {
  readonly run: RunRow;
  /** The automatic next attempt, if one is due. */
  readonly retry: RunRow | null;
  /** A failed end that no further attempt follows. */
  readonly exhausted: boolean;
}

export interface StopFacts extends EndedFacts {
  /** False when the run is still running and its holder has been asked to stop. */
  readonly ended: boolean;
}

/** `seq` names the event that told of the change; `from` is how it stood, `to` how it stands again. */
export type UndoneChange = { readonly seq: Seq } & (
  | {
      readonly kind: 'task';
      readonly task: TaskId;
      readonly from: TaskStatus;
      readonly to: TaskStatus;
    }
  | { readonly kind: 'note'; readonly text: string }
  | {
      readonly kind: 'wave';
      readonly from: number;
      readonly to: number;
      /** The workflow was completed, and goes on. */
      readonly completed: boolean;
    }
);

/** What each kind of command answers when it is granted. */
export interface Granted {
  'run.create': { readonly runs: readonly RunRow[] };
  'run.claim': { readonly run: RunRow; readonly token: ClaimToken };
  'run.unwait': { readonly left: boolean };
  'run.heartbeat': {
    readonly leaseUntil: number;
    readonly directive: null | 'cancel' | 'kill';
  };
  'run.complete': EndedFacts;
  'run.fail': EndedFacts;
  'run.cancel': StopFacts;
  'run.kill': StopFacts;
  'run.retry': { readonly run: RunRow };
  'run.link': { readonly run: RunRow };
  'run.handoff': { readonly run: RunRow };
  'retention.step': {
    readonly archived: readonly RunId[];
    /** To be made durable in the archive, then confirmed by the next step. Empty when nothing is due. */
    readonly next: readonly RunRow[];
  };
  sweep: {
    readonly lost: readonly RunId[];
    readonly killed: readonly RunId[];
    readonly locks: readonly LockId[];
    readonly waiters: readonly WaiterId[];
    readonly agents: readonly AgentName[];
    /** There is more than one sweep takes. */
    readonly more: boolean;
  };
  'agent.register': { readonly agent: AgentRow };
  'agent.touch': { readonly agent: AgentRow };
  'agent.leave': { readonly locks: readonly LockId[]; readonly lost: readonly RunId[] };
  'session.start': { readonly session: SessionId };
  'session.end': Nothing;
  'lock.acquire': { readonly locks: readonly GrantedLock[] };
  'lock.release': { readonly released: readonly LockId[] };
  'lock.unwait': { readonly left: boolean };
  'lock.break': { readonly broken: readonly { readonly id: LockId; readonly agent: AgentName }[] };
  'lock.verify': { readonly locks: readonly HeldLock[] };
  'notification.take': { readonly show: boolean; readonly retryAfterMs: number };
  'config.set': { readonly key: ConfigKey; readonly value: ConfigValue };
  'wave.advance': AdvanceFacts;
  'task.set': {
    readonly workflow: WorkflowId;
    readonly task: TaskRow;
    readonly from: TaskStatus;
    /** The queued run that is not needed any more. */
    readonly cancelled: RunId | null;
  };
  'note.add': { readonly workflow: WorkflowId; readonly text: string };
  'change.undo': {
    readonly workflow: WorkflowId;
    readonly undone: UndoneChange;
    /** Queued again. */
    readonly runs: readonly RunRow[];
    /** Of the wave that was taken back. */
    readonly cancelled: readonly RunId[];
  };
  'workflow.bind': { readonly workflow: WorkflowRow };
  /** Not imported: somebody else was first, and the store knows another content by now. */
  'file.import': { readonly imported: boolean; readonly cancelled: readonly RunId[] };
  'file.intend': { readonly intended: boolean };
  'file.confirm': { readonly confirmed: boolean };
  'file.conflict': { readonly conflict: ConflictRow };
  'conflict.resolve': { readonly conflict: ConflictRow };
  'guard.hold': Nothing;
  'guard.free': Nothing;
}

/** `at` is the head of the event order when the answer was decided. */
export type Answer<Facts> =
  | { readonly ok: true; readonly at: Seq; readonly facts: Facts }
  | { readonly ok: false; readonly at: Seq; readonly refusal: Refusal };

/* ------------------------------------------------------------------ how it is refused */

export interface Blocker {
  readonly task: TaskId;
  readonly run?: RunId;
  readonly status: TaskStatus | RunStatus;
  readonly why: string;
}

export interface Denial {
  readonly resource: string;
  readonly holder: {
    readonly id: AgentId | SessionId | 'unknown';
    readonly name: string;
    readonly description: string;
    readonly since?: number;
    readonly expiresAt?: number;
  };
  /** 1-based; a forecast for an asker that does not wait. Missing where there is no queue. */
  readonly queuePosition?: number;
}

/** One edge of who waits for whom. */
export interface WaitsFor {
  readonly agent: AgentName;
  readonly resource: string;
  readonly holder: AgentName;
}

export interface FileConflict {
  readonly resource: string;
  readonly lock: LockId;
  /** What the file held when the lock was taken, and what it holds now. */
  readonly base: ContentHash | null;
  readonly theirs: ContentHash | null;
  readonly change: 'added' | 'removed' | 'modified';
}

/** An event that a change is in the way of being taken back for. */
export interface BuiltOn {
  readonly seq: Seq;
  readonly kind: EventKind;
  readonly agent: AgentName;
  readonly task?: TaskId;
  readonly run?: RunId;
}

/** What each code of refusal says beside its code and message. */
export interface RefusalFacts {
  invalid_transition: { readonly run?: RunId; readonly status?: RunStatus };
  unknown_run: { readonly run: RunId };
  unknown_task: { readonly task: TaskId; readonly workflow?: WorkflowId };
  unknown_workflow: {
    readonly workflow?: WorkflowId;
    /** Several match: these. */
    readonly workflows?: readonly { readonly id: WorkflowId; readonly file: RelativePath }[];
  };
  nothing_queued: {
    readonly retryAfterMs: number;
    /** Queued runs that wait for others, for their time, or are blocked; so that "nothing" can be understood. */
    readonly waiting: {
      readonly dependencies: number;
      readonly notBefore: number;
      readonly blocked: number;
    };
    readonly queuePosition?: number;
    readonly dropped?: boolean;
  };
  no_slot: {
    readonly slots: number;
    readonly workflow: WorkflowId | null;
    readonly retryAfterMs: number;
    readonly queuePosition: number;
    /** The waiter had stopped renewing and lost its place; it stands at the end again. */
    readonly dropped?: boolean;
  };
  stale_claim: {
    readonly run: RunId;
    readonly status: RunStatus;
    /** Who holds it now, if anyone. */
    readonly agent: AgentName | null;
  };
  cycle: { readonly path: readonly string[] };
  timeout: { readonly retryAfterMs: number; readonly runs?: readonly RunSnapshot[] };
  task_busy: { readonly task: TaskId; readonly run: RunId; readonly status: RunStatus };
  run_failed: { readonly runs: readonly RunSnapshot[] };
  lock_denied: {
    readonly denials: readonly Denial[];
    readonly retryAfterMs: number;
    readonly waiter?: WaiterId;
    readonly dropped?: boolean;
  };
  lock_required: { readonly resources: readonly string[] };
  deadlock: { readonly cycle: readonly WaitsFor[] };
  /** The line that registers one. */
  agent_required: { readonly register: string };
  conflict: {
    readonly files?: readonly FileConflict[];
    readonly runs?: readonly RunId[];
    /** Listed, and to be resolved by a person. */
    readonly conflict?: ConflictId;
    readonly diff?: StructuredDiff;
    /** What was built on a change that cannot be taken back for it, in order. */
    readonly since?: readonly BuiltOn[];
  };
  invalid_workflow: { readonly problems: readonly Problem[] };
  wave_incomplete: { readonly blockers: readonly Blocker[] };
  too_many_retries: {
    readonly run: RunId;
    readonly attempt: number;
    readonly maxAttempts: number;
  };
  rate_limited: { readonly limit: number; readonly perMs: number; readonly retryAfterMs: number };
  read_only: { readonly why: string };
  too_large: { readonly path: string; readonly limit: number; readonly size: number };
  bad_input: { readonly path?: string };
}

/** An awaited run as `await` answers it. `unknown` counts as ended. */
export interface RunSnapshot {
  readonly id: RunId;
  readonly status: RunStatus | 'unknown';
  /** The attempt that decided; the newest of the chain unless `--attempt` was asked. */
  readonly attempt: RunId | null;
  readonly ended: boolean;
  readonly satisfied: boolean;
}

export type RefusalCode = keyof RefusalFacts;

/** A refusal is an answer, not a failure: a stable code, a sentence, and all the facts behind it. */
export type Refusal = {
  [Code in RefusalCode]: { readonly code: Code; readonly message: string } & RefusalFacts[Code];
}[RefusalCode];

export type RefusalOf<Code extends RefusalCode> = Extract<Refusal, { code: Code }>;
