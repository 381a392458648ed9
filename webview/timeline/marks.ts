/** What is drawn of one run for one range of time: where its bars, ticks and words stand, in pixels. */
import { asText, lookOf, type Hue } from '../graph/runs';
import { isOpen, type TimelineRun } from './rows';
import { xOf, type Range } from './scale';
import { timelineWords } from './words';

export interface Span {
  readonly x: number;
  readonly width: number;
}

export interface Marks {
  readonly hue: Hue;
  /** From when it was made until it began. */
  readonly wait: Span | null;
  readonly made: number | null;
  readonly bar: Span | null;
  /** Still at work, so its end is open. */
  readonly live: boolean;
  /** The part of the bar without a sign of life. */
  readonly gap: Span | null;
  /** Due, but not begun. */
  readonly ghost: Span | null;
  readonly ticks: readonly number[];
  /** From the end of the attempt before, to where this one begins. */
  readonly elbow: Span | null;
  readonly word: string;
  readonly detail: string;
  /** The words stand right of what is drawn, else left of it, else nowhere. */
  readonly text: { readonly side: 'right' | 'left'; readonly x: number } | null;
}

/** Beyond the view nothing need be exact, and widths of many screens make bad boxes. */
const beyond = 40;
/** A bar of a moment is still seen. */
const leastBar = 2;
const ghostWidth = 90;

export function marksOf(
  run: TimelineRun,
  before: TimelineRun | null,
  range: Range,
  width: number,
  now: number,
): Marks {
  const at = (time: number) => xOf(range, width, time);
  const span = (from: number, to: number, least = 0): Span | null => {
    const start = Math.max(at(from), -beyond);
    const end = Math.min(Math.max(at(to), at(from) + least), width + beyond);
    return end < 0 || start > width || end <= start ? null : { x: start, width: end - start };
  };
  const look = lookOf(run.status);
  const live = isOpen(run);
  const { createdAt, startedAt } = run;
  const heartbeatAt = run.heartbeatAt ?? null;
  const dueAt = run.dueAt ?? null;
  const end = run.endedAt ?? (live ? now : startedAt);
  const silentFrom =
    startedAt !== null && heartbeatAt !== null && (run.status === 'lost' || run.stale === true)
      ? Math.max(startedAt, heartbeatAt)
      : null;
  const begins = startedAt ?? dueAt;
  const endOfBefore = before?.endedAt ?? null;
  const isRetry = endOfBefore !== null && begins !== null;
  const waits = !isRetry && dueAt === null && (startedAt !== null || live);
  const ghost = startedAt === null && dueAt !== null ? span(dueAt, dueAt, ghostWidth) : null;
  const bar = startedAt !== null && end !== null ? span(startedAt, end, leastBar) : null;
  const wait = waits ? span(createdAt, startedAt ?? now) : null;
  const times = [startedAt, startedAt === null ? dueAt : null, run.endedAt];
  const word = look.word;
  const detail = detailOf(run, now);
  const elbow = isRetry ? span(endOfBefore, begins) : null;
  const drawn = ghost ?? bar ?? wait;
  return {
    hue: look.hue,
    wait,
    made: waits && seen(at(createdAt), width) ? at(createdAt) : null,
    bar,
    live: live && startedAt !== null,
    gap: silentFrom !== null && end !== null ? span(silentFrom, end) : null,
    ghost,
    ticks: times.flatMap((time) => (time !== null && seen(at(time), width) ? [at(time)] : [])),
    elbow,
    word,
    detail,
    text:
      drawn &&
      place({
        drawn,
        elbow,
        room: textWidth(`${word} ${detail}`),
        width,
        now: at(now),
        upon: startedAt === null && dueAt === null,
      }),
  };
}

const seen = (x: number, width: number) => x >= -1 && x <= width + 1;

/** The glyph, its gap and padding, and letters of the common width: words are never measured. */
const textWidth = (text: string) => 32 + text.length * 6.6;

interface Place {
  readonly drawn: Span;
  readonly elbow: Span | null;
  readonly room: number;
  readonly width: number;
  readonly now: number;
  /** What only waits has its word at the end of the line, upon it. */
  readonly upon: boolean;
}

/** Beside what is drawn, and not under the line of now if there is another place. */
function place({ drawn, elbow, room, width, now, upon }: Place): Marks['text'] {
  const gap = 6;
  const start = Math.max(drawn.x, 0);
  const end = Math.min(drawn.x + drawn.width, width);
  if (upon && end - start > room + 2 * gap) return { side: 'left', x: width - end + gap };
  const fitsRight = end + gap + room <= width;
  const clear = now <= end + gap || now >= end + gap + room;
  if (fitsRight && clear) return { side: 'right', x: end + gap };
  // Left of the elbow rather than upon it.
  for (const edge of [Math.min(start, elbow?.x ?? start), start]) {
    const before = now < edge && now > edge - gap - room ? now : edge;
    if (before - gap - room >= 0) return { side: 'left', x: width - before + gap };
  }
  return fitsRight ? { side: 'right', x: end + gap } : null;
}

function detailOf(run: TimelineRun, now: number): string {
  const { startedAt, endedAt } = run;
  const dueAt = run.dueAt ?? null;
  if (startedAt === null && dueAt !== null) return timelineWords.dueIn(dueAt - now);
  if (run.note) return asText(run.note, 60);
  if (startedAt === null) return isOpen(run) ? timelineWords.duration(now - run.createdAt) : '';
  const took = timelineWords.duration((endedAt ?? (isOpen(run) ? now : startedAt)) - startedAt);
  return run.stale === true ? `${took}, ${timelineWords.stale}` : took;
}

/** The same for those who do not see the bars. */
export function timesSaid(run: TimelineRun, now: number): string {
  const { said } = timelineWords;
  const { createdAt, startedAt, endedAt } = run;
  const heartbeatAt = run.heartbeatAt ?? null;
  const dueAt = run.dueAt ?? null;
  return [
    said.created(createdAt),
    startedAt === null && dueAt !== null ? said.due(dueAt) : undefined,
    startedAt === null && dueAt === null && isOpen(run) ? said.waiting(now - createdAt) : undefined,
    startedAt === null ? undefined : said.started(startedAt),
    startedAt !== null && endedAt === null && isOpen(run)
      ? said.running(now - startedAt)
      : undefined,
    endedAt === null ? undefined : said.ended(endedAt, endedAt - (startedAt ?? createdAt)),
    heartbeatAt !== null && (run.stale === true || run.status === 'lost')
      ? said.heartbeat(heartbeatAt)
      : undefined,
    run.note ? asText(run.note) : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}
