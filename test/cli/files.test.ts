/** What scripts do with a workflow's file: begin it, note, look at its backups, resolve what did not go together. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConflictId, WorkflowId } from '../../src/core/model';
import { KeptTexts } from '../../src/store/keptTexts';
import { disk } from '../../src/store/durableFs';
import { stateMd, Workbench } from '../contract/stores';
import { wavelock, type Result } from './wavelock';

const ready = stateMd({ wave: 1, waves: [[' ', ' '], [' ']] });
const plan = {
  name: 'Ship it',
  waves: [{ tasks: [{ id: 'keel', description: 'Lay the keel' }] }, { tasks: [] }],
};

describe('cli: files', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  const run = (...args: string[]): Promise<Result> =>
    wavelock({ cwd: bench.folder }, ...args, '--json');
  const text = (): string => readFileSync(join(bench.folder, 'STATE.md'), 'utf8');
  const codeOf = ({ code, document }: Result): unknown[] => [
    code,
    (document['refusal'] as { code: string } | undefined)?.code,
  ];

  it('init writes the file of a plan once', async () => {
    bench.write('plan.json', JSON.stringify(plan));
    const { code, document } = await run('init', '--from', 'plan.json', '--name', 'Boat');
    assert.equal(code, 0, JSON.stringify(document));
    const { file, wave, waveCount, tasks } = document;
    assert.deepEqual(
      { file, wave, waveCount, tasks },
      { file: 'STATE.md', wave: 0, waveCount: 2, tasks: 1 },
    );
    assert.match(text(), /^# Workflow: Boat\n/);
    const before = text();
    assert.deepEqual(codeOf(await run('init', '--from', 'plan.json')), [1, 'conflict']);
    assert.equal(text(), before);
  });

  it('init refuses what is no plan, and another name of a file', async () => {
    bench.write('plan.json', '{');
    assert.equal((await run('init', '--from', 'plan.json')).code, 2);
    assert.equal((await run('init', '--from', 'nowhere.json')).code, 2);
    bench.write('plan.json', '{}');
    assert.deepEqual(codeOf(await run('init', '--from', 'plan.json')), [1, 'bad_input']);
    bench.write('plan.json', JSON.stringify(plan));
    assert.deepEqual(codeOf(await run('init', 'PLAN.md', '--from', 'plan.json')), [1, 'bad_input']);
    assert.equal((await run('init')).code, 2);
    assert.equal(existsSync(join(bench.folder, 'STATE.md')), false);
  });

  it('task set says where it was and is; an unknown task and a held lock are refused', async () => {
    const path = bench.write('STATE.md', ready);
    const { code, document } = await run(
      'task',
      'set',
      '1-1',
      '--status',
      'failed',
      '--error',
      'Why',
    );
    assert.equal(code, 0);
    const { from, task, cancelled, unsaid } = document;
    assert.deepEqual(
      [from, (task as { status: string }).status, cancelled, unsaid],
      ['todo', 'failed', null, []],
    );
    assert.match(text(), /Failed \(1 tasks\)[^]*- \[ \] \*\*1-1\*\*: Task\n {2}- Error: Why\n/);
    assert.deepEqual(codeOf(await run('task', 'set', '9-9', '--status', 'done')), [
      1,
      'unknown_task',
    ]);
    assert.equal((await run('task', 'set', '1-1', '--status', 'perhaps')).code, 2);
    assert.equal((await run('task', 'set', '1-1')).code, 2);
    mkdirSync(`${path}.lock`);
    const denied = await run('task', 'set', '1-1', '--status', 'done', '--wait', '50ms');
    assert.deepEqual(codeOf(denied), [4, 'lock_denied']);
  });

  it('note add leaves one line; an empty one is bad usage', async () => {
    bench.write('STATE.md', ready);
    const { code, document } = await run('note', 'add', 'All is well', '--agent', 'mira');
    assert.equal(code, 0);
    assert.deepEqual(document['noted'], { workflow: 'wf', text: 'All is well' });
    assert.match(text(), /\n- [\d: -]+, mira: All is well\n/);
    assert.equal((await run('note', 'add', ' ')).code, 2);
  });

  it('backup list, show and restore: what was there before comes back by the byte', async () => {
    bench.write('STATE.md', ready);
    assert.deepEqual((await run('backup', 'list')).document['backups'], []);
    await run('task', 'set', '1-1', '--status', 'done');
    const [backup] = (await run('backup', 'list')).document['backups'] as { id: string }[];
    assert.ok(backup);
    const shown = await run('backup', 'show', backup.id);
    const preview = shown.document['preview'] as { text: string; diff: { modified: string[] } };
    assert.deepEqual([preview.text, preview.diff.modified], [ready, ['1-1']]);
    const looked = await run('backup', 'restore', backup.id, '--preview');
    assert.deepEqual(looked.document['preview'], shown.document['preview']);
    assert.notEqual(text(), ready);
    assert.equal((await run('backup', 'restore', backup.id)).code, 0);
    assert.equal(text(), ready);
    for (const command of ['show', 'restore'])
      assert.deepEqual(codeOf(await run('backup', command, 'zzz')), [1, 'bad_input']);
  });

  describe('conflict', () => {
    const mine = ready.replace('[ ] **1-1**', '[x] **1-1**');
    const theirs = ready.replace('[ ] **1-2**', '[~] **1-2**');

    /** As a writer leaves it: the file says `theirs`. */
    async function conflict(): Promise<string> {
      bench.write('STATE.md', theirs);
      assert.equal((await run('note', 'add', 'So that it is known')).code, 0);
      bench.write('STATE.md', theirs);
      const store = await bench.store();
      const texts = new KeptTexts(bench.place.storeFolder, 'wf' as WorkflowId, disk);
      const answer = await store.submit({
        kind: 'file.conflict',
        workflow: 'wf' as WorkflowId,
        conflict: 'cfl_1' as ConflictId,
        base: texts.keep(ready, 'durably'),
        mine: texts.keep(mine, 'durably'),
        theirs: texts.keep(theirs, 'durably'),
        diff: { added: [], removed: [], modified: ['1-1'] },
        edits: [],
      });
      assert.ok(answer.ok);
      return answer.facts.conflict.id;
    }

    it('list and show say what did not go together', async () => {
      bench.write('STATE.md', ready);
      assert.deepEqual((await run('conflict', 'list')).document['conflicts'], []);
      const id = await conflict();
      const { document } = await run('conflict', 'list');
      assert.deepEqual(
        (document['conflicts'] as { id: string }[]).map((each) => each.id),
        [id],
      );
      const shown = await run('conflict', 'show', id);
      assert.deepEqual(shown.document['texts'], { base: ready, mine, theirs });
      assert.deepEqual(codeOf(await run('conflict', 'show', 'cfl_none')), [1, 'bad_input']);
    });

    for (const as of ['mine', 'theirs', 'merged'] as const) {
      it(`resolve --${as} settles it`, async () => {
        const id = await conflict();
        const { code, document } = await run('conflict', 'resolve', id, `--${as}`);
        assert.equal(code, 0, JSON.stringify(document));
        assert.equal((document['conflict'] as { resolved: string }).resolved, as);
        assert.equal(/\[x\] \*\*1-1\*\*/.test(text()), as === 'mine');
        assert.deepEqual((await run('conflict', 'list')).document['conflicts'], []);
        assert.deepEqual(codeOf(await run('conflict', 'resolve', id, `--${as}`)), [1, 'bad_input']);
      });
    }

    it('resolve wants one side', async () => {
      const id = await conflict();
      assert.equal((await run('conflict', 'resolve', id)).code, 2);
      assert.equal((await run('conflict', 'resolve', id, '--mine', '--theirs')).code, 2);
    });
  });
});
