/** What is said of tasks, by command and by runs, and what of it the file is promised (TASK-n). */
import assert from 'node:assert/strict';
import type {
  Answer,
  FileSight,
  Granted,
  RunRow,
  SetTask,
  TaskChange,
  TaskStatus,
} from '../../src/core/model';
import { planOf, sightOf, taskRun } from './plans';
import { granted, refused, type RowStore } from './rowStore';
import { minute, Scene, type Held } from './runScene';

const id = (text: string): never => text as never;
const plan = planOf(1, [['todo', 'todo']]);

/** A workflow whose file has been read, and a queued run of its task 1-1. */
class TaskScene extends Scene {
  readonly sight: FileSight;

  constructor(sight: Partial<FileSight> = {}) {
    super();
    this.sight = sightOf(plan, sight);
    const read = { kind: 'file.import', from: null, how: 'git', tasks: [] } as const;
    const diff = { added: [], removed: [], modified: [] };
    granted(this.perform({ ...read, sight: this.sight, diff }));
    this.store.given({ put: 'run', row: taskRun('run_a', '1-1', 'queued') });
  }

  say(change: Partial<TaskChange>, fields: Partial<SetTask> = {}): Answer<Granted['task.set']> {
    return this.perform({
      kind: 'task.set',
      sight: this.sight,
      change: { task: id('1-1'), status: 'doing', ...change },
      present: 'todo',
      ...fields,
    });
  }

  byHand(status: TaskStatus, ...tasks: string[]): void {
    const moved = tasks.length === 0 ? ['1-1'] : tasks;
    granted(
      this.perform({
        kind: 'file.import',
        sight: this.sight,
        from: this.sight.hash,
        how: 'hand',
        tasks: moved.map((task) => ({ task: id(task), from: 'todo', to: status })),
        diff: { added: [], removed: [], modified: moved },
      }),
    );
  }

  /** A queued run that waits for these. */
  waiting(run: string, task: string, ...dependsOn: string[]): void {
    const links = { dependsOn: dependsOn.map(id), unmet: dependsOn.map(id) };
    const row: RunRow = { ...taskRun(run, task, 'queued'), ...links };
    this.store.given({ put: 'run', row });
  }

  links(run: string): unknown {
    const row = this.store.runs.find((each) => each.id === run);
    return [row?.status, row?.dependsOn, row?.unmet];
  }

  begin(): Held {
    return this.claim({ run: id('run_a'), leaseMs: minute });
  }

  /** What the file shall say of the task. */
  get promised(): unknown {
    return this.store.fileEdits.map(({ change }) =>
      change.kind === 'task' ? [change.task, change.status] : change.kind,
    );
  }
}

/** Every row but the rate, which a refused command has used as well. */
function unlimited(store: RowStore): unknown {
  return { ...(store.contents() as object), rate: null };
}

