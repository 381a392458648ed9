/**
 * The words of the panel, in English where they are used: `l10n.t('Wave {0}', 3)`, as in the extension itself. The host
 * sends what they are in the language of the editor.
 */
let translated: Readonly<Record<string, string>> = {};
let digits = new Intl.NumberFormat('en');
let clock = timeFormat('en');
let clockWithSeconds = timeFormat('en', true);
let dated = dateFormat('en');
let days = dayFormat('en');

export const l10n = {
  use(language: string, words: Readonly<Record<string, string>>): void {
    translated = words;
    const known = Intl.NumberFormat.supportedLocalesOf([language])[0] ?? 'en';
    digits = new Intl.NumberFormat(known);
    clock = timeFormat(known);
    clockWithSeconds = timeFormat(known, true);
    dated = dateFormat(known);
    days = dayFormat(known);
  },

  t(text: string, ...values: readonly (string | number)[]): string {
    const said = translated[text] ?? text;
    return said.replace(/\{(\d+)\}/g, (place, index: string) => {
      const value = values[Number(index)];
      if (value === undefined) return place;
      return typeof value === 'number' ? digits.format(value) : value;
    });
  },
};

function timeFormat(language: string, seconds = false): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(seconds ? { second: '2-digit' } : {}),
  });
}

function dateFormat(language: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(language, {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
}

function dayFormat(language: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' });
}

export const number = (value: number): string => digits.format(value);
export const time = (at: number): string => clock.format(at);
export const timeWithSeconds = (at: number): string => clockWithSeconds.format(at);
export const day = (at: number): string => days.format(at);
export const dateAndTime = (at: number): string => dated.format(at);

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const wholeDay = 24 * hour;
const two = (value: number): string => String(value).padStart(2, '0');

/** How long: 48s, 6m 12s, 3h 05m, 4d 2h. */
export function duration(ms: number): string {
  const at = Math.max(0, ms);
  if (at < minute) return `${Math.floor(at / second)}s`;
  if (at < hour) return `${Math.floor(at / minute)}m ${two(Math.floor((at % minute) / second))}s`;
  if (at < wholeDay) return `${Math.floor(at / hour)}h ${two(Math.floor((at % hour) / minute))}m`;
  return `${Math.floor(at / wholeDay)}d ${Math.floor((at % wholeDay) / hour)}h`;
}

/** What is left, as a clock that runs down: 0:42, 23:50, 1:05:00. */
export function countdown(ms: number): string {
  const left = Math.max(0, Math.ceil(ms / second));
  const [hours, minutes, seconds] = [
    Math.floor(left / 3_600),
    Math.floor((left % 3_600) / 60),
    left % 60,
  ];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}
