/** When a workflow goes on to its next wave, and what that brings with it: rules WAVE. */
import type { CommandOf, Context, PlanTask, RunId, RunRow, TaskId } from '../../src/core/model';
import { isLive, queuedRun, unmetOf } from './runs';
import { grant, refuse, type Outcome, type World } from './world';

type Advance = CommandOf<'wave.advance'>;

interface InTheWay {
  readonly task: TaskId;
  readonly run?: RunId;
  readonly status: string;
}

export function advance(world: World, command: Advance, context: Context): Outcome {
  const { plan, file, worktree } = command;
  const known = world.workflows.find((workflow) => workflow.id === plan.id);
  // WAVE-8.
  if (known && (known.file !== file || known.worktree !== worktree)) return refuse('conflict');
  // WAVE-7: what the file shall say counts as said.
  const edit = world.pending.find(({ workflow }) => workflow === plan.id)?.edit;
  const promised = edit?.kind === 'wave' ? edit.wave : 0;
  const isPast = promised > plan.wave || (command.seen ?? plan.wave) !== plan.wave;
  if (isPast) return refuse('conflict');
  // WAVE-6.
  const isLast = plan.wave >= plan.waveCount;
  if (isLast && known?.status === 'completed') return refuse('invalid_transition');

  // WAVE-1 … WAVE-4: the file says what is done, the store who is at work.
  const blockers = tasksOf(command, plan.wave).flatMap(({ id, status }): InTheWay[] => {
    const run = newestOf(world, command, id);
    if (run?.status === 'running') return [{ task: id, run: run.id, status: 'running' }];
    if (status === 'done') return [];
    return [{ task: id, ...(run ? { run: run.id } : {}), status }];
  });
  if (blockers.length > 0 && !command.force) return refuse('wave_incomplete', { blockers });
  const carriedOver = blockers.flatMap(({ run, status }) =>
    run !== undefined && status === 'running' ? [run] : [],
  );

  const to = isLast ? plan.wave : plan.wave + 1;
  const runs = isLast ? [] : startWave(world, command, to, context);
  const row = {
    id: plan.id,
    name: plan.name,
    file,
    worktree,
    wave: to,
    waveCount: plan.waveCount,
    status: isLast ? 'completed' : 'active',
  } as const;
  world.workflows = [...world.workflows.filter((workflow) => workflow !== known), row];
  if (!isLast) promise(world, command, to, context);
  return grant({ workflow: plan.id, from: plan.wave, to, completed: isLast, runs, carriedOver });
}

const tasksOf = ({ plan }: Advance, wave: number): readonly PlanTask[] =>
  plan.waves.find(({ number }) => number === wave)?.tasks ?? [];

const newestOf = (world: World, { plan }: Advance, task: TaskId): RunRow | undefined =>
  world.runs.filter((run) => run.workflow === plan.id && run.task === task).at(-1);

/** WAVE-5. */
function startWave(world: World, command: Advance, wave: number, context: Context): RunRow[] {
  const due = tasksOf(command, wave).filter(({ id, status }) => {
    const run = newestOf(world, command, id);
    return status !== 'done' && !(run && (isLive(run) || run.status === 'completed'));
  });
  const made = due.map(({ id: task, description: title }) =>
    queuedRun({ title, workflow: command.plan.id, wave, task }, context),
  );
  const done = command.plan.waves
    .flatMap(({ tasks }) => tasks)
    .flatMap(({ id, status }) => (status === 'done' ? [id] : []));
  const runOf = (task: TaskId): RunId[] => {
    const run = made[due.findIndex(({ id }) => id === task)] ?? newestOf(world, command, task);
    return run && !done.includes(task) ? [run.id] : [];
  };
  const runs = made.map((run, index) => ({
    ...run,
    dependsOn: due[index]?.dependsOn.flatMap(runOf) ?? [],
  }));
  world.runs.push(...runs);
  const linked = runs.map((run) => ({ ...run, unmet: unmetOf(world, run) }));
  for (const run of linked) world.putRun(run);
  return linked;
}

/** WAVE-9. */
function promise(world: World, command: Advance, wave: number, context: Context): void {
  const { plan, file, worktree, write } = command;
  world.pending = [
    ...world.pending.filter(({ workflow }) => workflow !== plan.id),
    {
      workflow: plan.id,
      file,
      worktree,
      edit: { kind: 'wave', wave, updated: write.updated },
      base: write.base,
      target: write.target,
      session: context.session,
      since: context.now,
    },
  ];
}

export function confirm(world: World, command: CommandOf<'file.confirm'>): Outcome {
  const before = world.pending.length;
  world.pending = world.pending.filter(
    ({ workflow, target }) => workflow !== command.workflow || target !== command.target,
  );
  return grant({ confirmed: world.pending.length < before });
}
