/** Runs as people get to see them. */
import type { RunSnapshot, RunStatus, StoredEvent } from '../core/model';
import type {
  AwaitDocument,
  ClaimDocument,
  EndedDocument,
  HeartbeatDocument,
  ListDocument,
  NextDocument,
  RetryDocument,
  RunsDocument,
  ShowDocument,
  StopDocument,
} from './runCommands';
import type { DiffDocument } from './runDiff';
import type { Run } from './runShape';
import { ago, clock, counted, lasting, printable, table, type Cell, type Look } from './terminal';

type Granted<Document> = Extract<Document, { readonly ok: true }>;

export function showRuns({ runs }: Granted<RunsDocument>, { paint }: Look): string {
  const [first] = runs;
  if (runs.length !== 1 || !first)
    return `${counted(runs.length, 'run')} queued: ${first?.id ?? ''} …\n`;
  return `${paint.bold(first.id)} is queued: ${printable(first.title)}\n`;
}

/** The token stands in a line of its own, ready to be copied. */
export function showClaim({ run, token }: Granted<ClaimDocument>, { paint, now }: Look): string {
  const lease = run.leaseUntil === null ? '' : ` for ${lasting(run.leaseUntil - now)}`;
  return [
    `${paint.bold(run.id)} is yours${lease}: ${printable(run.title)}\n`,
    `  export WAVELOCK_RUN=${run.id} WAVELOCK_TOKEN=${token}\n`,
  ].join('');
}

export function showHeartbeat(
  { leaseUntil, directive }: Granted<HeartbeatDocument>,
  { paint, now }: Look,
): string {
  const told =
    directive === null
      ? ''
      : paint.yellow(directive === 'kill' ? 'Stop at once.\n' : 'Please stop: it was cancelled.\n');
  return `It is yours for another ${lasting(leaseUntil - now)}.\n${told}`;
}

export function showEnded({ run, retry, exhausted }: Granted<EndedDocument>, look: Look): string {
  const { paint } = look;
  const lines = [`${paint.bold(run.id)} ${statusOf(run, look)}.\n`];
  if (retry)
    lines.push(`Attempt ${retry.attempt} of ${retry.maxAttempts} follows as ${retry.id}.\n`);
  if (exhausted) lines.push(paint.yellow(`No attempt is left after ${run.attempt}.\n`));
  return lines.join('');
}

export function showStopped(document: Granted<StopDocument>, look: Look): string {
  if (document.ended) return showEnded(document, look);
  return `${look.paint.bold(document.run.id)} is still running; its holder is told to stop.\n`;
}

export function showRetried({ run }: Granted<RetryDocument>, { paint }: Look): string {
  return `${paint.bold(run.id)} is queued: attempt ${run.attempt} of ${printable(run.title)}\n`;
}

export function showDiff({ run, diff, copied }: Granted<DiffDocument>, { paint }: Look): string {
  if (copied === null) return diff === '' ? 'Nothing has changed.\n' : diff;
  const where = copied.to === 'clipboard' ? 'the clipboard' : printable(copied.path);
  return `The diff of ${paint.bold(run)} is in ${where}.\n`;
}

export function showNext({ run }: Granted<NextDocument>, { paint }: Look): string {
  if (run === null) return 'Nothing can be claimed now.\n';
  return `${paint.bold(run.id)}  ${printable(run.title)}\n`;
}

export function showAwaited({ runs }: Granted<AwaitDocument>, look: Look): string {
  return runs.map((run) => snapshotLine(run, look)).join('');
}

export function snapshotLine({ id, status, attempt }: RunSnapshot, { paint }: Look): string {
  const by = attempt === null || attempt === id ? '' : ` (by ${attempt})`;
  return `${printable(id)}  ${painted(status, paint)}${by}\n`;
}

