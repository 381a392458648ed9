/**
 * Who may read or write what, and who waits for it (LOCK-n; the cases L-1 … L-14 of the source documents). One room,
 * because grants, expiry, queues and offers are rules about one line of askers, and share its small language.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type {
  AcquireLocks,
  Answer,
  ContentHash,
  EventKind,
  EventOf,
  Granted,
  LockWish,
  WaiterId,
} from '../../src/core/model';
import { compatible } from '../../src/core/rules/lockLine';
import { evolve, viewOf } from '../../src/core/views';
import { granted, refused, RowStore, World, type Speaker } from './rowStore';

const minute = 60_000;
const hour = 60 * minute;
const hashOf = (text: string): ContentHash => text.repeat(64).slice(0, 64) as ContentHash;

const read = (resource: string, more: Partial<LockWish> = {}): LockWish => ({
  resource,
  mode: 'read',
  ...more,
});
const write = (resource: string, more: Partial<LockWish> = {}): LockWish => ({
  resource,
  mode: 'write',
  ...more,
});

/** Four agents and what they say about locks, on one store. */
class Scene {
  readonly world = new World();
  readonly store = new RowStore();
  readonly ada = this.world.speaker('ada');
  readonly bob = this.world.speaker('bob');
  readonly cy = this.world.speaker('cy');
  readonly di = this.world.speaker('di');

  acquire(
    who: Speaker,
    wishes: LockWish | readonly LockWish[],
    options: Partial<AcquireLocks> = {},
  ): Answer<Granted['lock.acquire']> {
    const list = 'resource' in wishes ? [wishes] : wishes;
    return this.store.perform(
      { kind: 'lock.acquire', wishes: list, worktree: '', ...options },
      who,
    );
  }

  /** Waits in line by its own name. */
  wait(
    who: Speaker,
    wishes: LockWish | readonly LockWish[],
    options: Partial<AcquireLocks> = {},
  ): Answer<Granted['lock.acquire']> {
    return this.acquire(who, wishes, { waiter: `wait_${who.agent}` as WaiterId, ...options });
  }

  release(who: Speaker, ...resources: string[]): Granted['lock.release'] {
    return granted(this.store.perform({ kind: 'lock.release', resources, worktree: '' }, who));
  }

  releaseAll(who: Speaker): Granted['lock.release'] {
    return granted(
      this.store.perform({ kind: 'lock.release', resources: 'all', worktree: '' }, who),
    );
  }

  unwait(who: Speaker, waiter = `wait_${who.agent}`): boolean {
    const command = { kind: 'lock.unwait', waiter: waiter as WaiterId } as const;
    return granted(this.store.perform(command, who)).left;
  }

  break(who: Speaker, resource: string, reason = 'stuck'): Granted['lock.break'] {
    return granted(this.store.perform({ kind: 'lock.break', resource, worktree: '', reason }, who));
  }

  verify(who: Speaker, ...wishes: LockWish[]): Answer<Granted['lock.verify']> {
    return this.store.perform({ kind: 'lock.verify', wishes, worktree: '' }, who);
  }

  /** `ada writes a`, in the order of their creation. */
  get held(): string[] {
    return this.store.locks.map(({ agent, mode, resource }) => `${agent} ${mode}s ${resource}`);
  }

  get line(): string[] {
    return this.store.waiters.map(({ agent }) => agent);
  }

  get offered(): string[] {
    return this.store.waiters.filter(({ offer }) => offer !== null).map(({ agent }) => agent);
  }

  events<Kind extends EventKind>(kind: Kind): EventOf<Kind>[] {
    return this.store.events.filter((event): event is EventOf<Kind> => event.kind === kind);
  }

  dropped(): string[] {
    return this.events('lock.dropped').map(({ data: { agent, why } }) => `${agent} ${why}`);
  }
}

