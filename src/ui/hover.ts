/**
 * What is known of a task, beside the text that names it. All that a file or an agent has written is shown as text:
 * none of it becomes a link, a picture or a command.
 */
import * as vscode from 'vscode';
import type { TaskId } from '../core/model';
import type { TaskOverview, WaveOverview, WorkflowOverview } from '../store/overview';
import { tasksDone } from '../store/overview';
import { overviewOf, type LiveDocument, type LiveDocuments } from './liveDocuments';
import { attemptWords, clockTime, runIcon, runWord, taskWord } from './runState';

const idLike = /[A-Za-z0-9][\w.-]*/;
const longest = 400;

export class WorkflowHover implements vscode.HoverProvider {
  constructor(private readonly live: LiveDocuments) {}

  async provideHover(
    text: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
  ): Promise<vscode.Hover | undefined> {
    const live = await this.live.settled(text, token);
    if (!live) return undefined;
    const workflow = overviewOf(live);
    const tasks = new Map(
      workflow.waves.flatMap((wave) =>
        wave.tasks.map((task) => [task.id, { task, wave }] as const),
      ),
    );
    const range = text.getWordRangeAtPosition(position, idLike);
    const named = range && tasks.get(text.getText(range) as TaskId);
    if (named) return new vscode.Hover(taskText(live, workflow, named), range);
    if (!live.isMain) return undefined;
    const onLine = [...tasks.values()].find(({ task }) => task.line === position.line);
    if (!onLine) return undefined;
    const line = text.lineAt(position.line).range;
    return new vscode.Hover(taskText(live, workflow, onLine), line);
  }
}

interface InWave {
  readonly task: TaskOverview;
  readonly wave: WaveOverview;
}

function taskText(
  live: LiveDocument,
  workflow: WorkflowOverview,
  { task, wave }: InWave,
): vscode.MarkdownString {
  const { run } = task;
  const plan = live.document.plan?.waves
    .flatMap(({ tasks }) => tasks)
    .find(({ id }) => id === task.id);
  const words = new Words();
  words.heading(task.id, task.description);
  words.line(
    run && run.status === 'running' ? runIcon(run.status) : '',
    [
      taskWord(task.status),
      vscode.l10n.t('wave {0}', wave.number),
      vscode.l10n.t('{0}/{1} done', tasksDone(wave), wave.tasks.length),
    ].join(' · '),
  );
  if (run) {
    const parts = [vscode.l10n.t('Run {0}: {1}', run.id, runWord(run.status))];
    if (run.claim) parts.push(vscode.l10n.t('by {0}', run.claim.agent));
    if (run.startedAt !== null && run.status === 'running')
      parts.push(vscode.l10n.t('since {0}', clockTime(run.startedAt)));
    if (run.endedAt !== null) parts.push(vscode.l10n.t('ended {0}', clockTime(run.endedAt)));
    const attempt = attemptWords(run);
    if (attempt !== undefined) parts.push(attempt);
    words.line(runIcon(run.status), parts.join(' · '));
    if (run.error) words.line('$(error)', `${run.error.code}: ${run.error.message}`);
    if (run.reason !== null) words.line('$(comment)', run.reason);
  }
  const waitsFor = plan?.dependsOn ?? [];
  if (waitsFor.length > 0) {
    const states = new Map(
      workflow.waves.flatMap(({ tasks }) => tasks.map(({ id, status }) => [id, status])),
    );
    const named = waitsFor
      .slice(0, 12)
      .map((id) => `${id} (${taskWord(states.get(id) ?? 'todo')})`);
    if (waitsFor.length > 12) named.push('…');
    words.line('$(type-hierarchy-sub)', vscode.l10n.t('Waits for {0}', named.join(', ')));
  }
  const details = live.document.details.get(task.id);
  if (details?.commit) words.line('$(git-commit)', details.commit);
  if (details && details.files.length > 0)
    words.line(
      '$(files)',
      details.files.slice(0, 8).join(', ') + (details.files.length > 8 ? ' …' : ''),
    );
  if (details?.error) words.line('$(error)', details.error);
  return words.markdown;
}

/** Markdown of which only the icons and the heading are ours to form. */
class Words {
  readonly markdown = new vscode.MarkdownString('', true);

  heading(id: string, description: string): void {
    this.markdown.isTrusted = false;
    this.markdown.supportHtml = false;
    this.markdown.appendMarkdown('**');
    this.markdown.appendMarkdown(shown(id));
    this.markdown.appendMarkdown('** ');
    this.markdown.appendMarkdown(shown(description));
    this.markdown.appendMarkdown('\n\n');
  }

  line(icon: string, text: string): void {
    this.markdown.appendMarkdown(icon === '' ? '' : `${icon} `);
    this.markdown.appendMarkdown(shown(text));
    this.markdown.appendMarkdown('\n\n');
  }
}

/** One line, without characters that nobody sees, and nothing of it Markdown. */
function shown(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ');
  const cut = line.length > longest ? `${line.slice(0, longest - 1)}…` : line;
  // Markdown lets any punctuation be escaped. Icons and addresses are looked for after that, and find a character
  // without width in their middle, which changes nothing that is seen.
  return cut
    .replace(/[!-/:-@[-`{-~]/g, '\\$&')
    .replace(/\\\$\\\(/g, '\\$\u200B\\(')
    .replace(/:(?=\\\/)/g, ':\u200B')
    .replace(/\bwww(?=\\\.)/gi, 'www\u200B');
}
