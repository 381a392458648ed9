/** The run-state panel: one editor tab, restored after a reload, fed from the model's changes. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { Belongings, type Disposable } from '../shared/lifecycle';
import {
  toHost,
  type PanelState,
  type PanelStore,
  type PanelWorkflow,
  type ToHost,
  type ToPanel,
} from '../shared/protocol';
import type { AdvanceWave } from './advanceWave';
import { runCommand } from './commands';
import type { WorkflowOverview } from '../store/overview';
import type { FolderState } from './folderModel';
import type { WorkspaceModel } from './workspaceModel';

export const panelType = 'wavelock.panel';

export class Panels implements Disposable {
  readonly #serializer: vscode.Disposable;
  #open: Panel | undefined;

  constructor(private readonly parts: PanelParts) {
    this.#serializer = vscode.window.registerWebviewPanelSerializer(panelType, {
      deserializeWebviewPanel: (panel) => {
        this.#adopt(panel);
        return Promise.resolve();
      },
    });
  }

  reveal(): void {
    if (this.#open) {
      this.#open.reveal();
      return;
    }
    const column = vscode.window.activeTextEditor
      ? vscode.ViewColumn.Beside
      : vscode.ViewColumn.Active;
    this.#adopt(
      vscode.window.createWebviewPanel(panelType, vscode.l10n.t('Run State'), column, {
        retainContextWhenHidden: false,
      }),
    );
  }

  dispose(): void {
    this.#serializer.dispose();
    this.#open?.dispose();
  }

  #adopt(webviewPanel: vscode.WebviewPanel): void {
    this.#open?.dispose();
    const panel = new Panel(webviewPanel, this.parts);
    this.#open = panel;
    webviewPanel.onDidDispose(() => {
      panel.dispose();
      if (this.#open === panel) this.#open = undefined;
    });
  }
}

export interface PanelParts {
  readonly model: WorkspaceModel;
  readonly advanceWave: AdvanceWave;
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
}

class Panel implements Disposable {
  readonly #belongings = new Belongings();
  #scheduled: NodeJS.Immediate | undefined;
  #ready = false;

  constructor(
    private readonly panel: vscode.WebviewPanel,
    private readonly parts: PanelParts,
  ) {
    const { webview } = panel;
    const dist = vscode.Uri.joinPath(parts.extensionUri, 'dist');
    webview.options = { enableScripts: true, localResourceRoots: [dist] };
    const media = vscode.Uri.joinPath(parts.extensionUri, 'media');
    panel.iconPath = {
      light: vscode.Uri.joinPath(media, 'panel-light.svg'),
      dark: vscode.Uri.joinPath(media, 'panel-dark.svg'),
    };
    this.#belongings.add(
      webview.onDidReceiveMessage((message: unknown) => {
        void this.#receive(message);
      }),
    );
    this.#belongings.add(
      parts.model.onDidChange(() => {
        this.#schedule();
      }),
    );
    webview.html = html(webview, dist);
  }

  reveal(): void {
    this.panel.reveal();
  }

  dispose(): void {
    clearImmediate(this.#scheduled);
    this.#belongings.dispose();
    this.panel.dispose();
  }

  /** Many events in one turn are one picture. */
  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      if (this.#ready) this.#send({ type: 'state', state: panelState(this.parts.model) });
    });
  }

  async #receive(raw: unknown): Promise<void> {
    const parsed = toHost.safeParse(raw);
    if (!parsed.success) {
      this.parts.log.warn(`The panel sent a message of the wrong shape: ${parsed.error.message}`);
      return;
    }
    const message = parsed.data;
    if (message.type === 'ready') {
      this.#ready = true;
      this.#send({ type: 'state', state: panelState(this.parts.model) });
      return;
    }
    try {
      const result = await this.#handle(message);
      this.#send({ type: 'reply', request: message.request, ...result });
    } catch (error) {
      this.parts.log.error(error as Error);
      const text = error instanceof Error ? error.message : String(error);
      this.#send({ type: 'reply', request: message.request, ok: false, message: text });
    }
  }

  async #handle(
    message: Exclude<ToHost, { type: 'ready' }>,
  ): Promise<{ ok: boolean; message?: string }> {
    switch (message.type) {
      case 'advance':
        return this.parts.advanceWave.quietly({ path: message.workflow, seen: message.seen });
      case 'open':
        await runCommand('wavelock.openWorkflowFile', {
          path: message.workflow,
          line: message.line,
        });
        return { ok: true };
    }
  }

  #send(message: ToPanel): void {
    void this.panel.webview.postMessage(message);
  }
}

export function panelState(model: WorkspaceModel): PanelState {
  return {
    store: worstStore(model.states),
    workflows: model.workflows.map(({ workflow }) => panelWorkflow(workflow, model.session)),
  };
}

/** One line for all folders: whoever is in trouble speaks first. */
function worstStore(states: readonly FolderState[]): PanelStore {
  const failed = states.find((state) => state.store.state === 'failed');
  if (failed?.store.state === 'failed') return failed.store;
  if (states.some((state) => state.store.state === 'untrusted')) return { state: 'untrusted' };
  if (states.some((state) => state.store.state === 'opening')) return { state: 'opening' };
  return { state: 'live', seq: Math.max(0, ...states.map((state) => state.seq)) };
}

function panelWorkflow(workflow: WorkflowOverview, session: string): PanelWorkflow {
  const { holder } = workflow;
  return {
    key: workflow.path,
    id: workflow.id,
    name: workflow.name,
    file: workflow.file,
    wave: workflow.wave,
    waveCount: workflow.waveCount,
    completed: workflow.completed,
    waves: workflow.waves.map((wave) => ({
      number: wave.number,
      tasks: wave.tasks.map(({ id, description, status, run }) => ({
        id,
        description,
        status,
        run: run && { id: run.id, status: run.status, attempt: run.attempt },
      })),
    })),
    errors: workflow.problems
      .filter((problem) => problem.severity === 'error')
      .map(({ line, code, message }) => ({ line, code, message })),
    holder: holder && {
      name: holder.agent,
      since: holder.since,
      mine: holder.session === session,
    },
  };
}

function html(webview: vscode.Webview, dist: vscode.Uri): string {
  const nonce = randomBytes(16).toString('base64');
  const script = webview.asWebviewUri(vscode.Uri.joinPath(dist, 'webview.js')).toString();
  const style = webview.asWebviewUri(vscode.Uri.joinPath(dist, 'webview.css')).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource} 'nonce-${nonce}'; font-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  // The csp-nonce element is what the toolkit reads for the one style element that it makes itself.
  return `<!DOCTYPE html>
<html lang="${vscode.env.language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta property="csp-nonce" content="${nonce}">
  <title>Wavelock</title>
  <link rel="stylesheet" href="${style}">
</head>
<body><wl-panel></wl-panel><script nonce="${nonce}" src="${script}"></script></body>
</html>`;
}
