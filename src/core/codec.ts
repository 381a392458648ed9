/**
 * unknown ⇄ model. Rows and events come back from disk as text that another version, another program or
 * a bad disk may have written; here they are parsed once, and trusted inside. Fields that a newer version
 * has added survive a round trip.
 */
import * as z from 'zod/mini';
import type { GuardRow, Holder, PendingWrite, RunRow, StoredEvent, WorkflowRow } from './model';

const workflowRow = z.looseObject({
  id: z.string(),
  name: z.string(),
  file: z.string(),
  worktree: z.string(),
  wave: z.int(),
  waveCount: z.int(),
  status: z.enum(['active', 'completed']),
});

const runRow = z.looseObject({
  id: z.string(),
  title: z.string(),
  status: z.enum(['queued', 'running', 'completed', 'error', 'killed', 'cancelled', 'lost']),
  dependsOn: z.array(z.string()),
  workflow: z.nullable(z.string()),
  wave: z.nullable(z.int()),
  task: z.nullable(z.string()),
  priority: z.number(),
  attempt: z.int(),
  maxAttempts: z.int(),
  createdAt: z.number(),
});

const pendingWrite = z.looseObject({
  workflow: z.string(),
  file: z.string(),
  worktree: z.string(),
  edit: z.looseObject({ kind: z.literal('wave'), wave: z.int(), updated: z.string() }),
  base: z.string(),
  target: z.string(),
  session: z.string(),
  since: z.number(),
});

const holder = z.looseObject({
  agent: z.string(),
  session: z.string(),
  host: z.string(),
  pid: z.int(),
  since: z.number(),
});
const guardRow = z.looseObject({ file: z.string(), worktree: z.string(), holder });

const storedEvent = z.looseObject({
  v: z.literal(1),
  seq: z.int(),
  at: z.number(),
  kind: z.string(),
  agent: z.string(),
  session: z.string(),
  opId: z.string(),
  data: z.record(z.string(), z.unknown()),
});

/** Thrown when stored text is not what it should be; the store names the place. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

// The brands say "this came through the codec", so this is the one place that gives them.
export const decodeWorkflow = decoder<WorkflowRow>('workflow', workflowRow);
export const decodeRun = decoder<RunRow>('run', runRow);
export const decodePending = decoder<PendingWrite>('pending write', pendingWrite);
export const decodeGuard = decoder<GuardRow>('guard', guardRow);
export const decodeHolder = decoder<Holder>('holder', holder);
export const decodeEvent = decoder<StoredEvent>('event', storedEvent);

// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names what the schema vouches for
function decoder<Row>(what: string, schema: z.ZodMiniType): (text: string) => Row {
  return (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      throw new CodecError(`a ${what} is not JSON`, { cause });
    }
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      throw new CodecError(`a ${what} is malformed: ${z.prettifyError(parsed.error)}`);
    }
    return parsed.data as Row;
  };
}

/** JSON with the keys of every object in order, so that equal values have equal text and equal hashes. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isRecord(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
