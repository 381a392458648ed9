/** Where files, runs and the store tell different stories (DRIFT-n). */
import assert from 'node:assert/strict';
import { drift, type Drift, type DriftAsked, type FileSeen } from '../../src/core/drift';
import type {
  ConflictRow,
  FileEdit,
  RunRow,
  RunStatus,
  TaskRow,
  TaskStatus,
  WorkflowRow,
} from '../../src/core/model';
import { viewOf, type StateRows } from '../../src/core/views';
import { planOf, taskRun } from './plans';

const id = (text: string): never => text as never;
const minute = 60_000;

const bound: WorkflowRow = {
  ...{ id: id('wf'), name: 'W', file: id('STATE.md'), worktree: '', wave: 1, waveCount: 2 },
  ...{ status: 'active', hash: id('base'), head: null, editing: 'full' },
};

function seen(first: TaskStatus, fields: Partial<FileSeen> = {}): FileSeen {
  const plan = planOf(1, [[first], ['todo']]);
  return { file: id('STATE.md'), hash: id('base'), plan, ...fields };
}

function run(status: RunStatus, fields: Partial<RunRow> = {}): RunRow {
  const startedAt = status === 'queued' ? null : 1_000;
  const endedAt = status === 'queued' || status === 'running' ? null : 2_000;
  return { ...taskRun('run_a', '1-1', status), startedAt, endedAt, ...fields };
}

function said(status: TaskStatus, since: number, by: TaskRow['by'] = 'hand'): TaskRow {
  return {
    ...{ workflow: id('wf'), task: id('1-1'), status, by, agent: id('mira'), since },
    ...{ commit: null, files: [], error: null },
  };
}

function promise(since: number): FileEdit {
  return {
    ...{ id: id('edit'), workflow: id('wf'), session: id('ses'), since },
    change: { kind: 'task', cause: 'run', task: id('1-1'), status: 'done' },
  };
}

function told(
  files: readonly FileSeen[],
  rows: Partial<StateRows> = {},
  asked: Partial<DriftAsked> = {},
): Drift[] {
  const view = viewOf({ seq: 1, workflows: [bound], runs: [], guards: [], ...rows });
  return drift({ files, worktree: '', pending: [], now: 10 * minute, ...asked }, view);
}

const codes = (of: readonly Drift[]): string[] => of.map(({ code }) => code);

