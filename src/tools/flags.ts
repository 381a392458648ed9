/** What flags and arguments may be; what they are not is bad usage, told before anything is opened. */
import { InvalidArgumentError, Option } from 'commander';
import type { Json } from '../core/model';

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `5m`, `2h` in milliseconds. */
export function duration(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  const unit = units[match?.[2] ?? ''];
  if (!match || unit === undefined) {
    throw new InvalidArgumentError(
      'A duration is a number with ms, s, m or h: 500ms, 30s, 5m, 2h.',
    );
  }
  return Number(match[1]) * unit;
}

export function notEmpty(value: string): string {
  if (value.trim() === '') throw new InvalidArgumentError('It must not be empty.');
  return value;
}

/** A whole number of these bounds. */
export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

export function json(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new InvalidArgumentError(`It is not JSON: ${error.message}`);
  }
}

/** What stands between commas. */
export function list(value: string): readonly string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

export interface Which {
  readonly workflow?: string;
}

export function workflowOption(): Option {
  return new Option('--workflow <id|file>', 'which one, where there are several').argParser(
    notEmpty,
  );
}
