/** What files of the other formats say, on files of our own and, where they are there, on other people's. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TaskEdit, TaskId, TaskStatus } from '../../src/core/model';
import { applyEdits, isValid, type WorkflowDocument } from '../../src/workflow/document';
import { readFrontMatter } from '../../src/workflow/frontMatter';
import {
  belongsToPlanning,
  readPlanning,
  readWorkflow,
  withSeverities,
  type SourceText,
} from '../../src/workflow/reader';

const fixtures = path.join(process.cwd(), 'test/fixtures/workflows');
const samples = path.join(process.cwd(), '../shared/samples');

function planningFiles(folder: string): SourceText[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter(belongsToPlanning)
    .map((name) => ({ path: name, text: readFileSync(path.join(folder, name), 'utf8') }));
}

function read(file: string): WorkflowDocument {
  return readWorkflow(path.basename(file), readFileSync(path.join(fixtures, file), 'utf8'));
}

/** `1 title: id status (dependencies), …`, one line for each wave. */
function told({ plan, waveTitles }: WorkflowDocument): string[] {
  return (plan?.waves ?? []).map(({ number, tasks }) => {
    const inWave = tasks.map(({ id, status, dependsOn }) =>
      dependsOn.length > 0 ? `${id} ${status} (${dependsOn.join(' ')})` : `${id} ${status}`,
    );
    return `${number} ${waveTitles.get(number) ?? ''}: ${inWave.join(', ')}`;
  });
}

function toldProblems({ problems }: WorkflowDocument): string[] {
  return problems.map(
    ({ file, line, severity, code }) => `${file ?? ''}:${line + 1} ${severity} ${code}`,
  );
}

const setting = (task: string, status: TaskStatus): TaskEdit => ({
  kind: 'task',
  task: task as TaskId,
  status,
  updated: '2026-11-21 10:00:00',
});

function refusal(document: WorkflowDocument, ...edit: Parameters<typeof setting>): string {
  const answer = document.edit(setting(...edit));
  return answer.ok ? 'ok' : answer.why;
}

describe('.planning', () => {
  const files = planningFiles(path.join(fixtures, 'planning'));
  const document = readPlanning(files);
  const text = files.find(({ path: name }) => name.endsWith('ROADMAP.md'))?.text ?? '';

  it('counts the waves of all phases through, and reads states and dependencies', () => {
    assert.deepEqual(told(document), [
      '1 Phase 1: Keel, wave 1: 01-01 done',
      '2 Phase 1: Keel, wave 2: 01-02 done (01-01)',
      '3 Phase 2: Hull, wave 1: 02-01 done',
      '4 Phase 2: Hull, wave 2: 02-02 todo (02-01), 02-03 todo (02-01), 02-04 todo',
      '5 Phase 2.1: Leaks, wave 1: 02.1-01 doing',
      '6 Phase 3: Rigging, wave 1: phase-3 todo',
    ]);
    assert.deepEqual(
      [document.format, document.editing, document.path],
      ['planning', 'checkbox', '.planning/ROADMAP.md'],
    );
    const { plan } = document;
    assert.deepEqual(
      [plan?.id, plan?.name, plan?.wave, plan?.waveCount],
      ['.planning', 'Tide Clock', 3, 6],
    );
    assert.equal(plan?.waves[3]?.tasks[1]?.description, 'Planks, starboard');
    assert.ok(isValid(document));
  });

  it('says which files plans of one wave share, and which plan has no file', () => {
    assert.deepEqual(toldProblems(document), [
      '.planning/phases/02-hull/02-03-PLAN.md:7 warning file_overlap',
      ':35 warning missing_plan',
    ]);
    assert.deepEqual(document.details.get('02-02' as TaskId)?.files, [
      'src/planks.ts',
      'src/port.ts',
    ]);
    assert.match(document.problems[0]?.message ?? '', /“02-02” \(“src\/planks\.ts”\)/);
  });

  it('shows where its own tools stand', () => {
    assert.deepEqual(document.notes, [
      'Phase: 2 of 3 (Hull)',
      'Plan: 1 of 4 in current phase',
      'Status: In progress',
    ]);
  });

  it('a summary beside a plan says that it is done, though its box is empty', () => {
    const done = readPlanning([
      ...files,
      { path: '.planning/phases/02-hull/02-02-SUMMARY.md', text: '' },
    ]);
    assert.match(told(done)[3] ?? '', /02-02 done/);
    assert.equal(refusal(done, '02-02', 'todo'), 'not_in_format');
  });

  it('reads the same with any end of line and any order of the files', () => {
    const twin = files.map(({ path: name, text: content }) => ({
      path: name,
      text: content.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n'),
    }));
    assert.deepEqual(told(readPlanning(twin.toReversed())), told(document));
  });

  it('of a plan only its checkbox is changed', () => {
    const answer = document.edit(setting('02-02', 'done'));
    assert.ok(answer.ok);
    const after = applyEdits(text, answer.edits);
    assert.equal(after, text.replace('- [ ] 02-02-PLAN.md', '- [x] 02-02-PLAN.md'));
    const again = readPlanning(
      files.map((file) => (file.path === document.path ? { ...file, text: after } : file)),
    );
    assert.match(told(again)[3] ?? '', /02-02 done/);
    assert.deepEqual(again.edit(setting('02-02', 'done')), { ok: true, edits: [], unsaid: [] });
  });

  it('what its own tools would not understand is refused by name', () => {
    assert.equal(refusal(document, '02-02', 'doing'), 'not_in_format');
    assert.equal(refusal(document, '02-02', 'failed'), 'not_in_format');
    assert.equal(refusal(document, '01-01', 'todo'), 'not_in_format');
    assert.equal(refusal(document, 'zz', 'done'), 'unknown_task');
    const wave = document.edit({ kind: 'wave', wave: 2, updated: '' });
    assert.equal(!wave.ok && wave.why, 'not_in_format');
    const unsaid = document.edit({ ...setting('02-02', 'done'), commit: 'abc', error: null });
    assert.deepEqual(unsaid.ok && unsaid.unsaid, ['commit', 'error']);
  });

  it('an empty folder is of an unknown shape', () => {
    assert.deepEqual(toldProblems(readPlanning([])), [':1 error unknown_format']);
  });

  it('knows its files', () => {
    const names = [
      ['.planning/STATE.md', true],
      ['.planning/phases/01-a/01-01-PLAN.md', true],
      ['.planning/phases/01-a/PLAN.md', true],
      ['.planning/phases/01-a/01-01-SUMMARY.md', true],
      ['.planning/milestones/v1-ROADMAP.md', false],
      ['.planning/phases/01-a/01-RESEARCH.md', false],
      ['docs/PLAN.md', false],
    ] as const;
    for (const [name, expected] of names) assert.equal(belongsToPlanning(name), expected, name);
  });
});

