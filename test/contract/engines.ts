/**
 * The engines that the suite of several processes is for, and how one of them is opened. Another engine passes
 * the suite when it has a member here: programs of the suite find it by its name.
 */
import { resolve } from 'node:path';
import type { Context, OpId, RunRow } from '../../src/core/model';
import type { Identity } from '../../src/store/engine';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import { openSqlite } from '../../src/store/sqlite/opening';
import type { Store } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { contextOf } from '../model/operation';

export interface Opening {
  /** The workspace; the store is the one of this folder. */
  readonly folder: string;
  readonly identity: Identity;
  readonly inThread: boolean;
  /** Every operation is decided at the moment that its id tells, not now and here. */
  readonly scripted: boolean;
  /** Called at each look that a decision takes at the world around it, so within its transaction. */
  readonly onLook?: () => void;
  /** Called at each step that the engine names. */
  readonly onStep?: (step: string) => void;
}

export interface EngineUnderTest {
  /** Its names for the moment before a transaction is durable, and for the one after. */
  readonly steps: { readonly commit: string; readonly durable: string };
  open(opening: Opening): Promise<Store>;
  /** Makes runs durable in the archive, before they may leave the live store. */
  archive(folder: string, identity: Identity, rows: readonly RunRow[]): Promise<void>;
}

/** Nobody's timers: what these stores do, they were told to. */
const never = (): (() => void) => () => undefined;

function watched(context: Context, onLook: (() => void) | undefined): Context {
  if (!onLook) return context;
  return new Proxy(context, {
    get(target, name) {
      onLook();
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const sqlite: EngineUnderTest = {
  steps: { commit: 'store.commit', durable: 'store.durable' },
  async open({ folder, identity, inThread, scripted, onLook, onStep }) {
    const options = { place: placeOf(folder), identity, durability: 'full' } as const;
    if (inThread) {
      const script = scripted ? 'out/test/contract/speakerThread.js' : 'dist/storeThread.js';
      return openThreadStore(options, resolve(script));
    }
    return openLocalStore({
      ...options,
      schedule: never,
      ...(onStep ? { onStep } : {}),
      ...(scripted ? { contextOf: (opId: OpId) => watched(contextOf(opId), onLook) } : {}),
    });
  },
  async archive(folder, identity, rows) {
    const options = { folder: placeOf(folder).storeFolder, identity, inThread: false } as const;
    const engine = await openSqlite({ ...options, durability: 'full' });
    engine.archive(rows);
    engine.close();
  },
};

export const engines = { sqlite } as const satisfies Readonly<Record<string, EngineUnderTest>>;
export type EngineName = keyof typeof engines;
