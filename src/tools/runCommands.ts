/** What the command line does with runs. Each returns the document that `--json` prints. */
import type {
  AgentName,
  Answer,
  ClaimToken,
  Command,
  EndedFacts,
  EventKind,
  Granted,
  Json,
  Link,
  Refusal,
  RunId,
  RunRow,
  RunSnapshot,
  RunStatus,
  StopFacts,
  StoredEvent,
  WaiterId,
  WorkflowId,
} from '../core/model';
import { blockedBy } from '../core/views';
import { newId } from '../store/newId';
import type { Store } from '../store/store';
import { ask, inStore, refuse, runIdOf, runIdsOf } from './asking';
import { refused, type Done, type Refused } from './commandLine';
import { waitFor } from './patience';
import { runOf, runsOf, withChildren, type Run } from './runShape';
import { hasStore, locate, type Workplace } from './workplace';

export type RunsDocument = (Done & { readonly runs: readonly Run[] }) | Refused;
export type ClaimDocument = (Done & { readonly run: Run; readonly token: ClaimToken }) | Refused;
export type HeartbeatDocument = (Done & Granted['run.heartbeat']) | Refused;
export type EndedDocument =
  | (Done & {
      readonly run: Run;
      /** The automatic next attempt, if one is due. */
      readonly retry: Run | null;
      /** It failed, and no further attempt follows. */
      readonly exhausted: boolean;
    })
  | Refused;
export type StopDocument =
  Exclude<EndedDocument, Refused> extends infer Granted
    ? (Granted & { readonly ended: boolean }) | Refused
    : never;
export type RetryDocument = (Done & { readonly run: Run }) | Refused;
export type NextDocument = (Done & { readonly run: Run | null }) | Refused;
export type AwaitDocument =
  (Done & { readonly mode: 'any' | 'all'; readonly runs: readonly RunSnapshot[] }) | Refused;
export type ListDocument =
  | (Done & {
      readonly runs: readonly Run[];
      readonly counts: Readonly<Record<RunStatus, number>>;
    })
  | Refused;
export type ShowDocument =
  | (Done & {
      readonly run: Run;
      readonly details: RunDetails;
      /** Every attempt of its chain, oldest first. */
      readonly attempts: readonly {
        readonly id: RunId;
        readonly attempt: number;
        readonly status: RunStatus;
      }[];
      readonly descendants: readonly Run[];
    })
  | Refused;

/** What is not part of a run as it is listed. */
export interface RunDetails {
  readonly notBefore: number | null;
  readonly timeoutMs: number | null;
  /** For the next attempt. */
  readonly handoff: string | null;
  readonly links: readonly Link[];
  /** It has been asked to stop. */
  readonly stop: {
    readonly directive: 'cancel' | 'kill';
    readonly reason: string | null;
    readonly by: AgentName;
  } | null;
  /** Dependencies that keep it from ever being claimed. */
  readonly blockedBy: readonly RunId[];
}

/* ------------------------------------------------------------------ making and taking */

export interface Creation {
  readonly title: string | undefined;
  readonly task: string | undefined;
  readonly workflow: string | undefined;
  readonly parent: string | undefined;
  readonly dependsOn: readonly string[];
  readonly priority: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly maxAttempts: number | undefined;
  readonly count: number | undefined;
}

