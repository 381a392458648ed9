/**
 * What a text becomes by edits that were promised of its file. They say what the file shall say, not which bytes, so
 * each is made on the text as it is by then; one that does not go together with it is a conflict of three texts.
 */
import type { ContentHash, EditId, FileEdit } from '../core/model';
import { applyEdits, isValid } from '../workflow/document';
import { mergeThreeWay } from '../workflow/merge';
import type { KeptTexts } from './keptTexts';
import { localTime } from './workflowFile';
import { documentIn, type Reading } from './workflowReading';

type ThreeTexts = { readonly [Side in 'base' | 'mine' | 'theirs']: string };

/** A text that was kept and is not there any more, or is damaged. */
export interface Gone {
  readonly gone: ContentHash;
}

/** The sides of a conflict; what nobody can show any more is still named. */
export type ConflictSides = {
  readonly [Side in 'base' | 'mine']: string | Gone;
} & { readonly theirs: string };

export interface PromisedText {
  readonly text: string;
  /** Those that it says now. */
  readonly done: readonly EditId[];
  readonly conflict?: { readonly sides: ConflictSides; readonly edits: readonly EditId[] };
}

export class PromisedTexts {
  /** @param file whose reader the texts are for */
  constructor(
    private readonly reading: Reading,
    private readonly file: string,
    private readonly texts: KeptTexts,
  ) {}

  /** The text with the edits in it, one after the other, up to one that does not go together with it. */
  with(start: string, edits: readonly FileEdit[]): PromisedText {
    let text = start;
    const done: EditId[] = [];
    for (const edit of edits) {
      const next = this.#withEdit(text, edit);
      if (typeof next === 'object') {
        return { text, done, conflict: { sides: next, edits: [edit.id] } };
      }
      text = next;
      done.push(edit.id);
    }
    return { text, done };
  }

  #withEdit(text: string, { change, since }: FileEdit): string | ConflictSides {
    const document = documentIn(this.reading, this.file, text);
    if (change.kind === 'merge') {
      const [base, mine] = [this.#kept(change.base), this.#kept(change.mine)];
      // Lost with the disk that held it, or cleared away: nobody can merge, and people are told.
      if (typeof base !== 'string' || typeof mine !== 'string') return { base, mine, theirs: text };
      const sides = { base, mine, theirs: text };
      return mergedText(this.reading, this.file, sides) ?? sides;
    }
    const updated = localTime(since);
    // People may have moved on by hand in the meantime; their wave stands.
    if (change.kind === 'wave' && (document.plan?.wave ?? 0) >= change.wave) return text;
    const answer = document.edit({ ...change, updated });
    // The task is gone, or the file has become one of another kind: the store remembers, the file cannot.
    if (!answer.ok) return text;
    const said = applyEdits(text, answer.edits);
    return isValid(documentIn(this.reading, this.file, said))
      ? said
      : { base: text, mine: said, theirs: text };
  }

  #kept(hash: ContentHash): string | Gone {
    return this.texts.read(hash) ?? { gone: hash };
  }
}

/** Both changes of `base` in one valid text; undefined where they do not go together. */
export function mergedText(
  reading: Reading,
  file: string,
  { base, mine, theirs }: ThreeTexts,
): string | undefined {
  const merge = mergeThreeWay(file, base, mine, theirs);
  return merge.ok && isValid(documentIn(reading, file, merge.text)) ? merge.text : undefined;
}
