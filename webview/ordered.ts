/** A list that stays in order while rows come and go: one change costs a search, not a sort; many at once one sort. */

export class Ordered<Row> {
  #rows: Row[] = [];
  /** Rows that have come out of order and are not in their place yet. */
  #loose: Row[] = [];

  /** @param compare never 0 for two rows that are in the list at once */
  constructor(private readonly compare: (one: Row, other: Row) => number) {}

  get rows(): readonly Row[] {
    this.#settle();
    return this.#rows;
  }

  get length(): number {
    return this.#rows.length + this.#loose.length;
  }

  add(row: Row): void {
    const last = this.#rows.at(-1);
    // What is loaded mostly comes in order.
    if (last === undefined || this.compare(last, row) < 0) this.#rows.push(row);
    else this.#loose.push(row);
  }

  /** @param row one that compares equal to the row in the list */
  remove(row: Row): void {
    const place = this.indexOf(row);
    if (place >= 0) this.#rows.splice(place, 1);
  }

  indexOf(row: Row): number {
    this.#settle();
    const place = this.#placeOf(row);
    const found = this.#rows[place];
    return found !== undefined && this.compare(found, row) === 0 ? place : -1;
  }

  #settle(): void {
    const loose = this.#loose;
    if (loose.length === 0) return;
    this.#loose = [];
    if (loose.length < 16) for (const row of loose) this.#rows.splice(this.#placeOf(row), 0, row);
    else this.#rows = [...this.#rows, ...loose].sort(this.compare);
  }

  /** Of the first row that is not before this one. */
  #placeOf(row: Row): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // Within the bounds.
      if (this.compare(this.#rows[middle] as Row, row) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
