/** The workspace that the tests of the extension host share: the sample in a folder of its own, put back for each. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionParts } from '../../src/extension';
import type { WorkflowOverview } from '../../src/store/overview';
import { heard } from './heard';

export const extensionId = 'wavelock.wavelock';
export const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
export const stateFile = join(folder, 'STATE.md');
export const uri = vscode.Uri.file(stateFile);

export function extension(): vscode.Extension<ExtensionParts> {
  const found = vscode.extensions.getExtension<ExtensionParts>(extensionId);
  assert.ok(found, 'the extension is not there');
  return found;
}

/** The extension, awake, with its store open. */
export async function awake(): Promise<ExtensionParts> {
  const parts = await extension().activate();
  await parts.model.ready;
  await when(parts, () => parts.model.folder(folder)?.state.store.state === 'live');
  return parts;
}

/** Resolves when the model says so; the test's own limit is the deadline. */
export function when(parts: ExtensionParts, holds: () => boolean): Promise<void> {
  return heard((listener) => parts.model.onDidChange(listener), holds);
}

export function workflowOf(parts: ExtensionParts, path = stateFile): WorkflowOverview | undefined {
  return parts.model.workflow(path)?.workflow;
}

let samples = 0;

/** The sample as a workflow that nobody has seen: the old one again would be somebody's save of an old content. */
export function freshSample(): string {
  const sample = join(extension().extensionPath, 'test/fixtures/sample/STATE.md');
  samples += 1;
  return readFileSync(sample, 'utf8').replace(
    'ledger-double-entry',
    `ledger-${samples}-${Date.now()}`,
  );
}

export const onDisk = (): string => readFileSync(stateFile, 'utf8');

/** The file as a person would leave it, known to model and store. */
export async function putFile(parts: ExtensionParts, text: string): Promise<void> {
  if (!existsSync(stateFile) || onDisk() !== text) writeFileSync(stateFile, text);
  await when(parts, () => {
    const model = parts.model.folder(folder);
    const file = model?.files.find(({ path }) => path === stateFile);
    if (file?.document.text !== text) return false;
    const id = file.document.plan?.id;
    const { problems } = file.document;
    if (id === undefined || problems.some(({ severity }) => severity === 'error')) return true;
    return model?.view.workflows.get(id)?.hash === file.hash;
  });
  // Rewriting a file under everybody's hands is a conflict with what was promised; it belongs to no test.
  await parts.model.folder(folder)?.change(async ({ files }) => {
    for (const { id } of await files.conflicts()) await files.resolve(id, 'theirs');
  });
  await loaded(text);
}

/**
 * The editor keeps a document for minutes after its tab is closed, and loads it again when its file has changed. Were
 * the file written again while it loads, the document could have the new text and the old time of change, and the
 * editor would then refuse to save it.
 */
function loaded(text: string): Promise<void> {
  const shows = (document: vscode.TextDocument): boolean =>
    document.isDirty || withoutMarks(document.getText()) === withoutMarks(text);
  return heard(
    (listener) =>
      vscode.Disposable.from(
        vscode.workspace.onDidChangeTextDocument(listener),
        vscode.workspace.onDidCloseTextDocument(listener),
      ),
    () =>
      vscode.workspace.textDocuments
        .filter((document) => document.uri.fsPath === stateFile)
        .every(shows),
  );
}

/** The editor gives a text one kind of line ends, and keeps its byte order mark to itself. */
function withoutMarks(text: string): string {
  return text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
}

/** No editor is left, and nothing is asked about unsaved changes. */
export async function closeEditors(): Promise<void> {
  for (const document of vscode.workspace.textDocuments) {
    if (!document.isDirty) continue;
    await vscode.window.showTextDocument(document);
    await vscode.commands.executeCommand('workbench.action.files.revert');
  }
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

export async function openFile(path = stateFile): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(path);
  await vscode.window.showTextDocument(document);
  // VS Code keeps a closed file for a while, and reads it again when its own watch has told it to.
  const disk = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  await untilText(document, (text) => text === disk);
  return document;
}

