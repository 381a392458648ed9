/**
 * Made at the first use, then kept. A call of the command line needs three or four schemas out of a hundred, and
 * making all of them would take longer than its transaction.
 */
export function late<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
