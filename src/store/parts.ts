/**
 * Long answers in parts. A message with 10,000 rows holds up whoever receives it for 50 ms, and messages that
 * lie ready are taken in one go; so a message has at most 500 rows, and each part is asked for.
 */
export const rowsAtOnce = 500;

/** Rows that belong at the end of the list under these names; without names the answer itself is the list. */
export interface Part {
  readonly at: readonly string[];
  readonly rows: readonly unknown[];
}

/** The answer with its long lists empty, and what belongs into them, in order. */
export interface Apart {
  readonly frame: unknown;
  readonly parts: readonly Part[];
}

/** Lists in lists count as one row: no row of the store has many. */
export function takeApart(answer: unknown): Apart {
  const parts: Part[] = [];
  const frame = emptied(answer, [], parts);
  const rows = parts.reduce((sum, part) => sum + part.rows.length, 0);
  return rows <= rowsAtOnce ? { frame: answer, parts: [] } : { frame, parts };
}

/** Fills the lists of `frame` itself: it has come through a message and is nobody else's. */
export function putTogether(frame: unknown, parts: readonly Part[]): unknown {
  for (const { at, rows } of parts) {
    const list = at.reduce(
      (value, name) => (value as Readonly<Record<string, unknown>>)[name],
      frame,
    );
    (list as unknown[]).push(...rows);
  }
  return frame;
}

/** Facts of an answer are two levels down. */
const deepest = 2;

function emptied(value: unknown, at: readonly string[], parts: Part[]): unknown {
  if (Array.isArray(value)) {
    for (let first = 0; first < value.length; first += rowsAtOnce)
      parts.push({ at, rows: value.slice(first, first + rowsAtOnce) });
    return [];
  }
  if (typeof value !== 'object' || value === null || at.length >= deepest) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, emptied(inner, [...at, name], parts)]),
  );
}
