/** Rates and settings, decided in the transaction, so that they hold under concurrency (RATE-n, CONF-n). */
import type {
  Command,
  CommandOf,
  ConfigKey,
  ConfigValue,
  Context,
  Decision,
  Granted,
  Refusal,
  Step,
} from '../model';

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

/** The setting, or its default. */
export function numberSetting(_key: ConfigKey): Step<number> {
  throw new Error('to be written');
}

/** Why this is no value for this key, or null (CONF-1). */
export function configProblem(_key: ConfigKey, _value: ConfigValue): string | null {
  throw new Error('to be written');
}

/** Takes one from the speaker's bucket before any rule runs, or refuses (RATE-1). A refusal costs nothing. */
export function limitRate(_command: Command, _context: Context): Step<Refusal | null> {
  throw new Error('to be written');
}

export function takeNotification(
  _command: CommandOf<'notification.take'>,
  _context: Context,
): Decision<Granted['notification.take']> {
  throw new Error('to be written');
}

export function setConfig(
  _command: CommandOf<'config.set'>,
  _context: Context,
): Decision<Granted['config.set']> {
  throw new Error('to be written');
}
