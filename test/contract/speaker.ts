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
  | {
      readonly do: 'say';
      readonly turns: readonly (readonly Line[])[];
      /** Killed at this look at the world, counted from here, or when it has its first answer. */
      readonly dieAt?: number | 'answer' | undefined;
    }
  /** From the beginning, by one of its connections. */
  | { readonly do: 'follow'; readonly voice: string }
  /** Reports what was followed when it has come so far. */
  | { readonly do: 'tell'; readonly until: Seq }
  | { readonly do: 'close'; readonly voices: readonly string[] | 'all' }
);

export interface Heard {
  readonly answer: Answer<unknown>;
  /** The head of the store for another connection, at the moment of the answer. */
  readonly head: Seq;
}

export type Said = Heard | { readonly fault: string };

export interface Done {
  readonly said: readonly (readonly Said[])[];
  /** In the order in which they were heard of. */
  readonly followed: readonly Seq[];
}

export type Report = { readonly id: number } & (Done | { readonly failed: string });

/** By folder: several stores may be spoken to at once. */
const scenes = new Map<string, Scene>();

interface Scene {
  readonly stores: Map<string, Store>;
  /** A connection that never says anything. */
  readonly stranger: Store;
  readonly followed: Seq[];
  /** Looks at what was followed, each time that there is more. */
  onFollowed: () => void;
}

let [looks, dieAt] = [0, undefined as number | 'answer' | undefined];

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
const onLook = (): void => {
  if ((looks += 1) === dieAt) die();
};

const done = (part: Partial<Done> = {}): Done => ({ said: [], followed: [], ...part });

async function obey(order: Order): Promise<Done> {
  const { folder } = order;
  switch (order.do) {
    case 'open': {
      const open = ({ identity, inThread }: Omit<Voice, 'name'>): Promise<Store> =>
        engines[order.engine].open({
          folder,
          identity,
          inThread,
          scripted: order.scripted,
          onLook,
        });
      for (const voice of order.voices) {
        const store = await open(voice);
        if (!scenes.has(folder)) {
          const stranger = await open({ ...voice, inThread: false });
          scenes.set(folder, {
            stores: new Map(),
            stranger,
            followed: [],
            onFollowed: () => undefined,
          });
        }
        scenes.get(folder)?.stores.set(voice.name, store);
      }
      return done();
    }
    case 'say': {
      [looks, dieAt] = [0, order.dieAt];
      const said: Said[][] = [];
      for (const turn of order.turns)
        said.push(await Promise.all(turn.map((line) => say(folder, line))));
      return done({ said });
    }
    case 'follow': {
      const scene = scenes.get(folder);
      scene?.stores.get(order.voice)?.subscribe(0, (events) => {
        scene.followed.push(...events.map(({ seq }) => seq));
        scene.onFollowed();
      });
      return done();
    }
    case 'tell': {
      const scene = scenes.get(folder);
      if (!scene) throw new Error(`nobody follows ${folder}`);
      await new Promise<void>((resolve) => {
        scene.onFollowed = () => {
          if ((scene.followed.at(-1) ?? 0) >= order.until) resolve();
        };
        scene.onFollowed();
      });
      return done({ followed: scene.followed });
    }
    case 'close': {
      const scene = scenes.get(folder);
      if (!scene) return done();
      const { stores, stranger } = scene;
      const names = order.voices === 'all' ? [...stores.keys()] : order.voices;
      if (order.voices === 'all') scenes.delete(folder);
      await Promise.all(names.map(async (name) => stores.get(name)?.close()));
      for (const name of names) stores.delete(name);
      if (order.voices === 'all') await stranger.close();
      return done();
    }
  }
}

function say(folder: string, { voice, command, opId }: Line): Promise<Said> {
  const scene = scenes.get(folder);
  const store = scene?.stores.get(voice);
  if (!scene || !store) throw new Error(`nobody speaks for ${voice}`);
  return store.submit(command, opId).then(
    async (answer) => {
      if (dieAt === 'answer') die();
      return { answer, head: await scene.stranger.read('head', {}) };
    },
    (fault: unknown) => ({ fault: String(fault) }),
  );
}

process.on('message', (order: Order) => {
  const { id } = order;
  obey(order).then(
    (all) => process.send?.({ id, ...all } satisfies Report),
    (error: unknown) =>
      process.send?.({ id, failed: String(error instanceof Error ? error.stack : error) }),
  );
});
// Nobody is left to speak for.
process.on('disconnect', () => process.exit());
