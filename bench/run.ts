/** `npm run bench [-- NAME…]`: raw lines, a table for each bench, and 1 as the exit code when a law is broken. */
import { readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { combined, judge, type Bench, type Law, type Round, type Verdict } from './bench';
import { Skipped, Workshop } from './workshop';

const defaultRounds = 3;

async function main(wanted: readonly string[]): Promise<number> {
  const benches = new Map(
    readdirSync(__dirname)
      .filter((file) => file.endsWith('.bench.js'))
      .map((file) => load(join(__dirname, file)))
      .map((bench) => [bench.name, bench]),
  );
  const names = [...benches.keys()].sort();
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    console.error(`No bench is called ${unknown.join(', ')}. There are: ${names.join(', ')}`);
    return 1;
  }
  const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name));
  const others = chosen.filter((name) => name !== 'limits');
  console.log(
    `# Node ${process.versions.node}, ${process.platform}, ${cpus().length} × ${cpus()[0]?.model ?? '?'}`,
  );
  const broken: string[] = [];
  // What the disk can do, before and after: a machine that was busy meanwhile shows.
  for (const name of ['limits', ...others, 'limits']) {
    const start = performance.now();
    const bench = benches.get(name);
    for (const verdict of bench ? await measure(bench) : [])
      if (!verdict.holds) broken.push(`${name}: ${lineOf(verdict)}`);
    console.log(`(${((performance.now() - start) / 1000).toFixed(1)} s)`);
  }
  console.log(
    broken.length === 0 ? '\nEvery law holds.' : `\nBroken laws:\n  ${broken.join('\n  ')}`,
  );
  return broken.length === 0 ? 0 : 1;
}

function load(path: string): Bench {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- found in the folder, not known before
  return (require(path) as { default: Bench }).default;
}

async function measure(bench: Bench): Promise<readonly Verdict[]> {
  console.log(`\n## ${bench.name}\n${bench.about}\n`);
  const workshop = new Workshop();
  const rounds: Round[] = [];
  try {
    const makeRound = await bench.prepare(workshop);
    for (let round = 0; round < (bench.rounds ?? defaultRounds); round += 1) {
      const samples = await makeRound(round);
      for (const { row, figures } of samples) {
        const load = Number(loadavg()[0]?.toFixed(2));
        console.log(JSON.stringify({ bench: bench.name, round, row, ...figures, load }));
      }
      rounds.push(samples);
    }
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
    console.log(`skipped: ${error.message}`);
    return [];
  } finally {
    await workshop.clear();
  }
  const verdicts = bench.laws.map((law) => judge(law, rounds));
  console.log(`\n${table(bench, rounds, verdicts)}`);
  for (const note of workshop.notes) console.log(`\n${note}`);
  for (const verdict of verdicts) console.log(`${verdict.holds ? '✔' : '✘'} ${lineOf(verdict)}`);
  return verdicts;
}

function table(bench: Bench, rounds: readonly Round[], verdicts: readonly Verdict[]): string {
  const names = [...new Set(rounds.flat().map(({ row }) => row))].sort(
    (one, other) => positionOf(one, rounds) - positionOf(other, rounds),
  );
  const lines = names.map((row) => {
    const samples = rounds.flat().filter((sample) => sample.row === row);
    const cells = bench.columns.map(({ figure, over, digits }) => {
      const values = samples.flatMap(({ figures }) => figures[figure] ?? []);
      return values.length === 0 ? '–' : combined(values, over).toFixed(digits);
    });
    const broken = verdicts.some(({ law, holds }) => law.row === row && !holds);
    return [broken ? `${row} ✘` : row, ...cells];
  });
  const head = [`${rounds.length} rounds`, ...bench.columns.map(({ title }) => title)];
  const rule = head.map((_, index) => (index === 0 ? '---' : '--:'));
  return [head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Rows stand as in the first round, which nobody has turned. */
function positionOf(row: string, rounds: readonly Round[]): number {
  return rounds[0]?.findIndex((sample) => sample.row === row) ?? 0;
}

function lineOf({ law, value, holds }: Verdict): string {
  return `${law.what}: ${value.toPrecision(3)} (${limitOf(law)})${holds ? '' : ' BROKEN'}`;
}

const limitOf = (law: Law): string =>
  'atMost' in law ? `at most ${law.atMost}` : `at least ${law.atLeast}`;

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
