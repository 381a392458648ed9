/** Camera, steps, kin and texts of the run graph, without a page. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  fit,
  keepInView,
  leastZoom,
  mostZoom,
  pan,
  reveal,
  zoomAt,
  type Camera,
} from '../../webview/graph/camera';
import { Family } from '../../webview/graph/kin';
import { layOut } from '../../webview/graph/layout';
import { nodeHeight, nodeWidth, top } from '../../webview/graph/metrics';
import { heldUp, needed, runAt } from '../../webview/graph/painter';
import { asText, lookOf, stateWord } from '../../webview/graph/runs';
import { neighbourOf } from '../../webview/graph/steps';
import { rowsOf } from '../../webview/graph/tree';
import { ledger } from './ledger';
import { someGraph } from './someGraph';

const view = { width: 1_280, height: 720 };
const anyCamera = fc.record({
  x: fc.double({ min: -1e4, max: 1e4, noNaN: true }),
  y: fc.double({ min: -1e4, max: 1e4, noNaN: true }),
  zoom: fc.double({ min: leastZoom, max: mostZoom, noNaN: true }),
});

const seenAt = (camera: Camera, x: number, y: number) => ({
  x: (x - camera.x) * camera.zoom,
  y: (y - camera.y) * camera.zoom,
});

describe('camera of the run graph', () => {
  it('keeps the point that it zooms about', () => {
    fc.assert(
      fc.property(anyCamera, fc.double({ min: 0.1, max: 10, noNaN: true }), (camera, factor) => {
        const zoomed = zoomAt(camera, factor, { x: 300, y: 200 });
        const point = { x: camera.x + 300 / camera.zoom, y: camera.y + 200 / camera.zoom };
        const seen = seenAt(zoomed, point.x, point.y);
        assert.ok(Math.abs(seen.x - 300) < 1e-6 && Math.abs(seen.y - 200) < 1e-6);
        assert.ok(zoomed.zoom >= leastZoom && zoomed.zoom <= mostZoom);
      }),
    );
  });

  it('never loses the graph, and begins below the headings', () => {
    fc.assert(
      fc.property(
        anyCamera,
        fc.integer({ min: 200, max: 1e5 }),
        fc.integer({ min: 100, max: 1e5 }),
        (camera, width, height) => {
          const kept = keepInView(camera, { width, height }, view);
          const start = seenAt(kept, 0, top);
          const end = seenAt(kept, width, height);
          assert.ok(start.x < view.width && end.x > 0);
          assert.ok(start.y <= top + 1e-6 && end.y > 0);
        },
      ),
    );
  });

  it('fits what there is, no larger than life', () => {
    assert.equal(fit({ width: 300, height: 200 }, view).zoom, 1);
    const large = fit({ width: 5_000, height: 2_000 }, view);
    const end = seenAt(large, 5_000, 2_000);
    assert.ok(end.x <= view.width + 1e-6 && end.y <= view.height + 1e-6);
    assert.ok(Math.abs(seenAt(large, 0, top).y - top) < 1e-6);
  });

  it('moves no farther than it takes to see a box', () => {
    const camera = { x: 0, y: 0, zoom: 1 };
    const box = { x: 300, y: 300, width: nodeWidth, height: nodeHeight };
    assert.deepEqual(reveal(camera, box, view), camera);
    assert.deepEqual(reveal(camera, { ...box, x: 2_000 }, view), { x: 932, y: 0, zoom: 1 });
    assert.equal(reveal(pan(camera, 0, 900), box, view).y, 240);
  });
});

describe('ways through the run graph', () => {
  const layout = layOut(ledger);
  const family = new Family(layout);
  const at = (task: string) => layout.index.get(`run-${task}`) ?? -1;
  const roles = (task: string, role: number) =>
    layout.ids.filter((_, run) => family.of(at(task)).role[run] === role).sort();

  it('know what a run needs and holds up, over any number of steps', () => {
    assert.deepEqual(roles('2-05', needed), ['run-1-03', 'run-1-05']);
    assert.deepEqual(
      roles('2-05', heldUp),
      ['3-01', '3-02', '4-01', '4-02', '5-02'].map((it) => `run-${it}`),
    );
    const { needs, holdsUp } = family.of(at('2-09'));
    assert.deepEqual({ needs, holdsUp }, { needs: 4, holdsUp: 3 });
  });

  it('end on a cycle', () => {
    const circle = layOut([
      { id: 'a', wave: 1, dependsOn: ['c'] },
      { id: 'b', wave: 1, dependsOn: ['a'] },
      { id: 'c', wave: 1, dependsOn: ['b'] },
    ]);
    assert.deepEqual(
      { ...new Family(circle).of(0), role: null },
      { selected: 0, role: null, needs: 2, holdsUp: 0 },
    );
  });

  it('lead by arrow keys to every run that one can see', () => {
    const reached = new Set([at('1-01')]);
    for (const run of reached)
      for (const step of [
        { x: 0, y: 1 },
        { x: 0, y: -1 },
        { x: 1, y: 0 },
        { x: -1, y: 0 },
      ] as const) {
        const next = neighbourOf(layout, family, run, step);
        if (next >= 0) reached.add(next);
      }
    assert.equal(reached.size, ledger.length);
  });

  it('find under the pointer the run that is drawn there, and nothing between', () => {
    const some = layOut(someGraph({ runs: 300, edges: 400, waves: 4 }));
    const camera = { x: 37, y: 11, zoom: 0.7 };
    some.ids.forEach((_, run) => {
      const [x, y] = [some.x[run] ?? 0, some.y[run] ?? 0];
      assert.equal(runAt(some, camera, seenAt(camera, x + 1, y + 1)), run);
      assert.equal(runAt(some, camera, seenAt(camera, x + nodeWidth - 1, y + nodeHeight - 1)), run);
      assert.equal(runAt(some, camera, seenAt(camera, x + 9, y + nodeHeight + 5)), -1);
    });
  });

  it('have a row for each wave and run, without those of a folded wave', () => {
    assert.equal(rowsOf(layout, new Set()).list.length, ledger.length + 5);
    const { list, ofRun } = rowsOf(layout, new Set(['wave 2']));
    assert.equal(list.length, ledger.length + 5 - 12);
    assert.equal(ofRun[at('2-05')], -1);
    assert.equal(list[ofRun[at('3-01')] ?? -1]?.key, 'run run-3-01');
  });
});

describe('words of a run', () => {
  it('show what cannot be seen, and let nothing turn the line', () => {
    assert.equal(asText('a\tb\n\u0000\u007f'), 'a␉b␊␀␡');
    assert.equal(
      asText('\u202eevil\u202c \u2066x\u2069 \ufeff'),
      '\ufffdevil\ufffd \ufffdx\ufffd \ufffd',
    );
    assert.equal(asText('👩‍👧 שלום'), '👩‍👧 שלום');
    assert.equal(asText('x'.repeat(9), 4), 'xxxx…');
  });

  it('name every state, also one that nobody knows yet', () => {
    assert.equal(lookOf('lost').word, 'Lost');
    assert.equal(lookOf('constructor').word, 'Pending');
    assert.equal(stateWord({ status: 'running', stale: true }), 'Running, stale');
    assert.equal(stateWord({ status: 'completed', stale: true }), 'Completed');
  });
});
