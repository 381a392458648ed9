/** The states that the panel is looked at in. Long because each is written out as a person would meet it. */
import type {
  PanelAgent,
  PanelEvent,
  PanelLock,
  PanelRun,
  PanelStore,
  PanelTask,
  PanelWaiter,
  PanelWorkflow,
} from '../../src/shared/protocol';
import { ago, lock, recordedAt, run, task, type Recorded } from './recorded';

const store: PanelStore = {
  key: '/work/ledger/.wavelock',
  name: 'ledger',
  state: 'live',
  seq: 4812,
  code: null,
  message: null,
  warnings: [],
};
const file = '/work/ledger/STATE.md';
const workflowId = 'ledger-double-entry';

const titles = ['Foundation', 'Posting engine', 'Reconciliation', 'Cut-over', 'Clean-up'];
const planned: readonly (readonly [string, string, string?])[] = [
  ['1-01', 'Chart of accounts schema'],
  ['1-02', 'Money type with currency', '1-01'],
  ['1-03', 'Journal table and its indexes', '1-01'],
  ['1-04', 'Seed fixtures from a production extract', '1-03'],
  ['1-05', 'Idempotency keys'],
  ['1-06', 'Continuous integration on three platforms'],
  ['2-01', 'Post journal entries atomically', '1-03'],
  ['2-02', 'Balance invariant as a database check', '1-03'],
  ['2-03', 'Reverse and correct a posted entry', '2-01'],
  ['2-04', 'Multi-currency postings with locked rates', '1-02'],
  ['2-05', 'Import bank statements (CAMT.053, MT940, CSV) with resumable batches', '1-05'],
  ['2-06', 'Property tests for posting order', '1-06'],
  ['2-07', 'Snapshot balances nightly without blocking writers', '1-03'],
  ['2-08', 'Outbox publisher for ledger events', '2-01'],
  ['2-09', 'Close an accounting period', '2-08'],
  ['2-10', 'Ledger read API with cursors', '2-01'],
  ['2-11', 'Load test at one million postings', '1-06'],
  ['2-12', 'Rounding policy document', '1-02'],
  ['2-13', 'Archive the old importer'],
  ['2-14', 'Import opening balances', '2-01'],
  ['3-01', 'Match statement lines to postings', '2-05'],
  ['3-02', 'Suspense account workflow', '2-05'],
  ['3-03', 'FX gain and loss at period end', '2-04'],
  ['3-04', 'Trial balance report', '2-10'],
  ['3-05', 'Period close checklist', '2-09'],
  ['4-01', 'Dual-write switch with comparison', '3-01'],
  ['4-02', 'Backfill 2019–2025 in batches', '3-02'],
  ['4-03', 'Freeze the legacy ledger', '3-05'],
  ['4-04', 'Cut-over rehearsal on a copy', '3-04'],
  ['5-01', 'Drop legacy tables', '4-03'],
  ['5-02', 'Remove the dual write', '4-01'],
  ['5-03', 'Hand-over notes', '4-04'],
];
const boxes: Readonly<Record<string, PanelTask['status']>> = {
  '2-01': 'done',
  '2-02': 'done',
  '2-14': 'failed',
};

const tasks: readonly PanelTask[] = planned.map(([id, title, needs], order) =>
  task(id, title, order, {
    wave: Number(id[0]),
    status: id.startsWith('1') ? 'done' : (boxes[id] ?? 'todo'),
    needs: needs === undefined ? [] : [needs],
  }),
);

const ofTask = (id: string, fields: Partial<PanelRun> = {}): PanelRun =>
  run({
    id: `run_${id.replace('-', '')}${String(fields.attempt ?? 1)}abcd`.slice(0, 14),
    title: planned.find(([each]) => each === id)?.[1] ?? id,
    workflow: workflowId,
    wave: Number(id[0]),
    task: id,
    ...fields,
  });

