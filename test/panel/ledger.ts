/** The runs of the reference pictures: a ledger migration, in the middle of its second wave. */
import type { GraphRun, GraphWave } from '../../webview/graph/runs';

/** 15:02:11 on some day, in the time of the machine. */
export const now = new Date(2026, 10, 20, 15, 2, 11).getTime();
const minute = 60_000;
/** A time of that day. */
const at = (hours: number, minutes: number, seconds = 0) =>
  new Date(2026, 10, 20, hours, minutes, seconds).getTime();

export interface LedgerRun extends GraphRun {
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly retryOf: string | null;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly heartbeatAt: number | null;
  readonly dueAt: number | null;
  readonly note: string | null;
}

type Short = readonly [
  task: string,
  title: string,
  status: string,
  agent: string | null,
  needs: readonly string[],
  more?: Partial<LedgerRun>,
];

const done = (from: number, to: number): Partial<LedgerRun> => ({
  startedAt: from,
  endedAt: to,
});

const rows: readonly Short[] = [
  ['1-01', 'Chart of accounts schema', 'completed', 'claude-term-1', []],
  ['1-02', 'Money type with exact rounding', 'completed', 'codex-main', []],
  ['1-03', 'Seed fixtures from a production sample', 'completed', 'worker-ci-01', []],
  ['1-04', 'Journal table and migrations', 'completed', 'claude-term-1', []],
  ['1-05', 'Idempotency keys', 'completed', 'codex-main', []],
  ['1-06', 'CI on three platforms', 'completed', 'worker-ci-02', []],
  [
    '2-01',
    'Post journal entries atomically',
    'completed',
    'claude-term-1',
    ['1-04', '1-05'],
    done(at(14, 4), at(14, 28, 2)),
  ],
  [
    '2-02',
    'Balance invariant as a database check',
    'completed',
    'codex-main',
    ['1-04'],
    done(at(14, 6), at(14, 24, 20)),
  ],
  [
    '2-03',
    'Reverse and correct a posted entry',
    'running',
    'claude-term-1',
    ['2-01'],
    { startedAt: at(14, 55, 59), heartbeatAt: now - 4_000 },
  ],
  [
    '2-04',
    'Multi-currency postings with dated rates',
    'running',
    'mcp-copilot',
    ['1-02'],
    {
      attempt: 2,
      retryOf: 'run-2-04-1',
      createdAt: at(14, 32, 50),
      startedAt: at(14, 50, 31),
      heartbeatAt: now - 2_000,
    },
  ],
  [
    '2-05',
    'Import bank statements (CAMT.053, MT940, CSV) with resumable batches',
    'running',
    'worker-ci-02',
    ['1-03', '1-05'],
    { startedAt: at(14, 47, 3), heartbeatAt: at(14, 58, 21), stale: true },
  ],
  [
    '2-06',
    'Property tests for posting order',
    'retry',
    'worker-ci-02',
    ['1-06'],
    { attempt: 2, retryOf: 'run-2-06-1', createdAt: at(14, 46), dueAt: now + 42_000 },
  ],
  [
    '2-07',
    'Snapshot balances nightly without blocking writers',
    'error',
    'worker-ci-01',
    ['1-04'],
    {
      attempt: 3,
      retryOf: 'run-2-07-2',
      createdAt: at(14, 46, 8),
      note: 'exhausted',
      ...done(at(14, 49), at(14, 57, 51)),
    },
  ],
  [
    '2-08',
    'Outbox publisher for ledger events',
    'lost',
    'codex-main',
    ['2-01'],
    { heartbeatAt: at(14, 36), maxAttempts: 1, ...done(at(14, 30, 40), at(14, 46)) },
  ],
  [
    '2-09',
    'Close an accounting period',
    'blocked',
    null,
    ['2-08'],
    { createdAt: at(14, 46), note: 'needs 2-08' },
  ],
  ['2-10', 'Ledger read API with cursors', 'queued', null, ['2-01']],
  [
    '2-11',
    'Load test at one million postings',
    'killed',
    'worker-ci-01',
    ['1-06'],
    { maxAttempts: 1, note: 'timeout 30m', ...done(at(14, 5), at(14, 35)) },
  ],
  [
    '2-12',
    'Rounding policy document',
    'completed',
    'mcp-copilot',
    ['1-02'],
    done(at(14, 8), at(14, 15, 5)),
  ],
  ['3-01', 'Match statement lines to entries', 'pending', null, ['2-05', '2-03']],
  ['3-02', 'Suspense account workflow', 'pending', null, ['2-05']],
  ['3-03', 'FX gain and loss report', 'pending', null, ['2-04']],
  ['3-04', 'Trial balance report', 'pending', null, ['2-10']],
  ['3-05', 'Period close checklist', 'pending', null, ['2-09']],
  ['4-01', 'Dual-write switch with a kill switch', 'pending', null, ['3-01', '2-08']],
  ['4-02', 'Backfill 2019–2026', 'pending', null, ['3-02', '3-01']],
  ['4-03', 'Freeze the legacy tables', 'pending', null, ['3-05', '3-03']],
  ['4-04', 'Cut-over rehearsal', 'pending', null, ['3-04']],
  ['5-01', 'Drop legacy tables', 'pending', null, ['4-03']],
  ['5-02', 'Remove the dual write', 'pending', null, ['4-01']],
  ['5-03', 'Hand-over notes', 'pending', null, ['4-04']],
];

