/** Entry point in the editor: composes the model with the surfaces, and ends them again. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Supervision } from './shared/supervision';
import { Acting } from './ui/acting';
import { AdvanceWave } from './ui/advanceWave';
import type { AgentTree } from './ui/agentTree';
import { ClaimedRuns } from './ui/claimedRuns';
import { CommandLine } from './ui/commandLine';
import { registerCommands } from './ui/commands';
import type { CommandArguments } from './ui/commandTable';
import { ConnectAgents } from './ui/connectAgents';
import { ContextKeys } from './ui/contextKeys';
import { LockDecorations } from './ui/decorations';
import { EventLog } from './ui/eventLog';
import { Explanations } from './ui/explain';
import { FileLocks } from './ui/fileLocks';
import { LockCommands } from './ui/lockCommands';
import type { LockTree } from './ui/lockTree';
import { Notifications } from './ui/notifications';
import { editorProgram } from './ui/editorProgram';
import { Language } from './ui/language';
import { McpServers } from './ui/mcpProvider';
import { Panels } from './ui/panel';
import { ReadOnlyGuard } from './ui/readOnlyGuard';
import { RunCommands } from './ui/runCommands';
import { showActions } from './ui/showActions';
import { StatusBar } from './ui/statusBar';
import { StoreFailures } from './ui/storeFailures';
import { TakeBack } from './ui/takeBack';
import { TaskCommands } from './ui/taskCommands';
import { Tools } from './ui/tools';
import { agentsView, locksView, workflowsView, type WorkflowsView } from './ui/treeViews';
import { TerminalsPath } from './ui/terminalsPath';
import { RunLinks } from './ui/uriHandler';
import { openWorkflowFile } from './ui/workflowFileEditor';
import { WorkflowTree } from './ui/workflowTree';
import { WorkTerminals } from './ui/workTerminals';
import { WorkspaceModel } from './ui/workspaceModel';

/** What tests look at from inside the extension host. A part that is down or not started yet is undefined. */
export interface ExtensionParts {
  readonly model: WorkspaceModel;
  readonly tree: WorkflowTree;
  readonly claimed: ClaimedRuns;
  readonly locks: FileLocks;
  readonly supervision: Supervision;
  readonly surfaces: {
    agents?: AgentTree;
    decorations?: LockDecorations;
    guard?: ReadOnlyGuard;
    keys?: ContextKeys;
    lockTree?: LockTree;
    statusBar?: StatusBar;
    workflows?: WorkflowsView;
  };
  readonly language: Language;
  readonly mcpServers: McpServers;
  readonly runLinks: RunLinks;
  readonly terminalsPath: TerminalsPath;
}

let running: ExtensionParts | undefined;