describe('LOCK: holding', () => {
  it('L-1 LOCK-1 many read', () => {
    const scene = new Scene();
    for (const who of [scene.ada, scene.bob, scene.cy]) granted(scene.acquire(who, read('a')));
    assert.deepEqual(scene.held, ['ada reads a', 'bob reads a', 'cy reads a']);
  });

  it('L-2 LOCK-1 one writes, and nobody reads then', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
    refused(scene.acquire(scene.bob, read('a')), 'lock_denied');
    assert.deepEqual(scene.held, ['ada writes a']);
  });

  it('LOCK-1 nobody writes what others read', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
  });

  it('LOCK-1 a wish that says no mode writes', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, { resource: 'a' }));
    assert.deepEqual(scene.held, ['ada writes a']);
  });

  it('LOCK-1 a resource that is none is bad_input, and says which', () => {
    const scene = new Scene();
    const refusal = refused(scene.acquire(scene.ada, [read('a'), read('../b')]), 'bad_input');
    assert.equal(refusal.path, 'wishes[1].resource');
    assert.deepEqual(scene.store.events, []);
  });

  it('L-14 LOCK-1 symbols, globs, tasks and the workspace meet what they mean', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [write('src/a.ts'), write('task:1'), write('b.ts#f')]));
    for (const resource of ['src/a.ts#f', 'glob:src/*', 'task:1', 'workspace', 'b.ts', 'b.ts#f'])
      refused(scene.acquire(scene.bob, read(resource)), 'lock_denied');
    granted(scene.acquire(scene.bob, [write('b.ts#g'), write('task:2'), write('glob:lib/*')]));
    granted(scene.acquire(scene.bob, write('src/a.ts'), { worktree: 'other' }));
    refused(scene.acquire(scene.cy, write('src/a.ts'), { shared: true }), 'lock_denied');
  });

  it('L-3 LOCK-2 asking again refreshes TTL and hash and keeps the token', () => {
    const scene = new Scene();
    const [first] = granted(scene.acquire(scene.ada, write('a', { hash: hashOf('1') }))).locks;
    scene.world.advance(20 * minute);
    const [again] = granted(scene.acquire(scene.ada, write('a', { hash: hashOf('2') }))).locks;
    assert.deepEqual(again, {
      ...first,
      how: 'refreshed',
      expiresAt: scene.ada.now + 30 * minute,
      hash: hashOf('2'),
    });
    scene.world.advance(20 * minute);
    refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
    assert.equal(scene.events('lock.refreshed').length, 1);
  });

  it('LOCK-2 asking again without having looked keeps the hash; a file that is gone has none', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a', { hash: hashOf('1') })));
    granted(scene.acquire(scene.ada, write('a')));
    assert.equal(scene.store.locks[0]!.hash, hashOf('1'));
    granted(scene.acquire(scene.ada, write('a', { hash: null })));
    assert.equal(scene.store.locks[0]!.hash, null);
  });

  it('LOCK-2 a writer that asks to read keeps its write lock', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    const [lock] = granted(scene.acquire(scene.ada, read('a'))).locks;
    assert.deepEqual([lock!.mode, lock!.how], ['write', 'refreshed']);
    assert.deepEqual(scene.held, ['ada writes a']);
  });

  it('LOCK-2 an agent never conflicts with itself, whatever its keys', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [write('a'), write('a#f'), write('glob:*')]));
    granted(scene.acquire(scene.ada, write('workspace')));
    assert.equal(scene.held.length, 4);
  });

  it('LOCK-2 what it holds is refreshed, whoever waits for it', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    granted(scene.acquire(scene.ada, write('a')));
    granted(scene.acquire(scene.ada, read('a')));
  });

  it('LOCK-2 a refresh keeps its token though others were given since, and waits for nobody', () => {
    const scene = new Scene();
    const [first] = granted(scene.acquire(scene.ada, read('a'))).locks;
    granted(scene.acquire(scene.bob, write('b')));
    refused(scene.wait(scene.cy, write('a')), 'lock_denied');
    const [again] = granted(scene.acquire(scene.ada, read('a'))).locks;
    assert.deepEqual([again!.how, again!.token], ['refreshed', first!.token]);
  });

  it('L-4 LOCK-3 a sole reader is upgraded, with a new token', () => {
    const scene = new Scene();
    const [reading] = granted(scene.acquire(scene.ada, read('a'))).locks;
    const [writing] = granted(scene.acquire(scene.ada, write('a'))).locks;
    assert.deepEqual(
      [writing!.id, writing!.mode, writing!.how],
      [reading!.id, 'write', 'upgraded'],
    );
    assert.ok(writing!.token > reading!.token);
    assert.deepEqual(scene.held, ['ada writes a']);
    assert.equal(scene.events('lock.upgraded').length, 1);
  });

  it('L-5 LOCK-3 of two readers none is upgraded', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    granted(scene.acquire(scene.bob, read('a')));
    const { denials } = refused(scene.acquire(scene.ada, write('a')), 'lock_denied');
    assert.equal(denials[0]!.holder.name, 'bob');
    assert.deepEqual(scene.held, ['ada reads a', 'bob reads a']);
  });

  it('LOCK-3 a sole reader is upgraded before a writer that waits for it', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    granted(scene.acquire(scene.ada, write('a')));
  });

  it('LOCK-3 nor does it wait behind a reader who waits behind that writer', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    refused(scene.wait(scene.cy, read('a')), 'lock_denied');
    granted(scene.acquire(scene.ada, write('a')));
  });

  it('LOCK-4 TTL is 30 min unless set, at most 24 h', () => {
    const scene = new Scene();
    const expiry = (options: Partial<AcquireLocks>): number => {
      const [lock] = granted(scene.acquire(scene.ada, write('a'), options)).locks;
      return lock!.expiresAt - scene.ada.now;
    };
    assert.equal(expiry({}), 30 * minute);
    assert.equal(expiry({ ttlMs: 5 * minute }), 5 * minute);
    assert.equal(expiry({ ttlMs: 100 * hour }), 24 * hour);
    scene.store.given({ put: 'config', row: { key: 'lock.ttl', value: 2 * hour } });
    assert.equal(expiry({}), 2 * hour);
  });

  it('L-7 LOCK-5 a batch is sorted, each resource is taken once, and writing beats reading', () => {
    const scene = new Scene();
    const { locks } = granted(
      scene.acquire(scene.ada, [
        write('b', { hash: hashOf('1') }),
        read('./b'),
        read('a', { hash: hashOf('2') }),
        write('x/../a'),
      ]),
    );
    assert.deepEqual(
      locks.map(({ resource, mode, hash }) => [resource, mode, hash]),
      [
        ['a', 'write', hashOf('2')],
        ['b', 'write', hashOf('1')],
      ],
    );
    assert.deepEqual(scene.held, ['ada writes a', 'ada writes b']);
  });

  it('L-8 LOCK-5 a refused batch takes none, and what was held is held as before', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [read('a'), write('c')]));
    granted(scene.acquire(scene.bob, write('d')));
    const before = [scene.store.locks, scene.store.counters];
    scene.world.advance(minute);
    const wishes = [write('a'), write('b'), write('c', { hash: hashOf('1') }), read('d')];
    const { denials } = refused(scene.acquire(scene.ada, wishes), 'lock_denied');
    assert.deepEqual(
      denials.map(({ resource }) => resource),
      ['d'],
    );
    assert.deepEqual([scene.store.locks, scene.store.counters], before);
    refused(scene.wait(scene.ada, wishes), 'lock_denied');
    assert.deepEqual([scene.store.locks, scene.store.counters], before);
  });

  it('L-9 LOCK-6 an expired lock never blocks, without any sweep', () => {
    const scene = new Scene();
    const [old] = granted(scene.acquire(scene.ada, write('a'))).locks;
    scene.world.advance(30 * minute - 1);
    refused(scene.acquire(scene.bob, read('a')), 'lock_denied');
    scene.world.advance(1);
    granted(scene.acquire(scene.bob, write('a')));
    assert.deepEqual(scene.held, ['bob writes a']);
    const [expired] = scene.events('lock.expired');
    assert.deepEqual([expired!.data.lock, expired!.data.agent], [old!.id, 'ada']);
    assert.equal(expired!.data.evidence.rule, 'same-boot');
    assert.equal(expired!.data.evidence.ageMs, 30 * minute);
  });

  it('LOCK-6 an expired lock is not refreshed: it is taken anew', () => {
    const scene = new Scene();
    const [old] = granted(scene.acquire(scene.ada, write('a'))).locks;
    scene.world.advance(hour);
    const [lock] = granted(scene.acquire(scene.ada, write('a'))).locks;
    assert.equal(lock!.how, 'acquired');
    assert.ok(lock!.token > old!.token);
  });

  it('LOCK-6 after a reboot a lock has one fresh TTL from its first sighting', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    scene.world.advance(29 * minute);
    scene.bob.reboot();
    refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
    assert.equal(scene.store.sightings.length, 1);
    scene.world.advance(29 * minute);
    refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
    scene.world.advance(minute);
    granted(scene.acquire(scene.bob, write('a')));
    assert.deepEqual(scene.store.sightings, []);
  });

  it('LOCK-6 a jump of the wall clock expires nothing', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    scene.bob.wallOffset = 10 * hour;
    refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
  });

  it('LOCK-17 fencing tokens only grow, whatever was released, expired or broken', () => {
    const scene = new Scene();
    const tokens: number[] = [];
    const take = (who: Speaker, wish: LockWish): void => {
      tokens.push(...granted(scene.acquire(who, wish)).locks.map(({ token }) => token));
    };
    take(scene.ada, write('a'));
    scene.release(scene.ada, 'a');
    take(scene.bob, write('a'));
    scene.world.advance(hour);
    take(scene.ada, read('a'));
    take(scene.ada, write('a'));
    scene.break(scene.bob, 'a');
    take(scene.bob, write('b'));
    tokens.push(
      ...granted(scene.acquire(scene.cy, [read('c'), read('d')])).locks.map(({ token }) => token),
    );
    assert.deepEqual(tokens, [1, 2, 3, 4, 5, 6, 7]);
  });

  it('LOCK-18 locking needs an agent, and says how to register one', () => {
    const scene = new Scene();
    scene.ada.named = false;
    const { register } = refused(scene.acquire(scene.ada, read('a')), 'agent_required');
    assert.match(register, /agent register --name/);
    assert.deepEqual(scene.store.agents, []);
  });

  it('LOCK-2 RUN-13 fields of a newer version survive a refresh, an upgrade and a renewal', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    scene.store.given({ put: 'lock', row: { ...scene.store.locks[0]!, mood: 'new' } as never });
    granted(scene.acquire(scene.ada, read('a')));
    granted(scene.acquire(scene.ada, write('a')));
    assert.equal((scene.store.locks[0] as { mood?: string }).mood, 'new');
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    scene.store.given({ put: 'waiter', row: { ...scene.store.waiters[0]!, mood: 'new' } as never });
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    assert.equal((scene.store.waiters[0] as { mood?: string }).mood, 'new');
  });
});

