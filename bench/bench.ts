/**
 * What a bench is. A file `NAME.bench.ts` that exports one by default is all it takes to add one.
 *
 * The machine is never alone, so a bench compares: every round lets each row run once, one after the other, and
 * what counts is a ratio within a round or a share. A law is what the product has promised; the run fails when
 * one is broken.
 */
import type { Workshop } from './workshop';

export interface Bench {
  readonly name: string;
  /** One line above the table. */
  readonly about: string;
  readonly columns: readonly Column[];
  readonly laws: readonly Law[];
  readonly rounds?: number;
  /** Makes what all rounds need, and gives what makes one round. */
  prepare(workshop: Workshop): Promise<(round: number) => Promise<readonly Sample[]>>;
}

/** What one row has shown in one round. */
export interface Sample {
  readonly row: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** How the figures of several rounds become one. */
type Over = 'median' | 'most' | 'least';

export interface Column {
  readonly figure: string;
  readonly title: string;
  readonly digits: number;
  readonly over: Over;
}

export type Law = {
  readonly what: string;
  /** Where it is shown. */
  readonly row: string;
  readonly over: Over;
  /** From the figures of one round. */
  of(figure: (row: string, figure: string) => number): number;
} & ({ readonly atMost: number } | { readonly atLeast: number });

export interface Verdict {
  readonly law: Law;
  readonly value: number;
  readonly holds: boolean;
}

export type Round = readonly Sample[];

export function figureOf(round: Round, row: string, figure: string): number {
  return round.find((sample) => sample.row === row)?.figures[figure] ?? NaN;
}

export function judge(law: Law, rounds: readonly Round[]): Verdict {
  const value = combined(
    rounds.map((round) => law.of((row, figure) => figureOf(round, row, figure))),
    law.over,
  );
  // What was not measured has not been kept.
  const holds = 'atMost' in law ? value <= law.atMost : value >= law.atLeast;
  return { law, value, holds };
}

export function combined(values: readonly number[], over: Over): number {
  if (over === 'most') return Math.max(...values);
  if (over === 'least') return Math.min(...values);
  return percentile(values, 0.5);
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

/** Each round begins with another, so that none always runs on a warm or a tired machine. */
export function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const first = round % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

export const median = (figure: string, title: string, digits = 0): Column => ({
  figure,
  title,
  digits,
  over: 'median',
});
export const most = (figure: string, title: string, digits = 0): Column => ({
  figure,
  title,
  digits,
  over: 'most',
});
export const least = (figure: string, title: string, digits = 2): Column => ({
  figure,
  title,
  digits,
  over: 'least',
});
