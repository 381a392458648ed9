/** Who waits for whom (LOCK-13): the circle itself; how it comes about is in locks.test.ts. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AgentName, WaitsFor } from '../../src/core/model';
import { cycleOfWaits } from '../../src/core/rules/deadlock';

const ada = 'ada' as AgentName;

/** `ada>bob` is ada waiting for bob. */
function edges(...texts: readonly string[]): WaitsFor[] {
  return texts.map((text) => {
    const [agent, holder] = text.split('>') as [AgentName, AgentName];
    return { agent, holder, resource: text };
  });
}

const circle = (...texts: readonly string[]): readonly string[] | undefined =>
  cycleOfWaits(edges(...texts), ada)?.map(({ resource }) => resource);

describe('LOCK-13: circles', () => {
  it('LOCK-13 there is none where every way ends', () => {
    assert.equal(cycleOfWaits([], ada), null);
    assert.equal(cycleOfWaits(edges('ada>bob', 'bob>cy', 'ada>cy'), ada), null);
  });

  it('LOCK-13 a circle of others is not that of the asker', () => {
    assert.equal(cycleOfWaits(edges('ada>bob', 'bob>cy', 'cy>bob'), ada), null);
  });

  it('LOCK-13 begins and ends at the asker, by the shortest way', () => {
    assert.deepEqual(circle('ada>bob', 'bob>ada'), ['ada>bob', 'bob>ada']);
    assert.deepEqual(circle('ada>bob', 'bob>cy', 'cy>ada'), ['ada>bob', 'bob>cy', 'cy>ada']);
    assert.deepEqual(circle('ada>bob', 'bob>cy', 'cy>ada', 'ada>cy'), ['ada>cy', 'cy>ada']);
  });

  it('LOCK-13 finds one exactly when the asker can be come to from itself', () => {
    const name = fc.constantFrom('ada', 'bob', 'cy', 'di', 'ed');
    const edge = fc.tuple(name, name).map(([one, other]) => `${one}>${other}`);
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 10 }), (texts) => {
        const found = circle(...texts);
        assert.equal(found !== undefined, reachable(texts, 'ada').has('ada'));
        if (!found) return;
        assert.equal(found[0]!.split('>')[0], 'ada');
        found.forEach((text, index) => {
          assert.ok(texts.includes(text));
          assert.equal(text.split('>')[1], (found[index + 1] ?? 'ada>').split('>')[0]);
        });
      }),
    );
  });

  it('LOCK-13 takes time by the number of edges', () => {
    const many = Array.from({ length: 50_000 }, (_, index) => `${index}>${index + 1}`);
    const began = performance.now();
    assert.equal(circle('ada>0', ...many), undefined);
    assert.equal(circle('ada>0', ...many, '50000>ada')?.length, 50_002);
    assert.ok(performance.now() - began < 2_000);
  });
});

/** Everybody who can be come to, by one way more at a time until nothing is new. */
function reachable(texts: readonly string[], from: string): Set<string> {
  const reached = new Set<string>();
  for (let before = -1; before < reached.size;) {
    before = reached.size;
    for (const text of texts) {
      const [one, other] = text.split('>') as [string, string];
      if (one === from || reached.has(one)) reached.add(other);
    }
  }
  return reached;
}
