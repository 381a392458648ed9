/**
 * The sidebar's first view: workflow › wave › task › run, and what is wrong with a file or its store.
 *
 * Contract: a node is the same object as long as it is about the same thing, so that a change can be told of the
 * node alone; what it shows is looked up when it is asked for. A change of a run is told of its task, a
 * change of a wave's progress of the wave, and only what changes all of a workflow is told of all of it.
 */
import * as vscode from 'vscode';
import type { ConflictId, Problem, RunId, RunRow, StoredEvent, TaskId } from '../core/model';
import { taskKey } from '../core/views';
import type { Disposable } from '../shared/lifecycle';
import { type TaskOverview, type WaveOverview, type WorkflowOverview } from '../store/overview';
import type { FolderModel } from './folderModel';
import { needsAttention } from './legalActions';
import { lookOfTask } from './runWords';
import { differences, TaskOrder, taskNodeId, waveNodeId } from './treeViewChanges';
import {
  conflictItem,
  faultItem,
  moreItem,
  othersItem,
  problemItem,
  runItem,
  taskItem,
  waveItem,
  workflowItem,
} from './treeViewItems';
import type { WorkspaceChange, WorkspaceModel } from './workspaceModel';

export type TreeNode = { readonly id: string } & (
  | { readonly kind: 'workflow'; readonly path: string }
  | { readonly kind: 'wave'; readonly path: string; readonly wave: number }
  | { readonly kind: 'task'; readonly path: string; readonly wave: number; readonly task: TaskId }
  | { readonly kind: 'run'; readonly folder: string; readonly run: RunId }
  | { readonly kind: 'problem'; readonly path: string; readonly problem: Problem }
  | { readonly kind: 'conflict'; readonly path: string; readonly conflict: ConflictId }
  | { readonly kind: 'fault'; readonly folder: string; readonly message: string }
  /** Runs that belong to no task of a file. */
  | { readonly kind: 'others'; readonly folder: string }
  | { readonly kind: 'more'; readonly of: TreeNode; readonly left: number }
);

export type NodeOf<Kind extends TreeNode['kind']> = Extract<TreeNode, { kind: Kind }>;

/** So many rows at once: a list of thousands is no view, and VS Code draws each of them. */
export const siblingsAtOnce = 200;
/** With more workflows than this, they are shown closed. */
const mostOpen = 5;

export class WorkflowTree implements vscode.TreeDataProvider<TreeNode>, Disposable {
  readonly #changed = new vscode.EventEmitter<TreeNode | TreeNode[] | undefined>();
  readonly #listener: Disposable;
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #nodes = new Map<string, TreeNode>();
  /** As it was last told of, by path. */
  readonly #known = new Map<string, WorkflowOverview>();
  /** Of nodes that show more than the usual number of rows. */
  readonly #limits = new Map<string, number>();
  readonly #taskIndex = new WeakMap<WaveOverview, ReadonlyMap<TaskId, TaskOverview>>();
  readonly #order = new TaskOrder();
  #filter = '';

