/**
 * `metrics`: what a monitor scrapes, in the text format of Prometheus. The names are a promise; docs/metrics.md lists
 * them, and a test holds the two together.
 */
import { existsSync, lstatSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { defaults } from '../core/rules/limits';
import { listBackups } from '../store/sqlite/backups';
import type { Store } from '../store/store';
import { inStore } from './asking';
import type { Done, Refused } from './commandLine';
import { hasStore, locate, type Workplace } from './workplace';

export interface Metric {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type MetricsDocument = (Done & { readonly metrics: readonly Metric[] }) | Refused;

type Kind = 'gauge' | 'counter';

/** In the order in which they are told. */
export const described: Readonly<Record<string, readonly [Kind, string]>> = {
  wavelock_up: ['gauge', 'Whether there is a store that can be read.'],
  wavelock_read_only: ['gauge', 'Whether the store takes no change: damaged, behind or foreign.'],
  wavelock_events_total: ['counter', 'Events of each kind since the store was begun.'],
  wavelock_head_seq: ['gauge', 'Number of the newest event.'],
  wavelock_runs: ['gauge', 'Runs of the live store by status.'],
  wavelock_slots: ['gauge', 'Runs that may run at once; 0 is without a limit.'],
  wavelock_slot_waiters: ['gauge', 'Claims that stand in line.'],
  wavelock_oldest_running_seconds: ['gauge', 'Since the longest of the running runs was claimed.'],
  wavelock_overdue_runs: ['gauge', 'Running runs whose lease is over by their own clock.'],
  wavelock_locks: ['gauge', 'Locks that stand, by mode.'],
  wavelock_lock_waiters: ['gauge', 'Acquires that stand in line.'],
  wavelock_agents: ['gauge', 'Registered agents by kind.'],
  wavelock_sessions: ['gauge', 'Processes that have said they are there.'],
  wavelock_workflow_wave: ['gauge', 'The wave under way of each workflow.'],
  wavelock_workflow_waves: ['gauge', 'How many waves each workflow has.'],
  wavelock_file_edits_pending: ['gauge', 'Changes that a workflow file does not say yet.'],
  wavelock_conflicts: ['gauge', 'Changes that did not go together and wait for a person.'],
  wavelock_store_bytes: ['gauge', 'Size of each file of the store.'],
  wavelock_disk_free_bytes: ['gauge', 'Room on the disk of the store.'],
  wavelock_backup_age_seconds: ['gauge', 'Since the newest backup of the store.'],
};

export async function metrics(workplace: Workplace): Promise<MetricsDocument> {
  const { place } = locate(workplace);
  if (!hasStore(place)) {
    return { ok: true, at: 0, metrics: [{ name: 'wavelock_up', labels: {}, value: 0 }] };
  }
  return inStore(workplace, async (store) => {
    const now = Date.now();
    const gathered = [
      one('wavelock_up', 1),
      one('wavelock_read_only', store.readOnlyBecause ? 1 : 0),
      ...(await ofStore(store, now)),
      ...ofFolder(place.storeFolder, now),
    ];
    const order = Object.keys(described);
    return {
      ok: true,
      at: await store.read('head', {}),
      metrics: gathered.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    };
  });
}

async function ofStore(store: Store, now: number): Promise<Metric[]> {
  const { seq, counts } = await store.read('runs', { statuses: [], workflow: null, limit: 0 });
  const { agents, sessions, running, waiters, slotWaiters } = await store.read('agents', {});
  const locks = await store.read('locks', {});
  const slots = (await store.read('config', { key: 'slots' }))?.value ?? defaults.slots;
  const workflows = await store.read('workflows', {});
  const conflicts = await store.read('conflicts', {});
  const begun = running.flatMap(({ startedAt }) => startedAt ?? []);
  const overdue = running.filter(({ claim }) => claim !== null && claim.leaseUntil < now);
  return [
    ...by('wavelock_events_total', 'kind', await store.read('eventKinds', {})),
    one('wavelock_head_seq', seq),
    ...by('wavelock_runs', 'status', counts),
    one('wavelock_slots', Number(slots)),
    one('wavelock_slot_waiters', slotWaiters.length),
    one(
      'wavelock_oldest_running_seconds',
      begun.length === 0 ? 0 : (now - Math.min(...begun)) / 1_000,
    ),
    one('wavelock_overdue_runs', overdue.length),
    ...by('wavelock_locks', 'mode', {
      read: locks.filter(({ mode }) => mode === 'read').length,
      write: locks.filter(({ mode }) => mode === 'write').length,
    }),
    one('wavelock_lock_waiters', waiters.length),
    ...by('wavelock_agents', 'kind', counted(agents.map(({ kind }) => kind))),
    one('wavelock_sessions', sessions.length),
    ...workflows.flatMap(({ id: workflow, wave, waveCount }) => [
      { name: 'wavelock_workflow_wave', labels: { workflow }, value: wave },
      { name: 'wavelock_workflow_waves', labels: { workflow }, value: waveCount },
    ]),
    one('wavelock_file_edits_pending', (await store.read('fileEdits', {})).length),
    one('wavelock_conflicts', conflicts.filter(({ resolved }) => resolved === null).length),
  ];
}

const files = ['store.db', 'store.db-wal', 'archive.db'];

function ofFolder(folder: string, now: number): Metric[] {
  const { bavail, bsize } = statfsSync(folder);
  const [newest] = listBackups(folder);
  return [
    ...files
      .filter((file) => existsSync(join(folder, file)))
      .map((file) => ({
        name: 'wavelock_store_bytes',
        labels: { file },
        value: lstatSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0,
      })),
    one('wavelock_disk_free_bytes', bavail * bsize),
    ...(newest ? [one('wavelock_backup_age_seconds', Math.max(0, now - newest.at) / 1_000)] : []),
  ];
}

function one(name: string, value: number): Metric {
  return { name, labels: {}, value };
}

function by(name: string, label: string, values: Readonly<Record<string, number>>): Metric[] {
  return Object.entries(values).map(([key, value]) => ({ name, labels: { [label]: key }, value }));
}

function counted(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/** The text format, version 0.0.4. */
export function prometheus(metrics: readonly Metric[]): string {
  const lines: string[] = [];
  let before = '';
  for (const { name, labels, value } of metrics) {
    const [kind, help] = described[name] ?? ['gauge', ''];
    if (name !== before) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
    before = name;
    const pairs = Object.entries(labels).map(([label, of]) => `${label}="${escaped(of)}"`);
    lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
