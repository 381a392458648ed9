/**
 * What a workflow file says with a change that shall be taken back and without it: what stands between the two is what
 * goes, from whatever the file says by now.
 */
import type { FileEdit, LastChange, UndoChange } from '../core/model';
import { applyEdits } from '../workflow/document';
import { noteText } from '../workflow/stateMdEdits';
import type { KeptTexts } from './keptTexts';
import { mergedText, PromisedTexts } from './promisedText';
import { localTime, type ValidFile } from './workflowFile';
import { documentIn, type Reading } from './workflowReading';

/** @param updated local time as the file writes it, of the taking back */
export function takenBackIn(
  { document, file }: ValidFile,
  { edits, before: hash }: LastChange,
  { reading, texts, updated }: { reading: Reading; texts: KeptTexts; updated: string },
): UndoChange['file'] {
  if (edits.length === 0) return null;
  const before = hash === null ? undefined : texts.read(hash);
  if (before === undefined) return { unfit: 'lost' };
  const changed = new PromisedTexts(reading, file, texts).with(before, edits);
  if (changed.conflict) return { unfit: 'lost' };
  if (changed.text === before) return null;
  const present = document.text;
  const dated = (text: string): string => updatedAt(documentIn(reading, file, text), updated);
  const sides = { with: changed.text, without: dated(before) };
  const fits = ({ with: base, without: mine }: typeof sides): boolean =>
    mergedText(reading, file, { base, mine, theirs: present }) !== undefined;
  const keep = (fit: typeof sides): UndoChange['file'] => ({
    with: texts.keep(fit.with, 'durably'),
    without: texts.keep(fit.without, 'durably'),
  });
  if (fits(sides)) return keep(sides);
  // Notes come one after the other, so the next one stands in the very place; a line of its own goes all the same.
  const left = withoutNote(present, edits);
  const alone = left && { with: present, without: dated(left) };
  return alone && fits(alone) ? keep(alone) : { unfit: 'apart' };
}

/** Taking back is a change as well, and the file says when it was last changed. */
function updatedAt({ text, derived }: ReturnType<typeof documentIn>, updated: string): string {
  return derived.updated ? applyEdits(text, [{ ...derived.updated.edit, text: updated }]) : text;
}

/** Undefined where the note does not stand in one line just as it was written. */
function withoutNote(text: string, [edit, ...more]: readonly FileEdit[]): string | undefined {
  if (edit?.change.kind !== 'note' || more.length > 0) return undefined;
  const { by, text: said } = edit.change;
  const lines = text.split(/(?<=\n)/);
  const wanted = `- ${noteText(by, said, localTime(edit.since))}`;
  const at = lines.findIndex((line) => line.trimEnd() === wanted);
  const again = lines.findLastIndex((line) => line.trimEnd() === wanted);
  return at === -1 || again !== at ? undefined : lines.toSpliced(at, 1).join('');
}
