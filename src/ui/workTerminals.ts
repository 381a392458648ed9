/** Terminals that work on tasks: one task, or a worker that takes run after run. */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { Belongings, Emitter, type Disposable } from '../shared/lifecycle';
import { plain } from '../shared/plainText';
import type { Acting } from './acting';
import type { ClaimedRuns } from './claimedRuns';
import type { TaskTarget } from './commandTable';
import type { FolderModel } from './folderModel';
import { taskActions } from './legalActions';
import type { TaskCommands } from './taskCommands';
import type { WorkspaceModel } from './workspaceModel';

export interface WorkTerminalsOptions {
  readonly model: WorkspaceModel;
  readonly acting: Acting;
  readonly tasks: TaskCommands;
  readonly claimed: ClaimedRuns;
}

export class WorkTerminals implements Disposable {
  readonly #belongings = new Belongings();
  readonly #workers = new Map<vscode.Terminal, string>();
  readonly #changed = new Emitter<undefined>((error) => {
    throw error;
  });
  readonly onDidChange = this.#changed.event;

  constructor(private readonly options: WorkTerminalsOptions) {
    this.#belongings.add(this.#changed);
    this.#belongings.add(
      vscode.window.onDidCloseTerminal((terminal) => {
        if (this.#workers.delete(terminal)) this.#changed.fire(undefined);
      }),
    );
  }

  get workers(): number {
    return this.#workers.size;
  }

  dispose(): void {
    this.#belongings.dispose();
  }

  async runTask(target?: TaskTarget): Promise<void> {
    const { acting, tasks, claimed } = this.options;
    if (!(await acting.allowed())) return;
    const found = await tasks.choose(
      target,
      vscode.l10n.t('Run which task?'),
      ({ workflow, task }) => taskActions(workflow, task, claimed).start,
    );
    if (!found) return;
    const command = await this.#command(found.model);
    if (command === undefined) return;
    const id = found.task.id;
    const workflow = found.model.state.workflows.length > 1 ? found.workflow.id : null;
    const line = [
      'wavelock exec',
      ...(workflow === null ? [] : [`--workflow ${shellWord(workflow)}`]),
      `--task ${shellWord(id)} -- ${command}`,
    ].join(' ');
    const terminal = this.#open(found.model, `Wavelock: ${plain(id, 40)}`);
    terminal.sendText(line);
  }

  async startWorker(): Promise<void> {
    const { acting } = this.options;
    if (!(await acting.allowed())) return;
    const model = await acting.folder(vscode.l10n.t('A worker in which folder?'));
    const command = model && (await this.#command(model));
    if (!model || command === undefined) return;
    const lanes = setting(model, 'concurrency', 1);
    const terminal = this.#open(model, vscode.l10n.t('Wavelock worker'));
    terminal.sendText(`wavelock worker --exec ${shellWord(command)} --concurrency ${lanes}`);
    this.#workers.set(terminal, model.folder);
    this.#changed.fire(undefined);
  }

  /** As a person at its keyboard would: it stops claiming, and ends what it has begun. */
  async stopWorker(): Promise<void> {
    const workers = [...this.#workers.keys()];
    if (workers.length === 0) {
      this.options.acting.explanations.nothing(
        vscode.l10n.t('No worker was started from this window.'),
      );
      return;
    }
    const items = workers.map((terminal, index) => ({
      label: `${terminal.name} ${index + 1}`,
      description: basename(this.#workers.get(terminal) ?? ''),
      terminal,
    }));
    const title = vscode.l10n.t('Stop which worker?');
    const [only] = items;
    const chosen = items.length === 1 ? only : await vscode.window.showQuickPick(items, { title });
    if (!chosen) return;
    chosen.terminal.show(true);
    chosen.terminal.sendText('\u0003', false);
    this.#workers.delete(chosen.terminal);
    this.#changed.fire(undefined);
  }

  /** What is run is this window's: it tells when that fails. */
  #open({ folder }: FolderModel, name: string): vscode.Terminal {
    const terminal = vscode.window.createTerminal({
      name,
      cwd: folder,
      env: { WAVELOCK_AGENT: this.options.model.agent },
      iconPath: new vscode.ThemeIcon('layers'),
    });
    terminal.show(true);
    return terminal;
  }

  async #command(model: FolderModel): Promise<string | undefined> {
    const command = setting(model, 'command', '').trim();
    if (command !== '') return command;
    const given = await vscode.window.showInputBox({
      title: vscode.l10n.t('The command that works on a run'),
      prompt: vscode.l10n.t(
        'It finds the run in WAVELOCK_RUN. Set wavelock.worker.command, and this is not asked again.',
      ),
      validateInput: (value) =>
        value.trim() === '' ? vscode.l10n.t('A command is needed.') : undefined,
    });
    return given?.trim();
  }
}

function setting<Value>({ folder }: FolderModel, name: string, otherwise: Value): Value {
  return vscode.workspace
    .getConfiguration('wavelock.worker', vscode.Uri.file(folder))
    .get<Value>(name, otherwise);
}

/** One word for the shell, whatever is in it: the id of a task comes from a file that anybody may have written. */
function shellWord(text: string): string {
  if (/^[\w.,:/@%+-]+$/.test(text)) return text;
  const printable = plain(text, 2_000);
  return /(pwsh|powershell)(\.exe)?$/i.test(vscode.env.shell)
    ? `'${printable.replaceAll("'", "''")}'`
    : `'${printable.replaceAll("'", `'\\''`)}'`;
}
