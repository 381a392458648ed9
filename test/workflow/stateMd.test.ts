/** What a native STATE.md says, and what an edit of it touches. One room: nearly every test reads texts of one small kit. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import type { Plan, TaskStatus } from '../../src/core/model';
import { applyEdits, isValid, type TextEdit } from '../../src/workflow/document';
import { MAX_WAVES, readStateMd } from '../../src/workflow/stateMd';
import { HEADER, longTexts } from './longTexts';

const UPDATED = '2026-11-21 10:11:12';

/** A file that is right but for the lines given. */
function file(...body: string[]): string {
  return [...HEADER, ...body, ''].join('\n');
}

function replaced(line: string, by: string): string {
  const text = file('## Pending', '### Wave 1', '- [ ] **a**: A', '### Wave 2', '- [ ] **b**: B');
  assert.ok(text.includes(line));
  return text.replace(line, by);
}

function planOf(text: string): Plan {
  const { plan } = readStateMd(text);
  assert.ok(plan);
  return plan;
}

function editsOf(text: string, wave: number): readonly TextEdit[] {
  const answer = readStateMd(text).edit({ kind: 'wave', wave, updated: UPDATED });
  assert.ok(answer.ok);
  return answer.edits;
}

function waveAfter(text: string, wave: number): string {
  return applyEdits(text, editsOf(text, wave));
}

/** `1: a done, b todo | 2: c failed` */
function told({ waves }: Plan): string {
  return waves
    .map(({ number, tasks }) =>
      `${number}: ${tasks.map(({ id, status }) => `${id} ${status}`).join(', ')}`.trim(),
    )
    .join(' | ');
}

/** `code severity "the text it points at"`, one for each problem. */
function toldProblems(text: string): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n?|\n/);
  return readStateMd(text).problems.map(({ line, column, length, code, severity }) => {
    const at = (lines[line] ?? '').slice(column, column + length);
    assert.equal(at.length, length, `${code} points outside line ${line}`);
    return `${code} ${severity} “${at}”`;
  });
}

