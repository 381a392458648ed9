/** Rates and settings (docs/rules.md, "Limits and settings"). */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Command, ConfigKey, ConfigValue, RunId } from '../../src/core/model';
import { configProblem, defaults, numberSetting } from '../../src/core/rules/limits';
import { granted, refused, type Speaker } from './rowStore';
import { Scene } from './runScene';

/** A mutation that is counted. */
const create: Command = { kind: 'run.create', title: 'x' };

/** How many of so many commands were granted. */
function grants(scene: Scene, who: Speaker, tries: number): number {
  return Array.from({ length: tries }, () => scene.perform(create, who)).filter(({ ok }) => ok)
    .length;
}

function limited(limit: number): Scene {
  const scene = new Scene();
  granted(scene.perform({ kind: 'config.set', key: 'rate.mutations', value: limit }, scene.bob));
  return scene;
}

describe('RATE: how much an agent may ask for', () => {
  it('RATE-1 refuses what is beyond the limit and says when to come again', () => {
    const scene = limited(20);
    assert.equal(grants(scene, scene.ann, 20), 20);
    const before = scene.store.contents();
    const refusal = refused(scene.perform(create), 'rate_limited');
    assert.deepEqual([refusal.limit, refusal.perMs, refusal.retryAfterMs], [20, 1_000, 50]);
    assert.deepEqual(scene.store.contents(), before);
    scene.world.advance(49);
    assert.equal(refused(scene.perform(create), 'rate_limited').retryAfterMs, 1);
    scene.world.advance(1);
    granted(scene.perform(create));
    refused(scene.perform(create), 'rate_limited');
    scene.world.advance(60_000);
    assert.equal(grants(scene, scene.ann, 30), 20);
  });

  it('RATE-1 is a thousand a second unless set', () => {
    const scene = new Scene();
    granted(scene.perform(create));
    assert.equal(scene.store.rates.find(({ key }) => key === 'mutations:ann')?.tokens, 999);
  });

  it('RATE-1 counts each agent apart, over all its processes, and claims too', () => {
    const scene = limited(5);
    scene.store.given();
    assert.equal(grants(scene, scene.ann, 3), 3);
    assert.equal(grants(scene, scene.speaker('ann'), 3), 2);
    refused(scene.tryClaim({}, scene.ann), 'rate_limited');
    assert.equal(scene.tryClaim({}, scene.speaker('cleo')).ok, true);
  });

  it('O-5 the limit is exact under eight processes of one agent, in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(7), { minLength: 60, maxLength: 120 }), (turns) => {
        const scene = limited(50);
        const processes = Array.from({ length: 8 }, () => scene.speaker('ann'));
        const asked = turns.map((turn) => scene.perform(create, processes[turn]));
        const firstRefused = asked.findIndex(({ ok }) => !ok);
        assert.equal(asked.filter(({ ok }) => ok).length, 50);
        assert.equal(firstRefused, 50, 'nobody is refused before the limit, nobody granted after');
      }),
      { numRuns: 20 },
    );
  });

  it('RATE-1 counts locks as it counts runs', () => {
    const scene = limited(2);
    const acquire = { kind: 'lock.acquire', wishes: [{ resource: 'a' }], worktree: '' } as const;
    assert.equal(grants(scene, scene.ann, 1), 1);
    granted(scene.perform(acquire));
    refused(scene.perform(acquire), 'rate_limited');
  });

  it('RATE-1 counts a refused command, for it was decided', () => {
    const scene = limited(2);
    refused(scene.retry({ id: 'run_nobody' as RunId }), 'unknown_run');
    assert.equal(grants(scene, scene.ann, 2), 1);
  });

  it('RATE-1 is off at 0, and for the unnamed, who are nobody twice', () => {
    const scene = limited(1);
    assert.equal(grants(scene, scene.speaker('x', { named: false }), 5), 5);
    assert.equal(grants(limited(0), scene.ann, 5), 5);
  });

  it('RATE-1 counts by the server’s clock where there is one, else by that of the boot', () => {
    const scene = limited(1);
    const [one, other] = [0, 1e9].map((wallOffset) =>
      scene.speaker('twin', { serverTime: true, wallOffset, host: `host${wallOffset}` }),
    );
    granted(scene.perform(create, one));
    refused(scene.perform(create, other), 'rate_limited');
    granted(scene.perform(create, scene.ann));
    scene.world.wall += 1e9;
    refused(scene.perform(create, scene.ann), 'rate_limited');
    // The bucket of another boot says nothing about this one.
    scene.ann.reboot();
    granted(scene.perform(create, scene.ann));
  });

  it('RATE-1 a clock that was set back neither fills nor empties', () => {
    const scene = limited(2);
    const mac = scene.speaker('mac', { sharedMono: false });
    granted(scene.perform(create, mac));
    scene.world.wall -= 1e6;
    assert.equal(grants(scene, mac, 3), 1);
  });

  it('RATE-2 never limits what renews, ends or tidies', () => {
    const scene = limited(2);
    const held = scene.running();
    refused(scene.perform(create), 'rate_limited');
    granted(scene.beat(held));
    scene.sweep(scene.ann);
    granted(scene.perform({ kind: 'run.unwait', waiter: 'wait_x' as never }));
    granted(scene.perform({ kind: 'lock.release', resources: 'all', worktree: '' }));
    granted(scene.complete(held));
  });

  it('RATE-3 shows a notification of one kind once in 10 s over all windows', () => {
    const scene = new Scene();
    const take = (who: Speaker, about: string): readonly unknown[] => {
      const { show, retryAfterMs } = granted(
        scene.perform({ kind: 'notification.take', about }, who),
      );
      return [show, retryAfterMs];
    };
    assert.deepEqual(take(scene.ann, 'run.failed'), [true, 0]);
    assert.deepEqual(take(scene.bob, 'run.failed'), [false, 10_000]);
    assert.deepEqual(take(scene.bob, 'lock.broken'), [true, 0]);
    scene.world.advance(9_999);
    assert.deepEqual(take(scene.bob, 'run.failed'), [false, 1]);
    scene.world.advance(1);
    assert.deepEqual(take(scene.bob, 'run.failed'), [true, 0]);
    assert.deepEqual(take(scene.ann, 'run.failed'), [false, 10_000]);
    scene.set('rate.notifications', 0);
    assert.deepEqual(take(scene.ann, 'run.failed'), [true, 0]);
  });
});

