/** The run-state panel: one editor tab, restored after a reload, fed from the model's changes. */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { Belongings, type Disposable } from '../shared/lifecycle';
import { toHost, unread, type HostRequest, type ToPanel } from '../shared/protocol';
import type { AdvanceWave } from './advanceWave';
import { PanelFeed } from './panelFeed';
import { PanelRequests, type PanelAnswer } from './panelRequests';
import type { TakeBack } from './takeBack';
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
  readonly takeBack: TakeBack;
  readonly extensionUri: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
}

class Panel implements Disposable {
  readonly #belongings = new Belongings();
  readonly #feed: PanelFeed;
  readonly #requests: PanelRequests;

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
    this.#requests = new PanelRequests(parts, () => {
      panel.reveal(vscode.ViewColumn.Beside);
    });
    this.#feed = this.#belongings.add(
      new PanelFeed({
        source: parts.model,
        send: (message) => {
          this.#send(message);
        },
        now: Date.now,
        later: setImmediate,
      }),
    );
    this.#belongings.add(
      webview.onDidReceiveMessage((message: unknown) => {
        void this.#receive(message);
      }),
    );
    webview.html = html(webview, dist);
  }

  reveal(): void {
    this.panel.reveal();
  }

  dispose(): void {
    this.#belongings.dispose();
    this.panel.dispose();
  }

  async #receive(raw: unknown): Promise<void> {
    const parsed = toHost.safeParse(raw);
    if (!parsed.success) {
      this.parts.log.warn(`The panel sent a message of the wrong shape: ${parsed.error.message}`);
      this.#refuseUnread(raw);
      return;
    }
    const message = parsed.data;
    if (message.type === 'ready') {
      this.#send({
        type: 'hello',
        language: vscode.env.language,
        words: vscode.l10n.bundle ?? {},
      });
      this.#feed.begin();
    } else if (message.type === 'resync') {
      this.parts.log.warn(`The panel begins again: ${message.why.slice(0, 200)}`);
      this.#feed.begin();
    } else
      this.#send({ type: 'reply', request: message.request, ...(await this.#answer(message)) });
  }

  async #answer(message: HostRequest): Promise<PanelAnswer> {
    try {
      return await this.#requests.answer(message);
    } catch (error) {
      this.parts.log.error(error as Error);
      return { ok: false, message: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Whoever waits for an answer gets one, also to a question that nobody understood. */
  #refuseUnread(raw: unknown): void {
    const asked = unread.safeParse(raw);
    if (!asked.success) return;
    const message = vscode.l10n.t('The panel asked for something that this version does not know.');
    this.#send({ type: 'reply', request: asked.data.request, ok: false, message });
  }

  #send(message: ToPanel): void {
    void this.panel.webview.postMessage(message);
  }
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