export function createRuns(workplace: Workplace, asked: Creation): Promise<RunsDocument> {
  return inStore(workplace, async (store) => {
    const isPlaced = asked.task !== undefined || asked.workflow !== undefined;
    const of = isPlaced
      ? await (await import('./filesOfRuns')).placeOfTask(asked, workplace, store)
      : { place: {}, description: undefined };
    if ('code' in of) return refuse(store, of);
    const title = asked.title ?? of.description;
    if (title === undefined) {
      const message = 'title: Say what the run is about with --title, or name a task.';
      return refuse(store, { code: 'bad_input', message, path: 'title' });
    }
    const links = await runIdsOf(store, [
      ...asked.dependsOn,
      ...(asked.parent === undefined ? [] : [asked.parent]),
    ]);
    if ('code' in links) return refuse(store, links);
    const { length } = asked.dependsOn;
    const answer = await ask(store, workplace, {
      kind: 'run.create',
      title,
      ...of.place,
      ...(length === 0 ? {} : { dependsOn: links.slice(0, length) }),
      ...given('parent', links[length]),
      ...given('priority', asked.priority),
      ...given('timeoutMs', asked.timeoutMs),
      ...given('maxAttempts', asked.maxAttempts),
      ...given('count', asked.count),
    });
    if (!answer.ok) return refused(answer.refusal, answer.at);
    return { ok: true, at: answer.at, runs: runsOf(answer.facts.runs, []) };
  });
}

export interface Claim {
  readonly run: string | undefined;
  readonly workflow: string | undefined;
  readonly waitMs: number | undefined;
  readonly leaseMs: number | undefined;
  readonly ending: () => AbortSignal;
  /** Told once, when it has to wait. */
  readonly waiting: (refusal: Refusal) => void;
}

export function claimRun(workplace: Workplace, asked: Claim): Promise<ClaimDocument> {
  return inStore(workplace, async (store) => {
    const run = asked.run === undefined ? undefined : await runIdOf(store, asked.run);
    if (typeof run === 'object') return refuse(store, run);
    const command = {
      kind: 'run.claim',
      ...given('run', run),
      ...given('workflow', asked.workflow as WorkflowId | undefined),
      ...given('leaseMs', asked.leaseMs),
    } as const;
    const answer =
      asked.waitMs === undefined || asked.waitMs === 0
        ? await ask(store, workplace, command)
        : await claimInLine(store, workplace, command, asked.waitMs, asked);
    if (!answer.ok) return refused(answer.refusal, answer.at);
    const { run: row, token } = answer.facts;
    const [claimed] = await withChildren(store, [row]);
    return { ok: true, at: answer.at, run: claimed ?? runOf(row, []), token };
  });
}

async function claimInLine(
  store: Store,
  workplace: Workplace,
  command: Extract<Command, { kind: 'run.claim' }>,
  waitMs: number,
  { ending, waiting }: Claim,
): Promise<Answer<Granted['run.claim']>> {
  const waiter = newId('wtr') as WaiterId;
  return waitFor({
    store,
    waitMs,
    ending: ending(),
    waiting,
    worthWaiting: new Set(['nothing_queued', 'no_slot']),
    wakes: makesRoomForClaims,
    ask: (renewal) => ask(store, workplace, { ...command, waiter, renewal }),
    leave: () => store.submit({ kind: 'run.unwait', waiter }),
  });
}

/** A claim by somebody else makes none; what it took may have been ours to take. */
const makesRoomForClaims: ReadonlySet<EventKind> = new Set<EventKind>([
  'run.created',
  'run.completed',
  'run.failed',
  'run.killed',
  'run.cancelled',
  'run.lost',
  'run.changed',
  'slot.dropped',
  'config.set',
  'agent.left',
  'agent.swept',
]);

/* ------------------------------------------------------------------ held runs */

export interface Held {
  readonly run: string;
  readonly token: string;
}

export function heartbeat(workplace: Workplace, held: Held): Promise<HeartbeatDocument> {
  return aboutRun(workplace, held.run, async (store, run) => {
    const token = held.token as ClaimToken;
    const answer = await ask(store, workplace, { kind: 'run.heartbeat', run, token });
    return answer.ok
      ? { ok: true, at: answer.at, ...answer.facts }
      : refused(answer.refusal, answer.at);
  });
}

export function completeRun(
  workplace: Workplace,
  { result, ...held }: Held & { readonly result: Json | undefined },
): Promise<EndedDocument> {
  return aboutRun(workplace, held.run, async (store, run) => {
    const token = held.token as ClaimToken;
    const command = { kind: 'run.complete', run, token, ...given('result', result) } as const;
    return ended(store, await ask(store, workplace, command));
  });
}

