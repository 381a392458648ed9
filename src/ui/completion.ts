/** Ids of tasks where one task may wait for others: behind `Depends:`, and in the front matter of a plan. */
import * as vscode from 'vscode';
import type { PlanTask, TaskId } from '../core/model';
import type { LiveDocument, LiveDocuments } from './liveDocuments';
import { taskWord } from './runState';

export const completionTriggers = [':', ',', ' ', '[', '-'];

const dependsLine = /^\s+[-*+]\s+(?:Depends(?: on)?|Dependencies):/i;
const frontMatterKey = /^depends_on\s*:/i;
const idLike = /[A-Za-z0-9][\w.-]*/;

export class TaskIdCompletion implements vscode.CompletionItemProvider {
  constructor(private readonly live: LiveDocuments) {}

  provideCompletionItems(
    text: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
  ): vscode.CompletionItem[] | undefined {
    // Looked at before anything is read: every space that is typed asks.
    if (!isDependency(text, position)) return undefined;
    const live = this.live.now(text);
    if (!live || token.isCancellationRequested) return undefined;
    return itemsOf(live, position);
  }
}

function isDependency(text: vscode.TextDocument, position: vscode.Position): boolean {
  const before = text.lineAt(position.line).text.slice(0, position.character);
  if (dependsLine.test(before)) return true;
  if (text.lineAt(0).text.trim() !== '---') return false;
  if (frontMatterKey.test(before)) return closes(text, position.line);
  if (!/^\s*-\s/.test(before)) return false;
  for (let line = position.line - 1; line > 0; line -= 1) {
    const above = text.lineAt(line).text;
    if (!/^\s*-\s/.test(above)) return frontMatterKey.test(above) && closes(text, line);
  }
  return false;
}

/** The line is within the front matter, which ends at the next line of dashes. */
function closes(text: vscode.TextDocument, line: number): boolean {
  for (let above = 1; above < line; above += 1)
    if (text.lineAt(above).text.trim() === '---') return false;
  return true;
}

function itemsOf(live: LiveDocument, position: vscode.Position): vscode.CompletionItem[] {
  const { text, document } = live;
  const waves = document.plan?.waves ?? [];
  const tasks = waves.flatMap((wave) => wave.tasks.map((task) => ({ task, wave: wave.number })));
  const own = ownTask(
    live,
    tasks.map(({ task }) => task),
    position,
  );
  const ownWave = tasks.find(({ task }) => task.id === own?.id)?.wave;
  const range =
    text.getWordRangeAtPosition(position, idLike) ?? new vscode.Range(position, position);
  const line = text.lineAt(position.line).text;
  const written = new Set(
    (line.slice(0, range.start.character) + line.slice(range.end.character)).match(
      new RegExp(idLike, 'g'),
    ),
  );
  const wouldClose = own
    ? dependentsOf(
        own.id,
        tasks.map(({ task }) => task),
      )
    : new Set<string>();
  return tasks
    .filter(({ task }) => task.id !== own?.id && !written.has(task.id) && !wouldClose.has(task.id))
    .map(({ task, wave }, index) => {
      const item = new vscode.CompletionItem(
        { label: task.id, description: vscode.l10n.t('Wave {0}', wave) },
        vscode.CompletionItemKind.Reference,
      );
      item.detail = taskWord(task.status);
      item.documentation = task.description;
      item.range = range;
      // Those that can be waited for first: of this wave and before.
      const later = ownWave !== undefined && wave > ownWave ? 1 : 0;
      item.sortText = `${later}${String(index).padStart(6, '0')}`;
      return item;
    });
}

/** The task that the line belongs to; in the file of a plan, the one that the file is of. */
function ownTask(
  { text, isMain }: LiveDocument,
  tasks: readonly PlanTask[],
  { line }: vscode.Position,
): PlanTask | undefined {
  if (isMain) {
    return tasks
      .filter((task) => task.line < line)
      .reduce<PlanTask | undefined>((a, b) => (a && a.line > b.line ? a : b), undefined);
  }
  const name = text.uri.path.slice(text.uri.path.lastIndexOf('/') + 1);
  return tasks.find(({ id }) => name.startsWith(`${id}-`));
}

/** Tasks that wait for this one, directly or by way of others: to wait for them would close a circle. */
function dependentsOf(id: TaskId, tasks: readonly PlanTask[]): Set<string> {
  const waiting = new Map<string, TaskId[]>();
  for (const task of tasks)
    for (const dependency of task.dependsOn) {
      const known = waiting.get(dependency);
      if (known) known.push(task.id);
      else waiting.set(dependency, [task.id]);
    }
  const found = new Set<string>();
  for (const next = [id]; next.length > 0;) {
    for (const dependent of waiting.get(next.pop() ?? '') ?? []) {
      if (found.has(dependent)) continue;
      found.add(dependent);
      next.push(dependent);
    }
  }
  return found;
}
