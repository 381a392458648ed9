/**
 * Faults: what stops a store from answering at all. A refusal is an answer and lives in `model.ts`; a
 * fault is thrown, carries a stable code, and says what to do. Both kinds of code are listed here for whoever
 * has to know all of them.
 */
import type { RefusalCode } from './model';

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
  /** Told, never thrown: the store itself goes on. */
  'backup_failed',
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

const everyRefusal: { readonly [Code in RefusalCode]: true } = {
  invalid_transition: true,
  unknown_run: true,
  unknown_task: true,
  unknown_workflow: true,
  nothing_queued: true,
  no_slot: true,
  stale_claim: true,
  cycle: true,
  timeout: true,
  task_busy: true,
  run_failed: true,
  lock_denied: true,
  lock_required: true,
  deadlock: true,
  agent_required: true,
  conflict: true,
  invalid_workflow: true,
  wave_incomplete: true,
  too_many_retries: true,
  rate_limited: true,
  read_only: true,
  too_large: true,
  bad_input: true,
};

export const refusalCodes = Object.keys(everyRefusal) as readonly RefusalCode[];
