/** How many may run at once, and who is next (docs/rules.md, "Slots"). */
import assert from 'node:assert/strict';
import type { Answer, ClaimRun, Granted, WaiterId, WorkflowId } from '../../src/core/model';
import { slotState } from '../../src/core/rules/slots';
import { granted, refused, type Speaker } from './rowStore';
import { minute, Scene } from './runScene';

const workflow = 'wf' as WorkflowId;
const place = (name: string): WaiterId => `wait_${name}` as WaiterId;

/** A claim that waits in line under its speaker's name. */
function wait(
  scene: Scene,
  who: Speaker,
  fields: Partial<ClaimRun> = {},
): Answer<Granted['run.claim']> {
  return scene.tryClaim({ waiter: place(who.agent), ...fields }, who);
}

/** All slots taken: of one, by the run that is returned. */
function full(): { readonly scene: Scene; readonly held: ReturnType<Scene['running']> } {
  const scene = new Scene();
  scene.set('slots', 1);
  return { scene, held: scene.running() };
}

const line = ({ store }: Scene): readonly string[] => store.slotWaiters.map(({ agent }) => agent);

describe('SLOT: how many may run at once', () => {
  it('SLOT-1 lets at most `slots` run, ten unless set, and says so', () => {
    for (const slots of [null, 3]) {
      const scene = new Scene();
      if (slots !== null) scene.set('slots', slots);
      const most = slots ?? 10;
      scene.createAll({ count: most + 1 });
      for (let n = 0; n < most; n += 1) scene.claim();
      const refusal = refused(scene.tryClaim(), 'no_slot');
      assert.deepEqual([refusal.slots, refusal.workflow, refusal.queuePosition], [most, null, 1]);
      assert.equal(refusal.retryAfterMs, 1_000);
      assert.match(refusal.message, new RegExp(`All ${most} slots are in use`));
    }
  });

  it('SLOT-1 limits a workflow that has a limit of its own', () => {
    const scene = new Scene();
    scene.set('slots.wf', 1);
    const [, second] = scene.createAll({ workflow, count: 2 });
    const held = scene.claim();
    assert.deepEqual(scene.store.ask(slotState(workflow)), { slots: 1, used: 1 });
    for (const wish of [{}, { workflow }, { run: second!.id }]) {
      const refusal = refused(scene.tryClaim(wish), 'no_slot');
      assert.deepEqual([refusal.slots, refusal.workflow], [1, workflow]);
      assert.match(refusal.message, /All 1 slots of workflow wf/);
    }
    granted(scene.complete(held));
    assert.equal(scene.claim().run.id, second?.id);
  });

  it('SLOT-1 has no limit where it is 0', () => {
    const scene = new Scene();
    scene.set('slots', 0);
    scene.set('slots.wf', 0);
    scene.createAll({ workflow, count: 30 });
    for (let n = 0; n < 30; n += 1) scene.claim();
    assert.deepEqual(scene.store.ask(slotState(null)), { slots: Infinity, used: 30 });
  });

  it('SLOT-1 a lowered limit ends nothing, and lets nothing start', () => {
    const scene = new Scene();
    const held = [scene.running(), scene.running()];
    scene.create();
    scene.set('slots', 1);
    granted(scene.complete(held[0]!));
    refused(scene.tryClaim(), 'no_slot');
    granted(scene.complete(held[1]!));
    scene.claim();
  });

  it('SLOT-2 a full workflow does not hold up claims for other work', () => {
    const scene = new Scene();
    scene.set('slots.wf', 1);
    scene.createAll({ workflow, count: 2, priority: 9 });
    scene.claim();
    const other = scene.create();
    refused(wait(scene, scene.bob, { workflow }), 'no_slot');
    assert.equal(scene.claim().run.id, other.id);
  });

  it('SLOT-3 those who wait are served in the order in which they came', () => {
    const { scene, held } = full();
    const names = ['one', 'two', 'three'];
    const [one, two, three] = names.map((name) => scene.speaker(name));
    scene.createAll({ count: 3 });
    names.forEach((_, index) => {
      const refusal = refused(wait(scene, [one, two, three][index]!), 'no_slot');
      assert.equal(refusal.queuePosition, index + 1);
    });
    granted(scene.complete(held));
    // The slot is free, but not theirs.
    const overtaking = refused(scene.tryClaim(), 'no_slot');
    assert.deepEqual([overtaking.queuePosition, overtaking.slots], [4, 1]);
    assert.match(overtaking.message, /waited longer/);
    assert.equal(refused(wait(scene, two!), 'no_slot').queuePosition, 2);
    const first = granted(wait(scene, one!));
    refused(wait(scene, three!), 'no_slot');
    granted(scene.complete(first));
    granted(wait(scene, two!));
    assert.deepEqual(line(scene), ['three']);
  });

  it('SLOT-3 a waiter that cannot use what there is holds up nobody', () => {
    const scene = new Scene();
    refused(wait(scene, scene.bob, { workflow }), 'nothing_queued');
    const later = scene.create({ notBefore: scene.ann.now + minute });
    refused(wait(scene, scene.speaker('cleo'), { run: later.id }), 'nothing_queued');
    const run = scene.create();
    assert.equal(scene.claim().run.id, run.id);
  });

  it('SLOT-3 a run that somebody has waited for longer is kept for them', () => {
    const scene = new Scene();
    scene.set('slots', 0);
    refused(wait(scene, scene.bob), 'nothing_queued');
    const run = scene.create();
    const refusal = refused(scene.tryClaim({ run: run.id }), 'no_slot');
    assert.equal(refusal.slots, 0);
    assert.equal(granted(wait(scene, scene.bob)).run.id, run.id);
  });

  it('SLOT-3 each of those who wait longer is counted once, for the run that it would take', () => {
    const scene = new Scene();
    scene.set('slots.wf', 1);
    const [given, , best] = [
      scene.create({ workflow }),
      scene.create({ workflow }),
      scene.create(),
    ];
    const later = { notBefore: scene.ann.now + 1 };
    refused(wait(scene, scene.bob, { run: scene.create(later).id }), 'nothing_queued');
    const first = scene.create({ ...later, workflow });
    refused(wait(scene, scene.speaker('cleo'), { run: first.id }), 'nothing_queued');
    refused(wait(scene, scene.speaker('dan'), { run: scene.create(later).id }), 'nothing_queued');
    scene.world.advance(1);
    // Cleo would take the workflow's one slot, so its other runs are for nobody.
    refused(scene.tryClaim({ run: given.id }), 'no_slot');
    assert.equal(scene.claim().run.id, best.id);
  });

  it('M-1 a silent waiter is dropped, told so by its next renewal, and stands at the end', () => {
    const { scene } = full();
    scene.create();
    const cleo = scene.speaker('cleo');
    refused(wait(scene, scene.bob), 'no_slot');
    scene.world.advance(20_000);
    refused(wait(scene, cleo), 'no_slot');
    scene.world.advance(10_000);
    scene.sweep(cleo);
    assert.deepEqual(line(scene), ['cleo']);
    const event = scene.store.events.findLast(({ kind }) => kind === 'slot.dropped');
    assert.deepEqual(event?.data, { waiter: 'wait_bob', agent: 'bob', why: 'silent' });
    const refusal = refused(wait(scene, scene.bob, { renewal: true }), 'no_slot');
    assert.deepEqual([refusal.dropped, refusal.queuePosition], [true, 2]);
    assert.deepEqual(line(scene), ['cleo', 'bob']);
    assert.ok(!('dropped' in refused(wait(scene, scene.bob, { renewal: true }), 'no_slot')));
  });

  it('SLOT-4 a waiter that was silent for 30 s leaves the line and stands at the end again', () => {
    const scene = new Scene();
    const first = refused(wait(scene, scene.bob), 'nothing_queued');
    assert.deepEqual([first.queuePosition, first.dropped], [1, undefined]);
    scene.world.advance(30_000);
    const again = refused(wait(scene, scene.bob, { renewal: true }), 'nothing_queued');
    assert.deepEqual([again.queuePosition, again.dropped], [1, true]);
    assert.equal(scene.store.slotWaiters[0]?.since, scene.bob.now);
  });

  it('M-2 nothing is left of a waiter whose process is gone', () => {
    const { scene, held } = full();
    const worker = scene.speaker('worker');
    const next = scene.create();
    refused(wait(scene, worker, { program: true }), 'no_slot');
    scene.world.end(worker);
    granted(scene.complete(held));
    assert.equal(scene.claim({}, scene.bob).run.id, next.id);
    assert.deepEqual(line(scene), []);
    const event = scene.store.events.findLast(({ kind }) => kind === 'slot.dropped');
    assert.deepEqual(event?.data, { waiter: 'wait_worker', agent: 'worker', why: 'process-gone' });
  });

  it('SLOT-5 a run’s end frees its slot in the same transaction', () => {
    const { scene, held } = full();
    scene.create();
    granted(scene.complete(held));
    assert.deepEqual(scene.store.ask(slotState(null)), { slots: 1, used: 0 });
    scene.claim();
  });

  it('M-3 a worker killed while it holds a slot frees it with its run', () => {
    const scene = new Scene();
    scene.set('slots', 1);
    const worker = scene.speaker('worker');
    const held = scene.running({}, { program: true }, worker);
    const next = scene.create();
    refused(scene.tryClaim({}, scene.bob), 'no_slot');
    scene.world.end(worker);
    assert.equal(scene.claim({}, scene.bob).run.id, next.id);
    assert.equal(scene.status(held.run), 'lost');
  });

  it('M-4 renewing keeps the place', () => {
    const { scene } = full();
    scene.create();
    const cleo = scene.speaker('cleo');
    refused(wait(scene, scene.bob), 'no_slot');
    refused(wait(scene, cleo), 'no_slot');
    const { since } = scene.store.slotWaiters[0]!;
    for (let n = 0; n < 4; n += 1) {
      scene.world.advance(29_999);
      refused(wait(scene, cleo, { renewal: true }), 'no_slot');
      const refusal = refused(wait(scene, scene.bob, { renewal: true }), 'no_slot');
      assert.deepEqual([refusal.queuePosition, refusal.dropped], [1, undefined]);
    }
    assert.equal(scene.store.slotWaiters[0]?.since, since);
  });

  it('SLOT-6 withdrawing and being granted give the place up', () => {
    const { scene, held } = full();
    scene.create();
    const cleo = scene.speaker('cleo');
    refused(wait(scene, scene.bob), 'no_slot');
    refused(wait(scene, cleo), 'no_slot');
    const leave = { kind: 'run.unwait', waiter: place('bob') } as const;
    assert.equal(granted(scene.perform(leave, cleo)).left, false);
    assert.equal(granted(scene.perform(leave, scene.bob)).left, true);
    assert.equal(granted(scene.perform(leave, scene.bob)).left, false);
    assert.deepEqual(line(scene), ['cleo']);
    granted(scene.complete(held));
    granted(wait(scene, cleo));
    assert.deepEqual(line(scene), []);
    const event = scene.store.events.at(-1);
    assert.equal(event?.kind === 'run.claimed' && event.data.waiter, 'wait_cleo');
  });

  it('SLOT-6 an agent that leaves gives its place up', () => {
    const { scene } = full();
    scene.create();
    refused(wait(scene, scene.bob), 'no_slot');
    granted(scene.perform({ kind: 'agent.leave' }, scene.bob));
    assert.deepEqual(line(scene), []);
  });

  it('SLOT-6 nobody takes the place of another', () => {
    const { scene } = full();
    scene.create();
    refused(wait(scene, scene.bob), 'no_slot');
    const stolen = scene.tryClaim({ waiter: place('bob') }, scene.ann);
    assert.equal(refused(stolen, 'bad_input').path, 'waiter');
    assert.deepEqual(line(scene), ['bob']);
  });

  it('M-5 after 10,000 claims that end in every way, no slot is in use', () => {
    // A hundred stores of a hundred claims: the row store copies its rows for each command.
    for (let store = 0; store < 100; store += 1) {
      const scene = new Scene();
      scene.set('rate.mutations', 0);
      scene.createAll({ count: 100 });
      for (let n = 0; n < 100; n += 1) {
        const held = scene.claim({ leaseMs: 1_000 });
        if (n % 3 === 0) granted(scene.complete(held));
        else if (n % 3 === 1) granted(scene.fail(held, { as: 'killed' }));
        else {
          scene.world.advance(1_000);
          refused(scene.beat(held), 'stale_claim');
        }
      }
      assert.deepEqual(scene.store.ask(slotState(null)), { slots: 10, used: 0 });
    }
  });
});
