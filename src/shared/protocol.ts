/**
 * What the panel and the extension host say to one another. Both sides parse every message before they
 * believe it; every request is answered, also when it fails.
 *
 * The panel holds a copy of what it shows, as rows. It gets them once, in chunks between `begin` and `end`, and then
 * what has changed, numbered without a gap: a panel that misses a number asks for all of it again. Texts of others
 * come as labels, cut to what a row can show; the whole of one run comes with its `details`.
 */
import * as z from 'zod/mini';

export const taskStatus = z.enum(['todo', 'doing', 'done', 'failed']);
export const runStatus = z.enum([
  'queued',
  'running',
  'completed',
  'error',
  'killed',
  'cancelled',
  'lost',
]);
export type RunStatusWord = z.infer<typeof runStatus>;

const count = z.number();
const instant = z.number();
const maybe = z.nullable(z.string());

/* ------------------------------------------------------------------ rows */

const panelStore = z.object({
  /** Its folder. */
  key: z.string(),
  /** Of the workspace folders that share it. */
  name: z.string(),
  state: z.enum(['none', 'opening', 'live', 'failed', 'untrusted']),
  /** Of the store's own order of events. */
  seq: count,
  code: maybe,
  message: maybe,
  warnings: z.array(z.object({ code: z.string(), message: z.string() })),
});
export type PanelStore = z.infer<typeof panelStore>;

const panelProblem = z.object({ line: count, code: z.string(), message: z.string() });

const panelWorkflow = z.object({
  /** The path of its file; sent back with a request. */
  key: z.string(),
  store: z.string(),
  id: maybe,
  name: z.string(),
  file: z.string(),
  /** The workspace folder that it lies in. */
  folder: z.string(),
  wave: count,
  waveCount: count,
  completed: z.boolean(),
  /** What of the file Wavelock may write. */
  editing: z.enum(['full', 'checkbox', 'none']),
  waves: z.array(z.object({ number: count, title: maybe })),
  /** Why the file cannot be acted upon; empty when it can. */
  errors: z.array(panelProblem),
  holder: z.nullable(z.object({ name: z.string(), since: instant, mine: z.boolean() })),
});
export type PanelWorkflow = z.infer<typeof panelWorkflow>;

const panelTask = z.object({
  id: z.string(),
  /** Place in the file, as it was when the panel first heard of the task: one that moves renumbers no other. */
  order: count,
  title: z.string(),
  wave: count,
  status: taskStatus,
  needs: z.array(z.string()),
});
export type PanelTask = z.infer<typeof panelTask>;

const panelRun = z.object({
  id: z.string(),
  /** Of creation. */
  order: count,
  title: z.string(),
  status: runStatus,
  workflow: maybe,
  wave: z.nullable(count),
  task: maybe,
  /** The first attempt of its chain. */
  root: z.string(),
  attempt: count,
  maxAttempts: count,
  priority: count,
  createdAt: instant,
  startedAt: z.nullable(instant),
  endedAt: z.nullable(instant),
  notBefore: z.nullable(instant),
  needs: z.array(z.string()),
  unmet: z.array(z.string()),
  agent: maybe,
  host: maybe,
  beatAt: z.nullable(instant),
  leaseMs: count,
  leaseUntil: z.nullable(instant),
  stop: z.nullable(z.enum(['cancel', 'kill'])),
  errorCode: maybe,
  /** The error's message, or the reason that somebody gave. */
  why: maybe,
});
export type PanelRun = z.infer<typeof panelRun>;

const panelLock = z.object({
  id: z.string(),
  resource: z.string(),
  /** `guard` is the lockfile of a workflow file. */
  kind: z.enum(['path', 'symbol', 'glob', 'task', 'workspace', 'guard']),
  mode: z.enum(['read', 'write']),
  agent: z.string(),
  host: z.string(),
  mine: z.boolean(),
  since: instant,
  /** Null for a lockfile, which lives as long as its holder says so. */
  expiresAt: z.nullable(instant),
  ttlMs: count,
  /** Null spans all of them. */
  worktree: maybe,
});
export type PanelLock = z.infer<typeof panelLock>;

