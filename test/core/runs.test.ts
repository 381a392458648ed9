/** What a run is and how it ends (docs/rules.md, "Runs" and "Stopping"). */
import assert from 'node:assert/strict';
import { blockedBy } from '../../src/core/views';
import type {
  ClaimToken,
  Command,
  EndedStatus,
  RunId,
  RunRow,
  TaskId,
  WorkflowId,
} from '../../src/core/model';
import { cycleThrough } from '../../src/core/rules/links';
import { isEnded, newRun, statusOrder } from '../../src/core/rules/runs';
import { granted, refused, type RowStore } from './rowStore';
import { minute, Scene, type Held } from './runScene';

const nobody = 'run_nobody' as RunId;
const task = 'build' as TaskId;
const workflow = 'wf' as WorkflowId;

/** Every command that could move a run on. */
const transitions = ({ run: { id: run }, token }: Held): readonly Command[] => [
  { kind: 'run.claim', run },
  { kind: 'run.heartbeat', run, token },
  { kind: 'run.complete', run, token },
  { kind: 'run.fail', run, token, error: { message: 'late' } },
  { kind: 'run.cancel', run },
  { kind: 'run.kill', run },
  { kind: 'run.link', run },
  { kind: 'run.handoff', run, note: 'late' },
];

/** A run that has ended so, and the token of its claim. */
function ended(scene: Scene, status: EndedStatus): Held {
  const held = scene.running();
  if (status === 'completed') granted(scene.complete(held));
  else if (status === 'lost') {
    scene.world.advance(31 * minute);
    scene.sweep();
  } else granted(scene.fail(held, { as: status }));
  assert.equal(scene.status(held.run), status);
  return held;
}

function blockersOf(store: RowStore, run: RunRow): readonly (RunId | undefined)[] {
  const chain = (id: RunId): readonly RunRow[] =>
    [...store.archive, ...store.runs].filter((row) => row.root === store.run(id).root);
  return blockedBy(run, chain).map(({ newest }) => newest?.id);
}

