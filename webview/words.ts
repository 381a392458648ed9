/** Everything the panel says, in one place so that it can be localised later. */

const digits = new Intl.NumberFormat('en');
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

const counted = (count: number, one: string, many: string) =>
  `${digits.format(count)} ${count === 1 ? one : many}`;
const tasks = (count: number) => counted(count, 'task', 'tasks');

export const words = {
  panel: 'Run state',
  advance: 'Advance Wave',
  current: 'Current',
  startsNext: 'Not started',

  state: {
    pending: 'Pending',
    queued: 'Queued',
    running: 'Running',
    doing: 'In progress',
    completed: 'Completed',
    error: 'Error',
    failed: 'Failed',
    killed: 'Killed',
    cancelled: 'Cancelled',
    lost: 'Lost',
  },
  group: {
    attention: 'Needs attention',
    active: 'In progress',
    waiting: 'Waiting',
    completed: 'Completed',
  },
  unticked: 'Completed, not ticked',
  attempt: (attempt: number) => `Attempt ${digits.format(attempt)}`,

  live: {
    opening: 'Opening',
    live: 'Following',
    failed: 'Store failed',
    untrusted: 'Restricted',
  },
  seq: (seq: number) => `seq ${digits.format(seq)}`,

  number: (value: number) => digits.format(value),
  wave: (wave: number) => `Wave ${digits.format(wave)}`,
  waveOf: (wave: number, waveCount: number) =>
    `Wave ${digits.format(wave)}/${digits.format(waveCount)}`,
  share: (completed: number, all: number) => `${digits.format(completed)}/${digits.format(all)}`,
  tasks: (completed: number, all: number) =>
    `${digits.format(completed)}/${all === 1 ? '1 task' : `${digits.format(all)} tasks`}`,
  progress: (waves: readonly { number: number; completed: number; all: number }[]) =>
    waves.map((wave) => `wave ${wave.number}: ${wave.completed} of ${wave.all}`).join(', '),
  /** After a folded wave's name and numbers, for those who do not see that it is folded. */
  showTasks: 'completed: show its tasks',
  foldWave: (wave: number) => `Fold wave ${digits.format(wave)}`,
  noTasks: 'No tasks',
  workflows: (count: number) => counted(count, 'workflow', 'workflows'),
  openFile: (file: string) => `Open ${file}`,

  held: (name: string) => `Held by ${name}`,
  heldByYou: 'Held by you',
  since: (time: number) => `since ${clock.format(time)}`,

  /** Why Advance Wave is off, or what it stands on when it is on. */
  reason: {
    opening: 'The store is still opening',
    failed: 'Writes are off: the store failed',
    untrusted: 'Writes are off: this workspace is not trusted',
    invalid: (file: string, count: number) =>
      `${file} has ${counted(count, 'error', 'errors')}; nothing is advanced until ${count === 1 ? 'it is' : 'they are'} fixed`,
    completed: 'The workflow is completed',
    advancing: 'Advancing…',
    incomplete: (
      wave: number,
      open: { running: number; waiting: number; ended: number; unticked: number },
    ) => {
      const all = open.running + open.waiting + open.ended + open.unticked;
      const parts = [
        [open.running, 'running'],
        [open.waiting, 'waiting'],
        [open.ended, 'ended otherwise'],
        [open.unticked, 'not ticked in the file'],
      ] as const;
      const said = parts.flatMap(([count, word]) =>
        count > 0 ? [`${digits.format(count)} ${word}`] : [],
      );
      const verb = all === 1 ? 'is' : 'are';
      return `${tasks(all)} of wave ${digits.format(wave)} ${verb} not completed: ${said.join(', ')}`;
    },
    first: 'Starts wave 1',
    ready: (wave: number, all: number) => {
      const name = `wave ${digits.format(wave)}`;
      if (all === 0) return `Nothing in ${name} is left to do`;
      return all === 1
        ? `The one task of ${name} is completed`
        : `All ${tasks(all)} of ${name} are completed`;
    },
    last: (all: number) =>
      `${all === 1 ? 'The one task' : `All ${tasks(all)}`} of the last wave ${all === 1 ? 'is' : 'are'} completed; advancing completes the workflow`,
    refused: 'The wave was not advanced',
  },

  said: {
    advanced: (name: string, wave: number, waveCount: number) =>
      `${name} advanced to wave ${digits.format(wave)} of ${digits.format(waveCount)}`,
    completed: (name: string) => `${name} is completed`,
    moved: (task: string, state: string) => `${task}: ${state}`,
    opening: 'Opening the store',
  },

  failed: { title: 'The store failed.', note: 'Nothing is written until it works again.' },
  untrusted: {
    title: 'This workspace is not trusted',
    note: 'Wavelock keeps no state and writes nothing here until you trust the workspace.',
  },
  empty: {
    title: 'No workflow in this folder yet',
    before: 'Wavelock reads waves and tasks from ',
    file: 'STATE.md',
    after: ' and shows here who runs what. As soon as the folder has one, it appears.',
  },
  emptyFailed: { title: 'Nothing to show' },
  completed: {
    title: 'Workflow completed',
    note: (completed: number, all: number, waves: number) =>
      `${digits.format(completed)} of ${tasks(all)} completed in ${counted(waves, 'wave', 'waves')}.`,
  },
  problems: (file: string, count: number) => `${file}: ${counted(count, 'error', 'errors')}`,
  /** The protocol counts lines from zero, people from one. */
  line: (line: number) => `Line ${digits.format(line + 1)}`,
};
