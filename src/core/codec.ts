/**
 * unknown ⇄ model. Rows and events come back from disk as text that another version, another program or
 * a bad disk may have written; here they are parsed once, and trusted inside. Fields that a newer version
 * has added survive a round trip.
 */
import type {
  AgentRow,
  ConfigRow,
  ConflictRow,
  CounterRow,
  EventKind,
  FileEdit,
  FileIntent,
  GuardRow,
  Holder,
  LockNote,
  LockRow,
  RateRow,
  RunRow,
  SessionRow,
  SightingRow,
  SlotWaiterRow,
  StoredEvent,
  TaskRow,
  WaiterRow,
  WorkflowRow,
} from './model';
import {
  byKind,
  either,
  isRecord,
  list,
  nullable,
  number,
  object,
  oneOf,
  optional,
  positive,
  present,
  text,
  whole,
  type Misfit,
  type Shape,
} from './shape';

/* ------------------------------------------------------------------ rows: loose at every level */

const texts = list(text);
const instant = number;
const duration = positive;

const beat = object({
  host: text,
  bootId: text,
  mono: number,
  wall: instant,
  server: nullable(instant),
});
const processIdentity = object({
  host: text,
  bootId: text,
  pidNamespace: text,
  pid: whole,
  startTime: text,
});

const workflowRow = object({
  id: text,
  name: text,
  file: text,
  worktree: text,
  wave: whole,
  waveCount: whole,
  status: oneOf('active', 'completed'),
  hash: optional(text),
  head: optional(nullable(text)),
  editing: optional(oneOf('full', 'checkbox', 'none')),
});

const taskStatus = oneOf('todo', 'doing', 'done', 'failed');
const taskRow = object({
  workflow: text,
  task: text,
  status: taskStatus,
  by: oneOf('hand', 'set', 'run'),
  agent: text,
  since: instant,
  commit: nullable(text),
  files: texts,
  error: nullable(text),
});

const runStatus = oneOf('queued', 'running', 'completed', 'error', 'killed', 'cancelled', 'lost');
const linkRow = object({ kind: oneOf('log', 'artefact', 'page'), target: text });
const runRow = object({
  id: text,
  title: text,
  status: runStatus,
  parent: nullable(text),
  dependsOn: texts,
  unmet: texts,
  workflow: nullable(text),
  wave: nullable(whole),
  task: nullable(text),
  priority: number,
  attempt: whole,
  maxAttempts: whole,
  backoff: object({ baseMs: duration, capMs: duration }),
  notBefore: nullable(instant),
  timeoutMs: nullable(duration),
  createdAt: instant,
  startedAt: nullable(instant),
  endedAt: nullable(instant),
  claim: nullable(
    object({
      agent: text,
      session: text,
      epoch: whole,
      tokenDigest: text,
      leaseMs: duration,
      leaseUntil: instant,
      beat,
      started: beat,
      process: nullable(processIdentity),
    }),
  ),
  epoch: whole,
  stop: nullable(
    object({
      directive: oneOf('cancel', 'kill'),
      reason: nullable(text),
      by: text,
      asked: beat,
      graceMs: duration,
    }),
  ),
  result: present,
  error: nullable(object({ code: text, message: text })),
  reason: nullable(text),
  retryOf: nullable(text),
  root: text,
  handoff: nullable(text),
  links: list(linkRow),
});

const agentKind = oneOf('window', 'terminal', 'worker', 'mcp', 'other');
const agentRow = object({
  id: text,
  name: text,
  kind: agentKind,
  description: text,
  registeredAt: instant,
  seen: beat,
});
const sessionRow = object({
  id: text,
  agent: text,
  process: processIdentity,
  startedAt: instant,
  seen: beat,
});

