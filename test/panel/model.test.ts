/** The panel's copy of the rows: its indexes are right after any change, at the cost of the change. */
import assert from 'node:assert/strict';
import type { ChangeMessage, PanelRun, PanelTask, ToPanel } from '../../src/shared/protocol';
import { noFilter, Sieve } from '../../webview/filter';
import { Link } from '../../webview/link';
import { circleOfWaits, lockLines } from '../../webview/lockView';
import { Model, outsideKey } from '../../webview/model';
import { Ordered } from '../../webview/ordered';
import { buckets } from '../../webview/states';
import { ago, change, lock, messagesOf, recordedAt, run, type Recorded } from './recorded';
import { ledgerFile, ledgerStore, many, states } from './states';

function loaded(state: Recorded): Model {
  const [begin, ...others] = messagesOf(state, 1);
  assert.ok(begin?.type === 'begin');
  const model = new Model(begin, recordedAt);
  for (const message of others) {
    if (message.type === 'rows') model.load(message);
    if (message.type === 'end') model.end(message.seq);
  }
  return model;
}

const scopeOf = (model: Model, key = ledgerFile) => model.scopes.get(key)!;
const bucketOf = (model: Model, key: string) => scopeOf(model).items.get(key)?.bucket;
const next = (model: Model, parts: Parameters<typeof change>[2]): boolean =>
  model.change(change(1, model.seq + 1, parts) as ChangeMessage);
const put = (...runs: PanelRun[]) => ({ runs: [{ of: ledgerStore, put: runs, drop: [] }] });
const runOf = (model: Model, key: string): PanelRun => scopeOf(model).items.get(key)!.run!;

/** What every index says, in a form that can be compared. */
function indexed(model: Model) {
  return [...model.scopes.values()]
    .filter(({ items }) => items.size > 0)
    .map((scope) => ({
      key: scope.key,
      waves: [...scope.waves.values()]
        .map((wave) => ({
          wave: wave.number,
          count: { ...wave.count.of, all: wave.count.all, open: wave.count.open },
          lists: buckets.map((bucket) => wave.lists[bucket].rows.map(({ key }) => key)),
        }))
        .sort((one, other) => one.wave - other.wave),
      agents: [...scope.agents].sort(),
      lanes: [...scope.lanes].map(([agent, { rows }]) => [agent, rows.map(({ id }) => id)]).sort(),
    }));
}