describe('LOCK: the line', () => {
  it('LOCK-7 a denial names each denied resource with holder, since, expiry and position', () => {
    const scene = new Scene();
    const register = { kind: 'agent.register', name: scene.ada.agent, description: 'The builder' };
    granted(scene.store.perform(register as never, scene.ada));
    granted(scene.acquire(scene.ada, [write('a'), write('c')]));
    const since = scene.ada.now;
    scene.world.advance(minute);
    const wishes = [write('a'), write('b'), read('c')];
    const refusal = refused(scene.acquire(scene.bob, wishes), 'lock_denied');
    const holder = {
      id: scene.store.agents[0]!.id,
      name: 'ada',
      description: 'The builder',
      since,
      expiresAt: since + 30 * minute,
    };
    assert.deepEqual(refusal.denials, [
      { resource: 'a', holder, queuePosition: 1 },
      { resource: 'c', holder, queuePosition: 1 },
    ]);
    assert.match(refusal.message, /a \(ada\), c \(ada\)/);
    assert.ok(refusal.retryAfterMs > 0 && refusal.retryAfterMs < 10_000);
  });

  it('LOCK-7 a holder whose row is lost is named all the same', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    scene.store.given({ drop: 'agent', name: scene.ada.agent });
    const { denials } = refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
    assert.deepEqual([denials[0]!.holder.id, denials[0]!.holder.name], ['unknown', 'ada']);
  });

  it('LOCK-8 without waiting nobody stands in line: the position is a forecast', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    for (const who of [scene.cy, scene.di]) {
      const refusal = refused(scene.acquire(who, write('a')), 'lock_denied');
      assert.equal(refusal.denials[0]!.queuePosition, 2);
      assert.equal(refusal.waiter, undefined);
    }
    assert.deepEqual(scene.line, ['bob']);
  });

  it('LOCK-8 who waits is told its place in line', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    const refusal = refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    assert.equal(refusal.waiter, 'wait_bob');
    assert.equal(refusal.dropped, undefined);
  });

  it('LOCK-9 a reader that comes after a waiting writer waits behind it', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    const { denials } = refused(scene.wait(scene.cy, read('a')), 'lock_denied');
    assert.deepEqual([denials[0]!.holder.name, denials[0]!.queuePosition], ['bob', 2]);
    assert.equal(denials[0]!.holder.expiresAt, undefined);
  });

  it('L-11 LOCK-9 a writer behind readers is not starved', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    refused(scene.acquire(scene.cy, read('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    refused(scene.acquire(scene.cy, read('a')), 'lock_denied');
    granted(scene.wait(scene.bob, write('a')));
    assert.deepEqual(scene.held, ['bob writes a']);
    assert.deepEqual(scene.line, []);
  });

  it('LOCK-9 who does not conflict with those ahead passes them', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, [write('a'), read('b')]), 'lock_denied');
    refused(scene.acquire(scene.cy, write('b')), 'lock_denied');
    granted(scene.acquire(scene.cy, [write('c'), read('b')]));
  });

  it('LOCK-9 renewing keeps the place', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    for (const who of [scene.bob, scene.cy, scene.bob])
      refused(scene.wait(who, write('a')), 'lock_denied');
    assert.deepEqual(scene.line, ['bob', 'cy']);
    const refusal = refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    assert.equal(refusal.denials[0]!.queuePosition, 1);
  });

  it('LOCK-9 who asks for something else under its place stands at the end', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [write('a'), write('b')]));
    for (const who of [scene.bob, scene.cy]) refused(scene.wait(who, write('a')), 'lock_denied');
    for (const other of [[write('a'), write('b')], [read('a')], [write('b')]]) {
      const refusal = refused(scene.wait(scene.bob, other), 'lock_denied');
      assert.equal(refusal.dropped, true);
      assert.deepEqual(scene.line, ['cy', 'bob']);
      granted(
        scene.store.perform({ kind: 'lock.unwait', waiter: 'wait_cy' as WaiterId }, scene.cy),
      );
      refused(scene.wait(scene.cy, write('a')), 'lock_denied');
      assert.deepEqual(scene.line, ['bob', 'cy']);
    }
  });

  it('LOCK-9 nobody takes the place of another agent', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    const stolen = scene.wait(scene.cy, write('a'), { waiter: 'wait_bob' as WaiterId });
    assert.equal(refused(stolen, 'bad_input').path, 'waiter');
    assert.deepEqual(scene.line, ['bob']);
  });

  it('LOCK-10 a waiter that has not renewed for 30 s leaves the line', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    scene.world.advance(29_999);
    const position = (): number | undefined =>
      refused(scene.acquire(scene.cy, write('a')), 'lock_denied').denials[0]!.queuePosition;
    assert.equal(position(), 2);
    scene.world.advance(1);
    assert.equal(position(), 1);
    assert.deepEqual(scene.dropped(), ['bob silent']);
  });

  it('LOCK-10 its next renewal is told dropped and stands at the end', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    scene.world.advance(20_000);
    refused(scene.wait(scene.cy, write('a')), 'lock_denied');
    scene.world.advance(10_000);
    const first = refused(scene.wait(scene.bob, write('a'), { renewal: true }), 'lock_denied');
    assert.equal(first.dropped, true);
    assert.deepEqual(scene.line, ['cy', 'bob']);
    scene.world.advance(10_000);
    assert.equal(
      refused(scene.wait(scene.bob, write('a'), { renewal: true }), 'lock_denied').dropped,
      undefined,
    );
  });

  it('LOCK-10 also when another has found it silent before', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    scene.world.advance(30_000);
    refused(scene.wait(scene.cy, write('a')), 'lock_denied');
    assert.deepEqual(scene.line, ['cy']);
    const again = refused(scene.wait(scene.bob, write('a'), { renewal: true }), 'lock_denied');
    assert.equal(again.dropped, true);
    assert.deepEqual(scene.line, ['cy', 'bob']);
  });

  it('L-10 LOCK-11 positions 1, 2, 3, and offers in this order', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    const waiting = [scene.bob, scene.cy, scene.di];
    assert.deepEqual(
      waiting.map(
        (who) => refused(scene.wait(who, write('a')), 'lock_denied').denials[0]!.queuePosition,
      ),
      [1, 2, 3],
    );
    let holder = scene.ada;
    for (const who of waiting) {
      scene.release(holder, 'a');
      assert.deepEqual(scene.offered, [who.agent]);
      for (const other of waiting)
        if (other !== who && scene.line.includes(other.agent))
          refused(scene.wait(other, write('a')), 'lock_denied');
      granted(scene.wait(who, write('a')));
      holder = who;
    }
    assert.deepEqual(
      scene.events('lock.offered').map(({ data }) => data.row.agent),
      ['bob', 'cy', 'di'],
    );
    assert.deepEqual(scene.line, []);
  });

  it('LOCK-11 what is freed is offered to all readers at the head, not to those behind a writer', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, read('a')), 'lock_denied');
    refused(scene.wait(scene.cy, read('a')), 'lock_denied');
    refused(scene.wait(scene.di, write('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    assert.deepEqual(scene.offered, ['bob', 'cy']);
  });

  it('LOCK-11 while it is offered nobody who conflicts overtakes', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    for (const wish of [write('a'), read('a'), read('glob:*'), write('a#f')])
      assert.equal(
        refused(scene.acquire(scene.cy, wish), 'lock_denied').denials[0]!.holder.name,
        'bob',
      );
    granted(scene.acquire(scene.cy, write('b')));
  });

  it('LOCK-11 an upgrade does not overtake a reader whose turn it is', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    granted(scene.acquire(scene.bob, write('b')));
    refused(scene.wait(scene.cy, [read('a'), read('b')]), 'lock_denied');
    scene.release(scene.bob, 'b');
    const { denials } = refused(scene.acquire(scene.ada, write('a')), 'lock_denied');
    assert.equal(denials[0]!.holder.name, 'cy');
    granted(scene.wait(scene.cy, [read('a'), read('b')]));
  });

  it('LOCK-11 nor one whose turn has come with the very command', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    scene.world.advance(20_000);
    refused(scene.wait(scene.cy, read('a')), 'lock_denied');
    scene.world.advance(10_000);
    refused(scene.acquire(scene.ada, write('a')), 'lock_denied');
    assert.deepEqual([scene.line, scene.offered], [['cy'], ['cy']]);
  });

  it('LOCK-11 no two that conflict are offered at once, also when one release frees both', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    granted(scene.acquire(scene.di, [read('a'), write('b')]));
    refused(scene.wait(scene.cy, [read('a'), read('b')]), 'lock_denied');
    refused(scene.wait(scene.ada, write('a')), 'lock_denied');
    scene.releaseAll(scene.di);
    assert.deepEqual(scene.offered, ['cy']);
  });

  it('LOCK-11 an offer that is not taken within 10 s is passed on', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    for (const who of [scene.bob, scene.cy]) refused(scene.wait(who, write('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    scene.world.advance(9_999);
    refused(scene.wait(scene.cy, write('a')), 'lock_denied');
    scene.world.advance(1);
    granted(scene.wait(scene.cy, write('a')));
    assert.deepEqual(scene.dropped(), ['bob silent']);
  });

  it('LOCK-11 it is passed on by whoever finds it, also by one who is not concerned', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    for (const who of [scene.bob, scene.cy]) refused(scene.wait(who, write('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    scene.world.advance(10_000);
    refused(scene.acquire(scene.di, write('a')), 'lock_denied');
    assert.deepEqual([scene.line, scene.offered], [['cy'], ['cy']]);
  });

  it('LOCK-11 an offer is made once, though two locks that it waited for expire together', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [write('a'), write('b')], { ttlMs: minute }));
    refused(scene.wait(scene.bob, [write('a'), write('b')]), 'lock_denied');
    for (const _ of [1, 2, 3]) {
      scene.world.advance(20_000);
      if (_ < 3) refused(scene.wait(scene.bob, [write('a'), write('b')]), 'lock_denied');
    }
    refused(scene.acquire(scene.cy, [write('a'), write('b')]), 'lock_denied');
    assert.equal(scene.events('lock.offered').length, 1);
    assert.equal(scene.events('lock.expired').length, 2);
    assert.deepEqual(scene.offered, ['bob']);
  });

  it('LOCK-11 nothing is offered while another lock or waiter is in the way', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    granted(scene.acquire(scene.bob, write('b')));
    refused(scene.wait(scene.cy, [write('a'), write('b')]), 'lock_denied');
    refused(scene.wait(scene.di, write('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    assert.deepEqual(scene.offered, []);
    scene.release(scene.bob, 'b');
    assert.deepEqual(scene.offered, ['cy']);
  });

  it('LOCK-11 leaving the line frees those behind', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    refused(scene.wait(scene.cy, read('a')), 'lock_denied');
    assert.equal(scene.unwait(scene.cy, 'wait_bob'), false);
    assert.equal(scene.unwait(scene.bob), true);
    assert.equal(scene.unwait(scene.bob), false);
    assert.deepEqual([scene.line, scene.offered], [['cy'], ['cy']]);
    assert.deepEqual(scene.dropped(), ['bob withdrawn']);
  });

  it('LOCK-11 a waiting batch waits, is offered and is granted as a whole', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(scene.bob, [write('a'), write('b')]), 'lock_denied');
    assert.deepEqual(scene.held, ['ada writes a']);
    scene.release(scene.ada, 'a');
    granted(scene.wait(scene.bob, [write('a'), write('b')]));
    assert.deepEqual(scene.held, ['bob writes a', 'bob writes b']);
    assert.deepEqual(scene.line, []);
  });

  it('LOCK-11 a place that was offered twice over is sighted and forgotten with it', () => {
    const scene = new Scene();
    const far = scene.world.speaker('far', { host: 'far', bootId: 'farBoot' });
    granted(scene.acquire(scene.ada, write('a')));
    refused(scene.wait(far, write('a')), 'lock_denied');
    scene.release(scene.ada, 'a');
    refused(scene.acquire(scene.bob, write('a')), 'lock_denied');
    scene.world.advance(9_000);
    granted(scene.wait(far, write('a')));
    assert.deepEqual(scene.store.sightings, []);
    assert.deepEqual(scene.held, ['far writes a']);
  });

  it('LOCK-12 release gives up own locks only and passes over what is not held', () => {
    const scene = new Scene();
    const [mine] = granted(scene.acquire(scene.ada, write('a'))).locks;
    granted(scene.acquire(scene.bob, write('b')));
    assert.deepEqual(scene.release(scene.ada, './a', 'b', 'c').released, [mine!.id]);
    assert.deepEqual(scene.held, ['bob writes b']);
    const bad = { kind: 'lock.release', resources: ['a', '/b'], worktree: '' } as const;
    assert.equal(refused(scene.store.perform(bad, scene.ada), 'bad_input').path, 'resources[1]');
  });

  it('LOCK-12 release gives up what was named and nothing beside it', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [write('a'), write('b'), write('a#f')]));
    assert.equal(scene.release(scene.ada, 'a').released.length, 1);
    assert.deepEqual(scene.held, ['ada writes a#f', 'ada writes b']);
  });

  it('L-12 LOCK-12 --all gives up all locks and leaves every line', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [write('a'), write('b')]));
    granted(scene.acquire(scene.bob, write('c')));
    refused(scene.wait(scene.ada, write('c')), 'lock_denied');
    refused(scene.wait(scene.cy, write('a')), 'lock_denied');
    assert.equal(scene.releaseAll(scene.ada).released.length, 2);
    assert.deepEqual(scene.held, ['bob writes c']);
    assert.deepEqual([scene.line, scene.offered], [['cy'], ['cy']]);
    assert.deepEqual(scene.dropped(), ['ada withdrawn']);
  });

  it('LOCK-12 an unnamed caller gives up nothing, whatever its name would be', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    granted(scene.acquire(scene.bob, write('b')));
    refused(scene.wait(scene.ada, write('b')), 'lock_denied');
    const nobody = scene.world.speaker('ada', { named: false });
    assert.deepEqual(scene.releaseAll(nobody).released, []);
    assert.deepEqual(scene.release(nobody, 'a').released, []);
    assert.equal(scene.unwait(nobody, 'wait_ada'), false);
    refused(scene.verify(nobody, write('a')), 'lock_required');
    assert.deepEqual([scene.held.length, scene.line], [2, ['ada']]);
  });
});