describe('DRIFT: what the doctor tells', () => {
  it('DRIFT-1 a bound file that is gone is missing, unless it is there and cannot be read', () => {
    assert.deepEqual(codes(told([])), ['file_missing']);
    assert.deepEqual(told([], {}, { unreadable: [id('STATE.md')] }), []);
    assert.deepEqual(told([], {}, { worktree: 'other' }), []);
  });

  it('DRIFT-1 a copy is told beside the file that is bound, and its tasks are nobody’s', () => {
    const copy = seen('done', { file: id('docs/STATE.md') });
    const found = told([seen('todo'), copy], { runs: [run('running')] });
    assert.deepEqual(codes(found), ['unbound_copy', 'open_while_running']);
    assert.match(found[0]?.message ?? '', /docs\/STATE\.md .* belongs to STATE\.md/);
    const elsewhere = told([seen('todo')], { workflows: [{ ...bound, worktree: 'wt' }] });
    assert.match(elsewhere[0]?.message ?? '', /belongs to STATE\.md in worktree wt\./);
  });

  it('DRIFT-1 a file that nothing is known of, and one that has changed since, are worth a word', () => {
    assert.deepEqual(codes(told([seen('todo')], { workflows: [] })), ['binding_missing']);
    const found = told([seen('todo', { hash: id('other') })]);
    assert.deepEqual(
      found.map(({ code, severity }) => [code, severity]),
      [['not_imported', 'info']],
    );
  });

  it('DRIFT-2 a promise is told after a minute, and not before', () => {
    const at = (since: number): string[] =>
      codes(told([seen('todo')], {}, { pending: [promise(since)] }));
    assert.deepEqual(at(9 * minute), ['edit_overdue']);
    assert.deepEqual(at(9 * minute + 1), []);
    assert.deepEqual(
      codes(told([seen('todo')], {}, { pending: [promise(9 * minute + 1)], overdueMs: 10 })),
      ['edit_overdue'],
    );
  });

  it('DRIFT-2 says of what the promise was, and how long ago', () => {
    const wave: FileEdit = { ...promise(0), change: { kind: 'wave', wave: 2 } };
    const [old, young] = told([seen('todo')], {}, { pending: [wave, promise(9 * minute)] });
    assert.match(old?.message ?? '', /recorded of the wave 10 min ago/);
    assert.match(young?.message ?? '', /recorded of task 1-1 60 s ago/);
  });

  it('DRIFT-2 an open conflict is told with how to resolve it', () => {
    const conflict: ConflictRow = {
      ...{ id: id('cfl_a'), workflow: id('wf'), base: id('b'), mine: id('m'), theirs: id('t') },
      ...{ diff: { added: [], removed: [], modified: [] }, since: 0, resolved: null },
    };
    const [found] = told([seen('todo')], { conflicts: [conflict] });
    assert.equal(found?.code, 'conflict_open');
    assert.match(found.advice, /wavelock conflict show cfl_a/);
  });

  const boxes: readonly (readonly [RunStatus | null, Record<TaskStatus, string | null>])[] = [
    [null, { todo: null, doing: 'doing_without_run', done: null, failed: null }],
    ['queued', { todo: null, doing: null, done: 'done_while_queued', failed: null }],
    [
      'running',
      {
        todo: 'open_while_running',
        doing: null,
        done: 'done_while_running',
        failed: 'open_while_running',
      },
    ],
    [
      'completed',
      {
        todo: 'open_after_completed',
        doing: 'open_after_completed',
        done: null,
        failed: 'open_after_completed',
      },
    ],
    ['cancelled', { todo: null, doing: 'doing_without_run', done: null, failed: null }],
    ...(['error', 'killed', 'lost'] as const).map(
      (status) =>
        [
          status,
          {
            todo: 'open_after_failure',
            doing: 'doing_without_run',
            done: 'done_after_failure',
            failed: null,
          },
        ] as const,
    ),
  ];
  for (const [status, expected] of boxes)
    for (const [box, code] of Object.entries(expected) as [TaskStatus, string | null][])
      it(`DRIFT-3 ${box} in the file, ${status ?? 'no'} run: ${code ?? 'nothing'}`, () => {
        const found = told([seen(box)], { runs: status === null ? [] : [run(status)] });
        assert.deepEqual(codes(found), code === null ? [] : [code]);
        for (const { task, line, workflow, file, advice } of found) {
          assert.deepEqual([task, line, workflow, file], ['1-1', 0, 'wf', 'STATE.md']);
          assert.ok(advice !== '');
        }
      });

  it('DRIFT-3 while the file is promised to follow nothing is told of the task', () => {
    const pending = [promise(10 * minute)];
    assert.deepEqual(told([seen('todo')], { runs: [run('completed')] }, { pending }), []);
  });

  it('DRIFT-4 a word after the run had ended is meant so', () => {
    for (const box of ['done', 'todo'] as const) {
      const rows = { runs: [run('error')], tasks: [said(box, 2_000)] };
      assert.deepEqual(told([seen(box)], rows), []);
      assert.equal(told([seen(box)], { ...rows, tasks: [said(box, 1_999)] }).length, 1);
      assert.equal(told([seen(box)], { ...rows, tasks: [said(box, 2_000, 'run')] }).length, 1);
    }
    const [doing] = told([seen('doing')], { runs: [run('error')], tasks: [said('doing', 3_000)] });
    assert.deepEqual([doing?.code, doing?.severity], ['doing_without_run', 'info']);
  });

  it('DRIFT-4 a completed task that is open again is told all the same: no run would come of it', () => {
    const rows = { runs: [run('completed')], tasks: [said('todo', 3_000)] };
    assert.deepEqual(codes(told([seen('todo')], rows)), ['open_after_completed']);
  });

  it('DRIFT-5 a live run of a task that the file does not have, an ended one not', () => {
    const gone = (status: RunStatus): RunRow => ({ ...run(status), task: id('9-9') });
    for (const status of ['queued', 'running'] as const)
      assert.deepEqual(codes(told([seen('todo')], { runs: [gone(status)] })), ['task_gone']);
    assert.deepEqual(told([seen('todo')], { runs: [gone('error')] }), []);
  });

  it('DRIFT-5 a live run of another wave is told as left over, or as ahead of its file', () => {
    const plan = planOf(2, [['doing'], ['todo']]);
    const file = seen('doing', { plan });
    assert.deepEqual(codes(told([file], { runs: [run('running')] })), ['carried_over']);
    const later = { ...taskRun('run_b', '2-1', 'queued') };
    assert.deepEqual(codes(told([seen('todo')], { runs: [later] })), ['ahead_of_wave']);
  });

  it('DRIFT-6 where everything agrees nothing is told', () => {
    assert.deepEqual(told([seen('doing')], { runs: [run('running')] }), []);
    assert.deepEqual(told([seen('done')], { runs: [run('completed')] }), []);
    assert.deepEqual(told([seen('failed')], { runs: [run('lost')] }), []);
  });
});
