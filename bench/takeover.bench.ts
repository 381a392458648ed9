/** A lockfile whose holder is killed: how long until whoever comes next holds it, though `stale` is an hour? */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, most, type Bench, type Law } from './bench';
import type { Hold, TakeoverJob } from './takeover.child';
import { now, spread } from './workshop';

const kills = 16;
const rows = { waiting: 'waits since before', later: 'comes after' } as const;

const takeover: Bench = {
  name: 'takeover',
  about: `The lock of a file, its holder killed (SIGKILL) ${kills} times a round and row; from the kill to the next holder.`,
  columns: [
    median('p50', 'p50 ms', 1),
    median('p95', 'p95 ms', 1),
    most('longest', 'longest ms', 1),
    most('not_taken', 'not taken over'),
  ],
  laws: Object.values(rows).flatMap((row): Law[] => [
    {
      what: `takeover p95 in ms, ${row}`,
      row,
      over: 'median',
      of: (figure) => figure(row, 'p95'),
      atMost: 50,
    },
    {
      what: `got in without a takeover, ${row}`,
      row,
      over: 'most',
      of: (figure) => figure(row, 'not_taken'),
      atMost: 0,
    },
  ]),
  prepare(workshop) {
    const folder = workshop.folder();
    const job: TakeoverJob = { file: join(folder, 'STATE.md'), notes: join(folder, 'notes') };
    mkdirSync(job.notes);
    writeFileSync(job.file, '');
    return Promise.resolve(async () => {
      let holder = await workshop.hire('takeover', job);
      await holder.ask('hold');
      const took = { [rows.waiting]: [] as number[], [rows.later]: [] as number[] };
      let notTaken = 0;
      for (let kill = 0; kill < 2 * kills; kill += 1) {
        const row = kill % 2 === 0 ? rows.waiting : rows.later;
        const next = await workshop.hire('takeover', job);
        if (row === rows.waiting) await next.ask('wait');
        const at = now();
        const gone = holder.kill();
        if (row === rows.later) {
          await gone;
          next.tell('hold');
        }
        const hold = await next.hear<Hold>();
        // Who comes after has only its own time to answer for, not that of the death.
        took[row].push(hold.at - (row === rows.later ? hold.asked : at));
        if (!hold.tookOver) notTaken += 1;
        await gone;
        await workshop.dismiss(holder);
        holder = next;
      }
      await holder.ask('release');
      await workshop.dismiss(holder);
      return Object.entries(took).map(([row, times]) => {
        const { p50, p95 } = spread(times);
        return { row, figures: { p50, p95, longest: Math.max(...times), not_taken: notTaken } };
      });
    });
  },
};

export default takeover;
