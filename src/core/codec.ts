/**
 * unknown ⇄ model. Rows and events come back from disk as text that another version, another program or
 * a bad disk may have written; here they are parsed once, and trusted inside. Fields that a newer version
 * has added survive a round trip.
 */
import * as z from 'zod/mini';
import { late } from './late';
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

/* ------------------------------------------------------------------ rows: loose at every level */

const texts = late(() => z.array(z.string()));
const text = late(() => z.string());
const instant = late(() => z.number());
const duration = late(() => z.number().check(z.minimum(0)));
const nullable = z.nullable;
/** Whatever JSON it is: looking into it would go as deep as a damaged row says. */
const present = late(() => z.unknown().check(z.refine((value) => value !== undefined)));

const beat = late(() =>
  z.looseObject({
    host: text(),
    bootId: text(),
    mono: z.number(),
    wall: instant(),
    server: nullable(instant()),
  }),
);
const processIdentity = late(() =>
  z.looseObject({
    host: text(),
    bootId: text(),
    pidNamespace: text(),
    pid: z.int(),
    startTime: text(),
  }),
);

const workflowRow = late(() =>
  z.looseObject({
    id: text(),
    name: text(),
    file: text(),
    worktree: text(),
    wave: z.int(),
    waveCount: z.int(),
    status: z.enum(['active', 'completed']),
    hash: z.optional(text()),
    head: z.optional(nullable(text())),
    editing: z.optional(z.enum(['full', 'checkbox', 'none'])),
  }),
);

const taskStatus = late(() => z.enum(['todo', 'doing', 'done', 'failed']));
const taskRow = late(() =>
  z.looseObject({
    workflow: text(),
    task: text(),
    status: taskStatus(),
    by: z.enum(['hand', 'set', 'run']),
    agent: text(),
    since: instant(),
    commit: nullable(text()),
    files: texts(),
    error: nullable(text()),
  }),
);

const runStatus = late(() =>
  z.enum(['queued', 'running', 'completed', 'error', 'killed', 'cancelled', 'lost']),
);
const linkRow = late(() =>
  z.looseObject({ kind: z.enum(['log', 'artefact', 'page']), target: text() }),
);
const runRow = late(() =>
  z.looseObject({
    id: text(),
    title: text(),
    status: runStatus(),
    parent: nullable(text()),
    dependsOn: texts(),
    unmet: texts(),
    workflow: nullable(text()),
    wave: nullable(z.int()),
    task: nullable(text()),
    priority: z.number(),
    attempt: z.int(),
    maxAttempts: z.int(),
    backoff: z.looseObject({ baseMs: duration(), capMs: duration() }),
    notBefore: nullable(instant()),
    timeoutMs: nullable(duration()),
    createdAt: instant(),
    startedAt: nullable(instant()),
    endedAt: nullable(instant()),
    claim: nullable(
      z.looseObject({
        agent: text(),
        session: text(),
        epoch: z.int(),
        tokenDigest: text(),
        leaseMs: duration(),
        leaseUntil: instant(),
        beat: beat(),
        started: beat(),
        process: nullable(processIdentity()),
      }),
    ),
    epoch: z.int(),
    stop: nullable(
      z.looseObject({
        directive: z.enum(['cancel', 'kill']),
        reason: nullable(text()),
        by: text(),
        asked: beat(),
        graceMs: duration(),
      }),
    ),
    result: present(),
    error: nullable(z.looseObject({ code: text(), message: text() })),
    reason: nullable(text()),
    retryOf: nullable(text()),
    root: text(),
    handoff: nullable(text()),
    links: z.array(linkRow()),
  }),
);

const agentKind = late(() => z.enum(['window', 'terminal', 'worker', 'mcp', 'other']));
const agentRow = late(() =>
  z.looseObject({
    id: text(),
    name: text(),
    kind: agentKind(),
    description: text(),
    registeredAt: instant(),
    seen: beat(),
  }),
);
const sessionRow = late(() =>
  z.looseObject({
    id: text(),
    agent: text(),
    process: processIdentity(),
    startedAt: instant(),
    seen: beat(),
  }),
);

