/** Rows of the store and of workflow files as the panel gets them: labels cut to what a row shows, nothing secret. */
import type {
  AgentRow,
  GuardRow,
  LockRow,
  PlanTask,
  PlanWave,
  RunId,
  RunRow,
  StoredEvent,
  WaiterRow,
} from '../core/model';
import { overlap } from '../core/rules/lockKeys';
import type { StateView } from '../core/views';
import { plain } from '../shared/plainText';
import type {
  PanelAgent,
  PanelEvent,
  PanelLock,
  PanelRun,
  PanelTask,
  PanelWaiter,
} from '../shared/protocol';

/** A reason or a message, as far as a row or a list of events shows it. */
const sentence = 240;

export function taskRow(
  { id, description, status, dependsOn }: PlanTask,
  { number }: PlanWave,
  order: number,
): PanelTask {
  return { id, order, title: plain(description), wave: number, status, needs: [...dependsOn] };
}

export function runRow(run: RunRow, order: number): PanelRun {
  const { claim, error } = run;
  return {
    id: run.id,
    order,
    title: plain(run.title),
    status: run.status,
    workflow: run.workflow,
    wave: run.wave,
    task: run.task,
    root: run.root,
    attempt: run.attempt,
    maxAttempts: run.maxAttempts,
    priority: run.priority,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    notBefore: run.notBefore,
    needs: [...run.dependsOn],
    unmet: [...run.unmet],
    agent: claim && plain(claim.agent),
    host: claim && plain(claim.beat.host),
    beatAt: claim && claim.beat.wall,
    leaseMs: claim?.leaseMs ?? 0,
    leaseUntil: claim && claim.leaseUntil,
    stop: run.stop && run.stop.directive,
    errorCode: error && plain(error.code, 64),
    why: why(error?.message ?? run.reason),
  };
}

function why(text: string | null): string | null {
  return text === null ? null : plain(text, sentence);
}

export function lockRow(lock: LockRow, session: string): PanelLock {
  return {
    id: lock.id,
    resource: plain(lock.resource),
    kind: lock.kind,
    mode: lock.mode,
    agent: plain(lock.agent),
    host: plain(lock.grant.host),
    mine: lock.session === session,
    since: lock.since,
    expiresAt: lock.expiresAt,
    ttlMs: lock.ttlMs,
    worktree: lock.worktree,
  };
}

/** Before the key of a lockfile's row, which has no id. */
export const guardMark = 'guard:';

export function guardRow(
  id: string,
  { file, worktree, holder }: GuardRow,
  session: string,
): PanelLock {
  return {
    id,
    resource: plain(file),
    kind: 'guard',
    mode: 'write',
    agent: plain(holder.agent),
    host: plain(holder.host),
    mine: holder.session === session,
    since: holder.since,
    expiresAt: null,
    ttlMs: 0,
    worktree,
  };
}

export function waiterRow(waiter: WaiterRow, view: StateView): PanelWaiter {
  const { id, agent, since, offer, requests } = waiter;
  return {
    id,
    agent: plain(agent),
    since,
    offerUntil: offer && offer.made.wall + offer.ttlMs,
    wants: requests.map(({ resource, mode }) => ({ resource: plain(resource), mode })),
    on: [...view.locks.values()].filter((lock) => inTheWay(lock, waiter)).map((lock) => lock.id),
  };
}

/** Two readers go together, and nobody is in his own way. */
export function inTheWay(lock: LockRow, { agent, requests }: WaiterRow): boolean {
  return (
    lock.agent !== agent &&
    requests.some(
      (request) => (request.mode === 'write' || lock.mode === 'write') && overlap(request, lock),
    )
  );
}

export function agentRow({ name, kind, description, seen }: AgentRow): PanelAgent {
  return {
    id: plain(name),
    kind,
    description: plain(description),
    host: plain(seen.host),
    seenAt: seen.wall,
  };
}

type Facts = Record<string, string | number>;

export function eventRow(event: StoredEvent): PanelEvent {
  const { seq, at, kind, agent, run, task, resource, workflow, about } = event;
  return {
    seq,
    at,
    kind,
    agent: plain(agent),
    subject: plain(task ?? run ?? resource ?? workflow ?? about ?? ''),
    run: run ?? null,
    facts: known(factsOf(event)),
  };
}

