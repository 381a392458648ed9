/**
 * A process that takes the lock of a folder's STATE.md and does as it is told by messages; killed and
 * stopped by the tests. `fileLockChild.js FOLDER STALE`.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FileLock } from '../../src/store/fileLock';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { identity } from '../contract/stores';

export type Order =
  | { readonly do: 'hold' | 'stillOurs' | 'release' | 'exit' }
  /** Stops itself at this step. */
  | { readonly do: 'advance'; readonly stopAt: string }
  /** Gets in, proves that nobody else is, lets go. */
  | { readonly do: 'section'; readonly marker: string };

export interface Report {
  readonly ready?: true;
  readonly error?: string;
  /** The order was carried out. */
  readonly done?: Order['do'];
  readonly stillOurs?: boolean;
  readonly tookOver?: FileLock['tookOver'];
  /** On the clock that all processes share, in milliseconds. */
  readonly at?: number;
  readonly stopping?: true;
  readonly code?: string;
}

const [folder = '', stale = ''] = process.argv.slice(2);
const place = placeOf(folder);
const file = join(folder, 'STATE.md');
let stopAt: string | undefined;
let held: FileLock | undefined;

const say = (report: Report): void => {
  process.send?.(report);
};

async function main(): Promise<void> {
  const store = await openLocalStore({ place, identity: identity(), durability: 'full' });
  const files = new WorkflowFiles({
    place,
    store,
    now: Date.now,
    lockStaleMs: Number(stale),
    lockWaitMs: 60_000,
    onStep: (step) => {
      if (step !== stopAt) return;
      stopAt = undefined;
      process.kill(process.pid, 'SIGSTOP');
    },
  });
  process.on('message', (order: Order) => {
    obey(files, order).then(say, (error: unknown) => {
      say({ error: String(error), code: (error as NodeJS.ErrnoException).code ?? '' });
    });
  });
  process.once('disconnect', () => process.exit());
  say({ ready: true });
}

async function obey(files: WorkflowFiles, order: Order): Promise<Report> {
  switch (order.do) {
    case 'hold': {
      held = await take(files);
      const at = Number(process.hrtime.bigint()) / 1e6;
      return { done: 'hold', at, tookOver: held.tookOver };
    }
    case 'stillOurs':
      return { done: 'stillOurs', stillOurs: held?.stillOurs() ?? false };
    case 'release':
      await held?.release();
      return { done: 'release' };
    case 'exit':
      process.exit();
    case 'advance': {
      stopAt = order.stopAt;
      const answer = await files.advance(folder, {});
      return { done: 'advance', stillOurs: answer.ok };
    }
    case 'section': {
      const lock = await take(files);
      // Fails when another is in.
      closeSync(openSync(order.marker, 'wx'));
      for (let turn = 0; turn < 3; turn += 1) await new Promise((next) => setImmediate(next));
      const stillOurs = lock.stillOurs();
      rmSync(order.marker);
      await lock.release();
      return { done: 'section', stillOurs, tookOver: lock.tookOver };
    }
  }
}

async function take(files: WorkflowFiles): Promise<FileLock> {
  const answer = await files.holdForEdit(file, () => undefined);
  if (!answer.ok) throw new Error(answer.refusal.message);
  return answer.facts.lock;
}

void main();
