/**
 * Four processes drain one queue: does each get its share, and how long may one have to wait? The same rules
 * and the same mailbox with SQLite's own way to wait for a lock stand beside it.
 */
import { inTurn, least, median, most, type Bench, type Law } from './bench';
import { prepareContestant } from './contestants';
import { drain } from './drain';

const processes = 4;
const lanesOf = [1, 16];
const runs = 4_000;
const ours = 'wavelock';
const theirs = 'waiting SQLite';
const rowOf = (contestant: string, lanes: number): string =>
  `${contestant}, ${lanes} ${lanes === 1 ? 'lane' : 'lanes'}`;

const fairness: Bench = {
  name: 'fairness',
  about: `${runs} runs claimed and completed by ${processes} processes, FULL, slots=0, rate.mutations=0.`,
  columns: [
    median('cycles_per_s', 'cycles/s'),
    median('p50', 'claim p50 ms', 2),
    median('p99', 'p99 ms', 1),
    median('longest', 'longest ms'),
    median('share', 'smallest share', 2),
    least('share', 'least of all', 2),
    most('double', 'double'),
    most('missing', 'missing'),
  ],
  laws: lanesOf.flatMap((lanes): Law[] => {
    const row = rowOf(ours, lanes);
    const other = rowOf(theirs, lanes);
    return [
      {
        what: `smallest share of ${processes} processes, ${lanes} lanes`,
        row,
        over: 'median',
        of: (figure) => figure(row, 'share'),
        atLeast: 0.8,
      },
      {
        what: `longest wait ÷ that of SQLite's own back-off, ${lanes} lanes`,
        row,
        over: 'median',
        of: (figure) => figure(row, 'longest') / figure(other, 'longest'),
        atMost: 0.2,
      },
      {
        what: `throughput ÷ that of SQLite's own back-off, ${lanes} lanes`,
        row,
        over: 'median',
        of: (figure) => figure(row, 'cycles_per_s') / figure(other, 'cycles_per_s'),
        atLeast: 0.5,
      },
      {
        what: `double or missing, ${lanes} lanes`,
        row,
        over: 'most',
        of: (figure) => figure(row, 'double') + figure(row, 'missing'),
        atMost: 0,
      },
    ];
  }),
  prepare(workshop) {
    const contests = lanesOf.flatMap((lanes) =>
      [ours, theirs].map((contestant) => ({ contestant, lanes })),
    );
    return Promise.resolve(async (round) => {
      const samples = [];
      for (const { contestant, lanes } of inTurn(contests, round)) {
        const folder = workshop.folder();
        await prepareContestant(contestant, folder, runs, undefined);
        const job = { folder, contestant, lanes, packages: undefined };
        const figures = await drain(workshop, { ...job, runs, processes });
        samples.push({ row: rowOf(contestant, lanes), figures });
      }
      return samples;
    });
  },
};

export default fairness;
