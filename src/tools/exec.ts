/**
 * `wavelock exec`: one command as a run, from here. The command owns standard output and decides the exit code; what
 * became of the run goes to a report.
 */
import type { Readable } from 'node:stream';
import type {
  Answer,
  Granted,
  NewRun,
  Refusal,
  RefusalOf,
  RunId,
  Seq,
  TaskId,
  WorkflowId,
} from '../core/model';
import { isEnded } from '../core/rules/runs';
import { viewOf } from '../core/views';
import { HeldRun } from './heldRun';
import { runnerEnvironment, type Surroundings } from './runnerEnvironment';
import { RunnerStore } from './runnerStore';
import { runOf, withChildren, type Run } from './runShape';
import { refused, type Refused } from './commandLine';
import { exitCodeOf, type CommandEnd } from './supervisedCommand';
import { named, unknownWorkflow, workflowsIn } from './workflowChoice';
import type { Workplace } from './workplace';

export interface ExecOptions {
  readonly command: readonly string[];
  /** A queued run, instead of a new one. */
  readonly run: string | undefined;
  readonly task: string | undefined;
  readonly title: string | undefined;
  readonly workflow: string | undefined;
  readonly timeoutMs: number | undefined;
}

interface Executed {
  readonly at: Seq;
  readonly run: Run;
  readonly retry: Run | null;
  readonly exit: CommandEnd;
  readonly log: string;
}

export type ExecDocument =
  | ({ readonly ok: true } & Executed)
  | ({ readonly ok: false; readonly refusal: RefusalOf<'run_failed'> } & Executed);

export interface ExecEnd {
  /** `Refused` only before the command was started. */
  readonly document: ExecDocument | Refused;
  readonly exitCode: number;
}

/** As the other programs have it that run a command: it was not even started. */
export const notStarted = 125;

/** Both told anew for each signal; the second time at once. */
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function exec(
  workplace: Workplace,
  options: ExecOptions,
  surroundings: Surroundings,
): Promise<ExecEnd> {
  const desk = await RunnerStore.open(workplace, { kind: 'terminal', resident: false });
  try {
    const claimedAt = performance.now();
    const claim = await claimed(desk, options);
    if (!claim.ok) return { document: refused(claim.refusal, claim.at), exitCode: notStarted };
    const { run, token } = claim.facts;
    const held = new HeldRun({
      store: desk.store,
      place: desk.place,
      run,
      token,
      claimedAt,
      command: options.command,
      cwd: desk.folder,
      env: runnerEnvironment(surroundings.env, { run, token, agent: desk.agent }),
      stdin: 'inherit',
      interruptedAs: 'killed',
      graceMs: desk.graceMs,
      keepPromises: () => desk.keepPromises(),
      warn: workplace.warn,
    });
    const release = passSignalsTo(held);
    handOver(held.stdout, surroundings.stdout);
    handOver(held.stderr, surroundings.stderr);
    // From its claim on, or a cancel could come between its first look and our first event.
    desk.follow(claim.at, (events) => {
      for (const event of events) held.hear(event);
    });
    try {
      const end = await held.done;
      return { document: await told(desk, held, end), exitCode: exitCodeOf(end.exit) };
    } finally {
      release();
    }
  } finally {
    await desk.close();
  }
}

async function told(
  desk: RunnerStore,
  held: HeldRun,
  { run, retry, exit }: Awaited<HeldRun['done']>,
): Promise<ExecDocument> {
  const [shown = runOf(run, [])] = await withChildren(desk.store, [run]);
  const executed: Executed = {
    at: await desk.store.read('head', {}),
    run: shown,
    retry: retry && runOf(retry, []),
    exit,
    log: held.log.path,
  };
  if (run.status === 'completed') return { ok: true, ...executed };
  const { id, status, error } = run;
  const snapshot = { id, status, attempt: id, ended: isEnded(status), satisfied: false };
  const why = error === null ? '' : `: ${error.message}`;
  const message = `Run ${id} is ${status}${why}`;
  return { ok: false, refusal: { code: 'run_failed', message, runs: [snapshot] }, ...executed };
}

/* ------------------------------------------------------------------ which run */

