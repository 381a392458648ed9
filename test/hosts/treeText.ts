import type { ThemeIcon, TreeDataProvider } from 'vscode';

/** A tree as people see it: one line per row, `label — description [icon]`. */
export async function treeText<Node>(
  tree: TreeDataProvider<Node>,
  node?: Node,
  depth = 0,
): Promise<string> {
  const lines: string[] = [];
  for (const child of (await tree.getChildren(node)) ?? []) {
    const { label, description, iconPath } = await tree.getTreeItem(child);
    const text = typeof label === 'string' ? label : (label?.label ?? '');
    const words = typeof description === 'string' && description !== '' ? ` — ${description}` : '';
    const icon = iconPath === undefined ? '' : ` [${(iconPath as ThemeIcon).id}]`;
    lines.push(`${'  '.repeat(depth)}${text}${words}${icon}`);
    const below = await treeText(tree, child, depth + 1);
    if (below !== '') lines.push(below);
  }
  return lines.join('\n');
}