export function failRun(
  workplace: Workplace,
  {
    message,
    code,
    ...held
  }: Held & { readonly message: string; readonly code: string | undefined },
): Promise<EndedDocument> {
  return aboutRun(workplace, held.run, async (store, run) => {
    const token = held.token as ClaimToken;
    const error = { message, ...given('code', code) };
    return ended(store, await ask(store, workplace, { kind: 'run.fail', run, token, error }));
  });
}

async function ended(store: Store, answer: Answer<EndedFacts>): Promise<EndedDocument> {
  if (!answer.ok) return refused(answer.refusal, answer.at);
  const { run, retry, exhausted } = answer.facts;
  const [shown = runOf(run, [])] = await withChildren(store, [run]);
  return {
    ok: true,
    at: answer.at,
    run: shown,
    retry: retry && runOf(retry, []),
    exhausted,
  };
}

export function stopRun(
  workplace: Workplace,
  kind: 'run.cancel' | 'run.kill',
  { run: said, reason }: { readonly run: string; readonly reason: string | undefined },
): Promise<StopDocument> {
  return aboutRun(workplace, said, async (store, run) => {
    const command = { kind, run, ...given('reason', reason) };
    const answer: Answer<StopFacts> = await ask(store, workplace, command);
    const document = await ended(store, answer);
    return document.ok && answer.ok
      ? { ...document, ended: answer.facts.ended }
      : refusedOf(document);
  });
}

function refusedOf(document: EndedDocument): Refused {
  if (!document.ok) return document;
  throw new Error('a granted answer became a refusal');
}

export function retryRun(
  workplace: Workplace,
  { run: said, reason }: { readonly run: string; readonly reason: string | undefined },
): Promise<RetryDocument> {
  return aboutRun(workplace, said, async (store, run) => {
    const command = { kind: 'run.retry', run, ...given('reason', reason) } as const;
    const answer = await ask(store, workplace, command);
    return answer.ok
      ? { ok: true, at: answer.at, run: runOf(answer.facts.run, []) }
      : refused(answer.refusal, answer.at);
  });
}

function aboutRun<Document>(
  workplace: Workplace,
  said: string,
  work: (store: Store, run: RunId) => Promise<Document>,
): Promise<Document | Refused> {
  return inStore(workplace, async (store) => {
    const run = await runIdOf(store, said);
    return typeof run === 'string' ? work(store, run) : refuse(store, run);
  });
}

/* ------------------------------------------------------------------ waiting */

export interface Awaiting {
  readonly runs: readonly string[];
  readonly mode: 'any' | 'all';
  readonly attempt: boolean;
  readonly timeoutMs: number | null;
  readonly ending: AbortSignal;
  /** Told of every step of an awaited run, or of a later attempt of it; undefined where nobody looks. */
  readonly progress: ((event: StoredEvent) => void) | undefined;
}

export function awaitRuns(workplace: Workplace, asked: Awaiting): Promise<AwaitDocument> {
  const { mode, attempt, timeoutMs: deadlineMs, ending: signal, progress } = asked;
  return inStore(workplace, async (store) => {
    const ids = await runIdsOf(store, asked.runs);
    if ('code' in ids) {
      // The ids of runs that nobody knows count as ended; a beginning of one stands for nothing.
      return refuse(store, ids);
    }
    const subscription = progress && (await follow(store, ids, progress));
    try {
      const answer = await store.await({ ids, mode, attempt, deadlineMs, signal });
      return answer.ok
        ? { ok: true, at: answer.at, mode, runs: answer.facts.runs }
        : refused(answer.refusal, answer.at);
    } finally {
      subscription?.dispose();
    }
  });
}

