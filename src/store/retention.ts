/**
 * Moves ended runs from the live store to the archive, a chunk at a time.
 *
 * Contract: a chunk is durable in the archive before the command that drops it. A crash between the two
 * leaves runs in both; the next call is offered them again, writes the same rows over, and goes on.
 */
import { StoreError } from '../core/errors';
import type { RunId, RunRow } from '../core/model';
import type { Store } from './store';

export async function retainRuns(
  store: Pick<Store, 'submit'>,
  archive: (rows: readonly RunRow[]) => Promise<void>,
  goOn: () => boolean = () => true,
): Promise<number> {
  let [archived, count]: [readonly RunId[], number] = [[], 0];
  for (;;) {
    const answer = await store.submit({ kind: 'retention.step', archived });
    if (!answer.ok) throw new StoreError('store_unavailable', answer.refusal.message);
    const { archived: dropped, next } = answer.facts;
    count += dropped.length;
    // Offered again what it would not take: a live run refers to it by now. Later, then.
    const isStuck = archived.length > 0 && dropped.length === 0;
    if (next.length === 0 || isStuck || !goOn()) return count;
    await archive(next);
    archived = next.map(({ id }) => id);
  }
}
