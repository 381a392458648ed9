/** An extension host in small: the store in a thread, views that follow it, and a watch on the own event loop. */
import { resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { evolve, viewOf } from '../src/core/views';
import type { Store } from '../src/store/store';
import { openThreadStore } from '../src/store/threadStore';
import { benchPlace, identityOf } from './stores';
import { now, work } from './workshop';

export interface HostJob {
  readonly folder: string;
  readonly forMs: number;
  readonly load: boolean;
}

export interface HostReport {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  readonly commands_per_s: number;
  readonly reads: number;
}

const lanes = 16;
const subscribers = 2;

work(async ({ folder, forMs, load }: HostJob) => {
  const script = resolve(__dirname, '../../dist/storeThread.js');
  const options = {
    place: benchPlace(folder),
    identity: identityOf('host'),
    durability: 'full',
  } as const;
  const store = await openThreadStore(options, script);
  const rows = await store.read('state', {});
  for (let count = 0; count < subscribers; count += 1) {
    const view = viewOf(rows);
    store.subscribe(rows.seq, (events) => {
      for (const event of events) evolve(view, event);
    });
  }
  return async (): Promise<HostReport> => {
    const loop = monitorEventLoopDelay({ resolution: 1 });
    const until = now() + forMs;
    loop.enable();
    const [commands, reads] = load
      ? await Promise.all([commandUntil(store, until), readUntil(store, until)])
      : [await new Promise<number>((done) => setTimeout(done, forMs, 0)), 0];
    loop.disable();
    await store.close();
    const ms = 1e6;
    return {
      p50: loop.percentile(50) / ms,
      p99: loop.percentile(99) / ms,
      longest: loop.max / ms,
      commands_per_s: (commands * 1_000) / forMs,
      reads,
    };
  };
});

async function commandUntil(store: Store, until: number): Promise<number> {
  let commands = 0;
  const lane = async (): Promise<void> => {
    while (now() < until) {
      const created = await store.submit({ kind: 'run.create', title: 'npm run build' });
      const claimed = await store.submit({ kind: 'run.claim' });
      if (!created.ok || !claimed.ok) throw new Error('refused');
      const { run, token } = claimed.facts;
      await store.submit({ kind: 'run.complete', run: run.id, token });
      commands += 3;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return commands;
}

async function readUntil(store: Store, until: number): Promise<number> {
  let reads = 0;
  for (; now() < until; reads += 1) await store.read('state', {});
  return reads;
}
