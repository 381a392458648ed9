/**
 * What taking back means, said as plainly as can be: a book of what was done, of which entries are struck out. Nothing
 * here knows events, promises or operations.
 */
import type { TaskStatus } from '../../src/core/model';

export const waveTasks = [
  ['1-1', '1-2'],
  ['2-1', '2-2'],
  ['3-1', '3-2'],
] as const;
export const everyTask: readonly string[] = waveTasks.flat();

type Entry = { readonly who: string; struck: boolean } & (
  | {
      readonly did: 'set';
      readonly task: string;
      readonly from: TaskStatus;
      readonly spared: boolean;
    }
  | { readonly did: 'note' }
  | { readonly did: 'advance'; readonly made: readonly string[] }
  | { readonly did: 'complete' }
  /** A run that went on, which nobody takes back. */
  | { readonly did: 'work'; readonly task: string }
);

export type Said = 'granted' | 'conflict' | 'invalid_transition' | 'task_busy';

export class Book {
  readonly statuses = new Map<string, TaskStatus>(everyTask.map((task) => [task, 'todo']));
  /** Of each task's newest run; none before its wave has begun. */
  readonly runs = new Map<string, 'queued' | 'running' | 'completed' | 'gone'>();
  wave = 0;
  completed = false;
  readonly #entries: Entry[] = [];

  set(who: string, task: string, to: TaskStatus): Said {
    if (this.runs.get(task) === 'running') return 'task_busy';
    const spared = to === 'done' && this.runs.get(task) === 'queued';
    if (spared) this.runs.set(task, 'gone');
    this.#entries.push({ who, struck: false, did: 'set', task, from: this.#status(task), spared });
    this.statuses.set(task, to);
    return 'granted';
  }

  note(who: string): Said {
    this.#entries.push({ who, struck: false, did: 'note' });
    return 'granted';
  }

  advance(who: string): Said {
    if (this.completed) return 'invalid_transition';
    if (this.wave === waveTasks.length) {
      this.completed = true;
      this.#entries.push({ who, struck: false, did: 'complete' });
      return 'granted';
    }
    const made = (waveTasks[this.wave] ?? []).filter(
      (task) => this.#status(task) !== 'done' && [undefined, 'gone'].includes(this.runs.get(task)),
    );
    this.wave += 1;
    for (const task of made) this.runs.set(task, 'queued');
    this.#entries.push({ who, struck: false, did: 'advance', made });
    return 'granted';
  }

  /** @returns whether there was a run to claim */
  claim(who: string, task: string): boolean {
    if (this.runs.get(task) !== 'queued') return false;
    this.#work(who, task, 'running', 'doing');
    return true;
  }

  complete(who: string, task: string): boolean {
    if (this.runs.get(task) !== 'running') return false;
    this.#work(who, task, 'completed', 'done');
    return true;
  }

  undo(who: string): Said {
    const entry = this.#entries.findLast(
      (each) => each.who === who && !each.struck && each.did !== 'work',
    );
    if (!entry) return 'invalid_transition';
    const since = this.#entries.slice(this.#entries.indexOf(entry) + 1);
    const stands = since.filter(({ struck }) => !struck);
    const moved = stands.some(({ did }) => did === 'advance' || did === 'complete');
    const touched = (tasks: readonly string[]): boolean =>
      stands.some((each) => 'task' in each && tasks.includes(each.task));
    switch (entry.did) {
      case 'set':
        if (this.runs.get(entry.task) === 'running') return 'task_busy';
        if (moved || touched([entry.task])) return 'conflict';
        this.statuses.set(entry.task, entry.from);
        if (entry.spared) this.runs.set(entry.task, 'queued');
        break;
      case 'advance':
        if (moved || touched(waveTasks[this.wave - 1] ?? [])) return 'conflict';
        for (const task of entry.made) this.runs.set(task, 'gone');
        this.wave -= 1;
        break;
      case 'complete':
        if (moved) return 'conflict';
        this.completed = false;
        break;
      case 'note':
      case 'work':
        break;
    }
    entry.struck = true;
    return 'granted';
  }

  #work(who: string, task: string, run: 'running' | 'completed', status: TaskStatus): void {
    this.runs.set(task, run);
    this.statuses.set(task, status);
    this.#entries.push({ who, struck: false, did: 'work', task });
  }

  #status(task: string): TaskStatus {
    return this.statuses.get(task) ?? 'todo';
  }
}
