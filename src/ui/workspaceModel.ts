/** All folders of this window, each with a model of its own. */
import { hostname } from 'node:os';
import * as vscode from 'vscode';
import type { AgentName, SessionId } from '../core/model';
import { Emitter, type Disposable } from '../shared/lifecycle';
import type { Identity } from '../store/engine';
import { newId } from '../store/newId';
import { SharedStores } from '../store/sharedStores';
import { openThreadStore } from '../store/threadStore';
import type { WorkflowOverview } from '../store/overview';
import { FolderModel, type FolderChange, type FolderState } from './folderModel';

/** One workflow, with the folder that it lies in. */
export interface Located {
  readonly model: FolderModel;
  readonly workflow: WorkflowOverview;
}

/** Undefined when folders have come or gone, so that all may be different. */
export type WorkspaceChange = FolderChange | undefined;

export class WorkspaceModel implements Disposable {
  readonly #folders = new Map<string, FolderModel>();
  readonly #changed: Emitter<WorkspaceChange>;
  readonly #listeners: vscode.Disposable;
  readonly #identity = windowIdentity();
  readonly #stores: SharedStores;
  readonly onDidChange: Emitter<WorkspaceChange>['event'];
  /** Resolves when the folders that were there at the start are known. */
  readonly ready: Promise<void>;
  #closed = false;

  constructor(
    threadScript: string,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#changed = new Emitter((error) => {
      log.error(error as Error);
    });
    this.onDidChange = this.#changed.event;
    this.#stores = new SharedStores(
      (options) => openThreadStore(options, threadScript),
      (message) => {
        log.warn(message);
      },
    );
    this.#listeners = vscode.Disposable.from(
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.#align();
      }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        for (const model of this.#folders.values()) void model.setTrusted(true);
      }),
    );
    // Looking at folders and files is work that a window need not wait for while it starts.
    this.ready = new Promise((resolve) => {
      setImmediate(() => {
        if (!this.#closed) this.#align();
        resolve();
      });
    });
  }

  get states(): FolderState[] {
    return [...this.#folders.values()].map((model) => model.state);
  }

  get session(): SessionId {
    return this.#identity.session;
  }

  get agent(): AgentName {
    return this.#identity.agent;
  }

  get folders(): readonly FolderModel[] {
    return [...this.#folders.values()];
  }

  folder(path: string): FolderModel | undefined {
    return this.#folders.get(path);
  }

  /** All workflows of the window, in the order of its folders; one that two folders show counts once. */
  get workflows(): Located[] {
    const found = new Map<string, Located>();
    for (const model of this.#folders.values())
      for (const workflow of model.state.workflows)
        if (!found.has(workflow.path)) found.set(workflow.path, { model, workflow });
    return [...found.values()];
  }

  /** @param path of a workflow file */
  workflow(path: string): Located | undefined {
    return this.workflows.find(({ workflow }) => workflow.path === path);
  }

  dispose(): void {
    void this.close();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listeners.dispose();
    this.#changed.dispose();
    await Promise.all([...this.#folders.values()].map((model) => model.close()));
  }

  #align(): void {
    const wanted = (vscode.workspace.workspaceFolders ?? []).filter(
      ({ uri }) => uri.scheme === 'file',
    );
    const paths = new Set(wanted.map(({ uri }) => uri.fsPath));
    for (const [path, model] of this.#folders) {
      if (paths.has(path)) continue;
      this.#folders.delete(path);
      model.dispose();
    }
    for (const { uri } of wanted) {
      if (!this.#folders.has(uri.fsPath)) this.#add(uri);
    }
    this.#changed.fire(undefined);
  }

  #add(uri: vscode.Uri): void {
    const settings = vscode.workspace.getConfiguration('wavelock', uri);
    const model = new FolderModel({
      folder: uri.fsPath,
      identity: this.#identity,
      stores: this.#stores,
      storeSetting: settings.get<string>('store', ''),
      durability: settings.get<'full' | 'normal'>('durability', 'full'),
      log: (message, error) => {
        this.log.error(`${uri.fsPath}: ${message}`, error ?? '');
      },
    });
    this.#folders.set(uri.fsPath, model);
    model.onDidChange((change) => {
      this.#changed.fire(change);
    });
    void model.setTrusted(vscode.workspace.isTrusted);
  }
}

function windowIdentity(): Identity {
  const session = newId('ses') as SessionId;
  const host = hostname();
  const agent = `window:${host}:${session.slice(4, 10)}` as AgentName;
  return { agent, named: true, kind: 'window', session, host, pid: process.pid };
}
