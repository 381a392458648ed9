/** How a workflow file is divided: headings, and the tasks below them, each with the lines that it spans. */
import type { PlanTask } from '../core/model';
import type { WorkflowDocument } from './document';
import { headingOf, readLines, type Line } from './lines';

export interface OutlineNode {
  readonly title: string;
  /** Zero-based, and the last one is included; blank lines at the end are nobody's. */
  readonly line: number;
  readonly end: number;
  /** Null for a heading. */
  readonly task: PlanTask | null;
  /** The wave that a heading names. */
  readonly wave: number | null;
  readonly children: readonly OutlineNode[];
}

interface Growing extends OutlineNode {
  end: number;
  readonly level: number;
  readonly indent: number;
  readonly children: Growing[];
}

/** Deeper than any heading, so that a heading ends it. */
const TASK_LEVEL = 7;

export function outlineOf({ text, plan }: WorkflowDocument): readonly OutlineNode[] {
  const tasks = new Map<number, PlanTask>();
  for (const wave of plan?.waves ?? []) for (const task of wave.tasks) tasks.set(task.line, task);
  const roots: Growing[] = [];
  const open: Growing[] = [];
  for (const line of readLines(text)) {
    if (line.content === '') continue;
    const node = nodeAt(line, tasks.get(line.number));
    // A line at the margin ends the task above it, unless it is hidden in a block of that task.
    while (open.length > 0 && ends(open.at(-1), line, node)) open.pop();
    if (node) {
      (open.at(-1)?.children ?? roots).push(node);
      open.push(node);
    }
    for (const each of open) each.end = line.number;
  }
  return roots;
}

function ends(last: Growing | undefined, line: Line, next: Growing | undefined): boolean {
  if (!last) return false;
  if (next && next.task === null) return next.level <= last.level;
  return last.task !== null && line.indent <= last.indent && line.hidden === null;
}

function nodeAt(line: Line, task: PlanTask | undefined): Growing | undefined {
  const place = { line: line.number, end: line.number, children: [] };
  if (task) {
    const title = task.description === '' ? task.id : `${task.id}: ${task.description}`;
    return { ...place, title, task, wave: null, level: TASK_LEVEL, indent: line.indent };
  }
  const heading = headingOf(line);
  if (!heading) return undefined;
  const title = line.content.slice(heading.textStart);
  const wave = /^[^\p{L}\p{N}]*Wave\s+(\d{1,6})\b/iu.exec(title)?.[1];
  return {
    ...{ ...place, title: title === '' ? '#'.repeat(heading.level) : title, task: null },
    ...{ wave: wave === undefined ? null : Number(wave), level: heading.level, indent: 0 },
  };
}
