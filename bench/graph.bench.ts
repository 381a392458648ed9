/** The layout of the run graph: within the time in which an answer still seems to come at once. */
import { layOut } from '../webview/graph/layout';
import { deepGraph, someGraph, type SomeRun } from '../test/panel/someGraph';
import { inTurn, median, most, type Bench } from './bench';

const shapes = {
  '1,000 runs': someGraph({ runs: 1_000, edges: 1_500, waves: 10 }),
  '10,000 runs': someGraph({ runs: 10_000, edges: 15_000, waves: 10 }),
  '10,000 in one wave': someGraph({ runs: 10_000, edges: 15_000, waves: 1 }),
  '10,000, 1,000 deep': deepGraph({ depth: 1_000, abreast: 10 }),
  '50,000 runs': someGraph({ runs: 50_000, edges: 75_000, waves: 10 }),
} as const satisfies Record<string, readonly SomeRun[]>;

/** The best of a few: the machine is never alone, and the collector comes when it likes. */
function took(work: () => void): number {
  let best = Infinity;
  for (let turn = 0; turn < 3; turn += 1) {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1_000);
  }
  return best;
}

const graph: Bench = {
  name: 'graph',
  about: 'Processor time to lay out the run graph from nothing, and to add one run to it.',
  columns: [
    median('ms', 'ms', 1),
    most('ms', 'longest ms', 1),
    median('added_ms', 'one more, ms', 1),
  ],
  laws: (['10,000 runs', '10,000 in one wave', '10,000, 1,000 deep'] as const).map((row) => ({
    what: `${row} and 15,000 edges are laid out while nobody waits`,
    row,
    over: 'median' as const,
    of: (figure) => figure(row, 'ms'),
    atMost: 300,
  })),
  rounds: 5,
  prepare: () =>
    Promise.resolve((round) =>
      Promise.resolve(
        inTurn(Object.entries(shapes), round).map(([row, runs]) => {
          const layout = layOut(runs);
          const more = [...runs, { id: 'one more', wave: 1, dependsOn: [runs[0]?.id ?? ''] }];
          const ms = took(() => layOut(runs));
          return { row, figures: { ms, added_ms: took(() => layOut(more, layout)) } };
        }),
      ),
    ),
};

export default graph;
