/** Parts that fail, and parts beside them. */
import assert from 'node:assert/strict';
import { Supervision, type PartContext, type PartDown } from '../../src/shared/supervision';

describe('supervision', () => {
  interface Scene {
    readonly supervision: Supervision;
    readonly told: string[];
    readonly down: PartDown[];
    now: number;
  }

  function scene(): Scene {
    const told: string[] = [];
    const down: PartDown[] = [];
    const it: Scene = {
      told,
      down,
      now: 0,
      supervision: new Supervision({
        failed: (name) => told.push(`${name} failed`),
        down: (part) => down.push(part),
        clock: () => it.now,
      }),
    };
    return it;
  }

  /** A part that says when it starts and ends, and hands out its context. */
  function add(
    { supervision, told }: Scene,
    name: string,
    needs: readonly string[] = [],
  ): { context?: PartContext } {
    const held: { context?: PartContext } = {};
    supervision.start({
      name,
      needs,
      start: (context) => {
        held.context = context;
        told.push(`${name} starts`);
        context.belongings.add({ dispose: () => told.push(`${name} ends`) });
      },
    });
    return held;
  }

  const fails = (part: { context?: PartContext }): unknown =>
    part.context?.guard((): string => {
      throw new Error('out of order');
    }, 'otherwise')();

  it('restarts a part that fails, with those that need it, and no other', () => {
    const here = scene();
    const store = add(here, 'store');
    add(here, 'tree', ['store']);
    add(here, 'log');
    here.told.length = 0;
    assert.equal(fails(store), 'otherwise');
    assert.deepEqual(here.told, [
      'store failed',
      'tree ends',
      'store ends',
      'store starts',
      'tree starts',
    ]);
    assert.deepEqual(here.supervision.down, []);
  });

  it('leaves a part down that fails a fourth time within five seconds, and says why', () => {
    const here = scene();
    const tree = add(here, 'tree');
    const badge = add(here, 'badge', ['tree']);
    for (let count = 0; count < 3; count += 1) fails(tree);
    assert.deepEqual(here.down, []);
    fails(tree);
    assert.deepEqual(here.down, [
      { name: 'tree', reason: 'out of order' },
      { name: 'badge', reason: 'It needs tree, which is down.' },
    ]);
    here.told.length = 0;
    assert.equal(fails(tree), 'otherwise', 'what is down answers and does nothing');
    assert.equal(fails(badge), 'otherwise');
    assert.deepEqual(here.told, []);
    here.supervision.restart('tree');
    assert.deepEqual(here.told, ['tree starts', 'badge starts']);
    assert.deepEqual(here.supervision.down, []);
  });

  it('forgets failures that are longer ago', () => {
    const here = scene();
    const tree = add(here, 'tree');
    for (let count = 0; count < 12; count += 1) {
      fails(tree);
      here.now += 2_000;
    }
    assert.deepEqual(here.down, []);
  });

  it('holds a part that cannot even start, and lets the others start', () => {
    const here = scene();
    here.supervision.start({
      name: 'broken',
      start: () => {
        throw new Error('no such view');
      },
    });
    add(here, 'tree');
    assert.deepEqual(here.down, [{ name: 'broken', reason: 'no such view' }]);
    assert.equal(here.told.filter((line) => line === 'broken failed').length, 4);
    assert.ok(here.told.includes('tree starts'));
    here.supervision.dispose();
    assert.ok(here.told.includes('tree ends'));
  });
});
