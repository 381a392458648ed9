import type { ThemeIcon } from 'vscode';
import type { TreeNode, WorkflowTree } from '../../src/ui/workflowTree';

/** A tree as people see it: one line per row, `label — description [icon]`. */
export function treeText(tree: WorkflowTree, node?: TreeNode, depth = 0): string {
  return tree
    .getChildren(node)
    .flatMap((child) => {
      const { label, description, iconPath } = tree.getTreeItem(child);
      const text = typeof label === 'string' ? label : (label?.label ?? '');
      const words = typeof description === 'string' ? ` — ${description}` : '';
      const line = `${'  '.repeat(depth)}${text}${words} [${(iconPath as ThemeIcon).id}]`;
      const below = treeText(tree, child, depth + 1);
      return below === '' ? [line] : [line, below];
    })
    .join('\n');
}
