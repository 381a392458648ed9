/**
 * A store in memory that drives rules as an engine does: slow, plain, and right by reading. It answers every
 * `RowQuery` as its comment in decision.ts says, and is what engines are compared with. Long because every question
 * and every kind of row has its entry.
 */
import assert from 'node:assert/strict';
import { decide } from '../../src/core/decide';
import type {
  AgentId,
  AgentKind,
  AgentName,
  AgentRow,
  Answer,
  Beat,
  BootId,
  Changes,
  ClaimToken,
  Command,
  ConfigRow,
  ConflictRow,
  Context,
  CounterRow,
  EditId,
  FileEdit,
  FileIntent,
  Granted,
  GuardRow,
  Liveness,
  LockArea,
  LockId,
  LockKey,
  LockRow,
  PageMark,
  NewEvent,
  ObserverId,
  OpId,
  ProcessIdentity,
  RateRow,
  Refusal,
  RefusalCode,
  RefusalOf,
  RowChange,
  RowQueries,
  RowQuery,
  RunId,
  RunRow,
  SessionId,
  SessionRow,
  SightingRow,
  SlotWaiterRow,
  StoredEvent,
  TaskRow,
  TokenDigest,
  WaiterRow,
  WorkflowRow,
} from '../../src/core/model';
import { undoHorizon } from '../../src/core/rules/undo';
import { guardKey, taskKey, type StateRows } from '../../src/core/views';

/** Rows by key, in order of creation: putting a known key keeps its place, as a Map does. */
interface Tables {
  readonly run: Map<string, RunRow>;
  /** Runs that have left the live store. */
  readonly archive: Map<string, RunRow>;
  readonly agent: Map<string, AgentRow>;
  readonly session: Map<string, SessionRow>;
  readonly lock: Map<string, LockRow>;
  readonly waiter: Map<string, WaiterRow>;
  readonly slotWaiter: Map<string, SlotWaiterRow>;
  readonly sighting: Map<string, SightingRow>;
  readonly rate: Map<string, RateRow>;
  readonly config: Map<string, ConfigRow>;
  readonly counter: Map<string, CounterRow>;
  readonly workflow: Map<string, WorkflowRow>;
  readonly task: Map<string, TaskRow>;
  readonly fileEdit: Map<string, FileEdit>;
  readonly fileIntent: Map<string, FileIntent>;
  readonly conflict: Map<string, ConflictRow>;
  readonly guard: Map<string, GuardRow>;
}

const emptyTables = (): Tables => ({
  run: new Map(),
  archive: new Map(),
  agent: new Map(),
  session: new Map(),
  lock: new Map(),
  waiter: new Map(),
  slotWaiter: new Map(),
  sighting: new Map(),
  rate: new Map(),
  config: new Map(),
  counter: new Map(),
  workflow: new Map(),
  task: new Map(),
  fileEdit: new Map(),
  fileIntent: new Map(),
  conflict: new Map(),
  guard: new Map(),
});

export class RowStore {
  readonly #tables = emptyTables();
  readonly #events: StoredEvent[] = [];
  /** How to take back what the present command has done, in the order in which it was done. */
  #undo: (() => void)[] = [];
  /** Tables that `#undo` brings back whole. */
  readonly #kept = new Set<unknown>();
  #operations = 0;
  /** Every run and lock that ever was, in order of creation; a sweep may go on after one that it dropped. */
  readonly #born = new Map<string, { readonly place: number; row: RunRow | LockRow }>();