const newRun = ([task, title, status, agent, needs, more]: Short): LedgerRun => ({
  id: `run-${task}`,
  wave: Number(task[0]),
  task,
  title,
  status,
  agent,
  dependsOn: needs.map((need) => `run-${need}`),
  attempt: 1,
  maxAttempts: 3,
  retryOf: null,
  createdAt: at(14, 1),
  startedAt: null,
  endedAt: null,
  heartbeatAt: null,
  dueAt: null,
  note: null,
  ...more,
});

export const ledger: readonly LedgerRun[] = rows.map(newRun);

const attempt = (
  task: string,
  number: number,
  status: string,
  more: Partial<LedgerRun>,
): LedgerRun => {
  const run = ledger.find((it) => it.task === task);
  if (!run) throw new Error(`no task ${task}`);
  return {
    ...run,
    id: `run-${task}-${number}`,
    attempt: number,
    status,
    retryOf: number > 1 ? `run-${task}-${number - 1}` : null,
    createdAt: at(14, 1),
    dueAt: null,
    note: null,
    heartbeatAt: null,
    ...more,
  };
};

/** Also the attempts that came before, as the timeline shows them; tasks without a run have no time. */
export const ledgerTimes: readonly LedgerRun[] = [
  ...ledger.filter(({ wave, status }) => wave === 2 && status !== 'pending'),
  attempt('2-04', 1, 'lost', {
    heartbeatAt: at(14, 25),
    note: 'heartbeat gone',
    ...done(at(14, 17), at(14, 32, 50)),
  }),
  attempt('2-06', 1, 'error', { note: 'exit 101', ...done(at(14, 31), at(14, 46)) }),
  attempt('2-07', 1, 'error', { note: 'exit 1', ...done(at(14, 36), at(14, 40, 30)) }),
  attempt('2-07', 2, 'error', {
    note: 'exit 1',
    createdAt: at(14, 40, 30),
    ...done(at(14, 42), at(14, 46, 8)),
  }),
];

const names = ['Foundation', 'Posting engine', 'Reconciliation', 'Cut-over', 'Clean-up'];

export const ledgerWaves: readonly GraphWave[] = names.map((name, index) => {
  const runs = ledger.filter(({ wave }) => wave === index + 1);
  return {
    number: index + 1,
    name,
    all: runs.length,
    completed: runs.filter(({ status }) => status === 'completed').length,
  };
});

/** As many runs as asked for, in every state, of several agents, over the last hour. */
export function manyRuns(
  graph: readonly { id: string; wave: number | null; dependsOn: readonly string[] }[],
): readonly LedgerRun[] {
  const states = [
    'completed',
    'completed',
    'completed',
    'running',
    'queued',
    'error',
    'lost',
    'blocked',
    'pending',
    'retry',
    'killed',
    'cancelled',
  ];
  return graph.map((it, index) => {
    const [, title, , agent] = rows[index % rows.length] ?? rows[0]!;
    const status = states[(index * 7) % states.length] ?? 'pending';
    const created = now - 60 * minute + ((index * 13) % 2_000) * 1_000;
    const started = ['queued', 'blocked', 'pending', 'retry'].includes(status)
      ? null
      : created + (index % 90) * 1_000;
    const ended =
      started === null || status === 'running' ? null : started + ((index % 17) + 1) * 20_000;
    return {
      ...newRun([`t-${index}`, title, status, agent ?? `agent-${index % 40}`, []]),
      ...it,
      dueAt: status === 'retry' ? now + 30_000 : null,
      createdAt: created,
      startedAt: started,
      endedAt: ended,
      heartbeatAt: status === 'running' ? now - 1_000 : null,
    };
  });
}

/** Names that try to be more than text. */
export const hostile: readonly LedgerRun[] = [
  '<img src=x onerror="window.ran=1"><script>window.ran=1</script>',
  'x'.repeat(10_000),
  'Ω'.repeat(300),
  'left \u202eright to left\u202c \u2066isolated\u2069',
  'one\ntwo\ttab \u0007 bell \u0000 null',
  'שלום עולם — مرحبا بالعالم',
  '👩‍👩‍👧‍👦 family, and half a pair \ud83d',
  '',
].map((title, index) => ({
  ...newRun([`9-0${index}`, title, 'running', title.slice(0, 40), []]),
  wave: 1 + (index % 2),
  dependsOn: index > 0 ? [`run-9-0${index - 1}`] : [],
  startedAt: at(14, 30 + index),
}));
