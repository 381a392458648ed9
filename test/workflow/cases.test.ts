/** The named cases of STATE.md that its text alone decides, and the faults of the tool it comes from. */
import assert from 'node:assert/strict';
import type { TaskId, TaskStatus, WorkflowEdit } from '../../src/core/model';
import { statedTasks } from '../../src/workflow/difference';
import { applyEdits, isValid } from '../../src/workflow/document';
import { readStateMd } from '../../src/workflow/stateMd';

const NOW = '2026-11-21 10:11:12';

const VALID = [
  '# Workflow: Ship it',
  '',
  '**Workflow ID:** `ship`',
  '**Status:** Wave 2/3',
  '**Started:** 2026-11-20 09:00:00',
  '**Updated:** 2026-11-20 10:00:00',
  '',
  '---',
  '',
  '**Progress:** `█████████████░░░░░░░` 66%',
  '',
  '## ✅ Completed (1 tasks)',
  '',
  '### Wave 1',
  '- [x] **a**: A',
  '  - Commit: `abc`',
  '  - Files: 1.ts, 2.ts, 3.ts, 4.ts, 5.ts',
  '',
  '## 📋 Pending (3 tasks)',
  '',
  '### Wave 1',
  '- [ ] **left**: left over',
  '',
  '### Wave 2',
  '- [ ] **b**: B',
  '',
  '### Wave 3',
  '- [ ] **c**: C',
  '',
  '## Notes',
  '',
  '- by hand',
  '',
  '## Metadata',
  '',
  '- **owner:** mira',
  '',
].join('\n');

function without(line: RegExp): string[] {
  const text = VALID.split('\n')
    .filter((each) => !line.test(each))
    .join('\n');
  assert.notEqual(text, VALID);
  const document = readStateMd(text);
  const codes = document.problems.map(({ code }) => code);
  // Whatever is missing can be put there.
  for (const problem of document.problems) {
    const fix = document.fix(problem, NOW);
    if (!fix) continue;
    const after = readStateMd(applyEdits(text, fix.edits)).problems.map(({ code }) => code);
    assert.ok(!after.includes(problem.code), `${problem.code} after “${fix.title}”`);
  }
  return codes;
}

function edited(text: string, ...edits: readonly WorkflowEdit[]): string {
  return edits.reduce((current, edit) => {
    const answer = readStateMd(current).edit(edit);
    assert.ok(answer.ok, JSON.stringify(answer));
    return applyEdits(current, answer.edits);
  }, text);
}

const setting = (task: string, status: TaskStatus, more = {}): WorkflowEdit => ({
  ...{ kind: 'task', task: task as TaskId, status, updated: NOW },
  ...more,
});

const taskOf = (text: string, id: string) => statedTasks(readStateMd(text)).get(id as TaskId);

/** Described so, the task reads so, also after it has gone through every state. */
function holds(description: string): void {
  const text = VALID.replace('**b**: B', `**b**: ${description}`);
  assert.equal(taskOf(text, 'b')?.description, description);
  const round = edited(
    text,
    ...(['doing', 'failed', 'done', 'todo'] as const).map((status) => setting('b', status)),
  );
  assert.deepEqual(taskOf(round, 'b'), taskOf(text, 'b'));
  assert.deepEqual(readStateMd(round).problems, []);
}

