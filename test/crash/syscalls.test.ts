/**
 * Every system call of a command may fail: the disk is full, broken, closed to us, or there are no handles
 * left. The fault is named and says what to do, nothing is acknowledged that is not there, and the process
 * goes on when the cause is gone. The stories are in `syscallStories.ts`; WAVELOCK_CAMPAIGN=1 for all of them
 * with all errors, once and for good.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import { verifyStore } from '../../src/store/sqlite/verify';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { placeOf } from '../../src/store/place';
import { openLocalStore } from '../../src/store/localStore';
import { anAdvance, identity, stateMd } from '../contract/stores';
import { buildShim, type Errno, type FailMode } from './shim';
import { plausible, tellStories, type Line, type Task } from './syscallTelling';
import { stories } from './syscallStories';

const campaign = process.env['WAVELOCK_CAMPAIGN'] !== undefined;

interface Round extends Task {
  readonly errno: Errno;
  readonly mode: FailMode;
  readonly about: string;
}

const everything: readonly Round[] = (['ENOSPC', 'EIO', 'EMFILE', 'EACCES'] as const).flatMap(
  (errno) =>
    (['once', 'forGood'] as const).map((mode) => ({
      errno,
      mode,
      about: 'everything',
      stories: stories.map(({ name }) => name),
      families: plausible[errno].filter((family) => mode === 'once' || family !== 'lock'),
    })),
);
/** SQLite takes a lock that is never had for a busy one, and tries for about ten seconds: so in two stories only. */
const locksForGood: Round = {
  errno: 'EIO',
  mode: 'forGood',
  about: 'locks',
  stories: ['claim', 'existing'],
  families: ['lock'],
};

/** One line for each process: its errors, and what it does meanwhile. */
const short: readonly (readonly [Errno, FailMode, string, readonly string[]])[] = [
  ['ENOSPC', 'once', 'commands', ['claim', 'batch']],
  ['ENOSPC', 'once', 'opening', ['existing']],
  ['ENOSPC', 'once', 'files', ['advance', 'edit-lock']],
  ['ENOSPC', 'forGood', 'upkeep', ['close', 'archive', 'checkpoint']],
  ['EIO', 'once', 'commands', ['claim', 'checkpoint']],
  ['EIO', 'once', 'opening', ['existing']],
  ['EIO', 'once', 'files', ['edit-lock']],
  ['EMFILE', 'once', 'opening', ['fresh', 'existing']],
  ['EMFILE', 'once', 'files and upkeep', ['advance', 'promise', 'backup', 'restore']],
  ['EACCES', 'forGood', 'commands', ['claim']],
  ['EACCES', 'forGood', 'files', ['advance']],
];

const rounds: readonly Round[] = campaign
  ? [...everything, locksForGood]
  : short.map(([errno, mode, about, names]) => ({ errno, mode, about, stories: names }));

