/**
 * Two changes of one workflow file that do not go together: those that the store keeps, and those between an
 * unsaved buffer and the disk. "Resolve Conflict" shows both sides and does what is chosen; until then nothing is
 * changed and nothing is lost.
 */
import * as vscode from 'vscode';
import type { ConflictId, ConflictRow, StructuredDiff } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { ConflictResolution } from '../store/workflowFiles';
import type { WorkflowTarget } from './commandTable';
import type { BufferConflict, DirtyBuffers } from './dirtyBuffers';
import type { FolderModel } from './folderModel';
import type { LiveDocument, LiveDocuments } from './liveDocuments';
import { ShownTexts } from './shownTexts';
import { chooseWorkflow } from './workflowChoice';
import type { Located, WorkspaceModel } from './workspaceModel';

type Found =
  | { readonly kind: 'buffer'; readonly of: BufferConflict }
  | { readonly kind: 'kept'; readonly model: FolderModel; readonly row: ConflictRow };

interface Sides {
  readonly base: string;
  readonly mine: string;
  readonly theirs: string;
}

type Choice = ConflictResolution | 'compare';

export class Conflicts implements Disposable {
  readonly #changed: Emitter<void>;
  readonly onDidChange: Emitter<void>['event'];
  readonly #texts = new ShownTexts('wavelock-conflict');
  /** Files that a merge editor is open for, and the conflict that its save resolves. */
  readonly #merging = new Map<
    string,
    { readonly model: FolderModel; readonly id: ConflictId | undefined }
  >();
  readonly #listeners: Disposable[];
  /** Told once, however often it is saved. */
  readonly #told = new Set<string>();
  #shown = '';