const lockMode = late(() => z.enum(['read', 'write']));
const lockKey = {
  resource: text(),
  kind: z.enum(['path', 'symbol', 'glob', 'task', 'workspace']),
  anchor: text(),
  worktree: nullable(text()),
};
const lockRow = late(() =>
  z.looseObject({
    ...lockKey,
    id: text(),
    mode: lockMode(),
    agent: text(),
    session: text(),
    fence: z.int(),
    since: instant(),
    grant: beat(),
    ttlMs: duration(),
    expiresAt: instant(),
    hash: nullable(text()),
  }),
);
const waiterRow = late(() =>
  z.looseObject({
    id: text(),
    agent: text(),
    session: text(),
    requests: z.array(z.looseObject({ ...lockKey, mode: lockMode(), hash: nullable(text()) })),
    ttlMs: duration(),
    since: instant(),
    renewed: beat(),
    offer: nullable(z.looseObject({ made: beat(), ttlMs: duration() })),
  }),
);
const slotWaiterRow = late(() =>
  z.looseObject({
    id: text(),
    agent: text(),
    session: text(),
    workflow: nullable(text()),
    run: nullable(text()),
    since: instant(),
    renewed: beat(),
    process: nullable(processIdentity()),
  }),
);
const sightingRow = late(() =>
  z.looseObject({
    observer: text(),
    subject: text(),
    beat: beat(),
    mono: z.number(),
    wall: instant(),
  }),
);
const rateRow = late(() => z.looseObject({ key: text(), tokens: z.number(), at: beat() }));
const configValue = late(() => z.union([z.number(), text(), texts()]));
const configRow = late(() => z.looseObject({ key: text(), value: configValue() }));
const counterRow = late(() => z.looseObject({ name: z.enum(['fence']), value: z.int() }));

const fileChange = late(() =>
  z.discriminatedUnion('kind', [
    z.looseObject({ kind: z.literal('wave'), wave: z.int() }),
    z.looseObject({
      kind: z.literal('task'),
      cause: z.enum(['set', 'run']),
      task: text(),
      status: taskStatus(),
      commit: z.optional(nullable(text())),
      files: z.optional(nullable(texts())),
      error: z.optional(nullable(text())),
    }),
    z.looseObject({ kind: z.literal('note'), by: text(), text: text() }),
    z.looseObject({ kind: z.literal('merge'), base: text(), mine: text() }),
  ]),
);
const fileEdit = late(() =>
  z.looseObject({
    id: text(),
    workflow: text(),
    change: fileChange(),
    session: text(),
    since: instant(),
  }),
);
const fileIntent = late(() =>
  z.looseObject({
    workflow: text(),
    target: text(),
    base: text(),
    known: text(),
    edits: texts(),
    restores: nullable(text()),
    session: text(),
    since: instant(),
  }),
);
const conflictRow = late(() =>
  z.looseObject({
    id: text(),
    workflow: text(),
    base: text(),
    mine: text(),
    theirs: text(),
    diff: z.looseObject({ added: texts(), removed: texts(), modified: texts() }),
    since: instant(),
    resolved: nullable(z.enum(['mine', 'theirs', 'merged'])),
  }),
);

const holder = late(() =>
  z.looseObject({
    agent: text(),
    session: text(),
    host: text(),
    pid: z.int(),
    since: instant(),
    bootId: z.optional(text()),
    pidNamespace: z.optional(text()),
    startTime: z.optional(text()),
    tookOver: z.optional(
      z.looseObject({ why: text(), host: nullable(text()), pid: nullable(z.int()) }),
    ),
  }),
);
const lockNote = late(() => z.looseObject({ lock: text(), process: processIdentity() }));
const guardRow = late(() => z.looseObject({ file: text(), worktree: text(), holder: holder() }));

const runAfter = late(() => z.looseObject({ row: runRow() }));
const runCompleted = late(() =>
  z.looseObject({
    row: runRow(),
    released: z.array(z.looseObject({ run: text(), unmet: texts() })),
  }),
);
const lockGone = late(() => z.looseObject({ lock: text() }));
const lockAfter = late(() => z.looseObject({ row: lockRow() }));
const lockWaits = late(() => z.looseObject({ row: waiterRow() }));
const leftQueue = late(() => z.looseObject({ waiter: text() }));
const workflowAfter = late(() => z.looseObject({ row: workflowRow() }));
const guardPlace = { guard: z.literal(true), worktree: text() };
const anything = late(() => z.looseObject({}));

