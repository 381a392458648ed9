/** Opens a store of some size and works on it, one command at a time. */
import { readFileSync } from 'node:fs';
import { openLocalStore } from '../src/store/localStore';
import { benchPlace, identityOf } from './stores';
import { now, spread, work } from './workshop';

export interface GrowthJob {
  readonly folder: string;
  readonly commands: number;
}

export interface GrowthReport {
  readonly openMs: number;
  readonly commitP50: number;
  readonly claimP50: number;
  /** Of commits alone; null where the system does not tell. */
  readonly bytesPerCommit: number | null;
}

work(({ folder, commands }: GrowthJob) =>
  Promise.resolve(async (): Promise<GrowthReport> => {
    const begun = now();
    const store = await openLocalStore({
      place: benchPlace(folder),
      identity: identityOf('grower'),
      durability: 'full',
    });
    const openMs = now() - begun;
    const timed = async <T>(times: number[], task: () => Promise<T>): Promise<T> => {
      const start = now();
      const value = await task();
      times.push(now() - start);
      return value;
    };
    const commits: number[] = [];
    const before = bytesWritten();
    for (let index = 0; index < commands; index += 1)
      await timed(commits, () => store.submit({ kind: 'run.create', title: 'npm run build' }));
    const written = bytesWritten() - before;

    const claims: number[] = [];
    for (let index = 0; index < commands; index += 1) {
      const claimed = await timed(claims, () => store.submit({ kind: 'run.claim' }));
      if (!claimed.ok) throw new Error(claimed.refusal.message);
      const { run, token } = claimed.facts;
      await store.submit({ kind: 'run.complete', run: run.id, token });
    }
    await store.close();
    return {
      openMs,
      commitP50: spread(commits).p50,
      claimP50: spread(claims).p50,
      bytesPerCommit: Number.isNaN(written) ? null : written / commands,
    };
  }),
);

/** As the process has handed them to the system, checkpoints included. */
function bytesWritten(): number {
  if (process.platform !== 'linux') return NaN;
  return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}
