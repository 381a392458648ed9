/** How each row of the workflows' tree is drawn. */
import * as vscode from 'vscode';
import type { RunId, RunRow } from '../core/model';
import { plain } from '../shared/plainText';
import {
  tasksDone,
  type TaskOverview,
  type WaveOverview,
  type WorkflowOverview,
} from '../store/overview';
import { commandTo } from './commands';
import type { FolderModel } from './folderModel';
import { runActions, taskActions } from './legalActions';
import { iconOf, lookOfTask, runDetails, runLook } from './runWords';
import { waveNodeId } from './treeViewChanges';
import type { NodeOf } from './workflowTree';
import type { Located } from './workspaceModel';

/** The runs of which this window holds the token. */
type Mine = Pick<ReadonlySet<RunId>, 'has'>;

export function taskItem(
  { model, workflow }: Located,
  task: TaskOverview,
  mine: Mine,
): vscode.TreeItem {
  const { run } = task;
  const look = lookOfTask(task);
  const item = new vscode.TreeItem(
    plain(task.id),
    run ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
  );
  const description = plain(task.description);
  const agent = run?.status === 'running' ? plain(run.claim?.agent ?? '') : '';
  item.description = agent === '' ? description : `${agent} · ${description}`;
  item.iconPath = iconOf(look);
  const details = run ? runDetails(run).map((detail) => plain(detail)) : [];
  item.tooltip = [
    `${plain(task.id)} · ${look.word}`,
    plain(task.description, 1_000),
    ...details,
    ...(run ? [run.id] : []),
  ].join('\n');
  item.accessibilityInformation = {
    label: [plain(task.id), look.word, description, ...details].join(', '),
  };
  const actions = taskActions(workflow, task, mine);
  const ofRun = run ? runActions(run, model.view, mine) : undefined;
  item.contextValue = flags('task', {
    set: actions.set.length > 0,
    start: actions.start,
    run: run !== null,
    ...ofRun,
  });
  if (workflow.valid && workflow.editing !== 'none' && vscode.workspace.isTrusted) {
    const done = task.status === 'done';
    item.checkboxState = {
      state: done ? vscode.TreeItemCheckboxState.Checked : vscode.TreeItemCheckboxState.Unchecked,
      tooltip: done ? vscode.l10n.t('Set back to pending') : vscode.l10n.t('Set to done'),
      accessibilityInformation: { label: vscode.l10n.t('{0} is done', plain(task.id)) },
    };
  }
  item.command = commandTo('wavelock.openWorkflowFile', vscode.l10n.t('Open'), {
    path: workflow.path,
    task: task.id,
  });
  return item;
}

export function runItem({ view }: FolderModel, run: RunRow, mine: Mine): vscode.TreeItem {
  const look = runLook(run.status);
  const ofTask = run.task !== null && run.workflow !== null;
  const label = ofTask ? vscode.l10n.t('Attempt {0}', run.attempt) : plain(run.title);
  const item = new vscode.TreeItem(label);
  const details = runDetails(run).map((detail) => plain(detail));
  item.description = [look.word, ...details].join(' · ');
  item.iconPath = iconOf(look);
  item.tooltip = [plain(run.title), run.id, item.description].join('\n');
  item.accessibilityInformation = { label: [label, look.word, ...details].join(', ') };
  item.contextValue = flags('run', { run: true, ...runActions(run, view, mine) });
  return item;
}

/** `task;set;run`: what package.json shows actions by. */
function flags(kind: string, which: Readonly<Record<string, boolean>>): string {
  return [kind, ...Object.keys(which).filter((name) => which[name])].join(';');
}

