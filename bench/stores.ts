/** Stores of Wavelock as benches have them. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AgentName, SessionId } from '../src/core/model';
import type { Identity } from '../src/store/engine';
import { openLocalStore } from '../src/store/localStore';
import { newId } from '../src/store/newId';
import { placeOf, type Place } from '../src/store/place';
import type { Store } from '../src/store/store';

/** Without slots and without a rate: neither is what is measured. */
export async function openBenchStore(folder: string): Promise<Store> {
  mkdirSync(folder, { recursive: true });
  const store = await openLocalStore({
    place: benchPlace(folder),
    identity: identityOf('bench'),
    durability: 'full',
  });
  for (const key of ['slots', 'rate.mutations'])
    await store.submit({ kind: 'config.set', key: key as never, value: 0 });
  return store;
}

export async function fill(store: Store, runs: number): Promise<void> {
  const atOnce = 2_000;
  for (let left = runs; left > 0; left -= atOnce) {
    const count = Math.min(left, atOnce);
    const answer = await store.submit({ kind: 'run.create', title: 'npm run build', count });
    if (!answer.ok) throw new Error(answer.refusal.message);
  }
}

export const benchPlace = (folder: string): Place => placeOf(folder, `${folder}/.wavelock`);

export function identityOf(agent: string): Identity {
  return {
    agent: agent as AgentName,
    named: true,
    kind: 'other',
    session: newId('ses') as SessionId,
    host: hostname(),
    pid: process.pid,
  };
}