/** Attempts of one chain, oldest first. */
function attempts(id: string, each: readonly Partial<PanelRun>[]): PanelRun[] {
  const runs: PanelRun[] = [];
  for (const [index, fields] of each.entries()) {
    const attempt = index + 1;
    const made = ofTask(id, { maxAttempts: 3, ...fields, attempt });
    runs.push({ ...made, root: runs[0]?.id ?? made.id });
  }
  return runs;
}

const lost2_08 = ofTask('2-08', {
  status: 'lost',
  agent: 'codex-main',
  host: 'ada-laptop',
  startedAt: ago(31, 31),
  beatAt: ago(26, 11),
  leaseUntil: ago(16, 11),
  endedAt: ago(16, 11),
});

const runs: readonly PanelRun[] = [
  ofTask('2-01', {
    status: 'completed',
    agent: 'claude-term-1',
    host: 'ada-laptop',
    startedAt: ago(58, 11),
    endedAt: ago(34, 9),
  }),
  ofTask('2-02', {
    status: 'completed',
    agent: 'codex-main',
    host: 'ada-laptop',
    startedAt: ago(56, 11),
    endedAt: ago(37, 51),
  }),
  ...attempts('2-03', [
    { status: 'running', agent: 'claude-term-1', host: 'ada-laptop', startedAt: ago(6, 12) },
  ]),
  ...attempts('2-04', [
    {
      status: 'lost',
      agent: 'mcp-copilot',
      startedAt: ago(45),
      beatAt: ago(37),
      endedAt: ago(29),
      leaseUntil: ago(29),
    },
    { status: 'running', agent: 'mcp-copilot', createdAt: ago(29), startedAt: ago(11, 40) },
  ]),
  ...attempts('2-05', [
    {
      status: 'running',
      agent: 'worker-ci-02',
      host: 'ada-laptop',
      startedAt: ago(15, 8),
      beatAt: ago(3, 48),
      leaseMs: 60_000,
      leaseUntil: ago(2, 48),
    },
  ]),
  ...attempts('2-06', [
    {
      status: 'error',
      agent: 'worker-ci-02',
      startedAt: ago(31, 11),
      endedAt: ago(16, 11),
      errorCode: 'exit',
      why: 'exit 101',
    },
    { createdAt: ago(16, 11), notBefore: recordedAt + 42_000, agent: null },
  ]),
  ...attempts('2-07', [
    { status: 'error', startedAt: ago(26, 11), endedAt: ago(21, 41), why: 'exit 1' },
    { status: 'error', startedAt: ago(20, 11), endedAt: ago(16, 1), why: 'exit 1' },
    { status: 'error', startedAt: ago(13, 11), endedAt: ago(4, 20), why: 'exit 1' },
  ]),
  lost2_08,
  ofTask('2-09', { createdAt: ago(16, 11), needs: [lost2_08.id], unmet: [lost2_08.id] }),
  ofTask('2-10', { priority: 5 }),
  ofTask('2-11', {
    status: 'killed',
    startedAt: ago(57, 11),
    endedAt: ago(27, 11),
    errorCode: 'timeout',
    why: 'It ran longer than its limit of 30 minutes.',
  }),
  ofTask('2-12', {
    status: 'completed',
    agent: 'mcp-copilot',
    startedAt: ago(54),
    endedAt: ago(46, 55),
  }),
  ofTask('2-13', { status: 'cancelled', endedAt: ago(5), why: 'Not needed any more' }),
];

const agents: readonly PanelAgent[] = (
  [
    ['claude-term-1', 'terminal', 'ada-laptop'],
    ['codex-main', 'terminal', 'ada-laptop'],
    ['worker-ci-01', 'worker', 'build-02'],
    ['worker-ci-02', 'worker', 'ada-laptop'],
    ['mcp-copilot', 'mcp', 'ada-laptop'],
    ['window:ada-laptop:4f21c0', 'window', 'ada-laptop'],
  ] as const
).map(([id, kind, host]) => ({ id, kind, host, description: '', seenAt: ago(0, 20) }));