const lockMode = oneOf('read', 'write');
const lockKey = {
  resource: text,
  kind: oneOf('path', 'symbol', 'glob', 'task', 'workspace'),
  anchor: text,
  worktree: nullable(text),
};
const lockRow = object({
  ...lockKey,
  id: text,
  mode: lockMode,
  agent: text,
  session: text,
  fence: whole,
  since: instant,
  grant: beat,
  ttlMs: duration,
  expiresAt: instant,
  hash: nullable(text),
});
const waiterRow = object({
  id: text,
  agent: text,
  session: text,
  requests: list(object({ ...lockKey, mode: lockMode, hash: nullable(text) })),
  ttlMs: duration,
  since: instant,
  renewed: beat,
  offer: nullable(object({ made: beat, ttlMs: duration })),
});
const slotWaiterRow = object({
  id: text,
  agent: text,
  session: text,
  workflow: nullable(text),
  run: nullable(text),
  since: instant,
  renewed: beat,
  process: nullable(processIdentity),
});
const sightingRow = object({
  observer: text,
  subject: text,
  beat,
  mono: number,
  wall: instant,
});
const rateRow = object({ key: text, tokens: number, at: beat });
const configValue = either(number, text, texts);
const configRow = object({ key: text, value: configValue });
const counterRow = object({ name: oneOf('fence'), value: whole });

const fileChange = byKind({
  wave: object({ wave: whole }),
  task: object({
    cause: oneOf('set', 'run'),
    task: text,
    status: taskStatus,
    commit: optional(nullable(text)),
    files: optional(nullable(texts)),
    error: optional(nullable(text)),
  }),
  note: object({ by: text, text }),
  merge: object({ base: text, mine: text }),
});
const fileEdit = object({
  id: text,
  workflow: text,
  change: fileChange,
  session: text,
  since: instant,
});
const fileIntent = object({
  workflow: text,
  target: text,
  base: text,
  known: text,
  edits: texts,
  restores: nullable(text),
  session: text,
  shared: optional(oneOf(true)),
  since: instant,
});
const conflictRow = object({
  id: text,
  workflow: text,
  base: text,
  mine: text,
  theirs: text,
  diff: object({ added: texts, removed: texts, modified: texts }),
  since: instant,
  resolved: nullable(oneOf('mine', 'theirs', 'merged')),
});

const holder = object({
  agent: text,
  session: text,
  host: text,
  pid: whole,
  since: instant,
  bootId: optional(text),
  pidNamespace: optional(text),
  startTime: optional(text),
  tookOver: optional(object({ why: text, host: nullable(text), pid: nullable(whole) })),
});
const lockNote = object({ lock: text, process: processIdentity });
const guardRow = object({ file: text, worktree: text, holder });

const runAfter = object({ row: runRow });
const runCompleted = object({
  row: runRow,
  released: list(object({ run: text, unmet: texts })),
});
const lockGone = object({ lock: text });
const lockAfter = object({ row: lockRow });
const lockWaits = object({ row: waiterRow });
const leftQueue = object({ waiter: text });
const workflowAfter = object({ row: workflowRow });
const guardPlace = { guard: oneOf(true), worktree: text };
const anything = object({});

