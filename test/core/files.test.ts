/** What the store knows of workflow files, and how that moves (FILE-n). */
import assert from 'node:assert/strict';
import type {
  Answer,
  ConfirmWrite,
  Context,
  FileSight,
  Granted,
  ImportFile,
  IntendWrite,
  TaskMoved,
} from '../../src/core/model';
import { advanceOf, planOf, sightOf, taskRun } from './plans';
import { granted, refused, type RowStore } from './rowStore';
import { Scene } from './runScene';

const id = (text: string): never => text as never;
const plan = planOf(1, [['todo', 'todo']]);
const diff = { added: [], removed: [], modified: [] };
const checked: TaskMoved = { task: id('1-1'), from: 'todo', to: 'done' };

/** A workflow whose file was read with the content `A`. */
class FileScene extends Scene {
  constructor() {
    super();
    granted(this.import({ from: null }, 'A'));
  }

  sight(hash: string, fields: Partial<FileSight> = {}): FileSight {
    return sightOf(plan, { hash: id(hash), ...fields });
  }

  import(
    fields: Partial<ImportFile>,
    to: string,
    who: Context = this.ann,
  ): Answer<Granted['file.import']> {
    const kind = 'file.import';
    const about = { kind, from: id('A'), how: 'hand', tasks: [], diff } as const;
    return this.store.perform<ImportFile>({ ...about, sight: this.sight(to), ...fields }, who);
  }

  note(text: string, hash = 'A'): void {
    granted(this.perform({ kind: 'note.add', sight: this.sight(hash), text }));
  }

  intend(fields: Partial<IntendWrite> = {}): boolean {
    const edits = this.store.fileEdits.map((edit) => edit.id);
    const known = id('A');
    return granted(
      this.perform({
        ...{ kind: 'file.intend', workflow: plan.id, known, base: known, target: id('B'), edits },
        ...fields,
      }),
    ).intended;
  }

  confirm(fields: Partial<ConfirmWrite> = {}): boolean {
    const command = { kind: 'file.confirm', workflow: plan.id, target: id('B') } as const;
    return granted(this.perform({ ...command, ...fields })).confirmed;
  }

  get known(): string | undefined {
    return this.store.workflows[0]?.hash;
  }
}

/** Every row but the rate, which a refused command has used as well. */
function unlimited(store: RowStore): unknown {
  return { ...(store.contents() as object), rate: null };
}

