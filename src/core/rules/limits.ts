/** Rates and settings, decided in the transaction, so that they hold under concurrency (RATE-n, CONF-n). */
import type {
  Command,
  CommandOf,
  ConfigKey,
  ConfigValue,
  Context,
  Decision,
  Granted,
  RateRow,
  RefusalOf,
  Step,
} from '../model';
import { staysInside } from '../commandCodec';
import { rateLimited } from '../decide';
import { ask, write } from './ask';
import { ageOf, beatNow } from './expiry';

/** `slots.*` and `validate.*` stand for every key that begins so. */
export const defaults = {
  slots: 10,
  'slots.*': 0,
  'lease.claim': 30 * 60_000,
  'lease.program': 60_000,
  'lock.ttl': 30 * 60_000,
  grace: 10_000,
  'retention.days': 30,
  'retention.max': 10_000,
  'rate.mutations': 1_000,
  'rate.notifications': 1,
  'backups.keep': 20,
  'workflow.files': [],
  'validate.*': 'error',
} as const satisfies Record<string, ConfigValue>;

type Default = keyof typeof defaults;

function defaultOf(key: ConfigKey): ConfigValue {
  return defaults[key.replace(/^(slots|validate)\..*$/, '$1.*') as Default];
}

/** The setting, or its default. */
export function* numberSetting(key: ConfigKey): Step<number> {
  const row = yield* ask('config', { key });
  // `configProblem` lets only numbers into the keys that are asked here.
  return (row?.value ?? defaultOf(key)) as number;
}

const second = 1_000;
const day = 24 * 60 * 60_000;
const most = 1_000_000;
const mostFiles = 100;

/** What the whole numbers of a setting may be. */
const ranges: {
  readonly [Key in Exclude<Default, 'workflow.files' | 'validate.*'>]: readonly [number, number];
} = {
  slots: [0, most],
  'slots.*': [0, most],
  'lease.claim': [second, 365 * day],
  'lease.program': [second, 365 * day],
  'lock.ttl': [second, day],
  grace: [0, day],
  'retention.days': [0, 36_500],
  'retention.max': [0, most],
  'rate.mutations': [0, most],
  'rate.notifications': [0, most],
  'backups.keep': [1, 10_000],
};

/** Why this is no value for this key, or null (CONF-1). */
export function configProblem(key: ConfigKey, value: ConfigValue): string | null {
  if (key === 'workflow.files')
    return isFileList(value)
      ? null
      : `${key} is a list of at most ${mostFiles} paths of the workspace.`;
  if (key.startsWith('validate.'))
    return severities.includes(value) ? null : `${key} is one of ${severities.join(', ')}.`;
  const [least, greatest] = ranges[key.replace(/^slots\..*$/, 'slots.*') as keyof typeof ranges];
  const fits = Number.isInteger(value) && Number(value) >= least && Number(value) <= greatest;
  return fits ? null : `${key} is a whole number from ${least} to ${greatest}.`;
}

const severities: readonly ConfigValue[] = ['error', 'warning', 'off'];

function isFileList(value: ConfigValue): boolean {
  return typeof value === 'object' && value.length <= mostFiles && value.every(staysInside);
}

export function* setConfig({
  key,
  value,
}: CommandOf<'config.set'>): Decision<Granted['config.set']> {
  const problem = value === null ? null : configProblem(key, value);
  if (problem !== null) return { code: 'bad_input', message: problem, path: 'value' };
  const before = (yield* ask('config', { key }))?.value ?? null;
  const row = value === null ? null : { key, value };
  return {
    facts: { key, value: value ?? defaultOf(key) },
    changes: [row ? { put: 'config', row } : { drop: 'config', key }],
    events: [{ kind: 'config.set', resource: key, data: { row, before } }],
  };
}

/** So many at once, and the same number again in each `perMs`. */
interface Limit {
  readonly limit: number;
  readonly perMs: number;
}

const mutationsPerMs = 1_000;
const notificationsPerMs = 10_000;
/** Fractions do not add up exactly; who comes when it was told to is not sent away again. */
const rounding = 1e-6;

/** Takes one from the speaker's bucket before any rule runs, or refuses (RATE-1). A refusal costs nothing. */
export function* limitRate(
  command: Command,
  context: Context,
): Step<RefusalOf<'rate_limited'> | null> {
  // An unnamed caller is a new one each time: there is nothing that could be counted.
  if (!rateLimited.has(command.kind) || !context.named) return null;
  const limit = yield* numberSetting('rate.mutations');
  const perMs = mutationsPerMs;
  const key = `mutations:${context.agent}`;
  const { row, retryAfterMs } = yield* taken(key, { limit, perMs }, context);
  if (row) yield* write([{ put: 'rate', row }], []);
  if (retryAfterMs === 0) return null;
  return {
    code: 'rate_limited',
    message: `${context.agent} has made ${limit} changes within a second; the next may come in ${retryAfterMs} ms.`,
    limit,
    perMs,
    retryAfterMs,
  };
}

export function* takeNotification(
  { about }: CommandOf<'notification.take'>,
  context: Context,
): Decision<Granted['notification.take']> {
  const limit = yield* numberSetting('rate.notifications');
  const perMs = notificationsPerMs;
  const { row, retryAfterMs } = yield* taken(`notification:${about}`, { limit, perMs }, context);
  return {
    facts: { show: retryAfterMs === 0, retryAfterMs },
    changes: row ? [{ put: 'rate', row }] : [],
    events: [],
  };
}

/** The bucket after one was taken from it, or none and when there will be one. A limit of 0 is off. */
function* taken(
  key: string,
  { limit, perMs }: Limit,
  context: Context,
): Step<{ readonly row: RateRow | null; readonly retryAfterMs: number }> {
  if (limit === 0) return { row: null, retryAfterMs: 0 };
  const bucket = yield* ask('rate', { key });
  // A bucket that was filled by a clock that means nothing here counts as full.
  const age = bucket && ageOf(bucket.at, context);
  const refill = age === null ? limit : (Math.max(0, age) * limit) / perMs;
  const tokens = Math.min(limit, (bucket?.tokens ?? 0) + refill);
  const missing = 1 - tokens;
  if (missing > rounding) {
    const wait = (missing * perMs) / limit;
    return { row: null, retryAfterMs: Math.max(1, Math.ceil(wait - rounding)) };
  }
  return { row: { key, tokens: tokens - 1, at: beatNow(context) }, retryAfterMs: 0 };
}
