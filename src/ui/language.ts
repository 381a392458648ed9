/**
 * What the editor does with workflow files beside showing their text, composed: problems and fixes, what stands above
 * the lines, hovers, the outline, completion, conflicts, and the commands about a file.
 */
import * as vscode from 'vscode';
import { Belongings, type Disposable } from '../shared/lifecycle';
import { WorkflowCodeLens } from './codeLens';
import type { CommandHandlers } from './commands';
import { completionTriggers, TaskIdCompletion } from './completion';
import { Conflicts } from './conflicts';
import { WorkflowDiagnostics } from './diagnostics';
import { DirtyBuffers } from './dirtyBuffers';
import { WorkflowFolding } from './folding';
import { WorkflowHover } from './hover';
import { initializeWorkflow } from './initialize';
import { LanguageStatus } from './languageStatus';
import { LiveDocuments } from './liveDocuments';
import { addNote } from './notes';
import { QuickFixes } from './quickFixes';
import { RestoreBackup } from './restore';
import { runWave } from './runWave';
import { WorkflowSymbols } from './symbols';
import { validateWorkflowFile } from './validate';
import type { WorkspaceModel } from './workspaceModel';

export type LanguageCommands = Pick<
  CommandHandlers,
  | 'wavelock.addNote'
  | 'wavelock.initializeWorkflow'
  | 'wavelock.resolveConflict'
  | 'wavelock.restoreBackup'
  | 'wavelock.runWave'
  | 'wavelock.validateWorkflowFile'
>;

export class Language implements Disposable {
  readonly live: LiveDocuments;
  readonly conflicts: Conflicts;
  readonly status: LanguageStatus;
  readonly commands: LanguageCommands;
  readonly #belongings = new Belongings();
  readonly #providers: Providers;

  constructor(model: WorkspaceModel, log: vscode.LogOutputChannel, extensionUri: vscode.Uri) {
    const own = this.#belongings;
    this.live = own.add(new LiveDocuments(model, log));
    const buffers = own.add(new DirtyBuffers(model, this.live, log));
    this.conflicts = own.add(new Conflicts(model, this.live, buffers, log));
    own.add(new WorkflowDiagnostics(model, this.live, extensionUri));
    this.status = own.add(new LanguageStatus(model, this.live, this.conflicts));
    const restore = own.add(new RestoreBackup(model, this.live, log));
    this.#providers = own.add(
      new Providers(model, this.status, {
        codeLens: own.add(new WorkflowCodeLens(model, this.live, this.conflicts)),
        live: this.live,
      }),
    );
    const parts = { model, live: this.live, log };
    this.commands = {
      'wavelock.addNote': (target, text) => addNote(parts, target, text),
      'wavelock.initializeWorkflow': (request) => initializeWorkflow(model, log, request),
      'wavelock.resolveConflict': (target) => this.conflicts.resolve(target),
      'wavelock.restoreBackup': (target, backup) => restore.run(target, backup),
      'wavelock.runWave': (target) => runWave(model, log, target),
      'wavelock.validateWorkflowFile': (target) => validateWorkflowFile(model, this.live, target),
    };
  }

  /** Which documents the features are for. */
  get selector(): vscode.DocumentSelector {
    return this.#providers.selector;
  }

  dispose(): void {
    this.#belongings.dispose();
  }
}

/** Registered for exactly the files that there are, so that no other file is ever asked about. */
class Providers implements Disposable {
  #registered: vscode.Disposable | undefined;
  #shown = '';
  #selector: readonly vscode.DocumentFilter[] = [];
  readonly #listener: Disposable;

  constructor(
    private readonly model: WorkspaceModel,
    private readonly status: LanguageStatus,
    private readonly features: {
      readonly codeLens: WorkflowCodeLens;
      readonly live: LiveDocuments;
    },
  ) {
    this.#listener = model.onDidChange((change) => {
      if (change === undefined || change.files) this.#align();
    });
    this.#align();
  }

  get selector(): vscode.DocumentSelector {
    return this.#selector;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#registered?.dispose();
  }

  #align(): void {
    const patterns = new Map<string, vscode.RelativePattern>();
    for (const { files, folder } of this.model.folders) {
      for (const { path, document } of files) {
        for (const pattern of patternsOf(path, folder, document.format === 'planning'))
          patterns.set(`${pattern.baseUri.fsPath}\0${pattern.pattern}`, pattern);
      }
    }
    const shown = [...patterns.keys()].join('\n');
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#selector = [...patterns.values()].map((pattern) => ({ scheme: 'file', pattern }));
    this.#registered?.dispose();
    this.#registered = this.#register(this.#selector);
    this.status.setSelector(this.#selector);
  }

  #register(selector: vscode.DocumentSelector): vscode.Disposable {
    const { codeLens, live } = this.features;
    const { languages } = vscode;
    return vscode.Disposable.from(
      languages.registerCodeActionsProvider(selector, new QuickFixes(live), QuickFixes.kinds),
      languages.registerCodeLensProvider(selector, codeLens),
      languages.registerHoverProvider(selector, new WorkflowHover(live)),
      languages.registerDocumentSymbolProvider(
        selector,
        new WorkflowSymbols(live),
        WorkflowSymbols.metadata,
      ),
      languages.registerFoldingRangeProvider(selector, new WorkflowFolding(live)),
      languages.registerCompletionItemProvider(
        selector,
        new TaskIdCompletion(live),
        ...completionTriggers,
      ),
    );
  }
}

/** As it is really called, and as the folder calls it where links lead to it. */
function patternsOf(
  path: string,
  folder: string,
  isPlanning: boolean,
): readonly vscode.RelativePattern[] {
  const uri = vscode.Uri.file(path);
  const name = path.slice(path.search(/[^/\\]*$/));
  const above = vscode.Uri.joinPath(uri, '..');
  if (isPlanning) {
    return [
      new vscode.RelativePattern(above, '{ROADMAP,STATE,phases/*/*PLAN,phases/*/*SUMMARY}.md'),
    ];
  }
  const literal = name.replace(/[[\]{}*?]/g, '[$&]');
  return [
    new vscode.RelativePattern(above, literal),
    new vscode.RelativePattern(vscode.Uri.file(folder), literal),
  ];
}
