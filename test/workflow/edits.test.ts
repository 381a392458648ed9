import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskEdit, TaskId, TaskStatus, WorkflowEdit } from '../../src/core/model';
import { diffPlans, statedTasks } from '../../src/workflow/difference';
import { applyEdits, type TextEdit, type WorkflowDocument } from '../../src/workflow/document';
import { noteText } from '../../src/workflow/stateMdEdits';
import { readStateMd } from '../../src/workflow/stateMd';
import { oneLine } from '../../src/workflow/taskText';
import { linesOf, nativeText, runs, saying } from './documents';

const UPDATED = '2026-11-21 10:11:12';

function editsOf(document: WorkflowDocument, edit: WorkflowEdit): readonly TextEdit[] {
  const answer = document.edit(edit);
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.edits;
}

/* ------------------------------------------------------------------ properties */

const status = fc.constantFrom<TaskStatus>('todo', 'doing', 'done', 'failed');
const wish = fc.record(
  {
    status,
    commit: fc.option(fc.oneof(fc.constantFrom('abc123', '', '`a`b'), saying)),
    files: fc.option(
      fc.array(fc.oneof(fc.constantFrom('a.ts', 'b,c.ts', ' d '), saying), { maxLength: 5 }),
    ),
    error: fc.option(saying),
  },
  { requiredKeys: ['status'] },
);

/** What the file shall say after the edit, of the one task. */
function expected(before: ReturnType<typeof statedTasks>, edit: TaskEdit): unknown {
  const task = before.get(edit.task);
  const one = (text: string | null) => oneLine(text ?? '') || null;
  return {
    ...task,
    status: edit.status,
    ...(edit.commit === undefined ? {} : { commit: one(edit.commit) }),
    ...(edit.files === undefined
      ? {}
      : { files: (edit.files ?? []).map(oneLine).filter((file) => file !== '') }),
    ...(edit.error === undefined ? {} : { error: one(edit.error) }),
  };
}

