/**
 * When a workflow may go to its next wave, and what that brings with it.
 *
 * The file is the plan of record: its `Wave X/Y` says where the workflow stands, whatever the store
 * remembers. The store adds what the file cannot know: the runs.
 */
import type {
  AdvanceFacts,
  AdvanceWave,
  Blocker,
  Context,
  Decision,
  NewEvent,
  Plan,
  PlanTask,
  PlanWave,
  Refusal,
  RowChange,
  RunId,
  RunRow,
  Step,
  TaskId,
  WorkflowId,
  WorkflowRow,
} from '../model';
import { waveNow } from '../waveNow';
import { ask } from './ask';
import { expireRun } from './expiry';
import { boundHere } from './files';
import { aboutRun, newRun } from './runs';
import { promise } from './tasks';

export function* advanceWave(command: AdvanceWave, context: Context): Decision<AdvanceFacts> {
  const { sight } = command;
  const bound = yield* boundHere(sight);
  if ('code' in bound) return bound;
  const known = bound.row;
  const plan = { ...command.plan, wave: waveNow(command.plan, sight.editing, known) };
  const passed = yield* wavePassed({ ...command, plan });
  if (passed) return passed;
  if (known.status === 'completed' && plan.wave >= plan.waveCount) {
    return { code: 'invalid_transition', message: `"${plan.name}" is completed; no wave is left.` };
  }

  const runs = newestByTask(yield* presentRuns(plan.id, context));
  const current = waveOf(plan, plan.wave);
  const blockers = current ? blockersOf(current, runs) : [];
  if (blockers.length > 0 && !command.force) {
    return { code: 'wave_incomplete', message: incomplete(plan.wave, blockers.length), blockers };
  }

  const completed = plan.wave >= plan.waveCount;
  const to = completed ? plan.wave : plan.wave + 1;
  const created = completed ? [] : runsForWave(plan, to, runs, context);
  const carriedOver = blockers.flatMap((blocker) =>
    blocker.run !== undefined && blocker.status === 'running' ? [blocker.run] : [],
  );
  const row: WorkflowRow = {
    ...known,
    name: plan.name,
    wave: to,
    waveCount: plan.waveCount,
    status: completed ? 'completed' : 'active',
  };
  const promised = completed
    ? { changes: [], events: [] }
    : yield* promise(row, { kind: 'wave', wave: to }, context);
  return {
    facts: { workflow: plan.id, from: plan.wave, to, completed, runs: created, carriedOver },
    changes: [
      { put: 'workflow', row },
      ...created.map((run): RowChange => ({ put: 'run', row: run })),
      ...promised.changes,
    ],
    events: [
      ...bound.events,
      {
        kind: completed ? 'workflow.completed' : 'workflow.advanced',
        workflow: plan.id,
        data: {
          from: plan.wave,
          to,
          row,
          carriedOver,
          ...(command.force ? { forced: command.force.reason, blockers } : {}),
        },
      },
      ...created.map((run): NewEvent => ({
        kind: 'run.created',
        ...aboutRun(run),
        data: { row: run },
      })),
      ...promised.events,
    ],
  };
}

/** What the file shall say counts as said: a plan from before a promise would be granted it again (WAVE-7). */
function* wavePassed({ plan, seen = plan.wave }: AdvanceWave): Step<Refusal | null> {
  const edits = yield* ask('fileEdits', { workflow: plan.id });
  const promised = Math.max(
    0,
    ...edits.map(({ change }) => (change.kind === 'wave' ? change.wave : 0)),
  );
  if (promised <= plan.wave && seen === plan.wave) return null;
  const present = Math.max(plan.wave, promised);
  return {
    code: 'conflict',
    message: `The workflow has moved on: wave ${present} is under way, not wave ${Math.min(seen, plan.wave)}. Look again before you advance it.`,
  };
}

/** The newest run of each task, after those that are over have ended. */
function* presentRuns(workflow: WorkflowId, context: Context): Step<readonly RunRow[]> {
  const runs = yield* ask('newestRuns', { workflow });
  let ended = false;
  for (const run of runs) {
    if (run.status === 'running')
      ended = (yield* expireRun(run, context)).status !== 'running' || ended;
  }
  return ended ? yield* ask('newestRuns', { workflow }) : runs;
}

/** What keeps a wave from being done: tasks that are not, and runs that are still at work. */
export function blockersOf(wave: PlanWave, runs: ReadonlyMap<TaskId, RunRow>): Blocker[] {
  const blockers: Blocker[] = [];
  for (const task of wave.tasks) {
    const run = runs.get(task.id);
    if (run?.status === 'running') {
      blockers.push({
        task: task.id,
        run: run.id,
        status: 'running',
        why: `run ${run.id} is at work on it`,
      });
    } else if (run?.status === 'queued' && run.retryOf !== null) {
      blockers.push({
        task: task.id,
        run: run.id,
        status: 'queued',
        why: `run ${run.id} is to try it again`,
      });
    } else if (task.status !== 'done') {
      blockers.push({
        task: task.id,
        ...(run ? { run: run.id } : {}),
        status: task.status,
        why: reasons[task.status],
      });
    }
  }
  return blockers;
}

const reasons: Record<Exclude<PlanTask['status'], 'done'>, string> = {
  todo: 'not started',
  doing: 'in progress',
  failed: 'failed',
};

function incomplete(wave: number, count: number): string {
  const tasks = count === 1 ? '1 task' : `${count} tasks`;
  return `${tasks} of wave ${wave} ${count === 1 ? 'is' : 'are'} not completed. Complete ${count === 1 ? 'it' : 'them'}, or advance by force with a reason.`;
}

function waveOf(plan: Plan, number: number): PlanWave | undefined {
  return plan.waves.find((wave) => wave.number === number);
}

function newestByTask(runs: readonly RunRow[]): Map<TaskId, RunRow> {
  return new Map(runs.flatMap((run) => (run.task === null ? [] : [[run.task, run] as const])));
}

/** One queued run for each task of the wave that is not done and that no live or completed run has already. */
function runsForWave(
  plan: Plan,
  number: number,
  existing: ReadonlyMap<TaskId, RunRow>,
  context: Context,
): RunRow[] {
  const due = (waveOf(plan, number)?.tasks ?? []).filter((task) => {
    const status = existing.get(task.id)?.status;
    return (
      task.status !== 'done' &&
      status !== 'queued' &&
      status !== 'running' &&
      status !== 'completed'
    );
  });
  const ids = new Map<TaskId, RunId>(due.map((task) => [task.id, context.newRunId()]));
  const completed = new Set(
    [...existing.values()].flatMap((run) => (run.status === 'completed' ? [run.id] : [])),
  );
  const done = new Set(
    plan.waves.flatMap((wave) =>
      wave.tasks.flatMap((task) => (task.status === 'done' ? [task.id] : [])),
    ),
  );
  return due.map((task) => {
    const dependsOn = task.dependsOn.flatMap((dependency) => {
      const run = ids.get(dependency) ?? existing.get(dependency)?.id;
      return run === undefined || done.has(dependency) ? [] : [run];
    });
    return newRun(
      {
        // `due` made the ids; each of its tasks has one.
        id: ids.get(task.id) as RunId,
        title: task.description === '' ? task.id : task.description,
        dependsOn,
        // What is done holds nothing up, also when the file learnt of it before the store's row says so.
        unmet: dependsOn.filter((run) => !completed.has(run)),
        workflow: plan.id,
        wave: number,
        task: task.id,
      },
      context,
    );
  });
}
