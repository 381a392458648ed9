/** Whatever a file holds: it is read without an exception, and in a time that grows with its size alone. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readWorkflow } from '../../src/workflow/reader';
import { nativeText, runs, saying } from './documents';

const paths = [
  'STATE.md',
  'WAVES.md',
  'plan.md',
  '.planning/ROADMAP.md',
  '.planning/phases/01-a/01-01-PLAN.md',
];

const isLong = process.env['WAVELOCK_CAMPAIGN'] === '1';

/** The reader that a text is meant for; the long form tries them all. */
function pathsFor(text: string): readonly string[] {
  if (isLong) return paths;
  if (text.startsWith('# Workflow')) return ['STATE.md'];
  if (text.startsWith('## Wave')) return ['WAVES.md'];
  return [text.startsWith('---') ? '.planning/phases/01-a/01-01-PLAN.md' : '.planning/ROADMAP.md'];
}

const grammar = fc.constantFrom(
  ...[
    '---',
    '...',
    'wave: 2',
    'depends_on: [',
    'depends_on: [01-01, "',
    ']',
    '- 01-01',
    'a: &a [*a]',
  ],
  ...[
    '## Wave 1',
    '## Wave 0: x ✅',
    '### Wave 999999999',
    '| ID | Status |',
    '|---|---|',
    '| a | ✅ |',
    '|',
    '||',
  ],
  ...[
    '- [ ] **a**: A',
    '- [x] a-1: A',
    '  - Depends: a, b',
    '- [',
    '### Phase 1: A',
    '**Plans:** 2/2',
  ],
  ...[
    '- [ ] 01-01-PLAN.md — x',
    '- [x] **Phase 1.1: x** -',
    '**Depends on**: Phase 1',
    'Phases 1-9 shipped',
  ],
  ...[
    '# Workflow: w',
    '**Workflow ID:** `w`',
    '**Status:** Wave 1/2',
    '## Pending (1 tasks)',
    '<!--',
    '```',
  ],
  ...[
    '<<<<<<< a',
    '=======',
    '>>>>>>> b',
    '\0',
    '\uFEFF',
    '\uD800',
    '## Notes',
    '`,`',
    '<objective>',
    '\t',
  ],
);
const jumble = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 5, arbitrary: grammar }, { weight: 1, arbitrary: saying }),
      fc.constantFrom('\n', '\r\n', '\r', '', ' '),
    ),
    {
      maxLength: 40,
    },
  )
  .map((pieces) => pieces.map(([piece, end]) => piece + end).join(''));
const anything = fc.oneof(
  { weight: 6, arbitrary: jumble },
  { weight: 2, arbitrary: nativeText },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 300 }) },
);

/** Reads it, asks for every fix and one edit of every task, and looks at where problems lie. */
function use(path: string, text: string): void {
  const document = readWorkflow(path, text);
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n?|\n/);
  for (const problem of document.problems) {
    assert.ok(problem.message.length < 1_500);
    document.fix(problem, '2026-11-21 10:00:00');
    if (problem.file !== undefined) continue;
    const line = lines[problem.line];
    assert.ok(line !== undefined && problem.column + problem.length <= line.length, problem.code);
  }
  for (const { tasks } of document.plan?.waves ?? []) {
    for (const { id } of tasks) {
      document.edit({ kind: 'task', task: id, status: 'done', updated: '2026-11-21 10:00:00' });
    }
  }
}

describe('any text at all', function () {
  this.timeout(2_400_000);

  it('is read, mended and edited without an exception', () => {
    fc.assert(
      fc.property(anything, fc.constantFrom(...paths), (text, path) => {
        use(path, text);
      }),
      runs(500, 100_000),
    );
  });

  it('of 256 KB is read in time', () => {
    let slowest = 0;
    const count = isLong ? 500 : 4;
    fc.assert(
      fc.property(anything, fc.constantFrom(...paths), (text, path) => {
        const large = text.repeat(Math.ceil(262_144 / Math.max(text.length, 1))).slice(0, 262_144);
        const start = process.cpuUsage();
        readWorkflow(path, large);
        const { user, system } = process.cpuUsage(start);
        slowest = Math.max(slowest, (user + system) / 1000);
      }),
      { ...runs(count, count) },
    );
    process.stdout.write(`      slowest of ${count}: ${slowest.toFixed(1)} ms of processor time\n`);
    // The figure is for the bench; here only what no noise can explain.
    assert.ok(slowest < 1_500);
  });
});

