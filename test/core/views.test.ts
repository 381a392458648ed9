/** What every surface shows, from rows and from events (VIEW-n). Long because each kind of event is told once. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type {
  AgentRow,
  ConfigRow,
  EventData,
  ConflictRow,
  EventKind,
  GuardRow,
  LockRow,
  NewEvent,
  RunRow,
  SessionRow,
  SlotWaiterRow,
  StoredEvent,
  WaiterRow,
  TaskRow,
  WorkflowRow,
} from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';
import {
  blockedBy,
  countsOf,
  evolve,
  guardKey,
  viewOf,
  type StateRows,
  type StateView,
} from '../../src/core/views';
import { speaker } from './rowStore';

const tester = speaker();

const run = (id: string, fields: Partial<RunRow> = {}): RunRow =>
  newRun({ id: id as never, title: id, ...fields }, { now: 0 });
const ofTask = (id: string, task: string, fields: Partial<RunRow> = {}): RunRow =>
  run(id, { workflow: 'wf' as never, wave: 1, task: task as never, ...fields });

const claimed: Partial<RunRow> = {
  status: 'running',
  claim: {
    agent: tester.agent,
    session: tester.session,
    epoch: 1,
    tokenDigest: 'digest' as never,
    leaseMs: 10,
    leaseUntil: 20,
    beat: tester.beat,
    started: tester.beat,
    process: null,
  },
};

const agent = (name: string): AgentRow => ({
  id: `agt_${name}` as never,
  name: name as never,
  kind: 'other',
  description: '',
  registeredAt: 0,
  seen: tester.beat,
});
const sessionOf = (id: string, of: string): SessionRow => ({
  id: id as never,
  agent: of as never,
  process: tester.process,
  startedAt: 0,
  seen: tester.beat,
});
const lock = (id: string, fence = 1): LockRow => ({
  id: id as never,
  resource: id as never,
  kind: 'path',
  anchor: id,
  worktree: '',
  mode: 'write',
  agent: tester.agent,
  session: tester.session,
  fence,
  since: 0,
  grant: tester.beat,
  ttlMs: 10,
  expiresAt: 10,
  hash: null,
});
const waiter = (id: string, since = 0): WaiterRow => ({
  id: id as never,
  agent: tester.agent,
  session: tester.session,
  requests: [],
  ttlMs: 10,
  since,
  renewed: tester.beat,
  offer: null,
});
const slotWaiter = (id: string, since = 0): SlotWaiterRow => ({
  id: id as never,
  agent: tester.agent,
  session: tester.session,
  workflow: null,
  run: null,
  since,
  renewed: tester.beat,
  process: null,
});
const workflow = (id: string, wave: number): WorkflowRow => ({
  id: id as never,
  name: id,
  file: 'STATE.md' as never,
  worktree: '',
  wave,
  waveCount: 3,
  status: 'active',
});
const taskRow = (task: string, status: TaskRow['status']): TaskRow => ({
  workflow: 'wf' as never,
  task: task as never,
  status,
  by: 'hand',
  agent: tester.agent,
  since: 0,
  commit: null,
  files: [],
  error: null,
});
const conflict = (id: string, resolved: ConflictRow['resolved']): ConflictRow => ({
  id: id as never,
  workflow: 'wf' as never,
  base: 'a' as never,
  mine: 'b' as never,
  theirs: 'c' as never,
  diff: { added: [], removed: [], modified: ['t'] },
  since: 0,
  resolved,
});
const guard = (file: string): GuardRow => ({
  file: file as never,
  worktree: '',
  holder: { agent: tester.agent, session: tester.session, host: 'host', pid: 1, since: 0 },
});
const setting = (value: number): ConfigRow => ({ key: 'slots', value });

const noRows: StateRows = { seq: 0, workflows: [], runs: [], guards: [] };

/** The view after these events, from rows that were there before the first. */
function after(rows: Omit<StateRows, 'seq'>, ...events: readonly NewEvent[]): StateView {
  return events.reduce<StateView>(
    (view, event) => evolve(view, stored(view.seq + 1, event)),
    viewOf({ ...rows, seq: 0 }),
  );
}