describe('panel model', () => {
  it('lets a run speak where the box is empty, and the box where it is not', () => {
    const model = loaded(states.normal);
    assert.equal(bucketOf(model, '2-07'), 'error');
    assert.equal(bucketOf(model, '2-01'), 'completed');
    assert.equal(bucketOf(model, '2-14'), 'failed');
    assert.equal(bucketOf(model, '2-12'), 'completed');
    assert.equal(scopeOf(model).waves.get(2)?.count.unticked, 1);
    assert.equal(bucketOf(model, '2-05'), 'stale');
    assert.equal(bucketOf(model, '2-06'), 'retry');
    assert.equal(bucketOf(model, '2-09'), 'blocked');
    assert.equal(bucketOf(model, '3-01'), 'pending');
  });

  it('a run that is done blocks nobody any more, and one that is retried neither', () => {
    const model = loaded(states.normal);
    const lost = runOf(model, '2-08');
    const again = run({ ...lost, id: 'run_again', attempt: 2, status: 'queued', root: lost.root });
    next(model, put(again));
    assert.equal(bucketOf(model, '2-09'), 'queued');
    next(model, put({ ...again, status: 'error' }));
    assert.equal(bucketOf(model, '2-09'), 'blocked');
    next(model, { runs: [{ of: ledgerStore, put: [], drop: [again.id, lost.id] }] });
    assert.equal(bucketOf(model, '2-09'), 'blocked', 'what is gone satisfies nobody');
  });

  it('time alone brings a retry due, and makes a claim stale', () => {
    const model = loaded(states.normal);
    assert.equal(model.tick(recordedAt + 41_000), false);
    assert.equal(model.tick(recordedAt + 43_000), true);
    assert.equal(bucketOf(model, '2-06'), 'queued');
    assert.equal(bucketOf(model, '2-03'), 'running');
    model.tick(recordedAt + 600_000);
    assert.equal(bucketOf(model, '2-03'), 'stale');
  });

  it('says what has moved, once for each item', () => {
    const model = loaded(states.normal);
    const moved: string[] = [];
    const running = runOf(model, '2-03');
    model.change(
      change(1, 1, put({ ...running, status: 'completed', endedAt: recordedAt })) as ChangeMessage,
      ({ key, before, now }) => moved.push(`${key} ${before.bucket} ${now.bucket}`),
    );
    assert.deepEqual(moved, ['2-03 running completed']);
  });

  it('refuses a change whose number does not follow, or that is of another beginning', () => {
    const model = loaded(states.normal);
    const of = (epoch: number, seq: number) => change(epoch, seq, {}) as ChangeMessage;
    assert.equal(model.change(of(1, 2)), false);
    assert.equal(model.change(of(2, 1)), false);
    assert.equal(model.change(of(1, 1)), true);
    assert.equal(model.change(of(1, 1)), false);
  });

  it('after any changes every index is what a fresh model would have', () => {
    const chance = lcg(7);
    const state = many(400);
    const model = loaded(state);
    const runs = new Map((state.runs[ledgerStore] ?? []).map((each) => [each.id, each]));
    const tasks = new Map((state.tasks[ledgerFile] ?? []).map((each) => [each.id, each]));
    const statuses = ['queued', 'running', 'completed', 'error', 'lost', 'cancelled'] as const;
    for (let step = 0; step < 600; step += 1) {
      const which = chance(10);
      if (which < 7) {
        const before = [...runs.values()][chance(runs.size)]!;
        const status = statuses[chance(statuses.length)]!;
        const after: PanelRun = {
          ...before,
          status,
          agent: status === 'queued' ? null : `agent-${chance(4)}`,
          startedAt: status === 'queued' ? null : ago(chance(50)),
          leaseUntil: chance(2) === 0 ? ago(1) : recordedAt + 5_000,
          unmet: chance(3) === 0 ? [[...runs.keys()][chance(runs.size)]!] : [],
        };
        runs.set(after.id, after);
        next(model, put(after));
      } else if (which < 8) {
        const id = [...runs.keys()][chance(runs.size)]!;
        runs.delete(id);
        next(model, { runs: [{ of: ledgerStore, put: [], drop: [id] }] });
      } else {
        const before = [...tasks.values()][chance(tasks.size)]!;
        const gone = chance(5) === 0;
        const after: PanelTask = {
          ...before,
          wave: 1 + chance(5),
          status: chance(2) ? 'done' : 'todo',
        };
        if (gone) tasks.delete(before.id);
        else tasks.set(before.id, after);
        next(model, {
          tasks: [{ of: ledgerFile, put: gone ? [] : [after], drop: gone ? [before.id] : [] }],
        });
      }
    }
    const fresh = loaded({
      ...state,
      runs: { [ledgerStore]: [...runs.values()] },
      tasks: { [ledgerFile]: [...tasks.values()] },
    });
    assert.deepEqual(indexed(model), indexed(fresh));
  });

  it('keeps runs outside of workflows apart, and takes them in when their file comes', () => {
    const state = states.normal;
    const without = { ...state, workflows: [], tasks: {} };
    const model = loaded(without);
    assert.equal(model.scopes.get(outsideKey(ledgerStore))?.items.size, 13);
    next(model, { workflows: [...state.workflows] });
    next(model, { tasks: [{ of: ledgerFile, put: [...state.tasks[ledgerFile]!], drop: [] }] });
    assert.equal(model.scopes.get(outsideKey(ledgerStore))?.items.size ?? 0, 0);
    assert.deepEqual(indexed(model), indexed(loaded(state)));
    next(model, { gone: [ledgerFile] });
    assert.equal(model.scopes.get(outsideKey(ledgerStore))?.items.size, 13);
  });

  it('the same ids in two stores are two runs', () => {
    const two = {
      ...states.several,
      runs: {
        [ledgerStore]: [run({ id: 'run_a' })],
        '/work/site/.wavelock': [run({ id: 'run_a', status: 'error' })],
      },
    };
    const model = loaded(two);
    assert.equal(model.scopes.get(outsideKey(ledgerStore))?.items.get('run_a')?.bucket, 'queued');
    assert.equal(
      model.scopes.get(outsideKey('/work/site/.wavelock'))?.items.get('run_a')?.bucket,
      'error',
    );
  });

  it('events join without a gap; after one the older ones are fetched anew', () => {
    const model = loaded(states.normal);
    const rows = model.rows.get(ledgerStore)!;
    const event = (seq: number) => ({
      seq,
      at: seq,
      kind: 'run.beat',
      agent: 'a',
      subject: '',
      run: null,
      facts: {},
    });
    const tell = (...seqs: number[]) =>
      next(model, { events: [{ of: ledgerStore, rows: seqs.map(event) }] });
    tell(4813, 4814);
    assert.equal(rows.eventsFrom, 4813);
    model.addOlderEvents(ledgerStore, [event(4811), event(4812)], 4811);
    assert.deepEqual(
      rows.events.map(({ seq }) => seq),
      [4811, 4812, 4813, 4814],
    );
    tell(4900);
    assert.deepEqual(
      rows.events.map(({ seq }) => seq),
      [4900],
    );
    assert.equal(rows.eventsFrom, 4900);
    tell(4899, 4900, 4901);
    assert.deepEqual(
      rows.events.map(({ seq }) => seq),
      [4900, 4901],
      'each once',
    );
  });

  it('filters by words, agents and waves, and keeps what it found until something changes', () => {
    const model = loaded(states.normal);
    const scope = scopeOf(model);
    const sieve = new Sieve();
    assert.equal(sieve.shown(scope, noFilter), scope);
    const words = { ...noFilter, text: 'POSTING order' };
    const found = sieve.shown(scope, words);
    assert.deepEqual([...found.items.keys()], ['2-06']);
    assert.equal(sieve.shown(scope, words), found);
    next(model, put({ ...runOf(model, '2-06'), priority: 1 }));
    assert.notEqual(sieve.shown(scope, words), found);
    const nobody = sieve.shown(scope, { ...noFilter, agents: new Set(['']) });
    assert.equal(
      [...nobody.items.values()].every((item) => item.run?.agent),
      true,
    );
    const second = sieve.shown(scope, { ...noFilter, waves: new Set([1, 3, 4, 5]) });
    assert.deepEqual([...second.waves.keys()], [2]);
  });

  it('one change of 50,000 runs looks at no other run', () => {
    const model = loaded(many(50_000));
    const target = runOf(model, '2-0002');
    let compared = 0;
    const watched = new Ordered<number>((one, other) => {
      compared += 1;
      return one - other;
    });
    for (let row = 0; row < 50_000; row += 1) watched.add(row);
    compared = 0;
    watched.remove(25_000);
    watched.add(25_000);
    assert.ok(compared < 60, `${compared} comparisons`);
    const before = scopeOf(model).items.get('2-0003');
    next(model, put({ ...target, status: 'running' }));
    assert.equal(scopeOf(model).items.get('2-0003'), before, 'another item is the same object');
  });
});

