/** The sidebar: workflow › wave › task, or what is wrong with the file. */
import * as vscode from 'vscode';
import type { Problem, RunStatus, TaskStatus } from '../core/model';
import type { Disposable } from '../shared/lifecycle';
import {
  tasksDone,
  type TaskOverview,
  type WaveOverview,
  type WorkflowOverview,
} from '../store/overview';
import { commandTo } from './commands';
import { runWord, taskWord } from './runState';
import type { Located, WorkspaceModel } from './workspaceModel';

export type TreeNode = Located &
  (
    | { readonly kind: 'workflow' }
    | { readonly kind: 'wave'; readonly wave: WaveOverview }
    | { readonly kind: 'task'; readonly task: TaskOverview }
    | { readonly kind: 'problem'; readonly problem: Problem }
    | { readonly kind: 'fault'; readonly message: string }
  );

export class WorkflowTree implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly #listener: Disposable;
  readonly onDidChangeTreeData = this.#changed.event;

  constructor(private readonly model: WorkspaceModel) {
    this.#listener = model.onDidChange(() => {
      this.#changed.fire();
    });
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  getChildren(node?: TreeNode): TreeNode[] {
    if (node === undefined)
      return this.model.workflows.map((located) => ({ kind: 'workflow', ...located }));
    const { model, workflow } = node;
    const at = { model, workflow };
    if (node.kind === 'wave') return node.wave.tasks.map((task) => ({ kind: 'task', ...at, task }));
    if (node.kind !== 'workflow') return [];
    const { store } = model.state;
    const faults = [
      ...(store.state === 'failed' ? [store.message] : []),
      ...(store.state === 'live' ? store.warnings : []).map(({ message }) => message),
    ];
    return [
      ...faults.map((message) => ({ kind: 'fault', ...at, message }) as const),
      ...workflow.problems
        .filter((problem) => problem.severity === 'error')
        .map((problem) => ({ kind: 'problem', ...at, problem }) as const),
      ...workflow.waves.map((wave) => ({ kind: 'wave', ...at, wave }) as const),
    ];
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    switch (node.kind) {
      case 'workflow':
        return workflowItem(node.workflow);
      case 'wave':
        return waveItem(node.workflow, node.wave);
      case 'task':
        return taskItem(node.workflow, node.task);
      case 'problem':
        return problemItem(node.workflow, node.problem);
      case 'fault':
        return faultItem(node.workflow, node.message);
    }
  }
}

function workflowItem(workflow: WorkflowOverview): vscode.TreeItem {
  const item = new vscode.TreeItem(workflow.name, vscode.TreeItemCollapsibleState.Expanded);
  item.id = `workflow:${workflow.path}`;
  item.description = workflowSummary(workflow);
  item.contextValue = workflow.valid ? 'workflow' : 'workflow.invalid';
  item.iconPath = workflow.valid
    ? new vscode.ThemeIcon(workflow.completed ? 'pass-filled' : 'layers')
    : new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.tooltip = `${workflow.path}\n${item.description}`;
  return item;
}

export function workflowSummary(workflow: WorkflowOverview): string {
  if (!workflow.valid) return vscode.l10n.t('invalid file');
  if (workflow.completed) return vscode.l10n.t('completed');
  return vscode.l10n.t('Wave {0}/{1}', workflow.wave, workflow.waveCount);
}

function waveItem(workflow: WorkflowOverview, wave: WaveOverview): vscode.TreeItem {
  const current = workflow.wave;
  const shown = wave.number === current || wave.number === current + 1;
  const item = new vscode.TreeItem(
    vscode.l10n.t('Wave {0}', wave.number),
    shown ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
  );
  // VS Code remembers what is open by id; a wave that becomes current opens once more.
  item.id = `wave:${workflow.path}:${wave.number}:${shown ? 'near' : 'far'}`;
  const progress = vscode.l10n.t('{0}/{1} done', tasksDone(wave), wave.tasks.length);
  item.description =
    wave.number === current && !workflow.completed
      ? vscode.l10n.t('current · {0}', progress)
      : progress;
  item.contextValue = 'wave';
  item.iconPath = new vscode.ThemeIcon(
    tasksDone(wave) === wave.tasks.length && wave.tasks.length > 0 ? 'check-all' : 'list-unordered',
  );
  return item;
}

/** As its icon says it. */
function wordOf({ status, run }: TaskOverview): string {
  const speaks = run && (run.status === 'running' || status === 'todo');
  return speaks ? runWord(run.status) : taskWord(status);
}

function taskItem({ path }: WorkflowOverview, task: TaskOverview): vscode.TreeItem {
  const look = lookOf(task);
  const word = wordOf(task);
  const item = new vscode.TreeItem(task.id);
  item.id = `task:${path}:${task.id}`;
  item.description = task.description;
  item.iconPath = new vscode.ThemeIcon(
    look.icon,
    look.colour === undefined ? undefined : new vscode.ThemeColor(look.colour),
  );
  item.tooltip = `${task.id} · ${word}\n${task.description}${task.run ? `\n${task.run.id}` : ''}`;
  item.accessibilityInformation = { label: `${task.id}, ${word}, ${task.description}` };
  item.contextValue = 'task';
  item.command = commandTo('wavelock.openWorkflowFile', vscode.l10n.t('Open'), {
    path,
    line: task.line,
  });
  return item;
}

function problemItem({ path }: WorkflowOverview, problem: Problem): vscode.TreeItem {
  const item = new vscode.TreeItem(problem.message);
  item.id = `problem:${path}:${problem.code}:${problem.line}:${problem.column}`;
  item.description = vscode.l10n.t('line {0}', problem.line + 1);
  item.tooltip = `${problem.message} (${problem.code})`;
  item.iconPath = new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  item.contextValue = 'problem';
  item.command = commandTo('wavelock.openWorkflowFile', vscode.l10n.t('Open'), {
    path,
    line: problem.line,
  });
  return item;
}

function faultItem({ path }: WorkflowOverview, message: string): vscode.TreeItem {
  const item = new vscode.TreeItem(message);
  item.id = `fault:${path}:${message}`;
  item.tooltip = message;
  item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.contextValue = 'fault';
  item.command = commandTo('wavelock.showLog', vscode.l10n.t('Show Log'));
  return item;
}

interface Look {
  readonly icon: string;
  readonly colour?: string;
}

const taskLooks: Record<TaskStatus, Look> = {
  todo: { icon: 'issue-draft' },
  doing: { icon: 'play-circle', colour: 'charts.blue' },
  done: { icon: 'pass', colour: 'charts.green' },
  failed: { icon: 'error', colour: 'charts.red' },
};

const runLooks: Record<RunStatus, Look> = {
  queued: { icon: 'circle-large-outline' },
  running: { icon: 'play-circle', colour: 'charts.blue' },
  completed: { icon: 'pass', colour: 'charts.green' },
  error: { icon: 'error', colour: 'charts.red' },
  killed: { icon: 'stop-circle', colour: 'charts.red' },
  cancelled: { icon: 'circle-slash' },
  lost: { icon: 'debug-disconnect', colour: 'charts.yellow' },
};

/** A run at work is at work; otherwise a box that people have moved says more than the run. */
function lookOf({ status, run }: TaskOverview): Look {
  if (run && (run.status === 'running' || status === 'todo')) return runLooks[run.status];
  return taskLooks[status];
}
