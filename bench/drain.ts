/** Runs claimed and completed by several processes until none is left: one contestant, one round. */
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import type { AgentName, SessionId } from '../src/core/model';
import type { Identity } from '../src/store/engine';
import { openLocalStore } from '../src/store/localStore';
import { newId } from '../src/store/newId';
import { placeOf, type Place } from '../src/store/place';
import type { Store } from '../src/store/store';
import { spread, type Workshop } from './workshop';

/** What each process of a drain is told. */
export interface DrainJob {
  readonly folder: string;
  readonly contestant: string;
  readonly lanes: number;
  readonly worker: number;
  /** Packages that the project itself does not have. */
  readonly packages: string | undefined;
}

export interface DrainReport {
  readonly claimed: readonly string[];
  /** Milliseconds from asking to the answer, the last answer "nothing left" included. */
  readonly claims: readonly number[];
  readonly completions: readonly number[];
  readonly begun: number;
  readonly ended: number;
}

export interface Drain extends Omit<DrainJob, 'worker'> {
  readonly runs: number;
  readonly processes: number;
  readonly env?: NodeJS.ProcessEnv;
}

export async function drain(workshop: Workshop, drain: Drain): Promise<Record<string, number>> {
  const { runs, processes, env, ...job } = drain;
  const hands = await Promise.all(
    Array.from({ length: processes }, (_, worker) =>
      workshop.hire('drain', { ...job, worker } satisfies DrainJob, env),
    ),
  );
  const reports = await Promise.all(hands.map((hand) => hand.ask<DrainReport>('go')));
  await workshop.dismiss(...hands);

  const claimed = reports.flatMap((report) => report.claimed);
  const claims = reports.flatMap((report) => report.claims);
  const waits = [...claims, ...reports.flatMap(({ completions }) => completions)];
  const ended = Math.max(...reports.map((report) => report.ended));
  const took = ended - Math.min(...reports.map((report) => report.begun));
  const shares = reports.map((report) => (report.claimed.length * processes) / claimed.length);
  const different = new Set(claimed).size;
  const { p50, p99 } = spread(claims);
  return {
    runs,
    cycles_per_s: (claimed.length * 1_000) / took,
    p50,
    p99,
    longest: Math.max(...waits),
    share: Math.min(...shares),
    double: claimed.length - different,
    missing: runs - different,
  };
}

/** A store as storms and benches have it: no slots, no rate. */
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