describe('LOCK: deadlock, verify, break', () => {
  it('LOCK-13 a waiting acquire that closes a circle is deadlock, and not put in line', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    granted(scene.acquire(scene.bob, write('b')));
    granted(scene.acquire(scene.cy, write('c')));
    refused(scene.wait(scene.ada, write('b')), 'lock_denied');
    refused(scene.wait(scene.bob, write('c')), 'lock_denied');
    const { cycle, message } = refused(scene.wait(scene.cy, write('a')), 'deadlock');
    assert.deepEqual(cycle, [
      { agent: 'cy', resource: 'a', holder: 'ada' },
      { agent: 'ada', resource: 'b', holder: 'bob' },
      { agent: 'bob', resource: 'c', holder: 'cy' },
    ]);
    assert.match(message, /cy → ada → bob → cy/);
    assert.deepEqual(scene.line, ['ada', 'bob']);
    refused(scene.acquire(scene.cy, write('a')), 'lock_denied');
  });

  it('LOCK-13 a circle may go through the line: who is ahead is waited for', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, read('a')));
    granted(scene.acquire(scene.cy, write('c')));
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    refused(scene.wait(scene.cy, read('a')), 'lock_denied');
    const { cycle } = refused(scene.wait(scene.ada, write('c')), 'deadlock');
    assert.deepEqual(
      cycle.map(({ agent }) => agent),
      ['ada', 'cy', 'bob'],
    );
  });

  it('LOCK-13 every holder of a batch is followed, also behind one that is met twice', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('z')));
    granted(scene.acquire(scene.bob, [write('a'), write('b')]));
    granted(scene.acquire(scene.cy, write('c')));
    refused(scene.wait(scene.cy, write('z')), 'lock_denied');
    const { cycle } = refused(
      scene.wait(
        scene.ada,
        ['a', 'b', 'c'].map((it) => write(it)),
      ),
      'deadlock',
    );
    assert.deepEqual(
      cycle.map(({ agent }) => agent),
      ['ada', 'cy'],
    );
  });

  it('LOCK-13 a circle that came about later is found by the next renewal, which leaves the line', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    granted(scene.acquire(scene.bob, read('b')));
    refused(scene.wait(scene.ada, write('b')), 'lock_denied');
    refused(scene.wait(scene.cy, write('b')), 'lock_denied');
    scene.store.given({
      put: 'waiter',
      row: {
        ...scene.store.waiters[0]!,
        id: 'wait_bob' as WaiterId,
        agent: scene.bob.agent,
        requests: [{ ...scene.store.locks[0]!, hash: null }],
      },
    });
    refused(scene.wait(scene.ada, write('b')), 'deadlock');
    assert.deepEqual(scene.line, ['cy', 'bob']);
    assert.deepEqual(scene.dropped(), ['ada deadlock']);
  });

  it('LOCK-13 a circle that a broken lock has left is found by who renews a part of it, and by nobody else', () => {
    const scene = new Scene();
    const other = { waiter: 'wait_for_c' as WaiterId };
    granted(scene.acquire(scene.cy, [read('a'), write('b')]));
    granted(scene.acquire(scene.bob, [read('a'), write('c')]));
    refused(scene.wait(scene.ada, [write('a'), write('b')]), 'lock_denied');
    refused(scene.wait(scene.ada, write('c'), other), 'lock_denied');
    refused(scene.wait(scene.cy, write('a')), 'lock_denied');
    // Cy was to have more of what it had; now it stands behind Ada, who waits for it.
    scene.break(scene.bob, 'a');
    refused(scene.wait(scene.ada, write('c'), { ...other, renewal: true }), 'lock_denied');
    assert.deepEqual(scene.line, ['ada', 'ada', 'cy']);
    refused(scene.wait(scene.ada, [write('a'), write('b')], { renewal: true }), 'deadlock');
    assert.deepEqual(scene.line, ['ada', 'cy']);
    granted(scene.wait(scene.cy, write('a'), { renewal: true }));
  });

  it('LOCK-13 what has expired or fallen silent closes no circle', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    granted(scene.acquire(scene.bob, write('b')));
    refused(scene.wait(scene.ada, write('b')), 'lock_denied');
    scene.world.advance(30_000);
    refused(scene.wait(scene.bob, write('a')), 'lock_denied');
    assert.deepEqual(scene.line, ['bob']);
  });

  it('L-6 LOCK-14 a second waiting upgrade of one resource is deadlock', () => {
    const scene = new Scene();
    for (const who of [scene.ada, scene.bob, scene.cy]) granted(scene.acquire(who, read('a')));
    refused(scene.wait(scene.ada, write('a')), 'lock_denied');
    const { cycle } = refused(scene.wait(scene.bob, write('a')), 'deadlock');
    assert.deepEqual(
      cycle.map(({ agent, holder }) => [agent, holder]),
      [
        ['bob', 'ada'],
        ['ada', 'bob'],
      ],
    );
    scene.release(scene.bob, 'a');
    scene.release(scene.cy, 'a');
    granted(scene.wait(scene.ada, write('a')));
  });

  it('L-13 LOCK-15 verify lists what is not held for writing', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [write('a'), read('b')]));
    granted(scene.acquire(scene.bob, write('c')));
    const wishes = ['a', 'b', 'c', 'd'].map((resource) => ({ resource }));
    const { resources } = refused(scene.verify(scene.ada, ...wishes), 'lock_required');
    assert.deepEqual(resources, ['b', 'c', 'd']);
    const { locks } = granted(scene.verify(scene.ada, write('a')));
    assert.deepEqual(
      locks.map(({ resource, token }) => [resource, token]),
      [['a', 1]],
    );
    assert.equal(
      refused(scene.verify(scene.ada, write('/a')), 'bad_input').path,
      'wishes[0].resource',
    );
    scene.world.advance(30 * minute);
    refused(scene.verify(scene.ada, write('a')), 'lock_required');
  });

  it('L-13 LOCK-15 with hashes it shows what was added, removed or modified', () => {
    const scene = new Scene();
    const [one, two] = [hashOf('1'), hashOf('2')];
    granted(
      scene.acquire(scene.ada, [
        write('new', { hash: null }),
        write('old', { hash: one }),
        write('text', { hash: one }),
        write('same', { hash: one }),
      ]),
    );
    const { files } = refused(
      scene.verify(
        scene.ada,
        write('new', { hash: two }),
        write('old', { hash: null }),
        write('text', { hash: two }),
        write('same', { hash: one }),
      ),
      'conflict',
    );
    assert.deepEqual(
      files!.map(({ resource, base, theirs, change }) => [resource, base, theirs, change]),
      [
        ['new', null, two, 'added'],
        ['old', one, null, 'removed'],
        ['text', one, two, 'modified'],
      ],
    );
    granted(scene.verify(scene.ada, write('text'), write('same', { hash: one })));
  });

  it('LOCK-15 a lock on more vouches for what it covers, but knows no content', () => {
    const scene = new Scene();
    const hash = hashOf('1');
    granted(scene.acquire(scene.ada, [write('glob:src/*.ts'), write('b.ts', { hash })]));
    const covered = ['src/a.ts', 'src/a.ts#f', 'b.ts#f'];
    granted(scene.verify(scene.ada, ...covered.map((resource) => write(resource))));
    granted(scene.verify(scene.ada, write('src/a.ts', { hash })));
    const { files } = refused(scene.verify(scene.ada, write('b.ts#f', { hash: null })), 'conflict');
    assert.equal(files![0]!.change, 'removed');
    for (const resource of ['src/a.js', 'glob:src/*', 'workspace', 'task:1'])
      refused(scene.verify(scene.ada, write(resource)), 'lock_required');
    granted(scene.acquire(scene.ada, write('b.ts#f')));
    scene.release(scene.ada, 'b.ts');
    refused(scene.verify(scene.ada, write('b.ts')), 'lock_required');
  });

  it('LOCK-15 the workspace covers all of its worktree, a shared lock all worktrees', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('workspace')));
    granted(scene.verify(scene.ada, write('a'), write('glob:**')));
    const there = { kind: 'lock.verify', wishes: [write('a')], worktree: 'w' } as const;
    refused(scene.store.perform(there, scene.ada), 'lock_required');
    scene.releaseAll(scene.ada);
    granted(scene.acquire(scene.ada, write('a'), { shared: true }));
    granted(scene.store.perform(there, scene.ada));
    granted(scene.verify(scene.ada, write('a')));
  });

  it('LOCK-16 break takes every lock of exactly this resource, and keeps reason and former holder', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, [read('a'), read('a#f')]));
    granted(scene.acquire(scene.bob, read('a')));
    refused(scene.wait(scene.cy, write('a')), 'lock_denied');
    const { broken } = scene.break(scene.di, 'a', 'gone home');
    assert.deepEqual(
      broken.map(({ agent }) => agent),
      ['ada', 'bob'],
    );
    assert.deepEqual(scene.held, ['ada reads a#f']);
    assert.deepEqual(
      scene.events('lock.broken').map(({ agent, about, data }) => [agent, about, data.reason]),
      [
        ['di', 'ada', 'gone home'],
        ['di', 'bob', 'gone home'],
      ],
    );
    scene.break(scene.di, 'a#f');
    assert.deepEqual(scene.offered, ['cy']);
  });

  it('LOCK-16 nothing to break is fine, and what is no resource is not', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    scene.world.advance(hour);
    assert.deepEqual(scene.break(scene.di, 'a').broken, []);
    assert.equal(scene.events('lock.broken').length, 0);
    const bad = { kind: 'lock.break', resource: '/a', worktree: '', reason: 'x' } as const;
    assert.equal(refused(scene.store.perform(bad, scene.di), 'bad_input').path, 'resource');
  });

  it('LOCK-16 who holds nothing may break, without a name too', () => {
    const scene = new Scene();
    granted(scene.acquire(scene.ada, write('a')));
    assert.equal(
      scene.break(scene.world.speaker('nobody', { named: false }), 'a').broken.length,
      1,
    );
  });
});

