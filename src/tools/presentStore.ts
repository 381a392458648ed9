/** The store itself as people get to see it. */
import { backupLine } from './presentLines';
import type { StoreDocument, VerifyDocument } from './storeCommands';
import { clock, counted, printable } from './terminal';

export function showVerified({ head, runs }: Extract<VerifyDocument, { ok: true }>): string {
  return `The store is well: ${counted(head.seq, 'event')}, ${counted(runs, 'run')}.\n`;
}

export function showStore(document: StoreDocument): string {
  if ('copy' in document)
    return `Copied to ${printable(document.copy)}, up to event ${document.head.seq}.\n`;
  if ('backup' in document) return backupLine(document.backup);
  if ('backups' in document) {
    return document.backups.map(backupLine).join('') || 'There is no backup yet.\n';
  }
  return presentRestore(document);
}

function presentRestore(document: Extract<StoreDocument, { lost: unknown }>): string {
  const { restored, from, head, lost, setAside } = document;
  const count = lost.events === null ? 'An unknown number of events' : `${lost.events} events`;
  const time = clock;
  const kinds = Object.entries(lost.kinds).map(([kind, many]) => `  ${many} ${kind}\n`);
  return [
    `${restored ? 'Restored' : 'Would restore'} ${from}, up to event ${head.seq}.\n`,
    `${count} after it ${restored ? 'are' : 'would be'} lost`,
    lost.first === null || lost.last === null ? '' : ` (${time(lost.first)} to ${time(lost.last)})`,
    lost.certain ? '.\n' : ', as far as can be seen.\n',
    ...kinds,
    setAside === null ? '' : `What was there is in ${printable(setAside)}.\n`,
  ].join('');
}
