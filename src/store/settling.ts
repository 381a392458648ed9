/** What everybody who changes a workflow file does at the end of it, and how they say that it did not work. */
import { StoreError } from '../core/errors';
import type { RelativePath } from '../core/model';
import { fileFault } from './fileFault';
import type { Settled } from './fileWriter';
import type { LockedWriter } from './lockedFiles';

/** A command is decided anew when the file has changed since it was read. */
export const mostAttempts = 8;

/** The change stands; if the file cannot follow now, whoever comes next takes it along. */
export async function settleOrFault(writer: LockedWriter, file: RelativePath): Promise<void> {
  let settled: Settled;
  try {
    settled = await writer.settle();
  } catch (error) {
    throw changeStands(error, file);
  }
  if (settled.ok) return;
  const { code, message } = settled.refusal;
  const fault = code === 'unknown_workflow' ? 'store_gone' : 'store_busy';
  throw changeStands(new StoreError(fault, message), file);
}

function changeStands(error: unknown, file: RelativePath): unknown {
  const fault = fileFault(error, file);
  if (!(fault instanceof StoreError)) return fault;
  return new StoreError(
    fault.code,
    `${fault.message} The change itself is recorded; ${file} follows as soon as it can be written.`,
    { cause: error },
  );
}

export function beingWritten(file: RelativePath): StoreError {
  return new StoreError('store_busy', `${file} is being written by another program all the time.`);
}