describe('panel locks', () => {
  it('stale ones come first, waiters in their order, an offer without a lock has a line of its own', () => {
    const model = loaded(states.normal);
    const lines = lockLines(model.rows.get(ledgerStore)!, recordedAt);
    assert.deepEqual(
      lines.map(({ state, resource }) => `${state} ${resource.slice(0, 12)}`),
      [
        'stale src/import/c',
        'held src/posting/',
        'held glob:db/migr',
        'held glob:src/fx/',
        'mine docs/posting',
        'mine src/api/ledg',
        'offered src/outbox/p',
        'guard STATE.md',
      ],
    );
    assert.deepEqual(
      lines[1]?.waiters.map(({ agent }) => agent),
      ['codex-main', 'worker-ci-01'],
    );
  });

  it('finds a circle of waits, and none where there is none', () => {
    const circle = (...waits: [agent: string, holder: string][]) => {
      const state: Recorded = {
        ...states.normal,
        locks: {
          [ledgerStore]: waits.map(([, holder], at) =>
            lock({ id: `l${at}`, resource: `f${at}`, agent: holder }),
          ),
        },
        waiters: {
          [ledgerStore]: waits.map(([agent], at) => ({
            id: `w${at}`,
            agent,
            since: 0,
            offerUntil: null,
            wants: [],
            on: [`l${at}`],
          })),
        },
      };
      return circleOfWaits(loaded(state).rows.get(ledgerStore)!);
    };
    assert.equal(circle(['a', 'b'], ['b', 'c'], ['d', 'c']), null);
    assert.deepEqual(circle(['d', 'a'], ['a', 'b'], ['b', 'c'], ['c', 'a']), ['a', 'b', 'c', 'a']);
  });
});

