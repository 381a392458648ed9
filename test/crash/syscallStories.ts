/**
 * What is done while system calls fail, and what must hold afterwards. Each story has an act, which runs on
 * the failing file system, and an end, in which everything works again: nothing acknowledged is lost, what
 * failed can be asked for again and happens once, and the same process goes on.
 */
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join, relative } from 'node:path';
import { isStoreError } from '../../src/core/errors';
import type { Answer, Command, OpId, RunId, StoredEvent, WorkflowId } from '../../src/core/model';
import { disk } from '../../src/store/durableFs';
import { FileBackups } from '../../src/store/fileBackups';
import { acquireFileLock } from '../../src/store/fileLock';
import { processIdentity } from '../../src/store/hostClock';
import { openLocalStore } from '../../src/store/localStore';
import { LockNotes } from '../../src/store/lockNotes';
import { newId } from '../../src/store/newId';
import { placeOf } from '../../src/store/place';
import { listBackups, makeBackup } from '../../src/store/sqlite/backups';
import { restoreStore } from '../../src/store/sqlite/restore';
import { verifyStore } from '../../src/store/sqlite/verify';
import type { Store } from '../../src/store/store';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { identity, stateMd } from '../contract/stores';

export type Outcome = { readonly value: unknown } | { readonly error: unknown };

export interface Act {
  /** On the failing file system. */
  run(): Promise<unknown>;
  /** The cause is gone. Throws what does not hold. */
  after(outcome: Outcome): Promise<void>;
}

export interface Story {
  readonly name: string;
  /** Something of its own below `root` for each act. */
  begin(root: string): Promise<Act>;
  /** What the acts had in common. */
  end?(): Promise<void>;
}

const oldText = stateMd({ wave: 1, waves: [['x'], [' ', ' '], [' ']] });
const newText = (text: string): boolean =>
  /Wave 2\/3/.test(text) && text.length >= oldText.length && text.endsWith('spaces   \n');

const opId = (): OpId => newId('op') as OpId;

/** A store whose upkeep happens when it is told to. */
class Bench {
  store: Store | undefined;
  readonly due: (() => void)[] = [];
  readonly faults: Error[] = [];

  constructor(readonly folder: string) {}

  get storeFolder(): string {
    return join(this.folder, '.wavelock');
  }

  async open(): Promise<Store> {
    this.store = await openLocalStore({
      place: placeOf(this.folder),
      identity: identity(),
      durability: 'full',
      schedule: (work) => {
        this.due.push(work);
        return () => void this.due.splice(this.due.indexOf(work) >>> 0, 1);
      },
    });
    this.store.onFault((error) => this.faults.push(error));
    return this.store;
  }

  get opened(): Store {
    return this.store ?? assert.fail('the store is not open');
  }

  async close(): Promise<void> {
    const { store } = this;
    this.store = undefined;
    await store?.close();
  }

  /** Asks again, in the same process; reopens only where the fault says so. */
  async again(command: Command, op: OpId): Promise<unknown> {
    try {
      return await (this.store ?? (await this.open())).submit(command, op);
    } catch (error) {
      if (!isStoreError(error) || !/[Rr]eload|[Rr]eopen/.test(error.message)) throw error;
      await this.close();
      return (await this.open()).submit(command, op);
    }
  }

  async events(): Promise<readonly StoredEvent[]> {
    return this.opened.read('events', { after: 0, limit: 10_000 });
  }

  /** What a process that dies here leaves to the next: everything but the log's index, which is memory. */
  copyAsAfterACrash(): Bench {
    const copy = new Bench(`${this.folder}-crashed`);
    cpSync(this.folder, copy.folder, {
      recursive: true,
      filter: (path) => !path.endsWith('-shm'),
    });
    return copy;
  }

