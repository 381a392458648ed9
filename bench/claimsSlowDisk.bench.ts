/** The same on a disk that takes 4 ms for a flush, as a laptop's may. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Bench } from './bench';
import {
  contest,
  drainColumns,
  hold,
  noneTwiceNoneMissing,
  packages,
  processes,
  withoutPackages,
} from './drain';
import { Skipped, type Workshop } from './workshop';

const flushMs = 4;
const reference = packages === undefined ? 'node:sqlite FULL' : 'better-sqlite3 FULL';
const contests = [
  contest('wavelock', 1, 200),
  contest(reference, 1, 200),
  contest('wavelock', 16, 1_500),
  contest(reference, 16, 1_500),
];

const claimsSlowDisk: Bench = {
  name: 'claims:slow-disk',
  about: `As claims, by ${processes} processes for which every flush takes ${flushMs} ms more.`,
  columns: drainColumns,
  laws: contests.map(noneTwiceNoneMissing),
  prepare(workshop) {
    const env = { LD_PRELOAD: slowFlush(workshop), SLOW_FLUSH_US: String(flushMs * 1_000) };
    if (packages === undefined) workshop.note(withoutPackages);
    return Promise.resolve((round) => hold(workshop, contests, round, env));
  },
};

function slowFlush(workshop: Workshop): string {
  if (process.platform !== 'linux') throw new Skipped('the slow disk is a trick of Linux');
  const library = join(workshop.folder(), 'slowFlush.so');
  const source = resolve(__dirname, '../../bench/slowFlush.c');
  const compiler = spawnSync('cc', ['-shared', '-fPIC', '-O2', '-o', library, source, '-ldl']);
  if (compiler.error || compiler.status !== 0) throw new Skipped('there is no C compiler');
  return library;
}

export default claimsSlowDisk;
