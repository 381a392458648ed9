/** The write path of workflow files: lock, promise, backup, atomic change, proof. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import { localTime } from '../../src/store/workflowFile';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { acquireFileLock } from '../../src/store/fileLock';
import type { Store } from '../../src/store/store';
import { stateMd, Workbench } from './stores';

const ready = stateMd({ wave: 1, waves: [['x', 'x'], [' ', ' '], [' ']] });

describe('workflow files: advance', () => {
  let bench: Workbench;
  let store: Store;
  beforeEach(async () => {
    bench = new Workbench();
    store = await bench.store();
  });
  afterEach(() => bench.clear());

  function files(
    options: { lockWaitMs?: number; onStep?: (step: string) => void } = {},
  ): WorkflowFiles {
    return new WorkflowFiles({
      place: bench.place,
      store,
      now: () => new Date(2026, 0, 2, 3, 4, 5).getTime(),
      lockStaleMs: 2_000,
      ...options,
    });
  }

  const changedLines = (
    before: string,
    after: string,
  ): [string | undefined, string | undefined][] => {
    const [old, now] = [before.split('\n'), after.split('\n')];
    assert.equal(now.length, old.length);
    return old.flatMap((line, index) => (line === now[index] ? [] : [[line, now[index]]]));
  };

  it('changes the wave, its progress and the time, and not a byte more', async () => {
    const path = bench.write('STATE.md', ready);
    const answer = await files().advance(bench.folder, {});
    assert.ok(answer.ok);
    const events = await store.read('events', { after: 0, limit: 100 });
    const promised = events.find(({ kind }) => kind === 'file.pending');
    const promisedAt = localTime(promised?.at ?? 0);
    assert.deepEqual(changedLines(ready, readFileSync(path, 'utf8')), [
      ['**Status:** Wave 1/3', '**Status:** Wave 2/3'],
      ['**Updated:** 2026-01-01 10:00:00', `**Updated:** ${promisedAt}`],
      ['**Progress:** `██████░░░░░░░░░░░░░░` 33%', '**Progress:** `█████████████░░░░░░░` 66%'],
    ]);
    assert.deepEqual(await store.read('fileEdits', {}), []);
  });

  it('keeps CRLF, the byte order mark and the mode', async () => {
    const text = `\ufeff${ready.replaceAll('\n', '\r\n')}`;
    const path = bench.write('STATE.md', text);
    chmodSync(path, 0o640);
    assert.ok((await files().advance(bench.folder, {})).ok);
    const after = readFileSync(path, 'utf8');
    assert.equal(changedLines(text, after).length, 3);
    assert.ok(after.startsWith('\ufeff# Workflow'));
    assert.equal(statSync(path).mode & 0o777, 0o640);
  });

  it('makes a backup of what was there, and leaves no temp file and no lock', async () => {
    bench.write('STATE.md', ready);
    await files().advance(bench.folder, {});
    const [name] = readdirSync(join(bench.folder, '.wavelock/backups/wf'));
    assert.match(name ?? '', /^2026-01-02T030405\.\d{3}-[0-9a-f]{12}\.md$/);
    assert.equal(readFileSync(join(bench.folder, '.wavelock/backups/wf', name!), 'utf8'), ready);
    assert.deepEqual(readdirSync(bench.folder).sort(), ['.wavelock', 'STATE.md']);
  });

  it('is refused with what blocks, and nothing is written', async () => {
    const text = stateMd({ wave: 1, waves: [['x', ' '], [' ']] });
    const path = bench.write('STATE.md', text);
    const before = statSync(path, { bigint: true }).mtimeNs;
    const answer = await files().advance(bench.folder, {});
    assert.ok(!answer.ok);
    assert.equal(answer.refusal.code, 'wave_incomplete');
    assert.equal(readFileSync(path, 'utf8'), text);
    assert.equal(statSync(path, { bigint: true }).mtimeNs, before);
    const state = await store.read('state', {});
    assert.deepEqual([state.workflows[0]?.wave, state.runs, state.guards], [1, [], []]);
  });

  for (const [what, text, code] of [
    [
      'an invalid file',
      ready.replace('**Status:** Wave 1/3', '**Status:** soon'),
      'missing_status',
    ],
    ['conflict markers', `<<<<<<< HEAD\n${ready}=======\n>>>>>>> theirs\n`, 'conflict_markers'],
    ['an empty file', '', 'missing_id'],
  ] as const) {
    it(`never rewrites ${what}`, async () => {
      const path = bench.write('STATE.md', text);
      const answer = await files().advance(bench.folder, {});
      assert.ok(!answer.ok && answer.refusal.code === 'invalid_workflow');
      assert.ok(
        answer.refusal.problems.some((problem) => problem.code === code),
        JSON.stringify(answer.refusal),
      );
      assert.equal(readFileSync(path, 'utf8'), text);
    });
  }

  it('never rewrites a file that is not UTF-8', async () => {
    const path = join(bench.folder, 'STATE.md');
    const bytes = Buffer.concat([Buffer.from(ready), Buffer.from([0xff, 0xfe, 0x80])]);
    writeFileSync(path, bytes);
    const answer = await files().advance(bench.folder, {});
    assert.ok(!answer.ok && answer.refusal.code === 'invalid_workflow');
    assert.equal(answer.refusal.problems[0]?.code, 'invalid_encoding');
    assert.deepEqual(readFileSync(path), bytes);
  });

  it('never follows a link out of the workspace', async () => {
    const outside = new Workbench();
    const target = outside.write('STATE.md', ready);
    symlinkSync(target, join(bench.folder, 'STATE.md'));
    const answer = await files().advance(bench.folder, {});
    assert.ok(!answer.ok && answer.refusal.code === 'invalid_workflow');
    assert.equal(readFileSync(target, 'utf8'), ready);
    await outside.clear();
  });

  it('writes through a link that stays inside', async () => {
    mkdirSync(join(bench.folder, 'plans'));
    const target = bench.write('plans/STATE.md', ready);
    symlinkSync('plans/STATE.md', join(bench.folder, 'STATE.md'));
    assert.ok((await files().advance(bench.folder, {})).ok);
    assert.match(readFileSync(target, 'utf8'), /Wave 2\/3/);
  });

  it('says where a workflow should be when there is none', async () => {
    const answer = await files().advance(bench.folder, {});
    assert.ok(!answer.ok && answer.refusal.code === 'unknown_workflow');
    assert.match(answer.refusal.message, /STATE\.md/);
  });

  it('does not go past write protection', async () => {
    const path = bench.write('STATE.md', ready);
    chmodSync(path, 0o444);
    await assert.rejects(
      files().advance(bench.folder, {}),
      (error) => isStoreError(error) && error.code === 'store_permission',
    );
    assert.equal(readFileSync(path, 'utf8'), ready);
  });

  it('names the holder while another holds the file, and commits nothing', async () => {
    const path = bench.write('STATE.md', ready);
    const attempt = await acquireFileLock(path, bench.lockOptions(0));
    assert.ok('lock' in attempt);
    const other = await bench.store();
    const holder = { ...other.identity, since: 42_000 };
    await other.submit({ kind: 'guard.hold', file: 'STATE.md' as never, worktree: '', holder });
    const answer = await files({ lockWaitMs: 0 }).advance(bench.folder, {});
    assert.ok(!answer.ok && answer.refusal.code === 'lock_denied');
    assert.deepEqual(answer.refusal.denials, [
      {
        resource: 'STATE.md',
        holder: {
          id: other.identity.session,
          name: 'tester',
          description: `process ${process.pid} on ${other.identity.host}`,
          since: 42_000,
        },
      },
    ]);
    assert.equal(readFileSync(path, 'utf8'), ready);
    assert.deepEqual((await store.read('state', {})).workflows, []);
    await attempt.lock.release();
  });

  it("respects another tool's lock file, and says that it is not ours", async () => {
    const path = bench.write('STATE.md', ready);
    writeFileSync(`${path}.lock`, '4242');
    const answer = await files({ lockWaitMs: 50 }).advance(bench.folder, {});
    assert.ok(!answer.ok && answer.refusal.code === 'lock_denied');
    assert.match(answer.refusal.message, /another program/);
    assert.equal(readFileSync(`${path}.lock`, 'utf8'), '4242');
    assert.equal(readFileSync(path, 'utf8'), ready);
  });

  it('waits for a held lock and then goes on', async () => {
    const path = bench.write('STATE.md', ready);
    const attempt = await acquireFileLock(path, bench.lockOptions(0));
    assert.ok('lock' in attempt);
    const advancing = files().advance(bench.folder, {});
    await attempt.lock.release();
    assert.ok((await advancing).ok);
  });

  it('does not release a lock that has passed to another', async () => {
    const path = bench.write('STATE.md', ready);
    const attempt = await acquireFileLock(path, bench.lockOptions(0));
    assert.ok('lock' in attempt);
    rmSync(`${path}.lock`, { recursive: true });
    mkdirSync(`${path}.lock`);
    assert.equal(attempt.lock.stillOurs(), false);
    await attempt.lock.release();
    assert.ok(statSync(`${path}.lock`).isDirectory());
  });

  it('keeps an edit that arrives between the commit and the write', async () => {
    const path = bench.write('STATE.md', ready);
    const note = ready.replace('- A note', '- Somebody was quick\n- A note');
    const answer = await files({
      onStep: (step) => {
        if (step === 'committed') writeFileSync(path, note);
      },
    }).advance(bench.folder, {});
    assert.ok(answer.ok);
    const after = readFileSync(path, 'utf8');
    assert.match(after, /Somebody was quick/);
    assert.match(after, /Wave 2\/3/);
  });

  const savings = {
    'in place': writeFileSync,
    'by rename': (path: string, text: string) => {
      writeFileSync(`${path}.of-an-editor`, text);
      renameSync(`${path}.of-an-editor`, path);
    },
  };
  for (const [how, save] of Object.entries(savings)) {
    it(`keeps an edit, saved ${how}, that arrives in the last moment before the rename`, async () => {
      const path = bench.write('STATE.md', ready);
      let rounds = 0;
      const answer = await files({
        onStep: (step) => {
          if (step === 'check' && (rounds += 1) === 1) {
            save(path, ready.replace('- A note', '- Just in time\n- A note'));
          }
        },
      }).advance(bench.folder, {});
      assert.ok(answer.ok);
      assert.equal(rounds, 2);
      assert.match(readFileSync(path, 'utf8'), /Just in time/);
      assert.match(readFileSync(path, 'utf8'), /Wave 2\/3/);
    });
  }

  it('a writer that was stopped finds its temp file gone and cannot undo its successor', async () => {
    const path = bench.write('STATE.md', ready);
    const stale = bench.write(
      '.STATE.md.wavelock-0123456789ab',
      'what a stopped writer had in hand',
    );
    assert.ok((await files().advance(bench.folder, {})).ok);
    assert.throws(() => statSync(stale), { code: 'ENOENT' });
    assert.match(readFileSync(path, 'utf8'), /Wave 2\/3/);
  });

  it('the same operation again advances no second wave', async () => {
    bench.write('STATE.md', ready.replaceAll('[ ]', '[x]'));
    const opId = 'op_once' as never;
    const first = await files().advance(bench.folder, { opId });
    const second = await files().advance(bench.folder, { opId });
    assert.deepEqual(second, first);
    assert.match(readFileSync(join(bench.folder, 'STATE.md'), 'utf8'), /Wave 2\/3/);
  });

  it('of eight who press at once on what they see, one advances and seven are told', async () => {
    bench.write('STATE.md', ready.replaceAll('[ ]', '[x]'));
    const stores = await Promise.all(Array.from({ length: 8 }, () => bench.store()));
    const answers = await Promise.all(
      stores.map((each) =>
        new WorkflowFiles({
          place: bench.place,
          store: each,
          now: Date.now,
          lockWaitMs: 20_000,
        }).advance(bench.folder, { seen: 1 }),
      ),
    );
    assert.equal(answers.filter(({ ok }) => ok).length, 1);
    for (const answer of answers) if (!answer.ok) assert.equal(answer.refusal.code, 'conflict');
    assert.match(readFileSync(join(bench.folder, 'STATE.md'), 'utf8'), /Wave 2\/3/);
  });
});
