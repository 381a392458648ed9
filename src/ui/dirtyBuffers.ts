/**
 * Workflow files with unsaved changes in this window, while the same file changes on the disk: by another window, by
 * an agent, by a command of ours. What has come to the disk is merged into the buffer, where it can be undone like
 * any edit; a save writes both. What does not go together is a conflict for `conflicts.ts`; until it is resolved
 * both versions stay where they are.
 *
 * Contract: a text of the disk is never replaced by a buffer that does not know it, and a buffer never by the disk.
 *
 * VS Code refuses to save over a file that is newer than what it has read, unless the bytes are the same. So a save
 * that knows the newer file writes it first, through the store, and lets VS Code write the same again.
 */
import { readFileSync, statSync, utimesSync } from 'node:fs';
import * as vscode from 'vscode';
import type { ConflictId } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import { putText } from '../store/durableFs';
import { isValid } from '../workflow/document';
import { mergeThreeWay } from '../workflow/merge';
import type { FolderModel } from './folderModel';
import type { Belonging, LiveDocuments } from './liveDocuments';
import { asInBuffer, editsBetween, textEdits, workspaceEdit } from './textChanges';
import type { WorkspaceModel } from './workspaceModel';

/** A buffer and a file that have changed in the same places. Texts are as files hold them. */
export interface BufferConflict {
  readonly text: vscode.TextDocument;
  readonly belonging: Belonging;
  readonly base: string;
  readonly theirs: string;
  /** Set when a save has kept both versions in the store. */
  readonly kept: ConflictId | undefined;
}

/** What is known of one open document. */
interface Known {
  /** The text of the disk that all of the buffer's changes were made on. */
  base: string;
  /** When that had been written, as VS Code has read it. */
  readonly mtimeMs: number;
  /** VS Code has not read the file since it was last changed. */
  stale: boolean;
  conflict: BufferConflict | undefined;
}

/** VS Code compares at most three pieces of this size before it refuses to save. */
const comparedBytes = 128 * 1024;
const mostTries = 5;

export class DirtyBuffers implements Disposable {
  readonly #known = new Map<string, Known>();
  readonly #changed: Emitter<void>;
  /** A conflict has come, or gone. */
  readonly onDidChange: Emitter<void>['event'];
  readonly #refused: Emitter<BufferConflict>;
  /** A person has saved, and it could not be done. */
  readonly onDidRefuseSave: Emitter<BufferConflict>['event'];
  /** What is being brought into buffers. */
  readonly #following = new Map<string, Promise<void>>();
  /** Buffers that show the disk while VS Code saves, and what they held before. */
  readonly #setAside = new Map<string, BufferConflict & { readonly mine: string }>();
  readonly #listeners: Disposable[];