function stored(seq: number, event: NewEvent): StoredEvent {
  return {
    v: 1,
    seq,
    at: 0,
    agent: tester.agent,
    session: tester.session,
    opId: 'op' as never,
    ...event,
  };
}

/** Equal, and in the same order: a queue that is right but for its order is wrong. */
function assertSame(view: StateView, rows: Omit<StateRows, 'seq'>): void {
  const expected = viewOf({ ...rows, seq: view.seq });
  assert.deepEqual(view, expected);
  for (const name of ['allRuns', 'locks', 'waiters', 'slotWaiters', 'agents', 'sessions'] as const)
    assert.deepEqual([...view[name].keys()], [...expected[name].keys()], name);
}

interface Step {
  readonly before?: Partial<StateRows>;
  readonly event: Omit<NewEvent, 'kind' | 'data'>;
  readonly data: unknown;
  readonly rows: Partial<StateRows>;
}

const evidence = {
  rule: 'same-boot',
  ageMs: 1,
  ttlMs: 1,
  process: 'unknown',
  host: 'host',
  observer: tester.observer,
} as const;

const ended = (status: RunRow['status']): Step => ({
  before: { runs: [run('a', claimed)] },
  event: { run: 'a' as never },
  data: { row: run('a', { ...claimed, status, endedAt: 5 }), evidence },
  rows: { runs: [run('a', { ...claimed, status, endedAt: 5 })] },
});
const lockGone: Step = {
  before: { locks: [lock('one'), lock('two')] },
  event: { resource: 'one' },
  data: { lock: 'one', agent: 'tester', evidence, reason: 'r' },
  rows: { locks: [lock('two')] },
};
const agentGone: Step = {
  before: {
    agents: [agent('tester'), agent('ada')],
    sessions: [sessionOf('s1', 'tester'), sessionOf('s2', 'ada'), sessionOf('s3', 'tester')],
  },
  event: {},
  data: {},
  rows: { agents: [agent('ada')], sessions: [sessionOf('s2', 'ada')] },
};
const nothing: Step = { event: {}, data: {}, rows: {} };

/** A workflow's row as the event has it. */
const movesTo: readonly Step[] = [
  {
    before: { workflows: [workflow('wf', 1)] },
    event: {},
    data: { row: { ...workflow('wf', 2), hash: 'hash', head: null, editing: 'full' } },
    rows: {
      workflows: [
        { ...workflow('wf', 2), hash: 'hash' as never, head: null, editing: 'full' as const },
      ],
    },
  },
];

