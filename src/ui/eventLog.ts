/** What has happened, as a read-only document that follows live: one line for each event, the newest at the end. */
import * as vscode from 'vscode';
import type { StoredEvent } from '../core/model';
import { Belongings, type Disposable } from '../shared/lifecycle';
import { plain } from '../shared/plainText';
import type { Acting } from './acting';
import type { WorkspaceChange, WorkspaceModel } from './workspaceModel';

export const eventLogScheme = 'wavelock-events';
/** Of the past, and of what a document grows to. */
const linesAtFirst = 1_000;
const mostLines = 5_000;

export class EventLog implements vscode.TextDocumentContentProvider, Disposable {
  readonly #belongings = new Belongings();
  readonly #changed = this.#belongings.add(new vscode.EventEmitter<vscode.Uri>());
  readonly onDidChange = this.#changed.event;
  /** By folder, of those that are open. */
  readonly #lines = new Map<string, string[]>();
  readonly #last = new Map<string, number>();

  constructor(
    private readonly model: WorkspaceModel,
    private readonly acting: Acting,
  ) {
    this.#belongings.add(
      vscode.workspace.registerTextDocumentContentProvider(eventLogScheme, this),
    );
    this.#belongings.add(
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === eventLogScheme) this.#lines.delete(uri.query);
      }),
    );
  }

  dispose(): void {
    this.#belongings.dispose();
  }

  async show(): Promise<void> {
    if (!(await this.acting.allowed())) return;
    const model = await this.acting.folder(vscode.l10n.t('The events of which folder?'));
    if (!model) return;
    const uri = uriOf(model.folder);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, 'log');
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    const end = document.lineAt(document.lineCount - 1).range.end;
    editor.selection = new vscode.Selection(end, end);
    editor.revealRange(new vscode.Range(end, end));
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const folder = uri.query;
    const lines = this.#lines.get(folder) ?? (await this.#past(folder));
    this.#lines.set(folder, lines);
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  follow(change: WorkspaceChange): void {
    const lines = change && this.#lines.get(change.folder);
    if (!lines || change.events.length === 0) return;
    const last = this.#last.get(change.folder) ?? 0;
    const fresh = change.events.filter(({ seq }) => seq > last);
    lines.push(...fresh.map(lineOf));
    lines.splice(0, Math.max(0, lines.length - mostLines));
    this.#last.set(change.folder, Math.max(last, fresh.at(-1)?.seq ?? 0));
    this.#changed.fire(uriOf(change.folder));
  }

  async #past(folder: string): Promise<string[]> {
    const model = this.model.folder(folder);
    if (!model) return [];
    try {
      return await model.use(async ({ store }) => {
        const head = await store.read('head', {});
        const after = Math.max(0, head - linesAtFirst);
        const events = await store.read('events', { after, limit: linesAtFirst });
        this.#last.set(folder, events.at(-1)?.seq ?? after);
        return events.map(lineOf);
      });
    } catch (error) {
      this.acting.explanations.failed('Event log', error, { folder });
      return [];
    }
  }
}

function uriOf(folder: string): vscode.Uri {
  return vscode.Uri.from({ scheme: eventLogScheme, path: '/Wavelock Events.log', query: folder });
}

/** `   17  2026-11-21 09:12:44  run.claimed  run_7h2k9m4qxe  2-01  by codex` */
export function lineOf(event: StoredEvent): string {
  const { seq, at, kind, agent, workflow, task, run, resource } = event;
  const about = [workflow, task, run, resource, event.about].filter((part) => part !== undefined);
  return [
    String(seq).padStart(7),
    localTime(at),
    kind.padEnd(20),
    ...about.map((part) => plain(part)),
    ...wordsOf(event).map((word) => plain(word)),
    vscode.l10n.t('by {0}', plain(agent)),
  ].join('  ');
}

/** What people would ask next. */
function wordsOf(event: StoredEvent): string[] {
  // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- of most kinds the name says it all
  switch (event.kind) {
    case 'workflow.advanced':
    case 'workflow.completed': {
      const { from, to, forced } = event.data;
      return [`${from} → ${to}`, ...(forced === undefined ? [] : [forced])];
    }
    case 'task.changed':
      return [`${event.data.from ?? '–'} → ${event.data.row.status}`];
    case 'run.failed':
      return event.data.row.error ? [event.data.row.error.message] : [];
    case 'run.cancelled':
    case 'run.killed':
      return event.data.row.reason === null ? [] : [event.data.row.reason];
    case 'run.lost':
      return [event.data.evidence.rule];
    case 'lock.broken':
      return [event.data.reason];
    case 'note.added':
      return [event.data.text];
    case 'change.undone':
      return [`${event.data.what} ${event.data.undoes}`];
    default:
      return [];
  }
}

function localTime(at: number): string {
  const local = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
}
