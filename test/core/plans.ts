/** Plans of workflow files, and what is asked of them. */
import type {
  AdvanceWave,
  FileSight,
  Plan,
  RunRow,
  RunStatus,
  TaskStatus,
} from '../../src/core/model';
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

export function sightOf(
  { id: workflow, name, wave, waveCount }: Omit<Plan, 'waves'>,
  fields: Partial<FileSight> = {},
): FileSight {
  return {
    ...{ workflow, name, wave, waveCount },
    file: 'STATE.md' as never,
    worktree: '',
    hash: 'base' as never,
    head: null,
    editing: 'full',
    ...fields,
  };
}

export function advanceOf(plan: Plan, sight: Partial<FileSight> = {}): AdvanceWave {
  return { kind: 'wave.advance', plan, sight: sightOf(plan, sight) };
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
