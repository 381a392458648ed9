import { InvalidArgumentError } from 'commander';

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
