/** For files that state no wave of their own. */
import type { TaskStatus } from '../core/model';

interface WaveOfTasks {
  readonly number: number;
  readonly tasks: readonly { readonly status: TaskStatus }[];
  /** What its heading says, if anything. */
  readonly begun?: boolean;
}

/**
 * The first wave that is not done, if it has begun, or else the one before it: nobody has advanced yet. Takes
 * waves in order; empty ones are passed.
 */
export function waveUnderWay(waves: readonly WaveOfTasks[]): number {
  let before = 0;
  for (const { number, tasks, begun } of waves) {
    const open = tasks.some(({ status }) => status !== 'done');
    if (open) {
      const started = begun === true || tasks.some(({ status }) => status !== 'todo');
      return started ? number : before;
    }
    if (tasks.length > 0) before = number;
  }
  return before;
}
