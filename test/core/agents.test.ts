/** Who is there, for how long, and what goes with them (AGENT-n). */
import assert from 'node:assert/strict';
import type { AgentRow, Answer, Granted, LeaveAgent, WaiterId } from '../../src/core/model';
import { sweepAgent } from '../../src/core/rules/agents';
import { evolve, viewOf } from '../../src/core/views';
import { granted, refused, type Speaker } from './rowStore';
import { minute, Scene } from './runScene';

const day = 24 * 60 * minute;

/** Agents, their sessions and some locks. */
class Office extends Scene {
  readonly cy = this.speaker('cy');

  register(who: Speaker, fields: object = {}): AgentRow {
    const command = { kind: 'agent.register', name: who.agent, ...fields } as const;
    return granted(this.perform(command, who)).agent;
  }

  start(who: Speaker): void {
    granted(this.perform({ kind: 'session.start' }, who));
  }

  end(who: Speaker): void {
    granted(this.perform({ kind: 'session.end' }, who));
  }

  touch(who: Speaker): void {
    granted(this.perform({ kind: 'agent.touch' }, who));
  }

  lock(who: Speaker, resource: string, waiter?: string): Answer<Granted['lock.acquire']> {
    const wait = waiter === undefined ? {} : { waiter: waiter as WaiterId };
    return this.perform(
      { kind: 'lock.acquire', wishes: [{ resource }], worktree: '', ...wait },
      who,
    );
  }

  leave(who: Speaker, fields: Partial<LeaveAgent> = {}): Answer<Granted['agent.leave']> {
    return this.perform({ kind: 'agent.leave', ...fields }, who);
  }

  get names(): string[] {
    return this.store.agents.map(({ name }) => name);
  }

  row(who: Speaker): AgentRow {
    return this.store.agents.find(({ name }) => name === who.agent)!;
  }
}

describe('AGENT: names', () => {
  it('AGENT-1 a known name is described anew, and keeps id and holdings', () => {
    const office = new Office();
    const first = office.register(office.ann, { agentKind: 'worker', description: 'builds' });
    granted(office.lock(office.ann, 'a'));
    office.world.advance(minute);
    const again = office.register(office.ann, { description: 'tests' });
    assert.deepEqual(again, { ...first, description: 'tests', seen: office.ann.beat });
    assert.equal(office.register(office.ann, { agentKind: 'mcp' }).kind, 'mcp');
    assert.equal(office.row(office.ann).description, 'tests');
    assert.equal(office.store.locks.length, 1);
    assert.deepEqual(office.names, ['ann']);
  });

  it('AGENT-1 a new name has the kind of its speaker, and its first event names it', () => {
    const office = new Office();
    const worker = office.speaker('worker', { agentKind: 'worker' });
    const agent = office.register(worker);
    assert.deepEqual([agent.kind, agent.description], ['worker', '']);
    assert.equal(agent.registeredAt, worker.now);
    const [event] = office.store.events;
    assert.deepEqual([event?.kind, event?.about], ['agent.registered', 'worker']);
  });

  it('AGENT-1 RUN-13 fields of a newer version survive', () => {
    const office = new Office();
    const row = { ...office.register(office.ann), mood: 'new' };
    office.store.given({ put: 'agent', row });
    office.world.advance(minute);
    office.touch(office.ann);
    assert.equal((office.register(office.ann) as { mood?: string }).mood, 'new');
  });

  it('AGENT-2 what holds something needs a name, and is told the line that registers one', () => {
    const office = new Office();
    const nobody = office.speaker('nobody', { named: false });
    const run = office.create();
    for (const answer of [
      office.lock(nobody, 'a'),
      office.tryClaim({ run: run.id }, nobody),
      office.perform({ kind: 'session.start' }, nobody),
      office.perform({ kind: 'agent.touch' }, nobody),
      office.leave(nobody),
    ])
      assert.match(refused(answer, 'agent_required').register, /^wavelock agent register --name/);
    assert.deepEqual(office.names, []);
  });

  it('AGENT-2 that line works for one who has no name yet', () => {
    const office = new Office();
    const nobody = office.speaker('nobody', { named: false });
    const command = { kind: 'agent.register', name: office.ann.agent } as const;
    granted(office.perform(command, nobody));
    assert.deepEqual(office.names, ['ann']);
  });

  it('AGENT-2 a new name is registered on first use, also when it is refused', () => {
    const office = new Office();
    granted(office.lock(office.ann, 'a'));
    refused(office.lock(office.bob, 'a'), 'lock_denied');
    assert.deepEqual(office.names, ['ann', 'bob']);
    granted(office.lock(office.ann, 'b'));
    assert.deepEqual(office.names, ['ann', 'bob']);
  });

  it('AGENT-2 reading and creating need no name', () => {
    const office = new Office();
    const nobody = office.speaker('nobody', { named: false });
    granted(office.perform({ kind: 'run.create', title: 'work' }, nobody));
    assert.deepEqual(office.names, []);
  });

  it('AGENT-2 an unnamed caller is no sign of life of one whose name it happens to have', () => {
    const office = new Office();
    const { seen } = office.register(office.ann);
    office.world.advance(minute);
    office.sweep(office.speaker('ann', { named: false }));
    assert.deepEqual(office.row(office.ann).seen, seen);
  });

  it('AGENT-7 every command is a sign of life, also a refused one, written once in 30 s', () => {
    const office = new Office();
    office.start(office.ann);
    granted(office.lock(office.bob, 'a'));
    const { seen } = office.row(office.ann);
    office.world.advance(29_999);
    office.touch(office.ann);
    assert.deepEqual(office.row(office.ann).seen, seen);
    office.world.advance(1);
    const { seq } = office.store;
    refused(office.lock(office.ann, 'a'), 'lock_denied');
    assert.deepEqual(office.row(office.ann).seen, office.ann.beat);
    assert.deepEqual(office.store.sessions[0]!.seen, office.ann.beat);
    office.touch(office.ann);
    assert.deepEqual(office.kindsSince(seq), ['agent.seen']);
  });

  it('AGENT-7 a beat of another boot or host is too old to tell: the sign is written', () => {
    const office = new Office();
    office.register(office.ann);
    const elsewhere = office.speaker('ann', { host: 'far', bootId: 'farBoot' });
    office.touch(elsewhere);
    assert.equal(office.row(office.ann).seen.host, 'far');
  });
});

