/**
 * What is wrong with workflow files, in the Problems view and below their text: of a file that is open as its
 * buffer stands, of the others as they are on the disk. Each code leads to the page that explains it.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Problem } from '../core/model';
import type { Disposable } from '../shared/lifecycle';
import type { FolderModel } from './folderModel';
import { rangeOf, type LiveDocument, type LiveDocuments } from './liveDocuments';
import type { WorkspaceModel } from './workspaceModel';

export const diagnosticSource = 'Wavelock';

export class WorkflowDiagnostics implements Disposable {
  readonly #collection = vscode.languages.createDiagnosticCollection('wavelock');
  readonly #listeners: Disposable[];
  readonly #pages: ProblemPages;

  constructor(
    private readonly model: WorkspaceModel,
    private readonly live: LiveDocuments,
    extensionUri: vscode.Uri,
  ) {
    this.#pages = new ProblemPages(extensionUri);
    this.#listeners = [
      live.onDidChange((document) => {
        this.#showOpen(document);
      }),
      vscode.workspace.onDidCloseTextDocument(() => {
        this.#showAll();
      }),
      model.onDidChange((change) => {
        if (change === undefined || change.files || change.store) this.#showAll();
      }),
    ];
    this.#showAll();
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#collection.dispose();
  }

  #showOpen({ text, model, file, document, workflow }: LiveDocument): void {
    const own = document.problems.filter((problem) => (problem.file ?? workflow.file) === file);
    this.#collection.set(
      text.uri,
      own.map((problem) => this.#diagnostic(problem)),
    );
    // What a part of `.planning/` says may be wrong with another part.
    if (document.format === 'planning') this.#showClosed(model, this.#openUris());
  }

  #showAll(): void {
    const shown = this.#openUris();
    for (const { text } of this.live.open) shown.add(text.uri.toString());
    for (const model of this.model.folders) this.#showClosed(model, shown);
    const gone: vscode.Uri[] = [];
    this.#collection.forEach((uri) => {
      if (!shown.has(uri.toString())) gone.push(uri);
    });
    for (const uri of gone) this.#collection.delete(uri);
  }

  #openUris(): Set<string> {
    return new Set(
      vscode.workspace.textDocuments
        .filter((text) => !text.isClosed && this.live.belonging(text))
        .map(({ uri }) => uri.toString()),
    );
  }

  /** @param shown what has been said already; grows by what is said here */
  #showClosed(model: FolderModel, shown: Set<string>): void {
    const open = new Set(shown);
    for (const { path, file, document } of model.files) {
      const byPath = new Map<string, Problem[]>([[path, []]]);
      for (const problem of document.problems) {
        const at =
          problem.file === undefined || problem.file === file
            ? path
            : join(model.place.root, ...problem.file.split('/'));
        const list = byPath.get(at);
        if (list) list.push(problem);
        else byPath.set(at, [problem]);
      }
      for (const [at, problems] of byPath) {
        const uri = vscode.Uri.file(at);
        if (open.has(uri.toString())) continue;
        shown.add(uri.toString());
        this.#collection.set(
          uri,
          problems.map((problem) => this.#diagnostic(problem)),
        );
      }
    }
  }

  #diagnostic(problem: Problem): vscode.Diagnostic {
    const severity =
      problem.severity === 'error'
        ? vscode.DiagnosticSeverity.Error
        : vscode.DiagnosticSeverity.Warning;
    const diagnostic = new vscode.Diagnostic(rangeOf(problem), problem.message, severity);
    diagnostic.source = diagnosticSource;
    diagnostic.code = { value: problem.code, target: this.#pages.of(problem.code) };
    return diagnostic;
  }
}

/** The code of a diagnostic of ours. */
export function codeOf({ source, code }: vscode.Diagnostic): string | undefined {
  if (source !== diagnosticSource) return undefined;
  return typeof code === 'object' ? String(code.value) : undefined;
}

/** Where docs/workflow-files.md explains a code; it comes with the extension, so that it fits its version. */
class ProblemPages {
  readonly #page: vscode.Uri;
  #lines: ReadonlyMap<string, number> | undefined;

  constructor(extensionUri: vscode.Uri) {
    this.#page = vscode.Uri.joinPath(extensionUri, 'docs', 'workflow-files.md');
  }

  of(code: string): vscode.Uri {
    this.#lines ??= linesOfCodes(this.#page.fsPath);
    const line = this.#lines.get(code);
    return line === undefined ? this.#page : this.#page.with({ fragment: `L${line}` });
  }
}

function linesOfCodes(path: string): Map<string, number> {
  const lines = new Map<string, number>();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // The page alone says enough, and its absence must not hide a problem.
    return lines;
  }
  for (const [index, line] of text.split('\n').entries()) {
    const code = /^\| `([a-z_]+)`/.exec(line)?.[1];
    if (code !== undefined) lines.set(code, index + 1);
  }
  return lines;
}