async function claimed(
  desk: RunnerStore,
  options: ExecOptions,
): Promise<Answer<Granted['run.claim']>> {
  const wanted = await wantedRun(desk, options);
  if ('code' in wanted) {
    return { ok: false, at: await desk.store.read('head', {}), refusal: wanted };
  }
  return desk.store.submit({ kind: 'run.claim', program: true, ...wanted });
}

type Wanted = { readonly run: RunId } | { readonly create: NewRun };

async function wantedRun(desk: RunnerStore, options: ExecOptions): Promise<Wanted | Refusal> {
  const { run, task, title, workflow, timeoutMs, command } = options;
  if (run !== undefined) return { run: run as RunId };
  const limits = timeoutMs === undefined ? {} : { timeoutMs };
  if (task !== undefined) return ofTask(desk, { task: task as TaskId, title, workflow, limits });
  const id = workflow === undefined ? undefined : await desk.workflow(workflow);
  if (typeof id === 'object') return id;
  const called = title ?? asTitle(command.join(' '));
  return { create: { title: called, ...limits, ...(id === undefined ? {} : { workflow: id }) } };
}

interface TaskWish {
  readonly task: TaskId;
  readonly title: string | undefined;
  readonly workflow: string | undefined;
  readonly limits: Pick<NewRun, 'timeoutMs'>;
}

/** The queued run of the task, or a new one. One that is running is found by the rule that makes runs. */
async function ofTask(
  desk: RunnerStore,
  { task, title, workflow, limits }: TaskWish,
): Promise<Wanted | Refusal> {
  const place = await placeOfTask(desk, task, workflow);
  if ('code' in place) return place;
  const rows = await desk.store.read('workflow', { id: place.workflow });
  const newest = viewOf(rows).runs.get(place.workflow)?.get(task);
  if (newest?.status === 'queued') return { run: newest.id };
  return {
    create: {
      title: title ?? asTitle(place.description),
      workflow: place.workflow,
      wave: place.wave,
      task,
      ...limits,
    },
  };
}

interface TaskPlace {
  readonly workflow: WorkflowId;
  readonly wave: number;
  readonly description: string;
}

async function placeOfTask(
  desk: RunnerStore,
  task: TaskId,
  wanted: string | undefined,
): Promise<TaskPlace | Refusal> {
  const workflows = await workflowsIn(desk, desk.store);
  const files = wanted === undefined ? workflows.found : named(workflows, wanted);
  if (wanted !== undefined && files.length === 0) return unknownWorkflow(wanted, workflows.found);
  const plans = files.flatMap(({ document: { plan }, file }) => (plan ? [{ plan, file }] : []));
  const places = plans.flatMap(({ plan, file }) =>
    plan.waves.flatMap(({ number, tasks }) =>
      tasks
        .filter(({ id }) => id === task)
        .map(({ description }) => ({ workflow: plan.id, wave: number, description, file })),
    ),
  );
  const [only, another] = places;
  if (only && !another) return only;
  if (!only) {
    return { code: 'unknown_task', message: `No workflow here has a task ${task}.`, task };
  }
  return {
    code: 'unknown_workflow',
    message: `Several workflows have a task ${task}: ${places.map(({ file }) => file).join(', ')}. Name one with --workflow.`,
    workflows: places.map(({ workflow, file }) => ({ id: workflow, file })),
  };
}

const titleLength = 200;

/** One line without what a title may not hold. */
function asTitle(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line === '' ? 'command' : line.slice(0, titleLength).trim();
}

/* ------------------------------------------------------------------ signals and streams */

function passSignalsTo(held: HeldRun): () => void {
  let told = false;
  const pass = (signal: NodeJS.Signals): void => {
    if (told) held.kill();
    else held.interrupt(signal);
    told = true;
  };
  for (const signal of passedOn) process.on(signal, pass);
  return () => {
    for (const signal of passedOn) process.off(signal, pass);
  };
}

/** As fast as they are read at the other end. Where nobody reads any more, the command hears of it as without us. */
function handOver(from: Readable, to: NodeJS.WriteStream): void {
  to.on('error', () => {
    from.destroy();
  });
  from.pipe(to, { end: false });
}