  async verify(): Promise<void> {
    const { problems } = await verifyStore(this.storeFolder);
    assert.deepEqual(problems, [], 'the store is not as its events tell');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function granted<Facts>(answer: Answer<Facts>): Facts {
  if (!answer.ok) assert.fail(answer.refusal.message);
  return answer.facts;
}

async function openForMany(bench: Bench): Promise<Store> {
  const store = await bench.open();
  for (const key of ['rate.mutations', 'slots', 'retention.max'] as const)
    granted(await store.submit({ kind: 'config.set', key, value: 0 }));
  return store;
}

let folders = 0;
function benchBelow(root: string, template?: Bench): Bench {
  folders += 1;
  const bench = new Bench(join(root, `w${folders}`));
  if (template) cpSync(template.folder, bench.folder, { recursive: true });
  else mkdirSync(bench.folder);
  return bench;
}

/**
 * Temp files, locks, journals and notes that nobody is going to remove: what the next lock, the next backup an
 * hour later and the next takeover clear away does not count.
 */
async function leftovers(folder: string): Promise<string[]> {
  const notes = join(folder, '.wavelock/lockfiles');
  if (existsSync(notes)) {
    const next = await acquireFileLock(join(folder, 'STATE.md'), {
      ...{ waitMs: 3_000, staleMs: 2_000, notes },
      process: processIdentity(hostname(), process.pid),
    });
    assert.ok('lock' in next, 'the lock is held, and nobody is in');
    await next.lock.release();
    // Half a note that could not be removed either goes when nobody can still be writing it.
    makeOld(notes);
    new LockNotes(notes).sweep(() => true);
  }
  const backups = join(folder, '.wavelock/store-backups');
  if (existsSync(backups)) {
    makeOld(backups);
    await makeBackup(join(folder, '.wavelock'), { reason: 'asked', now: Date.now() });
  }
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => /\.tmp|\.wavelock-|\.lock$|-journal$|lockfiles\/\d+$/.test(path));
}

function makeOld(folder: string): void {
  const longAgo = Date.now() / 1_000 - 7_200;
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), longAgo, longAgo);
}

export function handlesBelow(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(`${folder}/`) || path === folder ? [path] : [];
    } catch {
      // The handle by which the list was read.
      return [];
    }
  });
}

/* ------------------------------------------------------------------ commands of an open store */

interface Asked {
  readonly command: Command;
  /** How often the store says that it has happened. */
  readonly count: (events: readonly StoredEvent[]) => number;
}

/** One command in a warm store, which all acts share: each goes on where the last has left it. */
function commandStory(name: string, ask: (store: Store) => Promise<Asked>): Story {
  let bench: Bench | undefined;
  return {
    name,
    begin: async (root) => {
      if (!bench) {
        bench = benchBelow(root);
        await openForMany(bench);
      }
      const warm = bench;
      const { command, count } = await ask(warm.opened);
      const op = opId();
      return {
        run: () => warm.opened.submit(command, op),
        after: async (outcome) => {
          const crashed = warm.copyAsAfterACrash();
          for (const each of [crashed, warm]) {
            const answer = (await each.again(command, op)) as Answer<unknown>;
            assert.ok(answer.ok, JSON.stringify(answer));
            if ('value' in outcome) assert.deepEqual(answer, outcome.value);
            assert.equal(count(await each.events()), 1, 'it has to happen once');
            await each.verify();
          }
          await crashed.close();
          crashed.remove();
          assert.deepEqual(await leftovers(warm.folder), []);
        },
      };
    },
    end: async () => bench?.close(),
  };
}

async function createRun(store: Store): Promise<RunId> {
  const [run] = granted(await store.submit({ kind: 'run.create', title: 'Work' })).runs;
  return run?.id ?? assert.fail();
}

const kindsOf = (kind: StoredEvent['kind'], run: RunId) => (events: readonly StoredEvent[]) =>
  events.filter((event) => event.kind === kind && event.run === run).length;

const claim = commandStory('claim', async (store) => {
  const run = await createRun(store);
  return { command: { kind: 'run.claim', run }, count: kindsOf('run.claimed', run) };
});

const complete = commandStory('complete', async (store) => {
  const run = await createRun(store);
  const { token } = granted(await store.submit({ kind: 'run.claim', run }));
  return {
    command: { kind: 'run.complete', run, token },
    count: kindsOf('run.completed', run),
  };
});

/** Several that share a transaction: each is answered for itself. */
const batch: Story = {
  name: 'batch',
  begin: async (root) => {
    const bench = benchBelow(root);
    await openForMany(bench);
    const wishes = ['one', 'two', 'three'].map((title) => ({
      command: { kind: 'run.create', title } as const,
      op: opId(),
    }));
    return {
      run: async () => {
        const settled = await Promise.allSettled(
          wishes.map(({ command, op }) => bench.opened.submit(command, op)),
        );
        const failed = settled.find((each) => each.status === 'rejected');
        const answers = settled.map((each) => (each.status === 'fulfilled' ? each.value : null));
        if (failed) throw Object.assign(failed.reason as Error, { answers });
        return answers;
      },
      after: async (outcome) => {
        const said =
          'value' in outcome
            ? (outcome.value as unknown[])
            : (outcome.error as { answers?: unknown[] }).answers;
        for (const [index, { command, op }] of wishes.entries()) {
          const answer = await bench.again(command, op);
          if (said?.[index]) assert.deepEqual(answer, said[index]);
        }
        const created = (await bench.events()).filter(({ kind }) => kind === 'run.created');
        assert.equal(created.length, wishes.length);
        await bench.verify();
        await bench.close();
        assert.deepEqual(handlesBelow(bench.folder), []);
        bench.remove();
      },
    };
  },
};