  constructor(
    private readonly model: WorkspaceModel,
    private readonly mine: Pick<ReadonlySet<RunId>, 'has'>,
  ) {
    this.#listener = model.onDidChange((change) => {
      this.#follow(change);
    });
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  get filter(): string {
    return this.#filter;
  }

  /** Shows only tasks that say this somewhere; nothing shows all. */
  filterBy(text: string): void {
    this.#filter = text.trim().toLocaleLowerCase();
    this.#limits.clear();
    this.#changed.fire(undefined);
  }

  /** How many tasks the filter leaves, of how many. */
  counts(): { readonly shown: number; readonly all: number } {
    const tasks = this.model.workflows.flatMap(({ workflow: { waves } }) =>
      waves.flatMap((wave) => wave.tasks),
    );
    return { shown: tasks.filter((task) => this.#passes(task)).length, all: tasks.length };
  }

  showMore({ of }: NodeOf<'more'>): void {
    this.#limits.set(of.id, (this.#limits.get(of.id) ?? siblingsAtOnce) + siblingsAtOnce);
    this.#changed.fire(of);
  }

  /** What was shown is not what is: a box that was ticked and refused. */
  refresh(node: TreeNode): void {
    this.#changed.fire(node);
  }

  /** Things that somebody should look at: failed work, files that cannot be read, conflicts, a store that is down. */
  attention(): number {
    let count = 0;
    for (const { workflow } of this.model.workflows) {
      if (!workflow.valid) count += 1;
      for (const { tasks } of workflow.waves) count += tasks.filter(needsAttention).length;
    }
    for (const { state, view } of this.model.folders) {
      count += view.conflicts.size;
      if (state.store.state === 'failed') count += 1;
    }
    return count;
  }

  async getChildren(node?: TreeNode): Promise<TreeNode[]> {
    // The first look comes before the files were read; an answer that waits is drawn sooner than a correction.
    await this.model.ready;
    return this.childrenNow(node);
  }

  childrenNow(node?: TreeNode): TreeNode[] {
    switch (node?.kind) {
      case undefined:
        return this.#roots();
      case 'workflow':
        return this.#insideWorkflow(node);
      case 'wave':
        return this.#windowOf(
          node,
          this.#tasksOf(node)
            .filter((task) => this.#passes(task))
            .map(({ id }) =>
              this.#node({
                kind: 'task',
                id: taskNodeId(node.path, id),
                path: node.path,
                wave: node.wave,
                task: id,
              }),
            ),
        );
      case 'task':
        return this.#windowOf(node, this.#runsOf(node));
      case 'others':
        return this.#windowOf(
          node,
          this.#otherRuns(node.folder).map(({ id }) => this.#runNode(node.folder, id)),
        );
      case 'run':
      case 'problem':
      case 'conflict':
      case 'fault':
      case 'more':
        return [];
    }
  }

  getParent(node: TreeNode): TreeNode | undefined {
    switch (node.kind) {
      case 'wave':
      case 'problem':
      case 'conflict':
        return this.#nodes.get(`workflow:${node.path}`);
      case 'task':
        return this.#nodes.get(waveNodeId(node.path, node.wave));
      case 'run': {
        const model = this.model.folder(node.folder);
        const run = model?.view.allRuns.get(node.run);
        const task = run && model && this.#taskNodeOf(model, run);
        return task ?? this.#nodes.get(`others:${node.folder}`);
      }
      case 'more':
        return node.of;
      case 'workflow':
      case 'others':
      case 'fault':
        return undefined;
    }
  }

  getTreeItem(node: TreeNode): vscode.TreeItem {
    const item = this.#itemOf(node) ?? new vscode.TreeItem('');
    item.id ??= node.id;
    return item;
  }

  /* ---------------------------------------------------------------- what there is */

  #roots(): TreeNode[] {
    const faults = this.model.folders.flatMap(({ folder, state: { store } }) => [
      ...(store.state === 'failed' ? [this.#faultNode(folder, store.message)] : []),
      ...(store.state === 'live' ? store.warnings : []).map(({ message }) =>
        this.#faultNode(folder, message),
      ),
    ]);
    const workflows = this.model.workflows
      .filter(
        ({ workflow: { waves } }) =>
          this.#filter === '' ||
          waves.some(({ tasks }) => tasks.some((task) => this.#passes(task))),
      )
      .map(({ workflow: { path } }) =>
        this.#node({ kind: 'workflow', id: `workflow:${path}`, path }),
      );
    const others = this.model.folders
      .filter(({ folder }) => this.#filter === '' && this.#otherRuns(folder).length > 0)
      .map(({ folder }) => this.#node({ kind: 'others', id: `others:${folder}`, folder }));
    for (const { workflow } of this.model.workflows) this.#known.set(workflow.path, workflow);
    return [...faults, ...workflows, ...others];
  }

  #insideWorkflow(node: NodeOf<'workflow'>): TreeNode[] {
    const { path } = node;
    const located = this.model.workflow(path);
    if (!located) return [];
    const { model, workflow } = located;
    const problems = workflow.problems.filter(({ severity }) => severity === 'error');
    const conflicts = [...model.view.conflicts.values()].filter(
      (conflict) => conflict.workflow === workflow.id,
    );
    const waves = workflow.waves.filter(
      ({ tasks }) => this.#filter === '' || tasks.some((task) => this.#passes(task)),
    );
    return [
      ...conflicts.map(({ id }) =>
        this.#node({ kind: 'conflict', id: `conflict:${path}:${id}`, path, conflict: id }),
      ),
      ...this.#windowOf(node, [
        ...problems.map((problem) => {
          const { code, line, column, message } = problem;
          const id = `problem:${path}:${code}:${line}:${column}:${message}`;
          return this.#node({ kind: 'problem', id, path, problem });
        }),
        ...waves.map(({ number: wave }) =>
          this.#node({ kind: 'wave', id: waveNodeId(path, wave), path, wave }),
        ),
      ]),
    ];
  }

  #runsOf({ path, task }: NodeOf<'task'>): TreeNode[] {
    const located = this.model.workflow(path);
    const { model, workflow } = located ?? {};
    if (!model || !workflow?.id) return [];
    const ids = model.view.ofTask.get(taskKey(workflow.id, task)) ?? [];
    return [...ids].reverse().map((id) => this.#runNode(model.folder, id));
  }

  /** Newest first, those under way before those that have ended. */
  #otherRuns(folder: string): readonly RunRow[] {
    const model = this.model.folder(folder);
    if (!model || this.#sharesWithEarlier(model)) return [];
    const live: RunRow[] = [];
    const ended: RunRow[] = [];
    for (const run of model.view.allRuns.values()) {
      if (run.task !== null && run.workflow !== null) continue;
      (run.status === 'queued' || run.status === 'running' ? live : ended).push(run);
    }
    return [...live.reverse(), ...ended.reverse()];
  }

  /** Two folders of one repository have one store; what belongs to no file is shown once. */
  #sharesWithEarlier(model: FolderModel): boolean {
    const { storeFolder } = model.place;
    return this.model.folders.find(({ place }) => place.storeFolder === storeFolder) !== model;
  }

  #windowOf(parent: TreeNode, children: readonly TreeNode[]): TreeNode[] {
    const limit = this.#limits.get(parent.id) ?? siblingsAtOnce;
    if (children.length <= limit) return [...children];
    const left = children.length - limit;
    return [
      ...children.slice(0, limit),
      { kind: 'more', id: `more:${parent.id}`, of: parent, left },
    ];
  }

  #node(node: TreeNode): TreeNode {
    const known = this.#nodes.get(node.id);
    if (known) return known;
    this.#nodes.set(node.id, node);
    return node;
  }

  #runNode(folder: string, run: RunId): TreeNode {
    return this.#node({ kind: 'run', id: `run:${folder}:${run}`, folder, run });
  }

  #faultNode(folder: string, message: string): TreeNode {
    return this.#node({ kind: 'fault', id: `fault:${folder}:${message}`, folder, message });
  }

  #waveOf({ path, wave }: { path: string; wave: number }): WaveOverview | undefined {
    return this.model.workflow(path)?.workflow.waves.find((each) => each.number === wave);
  }

  #tasksOf(node: NodeOf<'wave'>): readonly TaskOverview[] {
    const workflow = this.model.workflow(node.path)?.workflow;
    const wave = this.#waveOf(node);
    return workflow && wave ? this.#order.of(workflow, wave) : [];
  }

  #taskOf(node: NodeOf<'task'>): TaskOverview | undefined {
    const wave = this.#waveOf(node);
    if (!wave) return undefined;
    let index = this.#taskIndex.get(wave);
    if (!index) {
      index = new Map(wave.tasks.map((task) => [task.id, task]));
      this.#taskIndex.set(wave, index);
    }
    return index.get(node.task);
  }

  #passes(task: TaskOverview): boolean {
    if (this.#filter === '') return true;
    const { id, description, run } = task;
    const agent = run?.status === 'running' ? (run.claim?.agent ?? '') : '';
    return [id, description, lookOfTask(task).word, agent].some((text) =>
      text.toLocaleLowerCase().includes(this.#filter),
    );
  }

  /* ---------------------------------------------------------------- what is different */

  #follow(change: WorkspaceChange): void {
    // What a filter leaves may be different after anything.
    if (change === undefined || change.store || this.#filter !== '') {
      this.#changed.fire(undefined);
      return;
    }
    const nodes = new Set<string>();
    const model = this.model.folder(change.folder);
    for (const event of change.events) this.#concernedBy(event, model, nodes);
    const present = this.model.workflows;
    if (
      present.length !== this.#known.size ||
      present.some(({ workflow: { path } }) => !this.#known.has(path))
    ) {
      this.#known.clear();
      this.#nodes.clear();
      this.#changed.fire(undefined);
      return;
    }
    for (const { workflow } of present) {
      const before = this.#known.get(workflow.path);
      this.#known.set(workflow.path, workflow);
      if (before && before !== workflow) differences(before, workflow, nodes);
    }
    if (nodes.has('')) {
      this.#changed.fire(undefined);
      return;
    }
    const shown = [...nodes].flatMap((id) => this.#nodes.get(id) ?? []);
    // What a node holds is drawn with it.
    const told = shown.filter((node) => !this.#isInsideOf(node, nodes));
    if (told.length > 0) this.#changed.fire(told);
  }

  #concernedBy(event: StoredEvent, model: FolderModel | undefined, nodes: Set<string>): void {
    if (event.kind === 'file.conflict') {
      for (const { workflow } of this.model.workflows)
        if (workflow.id === event.workflow) nodes.add(`workflow:${workflow.path}`);
    }
    // A beat only moves the lease, which no row shows.
    if (!model || event.run === undefined || event.kind === 'run.beat') return;
    const run = model.view.allRuns.get(event.run);
    const task = run && this.#taskNodeOf(model, run);
    if (task) nodes.add(task.id);
    if (event.task !== undefined || (run?.task ?? null) !== null) return;
    const others = `others:${model.folder}`;
    const wasShown = this.#nodes.has(others);
    nodes.add(wasShown && this.#otherRuns(model.folder).length > 0 ? others : '');
  }

  #taskNodeOf(model: FolderModel, { workflow, task }: RunRow): TreeNode | undefined {
    if (workflow === null || task === null) return undefined;
    for (const { id, path } of model.state.workflows)
      if (id === workflow) return this.#nodes.get(taskNodeId(path, task));
    return undefined;
  }

  #isInsideOf(node: TreeNode, ids: ReadonlySet<string>): boolean {
    for (let above = this.getParent(node); above; above = this.getParent(above))
      if (ids.has(above.id)) return true;
    return false;
  }

  /* ---------------------------------------------------------------- how it is drawn */

  #itemOf(node: TreeNode): vscode.TreeItem | undefined {
    switch (node.kind) {
      case 'workflow': {
        const located = this.model.workflow(node.path);
        return located && workflowItem(located, this.model.workflows.length <= mostOpen);
      }
      case 'wave': {
        const located = this.model.workflow(node.path);
        const wave = this.#waveOf(node);
        return located && wave && waveItem(located, wave, this.#filter !== '');
      }
      case 'task': {
        const located = this.model.workflow(node.path);
        const task = this.#taskOf(node);
        return located && task && taskItem(located, task, this.mine);
      }
      case 'run': {
        const model = this.model.folder(node.folder);
        const run = model?.view.allRuns.get(node.run);
        return model && run && runItem(model, run, this.mine);
      }
      case 'problem':
        return problemItem(node);
      case 'conflict':
        return conflictItem(node);
      case 'fault':
        return faultItem(node.message);
      case 'others':
        return othersItem(this.#otherRuns(node.folder));
      case 'more':
        return moreItem(node);
    }
  }
}
