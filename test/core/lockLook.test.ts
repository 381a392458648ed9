/** What can be seen of locks without asking for one (LOOK-n). */
import assert from 'node:assert/strict';
import { heldByOthers, standingLocks } from '../../src/core/rules/lockLook';
import { RowStore, World, type Speaker } from './rowStore';

const minute = 60_000;

class Scene {
  readonly world = new World();
  readonly store = new RowStore();
  readonly ada = this.world.speaker('ada');
  readonly bob = this.world.speaker('bob');

  lock(who: Speaker, resource: string, mode: 'read' | 'write', ttlMs = 30 * minute): void {
    const answer = this.store.perform(
      { kind: 'lock.acquire', wishes: [{ resource, mode }], worktree: '', ttlMs },
      who,
    );
    assert.ok(answer.ok);
  }

  standing(who: Speaker): readonly string[] {
    return this.store.ask(standingLocks(who)).map(({ resource }) => resource);
  }

  held(who: Speaker, ...resources: string[]): readonly string[] {
    const denials = this.store.ask(heldByOthers({ resources, worktree: '' }, who));
    assert.ok(!('code' in denials));
    return denials.map(({ resource, holder }) => `${resource} ${holder.name}`);
  }
}

describe('looking at locks', () => {
  it('LOOK-1 shows what stands and passes over what is over, changing nothing', () => {
    const scene = new Scene();
    scene.lock(scene.ada, 'a.ts', 'write', minute);
    scene.lock(scene.ada, 'b.ts', 'read');
    assert.deepEqual(scene.standing(scene.bob), ['a.ts', 'b.ts']);
    scene.world.advance(2 * minute);
    assert.deepEqual(scene.standing(scene.bob), ['b.ts']);
  });

  it('LOOK-2 tells what others hold of overlapping keys, for reading too, and never one’s own', () => {
    const scene = new Scene();
    scene.lock(scene.ada, 'glob:src/**', 'write');
    scene.lock(scene.ada, 'b.ts', 'read');
    assert.deepEqual(scene.held(scene.bob, 'src/a.ts', 'b.ts', 'c.ts'), [
      'src/a.ts ada',
      'b.ts ada',
    ]);
    assert.deepEqual(scene.held(scene.ada, 'src/a.ts', 'b.ts'), []);
    scene.world.advance(31 * minute);
    assert.deepEqual(scene.held(scene.bob, 'src/a.ts', 'b.ts'), []);
  });

  it('LOOK-2 knows no lock as its own for an asker without a name', () => {
    const scene = new Scene();
    scene.lock(scene.ada, 'a.ts', 'write');
    assert.deepEqual(scene.held(scene.world.speaker('ada', { named: false }), 'a.ts'), [
      'a.ts ada',
    ]);
  });

  it('LOOK-2 a key that leaves the workspace is bad input', () => {
    const scene = new Scene();
    const asked = { resources: ['../a.ts'], worktree: '' };
    const answer = scene.store.ask(heldByOthers(asked, scene.bob));
    assert.ok('code' in answer);
    assert.deepEqual([answer.code, answer.path], ['bad_input', '../a.ts']);
  });

  it('LOOK-1 counts the age of what another host holds from when it was first seen here', () => {
    const scene = new Scene();
    scene.lock(scene.world.speaker('eve', { host: 'far' }), 'a.ts', 'write', minute);
    assert.deepEqual(scene.standing(scene.bob), ['a.ts']);
    scene.world.advance(2 * minute);
    assert.deepEqual(scene.standing(scene.bob), ['a.ts'], 'nobody here has seen it yet');
  });
});