/* ------------------------------------------------------------------ opening and closing */

/** A short call: open, one command, close. */
function callStory(name: string, prepare: (root: string) => Promise<Bench | undefined>): Story {
  let template: Promise<Bench | undefined> | undefined;
  return {
    name,
    begin: async (root) => {
      const bench = benchBelow(root, await (template ??= prepare(root)));
      const command = { kind: 'run.create', title: 'Called' } as const;
      const op = opId();
      return {
        run: async () => {
          const store = await bench.open();
          try {
            return await store.submit(command, op);
          } finally {
            await bench.close();
          }
        },
        after: async (outcome) => {
          await bench.close();
          assert.deepEqual(handlesBelow(bench.folder), [], 'handles of a store that is closed');
          const answer = (await bench.again(command, op)) as Answer<unknown>;
          assert.ok(answer.ok);
          if ('value' in outcome) assert.deepEqual(answer, outcome.value);
          const made = (await bench.events()).filter((event) => event.opId === op);
          assert.equal(made.filter(({ kind }) => kind === 'run.created').length, 1);
          await bench.close();
          await bench.verify();
          assert.deepEqual(await leftovers(bench.folder), []);
          assert.deepEqual(handlesBelow(bench.folder), []);
          bench.remove();
        },
      };
    },
  };
}

const fresh = callStory('fresh', () => Promise.resolve(undefined));

const existing = callStory('existing', async (root) => {
  const bench = benchBelow(root);
  await createRun(await openForMany(bench));
  await bench.close();
  return bench;
});

const afterACrash = callStory('after-a-crash', async (root) => {
  const bench = benchBelow(root);
  const store = await openForMany(bench);
  for (let index = 0; index < 5; index += 1) await createRun(store);
  const crashed = bench.copyAsAfterACrash();
  await bench.close();
  return crashed;
});

const closing: Story = {
  name: 'close',
  begin: async (root) => {
    const bench = benchBelow(root);
    const run = await createRun(await openForMany(bench));
    return {
      run: () => bench.close(),
      after: async () => {
        assert.deepEqual(handlesBelow(bench.folder), []);
        const state = await (await bench.open()).read('state', {});
        assert.deepEqual(
          state.runs.map(({ id }) => id),
          [run],
        );
        await bench.close();
        await bench.verify();
        bench.remove();
      },
    };
  },
};

/* ------------------------------------------------------------------ workflow files */

/** In a window: the store is open, the lock of the file comes and goes. */
function fileStory(
  name: string,
  run: (files: WorkflowFiles, bench: Bench, op: OpId) => Promise<unknown>,
  prepare: (bench: Bench) => Promise<unknown> = () => Promise.resolve(),
): Story {
  let template: Bench | undefined;
  return {
    name,
    begin: async (root) => {
      if (!template) {
        template = benchBelow(root);
        writeFileSync(join(template.folder, 'STATE.md'), oldText);
        await openForMany(template);
        await prepare(template);
        await template.close();
      }
      const bench = benchBelow(root, template);
      const path = join(bench.folder, 'STATE.md');
      const op = opId();
      const files = filesOf(bench, await bench.open());
      return {
        run: () => run(files, bench, op),
        after: async (outcome) => {
          const text = readFileSync(path, 'utf8');
          assert.ok(text === oldText || newText(text), `half-written: ${text}`);
          if ('value' in outcome && name !== 'edit-lock') assert.ok(newText(text));
          const answer = await run(files, bench, op);
          if ('value' in outcome) assert.deepEqual(answer, outcome.value);
          await files.keepPromises();
          if (name !== 'edit-lock') await advancedOnce(bench, path);
          await bench.close();
          await bench.verify();
          assert.deepEqual(await leftovers(bench.folder), []);
          assert.deepEqual(handlesBelow(bench.folder), []);
          bench.remove();
        },
      };
    },
  };
}

function filesOf(
  bench: Bench,
  store: Store,
  onStep: (step: string) => void = () => undefined,
): WorkflowFiles {
  return new WorkflowFiles({
    place: placeOf(bench.folder),
    store,
    now: () => new Date(2026, 0, 2, 3, 4, 5).getTime(),
    lockStaleMs: 2_000,
    onStep,
  });
}