const locks: readonly PanelLock[] = [
  lock({
    id: 'lck_camt',
    resource: 'src/import/camt.ts',
    agent: 'worker-ci-02',
    since: ago(15, 6),
    expiresAt: ago(0, 48),
  }),
  lock({ id: 'lck_rev', resource: 'src/posting/reverse.ts', agent: 'claude-term-1' }),
  lock({
    id: 'lck_fx',
    resource: 'glob:src/fx/**',
    agent: 'mcp-copilot',
    since: ago(11, 38),
    expiresAt: recordedAt + 1_102_000,
  }),
  lock({
    id: 'lck_mig',
    resource: 'glob:db/migrations/**',
    mode: 'read',
    agent: 'codex-main',
    since: ago(2, 1),
    expiresAt: recordedAt + 240_000,
  }),
  lock({
    id: 'lck_api',
    resource: 'src/api/ledger.ts#getBalance',
    kind: 'symbol',
    agent: 'window:ada-laptop:4f21c0',
    mine: true,
    since: ago(2),
    expiresAt: recordedAt + 28 * 60_000,
  }),
  lock({
    id: 'lck_doc',
    resource: 'docs/posting/rounding-and-reversal-rules-for-period-end.md',
    mode: 'read',
    agent: 'window:ada-laptop:4f21c0',
    mine: true,
    since: ago(0, 48),
    expiresAt: recordedAt + 29 * 60_000 + 12_000,
  }),
  lock({
    id: 'guard:STATE.md',
    resource: 'STATE.md',
    kind: 'guard',
    agent: 'claude-term-1',
    since: ago(0, 1),
    expiresAt: null,
    ttlMs: 0,
  }),
];

const waiter = (
  id: string,
  agent: string,
  resource: string,
  on: string[],
  fields: Partial<PanelWaiter> = {},
): PanelWaiter => ({
  id,
  agent,
  since: ago(4, 31),
  offerUntil: null,
  wants: [{ resource, mode: 'write' }],
  on,
  ...fields,
});

const waiters: readonly PanelWaiter[] = [
  waiter('w1', 'claude-term-1', 'src/import/camt.ts', ['lck_camt']),
  waiter('w2', 'codex-main', 'src/posting/reverse.ts', ['lck_rev']),
  waiter('w3', 'worker-ci-01', 'src/posting/reverse.ts', ['lck_rev']),
  waiter('w4', 'worker-ci-01', 'db/migrations/0042.sql', ['lck_mig']),
  waiter('w5', 'mcp-copilot', 'src/outbox/publisher.ts', [], { offerUntil: recordedAt + 7_000 }),
];