/** For each kind of event rows before it, and the rows that its command has left. */
const steps: { readonly [Kind in EventKind]: readonly Step[] } = {
  'run.created': [
    { event: {}, data: { row: run('a') }, rows: { runs: [run('a')] } },
    {
      before: { runs: [ofTask('a', 't', { status: 'error' })] },
      event: {},
      data: { row: ofTask('b', 't') },
      rows: { runs: [ofTask('a', 't', { status: 'error' }), ofTask('b', 't')] },
    },
  ],
  'run.claimed': [
    {
      before: { runs: [run('a'), run('b')], slotWaiters: [slotWaiter('w'), slotWaiter('v')] },
      event: {},
      data: { row: run('a', claimed), waiter: 'w' },
      rows: { runs: [run('a', claimed), run('b')], slotWaiters: [slotWaiter('v')] },
    },
    {
      before: { runs: [run('a')], slotWaiters: [slotWaiter('w')] },
      event: {},
      data: { row: run('a', claimed) },
      rows: { runs: [run('a', claimed)], slotWaiters: [slotWaiter('w')] },
    },
  ],
  'run.beat': [
    {
      before: { runs: [run('a', claimed)] },
      event: { run: 'a' as never },
      data: { epoch: 1, beat: { ...tester.beat, mono: 77 }, leaseUntil: 99 },
      rows: {
        runs: [
          run('a', {
            ...claimed,
            claim: { ...claimed.claim!, beat: { ...tester.beat, mono: 77 }, leaseUntil: 99 },
          }),
        ],
      },
    },
    {
      before: { runs: [run('a')] },
      event: { run: 'a' as never },
      data: { epoch: 1, beat: tester.beat, leaseUntil: 99 },
      rows: { runs: [run('a')] },
    },
    { event: {}, data: { epoch: 1, beat: tester.beat, leaseUntil: 99 }, rows: {} },
  ],
  'run.completed': [
    {
      before: { runs: [run('a', claimed), run('b', { unmet: ['a' as never] })] },
      event: {},
      data: {
        row: run('a', { ...claimed, status: 'completed' }),
        released: [
          { run: 'b', unmet: [] },
          { run: 'unheard', unmet: [] },
        ],
      },
      rows: { runs: [run('a', { ...claimed, status: 'completed' }), run('b')] },
    },
  ],
  'run.failed': [ended('error')],
  'run.killed': [ended('killed')],
  'run.cancelled': [ended('cancelled')],
  'run.lost': [ended('lost')],
  'run.retried': [nothing],
  'run.cancel_requested': [ended('running')],
  'run.changed': [
    {
      // Of an earlier attempt: the task goes on showing its newest.
      before: { runs: [ofTask('a', 't', { status: 'lost' }), ofTask('b', 't')] },
      event: {},
      data: { row: ofTask('a', 't', { status: 'lost', handoff: 'note' }), what: 'handoff' },
      rows: { runs: [ofTask('a', 't', { status: 'lost', handoff: 'note' }), ofTask('b', 't')] },
    },
  ],
  'run.archived': [
    {
      before: { runs: [ofTask('a', 't'), ofTask('b', 't'), ofTask('c', 'u'), run('d')] },
      event: {},
      data: { runs: ['b', 'd', 'unheard'] },
      rows: { runs: [ofTask('a', 't'), ofTask('c', 'u')] },
    },
    {
      before: { runs: [ofTask('a', 't'), ofTask('b', 't'), ofTask('c', 'u')] },
      event: {},
      data: { runs: ['a', 'b'] },
      rows: { runs: [ofTask('c', 'u')] },
    },
    { before: { runs: [ofTask('a', 't')] }, event: {}, data: { runs: ['a'] }, rows: {} },
  ],
  'slot.queued': [
    {
      before: { slotWaiters: [slotWaiter('w'), slotWaiter('v')] },
      event: {},
      data: { row: slotWaiter('w', 7) },
      rows: { slotWaiters: [slotWaiter('w', 7), slotWaiter('v')] },
    },
  ],
  'slot.dropped': [
    {
      before: { slotWaiters: [slotWaiter('w'), slotWaiter('v')] },
      event: {},
      data: { waiter: 'w', agent: 'tester', why: 'silent' },
      rows: { slotWaiters: [slotWaiter('v')] },
    },
  ],
  'agent.registered': [
    { event: {}, data: { row: agent('ada') }, rows: { agents: [agent('ada')] } },
  ],
  'agent.seen': [
    {
      before: {
        agents: [agent('tester'), agent('ada')],
        sessions: [sessionOf(tester.session, 'tester'), sessionOf('s2', 'tester')],
      },
      event: {},
      data: { seen: { ...tester.beat, mono: 77 } },
      rows: {
        agents: [{ ...agent('tester'), seen: { ...tester.beat, mono: 77 } }, agent('ada')],
        sessions: [
          { ...sessionOf(tester.session, 'tester'), seen: { ...tester.beat, mono: 77 } },
          sessionOf('s2', 'tester'),
        ],
      },
    },
    { event: {}, data: { seen: tester.beat }, rows: {} },
  ],
  'agent.left': [agentGone, { ...agentGone, event: { about: 'tester' as never } }],
  'agent.swept': [agentGone],
  'session.started': [
    {
      event: {},
      data: { row: sessionOf('s1', 'ada') },
      rows: { sessions: [sessionOf('s1', 'ada')] },
    },
  ],
  'session.ended': [
    {
      before: { sessions: [sessionOf(tester.session, 'tester'), sessionOf('s2', 'ada')] },
      event: {},
      data: { why: 'closed' },
      rows: { sessions: [sessionOf('s2', 'ada')] },
    },
    {
      before: { sessions: [sessionOf(tester.session, 'tester'), sessionOf('s2', 'ada')] },
      event: { about: 's2' as never },
      data: { why: 'process-gone' },
      rows: { sessions: [sessionOf(tester.session, 'tester')] },
    },
  ],
  'lock.acquired': [
    {
      before: { waiters: [waiter('w'), waiter('v')] },
      event: {},
      data: { row: lock('one'), waiter: 'w' },
      rows: { locks: [lock('one')], waiters: [waiter('v')] },
    },
    {
      event: { resource: 'STATE.md' },
      data: { guard: true, worktree: '', holder: guard('STATE.md').holder },
      rows: { guards: [guard('STATE.md')] },
    },
  ],
  'lock.refreshed': [
    {
      before: { locks: [lock('one'), lock('two')], waiters: [waiter('w')] },
      event: {},
      data: { row: lock('one', 8) },
      rows: { locks: [lock('one', 8), lock('two')], waiters: [waiter('w')] },
    },
  ],
  'lock.upgraded': [
    {
      before: { locks: [lock('one')], waiters: [waiter('w')] },
      event: {},
      data: { row: lock('one', 9), waiter: 'w' },
      rows: { locks: [lock('one', 9)] },
    },
  ],
  'lock.released': [
    lockGone,
    {
      before: { guards: [guard('STATE.md'), guard('other/STATE.md')] },
      event: { resource: 'STATE.md' },
      data: { guard: true, worktree: '' },
      rows: { guards: [guard('other/STATE.md')] },
    },
    {
      before: { guards: [guard('STATE.md')] },
      event: {},
      data: { guard: true, worktree: '' },
      rows: { guards: [guard('STATE.md')] },
    },
  ],
  'lock.expired': [lockGone],
  'lock.broken': [lockGone],
  'lock.queued': [
    {
      before: { waiters: [waiter('w'), waiter('v')] },
      event: {},
      data: { row: waiter('w', 7) },
      rows: { waiters: [waiter('w', 7), waiter('v')] },
    },
  ],
  'lock.offered': [
    {
      before: { waiters: [waiter('w')] },
      event: {},
      data: { row: { ...waiter('w'), offer: { made: tester.beat, ttlMs: 10_000 } } },
      rows: { waiters: [{ ...waiter('w'), offer: { made: tester.beat, ttlMs: 10_000 } }] },
    },
  ],
  'lock.dropped': [
    {
      before: { waiters: [waiter('w'), waiter('v')] },
      event: {},
      data: { waiter: 'w', agent: 'tester', why: 'silent' },
      rows: { waiters: [waiter('v')] },
    },
  ],
  'workflow.created': [
    { event: {}, data: { row: workflow('wf', 0) }, rows: { workflows: [workflow('wf', 0)] } },
  ],
  'workflow.advanced': [
    {
      before: { workflows: [workflow('wf', 1)] },
      event: {},
      data: { row: workflow('wf', 2) },
      rows: { workflows: [workflow('wf', 2)] },
    },
  ],
  'workflow.completed': [
    {
      before: { workflows: [workflow('wf', 1)] },
      event: {},
      data: { row: { ...workflow('wf', 1), status: 'completed' } },
      rows: { workflows: [{ ...workflow('wf', 1), status: 'completed' }] },
    },
  ],
  'workflow.bound': movesTo,
  'task.changed': [
    {
      before: { tasks: [taskRow('t', 'todo')] },
      event: {},
      data: { row: taskRow('t', 'done'), from: 'todo' },
      rows: { tasks: [taskRow('t', 'done')] },
    },
  ],
  'note.added': [nothing],
  'change.undone': [
    {
      before: { workflows: [workflow('wf', 2)] },
      event: {},
      data: { undoes: 3, op: 'op', what: 'wave', row: workflow('wf', 1) },
      rows: { workflows: [workflow('wf', 1)] },
    },
  ],
  'file.pending': [nothing],
  'file.intent': [nothing],
  'file.written': [
    { event: {}, data: { base: 'a', target: 'b', hash: 'b' }, rows: {} },
    {
      before: { workflows: [workflow('wf', 1)] },
      event: {},
      data: { row: workflow('wf', 2), base: 'a', target: 'b', edits: [] },
      rows: { workflows: [workflow('wf', 2)] },
    },
  ],
  'file.restored': movesTo,
  'file.imported': movesTo,
  'file.rebased': movesTo,
  'file.conflict': [
    {
      event: {},
      data: { row: conflict('c', null), edits: [] },
      rows: { conflicts: [conflict('c', null)] },
    },
    {
      before: { conflicts: [conflict('c', null), conflict('d', null)] },
      event: {},
      data: { row: conflict('c', 'mine'), edits: [] },
      rows: { conflicts: [conflict('d', null)] },
    },
  ],
  'config.set': [
    {
      before: { config: [setting(3)] },
      event: { resource: 'slots' },
      data: { row: setting(4), before: 3 },
      rows: { config: [setting(4)] },
    },
    {
      before: { config: [setting(3)] },
      event: { resource: 'slots' },
      data: { row: null, before: 3 },
      rows: {},
    },
    {
      before: { config: [setting(3)] },
      event: {},
      data: { row: null, before: 3 },
      rows: { config: [setting(3)] },
    },
  ],
};

