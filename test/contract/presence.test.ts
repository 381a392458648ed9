/** Processes that stay: known by a session, tidying up, and leaving what their agent holds. */
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { StoreError } from '../../src/core/errors';
import type { Command, EventKind, RunId, SessionId, StoredEvent } from '../../src/core/model';
import { openLocalStore, type LocalOptions } from '../../src/store/localStore';
import { Presence, retainEveryMs, signEveryMs, sweepEveryMs } from '../../src/store/presence';
import type { Store } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { OtherProcess } from './otherProcess';
import { identity, Workbench } from './stores';
import { Timers } from './timers';

describe('store: a process that stays', () => {
  let bench: Workbench;
  let timers: Timers;
  const opened: Store[] = [];
  beforeEach(() => {
    bench = new Workbench();
    timers = new Timers();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await bench.clear();
  });

  async function open(options: Partial<LocalOptions> = {}): Promise<Store> {
    const store = await openLocalStore({
      place: bench.place,
      identity: identity(),
      durability: 'normal',
      schedule: timers.schedule,
      ...options,
    });
    opened.push(store);
    return store;
  }

  /** The next event of this kind; from the very first on unless told. */
  function next(store: Store, kind: EventKind, from = 0): Promise<StoredEvent> {
    return new Promise((resolve) => {
      const listener = store.subscribe(from, (events) => {
        const found = events.find((event) => event.kind === kind);
        if (!found) return;
        resolve(found);
        queueMicrotask(() => {
          listener.dispose();
        });
      });
    });
  }

  const state = (store: Store) => store.read('state', {});

  it('begins a session under its name, and ends it when it closes; what is held stays', async () => {
    const watcher = await open();
    const store = await open({ resident: true });
    timers.goOff(0);
    await next(watcher, 'session.started');
    const { agents = [], sessions = [] } = await state(watcher);
    assert.deepEqual(
      agents.map(({ name }) => name),
      [store.identity.agent],
    );
    assert.deepEqual(
      sessions.map(({ id, agent }) => [id, agent]),
      [[store.identity.session, store.identity.agent]],
    );
    await store.submit({ kind: 'lock.acquire', wishes: [{ resource: 'src/a.ts' }], worktree: '' });
    await store.close();
    const after = await state(watcher);
    assert.deepEqual(after.sessions, []);
    assert.equal(after.locks?.length, 1);
    assert.equal(after.agents?.length, 1);
  });

  it('a thread does the same', async () => {
    const watcher = await open();
    const store = await openThreadStore(
      { place: bench.place, identity: identity(), durability: 'normal', resident: true },
      resolve('dist/storeThread.js'),
    );
    opened.push(store);
    await next(watcher, 'session.started');
    await store.close();
    await next(watcher, 'session.ended');
  });

  it('a call begins no session, whatever it holds', async () => {
    const store = await open();
    timers.goOff(0);
    await store.submit({ kind: 'run.create', title: 'Work' });
    assert.ok((await store.submit({ kind: 'run.claim' })).ok);
    assert.deepEqual((await state(store)).sessions, []);
    assert.deepEqual(
      [...timers.due.values()].filter(({ afterMs }) => afterMs > 1_000),
      [],
    );
  });

  it('comes back when others have taken it to be gone', async () => {
    const store = await open({ resident: true });
    timers.goOff(0);
    await next(store, 'session.started');
    const other = await open();
    await other.submit({ kind: 'agent.leave', agent: store.identity.agent, force: true });
    const from = await store.read('head', {});
    timers.goOff(signEveryMs);
    await next(store, 'session.started', from);
    assert.equal((await state(store)).sessions?.length, 1);
  });

  it('finds the run of a process that has died, without any command', async () => {
    const holder = await OtherProcess.start(bench.folder);
    await holder.submit({ kind: 'run.create', title: 'Work' });
    await holder.submit({ kind: 'run.claim', program: true });
    const store = await open({ resident: true });
    timers.goOff(0);
    await next(store, 'session.started');
    await holder.kill();
    timers.goOff(sweepEveryMs);
    const lost = await next(store, 'run.lost');
    assert.equal(lost.agent, store.identity.agent);
  });

  it('a call that waits for such a run is told that it was lost', async () => {
    const holder = await OtherProcess.start(bench.folder);
    const { runs } = await holder.submit({ kind: 'run.create', title: 'Work' });
    await holder.submit({ kind: 'run.claim', program: true });
    await holder.kill();
    const call = await openLocalStore({
      place: bench.place,
      identity: { ...identity(), named: false },
      durability: 'normal',
    });
    opened.push(call);
    const ids = runs.map(({ id }) => id);
    const answer = await call.await({ ids, mode: 'all', deadlineMs: null });
    assert.ok(!answer.ok && answer.refusal.code === 'run_failed');
    assert.match(answer.refusal.message, /lost/);
  });

  it('moves old runs to the archive when it comes and every hour', async () => {
    const call = await open();
    await call.submit({ kind: 'config.set', key: 'retention.max', value: 0 });
    const end = async (): Promise<RunId> => {
      const made = await call.submit({ kind: 'run.create', title: 'Work' });
      assert.ok(made.ok);
      const [run] = made.facts.runs;
      await call.submit({ kind: 'run.cancel', run: run!.id });
      return run!.id;
    };
    const first = await end();
    const store = await open({ resident: true });
    timers.goOff(0);
    assert.deepEqual((await next(store, 'run.archived')).data, { runs: [first] });
    const second = await end();
    const from = await store.read('head', {});
    timers.goOff(retainEveryMs);
    assert.deepEqual((await next(store, 'run.archived', from)).data, { runs: [second] });
  });

  it('reads a store at rest, and writes nothing but a sign of life', async () => {
    const store = await open({ resident: true });
    timers.goOff(0);
    await next(store, 'session.started');
    const chores = await store.read('chores', {});
    assert.deepEqual(chores, { sweep: false, retention: false });
    const before = await store.read('head', {});
    for (let minute = 0; minute < 10; minute += 1) timers.goOff(sweepEveryMs);
    await store.close();
    const again = await open();
    const events = await again.read('events', { after: before, limit: 10 });
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['session.ended'],
    );
  });
});

