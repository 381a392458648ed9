/** The states that the panel is looked at in. */
import type { PanelState, PanelTask, PanelWave, PanelWorkflow } from '../../src/shared/protocol';

type Run = NonNullable<PanelTask['run']>['status'];

function task(
  id: string,
  description: string,
  said: { box?: PanelTask['status']; run?: Run; attempt?: number } = {},
): PanelTask {
  return {
    id,
    description,
    status: said.box ?? 'todo',
    run: said.run ? { id: `run-${id}`, status: said.run, attempt: said.attempt ?? 1 } : null,
  };
}

const done = (id: string, description: string) => task(id, description, { box: 'done' });

const ledgerWaves: PanelWave[] = [
  {
    number: 1,
    tasks: [
      done('1-01', 'Chart of accounts schema'),
      done('1-02', 'Money type with currency'),
      done('1-03', 'Journal table and its indexes'),
      done('1-04', 'Seed data for tests'),
      done('1-05', 'Migration runner'),
      done('1-06', 'Continuous integration'),
    ],
  },
  {
    number: 2,
    tasks: [
      done('2-01', 'Post journal entries atomically'),
      done('2-02', 'Balance invariant as a database check'),
      task('2-03', 'Reverse and correct a posted entry', { run: 'running' }),
      task('2-04', 'Multi-currency postings with locked rates', { run: 'running', attempt: 2 }),
      task('2-05', 'Import bank statements (CAMT.053, MT940, CSV) with resumable batches', {
        box: 'doing',
      }),
      task('2-06', 'Property tests for posting order', { run: 'queued', attempt: 2 }),
      task('2-07', 'Snapshot balances nightly without blocking writers', {
        run: 'error',
        attempt: 3,
      }),
      task('2-08', 'Outbox publisher for ledger events', { run: 'lost' }),
      task('2-09', 'Close an accounting period'),
      task('2-10', 'Ledger read API with cursors', { run: 'queued' }),
      task('2-11', 'Load test at one million postings', { run: 'killed' }),
      task('2-12', 'Rounding policy document', { run: 'completed' }),
      task('2-13', 'Archive the old importer', { run: 'cancelled' }),
      task('2-14', 'Import opening balances', { box: 'failed' }),
    ],
  },
  {
    number: 3,
    tasks: [
      task('3-01', 'Match statement lines to postings'),
      task('3-02', 'Suspense account workflow'),
      task('3-03', 'FX gain and loss at period end', { run: 'queued' }),
      task('3-04', 'Trial balance report'),
      task('3-05', 'Period close checklist'),
    ],
  },
  {
    number: 4,
    tasks: [
      task('4-01', 'Dual-write switch with comparison'),
      task('4-02', 'Backfill 2019–2025 in batches'),
      task('4-03', 'Freeze the legacy ledger'),
      task('4-04', 'Cut-over rehearsal on a copy'),
    ],
  },
  {
    number: 5,
    tasks: [
      task('5-01', 'Drop legacy tables'),
      task('5-02', 'Remove the dual write'),
      task('5-03', 'Hand-over notes'),
    ],
  },
];

const ledger: PanelWorkflow = {
  key: 'ledger#STATE.md',
  id: 'ledger-double-entry',
  name: 'Double-entry ledger migration',
  file: 'STATE.md',
  wave: 2,
  waveCount: 5,
  completed: false,
  waves: ledgerWaves,
  errors: [],
  holder: null,
};

const finish = (wave: PanelWave): PanelWave => ({
  ...wave,
  tasks: wave.tasks.map((it) => ({
    ...it,
    status: 'done',
    run: it.run && { ...it.run, status: 'completed' },
  })),
});

const ready: PanelWorkflow = {
  ...ledger,
  waves: ledger.waves.map((wave) => (wave.number === 2 ? finish(wave) : wave)),
};

const site: PanelWorkflow = {
  key: 'site#docs/STATE.md',
  id: 'docs-site',
  name: 'Documentation site',
  file: 'docs/STATE.md',
  wave: 0,
  waveCount: 2,
  completed: false,
  waves: [
    {
      number: 1,
      tasks: [task('a', 'Choose a generator'), task('b', 'Write the first page')],
    },
    { number: 2, tasks: [task('c', 'Publish')] },
  ],
  errors: [],
  holder: null,
};

const long =
  'An improbably long name that somebody pasted from a ticket and never shortened, '.repeat(3);

const live = (...workflows: PanelWorkflow[]): PanelState => ({
  store: { state: 'live', seq: 4812 },
  workflows,
});

export const states = {
  normal: live({
    ...ledger,
    holder: { name: 'terminal-1', since: Date.UTC(2026, 10, 21, 14, 2), mine: false },
  }),
  ready: live({
    ...ready,
    holder: { name: 'ada', since: Date.UTC(2026, 10, 21, 14, 2), mine: true },
  }),
  notStarted: live(site),
  several: live(ledger, site),
  empty: live(),
  opening: { store: { state: 'opening' }, workflows: [] },
  untrusted: { store: { state: 'untrusted' }, workflows: [] },
  restricted: { store: { state: 'untrusted' }, workflows: [ledger] },
  failed: {
    store: {
      state: 'failed',
      code: 'store_damaged',
      message: 'Page 214 of .wavelock/store.db failed its check.',
    },
    workflows: [ledger],
  },
  failedEmpty: {
    store: { state: 'failed', code: 'store_busy', message: 'The store could not be opened.' },
    workflows: [],
  },
  invalid: live({
    ...ledger,
    errors: [
      { line: 11, code: 'duplicate_task', message: 'Task 2-04 appears twice in wave 2.' },
      {
        line: 27,
        code: 'unknown_dependency',
        message: 'Task 3-02 depends on 9-99, which no wave has.',
      },
      { line: 40, code: 'wave_order', message: 'Wave 4 comes before wave 3.' },
    ],
  }),
  unreadable: live({
    ...ledger,
    id: null,
    name: 'STATE.md',
    wave: 0,
    waveCount: 0,
    waves: [],
    errors: [{ line: 0, code: 'no_workflow', message: 'The file names no workflow.' }],
  }),
  completed: live({
    ...ledger,
    wave: 5,
    completed: true,
    waves: ledger.waves.map(finish),
  }),
  large: live({
    ...ledger,
    waves: ledger.waves.map((wave) =>
      wave.number === 2
        ? {
            number: 2,
            tasks: Array.from({ length: 300 }, (_, index) =>
              task(`2-${String(index + 1).padStart(3, '0')}`, `Convert call site ${index + 1}`, {
                run: (['queued', 'running', 'completed', 'error'] as const)[index % 4]!,
              }),
            ),
          }
        : wave,
    ),
  }),
  hostile: live({
    ...ledger,
    id: long.replaceAll(' ', '-'),
    name: '<img src=x onerror="window.ran=1">' + long,
    waves: ledger.waves.map((wave) => ({
      ...wave,
      tasks: wave.tasks.map((it, index) => ({
        ...it,
        id: index === 0 ? '<script>window.ran=1</script>' : `${it.id}-${long}`,
        description: `<img src=x onerror="window.ran=1"> ${long}`,
      })),
    })),
    holder: { name: `<b onclick="window.ran=1">${long}`, since: 0, mine: false },
  }),
} satisfies Record<string, PanelState>;

export type StateName = keyof typeof states;