  constructor(
    model: WorkspaceModel,
    private readonly live: LiveDocuments,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const onError = (error: unknown): void => {
      log.error('A conflict could not be shown', error);
    };
    this.#changed = new Emitter(onError);
    this.onDidChange = this.#changed.event;
    this.#refused = new Emitter(onError);
    this.onDidRefuseSave = this.#refused.event;
    this.#listeners = [
      vscode.workspace.onDidOpenTextDocument((text) => {
        this.#noteClean(text);
      }),
      vscode.workspace.onDidSaveTextDocument((text) => {
        if (this.#setAside.has(text.uri.toString())) void this.#putBack(text);
        else this.#noteClean(text);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (!document.isDirty) this.#noteClean(document);
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        this.#forget(uri);
      }),
      vscode.workspace.onWillSaveTextDocument((event) => {
        const { document, reason } = event;
        if (this.#saves(document)) event.waitUntil(this.#beforeSave(document, reason));
      }),
      // Typing may have settled what was in conflict.
      live.onDidChange(({ text }) => {
        if (this.#known.get(text.uri.toString())?.conflict) void this.#follow(text);
      }),
      model.onDidChange((change) => {
        if (change === undefined || change.files || change.store) this.#followAll();
      }),
    ];
    for (const text of vscode.workspace.textDocuments) this.#noteClean(text);
  }

  get conflicts(): readonly BufferConflict[] {
    return [...this.#known.values()].flatMap(({ conflict }) => conflict ?? []);
  }

  /** The buffer as a file would hold it. */
  textOf(text: vscode.TextDocument): string {
    const base = this.#known.get(text.uri.toString())?.base ?? '';
    return (base.startsWith('\uFEFF') ? '\uFEFF' : '') + text.getText();
  }

  /** Keeps both versions in the store, so that neither depends on this window. */
  async keep({ text, belonging, base, kept }: BufferConflict): Promise<ConflictId | undefined> {
    if (kept !== undefined) return kept;
    if (!isValid(belonging.model.read(belonging.file, this.textOf(text)))) return undefined;
    const result = await this.#write(belonging, { base, mine: this.textOf(text) });
    return result === 'saved' ? undefined : result;
  }

  /** From now on what the disk holds counts as seen: the next save is about nothing older. */
  acknowledge(text: vscode.TextDocument, disk: string): void {
    const known = this.#known.get(text.uri.toString());
    if (!known) return;
    known.base = disk;
    known.stale = true;
    this.#setConflict(known, undefined);
  }

  /** Makes the buffer hold what the disk does, and tells VS Code that it is saved. */
  async showDisk(text: vscode.TextDocument): Promise<boolean> {
    const disk = textAt(text.uri.fsPath);
    if (disk === undefined) return false;
    if (!(await replaceText(text, asInBuffer(disk, text)))) return false;
    this.acknowledge(text, disk);
    return !text.isDirty || text.save();
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#changed.dispose();
    this.#refused.dispose();
  }

  /* ---------------------------------------------------------------- what the disk holds */

  #followAll(): void {
    for (const text of vscode.workspace.textDocuments) {
      if (text.isDirty) void this.#follow(text);
      else this.#noteClean(text);
    }
  }

  #noteClean(text: vscode.TextDocument): void {
    const belonging = !text.isDirty && this.live.belonging(text);
    if (!belonging || !belonging.isMain) return;
    const key = text.uri.toString();
    if (this.#setAside.has(key)) return;
    const disk = textAt(text.uri.fsPath);
    // VS Code may be about to read it; what it has read before is still the base.
    if (disk === undefined || asInBuffer(disk, text) !== text.getText()) return;
    const before = this.#known.get(key);
    const mtimeMs = Math.floor(statSync(text.uri.fsPath).mtimeMs);
    this.#known.set(key, { base: disk, mtimeMs, stale: false, conflict: undefined });
    if (before?.conflict) this.#changed.fire();
  }

  #forget(uri: vscode.Uri): void {
    const known = this.#known.get(uri.toString());
    this.#setAside.delete(uri.toString());
    this.#known.delete(uri.toString());
    if (known?.conflict) this.#changed.fire();
  }

  /** Brings into a dirty buffer what the disk has got; one after the other. */
  #follow(text: vscode.TextDocument): Promise<void> {
    const key = text.uri.toString();
    const before = this.#following.get(key);
    const following = (async () => {
      await before;
      await this.#takeUp(text);
    })()
      .catch((error: unknown) => {
        this.log.error(`A change of ${text.uri.fsPath} is not in its buffer`, error);
      })
      .finally(() => {
        if (this.#following.get(key) === following) this.#following.delete(key);
      });
    this.#following.set(key, following);
    return following;
  }

  async #takeUp(text: vscode.TextDocument): Promise<void> {
    for (let tries = 0; tries < mostTries; tries += 1) {
      const belonging = this.live.belonging(text);
      const known = this.#known.get(text.uri.toString());
      const disk = textAt(text.uri.fsPath);
      if (!belonging || !known || disk === undefined || text.isClosed || !text.isDirty) return;
      // What it shows now is not what it holds.
      if (this.#setAside.has(text.uri.toString())) return;
      if (disk === known.base) {
        this.#setConflict(known, undefined);
        return;
      }
      const mine = this.textOf(text);
      const merged = merge(belonging, { base: known.base, mine, theirs: disk });
      if (merged === undefined) {
        const { base } = known;
        const kept = known.conflict?.theirs === disk ? known.conflict.kept : undefined;
        this.#setConflict(known, { text, belonging, base, theirs: disk, kept });
        return;
      }
      // Refused when somebody has typed meanwhile, or where the editor is read-only.
      if (await replaceText(text, asInBuffer(merged, text))) {
        this.acknowledge(text, disk);
        this.log.info(`Merged a change of ${belonging.file} into its unsaved buffer`);
        return;
      }
    }
  }

  #setConflict(known: Known, conflict: BufferConflict | undefined): void {
    const before = known.conflict;
    known.conflict = conflict;
    if (before?.theirs !== conflict?.theirs || before?.kept !== conflict?.kept)
      this.#changed.fire();
  }

  /* ---------------------------------------------------------------- saving */

