/** Lines that answers of several kinds have. */
import type { Problem } from '../core/model';
import type { FileBackup } from '../store/fileBackups';
import type { StoreBackup } from '../store/sqlite/backups';
import { clock, printable } from './terminal';

export function problemLine(problem: Problem): string {
  const file = problem.file === undefined ? '' : `${printable(problem.file)}:`;
  return `  ${file}${problem.line}:${problem.column} ${problem.severity} ${printable(problem.message)} (${problem.code})\n`;
}

export function backupLine(backup: StoreBackup | FileBackup): string {
  const { id, at, bytes } = backup;
  const what = 'seq' in backup ? `  ${backup.seq} events` : '';
  return `${id}  ${clock(at)}${what}  ${Math.ceil(bytes / 1024)} KB\n`;
}
