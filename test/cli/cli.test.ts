/** The command line as scripts see it: one document, an exit code, nothing else. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { stateMd, Workbench } from '../contract/stores';
import { wavelock, type Options } from './wavelock';

const ready = stateMd({ wave: 1, waves: [['x'], [' ', ' '], [' ']] });

describe('cli', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());
  const here = (): Options => ({ cwd: bench.folder });

  it('advance --json answers with what it did, and the file says so', async () => {
    bench.write('STATE.md', ready);
    const { code, document, err } = await wavelock(here(), 'advance', '--json');
    assert.equal(code, 0);
    assert.equal(err, '');
    const { runs, ...rest } = document as unknown as { runs: { id: string; task: string }[] };
    assert.deepEqual(rest, {
      v: 1,
      ok: true,
      at: 6,
      workflow: 'wf',
      from: 1,
      to: 2,
      completed: false,
      carriedOver: [],
    });
    assert.deepEqual(
      runs.map(({ task }) => task),
      ['2-1', '2-2'],
    );
    assert.match(runs[0]?.id ?? '', /^run_[0-9a-hjkmnp-tv-z]{10}$/);
    assert.match(readFileSync(join(bench.folder, 'STATE.md'), 'utf8'), /Wave 2\/3/);
  });

  it('advance --json refuses with what blocks: exit 1', async () => {
    bench.write('STATE.md', stateMd({ wave: 1, waves: [['x', '~'], [' ']] }));
    const { code, document } = await wavelock(here(), 'advance', '--json');
    assert.equal(code, 1);
    assert.deepEqual(document, {
      v: 1,
      ok: false,
      at: 2,
      refusal: {
        code: 'wave_incomplete',
        message:
          '1 task of wave 1 is not completed. Complete it, or advance by force with a reason.',
        blockers: [{ task: '1-2', status: 'doing', why: 'in progress' }],
      },
    });
  });

  it('advance --force needs a reason; with one it goes on', async () => {
    bench.write('STATE.md', stateMd({ wave: 1, waves: [[' '], [' ']] }));
    const without = await wavelock(here(), 'advance', '--force', '--json');
    assert.equal(without.code, 2);
    assert.match(JSON.stringify(without.document), /needs --reason/);
    const blank = await wavelock(here(), 'advance', '--force', '--reason', ' ', '--json');
    assert.equal(blank.code, 2);
    const forced = await wavelock(here(), 'advance', '--force', '--reason', 'demo', '--json');
    assert.equal(forced.code, 0);
  });

  it('what people should know of the store is one line on stderr, beside the answer', async function () {
    if (process.platform === 'win32') this.skip();
    bench.write('STATE.md', ready);
    mkdirSync(join(bench.folder, '.wavelock'));
    chmodSync(join(bench.folder, '.wavelock'), 0o755);
    const { code, document, err } = await wavelock(here(), 'advance', '--json');
    assert.equal(code, 0);
    assert.ok(document.ok);
    assert.match(err, /^wavelock: Others on this machine can read the store in .*\n$/);
  });

  it('the same --op-id answers the same and advances once', async () => {
    bench.write('STATE.md', ready.replaceAll('[ ]', '[x]'));
    const first = await wavelock(here(), 'advance', '--op-id', 'op_1', '--json');
    const second = await wavelock(here(), 'advance', '--op-id', 'op_1', '--json');
    assert.deepEqual(second.document, first.document);
    assert.match(readFileSync(join(bench.folder, 'STATE.md'), 'utf8'), /Wave 2\/3/);
  });

  it('a lock held by another process: who holds it, exit 4', async () => {
    const path = bench.write('STATE.md', ready);
    mkdirSync(`${path}.lock`);
    const { code, document } = await wavelock(here(), 'advance', '--wait', '50ms', '--json');
    assert.equal(code, 4);
    const refusal = document['refusal'] as { code: string; retryAfterMs: number; message: string };
    assert.equal(refusal.code, 'lock_denied');
    assert.equal(refusal.retryAfterMs, 1_000);
    assert.match(refusal.message, /STATE\.md is locked by/);
    assert.equal(readFileSync(path, 'utf8'), ready);
  });

  it('no workflow here: unknown_workflow, exit 1', async () => {
    const { code, document } = await wavelock(here(), 'advance', '--json');
    assert.equal(code, 1);
    assert.equal((document['refusal'] as { code: string }).code, 'unknown_workflow');
  });

  it('an invalid file: the problems with their lines, exit 1, and the file as it was', async () => {
    const text = ready.replace('**Status:** Wave 1/3', '**Status:** later');
    const path = bench.write('STATE.md', text);
    for (const command of ['advance', 'validate']) {
      const { code, document } = await wavelock(here(), command, '--json');
      assert.equal(code, 1);
      const refusal = document['refusal'] as {
        code: string;
        problems: { code: string; line: number }[];
      };
      assert.equal(refusal.code, 'invalid_workflow');
      assert.ok(refusal.problems.some((problem) => problem.code === 'missing_status'));
    }
    assert.equal(readFileSync(path, 'utf8'), text);
  });

  it('a read-only folder: store_permission, exit 3, nothing left behind', async function () {
    const root = process.getuid?.() === 0;
    if (process.platform === 'win32') this.skip();
    bench.write('STATE.md', ready);
    // Root may write anywhere, so the program runs as somebody else then, from a place that all may read.
    const program = join(bench.folder, 'program');
    mkdirSync(program);
    for (const name of readdirSync('dist').filter((each) => each.startsWith('cli')))
      cpSync(resolve('dist', name), join(program, name));
    chmodSync(bench.folder, 0o555);
    try {
      const { code, document } = await wavelock(
        { cwd: bench.folder, program: join(program, 'cli.js'), ...(root ? { uid: 65_534 } : {}) },
        'advance',
        '--json',
      );
      assert.equal(code, 3);
      const error = document['error'] as { code: string; message: string };
      assert.equal(error.code, 'store_permission');
      assert.match(error.message, /No permission to write .*\.wavelock/);
      assert.deepEqual(readdirSync(bench.folder).sort(), ['STATE.md', 'program']);
    } finally {
      chmodSync(bench.folder, 0o755);
    }
  });

  it('a Node without SQLite gets one sentence and exit 2', async () => {
    const result = await wavelock(
      { ...here(), nodeFlags: ['--no-experimental-sqlite'] },
      'status',
      '--json',
    );
    assert.equal(result.code, 2);
    assert.match(result.err, /^wavelock: Wavelock needs Node\.js 22\.16 or newer[^\n]+\n$/);
    assert.equal(result.document.ok, false);
  });

  it('an editor whose Node has no SQLite gets one sentence about the editor', async () => {
    const result = await wavelock(
      { ...here(), nodeFlags: ['--no-experimental-sqlite'], env: { VSCODE_PID: '1' } },
      'status',
    );
    assert.match(
      result.err,
      /^wavelock: Wavelock needs an editor whose Node\.js has SQLite[^\n]+\n$/,
    );
  });

  it('an unknown command or flag: exit 2 and the nearest name', async () => {
    const command = await wavelock(here(), 'advanse', '--json');
    assert.equal(command.code, 2);
    assert.match(JSON.stringify(command.document), /Did you mean advance\?/);
    const flag = await wavelock(here(), 'advance', '--forse', '--json');
    assert.equal(flag.code, 2);
    assert.match(JSON.stringify(flag.document), /Did you mean --force\?/);
    const wait = await wavelock(here(), 'advance', '--wait', 'soon', '--json');
    assert.equal(wait.code, 2);
    assert.match(JSON.stringify(wait.document), /500ms, 30s, 5m, 2h/);
  });

  it('a folder that is not there is said to be so', async () => {
    const { code, document } = await wavelock(here(), '--cwd', 'nowhere', 'status', '--json');
    assert.equal(code, 3);
    assert.match(JSON.stringify(document), /There is no folder/);
  });

  it('status shows the waves and leaves no trace where there is no store', async () => {
    bench.write('STATE.md', ready);
    const { code, document } = await wavelock(here(), 'status', '--json');
    assert.equal(code, 0);
    const [workflow] = document['workflows'] as { wave: number; waves: { tasks: unknown[] }[] }[];
    assert.equal(workflow?.wave, 1);
    assert.deepEqual(
      workflow.waves.map(({ tasks }) => tasks.length),
      [1, 2, 1],
    );
    assert.equal(existsSync(join(bench.folder, '.wavelock')), false);
  });

  it('status for people cannot be steered by what a file says', async () => {
    bench.write('STATE.md', ready.replace('Task', 'Task \u001b[31mred\u202eback'));
    const { out, code } = await wavelock(here(), 'status');
    assert.equal(code, 0);
    assert.match(out, /Wave 1\/3/);
    assert.ok(!out.includes('\u001b') && !out.includes('\u202e'));
    assert.match(out, /\\u001b\[31mred\\u202eback/);
  });

  it('--help and --version go to stdout with 0', async () => {
    const help = await wavelock(here(), '--help');
    assert.equal(help.code, 0);
    for (const command of ['status', 'validate', 'advance'])
      assert.match(help.out, new RegExp(command));
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal((await wavelock(here(), '--version')).out, `${version}\n`);
  });

  it('store verify, backup, restore: says what would be lost, then what is', async () => {
    bench.write('STATE.md', ready);
    await wavelock(here(), 'advance', '--json');
    const made = await wavelock(here(), 'store', 'backup', '--json');
    assert.equal(made.code, 0);
    const { id, seq } = made.document['backup'] as { id: string; seq: number };
    bench.write('STATE.md', stateMd({ wave: 2, waves: [['x'], ['x', 'x'], [' ']] }));
    await wavelock(here(), 'advance', '--json');
    const preview = await wavelock(here(), 'store', 'restore', 'latest', '--preview', '--json');
    const restored = await wavelock(here(), 'store', 'restore', id, '--json');
    assert.deepEqual([preview.document['restored'], restored.document['restored']], [false, true]);
    assert.deepEqual(restored.document['lost'], preview.document['lost']);
    assert.deepEqual(restored.document['head'], { seq });
    const verified = await wavelock(here(), 'store', 'verify', '--json');
    assert.equal(verified.code, 0);
    assert.deepEqual(verified.document, { v: 1, ok: true, head: { seq }, runs: 2, problems: [] });
  });

  it('store verify of a damaged store: a fault with what is wrong, and nothing changes', async () => {
    bench.write('STATE.md', ready);
    await wavelock(here(), 'advance', '--json');
    const path = join(bench.folder, '.wavelock/store.db');
    const bytes = readFileSync(path);
    bytes.write('queuex', bytes.lastIndexOf('queued'));
    writeFileSync(path, bytes);
    const { code, document } = await wavelock(here(), 'store', 'verify', '--json');
    assert.equal(code, 3);
    assert.equal((document['error'] as { code: string }).code, 'store_damaged');
    assert.ok((document['problems'] as unknown[]).length > 0);
    assert.deepEqual(readFileSync(path), bytes);
  });
});