/** Of each kind what a view is built from. The rest is shown as it was written. */
const eventData: { readonly [Kind in EventKind]: () => z.ZodMiniType } = {
  'run.created': runAfter,
  'run.claimed': runAfter,
  'run.beat': late(() => z.looseObject({ beat: beat(), leaseUntil: instant() })),
  'run.completed': runCompleted,
  'run.failed': runAfter,
  'run.killed': runAfter,
  'run.cancelled': runAfter,
  'run.lost': runAfter,
  'run.retried': anything,
  'run.cancel_requested': runAfter,
  'run.changed': runAfter,
  'run.archived': late(() => z.looseObject({ runs: texts() })),
  'slot.queued': late(() => z.looseObject({ row: slotWaiterRow() })),
  'slot.dropped': leftQueue,
  'agent.registered': late(() => z.looseObject({ row: agentRow() })),
  'agent.seen': late(() => z.looseObject({ seen: beat() })),
  'agent.left': anything,
  'agent.swept': anything,
  'session.started': late(() => z.looseObject({ row: sessionRow() })),
  'session.ended': anything,
  'lock.acquired': late(() =>
    z.union([lockAfter(), z.looseObject({ ...guardPlace, holder: holder() })]),
  ),
  'lock.refreshed': lockAfter,
  'lock.upgraded': lockAfter,
  'lock.released': late(() => z.union([lockGone(), z.looseObject(guardPlace)])),
  'lock.expired': lockGone,
  'lock.broken': lockGone,
  'lock.queued': lockWaits,
  'lock.offered': lockWaits,
  'lock.dropped': leftQueue,
  'workflow.created': workflowAfter,
  'workflow.advanced': workflowAfter,
  'workflow.completed': workflowAfter,
  'workflow.bound': workflowAfter,
  'task.changed': late(() => z.looseObject({ row: taskRow() })),
  'note.added': anything,
  'change.undone': late(() => z.looseObject({ undoes: z.int(), op: text(), row: workflowRow() })),
  'file.pending': late(() => z.looseObject({ row: fileEdit(), replaces: texts() })),
  'file.intent': late(() =>
    z.union([
      z.looseObject({ row: fileIntent(), replaces: texts() }),
      z.looseObject({ base: text(), target: text(), edit: z.looseObject({ wave: z.int() }) }),
    ]),
  ),
  'file.written': late(() =>
    z.union([
      z.looseObject({ row: workflowRow(), target: text(), edits: texts() }),
      z.looseObject({ target: text(), hash: text() }),
    ]),
  ),
  'file.restored': late(() =>
    z.looseObject({ row: workflowRow(), target: text(), edits: texts() }),
  ),
  'file.imported': late(() => z.looseObject({ row: workflowRow(), overruled: texts() })),
  'file.rebased': workflowAfter,
  'file.conflict': late(() => z.looseObject({ row: conflictRow(), edits: texts() })),
  'config.set': late(() => z.looseObject({ row: nullable(configRow()) })),
};

/** Kinds stay open: a newer version's events are kept, and moved past by `evolve`. */
const storedEvent = late(() =>
  z.looseObject({
    v: z.literal(1),
    seq: z.int(),
    at: instant(),
    kind: text(),
    agent: text(),
    session: text(),
    opId: text(),
    data: z.record(z.string(), z.unknown()),
  }),
);

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
    const parsed = eventData[event.kind]().safeParse(event.data);
    if (!parsed.success) throw malformed(`${event.kind} event at ${event.seq}`, parsed.error);
  }
  return event;
}

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names what the schema vouches for
function decoder<Row>(what: string, schema: () => z.ZodMiniType): (text: string) => Row {
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new CodecError(`a ${what} is not JSON`, { cause });
    }
    const parsed = schema().safeParse(value);
    if (!parsed.success) {
      throw malformed(what, parsed.error);
    }
    // Not zod's copy of it: nothing is transformed, and what this version does not know stays as it was.
    return value as Row;
  };
}

function malformed(what: string, error: z.core.$ZodError): CodecError {
  return new CodecError(`a ${what} is malformed: ${z.prettifyError(error)}`);
}

/** JSON with the keys of every object in order, so that equal values have equal text and equal hashes. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isRecord(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
