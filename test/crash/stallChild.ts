/**
 * A process that does as it is told by messages and stands still at the step that it is told:
 * `stallChild.js OPTIONS`. It stops itself, so it stops exactly there.
 */
import { isStoreError } from '../../src/core/errors';
import type { Command } from '../../src/core/model';
import type { AnyAnswer } from '../../src/store/engine';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { identity } from '../contract/stores';
import { noLockfile } from './stallLockfile';

export interface SleeperOptions {
  readonly folder: string;
  readonly lockfile: boolean;
  readonly staleMs: number;
}

export interface StopAt {
  /** A step of the product's, or `asked` before and `answered` after a command of its own. */
  readonly step: string;
  /** The how manieth time, counted from this order on. */
  readonly time?: number;
}

export type Order = { readonly stopAt?: StopAt } & (
  | { readonly do: 'submit'; readonly command: Command }
  | { readonly do: 'advance'; readonly seen?: number }
);

export type Report =
  | { readonly is: 'ready' }
  | { readonly is: 'answer'; readonly answer: AnyAnswer }
  | { readonly is: 'fault'; readonly code: string; readonly message: string };

const options = JSON.parse(process.argv[2] ?? '') as SleeperOptions;
let stopAt: StopAt | undefined;
let times = 0;

const report = (what: Report): void => {
  process.send?.(what);
};

const onStep = (step: string): void => {
  if (step !== stopAt?.step) return;
  times += 1;
  if (times < (stopAt.time ?? 1)) return;
  stopAt = undefined;
  process.kill(process.pid, 'SIGSTOP');
};

async function main(): Promise<void> {
  const place = placeOf(options.folder);
  const speaker = { ...identity(), agent: 'sleeper' as never };
  const store = await openLocalStore({
    place,
    identity: speaker,
    durability: 'full',
    onStep,
    // Its own upkeep would come to the same steps.
    schedule: () => () => undefined,
  });
  const files = new WorkflowFiles({
    place,
    store,
    now: Date.now,
    lockStaleMs: options.staleMs,
    lockWaitMs: 60_000,
    onStep,
    ...(options.lockfile ? {} : { acquire: noLockfile }),
  });

  const obey = async (order: Order): Promise<Report> => {
    [stopAt, times] = [order.stopAt, 0];
    onStep('asked');
    try {
      const answer =
        order.do === 'submit'
          ? await store.submit(order.command)
          : await files.advance(
              options.folder,
              order.seen === undefined ? {} : { seen: order.seen },
            );
      onStep('answered');
      return { is: 'answer', answer };
    } catch (error) {
      if (!isStoreError(error)) throw error;
      return { is: 'fault', code: error.code, message: error.message };
    } finally {
      stopAt = undefined;
    }
  };
  process.on('message', (order: Order) => {
    void obey(order).then(report);
  });
  process.once('disconnect', () => process.exit());
  report({ is: 'ready' });
}

void main();