describe('VIEW-1: a view built from events equals the view built from rows', () => {
  for (const kind of Object.keys(steps) as EventKind[]) {
    it(`VIEW-1 ${kind} leads to the rows that its command leaves`, () => {
      for (const { before, event, data, rows } of steps[kind]) {
        const whole = { ...event, kind, data: data as EventData[EventKind] } as NewEvent;
        assertSame(after({ ...noRows, ...before }, whole), { ...noRows, ...rows });
      }
    });
  }

  it('VIEW-1 for any life of tasks: attempts made, changed and archived in any order', () => {
    const change = fc.record({
      what: fc.constantFrom('create', 'change', 'archive'),
      workflow: fc.constantFrom(null, 'wf1', 'wf2'),
      task: fc.constantFrom(null, 't1', 't2'),
      which: fc.nat(20),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const rows = new Map<string, RunRow>();
        const view = viewOf(noRows);
        changes.forEach(({ what, workflow: of, task, which }, index) => {
          const known = [...rows.values()][which];
          if (what === 'create') {
            const row = run(`run_${index}`, { workflow: of as never, task: task as never });
            rows.set(row.id, row);
            evolve(view, stored(index + 1, { kind: 'run.created', data: { row } }));
          } else if (known && what === 'change') {
            const row = { ...known, handoff: `note ${index}` };
            rows.set(row.id, row);
            const data = { row, what: 'handoff' } as const;
            evolve(view, stored(index + 1, { kind: 'run.changed', data }));
          } else if (known) {
            rows.delete(known.id);
            const data = { runs: [known.id] };
            evolve(view, stored(index + 1, { kind: 'run.archived', data }));
          }
        });
        assertSame(view, { ...noRows, runs: [...rows.values()] });
      }),
      { numRuns: 500 },
    );
  });
});