describe('bad input', function () {
  this.timeout(120_000);
  const head =
    '# Workflow: w\n**Workflow ID:** `w`\n**Status:** Wave 1/2\n## Pending\n### Wave 1\n';
  const times = (count: number, of: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => of(i)).join('');
  const plan = (middle: string) => `---\nwave: 1\n${middle}\n---\n`;
  const inputs: readonly (readonly [string, (size: number) => string])[] = [
    ['tasks', (size) => head + times(size / 20, (i) => `- [ ] **t${i}**: text\n`)],
    ['rows of one task', (size) => `${head}${'- [ ] **a**: A\n'.repeat(size / 15)}`],
    ['words for ids', (size) => `${head}${'- [ ] no id at all\n'.repeat(size / 19)}`],
    ['one line', (size) => head + 'x'.repeat(size)],
    [
      'one line of backticks and commas',
      (size) => `${head}- [ ] a\n  - Files: ${'`a,``,'.repeat(size / 6)}`,
    ],
    [
      'tasks that change one file',
      (size) => head + times(size / 24, (i) => `- [ ] t${i}\n  - Files: a\n`),
    ],
    ['open comments', (size) => `${head}${'<!--\n'.repeat(size / 5)}`],
    ['nested lists', (size) => head + times(Math.sqrt(size), (i) => `${' '.repeat(i)}- [ ] a\n`)],
    [
      'rows of a table',
      (size) => `## Wave 1\n| ID | a |\n|--|--|\n${'| a | b |\n'.repeat(size / 10)}`,
    ],
    ['one row of cells', (size) => `## Wave 1\n| ID |\n|--|\n${'|a'.repeat(size / 2)}`],
    ['the same box', (size) => `## Wave 1\n${'- [ ] the same\n'.repeat(size / 15)}`],
    ['many waves', (size) => times(size / 20, (i) => `## Wave ${i}\n- [ ] a\n`)],
    ['phases', (size) => times(size / 20, (i) => `### Phase ${i}: x\n`)],
    ['plans', (size) => `### Phase 1: x\n${times(size / 20, (i) => `- [ ] 01-${i}-PLAN.md\n`)}`],
    ['a phase of spaces', (size) => `- [ ] **Phase 1${' '.repeat(size)}`],
    ['a list in brackets', (size) => plan(`depends_on: [${'a,'.repeat(size / 2)}]`)],
    ['open quotation marks', (size) => plan(`depends_on: [${"x'".repeat(size / 2)}`)],
    ['a list by lines', (size) => plan(`depends_on:\n${'- "a"\n'.repeat(size / 6)}`)],
    ['aliases', (size) => plan(times(size / 10, (i) => `k${i}: *a\n`))],
    ['carriage returns', (size) => head + '\r'.repeat(size)],
  ];

  /** Processor time: the clock on the wall also runs for whatever else the machine does. */
  function best(path: string, text: string): number {
    const once = () => {
      const start = process.cpuUsage();
      readWorkflow(path, text);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000;
    };
    return isLong ? Math.min(once(), once(), once()) : Math.min(once(), once());
  }

  for (const [name, of] of inputs) {
    it(`${name}: four times the size takes about four times as long`, () => {
      for (const path of pathsFor(of(100))) {
        const large = of(80_000);
        best(path, large);
        // Below a few milliseconds the collector of garbage has more to say than the reader.
        const ratio = (best(path, large) + 3) / (best(path, of(20_000)) + 3);
        assert.ok(ratio < 9, `${path}: ${ratio.toFixed(1)} times`);
      }
    });
  }

  it('10 MB, 100,000 tasks and one line of 5 MB are read', () => {
    const part = isLong ? 1 : 0.1;
    const count = 100_000 * part;
    const tasks = times(count, (i) => `- [ ] **t${i}**: text\n  - Depends: t${i + 1}\n`);
    const document = readWorkflow('STATE.md', head + tasks);
    assert.equal(document.plan?.waves[0]?.tasks.length, count);
    for (const path of isLong ? paths : ['STATE.md', 'WAVES.md']) {
      readWorkflow(path, `${head}${'some words on a line\n'.repeat(500_000 * part)}`);
      readWorkflow(path, `${head}- [ ] **a**: ${'x '.repeat(2_500_000 * part)}`);
    }
    const answer = document.edit({
      ...{ kind: 'task', task: document.plan.waves[0].tasks[count - 1]?.id ?? '', status: 'done' },
      updated: '',
    } as Parameters<typeof document.edit>[0]);
    assert.ok(answer.ok && answer.edits.length > 0);
  });
});
