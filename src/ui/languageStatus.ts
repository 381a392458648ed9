/** Beside the language of a workflow file: what kind it is, what Wavelock writes in it, and what keeps it from that. */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';
import { gitState } from '../store/gitState';
import type { Editing, WorkflowFormat } from '../workflow/document';
import type { Conflicts } from './conflicts';
import { commandTo } from './commands';
import type { LiveDocument, LiveDocuments } from './liveDocuments';
import type { WorkspaceModel } from './workspaceModel';

export class LanguageStatus implements Disposable {
  readonly #format: vscode.LanguageStatusItem;
  readonly #sync: vscode.LanguageStatusItem;
  readonly #listeners: Disposable[];

  constructor(
    model: WorkspaceModel,
    private readonly live: LiveDocuments,
    private readonly conflicts: Conflicts,
  ) {
    this.#format = vscode.languages.createLanguageStatusItem('wavelock.format', []);
    this.#format.name = vscode.l10n.t('Wavelock: format');
    this.#sync = vscode.languages.createLanguageStatusItem('wavelock.sync', []);
    this.#sync.name = vscode.l10n.t('Wavelock: sync');
    const show = (): void => {
      this.#show();
    };
    this.#listeners = [
      vscode.window.onDidChangeActiveTextEditor(show),
      model.onDidChange((change) => {
        // Events of runs change nothing that is said here.
        if (
          change === undefined ||
          change.files ||
          change.store ||
          change.events.some(({ kind }) => kind.startsWith('file.') || kind.startsWith('workflow.'))
        )
          show();
      }),
      live.onDidChange(show),
      conflicts.onDidChange(show),
    ];
    show();
  }

  /** Of the files that there are now. */
  setSelector(selector: vscode.DocumentSelector): void {
    this.#format.selector = selector;
    this.#sync.selector = selector;
  }

  /** What is shown now, as text; for tests and for who cannot see the item. */
  get shown(): { readonly format: string; readonly sync: string } {
    const say = ({ text, detail }: vscode.LanguageStatusItem): string =>
      detail === undefined || detail === '' ? text : `${text} — ${detail}`;
    return { format: say(this.#format), sync: say(this.#sync) };
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#format.dispose();
    this.#sync.dispose();
  }

  #show(): void {
    const text = vscode.window.activeTextEditor?.document;
    const live = text && this.live.now(text);
    if (!live) return;
    const { format, editing } = live.document;
    this.#format.text = formatWords(format);
    this.#format.detail = live.isMain ? editingWords(editing) : editingWords('none');
    this.#format.severity = vscode.LanguageStatusSeverity.Information;
    const { text: said, detail, severity, command } = this.#syncOf(live);
    this.#sync.text = said;
    this.#sync.detail = detail ?? '';
    this.#sync.severity = severity ?? vscode.LanguageStatusSeverity.Information;
    this.#sync.command = command;
  }

  #syncOf(live: LiveDocument): {
    readonly text: string;
    readonly detail?: string;
    readonly severity?: vscode.LanguageStatusSeverity;
    readonly command?: vscode.Command;
  } {
    const { Warning, Error: Grave } = vscode.LanguageStatusSeverity;
    const { path } = live.workflow;
    const open = this.conflicts.of(live).length;
    if (open > 0) {
      return {
        text: vscode.l10n.t('Conflict'),
        detail: vscode.l10n.t('two changes of the same places'),
        severity: Grave,
        command: commandTo('wavelock.resolveConflict', vscode.l10n.t('Resolve Conflict'), { path }),
      };
    }
    if (!vscode.workspace.isTrusted) {
      return {
        text: vscode.l10n.t('Read only'),
        detail: vscode.l10n.t('this workspace is not trusted'),
        severity: Warning,
        command: {
          command: 'workbench.trust.manage',
          title: vscode.l10n.t('Manage Workspace Trust'),
        },
      };
    }
    const busy = gitState(live.model.place.root).busy;
    if (busy !== null) {
      return {
        text: vscode.l10n.t('Sync suspended'),
        detail: vscode.l10n.t('a {0} is under way in this worktree', busy),
        severity: Warning,
      };
    }
    if (live.document.problems.some(({ severity }) => severity === 'error')) {
      return {
        text: vscode.l10n.t('Sync suspended'),
        detail: vscode.l10n.t('the file has errors'),
        severity: Grave,
        command: commandTo('wavelock.validateWorkflowFile', vscode.l10n.t('Show Problems'), {
          path,
        }),
      };
    }
    const { store } = live.model.state;
    if (store.state === 'failed') {
      return {
        text: vscode.l10n.t('Sync suspended'),
        detail: store.message,
        severity: Grave,
        command: commandTo('wavelock.showLog', vscode.l10n.t('Show Log')),
      };
    }
    return { text: vscode.l10n.t('In sync with the store') };
  }
}

function formatWords(format: WorkflowFormat): string {
  switch (format) {
    case 'native':
      return vscode.l10n.t('Workflow file');
    case 'planning':
      return vscode.l10n.t('Workflow of .planning/');
    case 'waves':
      return vscode.l10n.t('Workflow in waves');
    case 'checklist':
      return vscode.l10n.t('Workflow as a checklist');
    case 'unknown':
      return vscode.l10n.t('No workflow that Wavelock knows');
  }
}

function editingWords(editing: Editing): string {
  switch (editing) {
    case 'full':
      return vscode.l10n.t('read and written');
    case 'checkbox':
      return vscode.l10n.t('read; only checkboxes are written');
    case 'none':
      return vscode.l10n.t('only read');
  }
}