  get runs(): readonly RunRow[] {
    return [...this.#tables.run.values()];
  }
  get archive(): readonly RunRow[] {
    return [...this.#tables.archive.values()];
  }
  get agents(): readonly AgentRow[] {
    return [...this.#tables.agent.values()];
  }
  get sessions(): readonly SessionRow[] {
    return [...this.#tables.session.values()];
  }
  get locks(): readonly LockRow[] {
    return [...this.#tables.lock.values()];
  }
  get waiters(): readonly WaiterRow[] {
    return [...this.#tables.waiter.values()];
  }
  get slotWaiters(): readonly SlotWaiterRow[] {
    return [...this.#tables.slotWaiter.values()];
  }
  get sightings(): readonly SightingRow[] {
    return [...this.#tables.sighting.values()];
  }
  get rates(): readonly RateRow[] {
    return [...this.#tables.rate.values()];
  }
  get config(): readonly ConfigRow[] {
    return [...this.#tables.config.values()];
  }
  get counters(): readonly CounterRow[] {
    return [...this.#tables.counter.values()];
  }
  get workflows(): readonly WorkflowRow[] {
    return [...this.#tables.workflow.values()];
  }
  get tasks(): readonly TaskRow[] {
    return [...this.#tables.task.values()];
  }
  get fileEdits(): readonly FileEdit[] {
    return [...this.#tables.fileEdit.values()];
  }
  get fileIntents(): readonly FileIntent[] {
    return [...this.#tables.fileIntent.values()];
  }
  get conflicts(): readonly ConflictRow[] {
    return [...this.#tables.conflict.values()];
  }
  get guards(): readonly GuardRow[] {
    return [...this.#tables.guard.values()];
  }
  get events(): readonly StoredEvent[] {
    return [...this.#events];
  }
  /** The head of the event order. */
  get seq(): number {
    return this.#events.length;
  }

  /** The run of this id, live or archived; it has to be there. */
  run(id: RunId): RunRow {
    const row = this.#tables.run.get(id) ?? this.#tables.archive.get(id);
    assert.ok(row, `there is no run ${id}`);
    return row;
  }

  /** Everything that a view starts from. */
  snapshot(): Required<StateRows> {
    return {
      seq: this.seq,
      workflows: this.workflows,
      runs: this.runs,
      guards: this.guards,
      agents: this.agents,
      sessions: this.sessions,
      locks: this.locks,
      waiters: this.waiters,
      slotWaiters: this.slotWaiters,
      config: this.config,
      tasks: this.tasks,
      conflicts: this.conflicts,
    };
  }

  /** Every row of every table, for "nothing has changed". */
  contents(): unknown {
    return structuredClone({ ...this.#tables, events: this.#events });
  }

  /** Lays out what a test starts from. */
  given(...changes: readonly RowChange[]): this {
    for (const change of changes) this.#apply(change);
    return this;
  }

  /** One transaction: what the rule writes stays unless it throws; what it returns is applied at the end. */
  perform<C extends Command>(command: C, context: Context): Answer<Granted[C['kind']]> {
    const head = this.seq;
    this.#undo = [];
    this.#kept.clear();
    this.#operations += 1;
    try {
      const decided = this.#drive(command, context);
      if ('code' in decided) return { ok: false, at: this.seq, refusal: decided };
      this.#write(decided.changes, decided.events, context);
      return { ok: true, at: this.seq, facts: decided.facts as Granted[C['kind']] };
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo();
      this.#events.length = head;
      throw error;
    }
  }

  /** Asks a part of a rule that changes nothing, such as `nextRun`. */
  ask<Result>(step: Generator<RowQuery | object, Result, unknown>): Result {
    let asked = step.next();
    while (asked.done !== true) {
      if (!('rows' in asked.value)) assert.fail('a question has written');
      asked = step.next(this.answer(asked.value));
    }
    return asked.value;
  }

  #drive(command: Command, context: Context): Changes<Granted[Command['kind']]> | Refusal {
    const decision = decide(command, context);
    let step = decision.next();
    while (step.done !== true) {
      if ('write' in step.value) {
        this.#write(step.value.write, step.value.events, context);
        step = decision.next(undefined);
      } else {
        step = decision.next(this.answer(step.value));
      }
    }
    return step.value;
  }

  #write(changes: readonly RowChange[], events: readonly NewEvent[], context: Context): void {
    for (const change of changes) this.#apply(change);
    for (const event of events) {
      this.#events.push(
        frozen({
          v: 1,
          seq: this.seq + 1,
          at: context.now,
          agent: context.agent,
          session: context.session,
          opId: `op_${this.#operations}` as OpId,
          ...event,
        }),
      );
    }
  }

  #apply(change: RowChange): void {
    const tables = this.#tables;
    if ('drop' in change) {
      switch (change.drop) {
        case 'run': {
          const row = tables.run.get(change.id);
          if (row) this.#set(tables.archive, change.id, row);
          this.#delete(tables.run, change.id);
          return;
        }
        case 'agent':
          this.#delete(tables.agent, change.name);
          return;
        case 'sightings':
          for (const [key, { subject }] of tables.sighting)
            if (subject === change.subject) this.#delete(tables.sighting, key);
          return;
        case 'config':
          this.#delete(tables.config, change.key);
          return;
        case 'fileIntent':
          this.#delete(tables.fileIntent, `${change.workflow}\0${change.target}`);
          return;
        case 'guard':
          this.#delete(tables.guard, guardKey(change));
          return;
        case 'session':
        case 'lock':
        case 'waiter':
        case 'slotWaiter':
        case 'fileEdit':
        case 'conflict':
          this.#delete<unknown>(tables[change.drop], change.id);
          return;
      }
    }
    frozen(change.row);
    switch (change.put) {
      case 'run':
        this.#set(tables.run, change.row.id, change.row);
        this.#bear(change.row);
        return;
      case 'lock':
        this.#set(tables.lock, change.row.id, change.row);
        this.#bear(change.row);
        return;
      case 'agent':
        this.#set(tables.agent, change.row.name, change.row);
        return;
      case 'session':
        this.#set(tables.session, change.row.id, change.row);
        return;
      case 'waiter':
        this.#set(tables.waiter, change.row.id, change.row);
        return;
      case 'slotWaiter':
        this.#set(tables.slotWaiter, change.row.id, change.row);
        return;
      case 'sighting':
        this.#set(tables.sighting, `${change.row.observer}\0${change.row.subject}`, change.row);
        return;
      case 'rate':
        this.#set(tables.rate, change.row.key, change.row);
        return;
      case 'config':
        this.#set(tables.config, change.row.key, change.row);
        return;
      case 'counter':
        this.#set(tables.counter, change.row.name, change.row);
        return;
      case 'workflow':
        this.#set(tables.workflow, change.row.id, change.row);
        return;
      case 'task':
        this.#set(tables.task, taskKey(change.row.workflow, change.row.task), change.row);
        return;
      case 'fileEdit':
        this.#set(tables.fileEdit, change.row.id, change.row);
        return;
      case 'fileIntent':
        this.#set(tables.fileIntent, `${change.row.workflow}\0${change.row.target}`, change.row);
        return;
      case 'conflict':
        this.#set(tables.conflict, change.row.id, change.row);
        return;
      case 'guard':
        this.#set(tables.guard, guardKey(change.row), change.row);
        return;
    }
  }

  #set<Row>(table: Map<string, Row>, key: string, row: Row): void {
    const before = table.get(key);
    this.#undo.push(() => {
      if (before === undefined) table.delete(key);
      else table.set(key, before);
    });
    table.set(key, row);
  }

  #delete<Row>(table: Map<string, Row>, key: string): void {
    if (!table.has(key)) return;
    if (!this.#kept.has(table)) {
      this.#kept.add(table);
      // Whole, for a row that is put back alone has lost its place.
      const before = [...table];
      this.#undo.push(() => {
        table.clear();
        for (const [name, row] of before) table.set(name, row);
      });
    }
    table.delete(key);
  }

  #bear(row: RunRow | LockRow): void {
    const known = this.#born.get(row.id);
    if (known) known.row = row;
    else this.#born.set(row.id, { place: this.#born.size, row });
  }

  answer(query: RowQuery): RowQueries[keyof RowQueries]['rows'] {
    const tables = this.#tables;
    switch (query.rows) {
      case 'run':
        return tables.run.get(query.id) ?? null;
      case 'runs':
        return query.ids.flatMap((id) => tables.run.get(id) ?? []);
      case 'archived':
        return this.archive.filter(({ id }) => query.ids.includes(id)).sort(this.#byBirth);
      case 'chain':
        return this.runs.filter(({ root }) => root === query.root);
      case 'archivedChain':
        return this.archive.filter(({ root }) => root === query.root).sort(this.#byBirth);
      case 'children':
        return this.runs.filter(({ parent }) => parent === query.parent);
      case 'dependents':
        return this.runs.filter(
          ({ status, unmet }) =>
            status === 'queued' && unmet.some((dependency) => query.of.includes(dependency)),
        );
      case 'liveOfTask':
        return this.runs.filter(
          (run) => isLive(run) && run.workflow === query.workflow && run.task === query.task,
        );
      case 'ofTask':
        return this.runs.filter(
          (run) => run.workflow === query.workflow && run.task === query.task,
        );
      case 'heldRuns':
        return this.runs.filter(
          (run) => run.status === 'running' && run.claim?.agent === query.agent,
        );
      case 'claimable':
        return this.runs
          .filter(
            ({ status, unmet, notBefore, workflow }) =>
              status === 'queued' &&
              unmet.length === 0 &&
              (notBefore === null || notBefore <= query.now) &&
              (query.workflow === null || workflow === query.workflow) &&
              (workflow === null || !query.except.includes(workflow)),
          )
          .sort((one, other) => other.priority - one.priority)
          .slice(0, query.limit);
      case 'waitingRuns': {
        const { runs } = this;
        const queued = runs.filter(
          ({ status, workflow }) =>
            status === 'queued' && (query.workflow === null || workflow === query.workflow),
        );
        const due = (run: RunRow): boolean => run.notBefore === null || run.notBefore <= query.now;
        const times = queued.filter((run) => !due(run)).map(({ notBefore }) => Number(notBefore));
        const isStuck = (id: RunId): boolean => {
          const root = [...runs, ...this.archive].find((run) => run.id === id)?.root;
          return !runs.some((run) => run.root === root && isLive(run));
        };
        return {
          blocked: queued.filter(({ unmet }) => unmet.some(isStuck)).length,
          dependencies: queued.filter(({ unmet }) => unmet.length > 0).length,
          notBefore: queued.filter((run) => run.unmet.length === 0 && !due(run)).length,
          soonest: times.length === 0 ? null : Math.min(...times),
        };
      }
      case 'running':
        return this.runs.filter(
          ({ status, workflow }) =>
            status === 'running' && (query.workflow === null || workflow === query.workflow),
        ).length;
      case 'expirableRuns':
        return this.#after(
          query.after,
          this.runs.filter((run) => run.status === 'running' && mayBeOver(run, query)),
          (run) => wallOf(run.claim?.beat),
        ).slice(0, query.limit);
      case 'archivable': {
        const { runs } = this;
        const ended = runs
          .filter((run) => !isLive(run))
          .sort((one, other) => (one.endedAt ?? 0) - (other.endedAt ?? 0));
        const beyond = new Set(ended.slice(0, Math.max(0, ended.length - query.keep)));
        return ended
          .filter((run) => (run.endedAt ?? 0) < query.endedBefore || beyond.has(run))
          .filter((run) => !runs.some((other) => refersTo(other, run.id)))
          .slice(0, query.limit);
      }
      case 'referrers':
        return this.runs.filter((run) => refersTo(run, query.run));

      case 'slotWaiter':
        return tables.slotWaiter.get(query.id) ?? null;
      case 'slotWaiters':
        return this.slotWaiters;

      case 'agent':
        return tables.agent.get(query.name) ?? null;
      case 'session':
        return tables.session.get(query.id) ?? null;
      case 'sessions':
        return this.sessions.filter(({ agent }) => agent === query.agent);
      case 'silentAgents':
        return this.agents
          .filter(({ seen }) => seen.wall < query.seenBefore)
          .sort((one, other) => one.seen.wall - other.seen.wall)
          .slice(0, query.limit);

      case 'locksNear':
        return this.locks.filter((lock) => isNear(lock, query));
      case 'waitersNear':
        return this.waiters.filter(({ requests }) =>
          requests.some((request) => isNear(request, query)),
        );
      case 'locksOf':
        return this.locks.filter(({ agent }) => agent === query.agent);
      case 'lockWaiter':
        return tables.waiter.get(query.id) ?? null;
      case 'waitersOf':
        return this.waiters.filter(({ agent }) => agent === query.agent);
      case 'lockWaiters':
        return this.waiters;
      case 'expirableLocks':
        return this.#after(
          query.after,
          this.locks.filter(({ grant, ttlMs }) => mayBePast(grant, ttlMs, query)),
          ({ grant }) => grant.wall,
        ).slice(0, query.limit);

      case 'sighting':
        return tables.sighting.get(`${query.observer}\0${query.subject}`) ?? null;
      case 'rate':
        return tables.rate.get(query.key) ?? null;
      case 'config':
        return tables.config.get(query.key) ?? null;
      case 'configs':
        return this.config.filter(({ key }) => key.startsWith(query.prefix));
      case 'counter':
        return tables.counter.get(query.name) ?? null;

      case 'workflow':
        return tables.workflow.get(query.id) ?? null;
      case 'newestRuns': {
        const runs = this.runs.filter(
          ({ workflow, task }) => workflow === query.workflow && task !== null,
        );
        return runs.filter(
          (run, index) => !runs.slice(index + 1).some(({ task }) => task === run.task),
        );
      }
      case 'task':
        return tables.task.get(taskKey(query.workflow, query.task)) ?? null;
      case 'fileEdits':
        return this.fileEdits.filter(({ workflow }) => workflow === query.workflow);
      case 'fileIntents':
        return this.fileIntents.filter(({ workflow }) => workflow === query.workflow);
      case 'conflict':
        return tables.conflict.get(query.id) ?? null;
      case 'workflowEvents': {
        const { workflow, kinds, tasks, agent, op, except, after, before, limit } = query;
        return this.#events
          .filter(
            (event) =>
              event.workflow === workflow &&
              event.seq > after &&
              event.seq < (before ?? Infinity) &&
              event.seq > this.seq - undoHorizon &&
              (kinds.length === 0 || kinds.includes(event.kind)) &&
              (tasks === null || (event.task !== undefined && tasks.includes(event.task))) &&
              (agent === null || event.agent === agent) &&
              (op === null || event.opId === op) &&
              !except.includes(event.opId),
          )
          .reverse()
          .slice(0, limit);
      }
      case 'guard':
        return tables.guard.get(guardKey(query)) ?? null;
    }
  }

  readonly #byBirth = (one: { readonly id: string }, other: { readonly id: string }): number =>
    this.#placeOf(one.id) - this.#placeOf(other.id);

  #placeOf(id: string): number {
    return this.#born.get(id)?.place ?? 0;
  }

  /** Oldest beat first, then by id; those beyond `after`, which may be gone by now. */
  #after<Row extends RunRow | LockRow>(
    after: PageMark<string> | null,
    rows: readonly Row[],
    beatOf: (row: Row) => number,
  ): readonly Row[] {
    const compare = (one: PageMark<string>, other: PageMark<string>): number =>
      one.wall - other.wall || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
    const markOf = (row: Row): PageMark<string> => ({ wall: beatOf(row), id: row.id });
    return [...rows]
      .sort((one, other) => compare(markOf(one), markOf(other)))
      .filter((row) => after === null || compare(markOf(row), after) > 0);
  }
}

/** A rule that changes a row in place would change what others hold. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  Object.values(value).forEach(frozen);
  return value;
}

function isLive({ status }: RunRow): boolean {
  return status === 'queued' || status === 'running';
}

function refersTo(run: RunRow, id: RunId): boolean {
  return isLive(run) && (run.parent === id || run.retryOf === id || run.dependsOn.includes(id));
}

function wallOf(beat: Beat | undefined): number {
  return beat?.wall ?? 0;
}

function isOwnBoot(beat: Beat, observer: ObserverId): boolean {
  return `${beat.host}/${beat.bootId}` === observer;
}

function mayBeOver({ claim, stop, timeoutMs }: RunRow, observer: Clocks): boolean {
  if (!claim) return false;
  return (
    mayBePast(claim.beat, claim.leaseMs, observer) ||
    (timeoutMs !== null && mayBePast(claim.started, timeoutMs, observer)) ||
    (stop !== null && mayBePast(stop.asked, stop.graceMs, observer)) ||
    claim.process !== null
  );
}

interface Clocks {
  readonly now: number;
  readonly mono: number;
  readonly observer: ObserverId;
}

/** Past by its maker's wall clock or by the clock of this boot, or made where neither means anything. */
function mayBePast(beat: Beat, ms: number, { now, mono, observer }: Clocks): boolean {
  return !isOwnBoot(beat, observer) || beat.wall + ms <= now || beat.mono + ms <= mono;
}

function isNear(key: LockKey, { worktree, at, under }: LockArea): boolean {
  return (
    (worktree === null || key.worktree === null || key.worktree === worktree) &&
    (at.includes(key.anchor) ||
      under === '' ||
      key.anchor === under ||
      (under !== null && key.anchor.startsWith(`${under}/`)))
  );
}

/* ------------------------------------------------------------------ the world */

/** What speakers share: time that passes for all of them, and names that are never given twice. */
export class World {
  wall = 1_000_000;
  mono = 1_000;
  /** For jitter; the middle unless a test says otherwise. */
  random: () => number = () => 0.5;
  #ids = 0;
  readonly #gone = new Set<string>();

  advance(ms: number): this {
    this.wall += ms;
    this.mono += ms;
    return this;
  }

  newId(prefix: string): string {
    return `${prefix}${(this.#ids += 1)}`;
  }

  speaker(name: string, overrides: SpeakerSettings = {}): Speaker {
    return new Speaker(this, name, overrides);
  }

  /** Its process has ended, and whoever may judge it sees that. */
  end({ process }: Context): void {
    this.#gone.add(JSON.stringify(process));
  }

  isGone(process: ProcessIdentity): boolean {
    return this.#gone.has(JSON.stringify(process));
  }
}

export type SpeakerSettings = Partial<
  Pick<
    Speaker,
    | 'named'
    | 'agentKind'
    | 'session'
    | 'host'
    | 'pidNamespace'
    | 'pid'
    | 'startTime'
    | 'sharedMono'
    | 'caseFold'
    | 'wallOffset'
    | 'monoOffset'
    | 'serverTime'
    | 'says'
  >
> & { readonly bootId?: string };

/** One process of an agent, with a machine around it; everything may be set anew between two commands. */
export class Speaker implements Context {
  readonly agent: AgentName;
  named = true;
  agentKind: AgentKind = 'other';
  session: SessionId;
  host = 'host';
  bootId: BootId = 'boot' as BootId;
  pidNamespace = 'ns';
  pid: number;
  startTime = '1';
  sharedMono = true;
  caseFold = false;
  /** How far its clocks are from those of the world. */
  wallOffset = 0;
  monoOffset = 0;
  /** True where a database server gives the time for all. */
  serverTime = false;
  /** What its operating system says instead of the truth. */
  says: Liveness | null = null;

  constructor(
    private readonly world: World,
    name: string,
    { bootId, ...settings }: SpeakerSettings,
  ) {
    this.agent = name as AgentName;
    this.session = world.newId('ses_') as SessionId;
    this.pid = Number(world.newId(''));
    if (bootId !== undefined) this.bootId = bootId as BootId;
    Object.assign(this, settings);
  }

  get now(): number {
    return this.world.wall + this.wallOffset;
  }

  get mono(): number {
    return this.world.mono + this.monoOffset;
  }

  get server(): number | null {
    return this.serverTime ? this.world.wall : null;
  }

  get observer(): ObserverId {
    return `${this.host}/${this.bootId}` as ObserverId;
  }

  get process(): ProcessIdentity {
    const { host, bootId, pidNamespace, pid, startTime } = this;
    return { host, bootId, pidNamespace, pid, startTime };
  }

  get beat(): Beat {
    const { host, bootId, mono, now: wall, server } = this;
    return { host, bootId, mono, wall, server };
  }

  /** The machine was started anew: another boot, whose clock begins at zero. */
  reboot(): this {
    this.bootId = this.world.newId('boot') as BootId;
    this.monoOffset = -this.world.mono;
    return this;
  }

  liveness(process: ProcessIdentity): Liveness {
    if (this.says !== null) return this.says;
    const { host, bootId, pidNamespace } = process;
    if (host !== this.host || bootId !== this.bootId || pidNamespace !== this.pidNamespace)
      return 'unknown';
    return this.world.isGone(process) ? 'gone' : 'alive';
  }

  newRunId(): RunId {
    return this.world.newId('run_') as RunId;
  }

  newAgentId(): AgentId {
    return this.world.newId('agt_') as AgentId;
  }

  newLockId(): LockId {
    return this.world.newId('lck_') as LockId;
  }

  newEditId(): EditId {
    return this.world.newId('edt_') as EditId;
  }

  newToken(): ClaimToken {
    return this.world.newId('token-') as ClaimToken;
  }

  digest(token: ClaimToken): TokenDigest {
    return `digest of ${token}` as TokenDigest;
  }

  random(): number {
    return this.world.random();
  }
}

/** A speaker in a world of its own, for tests where nobody else is and no time passes. */
export function speaker(name = 'tester', overrides: SpeakerSettings = {}): Speaker {
  return new World().speaker(name, overrides);
}

/* ------------------------------------------------------------------ answers */

export function granted<Facts>(answer: Answer<Facts>): Facts {
  if (!answer.ok) assert.fail(`refused: ${answer.refusal.code} ${answer.refusal.message}`);
  return answer.facts;
}

export function refused<Code extends RefusalCode>(
  answer: Answer<unknown>,
  code: Code,
): RefusalOf<Code> {
  if (answer.ok) assert.fail(`granted, but ${code} was due`);
  assert.equal(answer.refusal.code, code, answer.refusal.message);
  return answer.refusal as RefusalOf<Code>;
}
