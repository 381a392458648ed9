/** Taking back what an agent has done last to a workflow (UNDO-n). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type {
  AdvanceFacts,
  Answer,
  FileSight,
  Granted,
  Plan,
  RefusalOf,
  Seq,
  TaskStatus,
  UndoChange,
} from '../../src/core/model';
import { lastChange } from '../../src/core/rules/undo';
import { Book, everyTask, waveTasks } from '../model/undo';
import { advanceOf, planOf, sightOf } from './plans';
import { granted, refused, type Speaker } from './rowStore';
import { minute, Scene, type Held } from './runScene';

const id = (text: string): never => text as never;
const texts = { with: id('a'.repeat(64)), without: id('b'.repeat(64)) };

/** A workflow of three waves, and its file as a writer keeps it: what is promised it says at once. */
class UndoScene extends Scene {
  readonly statuses = new Map<string, TaskStatus>(everyTask.map((task) => [task, 'todo']));
  wave = 0;

  constructor(private readonly fields: Partial<FileSight> = {}) {
    super();
    const read = { kind: 'file.import', from: null, how: 'git', tasks: [] } as const;
    const diff = { added: [], removed: [], modified: [] };
    granted(this.perform({ ...read, sight: this.sight, diff }));
  }

  get plan(): Plan {
    return planOf(
      this.wave,
      waveTasks.map((tasks) => tasks.map((task) => this.statuses.get(task) ?? 'todo')),
    );
  }

  get sight(): FileSight {
    return sightOf(this.plan, this.fields);
  }

  say(task: string, status: TaskStatus, who = this.ann): Answer<Granted['task.set']> {
    const present = this.statuses.get(task) ?? 'todo';
    const change = { task: id(task), status };
    const answer = this.perform({ kind: 'task.set', sight: this.sight, change, present }, who);
    if (answer.ok) this.statuses.set(task, status);
    return this.written(answer);
  }

  note(text: string, who = this.ann): Answer<Granted['note.add']> {
    return this.written(this.perform({ kind: 'note.add', sight: this.sight, text }, who));
  }

  advance(who = this.ann): Answer<AdvanceFacts> {
    const force = { reason: 'a test' };
    const answer = this.perform({ ...advanceOf(this.plan, this.fields), force }, who);
    if (answer.ok) this.wave = answer.facts.to;
    return this.written(answer);
  }

  claimTask(task: string, who = this.ann): Held {
    const run = this.store.runs.findLast((each) => each.task === task && each.status === 'queued');
    assert.ok(run, `no run of ${task} is queued`);
    this.statuses.set(task, 'doing');
    return this.written(this.claim({ run: run.id }, who));
  }

  undo(who = this.ann, fields: Partial<UndoChange> = {}): Answer<Granted['change.undo']> {
    const last = this.store.ask(lastChange(this.sight.workflow, who));
    const answer = this.perform(
      {
        ...{ kind: 'change.undo', sight: this.sight, plan: this.plan },
        ...{ undoes: last?.change.seq ?? null, file: last?.edits.length === 0 ? null : texts },
        ...fields,
      },
      who,
    );
    if (!answer.ok) return answer;
    const { undone } = answer.facts;
    if (undone.kind === 'task') this.statuses.set(undone.task, undone.to);
    if (undone.kind === 'wave') this.wave = undone.to;
    return this.written(answer);
  }

  /** The writer keeps every promise. */
  written<Result>(result: Result): Result {
    const edits = this.store.fileEdits.map((edit) => edit.id);
    const { workflow, hash: target } = this.sight;
    if (edits.length > 0) this.perform({ kind: 'file.confirm', workflow, target, edits });
    return result;
  }

  refusedTo(who: Speaker, fields: Partial<UndoChange> = {}): RefusalOf<'conflict'> {
    return refused(this.undo(who, fields), 'conflict');
  }

  get liveTasks(): readonly (string | null)[] {
    return this.store.runs.flatMap(({ task, status }) =>
      status === 'queued' || status === 'running' ? [task] : [],
    );
  }
}

