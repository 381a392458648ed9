/**
 * What has happened, in one order. Every row except sightings and rates can be rebuilt from events: an
 * event carries the whole row as it is afterwards, except a beat, which is frequent and carries its change.
 * No event ever holds a claim's token; rows hold its digest only.
 */
import type {
  AgentName,
  AgentRow,
  Beat,
  ConfigRow,
  ConfigValue,
  ConflictRow,
  ContentHash,
  EditId,
  Evidence,
  FileEdit,
  FileIntent,
  Holder,
  LockId,
  LockRow,
  OpId,
  RelativePath,
  RunId,
  RunRow,
  Seq,
  SessionId,
  SessionRow,
  SlotWaiterRow,
  StructuredDiff,
  TaskId,
  TaskRow,
  TaskStatus,
  WaiterId,
  WaiterRow,
  WorkflowId,
  WorkflowRow,
} from './model';
import type { Blocker } from './commands';

interface RunAfter {
  readonly row: RunRow;
}

interface RunEnded extends RunAfter {
  /** A failed end that no further attempt follows. */
  readonly exhausted?: boolean;
}

interface LockGone {
  readonly lock: LockId;
  readonly agent: AgentName;
}

export interface EventData {
  'run.created': RunAfter;
  'run.claimed': RunAfter & {
    /** The waiter whose turn it was; it leaves the queue with this event. */
    readonly waiter?: WaiterId;
  };
  'run.beat': { readonly epoch: number; readonly beat: Beat; readonly leaseUntil: number };
  'run.completed': RunAfter & {
    /** Dependents with what they still wait for; an empty list makes one claimable. */
    readonly released: readonly { readonly run: RunId; readonly unmet: readonly RunId[] }[];
  };
  'run.failed': RunEnded;
  'run.killed': RunEnded & { readonly evidence?: Evidence };
  'run.cancelled': RunEnded;
  'run.lost': RunEnded & { readonly evidence: Evidence };
  /** Says of an ended run that `next` follows it; `next` has its own `run.created`. */
  'run.retried': {
    readonly next: RunId;
    readonly attempt: number;
    readonly notBefore: number | null;
    readonly automatic: boolean;
    readonly reason: string | null;
  };
  'run.cancel_requested': RunAfter;
  /** Parent, dependencies, links or handoff note changed; never the status. */
  'run.changed': RunAfter & { readonly what: 'parent' | 'dependencies' | 'handoff' };
  'run.archived': { readonly runs: readonly RunId[] };
  'slot.queued': { readonly row: SlotWaiterRow };
  'slot.dropped': {
    readonly waiter: WaiterId;
    readonly agent: AgentName;
    readonly why: 'silent' | 'withdrawn' | 'process-gone' | 'agent-left';
  };
  'agent.registered': { readonly row: AgentRow };
  /** A sign of life of an agent and of the session that the event names; at most one in 30 s. */
  'agent.seen': { readonly seen: Beat };
  'agent.left': { readonly forced: boolean };
  'agent.swept': { readonly silentMs: number };
  'session.started': { readonly row: SessionRow };
  'session.ended': { readonly why: 'closed' | 'process-gone' | 'other-boot' };
  'lock.acquired':
    | { readonly row: LockRow; readonly waiter?: WaiterId }
    | { readonly guard: true; readonly worktree: string; readonly holder: Holder };
  'lock.refreshed': { readonly row: LockRow; readonly waiter?: WaiterId };
  'lock.upgraded': { readonly row: LockRow; readonly waiter?: WaiterId };
  'lock.released': LockGone | { readonly guard: true; readonly worktree: string };
  'lock.expired': LockGone & { readonly evidence: Evidence };
  'lock.broken': LockGone & { readonly reason: string };
  /** Also every renewal of a waiter. */
  'lock.queued': { readonly row: WaiterRow };
  'lock.offered': { readonly row: WaiterRow };
  'lock.dropped': {
    readonly waiter: WaiterId;
    readonly agent: AgentName;
    readonly why: 'silent' | 'withdrawn' | 'agent-left' | 'deadlock';
  };
  'workflow.created': { readonly row: WorkflowRow };
  'workflow.advanced': {
    readonly from: number;
    readonly to: number;
    readonly row: WorkflowRow;
    readonly carriedOver: readonly RunId[];
    readonly forced?: string;
    readonly blockers?: readonly Blocker[];
  };
  'workflow.completed': EventData['workflow.advanced'];
  /** Bound to another file, or to this one by a person's word. */
  'workflow.bound': {
    readonly row: WorkflowRow;
    readonly from: { readonly file: RelativePath; readonly worktree: string } | null;
  };
  'task.changed': {
    readonly row: TaskRow;
    readonly from: TaskStatus | null;
    /** Queued runs that had waited for its runs, and for which of them. */
    readonly freed?: readonly Freed[];
  };
  'note.added': { readonly text: string };
  /**
   * Of the event `undoes`, of the operation `op`; `row` is the workflow as it is without it. A task's own event tells
   * how the task stands again.
   */
  'change.undone': {
    readonly undoes: Seq;
    readonly op: OpId;
    readonly what: 'task' | 'note' | 'wave';
    readonly row: WorkflowRow;
  };
  /** What the file shall say; `replaces` what was promised before and is void with it. */
  'file.pending': { readonly row: FileEdit; readonly replaces: readonly EditId[] };
  'file.intent':
    | { readonly row: FileIntent; readonly replaces: readonly ContentHash[] }
    /** Written by older versions, for promise and intent in one. */
    | {
        readonly base: ContentHash;
        readonly target: ContentHash;
        readonly edit: { readonly wave: number };
      };
  'file.written':
    | {
        readonly row: WorkflowRow;
        readonly base: ContentHash;
        readonly target: ContentHash;
        readonly edits: readonly EditId[];
      }
    | { readonly base: ContentHash; readonly target: ContentHash; readonly hash: ContentHash };
  'file.restored': {
    readonly row: WorkflowRow;
    readonly base: ContentHash;
    readonly target: ContentHash;
    readonly edits: readonly EditId[];
    readonly backup: string;
  };
  'file.imported': {
    readonly row: WorkflowRow;
    readonly from: ContentHash | null;
    readonly diff: StructuredDiff;
    /** Edits of ours that the person has overruled. */
    readonly overruled: readonly EditId[];
  };
  'file.rebased': { readonly row: WorkflowRow; readonly from: ContentHash | null };
  'file.conflict': { readonly row: ConflictRow; readonly edits: readonly EditId[] };
  'config.set': { readonly row: ConfigRow | null; readonly before: ConfigValue | null };
}

/** A queued run that waits for these no more. */
export interface Freed {
  readonly run: RunId;
  readonly from: readonly RunId[];
}

export type EventKind = keyof EventData;

/** What an event is about. */
export interface EventSubject {
  readonly run?: RunId;
  readonly workflow?: WorkflowId;
  readonly task?: TaskId;
  readonly resource?: string;
  /** An agent or session that is not the speaker. */
  readonly about?: AgentName | SessionId;
}

/** What a rule says has happened; the store adds seq, time and author. */
export type NewEvent = {
  [Kind in EventKind]: EventSubject & { readonly kind: Kind; readonly data: EventData[Kind] };
}[EventKind];

export interface EventHeader {
  readonly v: 1;
  readonly seq: Seq;
  /** For display only; `seq` orders. */
  readonly at: number;
  readonly agent: AgentName;
  readonly session: SessionId;
  readonly opId: OpId;
}

export type StoredEvent = NewEvent & EventHeader;

export type EventOf<Kind extends EventKind> = Extract<StoredEvent, { kind: Kind }>;
