/** Every question that a rule may ask has the same answer in SQLite and in the plain row store. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import type { RowChange, RowQuery, RunRow } from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';
import { migrations } from '../../src/store/sqlite/migrate';
import { Tables } from '../../src/store/sqlite/tables';
import { RowStore } from '../core/rowStore';

const few = <Value>(...values: Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);
const id = (prefix: string): fc.Arbitrary<never> =>
  few('a', 'b', 'c', 'd').map((it) => `${prefix}_${it}` as never);
const run = id('run');
const agent = few('ann', 'bob') as fc.Arbitrary<never>;
const time = fc.integer({ min: 0, max: 9 });
const beat = fc.record({
  host: few('h1', 'h2'),
  bootId: few('b1', 'b2') as fc.Arbitrary<never>,
  mono: time,
  wall: time,
  server: fc.constant(null),
});
const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | null> => fc.option(value);
const process = fc.constant({
  host: 'h1',
  bootId: 'b1',
  pidNamespace: 'n',
  pid: 1,
  startTime: '1',
}) as fc.Arbitrary<never>;
const anchor = few('', 'src', 'src/a.ts', 'src/a', 'srcs', 'src0', 'task:T');
const key = fc.record({
  resource: few('src/a.ts', 'glob:src/*') as fc.Arbitrary<never>,
  kind: few<'path' | 'glob'>('path', 'glob'),
  anchor,
  worktree: few(null, '', 'feature'),
});

const status = few<RunRow['status']>('queued', 'running', 'completed', 'error');
const runRow = fc
  .record({
    id: run,
    status,
    parent: maybe(run),
    dependsOn: fc.uniqueArray(run, { maxLength: 2 }),
    root: run,
    retryOf: maybe(run),
    workflow: few(null, 'w1', 'w2') as fc.Arbitrary<never>,
    task: few(null, 't1', 't2') as fc.Arbitrary<never>,
    priority: few(-1, 0, 0.5, 2),
    notBefore: maybe(time),
    timeoutMs: maybe(time),
    agent,
    beat,
    started: beat,
    process: maybe(process),
    stop: maybe(beat),
    endedAt: time,
    unmet: fc.boolean(),
  })
  .map(({ agent: by, beat: last, started, process: of, stop, endedAt, unmet, ...row }): RunRow => {
    const plain = newRun({ id: row.id, title: 'A run' }, { now: 0 });
    const live = row.status === 'queued' || row.status === 'running';
    return {
      ...plain,
      ...row,
      unmet: row.status === 'queued' && unmet ? row.dependsOn : [],
      endedAt: live ? null : endedAt,
      claim:
        row.status === 'queued'
          ? null
          : ({
              agent: by,
              session: 'ses_a',
              epoch: 1,
              tokenDigest: 'digest',
              leaseMs: 5,
              leaseUntil: last.wall + 5,
              beat: last,
              started,
              process: of,
            } as never),
      stop:
        stop && row.status === 'running'
          ? { directive: 'cancel', reason: null, by, asked: stop, graceMs: 2 }
          : null,
    };
  });

/** The tables take rows as they come; what matters here is what the questions look at. */
const change = (it: object): RowChange => it as RowChange;
const put = (name: string, row: fc.Arbitrary<unknown>): fc.Arbitrary<RowChange> =>
  row.map((it) => change({ put: name, row: it }));
const drop = (name: string, by: string, of: fc.Arbitrary<unknown>): fc.Arbitrary<RowChange> =>
  of.map((it) => change({ drop: name, [by]: it }));

