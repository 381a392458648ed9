/** The store that rules are proven on has to be right itself. */
import assert from 'node:assert/strict';
import type { Command, RowChange, RunRow } from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';
import { granted, refused, RowStore, World } from './rowStore';

const run = (id: string, fields: Partial<RunRow> = {}): RunRow =>
  newRun({ id: id as never, title: id, ...fields }, { now: 0 });
const put = (id: string, fields: Partial<RunRow> = {}): RowChange => ({
  put: 'run',
  row: run(id, fields),
});
const ids = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id);

describe('the row store', () => {
  it('keeps the order of creation: a row that is put again keeps its place', () => {
    const store = new RowStore().given(put('a'), put('b'), put('a', { priority: 1 }));
    assert.deepEqual(ids(store.runs), ['a', 'b']);
    store.given({ drop: 'run', id: 'a' as never }, put('c'));
    assert.deepEqual([ids(store.runs), ids(store.archive)], [['b', 'c'], ['a']]);
  });

  it('keeps nothing of a command whose rule throws, and every place as it was', () => {
    const world = new World();
    const ann = world.speaker('ann');
    const store = new RowStore();
    const wishes = [{ resource: 'a' }, { resource: 'b' }, { resource: 'c' }];
    granted(store.perform({ kind: 'lock.acquire', wishes, worktree: '' }, ann));
    const wait = { kind: 'lock.acquire', wishes, worktree: '', waiter: 'w' as never } as const;
    refused(store.perform(wait, world.speaker('bob')), 'lock_denied');
    world.advance(60 * 60_000);
    const before = store.contents();
    const order = ids(store.locks);
    // Fails after it has expired what it met.
    const broken = world.speaker('cy');
    broken.newLockId = () => {
      throw new Error('no more ids');
    };
    assert.throws(
      () => store.perform({ kind: 'lock.acquire', wishes, worktree: '' }, broken),
      /no more ids/,
    );
    assert.deepEqual(store.contents(), before);
    assert.deepEqual(ids(store.locks), order);
  });

  it('keeps what a rule has written, also when it then refuses', () => {
    const world = new World();
    const store = new RowStore();
    const answer = store.perform({ kind: 'run.claim' }, world.speaker('ann'));
    refused(answer, 'nothing_queued');
    assert.equal(answer.at, store.seq);
    assert.deepEqual(
      store.events.map(({ kind }) => kind),
      ['agent.registered'],
    );
  });

  it('lets nobody change a row in place', () => {
    const store = new RowStore();
    const command: Command = { kind: 'run.create', title: 'x' };
    const [made] = granted(store.perform(command, new World().speaker('ann'))).runs;
    assert.equal(Reflect.set(made!, 'title', 'y'), false);
  });
});
