/**
 * What runs have to do with each other: parents and dependencies (RUN-5 … RUN-8).
 *
 * Contract: a dependency means the chain of attempts that the named run belongs to, whichever of them was
 * named. `unmet` of a queued run names exactly those of its dependencies of which no attempt has completed.
 */
import type {
  CommandOf,
  Context,
  Decision,
  Freed,
  Granted,
  NewEvent,
  RefusalOf,
  RowChange,
  RunId,
  RunRow,
  Step,
} from '../model';
import { ask } from './ask';
import { chainOf, newer } from './retries';
import {
  aboutRun,
  invalidTransition,
  isEnded,
  presentRun,
  unchanged,
  unknownRun,
  type Part,
} from './runs';

/** Those of the runs that exist, in the live store or in the archive (KEEP-4). */
export function* knownRuns(ids: readonly RunId[]): Step<ReadonlyMap<RunId, RunRow>> {
  if (ids.length === 0) return new Map();
  const known = new Map((yield* ask('runs', { ids })).map((row) => [row.id, row]));
  const others = ids.filter((id) => !known.has(id));
  if (others.length > 0) {
    for (const row of yield* ask('archived', { ids: others })) known.set(row.id, row);
  }
  return known;
}

/** What a run may refer to: all of it exists, or the refusal names what does not (RUN-5). */
export function* linkable(
  ids: readonly RunId[],
): Step<{ readonly known: ReadonlyMap<RunId, RunRow> } | RefusalOf<'unknown_run'>> {
  const known = yield* knownRuns(ids);
  const missing = ids.find((id) => !known.has(id));
  return missing === undefined ? { known } : unknownRun(missing);
}

/** Those of the dependencies of which no attempt has completed. */
export function* unmetOf(
  dependsOn: readonly RunId[],
  known: ReadonlyMap<RunId, RunRow>,
): Step<readonly RunId[]> {
  const met = new Set<RunId>();
  for (const [id, run] of known) {
    // While an attempt is live, none has completed.
    const isOpen = isEnded(run.status) && run.status !== 'completed';
    const chain = isOpen ? yield* chainOf(run) : [run];
    if (chain.some(({ status }) => status === 'completed')) met.add(id);
  }
  return dependsOn.filter((id) => !met.has(id));
}

/** The dependents of a completed run, as they are without it (RUN-7). */
export function* releasedBy(completed: RunRow): Step<readonly RunRow[]> {
  const chain = completed.attempt === 1 ? [completed] : yield* chainOf(completed);
  const met = new Set(chain.map(({ id }) => id));
  const dependents = yield* ask('dependents', { of: [...met] });
  return dependents.map((run) => ({ ...run, unmet: run.unmet.filter((id) => !met.has(id)) }));
}

/** Queued runs without their links to these, for which nobody waits any more; but those that end themselves. */
export function* freedFrom(
  gone: readonly RunId[],
  ending: readonly RunId[],
): Step<Part & { readonly freed: readonly Freed[] }> {
  const found = gone.length === 0 ? [] : yield* ask('dependents', { of: gone });
  const dependents = found.filter(({ id }) => !ending.includes(id));
  const stays = (id: RunId): boolean => !gone.includes(id);
  const rows = dependents.map((run): RunRow => ({
    ...run,
    dependsOn: run.dependsOn.filter((id) => stays(id) || !run.unmet.includes(id)),
    unmet: run.unmet.filter(stays),
  }));
  return {
    freed: dependents.map(({ id: run, unmet }) => ({
      run,
      from: unmet.filter((id) => !stays(id)),
    })),
    changes: rows.map((row): RowChange => ({ put: 'run', row })),
    events: rows.map((row) => linkChanged(row, 'dependencies')),
  };
}

/** The other way: those that are still queued wait again, unless a newer link has made that a circle. */
export function* boundAgain(freed: readonly Freed[]): Step<Part> {
  const changes: RowChange[] = [];
  const events: NewEvent[] = [];
  for (const { run, from } of freed) {
    const row = yield* ask('run', { id: run });
    const known = yield* knownRuns(from);
    const added = from.filter((id) => known.has(id) && !row?.dependsOn.includes(id));
    if (row?.status !== 'queued' || added.length === 0) continue;
    if (yield* cycleThrough(row, { parent: null, dependsOn: added })) continue;
    const linked: RunRow = {
      ...row,
      dependsOn: [...row.dependsOn, ...added],
      unmet: [...row.unmet, ...(yield* unmetOf(added, known))],
    };
    changes.push({ put: 'run', row: linked });
    events.push(linkChanged(linked, 'dependencies'));
  }
  return { changes, events };
}