describe('front matter', () => {
  const values = (text: string) =>
    Object.fromEntries(
      [...readFrontMatter(text).values].map(([key, { values: of, isList }]) => [
        key,
        isList ? of : (of[0] ?? ''),
      ]),
    );
  const codes = (text: string) =>
    readFrontMatter(text).findings.map(({ problem }) => `${problem.line + 1} ${problem.code}`);

  it('reads texts and lists in the ways that people write them', () => {
    const text = [
      ...[
        '---',
        'a: 1',
        'b: "x: # y"',
        "c: 'it'",
        'd: [1, "two, three", \'4\'] # more',
        'e: []',
        'f:',
      ],
      ...[
        '- one',
        '  - two # not',
        'g: |',
        '  text: not a key',
        'h: [a,',
        '  b]',
        'i:',
        '  deep: 1',
        'j: z # c',
      ],
      '---',
    ].join('\n');
    assert.deepEqual(values(text), {
      ...{ a: '1', b: 'x: # y', c: 'it', d: ['1', 'two, three', '4'], e: [], f: ['one', 'two'] },
      ...{ g: '', h: ['a', 'b'], i: '', j: 'z' },
    });
    assert.deepEqual(codes(text), []);
    assert.deepEqual(values(text.replaceAll('\n', '\r\n')), values(text));
    assert.deepEqual(values(`\uFEFF${text}`), values(text));
  });

  it('is none where the first line is not three dashes, or where it is only a rule', () => {
    assert.deepEqual(readFrontMatter('# a\n---\na: 1\n---').values.size, 0);
    assert.deepEqual(codes('---\n# a heading\n\ntext without a key: as in prose'), []);
  });

  it('what cannot be read is told with its line', () => {
    assert.deepEqual(codes('---\na: 1\nb'), ['1 invalid_front_matter']);
    assert.deepEqual(codes('---\na: 1\nnonsense\n---'), ['3 invalid_front_matter']);
    assert.deepEqual(codes('---\na: [1, 2\nb: 2\n---'), ['2 invalid_front_matter']);
  });

  it('a bomb of anchors and aliases is refused and never grows', () => {
    const bomb = ['---', 'a: &a ["lol","lol"]'];
    for (let i = 1; i < 30; i++) bomb.push(`a${i}: &a${i} [*a${i - 1},*a${i - 1},*a${i - 1}]`);
    const { values: read, findings } = readFrontMatter([...bomb, 'wave: *a29', '---'].join('\n'));
    assert.equal(findings.length, 31);
    assert.ok([...read.values()].every(({ values: of }) => of.length === 0));
  });
});