describe('TASK: what is said of a task', () => {
  it('TASK-1 is told with what it was, and promised for the file in the same decision', () => {
    const scene = new TaskScene();
    const head = scene.store.seq;
    const facts = granted(scene.say({ status: 'doing', commit: 'c0ffee', files: ['a.ts'] }));
    assert.deepEqual([facts.from, facts.task.status, facts.task.by], ['todo', 'doing', 'set']);
    assert.deepEqual(scene.kindsSince(head), ['task.changed', 'file.pending']);
    assert.deepEqual(scene.store.fileEdits[0]?.change, {
      kind: 'task',
      cause: 'set',
      task: '1-1',
      status: 'doing',
      commit: 'c0ffee',
      files: ['a.ts'],
    });
    assert.equal(scene.store.tasks[0]?.commit, 'c0ffee');
  });

  it('TASK-2 of a task whose run is running only its holder may speak', () => {
    const scene = new TaskScene();
    const held = scene.begin();
    const before = unlimited(scene.store);
    const busy = refused(scene.say({}), 'task_busy');
    assert.deepEqual([busy.task, busy.run, busy.status], ['1-1', 'run_a', 'running']);
    refused(scene.say({}, { token: id('another') }), 'stale_claim');
    assert.deepEqual(unlimited(scene.store), before);
    granted(scene.say({ status: 'failed' }, { token: held.token }));
    assert.equal(scene.status(held.run), 'running');
  });

  it('TASK-2 judges the run first: one whose lease is over holds nobody off', () => {
    const scene = new TaskScene();
    const held = scene.begin();
    scene.world.advance(2 * minute);
    granted(scene.say({ status: 'done' }));
    assert.equal(scene.status(held.run), 'lost');
    assert.deepEqual(scene.promised, [['1-1', 'done']]);
  });

  it('TASK-3 set to done, its queued run is cancelled; otherwise it stays', () => {
    const scene = new TaskScene();
    assert.equal(granted(scene.say({ status: 'doing' })).cancelled, null);
    assert.equal(scene.status({ id: id('run_a') }), 'queued');
    assert.equal(granted(scene.say({ status: 'done' })).cancelled, 'run_a');
    assert.equal(scene.status({ id: id('run_a') }), 'cancelled');
    assert.deepEqual(scene.promised, [['1-1', 'done']]);
  });

  it('TASK-4 an asker who saw another status is told', () => {
    const scene = new TaskScene();
    const before = unlimited(scene.store);
    refused(scene.say({}, { seen: 'failed' }), 'conflict');
    assert.deepEqual(unlimited(scene.store), before);
    granted(scene.say({}, { seen: 'todo' }));
  });

  for (const [what, step, status] of [
    ['claimed', () => undefined, 'doing'],
    ['completed', (scene, held) => granted(scene.complete(held)), 'done'],
    ['failed', (scene, held) => granted(scene.fail(held)), 'failed'],
    [
      'lost',
      (scene) => {
        scene.sweepLater();
      },
      'failed',
    ],
    ['given up', (scene, held) => granted(scene.fail(held, { as: 'cancelled' })), 'todo'],
  ] satisfies [string, (scene: SweepScene, held: Held) => unknown, TaskStatus][]) {
    it(`TASK-5 a run that is ${what} shows as ${status} in its task's box`, () => {
      const scene = new SweepScene();
      const held = scene.begin();
      step(scene, held);
      assert.deepEqual(scene.promised, [['1-1', status]]);
    });
  }

  it('TASK-5 a failed run with a retry due shows as doing, with its error when none is left', () => {
    const scene = new TaskScene();
    scene.store.given({
      put: 'run',
      row: { ...taskRun('run_a', '1-1', 'queued'), maxAttempts: 2 },
    });
    const { retry } = granted(scene.fail(scene.begin()));
    assert.deepEqual(scene.promised, [['1-1', 'doing']]);
    scene.world.advance(minute);
    const last = scene.claim({ run: retry!.id });
    granted(scene.fail(last, { error: { message: 'first line\nsecond' } }));
    const [edit] = scene.store.fileEdits;
    assert.ok(edit?.change.kind === 'task');
    assert.deepEqual([edit.change.status, edit.change.error], ['failed', 'first line']);
  });

  it('TASK-5 a retry that is cancelled before it began leaves the task failed', () => {
    const scene = new TaskScene();
    scene.store.given({
      put: 'run',
      row: { ...taskRun('run_a', '1-1', 'queued'), maxAttempts: 2 },
    });
    const { retry } = granted(scene.fail(scene.begin()));
    granted(scene.cancel(retry!));
    assert.deepEqual(scene.promised, [['1-1', 'failed']]);
  });

  it('TASK-5 a queued run that is cancelled has never shown', () => {
    const scene = new TaskScene();
    granted(scene.cancel({ id: id('run_a') }));
    assert.deepEqual(scene.promised, []);
  });

  it('TASK-5 says nothing for a workflow whose file nobody has read', () => {
    const scene = new Scene();
    scene.store.given({ put: 'run', row: taskRun('run_a', '1-1', 'queued') });
    scene.claim({ run: id('run_a') });
    assert.deepEqual(scene.store.fileEdits, []);
  });

  it('TASK-6 a box that a person has moved since the run began stays as it is', () => {
    const scene = new TaskScene();
    const held = scene.begin();
    scene.world.advance(1);
    scene.byHand('done');
    assert.deepEqual(scene.promised, []);
    granted(scene.fail(held));
    assert.deepEqual(scene.promised, []);
    assert.equal(scene.store.tasks[0]?.by, 'hand');
  });

  it('TASK-6 a run that begins after the person speaks again', () => {
    const scene = new TaskScene();
    scene.byHand('failed');
    scene.world.advance(1);
    scene.begin();
    assert.deepEqual(scene.promised, [['1-1', 'doing']]);
  });

  it('TASK-7 the newest promise of a task replaces the one before, and keeps facts it says nothing of', () => {
    const scene = new TaskScene();
    granted(scene.say({ status: 'done', commit: 'c0ffee' }));
    const [first] = scene.store.fileEdits;
    granted(scene.say({ status: 'failed', error: 'no' }));
    granted(scene.say({ task: id('1-2'), status: 'done' }));
    assert.deepEqual(scene.promised, [
      ['1-1', 'failed'],
      ['1-2', 'done'],
    ]);
    const [kept] = scene.store.fileEdits;
    assert.ok(kept?.change.kind === 'task' && kept.id !== first?.id);
    assert.deepEqual([kept.change.commit, kept.change.error], ['c0ffee', 'no']);
  });

  it('TASK-8 what the file may not say the store keeps: from commands and from runs', () => {
    const scene = new TaskScene({ editing: 'none' });
    granted(scene.say({ status: 'failed', error: 'no' }));
    assert.deepEqual([scene.store.tasks[0]?.status, scene.store.tasks[0]?.error], ['failed', 'no']);
    // The file still says "todo"; the store knows better.
    assert.equal(granted(scene.say({ status: 'todo' })).from, 'failed');
    granted(scene.complete(scene.begin()));
    assert.deepEqual([scene.store.tasks[0]?.status, scene.store.tasks[0]?.by], ['done', 'run']);
    assert.deepEqual(scene.store.fileEdits, []);
    refused(scene.perform({ kind: 'note.add', sight: scene.sight, text: 'a' }), 'read_only');
  });

  it('TASK-8 of a file with boxes only, boxes alone are promised', () => {
    const scene = new TaskScene({ editing: 'checkbox' });
    granted(scene.say({ status: 'done' }));
    assert.deepEqual(scene.promised, [['1-1', 'done']]);
    refused(scene.perform({ kind: 'note.add', sight: scene.sight, text: 'a' }), 'read_only');
    const advance = {
      kind: 'wave.advance',
      plan: planOf(1, [['done'], ['todo']]),
      sight: scene.sight,
    } as const;
    granted(scene.perform(advance));
    assert.deepEqual(scene.promised, [['1-1', 'done']]);
  });

  it('TASK-10 of a file with boxes only, the store knows what its runs mean for a task', () => {
    const scene = new TaskScene({ editing: 'checkbox' });
    const held = scene.begin();
    const said = (): unknown[] =>
      scene.store.tasks.map(({ task, status, by }) => [task, status, by]);
    assert.deepEqual([said(), scene.promised], [[['1-1', 'doing', 'run']], [['1-1', 'doing']]]);
    granted(scene.complete(held));
    assert.deepEqual([said(), scene.promised], [[['1-1', 'done', 'run']], [['1-1', 'done']]]);
  });

  it('TASK-9 a note is told, and promised with its author', () => {
    const scene = new TaskScene();
    const head = scene.store.seq;
    granted(scene.perform({ kind: 'note.add', sight: scene.sight, text: 'Mind the gap' }));
    granted(scene.perform({ kind: 'note.add', sight: scene.sight, text: 'Mind it' }));
    assert.deepEqual(scene.kindsSince(head), [
      'note.added',
      'file.pending',
      'note.added',
      'file.pending',
    ]);
    assert.deepEqual(
      scene.store.fileEdits.map(({ change }) => change),
      [
        { kind: 'note', by: 'ann', text: 'Mind the gap' },
        { kind: 'note', by: 'ann', text: 'Mind it' },
      ],
    );
  });

  for (const [how, say] of [
    ['set', (scene) => granted(scene.say({ status: 'done' }))],
    [
      'checked by hand',
      (scene) => {
        scene.byHand('done');
      },
    ],
  ] satisfies [string, (scene: TaskScene) => unknown][]) {
    it(`TASK-11 nobody waits for a task that is ${how} as done: not for its queued run`, () => {
      const scene = new TaskScene();
      scene.waiting('run_b', '1-2', 'run_a');
      refused(scene.tryClaim({ run: id('run_b') }), 'nothing_queued');
      const head = scene.store.seq;
      say(scene);
      assert.deepEqual(scene.links('run_a'), ['cancelled', [], []]);
      assert.deepEqual(scene.links('run_b'), ['queued', [], []]);
      assert.ok(scene.kindsSince(head).includes('run.changed'));
      granted(scene.tryClaim({ run: id('run_b') }));
    });

    it(`TASK-11 nobody waits for a task that is ${how} as done: not for a run that has failed`, () => {
      const scene = new TaskScene();
      const other = scene.create().id;
      scene.waiting('run_b', '1-2', 'run_a', other);
      granted(scene.fail(scene.begin()));
      scene.world.advance(1);
      say(scene);
      assert.deepEqual(scene.links('run_b'), ['queued', [other], [other]]);
    });
  }

  it('TASK-11 a run at work is waited for; failed, it is not when a person has checked its task meanwhile', () => {
    const scene = new TaskScene();
    scene.waiting('run_b', '1-2', 'run_a');
    const held = scene.begin();
    scene.world.advance(1);
    scene.byHand('done');
    assert.deepEqual(scene.links('run_b'), ['queued', ['run_a'], ['run_a']]);
    granted(scene.fail(held));
    assert.deepEqual(scene.links('run_b'), ['queued', [], []]);
  });

  it('TASK-11 the word of the holder is no more than its run: failed, it holds up who waits', () => {
    const scene = new TaskScene();
    scene.waiting('run_b', '1-2', 'run_a');
    const held = scene.begin();
    granted(scene.say({ status: 'done' }, { token: held.token }));
    scene.world.advance(1);
    granted(scene.fail(held));
    assert.deepEqual(scene.links('run_b'), ['queued', ['run_a'], ['run_a']]);
    granted(scene.cancel({ id: id('run_b') }));
    const { run } = granted(scene.perform({ kind: 'run.retry', run: id('run_b') }));
    assert.deepEqual(run.unmet, ['run_a']);
  });

  it('TASK-11 of two that are checked at once, the one that waited is cancelled like the other', () => {
    for (const tasks of [
      ['1-1', '1-2'],
      ['1-2', '1-1'],
    ]) {
      const scene = new TaskScene();
      scene.waiting('run_b', '1-2', 'run_a');
      scene.waiting('run_c', '1-3', 'run_a', 'run_b');
      scene.byHand('done', ...tasks);
      assert.equal(scene.status({ id: id('run_b') }), 'cancelled');
      assert.deepEqual(scene.links('run_c'), ['queued', [], []]);
    }
  });

  it('TASK-11 two runs that are lost at once leave nobody waiting for either', () => {
    const scene = new TaskScene();
    scene.store.given({ put: 'run', row: taskRun('run_b', '1-2', 'queued') });
    scene.waiting('run_c', '1-3', 'run_a', 'run_b');
    scene.begin();
    scene.claim({ run: id('run_b'), leaseMs: minute });
    scene.world.advance(1);
    scene.byHand('done', '1-1', '1-2');
    granted(scene.perform({ kind: 'agent.leave', force: true }));
    assert.deepEqual(scene.links('run_c'), ['queued', [], []]);
  });

  for (const [what, step, editing, unmet] of [
    [
      'failed, with no word since',
      (scene) => granted(scene.fail(scene.begin())),
      'full',
      ['run_a'],
    ],
    [
      'completed, which its box says by itself',
      (scene) => granted(scene.complete(scene.begin())),
      'checkbox',
      [],
    ],
    [
      'completed, and called done',
      (scene) => {
        granted(scene.complete(scene.begin()));
        granted(scene.say({ status: 'done' }));
      },
      'full',
      [],
    ],
    [
      'at work on what is checked by hand',
      (scene) => {
        scene.begin();
        scene.world.advance(1);
        scene.byHand('done');
      },
      'full',
      ['run_a'],
    ],
  ] satisfies [string, (scene: TaskScene) => unknown, FileSight['editing'], string[]][]) {
    it(`TASK-11 a new attempt depends as before on a run that is ${what}`, () => {
      const scene = new TaskScene({ editing });
      scene.waiting('run_b', '1-2', 'run_a');
      granted(scene.cancel({ id: id('run_b') }));
      step(scene);
      const { run } = granted(scene.perform({ kind: 'run.retry', run: id('run_b') }));
      assert.deepEqual([run.dependsOn, run.unmet], [['run_a'], unmet]);
    });
  }

  it('TASK-11 a new attempt waits no more for what has been done without a run since', () => {
    const scene = new TaskScene();
    const other = scene.create().id;
    scene.waiting('run_b', '1-2', 'run_a', other);
    granted(scene.cancel({ id: id('run_b') }));
    const retried = (): RunRow => {
      const { run } = granted(scene.perform({ kind: 'run.retry', run: id('run_b') }));
      granted(scene.cancel(run));
      return run;
    };
    assert.deepEqual(retried().dependsOn, ['run_a', other]);
    granted(scene.say({ status: 'done' }));
    assert.deepEqual([retried().dependsOn, retried().unmet], [[other], [other]]);
  });
});

class SweepScene extends TaskScene {
  sweepLater(): void {
    this.world.advance(2 * minute);
    this.sweep();
  }
}