describe('STATE.md: named cases', () => {
  it('S-7 a valid file passes', () => {
    assert.deepEqual(readStateMd(VALID).problems, []);
    assert.ok(isValid(readStateMd(VALID)));
  });
  it('S-8 a missing workflow header is told', () => {
    assert.deepEqual(without(/^# Workflow/), ['missing_header']);
  });
  it('S-9 a missing status line is told', () => {
    assert.deepEqual(without(/^\*\*Status/), ['missing_status']);
  });
  it('S-10 missing sections are told', () => {
    assert.deepEqual(without(/^## [^NM]/), ['missing_sections']);
  });
  it('S-11 an invalid checkbox is told, and mended without another meaning', () => {
    const text = VALID.replace('- [ ] **b**', '- [yes] **b**');
    const [problem, ...more] = readStateMd(text).problems;
    assert.deepEqual([problem?.code, problem?.line, more], ['invalid_checkbox', 24, []]);
    const fix = problem && readStateMd(text).fix(problem, NOW);
    assert.equal(fix && applyEdits(text, fix.edits), VALID);
  });
  it('S-12 a missing workflow id is told', () => {
    assert.deepEqual(without(/^\*\*Workflow ID/), ['missing_id']);
  });
  it('S-13 missing timestamps are told', () => {
    assert.deepEqual(without(/^\*\*(Started|Updated)/), ['missing_started', 'missing_updated']);
  });
  it('S-21 an empty list of tasks is valid', () => {
    const text = VALID.split('\n')
      .filter((line) => !/^- \[|^ {2}- |^###/.test(line))
      .join('\n')
      .replace(/\(\d tasks\)/g, '(0 tasks)');
    assert.deepEqual(readStateMd(text).problems, []);
  });
  it('S-22 a description of 10,000 characters', () => {
    holds('x'.repeat(10_000));
  });
  it('S-23 special characters: pipes, backticks, brackets, asterisks', () => {
    holds('a | b `c` [d] [x] (e) **f** __g__ <h> *i* \\| ](j) ~~k~~ {l} # m <!-- n --> `');
  });
  it('S-24 Unicode: CJK, right to left, emoji, combining characters', () => {
    holds('写文档 — اكتب الوثائق — 👩‍🚀🏳️‍🌈 — e\u0301a\u0308');
  });
});

describe('STATE.md: faults of the original that are not here', () => {
  it('pending tasks of earlier waves stay', () => {
    const text = edited(VALID, setting('b', 'done'), { kind: 'wave', wave: 3, updated: NOW });
    assert.deepEqual([taskOf(text, 'left')?.status, taskOf(text, 'left')?.wave], ['todo', 1]);
  });

  it('the start of the workflow stays', () => {
    const text = edited(VALID, setting('b', 'done'), { kind: 'wave', wave: 3, updated: NOW });
    assert.match(text, /\*\*Started:\*\* 2026-11-20 09:00:00\n/);
    assert.match(text, new RegExp(`\\*\\*Updated:\\*\\* ${NOW}\n`));
  });

  it('metadata and notes stay', () => {
    const text = edited(VALID, setting('b', 'failed', { error: 'x' }), {
      ...{ kind: 'note', by: 'mira', text: 'new', updated: NOW },
    });
    assert.ok(
      text.endsWith(`\n- by hand\n- ${NOW}, mira: new\n\n## Metadata\n\n- **owner:** mira\n`),
    );
  });

  it('files beyond three stay, and as many as there are get written', () => {
    assert.equal(taskOf(edited(VALID, setting('a', 'failed')), 'a')?.files.length, 5);
    const files = Array.from({ length: 40 }, (_, i) => `src/${i}, odd.ts`);
    assert.deepEqual(taskOf(edited(VALID, setting('b', 'done', { files })), 'b')?.files, files);
  });

  it('a failure of wave 2 is one of wave 2 after the advance', () => {
    const failed = edited(VALID, setting('b', 'failed', { error: '2 != 3' }));
    const text = edited(failed, { kind: 'wave', wave: 3, updated: NOW });
    const { wave, status, error } = taskOf(text, 'b') ?? {};
    assert.deepEqual([wave, status, error], [2, 'failed', '2 != 3']);
  });

  const written: [line: string, status: TaskStatus][] = [
    ['- [X] **b**: B', 'done'],
    ['- [-] **b**: B', 'todo'],
    ['- [!] **b**: B', 'failed'],
    ['* [x] **b**: B', 'done'],
    ['- [x] b: B', 'done'],
  ];
  for (const [line, status] of written) {
    it(`“${line}” is read, and can be set`, () => {
      const text = VALID.replace('- [ ] **b**: B', line);
      assert.equal(taskOf(text, 'b')?.status, status);
      assert.equal(taskOf(edited(text, setting('b', 'doing')), 'b')?.status, 'doing');
    });
  }
});

describe('STATE.md: what a task looks like when it has moved', () => {
  it('it comes with all that is below it, counts follow, an empty wave heading goes', () => {
    const text = VALID.replace('- [ ] **b**: B\n', '- [ ] **b**: B\n  - [x] step\n\n  more  \n');
    const after = edited(text, setting('b', 'done', { commit: 'f00', files: ['b.ts'] }));
    assert.equal(
      after,
      text
        .replace('2026-11-20 10:00:00', NOW)
        .replace('Completed (1', 'Completed (2')
        .replace('Pending (3', 'Pending (2')
        .replace('### Wave 2\n- [ ] **b**: B\n  - [x] step\n\n  more  \n\n', '')
        .replace(
          '5.ts\n\n',
          '5.ts\n\n### Wave 2\n- [x] **b**: B\n  - Commit: `f00`\n  - Files: b.ts\n  - [x] step\n\n  more  \n\n',
        ),
    );
  });

  it('a section that is missing is made in its place, with the ends of line of the file', () => {
    const after = edited(VALID.replaceAll('\n', '\r\n'), setting('c', 'doing'));
    assert.ok(
      after.includes(
        '\r\n\r\n## 🔄 In Progress (1 tasks)\r\n\r\n### Wave 3\r\n- [~] **c**: C\r\n\r\n## 📋 Pending (2 tasks)\r\n',
      ),
    );
    assert.equal(after.replaceAll('\r\n', '').includes('\n'), false);
  });

  it('a comment hides tasks, and an unclosed one is told and can be closed', () => {
    const text = VALID.replace(
      '### Wave 3\n',
      '<!--\n### Wave 3\n- [x] **hidden**: H\n-->\n### Wave 3\n',
    );
    assert.equal(taskOf(text, 'hidden'), undefined);
    assert.deepEqual(readStateMd(text).problems, []);
    const open = readStateMd(VALID.replace('### Wave 3\n', '<!-- not now\n### Wave 3\n'));
    const [problem] = open.problems.filter(({ code }) => code === 'unclosed_comment');
    const fix = problem && open.fix(problem, NOW);
    assert.ok(fix);
    assert.equal(taskOf(applyEdits(open.text, fix.edits), 'c')?.wave, 3);
  });
});