describe('STATE.md: what it says', () => {
  it('reads a whole file', () => {
    const text = file(
      '## ✅ Completed (1 tasks)',
      '### Wave 1',
      '- [x] **a**: Lay the **keel**: first',
      '  - Commit: `abc`',
      '  - Files: a.ts, b.ts',
      '',
      '## 📋 Pending (1 tasks)',
      '### Wave 2',
      '- [ ] **b**: Launch',
      '  - Depends: a',
      '',
      '## Notes',
      '- [ ] **c**: only a note',
    );
    assert.deepEqual(readStateMd(text).problems, []);
    assert.deepEqual(planOf(text), {
      id: 'ship',
      name: 'Ship it',
      wave: 1,
      waveCount: 2,
      waves: [
        {
          number: 1,
          tasks: [
            {
              id: 'a',
              description: 'Lay the **keel**: first',
              status: 'done',
              dependsOn: [],
              line: 13,
            },
          ],
        },
        {
          number: 2,
          tasks: [{ id: 'b', description: 'Launch', status: 'todo', dependsOn: ['a'], line: 19 }],
        },
      ],
    });
  });

  const statuses: [section: string, box: string, status: TaskStatus][] = [
    ['## ✅ Completed (1 tasks)', '[x]', 'done'],
    ['## Completed', '[X]', 'done'],
    ['## ✅ Completed (1 tasks)', '[ ]', 'todo'],
    ['## 🔄 In Progress (1 tasks)', '[~]', 'doing'],
    ['## 🔄 In Progress (1 tasks)', '[ ]', 'todo'],
    ['## 📋 Pending (1 task)', '[ ]', 'todo'],
    ['## 📋 Pending (1 tasks)', '[x]', 'done'],
    ['## 📋 Pending (1 tasks)', '[!]', 'failed'],
    ['## 📋 Pending (1 tasks)', '[-]', 'todo'],
    ['## ❌ Failed (1 tasks)', '[ ]', 'failed'],
    ['## ❌ Failed (1 tasks)', '[x]', 'done'],
    ['## ❌ Failed (1 tasks)', '[~]', 'doing'],
    ['## failed', '[-]', 'todo'],
  ];
  for (const [section, box, status] of statuses) {
    it(`the box beats the section: ${box} below “${section}” is ${status}`, () => {
      const plan = planOf(file(section, '### Wave 1', `- ${box} **a**: A`));
      assert.equal(plan.waves[0]?.tasks[0]?.status, status);
    });
  }

  const tasks: [line: string, id: string, description: string][] = [
    ['- [ ] **a-1.b_c**: Text', 'a-1.b_c', 'Text'],
    ['* [x] a: Text', 'a', 'Text'],
    ['+ [x] a: Text', 'a', 'Text'],
    ['- [x] a', 'a', ''],
    ['- [x] **a**', 'a', ''],
    ['- [x] **a:** Text: more', 'a', 'Text: more'],
    ['- [x] **a** Text: more', 'a', 'Text: more'],
    ['-\t[x]   **a** :  Text  ', 'a', ':  Text'],
    ['  - [x] **a**: Text', 'a', 'Text'],
    [`- [x] ${'a'.repeat(64)}: Text`, 'a'.repeat(64), 'Text'],
    ['- [ ] **a**: Écrire — 文档 😀', 'a', 'Écrire — 文档 😀'],
  ];
  for (const [line, id, description] of tasks) {
    it(`reads the task “${line}”`, () => {
      const text = file('## Completed', '### Wave 1', line);
      assert.deepEqual(toldProblems(text), []);
      const task = planOf(text).waves[0]?.tasks[0];
      assert.deepEqual([task?.id, task?.description, task?.line], [id, description, 13]);
    });
  }

  const notTasks = [
    '- [x](https://example.org)',
    '- [x][reference]',
    '- [[wiki]]',
    '- Commit: [x] **b**',
    '    - [x] **b**: an indented code block',
    'text - [x] **b**: in a sentence',
    '> - [x] **b**: quoted',
  ];
  for (const line of notTasks) {
    it(`“${line}” is no task`, () => {
      const text = file('## Pending (1 tasks)', '### Wave 1', line, '', '- [ ] **a**: A');
      assert.equal(told(planOf(text)), '1: a todo | 2:');
      assert.deepEqual(toldProblems(text), []);
    });
  }

  it('boxes below a task are its own steps, but one with a bold id is a task', () => {
    const text = file(
      '## Pending (2 tasks)',
      '### Wave 1',
      '- [ ] **a**: A',
      '  - [x] write it',
      '  - [ ] **b**: B',
    );
    assert.equal(told(planOf(text)), '1: a todo, b todo | 2:');
    assert.deepEqual(toldProblems(text), []);
  });

  it('a heading ends the task above it', () => {
    const text = file(
      ...['## Pending (2 tasks)', '### Wave 1', '- [ ] **a**: A', '### Wave 2', '  - Depends: z'],
      '  - [ ] b: indented, but below no task',
    );
    assert.equal(told(planOf(text)), '1: a todo | 2: b todo');
    assert.deepEqual(toldProblems(text), []);
  });

  const fences: [name: string, lines: string[]][] = [
    ['backticks', ['```', '- [x] **b**: B', '## Notes', '```']],
    ['tildes, longer than what is inside', ['~~~~md', '~~~', '- [x] **b**: B', '~~~~~']],
    ['backticks with a word', ['```md', '- [x] **b**: B', '``` still inside', '```']],
    ['a fence below a task', ['- [ ] **z**: Z', '  ```', '  - [x] **b**: B', '  ```']],
    ['a fence below a task that is not closed', ['- [ ] **z**: Z', '  ```', '  - [x] **b**: B']],
  ];
  for (const [name, lines] of fences) {
    it(`boxes in a code fence are no tasks: ${name}`, () => {
      const text = file('## Pending', '### Wave 1', ...lines, '- [ ] **a**: A');
      const ids = planOf(text).waves.flatMap((wave) => wave.tasks.map((task) => task.id as string));
      assert.deepEqual(
        ids.filter((id) => id !== 'z'),
        ['a'],
      );
      assert.deepEqual(toldProblems(text), []);
    });
  }

  it('three backticks on one line open no fence', () => {
    const text = file('## Pending', '### Wave 1', '```code```', '- [ ] **a**: A');
    assert.equal(told(planOf(text)), '1: a todo | 2:');
  });

  it('a wave heading speaks for its section only', () => {
    const text = file(
      '## Completed',
      '### Wave 2',
      '- [x] **a**: A',
      '## Failed',
      '- [ ] **b**: B',
    );
    assert.equal(told(planOf(text)), '1: b failed | 2: a done');
  });

  it('a failure of wave 2 without a heading stays in wave 2, and before the start it is in wave 1', () => {
    const body = '## Failed\n- [ ] **a**: A';
    assert.equal(told(planOf(file(body).replace('Wave 1/2', 'Wave 2/3'))), '1: | 2: a failed | 3:');
    assert.equal(told(planOf(file(body).replace('Wave 1/2', 'Wave 0/1'))), '1: a failed');
  });

  it('pending tasks of earlier waves and sections that come twice are kept', () => {
    const text = file(
      ...['## Pending (2 tasks)', '### Wave 2', '- [ ] **b**: B', '### Wave 1', '- [ ] **a**: A'],
      ...['## Mine', '- [ ] **mine**: not of the workflow'],
      ...['## Pending (1 tasks)', '### Wave 1: the rest', '- [ ] **c**: C'],
    );
    assert.equal(told(planOf(text)), '1: a todo, c todo | 2: b todo');
    assert.deepEqual(toldProblems(text), []);
  });

  it('waves without tasks appear as far as the status line knows them', () => {
    const text = file('## Pending', '### Wave 7', '- [ ] **a**: A', '### Wave 5', '- [ ] **b**: B');
    assert.equal(told(planOf(text)), '1: | 2: | 5: b todo | 7: a todo');
  });

  it('dependencies are read from any case, with or without backticks, and once', () => {
    const text = file(
      ...['## Pending', '### Wave 1', '- [ ] **a**: A', '- [ ] **b**: B', '- [ ] **c**: C'],
      ...['  - depends: `a`, b,, a', '  - Files: x', '  * Depends: b'],
    );
    assert.deepEqual(planOf(text).waves[0]?.tasks[2]?.dependsOn, ['a', 'b']);
    assert.deepEqual(toldProblems(text), []);
  });

  it('header fields count above the first section only, and the first of each', () => {
    const text = file(
      ...['## Notes', '# Workflow: Other', '**Workflow ID:** `other`', '**Status:** Wave 2/2'],
      '## Pending',
    );
    assert.deepEqual([planOf(text).id, planOf(text).wave], ['ship', 1]);
    assert.deepEqual(toldProblems(text), []);
    assert.equal(readStateMd(`## Notes\n${HEADER.join('\n')}`).plan, null);
  });

  it('without an id or a status line there is no plan', () => {
    assert.equal(readStateMd(replaced('**Workflow ID:** `ship`\n', '')).plan, null);
    assert.equal(readStateMd(replaced('**Status:** Wave 1/2\n', '')).plan, null);
    assert.equal(readStateMd('').plan, null);
  });

  it('a file without a name goes by its id', () => {
    assert.equal(planOf(replaced('# Workflow: Ship it', '# Workflow:')).name, 'ship');
  });

  it('reads the same with any end of line, byte order mark or final newline', () => {
    const text = file('## Pending', '### Wave 1', '- [ ] **a**: A', '  - Depends: a, z');
    const { plan, problems } = readStateMd(text);
    const twins = [
      text.replaceAll('\n', '\r\n'),
      text.replaceAll('\n', '\r'),
      text.replace('\n', '\r\n').replace('Wave 1\n', 'Wave 1\r'),
      `\uFEFF${text}`,
      text.trimEnd(),
      text.replaceAll('\n', '  \n'),
    ];
    for (const twin of twins) {
      assert.deepEqual(readStateMd(twin).plan, plan);
      assert.deepEqual(readStateMd(twin).problems, problems);
    }
  });
});

