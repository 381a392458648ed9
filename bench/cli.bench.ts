/** What a claim by the command line costs, against a Node that does nothing, however many runs the store has. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { AgentName, SessionId } from '../src/core/model';
import { openLocalStore } from '../src/store/localStore';
import { newId } from '../src/store/newId';
import { placeOf } from '../src/store/place';
import { combined, inTurn, median, most, type Bench, type Law, type Sample } from './bench';
import { now, type Workshop } from './workshop';

const sizes = [10, 100_000] as const;
/** Of each row in one round, one after the other. */
const calls = 15;
const rows = ['node -e 0', ...sizes.map((size) => `claim, ${size} runs`)] as const;

const law = (row: string): Law => ({
  what: `${row} ÷ an empty node`,
  row,
  over: 'median',
  of: (figure) => figure(row, 'ms') / figure('node -e 0', 'ms'),
  atMost: 2,
});

const cli: Bench = {
  name: 'cli',
  about: `Whole processes, from their start to their end; the median of ${calls} of each, by turns.`,
  columns: [median('ms', 'median ms', 1), most('longest', 'longest ms', 1)],
  laws: [...sizes.map((size) => law(`claim, ${size} runs`))],
  async prepare(workshop) {
    const stores = new Map<string, string>();
    for (const size of sizes) stores.set(`claim, ${size} runs`, await storeOf(workshop, size));
    // What is compiled is kept for the next call; the first is not what anybody waits for every day.
    for (const folder of stores.values()) run(claim, folder);
    return (round) => Promise.resolve(measure(stores, round));
  },
};

function measure(stores: ReadonlyMap<string, string>, round: number): readonly Sample[] {
  const took = new Map<string, number[]>(rows.map((row) => [row, []]));
  for (let call = 0; call < calls; call += 1) {
    for (const row of inTurn(rows, round + call)) {
      const folder = stores.get(row);
      const start = now();
      run(folder === undefined ? ['-e', '0'] : claim, folder);
      took.get(row)?.push(now() - start);
    }
  }
  return rows.map((row) => {
    const all = took.get(row) ?? [];
    return { row, figures: { ms: combined(all, 'median'), longest: Math.max(...all) } };
  });
}

const claim = [resolve('dist/cli.js'), 'run', 'claim', '--agent', 'ada', '--json'];

function run(args: readonly string[], cwd?: string): void {
  const { status, stderr, stdout } = spawnSync(process.execPath, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
  if (status !== 0)
    throw new Error(`${args.join(' ')} ended with ${status}: ${String(stderr)}${String(stdout)}`);
}

/** With nothing that keeps a claim from being granted. */
async function storeOf(workshop: Workshop, size: number): Promise<string> {
  const folder = workshop.folder();
  const session = newId('ses') as SessionId;
  const store = await openLocalStore({
    place: placeOf(folder),
    identity: {
      agent: 'bench' as AgentName,
      named: true,
      kind: 'other',
      session,
      host: 'bench',
      pid: process.pid,
    },
    durability: 'normal',
  });
  try {
    await store.submit({ kind: 'config.set', key: 'slots', value: 0 });
    await store.submit({ kind: 'config.set', key: 'rate.mutations', value: 0 });
    // More than are claimed: the small store stays about as small as it says.
    for (let made = 0; made < size + calls * 8; made += 5_000) {
      const count = Math.min(5_000, size + calls * 8 - made);
      await store.submit({ kind: 'run.create', title: 'bench', count });
    }
  } finally {
    await store.close();
  }
  return folder;
}

export default cli;
