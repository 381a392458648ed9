/** What leaves for the archive: rules KEEP. */
import type { CommandOf, Context, RunRow } from '../../src/core/model';
import { isLive } from './runs';
import { grant, type Outcome, type World } from './world';

const dayMs = 24 * 60 * 60_000;

/** KEEP-1, KEEP-3: everything that may go now, oldest first. */
function mayGo(world: World, context: Context): RunRow[] {
  const oldest = context.now - world.number('retention.days', 30) * dayMs;
  const keep = world.number('retention.max', 10_000);
  const ended = world.runs
    .filter((run) => !isLive(run))
    .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  return ended
    .filter((run, index) => (run.endedAt ?? 0) < oldest || index < Math.max(0, ended.length - keep))
    .filter((run) => !isReferredTo(world, run));
}

const isReferredTo = (world: World, run: RunRow): boolean =>
  world.runs
    .filter(isLive)
    .some(
      (live) =>
        live.parent === run.id || live.dependsOn.includes(run.id) || live.retryOf === run.id,
    );

export function retentionStep(
  world: World,
  command: CommandOf<'retention.step'>,
  context: Context,
): Outcome {
  const going = world.runs.filter(
    (run) => command.archived.includes(run.id) && !isLive(run) && !isReferredTo(world, run),
  );
  world.runs = world.runs.filter((run) => !going.includes(run));
  world.archive.push(...going);
  return grant({
    archived: going.map((run) => run.id),
    next: mayGo(world, context).slice(0, 500),
  });
}
