/** SQLite's result codes as faults of ours: each says what happened and what to do about it. */
import { CodecError } from '../../core/codec';
import { StoreError, type FaultCode } from '../../core/errors';

const resultCode = {
  busy: 5,
  locked: 6,
  readonly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
};

const faults: Record<number, { code: FaultCode; says: string }> = {
  [resultCode.readonly]: {
    code: 'store_readonly',
    says: 'The store {path} cannot be written. Make its folder writable, or set another folder for the store.',
  },
  [resultCode.io]: {
    code: 'store_io',
    says: 'The disk reported an error on the store {path}. Nothing was changed; check the disk and try again.',
  },
  [resultCode.corrupt]: {
    code: 'store_damaged',
    says: 'The store {path} is damaged. It was left as it is; move it away to start a new one.',
  },
  [resultCode.full]: {
    code: 'store_full',
    says: 'The disk is full: the store {path} could not be written. Nothing was changed; free some space and try again.',
  },
  [resultCode.cantOpen]: {
    code: 'store_permission',
    says: 'The store {path} cannot be opened. Check the permissions of its folder.',
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

/** Gives back what is not SQLite's: a mistake of ours must not look like a fault of the disk. */
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
  const fault = faults[primaryCode(error) ?? 0];
  if (fault === undefined) return error;
  return new StoreError(fault.code, fault.says.replace('{path}', path), { cause: error });
}

/** Extended codes keep the primary one in their lowest byte. */
function primaryCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}
