import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskId, TaskStatus, WorkflowEdit } from '../../src/core/model';
import { diffPlans, statedTasks } from '../../src/workflow/difference';
import { applyEdits } from '../../src/workflow/document';
import { diffLines, splitLines } from '../../src/workflow/lineDiff';
import { diffTexts, mergeThreeWay, type MergeConflict } from '../../src/workflow/merge';
import { readStateMd } from '../../src/workflow/stateMd';
import { linesOf, nativeText, runs } from './documents';

const PATH = 'STATE.md';

const BASE = [
  '# Workflow: Ship it',
  '',
  '**Workflow ID:** `ship`',
  '**Status:** Wave 1/2',
  '**Started:** 2026-11-20 09:00:00',
  '**Updated:** 2026-11-20 10:00:00',
  '',
  '## 📋 Pending (4 tasks)',
  '',
  '### Wave 1',
  '- [ ] **a**: A',
  '- [ ] **b**: B',
  '',
  '### Wave 2',
  '- [ ] **c**: C',
  '- [ ] **d**: D',
  '',
  '## Notes',
  '',
  '- 2026-11-20 09:30:00, mira: begun',
  '',
].join('\n');

function edited(text: string, ...edits: readonly WorkflowEdit[]): string {
  return edits.reduce((current, edit) => {
    const answer = readStateMd(current).edit(edit);
    assert.ok(answer.ok, JSON.stringify(answer));
    return applyEdits(current, answer.edits);
  }, text);
}

const setting = (task: string, status: TaskStatus, minute = 1): WorkflowEdit => ({
  kind: 'task',
  task: task as TaskId,
  status,
  updated: `2026-11-21 10:0${minute}:00`,
});

const noting = (text: string, minute = 1): WorkflowEdit => ({
  kind: 'note',
  by: 'mira',
  text,
  updated: `2026-11-21 10:0${minute}:00`,
});

function merged(mine: string, theirs: string, base = BASE): string {
  const merge = mergeThreeWay(PATH, base, mine, theirs);
  assert.ok(merge.ok, JSON.stringify(merge, null, 1));
  return merge.text;
}

function conflicting(mine: string, theirs: string): MergeConflict {
  const merge = mergeThreeWay(PATH, BASE, mine, theirs);
  assert.ok(!merge.ok, 'it merged');
  assert.deepEqual(
    [merge.conflict.base, merge.conflict.mine, merge.conflict.theirs],
    [BASE, mine, theirs],
  );
  return merge.conflict;
}

function told(text: string): string {
  return [...statedTasks(readStateMd(text)).values()]
    .map(({ id, status, wave }) => `${id} ${status} ${wave}`)
    .sort()
    .join(', ');
}

