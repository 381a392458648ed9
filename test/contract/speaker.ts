/**
 * A process that says to stores what it is told to, for as long as it is told: `speaker.js`, forked. It has as
 * many connections as there are voices that it speaks for, and tells of each answer what a stranger saw then.
 */
import type { Answer, Command, OpId, Seq } from '../../src/core/model';
import type { Identity } from '../../src/store/engine';
import type { Store } from '../../src/store/store';
import { engines, type EngineName } from './engines';

/** One connection, by a name that is its own within the folder. */
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

export type Order = { readonly id: number; readonly folder: string } & (
  | {
      readonly do: 'open';
      readonly engine: EngineName;
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

/** By folder: several stores may be spoken to at once. */
const scenes = new Map<string, Scene>();

interface Scene {
  readonly stores: Map<string, Store>;
  /** A connection that never says anything. */
  readonly stranger: Store;
}

async function obey(order: Order): Promise<readonly (readonly Said[])[]> {
  const { folder } = order;
  switch (order.do) {
    case 'open': {
      const open = ({ identity, inThread }: Omit<Voice, 'name'>): Promise<Store> =>
        engines[order.engine].open({ folder, identity, inThread, scripted: order.scripted });
      for (const voice of order.voices) {
        const store = await open(voice);
        if (!scenes.has(folder)) {
          const stranger = await open({ ...voice, inThread: false });
          scenes.set(folder, { stores: new Map(), stranger });
        }
        scenes.get(folder)?.stores.set(voice.name, store);
      }
      return [];
    }
    case 'say': {
      const said: Said[][] = [];
      for (const turn of order.turns)
        said.push(await Promise.all(turn.map((line) => say(folder, line))));
      return said;
    }
    case 'close': {
      const scene = scenes.get(folder);
      if (!scene) return [];
      const { stores, stranger } = scene;
      const names = order.voices === 'all' ? [...stores.keys()] : order.voices;
      if (order.voices === 'all') scenes.delete(folder);
      await Promise.all(names.map(async (name) => stores.get(name)?.close()));
      for (const name of names) stores.delete(name);
      if (order.voices === 'all') await stranger.close();
      return [];
    }
  }
}

function say(folder: string, { voice, command, opId }: Line): Promise<Said> {
  const scene = scenes.get(folder);
  const store = scene?.stores.get(voice);
  if (!scene || !store) throw new Error(`nobody speaks for ${voice}`);
  return store.submit(command, opId).then(
    async (answer) => ({ answer, head: await scene.stranger.read('head', {}) }),
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