describe('STATE.md: what is wrong with it', () => {
  const wave1 = ['## Pending', '### Wave 1'];
  const cases: [code: string, text: string, problems: string[]][] = [
    [
      'missing_header',
      replaced('# Workflow: Ship it', '# Ship it'),
      ['missing_header error “# Ship it”'],
    ],
    [
      'missing_header, empty',
      replaced('# Workflow: Ship it', '# Workflow:'),
      ['missing_header error “# Workflow:”'],
    ],
    [
      'missing_id',
      replaced('**Workflow ID:** `ship`\n', ''),
      ['missing_id error “# Workflow: Ship it”'],
    ],
    ['missing_id, empty', replaced('`ship`', '` `'), ['missing_id error “**Workflow ID:** ` `”']],
    [
      'missing_status',
      replaced('**Status:** Wave 1/2\n', ''),
      ['missing_status error “# Workflow: Ship it”'],
    ],
    [
      'missing_status, unreadable',
      replaced('Wave 1/2', 'Wave 1/2a'),
      ['missing_status error “**Status:** Wave 1/2a”'],
    ],
    ['missing_sections', file('## Notes'), ['missing_sections error “# Workflow: Ship it”']],
    [
      'invalid_checkbox',
      file(
        ...wave1,
        '- [y] **a**: A',
        '- [] **b**: B',
        '-[x] **c**: C',
        '- [x]**d**: D',
        '- [done] e',
      ),
      [
        'invalid_checkbox error “[y]”',
        'invalid_checkbox error “[]”',
        'invalid_checkbox error “[x]”',
        'invalid_checkbox error “[x]”',
        'invalid_checkbox error “[done]”',
      ],
    ],
    ['unknown_checkbox', file(...wave1, '- [-] **a**: A'), ['unknown_checkbox warning “[-]”']],
    [
      'invalid_task_id',
      file(
        ...wave1,
        ...['- [ ] **my task**: A', '- [ ] Write it all', '- [ ] **-a**: A', '- [ ] **a', '- [ ]'],
        ...['- [ ] ****: A', `- [ ] ${'a'.repeat(65)}: A`],
      ),
      [
        'invalid_task_id error “my task”',
        'invalid_task_id error “Write it all”',
        'invalid_task_id error “-a”',
        'invalid_task_id error “**a”',
        'invalid_task_id error “”',
        'invalid_task_id error “”',
        `invalid_task_id error “${'a'.repeat(65)}”`,
      ],
    ],
    [
      'duplicate_task',
      file(...wave1, '- [ ] **a**: A', '## Failed', '### Wave 2', '- [ ] a: again'),
      ['duplicate_task error “a”'],
    ],
    [
      'unknown_dependency',
      file(...wave1, '- [ ] **a**: A', '  - Depends: `b`, not an id'),
      ['unknown_dependency error “b”', 'unknown_dependency error “not an id”'],
    ],
    [
      'dependency_cycle',
      file(...wave1, '- [ ] **a**: A', '  - Depends: a', '- [ ] **b**: B', '  - Depends: a'),
      ['dependency_cycle error “a”'],
    ],
    [
      'conflict_markers',
      file(
        '=======',
        '    <<<<<<< quoted',
        '<<<<<<< HEAD',
        ...wave1,
        '||||||| base',
        '=======',
        '>>>>>>> theirs',
        '=======',
      ),
      [
        'conflict_markers error “<<<<<<< HEAD”',
        'conflict_markers error “||||||| base”',
        'conflict_markers error “=======”',
        'conflict_markers error “>>>>>>> theirs”',
      ],
    ],
    ['binary_file', `${file(...wave1)}\0\0`, ['binary_file error “\0”']],
    ['binary_file, zeroed', '\0'.repeat(4096), ['binary_file error “\0”']],
    [
      'wave_out_of_range, status',
      replaced('Wave 1/2', 'Wave 3/2'),
      ['wave_out_of_range error “3”'],
    ],
    [
      'wave_out_of_range, no wave',
      file('## Pending').replace('Wave 1/2', 'Wave 0/0'),
      ['wave_out_of_range error “0”'],
    ],
    [
      'wave_out_of_range, too many',
      replaced('Wave 1/2', 'Wave 1/99999999'),
      ['wave_out_of_range error “99999999”'],
    ],
    [
      'wave_out_of_range, headings',
      file('## Pending', '### Wave 1', '### Wave 3', '### Wave 0', '### Wave two', '### Waveform'),
      [
        'wave_out_of_range error “3”',
        'wave_out_of_range error “0”',
        'wave_out_of_range error “### Wave two”',
      ],
    ],
    [
      'missing_started',
      replaced('**Started:** 2026-11-20 09:00:00\n', ''),
      ['missing_started warning “# Workflow: Ship it”'],
    ],
    [
      'missing_updated',
      replaced('**Updated:** 2026-11-20 10:00:00', '**Updated:**'),
      ['missing_updated warning “**Updated:**”'],
    ],
    [
      'invalid_timestamp',
      replaced('2026-11-20 09:00:00', '2026-02-30 09:00:00').replace('20 10:00:00', '20T10:00:00Z'),
      [
        'invalid_timestamp warning “2026-02-30 09:00:00”',
        'invalid_timestamp warning “2026-11-20T10:00:00Z”',
      ],
    ],
    [
      'count_mismatch',
      file('## Pending (2 tasks)', '### Wave 1', '- [ ] **a**: A', '## Failed (1 tasks)'),
      ['count_mismatch warning “2”', 'count_mismatch warning “1”'],
    ],
    [
      'progress_mismatch, percent',
      replaced('50%', '49%'),
      ['progress_mismatch warning “`██████████░░░░░░░░░░` 49%”'],
    ],
    [
      'progress_mismatch, cells',
      replaced('█░', '░█'),
      ['progress_mismatch warning “`█████████░█░░░░░░░░░` 50%”'],
    ],
    ['wave_gap', file('## Pending', '### Wave 2', '- [ ] **a**: A'), ['wave_gap warning “2”']],
    [
      'duplicate_field',
      replaced('---', '**Status:** Wave 2/2'),
      ['duplicate_field warning “**Status:** Wave 2/2”'],
    ],
    [
      'unclosed_fence',
      file(...wave1, '- [ ] **a**: A', '', '```md', '## Failed', '- [ ] **b**: B'),
      ['unclosed_fence warning “```md”'],
    ],
  ];
  for (const [name, text, problems] of cases) {
    it(name, () => {
      assert.deepEqual(toldProblems(text), problems);
    });
  }

  it('problems come in the order of their lines', () => {
    const text = file(
      '## Pending (9 tasks)',
      '### Wave 7',
      '- [y] **a**: A',
      '  - Depends: b',
    ).slice(2);
    const lines = readStateMd(text).problems.map((problem) => problem.line);
    assert.ok(lines.length >= 5);
    assert.deepEqual(
      lines,
      lines.toSorted((a, b) => a - b),
    );
  });

  it('a cycle is told as a path from its first task, and tasks that only wait for it are not in it', () => {
    const text = file(
      ...[...wave1, '- [ ] **z**: Z', '  - Depends: b', '- [ ] **a**: A', '  - Depends: c'],
      ...[
        '- [ ] **b**: B',
        '  - Depends: a',
        '- [ ] **c**: C',
        '  - Depends: z0, b',
        '- [ ] **z0**: Z',
        '  - Depends: z1',
        '- [ ] **z1**: Z',
      ],
    );
    const [cycle, ...more] = readStateMd(text).problems;
    assert.deepEqual(more, []);
    assert.equal(cycle?.line, 16);
    assert.match(cycle.message, /a → c → b → a\./);
  });

  it('separate cycles are told separately', () => {
    const pair = (a: string, b: string) => [
      `- [ ] ${a}`,
      `  - Depends: ${b}`,
      `- [ ] ${b}`,
      `  - Depends: ${a}`,
    ];
    const text = file(...wave1, ...pair('a', 'b'), ...pair('c', 'd'));
    assert.deepEqual(toldProblems(text), [
      'dependency_cycle error “b”',
      'dependency_cycle error “d”',
    ]);
  });

  it('a cycle of 100,000 tasks is found and its message stays short', function () {
    this.timeout(300_000);
    const size = 100_000;
    const tasks = Array.from(
      { length: size },
      (_, i) => `- [ ] t${i}\n  - Depends: t${(i + 1) % size}`,
    );
    const { problems } = readStateMd(file(...wave1, ...tasks));
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['dependency_cycle'],
    );
    assert.match(problems[0]?.message ?? '', /t0 → t1 → .* 99988 more … → t0\./);
  });

  it('a chain of 100,000 tasks is no cycle', function () {
    this.timeout(300_000);
    const tasks = Array.from({ length: 100_000 }, (_, i) => `- [ ] t${i}\n  - Depends: t${i + 1}`);
    assert.deepEqual(toldProblems(file(...wave1, ...tasks, '- [ ] t100000')), []);
  });

  it('a status of 99999999 waves makes no more waves than allowed', () => {
    const plan = planOf(replaced('Wave 1/2', `Wave 1/${'9'.repeat(400)}`));
    assert.equal(plan.waves.length, MAX_WAVES);
    assert.equal(plan.waveCount, MAX_WAVES);
  });

  it('a file with errors and a plan may not be acted upon', () => {
    const document = readStateMd(file(...wave1, '- [y] **a**: A'));
    assert.ok(document.plan);
    assert.equal(isValid(document), false);
  });
});