  constructor(
    private readonly model: WorkspaceModel,
    private readonly live: LiveDocuments,
    private readonly buffers: DirtyBuffers,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#changed = new Emitter((error) => {
      log.error('A conflict could not be shown', error);
    });
    this.onDidChange = this.#changed.event;
    const changed = (): void => {
      this.#tell();
    };
    this.#listeners = [
      this.#texts,
      buffers.onDidChange(changed),
      buffers.onDidRefuseSave((conflict) => {
        void this.#offer(conflict);
      }),
      model.onDidChange((change) => {
        const may =
          change === undefined ||
          change.store ||
          change.events.some(({ kind }) => kind === 'file.conflict');
        if (may) this.#tell();
      }),
      vscode.workspace.onDidSaveTextDocument((text) => {
        void this.#merged(text);
      }),
    ];
    this.#tell();
  }

  /** What is open of the document's workflow. */
  of({ model, workflow }: Pick<LiveDocument, 'model' | 'workflow'>): readonly unknown[] {
    return this.#found(model, workflow.path, workflow.document.plan?.id);
  }

  async resolve(target?: WorkflowTarget | vscode.Uri): Promise<void> {
    await this.model.ready;
    const all = this.model.workflows.filter((located) => this.#foundIn(located).length > 0);
    const [only] = all;
    if (!only) {
      void vscode.window.showInformationMessage(vscode.l10n.t('There is no conflict to resolve.'));
      return;
    }
    const wanted = target ?? (all.length === 1 ? { path: only.workflow.path } : undefined);
    const located = await chooseWorkflow(this.model, this.live, {
      target: wanted,
      title: vscode.l10n.t('Resolve the conflict of which workflow?'),
    });
    const conflict = located && (await this.#choose(located));
    if (!located || !conflict) return;
    const sides = await this.#sidesOf(conflict);
    if (!sides) return;
    const choice = await chooseResolution(conflict, located.workflow.file);
    if (choice === undefined) return;
    try {
      await this.#carryOut(located, conflict, sides, choice);
    } catch (error) {
      this.log.error('The conflict could not be resolved', error);
      void vscode.window.showErrorMessage(error instanceof Error ? error.message : String(error));
    }
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#changed.dispose();
  }

  /* ---------------------------------------------------------------- what there is */

  #foundIn({ model, workflow }: Located): readonly Found[] {
    return this.#found(model, workflow.path, workflow.id);
  }

  #found(model: FolderModel, path: string, id: string | null | undefined): Found[] {
    const buffers = this.buffers.conflicts.filter(
      ({ belonging }) => belonging.workflow.path === path,
    );
    const kept = new Set(buffers.map((each) => each.kept));
    return [
      ...buffers.map((of): Found => ({ kind: 'buffer', of })),
      ...[...model.view.conflicts.values()]
        .filter((row) => row.workflow === id && !kept.has(row.id))
        .map((row): Found => ({ kind: 'kept', model, row })),
    ];
  }

  #tell(): void {
    const paths = this.model.workflows
      .filter((located) => this.#foundIn(located).length > 0)
      .map(({ workflow }) => workflow.path);
    const shown = paths.join('\n');
    if (shown !== this.#shown) {
      this.#shown = shown;
      const { executeCommand } = vscode.commands;
      void executeCommand('setContext', 'wavelock.hasConflict', paths.length > 0);
      void executeCommand('setContext', 'wavelock.conflictFiles', paths);
    }
    this.#changed.fire();
  }

  /** After a save that could not be done: the answer to what the person has just asked for. */
  async #offer(conflict: BufferConflict): Promise<void> {
    const key = `${conflict.text.uri.toString()}\0${conflict.theirs}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const resolve = vscode.l10n.t('Resolve Conflict…');
    const choice = await vscode.window.showWarningMessage(
      vscode.l10n.t(
        '{0} has changed on the disk in the same places. Your changes are not saved yet; both versions are kept.',
        conflict.belonging.file,
      ),
      resolve,
    );
    if (choice === resolve) await this.resolve(conflict.text.uri);
  }

  async #choose(located: Located): Promise<Found | undefined> {
    const found = this.#foundIn(located);
    if (found.length <= 1) return found[0];
    const picked = await vscode.window.showQuickPick(
      found.map((conflict) => ({ ...wordsOf(conflict), conflict })),
      { title: vscode.l10n.t('Resolve which conflict?') },
    );
    return picked?.conflict;
  }

  async #sidesOf(conflict: Found): Promise<Sides | undefined> {
    if (conflict.kind === 'buffer') {
      const { text, base, theirs } = conflict.of;
      return { base, theirs, mine: this.buffers.textOf(text) };
    }
    const { base, mine, theirs } = await conflict.model.change(({ files }) =>
      Promise.resolve(files.conflictTexts(conflict.row)),
    );
    if (mine === undefined || theirs === undefined) {
      void vscode.window.showWarningMessage(
        vscode.l10n.t('The texts of this conflict are gone. The file stays as it is.'),
      );
      await this.#resolved(conflict.model, conflict.row.id, 'theirs');
      return undefined;
    }
    return { base: base ?? '', mine, theirs };
  }

  /* ---------------------------------------------------------------- what is chosen */

  async #carryOut(located: Located, conflict: Found, sides: Sides, choice: Choice): Promise<void> {
    const { path, file } = located.workflow;
    if (choice === 'compare') {
      await this.#compare(file, sides);
    } else if (choice === 'merged') {
      await this.#merge(located, conflict, sides);
    } else if (conflict.kind === 'kept') {
      await this.#resolved(located.model, conflict.row.id, choice);
    } else if (choice === 'mine') {
      await this.#keepBuffer(located, conflict.of, sides);
    } else {
      const { text, kept } = conflict.of;
      await this.buffers.showDisk(text);
      if (kept !== undefined) await this.#resolved(located.model, kept, 'theirs');
    }
    this.log.info(`Conflict of ${path}: ${choice}`);
  }

  /** The buffer becomes the file, as a change that knows what it replaces. */
  async #keepBuffer(
    { model, workflow }: Located,
    { text, theirs, kept }: BufferConflict,
    { mine }: Sides,
  ): Promise<void> {
    const answer = await model.change(({ files }) =>
      files.save(workflow.path, { base: theirs, mine }),
    );
    if (!answer.ok) {
      void vscode.window.showWarningMessage(answer.refusal.message);
      return;
    }
    await this.buffers.showDisk(text);
    if (kept !== undefined) await this.#resolved(model, kept, 'mine');
  }

  async #resolved(model: FolderModel, id: ConflictId, as: ConflictResolution): Promise<void> {
    const answer = await model.change(({ files }) => files.resolve(id, as));
    if (!answer.ok) void vscode.window.showWarningMessage(answer.refusal.message);
  }

  async #compare(file: string, { mine, theirs }: Sides): Promise<void> {
    await vscode.commands.executeCommand(
      'vscode.diff',
      this.#texts.show(file, theirs, 'theirs'),
      this.#texts.show(file, mine, 'mine'),
      vscode.l10n.t('{0}: on the disk ↔ mine', file),
    );
  }

  /** In the merge editor; what is saved there is the resolution. */
  async #merge({ model, workflow }: Located, conflict: Found, sides: Sides): Promise<void> {
    const { file, path } = workflow;
    const uri = conflict.kind === 'buffer' ? conflict.of.text.uri : vscode.Uri.file(path);
    const id = conflict.kind === 'buffer' ? await this.buffers.keep(conflict.of) : conflict.row.id;
    const text = await vscode.workspace.openTextDocument(uri);
    // The merge editor saves what is unsaved when it opens; so it begins with what is on the disk.
    if (conflict.kind === 'buffer' && !(await this.buffers.showDisk(text))) return;
    this.#merging.set(text.uri.toString(), { model, id });
    try {
      // The editor's own command for this; there is no other way to its merge editor.
      await vscode.commands.executeCommand('_open.mergeEditor', {
        base: this.#texts.show(file, sides.base, 'base'),
        input1: {
          uri: this.#texts.show(file, sides.mine, 'mine'),
          title: conflict.kind === 'buffer' ? vscode.l10n.t('Mine') : vscode.l10n.t('Wavelock'),
        },
        input2: {
          uri: this.#texts.show(file, sides.theirs, 'theirs'),
          title: vscode.l10n.t('On the disk'),
        },
        output: uri,
      });
    } catch (error) {
      this.log.warn('This editor has no merge editor; the two sides are compared', error);
      await vscode.window.showTextDocument(text);
      await this.#compare(file, sides);
    }
  }

  async #merged(text: vscode.TextDocument): Promise<void> {
    const merging = this.#merging.get(text.uri.toString());
    if (!merging) return;
    this.#merging.delete(text.uri.toString());
    if (merging.id !== undefined) await this.#resolved(merging.model, merging.id, 'merged');
  }
}

function wordsOf(conflict: Found): { readonly label: string; readonly description: string } {
  if (conflict.kind === 'buffer') {
    return {
      label: vscode.l10n.t('Unsaved changes and the disk'),
      description: conflict.of.belonging.file,
    };
  }
  const { row } = conflict;
  return {
    label: vscode.l10n.t('Since {0}', new Date(row.since).toLocaleString(vscode.env.language)),
    description: differenceWords(row.diff),
  };
}

/** What the second has and the first has not, by tasks. */
export function differenceWords({ added, removed, modified }: StructuredDiff): string {
  const list = (tasks: readonly string[]): string =>
    tasks.length > 3 ? `${tasks.slice(0, 3).join(', ')} …` : tasks.join(', ');
  const parts = [
    ...(added.length > 0 ? [vscode.l10n.t('adds {0}', list(added))] : []),
    ...(removed.length > 0 ? [vscode.l10n.t('removes {0}', list(removed))] : []),
    ...(modified.length > 0 ? [vscode.l10n.t('changes {0}', list(modified))] : []),
  ];
  return parts.length === 0 ? vscode.l10n.t('no task differs') : parts.join('; ');
}

async function chooseResolution(conflict: Found, file: string): Promise<Choice | undefined> {
  const isBuffer = conflict.kind === 'buffer';
  const items: readonly (vscode.QuickPickItem & { readonly choice: Choice })[] = [
    {
      choice: 'merged',
      label: `$(git-merge) ${vscode.l10n.t('Merge…')}`,
      detail: vscode.l10n.t('Opens the merge editor. What you save there is the result.'),
    },
    {
      choice: 'mine',
      label: `$(account) ${vscode.l10n.t('Keep mine')}`,
      detail: isBuffer
        ? vscode.l10n.t(
            '{0} becomes what you have typed. The version on the disk stays as a backup.',
            file,
          )
        : vscode.l10n.t('{0} gets the change that Wavelock could not write.', file),
    },
    {
      choice: 'theirs',
      label: `$(file) ${vscode.l10n.t('Keep theirs')}`,
      detail: isBuffer
        ? vscode.l10n.t('The editor shows what is on the disk. Undo brings your text back.')
        : vscode.l10n.t('{0} stays as it is; the other change is given up.', file),
    },
    {
      choice: 'compare',
      label: `$(diff) ${vscode.l10n.t('Compare')}`,
      detail: vscode.l10n.t('Shows both sides and changes nothing.'),
    },
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Resolve the conflict of {0}', file),
  });
  return picked?.choice;
}