/** What is missing is left out, and texts are cut. */
function known(facts: Record<string, string | number | null | undefined>): Facts {
  const kept: Facts = {};
  for (const [name, value] of Object.entries(facts)) {
    if (value === null || value === undefined || value === '') continue;
    kept[name] = typeof value === 'string' ? plain(value, sentence) : value;
  }
  return kept;
}

function factsOf(event: StoredEvent): Record<string, string | number | null | undefined> {
  switch (event.kind) {
    case 'run.created':
    case 'run.claimed':
    case 'run.failed':
    case 'run.cancelled':
    case 'run.completed':
      return aboutRun(event.data.row);
    case 'run.killed':
    case 'run.lost': {
      const { row, evidence } = event.data;
      return {
        ...aboutRun(row),
        rule: evidence?.rule,
        ageMs: evidence?.ageMs,
        process: evidence?.process,
        host: evidence?.host,
      };
    }
    case 'run.beat':
      return { until: event.data.leaseUntil };
    case 'run.retried':
      return {
        attempt: event.data.attempt,
        notBefore: event.data.notBefore,
        by: event.data.automatic ? 'rule' : 'hand',
        why: event.data.reason,
      };
    case 'run.cancel_requested':
      return { directive: event.data.row.stop?.directive, why: event.data.row.stop?.reason };
    case 'run.changed':
      return { what: event.data.what };
    case 'run.archived':
      return { count: event.data.runs.length };
    case 'lock.acquired':
    case 'lock.refreshed':
    case 'lock.upgraded':
      return 'row' in event.data
        ? {
            mode: event.data.row.mode,
            token: event.data.row.fence,
            until: event.data.row.expiresAt,
          }
        : { holder: event.data.holder.agent };
    case 'lock.released':
      return {};
    case 'lock.expired':
      return { holder: event.data.agent, rule: event.data.evidence.rule };
    case 'lock.broken':
      return { holder: event.data.agent, why: event.data.reason };
    case 'lock.queued':
    case 'lock.offered':
      return { resource: event.data.row.requests.map(({ resource }) => resource).join(', ') };
    case 'lock.dropped':
    case 'slot.dropped':
      return { gone: event.data.why };
    case 'workflow.advanced':
    case 'workflow.completed':
      return { from: event.data.from, to: event.data.to, forced: event.data.forced };
    case 'workflow.created':
    case 'workflow.bound':
      return { file: event.data.row.file };
    case 'task.changed':
      return { was: event.data.from, status: event.data.row.status, commit: event.data.row.commit };
    case 'note.added':
      return { why: event.data.text };
    case 'change.undone':
      return { what: event.data.what, undoes: event.data.undoes };
    case 'file.imported': {
      const { added, removed, modified } = event.data.diff;
      return { added: added.length, removed: removed.length, modified: modified.length };
    }
    case 'file.restored':
      return { backup: event.data.backup };
    case 'file.conflict':
      return { resolved: event.data.row.resolved };
    case 'config.set': {
      const { row } = event.data;
      return { value: row === null ? null : JSON.stringify(row.value) };
    }
    case 'agent.registered':
      return { agentKind: event.data.row.kind, why: event.data.row.description };
    case 'agent.swept':
      return { ageMs: event.data.silentMs };
    case 'session.ended':
      return { gone: event.data.why };
    case 'agent.left':
    case 'agent.seen':
    case 'session.started':
    case 'slot.queued':
    case 'file.intent':
    case 'file.pending':
    case 'file.written':
    case 'file.rebased':
      return {};
    default:
      // A newer version may write kinds that this one does not know.
      return {};
  }
}

function aboutRun(row: RunRow): Record<string, string | number | null | undefined> {
  const { status, attempt, maxAttempts, startedAt, endedAt, error, reason } = row;
  const ended = status !== 'queued' && status !== 'running';
  return {
    attempt,
    maxAttempts,
    tookMs: ended && startedAt !== null && endedAt !== null ? endedAt - startedAt : undefined,
    code: error?.code,
    why: error?.message ?? reason,
  };
}

/** The runs that an event is about, beside the one that it names. */
export function alsoTouched(event: StoredEvent): readonly RunId[] {
  return event.kind === 'run.completed' ? event.data.released.map(({ run }) => run) : [];
}
