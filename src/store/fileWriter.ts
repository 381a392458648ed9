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
import { readFileSync, statSync } from 'node:fs';
import type {
  ConflictId,
  ConflictRow,
  ContentHash,
  EditId,
  FileEdit,
  FileIntent,
  FileSight,
  Refusal,
  StoredEvent,
  StructuredDiff,
  TaskMoved,
  WorkflowRow,
} from '../core/model';
import { isStoreError, StoreError } from '../core/errors';
import { diffPlans, type Stated } from '../workflow/difference';
import { applyEdits, isValid, type WorkflowDocument } from '../workflow/document';
import { mergeThreeWay } from '../workflow/merge';
import { createFile, replaceFile, type FileOps, type Kept, type OnStep } from './durableFs';
import type { Reads } from './engine';
import { FileBackups } from './fileBackups';
import type { FileLock } from './fileLock';
import { gitState } from './gitState';
import { KeptTexts } from './keptTexts';
import { newId } from './newId';
import type { Store } from './store';
import {
  hashOf,
  invalidFile,
  isValidFile,
  localTime,
  missingFile,
  readWorkflowFile,
  sightOf,
  type ValidFile,
  type WorkflowFile,
} from './workflowFile';
import { documentIn, type Reading } from './workflowReading';

export interface FileWriterOptions {
  readonly place: Reading;
  readonly store: Store;
  readonly now: () => number;
  readonly ops: FileOps;
  readonly onStep: OnStep;
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
/** Older contents that an editor may have been opened on, and how far back they are looked for. */
const likelyBases = 12;
const eventsLookedAt = 500;
const noDifference: StructuredDiff = { added: [], removed: [], modified: [] };

export class FileWriter {
  readonly #place: Reading;
  readonly #store: Store;
  /** Announced and given up: the file never got these bytes. */
  #givenUp: ContentHash | undefined;

  constructor(
    private readonly path: string,
    private readonly lock: Pick<FileLock, 'stillOurs'>,
    private readonly options: FileWriterOptions,
  ) {
    this.#place = options.place;
    this.#store = options.store;
  }