describe('AGENT: sessions', () => {
  it('AGENT-3 the end of a session takes nothing from its agent', () => {
    const office = new Office();
    office.start(office.ann);
    granted(office.lock(office.ann, 'a'));
    const held = office.running();
    office.end(office.ann);
    assert.deepEqual(office.store.sessions, []);
    assert.equal(office.store.locks.length, 1);
    assert.equal(office.status(held.run), 'running');
    const later = office.speaker('ann');
    const command = { kind: 'lock.release', resources: ['a'], worktree: '' } as const;
    assert.equal(granted(office.perform(command, later)).released.length, 1);
  });

  it('AGENT-3 ending what has not begun is fine', () => {
    const office = new Office();
    office.end(office.ann);
    assert.deepEqual(office.store.events, []);
  });

  it('AGENT-3 a session starts with process and time, and its end names it', () => {
    const office = new Office();
    office.start(office.ann);
    const { session, process, now, beat } = office.ann;
    assert.deepEqual(office.store.sessions, [
      { id: session, agent: 'ann', process, startedAt: now, seen: beat },
    ]);
    office.end(office.ann);
    const last = office.store.events.at(-1)!;
    assert.deepEqual(
      [last.kind, last.about, last.data],
      ['session.ended', session, { why: 'closed' }],
    );
  });

  it('AGENT-8 a session whose process is gone is no live session', () => {
    const office = new Office();
    office.start(office.ann);
    office.world.advance(6 * minute);
    assert.deepEqual(office.sweep().agents, []);
    office.world.end(office.ann);
    assert.deepEqual(office.sweep().agents, ['ann']);
    const ended = office.store.events.find(({ kind }) => kind === 'session.ended')!;
    assert.deepEqual([ended.about, ended.data], [office.ann.session, { why: 'process-gone' }]);
  });

  it('AGENT-8 nor is one of an older boot of its host', () => {
    const office = new Office();
    office.start(office.ann);
    office.world.advance(6 * minute);
    office.bob.reboot();
    assert.deepEqual(office.sweep().agents, []);
    const ended = office.store.events.find(({ kind }) => kind === 'session.ended');
    assert.equal(ended, undefined);
    office.world.advance(5 * minute);
    assert.deepEqual(office.sweep().agents, ['ann']);
    assert.deepEqual(
      office.store.events.flatMap(({ kind, data }) => (kind === 'session.ended' ? [data.why] : [])),
      ['other-boot'],
    );
  });

  it('AGENT-8 of a session that nobody here can look at, its silence decides', () => {
    const office = new Office();
    const far = office.speaker('far', { host: 'far', bootId: 'farBoot' });
    const boxed = office.speaker('boxed', { pidNamespace: 'box' });
    office.start(far);
    office.start(boxed);
    office.world.advance(4 * minute);
    office.touch(boxed);
    office.world.advance(2 * minute);
    assert.deepEqual(office.sweep().agents, []);
    office.world.advance(3 * minute + 1);
    assert.deepEqual(office.sweep().agents, ['boxed']);
    // First the agent's silence is seen for 5 min, then that of its session.
    office.world.advance(3 * minute);
    assert.deepEqual(office.sweep().agents, []);
    office.world.advance(5 * minute);
    assert.deepEqual(office.sweep().agents, ['far']);
    assert.deepEqual(office.store.sightings, []);
  });
});

