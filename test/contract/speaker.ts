/**
 * A process that says to stores what it is told to, for as long as it is told: `speaker.js`, forked. It has as
 * many connections as there are voices that it speaks for, and tells of each answer what a stranger saw then.
 */
import type { Answer, Command, OpId, Seq } from '../../src/core/model';
import type { Identity } from '../../src/store/engine';
import type { Store } from '../../src/store/store';
import { engines, type EngineName } from './engines';

/** One connection, by a name that only this process has to know. */
export interface Voice {
  readonly name: string;
  readonly identity: Identity;
  readonly inThread: boolean;
}

export interface Line {
  readonly voice: string;
  readonly command: Command;
  readonly opId?: OpId | undefined;
}

export type Order = { readonly id: number } & (
  | {
      readonly do: 'open';
      readonly engine: EngineName;
      readonly folder: string;
      readonly scripted: boolean;
      readonly voices: readonly Voice[];
    }
  /** The members of a turn are said at once, and the next turn when all of them are answered. */
  | { readonly do: 'say'; readonly turns: readonly (readonly Line[])[] }
  | { readonly do: 'close'; readonly voices: readonly string[] | 'all' }
);

export interface Heard {
  readonly answer: Answer<unknown>;
  /** The head of the store for another connection, at the moment of the answer. */
  readonly head: Seq;
}

export type Said = Heard | { readonly fault: string };

export type Report = { readonly id: number } & (
  { readonly said: readonly (readonly Said[])[] } | { readonly failed: string }
);

const stores = new Map<string, Store>();
/** A connection that never says anything. */
let stranger: Store | undefined;

async function obey(order: Order): Promise<readonly (readonly Said[])[]> {
  switch (order.do) {
    case 'open': {
      const { engine, folder, scripted } = order;
      const open = (identity: Identity, inThread: boolean): Promise<Store> =>
        engines[engine].open({ folder, identity, inThread, scripted });
      for (const { name, identity, inThread } of order.voices) {
        stores.set(name, await open(identity, inThread));
        stranger ??= await open(identity, false);
      }
      return [];
    }
    case 'say': {
      const said: Said[][] = [];
      for (const turn of order.turns) said.push(await Promise.all(turn.map(say)));
      return said;
    }
    case 'close': {
      const names = order.voices === 'all' ? [...stores.keys()] : order.voices;
      await Promise.all(names.map((name) => stores.get(name)?.close()));
      for (const name of names) stores.delete(name);
      if (stores.size === 0) {
        await stranger?.close();
        stranger = undefined;
      }
      return [];
    }
  }
}

function say({ voice, command, opId }: Line): Promise<Said> {
  const store = stores.get(voice);
  if (!store || !stranger) throw new Error(`nobody speaks for ${voice}`);
  const watcher = stranger;
  return store.submit(command, opId).then(
    async (answer) => ({ answer, head: await watcher.read('head', {}) }),
    (fault: unknown) => ({ fault: String(fault) }),
  );
}

process.on('message', (order: Order) => {
  const { id } = order;
  obey(order).then(
    (said) => process.send?.({ id, said } satisfies Report),
    (error: unknown) =>
      process.send?.({ id, failed: String(error instanceof Error ? error.stack : error) }),
  );
});
// Nobody is left to speak for.
process.on('disconnect', () => process.exit());