describe('merge', () => {
  it('takes the side that alone has changed', () => {
    const mine = edited(BASE, setting('a', 'done'));
    assert.equal(merged(mine, BASE), mine);
    assert.equal(merged(BASE, mine), mine);
    assert.equal(merged(mine, mine), mine);
  });

  it('two tasks, set apart, are both set, and counts and time follow', () => {
    const text = merged(
      edited(BASE, setting('a', 'done', 1)),
      edited(BASE, setting('b', 'failed', 2)),
    );
    assert.equal(told(text), 'a done 1, b failed 1, c todo 2, d todo 2');
    assert.deepEqual(readStateMd(text).problems, []);
    assert.match(text, /\*\*Updated:\*\* 2026-11-21 10:02:00/);
  });

  it('a task of theirs joins the one that mine has set to the same status', () => {
    const text = merged(
      edited(BASE, setting('a', 'done')),
      edited(BASE, setting('b', 'done'), setting('c', 'done')),
    );
    assert.equal(told(text), 'a done 1, b done 1, c done 2, d todo 2');
    assert.equal(text.match(/^## /gm)?.length, 3);
  });

  it('an advance and a task that is set by hand are both there', () => {
    const advanced = edited(BASE, { kind: 'wave', wave: 2, updated: '2026-11-21 10:00:00' });
    const byHand = BASE.replace('- [ ] **a**', '- [x] **a**');
    const text = merged(advanced, byHand);
    assert.equal(readStateMd(text).plan?.wave, 2);
    assert.equal(told(text), 'a done 1, b todo 1, c todo 2, d todo 2');
  });

  it('tasks that both have moved below one heading come in the same order, whoever merges', () => {
    const [mine, theirs] = [edited(BASE, setting('b', 'done')), edited(BASE, setting('a', 'done'))];
    assert.equal(merged(mine, theirs), merged(theirs, mine));
    assert.equal(told(merged(mine, theirs)), 'a done 1, b done 1, c todo 2, d todo 2');
  });

  it('a description, written by hand, stays on a task that mine moves', () => {
    const byHand = BASE.replace('**a**: A', '**a**: A much better');
    const text = merged(edited(BASE, setting('a', 'done')), byHand);
    assert.match(text, /- \[x\] \*\*a\*\*: A much better\n/);
    assert.equal(told(text), 'a done 1, b todo 1, c todo 2, d todo 2');
  });

  it('tasks that both have added by hand are both there, and counted', () => {
    const mine = BASE.replace('- [ ] **a**: A\n', '- [ ] **a**: A\n- [ ] **x**: X\n').replace(
      '(4 tasks)',
      '(5 tasks)',
    );
    const theirs = BASE.replace('- [ ] **d**: D\n', '- [ ] **d**: D\n- [ ] **y**: Y\n').replace(
      '(4 tasks)',
      '(5 tasks)',
    );
    assert.deepEqual(readStateMd(merged(mine, theirs)).problems, []);
    assert.match(merged(mine, theirs), /Pending \(6 tasks\)/);
  });

  it('a count that somebody has left wrong is not mended on the way', () => {
    const wrong = BASE.replace('(4 tasks)', '(9 tasks)');
    const mine = wrong.replace('**a**: A', '**a**: AA');
    assert.match(merged(mine, wrong.replace('**d**: D', '**d**: DD'), wrong), /\(9 tasks\)/);
  });

  it('notes of both are there in the order of their time, whoever merges', () => {
    const mine = edited(BASE, noting('from mine', 2));
    const theirs = edited(BASE, noting('from theirs', 1));
    const text = merged(mine, theirs);
    assert.equal(merged(theirs, mine), text);
    assert.deepEqual(readStateMd(text).notes.slice(1), [
      '2026-11-21 10:01:00, mira: from theirs',
      '2026-11-21 10:02:00, mira: from mine',
    ]);
  });

  it('the first notes of both are there, under one heading', () => {
    const without = BASE.slice(0, BASE.indexOf('## Notes'));
    const text = merged(
      edited(without, noting('from mine', 1)),
      edited(without, noting('from theirs', 2)),
      without,
    );
    assert.equal(text.match(/^## Notes$/gm)?.length, 1);
    assert.equal(readStateMd(text).notes.length, 2);
  });

  it('keeps the ends of line, and merges what was made apart in CRLF', () => {
    const base = BASE.replaceAll('\n', '\r\n');
    const text = merged(
      edited(base, setting('a', 'done')),
      edited(base, setting('b', 'doing')),
      base,
    );
    assert.equal(text.replaceAll('\r\n', '').includes('\n'), false);
    assert.equal(told(text), 'a done 1, b doing 1, c todo 2, d todo 2');
  });

  it('one task with two statuses is a conflict that names both', () => {
    const conflict = conflicting(
      edited(BASE, setting('a', 'done')),
      edited(BASE, setting('a', 'failed')),
    );
    assert.deepEqual(conflict.tasks, [
      { task: 'a', field: 'status', mine: 'done', theirs: 'failed' },
    ]);
    assert.deepEqual(
      [conflict.changes.mine, conflict.changes.theirs].map(({ plan }) =>
        plan.modified.map(({ id, after, fields }) => [id, after.status, fields]),
      ),
      [[['a', 'done', ['status']]], [['a', 'failed', ['status']]]],
    );
  });

  it('a task that theirs has removed and mine has set is a conflict', () => {
    const without = BASE.replace('- [ ] **b**: B\n', '').replace('(4 tasks)', '(3 tasks)');
    const conflict = conflicting(edited(BASE, setting('b', 'done')), without);
    assert.deepEqual(conflict.tasks, [{ task: 'b', field: 'task', mine: 'done', theirs: null }]);
  });

  it('a task that both have added differently is a conflict', () => {
    const adding = (text: string) => BASE.replace('**d**: D\n', `**d**: D\n- [ ] **x**: ${text}\n`);
    assert.deepEqual(conflicting(adding('X'), adding('Y')).tasks, [
      { task: 'x', field: 'task', mine: 'X', theirs: 'Y' },
    ]);
  });

  it('a task that one has added where the other has begun a comment is a conflict, not gone', () => {
    const mine = BASE.replace('- [ ] **d**: D\n', '- [ ] **d**: D\n- [ ] **x**: X\n');
    const theirs = BASE.replace('- [ ] **b**: B\n', '- [ ] **b**: B\n\n<!-- later\n');
    conflicting(mine, theirs);
    conflicting(theirs, mine);
  });

  it('two waves are a conflict', () => {
    const at = (wave: string) => BASE.replace('Wave 1/2', wave);
    assert.deepEqual(conflicting(at('Wave 2/2'), at('Wave 0/2')).wave, { mine: 2, theirs: 0 });
  });

  it('lines that both have changed are a conflict, with all three', () => {
    const titled = (name: string) => BASE.replace('# Workflow: Ship it', `# Workflow: ${name}`);
    assert.deepEqual(conflicting(titled('Mine'), titled('Theirs')).lines, [
      {
        line: 0,
        base: ['# Workflow: Ship it\n'],
        mine: ['# Workflow: Mine\n'],
        theirs: ['# Workflow: Theirs\n'],
      },
    ]);
  });

  it('lines that are put in beside lines that the other has removed are a conflict', () => {
    const mine = BASE.replace('- [ ] **b**: B\n', '- [ ] **b**: B\n  - why: x\n');
    const theirs = BASE.replace('- [ ] **b**: B\n', '');
    assert.equal(conflicting(mine, theirs).lines.length, 1);
  });

  it('text of any shape is merged by its lines', () => {
    const lines = ['one', 'two', 'three', 'four', 'five'].map((line) => `${line}\n`);
    const text = mergeThreeWay(
      'notes.md',
      lines.join(''),
      lines.with(0, 'ONE\n').join(''),
      lines.with(4, 'FIVE\n').join(''),
    );
    assert.deepEqual(text, { ok: true, text: 'ONE\ntwo\nthree\nfour\nFIVE\n' });
  });

  it('a difference names lines that are added, removed and modified', () => {
    const after = BASE.replace('- [ ] **a**: A\n', '- [x] **a**: A\n').replace(
      '- [ ] **d**: D\n',
      '- [ ] **d**: D\n- [ ] **e**: E\n',
    );
    const difference = diffTexts(readStateMd(BASE), readStateMd(after));
    assert.deepEqual(difference.modified, [
      { before: { line: 10, text: '- [ ] **a**: A' }, after: { line: 10, text: '- [x] **a**: A' } },
    ]);
    assert.deepEqual(difference.added, [{ line: 16, text: '- [ ] **e**: E' }]);
    assert.deepEqual(difference.removed, []);
    assert.deepEqual(
      difference.plan.added.map(({ id }) => id as string),
      ['e'],
    );
  });
});

/* ------------------------------------------------------------------ properties */

const status = fc.constantFrom<TaskStatus>('todo', 'doing', 'done', 'failed');

/** What a person or a program may have made of a text: tasks set and noted, lines added, changed and gone. */
const change = fc.array(
  fc.oneof(
    fc.record({ pick: fc.nat(), shall: status }),
    fc.record({ note: fc.constantFrom('one', 'two') }),
    fc.record({
      line: fc.nat(),
      put: fc.option(fc.constantFrom('by hand\n', '- [ ] **n**: N\n', '')),
    }),
  ),
  { minLength: 1, maxLength: 4 },
);

type ChangeSteps = typeof change extends fc.Arbitrary<infer Steps> ? Steps : never;

function changedBy(base: string, steps: ChangeSteps, minute: number): string {
  let text = base;
  for (const step of steps) {
    if ('line' in step) {
      const lines = linesOf(text);
      const at = step.line % (lines.length + 1);
      text = lines.toSpliced(at, step.put === null ? 1 : 0, step.put ?? '').join('');
      continue;
    }
    const document = readStateMd(text);
    const ids = [...statedTasks(document).keys()];
    const id = 'pick' in step ? ids[step.pick % ids.length] : undefined;
    if ('pick' in step && id === undefined) continue;
    const edit = 'pick' in step ? setting(id ?? '', step.shall, minute) : noting(step.note, minute);
    const answer = document.edit(edit);
    if (answer.ok) text = applyEdits(text, answer.edits);
  }
  return text;
}

describe('merge, for any file', function () {
  this.timeout(1_200_000);

  it('is the same whoever merges: a text to the byte, a conflict seen from the other side', () => {
    fc.assert(
      fc.property(nativeText, change, change, (base, ours, other) => {
        const [mine, theirs] = [changedBy(base, ours, 1), changedBy(base, other, 2)];
        const [one, two] = [
          mergeThreeWay(PATH, base, mine, theirs),
          mergeThreeWay(PATH, base, theirs, mine),
        ];
        if (one.ok || two.ok) assert.deepEqual(two, one);
        else assert.deepEqual(mirrorOf(two.conflict), one.conflict);
      }),
      runs(150, 20_000),
    );
  });

  it('edits of different tasks are both there, in either order, and nothing else is', () => {
    const wishes = fc.tuple(fc.nat(), status, fc.nat(), status);
    fc.assert(
      fc.property(nativeText, wishes, (base, [pickMine, mineShall, pickTheirs, theirsShall]) => {
        const before = readStateMd(base);
        const ids = [...statedTasks(before).keys()];
        const [mineId, theirsId] = [ids[pickMine % ids.length], ids[pickTheirs % ids.length]];
        fc.pre(mineId !== undefined && theirsId !== undefined && mineId !== theirsId);
        const mine = edited(base, setting(mineId, mineShall, 1));
        const theirs = edited(base, setting(theirsId, theirsShall, 2));
        for (const [one, other] of [
          [mine, theirs],
          [theirs, mine],
        ] as const) {
          const after = readStateMd(merged(one, other, base));
          const expected = statedTasks(before);
          for (const [id, shall] of [
            [mineId, mineShall],
            [theirsId, theirsShall],
          ] as const) {
            const task = expected.get(id);
            if (task) expected.set(id, { ...task, status: shall });
          }
          const byId = (tasks: ReturnType<typeof statedTasks>) =>
            [...tasks].sort(([a], [b]) => (a < b ? -1 : 1));
          assert.deepEqual(byId(statedTasks(after)), byId(expected));
          assert.deepEqual(after.notes, before.notes);
          assert.equal(diffPlans(before, after).wave, null);
        }
      }),
      runs(50, 12_000),
    );
  });

  it('a change by hand of lines that mine has not touched is kept to the byte', () => {
    fc.assert(
      fc.property(nativeText, fc.nat(), status, fc.nat(), (base, pick, shall, at) => {
        const ids = [...statedTasks(readStateMd(base)).keys()];
        const id = ids[pick % ids.length];
        fc.pre(id !== undefined);
        const lines = linesOf(base);
        // A line of no meaning at the end of the header, which no edit of a task touches.
        const line = 2 + (at % 2);
        fc.pre(lines.length > 4 && !base.includes('by hand'));
        const theirs = lines.toSpliced(2, 0, `by hand ${line}\n`).join('');
        const text = merged(edited(base, setting(id, shall)), theirs, base);
        assert.ok(text.includes(`by hand ${line}\n`));
        assert.equal(statedTasks(readStateMd(text)).get(id)?.status, shall);
      }),
      runs(50, 6_000),
    );
  });

  it('a difference of lines, carried out, makes the one text of the other', () => {
    const text = fc.array(fc.constantFrom('a\n', 'b\n', 'c\r\n', '\n', 'd'), { maxLength: 30 });
    fc.assert(
      fc.property(text, text, (old, now) => {
        const [before, after] = [splitLines(old.join('')), splitLines(now.join(''))];
        let position = 0;
        const result: string[] = [];
        for (const { start, end, newStart, newEnd } of diffLines(before, after)) {
          assert.ok(start >= position);
          result.push(...before.slice(position, start), ...after.slice(newStart, newEnd));
          position = end;
        }
        result.push(...before.slice(position));
        assert.deepEqual(result, after);
      }),
      runs(200, 10_000),
    );
  });
});

function mirrorOf(conflict: MergeConflict): MergeConflict {
  const swap = <T extends { readonly mine: unknown; readonly theirs: unknown }>(of: T): T => ({
    ...of,
    mine: of.theirs,
    theirs: of.mine,
  });
  return {
    ...swap(conflict),
    tasks: conflict.tasks.map(swap),
    wave: conflict.wave && swap(conflict.wave),
    lines: conflict.lines.map(swap),
    changes: swap(conflict.changes),
  };
}

describe('merge is not quadratic', () => {
  it('two texts of 40,000 lines without a line in common', function () {
    this.timeout(300_000);
    const lines = (name: string) => Array.from({ length: 40_000 }, (_, i) => `${name} ${i % 7}\n`);
    assert.equal(diffLines(lines('a'), lines('b')).length, 1);
  });
});
