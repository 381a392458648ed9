/**
 * Faults: what stops a store from answering at all. A refusal is an answer and lives in `model.ts`; a
 * fault is thrown, carries a stable code, and says what to do.
 */
export const faultCodes = [
  'store_busy',
  'store_gone',
  'store_damaged',
  'store_newer',
  'store_foreign',
  'store_behind',
  'store_full',
  'store_io',
  'store_permission',
  'store_readonly',
  'store_unavailable',
] as const;

export type FaultCode = (typeof faultCodes)[number];

export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly code: FaultCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** Holds across bundles and threads, where `instanceof` does not. */
export function isStoreError(error: unknown): error is StoreError {
  return error instanceof Error && 'code' in error && isFaultCode(error.code);
}

export function isFaultCode(code: unknown): code is FaultCode {
  return (faultCodes as readonly unknown[]).includes(code);
}
