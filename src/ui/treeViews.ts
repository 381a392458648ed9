/** The three views of the container: what VS Code shows around the rows of a tree. */
import * as vscode from 'vscode';
import type { TaskStatus } from '../core/model';
import type { PartContext } from '../shared/supervision';
import { plain } from '../shared/plainText';
import { AgentTree } from './agentTree';
import { LockTree } from './lockTree';
import type { TaskCommands } from './taskCommands';
import { NextChange } from './visibleTime';
import type { WorkflowTree, TreeNode } from './workflowTree';
import type { WorkspaceModel } from './workspaceModel';

export interface WorkflowsView {
  readonly tree: WorkflowTree;
  readonly view: vscode.TreeView<TreeNode>;
  /** Boxes that a person has ticked or cleared; resolves when all of them are decided. */
  tick(items: readonly (readonly [TreeNode, vscode.TreeItemCheckboxState])[]): Promise<void>;
}

export function workflowsView(
  context: PartContext,
  { model, tree, tasks }: { model: WorkspaceModel; tree: WorkflowTree; tasks: TaskCommands },
): WorkflowsView {
  const { belongings, guard } = context;
  const view = belongings.add(
    vscode.window.createTreeView('wavelock.workflows', {
      treeDataProvider: guarded(context, tree),
      // A box is what the file says, not the sum of those below it.
      manageCheckboxStateManually: true,
      showCollapseAll: true,
    }),
  );
  const dress = guard(() => {
    const count = tree.attention();
    view.badge =
      count === 0
        ? undefined
        : {
            value: count,
            tooltip:
              count === 1
                ? vscode.l10n.t('One thing needs attention')
                : vscode.l10n.t('{0} things need attention', count),
          };
    const { shown, all } = tree.filter === '' ? { shown: 0, all: 0 } : tree.counts();
    const message =
      tree.filter !== ''
        ? vscode.l10n.t('“{0}”: {1} of {2} tasks', plain(tree.filter), shown, all)
        : vscode.workspace.isTrusted
          ? ''
          : vscode.l10n.t('This workspace is not trusted: shown as it is, never changed.');
    if (view.message !== message) view.message = message;
    void vscode.commands.executeCommand('setContext', 'wavelock.filtered', tree.filter !== '');
  }, undefined);
  belongings.add(model.onDidChange(dress));
  belongings.add(tree.onDidChangeTreeData(dress));
  dress();
  const tick: WorkflowsView['tick'] = async (items) => {
    for (const [node, state] of items) {
      if (node.kind !== 'task') continue;
      const found = tasks.find(node);
      const status: TaskStatus = state === vscode.TreeItemCheckboxState.Checked ? 'done' : 'todo';
      const done = found && (await tasks.set(found, status));
      // The box has changed on the screen already, and the task has not.
      if (done !== true) tree.refresh(node);
    }
  };
  belongings.add(view.onDidChangeCheckboxState(({ items }) => void tick(items)));
  return { tree, view, tick };
}

interface TimedTree<Node> extends vscode.TreeDataProvider<Node> {
  refresh(): void;
  changesAt(): number;
}

/** A view whose rows say how long ago or how much longer; one timer, and only while somebody can see it. */
function timedView<Node>(
  context: PartContext,
  { id, tree, model }: { id: string; tree: TimedTree<Node>; model: WorkspaceModel },
): void {
  const { belongings, guard } = context;
  const view = belongings.add(
    vscode.window.createTreeView(id, { treeDataProvider: guarded(context, tree) }),
  );
  const look = guard(() => {
    tree.refresh();
    next.expect(view.visible ? tree.changesAt() : Infinity, Date.now());
  }, undefined);
  const next = belongings.add(new NextChange(look));
  belongings.add(view.onDidChangeVisibility(look));
  belongings.add(
    model.onDidChange(
      guard((change) => {
        const events = change?.events ?? [];
        const concerns = ['lock.', 'agent.', 'session.', 'run.'];
        if (
          !change ||
          change.store ||
          events.some(({ kind }) => concerns.some((prefix) => kind.startsWith(prefix)))
        )
          look();
      }, undefined),
    ),
  );
  look();
}

export function locksView(context: PartContext, model: WorkspaceModel): LockTree {
  const tree = context.belongings.add(new LockTree(model));
  timedView(context, { id: 'wavelock.locks', tree, model });
  return tree;
}

export function agentsView(context: PartContext, model: WorkspaceModel): AgentTree {
  const tree = context.belongings.add(new AgentTree(model));
  timedView(context, { id: 'wavelock.agents', tree, model });
  return tree;
}

/** VS Code asks for rows whenever it likes; a mistake there is the part's failure as well. */
function guarded<Node>(
  { guard }: PartContext,
  tree: vscode.TreeDataProvider<Node>,
): vscode.TreeDataProvider<Node> {
  return {
    ...(tree.onDidChangeTreeData ? { onDidChangeTreeData: tree.onDidChangeTreeData } : {}),
    getChildren: guard((node?: Node) => tree.getChildren(node), []),
    getTreeItem: guard(
      (node: Node): vscode.TreeItem | Thenable<vscode.TreeItem> => tree.getTreeItem(node),
      new vscode.TreeItem(''),
    ),
    ...('getParent' in tree
      ? { getParent: guard((node: Node) => tree.getParent?.(node), undefined) }
      : {}),
  };
}
