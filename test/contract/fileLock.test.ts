/** The lock of a workflow file within one process; what needs a second one that dies is in `test/crash`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import type { BootId, Liveness, ProcessIdentity, Takeover } from '../../src/core/model';
import {
  acquireFileLock,
  holdForEdit,
  type FileLock,
  type FileLockOptions,
  type LockAttempt,
} from '../../src/store/fileLock';
import { judge, type Sight } from '../../src/store/lockEvidence';
import { LockFolder } from '../../src/store/lockFolder';
import { LockNotes } from '../../src/store/lockNotes';
import { exclusively, exclusivelyNow } from '../../src/store/osMutex';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import type { Store } from '../../src/store/store';
import { Workbench } from './stores';

const hour = 3_600_000;

describe('file lock: may it be taken over', () => {
  const here = 'here' as BootId;
  const sight: Sight = { foreign: false, since: 500, ageMs: 0, unchangedMs: 0 };
  const maker = (change: Partial<ProcessIdentity> = {}): ProcessIdentity => ({
    ...{ host: 'a', bootId: here, pidNamespace: 'n', pid: 7, startTime: '9' },
    ...change,
  });
  const other = { bootId: 'there' as BootId };

  for (const [what, seen, whose, life, expected] of [
    ['its process is gone', {}, maker(), 'gone', 'process-gone'],
    ['its process is gone, however fresh', { ageMs: -hour }, maker(), 'gone', 'process-gone'],
    ['its process lives', {}, maker(), 'alive', 'alive'],
    ['it lives, and only our clock says stale', { ageMs: hour }, maker(), 'alive', 'alive'],
    ['it lives, but stood still before our eyes', { unchangedMs: 10 }, maker(), 'alive', 'stale'],
    ['nobody is known', {}, undefined, 'gone', 'unknown'],
    ['nobody is known, and it is old', { ageMs: 10 }, undefined, 'gone', 'stale'],
    [
      'dated ahead, and silent before our eyes',
      { ageMs: -hour, unchangedMs: 10 },
      undefined,
      'gone',
      'stale',
    ],
    ['nothing can be said of its process', {}, maker(), 'unknown', 'unknown'],
    ['it is another host', {}, maker({ ...other, host: 'b' }), 'unknown', 'unknown'],
    [
      'it is another host, and old',
      { ageMs: 10 },
      maker({ ...other, host: 'b' }),
      'unknown',
      'stale',
    ],
    ['the machine was started anew', { since: 99 }, maker(other), 'unknown', 'other-boot'],
    ['the name is ours, but it lives since our start', {}, maker(other), 'unknown', 'unknown'],
    ["it is another tool's", { foreign: true, ageMs: hour }, maker(), 'gone', 'foreign'],
  ] as readonly (readonly [
    string,
    Partial<Sight>,
    ProcessIdentity | undefined,
    Liveness,
    string,
  ])[]) {
    it(`${expected}: ${what}`, () => {
      const witness = { host: 'a', bootId: here, bootedAt: 100, liveness: () => life };
      const verdict = judge({ ...sight, ...seen }, whose, witness, 10);
      assert.equal(verdict.why, expected);
      assert.equal(
        verdict.take,
        ['process-gone', 'other-boot', 'stale'].includes(expected),
        JSON.stringify(verdict),
      );
    });
  }
});

describe('file lock', () => {
  let bench: Workbench;
  let file: string;
  let lockPath: string;
  beforeEach(() => {
    bench = new Workbench();
    file = bench.write('STATE.md', 'text');
    lockPath = `${file}.lock`;
  });
  afterEach(() => bench.clear());

  const options = (more: Partial<FileLockOptions> = {}): FileLockOptions => ({
    ...bench.lockOptions(0),
    ...more,
  });

  it('of two, one is in until it lets go', async () => {
    const first = lockOf(await acquireFileLock(file, options()));
    assert.ok('held' in (await acquireFileLock(file, options())));
    await first.release();
    await first.release();
    assert.equal(first.stillOurs(), false);
    const second = lockOf(await acquireFileLock(file, options()));
    assert.equal(second.tookOver, undefined);
    await second.release();
    assert.equal(existsSync(lockPath), false);
  });

  it('is an empty folder, so that git does not see it', async () => {
    const lock = lockOf(await acquireFileLock(file, options()));
    assert.deepEqual(readdirSync(lockPath), []);
    await lock.release();
  });

  it('a release wakes who waits, long before the next look', async () => {
    const first = lockOf(await acquireFileLock(file, options()));
    const waiting = acquireFileLock(file, options({ waitMs: 20_000, staleMs: hour }));
    await first.release();
    await lockOf(await waiting).release();
  });

  it('a process id in use again is not the holder', async () => {
    const lock = await heldBy({ startTime: '1' });
    // Programs look into folders; what the folder carries must outlive that.
    assert.deepEqual(readdirSync(lockPath), []);
    const next = lockOf(await acquireFileLock(file, options({ staleMs: hour })));
    assert.deepEqual(next.tookOver, {
      why: 'process-gone',
      host: hostname(),
      pid: process.pid,
    } satisfies Takeover);
    assert.equal(lock.stillOurs(), false);
    await lock.release();
    assert.ok(next.stillOurs());
    await next.release();
  });

  for (const [what, identity] of [
    ['living process', {}],
    ["other pid namespace's process", { startTime: '1', pidNamespace: 'pid:[1]' }],
    ["other host's process", { startTime: '1', host: 'elsewhere', bootId: 'elsewhere' as BootId }],
    ['namesake of this host', { startTime: '1', bootId: 'elsewhere' as BootId }],
  ] as const) {
    it(`the lock of a ${what} is waited for, not taken`, async () => {
      const lock = await heldBy(identity);
      const attempt = await acquireFileLock(file, options({ waitMs: 100, staleMs: hour }));
      assert.ok('held' in attempt && !attempt.held.foreign);
      assert.ok(lock.stillOurs());
      await lock.release();
    });
  }

  it("another host's is taken when it is stale, and not before", async () => {
    await heldBy({ startTime: '1', host: 'elsewhere', bootId: 'elsewhere' as BootId });
    setAge(lockPath, 60_000);
    assert.ok('held' in (await acquireFileLock(file, options({ staleMs: 70_000 }))));
    const lock = lockOf(await acquireFileLock(file, options({ staleMs: 50_000 })));
    assert.deepEqual(lock.tookOver, { why: 'stale', host: 'elsewhere', pid: process.pid });
    await lock.release();
  });

  it('a folder whose number nobody knows is waited for, whoever has died', async () => {
    await heldBy({ startTime: '1' });
    rmdirSync(lockPath);
    mkdirSync(lockPath);
    assert.ok('held' in (await acquireFileLock(file, options({ staleMs: hour }))));
  });

  it('one that died after its note and before its folder keeps nobody out', async () => {
    const notes = new LockNotes(options().notes);
    notes.write(lockPath, { ...options().process, startTime: '1' });
    await heldBy({ startTime: '1' });
    await lockOf(await acquireFileLock(file, options({ staleMs: hour }))).release();
    assert.deepEqual(readdirSync(options().notes), ['mutex']);
  });

  it('a damaged note is none', async () => {
    await heldBy({ startTime: '1' });
    for (const name of readdirSync(options().notes)) {
      if (name !== 'mutex') writeFileSync(join(options().notes, name), '{"lock":"/a","proc');
    }
    assert.ok('held' in (await acquireFileLock(file, options({ staleMs: hour }))));
  });

  it('a wait longer than stale succeeds when nobody knows whose it was', async () => {
    mkdirSync(lockPath);
    setAge(lockPath, 1_800);
    const lock = lockOf(await acquireFileLock(file, options({ waitMs: 5_000 })));
    assert.deepEqual(lock.tookOver, { why: 'stale', host: null, pid: null });
    await lock.release();
  });

  it('of many that find the same holder gone, one takes over and the others wait for it', async () => {
    for (let round = 0; round < 20; round += 1) {
      const lock = await heldBy({ startTime: '1' });
      const attempts = await Promise.all(
        Array.from({ length: 8 }, () => acquireFileLock(file, options({ staleMs: hour }))),
      );
      const [winner, ...more] = attempts.flatMap((each) => ('lock' in each ? each.lock : []));
      assert.ok(winner && more.length === 0);
      await lock.release();
      assert.ok(winner.stillOurs());
      await winner.release();
    }
  });

  it('a sign of life between verdict and takeover calls it off', async () => {
    await heldBy({ startTime: '1' });
    const attempt = await takeOverWhile(() => {
      setAge(lockPath, -5);
    });
    assert.ok('held' in attempt);
  });

  it('a folder made anew between verdict and takeover is left alone', async () => {
    const lock = await heldBy({ startTime: '1' });
    const made: (LockFolder | undefined)[] = [];
    const attempt = await takeOverWhile(() => {
      rmdirSync(lockPath);
      made.push(LockFolder.make(lockPath, 1_800_000_000));
    });
    assert.ok('held' in attempt);
    const [third] = made;
    assert.ok(third);
    assert.ok(third.isThere());
    third.close();
    await lock.release();
    assert.ok(existsSync(lockPath));
  });

  it("whoever halts before it has seen the folder it made takes no successor's for its own", () => {
    const { openSync } = fs;
    const now = performance.now.bind(performance);
    fs.openSync = (path, flags) => {
      rmdirSync(lockPath);
      mkdirSync(lockPath);
      performance.now = () => now() + 2_000;
      return openSync(path, flags);
    };
    try {
      assert.equal(LockFolder.make(lockPath, 1_800_000_000), undefined);
    } finally {
      Object.assign(fs, { openSync });
      performance.now = now;
    }
    assert.ok(existsSync(lockPath));
  });

  for (const [what, put] of [
    [
      'a file',
      (path: string) => {
        writeFileSync(path, '4242');
      },
    ],
    [
      'a link',
      (path: string) => {
        symlinkSync('/nowhere', path);
      },
    ],
  ] as const) {
    it(`${what} in the lock's place is another tool's: it stays, however old`, async () => {
      put(lockPath);
      const attempt = await acquireFileLock(file, options({ waitMs: 30 }));
      assert.ok('held' in attempt && attempt.held.foreign);
      if (what === 'a file') {
        setAge(lockPath, hour);
        assert.ok('held' in (await acquireFileLock(file, options())));
      }
      assert.ok(lstatSync(lockPath));
    });

    it(`${what} that replaces our lock survives our release`, async () => {
      const lock = lockOf(await acquireFileLock(file, options()));
      rmdirSync(lockPath);
      put(lockPath);
      assert.equal(lock.stillOurs(), false);
      await lock.release();
      assert.ok(lstatSync(lockPath));
    });
  }

  it('a stale folder that holds something is not ours to remove', async () => {
    mkdirSync(lockPath);
    writeFileSync(join(lockPath, 'notes'), 'keep');
    setAge(lockPath, hour);
    assert.ok('held' in (await acquireFileLock(file, options({ waitMs: 30 }))));
    assert.equal(readFileSync(join(lockPath, 'notes'), 'utf8'), 'keep');
  });

  it('a lock removed under us is known to be lost, and its release is nothing', async () => {
    const lock = lockOf(await acquireFileLock(file, options()));
    rmdirSync(lockPath);
    assert.equal(lock.stillOurs(), false);
    const next = lockOf(await acquireFileLock(file, options()));
    await lock.release();
    assert.ok(next.stillOurs());
    await next.release();
  });

  it('where nothing may be written it says so', async () => {
    const asked = options();
    chmodSync(bench.folder, 0o555);
    const root = process.getuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    try {
      await assert.rejects(
        acquireFileLock(file, asked),
        (error) => isStoreError(error) && error.code === 'store_permission',
      );
    } finally {
      if (root) process.seteuid?.(0);
      chmodSync(bench.folder, 0o755);
    }
  });

  it('a folder that is gone is named', async () => {
    await assert.rejects(
      acquireFileLock(join(bench.folder, 'gone', 'STATE.md'), options()),
      (error) => isStoreError(error) && error.code === 'store_gone',
    );
  });

  it('a takeover that cannot keep others out does not happen', async () => {
    const lock = await heldBy({ startTime: '1' });
    writeFileSync(join(options().notes, 'mutex'), 'Somebody put this here. '.repeat(50));
    await assert.rejects(
      acquireFileLock(file, options()),
      (error) => isStoreError(error) && error.code === 'store_io',
    );
    assert.ok(lock.stillOurs());
    await lock.release();
  });

  it('one that cannot be shown to people is given back', async () => {
    const guard = {
      hold: () => Promise.reject(new Error('full')),
      free: () => Promise.resolve(),
    };
    await assert.rejects(acquireFileLock(file, options({ guard })), /full/);
    assert.equal(existsSync(lockPath), false);
  });

  it('leaves no handle behind', async () => {
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 200; round += 1) {
      const lock = lockOf(await acquireFileLock(file, options()));
      assert.ok('held' in (await acquireFileLock(file, options())));
      await lock.release();
    }
    assert.equal(readdirSync('/proc/self/fd').length, before);
  });

  describe('of an editor', () => {
    it('gives signs of life for as long as it is held', async () => {
      const lock = lockOf(await holdForEdit(file, { ...options(), onLost: never }));
      const born = lstatSync(lockPath).mtimeMs;
      await signsOfLife(lockPath, 2);
      assert.ok(lstatSync(lockPath).mtimeMs > born);
      assert.ok('held' in (await acquireFileLock(file, options())));
      assert.ok(lock.stillOurs());
      await lock.release();
    }).timeout(8_000);

    it('is had again when somebody has removed it', async () => {
      const lock = lockOf(await holdForEdit(file, { ...options(), onLost: never }));
      rmdirSync(lockPath);
      assert.equal(lock.stillOurs(), false);
      const watcher = watch(bench.folder);
      while (!existsSync(lockPath)) await once(watcher, 'change');
      watcher.close();
      assert.ok(lock.stillOurs());
      assert.ok('held' in (await acquireFileLock(file, options())));
      await lock.release();
      assert.equal(existsSync(lockPath), false);
      assert.deepEqual(readdirSync(options().notes), ['mutex']);
    }).timeout(8_000);

    it('tells when another has it by then, and lets that one be', async () => {
      const lost = new Promise<boolean>((resolve) => {
        void holdForEdit(file, {
          ...options(),
          onLost: ({ foreign }) => {
            resolve(foreign);
          },
        }).then((attempt) => {
          const lock = lockOf(attempt);
          rmdirSync(lockPath);
          mkdirSync(lockPath);
          return lost.then(() => lock.release());
        });
      });
      assert.equal(await lost, false);
      assert.ok(existsSync(lockPath));
    }).timeout(8_000);

    it('is shown to others by the store until it is released', async () => {
      const store = await bench.store();
      const other = await bench.store();
      const files = (of: Store): WorkflowFiles =>
        new WorkflowFiles({ place: bench.place, store: of, now: Date.now, lockWaitMs: 0 });
      const held = await files(store).holdForEdit(file, never);
      assert.ok(held.ok);
      const refused = await files(other).holdForEdit(file, never);
      assert.ok(!refused.ok && refused.refusal.code === 'lock_denied');
      assert.equal(refused.refusal.denials[0]?.holder.id, store.identity.session);
      await held.facts.lock.release();
      assert.deepEqual((await store.read('state', {})).guards, []);
    });
  });

  /** A lock held here, that says it is held by a process which differs from this one by `change`. */
  async function heldBy(change: Partial<ProcessIdentity>): Promise<FileLock> {
    const { process } = options();
    return lockOf(await acquireFileLock(file, options({ process: { ...process, ...change } })));
  }

  /** Tries to take over; `meanwhile` happens after the verdict and before anything is removed. */
  async function takeOverWhile(meanwhile: () => void): Promise<LockAttempt> {
    const attempt = exclusivelyNow(join(options().notes, 'mutex'), 0, () => {
      // Runs up to the mutex, which is ours.
      const running = acquireFileLock(file, options({ staleMs: hour }));
      meanwhile();
      return running;
    });
    assert.ok(attempt);
    return attempt.value;
  }
});

