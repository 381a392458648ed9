/** How long a claim lasts, and on whose clock (docs/rules.md, "Leases"). */
import assert from 'node:assert/strict';
import type { Evidence, LockId, RowChange, RunRow, SightingRow } from '../../src/core/model';
import { beatNow, expireRun, judge, type Term } from '../../src/core/rules/expiry';
import { granted, refused, RowStore, World, type Speaker } from './rowStore';
import { minute, Scene } from './runScene';

const term = (who: Speaker, more: Partial<Term> = {}): Term => ({
  subject: 'run:x',
  beat: beatNow(who),
  ttlMs: 1_000,
  process: null,
  afterReboot: 'over',
  ...more,
});

/** How a run was lost, from its event. */
function evidenceOf(scene: Scene, { id }: RunRow): Evidence | undefined {
  const event = scene.store.events.find(({ kind, run }) => kind === 'run.lost' && run === id);
  return event?.kind === 'run.lost' ? event.data.evidence : undefined;
}

describe('LEASE: how long a claim lasts', () => {
  it('LEASE-1 a heartbeat renews the lease from now', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    scene.world.advance(900);
    const { leaseUntil, directive } = granted(scene.beat(held));
    assert.deepEqual([leaseUntil, directive], [scene.ann.now + 1_000, null]);
    scene.world.advance(900);
    granted(scene.beat(held));
    const { claim } = scene.run(held.run);
    assert.deepEqual([claim?.beat, claim?.leaseUntil], [scene.ann.beat, scene.ann.now + 1_000]);
    scene.world.advance(1_000);
    refused(scene.beat(held), 'stale_claim');
  });

  it('LEASE-2 within a boot the shared monotonic clock counts: no jump, no suspend', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    // The machine slept, or somebody set the clock: a year has passed on the wall only.
    scene.world.wall += 365 * 24 * 60 * minute;
    assert.deepEqual(scene.sweep().lost, []);
    scene.world.mono += 999;
    assert.deepEqual(scene.sweep().lost, []);
    scene.world.mono += 1;
    assert.deepEqual(scene.sweep().lost, [held.run.id]);
    assert.deepEqual(evidenceOf(scene, held.run), {
      rule: 'same-boot',
      ageMs: 1_000,
      ttlMs: 1_000,
      process: 'unknown',
      host: 'host',
      observer: 'host/boot',
    });
  });

  it('LEASE-2 where processes share no monotonic clock, the wall clock stands in', () => {
    const scene = new Scene();
    const mac = scene.speaker('mac', { sharedMono: false });
    scene.running({}, { leaseMs: 1_000 }, mac);
    scene.world.mono += 5_000;
    assert.deepEqual(scene.sweep(mac).lost, []);
    scene.world.wall += 1_000;
    assert.equal(scene.sweep(mac).lost.length, 1);
  });

  it('LEASE-3 after a reboot of its host a run is lost at once', () => {
    const scene = new Scene();
    const held = scene.running({ timeoutMs: minute });
    scene.bob.reboot();
    assert.deepEqual(scene.sweep().lost, [held.run.id]);
    const { rule, ageMs } = evidenceOf(scene, held.run)!;
    assert.deepEqual([rule, ageMs], ['other-boot', null]);
  });

  it('LEASE-4 on another host age counts from the first sighting of the last beat', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    // Its clocks have nothing to do with those of the holder.
    const far = scene.speaker('far', { host: 'far', wallOffset: 1e9, monoOffset: -500 });
    scene.world.advance(5_000);
    assert.deepEqual(scene.sweep(far).lost, []);
    scene.world.advance(999);
    assert.deepEqual(scene.sweep(far).lost, []);
    scene.world.advance(1);
    assert.deepEqual(scene.sweep(far).lost, [held.run.id]);
    const { rule, ageMs, host, observer } = evidenceOf(scene, held.run)!;
    assert.deepEqual([rule, ageMs, host, observer], ['other-host', 1_000, 'host', 'far/boot']);
    assert.ok(scene.store.sightings.every(({ subject }) => !subject.startsWith('run:')));
  });

  it('LEASE-4 a new beat has to be seen anew', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    const far = scene.speaker('far', { host: 'far', sharedMono: false });
    scene.sweep(far);
    scene.world.advance(900);
    granted(scene.beat(held));
    scene.world.advance(900);
    assert.deepEqual(scene.sweep(far).lost, []);
    scene.world.advance(999);
    assert.deepEqual(scene.sweep(far).lost, []);
    scene.world.advance(1);
    assert.deepEqual(scene.sweep(far).lost, [held.run.id]);
  });

  it('LEASE-5 where a server gives the time for all, its clock alone decides', () => {
    const scene = new Scene();
    const here = scene.speaker('here', { serverTime: true });
    const held = scene.running({}, { leaseMs: 1_000 }, here);
    const there = scene.speaker('there', { serverTime: true, wallOffset: -1e9, monoOffset: 1e9 });
    there.reboot();
    scene.world.advance(999);
    assert.deepEqual(scene.sweep(there).lost, []);
    scene.world.advance(1);
    assert.deepEqual(scene.sweep(there).lost, [held.run.id]);
    assert.equal(evidenceOf(scene, held.run)?.rule, 'server-time');
  });

  it('LEASE-6 a sighting is the host’s, not the process’s, and stays when the command is refused', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    const first = scene.speaker('first', { host: 'far' });
    refused(scene.tryClaim({ run: held.run.id }, first), 'invalid_transition');
    const sightings = scene.store.sightings.filter(({ subject }) => subject.startsWith('run:'));
    assert.deepEqual(sightings, [
      {
        observer: 'far/boot',
        subject: `run:${held.run.id}`,
        beat: held.run.claim?.beat,
        mono: first.mono,
        wall: first.now,
      },
    ] satisfies unknown[]);
    scene.world.advance(1_000);
    assert.deepEqual(scene.sweep(scene.speaker('second', { host: 'far' })).lost, [held.run.id]);
  });

  it('LEASE-7 a process that is gone loses its runs at once', () => {
    const scene = new Scene();
    const worker = scene.speaker('worker');
    const held = scene.running({}, { program: true }, worker);
    assert.deepEqual(scene.sweep().lost, []);
    scene.world.end(worker);
    assert.deepEqual(scene.sweep().lost, [held.run.id]);
    const { rule, process, ageMs } = evidenceOf(scene, held.run)!;
    assert.deepEqual([rule, process, ageMs], ['process-gone', 'gone', null]);
  });

  it('LEASE-7 a process is judged only where boot and pid namespace are the observer’s own', () => {
    const scene = new Scene();
    const worker = scene.speaker('worker');
    const over = (observer: Speaker): boolean => {
      const judged = judge(
        term(worker, { process: worker.process, afterReboot: 'fresh' }),
        null,
        observer,
      );
      return judged.over;
    };
    assert.ok(over(scene.speaker('same', { says: 'gone' })));
    assert.ok(!over(scene.speaker('container', { says: 'gone', pidNamespace: 'other' })));
    assert.ok(!over(scene.speaker('rebooted', { says: 'gone', bootId: 'later' })));
    assert.ok(!over(scene.speaker('far', { says: 'gone', host: 'far' })));
    assert.ok(!over(scene.speaker('blind', { says: 'unknown' })));
  });

  it('LEASE-7 a plain claim outlives the process that made it', () => {
    const scene = new Scene();
    const call = scene.speaker('call');
    scene.running({}, {}, call);
    scene.world.end(call);
    assert.deepEqual(scene.sweep().lost, []);
  });

  it('LEASE-8 expiry is an event of its own in the transaction that relies on it', () => {
    const scene = new Scene();
    scene.set('slots', 1);
    const held = scene.running();
    const next = scene.create();
    scene.world.advance(30 * minute);
    const { seq } = scene.store;
    assert.equal(scene.claim({}, scene.bob).run.id, next.id);
    const kinds = scene.kindsSince(seq).filter((kind) => kind.startsWith('run.'));
    assert.deepEqual(kinds, ['run.lost', 'run.claimed']);
    assert.equal(scene.status(held.run), 'lost');
  });

  it('LEASE-8 a refused command keeps the expiries that it met', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    scene.world.advance(1_000);
    refused(scene.cancel(held.run), 'invalid_transition');
    assert.equal(scene.status(held.run), 'lost');
  });

  it('LEASE-9 a heartbeat that came first wins over the loss', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    const seen = scene.run(held.run);
    scene.world.advance(999);
    granted(scene.beat(held));
    scene.world.advance(500);
    // Somebody still has the row as it was before the heartbeat, and finds it over.
    const kept = scene.store.ask(expireRun(seen, scene.bob));
    assert.deepEqual(kept, scene.run(held.run));
    assert.equal(scene.status(held.run), 'running');
  });

  it('LEASE-9 an ended or unknown run, or one without a claim, is not lost', () => {
    const scene = new Scene();
    const held = scene.running({}, { leaseMs: 1_000 });
    const seen = scene.run(held.run);
    granted(scene.complete(held));
    scene.world.advance(1_000);
    assert.equal(scene.store.ask(expireRun(seen, scene.bob)).status, 'completed');
    const ghost = { ...seen, id: 'run_ghost' } as RunRow;
    assert.equal(scene.store.ask(expireRun(ghost, scene.bob)), ghost);
    const bare = { ...seen, claim: null };
    assert.equal(scene.store.ask(expireRun(bare, scene.bob)), bare);
  });

  it('R-3 completed against lost: the late word is refused, the early one stands', () => {
    const scene = new Scene();
    const [early, late] = [1, 2].map(() => scene.running({}, { leaseMs: 1_000 }));
    scene.world.advance(999);
    granted(scene.complete(early!));
    scene.world.advance(1);
    refused(scene.complete(late!), 'stale_claim');
    refused(scene.beat(late!), 'stale_claim');
    assert.deepEqual(
      [early!, late!].map(({ run }) => scene.status(run)),
      ['completed', 'lost'],
    );
  });

  it('LEASE-10 the sweep ends at most 500 at once and says whether there is more', () => {
    const scene = new Scene();
    scene.set('slots', 0);
    scene.set('rate.mutations', 0);
    scene.createAll({ count: 620 });
    for (let i = 0; i < 620; i += 1) {
      const timed = i < 20 ? { leaseMs: 90 * minute } : {};
      scene.claim(timed);
    }
    scene.world.advance(31 * minute);
    const first = scene.sweep();
    assert.deepEqual([first.lost.length, first.more], [500, true]);
    const second = scene.sweep();
    assert.deepEqual([second.lost.length, second.more], [100, false]);
    assert.equal(scene.store.runs.filter(({ status }) => status === 'running').length, 20);
  });

  it('LEASE-10 the sweep gets past any number of those that live', () => {
    const scene = new Scene();
    scene.set('slots', 0);
    scene.createAll({ count: 251 });
    for (let i = 0; i < 250; i += 1) scene.claim({ program: true });
    const last = scene.claim({ leaseMs: 1_000 });
    scene.world.advance(1_000);
    assert.deepEqual(scene.sweep().lost, [last.run.id]);
  });

  it('LEASE-10 the sweep gets past any number of locks that stand', () => {
    const scene = new Scene();
    const far = scene.speaker('far', { host: 'far' });
    const wishes = [{ resource: 'a.ts' }];
    const acquire = { kind: 'lock.acquire', wishes, worktree: '', ttlMs: 1_000 } as const;
    const [lock] = granted(scene.perform(acquire)).locks;
    const [row] = scene.store.locks;
    // Of another host, so that each has to be looked at; older, so that they come first.
    const others = Array.from({ length: 500 }, (_, n): RowChange => {
      const grant = { ...far.beat, wall: 1 };
      return { put: 'lock', row: { ...row!, id: `lck_far${n}` as LockId, grant } };
    });
    scene.store.given(...others);
    scene.world.advance(1_000);
    assert.deepEqual(scene.sweep().locks, [lock?.id]);
  });

  it('LEASE-10 the sweep finds every kind of thing that is over', () => {
    const scene = new Scene();
    const lost = scene.running({}, { leaseMs: 1_000 });
    const killed = scene.running({ timeoutMs: 1_000 });
    const resource = { wishes: [{ resource: 'a.ts' }], worktree: '', ttlMs: 1_000 } as const;
    const lock = granted(scene.perform({ kind: 'lock.acquire', ...resource })).locks[0];
    const claim = scene.tryClaim({ waiter: 'wait_claim' as never }, scene.bob);
    refused(claim, 'nothing_queued');
    const acquire = { kind: 'lock.acquire', ...resource, waiter: 'wait_lock' as never } as const;
    refused(scene.perform(acquire, scene.bob), 'lock_denied');
    scene.world.advance(31_000);
    const swept = scene.sweep(scene.speaker('cleo'));
    assert.deepEqual(swept.lost, [lost.run.id]);
    assert.deepEqual(swept.killed, [killed.run.id]);
    assert.deepEqual(swept.locks, [lock?.id]);
    assert.deepEqual([...swept.waiters].sort(), ['wait_claim', 'wait_lock']);
    assert.deepEqual([swept.agents, swept.more], [[], false]);
    scene.world.advance(5 * minute);
    assert.deepEqual([...scene.sweep(scene.speaker('cleo')).agents].sort(), ['ann', 'bob']);
  });
});

