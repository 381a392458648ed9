/** What a plan's tasks may not say of one another. */
import { finding, fixOf, quote, type Finding } from './problems';
import type { TextEdit } from './document';
import type { Span } from './lines';

export interface Dependency {
  readonly id: string;
  readonly at: Span;
  /** What to delete, so that the list goes on without it; null where it may not be edited. */
  readonly removal: TextEdit | null;
}

export interface Dependent {
  readonly id: string;
  readonly wave: number;
  readonly dependsOn: readonly Dependency[];
}

/** Takes tasks with unique ids, in the order of their lines. */
export function dependencyFindings(tasks: readonly Dependent[]): Finding[] {
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const findings: Finding[] = [];
  for (const { id: dependent, wave, dependsOn } of tasks) {
    for (const dependency of dependsOn) {
      const { id, at } = dependency;
      const needed = byId.get(id);
      if (!needed) {
        const message = `There is no task ${quote(id)}. Name a task of this workflow, or remove the dependency.`;
        findings.push(finding('unknown_dependency', at, message, removing(dependency)));
      } else if (needed.wave > wave) {
        const message = `${quote(dependent)} of wave ${wave} can never start: ${quote(id)} comes in wave ${needed.wave} only. Move one of the two, or remove the dependency.`;
        findings.push(finding('later_dependency', at, message, removing(dependency)));
      }
    }
  }
  return [...findings, ...findCycles(tasks, byId).map(cycleFinding)];
}

function removing({ id, removal }: Dependency): ReturnType<typeof fixOf> | null {
  return removal && fixOf(`Remove the dependency on ${quote(id)}`, removal);
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
  if (tasks.every(({ dependsOn }) => dependsOn.length === 0)) return [];
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

function cycleFinding(cycle: readonly Step[]): Finding {
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
  return finding(
    'dependency_cycle',
    start.via.at,
    `These tasks wait for each other: ${[...ids, start.task.id].join(' → ')}. Remove one of these dependencies.`,
    removing(start.via),
  );
}

export interface FileUser {
  readonly id: string;
  readonly wave: number;
  readonly files: readonly string[];
  readonly dependsOn: readonly { readonly id: string }[];
  readonly at: Span;
}

const MOST_NAMED = 5;

/**
 * Tasks of one wave that would change the same file at once; told at the later of each pair. Takes the tasks
 * that are still to be done.
 */
export function overlapFindings(tasks: readonly FileUser[]): Finding[] {
  const waves = new Map<number, Map<string, SharedFile | FileUser>>();
  const findings: Finding[] = [];
  for (const task of tasks) {
    const files = waves.get(task.wave) ?? new Map<string, SharedFile | FileUser>();
    waves.set(task.wave, files);
    const clashes: Use[] = [];
    for (const file of task.files) {
      const known = files.get(file);
      if (known === undefined || known === task) {
        files.set(file, task);
        continue;
      }
      const shared = 'uses' in known ? known : { name: quote(file), uses: [useOf(known, file)] };
      if (shared.uses.at(-1)?.task === task) continue;
      if (shared !== known) files.set(file, shared);
      // All pairs of n tasks on one file would be n² of them.
      for (const use of shared.uses.slice(-MOST_NAMED))
        if (clashes.length < MOST_NAMED && isClash(clashes, task, use.task)) clashes.push(use);
      shared.uses.push({ task, told: `${quote(task.id)} (${shared.name})` });
    }
    if (clashes.length > 0) findings.push(overlapFinding(task, clashes));
  }
  return findings;
}

/** That of several tasks; most files have one. */
interface SharedFile {
  readonly name: string;
  readonly uses: Use[];
}

/** Told as often as others follow, so its words are put together once. */
interface Use {
  readonly task: FileUser;
  readonly told: string;
}

function useOf(task: FileUser, file: string): Use {
  return { task, told: `${quote(task.id)} (${quote(file)})` };
}

function isClash(clashes: readonly Use[], task: FileUser, other: FileUser): boolean {
  if (clashes.some((clash) => clash.task.id === other.id)) return false;
  return !waitsFor(task, other) && !waitsFor(other, task);
}

function overlapFinding({ id, wave, at }: FileUser, clashes: readonly Use[]): Finding {
  let pairs = '';
  for (const { told } of clashes) pairs += pairs === '' ? told : `, ${told}`;
  return finding(
    'file_overlap',
    at,
    `${quote(id)} changes files that others of wave ${wave} change too: ${pairs}. Put them in different waves, or let one wait for the other.`,
  );
}

function waitsFor({ dependsOn }: FileUser, other: FileUser): boolean {
  return dependsOn.length > 0 && dependsOn.some(({ id }) => id === other.id);
}
