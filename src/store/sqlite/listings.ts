/**
 * Rows as people and scripts list them: pages, counts and ids by their beginning. No rule asks for any of this, so
 * it stands apart from `tables.ts`, whose statements every transaction pays for.
 */
import {
  decodeAgent,
  decodeRun,
  decodeSession,
  decodeSlotWaiter,
  decodeWaiter,
} from '../../core/codec';
import type { RunId, RunRow, RunStatus, WorkflowId } from '../../core/model';
import { countsOf } from '../../core/views';
import type { Agents, RunListing } from '../engine';
import type { Archive } from './archive';
import type { Tables } from './tables';

export class Listings {
  constructor(
    private readonly tables: Tables,
    private readonly archive: Archive,
  ) {}

  /** Newest first. */
  runs(ask: {
    readonly statuses: readonly RunStatus[];
    readonly workflow: WorkflowId | null;
    readonly limit: number;
  }): Omit<RunListing, 'seq'> {
    const { statuses, workflow, limit } = ask;
    const runs = this.#texts(
      `SELECT row FROM runs
       WHERE (:all OR status IN (SELECT value FROM json_each(:statuses)))
         AND (:workflow IS NULL OR workflow = :workflow)
       ORDER BY created DESC LIMIT :limit`,
      { all: statuses.length === 0 ? 1 : 0, statuses: JSON.stringify(statuses), workflow, limit },
    ).map((text) => decodeRun(text));
    return {
      runs,
      children: this.children(runs.map(({ id }) => id)),
      counts: this.counts(workflow),
    };
  }

  /** Of the live store; those of an index first, which the statuses of most runs have not. */
  counts(workflow: WorkflowId | null): RunListing['counts'] {
    const counts: Record<RunStatus, number> = { ...countsOf([]) };
    const rows = this.tables
      .sql(
        `SELECT status, count(*) AS n FROM runs
         WHERE (:workflow IS NULL OR workflow = :workflow) GROUP BY status`,
      )
      .all({ workflow });
    for (const { status, n } of rows) counts[status as RunStatus] = Number(n);
    return counts;
  }

  /** In order of creation. */
  children(of: readonly RunId[]): RunRow[] {
    if (of.length === 0) return [];
    return this.#texts(
      `SELECT row FROM runs
       WHERE parent IS NOT NULL AND parent IN (SELECT value FROM json_each(:of)) ORDER BY created`,
      { of: JSON.stringify(of) },
    ).map((text) => decodeRun(text));
  }

  /** Those that begin so, in the archive too. */
  runIds(prefix: string, limit: number): readonly RunId[] {
    // The highest character that no id has closes the range, so that the index of ids serves it.
    const ids = this.tables
      .sql('SELECT id FROM runs WHERE id >= :prefix AND id < :end ORDER BY id LIMIT :limit')
      .all({ prefix, end: `${prefix}\uffff`, limit })
      .map(({ id }) => String(id) as RunId);
    return [...new Set([...ids, ...this.archive.ids(prefix, limit)])].slice(0, limit);
  }

  agents(): Omit<Agents, 'seq'> {
    return {
      agents: this.#texts('SELECT row FROM agents ORDER BY created').map((text) =>
        decodeAgent(text),
      ),
      sessions: this.#texts('SELECT row FROM sessions ORDER BY created').map((text) =>
        decodeSession(text),
      ),
      running: this.#texts(`SELECT row FROM runs WHERE status = 'running' ORDER BY created`).map(
        (text) => decodeRun(text),
      ),
      waiters: this.#texts('SELECT row FROM waiters ORDER BY created').map((text) =>
        decodeWaiter(text),
      ),
      slotWaiters: this.#texts('SELECT row FROM slot_waiters ORDER BY created').map((text) =>
        decodeSlotWaiter(text),
      ),
    };
  }

  /** How often each kind of event has happened: a look at all of them. */
  eventKinds(): Readonly<Record<string, number>> {
    const rows = this.tables
      .sql(`SELECT event ->> '$.kind' AS kind, count(*) AS n FROM events GROUP BY 1 ORDER BY 1`)
      .all();
    return Object.fromEntries(rows.map(({ kind, n }) => [String(kind), Number(n)]));
  }

  #texts(sql: string, values: Readonly<Record<string, string | number | null>> = {}): string[] {
    return this.tables
      .sql(sql)
      .all({ ...values })
      .map((found) => String(found['row']));
  }
}