const changes: fc.Arbitrary<RowChange> = fc.oneof(
  { weight: 6, arbitrary: put('run', runRow) },
  put(
    'agent',
    fc.record({
      id: id('agt'),
      name: agent,
      kind: few('window'),
      description: few('d'),
      registeredAt: time,
      seen: beat,
    }),
  ),
  put('session', fc.record({ id: id('ses'), agent, process, startedAt: time, seen: beat })),
  {
    weight: 3,
    arbitrary: put(
      'lock',
      fc
        .tuple(
          key,
          fc.record({
            id: id('lck'),
            mode: few('read', 'write'),
            agent,
            session: id('ses'),
            fence: time,
            since: time,
            grant: beat,
            ttlMs: time,
            hash: fc.constant(null),
          }),
        )
        .map(([at, row]) => ({ ...at, ...row, expiresAt: row.grant.wall + row.ttlMs })),
    ),
  },
  {
    weight: 3,
    arbitrary: put(
      'waiter',
      fc.record({
        id: id('wtr'),
        agent,
        session: id('ses'),
        requests: fc.array(
          key.map((at) => ({ ...at, mode: 'read', hash: null })),
          { minLength: 1, maxLength: 3 },
        ),
        ttlMs: time,
        since: time,
        renewed: beat,
        offer: fc.constant(null),
      }),
    ),
  },
  put(
    'slotWaiter',
    fc.record({
      id: id('wtr'),
      agent,
      session: id('ses'),
      workflow: fc.constant(null),
      run: maybe(run),
      since: time,
      renewed: beat,
      process: maybe(process),
    }),
  ),
  put(
    'sighting',
    fc.record({
      observer: few('o1', 'o2'),
      subject: few('run:a', 'lock:b'),
      beat,
      mono: time,
      wall: time,
    }),
  ),
  put('rate', fc.record({ key: few('k1', 'k2'), tokens: time, at: beat })),
  put('config', fc.record({ key: few('slots', 'slots.w1', 'slots.w2', 'grace'), value: time })),
  put('counter', fc.record({ name: fc.constant('fence'), value: time })),
  put(
    'task',
    fc.record({
      workflow: few('w1', 'w2'),
      task: few('t1', 't2'),
      status: few('todo', 'done'),
      by: few('hand', 'run'),
      agent,
      since: time,
      commit: few(null, 'c0ffee'),
      files: few([], ['a.ts']),
      error: few(null, 'no'),
    }),
  ),
  put(
    'fileEdit',
    fc.record({
      id: id('edt'),
      workflow: few('w1', 'w2'),
      change: few(
        { kind: 'wave', wave: 2 },
        { kind: 'note', by: 'a', text: 't' },
        { kind: 'merge', base: 'A', mine: 'B' },
        { kind: 'task', cause: 'set', task: 't1', status: 'done', commit: null },
      ),
      session: id('ses'),
      since: time,
    }),
  ),
  put(
    'fileIntent',
    fc.record({
      workflow: few('w1', 'w2'),
      target: few('A', 'B'),
      base: few('A', 'B'),
      known: few('A', 'B'),
      edits: fc.uniqueArray(id('edt')),
      restores: few(null, 'backup'),
      session: id('ses'),
      since: time,
    }),
  ),
  put(
    'conflict',
    fc.record({
      id: id('cfl'),
      workflow: few('w1', 'w2'),
      base: few('A'),
      mine: few('B'),
      theirs: few('C'),
      diff: few({ added: [], removed: ['t1'], modified: [] }),
      since: time,
      resolved: fc.constant(null),
    }),
  ),
  fc.oneof(
    drop('agent', 'name', agent),
    drop('session', 'id', id('ses')),
    drop('lock', 'id', id('lck')),
    drop('waiter', 'id', id('wtr')),
    drop('slotWaiter', 'id', id('wtr')),
    drop('sightings', 'subject', few('run:a', 'lock:b')),
    drop('config', 'key', few('slots', 'grace')),
    drop('fileEdit', 'id', id('edt')),
    fc
      .record({ workflow: few('w1', 'w2'), target: few('A', 'B') })
      .map((at) => change({ drop: 'fileIntent', ...at })),
    drop('conflict', 'id', id('cfl')),
  ),
);

