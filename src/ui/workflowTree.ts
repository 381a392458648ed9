/** The sidebar: workflow › wave › task, or what is wrong with the file. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Problem, RunStatus, TaskStatus } from '../core/model';
import type { Disposable } from '../shared/lifecycle';
import { tasksDone, type TaskOverview, type WaveOverview } from '../store/overview';
import { commandTo } from './commands';
import type { FolderState } from './folderModel';
import type { WorkspaceModel } from './workspaceModel';

export type TreeNode =
  | { readonly kind: 'workflow'; readonly state: FolderState }
  | { readonly kind: 'wave'; readonly state: FolderState; readonly wave: WaveOverview }
  | { readonly kind: 'task'; readonly state: FolderState; readonly task: TaskOverview }
  | { readonly kind: 'problem'; readonly state: FolderState; readonly problem: Problem }
  | { readonly kind: 'fault'; readonly state: FolderState; readonly message: string };

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
    if (node === undefined) {
      return this.model.states
        .filter((state) => state.workflow !== null)
        .map((state) => ({ kind: 'workflow', state }));
    }
    const { state } = node;
    if (node.kind === 'wave') return node.wave.tasks.map((task) => ({ kind: 'task', state, task }));
    if (node.kind !== 'workflow' || !state.workflow) return [];
    return [
      ...(state.store.state === 'failed'
        ? [{ kind: 'fault', state, message: state.store.message } as const]
        : []),
      ...(state.store.state === 'live' ? state.store.warnings : []).map(
        ({ message }) => ({ kind: 'fault', state, message }) as const,
      ),
      ...state.workflow.problems
        .filter((problem) => problem.severity === 'error')
        .map((problem) => ({ kind: 'problem', state, problem }) as const),
      ...state.workflow.waves.map((wave) => ({ kind: 'wave', state, wave }) as const),
    ];
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    switch (node.kind) {
      case 'workflow':
        return workflowItem(node.state);
      case 'wave':
        return waveItem(node.state, node.wave);
      case 'task':
        return taskItem(node.state, node.task);
      case 'problem':
        return problemItem(node.state, node.problem);
      case 'fault':
        return faultItem(node.state, node.message);
    }
  }
}

function workflowItem(state: FolderState): vscode.TreeItem {
  const item = new vscode.TreeItem(
    state.workflow?.name ?? basename(state.folder),
    vscode.TreeItemCollapsibleState.Expanded,
  );
  item.id = `workflow:${state.folder}`;
  item.description = workflowSummary(state);
  item.contextValue = state.workflow?.valid === true ? 'workflow' : 'workflow.invalid';
  item.iconPath =
    state.workflow?.valid === true
      ? new vscode.ThemeIcon(state.workflow.completed ? 'pass-filled' : 'layers')
      : new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.tooltip = `${state.path ?? state.folder}\n${item.description}`;
  return item;
}

export function workflowSummary({ workflow }: FolderState): string {
  if (!workflow) return '';
  if (!workflow.valid) return vscode.l10n.t('invalid file');
  if (workflow.completed) return vscode.l10n.t('completed');
  return vscode.l10n.t('Wave {0}/{1}', workflow.wave, workflow.waveCount);
}

function waveItem(state: FolderState, wave: WaveOverview): vscode.TreeItem {
  const current = state.workflow?.wave ?? 0;
  const shown = wave.number === current || wave.number === current + 1;
  const item = new vscode.TreeItem(
    vscode.l10n.t('Wave {0}', wave.number),
    shown ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
  );
  // VS Code remembers what is open by id; a wave that becomes current opens once more.
  item.id = `wave:${state.folder}:${wave.number}:${shown ? 'near' : 'far'}`;
  const progress = vscode.l10n.t('{0}/{1} done', tasksDone(wave), wave.tasks.length);
  item.description =
    wave.number === current && state.workflow?.completed === false
      ? vscode.l10n.t('current · {0}', progress)
      : progress;
  item.contextValue = 'wave';
  item.iconPath = new vscode.ThemeIcon(
    tasksDone(wave) === wave.tasks.length && wave.tasks.length > 0 ? 'check-all' : 'list-unordered',
  );
  return item;
}

function taskItem(state: FolderState, task: TaskOverview): vscode.TreeItem {
  const look = lookOf(task);
  const item = new vscode.TreeItem(task.id);
  item.id = `task:${state.folder}:${task.id}`;
  item.description = task.description;
  item.iconPath = new vscode.ThemeIcon(
    look.icon,
    look.colour === undefined ? undefined : new vscode.ThemeColor(look.colour),
  );
  const word = vscode.l10n.t(look.word);
  item.tooltip = `${task.id} · ${word}\n${task.description}${task.run ? `\n${task.run.id}` : ''}`;
  item.accessibilityInformation = { label: `${task.id}, ${word}, ${task.description}` };
  item.contextValue = 'task';
  item.command = commandTo('wavelock.openWorkflowFile', vscode.l10n.t('Open'), {
    folder: state.folder,
    line: task.line,
  });
  return item;
}

function problemItem(state: FolderState, problem: Problem): vscode.TreeItem {
  const item = new vscode.TreeItem(problem.message);
  item.id = `problem:${state.folder}:${problem.code}:${problem.line}:${problem.column}`;
  item.description = vscode.l10n.t('line {0}', problem.line + 1);
  item.tooltip = `${problem.message} (${problem.code})`;
  item.iconPath = new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  item.contextValue = 'problem';
  item.command = commandTo('wavelock.openWorkflowFile', vscode.l10n.t('Open'), {
    folder: state.folder,
    line: problem.line,
  });
  return item;
}

function faultItem(state: FolderState, message: string): vscode.TreeItem {
  const item = new vscode.TreeItem(message);
  item.id = `fault:${state.folder}:${message}`;
  item.tooltip = message;
  item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.contextValue = 'fault';
  item.command = commandTo('wavelock.showLog', vscode.l10n.t('Show Log'));
  return item;
}

interface Look {
  readonly icon: string;
  readonly word: string;
  readonly colour?: string;
}

const taskLooks: Record<TaskStatus, Look> = {
  todo: { icon: 'issue-draft', word: 'Pending' },
  doing: { icon: 'play-circle', word: 'In progress', colour: 'charts.blue' },
  done: { icon: 'pass', word: 'Completed', colour: 'charts.green' },
  failed: { icon: 'error', word: 'Failed', colour: 'charts.red' },
};

const runLooks: Record<RunStatus, Look> = {
  queued: { icon: 'circle-large-outline', word: 'Queued' },
  running: { icon: 'play-circle', word: 'Running', colour: 'charts.blue' },
  completed: { icon: 'pass', word: 'Completed', colour: 'charts.green' },
  error: { icon: 'error', word: 'Error', colour: 'charts.red' },
  killed: { icon: 'stop-circle', word: 'Killed', colour: 'charts.red' },
  cancelled: { icon: 'circle-slash', word: 'Cancelled' },
  lost: { icon: 'debug-disconnect', word: 'Lost', colour: 'charts.yellow' },
};

/** A run at work is at work; otherwise a box that people have moved says more than the run. */
function lookOf({ status, run }: TaskOverview): Look {
  if (run && (run.status === 'running' || status === 'todo')) return runLooks[run.status];
  return taskLooks[status];
}