describe('mutex between processes', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  it('lets one in, waits for a while, and is free again after a throw', async () => {
    const path = join(bench.folder, 'mutex');
    exclusivelyNow(path, 0, () => {
      assert.equal(
        exclusivelyNow(path, 0, () => 1),
        undefined,
      );
    });
    assert.throws(() =>
      exclusivelyNow(path, 0, () => {
        throw new Error('inside');
      }),
    );
    assert.deepEqual(await exclusively(path, 0, () => 2), { value: 2 });
    assert.deepEqual(readFileSync(path), Buffer.alloc(0));
  });

  it('is free when its holder was killed', async () => {
    const path = join(bench.folder, 'mutex');
    const child = spawn(
      process.execPath,
      [
        '-e',
        `const {DatabaseSync} = require('node:sqlite');
         globalThis.it = new DatabaseSync(${JSON.stringify(path)});
         it.exec('BEGIN EXCLUSIVE'); console.log('in'); setInterval(() => {}, 1000)`,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(child.stdout, 'data');
    assert.equal(
      exclusivelyNow(path, 0, () => 1),
      undefined,
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.deepEqual(
      exclusivelyNow(path, 0, () => 1),
      { value: 1 },
    );
  });
});

function lockOf(attempt: LockAttempt): FileLock {
  assert.ok('lock' in attempt, 'the lock was not given');
  return attempt.lock;
}

function setAge(path: string, ms: number): void {
  const { atime } = lstatSync(path);
  utimesSync(path, atime, (Date.now() - ms) / 1_000);
}

async function signsOfLife(path: string, count: number): Promise<void> {
  const watcher = watch(path);
  const since = lstatSync(path).mtimeMs;
  for (let seen = 0, last = since; seen < count;) {
    await once(watcher, 'change');
    const { mtimeMs } = lstatSync(path);
    if (mtimeMs > last) seen += 1;
    last = mtimeMs;
  }
  watcher.close();
}

const never = (): void => {
  assert.fail('the lock was lost');
};