describe('RUN: what a run is', () => {
  it('RUN-1 lets a status only rise', () => {
    const scene = new Scene();
    const held = scene.running({ maxAttempts: 2 });
    granted(scene.fail(held));
    const seen = new Map<RunId, number>();
    for (const event of scene.store.events) {
      if (!('row' in event.data) || event.data.row === null || !('root' in event.data.row))
        continue;
      const { id, status } = event.data.row;
      assert.ok(statusOrder[status] >= (seen.get(id) ?? 0), `${id} fell back to ${status}`);
      seen.set(id, statusOrder[status]);
    }
    assert.deepEqual([...seen.values()], [2, 0]);
    assert.deepEqual(
      ['queued', 'running', 'completed', 'error', 'killed', 'cancelled', 'lost'].filter((status) =>
        isEnded(status as RunRow['status']),
      ),
      ['completed', 'error', 'killed', 'cancelled', 'lost'],
    );
  });

  for (const status of ['completed', 'error', 'killed', 'cancelled'] as const) {
    it(`RUN-2 refuses every transition of a run that has ended as ${status}`, () => {
      const scene = new Scene();
      const held = ended(scene, status);
      const before = scene.store.contents();
      for (const command of transitions(held)) {
        const refusal = refused(scene.perform(command), 'invalid_transition');
        assert.deepEqual([refusal.run, refusal.status], [held.run.id, status]);
      }
      assert.deepEqual(before, withoutRates(scene, before));
    });
  }

  it('R-7 an ended run refuses every transition, a lost one its holder by stale_claim', () => {
    const scene = new Scene();
    const held = ended(scene, 'lost');
    const row = scene.run(held.run);
    const codes = transitions(held).map((command) => {
      const answer = scene.perform(command);
      return answer.ok ? 'granted' : answer.refusal.code;
    });
    assert.deepEqual(new Set(codes), new Set(['invalid_transition', 'stale_claim']));
    assert.deepEqual(scene.run(held.run), row);
  });

  it('RUN-3 knows a run that is archived, and no other', () => {
    const scene = new Scene();
    const held = ended(scene, 'completed');
    scene.archive(held.run.id);
    for (const command of transitions(held)) refused(scene.perform(command), 'invalid_transition');
    refused(scene.perform({ kind: 'run.retry', run: held.run.id }), 'invalid_transition');
  });

  it('R-8 an unknown run refuses', () => {
    const scene = new Scene();
    const held = { run: { id: nobody } as RunRow, token: 'x' as ClaimToken };
    for (const command of transitions(held)) {
      assert.equal(refused(scene.perform(command), 'unknown_run').run, nobody);
    }
    refused(scene.perform({ kind: 'run.retry', run: nobody }), 'unknown_run');
  });

  it('RUN-4 creates as many as were asked for, each with its own id, or none', () => {
    const scene = new Scene();
    const runs = scene.createAll({ count: 3 });
    assert.equal(new Set(runs.map(({ id }) => id)).size, 3);
    assert.deepEqual(
      runs.map(({ status, root, id }) => [status, root === id]),
      Array.from({ length: 3 }, () => ['queued', true]),
    );
    assert.deepEqual(scene.kindsSince(0), ['run.created', 'run.created', 'run.created']);
    const command = { kind: 'run.create', title: 'x', count: 2, parent: nobody } as const;
    refused(scene.perform(command), 'unknown_run');
    assert.equal(scene.store.runs.length, 3);
  });

  it('RUN-4 keeps what was said, and gives the rest its default', () => {
    const scene = new Scene();
    const said = {
      title: 'said',
      workflow,
      wave: 2,
      task,
      priority: 5,
      maxAttempts: 3,
      backoff: { baseMs: 1, capMs: 2 },
      notBefore: 7,
      timeoutMs: 8,
      links: [{ kind: 'log', target: 'log.txt' }],
    } as const;
    const row = scene.create(said);
    assert.deepEqual({ ...row, ...said }, row);
    const plain = scene.create();
    const { id, now } = { id: plain.id, now: scene.ann.now };
    assert.deepEqual(plain, newRun({ id, title: 'work' }, { now }));
  });

  it('RUN-5 accepts parents and dependencies of the live store and of the archive only', () => {
    const scene = new Scene();
    const old = ended(scene, 'error').run.id;
    scene.archive(old);
    const present = scene.create().id;
    const row = scene.create({ parent: old, dependsOn: [old, present, old] });
    assert.deepEqual([row.parent, row.dependsOn, row.unmet], [old, [old, present], [old, present]]);
    for (const fields of [{ parent: nobody }, { dependsOn: [present, nobody] }]) {
      const answer = scene.perform({ kind: 'run.create', title: 'x', ...fields });
      assert.equal(refused(answer, 'unknown_run').run, nobody);
      refused(scene.perform({ kind: 'run.link', run: present, ...fields }), 'unknown_run');
    }
  });

  it('RUN-6 refuses a link that would close a cycle of dependencies, with its path', () => {
    const scene = new Scene();
    const a = scene.create().id;
    const b = scene.create({ dependsOn: [a] }).id;
    const c = scene.create({ dependsOn: [b] }).id;
    const answer = scene.perform({ kind: 'run.link', run: a, dependsOn: [c] });
    assert.deepEqual(refused(answer, 'cycle').path, [a, c, b, a]);
    const self = scene.perform({ kind: 'run.link', run: a, dependsOn: [a] });
    assert.deepEqual(refused(self, 'cycle').path, [a, a]);
    assert.deepEqual(scene.run({ id: a }).dependsOn, []);
  });

  it('RUN-6 refuses a link that would close a cycle of parents', () => {
    const scene = new Scene();
    const grandparent = scene.create().id;
    const parent = scene.create({ parent: grandparent }).id;
    const child = scene.create({ parent }).id;
    const answer = scene.perform({ kind: 'run.link', run: grandparent, parent: child });
    assert.deepEqual(refused(answer, 'cycle').path, [grandparent, child, parent, grandparent]);
  });

  it('RUN-5 a dependency that is named twice is one', () => {
    const scene = new Scene();
    const { id } = scene.create();
    const last = scene.create({ dependsOn: [id, id] });
    assert.deepEqual([last.dependsOn, last.unmet], [[id], [id]]);
  });

  it('RUN-6 takes all attempts of a chain for one, and the links of the newest', () => {
    const scene = new Scene();
    const first = scene.create();
    granted(scene.cancel(first));
    const second = granted(scene.retry(first)).run;
    const other = scene.create();
    granted(scene.perform({ kind: 'run.link', run: second.id, dependsOn: [other.id] }));
    // Only the second attempt depends on the other; the first is named.
    const last = scene.create({ dependsOn: [first.id] });
    const answer = scene.perform({ kind: 'run.link', run: other.id, dependsOn: [last.id] });
    assert.deepEqual(refused(answer, 'cycle').path, [other.id, last.id, first.id, other.id]);
  });

  it('RUN-6 finds the circle that another attempt of the same chain closes', () => {
    const scene = new Scene();
    const first = scene.create();
    const last = scene.create({ dependsOn: [first.id] });
    granted(scene.cancel(first));
    const second = granted(scene.retry(first)).run;
    const answer = scene.perform({ kind: 'run.link', run: second.id, dependsOn: [last.id] });
    assert.deepEqual(refused(answer, 'cycle').path, [second.id, last.id, first.id]);
  });

  it('RUN-6 finds its way through a diamond once', () => {
    const scene = new Scene();
    const top = scene.create();
    const sides = scene.createAll({ count: 2, dependsOn: [top.id] }).map(({ id }) => id);
    const bottom = scene.create({ dependsOn: sides });
    const free = scene.create();
    const links = { parent: bottom.id, dependsOn: [bottom.id] };
    assert.equal(scene.store.ask(cycleThrough(free, links)), null);
    granted(scene.perform({ kind: 'run.link', run: free.id, ...links }));
    const { parent, dependsOn, unmet } = scene.run(free);
    assert.deepEqual([parent, dependsOn, unmet], [bottom.id, [bottom.id], [bottom.id]]);
  });

  it('RUN-6 a link to nobody leads nowhere', () => {
    const scene = new Scene();
    const links = { parent: nobody, dependsOn: [nobody] };
    assert.equal(scene.store.ask(cycleThrough(scene.create(), links)), null);
  });

  it('RUN-6 links a queued run only, and what is linked already is granted', () => {
    const scene = new Scene();
    const parent = scene.create().id;
    const run = scene.create({ parent, dependsOn: [parent] });
    const { seq } = scene.store;
    const again = { kind: 'run.link', run: run.id, parent, dependsOn: [parent] } as const;
    assert.deepEqual(granted(scene.perform(again)).run, run);
    assert.equal(scene.store.seq, seq);
    const held = scene.running();
    refused(scene.perform({ ...again, run: held.run.id }), 'invalid_transition');
  });

  it('RUN-7 a run becomes claimable in the transaction that completes its last dependency', () => {
    const scene = new Scene();
    const [one, other] = [scene.running(), scene.running()];
    const run = scene.create({ dependsOn: [one.run.id, other.run.id] });
    refused(scene.tryClaim({ run: run.id }), 'nothing_queued');
    granted(scene.complete(one));
    assert.deepEqual(scene.run(run).unmet, [other.run.id]);
    refused(scene.tryClaim({ run: run.id }), 'nothing_queued');
    granted(scene.complete(other));
    const event = scene.store.events.at(-1);
    assert.deepEqual(event?.kind === 'run.completed' && event.data.released, [
      { run: run.id, unmet: [] },
    ]);
    assert.equal(scene.claim({ run: run.id }).run.status, 'running');
  });

  it('RUN-7 a dependency that has completed already holds nothing up', () => {
    const scene = new Scene();
    const done = ended(scene, 'completed').run.id;
    const again = scene.running({ maxAttempts: 2, backoff: { baseMs: 0, capMs: 0 } });
    granted(scene.fail(again));
    granted(scene.complete(scene.claim()));
    // Its first attempt failed, its second completed.
    assert.deepEqual(scene.create({ dependsOn: [done, again.run.id] }).unmet, []);
  });

  it('RUN-8 a queued run is blocked by a dependency that failed for good, until it is retried', () => {
    const scene = new Scene();
    const held = scene.running({ maxAttempts: 1 });
    const run = scene.create({ dependsOn: [held.run.id] });
    assert.deepEqual(blockersOf(scene.store, run), []);
    granted(scene.fail(held));
    assert.deepEqual(blockersOf(scene.store, scene.run(run)), [held.run.id]);
    const waiting = { dependencies: 0, notBefore: 0, blocked: 1 };
    assert.deepEqual(refused(scene.tryClaim(), 'nothing_queued').waiting, waiting);
    assert.deepEqual(refused(scene.tryClaim({ run: run.id }), 'nothing_queued').waiting, waiting);
    granted(scene.retry(held.run));
    assert.deepEqual(blockersOf(scene.store, scene.run(run)), []);
  });

  it('RUN-9 every end sets its time, keeps the claim, and frees the slot', () => {
    for (const status of ['completed', 'error', 'killed', 'cancelled', 'lost'] as const) {
      const scene = new Scene();
      scene.set('slots', 1);
      const { run } = ended(scene, status);
      const row = scene.run(run);
      assert.equal(row.endedAt, scene.ann.now);
      assert.equal(row.claim?.agent, 'ann');
      scene.running();
    }
  });

  it('RUN-10 a task has one live run at most', () => {
    const scene = new Scene();
    const first = scene.create({ task, workflow });
    const another = { kind: 'run.create', title: 'x', task, workflow } as const;
    const refusal = refused(scene.perform(another), 'task_busy');
    assert.deepEqual([refusal.task, refusal.run, refusal.status], [task, first.id, 'queued']);
    refused(scene.perform({ ...another, task: 'twice' as TaskId, count: 2 }), 'bad_input');
    scene.create({ task });
    scene.create({ task, workflow: 'other' as WorkflowId });
    granted(scene.cancel(first));
    const second = scene.create({ task, workflow });
    assert.equal(refused(scene.retry(first), 'task_busy').run, second.id);
  });

  it('RUN-10 a task is free again when its run is over, and busy when that made the next attempt', () => {
    const scene = new Scene();
    scene.running({ task, maxAttempts: 1 });
    scene.world.advance(31 * minute);
    const next = scene.create({ task, maxAttempts: 2 });
    scene.claim({ run: next.id });
    scene.world.advance(31 * minute);
    const answer = scene.perform({ kind: 'run.create', title: 'x', task });
    assert.notEqual(refused(answer, 'task_busy').run, next.id);
    assert.equal(scene.status(next), 'lost');
  });

  it('RUN-11 complete and fail keep result, error and links', () => {
    const scene = new Scene();
    const log = { kind: 'log', target: 'log.txt' } as const;
    const page = { kind: 'page', target: 'https://example.org' } as const;
    const held = scene.running({ links: [log] });
    const result = { tests: [1, 2] };
    const { run: id } = { run: held.run.id };
    const { run } = granted(
      scene.perform({ kind: 'run.complete', run: id, token: held.token, result, links: [page] }),
    );
    assert.deepEqual([run.result, run.links], [result, [log, page]]);
    const other = scene.running();
    const error = { code: 'E1', message: 'broken' };
    const failed = granted(scene.fail(other, { error, links: [log] })).run;
    assert.deepEqual([failed.error, failed.links, failed.result], [error, [log], null]);
    const plain = granted(scene.fail(scene.running())).run;
    assert.deepEqual(plain.error, { code: 'error', message: 'it broke' });
  });

  it('RUN-11 complete and fail need the token of the present claim', () => {
    const scene = new Scene();
    const held = { ...scene.running(), token: 'another' as ClaimToken };
    refused(scene.complete(held), 'stale_claim');
    refused(scene.fail(held), 'stale_claim');
    assert.equal(scene.status(held.run), 'running');
  });

  it('RUN-12 a note is left on a queued run by anybody, on a running one by its holder', () => {
    const scene = new Scene();
    const run = scene.create({ maxAttempts: 2 });
    const note = { kind: 'run.handoff', run: run.id, note: 'mind the gap' } as const;
    assert.equal(granted(scene.perform(note, scene.bob)).run.handoff, 'mind the gap');
    const held = scene.claim();
    refused(scene.perform({ ...note, note: 'x' }, scene.bob), 'stale_claim');
    refused(scene.perform({ ...note, note: 'x', token: 'x' as ClaimToken }), 'stale_claim');
    granted(scene.perform({ ...note, note: 'half done', token: held.token }));
    assert.equal(granted(scene.fail(held)).retry?.handoff, 'half done');
  });

  it('RUN-13 fields of a newer version survive a change', () => {
    const scene = new Scene();
    const row = { ...scene.create({ maxAttempts: 2 }), colour: 'green' };
    const dependent = { ...scene.create({ dependsOn: [row.id] }), colour: 'red' };
    scene.store.given({ put: 'run', row }, { put: 'run', row: dependent });
    const held = scene.claim({ run: row.id });
    granted(scene.beat(held));
    granted(scene.cancel(row));
    granted(scene.complete(held));
    granted(scene.perform({ kind: 'run.handoff', run: dependent.id, note: 'x' }));
    granted(scene.perform({ kind: 'run.link', run: dependent.id, parent: row.id }));
    assert.equal((scene.run(row) as typeof row).colour, 'green');
    assert.equal((scene.run(dependent) as typeof row).colour, 'red');
  });

  it('R-1 two claims of one run: one wins, the other is refused', () => {
    const scene = new Scene();
    const run = scene.create().id;
    scene.claim({ run });
    const refusal = refused(scene.tryClaim({ run }, scene.bob), 'invalid_transition');
    assert.equal(refusal.status, 'running');
    assert.equal(scene.run({ id: run }).claim?.agent, 'ann');
  });

  it('R-2 completed against killed: one ended state, one refusal', () => {
    for (const completesFirst of [true, false]) {
      const scene = new Scene();
      const held = scene.running();
      granted(scene.kill(held.run));
      if (!completesFirst) scene.world.advance(10_000);
      const answer = scene.complete(held);
      assert.equal(answer.ok, completesFirst);
      assert.equal(scene.status(held.run), completesFirst ? 'completed' : 'killed');
      refused(scene.kill(held.run), 'invalid_transition');
    }
  });

  it('R-4 a hundred changes of different runs are all kept', () => {
    const scene = new Scene();
    scene.set('slots', 0);
    const runs = scene.createAll({ count: 100 });
    for (const { id } of runs) granted(scene.complete(scene.claim({ run: id })));
    assert.ok(runs.every((run) => scene.status(run) === 'completed'));
  });

  it('R-5 a parent has each of its fifty children once', () => {
    const scene = new Scene();
    const parent = scene.create().id;
    for (let i = 0; i < 10; i += 1) scene.createAll({ parent, count: 5 });
    const children = scene.store.runs.filter((run) => run.parent === parent);
    assert.equal(new Set(children.map(({ id }) => id)).size, 50);
  });

  it('R-6 a child ends while its parent is being cancelled', () => {
    const scene = new Scene();
    const parent = scene.running();
    const child = scene.running({ parent: parent.run.id });
    granted(scene.cancel(parent.run));
    granted(scene.complete(child));
    scene.world.advance(10_000);
    scene.sweep();
    assert.deepEqual([scene.status(parent.run), scene.status(child.run)], ['killed', 'completed']);
  });
});

