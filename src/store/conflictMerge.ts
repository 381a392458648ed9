/**
 * Two texts for one file: a text of one's own saved over what others have written since, and what was kept as a
 * conflict because it did not go together.
 */
import type {
  Answer,
  ConflictId,
  ConflictRow,
  ContentHash,
  Granted,
  Refusal,
  WorkflowRow,
} from '../core/model';
import { isValid } from '../workflow/document';
import type { FileOps } from './durableFs';
import type { FileBindings } from './fileBindings';
import type { Settled } from './fileWriter';
import { KeptTexts } from './keptTexts';
import type { LockedFiles, LockedWriter } from './lockedFiles';
import type { Place } from './place';
import { mergedText } from './promisedText';
import type { Store } from './store';
import { hashOf, invalidFile } from './workflowFile';
import { documentIn, type Reading } from './workflowReading';

export interface Saved {
  readonly hash: ContentHash;
  /** The file had changed meanwhile, and has both changes now. */
  readonly merged: boolean;
}

export type ConflictResolution = 'mine' | 'theirs' | 'merged';
export type ConflictTexts = { readonly [Side in 'base' | 'mine' | 'theirs']: string | undefined };

export interface ConflictMergeOptions {
  readonly place: Place;
  readonly store: Store;
  readonly ops: FileOps;
  readonly locked: LockedFiles;
  readonly reading: () => Reading;
  readonly bindings: Pick<FileBindings, 'pathOf'>;
}

export class ConflictMerge {
  readonly #store: Store;
  readonly #locked: LockedFiles;

  constructor(private readonly options: ConflictMergeOptions) {
    this.#store = options.store;
    this.#locked = options.locked;
  }

  /** The three texts of a conflict; one that was lost is undefined. */
  texts(conflict: ConflictRow): ConflictTexts {
    const texts = new KeptTexts(
      this.options.place.storeFolder,
      conflict.workflow,
      this.options.ops,
    );
    const { base, mine, theirs } = conflict;
    return { base: texts.read(base), mine: texts.read(mine), theirs: texts.read(theirs) };
  }

  /** `theirs` and `merged` leave the file as it is; `mine` brings in what Wavelock would have written. */
  async resolve(
    id: ConflictId,
    as: ConflictResolution,
  ): Promise<Answer<Granted['conflict.resolve']>> {
    const conflict = (await this.#store.read('conflicts', {})).find((each) => each.id === id);
    const rows = await this.#store.read('workflows', {});
    const row = rows.find((each) => each.id === conflict?.workflow);
    if (conflict && row && as === 'mine') {
      const refusal = await this.#bringIn(conflict, row);
      if (refusal) return this.#locked.refuse(refusal);
    }
    return this.#store.submit({ kind: 'conflict.resolve', conflict: id, as });
  }

  async #bringIn(conflict: ConflictRow, row: WorkflowRow): Promise<Refusal | undefined> {
    const { mine, theirs } = this.texts(conflict);
    if (mine === undefined || theirs === undefined) {
      return {
        code: 'conflict',
        message: `The texts of ${conflict.id} are gone. Resolve it as theirs, and make the change again.`,
        conflict: conflict.id,
      };
    }
    const path = this.options.bindings.pathOf(row);
    const answer = await this.#locked.under(path, this.#locked.waitMs, async (writer) => {
      const settled = await writer.settle();
      if (!settled.ok) return this.#locked.refuse(settled.refusal);
      return this.mergeIn(writer, settled, { base: theirs, mine });
    });
    return answer.ok ? undefined : answer.refusal;
  }

  async mergeIn(
    writer: LockedWriter,
    { file, sight }: Extract<Settled, { ok: true }>,
    { base, mine }: { readonly base: string; readonly mine: string },
  ): Promise<Answer<Saved>> {
    const { text } = file.document;
    const merge = mergedText(this.options.reading(), file.file, { base, mine, theirs: text });
    if (merge === undefined) {
      const { workflow } = sight;
      const conflict = await writer.recordConflict(
        { workflow, file: file.file },
        { sides: { base, mine, theirs: text }, edits: [] },
      );
      return this.#locked.refuse({
        code: 'conflict',
        message: `${file.file} has changed in the same places. Both versions are kept as ${conflict.id}; the file was left as it is.`,
        conflict: conflict.id,
        diff: conflict.diff,
      });
    }
    const document = documentIn(this.options.reading(), file.file, merge);
    if (!isValid(document)) {
      return this.#locked.refuse(invalidFile({ ...file, hash: hashOf(merge), document }));
    }
    const written = await writer.replace({ content: merge, document, base: file.hash }, file.hash);
    // The caller reads again and comes back.
    if (!written)
      return this.#locked.refuse({ code: 'conflict', message: `${file.file} has changed.` });
    return this.#locked.done({ hash: hashOf(merge), merged: merge !== mine });
  }
}