function linkChanged(row: RunRow, what: 'parent' | 'dependencies'): NewEvent {
  return { kind: 'run.changed', ...aboutRun(row), data: { row, what } };
}

/** The path of the cycle that these links would close, by run id, or null (RUN-6). */
export function* cycleThrough(
  run: Pick<RunRow, 'id' | 'root'>,
  links: { readonly parent: RunId | null; readonly dependsOn: readonly RunId[] },
): Step<readonly RunId[] | null> {
  return (
    (yield* wayBack(run, parents(links), parents)) ??
    (yield* wayBack(run, links.dependsOn, ({ dependsOn }) => dependsOn))
  );
}

function parents({ parent }: { readonly parent: RunId | null }): readonly RunId[] {
  return parent === null ? [] : [parent];
}

/** A run that was reached, and the way to it. */
interface Reached {
  readonly id: RunId;
  readonly from: Reached | null;
}

/** Breadth first, one question for each level; any attempt of the run's own chain closes the circle. */
function* wayBack(
  run: Pick<RunRow, 'id' | 'root'>,
  first: readonly RunId[],
  linksOf: (row: RunRow) => readonly RunId[],
): Step<readonly RunId[] | null> {
  const start: Reached = { id: run.id, from: null };
  const seen = new Set(first);
  let level = first.map((id): Reached => ({ id, from: start }));
  while (level.length > 0) {
    const known = yield* knownRuns(level.map(({ id }) => id));
    const next: Reached[] = [];
    for (const from of level) {
      const row = known.get(from.id);
      if (!row) continue;
      if (row.root === run.root) return wayTo(from);
      for (const id of linksOf(yield* newestOf(row))) {
        if (seen.has(id)) continue;
        seen.add(id);
        next.push({ id, from });
      }
    }
    level = next;
  }
  return null;
}

function wayTo(last: Reached): readonly RunId[] {
  const way: RunId[] = [];
  for (let at: Reached | null = last; at !== null; at = at.from) way.unshift(at.id);
  return way;
}

/** Links of a failed attempt are out of date: its successor's count. */
function* newestOf(run: RunRow): Step<RunRow> {
  if (!isEnded(run.status) || run.status === 'completed') return run;
  return (yield* chainOf(run)).reduce(newer, run);
}

export function cycleRefusal(path: readonly RunId[]): RefusalOf<'cycle'> {
  return { code: 'cycle', message: `That would close a cycle: ${path.join(' → ')}.`, path };
}

export function* linkRun(
  command: CommandOf<'run.link'>,
  context: Context,
): Decision<Granted['run.link']> {
  const found = yield* presentRun(command.run, context);
  if ('code' in found) return found;
  const { row } = found;
  if (row.status !== 'queued') return invalidTransition(row, 'be linked');

  const parent = command.parent ?? row.parent;
  const added = [...new Set(command.dependsOn)].filter((id) => !row.dependsOn.includes(id));
  const links = { parent: parent === row.parent ? null : parent, dependsOn: added };
  const checked = yield* linkable([...parents(links), ...added]);
  if ('code' in checked) return checked;
  const cycle = yield* cycleThrough(row, links);
  if (cycle) return cycleRefusal(cycle);

  const linked: RunRow = {
    ...row,
    parent,
    dependsOn: [...row.dependsOn, ...added],
    unmet: [...row.unmet, ...(yield* unmetOf(added, checked.known))],
  };
  const events: NewEvent[] = [];
  if (links.parent !== null) events.push(linkChanged(linked, 'parent'));
  if (added.length > 0) events.push(linkChanged(linked, 'dependencies'));
  if (events.length === 0) return unchanged({ run: row });
  return { facts: { run: linked }, changes: [{ put: 'run', row: linked }], events };
}