describe('store: the timers of a process that stays', () => {
  const granted = { ok: true, at: 0, facts: {} };

  /** A presence over a store that says what it is told to. */
  class Scene {
    readonly timers = new Timers();
    readonly asked: Command['kind'][] = [];
    readonly faults: string[] = [];
    known = false;
    chores = { sweep: false, retention: false };
    retained = 0;
    submit: (kind: Command['kind']) => unknown = () => granted;
    readonly presence: Presence;

    constructor(resident = true) {
      const store = {
        submit: async (command: Command) => {
          this.asked.push(command.kind);
          return await this.submit(command.kind);
        },
        read: (name: string) =>
          Promise.resolve(name === 'session' ? this.known || null : this.chores),
      };
      this.presence = new Presence(store as never, {
        session: 'ses_1' as SessionId,
        resident,
        schedule: this.timers.schedule,
        retain: () => {
          this.retained += 1;
          return Promise.resolve(0);
        },
        failed: (error) => this.faults.push(error.message),
      });
    }

    async after(ms: number): Promise<void> {
      this.timers.goOff(ms);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('starts the session first, then touches', async () => {
    const scene = new Scene();
    await scene.after(0);
    scene.known = true;
    await scene.after(signEveryMs);
    assert.deepEqual(scene.asked, ['session.start', 'agent.touch']);
  });

  it('sweeps while there is more, and not when nothing is due', async () => {
    const scene = new Scene();
    await scene.after(0);
    scene.chores = { sweep: true, retention: true };
    let left = 3;
    scene.submit = () => ({ ...granted, facts: { more: (left -= 1) > 0 } });
    await scene.after(sweepEveryMs);
    assert.deepEqual(scene.asked.slice(1), ['sweep', 'sweep', 'sweep']);
    assert.equal(scene.retained, 0);
    await scene.after(retainEveryMs);
    assert.equal(scene.retained, 1);
  });

  it('tells a fault, not that the store was busy, and goes on', async () => {
    const scene = new Scene();
    scene.submit = () => {
      throw new StoreError('store_busy', 'busy');
    };
    await scene.after(0);
    scene.submit = () => {
      throw new StoreError('store_io', 'no disk');
    };
    await scene.after(signEveryMs);
    assert.deepEqual(scene.faults, ['no disk']);
    scene.submit = () => granted;
    await scene.after(signEveryMs);
    assert.equal(scene.asked.length, 3);
  });

  it('does nothing more once it was closed, but end the session', async () => {
    const scene = new Scene();
    scene.chores = { sweep: true, retention: true };
    let going = (): void => undefined;
    scene.submit = (kind) =>
      kind === 'session.start' ? new Promise<void>((resolve) => (going = resolve)) : granted;
    await scene.after(0);
    const closing = scene.presence.close();
    going();
    await closing;
    assert.deepEqual(scene.asked, ['session.start', 'session.end']);
    assert.equal(scene.timers.due.size, 0);
  });

  it('one that does not stay tidies up only while somebody waits', async () => {
    const scene = new Scene(false);
    assert.equal(scene.timers.due.size, 0);
    scene.chores = { sweep: true, retention: true };
    scene.submit = () => ({ ...granted, facts: { more: false } });
    scene.presence.waiting(true);
    await scene.after(0);
    await scene.after(sweepEveryMs);
    scene.presence.waiting(false);
    assert.equal(scene.timers.due.size, 0);
    await scene.presence.close();
    assert.deepEqual(scene.asked, ['sweep', 'sweep']);
  });
});
