/**
 * The one who writes workflow files. It brings a file and what the store knows of it together, under the file's
 * lock but not by its grace: with the lock out of order the promises below still hold.
 *
 * Contract of a write: `file.intend` announces the bytes (granted only to who knows the content that the store
 * knows); the replaced file is kept; temp file, flush, one last look, rename, flush of the folder; `file.confirm`
 * moves the known content on and settles the edits that are in it. A crash in between leaves edits that whoever
 * comes next carries out; they say what the file shall say, so doing it twice is doing it once.
 *
 * A content that the store does not know is one of these:
 * - the announced bytes of somebody who died before confirming them: confirmed;
 * - announced bytes that nobody has confirmed, of a writer that was stopped and overtaken: taken back;
 * - a person's, made on what the store knows: imported;
 * - a person's, made on an older content that an editor still had open: imported, and ours merged into it again;
 * - git's, when HEAD has moved: taken as it is.
 *
 * Not detected: another program that replaces the file by a rename between our last look and our own.
 */
import type {
  ConflictId,
  ConflictRow,
  ContentHash,
  EditId,
  FileEdit,
  FileIntent,
  FileSight,
  Refusal,
  StructuredDiff,
  TaskMoved,
  WorkflowId,
  WorkflowRow,
} from '../core/model';
import { StoreError } from '../core/errors';
import { movesBetween, structured } from '../workflow/difference';
import { isValid, type WorkflowDocument } from '../workflow/document';
import { AnnouncedWrite, type AnnouncedWriteOptions, type NewContent } from './announcedWrite';
import { createFile, type Kept } from './durableFs';
import type { Reads } from './engine';
import type { FileLock } from './fileLock';
import { gitState } from './gitState';
import type { KeptTexts } from './keptTexts';
import { likelyBase } from './likelyBase';
import { newId } from './newId';
import { PromisedTexts, type ConflictSides, type Gone } from './promisedText';
import type { Store } from './store';
import {
  hashOf,
  invalidFile,
  isValidFile,
  missingFile,
  readWorkflowFile,
  sightOf,
  type FileOnDisk,
  type ValidFile,
  type WorkflowFile,
} from './workflowFile';
import { documentIn, type Reading } from './workflowReading';

export interface FileWriterOptions extends AnnouncedWriteOptions {
  /** Resolves after so many milliseconds; a test does not wait. */
  readonly pause: (ms: number) => Promise<void>;
}

/** The file says all that was promised, and the store knows what it says; or why that is not so. */
export type Settled =
  | { readonly ok: true; readonly file: ValidFile; readonly sight: FileSight }
  | { readonly ok: false; readonly refusal: Refusal };

/** Bytes for the file that are no promise of the store: a restored backup, a merge of a person's. */
export interface Replacement {
  readonly content: string | Uint8Array;
  /** What they say. */
  readonly document: WorkflowDocument & { readonly plan: object };
  /** The backup that they are from. */
  readonly restores?: string;
  /** The content that they were made for, null for no file; anything else by now is not replaced. */
  readonly base: ContentHash | null;
}

type Known = Reads['workflowFile']['rows'];

/** Each round means that somebody changed the file in the very moment of our write. */
const mostRounds = 24;
const pauseMs = { first: 2, longest: 200 };
/** An editor that saves in place empties the file first; whoever reads before it has done finds whole pages of it. */
const pageBytes = 4_096;
const mostHalves = 8;
/** Others may write in the moment in which a late save is told of. */
const mostLateRounds = 8;
const noDifference: StructuredDiff = { added: [], removed: [], modified: [] };

export class FileWriter {
  readonly #place: Reading;
  readonly #store: Store;
  readonly #writing: AnnouncedWrite;

  constructor(
    private readonly path: string,
    private readonly lock: Pick<FileLock, 'stillOurs'>,
    private readonly options: FileWriterOptions,
  ) {
    this.#place = options.place;
    this.#store = options.store;
    this.#writing = new AnnouncedWrite(lock, options);
  }