export function activate(context: vscode.ExtensionContext): ExtensionParts {
  const log = vscode.window.createOutputChannel('Wavelock', { log: true });
  const model = new WorkspaceModel(join(context.extensionPath, 'dist', 'storeThread.js'), log);
  const locks = new FileLocks(model);
  const explanations = new Explanations(log);
  const acting = new Acting(model, explanations, log);
  const claimed = new ClaimedRuns(model, context.workspaceState, (message, error) => {
    log.error(message, error);
  });
  const tree = new WorkflowTree(model, claimed);
  const tasks = new TaskCommands(model, acting, claimed);
  const terminals = new WorkTerminals({ model, acting, tasks, claimed });
  const runs = new RunCommands(model, acting, claimed);
  const lockCommands = new LockCommands(model, locks, acting);
  const advanceWave = new AdvanceWave(model, acting);
  const failures = new StoreFailures(model, acting);
  const events = new EventLog(model, acting);
  const language = new Language(model, log, context.extensionUri);
  const takeBack = new TakeBack(model, language.live, acting, claimed);
  const program = editorProgram(context.extensionPath);
  const { version } = context.extension.packageJSON as { readonly version: string };
  const beside = {
    language,
    mcpServers: new McpServers(model, program, version),
    runLinks: new RunLinks(model, log),
    terminalsPath: new TerminalsPath(context, program, log),
  };
  const commandLine = new CommandLine(acting, join(context.extensionPath, 'dist', 'cli.js'));
  const tools = new Tools(acting, commandLine);
  const agents = new ConnectAgents(acting, commandLine);
  const { extensionUri } = context;
  const panels = new Panels({ model, advanceWave, takeBack, extensionUri, log });
  const supervision = new Supervision({
    failed: (name, error) => {
      log.error(`${name} failed`, error);
    },
    down: ({ name, reason }) => {
      explanations.down(name, reason, () => {
        supervision.restart(name);
      });
    },
  });
  const surfaces: ExtensionParts['surfaces'] = {};
  running = { model, tree, claimed, locks, supervision, surfaces, ...beside };

  supervision.start({
    name: vscode.l10n.t('The status bar'),
    start: ({ belongings, guard }) => {
      const statusBar = belongings.add(new StatusBar({ model, locks }));
      surfaces.statusBar = statusBar;
      belongings.add(
        model.onDidChange(
          guard(() => {
            statusBar.show();
          }, undefined),
        ),
      );
    },
  });
  supervision.start({
    name: vscode.l10n.t('The view of workflows'),
    start: (part) => {
      surfaces.workflows = workflowsView(part, { model, tree, tasks });
    },
  });
  supervision.start({
    name: vscode.l10n.t('The view of locks'),
    start: (part) => {
      surfaces.lockTree = locksView(part, model);
    },
  });
  supervision.start({
    name: vscode.l10n.t('The view of agents'),
    start: (part) => {
      surfaces.agents = agentsView(part, model);
    },
  });
  supervision.start({
    name: vscode.l10n.t('The badges of locked files'),
    start: ({ belongings, guard }) => {
      const decorations = belongings.add(new LockDecorations(model, locks));
      surfaces.decorations = decorations;
      const { onDidChangeFileDecorations } = decorations;
      belongings.add(
        vscode.window.registerFileDecorationProvider({
          onDidChangeFileDecorations,
          provideFileDecoration: guard(
            (uri: vscode.Uri) => decorations.provideFileDecoration(uri),
            undefined,
          ),
        }),
      );
      belongings.add(
        model.onDidChange(
          guard((change) => {
            decorations.follow(change);
          }, undefined),
        ),
      );
    },
  });
  supervision.start({
    name: vscode.l10n.t('The read-only guard'),
    start: ({ belongings, guard }) => {
      const readOnly = belongings.add(
        new ReadOnlyGuard({
          locks,
          memory: context.workspaceState,
          failed: guard((error: unknown) => {
            throw error;
          }, undefined),
        }),
      );
      surfaces.guard = readOnly;
      belongings.add(
        model.onDidChange(
          guard(() => {
            void readOnly.align();
          }, undefined),
        ),
      );
    },
  });
  supervision.start({
    name: vscode.l10n.t('Notifications'),
    start: ({ belongings, guard }) => {
      const notifications = new Notifications(model, log);
      belongings.add(
        model.onDidChange(
          guard((change) => {
            failures.follow(change);
            notifications.follow(change);
            events.follow(change);
          }, undefined),
        ),
      );
      belongings.add(
        claimed.onDidDirect(
          guard((directed) => {
            explanations.directed(directed);
          }, undefined),
        ),
      );
    },
  });
  supervision.start({
    name: vscode.l10n.t('What menus show'),
    start: ({ belongings, guard }) => {
      const keys = belongings.add(new ContextKeys({ model, claimed, terminals }));
      surfaces.keys = keys;
      belongings.add(
        model.onDidChange(
          guard(() => {
            keys.lookSoon();
          }, undefined),
        ),
      );
    },
  });

  context.subscriptions.push(
    log,
    claimed,
    tree,
    terminals,
    events,
    language,
    agents,
    beside.mcpServers,
    beside.runLinks,
    beside.terminalsPath,
    panels,
    supervision,
    registerCommands({
      ...language.commands,
      'wavelock.acquireLock': (file) => lockCommands.acquire(file),
      'wavelock.advanceWave': (target) => advanceWave.interactively(target),
      'wavelock.breakLock': (target) => lockCommands.break(target),
      'wavelock.cancelRun': (target) => runs.cancel(target),
      'wavelock.claimRun': (target) => runs.claim(target),
      'wavelock.clearFilter': () => {
        tree.filterBy('');
      },
      'wavelock.completeRun': (target) => runs.complete(target),
      'wavelock.connectAgents': () => agents.run(),
      'wavelock.copyRunId': (target) => runs.copyId(target),
      'wavelock.copyRunLink': (target) => runs.copyLink(target),
      'wavelock.copyRunSummary': (target) => runs.copySummary(target),
      'wavelock.createRun': (target) => runs.create(target),
      'wavelock.export': () => tools.export(),
      'wavelock.failRun': (target) => runs.fail(target),
      'wavelock.filterTree': (text) => filterTree(tree, text),
      'wavelock.killRun': (target) => runs.kill(target),
      'wavelock.openPanel': () => {
        panels.reveal();
      },
      'wavelock.openWorkflowFile': (target) => openAt(model, target),
      'wavelock.releaseLock': (target) => lockCommands.release(target),
      'wavelock.restoreStore': () => failures.restore(),
      'wavelock.retryRun': (target) => runs.retry(target),
      'wavelock.retryStore': () => failures.retry(),
      'wavelock.runDoctor': () => tools.doctor(),
      'wavelock.runTaskInTerminal': (target) => terminals.runTask(target),
      'wavelock.setTaskStatus': (target, status) =>
        tasks.setStatus(target, typeof status === 'string' ? status : undefined),
      'wavelock.showActions': () => surfaces.keys && showActions(surfaces.keys, locks),
      'wavelock.showEventLog': () => events.show(),
      'wavelock.showLockHolder': (target) => lockCommands.showHolder(target),
      'wavelock.showLog': () => {
        log.show();
      },
      'wavelock.showMore': (node) => {
        tree.showMore(node);
      },
      'wavelock.startWorker': () => terminals.startWorker(),
      'wavelock.stopWorker': () => terminals.stopWorker(),
      'wavelock.takeBack': (target) => takeBack.interactively(target),
    }),
  );
  return running;
}

/** VS Code waits for this, so that what is in flight is answered and the store closes cleanly. */
export async function deactivate(): Promise<void> {
  await running?.surfaces.guard?.end();
  await running?.model.close();
}

async function filterTree(tree: WorkflowTree, given: unknown): Promise<void> {
  // A button of the view hands over the view's element.
  const text =
    typeof given === 'string'
      ? given
      : await vscode.window.showInputBox({
          title: vscode.l10n.t('Filter Tasks'),
          prompt: vscode.l10n.t('A part of an id, a description, a state or the name of an agent'),
          value: tree.filter,
        });
  if (text !== undefined) tree.filterBy(text);
}

/** A task is where the file has it now, not where it was when the row was drawn. */
function openAt(
  model: WorkspaceModel,
  target: CommandArguments['wavelock.openWorkflowFile'][0],
): Promise<void> {
  const task = target?.task;
  const line =
    task === undefined || target === undefined
      ? target?.line
      : model
          .workflow(target.path)
          ?.workflow.waves.flatMap(({ tasks }) => tasks)
          .find(({ id }) => id === task)?.line;
  return openWorkflowFile(
    model,
    target && { path: target.path, ...(line === undefined ? {} : { line }) },
  );
}