/** Lines that an edit takes away or changes, of those that it may not. */
function lostLines(before: string, after: string, mayChange: (line: string) => boolean): string[] {
  const left = new Map<string, number>();
  for (const line of linesOf(after)) {
    const key = line.trim();
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  return linesOf(before).filter((line) => {
    const key = line.trim();
    const count = left.get(key) ?? 0;
    left.set(key, count - 1);
    return count < 1 && !mayChange(key);
  });
}

describe('STATE.md: setting a task, for any file', function () {
  this.timeout(1_200_000);

  it('says exactly the edit, and nothing else is read otherwise', () => {
    fc.assert(
      fc.property(nativeText, fc.nat(), wish, (text, pick, { status: shall, ...details }) => {
        const document = readStateMd(text);
        const before = statedTasks(document);
        const ids = [...before.keys()];
        const id = ids[pick % ids.length];
        fc.pre(id !== undefined);
        const edit: TaskEdit = {
          kind: 'task',
          task: id,
          status: shall,
          updated: UPDATED,
          ...details,
        };

        const changed = applyEdits(text, editsOf(document, edit));
        const after = readStateMd(changed);
        const tasks = statedTasks(after);
        assert.deepEqual(tasks.get(id), expected(before, edit));
        const difference = diffPlans(document, after);
        assert.deepEqual([difference.added, difference.removed], [[], []]);
        assert.deepEqual(
          difference.modified.filter((task) => task.id !== id),
          [],
        );
        assert.deepEqual(
          { ...after.plan, waves: null },
          { ...document.plan, waves: null },
          'wave, waves and name stay',
        );
        assert.deepEqual(after.notes, document.notes);

        assert.deepEqual(editsOf(after, edit), [], 'the same again changes nothing');
        if (changed === text) return;
        const mayChange = (line: string) =>
          line === '' ||
          /^### Wave \d+$|^\*\*Updated:\*\*|^#+ .*\(\d+ tasks?\)|^[-*+]\s*\[/.test(line) ||
          /^- (Commit|Files|Error):/i.test(line);
        assert.deepEqual(lostLines(text, changed, mayChange), []);
      }),
      runs(400, 60_000),
    );
  });
});

describe('STATE.md: adding a note, for any file', function () {
  this.timeout(1_200_000);

  it('says exactly the note, and nothing else is read otherwise', () => {
    fc.assert(
      fc.property(nativeText, saying, fc.constantFrom('mira', 'cli: a', ''), (text, said, by) => {
        const document = readStateMd(text);
        const edit = { kind: 'note', by, text: said, updated: UPDATED } as const;
        const answer = document.edit(edit);
        if (!answer.ok) {
          assert.equal(answer.why, 'no_place');
          return;
        }
        const changed = applyEdits(text, answer.edits);
        const after = readStateMd(changed);
        const note = noteText(by, said, UPDATED);
        assert.ok(after.notes.includes(note), `no “${note}”`);
        assert.deepEqual([...after.notes].sort(), [...document.notes, note].sort());
        assert.deepEqual(diffPlans(document, after), {
          ...{ wave: null, waveCount: null, name: null, added: [], removed: [], modified: [] },
        });
        assert.deepEqual(editsOf(after, edit), []);
        assert.deepEqual(
          lostLines(text, changed, (line) => line.startsWith('**Updated:**')),
          [],
        );
      }),
      runs(150, 20_000),
    );
  });
});

describe('STATE.md: several edits, for any file', function () {
  this.timeout(1_200_000);

  it('each task says what was last said of it', () => {
    const steps = fc.array(fc.tuple(fc.nat(), status), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(nativeText, steps, (text, sequence) => {
        let document = readStateMd(text);
        const wanted = new Map([...statedTasks(document)].map(([id, task]) => [id, task.status]));
        const ids: TaskId[] = [...wanted.keys()];
        fc.pre(ids.length > 0);
        for (const [pick, shall] of sequence) {
          const task = ids[pick % ids.length] as TaskId;
          wanted.set(task, shall);
          const edits = editsOf(document, { kind: 'task', task, status: shall, updated: UPDATED });
          document = readStateMd(applyEdits(document.text, edits));
        }
        const now = new Map([...statedTasks(document)].map(([id, task]) => [id, task.status]));
        assert.deepEqual([...now].sort(), [...wanted].sort());
      }),
      runs(100, 20_000),
    );
  });
});

describe('STATE.md: fixes, for any file', function () {
  this.timeout(1_200_000);

  it('a fix leaves one problem of its code less, or none', () => {
    fc.assert(
      fc.property(nativeText, fc.nat(), (text, pick) => {
        const document = readStateMd(text);
        const fixable = document.problems.filter((problem) => document.fix(problem, UPDATED));
        const problem = fixable[pick % fixable.length];
        fc.pre(problem !== undefined);
        const fix = document.fix(problem, UPDATED);
        assert.ok(fix && fix.title !== '' && fix.edits.length > 0);
        const after = readStateMd(applyEdits(text, fix.edits));
        const count = ({ problems }: WorkflowDocument, isIt: (line: number) => boolean) =>
          problems.filter(({ code, line }) => code === problem.code && isIt(line)).length;
        const fewer = (isIt: (line: number) => boolean) =>
          count(after, isIt) < count(document, isIt);
        // What it mends may bring others to light further down.
        const there = (line: number) => line === problem.line;
        assert.ok(fewer(there) || fewer(() => true), `${problem.code} after “${fix.title}”`);
      }),
      runs(200, 20_000),
    );
  });
});

describe('STATE.md: details', () => {
  it('below a line that has ended the task are not its own, and an edit does not go there', () => {
    const text = [
      '**Status:** Wave 0/3',
      '**Workflow ID:** `w`',
      '## Completed',
      '- [ ] **a**: A',
      '1. one',
      '\t- Commit: A',
      '   ```',
      '- [ ] **hidden**: in the block',
      '',
    ].join('\n');
    const document = readStateMd(text);
    const edit = { kind: 'task', task: 'a' as TaskId, status: 'todo', updated: UPDATED } as const;
    const after = applyEdits(text, editsOf(document, { ...edit, error: 'E' }));
    assert.equal(after, text.replace('**a**: A\n', '**a**: A\n  - Error: E\n'));
    assert.deepEqual([...statedTasks(readStateMd(after)).keys()], ['a']);
  });
});

describe('STATE.md: an edit to the byte', () => {
  const lines = [
    '# Workflow: W',
    '**Workflow ID:** `w`',
    '**Status:** Wave 1/3',
    '**Updated:** 2026-11-20 10:00:00',
    '**Progress:** `██████░░░░░░░░░░░░░░` 33%',
    '## Pending (2 tasks)',
    '### Wave 1',
    '- [ ] **a**: A',
    '\t## Failed',
    '- [ ] **b**: B',
    '',
  ];
  const crlf = lines.join('\r\n');
  const told = { kind: 'task', task: 'a' as TaskId, updated: UPDATED } as const;

  it('ends new lines as the file does, behind the whole end of the line above', () => {
    const edit = { ...told, status: 'todo', commit: 'c', error: 'E' } as const;
    assert.equal(
      applyEdits(crlf, editsOf(readStateMd(crlf), edit)),
      crlf
        .replace('A\r\n', 'A\r\n  - Commit: `c`\r\n  - Error: E\r\n')
        .replace('2026-11-20 10:00:00', UPDATED),
    );
  });

  it('a heading that is indented by a tab is code, and none', () => {
    assert.deepEqual(
      [...statedTasks(readStateMd(crlf)).values()].map(({ id, status }) => [id, status]),
      [
        ['a', 'todo'],
        ['b', 'todo'],
      ],
    );
  });

  it('what the file says already is not dated anew', () => {
    assert.deepEqual(editsOf(readStateMd(crlf), { ...told, status: 'todo' }), []);
  });

  it('progress is rounded down: two of three waves are 66% and 13 cells', () => {
    const after = applyEdits(
      crlf,
      editsOf(readStateMd(crlf), { kind: 'wave', wave: 2, updated: UPDATED }),
    );
    assert.ok(after.includes(`\`${'█'.repeat(13)}${'░'.repeat(7)}\` 66%`), after);
  });
});
