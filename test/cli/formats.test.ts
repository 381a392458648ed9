/** Workflow files of every format as the command line finds, reads and changes them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { stateMd, Workbench } from '../contract/stores';
import { wavelock, type Result } from './wavelock';

const ready = stateMd({ wave: 1, waves: [['x'], [' ', ' ']] });
const waves = [
  '# Garden',
  '',
  '## Wave 1',
  '',
  '- [x] **dig**: Dig the beds',
  '- [ ] **sow**: Sow the beans  ',
  '',
  '## Wave 2',
  '',
  '| ID | Title | Status |',
  '| --- | --- | --- |',
  '| pick | Pick the beans | todo |',
  '',
].join('\r\n');

interface Problem {
  readonly file: string;
  readonly line: number;
  readonly severity: string;
  readonly code: string;
}

describe('cli: formats', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  const run = (...args: string[]): Promise<Result> =>
    wavelock({ cwd: bench.folder }, ...args, '--json');

  function write(name: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(bench.folder, name)), { recursive: true });
    writeFileSync(join(bench.folder, name), content);
  }

  const text = (name: string): string => readFileSync(join(bench.folder, name), 'utf8');

  function planning(): void {
    const fixture = resolve('test/fixtures/workflows/planning/.planning');
    cpSync(fixture, join(bench.folder, '.planning'), { recursive: true });
  }

  function refusalOf({ document }: Result): { code: string; message: string; why?: string } {
    return document['refusal'] as { code: string; message: string; why?: string };
  }

  function problemsOf({ document }: Result): readonly Problem[] {
    return document['problems'] as Problem[];
  }

  describe('validate', () => {
    it('looks at every workflow there is, and names the file of each problem', async () => {
      write('STATE.md', ready);
      write('WAVES.md', waves.replace('**sow**', '**dig**'));
      planning();
      const result = await run('validate');
      assert.equal(result.code, 1);
      assert.equal(refusalOf(result).code, 'invalid_workflow');
      const files = result.document['files'] as { file: string; format: string; editing: string }[];
      assert.deepEqual(
        files.map(({ file, format, editing }) => `${file} ${format} ${editing}`),
        [
          'STATE.md native full',
          '.planning/ROADMAP.md planning checkbox',
          'WAVES.md waves checkbox',
        ],
      );
      const errors = problemsOf(result).filter(({ severity }) => severity === 'error');
      assert.deepEqual(
        errors.map(({ file, line, code }) => `${file}:${line} ${code}`),
        ['WAVES.md:6 duplicate_task'],
      );
    });

    it('takes the files that are named, of any format, and folders of them', async () => {
      write('docs/plan.md', '## Wave 1\n- [ ] T1: Begin\n');
      write('notes/OTHER.md', ready);
      planning();
      for (const [name, format] of [
        ['docs/plan.md', 'checklist'],
        ['notes/OTHER.md', 'native'],
        ['.planning', 'planning'],
        ['.planning/STATE.md', 'planning'],
        ['.', 'planning'],
      ] as const) {
        const result = await run('validate', name);
        assert.equal(result.code, 0, `${name}: ${result.out}`);
        assert.equal((result.document['files'] as { format: string }[])[0]?.format, format, name);
      }
      const both = await run('validate', 'docs/plan.md', 'notes/OTHER.md');
      assert.equal((both.document['files'] as unknown[]).length, 2);
    });

    it('an unknown shape, an empty file, bytes, a link out: one problem that says so', async function () {
      if (process.platform === 'win32') this.skip();
      write('README.md', '# Read me\n\n- [ ] a thing\n');
      write('empty.md', '');
      write('zeros.md', new Uint8Array(4_096));
      write('bytes.md', new Uint8Array([0x23, 0xff, 0xfe, 0x00, 0x80]));
      symlinkSync('/etc/hostname', join(bench.folder, 'link.md'));
      for (const [name, code] of [
        ['README.md', 'unknown_format'],
        ['empty.md', 'unknown_format'],
        ['zeros.md', 'binary_file'],
        ['bytes.md', 'invalid_encoding'],
        ['link.md', 'outside_workspace'],
      ] as const) {
        const result = await run('validate', name);
        assert.equal(result.code, 1, result.out);
        assert.deepEqual(
          problemsOf(result).map((problem) => problem.code),
          [code],
          name,
        );
      }
    });

    it('what is no file is refused, whatever it is', async function () {
      if (process.platform === 'win32') this.skip();
      mkdirSync(join(bench.folder, 'folder'));
      symlinkSync('round', join(bench.folder, 'round'));
      execFileSync('mkfifo', [join(bench.folder, 'pipe.md')]);
      for (const name of [
        'nothing.md',
        'folder',
        'round',
        'pipe.md',
        'n'.repeat(300),
        'folder/x/y',
      ])
        assert.deepEqual(
          [name, (await run('validate', name)).code, refusalOf(await run('validate', name)).code],
          [name, 1, 'unknown_workflow'],
        );
      assert.equal(refusalOf(await run('validate', '../elsewhere.md')).code, 'bad_input');
      assert.equal(refusalOf(await run('validate')).code, 'unknown_workflow');
    });

    it('grades problems as the settings of the store say, and advance goes by the same', async () => {
      write('STATE.md', ready.replace('- [ ] **2-2**: Task', '- [y] **2-2**: Task'));
      assert.equal((await run('validate')).code, 1);
      assert.equal(refusalOf(await run('advance')).code, 'invalid_workflow');
      const store = await bench.store();
      await store.submit({
        kind: 'config.set',
        key: 'validate.invalid_checkbox',
        value: 'warning',
      });
      const graded = await run('validate');
      assert.equal(graded.code, 0, graded.out);
      assert.deepEqual(
        problemsOf(graded).map(({ code, severity }) => `${code} ${severity}`),
        ['invalid_checkbox warning'],
      );
      assert.equal((await run('advance')).code, 0);
      await store.submit({ kind: 'config.set', key: 'validate.invalid_checkbox', value: 'off' });
      assert.deepEqual(problemsOf(await run('validate')), []);
    });
  });

  describe('several workflows', () => {
    it('status shows all there are, with what Wavelock may change of each', async () => {
      write('STATE.md', ready);
      write('WAVES.md', waves);
      write('docs/plan.md', '## Wave 1\n- [ ] T1: Begin\n');
      planning();
      const store = await bench.store();
      await store.submit({ kind: 'config.set', key: 'workflow.files', value: ['docs/plan.md'] });
      const { code, document } = await run('status');
      assert.equal(code, 0);
      const shown = document['workflows'] as { id: string; file: string; editing: string }[];
      assert.deepEqual(
        shown.map(({ id, file, editing }) => `${id} ${file} ${editing}`),
        [
          'wf STATE.md full',
          '.planning .planning/ROADMAP.md checkbox',
          'WAVES.md WAVES.md checkbox',
          'docs/plan.md docs/plan.md checkbox',
        ],
      );
      const { out } = await wavelock({ cwd: bench.folder }, 'status', '--workflow', 'WAVES.md');
      assert.match(out, /^Garden {2}Wave 1\/2 {2}WAVES\.md \(only checkboxes are changed\)\n/);
      assert.doesNotMatch(out, /STATE\.md/);
    });

    it('a change of one of several needs --workflow; the refusal lists them', async () => {
      write('STATE.md', ready);
      write('WAVES.md', waves);
      for (const args of [
        ['advance'],
        ['task', 'set', 'sow', '--status', 'done'],
        ['note', 'add', 'x'],
      ]) {
        const result = await run(...args);
        assert.equal(result.code, 1);
        const refusal = refusalOf(result) as { code: string; workflows?: unknown };
        assert.equal(refusal.code, 'unknown_workflow');
        assert.deepEqual(refusal.workflows, [
          { id: 'wf', file: 'STATE.md' },
          { id: 'WAVES.md', file: 'WAVES.md' },
        ]);
      }
      assert.equal(text('WAVES.md'), waves);
      assert.equal((await run('note', 'add', 'By id', '--workflow', 'wf')).code, 0);
      assert.equal((await run('note', 'add', 'By file', '--workflow', './STATE.md')).code, 0);
      assert.match(text('STATE.md'), /By id[^]*By file/);
      const unknown = await run('status', '--workflow', 'nobody');
      assert.deepEqual([unknown.code, refusalOf(unknown).code], [1, 'unknown_workflow']);
    });
  });

  describe('advance', () => {
    it('of WAVES.md and of .planning/ is granted once a wave, and writes nothing into them', async () => {
      const done = waves.replace('[ ] **sow**', '[x] **sow**');
      write('WAVES.md', done);
      const first = await run('advance');
      assert.deepEqual([first.code, first.document['from'], first.document['to']], [0, 1, 2]);
      const again = await run('advance');
      assert.deepEqual([again.code, refusalOf(again).code], [1, 'wave_incomplete']);
      const shown = (await run('status')).document['workflows'] as { wave: number }[];
      assert.equal(shown[0]?.wave, 2);
      assert.equal(text('WAVES.md'), done);

      planning();
      const roadmap = text('.planning/ROADMAP.md');
      const advance = (...more: string[]): Promise<Result> =>
        run('advance', '--workflow', '.planning', ...more);
      const granted = await advance();
      assert.equal(granted.code, 0, granted.out);
      const blocked = await advance();
      assert.deepEqual([blocked.code, refusalOf(blocked).code], [1, 'wave_incomplete']);
      const forced = await advance('--force', '--reason', 'The mast is here');
      assert.deepEqual(
        [forced.code, forced.document['from']],
        [0, granted.document['to']],
        forced.out,
      );
      assert.equal(text('.planning/ROADMAP.md'), roadmap);
    });
  });

  describe('task set', () => {
    const box = (name: string, before: string, after: string): void => {
      assert.equal(text(name), original.replace(before, after));
    };
    let original = '';

    it('in WAVES.md changes the box and nothing else, and keeps what was there', async () => {
      write('WAVES.md', (original = waves));
      const result = await run('task', 'set', 'sow', '--status', 'done', '--commit', 'abc123');
      assert.equal(result.code, 0, result.out);
      assert.deepEqual(result.document['unsaid'], ['commit']);
      box('WAVES.md', '- [ ] **sow**', '- [x] **sow**');
      const { document } = await run('backup', 'list');
      const [backup] = document['backups'] as { id: string }[];
      assert.equal((await run('backup', 'restore', backup?.id ?? '')).code, 0);
      box('WAVES.md', '', '');
    });

    it('in ROADMAP.md checks the plan, among many others at once', async () => {
      planning();
      original = text('.planning/ROADMAP.md');
      const results = await Promise.all(
        ['02-02', '02-03'].map((plan) => run('task', 'set', plan, '--status', 'done')),
      );
      assert.deepEqual(
        results.map(({ code }) => code),
        [0, 0],
        results.map(({ out }) => out).join(''),
      );
      original = original.replace('- [ ] 02-03', '- [x] 02-03');
      box('.planning/ROADMAP.md', '- [ ] 02-02', '- [x] 02-02');
    });

    it('in a checklist that is listed in the settings, below a folder', async () => {
      write('docs/plan.md', (original = '## Wave 1\n- [ ] T1: Begin\n- [ ] T2: End'));
      const args = ['task', 'set', 'T2', '--status', 'failed', '--workflow', 'docs/plan.md'];
      assert.equal((await run(...args)).code, 0);
      box('docs/plan.md', '- [ ] T2', '- [!] T2');
    });

    it('what a format has no place for is refused by name, and the file stays as it is', async () => {
      write('WAVES.md', waves);
      planning();
      const roadmap = text('.planning/ROADMAP.md');
      for (const [args, code, why] of [
        [
          ['task', 'set', 'pick', '--status', 'done', '--workflow', 'WAVES.md'],
          'read_only',
          'not_in_format',
        ],
        [
          ['task', 'set', 'nobody', '--status', 'done', '--workflow', 'WAVES.md'],
          'unknown_task',
          undefined,
        ],
        [
          ['task', 'set', '02-02', '--status', 'doing', '--workflow', '.planning'],
          'read_only',
          'not_in_format',
        ],
        [
          ['task', 'set', '01-02', '--status', 'todo', '--workflow', '.planning'],
          'read_only',
          'not_in_format',
        ],
        [['note', 'add', 'x', '--workflow', 'WAVES.md'], 'read_only', 'editing: checkbox'],
      ] as const) {
        const result = await run(...args);
        const refusal = refusalOf(result);
        assert.deepEqual([result.code, refusal.code, refusal.why], [1, code, why], args.join(' '));
      }
      assert.equal(text('WAVES.md'), waves);
      assert.equal(text('.planning/ROADMAP.md'), roadmap);
    });

    it('a box that a person has changed since is imported, and stays', async () => {
      write('WAVES.md', waves);
      assert.equal((await run('task', 'set', 'sow', '--status', 'doing')).code, 0);
      write('WAVES.md', text('WAVES.md').replace('[x] **dig**', '[!] **dig**'));
      assert.equal((await run('task', 'set', 'sow', '--status', 'done')).code, 0);
      assert.match(text('WAVES.md'), /- \[!\] \*\*dig\*\*[^]*- \[x\] \*\*sow\*\*/);
    });
  });
});
