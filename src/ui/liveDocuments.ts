/**
 * Workflow files as they stand in the editors of this window, saved or not: which documents they are, and what
 * their buffers say. Every language feature asks here, so a buffer is read once for all of them.
 *
 * Contract: a buffer is read when the typing pauses, and the pause grows with what the last reading took, so that
 * a large file costs a bounded part of the time. Who needs an answer sooner reads it at once (`now`).
 */
import { realpathSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import * as vscode from 'vscode';
import type { RelativePath } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import { overview, type WorkflowOverview } from '../store/overview';
import { hashOf, type WorkflowFile } from '../store/workflowFiles';
import type { WorkflowDocument } from '../workflow/document';
import { belongsToPlanning, planningFolder } from '../workflow/reader';
import type { FolderModel } from './folderModel';
import type { WorkspaceModel } from './workspaceModel';

/** Where a text document belongs. */
export interface Belonging {
  readonly model: FolderModel;
  /** The workflow's file as it is on the disk; of `.planning/` that is ROADMAP.md. */
  readonly workflow: WorkflowFile;
  /** The document's own place, from the top of the worktree. */
  readonly file: RelativePath;
  /** False for a part of a workflow whose tasks another file lists. */
  readonly isMain: boolean;
}

export interface LiveDocument extends Belonging {
  readonly text: vscode.TextDocument;
  readonly version: number;
  readonly document: WorkflowDocument;
}

/** A reading may take this part of the time at most. */
const shareOfTime = 5;
const pauseMs = { shortest: 120, longest: 2_000 };

export class LiveDocuments implements Disposable {
  readonly #changed: Emitter<LiveDocument>;
  /** A buffer reads otherwise. */
  readonly onDidChange: Emitter<LiveDocument>['event'];
  readonly #read = new Map<string, LiveDocument>();
  readonly #reading = new Map<string, Pending>();
  readonly #cost = new Map<string, number>();
  readonly #listeners: Disposable[];

  constructor(
    private readonly model: WorkspaceModel,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#changed = new Emitter((error) => {
      log.error('A language feature could not follow a change', error);
    });
    this.onDidChange = this.#changed.event;
    this.#listeners = [
      vscode.workspace.onDidOpenTextDocument((text) => {
        this.#readSoon(text);
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (this.#read.get(keyOf(document))?.version !== document.version) this.#readSoon(document);
      }),
      vscode.workspace.onDidCloseTextDocument((text) => {
        this.#forget(text);
      }),
      model.onDidChange((change) => {
        if (change === undefined || change.files || change.store) this.#readAll();
      }),
    ];
  }

  /** Undefined for what is no workflow file of this window's folders. */
  belonging({ uri }: Pick<vscode.TextDocument, 'uri'>): Belonging | undefined {
    if (uri.scheme !== 'file') return undefined;
    for (const path of new Set([uri.fsPath, realPath(uri.fsPath)])) {
      for (const model of this.model.folders) {
        const found = belongingIn(model, path);
        if (found) return found;
      }
    }
    return undefined;
  }

  /** The buffer as it is, read if it has not been. */
  now(text: vscode.TextDocument): LiveDocument | undefined {
    const belonging = this.belonging(text);
    if (!belonging || text.isClosed) return undefined;
    const known = this.#read.get(keyOf(text));
    if (known?.version === text.version && known.workflow === belonging.workflow) return known;
    return this.#readNow(text, belonging);
  }

  /** The buffer as it is after the next pause; undefined when it is none of ours, or nobody waits any more. */
  async settled(
    text: vscode.TextDocument,
    token: vscode.CancellationToken,
  ): Promise<LiveDocument | undefined> {
    await this.model.ready;
    await this.#reading.get(keyOf(text))?.done;
    return token.isCancellationRequested ? undefined : this.now(text);
  }

  /** Those that are open in an editor or otherwise held by it. */
  get open(): readonly LiveDocument[] {
    return vscode.workspace.textDocuments.flatMap((text) => this.now(text) ?? []);
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    for (const { timer, end } of this.#reading.values()) {
      clearTimeout(timer);
      end();
    }
    this.#reading.clear();
    this.#changed.dispose();
  }

  #readAll(): void {
    for (const text of vscode.workspace.textDocuments) this.now(text);
  }

  #readSoon(text: vscode.TextDocument): void {
    if (!this.belonging(text)) return;
    const key = keyOf(text);
    const pending = this.#reading.get(key) ?? newPending();
    clearTimeout(pending.timer);
    const wanted = (this.#cost.get(key) ?? 0) * shareOfTime;
    const pause = Math.min(Math.max(wanted, pauseMs.shortest), pauseMs.longest);
    pending.timer = setTimeout(() => {
      this.#reading.delete(key);
      this.now(text);
      pending.end();
    }, pause);
    this.#reading.set(key, pending);
  }

  #readNow(text: vscode.TextDocument, belonging: Belonging): LiveDocument {
    const start = performance.now();
    const { model, file } = belonging;
    const document = model.read(file, text.getText());
    const live = { ...belonging, text, version: text.version, document };
    this.#read.set(keyOf(text), live);
    this.#cost.set(keyOf(text), performance.now() - start);
    this.#changed.fire(live);
    return live;
  }

  #forget(text: vscode.TextDocument): void {
    const key = keyOf(text);
    this.#read.delete(key);
    this.#cost.delete(key);
    const pending = this.#reading.get(key);
    clearTimeout(pending?.timer);
    pending?.end();
    this.#reading.delete(key);
    this.log.trace(`Forgot ${key}`);
  }
}

/** What the buffer says, with what the store knows beside it. */
export function overviewOf({ model, workflow, document }: LiveDocument): WorkflowOverview {
  const { path, file } = workflow;
  return overview({ path, file, hash: hashOf(''), document }, model.view, model.place.worktree);
}

/** Where a problem of a document stands; a problem of another file has that file's path. */
export function rangeOf(problem: {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}): vscode.Range {
  const { line, column, length } = problem;
  return new vscode.Range(line, column, line, column + length);
}

interface Pending {
  timer: NodeJS.Timeout | undefined;
  readonly done: Promise<void>;
  readonly end: () => void;
}

function newPending(): Pending {
  let end: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { timer: undefined, done, end };
}

function keyOf({ uri }: Pick<vscode.TextDocument, 'uri'>): string {
  return uri.toString();
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Gone, or never there: it is what it is called.
    return path;
  }
}

function belongingIn(model: FolderModel, path: string): Belonging | undefined {
  for (const workflow of model.files) {
    if (workflow.path === path) return { model, workflow, file: workflow.file, isMain: true };
    if (workflow.document.format !== 'planning') continue;
    // `.planning/` is one workflow of many files.
    const above = dirname(dirname(workflow.path));
    const inside = relative(above, path).split(sep).join('/');
    if (!inside.startsWith(`${planningFolder}/`) || !belongsToPlanning(inside)) continue;
    const file = relative(model.place.root, join(above, inside)).split(sep).join('/');
    return { model, workflow, file: file as RelativePath, isMain: false };
  }
  return undefined;
}
