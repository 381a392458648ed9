/** Entry point in the editor: composes the model with the surfaces, and ends them again. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Disposable } from './shared/lifecycle';
import { AdvanceWave } from './ui/advanceWave';
import { registerCommands } from './ui/commands';
import type { WorkflowTarget } from './ui/commandTable';
import { editorProgram } from './ui/editorProgram';
import { Language } from './ui/language';
import { McpServers } from './ui/mcpProvider';
import { Panels } from './ui/panel';
import { StatusBar } from './ui/statusBar';
import { TerminalsPath } from './ui/terminalsPath';
import { RunLinks } from './ui/uriHandler';
import { openWorkflowFile } from './ui/workflowFileEditor';
import { WorkflowTree, type TreeNode } from './ui/workflowTree';
import { WorkspaceModel } from './ui/workspaceModel';

/** What tests look at from inside the extension host. */
export interface ExtensionParts {
  readonly model: WorkspaceModel;
  readonly tree: WorkflowTree;
  readonly language: Language;
  readonly mcpServers: McpServers;
  readonly runLinks: RunLinks;
  readonly terminalsPath: TerminalsPath;
}

let model: WorkspaceModel | undefined;

export function activate(context: vscode.ExtensionContext): ExtensionParts {
  const log = vscode.window.createOutputChannel('Wavelock', { log: true });
  model = new WorkspaceModel(join(context.extensionPath, 'dist', 'storeThread.js'), log);
  const language = new Language(model, log, context.extensionUri);
  const program = editorProgram(context.extensionPath);
  const { version } = context.extension.packageJSON as { readonly version: string };
  const parts = {
    model,
    tree: new WorkflowTree(model),
    language,
    mcpServers: new McpServers(model, program, version),
    runLinks: new RunLinks(model, log),
    terminalsPath: new TerminalsPath(context, program, log),
  };
  const advanceWave = new AdvanceWave(model, log);
  const panels = new Panels({ model, advanceWave, extensionUri: context.extensionUri, log });
  context.subscriptions.push(
    log,
    parts.tree,
    language,
    parts.mcpServers,
    parts.runLinks,
    parts.terminalsPath,
    vscode.window.registerTreeDataProvider('wavelock.workflows', parts.tree),
    new StatusBar(model),
    panels,
    followContextKeys(model),
    registerCommands({
      ...language.commands,
      'wavelock.advanceWave': (target) => advanceWave.interactively(targetOf(target)),
      'wavelock.openPanel': () => {
        panels.reveal();
      },
      'wavelock.openWorkflowFile': (target) => openWorkflowFile(parts.model, targetOf(target)),
      'wavelock.showLog': () => {
        log.show();
      },
    }),
  );
  return parts;
}

/** VS Code waits for this, so that what is in flight is answered and the store closes cleanly. */
export async function deactivate(): Promise<void> {
  await model?.close();
}

/** A tree's inline action hands over its node instead of our argument. */
function targetOf<Target extends WorkflowTarget>(
  given: Target | TreeNode | undefined,
): Target | WorkflowTarget | undefined {
  return given && 'kind' in given ? { path: given.workflow.path } : given;
}

/** Lets package.json show what applies. */
function followContextKeys(of: WorkspaceModel): Disposable {
  let known: boolean | undefined;
  const show = (): void => {
    const has = of.workflows.length > 0;
    if (has === known) return;
    known = has;
    void vscode.commands.executeCommand('setContext', 'wavelock.hasWorkflowFile', has);
  };
  show();
  return of.onDidChange(show);
}