const panelWaiter = z.object({
  id: z.string(),
  agent: z.string(),
  since: instant,
  /** Its turn, until then. */
  offerUntil: z.nullable(instant),
  wants: z.array(z.object({ resource: z.string(), mode: z.enum(['read', 'write']) })),
  /** Ids of the locks that are in its way. */
  on: z.array(z.string()),
});
export type PanelWaiter = z.infer<typeof panelWaiter>;

const panelAgent = z.object({
  id: z.string(),
  kind: z.enum(['window', 'terminal', 'worker', 'mcp', 'other']),
  description: z.string(),
  host: z.string(),
  seenAt: instant,
});
export type PanelAgent = z.infer<typeof panelAgent>;

const panelEvent = z.object({
  seq: count,
  at: instant,
  kind: z.string(),
  agent: z.string(),
  /** What it is about: a task, a run, a resource, a file. */
  subject: z.string(),
  run: maybe,
  /** Numbers and names that tell more, by name; the panel has the words. */
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type PanelEvent = z.infer<typeof panelEvent>;

const part = <Row extends z.core.$ZodType>(row: Row) =>
  z.optional(
    z.array(
      z.object({
        /** The store, or the workflow for tasks. */
        of: z.string(),
        put: z.array(row),
        drop: z.array(z.string()),
      }),
    ),
  );

const sections = {
  tasks: part(panelTask),
  runs: part(panelRun),
  locks: part(panelLock),
  waiters: part(panelWaiter),
  agents: part(panelAgent),
};

export interface Part<Row> {
  readonly of: string;
  readonly put: readonly Row[];
  readonly drop: readonly string[];
}

/** Rows of all kinds that have come, changed or gone. */
export interface Sections {
  readonly tasks?: readonly Part<PanelTask>[] | undefined;
  readonly runs?: readonly Part<PanelRun>[] | undefined;
  readonly locks?: readonly Part<PanelLock>[] | undefined;
  readonly waiters?: readonly Part<PanelWaiter>[] | undefined;
  readonly agents?: readonly Part<PanelAgent>[] | undefined;
}

/* ------------------------------------------------------------------ answers that say more than yes */

const evidence = z.object({
  rule: z.enum(['same-boot', 'other-boot', 'other-host', 'server-time', 'process-gone', 'forced']),
  ageMs: z.nullable(z.number()),
  ttlMs: z.number(),
  process: z.enum(['alive', 'gone', 'unknown']),
  host: z.string(),
  observer: z.string(),
});
export type PanelEvidence = z.infer<typeof evidence>;

/** All of one run, asked for when a person looks at it. */
export const runDetails = z.object({
  title: z.string(),
  result: maybe,
  error: maybe,
  reason: maybe,
  handoff: maybe,
  links: z.array(z.object({ kind: z.string(), target: z.string() })),
  epoch: count,
  timeoutMs: z.nullable(z.number()),
  /** The process that works on it, looked at just now; null for a plain claim. */
  process: z.nullable(
    z.object({
      pid: count,
      host: z.string(),
      liveness: z.enum(['alive', 'gone', 'unknown']),
      here: z.boolean(),
    }),
  ),
  /** What it was ended on, for one that is lost or was killed. */
  evidence: z.nullable(evidence),
});
export type RunDetails = z.infer<typeof runDetails>;

export const eventPage = z.object({
  events: z.array(panelEvent),
  /** Everything from here on has been told; 0 when there is nothing older. */
  from: count,
});
export type EventPage = z.infer<typeof eventPage>;

/* ------------------------------------------------------------------ host → panel */

export const toPanel = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    /** Of the editor, for numbers and words. */
    language: z.string(),
    /** English sentence → that language; empty for English. */
    words: z.record(z.string(), z.string()),
  }),
  z.object({
    type: z.literal('begin'),
    epoch: count,
    at: instant,
    stores: z.array(panelStore),
    workflows: z.array(panelWorkflow),
  }),
  z.object({ type: z.literal('rows'), epoch: count, ...sections }),
  z.object({ type: z.literal('end'), epoch: count, seq: count, at: instant }),
  z.object({
    type: z.literal('change'),
    epoch: count,
    seq: count,
    at: instant,
    stores: z.optional(z.array(panelStore)),
    workflows: z.optional(z.array(panelWorkflow)),
    /** Workflows whose file is gone. */
    gone: z.optional(z.array(z.string())),
    /** How far the order of events of a store has come. */
    heads: z.optional(z.array(z.object({ of: z.string(), seq: count }))),
    ...sections,
    events: z.optional(z.array(z.object({ of: z.string(), rows: z.array(panelEvent) }))),
  }),
  z.object({
    type: z.literal('reply'),
    request: count,
    ok: z.boolean(),
    message: z.optional(z.string()),
    data: z.optional(z.unknown()),
  }),
]);
export type ToPanel = z.infer<typeof toPanel>;
export type ChangeMessage = Extract<ToPanel, { type: 'change' }>;
export type RowsMessage = Extract<ToPanel, { type: 'rows' }>;
export type BeginMessage = Extract<ToPanel, { type: 'begin' }>;

