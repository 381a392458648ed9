/**
 * What leaves the live store for the archive (KEEP-n).
 *
 * Contract: a run is dropped only when the caller says that it is durable in the archive, and only if it may
 * still go: what a live run refers to stays, also when the reference came after the choice.
 */
import type { CommandOf, Context, Decision, Granted, RunId, RunRow, Step } from '../model';
import { ask } from './ask';
import { numberSetting } from './limits';
import { isEnded } from './runs';

export const runsAStep = 500;
const day = 24 * 60 * 60_000;

export function* retentionStep(
  command: CommandOf<'retention.step'>,
  context: Context,
): Decision<Granted['retention.step']> {
  const archived: RunId[] = [];
  for (const run of yield* ask('runs', { ids: [...new Set(command.archived)] })) {
    if (!isEnded(run.status)) continue;
    const referrers = yield* ask('referrers', { run: run.id });
    if (referrers.length === 0) archived.push(run.id);
  }
  // Those that go with this step are still there.
  const due = yield* archivable(runsAStep + archived.length, context);
  const going = new Set(archived);
  return {
    facts: { archived, next: due.filter(({ id }) => !going.has(id)).slice(0, runsAStep) },
    changes: archived.map((id) => ({ drop: 'run', id })),
    events: archived.length === 0 ? [] : [{ kind: 'run.archived', data: { runs: archived } }],
  };
}

/** Whether a step would offer anything. */
export function* isRetentionDue(context: Context): Step<boolean> {
  return (yield* archivable(1, context)).length > 0;
}

function* archivable(limit: number, context: Context): Step<readonly RunRow[]> {
  const days = yield* numberSetting('retention.days');
  const keep = yield* numberSetting('retention.max');
  return yield* ask('archivable', { endedBefore: context.now - days * day, keep, limit });
}
