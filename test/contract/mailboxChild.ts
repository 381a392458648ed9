/** A process that claims and completes runs until there are none: `mailboxChild.js FOLDER`. */
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import type { Store } from '../../src/store/store';
import type { Drained } from './mailbox.test';
import { identity } from './stores';

const [folder = ''] = process.argv.slice(2);

async function main(): Promise<void> {
  const store = await openLocalStore({
    place: placeOf(folder),
    identity: identity(),
    durability: 'full',
  });
  process.once('disconnect', () => process.exit());
  process.once('message', () => {
    void drain(store).then((drained) => process.send?.(drained));
  });
  process.send?.('ready');
}

async function drain(store: Store): Promise<Drained> {
  const claimed: string[] = [];
  let longestMs = 0;
  for (;;) {
    const asked = performance.now();
    const claim = await store.submit({ kind: 'run.claim' });
    longestMs = Math.max(longestMs, performance.now() - asked);
    if (!claim.ok) return { claimed, longestMs };
    const { run, token } = claim.facts;
    claimed.push(run.id);
    await store.submit({ kind: 'run.complete', run: run.id, token });
  }
}

void main();