describe('VIEW-2: what a view passes over', () => {
  it('VIEW-2 an event that was seen already changes nothing', () => {
    const view = viewOf({ ...noRows, seq: 5, runs: [run('a')] });
    for (const seq of [0, 4, 5]) {
      const data = { row: run('a', claimed) };
      evolve(view, stored(seq, { kind: 'run.claimed', data }));
      assert.deepEqual(view, viewOf({ ...noRows, seq: 5, runs: [run('a')] }));
    }
  });

  it('VIEW-2 an unknown kind moves seq only, also one that is called like a part of every object', () => {
    for (const kind of ['run.dreamt', 'constructor', '__proto__', 'toString', 'hasOwnProperty']) {
      const view = viewOf({ ...noRows, runs: [run('a')] });
      evolve(view, stored(9, { kind, data: { row: run('b') } } as unknown as NewEvent));
      assert.deepEqual(view, viewOf({ ...noRows, seq: 9, runs: [run('a')] }));
    }
  });
});

describe('What a view costs', () => {
  it('VIEW-1 a view is carried forward in place: it is the same object', () => {
    const view = viewOf(noRows);
    const next = evolve(view, stored(1, { kind: 'run.created', data: { row: run('a') } }));
    assert.equal(next, view);
    assert.equal(view.seq, 1);
  });

  it('VIEW-1 no event looks at more rows in a large view than in a small one', () => {
    const touched = (size: number): Record<string, number> => {
      const names = Array.from({ length: size }, (_, index) => `x${index}`);
      const many: StateRows = {
        seq: 0,
        runs: names.flatMap((name) => [run(name), ofTask(`${name}t`, name)]),
        workflows: names.map((name) => workflow(name, 1)),
        guards: names.map(guard),
        agents: names.map(agent),
        locks: names.map((name) => lock(name)),
        waiters: names.map((name) => waiter(name)),
        slotWaiters: names.map((name) => slotWaiter(name)),
      };
      const counts: Record<string, number> = {};
      for (const kind of Object.keys(steps) as EventKind[]) {
        const { event, data } = steps[kind][0]!;
        const view = viewOf(many);
        counts[kind] = countTouches(() => {
          evolve(view, stored(1, { ...event, kind, data } as unknown as NewEvent));
        });
      }
      return counts;
    };
    assert.deepEqual(touched(200), touched(2));
  });
});

