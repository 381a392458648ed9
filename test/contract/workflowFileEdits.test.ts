/**
 * Tasks and notes in workflow files: written with what people write, by many at once, and told to the store. Long
 * because each case needs the same folder with a file, a store, and others who are at both.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
  utimesSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type {
  ContentHash,
  Answer,
  RunId,
  StoredEvent,
  TaskId,
  TaskStatus,
  WorkflowId,
} from '../../src/core/model';
import { isStoreError } from '../../src/core/errors';
import {
  disk,
  replaceFile,
  writesTakeMs,
  type FileOps,
  type ReplaceOptions,
} from '../../src/store/durableFs';
import { FileBackups } from '../../src/store/fileBackups';
import { acquireFileLock } from '../../src/store/fileLock';
import { backoff } from '../../src/store/fileWriter';
import { KeptTexts } from '../../src/store/keptTexts';
import type { Store } from '../../src/store/store';
import { hashOf, WorkflowFiles, type WorkflowFilesOptions } from '../../src/store/workflowFiles';
import { isValid } from '../../src/workflow/document';
import { readWorkflow } from '../../src/workflow/reader';
import { granted, refused } from '../core/rowStore';
import { stateMd, Workbench } from './stores';

const plain = stateMd({ wave: 1, waves: [[' ', ' ', ' '], [' ']] });
const task = (id: string): TaskId => id as TaskId;

/** No lock at all: what the lockfile is when it fails. */
const noLock: typeof acquireFileLock = () =>
  Promise.resolve({
    lock: { stillOurs: () => true, tookOver: undefined, release: () => Promise.resolve() },
  });

