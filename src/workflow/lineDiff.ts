/**
 * Which lines of one text are lines of another. Lines that stand in both once are lined up first, so that a
 * moved paragraph does not drag its neighbours along; what lies between is compared exactly while that is
 * cheap, and taken for replaced when it is not. Never quadratic in a large file.
 */

/** Lines `[start, end)` of the old text have become `[newStart, newEnd)` of the new one. */
export interface Hunk {
  readonly start: number;
  readonly end: number;
  readonly newStart: number;
  readonly newEnd: number;
}

/** With their ends of line. */
export function splitLines(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\r\n|\n|\r(?!\n))/);
}

const MOST_CELLS = 1_000_000;
const MOST_DEPTH = 24;

/** In order, and not touching one another. */
export function diffLines(old: readonly string[], now: readonly string[]): Hunk[] {
  const numbers = new Map<string, number>();
  const numbered = (lines: readonly string[]) =>
    Int32Array.from(lines, (line) => {
      const known = numbers.get(line);
      if (known !== undefined) return known;
      numbers.set(line, numbers.size);
      return numbers.size - 1;
    });
  const comparison = new Comparison(numbered(old), numbered(now));
  comparison.compare({ start: 0, end: old.length, newStart: 0, newEnd: now.length }, 0);
  return comparison.hunks;
}

class Comparison {
  readonly hunks: Hunk[] = [];

  constructor(
    private readonly old: Int32Array,
    private readonly now: Int32Array,
  ) {}

  compare(region: Hunk, depth: number): void {
    let { start, end, newStart, newEnd } = region;
    while (start < end && newStart < newEnd && this.old[start] === this.now[newStart]) {
      start++;
      newStart++;
    }
    while (start < end && newStart < newEnd && this.old[end - 1] === this.now[newEnd - 1]) {
      end--;
      newEnd--;
    }
    if (start === end && newStart === newEnd) return;
    const rest = { start, end, newStart, newEnd };
    const isPlain = start === end || newStart === newEnd;
    const pairs = isPlain ? [] : this.pairsIn(rest, depth);
    if (pairs.length === 0) {
      this.add(rest);
      return;
    }
    for (const [index, newIndex] of [...pairs, [end, newEnd] as const]) {
      this.compare({ start, end: index, newStart, newEnd: newIndex }, depth + 1);
      start = index + 1;
      newStart = newIndex + 1;
    }
  }

  /** Hunks that touch are one. */
  private add(hunk: Hunk): void {
    const last = this.hunks.at(-1);
    if (last?.end === hunk.start && last.newEnd === hunk.newStart) {
      this.hunks.splice(-1, 1, { ...last, end: hunk.end, newEnd: hunk.newEnd });
    } else {
      this.hunks.push(hunk);
    }
  }

  private pairsIn(region: Hunk, depth: number): (readonly [number, number])[] {
    const anchors = depth < MOST_DEPTH ? this.anchorsIn(region) : [];
    if (anchors.length > 0) return anchors;
    const cells = (region.end - region.start) * (region.newEnd - region.newStart);
    return cells <= MOST_CELLS ? this.longestIn(region) : [];
  }

  /** The longest run in order of lines that stand once on either side. */
  private anchorsIn({ start, end, newStart, newEnd }: Hunk): (readonly [number, number])[] {
    const places = new Map<number, { old: number; now: number }>();
    for (let index = start; index < end; index++) {
      const line = this.old[index] ?? -1;
      // −2 is "more than once".
      places.set(line, { old: places.has(line) ? -2 : index, now: -1 });
    }
    for (let index = newStart; index < newEnd; index++) {
      const place = places.get(this.now[index] ?? -1);
      if (place) place.now = place.now === -1 ? index : -2;
    }
    const pairs = [...places.values()]
      .filter(({ old, now }) => old >= 0 && now >= 0)
      .map(({ old, now }) => [old, now] as const);
    return longestRise(pairs);
  }

  private longestIn({ start, end, newStart, newEnd }: Hunk): (readonly [number, number])[] {
    const height = end - start;
    const width = newEnd - newStart;
    const lengths = new Uint32Array((height + 1) * (width + 1));
    const at = (row: number, column: number) => lengths[row * (width + 1) + column] ?? 0;
    for (let row = height - 1; row >= 0; row--) {
      for (let column = width - 1; column >= 0; column--) {
        lengths[row * (width + 1) + column] =
          this.old[start + row] === this.now[newStart + column]
            ? at(row + 1, column + 1) + 1
            : Math.max(at(row + 1, column), at(row, column + 1));
      }
    }
    const pairs: (readonly [number, number])[] = [];
    for (let row = 0, column = 0; row < height && column < width;) {
      if (this.old[start + row] === this.now[newStart + column]) {
        pairs.push([start + row++, newStart + column++]);
      } else if (at(row + 1, column) >= at(row, column + 1)) row++;
      else column++;
    }
    return pairs;
  }
}

/** Takes pairs in the order of their first numbers; the longest part of them whose second numbers rise, too. */
function longestRise(pairs: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  interface Link {
    readonly pair: readonly [number, number];
    readonly before: Link | null;
  }
  const piles: Link[] = [];
  for (const pair of pairs) {
    let low = 0;
    for (let high = piles.length; low < high;) {
      const middle = (low + high) >> 1;
      if ((piles[middle]?.pair[1] ?? 0) < pair[1]) low = middle + 1;
      else high = middle;
    }
    piles[low] = { pair, before: piles[low - 1] ?? null };
  }
  const rise: (readonly [number, number])[] = [];
  for (let link: Link | null = piles.at(-1) ?? null; link; link = link.before) rise.push(link.pair);
  return rise.reverse();
}