describe('WAVES.md', () => {
  const document = read('WAVES.md');

  it('reads tables and checkboxes under wave headings', () => {
    assert.deepEqual(told(document), [
      '1 Wave 0: Ground ✅ COMPLETED: HB-001 done, HB-002 done',
      '2 Wave 1: Quays 🚧 IN PROGRESS: HB-010 done, HB-011 doing (HB-010), HB-012 todo (HB-010 HB-011)',
      '3 Wave 2: Lights: HB-020 todo (HB-012), HB-021 done',
    ]);
    assert.deepEqual(toldProblems(document), []);
    const { plan } = document;
    assert.deepEqual(
      [plan?.id, plan?.name, plan?.wave, plan?.waveCount],
      ['WAVES.md', 'Harbour: parallel rollout', 2, 3],
    );
    assert.equal(plan?.waves[0]?.tasks[1]?.description, 'Mole \\| breakwater');
  });

  it('a checkbox is changed, the row of a table is not', () => {
    const answer = document.edit(setting('HB-020', 'doing'));
    assert.ok(answer.ok);
    assert.equal(
      applyEdits(document.text, answer.edits),
      document.text.replace('- [ ] **HB-020**', '- [~] **HB-020**'),
    );
    assert.equal(refusal(document, 'HB-011', 'done'), 'not_in_format');
    assert.equal(refusal(document, 'HB-011', 'doing'), 'ok');
  });
});

describe('a roadmap with shipped phases', () => {
  it('has them done, in any number of ranges that touch, overlap or stand alone', () => {
    const phases = [1, 2, 3, 4, 5, 6, 7].map((phase) => `### Phase ${phase}: P\n`).join('');
    const shipped = 'Phases 5-6 (shipped 2026-03-01)\nPhases 1-2 shipped\nPhases 2-3 shipped\n';
    const { plan } = readWorkflow('.planning/ROADMAP.md', phases + shipped);
    const tasks = plan?.waves.flatMap((wave) => wave.tasks) ?? [];
    assert.deepEqual(
      tasks.filter(({ status }) => status === 'done').map(({ id }) => String(id)),
      ['phase-1', 'phase-2', 'phase-3', 'phase-5', 'phase-6'],
    );
  });
});

describe('a checklist', () => {
  const document = read('checklist.md');

  it('reads boxes below wave headings; a task without an id goes by what it says', () => {
    assert.deepEqual(told(document), [
      '1 Wave 1: w1-pack-the-books done, w1-pack-the-books-2 done, van doing (w1-pack-the-books), T2 failed',
      `2 Wave 2 - there: ${document.plan?.waves[1]?.tasks[0]?.id ?? ''} todo, w2-note-water-the-plants todo, later todo`,
    ]);
    assert.match(document.plan?.waves[1]?.tasks[0]?.id ?? '', /^w2-[0-9a-f]{8}$/);
    assert.deepEqual([document.format, document.editing], ['checklist', 'checkbox']);
    assert.deepEqual([document.plan?.wave, document.plan?.waveCount], [1, 2]);
  });

  it('ids stay when lines move', () => {
    const lines = document.text.split('\n');
    const at = lines.findIndex((line) => line.includes('Note:'));
    const turned = lines.with(at, lines[at - 1] ?? '').with(at - 1, lines[at] ?? '');
    const ids = (text: string) =>
      readWorkflow('checklist.md', text)
        .plan?.waves.flatMap(({ tasks }) => tasks.map(({ id }) => id))
        .sort();
    assert.deepEqual(ids(turned.join('\n')), ids(document.text));
  });

  it('any of the four states can be set', () => {
    for (const status of ['todo', 'doing', 'done', 'failed'] as const) {
      const answer = document.edit(setting('van', status));
      assert.ok(answer.ok);
      const after = readWorkflow('checklist.md', applyEdits(document.text, answer.edits));
      const van = after.plan?.waves[0]?.tasks.find(({ id }) => id === 'van');
      assert.equal(van?.status, status);
    }
  });
});

describe('which reader', () => {
  const shape = (name: string, text: string) => readWorkflow(name, text).format;

  it('goes by the name, and by the shape where the name says nothing', () => {
    assert.equal(shape('STATE.md', ''), 'native');
    assert.equal(shape('sub/STATE.md', '# Project State'), 'native');
    assert.equal(shape('WAVES.md', '## Wave 1\n- [ ] a'), 'waves');
    assert.equal(shape('.planning/ROADMAP.md', ''), 'planning');
    assert.equal(shape('plan.md', '# Workflow: x'), 'native');
    assert.equal(shape('plan.md', 'x\n**Workflow ID:** `w`'), 'native');
    assert.equal(shape('plan.md', '# Plan\n## Wave 1\n- [ ] a'), 'checklist');
  });

  it('a file of unknown shape is shown as such and never written', () => {
    const document = readWorkflow('README.md', '# Read me\n\n- [ ] a\n');
    assert.deepEqual([document.format, document.editing], ['unknown', 'none']);
    assert.deepEqual(toldProblems(document), [':1 error unknown_format']);
    const answer = document.edit(setting('a', 'done'));
    assert.ok(!answer.ok);
  });
});

