/** The text of a workflow file that is not there yet. */
import type { PlanDraft, TaskDraft } from '../core/model';
import { MAX_WAVES, progressAt } from './stateMdMeaning';
import { fileList, oneLine } from './taskText';

/** Takes local time as the file writes it. All tasks are to do, before the first wave. */
export function initialStateMd({ id, name, waves }: PlanDraft, now: string): string {
  if (waves.length < 1 || waves.length > MAX_WAVES) {
    throw new RangeError(`a workflow has 1 to ${MAX_WAVES} waves, not ${waves.length}`);
  }
  const { cells, percent } = progressAt(0, waves.length);
  const count = waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
  const lines = [
    `# Workflow: ${oneLine(name) || id}`,
    '',
    `**Workflow ID:** \`${id}\``,
    `**Status:** Wave 0/${waves.length}`,
    `**Started:** ${now}`,
    `**Updated:** ${now}`,
    '',
    '---',
    '',
    `**Progress:** \`${cells}\` ${percent}%`,
    '',
    `## 📋 Pending (${count} tasks)`,
  ];
  waves.forEach((wave, index) => {
    const title = oneLine(wave.name ?? '');
    lines.push('', `### Wave ${index + 1}${title === '' ? '' : `: ${title}`}`);
    for (const task of wave.tasks) lines.push(...taskLines(task));
  });
  return `${lines.join('\n')}\n`;
}

function taskLines({ id, description, dependsOn = [], files = [] }: TaskDraft): string[] {
  const text = oneLine(description);
  const lines = [`- [ ] **${id}**:${text === '' ? '' : ` ${text}`}`];
  if (dependsOn.length > 0) lines.push(`  - Depends: ${dependsOn.join(', ')}`);
  const paths = files.map(oneLine).filter((file) => file !== '');
  if (paths.length > 0) lines.push(`  - Files: ${fileList(paths)}`);
  return lines;
}
