/** What the disk gives at most: nothing that is durable can be faster than this. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, median, most, type Bench } from './bench';
import { now, spread } from './workshop';

const record = Buffer.from(`${'x'.repeat(199)}\n`);
const syncs = 300;

const limits: Bench = {
  name: 'limits',
  about: 'Records of 200 bytes, appended to a file and flushed (fdatasync).',
  columns: [
    median('records_per_s', 'records/s'),
    median('syncs_per_s', 'flushes/s'),
    median('p50', 'p50 ms', 3),
    median('p99', 'p99 ms', 2),
    most('longest', 'longest ms', 1),
  ],
  laws: [],
  prepare(workshop) {
    const path = join(workshop.folder(), 'records');
    return Promise.resolve((round) =>
      Promise.resolve(
        inTurn([1, 32, 256], round).map((batch) => ({
          row: `${batch} a flush`,
          figures: append(path, batch),
        })),
      ),
    );
  },
};

function append(path: string, batch: number): Record<string, number> {
  const bytes = Buffer.concat(Array<Buffer>(batch).fill(record));
  const file = openSync(path, 'w');
  const took: number[] = [];
  const start = now();
  for (let sync = 0; sync < syncs; sync += 1) {
    const before = now();
    writeSync(file, bytes);
    fdatasyncSync(file);
    took.push(now() - before);
  }
  const perSecond = (syncs * 1_000) / (now() - start);
  closeSync(file);
  const { p50, p99 } = spread(took);
  return {
    records_per_s: perSecond * batch,
    syncs_per_s: perSecond,
    p50,
    p99,
    longest: Math.max(...took),
  };
}

export default limits;
