/** Plans of workflow files, and what is asked of them. */
import type { AdvanceWave, Plan, RunRow, RunStatus, TaskStatus } from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';

/** Tasks are called `wave-position`: `1-1`, `1-2`, `2-1`. */
export function planOf(
  wave: number,
  waves: readonly (readonly TaskStatus[])[],
  dependsOn: Readonly<Record<string, readonly string[]>> = {},
): Plan {
  return {
    id: 'wf' as never,
    name: 'Workflow',
    wave,
    waveCount: waves.length,
    waves: waves.map((tasks, index) => ({
      number: index + 1,
      tasks: tasks.map((status, position) => {
        const id = `${index + 1}-${position + 1}`;
        return {
          id: id as never,
          description: `Task ${id}`,
          status,
          dependsOn: (dependsOn[id] ?? []) as never,
          line: 0,
        };
      }),
    })),
  };
}

export function advanceOf(plan: Plan): AdvanceWave {
  return {
    kind: 'wave.advance',
    plan,
    file: 'STATE.md' as never,
    worktree: '',
    write: { base: 'base' as never, target: 'target' as never, updated: '2026-01-02 03:04:05' },
  };
}

export function taskRun(id: string, task: string, status: RunStatus): RunRow {
  return newRun(
    {
      id: id as never,
      title: task,
      status,
      workflow: 'wf' as never,
      wave: Number(task.split('-')[0]),
      task: task as never,
    },
    { now: 0 },
  );
}
