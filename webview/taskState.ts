/** What a task's box and its newest run come to: one state, with the glyph, hue and word that show it. */
import type { PanelTask, PanelWave } from '../src/shared/protocol';
import type { words } from './words';

export type TaskState = keyof typeof words.state;

/** Answers "what keeps this wave from advancing?", so it is also the order on the board. */
export type TaskGroup = keyof typeof words.group;
export const taskGroups = [
  'attention',
  'active',
  'waiting',
  'completed',
] as const satisfies readonly TaskGroup[];

interface StateLook {
  readonly glyph: string;
  readonly group: TaskGroup;
}

export const stateLooks: { readonly [State in TaskState]: StateLook } = {
  error: { glyph: 'error', group: 'attention' },
  failed: { glyph: 'error', group: 'attention' },
  killed: { glyph: 'stop-circle', group: 'attention' },
  lost: { glyph: 'debug-disconnect', group: 'attention' },
  cancelled: { glyph: 'circle-slash', group: 'attention' },
  running: { glyph: 'play-circle', group: 'active' },
  doing: { glyph: 'play-circle', group: 'active' },
  queued: { glyph: 'circle-large-outline', group: 'waiting' },
  pending: { glyph: 'issue-draft', group: 'waiting' },
  completed: { glyph: 'pass', group: 'completed' },
};

/** In the order of the board. */
export const taskStates = Object.keys(stateLooks) as readonly TaskState[];

/**
 * A run at work is at work, whatever the box says. Otherwise a box that somebody has moved is a statement
 * about the task, and an empty one says nothing against a run.
 */
export function taskState(task: PanelTask): TaskState {
  if (task.run?.status === 'running') return 'running';
  switch (task.status) {
    case 'done':
      return 'completed';
    case 'failed':
      return 'failed';
    case 'doing':
      return 'doing';
    case 'todo':
      return task.run?.status ?? 'pending';
  }
}

/** A run that has completed does not tick the box, and only the box closes a task: the file is the record. */
export const isUnticked = (task: PanelTask) =>
  taskState(task) === 'completed' && task.status !== 'done';

/** `completed` are the tasks that do not keep the wave from advancing; the others are all that do. */
export interface WaveCount {
  readonly all: number;
  readonly completed: number;
  readonly running: number;
  readonly waiting: number;
  readonly ended: number;
  readonly unticked: number;
}

const countOf = {
  attention: 'ended',
  active: 'running',
  waiting: 'waiting',
  completed: 'completed',
} as const satisfies Record<TaskGroup, keyof WaveCount>;

export function countWave(wave: PanelWave | undefined): WaveCount {
  const tasks = wave?.tasks ?? [];
  const count = { completed: 0, running: 0, waiting: 0, ended: 0, unticked: 0 };
  for (const task of tasks) {
    const { group } = stateLooks[taskState(task)];
    count[isUnticked(task) ? 'unticked' : countOf[group]] += 1;
  }
  return { all: tasks.length, ...count };
}
