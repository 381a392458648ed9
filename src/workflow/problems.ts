/** Problems that any workflow file can have, whatever its format, and how a problem is put. */
import type { Problem } from '../core/model';
import type { Line, Span } from './lines';
import { spanOf } from './lines';

export function error(at: Span, code: string, message: string): Problem {
  return problem(at, 'error', code, message);
}

export function warning(at: Span, code: string, message: string): Problem {
  return problem(at, 'warning', code, message);
}

function problem(at: Span, severity: Problem['severity'], code: string, message: string): Problem {
  return { line: at.line, column: at.column, length: at.end - at.start, severity, code, message };
}

export function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** Text from a file, short enough for a message. */
export function quote(text: string): string {
  return text.length > 40 ? `“${text.slice(0, 39)}…”` : `“${text}”`;
}

export function nulProblem(line: Line): Problem | null {
  const nul = line.content.indexOf('\0');
  if (nul < 0) return null;
  return error(
    spanOf(line, nul, nul + 1),
    'binary_file',
    'The file is not text: it holds zero bytes, as after a crash or in another encoding. Restore it from a backup or from Git, or save it as UTF-8.',
  );
}

/** Fences do not hide conflict markers: a conflict may well begin inside one and end outside. */
export class ConflictScanner {
  private inConflict = false;

  problem(line: Line): Problem | null {
    if (!this.isMarker(line)) return null;
    return error(
      spanOf(line),
      'conflict_markers',
      'A merge left this conflict marker. Keep one side and delete the marker lines.',
    );
  }

  private isMarker({ content, column }: Line): boolean {
    if (column > 0) return false;
    if (/^<{7}(?: |$)/.test(content)) return (this.inConflict = true);
    if (/^>{7}(?: |$)/.test(content)) {
      this.inConflict = false;
      return true;
    }
    // Alone, a line of equals signs underlines a heading.
    return this.inConflict && (content === '=======' || /^\|{7}(?: |$)/.test(content));
  }
}

export interface Dependency {
  readonly id: string;
  readonly at: Span;
}

export interface Dependent {
  readonly id: string;
  readonly dependsOn: readonly Dependency[];
}

/** Takes tasks with unique ids, in the order of their lines. */
export function dependencyProblems(tasks: readonly Dependent[]): Problem[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const unknown = tasks
    .flatMap((task) => task.dependsOn)
    .filter(({ id }) => !byId.has(id))
    .map(({ id, at }) =>
      error(
        at,
        'unknown_dependency',
        `There is no task ${quote(id)}. Name a task of this workflow, or remove the dependency.`,
      ),
    );
  return [...unknown, ...findCycles(tasks, byId).map(cycleProblem)];
}

interface Step {
  readonly task: Dependent;
  readonly via: Dependency;
}

/**
 * Disjoint cycles, at least one if there is any. All of them would not be linear: a chain whose every
 * task also points back to its first has as many cycles as tasks, of half its length on average.
 */
function findCycles(
  tasks: readonly Dependent[],
  byId: ReadonlyMap<string, Dependent>,
): readonly (readonly Step[])[] {
  const unresolved = tasksThatNeverResolve(tasks, byId);

  // Whatever never resolves waits for something that never resolves, so following the first of these
  // from task to task must end in a cycle.
  const walkOf = new Map<Dependent, number>();
  const cycles: Step[][] = [];
  tasks.forEach((first, walk) => {
    const steps: Step[] = [];
    let task: Dependent | undefined = unresolved.has(first) ? first : undefined;
    while (task && !walkOf.has(task)) {
      walkOf.set(task, walk);
      const via: Dependency | undefined = task.dependsOn.find(({ id }) =>
        isMember(unresolved, byId.get(id)),
      );
      if (!via) return;
      steps.push({ task, via });
      task = byId.get(via.id);
    }
    if (task && walkOf.get(task) === walk) {
      cycles.push(steps.slice(steps.findIndex((step) => step.task === task)));
    }
  });
  return cycles;
}

function tasksThatNeverResolve(
  tasks: readonly Dependent[],
  byId: ReadonlyMap<string, Dependent>,
): ReadonlySet<Dependent> {
  const unresolved = new Set(tasks);
  const dependents = new Map<Dependent, Dependent[]>();
  const waitingFor = new Map<Dependent, number>();
  for (const task of tasks) {
    const known = task.dependsOn.flatMap(({ id }) => byId.get(id) ?? []);
    waitingFor.set(task, known.length);
    for (const dependency of known) {
      const list = dependents.get(dependency);
      if (list) list.push(task);
      else dependents.set(dependency, [task]);
    }
  }
  const resolved = tasks.filter((task) => waitingFor.get(task) === 0);
  for (let task = resolved.pop(); task; task = resolved.pop()) {
    unresolved.delete(task);
    for (const dependent of dependents.get(task) ?? []) {
      const left = (waitingFor.get(dependent) ?? 0) - 1;
      waitingFor.set(dependent, left);
      if (left === 0) resolved.push(dependent);
    }
  }
  return unresolved;
}

function isMember<T>(set: ReadonlySet<T>, member: T | undefined): boolean {
  return member !== undefined && set.has(member);
}

const SHOWN_OF_A_CYCLE = 12;

function cycleProblem(cycle: readonly Step[]): Problem {
  // Begins where a reader of the file meets it first.
  const first = cycle.reduce(
    (best, step, index) => (step.via.at.start < (cycle[best]?.via.at.start ?? 0) ? index : best),
    0,
  );
  const steps = [...cycle.slice(first), ...cycle.slice(0, first)];
  const ids = steps.slice(0, SHOWN_OF_A_CYCLE).map(({ task }) => task.id);
  if (steps.length > ids.length) ids.push(`… ${steps.length - ids.length} more …`);
  const [start] = steps;
  if (!start) throw new RangeError('a cycle has at least one task');
  return error(
    start.via.at,
    'dependency_cycle',
    `These tasks wait for each other: ${[...ids, start.task.id].join(' → ')}. Remove one of these dependencies.`,
  );
}