const happenings: readonly (readonly [string, string, string, PanelEvent['facts']])[] = [
  ['agent.seen', 'window:ada-laptop:4f21c0', '', {}],
  ['run.beat', 'worker-ci-01', '2-03', { until: recordedAt + 200_000 }],
  ['lock.queued', 'claude-term-1', '', { resource: 'src/import/camt.ts' }],
  [
    'lock.refreshed',
    'mcp-copilot',
    'glob:src/fx/**',
    { mode: 'write', token: 309, until: recordedAt + 1_102_000 },
  ],
  [
    'lock.acquired',
    'window:ada-laptop:4f21c0',
    'docs/posting/rounding-and-reversal-rules-for-period-end.md',
    { mode: 'read', token: 318, until: recordedAt + 1_752_000 },
  ],
  [
    'lock.expired',
    'window:ada-laptop:4f21c0',
    'src/legacy/export.ts',
    { holder: 'codex-main', rule: 'same-boot' },
  ],
  [
    'run.failed',
    'worker-ci-01',
    '2-07',
    { attempt: 3, maxAttempts: 3, tookMs: 531_000, why: 'exit 1' },
  ],
  ['file.written', 'worker-ci-01', 'STATE.md', {}],
  [
    'run.cancelled',
    'window:ada-laptop:4f21c0',
    '2-13',
    { attempt: 1, maxAttempts: 1, why: 'Not needed any more' },
  ],
  ['run.claimed', 'claude-term-1', '2-03', { attempt: 1, maxAttempts: 3 }],
  [
    'run.retried',
    'worker-ci-02',
    '2-06',
    { attempt: 2, notBefore: recordedAt + 42_000, by: 'rule' },
  ],
  [
    'run.lost',
    'window:ada-laptop:4f21c0',
    '2-08',
    { attempt: 1, maxAttempts: 1, rule: 'process-gone', process: 'gone', host: 'ada-laptop' },
  ],
  ['file.imported', 'window:ada-laptop:4f21c0', 'STATE.md', { added: 1, removed: 0, modified: 2 }],
  [
    'run.killed',
    'worker-ci-01',
    '2-11',
    {
      attempt: 1,
      maxAttempts: 1,
      code: 'timeout',
      why: 'It ran longer than its limit of 30 minutes.',
    },
  ],
  ['run.completed', 'claude-term-1', '2-01', { attempt: 1, maxAttempts: 1, tookMs: 1_442_000 }],
  ['task.changed', 'claude-term-1', '2-01', { was: 'todo', status: 'done', commit: '7c31f0a' }],
  [
    'note.added',
    'window:ada-laptop:4f21c0',
    workflowId,
    { why: 'Rates are locked at booking time.' },
  ],
  ['workflow.advanced', 'window:ada-laptop:4f21c0', workflowId, { from: 1, to: 2 }],
];

const events = (seq: number): PanelEvent[] =>
  Array.from({ length: seq }, (_, index) => {
    const back = seq - 1 - index;
    const [kind, agent, subject, facts] = happenings[back % happenings.length]!;
    return {
      seq: index + 1,
      at: recordedAt - back * 17_000,
      kind,
      agent,
      subject,
      run: null,
      facts,
    };
  });

const ledger: PanelWorkflow = {
  key: file,
  store: store.key,
  id: workflowId,
  name: 'Double-entry ledger migration',
  file: 'STATE.md',
  folder: 'ledger',
  wave: 2,
  waveCount: 5,
  completed: false,
  editing: 'full',
  waves: titles.map((title, index) => ({ number: index + 1, title })),
  errors: [],
  holder: null,
};

const base: Recorded = {
  stores: [store],
  workflows: [ledger],
  tasks: { [file]: tasks },
  runs: { [store.key]: runs },
  locks: { [store.key]: locks },
  waiters: { [store.key]: waiters },
  agents: { [store.key]: agents },
  events: { [store.key]: events(store.seq) },
};

const finished = (wave: number): Recorded => ({
  ...base,
  tasks: {
    [file]: tasks.map((it) => (it.wave <= wave ? { ...it, status: 'done' } : it)),
  },
  runs: {
    [store.key]: runs.map((it) =>
      (it.wave ?? 0) <= wave
        ? {
            ...it,
            status: 'completed',
            endedAt: it.endedAt ?? ago(1),
            startedAt: it.startedAt ?? ago(9),
            unmet: [],
          }
        : it,
    ),
  },
});

const failing = (fields: Partial<PanelStore>): PanelStore => ({
  ...store,
  state: 'failed',
  code: 'store_damaged',
  message: 'Page 214 of .wavelock/store.db failed its check.',
  ...fields,
});

const siteStore: PanelStore = { ...store, key: '/work/site/.wavelock', name: 'site', seq: 12 };
const site: PanelWorkflow = {
  ...ledger,
  key: '/work/site/docs/STATE.md',
  store: siteStore.key,
  id: 'docs-site',
  name: 'Documentation site',
  file: 'docs/STATE.md',
  folder: 'site',
  wave: 0,
  waveCount: 2,
  waves: [
    { number: 1, title: null },
    { number: 2, title: null },
  ],
};
const siteTasks = [
  task('a', 'Choose a generator', 0),
  task('b', 'Write the first page', 1),
  task('c', 'Publish', 2, { wave: 2, needs: ['b'] }),
];

