/** Recorded state as the host would tell it: rows, and the messages that bring them. */
import type {
  PanelAgent,
  PanelEvent,
  PanelLock,
  PanelRun,
  PanelStore,
  PanelTask,
  PanelWaiter,
  PanelWorkflow,
  Sections,
  ToPanel,
} from '../../src/shared/protocol';

export interface Recorded {
  readonly stores: readonly PanelStore[];
  readonly workflows: readonly PanelWorkflow[];
  /** By workflow. */
  readonly tasks: Readonly<Record<string, readonly PanelTask[]>>;
  /** By store, like all that follow. */
  readonly runs: Readonly<Record<string, readonly PanelRun[]>>;
  readonly locks?: Readonly<Record<string, readonly PanelLock[]>>;
  readonly waiters?: Readonly<Record<string, readonly PanelWaiter[]>>;
  readonly agents?: Readonly<Record<string, readonly PanelAgent[]>>;
  /** Answered as pages. */
  readonly events?: Readonly<Record<string, readonly PanelEvent[]>>;
}

/** The moment of the recording. */
export const recordedAt = new Date(2026, 10, 21, 15, 2, 11).getTime();
export const ago = (minutes: number, seconds = 0): number =>
  recordedAt - minutes * 60_000 - seconds * 1_000;

const chunk = 1_000;

function* chunks<Row>(
  name: keyof Sections,
  rows: Readonly<Record<string, readonly Row[]>> | undefined,
): Generator<Sections> {
  for (const [of, all] of Object.entries(rows ?? {}))
    for (let at = 0; at < all.length; at += chunk)
      yield { [name]: [{ of, put: all.slice(at, at + chunk), drop: [] }] };
}

export function* messagesOf(state: Recorded, epoch: number, at = recordedAt): Generator<ToPanel> {
  yield {
    type: 'begin',
    epoch,
    at,
    stores: [...state.stores],
    workflows: [...state.workflows],
  };
  for (const sections of [
    ...chunks('tasks', state.tasks),
    ...chunks('runs', state.runs),
    ...chunks('locks', state.locks),
    ...chunks('waiters', state.waiters),
    ...chunks('agents', state.agents),
  ])
    yield { type: 'rows', epoch, ...sections } as ToPanel;
  yield { type: 'end', epoch, seq: 0, at };
}

let created = 0;

/** A run with everything that is not said at its simplest. */
export function run(fields: Partial<PanelRun> & Pick<PanelRun, 'id'>): PanelRun {
  created += 1;
  const status = fields.status ?? 'queued';
  const claimed = status !== 'queued' && status !== 'cancelled';
  return {
    order: created,
    title: fields.id,
    status,
    workflow: null,
    wave: null,
    task: null,
    root: fields.id,
    attempt: 1,
    maxAttempts: 1,
    priority: 0,
    createdAt: ago(61, 11),
    startedAt: claimed ? ago(20) : null,
    endedAt: claimed && status !== 'running' ? ago(5) : null,
    notBefore: null,
    needs: [],
    unmet: [],
    agent: claimed ? 'worker-ci-01' : null,
    host: claimed ? 'build-02' : null,
    beatAt: claimed ? ago(0, 8) : null,
    leaseMs: 300_000,
    leaseUntil: claimed ? ago(0, 8) + 300_000 : null,
    stop: null,
    errorCode: null,
    why: null,
    ...fields,
  };
}

export function task(
  id: string,
  title: string,
  order: number,
  fields: Partial<PanelTask> = {},
): PanelTask {
  return { id, title, order, wave: 1, status: 'todo', needs: [], ...fields };
}

export function lock(fields: Partial<PanelLock> & Pick<PanelLock, 'id' | 'resource'>): PanelLock {
  return {
    kind: fields.resource.startsWith('glob:') ? 'glob' : 'path',
    mode: 'write',
    agent: 'terminal-1',
    host: 'ada-laptop',
    mine: false,
    since: ago(6, 10),
    expiresAt: recordedAt + 23 * 60_000 + 50_000,
    ttlMs: 30 * 60_000,
    worktree: '',
    ...fields,
  };
}

/** The state one transition later, as the message that tells it. */
export function change(
  epoch: number,
  seq: number,
  parts: Omit<Extract<ToPanel, { type: 'change' }>, 'type' | 'epoch' | 'seq' | 'at'>,
): ToPanel {
  return { type: 'change', epoch, seq, at: recordedAt, ...parts };
}
