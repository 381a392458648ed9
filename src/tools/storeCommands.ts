/**
 * What the command line does with the store itself. It works on the folder and needs no open store, since a
 * damaged one is what most of this is for.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StoreError } from '../core/errors';
import type { Seq } from '../core/model';
import { listBackups, makeBackup, type StoreBackup } from '../store/sqlite/backups';
import { copyStore, previewRestore, restoreStore, type Lost } from '../store/sqlite/restore';
import { verifyStore, type Verified } from '../store/sqlite/verify';
import { locate, type Workplace } from './workplace';

export type VerifyDocument =
  | (Verified & { readonly ok: true })
  | (Verified & {
      readonly ok: false;
      readonly error: { readonly code: 'store_damaged'; readonly message: string };
    });

export type StoreDocument =
  | { readonly ok: true; readonly backup: StoreBackup }
  | { readonly ok: true; readonly backups: readonly StoreBackup[] }
  | {
      readonly ok: true;
      readonly restored: boolean;
      readonly from: string;
      readonly head: { readonly seq: Seq };
      readonly lost: Lost;
      /** Where everything is that stood in the store's place. */
      readonly setAside: string | null;
    }
  | { readonly ok: true; readonly copy: string; readonly head: { readonly seq: Seq } };

export async function verify(workplace: Workplace): Promise<VerifyDocument> {
  const folder = storeFolder(workplace);
  const found = await verifyStore(folder);
  if (found.ok) return { ...found, ok: true };
  const count = found.problems.length;
  const message = `The store in ${folder} has ${count === 1 ? 'a problem' : `${count} problems`}. Nothing was changed; \`wavelock store restore latest --preview\` shows what the last backup has.`;
  return { ...found, ok: false, error: { code: 'store_damaged', message } };
}

export async function backUp(workplace: Workplace): Promise<StoreDocument> {
  const backup = await makeBackup(storeFolder(workplace), { reason: 'asked', now: Date.now() });
  if (backup === undefined)
    throw new StoreError('store_busy', 'Another process is backing up; try again.');
  return { ok: true, backup };
}

export function backups(workplace: Workplace): StoreDocument {
  return { ok: true, backups: listBackups(storeFolder(workplace)) };
}

export async function restore(
  workplace: Workplace,
  from: string,
  { preview, force }: { readonly preview: boolean; readonly force: boolean },
): Promise<StoreDocument> {
  const folder = storeFolder(workplace);
  const shown = previewRestore(folder, from);
  const id = shown.backup?.id ?? from;
  if (preview) {
    const { seq, lost } = shown;
    return { ok: true, restored: false, from: id, head: { seq }, lost, setAside: null };
  }
  const { seq, lost, setAside } = await restoreStore(folder, id, { now: Date.now(), force });
  return { ok: true, restored: true, from: id, head: { seq }, lost, setAside };
}

export async function copy(workplace: Workplace, target: string): Promise<StoreDocument> {
  const folder = resolve(workplace.folder, target);
  const { seq } = await copyStore(storeFolder(workplace), folder);
  return { ok: true, copy: folder, head: { seq } };
}

function storeFolder(workplace: Workplace): string {
  const { storeFolder: folder } = locate(workplace).place;
  if (existsSync(folder)) return folder;
  throw new StoreError('store_gone', `There is no store here: ${join(folder, 'store.db')}.`);
}
