/** What a rule reads stays true until its changes are durable: nobody commits in between. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openLocalStore } from '../../src/store/localStore';
import { granted } from '../core/rowStore';
import { contextOf, opIdOf } from '../model/operation';
import { Universe } from '../model/universe';
import { identity, Workbench } from './stores';

describe('store: how a command is decided', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  it('decides under the write lock, from its first look on', async () => {
    const { place } = bench;
    const found: string[] = [];
    const another = (): void => {
      const database = new DatabaseSync(join(place.storeFolder, 'store.db'), { timeout: 0 });
      try {
        database.exec('BEGIN IMMEDIATE');
        found.push('free');
      } catch (error) {
        found.push((error as Error).message);
      } finally {
        database.close();
      }
    };
    const store = await openLocalStore({
      place,
      identity: identity(),
      durability: 'full',
      contextOf: (opId) => {
        another();
        return contextOf(opId);
      },
    });
    const opId = opIdOf(1, new Universe().momentOf(0));
    granted(await store.submit({ kind: 'run.create', title: 'work' }, opId));
    await store.close();
    assert.deepEqual(found, ['database is locked']);
  });
});