describe('UNDO: taking back the last change', () => {
  it('UNDO-1 a task stands as it stood, which is told as a change of its own', () => {
    const scene = new UndoScene();
    granted(scene.say('1-1', 'doing'));
    const set = scene.store.events.findLast(({ kind }) => kind === 'task.changed');
    const head = scene.store.seq;
    const facts = granted(scene.undo());
    assert.deepEqual(facts.undone, {
      ...{ kind: 'task', seq: set?.seq, task: '1-1', from: 'doing', to: 'todo' },
    });
    assert.equal(scene.store.tasks[0]?.status, 'todo');
    assert.deepEqual(scene.kindsSince(head).slice(0, 3), [
      'task.changed',
      'file.pending',
      'change.undone',
    ]);
    assert.ok(set && scene.store.events.includes(set), 'what was told stays told');
  });

  it('UNDO-1 commit, files and error are again those of the status that it goes back to', () => {
    const scene = new UndoScene();
    const present = 'todo';
    const change = { task: id('1-1'), status: 'done', commit: 'c0ffee', files: ['a.ts'] } as const;
    granted(scene.perform({ kind: 'task.set', sight: scene.sight, change, present }));
    scene.statuses.set('1-1', 'done');
    scene.written(null);
    granted(scene.say('1-1', 'failed'));
    granted(scene.undo());
    const { status, commit, files } = scene.store.tasks[0]!;
    assert.deepEqual([status, commit, files], ['done', 'c0ffee', ['a.ts']]);
  });

  it('UNDO-1 a note, a wave and a completion are taken back', () => {
    const scene = new UndoScene();
    for (let wave = 1; wave <= 4; wave += 1) granted(scene.advance());
    assert.equal(scene.store.workflows[0]?.status, 'completed');
    granted(scene.note('Mind the gap'));
    assert.equal(granted(scene.undo()).undone.kind, 'note');
    const { undone } = granted(scene.undo());
    assert.ok(undone.kind === 'wave' && undone.completed);
    const { status, wave } = scene.store.workflows[0];
    assert.deepEqual([status, wave], ['active', 3]);
    granted(scene.undo());
    assert.deepEqual(
      scene.store.workflows.map((row) => row.wave),
      [2],
    );
  });

  it("UNDO-2 it is the speaker's own last change by its own word, however much others have done", () => {
    const scene = new UndoScene();
    granted(scene.say('1-1', 'doing'));
    granted(scene.say('1-2', 'done', scene.bob));
    granted(scene.note('of bob', scene.bob));
    scene.statuses.set('2-1', 'done');
    const moved = { task: id('2-1'), from: 'todo', to: 'done' } as const;
    const from = scene.sight.hash;
    const diff = { added: [], removed: [], modified: ['2-1'] };
    granted(
      scene.perform({
        ...{ kind: 'file.import', sight: scene.sight, from, how: 'hand', tasks: [moved], diff },
      }),
    );
    const { undone } = granted(scene.undo());
    assert.ok(undone.kind === 'task' && undone.task === '1-1');
    refused(scene.undo(), 'invalid_transition');
  });

  it('UNDO-2 without a name nobody has a change, and with nothing changed there is none', () => {
    const scene = new UndoScene();
    granted(scene.say('1-1', 'doing'));
    refused(scene.undo(scene.speaker('x', { named: false })), 'agent_required');
    refused(scene.undo(scene.bob), 'invalid_transition');
  });

  it('UNDO-3 who goes on taking back goes further back', () => {
    const scene = new UndoScene();
    for (const status of ['doing', 'failed', 'done'] as const) granted(scene.say('1-1', status));
    for (const status of ['failed', 'doing', 'todo'] as const) {
      const { undone } = granted(scene.undo());
      assert.ok(undone.kind === 'task' && undone.to === status);
    }
    refused(scene.undo(), 'invalid_transition');
    granted(scene.say('1-1', 'done'));
    granted(scene.undo());
    assert.equal(scene.statuses.get('1-1'), 'todo');
  });

  it('UNDO-4 a task that somebody has changed since, or works on, is a conflict that says by whom', () => {
    const changed = new UndoScene();
    granted(changed.say('1-1', 'doing'));
    granted(changed.say('1-1', 'failed', changed.bob));
    const { since, message } = changed.refusedTo(changed.ann);
    assert.deepEqual(
      since?.map(({ kind, agent, task }) => [kind, agent, task]),
      [['task.changed', 'bob', '1-1']],
    );
    assert.match(message, /task\.changed of 1-1 by bob/);
    assert.equal(changed.statuses.get('1-1'), 'failed');

    const worked = new UndoScene();
    granted(worked.advance(worked.bob));
    granted(worked.say('1-1', 'failed'));
    const held = worked.claimTask('1-1', worked.bob);
    refused(worked.undo(), 'task_busy');
    granted(worked.complete(held));
    worked.written(null);
    assert.deepEqual(
      worked.refusedTo(worked.ann).since?.map(({ kind, agent }) => [kind, agent]),
      [
        ['run.claimed', 'bob'],
        ['run.completed', 'ann'],
      ],
    );
  });

  it('UNDO-4 a task is not taken back behind a wave that began after it', () => {
    const scene = new UndoScene();
    granted(scene.advance());
    granted(scene.say('1-1', 'done'));
    granted(scene.advance(scene.bob));
    assert.deepEqual(
      scene.refusedTo(scene.ann).since?.map(({ kind }) => kind),
      ['workflow.advanced'],
    );
  });

  it('UNDO-4 what was taken back itself is in nobody’s way', () => {
    const scene = new UndoScene();
    granted(scene.say('1-1', 'doing'));
    granted(scene.say('1-1', 'failed', scene.bob));
    granted(scene.undo(scene.bob));
    granted(scene.undo());
    assert.equal(scene.statuses.get('1-1'), 'todo');
  });

  it('UNDO-4 a task that its file shows otherwise by now is a conflict', () => {
    const scene = new UndoScene();
    granted(scene.say('1-1', 'doing'));
    scene.statuses.set('1-1', 'done');
    assert.match(scene.refusedTo(scene.ann).message, /is done by now, not doing/);
    const plan = { ...scene.plan, waves: [] };
    assert.match(scene.refusedTo(scene.ann, { plan }).message, /is not in the file any more/);
  });

  it('UNDO-4 of a workflow that belongs to another file by now nothing is taken back', () => {
    const scene = new UndoScene();
    granted(scene.say('1-1', 'doing'));
    const sight = { ...scene.sight, file: 'docs/STATE.md' as never };
    assert.match(scene.refusedTo(scene.ann, { sight }).message, /belongs to STATE\.md/);
  });

  it('UNDO-5 a wave goes back while nobody has begun on it, and its queued runs are cancelled', () => {
    const scene = new UndoScene();
    granted(scene.advance());
    const { runs } = granted(scene.advance());
    const facts = granted(scene.undo());
    assert.deepEqual(
      facts.cancelled,
      runs.map((run) => run.id),
    );
    assert.deepEqual(
      runs.map((run) => scene.status(run)),
      ['cancelled', 'cancelled'],
    );
    assert.deepEqual(scene.liveTasks, ['1-1', '1-2']);
    assert.equal(granted(scene.advance()).runs.length, 2);
  });

  it('UNDO-5 a wave of which a run was claimed or a task changed stays', () => {
    const claimed = new UndoScene();
    granted(claimed.advance());
    const { run } = claimed.claimTask('1-2', claimed.bob);
    assert.deepEqual(
      claimed.refusedTo(claimed.ann).since?.map((each) => [each.kind, each.agent, each.run]),
      [['run.claimed', 'bob', run.id]],
    );
    assert.equal(claimed.status(run), 'running');

    const changed = new UndoScene();
    granted(changed.advance());
    granted(changed.say('1-1', 'done', changed.bob));
    assert.equal(changed.refusedTo(changed.ann).since?.[0]?.agent, 'bob');
    assert.equal(changed.wave, 1);
  });

  it('UNDO-6 the queued run that was not needed any more is queued again, as a new attempt', () => {
    const scene = new UndoScene();
    granted(scene.advance(scene.bob));
    const { cancelled } = granted(scene.say('1-1', 'done'));
    const [again] = granted(scene.undo()).runs;
    assert.deepEqual([again?.retryOf, again?.status, again?.task], [cancelled, 'queued', '1-1']);
    assert.equal(scene.claimTask('1-1').run.id, again?.id);
  });

  it('UNDO-6 who has waited for it waits again, unless it has begun: that is in the way', () => {
    const scene = new UndoScene();
    granted(scene.advance(scene.bob));
    const [first, second] = scene.store.runs;
    assert.ok(first?.task === '1-1' && second?.task === '1-2');
    granted(scene.perform({ kind: 'run.link', run: second.id, dependsOn: [first.id] }));
    const linked = (): unknown => {
      const row = scene.store.runs.find(({ id: run }) => run === second.id);
      return [row?.dependsOn, row?.unmet];
    };
    granted(scene.say('1-1', 'done'));
    assert.deepEqual(linked(), [[], []]);
    granted(scene.undo());
    assert.deepEqual(linked(), [[first.id], [first.id]]);

    granted(scene.say('1-1', 'done'));
    scene.claimTask('1-2', scene.bob);
    const [begun] = scene.refusedTo(scene.ann).since ?? [];
    assert.deepEqual([begun?.kind, begun?.agent, begun?.task], ['run.claimed', 'bob', '1-2']);
  });

  it('UNDO-6 who has ended meanwhile, works without a task, or waits for it already is left as it is', () => {
    const scene = new UndoScene();
    granted(scene.advance(scene.bob));
    const [first, second] = scene.store.runs;
    assert.ok(first && second?.task === '1-2');
    const dependsOn = [first.id];
    granted(scene.perform({ kind: 'run.link', run: second.id, dependsOn }));
    const [free, gone] = [scene.create({ dependsOn }), scene.create({ dependsOn })];
    granted(scene.say('1-1', 'done'));
    granted(scene.perform({ kind: 'run.link', run: second.id, dependsOn }));
    scene.claim({ run: free.id }, scene.bob);
    granted(scene.cancel(gone));
    const rows = (): unknown =>
      [second, free, gone].map(({ id: run }) => {
        const row = scene.store.runs.find((each) => each.id === run);
        return [row?.status, row?.dependsOn];
      });
    const before = rows();
    assert.deepEqual(before, [
      ['queued', [first.id]],
      ['running', []],
      ['cancelled', []],
    ]);
    granted(scene.undo());
    assert.deepEqual(rows(), before);
  });

  it('UNDO-5 a wave that the file shows elsewhere by now is a conflict', () => {
    const scene = new UndoScene();
    granted(scene.advance());
    scene.wave = 2;
    assert.match(scene.refusedTo(scene.ann).message, /wave 2 is under way/);
  });

  it('UNDO-6 a link that would close a circle by now is not made again', () => {
    const scene = new UndoScene();
    granted(scene.advance(scene.bob));
    const [first, second] = scene.store.runs;
    assert.ok(first && second?.task === '1-2');
    granted(scene.perform({ kind: 'run.link', run: second.id, dependsOn: [first.id] }));
    granted(scene.say('1-1', 'done'));
    const gone = scene.store.runs.find(({ id: run }) => run === first.id);
    assert.ok(gone?.status === 'cancelled');
    scene.store.given({ put: 'run', row: { ...gone, dependsOn: [second.id] } });
    granted(scene.undo());
    const row = scene.store.runs.find(({ id: run }) => run === second.id);
    assert.deepEqual([row?.dependsOn, row?.unmet], [[], []]);
  });

  it('UNDO-7 the file is promised what it said before, in the same decision', () => {
    const scene = new UndoScene();
    granted(scene.note('Mind the gap'));
    const promised: unknown[] = [];
    const written = scene.written.bind(scene);
    scene.written = (result) => {
      promised.push(...scene.store.fileEdits.map(({ change }) => change));
      return written(result);
    };
    granted(scene.undo());
    assert.deepEqual(promised, [{ kind: 'merge', base: texts.with, mine: texts.without }]);
  });

  it('UNDO-7 what is only promised so far, lost, or grown together with other text is a conflict', () => {
    const scene = new UndoScene();
    const written = scene.written.bind(scene);
    scene.written = (result) => result;
    granted(scene.say('1-1', 'doing'));
    assert.match(scene.refusedTo(scene.ann).message, /does not say it yet/);
    written(null);
    assert.match(scene.refusedTo(scene.ann, { file: { unfit: 'lost' } }).message, /not kept/);
    assert.match(scene.refusedTo(scene.ann, { file: { unfit: 'apart' } }).message, /same place/);
    assert.equal(scene.store.tasks[0]?.status, 'doing');
    granted(scene.undo());
  });

  it('UNDO-7 a file that may not be edited is promised nothing; the store says how its task stands', () => {
    const scene = new UndoScene({ editing: 'none' });
    granted(scene.say('1-1', 'doing'));
    granted(scene.undo());
    assert.equal(scene.store.tasks[0]?.status, 'todo');
    assert.deepEqual(scene.store.fileEdits, []);
  });

  it('UNDO-8 of two who ask at once for the same, one is told that it has changed', () => {
    const scene = new UndoScene();
    granted(scene.note('first'));
    granted(scene.note('second'));
    const seen = scene.store.ask(lastChange(scene.sight.workflow, scene.ann))?.change.seq;
    const undoes: Seq | null = seen ?? null;
    granted(scene.undo(scene.ann, { undoes }));
    assert.match(scene.refusedTo(scene.ann, { undoes }).message, /Look again/);
  });

  it('UNDO-9 the task of a running run is taken back by the holder of its token only', () => {
    const scene = new UndoScene();
    granted(scene.advance());
    const { token } = scene.claimTask('1-1');
    const change = { task: id('1-1'), status: 'failed' } as const;
    const set = { kind: 'task.set', sight: scene.sight, change, present: 'doing', token } as const;
    granted(scene.perform(set));
    scene.statuses.set('1-1', 'failed');
    scene.written(null);
    refused(scene.undo(), 'task_busy');
    refused(scene.undo(scene.ann, { token: id('another') }), 'stale_claim');
    scene.world.advance(minute);
    granted(scene.undo(scene.ann, { token }));
    assert.equal(scene.statuses.get('1-1'), 'doing');
  });
});