  /** Brings file and store together, and carries out what was promised. */
  async settle(): Promise<Settled> {
    let moved = 0;
    for (let round = 0; round < mostRounds; round += 1) {
      const file = readWorkflowFile(this.#place, this.path);
      const git = gitState(this.#place.root);
      const unfit = this.#unfit(file, git.busy);
      if (unfit) {
        // An editor that saves in place empties the file first.
        if (file?.document.text === '' && (moved += 1) <= 3) {
          await this.#pause(moved);
          continue;
        }
        return { ok: false, refusal: unfit };
      }
      // `unfit` has looked at both.
      const valid = file as ValidFile;
      const sight = sightOf(valid, this.#place, git.head);
      const known = await this.#store.read('workflowFile', { workflow: sight.workflow });
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
    if (edits.length === 0) return 'settled';
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
      await this.#confirm(intent.target, { workflow: sight.workflow });
      return 'again';
    }
    const before = texts.read(known);
    if (intent && before !== undefined) return this.#takeBack(file, intent, before);
    texts.keep(file.document.text);
    if (workflow?.head !== sight.head || before === undefined)
      return this.#import(sight, known, workflow?.head === sight.head ? 'hand' : 'git');

    const base = await this.#likelyBase(file.document.text, before, { sight, intents });
    if (base === undefined) {
      const tasks = movesBetween(this.#read(sight, before), file.document);
      await this.#keepOverruled(before, file, sight, edits, tasks);
      this.#backups(sight).keep(before, this.options.now());
      return this.#import(sight, known, 'hand', {
        tasks,
        diff: structured(this.#read(sight, before), file.document),
      });
    }
    // Somebody died after the change-over, and a person went on from there.
    if (base.intent?.known === known) {
      await this.#confirm(base.intent.target, { workflow: sight.workflow });
      return 'again';
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

  /**
   * The content that a person's save was made on, when it is nearer to another that the file had than to what
   * we know. A change by hand leaves alone what our writes touch beside it; a save of an older content undoes
   * all of it.
   */
  async #likelyBase(
    text: string,
    known: string,
    { sight, intents }: { readonly sight: FileSight; readonly intents: readonly FileIntent[] },
  ): Promise<{ readonly text: string; readonly intent: FileIntent | undefined } | undefined> {
    const texts = this.#texts(sight);
    const lines = linesOf(text);
    let least = distance(lines, linesOf(known));
    let nearest: { readonly text: string; readonly intent: FileIntent | undefined } | undefined;
    const targets = new Map(intents.map((intent) => [intent.target, intent]));
    for (const hash of [...targets.keys(), ...(await this.#former(sight))]) {
      const candidate = texts.read(hash);
      if (candidate === undefined || candidate === known || candidate === text) continue;
      const away = distance(lines, linesOf(candidate));
      if (away >= least) continue;
      least = away;
      nearest = { text: candidate, intent: targets.get(hash) };
    }
    return nearest;
  }

  /** Contents that the file really had, the newest first. */
  async #former({ workflow }: FileSight): Promise<readonly ContentHash[]> {
    const head = await this.#store.read('head', {});
    const after = Math.max(0, head - eventsLookedAt);
    const events = await this.#store.read('events', { after, limit: eventsLookedAt });
    const hashes = events.flatMap((event) =>
      event.workflow === workflow && isFileContent(event) ? [event.data.row.hash] : [],
    );
    return [...new Set(hashes.reverse())].slice(0, likelyBases);
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
    const mine = this.#withEdits(sight, before, overruled).text;
    await this.recordConflict(sight, {
      texts: { base: before, mine, theirs: file.document.text },
      edits: overruled.map(({ id }) => id),
    });
  }

  async recordConflict(
    sight: Pick<FileSight, 'workflow' | 'file'>,
    {
      texts: { base, mine, theirs },
      edits,
    }: {
      readonly texts: { readonly base: string; readonly mine: string; readonly theirs: string };
      readonly edits: readonly EditId[];
    },
  ): Promise<ConflictRow> {
    const texts = this.#texts(sight);
    const conflict = newId('cfl') as ConflictId;
    const answer = await this.#store.submit({
      kind: 'file.conflict',
      workflow: sight.workflow,
      conflict,
      base: texts.keep(base, 'durably'),
      mine: texts.keep(mine, 'durably'),
      theirs: texts.keep(theirs, 'durably'),
      diff: structured(this.#read(sight, theirs), this.#read(sight, mine)),
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
    const { text, done, conflict } = this.#withEdits(
      { workflow, file: file.file },
      file.document.text,
      edits,
    );
    if (conflict) {
      await this.recordConflict({ workflow, file: file.file }, conflict);
      return 'again';
    }
    if (text === file.document.text) {
      await this.#confirm(known, { workflow, edits: done });
      return 'again';
    }
    return this.#write(file, { workflow, known, content: text, edits: done });
  }

  /** The text with the edits in it, one after the other, up to one that does not go together with it. */
  #withEdits(
    sight: Pick<FileSight, 'workflow' | 'file'>,
    start: string,
    edits: readonly FileEdit[],
  ): {
    readonly text: string;
    readonly done: readonly EditId[];
    readonly conflict?: {
      readonly texts: { readonly base: string; readonly mine: string; readonly theirs: string };
      readonly edits: readonly EditId[];
    };
  } {
    let text = start;
    const done: EditId[] = [];
    for (const edit of edits) {
      const next = this.#withEdit(sight, text, edit);
      if (typeof next === 'object') {
        return { text, done, conflict: { texts: next, edits: [edit.id] } };
      }
      text = next;
      done.push(edit.id);
    }
    return { text, done };
  }

  #withEdit(
    { workflow, file }: Pick<FileSight, 'workflow' | 'file'>,
    text: string,
    { change, since }: FileEdit,
  ): string | { readonly base: string; readonly mine: string; readonly theirs: string } {
    const document = documentIn(this.#place, file, text);
    if (change.kind === 'merge') {
      const texts = this.#texts({ workflow });
      const [base, mine] = [texts.read(change.base), texts.read(change.mine)];
      // Lost with the disk that held them; there is nothing left to merge.
      if (base === undefined || mine === undefined) return text;
      return (
        mergedText(this.#place, file, { base, mine, theirs: text }) ?? { base, mine, theirs: text }
      );
    }
    const updated = localTime(since);
    // People may have moved on by hand in the meantime; their wave stands.
    if (change.kind === 'wave' && (document.plan?.wave ?? 0) >= change.wave) return text;
    const answer = document.edit({ ...change, updated });
    // The task is gone, or the file has become one of another kind: the store remembers, the file cannot.
    if (!answer.ok) return text;
    const said = applyEdits(text, answer.edits);
    return isValid(documentIn(this.#place, file, said))
      ? said
      : { base: text, mine: said, theirs: text };
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

  async #write(
    file: WorkflowFile,
    {
      workflow,
      known,
      content,
      edits,
      restores,
      says,
    }: {
      readonly workflow: FileSight['workflow'];
      readonly known: ContentHash;
      readonly content: string | Uint8Array;
      readonly edits: readonly EditId[];
      readonly restores?: string;
      readonly says?: { readonly sight: FileSight; readonly tasks: readonly TaskMoved[] };
    },
  ): Promise<'again' | 'moved'> {
    const { onStep, ops, now } = this.options;
    refuseWriteProtected(file.path);
    const texts = this.#texts({ workflow });
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
    const backups = this.#backups({ workflow });
    let kept: Kept;
    try {
      kept = replaceFile(file.path, content, {
        backup: backups.pathFor(file.hash, now()),
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
    const late = this.#savedMeanwhile(file, kept);
    await this.#confirm(target, { workflow, ...says });
    onStep('confirmed');
    if (late !== undefined) await this.#mergeLate(file, late, { workflow, known: target });
    await this.#tidy({ workflow, file: file.file }, target);
    return 'again';
  }

  #lastLook(file: WorkflowFile, { path, linked }: Kept): void {
    if (!this.lock.stillOurs()) throw new MovedOn();
    const [live, kept] = [statSync(file.path, { bigint: true }), statSync(path, { bigint: true })];
    const same = !linked || (live.ino === kept.ino && live.dev === kept.dev);
    if (!same || hashOf(readFileSync(path)) !== file.hash) throw new MovedOn();
  }

  /** An editor that had the file open has written to what is a backup by now. */
  #savedMeanwhile(file: WorkflowFile, { path, linked }: Kept): string | undefined {
    if (!linked) return undefined;
    const bytes = readFileSync(path);
    if (hashOf(bytes) === file.hash) return undefined;
    const document = documentIn(this.#place, file.file, bytes.toString('utf8'));
    return isValid(document) ? document.text : undefined;
  }

  /** Their change of what we have replaced, told as theirs and merged into what we have written. */
  async #mergeLate(
    file: WorkflowFile,
    late: string,
    { workflow, known }: { readonly workflow: FileSight['workflow']; readonly known: ContentHash },
  ): Promise<void> {
    const current = readWorkflowFile(this.#place, this.path);
    if (current?.hash !== known || !isValidFile(current)) return;
    const texts = this.#texts({ workflow });
    const [base, mine] = [file.document.text, late].map((text) => texts.keep(text, 'durably')) as [
      ContentHash,
      ContentHash,
    ];
    const theirs = this.#read(current, late);
    const { head } = gitState(this.#place.root);
    await this.#import(sightOf(current, this.#place, head), known, 'hand', {
      tasks: movesBetween(file.document, theirs),
      diff: structured(file.document, theirs),
      lost: { base, mine },
    });
  }

  async #confirm(
    target: ContentHash,
    {
      workflow,
      edits,
      sight,
      tasks,
    }: {
      readonly workflow: FileSight['workflow'];
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

  async #tidy(sight: Pick<FileSight, 'workflow' | 'file'>, known: ContentHash): Promise<void> {
    const keep = await this.#store.read('config', { key: 'backups.keep' });
    this.#backups(sight).prune(typeof keep?.value === 'number' ? keep.value : keptBackups);
    const { edits } = await this.#store.read('workflowFile', sight);
    const conflicts = await this.#store.read('conflicts', {});
    this.#texts(sight).prune(
      new Set([
        known,
        ...edits.flatMap(({ change }) =>
          change.kind === 'merge' ? [change.base, change.mine] : [],
        ),
        ...conflicts.flatMap(({ base, mine, theirs }) => [base, mine, theirs]),
      ]),
    );
    this.options.onStep('tidied');
  }

  #read({ file }: Pick<FileSight, 'file'>, text: string): WorkflowDocument {
    return documentIn(this.#place, file, text);
  }

  #texts({ workflow }: Pick<FileSight, 'workflow'>): KeptTexts {
    return new KeptTexts(this.#place.storeFolder, workflow, this.options.ops);
  }

  #backups({ workflow }: Pick<FileSight, 'workflow'>): FileBackups {
    return new FileBackups(this.#place.storeFolder, workflow, this.options.ops);
  }

  #pause(round: number): Promise<void> {
    return this.options.pause(backoff(round, Math.random()));
  }
}

/** Both changes of `base` in one valid text; undefined where they do not go together. */
export function mergedText(
  reading: Reading,
  file: string,
  { base, mine, theirs }: { readonly [Side in 'base' | 'mine' | 'theirs']: string },
): string | undefined {
  // It is told of either side's tasks in the places of the other; sometimes only one of the two has them.
  for (const [one, other] of [
    [mine, theirs],
    [theirs, mine],
  ] as const) {
    const merge = mergeThreeWay(file, base, one, other);
    if (merge.ok && isValid(documentIn(reading, file, merge.text))) return merge.text;
  }
  return undefined;
}

/** Unless the setting `backups.keep` says otherwise. */
const keptBackups = 20;

/** Exponential, with jitter so that two who meet do not meet again. */
export function backoff(round: number, random: number): number {
  return Math.min(pauseMs.longest, pauseMs.first * 2 ** (round - 1)) * (0.5 + random / 2);
}

/** Stopped for so long that another has the file now, who carries out every promise first. */
export class LockLost extends Error {
  override readonly name = 'LockLost';
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

/** A rename would go past the write protection that somebody has put on the file. */
function refuseWriteProtected(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || (stats.mode & 0o222) !== 0) return;
  throw new StoreError(
    'store_permission',
    `${path} is write-protected. Nothing was changed; make the file writable first.`,
  );
}

/** Events that say what the file held then. */
function isFileContent(
  event: StoredEvent,
): event is StoredEvent & { readonly data: { readonly row: { readonly hash: ContentHash } } } {
  const { data } = event;
  return (
    (event.kind.startsWith('file.') || event.kind === 'workflow.created') &&
    'row' in data &&
    data.row !== null &&
    'hash' in data.row &&
    typeof data.row.hash === 'string'
  );
}

/* ------------------------------------------------------------------ differences */

/** Boxes that show otherwise; a task that is new has not moved. */
export function movesBetween(before: Stated, after: Stated): TaskMoved[] {
  return diffPlans(before, after).modified.flatMap(({ id: task, before: was, after: is }) =>
    was.status === is.status ? [] : [{ task, from: was.status, to: is.status }],
  );
}

export function structured(before: Stated, after: Stated): StructuredDiff {
  const { added, removed, modified } = diffPlans(before, after);
  const ids = (tasks: readonly { readonly id: string }[]): string[] => tasks.map(({ id }) => id);
  return { added: ids(added), removed: ids(removed), modified: ids(modified) };
}

function linesOf(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  for (const line of text.split(/\r\n?|\n/)) lines.set(line, (lines.get(line) ?? 0) + 1);
  return lines;
}

/** How many lines one has and the other has not, wherever they stand. */
function distance(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): number {
  let count = 0;
  for (const [line, times] of one) count += Math.max(0, times - (other.get(line) ?? 0));
  for (const [line, times] of other) count += Math.max(0, times - (one.get(line) ?? 0));
  return count;
}