/** How many entries of maps are read one after another, set or copied while this runs. */
function countTouches(work: () => void): number {
  /* eslint-disable @typescript-eslint/unbound-method -- each is put back where it was */
  const { set, forEach, entries, values, keys } = Map.prototype;
  const iterate = Map.prototype[Symbol.iterator];
  /* eslint-enable @typescript-eslint/unbound-method */
  let touches = 0;
  const counted = (original: () => MapIterator<unknown>) =>
    function* (this: Map<unknown, unknown>) {
      for (const entry of { [Symbol.iterator]: () => original.call(this) }) {
        touches += 1;
        yield entry;
      }
    };
  Object.assign(Map.prototype, {
    set(this: Map<unknown, unknown>, key: unknown, value: unknown) {
      touches += 1;
      return set.call(this, key, value);
    },
    forEach(this: Map<unknown, unknown>, each: () => void) {
      touches += this.size;
      forEach.call(this, each);
    },
    entries: counted(entries as () => MapIterator<unknown>),
    values: counted(values),
    keys: counted(keys),
    [Symbol.iterator]: counted(iterate as () => MapIterator<unknown>),
  });
  try {
    work();
  } finally {
    Object.assign(Map.prototype, {
      set,
      forEach,
      entries,
      values,
      keys,
      [Symbol.iterator]: iterate,
    });
  }
  return touches;
}

describe('What surfaces count', () => {
  it('counts runs by status', () => {
    const runs = [run('a'), run('b', claimed), run('c', { status: 'lost' }), run('d')];
    assert.deepEqual(countsOf(runs), {
      queued: 2,
      running: 1,
      completed: 0,
      error: 0,
      killed: 0,
      cancelled: 0,
      lost: 1,
    });
  });

  it('tells the guards of one file in two worktrees apart', () => {
    assert.notEqual(
      guardKey({ file: 'STATE.md', worktree: '' }),
      guardKey({ file: 'STATE.md', worktree: 'feature' }),
    );
  });
});

describe('RUN-8: blocked is derived', () => {
  const blocked = (status: RunRow['status'], chain: readonly RunRow[]): readonly unknown[] =>
    blockedBy(run('r', { status, unmet: ['d' as never] }), () => chain).map(
      ({ run: id, newest }) => [id, newest?.id ?? null],
    );

  it('RUN-8 by a dependency of which the newest attempt ended otherwise than completed', () => {
    const failed = run('d', { status: 'error' });
    assert.deepEqual(blocked('queued', [failed]), [['d', 'd']]);
    assert.deepEqual(blocked('queued', [failed, run('d2', { status: 'lost' })]), [['d', 'd2']]);
  });

  it('RUN-8 not while an attempt is live, nor when one completed', () => {
    const failed = run('d', { status: 'error' });
    assert.deepEqual(blocked('queued', [failed, run('d2')]), []);
    assert.deepEqual(blocked('queued', [run('d', { status: 'completed' })]), []);
  });

  it('RUN-8 by a dependency that is gone', () => {
    assert.deepEqual(blocked('queued', []), [['d', null]]);
  });

  it('RUN-8 never is what runs or has ended', () => {
    assert.deepEqual(blocked('running', []), []);
    assert.deepEqual(blocked('killed', []), []);
  });
});