describe('CONF: settings', () => {
  const good: readonly (readonly [ConfigKey, ConfigValue])[] = [
    ['slots', 0],
    ['slots.wf', 3],
    ['slots.validate.x', 3],
    ['lease.claim', 1_000],
    ['lease.program', 60_000],
    ['lock.ttl', 86_400_000],
    ['grace', 0],
    ['retention.days', 1],
    ['retention.max', 0],
    ['rate.mutations', 10],
    ['rate.notifications', 1],
    ['backups.keep', 1],
    ['workflow.files', ['STATE.md', 'docs/WAVES.md']],
    ['workflow.files', []],
    ['validate.wave_gap', 'warning'],
  ];
  const bad: readonly (readonly [ConfigKey, ConfigValue])[] = [
    ['slots', -1],
    ['slots', 1.5],
    ['slots', '3'],
    ['slots.wf', 1e9],
    ['lease.claim', 999],
    ['lock.ttl', 86_400_001],
    ['grace', NaN],
    ['backups.keep', 0],
    ['workflow.files', 'STATE.md'],
    ['workflow.files', ['../STATE.md']],
    ['workflow.files', Array<string>(101).fill('a')],
    ['validate.wave_gap', 'loud'],
    ['validate.wave_gap', 1],
    ['rate.mutations', []],
  ];

  it('CONF-1 takes a value of its type and range', () => {
    for (const [key, value] of good) {
      assert.equal(configProblem(key, value), null, key);
      const scene = new Scene();
      const facts = granted(scene.perform({ kind: 'config.set', key, value }));
      assert.deepEqual(facts, { key, value });
      assert.deepEqual(scene.store.config, [{ key, value }]);
    }
  });

  it('CONF-1 refuses any other, says why, and changes nothing', () => {
    for (const [key, value] of bad) {
      const scene = new Scene();
      const refusal = refused(scene.perform({ kind: 'config.set', key, value }), 'bad_input');
      assert.equal(refusal.path, 'value');
      assert.ok(refusal.message.startsWith(key), refusal.message);
      assert.deepEqual(scene.store.config, []);
    }
  });

  it('CONF-1 null brings back the default, and the event says what was', () => {
    const scene = new Scene();
    const keys: readonly (readonly [ConfigKey, ConfigValue])[] = [
      ['slots', 10],
      ['slots.wf', 0],
      ['validate.x', 'error'],
    ];
    for (const [key, value] of keys) {
      const changed = typeof value === 'number' ? 7 : 'off';
      scene.set(key, changed);
      const facts = granted(scene.perform({ kind: 'config.set', key, value: null }));
      assert.deepEqual(facts, { key, value });
      assert.deepEqual(scene.store.config, []);
      const [set, unset] = scene.store.events.slice(-2);
      assert.deepEqual(set?.data, { row: { key, value: changed }, before: null });
      assert.deepEqual(unset?.data, { row: null, before: changed });
      assert.deepEqual([set.resource, unset.resource], [key, key]);
    }
  });

  it('CONF-1 every default is a value that could be set', () => {
    for (const [key, value] of Object.entries(defaults)) {
      assert.equal(configProblem(key.replace('*', 'x') as ConfigKey, value), null, key);
    }
  });

  it('CONF-2 everybody decides by a setting from the next command on', () => {
    const scene = new Scene();
    scene.createAll({ count: 2 });
    scene.claim();
    granted(scene.perform({ kind: 'config.set', key: 'slots', value: 1 }, scene.bob));
    assert.equal(scene.store.ask(numberSetting('slots')), 1);
    refused(scene.tryClaim(), 'no_slot');
    granted(scene.perform({ kind: 'config.set', key: 'slots', value: null }, scene.ann));
    scene.claim({}, scene.bob);
  });
});