/** Types at the end of a line. */
export async function typeAfter(
  document: vscode.TextDocument,
  line: string,
  typed: string,
): Promise<void> {
  const at = document.getText().indexOf(line);
  assert.ok(at >= 0, `${line} is not in the buffer`);
  const edit = new vscode.WorkspaceEdit();
  edit.insert(document.uri, document.positionAt(at + line.length), typed);
  assert.ok(await vscode.workspace.applyEdit(edit));
  assert.ok(document.isDirty);
}

export async function replaceIn(
  document: vscode.TextDocument,
  before: string,
  after: string,
): Promise<void> {
  const at = document.getText().indexOf(before);
  assert.ok(at >= 0, `${before} is not in the buffer`);
  const range = new vscode.Range(document.positionAt(at), document.positionAt(at + before.length));
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, range, after);
  assert.ok(await vscode.workspace.applyEdit(edit));
}

export function untilText(
  document: vscode.TextDocument,
  holds: (text: string) => boolean,
): Promise<void> {
  return heard(
    (listener) => vscode.workspace.onDidChangeTextDocument(listener),
    () => holds(document.getText()),
  );
}

export function diagnosticsOf(of: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(of).filter(({ source }) => source === 'Wavelock');
}

export const codesOf = (of: vscode.Uri): string[] =>
  diagnosticsOf(of).map(({ code }) => (typeof code === 'object' ? String(code.value) : ''));

export function untilCodes(
  of: vscode.Uri,
  holds: (codes: readonly string[]) => boolean,
): Promise<void> {
  return heard(
    (listener) => vscode.languages.onDidChangeDiagnostics(listener),
    () => holds(codesOf(of)),
  );
}

/** Another process of the same machine, as it is shipped. */
export function wavelock(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const cli = join(extension().extensionPath, 'dist', 'cli.js');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args, '--json', '--cwd', folder], {
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    let output = '';
    const hear = (part: Buffer): void => {
      output += part.toString();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code: code ?? -1, output });
    });
  });
}

type Item = vscode.QuickPickItem;

/**
 * Answers what a command asks while it runs: items of lists by what they say, texts as they are; nothing is picked
 * where no answer is given. What is told and what was offered is returned.
 */
export async function answering(
  {
    pick = [],
    input = [],
  }: {
    readonly pick?: readonly (RegExp | undefined)[];
    readonly input?: readonly (string | undefined)[];
  },
  work: () => Thenable<unknown>,
): Promise<{ readonly told: string[]; readonly asked: (readonly Item[])[] }> {
  const window = vscode.window as unknown as Record<string, unknown>;
  const names = [
    'showQuickPick',
    'showInputBox',
    'showInformationMessage',
    'showWarningMessage',
    'showErrorMessage',
  ];
  const before = names.map((name) => [name, window[name]] as const);
  const told: string[] = [];
  const asked: (readonly Item[])[] = [];
  const picks = [...pick];
  const inputs = [...input];
  window['showQuickPick'] = async (items: readonly Item[] | Thenable<readonly Item[]>) => {
    const offered = await items;
    asked.push(offered);
    const wanted = picks.shift();
    const picked = wanted && offered.find(({ label }) => wanted.test(label));
    assert.ok(wanted === undefined || picked, `nothing to pick says ${String(wanted)}`);
    return picked;
  };
  window['showInputBox'] = (options: vscode.InputBoxOptions) => {
    const text = inputs.shift();
    const problem = text === undefined ? undefined : options.validateInput?.(text);
    assert.equal(problem ?? undefined, undefined, `the box does not take “${text ?? ''}”`);
    return Promise.resolve(text);
  };
  for (const name of names.slice(2)) {
    window[name] = (message: string) => {
      told.push(message);
      return Promise.resolve(undefined);
    };
  }
  try {
    await work();
  } finally {
    for (const [name, was] of before) window[name] = was;
  }
  return { told, asked };
}