export function showRunList({ runs, counts }: Granted<ListDocument>, look: Look): string {
  const { paint, now } = look;
  const sum = Object.entries(counts).filter(([, count]) => count > 0);
  if (runs.length === 0) {
    return sum.length === 0 ? 'There is no run.\n' : 'No run is like that.\n';
  }
  const rows = runs.map((run): (Cell | string)[] => [
    run.id,
    { text: run.status, paint: (text) => painted(run.status, paint, text) },
    run.attempt === 1 ? '' : `${run.attempt}/${run.maxAttempts}`,
    { text: run.title },
    run.task ?? '',
    run.agent ?? '',
    { text: ago(run.endedAt ?? run.startedAt ?? run.createdAt, now), paint: paint.dim },
  ]);
  const columns = [
    { title: 'RUN' },
    { title: 'STATUS' },
    { title: 'TRY' },
    { title: 'TITLE', flexible: true },
    { title: 'TASK', flexible: true },
    { title: 'AGENT', flexible: true },
    { title: 'AGE', align: 'right' },
  ] as const;
  const total = sum.map(([status, count]) => `${count} ${status}`).join(', ');
  return `${table(columns, rows, look)}${paint.dim(total)}\n`;
}

export function showRun(document: Granted<ShowDocument>, look: Look): string {
  const { run, details, attempts, descendants } = document;
  const { paint, now } = look;
  const facts: [string, string | null][] = [
    ['status', statusOf(run, look)],
    [
      'task',
      run.task === null ? null : `${run.task} of ${run.workflow ?? '?'}, wave ${run.wave ?? '?'}`,
    ],
    ['agent', run.agent],
    ['lease', run.leaseUntil === null ? null : `${lasting(run.leaseUntil - now)} left`],
    ['created', clock(run.createdAt)],
    ['started', run.startedAt === null ? null : clock(run.startedAt)],
    ['ended', run.endedAt === null ? null : clock(run.endedAt)],
    ['not before', details.notBefore === null ? null : clock(details.notBefore)],
    ['timeout', details.timeoutMs === null ? null : lasting(details.timeoutMs)],
    ['attempt', `${run.attempt} of ${run.maxAttempts}`],
    ['depends on', run.dependsOn.join(', ')],
    ['blocked by', details.blockedBy.join(', ')],
    ['parent', run.parent],
    ['stop', details.stop && `${details.stop.directive} asked by ${details.stop.by}`],
    ['reason', run.reason],
    ['error', run.error && `${run.error.code}: ${run.error.message}`],
    ['result', run.result === null ? null : JSON.stringify(run.result)],
    ['note', details.handoff],
    ...details.links.map(({ kind, target }): [string, string] => [kind, target]),
  ];
  const told = facts.filter((fact): fact is [string, string] => Boolean(fact[1]));
  const width = Math.max(...told.map(([name]) => name.length));
  const lines = told.map(
    ([name, value]) =>
      `  ${paint.dim(name.padEnd(width))}  ${name === 'status' ? value : printable(value)}\n`,
  );
  const others = attempts.filter(({ id }) => id !== run.id);
  const chain = others.map(
    ({ id, attempt, status }) => `  attempt ${attempt}: ${id} ${painted(status, paint)}\n`,
  );
  const below = descendants.map(
    ({ id, status, title }) => `  └ ${id} ${painted(status, paint)} ${printable(title)}\n`,
  );
  return `${paint.bold(run.id)}  ${printable(run.title)}\n${[...lines, ...chain, ...below].join('')}`;
}

function statusOf(run: Run, { paint, now }: Look): string {
  const since = run.endedAt ?? run.startedAt;
  const age = since === null ? '' : `, ${lasting(now - since)} ago`;
  return `${painted(run.status, paint)}${run.status === 'queued' ? '' : age}`;
}

function painted(
  status: RunStatus | 'unknown',
  paint: Look['paint'],
  text: string = status,
): string {
  switch (status) {
    case 'completed':
      return paint.green(text);
    case 'running':
      return paint.cyan(text);
    case 'error':
    case 'killed':
    case 'lost':
    case 'unknown':
      return paint.red(text);
    case 'cancelled':
      return paint.yellow(text);
    case 'queued':
      return text;
  }
}

/** One line for each step that an awaited run takes. */
export function progressLine(event: StoredEvent, { paint }: Look): string | undefined {
  if (event.run === undefined || event.kind === 'run.beat') return undefined;
  const what = event.kind.replace(/^run\./, '').replace('_', ' ');
  return `${paint.dim(clock(event.at).slice(11))} ${event.run} ${what} ${paint.dim(printable(event.agent))}\n`;
}
