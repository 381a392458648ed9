/** The two things a rule says to a store, with the types of the answers. */
import type { NewEvent, RowChange, RowQueries, RowQuery, Step } from '../model';

/** A rule's question: `const row = yield* ask('workflow', { id })`. */
export function* ask<Name extends keyof RowQueries>(
  rows: Name,
  about: RowQueries[Name]['ask'],
): Step<RowQueries[Name]['rows']> {
  // The engine answers a query with the rows of that query; the two unions correspond member by member.
  return (yield { rows, ...about } as RowQuery) as RowQueries[Name]['rows'];
}

/** What holds whatever the rule's end will be; later questions see it. Not for what a refusal must undo. */
export function* write(changes: readonly RowChange[], events: readonly NewEvent[]): Step<void> {
  if (changes.length > 0 || events.length > 0) yield { write: changes, events };
}
