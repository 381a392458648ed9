/** When waiting for runs is over (docs/rules.md, "Waiting for runs"). */
import assert from 'node:assert/strict';
import type { RunId, RunRow } from '../../src/core/model';
import { awaitVerdict, type AwaitAsk, type AwaitVerdict } from '../../src/core/rules/awaiting';
import { newRun } from '../../src/core/rules/runs';

const [a, b, c] = ['run_a', 'run_b', 'run_c'] as readonly string[] as readonly [
  RunId,
  RunId,
  RunId,
];

/** A chain of attempts `ID, ID.2, ID.3 …` with these statuses, of which the ended ones end at `at`. */
function chain(id: RunId, at: number, ...statuses: readonly RunRow['status'][]): readonly RunRow[] {
  return statuses.map((status, index) => {
    const own = (index === 0 ? id : `${id}.${index + 1}`) as RunId;
    const endedAt = status === 'queued' || status === 'running' ? null : at;
    return newRun(
      { id: own, title: id, root: id, status, endedAt, attempt: index + 1 },
      { now: 0 },
    );
  });
}

function look(
  ids: readonly RunId[],
  chains: Readonly<Record<string, readonly RunRow[]>>,
  ask: Partial<AwaitAsk> = {},
): AwaitVerdict {
  const known = new Map(Object.entries(chains) as [RunId, readonly RunRow[]][]);
  return awaitVerdict({ ids, mode: 'all', attempt: false, deadlineReached: false, ...ask }, known);
}

const any = { mode: 'any' } as const;

/** The code of a refusal, null when granted, undefined when the waiting goes on. */
const endOf = (verdict: AwaitVerdict): string | null | undefined =>
  verdict.over ? (verdict.refusal?.code ?? null) : undefined;

describe('WAIT: when waiting for runs is over', () => {
  it('WAIT-1 all: over when every awaited chain is satisfied or failed', () => {
    const done = chain(a, 1, 'completed');
    assert.equal(endOf(look([a, b], { [a]: done, [b]: chain(b, 1, 'running') })), undefined);
    assert.equal(endOf(look([a, b], { [a]: done, [b]: chain(b, 2, 'completed') })), null);
    assert.equal(endOf(look([a, b], { [a]: done, [b]: chain(b, 2, 'error') })), 'run_failed');
    assert.equal(endOf(look([], {})), null);
  });

  it('R-11 any: the first of many to end decides, the others stay', () => {
    const others = { [b]: chain(b, 0, 'running'), [c]: chain(c, 0, 'queued') };
    assert.equal(
      endOf(look([a, b, c], { [a]: chain(a, 0, 'running'), ...others }, any)),
      undefined,
    );
    const verdict = look([a, b, c], { [a]: chain(a, 1, 'completed'), ...others }, any);
    assert.equal(endOf(verdict), null);
    assert.deepEqual(
      verdict.runs.map(({ status, ended }) => [status, ended]),
      [
        ['completed', true],
        ['running', false],
        ['queued', false],
      ],
    );
  });

  it('WAIT-2 an unknown id counts as ended, as unknown', () => {
    const verdict = look([a], {});
    assert.deepEqual(verdict.runs, [
      { id: a, status: 'unknown', attempt: null, ended: true, satisfied: false },
    ]);
    assert.equal(endOf(verdict), 'run_failed');
  });

  it('R-12 an unknown id is enough for any, not for all', () => {
    const beside = { [b]: chain(b, 1, 'running') };
    assert.equal(endOf(look([a, b], beside)), undefined);
    assert.equal(endOf(look([a, b], beside, any)), 'run_failed');
  });

  it('WAIT-3 is granted only if what was awaited completed', () => {
    const runs = { [a]: chain(a, 5, 'completed'), [b]: chain(b, 4, 'cancelled') };
    const all = look([a, b], runs);
    assert.ok(all.over && all.refusal?.code === 'run_failed');
    assert.deepEqual(all.refusal.runs, all.runs);
    assert.match(all.refusal.message, /run_b \(cancelled\)/);
  });

  it('WAIT-3 any: is granted only if the first to end completed', () => {
    const early = chain(a, 4, 'completed');
    const late = chain(a, 6, 'completed');
    const failed = chain(b, 5, 'killed');
    assert.equal(endOf(look([b, a], { [a]: early, [b]: failed }, any)), null);
    assert.equal(endOf(look([a, b], { [a]: late, [b]: failed }, any)), 'run_failed');
    assert.equal(endOf(look([c, a], { [a]: late }, any)), null);
  });

  it('WAIT-4 at the deadline the answer is a snapshot', () => {
    const runs = { [a]: chain(a, 1, 'completed'), [b]: chain(b, 1, 'running') };
    const verdict = look([a, b], runs, { deadlineReached: true });
    assert.ok(verdict.over && verdict.refusal?.code === 'timeout');
    assert.deepEqual(verdict.refusal.runs, verdict.runs);
    assert.match(verdict.refusal.message, /1 of 2 runs/);
  });

  it('R-13 times out no earlier than at the deadline, and what has ended by then is no timeout', () => {
    const runs = { [a]: chain(a, 1, 'completed'), [b]: chain(b, 1, 'running') };
    assert.equal(endOf(look([a, b], runs, { deadlineReached: false })), undefined);
    assert.equal(endOf(look([a, b], runs, { deadlineReached: true })), 'timeout');
    assert.equal(endOf(look([a], runs, { deadlineReached: true })), null);
  });

  it('WAIT-5 a chain with a live attempt has not ended, and any completed attempt satisfies', () => {
    const retried = { [a]: chain(a, 1, 'error', 'queued') };
    assert.equal(endOf(look([a], retried)), undefined);
    assert.deepEqual(look([a], retried).runs[0], {
      id: a,
      status: 'queued',
      attempt: `${a}.2`,
      ended: false,
      satisfied: false,
    });
    const completed = look([a], { [a]: chain(a, 1, 'lost', 'completed') });
    assert.deepEqual([endOf(completed), completed.runs[0]?.attempt], [null, `${a}.2`]);
  });

  it('WAIT-5 with --attempt only the given attempt counts', () => {
    const retried = { [a]: chain(a, 1, 'error', 'running') };
    const verdict = look([a], retried, { attempt: true });
    assert.deepEqual([endOf(verdict), verdict.runs[0]?.status], ['run_failed', 'error']);
  });

  it('WAIT-6 a run that had ended before the first look is seen by that look', () => {
    assert.equal(endOf(look([a], { [a]: chain(a, -1e6, 'completed') })), null);
  });

  it('R-9 await all of what ended before the call is over at once', () => {
    const runs = { [a]: chain(a, -2e6, 'completed'), [b]: chain(b, -1e6, 'error', 'completed') };
    assert.equal(endOf(look([a, b], runs)), null);
  });

  it('R-10 a run that ends between two looks is seen by the second', () => {
    const during = (status: RunRow['status']): AwaitVerdict =>
      look([a], { [a]: chain(a, 1, status) });
    assert.deepEqual([endOf(during('running')), endOf(during('completed'))], [undefined, null]);
  });
});