describe('FILE: which file, which content', () => {
  it('FILE-1 a command about another file with the id is a conflict and changes nothing', () => {
    const scene = new FileScene();
    const before = unlimited(scene.store);
    const copy = { file: id('copy/STATE.md') };
    for (const sight of [scene.sight('A', copy), scene.sight('A', { worktree: 'feature' })]) {
      refused(scene.perform({ kind: 'note.add', sight, text: 'a' }), 'conflict');
      refused(scene.import({ sight }, 'A'), 'conflict');
    }
    assert.deepEqual(unlimited(scene.store), before);
  });

  it('FILE-2 a command about a content that the store does not know is a conflict', () => {
    const scene = new FileScene();
    const before = unlimited(scene.store);
    refused(scene.perform({ kind: 'note.add', sight: scene.sight('X'), text: 'a' }), 'conflict');
    refused(scene.perform(advanceOf(plan, { hash: id('X') })), 'conflict');
    assert.deepEqual(unlimited(scene.store), before);
    scene.note('a');
  });

  it('FILE-2 a row of an older version, which knew no content, takes the one that is seen', () => {
    const scene = new FileScene();
    const {
      id: workflow,
      name,
      file,
      worktree,
      wave,
      waveCount,
      status,
    } = scene.store.workflows[0]!;
    const former = { id: workflow, name, file, worktree, wave, waveCount, status };
    scene.store.given({ put: 'workflow', row: former });
    scene.note('a', 'X');
    assert.equal(scene.known, 'X');
    assert.equal(scene.store.events.at(-3)?.kind, 'file.imported');
  });

  it('FILE-3 of any number who tell of a content one is heard', () => {
    const scene = new FileScene();
    const windows = [scene.ann, scene.bob, scene.speaker('cat')];
    const heard = windows.map(
      (who) => granted(scene.import({ tasks: [checked] }, 'B', who)).imported,
    );
    assert.deepEqual(heard, [true, false, false]);
    const kinds = scene.store.events.map(({ kind }) => kind);
    assert.deepEqual(kinds, ['workflow.created', 'file.imported', 'task.changed']);
    assert.equal(scene.known, 'B');
  });

  it('FILE-4 what git has brought is taken as it is, and tasks and runs are left alone', () => {
    const scene = new FileScene();
    scene.store.given({ put: 'run', row: taskRun('run_a', '1-1', 'queued') });
    const sight = scene.sight('B', { head: 'other', wave: 2, waveCount: 4 });
    granted(scene.import({ how: 'git', sight, tasks: [checked] }, 'B'));
    assert.equal(scene.store.events.at(-1)?.kind, 'file.rebased');
    assert.equal(scene.status({ id: id('run_a') }), 'queued');
    const [row] = scene.store.workflows;
    assert.deepEqual([row?.hash, row?.head, row?.wave, row?.waveCount], ['B', 'other', 2, 4]);
    assert.deepEqual(scene.store.tasks, []);
  });

  it('FILE-5 a box that is checked by hand cancels a queued run', () => {
    const scene = new FileScene();
    scene.store.given({ put: 'run', row: taskRun('run_a', '1-1', 'queued') });
    const facts = granted(scene.import({ tasks: [checked] }, 'B'));
    assert.deepEqual(facts.cancelled, ['run_a']);
    assert.equal(scene.status({ id: id('run_a') }), 'cancelled');
    assert.deepEqual(scene.store.tasks[0]?.by, 'hand');
    assert.deepEqual(scene.store.fileEdits, []);
  });

  it('FILE-5 a box that is emptied by hand cancels nothing', () => {
    const scene = new FileScene();
    scene.store.given({ put: 'run', row: taskRun('run_a', '1-1', 'queued') });
    granted(scene.import({ tasks: [{ ...checked, from: 'done', to: 'todo' }] }, 'B'));
    assert.equal(scene.status({ id: id('run_a') }), 'queued');
  });

  for (const status of ['running', 'completed', 'error'] as const) {
    it(`FILE-5 a box that is changed by hand says nothing to a run that is ${status}`, () => {
      const scene = new FileScene();
      scene.store.given({ put: 'run', row: taskRun('run_a', '1-1', status) });
      granted(scene.import({ tasks: [checked] }, 'B'));
      assert.equal(scene.status({ id: id('run_a') }), status);
    });
  }

  it('FILE-6 where a person and a promise speak of one task, people win', () => {
    const scene = new FileScene();
    const set = (task: string, status: 'done' | 'failed'): void => {
      const change = { task: id(task), status };
      const sight = scene.sight('A');
      granted(scene.perform({ kind: 'task.set', sight, change, present: 'todo' }));
    };
    set('1-1', 'failed');
    set('1-2', 'done');
    granted(scene.import({ tasks: [checked, { ...checked, task: id('1-2') }] }, 'B'));
    // Of 1-2 both say the same.
    assert.deepEqual(
      scene.store.fileEdits.map(({ change }) => change.kind === 'task' && change.task),
      ['1-2'],
    );
  });

  it('FILE-7 bytes may be announced by who knows the content, with edits that are still due', () => {
    const scene = new FileScene();
    scene.note('a');
    assert.equal(scene.intend({ known: id('X') }), false);
    assert.equal(scene.intend({ edits: [id('edt_gone')] }), false);
    assert.equal(scene.store.fileIntents.length, 0);
    assert.equal(scene.intend(), true);
    assert.equal(scene.store.fileIntents[0]?.session, scene.ann.session);
  });

  it('FILE-7 what was announced before and given up is forgotten, if it was our own', () => {
    const scene = new FileScene();
    assert.ok(scene.intend());
    assert.ok(scene.intend({ target: id('C'), instead: id('B') }));
    assert.deepEqual(
      scene.store.fileIntents.map(({ target }) => target),
      ['C'],
    );
    const other = {
      kind: 'file.intend',
      workflow: plan.id,
      known: id('A'),
      base: id('A'),
    } as const;
    granted(scene.perform({ ...other, target: id('D'), edits: [], instead: id('C') }, scene.bob));
    assert.equal(scene.store.fileIntents.length, 2);
  });

  it('FILE-7 what two have announced is not forgotten when one of them gives it up', () => {
    const scene = new FileScene();
    const targets = (): string[] => scene.store.fileIntents.map(({ target }) => target);
    const announce = (target: string, instead?: string): void => {
      const sees = { workflow: plan.id, known: id('A'), base: id('A'), edits: [] } as const;
      const intend = { kind: 'file.intend', ...sees, target: id(target) } as const;
      const given = instead === undefined ? intend : { ...intend, instead: id(instead) };
      granted(scene.perform(given, scene.bob));
    };
    assert.ok(scene.intend());
    announce('B');
    announce('C', 'B');
    assert.deepEqual(targets(), ['B', 'C']);
    // Nor by the other: who of the two will not write it is not known.
    assert.ok(scene.intend({ target: id('D'), instead: id('B') }));
    assert.deepEqual(targets(), ['B', 'C', 'D']);
    // It is said again by one of its own: nobody else has it.
    announce('C');
    announce('E', 'C');
    assert.deepEqual(targets(), ['B', 'D', 'E']);
  });

  it('FILE-7 what was overtaken is forgotten after a day: nobody can write it any more', () => {
    const scene = new FileScene();
    const targets = (): string[] => scene.store.fileIntents.map(({ target }) => target);
    const next = (target: string, known: string): void => {
      assert.ok(scene.intend({ target: id(target), known: id(known), base: id(known) }));
    };
    next('B', 'A');
    scene.world.advance(25 * 3_600_000);
    next('C', 'A');
    assert.deepEqual(targets(), ['B', 'C'], 'after a long sleep it may still be written');
    granted(scene.import({}, 'X'));
    scene.world.advance(-3_600_000);
    next('D', 'X');
    assert.deepEqual(targets(), ['B', 'C', 'D']);
    scene.world.advance(1);
    next('E', 'X');
    assert.deepEqual(targets(), ['C', 'D', 'E']);
  });

  it('FILE-8 a confirmation moves the known content on and settles its edits, once', () => {
    const scene = new FileScene();
    scene.note('a');
    scene.intend();
    scene.note('b');
    assert.equal(scene.confirm(), true);
    assert.equal(scene.known, 'B');
    assert.equal(scene.store.fileEdits.length, 1);
    assert.deepEqual(scene.store.fileIntents, []);
    assert.equal(scene.confirm(), false);
    assert.equal(scene.store.events.filter(({ kind }) => kind === 'file.written').length, 1);
  });

  it('FILE-8 the confirmation of a writer that was overtaken changes nothing', () => {
    const scene = new FileScene();
    scene.note('a');
    scene.intend();
    granted(scene.import({}, 'C'));
    assert.equal(scene.confirm(), false);
    assert.deepEqual([scene.known, scene.store.fileEdits.length], ['C', 1]);
    // It stays as what it is: bytes of ours that nobody has confirmed.
    assert.equal(scene.store.fileIntents.length, 1);
  });

  it('FILE-8 edits that the file says already are settled without a write', () => {
    const scene = new FileScene();
    scene.note('a');
    const edits = scene.store.fileEdits.map((edit) => edit.id);
    assert.equal(scene.confirm({ target: id('X'), edits }), false);
    assert.equal(scene.confirm({ target: id('A'), edits: [] }), false);
    assert.equal(scene.confirm({ target: id('A'), edits }), true);
    assert.deepEqual(scene.store.fileEdits, []);
  });

  it('FILE-9 a restore is told as one, with the boxes that it has moved and the wave it brought', () => {
    const scene = new FileScene();
    scene.intend({ edits: [], restores: '2026-01-02T030405-0123456789ab' });
    const sight = scene.sight('B', { wave: 0, waveCount: 7 });
    assert.ok(scene.confirm({ sight, tasks: [checked] }));
    const [restored, changed] = scene.store.events.slice(-2);
    assert.ok(restored?.kind === 'file.restored');
    assert.equal(restored.data.backup, '2026-01-02T030405-0123456789ab');
    assert.equal(changed?.kind, 'task.changed');
    const [row] = scene.store.workflows;
    assert.deepEqual([row?.hash, row?.wave, row?.waveCount], ['B', 0, 7]);
  });

  it('FILE-10 a conflict voids the edits that were one side of it, and stays until it is resolved', () => {
    const scene = new FileScene();
    scene.note('a');
    scene.note('b');
    const conflict = id('cfl_1');
    const [first] = scene.store.fileEdits;
    const sides = { base: id('A'), mine: id('B'), theirs: id('C') };
    const edits = [first!.id];
    granted(
      scene.perform({ kind: 'file.conflict', workflow: plan.id, conflict, ...sides, diff, edits }),
    );
    assert.deepEqual([scene.store.conflicts.length, scene.store.fileEdits.length], [1, 1]);
    const resolve = { kind: 'conflict.resolve', conflict, as: 'theirs' } as const;
    assert.equal(granted(scene.perform(resolve)).conflict.resolved, 'theirs');
    assert.deepEqual(scene.store.conflicts, []);
    refused(scene.perform(resolve), 'bad_input');
    const nowhere = { ...sides, workflow: id('other'), diff, edits };
    refused(scene.perform({ kind: 'file.conflict', conflict, ...nowhere }), 'unknown_workflow');
  });

  it('FILE-11 binding compares with the file that was bound, and keeps what is promised', () => {
    const scene = new FileScene();
    scene.note('a');
    const sight = scene.sight('A', { file: id('docs/STATE.md'), worktree: 'feature' });
    const bind = { kind: 'workflow.bind', sight } as const;
    refused(scene.perform({ ...bind, from: null }), 'conflict');
    refused(scene.perform({ ...bind, from: { file: id('x.md'), worktree: '' } }), 'conflict');
    const from = { file: id('STATE.md'), worktree: '' };
    assert.equal(granted(scene.perform({ ...bind, from })).workflow.file, 'docs/STATE.md');
    refused(scene.perform({ ...bind, from }), 'conflict');
    assert.equal(scene.store.fileEdits.length, 1);
    refused(scene.import({}, 'B'), 'conflict');
  });

  it('FILE-12 what a save of an older content has undone of ours is promised again', () => {
    const scene = new FileScene();
    const lost = { base: id('0'), mine: id('A') };
    granted(scene.import({ tasks: [checked], lost }, 'B'));
    assert.deepEqual(
      scene.store.fileEdits.map(({ change }) => change),
      [{ kind: 'merge', ...lost }],
    );
  });
});
