/**
 * Keeps this window's hands off a file that somebody else is writing: while it is the active editor, it is
 * read-only in this window's session. The badge and the status bar say who and why.
 *
 * VS Code's only switch for one file in one window acts on the active editor and takes no argument, so what is wanted
 * is looked up whenever a file becomes active, and whenever a lock comes, goes or expires. Nothing tells whether a file
 * is read-only, and people can change editors while the command is under way: a file that may have been hit by mistake
 * is doubtful, and set right as soon as it is active. What was made read-only is remembered beyond this extension
 * host, because the window remembers it too; a new one takes all of it as doubtful.
 *
 * A file with unsaved changes is left writable: it would silently not save. The check of its content on save, and the
 * lock itself, are the guard then.
 */
import * as vscode from 'vscode';
import * as z from 'zod/mini';
import { Belongings, type Disposable } from '../shared/lifecycle';
import { activeFile, onDidChangeActiveFile } from './activeFile';
import { isForeign, type FileLocks } from './fileLocks';
import { NextChange } from './visibleTime';

export interface ReadOnlyGuardOptions {
  readonly locks: FileLocks;
  readonly memory: vscode.Memento;
  readonly failed: (error: unknown) => void;
  readonly now?: () => number;
}

const key = 'readOnlyFiles';
const Kept = z.array(z.string());
const setReadOnly = 'workbench.action.files.setActiveEditorReadonlyInSession';
const setBack = 'workbench.action.files.resetActiveEditorReadonlyInSession';

export class ReadOnlyGuard implements Disposable {
  readonly #belongings = new Belongings();
  readonly #applied = new Set<string>();
  readonly #doubtful: Set<string>;
  readonly #next: NextChange;
  #running: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(private readonly options: ReadOnlyGuardOptions) {
    const kept = Kept.safeParse(options.memory.get(key, []));
    this.#doubtful = new Set(kept.success ? kept.data : []);
    const align = (): void => {
      void this.align();
    };
    this.#next = this.#belongings.add(new NextChange(align));
    this.#belongings.add(onDidChangeActiveFile(align));
    this.#belongings.add(vscode.workspace.onDidSaveTextDocument(align));
    this.#belongings.add(
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('wavelock.readonlyGuard')) align();
      }),
    );
    align();
  }

  /** Resolves when the active editor is as it should be. */
  align(): Promise<void> {
    this.#running = this.#running
      .then(() => this.#alignActive())
      .catch((error: unknown) => {
        this.options.failed(error);
      });
    return this.#running;
  }

  /** Whether we have made it read-only. */
  holds(uri: vscode.Uri): boolean {
    return this.#applied.has(uri.toString());
  }

  /** Gives back the file that is active; others are set right when somebody looks at them next. */
  async end(): Promise<void> {
    this.dispose();
    this.#ended = true;
    await this.align();
  }

  dispose(): void {
    this.#belongings.dispose();
  }

  async #alignActive(): Promise<void> {
    for (;;) {
      const uri = activeFile();
      if (!uri) return;
      const name = uri.toString();
      const wanted = this.#wanted(uri);
      if (wanted === this.#applied.has(name) && !this.#doubtful.has(name)) return;
      await vscode.commands.executeCommand(wanted ? setReadOnly : setBack);
      const now = activeFile()?.toString();
      if (now === name) {
        this.#doubtful.delete(name);
        if (wanted) this.#applied.add(name);
        else this.#applied.delete(name);
        this.#keep();
        return;
      }
      // One of the two was hit.
      this.#doubtful.add(name);
      if (now !== undefined) this.#doubtful.add(now);
      this.#keep();
    }
  }

  #wanted(uri: vscode.Uri): boolean {
    const at = this.options.now?.() ?? Date.now();
    this.#next.expect(Infinity, at);
    const enabled = vscode.workspace
      .getConfiguration('wavelock', uri)
      .get<boolean>('readonlyGuard.enabled', true);
    if (!enabled || this.#ended) return false;
    const place = this.options.locks.place(uri);
    if (!place) return false;
    this.#next.expect(this.options.locks.changesAt(place, at), at);
    if (!isForeign(this.options.locks.stateOf(place, at))) return false;
    if (this.#applied.has(uri.toString())) return true;
    return !vscode.workspace.textDocuments.some(
      (document) => document.isDirty && document.uri.toString() === uri.toString(),
    );
  }

  #keep(): void {
    void this.options.memory.update(key, [...new Set([...this.#applied, ...this.#doubtful])]);
  }
}
