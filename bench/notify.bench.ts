/** A commit of one process, seen by others: with the watch on the hint file, and with every watch dead. */
import { median, most, type Bench, type Sample } from './bench';
import { openBenchStore } from './stores';
import type { NotifyJob, Seen } from './notify.child';
import { now, spread, type Hand, type Workshop } from './workshop';

const observers = 4;
const watched = 'watch on the hint';
const dead = 'every watch dead';

const notify: Bench = {
  name: 'notify',
  about: `From asking for a commit until each of ${observers} other processes has its event.`,
  columns: [
    median('commits', 'commits'),
    median('p50', 'p50 ms', 1),
    median('p95', 'p95 ms', 1),
    most('longest', 'longest ms', 1),
  ],
  laws: [
    {
      what: 'seen by others, p95 in ms',
      row: watched,
      over: 'median',
      of: (figure) => figure(watched, 'p95'),
      atMost: 150,
    },
    {
      what: 'seen by others without a watch, longest in ms',
      row: dead,
      over: 'most',
      of: (figure) => figure(dead, 'longest'),
      atMost: 1_000,
    },
  ],
  prepare(workshop) {
    return Promise.resolve(async () => [
      await observe(workshop, { row: watched, watchable: true, commits: 100 }),
      await observe(workshop, { row: dead, watchable: false, commits: 10 }),
    ]);
  },
};

async function observe(
  workshop: Workshop,
  { row, watchable, commits }: { row: string; watchable: boolean; commits: number },
): Promise<Sample> {
  const folder = workshop.folder();
  const store = await openBenchStore(folder);
  const job: NotifyJob = { folder, watchable, from: await store.read('head', {}) };
  const hands: Hand[] = [];
  for (let index = 0; index < observers; index += 1) {
    // Not all at the same beat of their nets.
    hands.push(await workshop.hire('notify', job));
  }
  const took: number[] = [];
  for (let commit = 0; commit < commits; commit += 1) {
    const asked = now();
    const answer = await store.submit({ kind: 'run.create', title: 'npm run build' });
    const seen = await Promise.all(hands.map((hand) => hand.ask<Seen>(answer.at)));
    took.push(...seen.map(({ at }) => at - asked));
  }
  await workshop.dismiss(...hands);
  await store.close();
  const { p50, p95 } = spread(took);
  return { row, figures: { commits, p50, p95, longest: Math.max(...took) } };
}

export default notify;