describe('workflow files: tasks and notes', () => {
  let bench: Workbench;
  let store: Store;
  beforeEach(async () => {
    bench = new Workbench();
    store = await bench.store();
  });
  afterEach(() => bench.clear());

  function files(options: Partial<WorkflowFilesOptions> = {}): WorkflowFiles {
    const now = (): number => new Date(2026, 0, 2, 3, 4, 5).getTime();
    return new WorkflowFiles({ place: bench.place, store, now, lockStaleMs: 2_000, ...options });
  }

  const text = (): string => readFileSync(join(bench.folder, 'STATE.md'), 'utf8');
  const save = (content: string): string => bench.write('STATE.md', content);

  /** The boxes as the file has them. */
  function boxes(): Record<string, TaskStatus> {
    const { plan } = readWorkflow('STATE.md', text());
    assert.ok(plan, text());
    const tasks = plan.waves.flatMap((wave) => wave.tasks);
    return Object.fromEntries(tasks.map(({ id, status }) => [id, status]));
  }

  function set(
    id: string,
    status: TaskStatus,
    options: Partial<WorkflowFilesOptions> = {},
  ): ReturnType<WorkflowFiles['setTask']> {
    return files(options).setTask(bench.folder, { task: task(id), status });
  }

  async function events(): Promise<readonly StoredEvent[]> {
    return store.read('events', { after: 0, limit: 1_000 });
  }

  async function kinds(): Promise<string[]> {
    return (await events()).map(({ kind }) => kind).filter((kind) => !kind.startsWith('lock.'));
  }

  /** A store that is asked about the file only when `first` is done, once. */
  function askedAfter(first: () => Promise<unknown>): Store {
    let isFirst = true;
    const read = async (...of: Parameters<Store['read']>): Promise<unknown> => {
      if (of[0] === 'workflowFile' && isFirst) {
        isFirst = false;
        await first();
      }
      return store.read(...of);
    };
    return { identity: store.identity, submit: store.submit.bind(store), read } as unknown as Store;
  }

  /** Nothing of ours lies about, and nothing is left to do. */
  async function assertTidy(): Promise<void> {
    const left = readdirSync(bench.folder).filter((name) => name.startsWith('.STATE.md'));
    assert.deepEqual(left, []);
    assert.equal(existsSync(join(bench.folder, 'STATE.md.lock')), false);
    assert.deepEqual(await store.read('fileEdits', {}), []);
    const { workflow } = await store.read('workflowFile', { workflow: 'wf' as never });
    assert.equal(workflow?.hash, hashOf(text()), 'file and store agree');
  }

  it('S-1, S-2 the lockfile is there during a write, and gone after success and failure', async () => {
    const path = save(plain);
    const seen: boolean[] = [];
    const onStep = (step: string): void => {
      if (step === 'temp' || step === 'rename') seen.push(existsSync(`${path}.lock`));
    };
    granted(await set('1-1', 'done', { onStep }));
    assert.deepEqual(seen, [true, true]);
    assert.equal(existsSync(`${path}.lock`), false);
    const full: FileOps = {
      ...disk,
      create: (at, content, mode) => {
        if (at.includes('wavelock-') && at.startsWith(join(bench.folder, '.STATE.md')))
          throw Object.assign(new Error('full'), { code: 'ENOSPC', syscall: 'write' });
        disk.create(at, content, mode);
      },
    };
    await assert.rejects(
      set('1-2', 'done', { ops: full }),
      (error) => isStoreError(error) && error.code === 'store_full',
    );
    assert.equal(existsSync(`${path}.lock`), false);
  });

  it('S-3 sequential updates are all kept', async () => {
    save(plain);
    granted(await set('1-1', 'done'));
    granted(await set('1-2', 'doing'));
    granted(await set('1-3', 'failed'));
    granted(await files().addNote(bench.folder, { text: 'All three' }));
    assert.deepEqual(boxes(), { '1-1': 'done', '1-2': 'doing', '1-3': 'failed', '2-1': 'todo' });
    assert.match(text(), /All three/);
    assert.match(text(), /- A note with trailing spaces {3}\n/);
    await assertTidy();
  });

  it('S-4, S-5 a backup is made before each write, and there is none before the first', async () => {
    save(plain);
    const list = async (): Promise<readonly string[]> =>
      granted(await files().backups(bench.folder)).backups.map(({ hash }) => hash);
    await files().sync(bench.folder);
    assert.deepEqual(await list(), []);
    granted(await set('1-1', 'done'));
    assert.deepEqual(await list(), [hashOf(plain)]);
    const before = hashOf(text());
    granted(await set('1-2', 'done', { now: () => new Date(2026, 0, 2, 4).getTime() }));
    assert.deepEqual(await list(), [before, hashOf(plain)]);
  });

  it('backups of one content are kept once, and of the oldest none beyond the setting', async () => {
    save(plain);
    granted(await store.submit({ kind: 'config.set', key: 'backups.keep', value: 3 }));
    for (let hour = 0; hour < 6; hour += 1) {
      const now = (): number => new Date(2026, 0, 2, hour).getTime();
      granted(await set('1-1', hour % 2 === 0 ? 'done' : 'todo', { now }));
    }
    const { backups } = granted(await files().backups(bench.folder));
    assert.equal(backups.length, 3);
    assert.equal(new Set(backups.map(({ hash }) => hash)).size, 3);
  });

  it('S-6 a restore brings the bytes back, and what was there becomes a backup', async () => {
    const odd = `\ufeff${plain.replaceAll('\n', '\r\n')}`;
    save(odd);
    granted(await set('1-1', 'done'));
    const written = text();
    const [{ id } = { id: '' }] = granted(await files().backups(bench.folder)).backups;
    const preview = granted(await files().previewBackup(bench.folder, id));
    assert.deepEqual(preview.diff, { added: [], removed: [], modified: ['1-1'] });
    assert.equal(text(), written);
    granted(await files().restore(bench.folder, id.slice(0, 17)));
    assert.equal(text(), odd);
    assert.ok((await kinds()).includes('file.restored'));
    const { backups } = granted(await files().backups(bench.folder));
    assert.ok(backups.some(({ hash }) => hash === hashOf(written)));
    await assertTidy();
  });

  it('S-19 a damaged file is refused with its reason, and a restore brings it back', async () => {
    for (const damage of ['', '\0'.repeat(plain.length), plain.slice(0, 40)]) {
      const path = save(plain);
      granted(await set('1-1', 'done'));
      const { backups } = granted(await files().backups(bench.folder));
      const whole = backups.find(({ hash }) => hash === hashOf(plain));
      writeFileSync(path, damage);
      refused(await set('1-2', 'done', { pause: () => Promise.resolve() }), 'invalid_workflow');
      assert.equal(readFileSync(path, 'utf8'), damage);
      granted(await files().restore(bench.folder, whole?.id ?? ''));
      assert.equal(text(), plain);
      granted(await set('1-2', 'done'));
      granted(await set('1-2', 'todo'));
      await assertTidy();
    }
  });

  it('S-19 a file that is gone comes back by a restore', async () => {
    const path = save(plain);
    granted(await set('1-1', 'done'));
    rmSync(path);
    refused(await set('1-2', 'done'), 'unknown_workflow');
    const [{ id } = { id: '' }] = granted(await files().backups(bench.folder)).backups;
    granted(await files().restore(bench.folder, id));
    assert.equal(text(), plain);
    await assertTidy();
  });

  it('S-14 waits for a held lock and succeeds', async () => {
    const path = save(plain);
    const attempt = await acquireFileLock(path, bench.lockOptions(0));
    assert.ok('lock' in attempt);
    const setting = set('1-1', 'done', { lockWaitMs: 20_000 });
    await attempt.lock.release();
    granted(await setting);
    assert.equal(boxes()['1-1'], 'done');
  });

  it('S-15 a writer who is disturbed tries again after exponential delays', async () => {
    const path = save(plain);
    const pauses: number[] = [];
    let disturbances = 5;
    granted(
      await set('1-1', 'done', {
        onStep: (step) => {
          if (step !== 'check' || (disturbances -= 1) < 0) return;
          writeFileSync(path, text().replace('- A note', `- Note ${disturbances}\n- A note`));
        },
        pause: (ms) => {
          pauses.push(ms);
          return Promise.resolve();
        },
      }),
    );
    assert.equal(pauses.length, 5);
    pauses.forEach((ms, index) => {
      assert.ok(ms >= 2 ** index && ms <= 2 * 2 ** index, `${ms} in round ${index + 1}`);
    });
    assert.equal(backoff(30, 1), 200);
    for (let note = 0; note < 5; note += 1) assert.match(text(), new RegExp(`- Note ${note}\n`));
    assert.equal(boxes()['1-1'], 'done');
    await assertTidy();
  });

  it('S-16, S-17 eight writers and eight notes at once: no damage, all there', async () => {
    const waves = [Array.from({ length: 8 }, () => ' ')];
    save(stateMd({ wave: 1, waves }));
    const stores = await Promise.all(Array.from({ length: 8 }, () => bench.store()));
    const answers = await Promise.all(
      stores.flatMap((each, index) => {
        const own = files({ store: each, lockWaitMs: 60_000 });
        return [
          own.setTask(bench.folder, { task: task(`1-${index + 1}`), status: 'done' }),
          own.addNote(bench.folder, { text: `Note of ${index}` }),
        ] as Promise<Answer<unknown>>[];
      }),
    );
    for (const answer of answers) granted(answer);
    assert.ok(
      Object.values(boxes()).every((status) => status === 'done'),
      text(),
    );
    for (let index = 0; index < 8; index += 1) assert.match(text(), new RegExp(`Note of ${index}`));
    await assertTidy();
  });

  it('S-18 many promises in one process are all kept', async () => {
    save(stateMd({ wave: 1, waves: [Array.from({ length: 20 }, () => ' ')] }));
    const own = files({ lockWaitMs: 60_000 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        own.setTask(bench.folder, { task: task(`1-${index + 1}`), status: 'done' }),
      ),
    );
    answers.forEach((answer) => granted(answer));
    assert.ok(
      Object.values(boxes()).every((status) => status === 'done'),
      text(),
    );
    await assertTidy();
  });

  it('S-16 with the lock out of order nothing is lost either', async () => {
    save(stateMd({ wave: 1, waves: [Array.from({ length: 6 }, () => ' ')] }));
    const stores = await Promise.all(Array.from({ length: 6 }, () => bench.store()));
    const answers = await Promise.allSettled(
      stores.map((each, index) =>
        files({ store: each, acquire: noLock }).setTask(bench.folder, {
          task: task(`1-${index + 1}`),
          status: 'done',
        }),
      ),
    );
    for (const answer of answers)
      if (answer.status === 'fulfilled') granted(answer.value);
      else assert.ok(isStoreError(answer.reason), String(answer.reason));
    await files().keepPromises();
    assert.ok(
      Object.values(boxes()).every((status) => status === 'done'),
      text(),
    );
    await assertTidy();
  });

  it('S-16 what an editor still writes to keeps a name, when two of us replace it and one gives up', () => {
    const path = save(plain);
    const backups = new FileBackups(bench.place.storeFolder, 'wf' as WorkflowId, disk);
    const now = Date.now();
    const backup = backups.pathFor(hashOf(plain), now);
    const held = (replaced: string): string =>
      backups.heldPathFor(replaced, hashOf('anything'), now);
    const editor = openSync(path, 'r+');
    try {
      const givesUp = (): void => {
        replaceFile(path, `${plain}- The other`, {
          ...{ backup, held, check: () => undefined, ops: disk },
        });
        backups.prune(20, now);
        throw Object.assign(new Error('no'), { code: 'EIO', syscall: 'stat' });
      };
      assert.throws(() => replaceFile(path, plain, { backup, held, check: givesUp, ops: disk }));
      assert.equal(backups.list().length, 1, 'one content is listed once');
      writeSync(editor, '# Saved late');
    } finally {
      closeSync(editor);
    }
    assert.match(String(backups.read(backups.list()[0]?.file ?? '')), /^# Saved late/);
    backups.prune(20, now + 2 * writesTakeMs);
    assert.equal(
      readdirSync(dirname(backup)).length,
      1,
      'and kept once, as soon as nobody is at it',
    );
  });

  it('S-16 what is saved between the renames of two of us is a backup at once, and merged', async () => {
    const path = save(plain);
    await files().sync(bench.folder);
    const backups = new FileBackups(bench.place.storeFolder, 'wf' as WorkflowId, disk);
    const now = Date.now();
    const ways = (content: string): Omit<ReplaceOptions, 'check'> => ({
      backup: backups.pathFor(hashOf(plain), now),
      held: (replaced) => backups.heldPathFor(replaced, hashOf(content), now),
      ops: disk,
    });
    const ours = plain.replace('Test', 'Ours');
    new KeptTexts(bench.place.storeFolder, 'wf' as WorkflowId, disk).keep(ours);
    // It had cleared the temp files of others away before the other made its own.
    const late: FileOps = {
      ...disk,
      remove: (name) => {
        if (!basename(name).startsWith('.STATE.md')) disk.remove(name);
      },
    };
    replaceFile(path, plain.replace('- A note', '- A note of the other'), {
      ...ways('the other'),
      check: () => {
        replaceFile(path, ours, { ...ways(ours), ops: late, check: () => undefined });
        writeFileSync(path, ours.replace('**2-1**: Task', '**2-1**: A person was here'));
      },
    });
    assert.ok(!text().includes('A person was here'));
    const saves = (): string[] =>
      backups
        .list()
        .map(({ file }) => readFileSync(file, 'utf8'))
        .filter((content) => content.includes('A person was here'));
    assert.equal(saves().length, 1);
    await files({ now: Date.now }).sync(bench.folder);
    assert.match(text(), /A person was here\n[^]*A note of the other/);
    assert.equal(saves().length, 1, 'a backup from then on');
    backups.prune(20, now + 2 * writesTakeMs);
    assert.deepEqual(readdirSync(join(bench.place.storeFolder, 'held/wf')), []);
    await assertTidy();
  });

  it('S-16 what one of us is about to promise, another who tidies up leaves there', async () => {
    save(plain);
    await files().sync(bench.folder);
    const read = text();
    granted(await files().addNote(bench.folder, { text: 'Ours' }));
    save(read.replace('- A note', '- Theirs\n- A note'));
    const texts = new KeptTexts(bench.place.storeFolder, 'wf' as WorkflowId, disk);
    const folder = join(bench.place.storeFolder, 'texts/wf');
    const longAgo = new Date(Date.now() - 2 * writesTakeMs);
    for (const name of readdirSync(folder)) utimesSync(join(folder, name), longAgo, longAgo);
    const submit = store.submit.bind(store);
    const amidOthers: Pick<Store, 'submit'> = {
      submit: (command, opId) => {
        // What is to be merged was kept, and is not promised yet: the others do not know that it is needed.
        if (command.kind === 'file.import') {
          for (let other = 0; other < 50; other += 1) texts.keep(`${plain}${other}`);
          texts.prune(new Set(), Date.now());
        }
        return submit(command, opId);
      },
    };
    Object.assign(store, amidOthers);
    await files({ acquire: noLock }).sync(bench.folder);
    assert.match(text(), /Theirs/);
    assert.match(text(), /Ours/);
    await assertTidy();
  });

  for (const side of ['base', 'mine'] as const)
    it(`a merge whose ${side} text was cleared away is a conflict, and people are told`, async () => {
      save(plain);
      await files().sync(bench.folder);
      const read = text();
      granted(await files().addNote(bench.folder, { text: 'Ours' }));
      const theirs = read.replace('- A note', '- Theirs\n- A note');
      save(theirs);
      const submit = store.submit.bind(store);
      const amidCleaning: Pick<Store, 'submit'> = {
        submit: async (command, opId) => {
          const answer = await submit(command, opId);
          if (command.kind === 'file.import' && command.lost)
            rmSync(join(bench.place.storeFolder, 'texts/wf', command.lost[side]));
          return answer;
        },
      };
      Object.assign(store, amidCleaning);
      await files().sync(bench.folder);
      assert.equal(text(), theirs, 'what the person saved stands');
      const [conflict, ...more] = await files().conflicts();
      assert.ok(conflict);
      assert.deepEqual(more, []);
      const texts = files().conflictTexts(conflict);
      assert.deepEqual([texts[side], texts.theirs], [undefined, theirs]);
      const { backups } = granted(await files().backups(bench.folder));
      const contents = backups.map(({ file }) => readFileSync(file, 'utf8'));
      assert.ok(contents.some((content) => content.includes('Ours')));
      if (side === 'mine') {
        const answer = await files().resolve(conflict.id, 'mine');
        assert.ok(!answer.ok);
        assert.match(answer.refusal.message, /are gone\. Resolve it as theirs/);
      }
      granted(await files().resolve(conflict.id, 'theirs'));
      await files().sync(bench.folder);
      assert.equal(text(), theirs);
      await assertTidy();
    });

  it('texts that nobody needs any more go, but for the newest', () => {
    const texts = new KeptTexts(bench.place.storeFolder, 'wf' as WorkflowId, disk);
    const kept = Array.from({ length: 50 }, (_, number) => texts.keep(`text ${number}`));
    const needed = kept[0] as ContentHash;
    const later = Date.now() + 2 * writesTakeMs;
    const left = (): number => kept.filter((hash) => texts.read(hash) !== undefined).length;
    texts.prune(new Set([needed]), Date.now());
    assert.equal(left(), 50);
    texts.prune(new Set([needed]), later);
    assert.equal(left(), 25);
    assert.notEqual(texts.read(needed), undefined);
  });

  it('S-16 what git or an editor has replaced is no save of ours to bring back', async () => {
    const path = save(plain);
    await files().sync(bench.folder);
    granted(await set('1-1', 'done', { now: Date.now }));
    writeFileSync(path, `${text()}\nTo be thrown away.\n`);
    writeFileSync(`${path}~`, plain);
    renameSync(`${path}~`, path);
    granted(await set('1-2', 'done', { now: Date.now }));
    assert.ok(!text().includes('To be thrown away.'));
    await assertTidy();
  });

  it('S-20 no temp file is left after a write that failed', async () => {
    save(plain);
    const failing: FileOps = {
      ...disk,
      rename: (from, to) => {
        if (to.endsWith('STATE.md'))
          throw Object.assign(new Error('no'), { code: 'EIO', syscall: 'rename' });
        disk.rename(from, to);
      },
    };
    await assert.rejects(
      set('1-1', 'done', { ops: failing }),
      (error) => isStoreError(error) && /change itself is recorded/.test(error.message),
    );
    assert.deepEqual(readdirSync(bench.folder).sort(), ['.wavelock', 'STATE.md']);
    assert.equal(text(), plain);
    assert.deepEqual(granted(await files().backups(bench.folder)).backups, []);
    // The cause is gone: whoever comes next takes it along.
    granted(await set('1-2', 'done'));
    assert.deepEqual([boxes()['1-1'], boxes()['1-2']], ['done', 'done']);
    await assertTidy();
  });

  describe('what people write', () => {
    beforeEach(async () => {
      save(plain);
      await files().sync(bench.folder);
    });

    it('is told once, however many windows see it', async () => {
      save(text().replace('- [ ] **1-2**', '- [x] **1-2**'));
      const stores = await Promise.all(Array.from({ length: 4 }, () => bench.store()));
      await Promise.all(
        stores.map((each) => files({ store: each, acquire: noLock }).sync(bench.folder)),
      );
      const all = await events();
      assert.equal(all.filter(({ kind }) => kind === 'file.imported').length, 1);
      const [changed] = all.filter(({ kind }) => kind === 'task.changed');
      assert.ok(changed?.kind === 'task.changed');
      assert.deepEqual(
        [changed.data.row.task, changed.data.from, changed.data.row.status, changed.data.row.by],
        ['1-2', 'todo', 'done', 'hand'],
      );
      await assertTidy();
    });

    it('cancels a queued run when it is a checked box, and no other', async () => {
      const run = await runFor('1-2');
      save(text().replace('- [ ] **1-2**', '- [x] **1-2**'));
      await files().sync(bench.folder);
      const state = await store.read('state', {});
      assert.equal(state.runs.find(({ id }) => id === run)?.status, 'cancelled');
      assert.equal(boxes()['1-2'], 'done');
    });

    it('keeps nobody waiting for what it says is done (TASK-11)', async () => {
      const failed = await runFor('1-1');
      const { token } = granted(await store.submit({ kind: 'run.claim', run: failed }));
      const error = { message: 'it broke' };
      granted(await store.submit({ kind: 'run.fail', run: failed, token, error }));
      await files().keepPromises();
      const queued = await runFor('1-2');
      const after = { title: 'after', dependsOn: [failed, queued] };
      const [waiting] = granted(await store.submit({ kind: 'run.create', ...after })).runs;
      assert.ok(waiting);
      const claim = { kind: 'run.claim', run: waiting.id } as const;
      assert.equal((await store.submit(claim)).ok, false);
      granted(await set('1-1', 'done'));
      assert.equal((await store.submit(claim)).ok, false);
      save(text().replace('- [ ] **1-2**', '- [x] **1-2**'));
      await files().sync(bench.folder);
      granted(await store.submit(claim));
      await assertTidy();
    });

    it('stands, where it is said of a task that a run has changed as well', async () => {
      const run = await runFor('1-2');
      const { token } = granted(await store.submit({ kind: 'run.claim', run }));
      save(text().replace('- [ ] **1-2**', '- [x] **1-2**'));
      await files().sync(bench.folder);
      granted(await store.submit({ kind: 'run.fail', run, token, error: { message: 'it broke' } }));
      await files().keepPromises();
      assert.equal(boxes()['1-2'], 'done');
      await assertTidy();
    });

    it('a task that was set otherwise at the same time is a conflict that can be listed and taken', async () => {
      const path = join(bench.folder, 'STATE.md');
      granted(
        await set('1-2', 'failed', {
          onStep: (step) => {
            if (step !== 'committed') return;
            writeFileSync(path, text().replace('- [ ] **1-2**', '- [x] **1-2**'));
          },
        }),
      );
      assert.equal(boxes()['1-2'], 'done', 'people win');
      const [conflict] = await files().conflicts();
      assert.ok(conflict);
      const texts = files().conflictTexts(conflict);
      assert.equal(texts.base, plain);
      assert.match(texts.mine ?? '', /Failed \(1/);
      assert.match(texts.theirs ?? '', /- \[x\] \*\*1-2\*\*/);
      await assertTidy();
      granted(await files().resolve(conflict.id, 'theirs'));
      assert.deepEqual(await files().conflicts(), []);
    });

    it('a save of what was read before our write loses nothing: both changes are in the file', async () => {
      const read = text();
      granted(await set('1-1', 'done'));
      granted(await files().addNote(bench.folder, { text: 'Ours' }));
      const overwritten = text();
      save(
        read.replace('- [ ] **1-2**', '- [x] **1-2**').replace('- A note', '- Theirs\n- A note'),
      );
      await files().sync(bench.folder);
      assert.deepEqual([boxes()['1-1'], boxes()['1-2']], ['done', 'done']);
      assert.match(text(), /Ours/);
      assert.match(text(), /Theirs/);
      assert.deepEqual(await files().conflicts(), []);
      const { backups } = granted(await files().backups(bench.folder));
      const kept = backups.map(({ file }) => readFileSync(file, 'utf8'));
      assert.ok(kept.includes(overwritten), 'a merge leaves out what the person has left out');
      await assertTidy();
    });

    it('that is seen half, while it is saved in place, is waited for', async () => {
      const lines = Array.from({ length: 400 }, (_, number) => `- Line ${number}\n`).join('');
      const whole = plain.replace('- A note', `${lines}- A note`);
      save(whole);
      await files().sync(bench.folder);
      const saved = whole.replace('- Line 7\n', '- Line 7\n- Theirs\n');
      const half = Buffer.from(saved).subarray(0, 4_096);
      assert.ok(isValid(readWorkflow('STATE.md', half.toString())), 'or nobody would take it');
      writeFileSync(join(bench.folder, 'STATE.md'), half);
      let looks = 0;
      const pause = (): Promise<void> => {
        if ((looks += 1) === 3) save(saved);
        return Promise.resolve();
      };
      granted(await set('1-1', 'done', { pause }));
      assert.equal(looks, 3);
      const told = (await kinds()).filter((kind) => kind === 'file.imported').length;
      assert.equal(told, 2, 'the whole before, and the whole after');
      assert.match(text(), /- Line 7\n- Theirs\n- Line 8\n/);
      assert.match(text(), /- Line 399\n/);
      await assertTidy();
    });

    it('that is as long as some pages of a disk is taken after a while', async () => {
      const longer = plain.replace('- A note', '- Theirs\n- A note');
      const missing = 4_096 - Buffer.byteLength(longer);
      save(longer.replace('- Theirs', `- Theirs ${'.'.repeat(missing - 1)}`));
      assert.equal(Buffer.byteLength(text()), 4_096);
      granted(await set('1-1', 'done', { pause: () => Promise.resolve() }));
      assert.match(text(), /- Theirs \.+\n/);
      await assertTidy();
    });

    it('a box that a person unchecks stays unchecked', async () => {
      granted(await set('1-1', 'done'));
      const checked = text();
      save(checked.replace('- [x] **1-1**', '- [ ] **1-1**'));
      await files().sync(bench.folder);
      const after = text();
      assert.ok(!after.includes('- [x] **1-1**'), after);
      assert.deepEqual(await files().conflicts(), []);
    });

    it('an editor that had the file open and saves after the change-over is merged as well', async () => {
      const path = join(bench.folder, 'STATE.md');
      const theirs = text().replace('- [ ] **1-2**', '- [x] **1-2**');
      let kept = '';
      granted(
        await set('1-1', 'done', {
          onStep: (step) => {
            const folder = join(bench.folder, '.wavelock/backups/wf');
            if (step === 'rename') kept = join(folder, readdirSync(folder)[0] ?? '');
            // By the handle that it has, which is the backup by now.
            if (step === 'flush') writeFileSync(kept, theirs, { flag: 'r+' });
          },
        }),
      );
      assert.ok(existsSync(path));
      assert.deepEqual([boxes()['1-1'], boxes()['1-2']], ['done', 'done']);
      await assertTidy();
    });

    it('our own stale write is taken back, and never told as a person’s', async () => {
      const path = join(bench.folder, 'STATE.md');
      const other = await bench.store();
      // Stopped between its last look and its rename; the other does its own change meanwhile.
      let stale = '';
      granted(
        await set('1-1', 'done', {
          acquire: noLock,
          onStep: (step) => {
            if (step !== 'rename' || stale !== '') return;
            const temp = readdirSync(bench.folder).find((name) => name.startsWith('.STATE.md'));
            stale = readFileSync(join(bench.folder, temp ?? ''), 'utf8');
            throw Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'rename' });
          },
        }),
      );
      granted(await set('1-2', 'done', { store: other }));
      const right = text();
      assert.notEqual(stale, '');
      const { intents } = await store.read('workflowFile', { workflow: 'wf' as never });
      assert.deepEqual(intents, [], 'given up, and so forgotten');
      // As it is when the writer itself could not say so any more.
      const { workflow } = await store.read('workflowFile', { workflow: 'wf' as never });
      const known = workflow?.hash as never;
      const target = hashOf(stale);
      const intent = { workflow: 'wf' as never, known, base: known, target, edits: [] };
      granted(await other.submit({ kind: 'file.intend', ...intent }));
      granted(await set('1-3', 'done'));
      const newest = text();
      writeFileSync(path, stale);
      await files().sync(bench.folder);
      assert.equal(text(), newest);
      assert.notEqual(newest, right);
      const imports = (await events()).filter(({ kind }) => kind === 'file.imported');
      assert.deepEqual(imports, []);
    });
  });

  describe('who is slow', () => {
    it('takes nothing that was read before others wrote for a change of a person’s', async () => {
      save(plain);
      granted(await set('1-1', 'done'));
      const other = await bench.store();
      const slow = askedAfter(() => set('1-1', 'todo', { store: other, acquire: noLock }));
      await files({ store: slow, acquire: noLock }).sync(bench.folder);
      assert.equal(boxes()['1-1'], 'todo');
      assert.ok(!(await kinds()).includes('file.imported'));
      await assertTidy();
    });
  });

  describe('git and places', () => {
    const git = (...args: string[]): string =>
      execFileSync(
        'git',
        ['-C', bench.folder, '-c', 'user.name=T', '-c', 'user.email=t@t', ...args],
        {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      );

    beforeEach(() => {
      git('init', '-q', '-b', 'main');
      save(plain);
      git('add', 'STATE.md');
      git('commit', '-qm', 'one');
    });

    it('another branch is one rebase, and says nothing to runs', async () => {
      await files().sync(bench.folder);
      const run = await runFor('1-2');
      git('checkout', '-qb', 'side');
      save(plain.replace('- [ ] **1-2**', '- [x] **1-2**'));
      git('commit', '-qam', 'two');
      await files().sync(bench.folder);
      await files().sync(bench.folder);
      assert.deepEqual(
        (await kinds()).filter((kind) => kind.startsWith('file.') || kind === 'task.changed'),
        ['file.rebased'],
      );
      const state = await store.read('state', {});
      assert.equal(state.runs.find(({ id }) => id === run)?.status, 'queued');
    });

    it('a branch that others have told of meanwhile is not told to be left again', async () => {
      await files().sync(bench.folder);
      const other = await bench.store();
      const slow = askedAfter(async () => {
        git('commit', '-qm', 'two', '--allow-empty');
        await files({ store: other, acquire: noLock }).sync(bench.folder);
      });
      await files({ store: slow, acquire: noLock }).sync(bench.folder);
      const rebased = (await kinds()).filter((kind) => kind === 'file.rebased');
      assert.equal(rebased.length, 1);
    });

    it('while a merge is under way the file is left alone', async () => {
      await files().sync(bench.folder);
      git('checkout', '-qb', 'side');
      save(plain.replace('**1-2**: Task', '**1-2**: Other'));
      git('commit', '-qam', 'two');
      git('checkout', '-q', 'main');
      save(plain.replace('**1-2**: Task', '**1-2**: Another'));
      git('commit', '-qam', 'three');
      assert.throws(() => git('merge', 'side'));
      const during = text();
      assert.match(during, /<<<<<<</);
      refused(await set('1-1', 'done'), 'invalid_workflow');
      save(plain);
      assert.equal(refused(await set('1-1', 'done'), 'conflict').code, 'conflict');
      assert.equal(text(), plain);
      git('merge', '--abort');
      granted(await set('1-1', 'done'));
    });

    it('a file that has moved is found again when it is the only one with its id', async () => {
      await files().sync(bench.folder);
      mkdirSync(join(bench.folder, 'docs'));
      renameSync(join(bench.folder, 'STATE.md'), join(bench.folder, 'docs/STATE.md'));
      granted(await set('1-1', 'done'));
      const moved = readFileSync(join(bench.folder, 'docs/STATE.md'), 'utf8');
      assert.match(moved, /- \[x\] \*\*1-1\*\*/);
      const [row] = await store.read('workflows', {});
      assert.equal(row?.file, 'docs/STATE.md');
    });

    it('of several with one id none is written until somebody binds one', async () => {
      await files().sync(bench.folder);
      mkdirSync(join(bench.folder, 'copy'));
      writeFileSync(join(bench.folder, 'copy/STATE.md'), plain);
      const copy = join(bench.folder, 'copy');
      const inCopy = (): Promise<Answer<unknown>> =>
        files().setTask(copy, { task: task('1-1'), status: 'done' });
      assert.match(refused(await inCopy(), 'conflict').message, /belongs to STATE\.md/);
      assert.equal(readFileSync(join(copy, 'STATE.md'), 'utf8'), plain);
      granted(await files().bindHere(copy));
      granted(await inCopy());
      assert.match(readFileSync(join(copy, 'STATE.md'), 'utf8'), /- \[x\] \*\*1-1\*\*/);
      assert.equal(text(), plain);
      refused(await set('1-2', 'done'), 'conflict');
    });
  });

  it('a text that was edited elsewhere is merged with what has come since', async () => {
    save(plain);
    await files().sync(bench.folder);
    const base = text();
    granted(await set('1-1', 'done'));
    const mine = base.replace('**1-2**: Task', '**1-2**: A better task');
    assert.ok(granted(await files().save(bench.folder, { base, mine })).merged);
    assert.match(text(), /A better task/);
    assert.equal(boxes()['1-1'], 'done');
    const other = base.replace('**1-2**: Task', '**1-2**: A worse task');
    const { conflict } = refused(
      await files().save(bench.folder, { base, mine: other }),
      'conflict',
    );
    assert.match(text(), /A better task/);
    const [listed] = await files().conflicts();
    assert.equal(listed?.id, conflict);
    await assertTidy();
  });

  it('a run shows in the box of its task', async () => {
    save(plain);
    await files().sync(bench.folder);
    const run = await runFor('1-2');
    const { token } = granted(await store.submit({ kind: 'run.claim', run }));
    await files().keepPromises();
    assert.equal(boxes()['1-2'], 'doing');
    refused(await set('1-2', 'done'), 'task_busy');
    granted(await files().setTask(bench.folder, { task: task('1-2'), status: 'doing', token }));
    granted(await store.submit({ kind: 'run.complete', run, token }));
    await files().keepPromises();
    assert.equal(boxes()['1-2'], 'done');
    await assertTidy();
  });

  it('what is promised to a file in whose place is another workflow waits, and takes nobody the lock', async () => {
    save(plain);
    await files().sync(bench.folder);
    const run = await runFor('1-2');
    granted(await store.submit({ kind: 'run.claim', run }));
    save(plain.replace('`wf`', '`another`'));
    const acquire = (): never => assert.fail('there is nothing to write');
    await files({ acquire }).keepPromises();
    save(plain);
    await files().keepPromises();
    assert.equal(boxes()['1-2'], 'doing');
    await assertTidy();
  });

  it('a task that the file does not have is unknown', async () => {
    save(plain);
    const refusal = refused(await set('9-9', 'done'), 'unknown_task');
    assert.deepEqual([refusal.task, refusal.workflow], ['9-9', 'wf']);
  });

  async function runFor(id: string): Promise<RunId> {
    const wish = { title: id, workflow: 'wf' as never, wave: 1, task: task(id) };
    const { runs } = granted(await store.submit({ kind: 'run.create', ...wish }));
    return runs[0]!.id;
  }
});