  /** Brings file and store together, and carries out what was promised. */
  async settle(): Promise<Settled> {
    let moved = 0;
    let halves = 0;
    for (let round = 0; round < mostRounds; round += 1) {
      const file = readWorkflowFile(this.#place, this.path);
      const git = gitState(this.#place.root);
      const unfit = this.#unfit(file, git.busy);
      if (unfit) {
        if (!file || !mayBeHalf(file) || (halves += 1) > mostHalves)
          return { ok: false, refusal: unfit };
        await this.#pause(halves);
        continue;
      }
      // `unfit` has looked at both.
      const valid = file as ValidFile & FileOnDisk;
      const sight = sightOf(valid, this.#place, git.head);
      const known = await this.#store.read('workflowFile', { workflow: sight.workflow });
      if (isUnheardOf(valid, known) && mayBeHalf(valid) && (halves += 1) <= mostHalves) {
        await this.#pause(halves);
        continue;
      }
      // Read before the store was, it may be older than what the store knows: no content of a person's then.
      if (!isAsKnown(sight, known) && !this.#isStill(sight)) continue;
      const step = await this.#oneStep(valid, sight, known);
      if (step === 'settled') return { ok: true, file: valid, sight };
      if (step === 'moved' && !this.lock.stillOurs()) throw new LockLost();
      if (step === 'moved') await this.#pause((moved += 1));
      else if (step !== 'again') return { ok: false, refusal: step };
    }
    throw new StoreError(
      'store_busy',
      `${this.path} is being written by another program all the time.`,
    );
  }

  #isStill({ hash, head }: FileSight): boolean {
    const { root } = this.#place;
    return readWorkflowFile(this.#place, this.path)?.hash === hash && gitState(root).head === head;
  }

  async #oneStep(
    file: ValidFile,
    sight: FileSight,
    known: Known,
  ): Promise<'settled' | 'again' | 'moved' | Refusal> {
    const { workflow, edits } = known;
    if (workflow?.hash === undefined) return this.#adopt(file, sight);
    const elsewhere = this.#copyOf(workflow, sight);
    if (elsewhere) return elsewhere;
    if (file.hash !== workflow.hash) return this.#explain(file, sight, known, workflow.hash);
    if (workflow.head !== sight.head) return this.#import(sight, workflow.hash, 'git');
    this.#texts(sight).keep(file.document.text);
    if (edits.length === 0) return (await this.#takeLate(sight)) ? 'again' : 'settled';
    // A merge brings back what was known before; every other edit came after that.
    const merges = edits.filter(({ change }) => change.kind === 'merge');
    const others = edits.filter(({ change }) => change.kind !== 'merge');
    return this.#carryOut(file, workflow.hash, [...merges, ...others]);
  }

  #unfit(file: WorkflowFile | undefined, busy: string | null): Refusal | undefined {
    if (!file) return missingFile(this.path);
    if (!isValidFile(file)) return invalidFile(file);
    if (busy === null) return undefined;
    return {
      code: 'conflict',
      message: `A ${busy} is under way in this worktree, so ${file.file} is left alone. Finish or abort it first.`,
    };
  }

  #copyOf(workflow: WorkflowRow, { file, worktree }: FileSight): Refusal | undefined {
    if (workflow.file === file && workflow.worktree === worktree) return undefined;
    const where = workflow.worktree === '' ? '' : ` in worktree ${workflow.worktree}`;
    return {
      code: 'conflict',
      message: `Workflow ${workflow.id} belongs to ${workflow.file}${where}; ${file} is a copy with the same id and is left alone.`,
    };
  }

  /* ---------------------------------------------------------------- contents of others */

  async #adopt(file: ValidFile, sight: FileSight): Promise<'again' | 'moved' | Refusal> {
    this.#texts(sight).keep(file.document.text);
    return this.#import(sight, null, 'git');
  }

  async #explain(
    file: ValidFile,
    sight: FileSight,
    { workflow, edits, intents }: Known,
    known: ContentHash,
  ): Promise<'again' | 'moved' | Refusal> {
    const texts = this.#texts(sight);
    const intent = intents.find(({ target }) => target === file.hash);
    if (intent?.known === known) {
      await this.#writing.confirm(intent.target, { workflow: sight.workflow });
      return 'again';
    }
    const before = texts.read(known);
    if (intent && before !== undefined) return this.#takeBack(file, intent, before);
    texts.keep(file.document.text);
    if (workflow?.head !== sight.head || before === undefined)
      return this.#import(sight, known, workflow?.head === sight.head ? 'hand' : 'git');

    const base = await likelyBase(file.document.text, before, {
      ...{ workflow: sight.workflow, intents, texts, store: this.#store },
    });
    // Somebody died after the change-over, and a person went on from there.
    if (base?.intent?.known === known) {
      await this.#writing.confirm(base.intent.target, { workflow: sight.workflow });
      return 'again';
    }
    // The person has written over it, so no write of ours keeps it; and a merge leaves out what they have left out.
    this.#writing.backups(sight.workflow).keep(before, this.options.now());
    if (base === undefined) {
      const tasks = movesBetween(this.#read(sight, before), file.document);
      await this.#keepOverruled(before, file, sight, edits, tasks);
      return this.#import(sight, known, 'hand', {
        tasks,
        diff: structured(this.#read(sight, before), file.document),
      });
    }
    const read = this.#read(sight, base.text);
    // What a stale write of ours was made from is where both sides part, if it is still known.
    const parting = (base.intent && texts.read(base.intent.base)) ?? base.text;
    return this.#import(sight, known, 'hand', {
      tasks: movesBetween(read, file.document),
      diff: structured(read, file.document),
      lost: { base: texts.keep(parting, 'durably'), mine: texts.keep(before, 'durably') },
    });
  }

  async #import(
    sight: FileSight,
    from: ContentHash | null,
    how: 'hand' | 'git',
    what: {
      readonly tasks: readonly TaskMoved[];
      readonly diff: StructuredDiff;
      readonly lost?: { readonly base: ContentHash; readonly mine: ContentHash };
    } = { tasks: [], diff: noDifference },
  ): Promise<'again' | 'moved' | Refusal> {
    const answer = await this.#store.submit({ kind: 'file.import', sight, from, how, ...what });
    if (!answer.ok) return answer.refusal;
    this.options.onStep('imported');
    return answer.facts.imported ? 'again' : 'moved';
  }

  /** What somebody has set and a person has changed otherwise at the same time is for people to decide. */
  async #keepOverruled(
    before: string,
    file: ValidFile,
    sight: FileSight,
    edits: readonly FileEdit[],
    tasks: readonly TaskMoved[],
  ): Promise<void> {
    const overruled = edits.filter(
      ({ change }) =>
        change.kind === 'task' &&
        change.cause === 'set' &&
        tasks.some(({ task, to }) => task === change.task && to !== change.status),
    );
    if (overruled.length === 0) return;
    const mine = this.#promised(sight).with(before, overruled).text;
    await this.recordConflict(sight, {
      sides: { base: before, mine, theirs: file.document.text },
      edits: overruled.map(({ id }) => id),
    });
  }

  async recordConflict(
    sight: Pick<FileSight, 'workflow' | 'file'>,
    {
      sides: { base, mine, theirs },
      edits,
    }: {
      readonly sides: ConflictSides;
      readonly edits: readonly EditId[];
    },
  ): Promise<ConflictRow> {
    const texts = this.#texts(sight);
    const keep = (side: string | Gone): ContentHash =>
      typeof side === 'string' ? texts.keep(side, 'durably') : side.gone;
    const conflict = newId('cfl') as ConflictId;
    const answer = await this.#store.submit({
      kind: 'file.conflict',
      workflow: sight.workflow,
      conflict,
      base: keep(base),
      mine: keep(mine),
      theirs: keep(theirs),
      diff:
        typeof mine === 'string'
          ? structured(this.#read(sight, theirs), this.#read(sight, mine))
          : noDifference,
      edits,
    });
    if (!answer.ok) throw new StoreError('store_io', answer.refusal.message);
    this.options.onStep('conflict');
    return answer.facts.conflict;
  }

  /* ---------------------------------------------------------------- contents of ours */

  /** A writer that was stopped has undone its successors: what the store knows comes back. */
  async #takeBack(
    file: ValidFile,
    { workflow }: FileIntent,
    before: string,
  ): Promise<'again' | 'moved'> {
    return this.#write(file, { workflow, known: hashOf(before), content: before, edits: [] });
  }

  async #carryOut(
    file: ValidFile,
    known: ContentHash,
    edits: readonly FileEdit[],
  ): Promise<'again' | 'moved'> {
    const { id: workflow } = file.document.plan;
    const { text, done, conflict } = this.#promised({ workflow, file: file.file }).with(
      file.document.text,
      edits,
    );
    if (conflict) {
      await this.recordConflict({ workflow, file: file.file }, conflict);
      return 'again';
    }
    if (text === file.document.text) {
      await this.#writing.confirm(known, { workflow, edits: done });
      return 'again';
    }
    return this.#write(file, { workflow, known, content: text, edits: done });
  }

  /**
   * Replaces whatever the file holds, by bytes that are no promise of the store.
   * @param known the content that the store knows, null when it knows none
   * @returns false when another was at the file or the store
   */
  async replace(replacement: Replacement, known: ContentHash | null): Promise<boolean> {
    const { content, document, restores, base } = replacement;
    const { id: workflow } = document.plan;
    const file = readWorkflowFile(this.#place, this.path);
    if ((file?.hash ?? null) !== base) return false;
    if (!file || known === null) return this.#createAgain(file, content);
    const before = isValidFile(file) ? file.document : undefined;
    const sight = sightOf(
      { ...file, hash: hashOf(content), document },
      this.#place,
      gitState(this.#place.root).head,
    );
    const written = await this.#write(file, {
      ...{ workflow, known, content, edits: [] },
      ...(restores === undefined ? {} : { restores }),
      says: { sight, tasks: before ? movesBetween(before, document) : [] },
    });
    return written === 'again';
  }

  /** Where there is no file, or a store that has never seen it, there is nothing to compare with. */
  #createAgain(file: WorkflowFile | undefined, content: string | Uint8Array): boolean {
    return file === undefined && createFile(this.path, content, this.options.ops);
  }

  async #write(file: WorkflowFile, next: NewContent): Promise<'again' | 'moved'> {
    const written = await this.#writing.make(file, next);
    if (written === 'moved') return 'moved';
    const { workflow } = next;
    const { kept } = written;
    const sight = { workflow, file: file.file };
    const late = await this.#savedMeanwhile(file, workflow, kept);
    if (late !== undefined) await this.#mergeLate(sight, file.document.text, late);
    await this.#takeLate(sight);
    await this.#writing.tidy(workflow);
    return 'again';
  }

  /** An editor that had the file open has written to what is a backup by now; it empties a file first. */
  async #savedMeanwhile(
    file: WorkflowFile,
    workflow: WorkflowId,
    { path, linked }: Kept,
  ): Promise<string | undefined> {
    for (let look = 1; linked && look <= 3; look += 1) {
      const bytes = this.#writing.backups(workflow).read(path);
      if (bytes === undefined || hashOf(bytes) === file.hash) return undefined;
      const document = documentIn(this.#place, file.file, bytes.toString('utf8'));
      if (isValid(document)) return document.text;
      await this.#pause(look);
    }
    return undefined;
  }

  /** Saves into contents of ours that were replaced unseen; true when the file has to take them up. */
  async #takeLate(sight: Pick<FileSight, 'workflow' | 'file'>): Promise<boolean> {
    const isWhole = (content: Buffer): boolean =>
      isValid(this.#read(sight, content.toString('utf8')));
    const backups = this.#writing.backups(sight.workflow);
    let taken = false;
    for (const { written, content } of backups.takeLate(isWhole, this.options.now())) {
      const base = this.#texts(sight).read(written);
      // Without it nobody can say what was changed; it is a backup.
      if (base === undefined) continue;
      await this.#mergeLate(sight, base, content.toString('utf8'));
      taken = true;
    }
    return taken;
  }

  /**
   * Their change of what we have replaced, told as theirs and merged into what the file says by now. Where others are
   * faster again and again, it is kept for people to decide: a backup alone is gone some day.
   */
  async #mergeLate(
    sight: Pick<FileSight, 'workflow' | 'file'>,
    base: string,
    late: string,
  ): Promise<void> {
    const { workflow } = sight;
    const texts = this.#texts(sight);
    const lost = { base: texts.keep(base, 'durably'), mine: texts.keep(late, 'durably') };
    const [read, saved] = [this.#read(sight, base), this.#read(sight, late)];
    const tasks = movesBetween(read, saved);
    const diff = structured(read, saved);
    for (let round = 1; round <= mostLateRounds; round += 1) {
      const current = readWorkflowFile(this.#place, this.path);
      const known = (await this.#store.read('workflowFile', { workflow })).workflow;
      if (current && isValidFile(current) && current.hash === known?.hash) {
        const { head } = gitState(this.#place.root);
        const seen = sightOf(current, this.#place, head);
        const told = await this.#import(seen, current.hash, 'hand', { tasks, diff, lost });
        if (told === 'again') return;
      }
      await this.#pause(round);
    }
    const theirs = readWorkflowFile(this.#place, this.path)?.document.text ?? base;
    await this.recordConflict(sight, { sides: { base, mine: late, theirs }, edits: [] });
  }

  #read({ file }: Pick<FileSight, 'file'>, text: string): WorkflowDocument {
    return documentIn(this.#place, file, text);
  }

  #texts({ workflow }: Pick<FileSight, 'workflow'>): KeptTexts {
    return this.#writing.texts(workflow);
  }

  #promised(sight: Pick<FileSight, 'workflow' | 'file'>): PromisedTexts {
    return new PromisedTexts(this.#place, sight.file, this.#texts(sight));
  }

  #pause(round: number): Promise<void> {
    return this.options.pause(backoff(round, Math.random()));
  }
}

function isAsKnown({ hash, head }: FileSight, { workflow }: Known): boolean {
  return workflow?.hash === hash && workflow.head === head;
}

function mayBeHalf({ size }: FileOnDisk): boolean {
  return size % pageBytes === 0;
}

/** Neither what the store knows nor announced: somebody else has saved it, or is about to. */
function isUnheardOf({ hash }: ValidFile, { workflow, intents }: Known): boolean {
  return (
    workflow?.hash !== undefined &&
    workflow.hash !== hash &&
    !intents.some(({ target }) => target === hash)
  );
}

/** Exponential, with jitter so that two who meet do not meet again. */
export function backoff(round: number, random: number): number {
  return Math.min(pauseMs.longest, pauseMs.first * 2 ** (round - 1)) * (0.5 + random / 2);
}

/** Stopped for so long that another has the file now, who carries out every promise first. */
export class LockLost extends Error {
  override readonly name = 'LockLost';
}