describe('AGENT: leaving', () => {
  it('L-12 AGENT-4 leaving releases all locks and waiters and ends all sessions in one transaction', () => {
    const office = new Office();
    office.set('slots', 1);
    const second = office.speaker('ann');
    office.start(office.ann);
    office.start(second);
    office.start(office.bob);
    granted(office.lock(office.ann, 'a'));
    granted(office.lock(office.bob, 'b'));
    refused(office.lock(office.ann, 'b', 'ann waits'), 'lock_denied');
    refused(office.lock(office.cy, 'a', 'cy waits'), 'lock_denied');
    const held = office.running({}, {}, office.bob);
    const waiting = { run: office.create().id, waiter: 'slot ann' as WaiterId };
    refused(office.tryClaim(waiting), 'no_slot');
    refused(office.tryClaim({ ...waiting, waiter: 'slot cy' as WaiterId }, office.cy), 'no_slot');
    const { seq } = office.store;
    const { locks, lost } = granted(office.leave(office.ann));
    assert.deepEqual([locks.length, lost], [1, []]);
    assert.deepEqual(office.names, ['bob', 'cy']);
    assert.deepEqual(
      office.store.locks.map(({ agent }) => agent),
      ['bob'],
    );
    assert.deepEqual(
      office.store.waiters.map(({ agent, offer }) => [agent, offer !== null]),
      [['cy', true]],
    );
    assert.deepEqual(
      office.store.slotWaiters.map(({ agent }) => agent),
      ['cy'],
    );
    assert.deepEqual(
      office.store.sessions.map(({ agent }) => agent),
      ['bob'],
    );
    assert.equal(office.status(held.run), 'running');
    assert.deepEqual(office.kindsSince(seq), [
      'lock.released',
      'lock.dropped',
      'lock.offered',
      'slot.dropped',
      'agent.left',
    ]);
    assert.equal(new Set(office.store.events.slice(seq).map(({ opId }) => opId)).size, 1);
  });

  it('AGENT-4 what the events say is what the rows are', () => {
    const office = new Office();
    office.start(office.ann);
    granted(office.lock(office.ann, 'a'));
    refused(office.lock(office.bob, 'a', 'w'), 'lock_denied');
    office.world.advance(minute);
    office.touch(office.ann);
    granted(office.leave(office.bob, { agent: office.ann.agent }));
    const empty = viewOf({ seq: 0, workflows: [], runs: [], guards: [] });
    const view = office.store.events.reduce(evolve, empty);
    assert.deepEqual([...view.agents.values()], office.store.agents);
    assert.deepEqual([...view.sessions.values()], office.store.sessions);
    assert.deepEqual([...view.locks.values()], office.store.locks);
    assert.deepEqual([...view.waiters.values()], office.store.waiters);
  });

  it('AGENT-4 who is not there has left already', () => {
    const office = new Office();
    assert.deepEqual(granted(office.leave(office.ann)), { locks: [], lost: [] });
    assert.deepEqual(office.store.events, []);
  });

  it('AGENT-6 leaving while holding runs is a conflict that names them, and changes nothing', () => {
    const office = new Office();
    granted(office.lock(office.ann, 'a'));
    const [one, two] = [office.running(), office.running()];
    const { runs } = refused(office.leave(office.ann), 'conflict');
    assert.deepEqual(runs, [one.run.id, two.run.id]);
    assert.deepEqual([office.names, office.store.locks.length], [['ann'], 1]);
  });

  it('AGENT-6 by force they are lost in that transaction', () => {
    const office = new Office();
    const held = office.running({ maxAttempts: 2 });
    const ended = office.running();
    granted(office.complete(ended));
    const { lost } = granted(office.leave(office.bob, { agent: office.ann.agent, force: true }));
    assert.deepEqual(lost, [held.run.id]);
    assert.equal(office.status(held.run), 'lost');
    assert.equal(office.status(ended.run), 'completed');
    const event = office.store.events.find(({ kind }) => kind === 'run.lost')!;
    assert.ok(event.kind === 'run.lost');
    assert.equal(event.data.evidence.rule, 'forced');
    assert.equal(office.store.runs.at(-1)!.retryOf, held.run.id);
    const left = office.store.events.at(-1)!;
    assert.deepEqual([left.kind, left.about, left.data], ['agent.left', 'ann', { forced: true }]);
    refused(office.beat(held), 'stale_claim');
  });

  it('AGENT-6 a run whose lease is over holds nobody back', () => {
    const office = new Office();
    const held = office.running({}, { leaseMs: minute });
    office.world.advance(minute);
    assert.deepEqual(granted(office.leave(office.ann)).lost, []);
    assert.equal(office.status(held.run), 'lost');
  });

  it('AGENT-5 an agent is swept when it was silent for 5 min', () => {
    const office = new Office();
    office.register(office.ann);
    office.world.advance(5 * minute - 1);
    assert.deepEqual(office.sweep().agents, []);
    office.world.advance(1);
    office.touch(office.bob);
    assert.deepEqual(office.sweep().agents, []);
    office.world.advance(1);
    assert.deepEqual(office.sweep().agents, ['ann']);
    assert.deepEqual(office.names, ['bob']);
    const event = office.store.events.at(-1)!;
    assert.deepEqual(
      [event.kind, event.about, event.data],
      ['agent.swept', 'ann', { silentMs: 5 * minute + 1 }],
    );
  });

  it('AGENT-5 not while it has a live session', () => {
    const office = new Office();
    const second = office.speaker('ann');
    office.start(office.ann);
    office.start(second);
    office.world.advance(day);
    office.world.end(second);
    assert.deepEqual(office.sweep().agents, []);
    assert.equal(office.store.sessions.length, 1);
    office.end(office.ann);
    office.world.advance(6 * minute);
    assert.deepEqual(office.sweep().agents, ['ann']);
  });

  it('AGENT-5 not while it holds a lock that has not expired', () => {
    const office = new Office();
    granted(office.lock(office.ann, 'a'));
    office.world.advance(29 * minute);
    assert.deepEqual(office.sweep().agents, []);
    office.world.advance(minute);
    assert.deepEqual(office.sweep().agents, ['ann']);
  });

  it('AGENT-5 not while it holds a lease that has not ended', () => {
    const office = new Office();
    office.running();
    office.world.advance(29 * minute);
    assert.deepEqual(office.sweep().agents, []);
    office.world.advance(minute);
    assert.deepEqual(office.sweep().agents, ['ann']);
  });

  it('AGENT-5 it is judged also where no sweep has expired its locks and runs before', () => {
    const office = new Office();
    granted(office.lock(office.ann, 'a'));
    const held = office.running({}, { leaseMs: minute });
    office.world.advance(30 * minute);
    const answer = drive(office, office.ann.agent);
    assert.equal(answer, true);
    assert.deepEqual([office.names, office.store.locks], [[], []]);
    assert.equal(office.status(held.run), 'lost');
    assert.equal(drive(office, office.ann.agent), false);
  });
});

/** The sweep of one agent, alone. */
function drive(office: Office, name: AgentRow['name']): boolean {
  const { bob, store } = office;
  const step = sweepAgent(name, bob);
  let asked = step.next();
  while (asked.done !== true) {
    if ('rows' in asked.value) asked = step.next(store.answer(asked.value));
    else {
      store.given(...asked.value.write);
      asked = step.next(undefined);
    }
  }
  return asked.value;
}
