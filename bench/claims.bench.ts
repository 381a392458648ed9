/** Wavelock beside what people use in its place, each drained by four processes. */
import type { Bench } from './bench';
import {
  contest,
  drainColumns,
  hold,
  noneTwiceNoneMissing,
  packages,
  processes,
  withoutPackages,
} from './drain';

const contests = [1, 16, 64].flatMap((lanes) => [
  contest('wavelock', lanes, lanes === 1 ? 1_000 : 2_000),
  ...(packages === undefined
    ? [contest('node:sqlite FULL', lanes, 4_000)]
    : [
        contest('better-sqlite3 FULL', lanes, 4_000),
        contest('better-sqlite3 NORMAL', lanes, 8_000, ' (less durable)'),
      ]),
  // A process asks for the lock with one lane at a time, so more of them change nothing.
  ...(lanes === 1 ? [contest('JSON under a lockfile', lanes, 200, ' (not flushed)')] : []),
]);

const claims: Bench = {
  name: 'claims',
  about: `Runs claimed and completed by ${processes} processes until none is left; Wavelock with FULL, slots=0, rate.mutations=0, its rules, events and hash chain; the others a bare table or list.`,
  columns: drainColumns,
  laws: contests.map(noneTwiceNoneMissing),
  prepare(workshop) {
    if (packages === undefined) workshop.note(withoutPackages);
    return Promise.resolve((round) => hold(workshop, contests, round));
  },
};

export default claims;
