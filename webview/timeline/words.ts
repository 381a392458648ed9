/** Everything the timeline says, in one place so that it can be localised later. */

const digits = new Intl.NumberFormat('en');
const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const clockSeconds = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const date = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });

const two = (value: number) => String(value).padStart(2, '0');

/** Hours and minutes, minutes and seconds, or seconds: two figures at most. */
export function duration(time: number): string {
  const seconds = Math.max(0, Math.floor(time / 1_000));
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return `${minutes}m ${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${two(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${two(hours % 24)}h`;
}

const spoken = (time: number): string => {
  const seconds = Math.max(0, Math.floor(time / 1_000));
  const parts = [
    [Math.floor(seconds / 86_400), 'day'],
    [Math.floor(seconds / 3_600) % 24, 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ] as const;
  const said = parts.flatMap(([count, word]) =>
    count > 0 ? [`${count} ${word}${count === 1 ? '' : 's'}`] : [],
  );
  return said.slice(0, 2).join(' ') || '0 seconds';
};

export const timelineWords = {
  timeline: 'Timeline of runs',
  help: 'Up and down move between rows, left and right move in time, plus and minus zoom, 0 shows all, Enter opens details.',
  columns: { run: 'Run', times: 'Times' },
  groupBy: 'Group by',
  grouping: { agent: 'Agent', wave: 'Wave' },
  range: 'Range',
  ranges: { quarter: '15 m', hour: '1 h', all: 'All' },
  notClaimed: 'Not claimed',
  wave: (wave: number | null) => (wave === null ? 'No wave' : `Wave ${digits.format(wave)}`),
  number: (value: number) => digits.format(value),
  runs: (count: number) => `${digits.format(count)} ${count === 1 ? 'run' : 'runs'}`,
  attempt: (attempt: number, most: number) => `${digits.format(attempt)}/${digits.format(most)}`,
  attemptSaid: (attempt: number, most: number) =>
    `attempt ${digits.format(attempt)} of ${digits.format(most)}`,
  time: (time: number) => clock.format(time),
  timeExact: (time: number) => clockSeconds.format(time),
  day: (time: number) => date.format(time),
  duration,
  dueIn: (time: number) => {
    if (time <= 0) return 'now';
    const seconds = Math.ceil(time / 1_000);
    return seconds < 3_600
      ? `in ${Math.floor(seconds / 60)}:${two(seconds % 60)}`
      : `in ${duration(time)}`;
  },
  stale: 'stale',
  said: {
    created: (time: number) => `created ${clockSeconds.format(time)}`,
    waiting: (time: number) => `waiting for ${spoken(time)}`,
    started: (time: number) => `started ${clockSeconds.format(time)}`,
    running: (time: number) => `running for ${spoken(time)}`,
    ended: (time: number, took: number) =>
      `ended ${clockSeconds.format(time)} after ${spoken(took)}`,
    heartbeat: (time: number) => `last heartbeat ${clockSeconds.format(time)}`,
    due: (time: number) => `due ${clockSeconds.format(time)}`,
  },
  now: 'Now',
  showNow: 'Go to now',
  key: {
    waiting: 'waiting to be claimed',
    running: 'running',
    gap: 'no heartbeat',
    transition: 'transition',
    retry: 'retry',
    due: 'due',
  },
  empty: {
    title: 'No runs on the timeline',
    note: 'Each run appears here from when it was made, with its attempts one below the other.',
  },
} as const;
