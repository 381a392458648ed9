/** The rules of the advance of a wave (domain.md, "Workflow files"). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decide } from '../../src/core/decide';
import type { Answer, Blocker, Command, Granted, RunRow } from '../../src/core/model';
import { evolve, viewOf } from '../../src/core/views';
import { advanceOf, planOf, taskRun } from './plans';
import { granted, refused, RowStore, speaker } from './rowStore';
import { minute, Scene } from './runScene';

const tester = speaker();
const perform = <C extends Command>(store: RowStore, command: C): Answer<Granted[C['kind']]> =>
  store.perform(command, tester);

describe('WAVE: advance', () => {
  it('WAVE-1 starts wave 1 from wave 0, whatever the tasks are', () => {
    const store = new RowStore();
    const facts = granted(perform(store, advanceOf(planOf(0, [['todo'], ['todo']]))));
    assert.deepEqual([facts.from, facts.to, facts.completed], [0, 1, false]);
    assert.equal(store.workflows[0]?.wave, 1);
  });

  it('WAVE-2 refuses while a task of the current wave is not completed, and names each', () => {
    const plan = planOf(1, [['done', 'todo', 'failed', 'doing'], ['todo']]);
    const refusal = refused(perform(new RowStore(), advanceOf(plan)), 'wave_incomplete');
    assert.deepEqual(
      refusal.blockers.map(({ task, status }: Blocker) => [task, status]),
      [
        ['1-2', 'todo'],
        ['1-3', 'failed'],
        ['1-4', 'doing'],
      ],
    );
    assert.match(refusal.message, /3 tasks of wave 1 are not completed/);
  });

  it('WAVE-2 says "1 task is" of one task', () => {
    const refusal = refused(
      perform(new RowStore(), advanceOf(planOf(1, [['todo']]))),
      'wave_incomplete',
    );
    assert.match(refusal.message, /1 task of wave 1 is not completed/);
  });

  it('WAVE-3 refuses while a run of the current wave is at work, though its box is checked', () => {
    const store = new RowStore();
    store.given({ put: 'run', row: taskRun('run_a', '1-1', 'running') });
    const refusal = refused(
      perform(store, advanceOf(planOf(1, [['done'], ['todo']]))),
      'wave_incomplete',
    );
    assert.deepEqual(refusal.blockers[0], {
      task: '1-1',
      run: 'run_a',
      status: 'running',
      why: 'run run_a is at work on it',
    });
  });

  it('WAVE-4 by force needs a reason, leaves running runs in place and records them', () => {
    const store = new RowStore();
    store.given({ put: 'run', row: taskRun('run_a', '1-1', 'running') });
    const plan = planOf(1, [['doing', 'todo'], ['todo']]);
    const facts = granted(perform(store, { ...advanceOf(plan), force: { reason: 'demo today' } }));
    assert.deepEqual(facts.carriedOver, ['run_a']);
    assert.equal(store.runs[0]?.status, 'running');
    const event = store.events.find((candidate) => candidate.kind === 'workflow.advanced');
    assert.equal(event?.data.forced, 'demo today');
    assert.equal(event.data.blockers?.length, 2);
  });

  it('WAVE-5 queues one run per task of the next wave, with its dependencies', () => {
    const store = new RowStore();
    const plan = planOf(1, [['done'], ['todo', 'todo', 'done']], { '2-2': ['2-1', '1-1'] });
    const facts = granted(perform(store, advanceOf(plan)));
    assert.deepEqual(
      facts.runs.map(({ task, status, wave }) => [task, status, wave]),
      [
        ['2-1', 'queued', 2],
        ['2-2', 'queued', 2],
      ],
    );
    assert.deepEqual(
      facts.runs[1]?.dependsOn,
      [facts.runs[0]?.id],
      'what is done holds nothing up',
    );
  });

  for (const status of ['queued', 'running', 'completed'] as const) {
    it(`WAVE-5 queues none for a task whose run is ${status}`, () => {
      const store = new RowStore();
      store.given({ put: 'run', row: taskRun('run_a', '2-1', status) });
      const facts = granted(perform(store, advanceOf(planOf(1, [['done'], ['todo', 'todo']]))));
      assert.deepEqual(
        facts.runs.map(({ task }) => task),
        ['2-2'],
      );
    });
  }

  for (const status of ['error', 'killed', 'cancelled', 'lost'] as const) {
    it(`WAVE-5 queues one for a task whose run ended in ${status}`, () => {
      const store = new RowStore();
      store.given({ put: 'run', row: taskRun('run_a', '2-1', status) });
      const facts = granted(perform(store, advanceOf(planOf(1, [['done'], ['todo']]))));
      assert.deepEqual(
        facts.runs.map(({ task }) => task),
        ['2-1'],
      );
    });
  }

  it('WAVE-5 waits for the run of an earlier wave that has not completed, and passes over what has no run', () => {
    const store = new RowStore().given(
      { put: 'run', row: taskRun('run_a', '1-1', 'running') },
      { put: 'run', row: taskRun('run_b', '1-2', 'completed') },
    );
    const plan = planOf(1, [['todo', 'todo', 'todo'], ['todo']], {
      '2-1': ['1-1', '1-2', '1-3', '9-9'],
    });
    const [row] = granted(perform(store, { ...advanceOf(plan), force: { reason: 'r' } })).runs;
    assert.deepEqual(row?.dependsOn, ['run_a', 'run_b']);
    assert.deepEqual(row.unmet, ['run_a']);
  });

  it('WAVE-5 calls a run by its task, or by its id where the file says nothing more', () => {
    const plan = planOf(0, [['todo', 'todo']]);
    const [wave] = plan.waves;
    const [first, second] = wave!.tasks;
    const tasks = [first!, { ...second!, description: '' }];
    const facts = granted(
      perform(new RowStore(), advanceOf({ ...plan, waves: [{ number: 1, tasks }] })),
    );
    assert.deepEqual(
      facts.runs.map(({ title }) => title),
      ['Task 1-1', '1-2'],
    );
  });

  it('WAVE-5 queues none for a wave that the file does not list', () => {
    const plan = { ...planOf(1, [['done']]), waveCount: 3 };
    assert.deepEqual(granted(perform(new RowStore(), advanceOf(plan))).runs, []);
  });

  it('WAVE-6 completes the workflow past the last wave, promises no write, and then refuses', () => {
    const store = new RowStore();
    const plan = planOf(2, [['done'], ['done']]);
    const facts = granted(perform(store, advanceOf(plan)));
    assert.deepEqual([facts.from, facts.to, facts.completed], [2, 2, true]);
    assert.equal(store.fileEdits.length, 0);
    refused(perform(store, advanceOf(plan)), 'invalid_transition');
  });

  it('WAVE-6 lets a completed workflow go on that has grown by a wave', () => {
    const store = new RowStore();
    granted(perform(store, advanceOf(planOf(1, [['done']]))));
    const facts = granted(perform(store, advanceOf(planOf(1, [['done'], ['todo']]))));
    assert.equal(facts.to, 2);
    assert.equal(store.workflows[0]?.status, 'active');
  });

  it('WAVE-7 refuses an asker who saw another wave: of two who press at once, one advances', () => {
    const store = new RowStore();
    const plan = planOf(1, [['done'], []]);
    granted(perform(store, { ...advanceOf(plan), seen: 1 }));
    const later = planOf(2, [['done'], []]);
    refused(perform(store, { ...advanceOf(later), seen: 1 }), 'conflict');
    assert.equal(store.workflows[0]?.wave, 2);
  });

  it('WAVE-7 counts a wave that the file does not say yet', () => {
    const store = new RowStore();
    const plan = planOf(1, [['done'], [], []]);
    granted(perform(store, advanceOf(plan)));
    for (const more of [{}, { seen: 1 }, { seen: 2 }, { force: { reason: 'Now' } }]) {
      const refusal = refused(perform(store, { ...advanceOf(plan), ...more }), 'conflict');
      assert.match(refusal.message, /wave 2 is under way, not wave 1/);
    }
    assert.equal(store.workflows[0]?.wave, 2);
  });

  it('WAVE-8 leaves a second file with the same id alone', () => {
    const store = new RowStore();
    const plan = planOf(0, [['todo']]);
    granted(perform(store, advanceOf(plan)));
    const copy = advanceOf(plan, { file: 'copy/STATE.md' as never });
    assert.match(refused(perform(store, copy), 'conflict').message, /belongs to STATE\.md/);
    const elsewhere = advanceOf(plan, { worktree: 'feature' });
    assert.match(refused(perform(store, elsewhere), 'conflict').message, /in worktree feature/);
    assert.match(
      refused(perform(store, elsewhere), 'conflict').message,
      /belongs to STATE\.md; STATE\.md in worktree feature is a copy/,
    );
  });

  it('WAVE-9 promises the write in the same decision', () => {
    const store = new RowStore();
    granted(perform(store, advanceOf(planOf(1, [['done'], ['todo']]))));
    assert.deepEqual(
      store.fileEdits.map(({ change, workflow, session }) => [change, workflow, session]),
      [[{ kind: 'wave', wave: 2 }, 'wf', tester.session]],
    );
    assert.deepEqual(
      store.events.map(({ kind }) => kind),
      ['workflow.created', 'workflow.advanced', 'run.created', 'file.pending'],
    );
  });

  it('WAVE-10 refuses while a retry is due in the wave, though the box is checked', () => {
    const store = new RowStore();
    const retry = { ...taskRun('run_b', '1-1', 'queued'), retryOf: 'run_a' as never, attempt: 2 };
    store.given({ put: 'run', row: retry });
    const plan = planOf(1, [['done'], ['todo']]);
    const refusal = refused(perform(store, advanceOf(plan)), 'wave_incomplete');
    assert.deepEqual(refusal.blockers, [
      { task: '1-1', run: 'run_b', status: 'queued', why: 'run run_b is to try it again' },
    ]);
    store.given({ put: 'run', row: { ...retry, retryOf: null, attempt: 1 } });
    granted(perform(store, advanceOf(plan)));
  });

  it('WAVE-10 judges a run before it blocks: one whose lease is over is lost and holds nothing up', () => {
    const scene = new Scene();
    scene.store.given({ put: 'run', row: taskRun('run_a', '1-1', 'queued') });
    scene.claim({ run: 'run_a' as never, leaseMs: minute });
    const plan = planOf(1, [['done'], ['todo']]);
    refused(scene.perform(advanceOf(plan)), 'wave_incomplete');
    scene.world.advance(2 * minute);
    granted(scene.perform(advanceOf(plan)));
    assert.equal(scene.status({ id: 'run_a' as never }), 'lost');
  });

  it('WAVE-11 goes on from where the store is when the file states no wave, and not twice from there', () => {
    const store = new RowStore();
    const checklist = { editing: 'checkbox' } as const;
    const plan = planOf(1, [['done'], ['todo'], ['todo']]);
    assert.equal(granted(perform(store, advanceOf(plan, checklist))).to, 2);
    // Nothing of wave 2 has begun, so the file still shows wave 1.
    refused(perform(store, advanceOf(plan, checklist)), 'wave_incomplete');
    const further = planOf(1, [['done'], ['done'], ['todo']]);
    assert.equal(granted(perform(store, advanceOf(further, checklist))).to, 3);
    assert.equal(store.workflows[0]?.wave, 3);
  });

  it('WAVE-11 begins anew when people have taken back all that was begun', () => {
    const store = new RowStore();
    const checklist = { editing: 'checkbox' } as const;
    granted(perform(store, advanceOf(planOf(1, [['done'], ['todo']]), checklist)));
    const again = granted(perform(store, advanceOf(planOf(0, [['todo'], ['todo']]), checklist)));
    assert.deepEqual([again.from, again.to], [0, 1]);
  });

  it('WAVE-11 takes the word of a file that states its wave, also back', () => {
    const store = new RowStore();
    const stated = planOf(1, [['done'], ['todo']]);
    granted(perform(store, advanceOf(stated)));
    const [promised] = store.fileEdits;
    assert.ok(promised);
    store.given({ drop: 'fileEdit', id: promised.id });
    const back = granted(perform(store, advanceOf(planOf(0, [['todo'], ['todo']]))));
    assert.deepEqual([back.from, back.to], [0, 1]);
  });

  it('a refusal changes nothing', () => {
    const store = new RowStore();
    refused(perform(store, advanceOf(planOf(1, [['todo']]))), 'wave_incomplete');
    assert.deepEqual(store.contents(), new RowStore().contents());
  });
});

const status = fc.constantFrom('todo', 'doing', 'done', 'failed' as const);
const runStatuses: fc.Arbitrary<RunRow['status']> = fc.constantFrom(
  'queued',
  'running',
  'completed',
  'error',
  'killed',
  'cancelled',
  'lost',
);
const anyPlan = fc
  .array(fc.array(status, { maxLength: 5 }), { minLength: 1, maxLength: 5 })
  .chain((waves) => fc.tuple(fc.nat(waves.length), fc.constant(waves)))
  .map(([wave, waves]) => planOf(wave, waves));

describe('WAVE: for any plan and any runs', () => {
  it('an advance goes exactly one wave on, and only when nothing blocks or force is used', () => {
    fc.assert(
      fc.property(
        anyPlan,
        fc.array(fc.tuple(fc.nat(4), fc.nat(4), runStatuses)),
        fc.boolean(),
        (plan, made, force) => {
          const store = new RowStore();
          made.forEach(([wave, task, state], index) => {
            store.given({
              put: 'run',
              row: taskRun(`run_${index}`, `${wave + 1}-${task + 1}`, state),
            });
          });
          const newest = new Map(store.runs.map((row) => [row.task, row.status]));
          const tasks = plan.waves.find(({ number }) => number === plan.wave)?.tasks ?? [];
          const blocked = tasks.some(
            (task) => task.status !== 'done' || newest.get(task.id) === 'running',
          );
          const outcome = perform(store, {
            ...advanceOf(plan),
            ...(force ? { force: { reason: 'r' } } : {}),
          });
          if (blocked && !force) {
            refused(outcome, 'wave_incomplete');
            return;
          }
          const facts = granted(outcome);
          assert.equal(facts.to, Math.min(plan.wave + 1, plan.waveCount));
          assert.equal(facts.completed, plan.wave === plan.waveCount);
          const live = store.runs.filter(({ status: of }) => of === 'queued' || of === 'running');
          const created = facts.runs.map(({ id }) => id);
          for (const row of live.filter(({ id }) => created.includes(id))) {
            assert.equal(
              newest.get(row.task) === 'queued' || newest.get(row.task) === 'running',
              false,
            );
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('a view evolved through events equals a view of the rows', () => {
    fc.assert(
      fc.property(fc.array(anyPlan, { minLength: 1, maxLength: 6 }), (plans) => {
        const store = new RowStore();
        let view = viewOf(store.snapshot());
        for (const plan of plans) {
          perform(store, { ...advanceOf(plan), force: { reason: 'any' } });
          view = store.events.reduce(evolve, view);
          assert.deepEqual(view, viewOf(store.snapshot()));
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('GUARD: who holds a workflow file', () => {
  const holder = { agent: 'a', session: tester.session, host: 'h', pid: 1, since: 5 } as never;
  const hold = { kind: 'guard.hold', file: 'STATE.md' as never, worktree: '', holder } as const;
  const free = { kind: 'guard.free', file: 'STATE.md' as never, worktree: '' } as const;

  it('GUARD-1 the newest holder is shown, and frees it', () => {
    const store = new RowStore();
    granted(perform(store, hold));
    assert.equal(store.guards.length, 1);
    granted(perform(store, free));
    assert.equal(store.guards.length, 0);
  });

  it('GUARD-2 nobody frees what another holds by now', () => {
    const store = new RowStore();
    granted(
      perform(store, { ...hold, holder: { ...(holder as object), session: 'ses_other' } as never }),
    );
    granted(perform(store, free));
    assert.equal(store.guards.length, 1);
    assert.equal(store.events.length, 1);
  });

  it('every decision ends: no rule waits for rows that it did not ask for', () => {
    const decision = decide(free, tester);
    // Every command is a sign of life of an agent that is registered.
    assert.deepEqual(decision.next().value, { rows: 'agent', name: tester.agent });
    assert.deepEqual(decision.next(null).value, { rows: 'guard', file: 'STATE.md', worktree: '' });
    assert.equal(decision.next(null).done, true);
  });
});
