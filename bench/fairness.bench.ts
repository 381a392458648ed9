/**
 * Four processes drain one queue: does each get its share, and how long may one have to wait? The same rules
 * and the same mailbox with SQLite's own way to wait for a lock stand beside it.
 */
import type { Bench, Law } from './bench';
import { contest, drainColumns, hold, noneTwiceNoneMissing, processes } from './drain';

const pairs = [1, 16].map((lanes) => ({
  lanes: `${lanes} ${lanes === 1 ? 'lane' : 'lanes'}`,
  ours: contest('wavelock', lanes, 2_000),
  theirs: contest('waiting SQLite', lanes, 2_000),
}));
const contests = pairs.flatMap(({ ours, theirs }) => [ours, theirs]);

const fairness: Bench = {
  name: 'fairness',
  about: `Runs claimed and completed by ${processes} processes until none is left, FULL, slots=0, rate.mutations=0. The last wait of a process that gets nothing counts.`,
  columns: drainColumns,
  laws: pairs.flatMap(({ lanes, ours: { row }, ours, theirs }): Law[] => [
    {
      what: `smallest share of ${processes} processes, ${lanes}`,
      row,
      over: 'median',
      of: (figure) => figure(row, 'share'),
      atLeast: 0.8,
    },
    {
      what: `longest wait ÷ that of SQLite's own back-off, ${lanes}`,
      row,
      over: 'median',
      of: (figure) => figure(row, 'longest') / figure(theirs.row, 'longest'),
      atMost: 0.2,
    },
    {
      what: `throughput ÷ that of SQLite's own back-off, ${lanes}`,
      row,
      over: 'median',
      of: (figure) => figure(row, 'cycles_per_s') / figure(theirs.row, 'cycles_per_s'),
      atLeast: 0.5,
    },
    noneTwiceNoneMissing(ours),
  ]),
  prepare: (workshop) => Promise.resolve((round) => hold(workshop, contests, round)),
};

export default fairness;
