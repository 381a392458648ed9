/** Everything that is so, as plain lists in order of creation. Nothing is indexed, nothing is kept twice. */
import type {
  AgentRow,
  Beat,
  ConfigRow,
  Context,
  LockRow,
  PendingWrite,
  ProcessIdentity,
  RefusalCode,
  RunRow,
  SessionRow,
  SlotWaiterRow,
  WaiterRow,
  WorkflowRow,
} from '../../src/core/model';

export class World {
  runs: RunRow[] = [];
  archive: RunRow[] = [];
  agents: AgentRow[] = [];
  sessions: SessionRow[] = [];
  locks: LockRow[] = [];
  waiters: WaiterRow[] = [];
  slotWaiters: SlotWaiterRow[] = [];
  config: ConfigRow[] = [];
  workflows: WorkflowRow[] = [];
  /** Promised to files and not yet settled. */
  pending: PendingWrite[] = [];
  /** The last fencing token that was given. */
  fence = 0;
  /** By observer and subject: the beat, and the observer's own clocks when it first saw it. */
  sightings = new Map<string, { beat: Beat; mono: number; wall: number }>();
  /** How much is left of a rate, and when that was. */
  rates = new Map<string, { left: number; at: Beat }>();

  /** Another world that is so now; rows do not change, so both may have the same. */
  copy(): World {
    const copy = new World();
    for (const table of tables) Object.assign(copy, { [table]: [...this[table]] });
    copy.fence = this.fence;
    copy.sightings = new Map(this.sightings);
    copy.rates = new Map(this.rates);
    return copy;
  }

  /** Equal for worlds in which everything is so in the same way. */
  get fingerprint(): string {
    const { fence, sightings, rates } = this;
    const byKey = (map: ReadonlyMap<string, unknown>): unknown[] =>
      [...map].sort(([one], [other]) => (one < other ? -1 : 1));
    const rows = tables.map((table) => this[table].map(textOf).join());
    return JSON.stringify([fence, byKey(sightings), byKey(rates)]) + rows.join(';');
  }

  number(key: ConfigRow['key'], otherwise: number): number {
    const value = this.config.find((row) => row.key === key)?.value;
    return typeof value === 'number' ? value : otherwise;
  }

  /** What was dated is gone: if the same comes again, it is something new. */
  forget(): void {
    const { locks, waiters, slotWaiters, sessions, agents } = this;
    const running = this.runs.filter((run) => run.status === 'running');
    const there = [...running, ...locks, ...waiters, ...slotWaiters, ...sessions];
    const names = [...there.map(({ id }) => id as string), ...agents.map(({ name }) => name)];
    for (const key of this.sightings.keys())
      if (!names.includes(key.slice(key.lastIndexOf(':') + 1))) this.sightings.delete(key);
  }

  putRun(run: RunRow): void {
    if (this.runs.some((known) => known.id === run.id))
      this.runs = this.runs.map((known) => (known.id === run.id ? run : known));
    else this.runs.push(run);
  }
}

const texts = new WeakMap<object, string>();

/** Rows do not change, so neither does their text. */
function textOf(row: object): string {
  const text = texts.get(row) ?? JSON.stringify(row);
  texts.set(row, text);
  return text;
}

const tables = [
  'runs',
  'archive',
  'agents',
  'sessions',
  'locks',
  'waiters',
  'slotWaiters',
  'config',
  'workflows',
  'pending',
] as const;

/** Refusals and grants name only what is worth comparing. */
export type Outcome =
  | { readonly ok: true; readonly facts: Facts }
  | { readonly ok: false; readonly code: RefusalCode; readonly facts: Facts };

export type Facts = Readonly<Record<string, unknown>>;

export const grant = (facts: Facts = {}): Outcome => ({ ok: true, facts });
export const refuse = (code: RefusalCode, facts: Facts = {}): Outcome => ({
  ok: false,
  code,
  facts,
});

export function beatOf(context: Context): Beat {
  return {
    host: context.host,
    bootId: context.bootId,
    mono: context.mono,
    wall: context.now,
    server: context.server,
  };
}

export interface Span {
  readonly subject: string;
  readonly beat: Beat;
  readonly ttlMs: number;
  readonly afterReboot: 'over' | 'fresh';
  readonly process: ProcessIdentity | null;
}

/** LEASE-2 … LEASE-7, LOCK-6: is it over for this observer? What it cannot date, it dates from now on. */
export function isOver(world: World, span: Span, context: Context): boolean {
  const { beat, ttlMs } = span;
  if (span.process !== null && context.liveness(span.process) === 'gone') return true;
  if (context.server !== null && beat.server !== null) return context.server - beat.server >= ttlMs;
  if (beat.host === context.host && beat.bootId === context.bootId)
    return (context.sharedMono ? context.mono - beat.mono : context.now - beat.wall) >= ttlMs;
  if (beat.host === context.host && span.afterReboot === 'over') return true;
  const key = `${context.observer} ${span.subject}`;
  const seen = world.sightings.get(key);
  if (seen === undefined || JSON.stringify(seen.beat) !== JSON.stringify(beat)) {
    world.sightings.set(key, { beat, mono: context.mono, wall: context.now });
    return ttlMs <= 0;
  }
  return (context.sharedMono ? context.mono - seen.mono : context.now - seen.wall) >= ttlMs;
}
