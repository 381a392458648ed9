/** Several folders of one window on one store; and a store that is lost while it is open. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { isStoreError } from '../../src/core/errors';
import type { RunId, StoredEvent } from '../../src/core/model';
import { placeOf } from '../../src/store/place';
import { makeBackup } from '../../src/store/sqlite/backups';
import { restoreStore } from '../../src/store/sqlite/restore';
import { SharedStores } from '../../src/store/sharedStores';
import type { Store, StoreOptions } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { FolderModel, type FolderState, type StoreState } from '../../src/ui/folderModel';
import { anAdvance, identity, stateMd, Workbench } from './stores';

const thread = resolve('dist/storeThread.js');
const fails = (code: string) => (error: unknown) => isStoreError(error) && error.code === code;

/** A window: its stores, and how often one was opened. */
class Window {
  readonly identity = identity();
  readonly notes: string[] = [];
  readonly opened: StoreOptions[] = [];
  readonly workers: Worker[] = [];
  readonly shares: Store[] = [];
  script = thread;
  readonly stores = new SharedStores(
    (options) => {
      this.opened.push(options);
      process.once('worker', (worker: Worker) => this.workers.push(worker));
      return openThreadStore(options, this.script);
    },
    (message) => this.notes.push(message),
  );

  async share(folder: string, options: Partial<StoreOptions> = {}): Promise<Store> {
    const store = await this.stores.share({
      place: placeOf(folder),
      identity: this.identity,
      durability: 'full',
      ...options,
    });
    this.shares.push(store);
    return store;
  }

  async close(): Promise<void> {
    await Promise.all(this.shares.map((store) => store.close()));
  }
}

describe('store: shared by the folders of a window', () => {
  let bench: Workbench;
  let window: Window;
  beforeEach(() => {
    bench = new Workbench();
    window = new Window();
    mkdirSync(join(bench.folder, '.wavelock'));
  });
  afterEach(async () => {
    await window.close();
    await bench.clear();
  });

  it('one connection, one thread and one session, also by another name of the folder', async () => {
    symlinkSync(bench.folder, `${bench.folder}-link`);
    try {
      const [one, other] = await Promise.all([
        window.share(bench.folder, { resident: true }),
        window.share(bench.folder, {
          resident: true,
          place: placeOf(bench.folder, join(`${bench.folder}-link`, '.wavelock')),
        }),
      ]);
      assert.equal(window.opened.length, 1);
      const seen: StoredEvent[] = [];
      const allTold = new Promise<void>((resolve) => {
        other.subscribe(0, (events) => {
          seen.push(...events);
          const kinds = seen.map(({ kind }) => kind);
          if (kinds.includes('session.started') && kinds.includes('workflow.advanced')) resolve();
        });
      });
      await one.submit(anAdvance('wf'));
      await allTold;
      assert.equal((await other.read('state', {})).sessions?.length, 1);
    } finally {
      rmSync(`${bench.folder}-link`);
    }
  });

  it('closing one leaves the other living, and ends what it began itself', async () => {
    const [one, other] = [await window.share(bench.folder), await window.share(bench.folder)];
    const made = await one.submit({ kind: 'run.create', title: 'Work' });
    assert.ok(made.ok);
    const ids = made.facts.runs.map(({ id }) => id);
    const ask = { ids, mode: 'all', deadlineMs: null } as const;
    const [ended, goesOn] = [one.await(ask), other.await(ask)];
    const told: number[] = [];
    one.subscribe(0, () => {
      told.push(1);
    });
    const pending = one.submit(anAdvance('wf'));
    const rejected = assert.rejects(ended, fails('store_unavailable'));
    await one.close();
    await rejected;
    assert.ok((await pending).ok, 'what was submitted is answered');
    await assert.rejects(one.read('head', {}), fails('store_unavailable'));
    const before = told.length;
    await other.submit({ kind: 'run.cancel', run: ids[0] as RunId });
    assert.equal((await goesOn).ok, false);
    assert.equal(told.length, before);
  });

  it('the last to close ends the thread, and whoever comes then gets a new one', async () => {
    const [one, other] = [await window.share(bench.folder), await window.share(bench.folder)];
    await one.close();
    await one.close();
    const ended = new Promise((resolve) => window.workers[0]?.once('exit', resolve));
    await other.close();
    await ended;
    const [next, again] = [await window.share(bench.folder), window.share(bench.folder)];
    // Whether it closes before or after the other has come, that one has a store.
    await next.close();
    assert.ok((await (await again).submit(anAdvance('wf'))).ok);
    assert.ok(window.opened.length >= 2);
  });

  it('of different durabilities the safer counts, and it is said', async () => {
    const one = await window.share(bench.folder, { durability: 'normal' });
    assert.equal((await one.read('versions', {})).durability, 'normal');
    assert.deepEqual(window.notes, []);
    await window.share(bench.folder, { durability: 'full' });
    await window.share(bench.folder, { durability: 'normal' });
    assert.equal((await one.read('versions', {})).durability, 'full');
    assert.equal(window.notes.length, 2);
    assert.match(String(window.notes[0]), /different durability; "full" counts/);
    assert.equal(window.opened.length, 1);
  });

  it('a failed opening is everybody’s, and the next one tries again', async () => {
    const database = join(bench.folder, '.wavelock', 'store.db');
    mkdirSync(database);
    const both = [window.share(bench.folder), window.share(bench.folder)];
    for (const one of both) await assert.rejects(one, fails('store_foreign'));
    rmSync(database, { recursive: true });
    assert.equal(await (await window.share(bench.folder)).read('head', {}), 0);
    assert.equal(window.opened.length, 2);
  });
});