/* ------------------------------------------------------------------ panel → host */

const request = { request: count };
const inStore = { ...request, store: z.string() };
const ofRun = { ...inStore, run: z.string() };

export const exportFormats = ['json', 'csv', 'markdown', 'mermaid'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export const toHost = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** A number was missing, or a message could not be read: begin again. */
  z.object({ type: z.literal('resync'), why: z.string() }),
  z.object({
    type: z.literal('advance'),
    ...request,
    workflow: z.string(),
    seen: count,
    force: z.optional(z.string()),
  }),
  z.object({ type: z.literal('takeBack'), ...request, workflow: z.string() }),
  z.object({
    type: z.literal('open'),
    ...request,
    workflow: z.string(),
    line: z.optional(count),
    task: z.optional(z.string()),
  }),
  z.object({
    type: z.literal('run'),
    ...ofRun,
    action: z.enum(['cancel', 'kill', 'retry']),
    reason: z.optional(z.string()),
  }),
  z.object({ type: z.literal('queue'), ...request, workflow: z.string(), task: z.string() }),
  z.object({
    type: z.literal('task'),
    ...request,
    workflow: z.string(),
    task: z.string(),
    status: taskStatus,
    seen: taskStatus,
  }),
  z.object({ type: z.literal('release'), ...inStore, lock: z.string() }),
  z.object({ type: z.literal('break'), ...inStore, lock: z.string(), reason: z.string() }),
  z.object({ type: z.literal('reveal'), ...inStore, lock: z.string() }),
  z.object({ type: z.literal('details'), ...ofRun }),
  z.object({ type: z.literal('events'), ...inStore, before: count, limit: count }),
  z.object({ type: z.literal('copy'), ...ofRun, what: z.enum(['id', 'link', 'summary']) }),
  z.object({ type: z.literal('link'), ...ofRun, target: z.string() }),
  z.object({
    type: z.literal('export'),
    ...request,
    format: z.enum(exportFormats),
    store: z.string(),
    workflow: maybe,
    /** What is shown: tasks and runs by id. */
    tasks: z.array(z.string()),
    runs: z.array(z.string()),
  }),
  z.object({ type: z.literal('retryStore'), ...inStore }),
  z.object({ type: z.literal('doctor'), ...request }),
  z.object({ type: z.literal('showLog'), ...request }),
  z.object({ type: z.literal('aside'), ...request }),
]);
export type ToHost = z.infer<typeof toHost>;
/** A message that the host answers. */
export type HostRequest = Extract<ToHost, { request: number }>;

/** A message that cannot be read, of which at least this is known: somebody waits for an answer. */
export const unread = z.object({ request: count });