/** Of each kind what a view is built from. The rest is shown as it was written. */
const eventData: { readonly [Kind in EventKind]: Shape } = {
  'run.created': runAfter,
  'run.claimed': runAfter,
  'run.beat': object({ beat, leaseUntil: instant }),
  'run.completed': runCompleted,
  'run.failed': runAfter,
  'run.killed': runAfter,
  'run.cancelled': runAfter,
  'run.lost': runAfter,
  'run.retried': anything,
  'run.cancel_requested': runAfter,
  'run.changed': runAfter,
  'run.archived': object({ runs: texts }),
  'slot.queued': object({ row: slotWaiterRow }),
  'slot.dropped': leftQueue,
  'agent.registered': object({ row: agentRow }),
  'agent.seen': object({ seen: beat }),
  'agent.left': anything,
  'agent.swept': anything,
  'session.started': object({ row: sessionRow }),
  'session.ended': anything,
  'lock.acquired': either(lockAfter, object({ ...guardPlace, holder })),
  'lock.refreshed': lockAfter,
  'lock.upgraded': lockAfter,
  'lock.released': either(lockGone, object(guardPlace)),
  'lock.expired': lockGone,
  'lock.broken': lockGone,
  'lock.queued': lockWaits,
  'lock.offered': lockWaits,
  'lock.dropped': leftQueue,
  'workflow.created': workflowAfter,
  'workflow.advanced': workflowAfter,
  'workflow.completed': workflowAfter,
  'workflow.bound': workflowAfter,
  'task.changed': object({ row: taskRow }),
  'note.added': anything,
  'change.undone': object({ undoes: whole, op: text, row: workflowRow }),
  'file.pending': object({ row: fileEdit, replaces: texts }),
  'file.intent': either(
    object({ row: fileIntent, replaces: texts }),
    object({ base: text, target: text, edit: object({ wave: whole }) }),
  ),
  'file.written': either(
    object({ row: workflowRow, target: text, edits: texts }),
    object({ target: text, hash: text }),
  ),
  'file.restored': object({ row: workflowRow, target: text, edits: texts }),
  'file.imported': object({ row: workflowRow, overruled: texts }),
  'file.rebased': workflowAfter,
  'file.conflict': object({ row: conflictRow, edits: texts }),
  'config.set': object({ row: nullable(configRow) }),
};

/** Kinds stay open: a newer version's events are kept, and moved past by `evolve`. */
const storedEvent = object({
  v: oneOf(1),
  seq: whole,
  at: instant,
  kind: text,
  agent: text,
  session: text,
  opId: text,
  data: object({}),
});

/** Thrown when stored text is not what it should be; the store names the place. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

// The brands say "this came through the codec", so this is the one place that gives them.
export const decodeWorkflow = decoder<WorkflowRow>('workflow', workflowRow);
export const decodeRun = decoder<RunRow>('run', runRow);
export const decodeAgent = decoder<AgentRow>('agent', agentRow);
export const decodeSession = decoder<SessionRow>('session', sessionRow);
export const decodeLock = decoder<LockRow>('lock', lockRow);
export const decodeWaiter = decoder<WaiterRow>('waiter', waiterRow);
export const decodeSlotWaiter = decoder<SlotWaiterRow>('slot waiter', slotWaiterRow);
export const decodeSighting = decoder<SightingRow>('sighting', sightingRow);
export const decodeRate = decoder<RateRow>('rate', rateRow);
export const decodeConfig = decoder<ConfigRow>('setting', configRow);
export const decodeCounter = decoder<CounterRow>('counter', counterRow);
export const decodeTask = decoder<TaskRow>('task', taskRow);
export const decodeFileEdit = decoder<FileEdit>('edit of a file', fileEdit);
export const decodeFileIntent = decoder<FileIntent>('intent to write', fileIntent);
export const decodeConflict = decoder<ConflictRow>('conflict', conflictRow);
export const decodeGuard = decoder<GuardRow>('guard', guardRow);
export const decodeHolder = decoder<Holder>('holder', holder);
export const decodeLockNote = decoder<LockNote>('lock note', lockNote);
const decodeAnyEvent = decoder<StoredEvent>('event', storedEvent);

export function decodeEvent(text: string): StoredEvent {
  const event = decodeAnyEvent(text);
  if (Object.hasOwn(eventData, event.kind)) {
    const misfit = eventData[event.kind](event.data);
    if (misfit) throw malformed(`${event.kind} event at ${event.seq}`, misfit);
  }
  return event;
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names what the shape vouches for
function decoder<Row>(what: string, shape: Shape): (text: string) => Row {
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new CodecError(`a ${what} is not JSON`, { cause });
    }
    const misfit = shape(value);
    if (misfit) throw malformed(what, misfit);
    // Not a copy of it: what this version does not know stays as it was.
    return value as Row;
  };
}

function malformed(what: string, { path, wanted }: Misfit): CodecError {
  return new CodecError(`a ${what} is malformed: ${path.join('.') || 'it'} is not ${wanted}`);
}

/** JSON with the keys of every object in order, so that equal values have equal text and equal hashes. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isRecord(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