describe('panel link', () => {
  function linked() {
    const posted: { type: string; why?: string; request?: number }[] = [];
    const frames: (() => void)[] = [];
    const told: string[] = [];
    let now = 0;
    const link = new Link(
      {
        post: (message) => posted.push(message),
        now: () => now,
        frame: (work) => frames.push(work),
        warn: () => told.push('warn'),
      },
      {
        hello: () => told.push('hello'),
        began: () => told.push('began'),
        changed: () => told.push('changed'),
        gaveUp: () => told.push('gaveUp'),
      },
    );
    const begin = (epoch: number) => {
      for (const message of messagesOf(states.fresh, epoch)) link.receive(message);
    };
    const draw = () => {
      for (const frame of frames.splice(0)) frame();
    };
    const resyncs = () => posted.filter(({ type }) => type === 'resync').length;
    return {
      link,
      posted,
      frames,
      told,
      begin,
      draw,
      resyncs,
      pass: (ms: number) => {
        now += ms;
      },
    };
  }

  it('draws what has come between two frames as one change', () => {
    const { link, begin, draw, told, frames } = linked();
    begin(1);
    for (let seq = 1; seq <= 100; seq += 1) link.receive(change(1, seq, {}));
    assert.equal(frames.length, 1);
    assert.deepEqual(told, ['began']);
    draw();
    assert.deepEqual(told, ['began', 'changed']);
  });

  it('asks to begin again, once, when a number is missing; and goes on from there', () => {
    const { link, begin, draw, resyncs, told } = linked();
    begin(1);
    link.receive(change(1, 2, {}));
    draw();
    link.receive(change(1, 3, {}));
    link.receive(change(1, 9, {}));
    draw();
    assert.equal(resyncs(), 1);
    begin(2);
    link.receive(change(2, 1, {}));
    draw();
    assert.equal(resyncs(), 1);
    assert.equal(told.at(-1), 'changed');
  });

  it('begins again for a change that cannot be read, and ignores what is no part of the feed', () => {
    const { link, begin, resyncs } = linked();
    begin(1);
    for (const message of [null, 1, 'x', {}, { type: 'nonsense' }, { type: 'reply', request: 'x' }])
      link.receive(message);
    assert.equal(resyncs(), 0);
    link.receive({ type: 'change', epoch: 1, seq: 1, at: 0, runs: [{ of: 1 }] });
    assert.equal(resyncs(), 1);
  });

  it('gives up when beginning again does not help, instead of asking for ever', () => {
    const { link, begin, resyncs, told, pass } = linked();
    for (let epoch = 1; epoch < 20; epoch += 1) {
      begin(epoch);
      link.receive({ type: 'change', nonsense: true });
      pass(100);
    }
    assert.equal(resyncs(), 5);
    assert.equal(told.includes('gaveUp'), true);
  });

  it('chunks of an earlier beginning are not mixed with those of a later', () => {
    const { link, told } = linked();
    const first = [...messagesOf(states.normal, 1)];
    const second = [...messagesOf(states.fresh, 2)];
    for (const message of [
      ...first.slice(0, 2),
      ...second.slice(0, 1),
      ...first.slice(2),
      ...second.slice(1),
    ])
      link.receive(message);
    assert.deepEqual(told, ['began']);
  });

  it('settles each request with its own answer', async () => {
    const { link, posted } = linked();
    const one = link.request({ type: 'showLog' });
    const other = link.request({ type: 'aside' });
    const reply = (request: number, ok: boolean): ToPanel => ({ type: 'reply', request, ok });
    link.receive(reply(posted[1]!.request!, false));
    link.receive(reply(posted[0]!.request!, true));
    link.receive(reply(99, true));
    assert.equal((await one).ok, true);
    assert.equal((await other).ok, false);
  });
});

/** Numbers that look like chance and are the same each time. */
function lcg(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}