describe('STATE.md: setting the wave', () => {
  const text = file(
    ...['## Completed (1 tasks)', '### Wave 1', '- [x] **a**: A'],
    ...['## Pending (1 tasks)', '### Wave 2', '- [ ] **b**: B'],
  );

  it('changes the number, the time and the progress, and nothing else', () => {
    const expected = text
      .replace('Wave 1/2', 'Wave 2/2')
      .replace('2026-11-20 10:00:00', UPDATED)
      .replace('`██████████░░░░░░░░░░` 50%', '`████████████████████` 100%');
    assert.equal(waveAfter(text, 2), expected);
    assert.equal(waveAfter(expected, 1), text.replace('2026-11-20 10:00:00', UPDATED));
  });

  it('touches nothing when the wave is right already, not even the time', () => {
    assert.deepEqual(editsOf(text, 1), []);
  });

  it('takes the header fields in any order', () => {
    const lines = text.split('\n');
    const turned = [lines[0], ...lines.slice(1, 11).toReversed(), ...lines.slice(11)].join('\n');
    const plan = planOf(waveAfter(turned, 2));
    assert.deepEqual(plan, planOf(waveAfter(text, 2)));
  });

  it('touches only what differs', () => {
    const right = text
      .replace('2026-11-20 10:00:00', UPDATED)
      .replace('`██████████░░░░░░░░░░` 50%', '`████████████████████` 50%');
    const edits = editsOf(right, 2);
    assert.deepEqual(
      edits.map((edit) => edit.text),
      ['2', '100'],
    );
  });

  const bar = '`██████████░░░░░░░░░░` 50%';
  const time = '2026-11-20 10:00:00';
  const byHand: [name: string, line: string, written: string, edited: string][] = [
    ['a progress line of another kind is left alone', bar, 'half', 'half'],
    ['a bar of another length is left alone', bar, '`█████░░░░░`', '`█████░░░░░`'],
    ['a percentage alone is kept right', bar, '50 %', '100 %'],
    ['what follows the status stays', 'Wave 1/2', 'Wave 1/2 (slow)', 'Wave 2/2 (slow)'],
    ['what follows the time stays', time, `${time} (mira)`, `${UPDATED} (mira)`],
    ['a time that is missing is added', ` ${time}`, '  ', ` ${UPDATED}  `],
    ['a line that is missing is not', `**Updated:** ${time}\n`, '', ''],
    ['an unreadable time is replaced', time, 'yesterday', UPDATED],
  ];
  for (const [name, line, written, edited] of byHand) {
    it(name, () => {
      const expected = waveAfter(text, 2);
      const lineAfter = line
        .replace('1/2', '2/2')
        .replace(time, UPDATED)
        .replace(bar, '`████████████████████` 100%');
      assert.ok(text.includes(line) && expected.includes(lineAfter));
      assert.equal(waveAfter(text.replace(line, written), 2), expected.replace(lineAfter, edited));
    });
  }

  it('writes floor(100·X/Y) percent and floor(20·X/Y) cells', () => {
    const third = text.replace('Wave 1/2', 'Wave 1/3');
    assert.ok(waveAfter(third, 2).includes('`█████████████░░░░░░░` 66%'));
    assert.ok(waveAfter(third, 0).includes('`░░░░░░░░░░░░░░░░░░░░` 0%'));
    assert.ok(waveAfter(third, 7).includes('`████████████████████` 100%'));
  });

  it('a failure of wave 2 without a heading stays in wave 2: it gets the heading', () => {
    const failed = text
      .replace('Wave 1/2', 'Wave 2/3')
      .replace(
        '## Pending',
        '## Failed (1 tasks)\n\n- [ ] **f**: F\n  - Error: 2 != 3\n\n## Pending',
      )
      .replaceAll('\n', '\r\n');
    const after = waveAfter(failed, 3);
    assert.ok(after.includes('## Failed (1 tasks)\r\n\r\n### Wave 2\r\n- [ ] **f**: F\r\n'));
    assert.equal(told(planOf(after)), '1: a done | 2: f failed, b todo | 3:');
  });

  it('starting the first wave adds no headings', () => {
    const waiting = file('## Pending', '- [ ] **a**: A').replace('Wave 1/2', 'Wave 0/1');
    assert.ok(!waveAfter(waiting, 1).includes('### Wave'));
  });

  it('refuses what would not be a wave, and a file that has none', () => {
    const set = (from: string, wave: number) => () => editsOf(from, wave);
    for (const wave of [-1, 1.5, NaN, Infinity]) assert.throws(set(text, wave), RangeError);
    const answer = readStateMd('').edit({ kind: 'wave', wave: 1, updated: UPDATED });
    assert.equal(!answer.ok && answer.why, 'no_status');
  });
});