describe('store: a thread that dies', () => {
  let bench: Workbench;
  let window: Window;
  beforeEach(() => {
    bench = new Workbench();
    window = new Window();
  });
  afterEach(async () => {
    await window.close();
    await bench.clear();
  });

  it('by an uncaught exception: who waits is told, once, with the cause', async () => {
    window.script = resolve('out/test/contract/throwingThread.js');
    const store = await window.share(bench.folder);
    assert.ok((await store.submit(anAdvance('wf'))).ok);
    const faults: Error[] = [];
    store.onFault((error) => faults.push(error));
    const waits = [
      store.verify(),
      store.await({ ids: ['run_none' as RunId, 'run_2' as RunId], mode: 'all', deadlineMs: null }),
    ];
    // The unknown runs count as ended, so only one of the two is sure to be left without an answer.
    const [verified] = await Promise.allSettled(waits);
    assert.ok(verified?.status === 'rejected' && fails('store_unavailable')(verified.reason));
    await assert.rejects(store.submit(anAdvance('late')), fails('store_unavailable'));
    assert.equal(faults.length, 1);
    assert.match(String(faults[0]?.message), /a mistake of ours/);
    assert.equal(faults[0], verified.reason);
    window.script = thread;
    const again = await window.share(bench.folder);
    assert.equal(await again.read('head', {}), 4);
  });

  it('by being ended from outside, also in the middle of what it was asked', async () => {
    const store = await window.share(bench.folder);
    const pending = Array.from({ length: 50 }, (_, index) => store.submit(anAdvance(`wf${index}`)));
    const settled = Promise.allSettled(pending);
    await window.workers[0]?.terminate();
    const acknowledged = (await settled).filter(({ status }) => status === 'fulfilled').length;
    for (const one of await settled)
      if (one.status === 'rejected') assert.ok(fails('store_unavailable')(one.reason));
    const again = await window.share(bench.folder);
    assert.ok((await again.read('state', {})).workflows.length >= acknowledged);
    await store.close();
    assert.ok((await again.submit(anAdvance('next'))).ok);
  });

  it('before it has opened the store: the opening fails', async () => {
    const opening = window.share(bench.folder);
    await new Promise((resolve) => setImmediate(resolve));
    await window.workers[0]?.terminate();
    await assert.rejects(opening, fails('store_unavailable'));
  });
});

