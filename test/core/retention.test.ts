/** What leaves the live store (docs/rules.md, "Retention"). */
import assert from 'node:assert/strict';
import type { Granted, RunId, RunRow } from '../../src/core/model';
import { granted, refused } from './rowStore';
import { day, Scene } from './runScene';

const step = (scene: Scene, ...archived: readonly RunId[]): Granted['retention.step'] =>
  granted(scene.perform({ kind: 'retention.step', archived }));

const ids = (runs: readonly RunRow[]): readonly RunId[] => runs.map(({ id }) => id);

/** So many runs that were cancelled one after another. */
function endedRuns(scene: Scene, count: number): readonly RunRow[] {
  scene.set('rate.mutations', 0);
  const runs = scene.createAll({ count });
  for (const run of runs) {
    granted(scene.cancel(run));
    scene.world.advance(1);
  }
  return runs;
}

describe('KEEP: what leaves the live store', () => {
  it('KEEP-1 chooses ended runs that are older than 30 days, or as set, oldest first', () => {
    for (const days of [null, 2]) {
      const scene = new Scene();
      if (days !== null) scene.set('retention.days', days);
      const [first, second] = endedRuns(scene, 2);
      scene.create();
      scene.world.advance((days ?? 30) * day - 1);
      assert.deepEqual(ids(step(scene).next), [first?.id]);
      scene.world.advance(1);
      assert.deepEqual(ids(step(scene).next), [first?.id, second?.id]);
    }
  });

  it('KEEP-1 chooses what is beyond the newest `retention.max`', () => {
    const scene = new Scene();
    scene.set('retention.max', 3);
    const runs = endedRuns(scene, 5);
    assert.deepEqual(ids(step(scene).next), ids(runs.slice(0, 2)));
  });

  it('KEEP-1 chooses 500 a step, also behind those that go with it', () => {
    const scene = new Scene();
    scene.set('retention.max', 0);
    const runs = endedRuns(scene, 1_050);
    const first = step(scene).next;
    assert.deepEqual(ids(first), ids(runs.slice(0, 500)));
    const second = step(scene, ...ids(first));
    assert.deepEqual([second.archived.length, second.next.length], [500, 500]);
    const third = step(scene, ...ids(second.next));
    assert.deepEqual(ids(third.next), ids(runs.slice(1_000)));
    assert.deepEqual(step(scene, ...ids(third.next)).next, []);
    assert.deepEqual(scene.store.runs, []);
  });

  it('KEEP-2 drops only what the caller says is durable, and only once', () => {
    const scene = new Scene();
    scene.set('retention.max', 0);
    const [first, second] = endedRuns(scene, 2);
    const { seq } = scene.store;
    assert.equal(step(scene).archived.length, 0);
    assert.equal(scene.store.seq, seq);
    const unknown = 'run_unknown' as RunId;
    const { archived, next } = step(scene, first!.id, first!.id, unknown);
    assert.deepEqual([archived, ids(next)], [[first?.id], [second?.id]]);
    assert.deepEqual(scene.store.events.at(-1)?.data, { runs: [first?.id] });
    assert.deepEqual(ids(scene.store.runs), [second?.id]);
  });

  it('KEEP-3 keeps live runs, and what a live run refers to, also after the choice', () => {
    const scene = new Scene();
    scene.set('retention.max', 0);
    const [parent, dependency, attempt, free] = endedRuns(scene, 4);
    const live = scene.create();
    const chosen = ids(step(scene).next);
    assert.deepEqual(chosen, ids([parent!, dependency!, attempt!, free!]));
    scene.create({ parent: parent!.id });
    scene.create({ dependsOn: [dependency!.id] });
    granted(scene.retry(attempt!));
    assert.deepEqual(step(scene, ...chosen, live.id).archived, [free?.id]);
    assert.deepEqual(step(scene).next, []);
  });

  it('KEEP-4 an archived run still meets and blocks, and is known', () => {
    const scene = new Scene();
    const held = scene.running();
    granted(scene.complete(held));
    const [failed] = endedRuns(scene, 1);
    scene.archive(held.run.id, failed!.id);
    assert.deepEqual(scene.create({ dependsOn: [held.run.id] }).unmet, []);
    const blocked = scene.create({ dependsOn: [failed!.id] });
    const refusal = refused(scene.tryClaim({ run: blocked.id }), 'nothing_queued');
    assert.equal(refusal.waiting.blocked, 1);
    refused(scene.cancel(failed!), 'invalid_transition');
    const retry = granted(scene.retry(failed!)).run;
    assert.deepEqual([retry.retryOf, retry.attempt], [failed!.id, 2]);
    granted(scene.complete(scene.claim({ run: retry.id })));
    assert.deepEqual(scene.run(blocked).unmet, []);
  });
});