describe('severities', () => {
  const document = readWorkflow('STATE.md', '# Workflow: x\n\0');
  const text = '# Workflow: x\n**Workflow ID:** `x`\n**Status:** Wave 0/1\n## Pending (3 tasks)\n';

  it('follow the settings, but for what makes a file unreadable', () => {
    const codes = (of: WorkflowDocument) =>
      of.problems.map(({ code, severity }) => `${code} ${severity}`);
    const state = readWorkflow('STATE.md', text);
    assert.deepEqual(codes(state), [
      'missing_started warning',
      'missing_updated warning',
      'count_mismatch warning',
    ]);
    const settings = new Map([
      ['missing_started', 'off'],
      ['count_mismatch', 'error'],
      ['binary_file', 'off'],
    ] as const);
    const strict = withSeverities(state, settings);
    assert.deepEqual(codes(strict), ['missing_updated warning', 'count_mismatch error']);
    assert.deepEqual([isValid(state), isValid(strict)], [true, false]);
    assert.deepEqual(codes(withSeverities(document, settings)), ['binary_file error']);
    const fixed = strict.problems.map((problem) => strict.fix(problem, 'now')?.title);
    assert.deepEqual(fixed, ['Write “**Updated:** now”', 'Write “(0 tasks)”']);
  });
});

describe("other people's files", function () {
  const cases: [folder: string, waves: number, wave: number, tasks: string, problems: string[]][] =
    [
      [
        'planning-a',
        9,
        4,
        '01-01 done, 01-02 done, 02-01 done, 02-02 done, 02-03 done, 02-04 done, 03-01 todo, 03-02 todo, 03-03 todo, 04-01 todo, 04-02 todo, 04-03 todo, 05-01 done, 05-02 done, 06-01 done, 06-02 done, 06-03 done, 06-04 done, 07-01 done, 07-02 done, 07-03 done',
        [],
      ],
      [
        'planning-b',
        4,
        4,
        '01-01 done, 01-02 done, 01-04 done, 01-05 done',
        ['unknown_dependency'],
      ],
      [
        'planning-crlf',
        14,
        12,
        '01-01 done, 01-02 done, 01-03 done, 02-01 done, 02-02 done, 03-01 done, 03-02 done, 04-01 done, 04-02 done, 04-03 done, 05-01 done, 05-02 done, 06-01 done, 07-01 done, 07-02 done, 07-03 done, 07-04 done, 08-01 done, 08-02 done, 09-01 done, 09-02 done, 10-01 done, 10-02 done, 11-01 todo, 11-02 todo, 11-03 todo, phase-12 todo',
        [],
      ],
    ];
  for (const [folder, waves, wave, tasks, problems] of cases) {
    it(folder, function () {
      if (!existsSync(path.join(samples, folder))) this.skip();
      const document = readPlanning(planningFiles(path.join(samples, folder)));
      const { plan } = document;
      assert.deepEqual([plan?.waveCount, plan?.wave], [waves, wave]);
      const all = plan?.waves.flatMap((each) => each.tasks) ?? [];
      assert.equal(all.map(({ id, status }) => `${id} ${status}`).join(', '), tasks);
      assert.deepEqual(
        document.problems.map(({ code }) => code),
        problems,
      );
      assert.ok(isValid(document));
    });
  }

  it('waves', function () {
    const file = path.join(samples, 'waves/WAVES.md');
    if (!existsSync(file)) this.skip();
    const document = readWorkflow('WAVES.md', readFileSync(file, 'utf8'));
    const { plan } = document;
    assert.deepEqual(document.problems, []);
    assert.deepEqual(
      plan?.waves.map(({ tasks }) => tasks.length),
      [6, 10, 3, 2, 7],
    );
    const done = plan.waves.slice(0, 4).flatMap(({ tasks }) => tasks);
    assert.ok(done.every(({ status }) => status === 'done'));
    assert.deepEqual(
      plan.waves[4]?.tasks.map(
        ({ id, status, dependsOn }) => `${id} ${status} ${dependsOn.join('+')}`,
      ),
      [
        'FEAT-021 todo ',
        'FEAT-027 todo FEAT-021',
        'FEAT-022 todo FEAT-027',
        'FEAT-023 todo FEAT-027',
        'FEAT-024 todo FEAT-022',
        'FEAT-025 todo FEAT-022+FEAT-023',
        'FEAT-026 todo FEAT-025',
      ],
    );
    assert.deepEqual([plan.wave, plan.waveCount], [5, 5]);
  });
});