/* ------------------------------------------------------------------ properties */

const eol = fc.constantFrom('\n', '\r\n', '\r');

/** Nothing but grammar, in any order. */
const fragments = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom(...HEADER, '## Pending (2 tasks)', '## ❌ Failed', '## Notes'),
      },
      {
        weight: 6,
        arbitrary: fc.constantFrom(
          ...[
            '### Wave 1',
            '### Wave 2',
            '### Wave',
            '- [ ] **a**: A',
            '- [x] b',
            '* [~] **c**: C',
          ],
          ...[
            '  - Depends: a, b',
            '  - Depends: c',
            '- [',
            '- []',
            '**',
            '    - [ ] **d**: D',
            '<<<<<<< x',
          ],
          ...[
            '=======',
            '>>>>>>> y',
            '```',
            '~~~',
            '  ```',
            '- note',
            '\0',
            '\uFEFF',
            '**Status:** Wave 9/3',
          ],
          ...['**Updated:**', '**Progress:** 3%', '\t', '#', '`', '[x]', '- [-] **e**:'],
        ),
      },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    ),
    { maxLength: 40 },
  )
  .chain((lines) =>
    fc
      .array(fc.constantFrom('\n', '\r\n', '\r', ' ', ''), {
        minLength: lines.length,
        maxLength: lines.length,
      })
      .map((ends) => lines.map((line, i) => line + (ends[i] ?? '')).join('')),
  );

