/** Who gets which run (docs/rules.md, "Claims"). */
import assert from 'node:assert/strict';
import type { ClaimToken, TaskId, WaiterId, WorkflowId } from '../../src/core/model';
import { nextRun } from '../../src/core/rules/claims';
import { granted, refused } from './rowStore';
import { minute, Scene } from './runScene';

const workflow = 'wf' as WorkflowId;
const waiter = 'wait_1' as WaiterId;

describe('CLAIM: who gets which run', () => {
  it('CLAIM-1 takes the highest priority, then the oldest', () => {
    const scene = new Scene();
    const [low, high, alsoHigh, lowest] = [0, 5, 5, -1].map((priority) =>
      scene.create({ priority }),
    );
    const order = [1, 2, 3, 4].map(() => scene.claim().run.id);
    assert.deepEqual(order, [high?.id, alsoHigh?.id, low?.id, lowest?.id]);
  });

  it('CLAIM-1 takes of one workflow only when one is named', () => {
    const scene = new Scene();
    scene.create({ priority: 9 });
    const run = scene.create({ workflow });
    assert.equal(scene.claim({ workflow }).run.id, run.id);
    refused(scene.tryClaim({ workflow }), 'nothing_queued');
  });

  it('CLAIM-2 grants one of any number of claims for one run', () => {
    const scene = new Scene();
    scene.create();
    const answers = Array.from({ length: 8 }, (_, index) =>
      scene.tryClaim({}, scene.speaker(`agent${index}`)),
    );
    assert.deepEqual(
      answers.map(({ ok }) => ok),
      [true, ...Array<boolean>(7).fill(false)],
    );
  });

  it('A-3 four workers and ten runs: each run once', () => {
    const scene = new Scene();
    scene.createAll({ count: 10 });
    const workers = [1, 2, 3, 4].map((n) => scene.speaker(`worker${n}`));
    const claimed = Array.from({ length: 12 }, (_, turn) =>
      scene.tryClaim({ program: true }, workers[turn % 4]),
    );
    const ids = claimed.flatMap((answer) => (answer.ok ? [answer.facts.run.id] : []));
    assert.equal(ids.length, 10);
    assert.equal(new Set(ids).size, 10);
  });

  it('A-2 a claim of a run while it is being executed makes no double', () => {
    const scene = new Scene();
    const held = scene.running();
    refused(scene.tryClaim({ run: held.run.id }, scene.bob), 'invalid_transition');
    refused(scene.retry(held.run), 'invalid_transition');
    assert.equal(scene.store.runs.length, 1);
  });

  it('CLAIM-3 sets running, start, epoch and a lease as asked', () => {
    const scene = new Scene();
    const run = scene.create();
    scene.world.advance(7);
    const { run: row } = scene.claim({ leaseMs: 5_000 });
    const { now, session, beat } = scene.ann;
    assert.deepEqual([row.status, row.startedAt, row.epoch], ['running', now, run.epoch + 1]);
    const { tokenDigest, ...claim } = row.claim!;
    assert.deepEqual(claim, {
      agent: 'ann',
      session,
      epoch: 1,
      leaseMs: 5_000,
      leaseUntil: now + 5_000,
      beat,
      started: beat,
      process: null,
    });
    assert.match(tokenDigest, /^digest of /);
  });

  it('CLAIM-3 leases for 30 min to a plain claim and for 60 s to a program, unless set', () => {
    const scene = new Scene();
    assert.equal(scene.running().run.claim?.leaseMs, 30 * minute);
    const program = scene.running({}, { program: true }).run.claim;
    assert.deepEqual([program?.leaseMs, program?.process], [minute, scene.ann.process]);
    scene.set('lease.claim', 2_000);
    scene.set('lease.program', 1_000);
    assert.equal(scene.running().run.claim?.leaseMs, 2_000);
    assert.equal(scene.running({}, { program: true }).run.claim?.leaseMs, 1_000);
  });

  it('CLAIM-4 shows the token in the claim’s own reply and nowhere else', () => {
    const scene = new Scene();
    const held = scene.running();
    granted(scene.beat(held));
    const shown = [held.run, scene.store.runs, scene.store.events, granted(scene.complete(held))];
    const bare = JSON.stringify(shown).replaceAll(`digest of ${held.token}`, '');
    assert.ok(!bare.includes(held.token));
  });

  it('CLAIM-5 refuses another token, changes nothing, and says who holds the run', () => {
    const scene = new Scene();
    const held = { ...scene.running(), token: 'stolen' as ClaimToken };
    const row = scene.run(held.run);
    for (const answer of [scene.beat(held), scene.complete(held), scene.fail(held)]) {
      const { agent, status } = refused(answer, 'stale_claim');
      assert.deepEqual([agent, status], ['ann', 'running']);
    }
    assert.deepEqual(scene.run(held.run), row);
    const queued = { run: scene.create(), token: held.token };
    assert.equal(refused(scene.complete(queued), 'stale_claim').agent, null);
  });

  it('CLAIM-5 refuses the token of a claim that was lost', () => {
    const scene = new Scene();
    const held = scene.running({ maxAttempts: 2 });
    scene.world.advance(30 * minute);
    const { agent, status } = refused(scene.complete(held), 'stale_claim');
    assert.deepEqual([agent, status], [null, 'lost']);
    refused(scene.beat(held), 'stale_claim');
    refused(scene.fail(held), 'stale_claim');
  });

  it('CLAIM-6 says how many wait for dependencies, for their time, or are blocked', () => {
    const scene = new Scene();
    const held = scene.running();
    scene.createAll({ count: 2, dependsOn: [held.run.id] });
    scene.create({ notBefore: scene.ann.now + 700 });
    const broken = scene.create();
    scene.createAll({ count: 3, dependsOn: [broken.id] });
    granted(scene.cancel(broken));
    const refusal = refused(scene.tryClaim(), 'nothing_queued');
    assert.deepEqual(refusal.waiting, { dependencies: 2, notBefore: 1, blocked: 3 });
    assert.equal(refusal.retryAfterMs, 700);
    assert.ok(!('queuePosition' in refusal));
    const empty = refused(new Scene().tryClaim(), 'nothing_queued');
    assert.deepEqual(empty.waiting, { dependencies: 0, notBefore: 0, blocked: 0 });
    assert.equal(empty.retryAfterMs, 5_000);
  });

  it('CLAIM-6 asks to come again within 5 s, however far the next time is', () => {
    const scene = new Scene();
    scene.create({ notBefore: scene.ann.now + minute });
    assert.equal(refused(scene.tryClaim(), 'nothing_queued').retryAfterMs, 5_000);
  });

  it('CLAIM-7 run next shows what a claim would give, and changes nothing', () => {
    const scene = new Scene();
    scene.set('slots', 2);
    scene.create();
    const other = scene.create({ workflow });
    const before = scene.store.contents();
    assert.equal(scene.store.ask(nextRun(workflow, scene.bob))?.id, other.id);
    const next = scene.store.ask(nextRun(null, scene.bob));
    assert.deepEqual(scene.store.contents(), before);
    assert.equal(scene.claim({}, scene.bob).run.id, next?.id);
    scene.claim({ workflow });
    scene.create();
    assert.equal(scene.store.ask(nextRun(null, scene.bob)), null);
  });

  it('CLAIM-7 run next is what is left when those in line have taken theirs', () => {
    const scene = new Scene();
    refused(scene.tryClaim({ waiter }), 'nothing_queued');
    const [, second] = scene.createAll({ count: 2 });
    assert.equal(scene.store.ask(nextRun(null, scene.bob))?.id, second?.id);
  });

  it('CLAIM-8 a claim of one run needs that it is queued and claimable', () => {
    const scene = new Scene();
    const held = scene.running();
    refused(scene.tryClaim({ run: held.run.id }), 'invalid_transition');
    const dependent = scene.create({ dependsOn: [held.run.id] });
    assert.deepEqual(refused(scene.tryClaim({ run: dependent.id }), 'nothing_queued').waiting, {
      dependencies: 1,
      notBefore: 0,
      blocked: 0,
    });
    const later = scene.create({ notBefore: scene.ann.now + 1_000 });
    const refusal = refused(scene.tryClaim({ run: later.id }), 'nothing_queued');
    assert.deepEqual(refusal.waiting, { dependencies: 0, notBefore: 1, blocked: 0 });
    assert.equal(refusal.retryAfterMs, 1_000);
    scene.world.advance(1_000);
    assert.equal(scene.claim({ run: later.id }).run.id, later.id);
  });

  it('CLAIM-10 makes the run that it takes, and nobody can have it in between', () => {
    const scene = new Scene();
    const other = scene.create({ priority: 9 });
    const { run } = scene.claim({ create: { title: 'mine', timeoutMs: minute }, program: true });
    assert.deepEqual(
      [run.title, run.status, run.timeoutMs, run.claim?.agent],
      ['mine', 'running', minute, 'ann'],
    );
    const kinds = scene.store.events.filter((event) => event.run === run.id);
    assert.deepEqual(
      kinds.map(({ kind }) => kind),
      ['run.created', 'run.claimed'],
    );
    assert.equal(scene.claim({}, scene.bob).run.id, other.id);
    refused(scene.tryClaim({}, scene.bob), 'nothing_queued');
  });

  it('CLAIM-10 makes nothing where there is no slot, or where others have waited longer', () => {
    const scene = new Scene();
    scene.set('slots', 1);
    const held = scene.running();
    const create = { title: 'mine' };
    assert.equal(refused(scene.tryClaim({ create }), 'no_slot').queuePosition, 1);
    scene.create();
    refused(scene.tryClaim({ waiter }, scene.bob), 'no_slot');
    scene.complete(held);
    assert.equal(refused(scene.tryClaim({ create }), 'no_slot').queuePosition, 2);
    assert.equal(scene.store.runs.length, 2);
    scene.claim({ waiter }, scene.bob);
    scene.set('slots', 3);
    scene.set(`slots.${workflow}`, 1);
    scene.claim({ create: { ...create, workflow } });
    const full = refused(scene.tryClaim({ create: { ...create, workflow } }), 'no_slot');
    assert.equal(full.workflow, workflow);
    assert.equal(scene.store.runs.length, 3);
  });

  it('CLAIM-10 takes the slot of a run whose lease is over', () => {
    const scene = new Scene();
    scene.set('slots', 1);
    const held = scene.running({}, { program: true });
    scene.world.advance(2 * minute);
    scene.claim({ create: { title: 'mine' } }, scene.bob);
    assert.equal(scene.status(held.run), 'lost');
  });

  it('CLAIM-10 is refused as the making is, or beside a run or a place in line', () => {
    const scene = new Scene();
    const task = 't1' as TaskId;
    scene.create({ workflow, task });
    refused(scene.tryClaim({ create: { title: 'again', workflow, task } }), 'task_busy');
    refused(scene.tryClaim({ create: { title: 'mine' }, waiter }), 'bad_input');
    const run = scene.store.runs[0]?.id;
    refused(scene.tryClaim({ create: { title: 'mine' }, ...(run ? { run } : {}) }), 'bad_input');
    assert.equal(scene.store.runs.length, 1);
  });

  it('CLAIM-9 claiming needs an agent', () => {
    const scene = new Scene();
    scene.create();
    const unnamed = scene.speaker('unnamed', { named: false });
    assert.match(refused(scene.tryClaim({}, unnamed), 'agent_required').register, /register/);
    assert.equal(scene.store.runs[0]?.status, 'queued');
  });
});
