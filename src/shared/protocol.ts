/**
 * What the panel and the extension host say to one another. Both sides parse every message before they
 * believe it; every request is answered, also when it fails.
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

const panelTask = z.object({
  id: z.string(),
  description: z.string(),
  status: taskStatus,
  run: z.nullable(z.object({ id: z.string(), status: runStatus, attempt: z.number() })),
});
export type PanelTask = z.infer<typeof panelTask>;

const panelWave = z.object({ number: z.number(), tasks: z.array(panelTask) });
export type PanelWave = z.infer<typeof panelWave>;

const panelProblem = z.object({ line: z.number(), code: z.string(), message: z.string() });

const panelWorkflow = z.object({
  /** Which workflow file of which folder; opaque to the panel, sent back with a request. */
  key: z.string(),
  id: z.nullable(z.string()),
  name: z.string(),
  file: z.string(),
  wave: z.number(),
  waveCount: z.number(),
  completed: z.boolean(),
  waves: z.array(panelWave),
  /** Why the file cannot be acted upon; empty when it can. */
  errors: z.array(panelProblem),
  holder: z.nullable(z.object({ name: z.string(), since: z.number(), mine: z.boolean() })),
});
export type PanelWorkflow = z.infer<typeof panelWorkflow>;

/** A live store, a store that failed (with why, in words), or none because the folder is not trusted. */
const panelStore = z.discriminatedUnion('state', [
  z.object({ state: z.literal('opening') }),
  z.object({ state: z.literal('live'), seq: z.number() }),
  z.object({ state: z.literal('failed'), code: z.string(), message: z.string() }),
  z.object({ state: z.literal('untrusted') }),
]);
export type PanelStore = z.infer<typeof panelStore>;

export const panelState = z.object({ store: panelStore, workflows: z.array(panelWorkflow) });
export type PanelState = z.infer<typeof panelState>;

/** Host → panel. */
export const toPanel = z.discriminatedUnion('type', [
  z.object({ type: z.literal('state'), state: panelState }),
  z.object({
    type: z.literal('reply'),
    request: z.number(),
    ok: z.boolean(),
    message: z.optional(z.string()),
  }),
]);
export type ToPanel = z.infer<typeof toPanel>;

/** Panel → host. */
export const toHost = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({
    type: z.literal('advance'),
    request: z.number(),
    workflow: z.string(),
    seen: z.number(),
  }),
  z.object({
    type: z.literal('open'),
    request: z.number(),
    workflow: z.string(),
    line: z.number(),
  }),
]);
export type ToHost = z.infer<typeof toHost>;