  #saves(text: vscode.TextDocument): boolean {
    return vscode.workspace.isTrusted && text.isDirty && this.#known.has(text.uri.toString());
  }

  /** The conflict check. VS Code waits for it a second and a half. */
  async #beforeSave(
    text: vscode.TextDocument,
    reason: vscode.TextDocumentSaveReason,
  ): Promise<vscode.TextEdit[]> {
    // The buffer may have got what it does not know to be of the disk.
    await this.#following.get(text.uri.toString());
    const belonging = this.live.belonging(text);
    const known = this.#known.get(text.uri.toString());
    const disk = textAt(text.uri.fsPath);
    // Of a save that was not to be done in the end.
    this.#setAside.delete(text.uri.toString());
    if (!belonging || !known || disk === undefined) return [];
    const { base } = known;
    // Nothing has come between: an ordinary save.
    if (disk === base && !known.stale) return [];
    const mine = this.textOf(text);
    // The store takes only what is valid, and its time for a large file; where nothing has come between, both
    // are still their owner's to save.
    const quick = disk === base && disk.length > comparedBytes;
    const valid = !quick && isValid(belonging.model.read(belonging.file, mine));
    const result = valid ? await this.#write(belonging, { base, mine }) : undefined;
    if (result === 'saved') return this.#asOnDisk(text, known);
    const texts = { base, mine, theirs: disk };
    const merged = result === undefined ? merge(belonging, texts, 'even with errors') : undefined;
    if (merged === undefined) {
      const conflict = { text, belonging, base, theirs: disk, kept: result };
      this.#setConflict(known, conflict);
      return this.#keepFromWriting(conflict, known, reason);
    }
    if (textAt(text.uri.fsPath) !== disk) return [];
    putText(text.uri.fsPath, merged);
    return this.#asOnDisk(text, known);
  }

  /** @returns the id of the conflict that both versions are kept as; undefined when it could not be written */
  async #write(
    { model, workflow }: Belonging,
    texts: { readonly base: string; readonly mine: string },
  ): Promise<'saved' | ConflictId | undefined> {
    try {
      const answer = await model.use(({ files }) => files.save(workflow.path, texts));
      if (answer.ok) return 'saved';
      this.log.info(`Not saved (${answer.refusal.code}): ${answer.refusal.message}`);
      const { refusal } = answer;
      return refusal.code === 'conflict' ? refusal.conflict : undefined;
    } catch (error) {
      this.log.error('A save could not go through the store', error);
      return undefined;
    }
  }

  /**
   * A save cannot be called off, and VS Code takes a file of the same length for the one that it has read. So it is
   * given what is there already, and the buffer gets its own text back when that is written.
   */
  #keepFromWriting(
    conflict: BufferConflict,
    known: Known,
    reason: vscode.TextDocumentSaveReason,
  ): vscode.TextEdit[] {
    const { text, theirs, kept } = conflict;
    const mine = text.getText();
    if (theirs.length > comparedBytes)
      utimesSync(text.uri.fsPath, new Date(), new Date(known.mtimeMs));
    if (reason === vscode.TextDocumentSaveReason.Manual || kept === undefined) {
      this.#setAside.set(text.uri.toString(), { ...conflict, mine });
    } else {
      // Given back, it would be saved again in a second, and again. The store has it.
      known.base = theirs;
      this.#refused.fire(conflict);
    }
    return textEdits(text, editsBetween(mine, asInBuffer(theirs, text)));
  }

  async #putBack(text: vscode.TextDocument): Promise<void> {
    const key = text.uri.toString();
    const aside = this.#setAside.get(key);
    if (!aside) return;
    await replaceText(text, aside.mine);
    this.#setAside.delete(key);
    this.#refused.fire(aside);
  }

  #asOnDisk(text: vscode.TextDocument, known: Known): vscode.TextEdit[] {
    const path = text.uri.fsPath;
    const disk = textAt(path) ?? '';
    known.base = disk;
    known.stale = true;
    this.#setConflict(known, undefined);
    // It would not compare a file of this size, and writes it anew in a moment.
    if (disk.length > comparedBytes) utimesSync(path, new Date(), new Date(known.mtimeMs));
    return textEdits(text, editsBetween(text.getText(), asInBuffer(disk, text)));
  }
}

/** False when the buffer is another by now, or did not take it. */
async function replaceText(text: vscode.TextDocument, wanted: string): Promise<boolean> {
  const edits = editsBetween(text.getText(), wanted);
  if (edits.length === 0) return true;
  const applied = await vscode.workspace.applyEdit(workspaceEdit(text, edits));
  return applied && text.getText() === wanted;
}

/**
 * Undefined where the two do not go together. A text that is being typed may well have errors; what Wavelock
 * brings in must not be what makes them.
 */
function merge(
  { model, file }: { readonly model: FolderModel; readonly file: Belonging['file'] },
  { base, mine, theirs }: { readonly base: string; readonly mine: string; readonly theirs: string },
  errors?: 'even with errors',
): string | undefined {
  if (base === theirs) return mine;
  const whole = model.merge(file, { base, mine, theirs });
  if (whole !== undefined) return whole;
  const mayHaveErrors = errors !== undefined || !isValid(model.read(file, mine));
  if (!mayHaveErrors) return undefined;
  const merged = mergeThreeWay(file, base, mine, theirs);
  return merged.ok ? merged.text : undefined;
}

/** With its byte order mark; undefined for what is gone, or is no text. */
function textAt(path: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch {
    return undefined;
  }
}
