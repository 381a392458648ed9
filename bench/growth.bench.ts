/**
 * What grows with the number of runs, and what must not. Stores of four sizes, each opened by a new process for
 * every round.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { evolve, viewOf, type StateView } from '../src/core/views';
import { newRun } from '../src/core/rules/runs';
import type { RunRow, StoredEvent } from '../src/core/model';
import { inTurn, median, type Bench, type Law, type Sample } from './bench';
import { fill, openBenchStore } from './stores';
import type { GrowthJob, GrowthReport } from './growth.child';
import { now, type Workshop } from './workshop';

const sizes = [10, 1_000, 10_000, 100_000];
const views = [100, 10_000];
const rowOf = (runs: number): string => `${runs.toLocaleString('en')} runs`;
const viewRowOf = (runs: number): string => `view of ${runs.toLocaleString('en')} runs`;

const ratio = (
  what: string,
  figure: string,
  [more, less]: readonly [string, string],
  atMost: number,
): Law => ({
  what: `${what}, ${more} ÷ ${less}`,
  row: more,
  over: 'median',
  of: (of) => of(more, figure) / of(less, figure),
  atMost,
});

const growth: Bench = {
  name: 'growth',
  about:
    'Commands one by one, one lane, FULL; `wavelock status --json` as a process of its own; events carried into a view.',
  columns: [
    median('commit_p50', 'commit p50 ms', 2),
    median('claim_p50', 'claim p50 ms', 2),
    median('open', 'open ms', 1),
    median('kb_per_commit', 'KB written a commit', 1),
    median('cli_mb', 'CLI max RSS MB'),
    median('cli_ms', 'CLI ms'),
    median('us_per_event', 'view µs an event', 2),
  ],
  laws: [
    ratio('commit p50', 'commit_p50', [rowOf(100_000), rowOf(1_000)], 1.5),
    ratio('claim p50', 'claim_p50', [rowOf(100_000), rowOf(1_000)], 1.5),
    ratio('bytes a commit', 'kb_per_commit', [rowOf(100_000), rowOf(1_000)], 1.5),
    ratio('memory of a CLI call', 'cli_mb', [rowOf(100_000), rowOf(10)], 1.3),
    // Not 1: a map of ten thousand does not fit the processor's cache as one of a hundred does.
    ratio('an event into a view', 'us_per_event', [viewRowOf(10_000), viewRowOf(100)], 4),
    ...[10_000, 100_000].map((runs): Law => ({
      what: `open in ms, ${rowOf(runs)}`,
      row: rowOf(runs),
      over: 'median',
      of: (figure) => figure(rowOf(runs), 'open'),
      atMost: 100,
    })),
  ],
  async prepare(workshop) {
    const folders = new Map<number, string>();
    for (const runs of sizes) folders.set(runs, await storeOf(workshop, runs));
    return async (round) => {
      const samples: Sample[] = [];
      for (const [runs, folder] of inTurn([...folders], round)) {
        samples.push({ row: rowOf(runs), figures: await measureStore(workshop, folder) });
      }
      for (const runs of inTurn(views, round))
        samples.push({ row: viewRowOf(runs), figures: { us_per_event: measureView(runs) } });
      return samples;
    };
  },
};

async function storeOf(workshop: Workshop, runs: number): Promise<string> {
  const folder = workshop.folder();
  const store = await openBenchStore(folder);
  await fill(store, runs);
  await store.close();
  copyFileSync(resolve(__dirname, '../../test/fixtures/sample/STATE.md'), join(folder, 'STATE.md'));
  return folder;
}

async function measureStore(workshop: Workshop, folder: string): Promise<Record<string, number>> {
  const hand = await workshop.hire('growth', { folder, commands: 150 } satisfies GrowthJob);
  const report = await hand.ask<GrowthReport>('go');
  await workshop.dismiss(hand);
  const cli = await callCli(folder);
  return {
    commit_p50: report.commitP50,
    claim_p50: report.claimP50,
    open: report.openMs,
    ...(report.bytesPerCommit === null ? {} : { kb_per_commit: report.bytesPerCommit / 1_024 }),
    cli_mb: cli.maxRssMb,
    cli_ms: cli.ms,
  };
}

/** The command line as it is, which tells at its end how much memory it has had. */
async function callCli(folder: string): Promise<{ maxRssMb: number; ms: number }> {
  const tell = `import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));`;
  const start = now();
  const call = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--import',
      `data:text/javascript,${encodeURIComponent(tell)}`,
      resolve(__dirname, '../../dist/cli.js'),
      ...['status', '--json', '--cwd', folder],
    ],
    { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] },
  );
  let told = '';
  call.stdio[3]?.on('data', (text) => (told += String(text)));
  const [code] = (await once(call, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the command line ended with ${String(code)}`);
  return { maxRssMb: Number(told) / 1_024, ms: now() - start };
}

/** Microseconds for an event, once the code is warm. */
function measureView(runs: number): number {
  const rows = Array.from({ length: runs }, (_, index) => runOf(index));
  const view = viewOf({ seq: 0, workflows: [], runs: rows, guards: [] });
  const events = 10_000;
  carry(view, rows, events);
  const took = Array.from({ length: 7 }, () => {
    const start = now();
    carry(view, rows, events);
    return now() - start;
  });
  // What others do on this machine can only make it slower.
  return (Math.min(...took) * 1_000) / events;
}

/** As they come from a store: each with a row of its own. */
function carry(view: StateView, rows: readonly RunRow[], events: number): void {
  for (let index = 0; index < events; index += 1) {
    const before = rows[(index * 7) % rows.length];
    if (!before) continue;
    const row = { ...before, epoch: index };
    const seq = view.seq + 1;
    const event = { v: 1, seq, kind: 'run.completed', run: row.id, data: { row, released: [] } };
    evolve(view, event as unknown as StoredEvent);
  }
}

const runOf = (index: number): RunRow =>
  newRun(
    {
      id: `run_${index}` as never,
      title: 'npm run build',
      workflow: 'bench' as never,
      task: `task-${index}` as never,
    },
    { now: index },
  );

export default growth;
