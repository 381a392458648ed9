/**
 * One write of a workflow file, from its announcement to its confirmation. Contract: `file.intend` announces the bytes,
 * granted only to who knows the content that the store knows; the replaced file is kept as a backup; temp file, flush,
 * one last look, rename, flush of the folder; `file.confirm` moves the known content on. Whoever dies in between leaves
 * an announcement that tells the next one what these bytes are.
 */
import { readFileSync } from 'node:fs';
import { isStoreError } from '../core/errors';
import type { ContentHash, EditId, FileSight, TaskMoved, WorkflowId } from '../core/model';
import { inodeOf, replaceFile, type FileOps, type Kept, type OnStep } from './durableFs';
import { FileBackups } from './fileBackups';
import type { FileLock } from './fileLock';
import { KeptTexts } from './keptTexts';
import type { Store } from './store';
import { hashOf, refuseWriteProtected, type WorkflowFile } from './workflowFile';
import type { Reading } from './workflowReading';

export interface AnnouncedWriteOptions {
  readonly place: Reading;
  readonly store: Store;
  readonly now: () => number;
  readonly ops: FileOps;
  readonly onStep: OnStep;
}

export interface NewContent {
  readonly workflow: WorkflowId;
  /** What the store knows as the content. */
  readonly known: ContentHash;
  readonly content: string | Uint8Array;
  /** Promises that are in it. */
  readonly edits: readonly EditId[];
  /** The backup that it is. */
  readonly restores?: string;
  /** What it says otherwise than the store knows, where that is more than its promises. */
  readonly says?: { readonly sight: FileSight; readonly tasks: readonly TaskMoved[] };
}

export interface Written {
  readonly target: ContentHash;
  /** What was replaced. An editor that had it open may still write to it. */
  readonly kept: Kept;
}

/** Unless the setting `backups.keep` says otherwise. */
const keptBackups = 20;

export class AnnouncedWrite {
  readonly #store: Store;
  /** Announced and given up: the file never got these bytes. */
  #givenUp: ContentHash | undefined;

  constructor(
    private readonly lock: Pick<FileLock, 'stillOurs'>,
    private readonly options: AnnouncedWriteOptions,
  ) {
    this.#store = options.store;
  }

  /** @returns 'moved' when another was at the file or at the store */
  async make(file: WorkflowFile, next: NewContent): Promise<Written | 'moved'> {
    const { workflow, known, content, edits, restores, says } = next;
    const { onStep, ops, now } = this.options;
    refuseWriteProtected(file.path);
    const texts = this.texts(workflow);
    const target = texts.keep(content);
    onStep('kept');
    const intended = await this.#store.submit({
      kind: 'file.intend',
      ...{ workflow, known, base: file.hash, target, edits },
      ...(restores === undefined ? {} : { restores }),
      ...(this.#givenUp === undefined ? {} : { instead: this.#givenUp }),
    });
    if (!intended.ok || !intended.facts.intended) return 'moved';
    onStep('intended');
    const backups = this.backups(workflow);
    let kept: Kept;
    try {
      kept = replaceFile(file.path, content, {
        backup: backups.pathFor(file.hash, now()),
        held: (replaced) => backups.heldPathFor(replaced, target, now()),
        check: (backup) => {
          this.#lastLook(file, backup);
        },
        ops,
        onStep,
      });
    } catch (error) {
      // A successor clears away what we had in hand, so a file that is gone may only mean that.
      if (!(error instanceof MovedOn) && !isGone(error)) throw error;
      this.#givenUp = target;
      return 'moved';
    }
    await this.confirm(target, { workflow, ...says });
    onStep('confirmed');
    return { target, kept };
  }

  #lastLook(file: WorkflowFile, { path, linked }: Kept): void {
    if (!this.lock.stillOurs()) throw new MovedOn();
    const same = !linked || inodeOf(file.path) === inodeOf(path);
    if (!same || hashOf(readFileSync(path)) !== file.hash) throw new MovedOn();
  }

  /** Settles what the file says by now, whoever has written it. */
  async confirm(
    target: ContentHash,
    {
      workflow,
      edits,
      sight,
      tasks,
    }: {
      readonly workflow: WorkflowId;
      readonly edits?: readonly EditId[];
      readonly sight?: FileSight;
      readonly tasks?: readonly TaskMoved[];
    },
  ): Promise<void> {
    await this.#store.submit({
      kind: 'file.confirm',
      ...{ workflow, target },
      ...(edits === undefined ? {} : { edits }),
      ...(sight === undefined ? {} : { sight }),
      ...(tasks === undefined ? {} : { tasks }),
    });
  }

  /** Takes away what nobody will ask for any more. */
  async tidy(workflow: WorkflowId): Promise<void> {
    const keep = await this.#store.read('config', { key: 'backups.keep' });
    const now = this.options.now();
    const backups = this.backups(workflow);
    backups.prune(typeof keep?.value === 'number' ? keep.value : keptBackups, now);
    const { workflow: row, edits } = await this.#store.read('workflowFile', { workflow });
    const conflicts = await this.#store.read('conflicts', {});
    this.texts(workflow).prune(
      new Set([
        ...(row?.hash === undefined ? [] : [row.hash]),
        ...backups.heldContents(),
        ...edits.flatMap(({ change }) =>
          change.kind === 'merge' ? [change.base, change.mine] : [],
        ),
        ...conflicts.flatMap(({ base, mine, theirs }) => [base, mine, theirs]),
      ]),
      now,
    );
    this.options.onStep('tidied');
  }

  texts(workflow: WorkflowId): KeptTexts {
    return new KeptTexts(this.options.place.storeFolder, workflow, this.options.ops);
  }

  backups(workflow: WorkflowId): FileBackups {
    return new FileBackups(this.options.place.storeFolder, workflow, this.options.ops);
  }
}

/** The file changed between our look and our write. */
class MovedOn extends Error {
  override readonly name = 'MovedOn';
}

function isGone(error: unknown): boolean {
  return (
    isStoreError(error) && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
  );
}
