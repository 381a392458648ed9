/**
 * Backups of a workflow file as people use them: listed, looked at, and put back in the file's place. A damaged or
 * missing file does not say whose it is; the store remembers.
 */
import type { Answer, Refusal, RelativePath, StructuredDiff, WorkflowId } from '../core/model';
import { structured, type Stated } from '../workflow/difference';
import { isValid } from '../workflow/document';
import type { FileOps } from './durableFs';
import { FileBackups, type FileBackup } from './fileBackups';
import type { LockedFiles, LockedWriter } from './lockedFiles';
import { relativeTo, type Place } from './place';
import type { Store } from './store';
import {
  invalidFile,
  isValidFile,
  missingFile,
  pathAt,
  readWorkflowFile,
  refuseWriteProtected,
} from './workflowFile';
import { documentOf, type Reading } from './workflowReading';
import { beingWritten, mostAttempts, settleOrFault } from './settling';

export interface BackupPreview {
  readonly backup: FileBackup;
  readonly file: RelativePath;
  readonly text: string;
  /** What a restore would change in the plan. */
  readonly diff: StructuredDiff;
  /** Only what is valid can be restored. */
  readonly valid: boolean;
}

export interface Restored {
  readonly workflow: WorkflowId;
  readonly file: RelativePath;
  readonly backup: FileBackup;
}

export interface BackupRestoreOptions {
  readonly place: Place;
  readonly store: Store;
  readonly ops: FileOps;
  readonly locked: LockedFiles;
  readonly reading: () => Reading;
}

export class BackupRestore {
  readonly #place: Place;
  readonly #store: Store;
  readonly #locked: LockedFiles;

  constructor(private readonly options: BackupRestoreOptions) {
    this.#place = options.place;
    this.#store = options.store;
    this.#locked = options.locked;
  }

  /** Of the folder's workflow, newest first. */
  async list(at: string): Promise<Answer<{ readonly backups: readonly FileBackup[] }>> {
    const of = await this.#backupsOf(at);
    if ('code' in of) return this.#locked.refuse(of);
    return this.#locked.done({ backups: of.backups.list() });
  }

  /** What a restore would bring, beside what is there. */
  async preview(at: string, id: string): Promise<Answer<BackupPreview>> {
    const found = await this.#backup(at, id);
    if ('code' in found) return this.#locked.refuse(found);
    const { backup, content, path, file } = found;
    const present = readWorkflowFile(this.options.reading(), path)?.document;
    const then = documentOf(this.options.reading(), file, content);
    return this.#locked.done({
      backup,
      file,
      text: then.text,
      diff: structured(present ?? nothingStated, then),
      valid: isValid(then),
    });
  }

  /** Puts a backup in the file's place; what is there becomes a backup itself, however damaged it is. */
  async restore(at: string, id: string): Promise<Answer<Restored>> {
    const found = await this.#backup(at, id);
    if ('code' in found) return this.#locked.refuse(found);
    const { backup, content, path, file, workflow } = found;
    const document = documentOf(this.options.reading(), file, content);
    if (!isValid(document)) {
      return this.#locked.refuse(invalidFile({ path, file, hash: backup.hash, document }));
    }
    refuseWriteProtected(path);
    return this.#locked.under(path, this.#locked.waitMs, async (writer) => {
      for (let attempt = 1; ; attempt += 1) {
        await this.#beforeReplace(writer, path);
        const base = readWorkflowFile(this.options.reading(), path)?.hash;
        const { workflow: row } = await this.#store.read('workflowFile', { workflow });
        const replacement = { content, document, restores: backup.id, base: base ?? null };
        if (base === backup.hash || (await writer.replace(replacement, row?.hash ?? null))) break;
        if (attempt === mostAttempts) throw beingWritten(file);
      }
      await settleOrFault(writer, file);
      return this.#locked.done({ workflow, file, backup });
    });
  }

  /** What a person has changed is told before it is replaced; what cannot be read has nothing to tell. */
  async #beforeReplace(writer: LockedWriter, path: string): Promise<void> {
    const file = readWorkflowFile(this.options.reading(), path);
    if (file && isValidFile(file)) await writer.settle();
  }

  async #backupsOf(at: string): Promise<
    | {
        readonly backups: FileBackups;
        readonly workflow: WorkflowId;
        readonly path: string;
        readonly file: RelativePath;
      }
    | Refusal
  > {
    const path = pathAt(at);
    const found = readWorkflowFile(this.options.reading(), path);
    const file = found?.file ?? relativeTo(this.#place, path) ?? (path as RelativePath);
    // A damaged file does not say whose it is; the store remembers. Of several that were here one after the
    // other it is most likely the one that was written last.
    const stated = found?.document.plan?.id;
    const rows = await this.#store.read('workflows', {});
    const bound = rows.filter((row) => row.file === file && row.worktree === this.#place.worktree);
    const isStated = (found && isValidFile(found)) || bound.some(({ id }) => id === stated);
    const ids = isStated ? [] : bound.map(({ id }) => id);
    const candidates = [...(stated === undefined ? [] : [stated]), ...ids].map((workflow) => {
      const backups = new FileBackups(this.#place.storeFolder, workflow, this.options.ops);
      return { workflow, backups, newest: backups.list()[0]?.at ?? 0 };
    });
    const [chosen] = candidates.sort((a, b) => b.newest - a.newest);
    if (!chosen) return missingFile(path);
    const { backups, workflow } = chosen;
    return { backups, workflow, path: found?.path ?? path, file };
  }

  async #backup(at: string, id: string) {
    const of = await this.#backupsOf(at);
    if ('code' in of) return of;
    const found = of.backups.find(id);
    if (found) return { ...of, ...found };
    const message = `There is no one backup of ${of.file} whose id begins with ${id}. \`wavelock backup list\` shows those there are.`;
    return { code: 'bad_input', message, path: 'id' } satisfies Refusal;
  }
}

const nothingStated: Stated = { plan: null, details: new Map() };
