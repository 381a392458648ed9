import type { RowQueries, RowQuery } from '../model';

/** A rule's question with the type of its answer: `const row = yield* ask('workflow', { id })`. */
export function* ask<Name extends keyof RowQueries>(
  rows: Name,
  about: RowQueries[Name]['ask'],
): Generator<RowQuery, RowQueries[Name]['rows'], RowQueries[keyof RowQueries]['rows']> {
  // The engine answers a query with the rows of that query; the two unions correspond member by member.
  return yield { rows, ...about } as RowQuery;
}