const long =
  'An improbably long name that somebody pasted from a ticket and never shortened, '.repeat(3);

/** Runs of one wave in every state, most of them waiting or done, as they are in a migration of that size. */
export function many(count: number, wave = 2): Recorded {
  const verbs = [
    'Replace any in',
    'Narrow responses of',
    'Type the call sites in',
    'Generate clients for',
  ];
  const places = [
    'checkout',
    'crm',
    'billing',
    'auth',
    'email',
    'media',
    'search',
    'cart',
    'tax',
    'mail',
  ];
  const names = agents.map(({ id }) => id);
  const statusOf = (index: number): PanelRun['status'] => {
    if (index % 200 === 7) return 'error';
    if (index % 900 === 31) return 'lost';
    if (index % 100 === 3) return 'running';
    return index % 5 < 2 ? 'completed' : 'queued';
  };
  const made = Array.from({ length: count }, (_, index) => {
    const id = `${wave}-${String(index + 1).padStart(4, '0')}`;
    const title = `${verbs[index % 4] ?? ''} packages/${places[index % 10] ?? ''}/src/handlers/${index}.ts`;
    const status = statusOf(index);
    return {
      task: task(id, title, index, { wave, status: status === 'completed' ? 'done' : 'todo' }),
      run: run({
        id: `run_${index.toString(36).padStart(10, '0')}`,
        order: index,
        title,
        status,
        workflow: workflowId,
        wave,
        task: id,
        maxAttempts: 3,
        ...(status === 'queued'
          ? {}
          : {
              agent: names[index % names.length] ?? null,
              startedAt: recordedAt - 60_000 * (5 + (index % 53)),
              endedAt: status === 'running' ? null : recordedAt - 30_000 * (1 + (index % 9)),
              beatAt: recordedAt - 4_000,
              leaseUntil: recordedAt + 26 * 60_000,
            }),
        ...(status === 'error' ? { why: 'exit 2', errorCode: 'exit' } : {}),
      }),
    };
  });
  return {
    ...base,
    workflows: [{ ...ledger, name: 'Typed API migration, whole monorepo', wave }],
    tasks: {
      [file]: [
        ...made.map((each) => each.task),
        ...tasks
          .filter((it) => it.wave !== wave)
          .map((it) => ({ ...it, order: it.order + count, needs: [] })),
      ],
    },
    runs: { [store.key]: made.map((each) => each.run) },
  };
}

/** A chain of tasks, each in need of the one before, over as many waves. */
function deep(depth: number): Recorded {
  return {
    ...base,
    workflows: [
      {
        ...ledger,
        wave: 500,
        waveCount: depth,
        waves: Array.from({ length: depth }, (_, index) => ({ number: index + 1, title: null })),
      },
    ],
    tasks: {
      [file]: Array.from({ length: depth }, (_, index) =>
        task(`t${index + 1}`, `Step ${index + 1}`, index, {
          wave: index + 1,
          status: index < 499 ? 'done' : 'todo',
          needs: index === 0 ? [] : [`t${index}`],
        }),
      ),
    },
    runs: {},
  };
}

const hostileName = `<img src=x onerror="window.ran=1">\u202e${long}`;

