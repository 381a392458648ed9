/** Whether a store and the plain model have said the same, and are in the same state. */
import assert from 'node:assert/strict';
import type { Answer, Command, Liveness, ProcessIdentity, RunRow } from '../../src/core/model';
import type { StateRows } from '../../src/core/views';
import type { Side } from './cast';
import type { Outcome } from './world';

/** The tables that both have, read in the same way. */
export type Tables = Pick<
  Required<StateRows>,
  'runs' | 'agents' | 'sessions' | 'locks' | 'waiters' | 'slotWaiters' | 'config'
> & { readonly archive: readonly Pick<RunRow, 'id'>[] };

type Of<Value> = readonly [Value, Side];

export function sameAnswer(
  command: Command,
  [answer, rulesSide]: Of<Answer<unknown>>,
  [outcome, modelSide]: Of<Outcome>,
): void {
  const said = answer.ok ? 'granted' : answer.refusal.code;
  const due = outcome.ok ? 'granted' : outcome.code;
  assert.equal(
    said,
    due,
    `${command.kind}: the rules say ${said}${answer.ok ? '' : ` (${answer.refusal.message})`}, the model ${due} ${JSON.stringify(outcome.facts)}`,
  );
  const facts = rulesSide.plain(answer.ok ? answer.facts : answer.refusal);
  differ(modelSide.plain(outcome.facts), facts, command.kind);
}

/** Sessions of processes that have ended may be known to one and not yet to the other. */
export function sameTables(
  [store, rulesSide]: Of<Tables>,
  [world, modelSide]: Of<Tables>,
  liveness: (process: ProcessIdentity) => Liveness,
): void {
  const picture = (tables: Tables, side: Side): Record<string, unknown> => ({
    runs: side.plain(tables.runs),
    archive: tables.archive.map((run) => side.nameOf(run.id)).sort(),
    agents: side.plain(tables.agents),
    sessions: tables.sessions
      .filter(({ process }) => liveness(process) === 'alive')
      .map((session) => session.id)
      .sort(),
    locks: (side.plain(tables.locks) as { id: string }[]).sort((a, b) => (a.id < b.id ? -1 : 1)),
    fences: [...tables.locks].sort((a, b) => a.fence - b.fence).map((lock) => side.nameOf(lock.id)),
    waiters: side.plain(tables.waiters),
    slotWaiters: side.plain(tables.slotWaiters),
    config: [...tables.config].sort((a, b) => (a.key < b.key ? -1 : 1)),
  });
  const rules = picture(store, rulesSide);
  const model = picture(world, modelSide);
  for (const table of Object.keys(model)) differ(model[table], rules[table], table);
}

/** Everything that the model names has to be so; in lists, member by member. */
function differ(due: unknown, is: unknown, where: string): void {
  if (Object.is(due, is)) return;
  // Rows do not change: two that were equal once still are.
  const isObject = typeof due === 'object' && due !== null && !Array.isArray(due);
  if (isObject && equals.get(due) === is) return;
  if (Array.isArray(due) && Array.isArray(is)) {
    if (due.length !== is.length)
      assert.fail(`${where}: the rules have ${text(is)}, the model ${text(due)}`);
    // The order in which things came to be over says nothing.
    const sorted = (all: readonly unknown[]): readonly unknown[] =>
      all.every((each) => typeof each === 'string') && !where.endsWith('fences')
        ? [...all].sort()
        : all;
    const [dues, ises] = [sorted(due), sorted(is)];
    dues.forEach((each, index) => {
      differ(each, ises[index], `${where}[${index}]`);
    });
    return;
  }
  if (typeof due === 'object' && due !== null && typeof is === 'object' && is !== null) {
    for (const [key, member] of Object.entries(due))
      differ(member, (is as Record<string, unknown>)[key], `${where}.${key}`);
    equals.set(due, is);
    return;
  }
  assert.fail(`${where}: the rules have ${text(is)}, the model ${text(due)}`);
}

const equals = new WeakMap<object, object>();

export const text = (value: unknown): string => JSON.stringify(value).slice(0, 600);
