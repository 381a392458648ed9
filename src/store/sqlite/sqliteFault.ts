/** SQLite's result codes as faults of ours: each says what happened and what to do about it. */
import { CodecError } from '../../core/codec';
import { StoreError, type FaultCode } from '../../core/errors';
import { obstacleTo } from '../durableFs';
import { fileFault } from '../fileFault';
import { Busy } from '../engine';

const resultCode = {
  busy: 5,
  locked: 6,
  readonly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  protocol: 15,
  notADatabase: 26,
};

/** "readonly" (8), and why: a rollback is due. */
const readonlyRollback = 8 | (3 << 8);

const faults: Record<number, { code: FaultCode; says: string }> = {
  [resultCode.readonly]: {
    code: 'store_io',
    says: 'The store {path} could be opened for reading only. Reload to open it again; if it stays so, check the disk.',
  },
  [resultCode.io]: {
    code: 'store_io',
    says: 'The disk reported an error on the store {path}. What was asked for is not confirmed; check the disk and try again.',
  },
  [resultCode.corrupt]: {
    code: 'store_damaged',
    says: 'The store {path} is damaged, or the disk cannot read it. It was left as it is; `wavelock store verify` shows what is wrong, `wavelock store restore latest` brings back the last backup.',
  },
  [resultCode.full]: {
    code: 'store_full',
    says: 'The disk is full: the store {path} could not be written. Free some space and try again.',
  },
  [resultCode.cantOpen]: {
    code: 'store_io',
    says: 'The store {path} could not be opened. Try again; if it stays so, check the disk and the permissions of its folder.',
  },
  [resultCode.protocol]: {
    code: 'store_io',
    says: 'The store {path} cannot be locked, so nobody else could be kept out of it. Check the disk; one of the network may give no locks: then choose a local folder with `wavelock.store`.',
  },
  [resultCode.notADatabase]: {
    code: 'store_damaged',
    says: '{path} is not a database: it is damaged or belongs to another program. It was left as it is; move it away to start a new one.',
  },
};

export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === resultCode.busy || code === resultCode.locked;
}

/** Another process has died while it wrote, and a connection that only reads may not take that back. */
export function isLeftHalfWritten(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === readonlyRollback;
}

/** Gives back what is neither SQLite's nor the file system's: a mistake of ours must not look like a fault of the disk. */
export function asFault(error: unknown, path: string): unknown {
  if (error instanceof CodecError) {
    return new StoreError(
      'store_damaged',
      `The store ${path} holds ${error.message}. It was left as it is.`,
      {
        cause: error,
      },
    );
  }
  const code = primaryCode(error) ?? 0;
  const fault = faults[code];
  if (fault === undefined) return fileFault(error, path);
  if ([resultCode.cantOpen, resultCode.readonly, resultCode.io].includes(code)) {
    // SQLite tells that the system has refused something, but not why: a full disk, no handles, no permission.
    const obstacle = obstacleTo(path);
    if (obstacle) return obstacle;
  }
  if (code === resultCode.corrupt) {
    // A page that the disk does not give is a damaged one to SQLite.
    const obstacle = obstacleTo(path);
    if (obstacle?.code === 'store_io') return obstacle;
  }
  return new StoreError(fault.code, fault.says.replace('{path}', path), { cause: error });
}

/** Carries out what uses the store at `path`: what fails is a fault of ours, or `Busy` where a later try may do. */
export function faultsNamed<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isBusy(error)) throw new Busy('another process is writing', { cause: error });
    throw asFault(error, path);
  }
}

/** What is only told where it can be had: nothing instead of a fault of SQLite's. */
export function readIfPossible<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Error && 'errcode' in error)) throw error;
    return undefined;
  }
}

/** Extended codes keep the primary one in their lowest byte. */
function primaryCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}
