/** A process that follows a store and tells when it has seen an event. */
import fs from 'node:fs';
import type { Seq } from '../src/core/model';
import { openLocalStore } from '../src/store/localStore';
import { benchPlace, identityOf } from './stores';
import { now, work } from './workshop';

export interface NotifyJob {
  readonly folder: string;
  readonly from: Seq;
  /** Otherwise no watch can be had, as when their number is used up. */
  readonly watchable: boolean;
}

export interface Seen {
  readonly at: number;
}

work(async ({ folder, from, watchable }: NotifyJob) => {
  if (!watchable) {
    fs.watch = () => {
      throw Object.assign(new Error('ENOSPC: no watch is left'), {
        code: 'ENOSPC',
        syscall: 'watch',
      });
    };
  }
  const store = await openLocalStore({
    place: benchPlace(folder),
    identity: identityOf('observer'),
    durability: 'full',
  });
  const seen = new Map<Seq, number>();
  const awaited = new Map<Seq, (at: number) => void>();
  store.subscribe(from, (events) => {
    const at = now();
    for (const { seq } of events) {
      seen.set(seq, at);
      awaited.get(seq)?.(at);
    }
  });
  return async (seq: Seq): Promise<Seen> => ({
    at: seen.get(seq) ?? (await new Promise((resolve) => awaited.set(seq, resolve))),
  });
});
