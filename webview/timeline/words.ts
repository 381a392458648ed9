/** Everything the timeline says, in one place, and read anew each time: the language comes after the script. */
import { countdown, duration, l10n, number, time, timeWithSeconds, day } from '../l10n';

const minute = 60_000;
const hour = 60 * minute;

/** A length of time for those who hear it: its two greatest parts. */
function spoken(length: number): string {
  const seconds = Math.max(0, Math.floor(length / 1_000));
  const parts = [
    days(Math.floor(seconds / 86_400)),
    hours(Math.floor(seconds / 3_600) % 24),
    minutes(Math.floor(seconds / 60) % 60),
    secondsWord(seconds % 60),
  ].filter((part) => part !== '');
  return parts.slice(0, 2).join(' ') || l10n.t('0 seconds');
}

const days = (count: number): string =>
  count === 0 ? '' : count === 1 ? l10n.t('1 day') : l10n.t('{0} days', count);
const hours = (count: number): string =>
  count === 0 ? '' : count === 1 ? l10n.t('1 hour') : l10n.t('{0} hours', count);
const minutes = (count: number): string =>
  count === 0 ? '' : count === 1 ? l10n.t('1 minute') : l10n.t('{0} minutes', count);
const secondsWord = (count: number): string =>
  count === 0 ? '' : count === 1 ? l10n.t('1 second') : l10n.t('{0} seconds', count);

export const timelineWords = {
  get timeline() {
    return l10n.t('Timeline of runs');
  },
  get help() {
    return l10n.t(
      'Up and down move between rows, left and right move in time, plus and minus zoom, 0 shows all, Enter opens details.',
    );
  },
  get groupBy() {
    return l10n.t('Group by');
  },
  get grouping() {
    return { agent: l10n.t('Agent'), wave: l10n.t('Wave') };
  },
  get range() {
    return l10n.t('Range');
  },
  get ranges() {
    return { quarter: l10n.t('15 m'), hour: l10n.t('1 h'), all: l10n.t('All') };
  },
  get notClaimed() {
    return l10n.t('Not claimed');
  },
  wave: (wave: number | null) => (wave === null ? l10n.t('No wave') : l10n.t('Wave {0}', wave)),
  number,
  runs: (count: number) => (count === 1 ? l10n.t('1 run') : l10n.t('{0} runs', count)),
  attempt: (attempt: number, most: number) => `${number(attempt)}/${number(most)}`,
  attemptSaid: (attempt: number, most: number) => l10n.t('attempt {0} of {1}', attempt, most),
  time,
  timeExact: timeWithSeconds,
  day,
  duration,
  dueIn: (left: number) => {
    if (left <= 0) return l10n.t('now');
    return l10n.t('in {0}', left < hour ? countdown(left) : duration(left));
  },
  get stale() {
    return l10n.t('stale');
  },
  said: {
    created: (at: number) => l10n.t('created {0}', timeWithSeconds(at)),
    waiting: (length: number) => l10n.t('waiting for {0}', spoken(length)),
    started: (at: number) => l10n.t('started {0}', timeWithSeconds(at)),
    running: (length: number) => l10n.t('running for {0}', spoken(length)),
    ended: (at: number, took: number) =>
      l10n.t('ended {0} after {1}', timeWithSeconds(at), spoken(took)),
    heartbeat: (at: number) => l10n.t('last heartbeat {0}', timeWithSeconds(at)),
    due: (at: number) => l10n.t('due {0}', timeWithSeconds(at)),
  },
  get key() {
    return {
      waiting: l10n.t('waiting to be claimed'),
      running: l10n.t('running'),
      gap: l10n.t('no heartbeat'),
      transition: l10n.t('transition'),
      retry: l10n.t('retry'),
      due: l10n.t('due'),
    };
  },
  get empty() {
    return {
      title: l10n.t('No runs on the timeline'),
      note: l10n.t(
        'Each run appears here from when it was made, with its attempts one below the other.',
      ),
    };
  },
} as const;