describe('crash: system calls that fail', function () {
  this.timeout(campaign ? 3_600_000 : 300_000);

  let scratch: string;
  before(function () {
    // Memory where there is some: what a flush costs is of no interest here.
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    scratch = realpathSync(mkdtempSync(join(base, 'wavelock-calls-')));
    const built = buildShim(scratch);
    if (typeof built === 'string') {
      console.log(`      skipped: ${built}`);
      this.skip();
    }
  });
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  for (const [number, round] of rounds.entries()) {
    const name = `${round.errno} ${round.mode === 'once' ? 'once' : 'from then on'}, ${round.about}`;
    it(`${name}: named, nothing lost or said too early, and it goes on`, async () => {
      const lines = await tell(round, number);
      const wrong = lines.filter((line) => 'wrong' in line);
      assert.deepEqual(wrong, [], `${wrong.length} things do not hold`);
      const told = lines.filter((line) => 'calls' in line);
      assert.deepEqual(
        told.map(({ story }) => story).sort(),
        [...round.stories].sort(),
        'a story was not told to its end',
      );
      const sum = (of: 'calls' | 'errors'): number =>
        told.reduce((total, line) => total + line[of], 0);
      assert.ok(sum('errors') > 0, 'nothing has failed');
      console.log(
        `      ${told.length} commands, ${sum('calls')} calls failed, ${sum('errors')} faults shown`,
      );
    });
  }

  it('what the shim sees is what the system is asked for', async function () {
    if (spawnSync('strace', ['-V']).error || !mayTrace()) {
      console.log('      skipped: nothing can be traced here');
      this.skip();
    }
    const trace = join(scratch, 'trace');
    const names =
      'openat,pwrite64,write,fdatasync,fsync,ftruncate,rename,mkdir,rmdir,unlink,unlinkat,link';
    const root = mkdtempSync(join(scratch, 'w'));
    const strace = ['strace', '-f', '-y', '-qq', '-e', `trace=${names}`, '-o', trace];
    const counted = await countCalls(['claim', 'advance', 'fresh'], root, strace);
    const asked = readFileSync(trace, 'utf8').split('\n');
    for (const [family, pattern] of [
      ['sync', /^\d+ +(?:fdatasync|fsync)\(\d+<ROOT\//],
      ['write', /^\d+ +(?:pwrite64|write)\(\d+<ROOT\//],
      ['rename', /^\d+ +rename\("ROOT\//],
      ['mkdir', /^\d+ +mkdir\("ROOT\//],
      ['unlink', /^\d+ +(?:unlink\("ROOT\/|unlinkat\(\d+<ROOT\/.*, 0\))/],
      ['link', /^\d+ +link\("ROOT\//],
      ['open', /^\d+ +openat\((?:[^,]+, "ROOT\/|\d+<ROOT\/[^>]*>, "[^/])/],
    ] as const) {
      const matches = new RegExp(pattern.source.replaceAll('ROOT', root));
      const seen = asked.filter((line) => matches.test(line)).length;
      assert.ok(seen > 0, family);
      assert.equal(counted[family], seen, family);
    }
  });

  it('a disk that is really full: store_full, and on it goes with space', async function () {
    const disk = join(scratch, 'disk');
    mkdirSync(disk);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]).status !== 0) {
      console.log('      skipped: no disk of our own can be mounted');
      this.skip();
    }
    try {
      await fillUp(disk);
    } finally {
      assert.equal(spawnSync('umount', [disk]).status, 0);
    }
  });

  async function tell(round: Round, number: number): Promise<Line[]> {
    const task: Task = { ...round, brief: !campaign };
    return tellStories(task, mkdtempSync(join(scratch, `r${number}-`)), scratch);
  }

  async function countCalls(
    names: readonly string[],
    root: string,
    tracer: readonly string[],
  ): Promise<Partial<Record<string, number>>> {
    const lines = await tellStories({ stories: names, only: 'count' }, root, scratch, tracer);
    const total: Partial<Record<string, number>> = {};
    for (const line of lines)
      if ('counted' in line)
        for (const [family, count] of Object.entries(line.counted))
          total[family] = (total[family] ?? 0) + count;
    return total;
  }
});

function mayTrace(): boolean {
  return spawnSync('strace', ['-qq', '-o', '/dev/null', 'true']).status === 0;
}

async function fillUp(disk: string): Promise<void> {
  const path = join(disk, 'STATE.md');
  const text = stateMd({ wave: 1, waves: [['x'], [' ', ' '], [' ']] });
  writeFileSync(path, text);
  const place = placeOf(disk);
  const open = () => openLocalStore({ place, identity: identity(), durability: 'full' });
  const store = await open();
  const files = new WorkflowFiles({ place, store, now: Date.now, lockStaleMs: 2_000 });
  const acknowledged: string[] = [];
  const filler = join(disk, 'filler');
  try {
    // Leaves less and less: so it is full in the middle of a command sooner or later.
    let full = 0;
    for (let index = 0; full < 20; index += 1) {
      const { bavail, bsize } = statfsSync(disk);
      const some = Math.max(1, Math.floor((bavail * bsize) / 2));
      try {
        writeFileSync(filler, Buffer.alloc(some), { flag: 'a' });
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
      }
      try {
        assert.ok((await store.submit(anAdvance(`wf${index}`))).ok);
        acknowledged.push(`wf${index}`);
      } catch (error) {
        assert.ok(isStoreError(error), String(error));
        assert.ok(
          ['store_full', 'store_io'].includes(error.code),
          `${error.code} ${error.message}`,
        );
        full += 1;
      }
    }
    await assert.rejects(
      files.advance(disk, { seen: 1 }),
      (error) => isStoreError(error) && error.code === 'store_full',
    );
    assert.equal(readFileSync(path, 'utf8'), text);
  } finally {
    rmSync(filler, { force: true });
  }
  assert.ok((await store.submit(anAdvance('at-last'))).ok, 'the same process goes on');
  assert.ok((await files.advance(disk, { seen: 1 })).ok);
  await store.close();
  const again = await open();
  const state = await again.read('state', {});
  const known = new Set(state.workflows.map(({ id }) => String(id)));
  for (const id of [...acknowledged, 'at-last', 'wf']) assert.ok(known.has(id), id);
  await again.close();
  assert.deepEqual((await verifyStore(place.storeFolder)).problems, []);
  console.log(`      ${acknowledged.length} acknowledged before the disk was full, none lost`);
}
