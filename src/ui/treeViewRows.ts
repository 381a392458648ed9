/**
 * A tree of few rows that is described anew whenever something may be different; VS Code is told of those rows only
 * that read otherwise than before.
 */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';

export interface Row<About extends object> {
  readonly id: string;
  /** What commands are told. */
  readonly about: About;
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  readonly icon: string;
  readonly colour?: string;
  readonly context: string;
  /** In words; the label and the description when it is left out. */
  readonly spoken?: string;
  readonly open?: boolean;
  readonly children?: readonly Row<About>[];
}

export type RowNode<About extends object> = About & { readonly id: string };

export class RowTree<About extends object>
  implements vscode.TreeDataProvider<RowNode<About>>, Disposable
{
  readonly #changed = new vscode.EventEmitter<RowNode<About>[] | undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #nodes = new Map<string, RowNode<About>>();
  #rows = new Map<string, Row<About>>();
  #roots: readonly string[] = [];

  constructor(private readonly describe: () => readonly Row<About>[]) {
    this.#look();
  }

  /** Looks again; tells of what is different. */
  refresh(): void {
    const before = { rows: this.#rows, roots: this.#roots };
    this.#look();
    if (!sameList(before.roots, this.#roots)) {
      this.#changed.fire(undefined);
      return;
    }
    const told: RowNode<About>[] = [];
    const compare = (ids: readonly string[]): void => {
      for (const id of ids) {
        const [was, is] = [before.rows.get(id), this.#rows.get(id)];
        if (!is) continue;
        if (!was || !readsTheSame(was, is)) told.push(this.#node(is));
        else compare(childIds(is));
      }
    };
    compare(this.#roots);
    if (told.length > 0) this.#changed.fire(told);
  }

  getChildren(node?: RowNode<About>): RowNode<About>[] {
    const ids = node ? childIds(this.#rows.get(node.id)) : this.#roots;
    return ids.flatMap((id) => {
      const row = this.#rows.get(id);
      return row ? [this.#node(row)] : [];
    });
  }

  getTreeItem({ id }: RowNode<About>): vscode.TreeItem {
    const row = this.#rows.get(id);
    const { None, Collapsed, Expanded } = vscode.TreeItemCollapsibleState;
    const inside = row?.children?.length ?? 0;
    const item = new vscode.TreeItem(
      row?.label ?? '',
      inside === 0 ? None : row?.open === true ? Expanded : Collapsed,
    );
    item.id = id;
    if (!row) return item;
    item.description = row.description;
    item.tooltip = row.tooltip;
    item.iconPath = new vscode.ThemeIcon(
      row.icon,
      row.colour === undefined ? undefined : new vscode.ThemeColor(row.colour),
    );
    item.contextValue = row.context;
    item.accessibilityInformation = { label: row.spoken ?? `${row.label}, ${row.description}` };
    return item;
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #look(): void {
    const rows = new Map<string, Row<About>>();
    const add = (row: Row<About>): void => {
      rows.set(row.id, row);
      row.children?.forEach(add);
    };
    const roots = this.describe();
    roots.forEach(add);
    this.#rows = rows;
    this.#roots = roots.map(({ id }) => id);
    for (const id of this.#nodes.keys()) if (!rows.has(id)) this.#nodes.delete(id);
  }

  /** The same object as long as the row is there, so that VS Code knows it again. */
  #node({ id, about }: Row<About>): RowNode<About> {
    const known = this.#nodes.get(id);
    if (known) return known;
    const node = { ...about, id };
    this.#nodes.set(id, node);
    return node;
  }
}

function childIds(row: Row<object> | undefined): readonly string[] {
  return row?.children?.map(({ id }) => id) ?? [];
}

function sameList(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index]);
}

function readsTheSame(one: Row<object>, other: Row<object>): boolean {
  return (
    one.label === other.label &&
    one.description === other.description &&
    one.tooltip === other.tooltip &&
    one.icon === other.icon &&
    one.colour === other.colour &&
    one.context === other.context &&
    one.spoken === other.spoken &&
    sameList(childIds(one), childIds(other))
  );
}
