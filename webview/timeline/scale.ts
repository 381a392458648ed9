/** The time that is seen, and the marks of the clock along it. All times are milliseconds since 1970. */

export interface Range {
  readonly from: number;
  readonly to: number;
}

const second = 1_000;
export const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

export const leastSpan = 5 * second;
export const mostSpan = 366 * day;
/** Two labels stand at least so many pixels apart. */
const labelRoom = 92;

/** Steps at which people read a clock. */
const steps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 6, 12].map((count) => count * hour),
  ...[1, 2, 7, 14, 28].map((count) => count * day),
];

export const spanOf = ({ from, to }: Range) => to - from;

export const xOf = (range: Range, width: number, time: number) =>
  ((time - range.from) / spanOf(range)) * width;

export const timeAt = (range: Range, width: number, x: number) =>
  range.from + (x / width) * spanOf(range);

/** Zooms so that one time stays where it is. */
export function zoomAbout(range: Range, factor: number, time: number): Range {
  const span = Math.min(Math.max(spanOf(range) / factor, leastSpan), mostSpan);
  const share = (time - range.from) / spanOf(range);
  const from = time - share * span;
  return { from, to: from + span };
}

export const panBy = ({ from, to }: Range, time: number): Range => ({
  from: from + time,
  to: to + time,
});

/** Never so far that nothing of `content` is seen. */
export function keepNear(range: Range, content: Range): Range {
  const span = spanOf(range);
  const from = Math.min(Math.max(range.from, content.from - 0.9 * span), content.to - 0.1 * span);
  return { from, to: from + span };
}

export interface ClockMark {
  readonly time: number;
  /** A day begins here, so that its label names the day. */
  readonly day: boolean;
}

export interface ClockMarks {
  readonly step: number;
  readonly marks: readonly ClockMark[];
}

/** Round times of the wall clock, as many as have room. */
export function clockMarks(range: Range, width: number): ClockMarks {
  const least = (spanOf(range) / Math.max(1, width)) * labelRoom;
  const step = steps.find((it) => it >= least) ?? Math.ceil(least / (28 * day)) * 28 * day;
  const marks: ClockMark[] = [];
  for (let time = firstMark(range.from, step); time <= range.to; time = nextMark(time, step))
    marks.push({ time, day: isMidnight(time) });
  return { step, marks };
}

/** The wall clock's offset, so that marks are round where the reader lives. */
const offset = (time: number) => new Date(time).getTimezoneOffset() * minute;

function firstMark(from: number, step: number): number {
  const shift = offset(from);
  const mark = Math.ceil((from - shift) / step) * step + shift;
  return mark;
}

function nextMark(time: number, step: number): number {
  // Half a step on and rounded: a clock that is put forward or back does not shift the marks for good.
  const ahead = time + step;
  const shift = offset(ahead);
  const mark = Math.round((ahead - shift) / step) * step + shift;
  return mark > time ? mark : ahead;
}

function isMidnight(time: number): boolean {
  const date = new Date(time);
  return date.getHours() + date.getMinutes() + date.getSeconds() === 0;
}