/* ------------------------------------------------------------------ for any sequence */

interface Move {
  readonly who: number;
  readonly what: 'acquire' | 'wait' | 'release' | 'unwait' | 'all' | 'break' | 'pass';
  readonly wishes: readonly LockWish[];
  readonly ms: number;
}

const wish: fc.Arbitrary<LockWish> = fc.record({
  resource: fc.constantFrom('a', 'a#f', 'a#g', 'b', 'glob:*', 'glob:b*', 'task:1', 'workspace'),
  mode: fc.constantFrom('read', 'write'),
});
const move: fc.Arbitrary<Move> = fc.record({
  who: fc.nat(3),
  what: fc.constantFrom('acquire', 'wait', 'wait', 'release', 'unwait', 'all', 'break', 'pass'),
  wishes: fc.array(wish, { minLength: 1, maxLength: 3 }),
  ms: fc.constantFrom(1_000, 9_000, 20_000, 31_000, 31 * minute),
});

function make(scene: Scene, { who, what, wishes, ms }: Move): void {
  const speaker = [scene.ada, scene.bob, scene.cy, scene.di][who]!;
  const { resource } = wishes[0]!;
  const before = scene.store.locks;
  if (what === 'pass') scene.world.advance(ms);
  else if (what === 'release') scene.release(speaker, resource);
  else if (what === 'unwait') scene.unwait(speaker);
  else if (what === 'all') scene.releaseAll(speaker);
  else if (what === 'break') scene.break(speaker, resource);
  else {
    const answer = scene[what](speaker, wishes);
    const after = scene.store.locks;
    if (!answer.ok)
      assert.ok(
        after.every((lock) => before.includes(lock)),
        'a refusal changes no lock',
      );
  }
}