/** A header that has a status, then any body: every edit must hold whatever people write. */
const withStatus = fc
  .record({
    bom: fc.constantFrom('', '\uFEFF'),
    eol,
    wave: fc.nat(4),
    header: fc.subarray(HEADER.filter((line) => !/Status|Workflow ID/.test(line))),
    body: fragments,
  })
  .map(({ bom, eol: end, wave, header, body }) =>
    [
      `${bom}**Status:** Wave ${wave}/4  `,
      '**Workflow ID:** `w`',
      ...header,
      '## Pending',
      body,
    ].join(end),
  );

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fragments,
  withStatus,
);

function withoutLines(plan: Plan): unknown {
  return {
    ...plan,
    wave: null,
    waves: plan.waves.map((wave) => ({
      ...wave,
      tasks: wave.tasks.map((task) => ({ ...task, line: null })),
    })),
  };
}

/** Lines with their ends of line. */
function linesOf(text: string): string[] {
  return text.split(/(?<=\r\n|\n|\r(?!\n))/);
}

describe('STATE.md: properties', function () {
  this.timeout(300_000);

  it('reads any text without throwing, and every problem lies within its line', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        toldProblems(text);
        for (const { message } of readStateMd(text).problems) assert.ok(message.length < 1000);
      }),
      { numRuns: 1000 },
    );
  });

  it('a plan has each task once, in ascending waves', () => {
    fc.assert(
      fc.property(withStatus, (text) => {
        const { waves } = planOf(text);
        const numbers = waves.map((wave) => wave.number);
        const ids = waves.flatMap((wave) => wave.tasks.map((task) => task.id));
        assert.deepEqual(
          numbers,
          numbers.toSorted((a, b) => a - b),
        );
        assert.equal(new Set(ids).size, ids.length);
      }),
      { numRuns: 500 },
    );
  });

  it('an edit sets the wave and leaves the rest of the plan and all other bytes alone', () => {
    fc.assert(
      fc.property(withStatus, fc.nat(4), (text, wave) => {
        fc.pre(!text.includes('\0'));
        const before = planOf(text);
        const changed = waveAfter(text, wave);
        const after = planOf(changed);
        assert.equal(after.wave, wave);
        assert.deepEqual(withoutLines(after), withoutLines(before));
        assert.deepEqual(editsOf(changed, wave), []);

        const touched = /^\s*\*\*(Status|Updated|Progress):/;
        const added = `### Wave ${Math.max(before.wave, 1)}`;
        const kept = linesOf(changed).filter((line) => !touched.test(line));
        for (const line of linesOf(text).filter((old) => !touched.test(old))) {
          while (kept[0] !== line && kept[0]?.trimEnd() === added) kept.shift();
          assert.equal(kept.shift(), line);
        }
        assert.deepEqual(kept, []);
        assert.equal(linesOf(changed)[0], linesOf(text)[0]?.replace(/Wave \d/, `Wave ${wave}`));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('STATE.md: long texts', () => {
  // How the time grows is for `npm run bench -- markdown`.
  for (const [name, shape] of Object.entries(longTexts)) {
    it(`${name} are read whole`, () => {
      const text = shape(80_000);
      assert.equal(readStateMd(text).text, text);
    });
  }
});

describe('STATE.md: real files', () => {
  const root = process.cwd();

  it("the project's sample is valid and nothing is wrong with it", () => {
    const text = readFileSync(path.join(root, 'test/fixtures/sample/STATE.md'), 'utf8');
    assert.deepEqual(readStateMd(text).problems, []);
    assert.ok(isValid(readStateMd(text)));
    assert.equal(
      told(planOf(text)),
      '1: 1-01 done, 1-02 done, 1-03 done | 2: 2-01 todo, 2-02 todo, 2-03 todo, 2-04 todo | 3: 3-01 todo, 3-02 todo, 3-03 todo',
    );
  });

  it('files that the original tool wrote', function () {
    const folder = path.join(root, '../shared/samples/state-manager');
    if (!existsSync(folder)) this.skip();
    const facts: [file: string, wave: string, tasks: string][] = [
      [
        '01-initialized.STATE.md',
        '0/3',
        '1: planner todo, researcher todo | 2: developer todo, tester-2 todo | 3: writer todo',
      ],
      [
        '03-wave2-one-failed.STATE.md',
        '2/3',
        '1: planner done, researcher done | 2: developer done, tester-2 failed | 3: writer todo',
      ],
      ['06-single-wave-done.STATE.md', '1/1', '1: only done'],
    ];
    for (const [name, wave, tasks] of facts) {
      const text = readFileSync(path.join(folder, name), 'utf8');
      const plan = planOf(text);
      assert.equal(`${plan.wave}/${plan.waveCount}`, wave);
      assert.equal(told(plan), tasks);
      assert.deepEqual(readStateMd(text).problems, []);
    }
  });
});
