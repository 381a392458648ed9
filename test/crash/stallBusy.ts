/** A process that stands still in the middle of a transaction keeps everybody from writing, but not in the dark. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as elapsed } from 'node:timers/promises';
import { isStoreError } from '../../src/core/errors';
import { openLocalStore } from '../../src/store/localStore';
import { identity } from '../contract/stores';
import { answerOf, granted, margin, scene, type Scene, type Story, type Waits } from './stallStory';

const bound = 300;
/** Of a waiter that is stopped for longer; it must not be used up before, on a machine under load. */
const patience = 3_000;
const create = { kind: 'run.create', title: 'Work' } as const;
const touch = { kind: 'agent.register', name: 'sleeper' as never } as const;

export function busyStories(waits: Waits): readonly Story[] {
  const name = 'a writer that stands still, and ';
  return [
    {
      name: `${name}goes on: busy within the bound, who it is, and then its turn`,
      run: () => scene({}, behind(waits, 'goOn')),
    },
    {
      name: `${name}is killed: busy within the bound, who it is, and then its turn`,
      run: () => scene({}, behind(waits, 'end')),
    },
    {
      name: 'a writer of the archive that stands still is waited for',
      run: () => scene({}, archive),
    },
    {
      name: 'a waiter that stands still has not waited',
      run: () => scene({ busyWaitMs: patience }, waiter),
    },
  ];
}

const behind =
  (waits: Waits, then: 'goOn' | 'end') =>
  async ({ bench, store, sleeper }: Scene): Promise<void> => {
    answerOf(await sleeper.ask({ do: 'submit', command: touch }));
    const head = await store.read('head', {});
    sleeper.tell({ do: 'submit', command: create, stopAt: { step: 'store.commit' } });
    assert.ok(await sleeper.standsStill());
    const place = bench.place;
    const impatient = await openLocalStore({
      place,
      identity: identity(),
      durability: 'full',
      busyWaitMs: bound,
      schedule: () => () => undefined,
    });
    try {
      const patient = store.submit(create);
      const refused = impatient.submit(create).then(
        () => assert.fail('two wrote at once'),
        (error: unknown) => {
          assert.ok(isStoreError(error) && error.code === 'store_busy', String(error));
          assert.match(error.message, /The last to write was sleeper/);
        },
      );
      await waits.atMost('wait until it is told to be busy', bound + margin, refused);
      // What is read is what was there before, and nobody has to wait for it.
      assert.equal(await waits.atMost('read', margin, impatient.read('head', {})), head);
      assert.deepEqual((await waits.atMost('read', margin, impatient.read('state', {}))).runs, []);
      if (then === 'goOn') sleeper.goOn();
      else await sleeper.end();
      granted(await waits.atMost('turn behind a stopped writer', bound + margin, patient));
      granted(await impatient.submit(create));
      if (then === 'goOn') assert.ok(answerOf(await sleeper.report()).ok);
      const { runs } = await store.read('state', {});
      assert.equal(runs.length, then === 'goOn' ? 3 : 2);
    } finally {
      await impatient.close();
    }
  };

/** Who waits shows it. */
async function someoneWaits(folder: string, changes: FSWatcher): Promise<void> {
  while (!existsSync(join(folder, 'waiting'))) await once(changes, 'change');
}

/** A command that asks the archive waits as it would for the store, and so do those that came with it. */
async function archive({ bench, store }: Scene): Promise<void> {
  const folder = join(bench.folder, '.wavelock');
  const [old] = granted(await store.submit(create)).runs;
  assert.ok(old);
  granted(await store.submit({ kind: 'run.kill', run: old.id }));
  granted(await store.submit({ kind: 'config.set', key: 'retention.max', value: 0 }));
  assert.equal(await store.retain(), 1);
  const writer = new DatabaseSync(join(folder, 'archive.db'));
  const changes = watch(folder);
  try {
    writer.exec('BEGIN EXCLUSIVE');
    const both = Promise.all([
      store.submit(create),
      store.submit({ ...create, dependsOn: [old.id] }),
    ]);
    await Promise.race([someoneWaits(folder, changes), both]);
    writer.exec('ROLLBACK');
    for (const answer of await both) granted(answer);
    assert.equal((await store.read('state', {})).runs.length, 2);
  } finally {
    changes.close();
    writer.close();
  }
}

/** It is stopped for longer than it may wait, and finds the store busy when it wakes. */
async function waiter({ bench, store, sleeper }: Scene): Promise<void> {
  granted(await store.submit(create));
  const folder = join(bench.folder, '.wavelock');
  const writer = new DatabaseSync(join(folder, 'store.db'));
  const changes = watch(folder);
  try {
    writer.exec('BEGIN IMMEDIATE');
    sleeper.tell({ do: 'submit', command: create });
    await someoneWaits(folder, changes);
    sleeper.halt();
    await elapsed(patience + 200);
    sleeper.goOn();
    // It has looked again by now, or else this shows nothing.
    await elapsed(60);
    writer.exec('ROLLBACK');
    assert.ok(answerOf(await sleeper.report()).ok);
  } finally {
    changes.close();
    writer.close();
  }
}