describe('LOCK: for any sequence', () => {
  it('LOCK-1 LOCK-5 LOCK-17 no incompatible locks stand, refusals change none, tokens grow', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
        const scene = new Scene();
        let fence = 0;
        for (const each of moves) {
          make(scene, each);
          const { locks } = scene.store;
          for (const one of locks)
            for (const other of locks)
              assert.ok(compatible(one, other), `${one.resource} and ${other.resource}`);
          const highest = Math.max(0, ...scene.store.counters.map(({ value }) => value));
          assert.ok(highest >= fence);
          fence = highest;
        }
        const tokens = scene.store.events.flatMap(({ kind, data }) =>
          (kind === 'lock.acquired' || kind === 'lock.upgraded') && 'row' in data
            ? [data.row.fence]
            : [],
        );
        assert.deepEqual(
          tokens,
          [...new Set(tokens)].sort((one, other) => one - other),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('LOCK-11 every waiter is answered: in the end the line is empty and each leaving has its event', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
        const scene = new Scene();
        for (const each of moves) make(scene, each);
        scene.world.advance(hour);
        granted(scene.acquire(scene.ada, write('workspace')));
        granted(scene.acquire(scene.ada, write('task:1')));
        assert.deepEqual(scene.line, []);
        const view = viewOf({ seq: 0, workflows: [], runs: [], guards: [] });
        const last = scene.store.events.reduce(evolve, view);
        assert.deepEqual([...last.waiters.values()], []);
        assert.deepEqual([...last.locks.values()], scene.store.locks);
        assert.deepEqual([...last.agents.values()], scene.store.agents);
      }),
      { numRuns: 300 },
    );
  });

  it('LOCK-11 whoever is offered its turn and takes it in time is granted', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 30 }), (moves) => {
        const scene = new Scene();
        for (const each of moves) {
          make(scene, each);
          const offered = scene.store.waiters.find(({ offer }) => offer !== null);
          if (!offered) continue;
          const { now } = scene.ada;
          if (now - offered.offer!.made.wall >= 10_000 || now - offered.renewed.wall >= 30_000)
            continue;
          const who = [scene.ada, scene.bob, scene.cy, scene.di].find(
            ({ agent }) => agent === offered.agent,
          )!;
          const wishes = offered.requests.map(({ resource, mode }) => ({ resource, mode }));
          granted(scene.acquire(who, wishes, { waiter: offered.id }));
        }
      }),
      { numRuns: 300 },
    );
  });
});