export function workflowItem({ workflow }: Located, open: boolean): vscode.TreeItem {
  const { Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
  const name = plain(workflow.name);
  const item = new vscode.TreeItem(name, open ? Expanded : Collapsed);
  item.description = workflowSummary(workflow);
  item.contextValue = flags('workflow', {
    valid: workflow.valid,
    advance: workflow.valid && !workflow.completed,
  });
  item.iconPath = workflow.valid
    ? new vscode.ThemeIcon(workflow.completed ? 'pass-filled' : 'layers')
    : new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.tooltip = `${plain(workflow.path, 1_000)}\n${item.description}`;
  item.accessibilityInformation = { label: `${name}, ${item.description}` };
  return item;
}

export function workflowSummary(workflow: WorkflowOverview): string {
  if (!workflow.valid) return vscode.l10n.t('invalid file');
  if (workflow.completed) return vscode.l10n.t('completed');
  return vscode.l10n.t('Wave {0}/{1}', workflow.wave, workflow.waveCount);
}

export function waveItem(
  { model, workflow }: Located,
  wave: WaveOverview,
  filtered: boolean,
): vscode.TreeItem {
  const { Expanded, Collapsed } = vscode.TreeItemCollapsibleState;
  const current = wave.number === workflow.wave && !workflow.completed;
  const near = wave.number === workflow.wave || wave.number === workflow.wave + 1;
  const title = model.files
    .find(({ path }) => path === workflow.path)
    ?.document.waveTitles.get(wave.number);
  const label = vscode.l10n.t('Wave {0}', wave.number);
  const open = near || filtered;
  const item = new vscode.TreeItem(label, open ? Expanded : Collapsed);
  // VS Code remembers what is open by id; a wave that becomes current opens once more.
  item.id = `${waveNodeId(workflow.path, wave.number)}:${open ? 'near' : 'far'}`;
  const progress = vscode.l10n.t('{0}/{1} done', tasksDone(wave), wave.tasks.length);
  const words = [
    ...(title === undefined ? [] : [plain(title)]),
    ...(current ? [vscode.l10n.t('current')] : []),
    progress,
  ];
  item.description = words.join(' · ');
  item.accessibilityInformation = { label: [label, ...words].join(', ') };
  item.contextValue = flags('wave', { advance: current && workflow.valid });
  const done = tasksDone(wave) === wave.tasks.length && wave.tasks.length > 0;
  item.iconPath = new vscode.ThemeIcon(done ? 'check-all' : 'list-unordered');
  return item;
}

export function problemItem({ path, problem }: NodeOf<'problem'>): vscode.TreeItem {
  const item = new vscode.TreeItem(plain(problem.message));
  item.description = vscode.l10n.t('line {0}', problem.line + 1);
  item.tooltip = `${plain(problem.message, 1_000)} (${problem.code})`;
  item.iconPath = new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground'));
  item.contextValue = 'problem';
  item.command = commandTo('wavelock.openWorkflowFile', vscode.l10n.t('Open'), {
    path,
    line: problem.line,
  });
  return item;
}

export function conflictItem({ path }: NodeOf<'conflict'>): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('Two changes of this file do not go together'));
  item.iconPath = new vscode.ThemeIcon(
    'git-merge',
    new vscode.ThemeColor('list.warningForeground'),
  );
  item.contextValue = 'conflict';
  item.command = commandTo('wavelock.resolveConflict', vscode.l10n.t('Resolve Conflict…'), {
    path,
  });
  return item;
}

export function faultItem(message: string): vscode.TreeItem {
  const item = new vscode.TreeItem(plain(message));
  item.tooltip = plain(message, 1_000);
  item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
  item.contextValue = 'fault';
  item.command = commandTo('wavelock.showLog', vscode.l10n.t('Show Log'));
  return item;
}

export function othersItem(runs: readonly RunRow[]): vscode.TreeItem {
  const item = new vscode.TreeItem(
    vscode.l10n.t('Runs without a task'),
    vscode.TreeItemCollapsibleState.Collapsed,
  );
  const running = runs.filter(({ status }) => status === 'running').length;
  const queued = runs.filter(({ status }) => status === 'queued').length;
  item.description = vscode.l10n.t('{0} running, {1} queued', running, queued);
  item.iconPath = new vscode.ThemeIcon('run-all');
  item.contextValue = 'others';
  return item;
}

export function moreItem(node: NodeOf<'more'>): vscode.TreeItem {
  const item = new vscode.TreeItem(vscode.l10n.t('Show more…'));
  item.description = vscode.l10n.t('{0} more', node.left);
  item.command = commandTo('wavelock.showMore', vscode.l10n.t('Show more…'), node);
  return item;
}