describe('LEASE: judging', () => {
  const sighting = (who: Speaker, { subject, beat }: Term): SightingRow => ({
    observer: who.observer,
    subject,
    beat,
    mono: who.mono,
    wall: who.now,
  });

  it('LEASE-2 tells how much is left', () => {
    const { ann, bob, world } = new Scene();
    const leased = term(ann);
    world.advance(400);
    assert.deepEqual(judge(leased, null, bob), { over: false, remainingMs: 600, sight: null });
  });

  it('LEASE-3 what may outlive a reboot has one fresh term from the first sighting', () => {
    const { ann, bob, world } = new Scene();
    const lasting = term(ann, { afterReboot: 'fresh' });
    bob.reboot();
    const seen = sighting(bob, lasting);
    assert.deepEqual(judge(lasting, null, bob), { over: false, remainingMs: 1_000, sight: seen });
    world.advance(1_000);
    const judged = judge(lasting, seen, bob);
    assert.deepEqual(judged.over && judged.evidence.rule, 'other-boot');
  });

  it('LEASE-6 a sighting of an earlier beat dates nothing', () => {
    const { ann, world, ...scene } = new Scene();
    assert.ok(scene.store);
    const far = world.speaker('far', { host: 'far' });
    const before = sighting(far, term(ann));
    world.advance(5_000);
    const later = term(ann);
    const judged = judge(later, before, far);
    assert.deepEqual(judged, { over: false, remainingMs: 1_000, sight: sighting(far, later) });
  });
});