export const states = {
  normal: {
    ...base,
    workflows: [{ ...ledger, holder: { name: 'terminal-1', since: ago(60), mine: false } }],
  },
  ready: {
    ...finished(2),
    workflows: [{ ...ledger, holder: { name: 'ada', since: ago(60), mine: true } }],
  },
  notStarted: {
    stores: [siteStore],
    workflows: [site],
    tasks: { [site.key]: siteTasks },
    runs: {},
  },
  several: {
    ...base,
    stores: [store, siteStore],
    workflows: [ledger, site],
    tasks: { [file]: tasks, [site.key]: siteTasks },
  },
  mixed: {
    ...base,
    stores: [
      store,
      {
        ...failing({
          key: siteStore.key,
          name: 'site',
          code: 'store_gone',
          message: 'The folder .wavelock is not there any more.',
        }),
      },
    ],
    workflows: [ledger, site],
    tasks: { [file]: tasks, [site.key]: siteTasks },
  },
  outside: {
    stores: [store],
    workflows: [],
    tasks: {},
    runs: {
      [store.key]: [
        run({
          id: 'run_free000001',
          title: 'Regenerate the API client',
          status: 'running',
          agent: 'codex-main',
        }),
        run({
          id: 'run_free000002',
          title: 'Look through the open issues',
          status: 'error',
          why: 'exit 3',
        }),
        run({ id: 'run_free000003', title: 'Weekly report' }),
      ],
    },
  },
  empty: { stores: [store], workflows: [], tasks: {}, runs: {} },
  fresh: { ...base, runs: {}, locks: {}, waiters: {}, stores: [{ ...store, seq: 0 }], events: {} },
  opening: { stores: [{ ...store, state: 'opening', seq: 0 }], workflows: [], tasks: {}, runs: {} },
  untrusted: { stores: [{ ...store, state: 'untrusted' }], workflows: [], tasks: {}, runs: {} },
  restricted: { ...base, stores: [{ ...store, state: 'untrusted' }], runs: {} },
  warned: {
    ...base,
    stores: [
      {
        ...store,
        warnings: [
          {
            code: 'network_folder',
            message:
              'The store is on a file system of another machine (nfs). It works without a write-ahead log there: slower, and only as safe as the locks of that file system.',
          },
        ],
      },
    ],
  },
  failed: { ...base, stores: [failing({})] },
  failedEmpty: {
    stores: [failing({ code: 'store_busy', message: 'The store could not be opened.' })],
    workflows: [],
    tasks: {},
    runs: {},
  },
  invalid: {
    ...base,
    workflows: [
      {
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
      },
    ],
  },
  unreadable: {
    ...base,
    workflows: [
      {
        ...ledger,
        id: null,
        name: 'STATE.md',
        wave: 0,
        waveCount: 0,
        waves: [],
        errors: [{ line: 0, code: 'no_workflow', message: 'The file names no workflow.' }],
      },
    ],
    tasks: {},
    runs: {},
  },
  completed: { ...finished(5), workflows: [{ ...ledger, wave: 5, completed: true }] },
  many: many(10_000),
  deep: deep(1_000),
  hostile: {
    ...base,
    stores: [{ ...store, name: hostileName }],
    workflows: [
      {
        ...ledger,
        id: long.replaceAll(' ', '-'),
        name: hostileName,
        waves: ledger.waves.map((wave) => ({ ...wave, title: hostileName })),
        holder: { name: `<b onclick="window.ran=1">${long}`, since: 0, mine: false },
      },
    ],
    tasks: {
      [file]: tasks.map((it, index) => ({
        ...it,
        id: index === 6 ? '<script>window.ran=1</script>' : it.id,
        title: `${hostileName} ${'x'.repeat(10_000)}`,
      })),
    },
    runs: {
      [store.key]: runs.map((it) => ({
        ...it,
        title: hostileName,
        agent: it.agent && `${it.agent}<img src=x onerror="window.ran=1">`,
        why: it.why && `${it.why} <a href="javascript:window.ran=1">x</a> ${long}`,
      })),
    },
    locks: {
      [store.key]: locks.map((it) => ({
        ...it,
        resource: `${it.resource}<svg onload="window.ran=1">${long}`,
      })),
    },
    events: {
      [store.key]: events(40).map((it) => ({
        ...it,
        subject: hostileName,
        facts: { why: hostileName },
      })),
    },
  },
} satisfies Record<string, Recorded>;

export type StateName = keyof typeof states;
export const ledgerStore = store.key;
export const ledgerFile = file;