describe('STOP: cancel, kill and timeout', () => {
  it('STOP-1 ends a queued run at once', () => {
    const scene = new Scene();
    const [one, other] = [scene.create({ task, workflow }), scene.create()];
    const cancelled = granted(scene.cancel(one, 'not needed'));
    assert.deepEqual(
      [cancelled.ended, cancelled.run.status, cancelled.run.reason, cancelled.exhausted],
      [true, 'cancelled', 'not needed', false],
    );
    assert.equal(granted(scene.perform({ kind: 'run.kill', run: other.id })).run.status, 'killed');
    assert.equal(scene.run(other).reason, null);
    assert.equal(scene.run(other).endedAt, scene.bob.now);
    assert.deepEqual(scene.kindsSince(2), ['run.cancelled', 'run.killed']);
  });

  it('STOP-2 asks the holder of a running run, by its next heartbeat', () => {
    const scene = new Scene();
    const held = scene.running();
    assert.equal(granted(scene.beat(held)).directive, null);
    const asked = granted(scene.perform({ kind: 'run.cancel', run: held.run.id }, scene.bob));
    assert.deepEqual([asked.ended, asked.run.status], [false, 'running']);
    assert.deepEqual([asked.run.stop?.by, asked.run.stop?.reason], ['bob', null]);
    assert.equal(granted(scene.beat(held)).directive, 'cancel');
  });

  it('STOP-2 kill overrides cancel, never the other way, and asking again changes nothing', () => {
    const scene = new Scene();
    const held = scene.running();
    granted(scene.cancel(held.run));
    const { seq } = scene.store;
    granted(scene.cancel(held.run, 'again'));
    assert.equal(scene.store.seq, seq);
    granted(scene.kill(held.run));
    assert.equal(granted(scene.beat(held)).directive, 'kill');
    const { stop } = scene.run(held.run);
    granted(scene.cancel(held.run));
    granted(scene.kill(held.run, 'again'));
    assert.deepEqual(scene.run(held.run).stop, stop);
  });

  it('STOP-3 kills a run that was asked to stop when the grace is over, not before', () => {
    for (const grace of [null, 3_000]) {
      const scene = new Scene();
      if (grace !== null) scene.set('grace', grace);
      const held = scene.running({ maxAttempts: 5 });
      granted(scene.cancel(held.run, 'enough'));
      scene.world.advance((grace ?? 10_000) - 1);
      assert.deepEqual(scene.sweep().killed, []);
      scene.world.advance(1);
      assert.deepEqual(scene.sweep().killed, [held.run.id]);
      const row = scene.run(held.run);
      assert.deepEqual([row.status, row.reason, row.error], ['killed', 'enough', null]);
      refused(scene.beat(held), 'invalid_transition');
    }
  });

  it('STOP-4 kills a run that runs longer than its timeout, however it beats', () => {
    const scene = new Scene();
    const held = scene.running({ timeoutMs: 5_000 });
    scene.world.advance(4_999);
    granted(scene.beat(held));
    scene.world.advance(1);
    refused(scene.beat(held), 'invalid_transition');
    const row = scene.run(held.run);
    assert.deepEqual([row.status, row.error?.code], ['killed', 'timeout']);
    assert.equal(row.endedAt, scene.ann.now);
  });

  it('STOP-4 a run that has had its time, or was told to stop, is not called lost', () => {
    const scene = new Scene();
    const [stopped, timed] = [1, 2].map(() => scene.running({ timeoutMs: 1_000 }));
    granted(scene.kill(stopped!.run, 'enough'));
    scene.world.advance(31 * minute);
    scene.sweep();
    const ends = [stopped!, timed!].map(({ run }) => {
      const { status, error, reason } = scene.run(run);
      return [status, error?.code, reason];
    });
    assert.deepEqual(ends, [
      ['killed', undefined, 'enough'],
      ['killed', 'timeout', null],
    ]);
  });

  it('STOP-5 takes the word of a holder that answers within the grace', () => {
    const scene = new Scene();
    const [one, other] = [scene.running(), scene.running()];
    granted(scene.kill(one.run));
    granted(scene.cancel(other.run));
    scene.world.advance(9_999);
    assert.equal(granted(scene.complete(one)).run.status, 'completed');
    assert.equal(granted(scene.fail(other, { as: 'cancelled' })).run.status, 'cancelled');
    assert.equal(scene.store.events.at(-1)?.kind, 'run.cancelled');
  });
});

/** Rates count refused commands too; all else is as it was. */
function withoutRates(scene: Scene, before: unknown): unknown {
  return { ...(scene.store.contents() as object), rate: (before as { rate: unknown }).rate };
}