const workflow = few(null, 'w1', 'w2') as fc.Arbitrary<never>;
const limit = fc.integer({ min: 1, max: 3 });
const observer = few('h1/b1', 'h2/b2') as fc.Arbitrary<never>;
const ask = (
  name: RowQuery['rows'],
  of: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<RowQuery> =>
  fc.record(of).map((about) => ({ rows: name, ...about }) as unknown as RowQuery);
const mark = (of: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  maybe(fc.record({ wall: time, id: of }));
const area = {
  worktree: few(null, '', 'feature', 'other'),
  at: fc.uniqueArray(anchor, { maxLength: 3 }),
  under: few(null, '', 'src', 'src/a'),
};

const questions: fc.Arbitrary<RowQuery>[] = [
  ask('run', { id: run }),
  ask('runs', { ids: fc.uniqueArray(run) }),
  ask('chain', { root: run }),
  ask('children', { parent: run }),
  ask('dependents', { of: fc.uniqueArray(run) }),
  ask('liveOfTask', { workflow, task: few('t1', 't2') }),
  ask('ofTask', { workflow: few('w1', 'w2'), task: few('t1', 't2') }),
  ask('heldRuns', { agent }),
  ask('claimable', { workflow, except: fc.uniqueArray(few('w1', 'w2')), now: time, limit }),
  ask('waitingRuns', { workflow, now: time }),
  ask('running', { workflow }),
  ask('expirableRuns', { now: time, mono: time, observer, after: mark(run), limit }),
  ask('archivable', { endedBefore: time, keep: fc.nat(4), limit }),
  ask('referrers', { run }),
  ask('slotWaiter', { id: id('wtr') }),
  ask('slotWaiters', {}),
  ask('agent', { name: agent }),
  ask('session', { id: id('ses') }),
  ask('sessions', { agent }),
  ask('silentAgents', { seenBefore: time, limit }),
  ask('locksNear', area),
  ask('waitersNear', area),
  ask('locksOf', { agent }),
  ask('lockWaiter', { id: id('wtr') }),
  ask('waitersOf', { agent }),
  ask('lockWaiters', {}),
  ask('expirableLocks', { now: time, mono: time, observer, after: mark(id('lck')), limit }),
  ask('sighting', { observer: few('o1', 'o2'), subject: few('run:a', 'lock:b') }),
  ask('rate', { key: few('k1', 'k2') }),
  ask('config', { key: few('slots', 'grace') }),
  ask('configs', { prefix: few('slots.', 'slots', 'x') }),
  ask('counter', { name: fc.constant('fence') }),
  ask('newestRuns', { workflow: few('w1', 'w2') }),
  ask('task', { workflow: few('w1', 'w2'), task: few('t1', 't2') }),
  ask('fileEdits', { workflow: few('w1', 'w2') }),
  ask('fileIntents', { workflow: few('w1', 'w2') }),
  ask('conflict', { id: id('cfl') }),
];

const unordered: ReadonlySet<RowQuery['rows']> = new Set(['configs', 'newestRuns', 'fileIntents']);

describe('tables: SQLite answers as the plain row store', () => {
  const seed = Number(globalThis.process.env['WAVELOCK_SEED'] ?? Date.now() % 1_000_000);
  const numRuns = globalThis.process.env['WAVELOCK_CAMPAIGN'] === undefined ? 150 : 5_000;

  it(`every question, after any changes (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 30 }), fc.tuple(...questions), (made, asked) => {
        const database = new DatabaseSync(':memory:');
        for (const sql of migrations) database.exec(sql);
        const tables = new Tables(database);
        const plain = new RowStore().given(...made);
        for (const change of made) tables.apply(change);
        for (const question of asked) {
          assert.deepEqual(
            comparable(question, tables.answer(question.rows, question)),
            comparable(question, plain.answer(question)),
            JSON.stringify(question),
          );
        }
        tables.close();
        database.close();
      }),
      { numRuns, seed },
    );
  });
});

/** As plain JSON; the rows of some questions come in no promised order. */
function comparable(question: RowQuery, rows: unknown): unknown {
  const plain = JSON.parse(JSON.stringify(rows)) as unknown;
  return unordered.has(question.rows)
    ? (plain as object[]).map((row) => JSON.stringify(row)).sort()
    : plain;
}