async function follow(
  store: Store,
  ids: readonly RunId[],
  progress: (event: StoredEvent) => void,
): ReturnType<() => Promise<{ dispose(): void }>> {
  const { seq, chains } = await store.read('chains', { ids });
  const followed = new Set<RunId>(chains.flatMap(({ runs }) => runs.map(({ id }) => id)));
  return store.subscribe(seq, (events) => {
    for (const event of events) {
      if (event.run === undefined) continue;
      if (event.kind === 'run.retried' && followed.has(event.run)) {
        followed.add((event as StoredEvent & { data: { next: RunId } }).data.next);
      }
      if (followed.has(event.run)) progress(event);
    }
  });
}

/* ------------------------------------------------------------------ looking */

export interface Listing {
  readonly statuses: readonly RunStatus[];
  readonly workflow: string | undefined;
  readonly limit: number;
}

const noRuns: Extract<ListDocument, { ok: true }>['counts'] = {
  queued: 0,
  running: 0,
  completed: 0,
  error: 0,
  killed: 0,
  cancelled: 0,
  lost: 0,
};

export async function listRuns(workplace: Workplace, asked: Listing): Promise<ListDocument> {
  if (!hasStore(locate(workplace).place)) return { ok: true, at: 0, runs: [], counts: noRuns };
  return inStore(workplace, async (store) => {
    const { statuses, limit } = asked;
    const workflow = (asked.workflow ?? null) as WorkflowId | null;
    const { seq, runs, children, counts } = await store.read('runs', { statuses, workflow, limit });
    return { ok: true, at: seq, runs: runsOf(runs, children), counts };
  });
}

export async function nextRun(
  workplace: Workplace,
  workflow: string | undefined,
): Promise<NextDocument> {
  if (!hasStore(locate(workplace).place)) return { ok: true, at: 0, run: null };
  return inStore(workplace, async (store) => {
    const row = await store.read('nextRun', { workflow: (workflow ?? null) as WorkflowId | null });
    const [run = null] = await withChildren(store, row ? [row] : []);
    return { ok: true, at: await store.read('head', {}), run };
  });
}

export function showRun(
  workplace: Workplace,
  { run: said, depth }: { readonly run: string; readonly depth: number },
): Promise<ShowDocument> {
  return aboutRun(workplace, said, async (store, run) => {
    const { seq, chains } = await store.read('chains', { ids: [run] });
    const chain = chains[0]?.runs ?? [];
    const row = chain.find(({ id }) => id === run);
    if (!row) {
      return refuse(store, { code: 'unknown_run', message: `There is no run ${run}.`, run });
    }
    const { shown, descendants } = await family(store, row, depth);
    return {
      ok: true,
      at: seq,
      run: shown,
      details: await detailsOf(store, row),
      attempts: chain.map(({ id, attempt, status }) => ({ id, attempt, status })),
      descendants,
    };
  });
}

async function family(
  store: Store,
  row: RunRow,
  depth: number,
): Promise<{ readonly shown: Run; readonly descendants: readonly Run[] }> {
  let rows = [row];
  let children = await store.read('children', { of: [row.id] });
  const shown = runOf(
    row,
    children.map(({ id }) => id),
  );
  const descendants: Run[] = [];
  for (let level = 1; level <= depth && children.length > 0; level += 1) {
    rows = [...children];
    children = await store.read('children', { of: rows.map(({ id }) => id) });
    descendants.push(...runsOf(rows, children));
  }
  return { shown, descendants };
}

async function detailsOf(store: Store, row: RunRow): Promise<RunDetails> {
  const { notBefore, timeoutMs, handoff, links, stop, unmet } = row;
  const { chains } = await store.read('chains', { ids: unmet });
  const chainOf = new Map(chains.map(({ id, runs }) => [id, runs]));
  return {
    notBefore,
    timeoutMs,
    handoff,
    links,
    stop: stop && { directive: stop.directive, reason: stop.reason, by: stop.by },
    blockedBy: blockedBy(row, (id) => chainOf.get(id) ?? []).map(({ run }) => run),
  };
}

/** A flag that was not given is left out: commands have no field that is undefined. */
function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}
