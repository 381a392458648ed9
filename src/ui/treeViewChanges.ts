/** What of a workflow is different on the screen, and in which order its tasks stand there. */
import type { Problem, TaskId } from '../core/model';
import {
  tasksDone,
  type TaskOverview,
  type WaveOverview,
  type WorkflowOverview,
} from '../store/overview';

export function taskNodeId(path: string, task: TaskId): string {
  return `task:${path}:${task}`;
}

export function waveNodeId(path: string, wave: number): string {
  return `wave:${path}:${wave}`;
}

/** Ids of the nodes that read otherwise; of a wave only where it reads otherwise itself, or has other tasks. */
export function differences(
  before: WorkflowOverview,
  after: WorkflowOverview,
  nodes: Set<string>,
): void {
  const { path } = after;
  const whole =
    before.id !== after.id ||
    before.name !== after.name ||
    before.valid !== after.valid ||
    before.completed !== after.completed ||
    before.editing !== after.editing ||
    before.wave !== after.wave ||
    before.waveCount !== after.waveCount ||
    before.waves.length !== after.waves.length ||
    before.waves.some(({ number }, index) => number !== after.waves[index]?.number) ||
    !sameErrors(before.problems, after.problems);
  if (whole) {
    nodes.add(`workflow:${path}`);
    return;
  }
  for (const [index, wave] of after.waves.entries()) {
    const was = before.waves[index];
    if (!was || was === wave) continue;
    if (tasksDone(was) !== tasksDone(wave) || !sameTasks(after, was, wave))
      nodes.add(waveNodeId(path, wave.number));
    const olds = new Map(was.tasks.map((task) => [task.id, task]));
    for (const task of wave.tasks) {
      const old = olds.get(task.id);
      if (old && !readsTheSame(old, task)) nodes.add(taskNodeId(path, task.id));
    }
  }
}

function readsTheSame(one: TaskOverview, other: TaskOverview): boolean {
  return (
    one.status === other.status &&
    one.description === other.description &&
    (one.run === null) === (other.run === null)
  );
}

/** In the native file a task moves to another section when its status changes; on the screen it stays where it is. */
function isGrouped({ format }: WorkflowOverview): boolean {
  return format === 'native';
}

function sameTasks(workflow: WorkflowOverview, was: WaveOverview, is: WaveOverview): boolean {
  if (was.tasks.length !== is.tasks.length) return false;
  if (!isGrouped(workflow)) return was.tasks.every(({ id }, place) => is.tasks[place]?.id === id);
  const ids = new Set(was.tasks.map(({ id }) => id));
  return is.tasks.every(({ id }) => ids.has(id));
}

/** Only these are shown. */
function sameErrors(one: readonly Problem[], other: readonly Problem[]): boolean {
  if (one === other) return true;
  const [was, is] = [one, other].map((problems) =>
    problems
      .filter(({ severity }) => severity === 'error')
      .map(({ code, line, message }) => `${code}\0${line}\0${message}`)
      .join('\n'),
  );
  return was === is;
}

const collator = new Intl.Collator(undefined, { numeric: true });

/** Where each task stands on the screen: by its id where the file groups by status, else as the file has it. */
export class TaskOrder {
  readonly #orders = new Map<string, readonly TaskId[]>();
  readonly #ordered = new WeakMap<WaveOverview, readonly TaskOverview[]>();

  of(workflow: WorkflowOverview, wave: WaveOverview): readonly TaskOverview[] {
    if (!isGrouped(workflow)) return wave.tasks;
    const known = this.#ordered.get(wave);
    if (known) return known;
    const tasks = new Map(wave.tasks.map((task) => [task.id, task]));
    const key = waveNodeId(workflow.path, wave.number);
    let order = this.#orders.get(key) ?? [];
    if (order.length !== tasks.size || !order.every((id) => tasks.has(id))) {
      order = [...tasks.keys()].sort((a, b) => collator.compare(a, b));
      this.#orders.set(key, order);
    }
    const ordered = order.flatMap((id) => tasks.get(id) ?? []);
    this.#ordered.set(wave, ordered);
    return ordered;
  }
}