describe('window folder: a store that is lost while it is open', () => {
  let bench: Workbench;
  let window: Window;
  let model: FolderModel;
  const log: string[] = [];
  beforeEach(async () => {
    bench = new Workbench();
    window = new Window();
    log.length = 0;
    bench.write('STATE.md', stateMd({ wave: 0, waves: [[' '], [' ']] }));
    model = new FolderModel({
      folder: bench.folder,
      identity: window.identity,
      stores: window.stores,
      storeSetting: '',
      durability: 'full',
      clock: () => 0,
      log: (message, error) => log.push(`${message}: ${String(error)}`),
    });
    await model.setTrusted(true);
    assert.equal(model.state.store.state, 'live');
  });
  afterEach(async () => {
    await model.close();
    await bench.clear();
  });

  function until(holds: (state: FolderState) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds(model.state)) return;
        listener.dispose();
        resolve();
      };
      const listener = model.onDidChange(look);
      look();
    });
  }
  const is = (wanted: StoreState['state']) => until(({ store }) => store.state === wanted);

  it('a thread that has died comes back by itself, with what was acknowledged', async () => {
    assert.ok((await model.advance(bench.folder, {})).ok);
    const seq = model.state.seq;
    void window.workers[0]?.terminate();
    await is('failed');
    await is('live');
    assert.equal(window.opened.length, 2);
    assert.ok(model.state.seq >= seq);
    assert.equal(model.state.workflows[0]?.wave, 1);
  });

  it('one that dies again and again stays down, and says why', async () => {
    for (const restart of [1, 2, 3]) {
      void window.workers.at(-1)?.terminate();
      await is('failed');
      await is('live');
      assert.equal(window.opened.length, restart + 1);
    }
    void window.workers.at(-1)?.terminate();
    await is('failed');
    await new Promise((resolve) => setImmediate(resolve));
    const { store } = model.state;
    assert.ok(store.state === 'failed' && store.code === 'store_unavailable');
    // Until a person asks.
    assert.ok((await model.advance(bench.folder, {})).ok);
    assert.equal(window.opened.length, 5);
  });

  it('a folder that was removed is not begun anew unasked, and is used again when it is back', async () => {
    assert.ok((await model.advance(bench.folder, {})).ok);
    const folder = join(bench.folder, '.wavelock');
    renameSync(folder, `${folder}-away`);
    await is('failed');
    assert.ok(model.state.store.state === 'failed' && model.state.store.code === 'store_gone');
    bench.write('STATE.md', stateMd({ wave: 1, waves: [['x'], [' ']] }));
    await until(({ workflows: [workflow] }) => workflow?.waves[0]?.tasks[0]?.status === 'done');
    assert.equal(model.state.store.state, 'failed');
    renameSync(`${folder}-away`, folder);
    await is('live');
    assert.equal(model.state.workflows[0]?.waves[0]?.tasks[0]?.run?.status, 'queued');
  });

  it('a person who asks for anything is told that it is gone, and one who tries again begins anew', async () => {
    rmSync(join(bench.folder, '.wavelock'), { recursive: true, maxRetries: 5 });
    await is('failed');
    await assert.rejects(model.advance(bench.folder, {}), { code: 'store_gone' });
    assert.equal(existsSync(join(bench.folder, '.wavelock')), false);
    await model.retry();
    assert.ok((await model.advance(bench.folder, {})).ok);
    assert.equal(model.state.store.state, 'live');
  });

  it('O-6 an unexpected exception rejects its caller and is logged with its stack; the store goes on', async () => {
    const store = await window.share(bench.folder);
    const faults: Error[] = [];
    store.onFault((error) => faults.push(error));
    await assert.rejects(store.submit({ kind: 'run.cancel', run: {} } as never), (error: Error) => {
      assert.ok(!isStoreError(error));
      return true;
    });
    assert.equal(faults.length, 1);
    assert.match(faults[0]?.stack ?? '', /storeThread\.js|tables\.ts|engine\.ts/);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /^Something unexpected happened in the store: /);
    assert.equal(model.state.store.state, 'live');
    assert.ok((await model.advance(bench.folder, {})).ok);
    await store.close();
  });

  it('a store that was restored is used at once', async () => {
    const folder = join(bench.folder, '.wavelock');
    await model.advance(bench.folder, {});
    await makeBackup(folder, { reason: 'asked', now: Date.now() });
    await restoreStore(folder, 'latest', { now: Date.now(), force: true });
    await is('failed');
    await is('live');
    assert.equal(window.opened.length, 2);
  });
});