/* ------------------------------------------------------------------ against the plain book */

const isLong = process.env['WAVELOCK_CAMPAIGN'] === '1';
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 2 ** 31);

type Step =
  | { readonly do: 'set'; readonly who: string; readonly task: string; readonly to: TaskStatus }
  | { readonly do: 'note' | 'advance' | 'undo'; readonly who: string }
  | { readonly do: 'claim' | 'complete'; readonly who: string; readonly task: string };

const who = fc.constantFrom('ann', 'bob');
const task = fc.constantFrom('1-1', '1-2', '2-1', '3-2');
const to = fc.constantFrom<TaskStatus>('todo', 'doing', 'done', 'failed');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), who, task, to }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('note' as const), who }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), who }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('undo' as const), who }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constantFrom('claim' as const, 'complete'), who, task }),
    },
  ),
  { maxLength: isLong ? 60 : 25, size: 'max' },
);

describe('UNDO: rule and plain book', function () {
  this.timeout(isLong ? 0 : 100_000);

  it(`PROPERTY say the same and stand the same after any steps (seed ${seed})`, () => {
    const taken = new Map<string, number>();
    fc.assert(
      fc.property(steps, (played) => {
        const scene = new UndoScene();
        const book = new Book();
        const held = new Map<string, Held>();
        for (const step of played) {
          const speaker = step.who === 'ann' ? scene.ann : scene.bob;
          if (step.do === 'claim') {
            if (book.claim(step.who, step.task))
              held.set(step.task, scene.claimTask(step.task, speaker));
          } else if (step.do === 'complete') {
            if (!book.complete(step.who, step.task)) continue;
            granted(scene.written(scene.complete(held.get(step.task)!)));
            scene.statuses.set(step.task, 'done');
          } else {
            const answer =
              step.do === 'set'
                ? scene.say(step.task, step.to, speaker)
                : step.do === 'note'
                  ? scene.note('a note', speaker)
                  : scene[step.do](speaker);
            const expected =
              step.do === 'set' ? book.set(step.who, step.task, step.to) : book[step.do](step.who);
            const said = answer.ok ? 'granted' : answer.refusal.code;
            assert.equal(said, expected, JSON.stringify(step));
            if (step.do === 'undo') taken.set(said, (taken.get(said) ?? 0) + 1);
          }
          assert.deepEqual([...scene.statuses], [...book.statuses]);
          const live = everyTask.filter((each) =>
            ['queued', 'running'].includes(book.runs.get(each) ?? ''),
          );
          assert.deepEqual([...scene.liveTasks].sort(), [...live].sort());
          const row = scene.store.workflows[0];
          assert.deepEqual(
            [scene.wave, row?.wave, row?.status],
            [book.wave, book.wave, book.completed ? 'completed' : 'active'],
          );
        }
      }),
      { numRuns: isLong ? 20_000 : 400, seed },
    );
    for (const said of ['granted', 'conflict', 'invalid_transition', 'task_busy'])
      assert.ok((taken.get(said) ?? 0) > 0, `nothing was ${said}`);
  });
});
