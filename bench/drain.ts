/** Runs claimed and completed by several processes until none is left: one contestant, one round. */
import { inTurn, least, median, most, type Column, type Law, type Sample } from './bench';
import { prepareContestant } from './contestants';
import { spread, type Workshop } from './workshop';

/** What each process of a drain is told. */
export interface DrainJob {
  readonly folder: string;
  readonly contestant: string;
  readonly lanes: number;
  readonly worker: number;
  /** Packages that the project itself does not have. */
  readonly packages: string | undefined;
}

export interface DrainReport {
  readonly claimed: readonly string[];
  /** Milliseconds from asking to the answer, the last answer "nothing left" included. */
  readonly claims: readonly number[];
  readonly completions: readonly number[];
  readonly begun: number;
  readonly ended: number;
}

/** One row of a table. */
export interface Contest {
  readonly row: string;
  readonly contestant: string;
  readonly lanes: number;
  readonly runs: number;
}

export const processes = 4;
/** What the benches compare with, when it could be installed. */
export const packages = process.env['WAVELOCK_BENCH_PACKAGES'];
export const withoutPackages =
  'better-sqlite3 could not be installed here: node:sqlite with FULL is the reference instead.';

export const contest = (contestant: string, lanes: number, runs: number, label = ''): Contest => ({
  row: `${contestant}${label}, ${lanes} ${lanes === 1 ? 'lane' : 'lanes'}`,
  contestant,
  lanes,
  runs,
});

export const drainColumns: readonly Column[] = [
  median('runs', 'runs'),
  median('cycles_per_s', 'cycles/s'),
  median('p50', 'claim p50 ms', 2),
  median('p99', 'p99 ms', 1),
  median('longest', 'longest wait ms'),
  median('share', 'smallest share', 2),
  least('share', 'least of all'),
  most('double', 'double'),
  most('missing', 'missing'),
];

export const noneTwiceNoneMissing = ({ row }: Contest): Law => ({
  what: `double or missing, ${row}`,
  row,
  over: 'most',
  of: (figure) => figure(row, 'double') + figure(row, 'missing'),
  atMost: 0,
});

export async function hold(
  workshop: Workshop,
  contests: readonly Contest[],
  round: number,
  env: NodeJS.ProcessEnv = {},
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const each of inTurn(contests, round)) {
    const folder = workshop.folder();
    await prepareContestant(each.contestant, folder, each.runs, packages);
    samples.push({ row: each.row, figures: await drain(workshop, each, folder, env) });
  }
  return samples;
}

async function drain(
  workshop: Workshop,
  { contestant, lanes, runs }: Contest,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Record<string, number>> {
  const job = { folder, contestant, lanes, packages };
  const hands = await Promise.all(
    Array.from({ length: processes }, (_, worker) =>
      workshop.hire('drain', { ...job, worker } satisfies DrainJob, env),
    ),
  );
  const reports = await Promise.all(hands.map((hand) => hand.ask<DrainReport>('go')));
  await workshop.dismiss(...hands);

  const claimed = reports.flatMap((report) => report.claimed);
  const claims = reports.flatMap((report) => report.claims);
  const waits = [...claims, ...reports.flatMap(({ completions }) => completions)];
  const ended = Math.max(...reports.map((report) => report.ended));
  const took = ended - Math.min(...reports.map((report) => report.begun));
  const shares = reports.map((report) => (report.claimed.length * processes) / claimed.length);
  const different = new Set(claimed).size;
  const { p50, p99 } = spread(claims);
  return {
    runs,
    cycles_per_s: (claimed.length * 1_000) / took,
    p50,
    p99,
    longest: Math.max(...waits),
    share: Math.min(...shares),
    double: claimed.length - different,
    missing: runs - different,
  };
}
