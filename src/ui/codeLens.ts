/** Above the lines of a workflow file: the next step, how far each wave is, what the run of each task does. */
import * as vscode from 'vscode';
import type { RunRow } from '../core/model';
import type { Disposable } from '../shared/lifecycle';
import { tasksDone, type WaveOverview, type WorkflowOverview } from '../store/overview';
import { outlineOf, type OutlineNode } from '../workflow/outline';
import { commandTo } from './commands';
import type { Conflicts } from './conflicts';
import { overviewOf, type LiveDocument, type LiveDocuments } from './liveDocuments';
import { attemptWords, clockTime, runIcon, runWord } from './runState';
import { runnableTasks } from './runWave';
import { plainLabel } from './workflowChoice';
import type { WorkspaceModel } from './workspaceModel';

export class WorkflowCodeLens implements vscode.CodeLensProvider, Disposable {
  readonly #changed = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #listeners: Disposable[];

  constructor(
    private readonly model: WorkspaceModel,
    private readonly live: LiveDocuments,
    private readonly conflicts: Conflicts,
  ) {
    const changed = (): void => {
      this.#changed.fire();
    };
    this.#listeners = [
      model.onDidChange(changed),
      conflicts.onDidChange(changed),
      vscode.workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('wavelock.codeLens')) changed();
      }),
    ];
  }

  dispose(): void {
    for (const listener of this.#listeners) listener.dispose();
    this.#changed.dispose();
  }

  async provideCodeLenses(
    text: vscode.TextDocument,
    token: vscode.CancellationToken,
  ): Promise<vscode.CodeLens[]> {
    const enabled = vscode.workspace
      .getConfiguration('wavelock', text)
      .get<boolean>('codeLens.enabled', true);
    if (!enabled) return [];
    const live = await this.live.settled(text, token);
    if (!live?.isMain) return [];
    const workflow = overviewOf(live);
    return [
      ...this.#ofFile(live, workflow),
      ...ofWaves(live, workflow),
      ...ofTasks(workflow, text.lineCount),
    ];
  }

  #ofFile(live: LiveDocument, workflow: WorkflowOverview): vscode.CodeLens[] {
    const at = lensAt(statusLine(live));
    const { path } = workflow;
    const lenses: vscode.CodeLens[] = [];
    if (this.conflicts.of(live).length > 0) {
      const title = vscode.l10n.t('Resolve Conflict');
      lenses.push(
        at(commandTo('wavelock.resolveConflict', withIcon('$(warning)', title), { path })),
      );
    }
    const trusted = vscode.workspace.isTrusted;
    if (workflow.valid && !workflow.completed && trusted) {
      const title = vscode.l10n.t('Advance Wave');
      const seen = { path, seen: workflow.wave };
      lenses.push(
        at(commandTo('wavelock.advanceWave', withIcon('$(debug-step-over)', title), seen)),
      );
    }
    if (workflow.valid) {
      lenses.push(at(commandTo('wavelock.openPanel', progressWords(workflow))));
    } else {
      const title = vscode.l10n.t('Invalid: show problems');
      lenses.push(
        at(commandTo('wavelock.validateWorkflowFile', withIcon('$(error)', title), { path })),
      );
    }
    const { holder } = workflow;
    if (holder && holder.session !== this.model.session) {
      const who = plainLabel(holder.agent);
      const title = vscode.l10n.t('locked by {0} since {1}', who, clockTime(holder.since));
      lenses.push(at(commandTo('wavelock.openPanel', withIcon('$(lock)', title))));
    }
    return lenses;
  }
}

function progressWords({ completed, wave, waveCount, waves }: WorkflowOverview): string {
  if (completed) return withIcon('$(pass)', vscode.l10n.t('completed'));
  const current = waves.find(({ number }) => number === wave);
  const words = vscode.l10n.t('Wave {0}/{1}', wave, waveCount);
  return current ? `${words} · ${doneWords(current)}` : words;
}

function doneWords(wave: WaveOverview): string {
  return vscode.l10n.t('{0}/{1} done', tasksDone(wave), wave.tasks.length);
}

function ofWaves(live: LiveDocument, workflow: WorkflowOverview): vscode.CodeLens[] {
  const waves = new Map(workflow.waves.map((wave) => [wave.number, wave]));
  const headings = [...waveHeadings(outlineOf(live.document))];
  const first = workflow.format === 'waves' || workflow.format === 'checklist' ? headings[0] : null;
  // A checklist may begin to count with 0; its waves are counted from 1.
  const shift = first?.wave === 0 ? 1 : 0;
  return headings.flatMap(({ wave: stated, line }) => {
    const wave = waves.get((stated ?? 0) + shift);
    if (!wave || wave.tasks.length === 0) return [];
    const at = lensAt(line);
    const lenses = [at(commandTo('wavelock.openPanel', doneWords(wave)))];
    const runnable = runnableTasks(workflow, wave);
    if (runnable.length > 0 && workflow.valid && vscode.workspace.isTrusted) {
      const title = vscode.l10n.t('run all');
      const target = { path: workflow.path, wave: wave.number };
      lenses.push(at(commandTo('wavelock.runWave', withIcon('$(run-all)', title), target)));
    }
    return lenses;
  });
}

/** Of a wave that stands under several sections, each heading. */
function* waveHeadings(nodes: readonly OutlineNode[]): Generator<OutlineNode> {
  for (const node of nodes) {
    if (node.wave !== null) yield node;
    yield* waveHeadings(node.children);
  }
}

function ofTasks({ waves }: WorkflowOverview, lineCount: number): vscode.CodeLens[] {
  return waves.flatMap(({ tasks }) =>
    tasks.flatMap(({ run, line }) =>
      run && line < lineCount ? [lensAt(line)(commandTo('wavelock.openPanel', runWords(run)))] : [],
    ),
  );
}

function runWords(run: RunRow): string {
  const parts = [withIcon(runIcon(run.status), runWord(run.status))];
  if (run.claim && run.status === 'running') {
    parts.push(plainLabel(run.claim.agent));
    if (run.startedAt !== null) parts.push(vscode.l10n.t('since {0}', clockTime(run.startedAt)));
  }
  const attempt = attemptWords(run);
  if (attempt !== undefined) parts.push(attempt);
  return parts.join(' · ');
}

/** The editor draws no gap behind an icon, and drops an ordinary space. */
function withIcon(icon: string, title: string): string {
  return `${icon}\u00A0${title}`;
}

/** Where the wave under way is stated; else the first line. */
function statusLine({ text }: LiveDocument): number {
  const looked = Math.min(text.lineCount, 60);
  for (let line = 0; line < looked; line += 1)
    if (/^\*\*Status:\*\*/i.test(text.lineAt(line).text)) return line;
  return 0;
}

function lensAt(line: number): (command: vscode.Command) => vscode.CodeLens {
  return (command) => new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command);
}