describe('LEASE: a wall clock that was set back', () => {
  it('LEASE-2 does not keep the slot of a run that is over', () => {
    const world = new World();
    const [ann, bob] = [world.speaker('ann'), world.speaker('bob')];
    const store = new RowStore();
    granted(store.perform({ kind: 'config.set', key: 'slots', value: 1 }, ann));
    granted(store.perform({ kind: 'run.create', title: 'work', count: 2 }, ann));
    granted(store.perform({ kind: 'run.claim', leaseMs: 45_000 }, bob));
    world.wall -= 60 * minute;
    world.advance(61_000);
    granted(store.perform({ kind: 'run.claim' }, ann));
    assert.deepEqual(
      store.runs.map(({ status }) => status),
      ['lost', 'running'],
    );
  });

  it('LEASE-10 does not keep a lock that is over from the sweep', () => {
    const world = new World();
    const ann = world.speaker('ann');
    const store = new RowStore();
    const wishes = [{ resource: 'src/a.ts' }];
    granted(store.perform({ kind: 'lock.acquire', wishes, worktree: '', ttlMs: minute }, ann));
    world.wall -= 60 * minute;
    world.advance(2 * minute);
    assert.equal(granted(store.perform({ kind: 'sweep' }, ann)).locks.length, 1);
    assert.deepEqual(store.locks, []);
  });
});
