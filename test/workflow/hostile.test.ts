/** Whatever a file holds: it is read without an exception, and in a time that grows with its size alone. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readWorkflow } from '../../src/workflow/reader';
import { runs } from './documents';
import { anything, badInputs, head, hostilePaths as paths, largeText, times } from './hostileTexts';

const isLong = process.env['WAVELOCK_CAMPAIGN'] === '1';

/** The reader that a text is meant for; the long form tries them all. */
function pathsFor(text: string): readonly string[] {
  if (isLong) return paths;
  if (text.startsWith('# Workflow')) return ['STATE.md'];
  if (text.startsWith('## Wave')) return ['WAVES.md'];
  return [text.startsWith('---') ? '.planning/phases/01-a/01-01-PLAN.md' : '.planning/ROADMAP.md'];
}

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

  it('of 256 KB is read in a moment', () => {
    let slowest = 0;
    fc.assert(
      fc.property(largeText(262_144), fc.constantFrom(...paths), (text, path) => {
        const start = process.cpuUsage();
        readWorkflow(path, text);
        const { user, system } = process.cpuUsage(start);
        slowest = Math.max(slowest, (user + system) / 1000);
      }),
      runs(4, 500),
    );
    // How many milliseconds is for `npm run bench -- markdown`; here only what no noise can explain.
    assert.ok(slowest < 1_500);
  });
});

describe('bad input', function () {
  this.timeout(600_000);
  // How its time grows is for `npm run bench -- markdown`.
  for (const [name, of] of badInputs) {
    it(`${name}: is read, however much of it there is`, () => {
      const text = of(80_000);
      for (const path of pathsFor(of(100))) assert.ok(readWorkflow(path, text).problems);
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
