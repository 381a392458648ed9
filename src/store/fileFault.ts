/** What a file system refuses, in words that help. */
import { StoreError } from '../core/errors';

/** Anything else as it is. */
export function fileFault(error: unknown, asked: string): unknown {
  if (!isFileError(error)) return error;
  const path = error.path ?? asked;
  const cause = { cause: error };
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return new StoreError(
        'store_permission',
        `No permission to write or read ${path}. Make it writable, or start Wavelock as a user who may use it.`,
        cause,
      );
    case 'EROFS':
      return new StoreError(
        'store_readonly',
        `${path} is on a read-only file system. Make it writable, or use another folder.`,
        cause,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new StoreError(
        'store_full',
        `The disk is full: ${path} could not be written. Free some space and try again.`,
        cause,
      );
    case 'EMFILE':
    case 'ENFILE':
      return new StoreError(
        'store_unavailable',
        `Too many files are open for ${path} to be opened as well. Close some programs or windows, or raise the limit (ulimit -n), and try again.`,
        cause,
      );
    case 'ENOENT':
      return new StoreError('store_gone', `${path} is not there any more.`, cause);
    default:
      return new StoreError(
        'store_io',
        `The disk reported an error on ${path} (${error.message}). Check the disk and try again.`,
        cause,
      );
  }
}

/** The file system's own refusal, as against a mistake of ours. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error &&
    'syscall' in error &&
    'code' in error &&
    typeof error.code === 'string'
  );
}