async function advancedOnce(bench: Bench, path: string): Promise<void> {
  assert.ok(newText(readFileSync(path, 'utf8')), 'the file does not say what was promised');
  const state = await bench.opened.read('state', {});
  assert.deepEqual([state.workflows[0]?.wave, state.runs.length], [2, 2]);
  assert.deepEqual(await bench.opened.read('fileEdits', {}), []);
  const backups = new FileBackups(bench.storeFolder, 'wf' as WorkflowId, disk);
  assert.equal(backups.list().length, 1);
  // Where nothing could be removed any more a twin is left, which goes with the first write a minute later.
  backups.prune(20, Date.now());
  const [kept, ...others] = readdirSync(join(bench.storeFolder, 'backups/wf'));
  assert.deepEqual(others, []);
  assert.equal(readFileSync(join(bench.storeFolder, 'backups/wf', kept ?? ''), 'utf8'), oldText);
}

const advance = fileStory('advance', async (files, bench, op) => {
  const answer = await files.advance(bench.folder, { seen: 1, opId: op });
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer;
});

class Cut extends Error {}

/** Another process has died after its commit; this one keeps its promise. */
const promise = fileStory(
  'promise',
  (files) => files.keepPromises(),
  async (bench) => {
    const dying = filesOf(bench, bench.opened, (step) => {
      if (step === 'committed') throw new Cut();
    });
    await assert.rejects(dying.advance(bench.folder, {}), Cut);
  },
);

const editLock = fileStory('edit-lock', async (files, bench) => {
  const answer = await files.holdForEdit(join(bench.folder, 'STATE.md'), () => undefined);
  if (!answer.ok) assert.fail(answer.refusal.message);
  try {
    assert.ok(answer.facts.lock.stillOurs());
  } finally {
    await answer.facts.lock.release();
  }
});

/* ------------------------------------------------------------------ upkeep */

/** Something that a store does for itself, in a store with ended runs and a log. */
function upkeepStory(
  name: string,
  run: (bench: Bench) => Promise<unknown>,
  check: (bench: Bench, runs: readonly RunId[]) => Promise<void>,
): Story {
  let template: Bench | undefined;
  let runs: readonly RunId[] = [];
  return {
    name,
    begin: async (root) => {
      if (!template) {
        template = benchBelow(root);
        const store = await openForMany(template);
        runs = [await createRun(store), await createRun(store)];
        for (const run of runs) granted(await store.submit({ kind: 'run.cancel', run }));
        await store.backup();
        await template.close();
      }
      const bench = benchBelow(root, template);
      granted(await (await bench.open()).submit({ kind: 'agent.touch' }));
      return {
        run: () => run(bench),
        after: async () => {
          await run(bench);
          await check(bench, runs);
          const command = { kind: 'run.create', title: 'On it goes' } as const;
          granted((await bench.again(command, opId())) as Answer<unknown>);
          await bench.close();
          await bench.verify();
          assert.deepEqual(await leftovers(bench.folder), []);
          assert.deepEqual(handlesBelow(bench.folder), []);
          bench.remove();
        },
      };
    },
  };
}

const backup = upkeepStory(
  'backup',
  (bench) => bench.opened.backup(),
  async ({ storeFolder }) => {
    assert.ok(listBackups(storeFolder).length >= 2);
    for (const { file } of listBackups(storeFolder))
      assert.ok((await verifyStore(storeFolder, file)).ok, `${file} counts and is not whole`);
  },
);

const archive = upkeepStory(
  'archive',
  (bench) => bench.opened.retain(),
  async (bench, runs) => {
    assert.equal((await bench.opened.read('state', {})).runs.length, 0);
    // Found in the archive, else this would be refused as unknown.
    const [run] = runs;
    const retried = await bench.opened.submit({ kind: 'run.retry', run: run ?? assert.fail() });
    assert.ok(retried.ok || retried.refusal.code !== 'unknown_run');
  },
);

const checkpoint = upkeepStory(
  'checkpoint',
  async (bench) => {
    bench.faults.length = 0;
    // A command before, so that there is something in the log; then the store is idle.
    granted(await bench.opened.submit({ kind: 'agent.touch' }));
    bench.due.at(-1)?.();
    const [fault] = bench.faults;
    if (fault) throw fault;
  },
  (bench) => {
    assert.ok(existsSync(join(bench.storeFolder, 'store.db')));
    return Promise.resolve();
  },
);

const restore = upkeepStory(
  'restore',
  async (bench) => {
    await bench.close();
    await restoreStore(bench.storeFolder, 'latest', { now: Date.now() });
  },
  async (bench, runs) => {
    const state = await (await bench.open()).read('state', {});
    assert.equal(state.runs.length, runs.length);
  },
);

export const stories: readonly Story[] = [
  claim,
  complete,
  batch,
  fresh,
  existing,
  afterACrash,
  closing,
  advance,
  promise,
  editLock,
  backup,
  archive,
  checkpoint,
  restore,
];
