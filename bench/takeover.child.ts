/** One who holds the lock of a file, or wants to. */
import { hostname } from 'node:os';
import { acquireFileLock, type FileLock } from '../src/store/fileLock';
import { processIdentity } from '../src/store/hostClock';
import { now, work } from './workshop';

export interface TakeoverJob {
  readonly file: string;
  readonly notes: string;
}

export interface Hold {
  readonly asked: number;
  readonly at: number;
  readonly tookOver: boolean;
}

work(({ file, notes }: TakeoverJob) => {
  let held: FileLock | undefined;
  const hold = async (): Promise<Hold> => {
    const asked = now();
    const attempt = await acquireFileLock(file, {
      waitMs: 60_000,
      staleMs: 3_600_000,
      notes,
      process: processIdentity(hostname(), process.pid),
    });
    if (!('lock' in attempt)) throw new Error('the lock was not to be had');
    held = attempt.lock;
    return { asked, at: now(), tookOver: held.tookOver !== undefined };
  };
  return Promise.resolve(async (order: 'hold' | 'wait' | 'release') => {
    switch (order) {
      case 'hold':
        return hold();
      case 'release':
        await held?.release();
        return undefined;
      case 'wait':
        // Its hold is told when it has it; that it waits, now.
        hold().then(
          (report) => process.send?.(report),
          (error: unknown) => {
            console.error(error);
            process.exit(1);
          },
        );
        return undefined;
    }
  });
});
