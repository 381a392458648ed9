/** The extension host beside its own store under full load: for how long does its event loop stand still? */
import { median, most, type Bench } from './bench';
import { fill, openBenchStore } from './stores';
import type { HostJob, HostReport } from './hostLoop.child';

const runs = 10_000;
const busy = 'store under full load';
const idle = 'store open, nothing to do';

const hostLoop: Bench = {
  name: 'host-loop',
  about: `Event loop of a process with the store in its thread (dist/storeThread.js): 16 lanes that create, claim and complete, two subscribers that carry a view, and all ${runs.toLocaleString('en')} rows read again and again.`,
  columns: [
    median('p50', 'loop p50 ms', 1),
    median('p99', 'loop p99 ms', 1),
    most('longest', 'longest ms', 1),
    median('commands_per_s', 'commands/s'),
    median('reads', 'reads of all rows'),
  ],
  laws: [
    {
      what: 'event loop delay p99 in ms',
      row: busy,
      over: 'median',
      of: (figure) => figure(busy, 'p99'),
      atMost: 10,
    },
  ],
  async prepare(workshop) {
    const folder = workshop.folder();
    const store = await openBenchStore(folder);
    await fill(store, runs);
    await store.close();
    return async () => {
      const samples = [];
      for (const row of [busy, idle]) {
        const job: HostJob = { folder, forMs: 3_000, load: row === busy };
        const host = await workshop.hire('hostLoop', job);
        samples.push({ row, figures: { ...(await host.ask<HostReport>('go')) } });
        await workshop.dismiss(host);
      }
      return samples;
    };
  },
};

export default hostLoop;
