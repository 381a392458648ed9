/**
 * The panel's copy of what the host has told, with the indexes that its tabs draw from. Pure: no document, no clock.
 *
 * Contract: a model is filled between `begin` and `end` and is whole from then on; `change` carries it forward in
 * place at the cost of the change. Changes are numbered; the one after `seq` is the only one that fits.
 */
import type {
  BeginMessage,
  ChangeMessage,
  PanelAgent,
  PanelEvent,
  PanelLock,
  PanelRun,
  PanelStore,
  PanelTask,
  PanelWaiter,
  PanelWorkflow,
  Sections,
} from '../src/shared/protocol';
import { Scope, type Item } from './scope';
import { isLive, isStale, stateOf } from './states';

/** What has just moved, for those who do not see it. */
export interface Moved {
  readonly scope: string;
  readonly key: string;
  readonly before: Item;
  readonly now: Item;
}

const runsAfterTasks = 1e9;
/** Older events than these are fetched again when somebody scrolls there. */
const mostEvents = 20_000;

/** What one store has beside runs. */
export class StoreRows {
  readonly runs = new Map<string, PanelRun>();
  readonly locks = new Map<string, PanelLock>();
  readonly waiters = new Map<string, PanelWaiter>();
  readonly agents = new Map<string, PanelAgent>();
  /** Attempts of each chain, oldest first, by its first one. */
  readonly chains = new Map<string, readonly PanelRun[]>();
  /** Attempts of each item, oldest first. */
  readonly attempts = new Map<string, readonly PanelRun[]>();
  /** Queued runs by what they wait for. */
  readonly waiting = new Map<string, Set<string>>();
  /** In order, without a gap. */
  events: PanelEvent[] = [];
  /** Everything from this seq on is in `events`; older pages are fetched. */
  eventsFrom: number;
  locksVersion = 0;

  constructor(seq: number) {
    this.eventsFrom = seq + 1;
  }
}

export class Model {
  readonly epoch: number;
  seq = 0;
  ready = false;
  readonly stores = new Map<string, PanelStore>();
  readonly workflows = new Map<string, PanelWorkflow>();
  readonly rows = new Map<string, StoreRows>();
  readonly scopes = new Map<string, Scope>();
  readonly #tasks = new Map<string, Map<string, PanelTask>>();
  /** Items whose state is a matter of time. */
  readonly #timed = new Map<string, { readonly scope: Scope; readonly key: string }>();
  /** The host's clock less ours. */
  offset = 0;
  #now: number;

  constructor(begin: BeginMessage, now: number) {
    this.epoch = begin.epoch;
    this.#now = now;
    for (const store of begin.stores) this.#putStore(store);
    for (const workflow of begin.workflows) this.workflows.set(workflow.key, workflow);
  }

  /** The moment that states are judged by, on the host's clock. */
  get now(): number {
    return this.#now;
  }

  /** A chunk, before the model is whole. */
  load({ tasks, runs, locks, waiters, agents }: Sections): void {
    for (const { of, put } of tasks ?? []) {
      const known = this.#tasksOf(of);
      for (const task of put) known.set(task.id, task);
    }
    for (const { of, put } of runs ?? [])
      for (const run of put) this.#putRun(this.#rowsOf(of), run);
    for (const { of, put } of locks ?? [])
      for (const lock of put) this.#rowsOf(of).locks.set(lock.id, lock);
    for (const { of, put } of waiters ?? [])
      for (const waiter of put) this.#rowsOf(of).waiters.set(waiter.id, waiter);
    for (const { of, put } of agents ?? [])
      for (const agent of put) this.#rowsOf(of).agents.set(agent.id, agent);
  }

  end(seq: number): void {
    this.seq = seq;
    this.ready = true;
    this.#buildScopes();
  }

  /** False when it does not follow what the model knows: everything has to be had anew. */
  change(message: ChangeMessage, moved?: (move: Moved) => void): boolean {
    if (!this.ready || message.epoch !== this.epoch || message.seq !== this.seq + 1) return false;
    this.seq = message.seq;
    for (const store of message.stores ?? []) this.#putStore(store);
    for (const { of, seq } of message.heads ?? []) {
      const store = this.stores.get(of);
      if (store) this.stores.set(of, { ...store, seq });
    }
    this.#changeWorkflows(message);
    const touched = new Map<Scope, Set<string>>();
    const touch = (scope: Scope, key: string) => {
      const keys = touched.get(scope);
      if (keys) keys.add(key);
      else touched.set(scope, new Set([key]));
    };
    for (const { of, put, drop } of message.tasks ?? []) {
      const tasks = this.#tasksOf(of);
      for (const task of put) tasks.set(task.id, task);
      for (const id of drop) tasks.delete(id);
      const scope = this.scopes.get(of);
      if (scope) for (const key of [...put.map(({ id }) => id), ...drop]) touch(scope, key);
    }
    for (const { of, put, drop } of message.runs ?? []) this.#changeRuns(of, put, drop, touch);
    this.#changeLocks(message);
    for (const { of, rows } of message.events ?? []) this.#addEvents(of, rows);
    for (const [scope, keys] of touched) for (const key of keys) this.#refresh(scope, key, moved);
    return true;
  }

  /** Time passes: retries come due, leases run out. True when something is shown otherwise. */
  tick(now: number, moved?: (move: Moved) => void): boolean {
    this.#now = now;
    let different = false;
    for (const { scope, key } of [...this.#timed.values()]) {
      const item = scope.items.get(key);
      const rows = this.rows.get(scope.store);
      if (!item || !rows || this.#bucketNow(item, rows) === item.bucket) continue;
      this.#refresh(scope, key, moved);
      different = true;
    }
    return different;
  }

  /** The attempts of an item, oldest first. */
  attemptsOf(scope: Scope, key: string): readonly PanelRun[] {
    const rows = this.rows.get(scope.store);
    return rows ? attemptsIn(scope, rows, key) : [];
  }

  tasksOf(workflow: string): ReadonlyMap<string, PanelTask> {
    return this.#tasksOf(workflow);
  }

  /** The chain of a run that is depended on, or nothing where it is gone. */
  chainOf(store: string, run: string): readonly PanelRun[] {
    const rows = this.rows.get(store);
    const known = rows?.runs.get(run);
    return (known && rows?.chains.get(known.root)) ?? [];
  }

  /** Who waits for any attempt of this chain. */
  dependentsOf(store: string, chain: readonly PanelRun[]): readonly PanelRun[] {
    const rows = this.rows.get(store);
    const found = new Map<string, PanelRun>();
    for (const { id } of chain)
      for (const waiting of rows?.waiting.get(id) ?? []) {
        const run = rows?.runs.get(waiting);
        if (run) found.set(run.id, run);
      }
    return [...found.values()];
  }

  /** An older page, as the host has answered it. */
  addOlderEvents(of: string, events: readonly PanelEvent[], from: number): void {
    const rows = this.#rowsOf(of);
    const older = events.filter(({ seq }) => seq < rows.eventsFrom);
    rows.events = [...older, ...rows.events];
    rows.eventsFrom = Math.min(rows.eventsFrom, from);
  }

  #putStore(store: PanelStore): void {
    this.stores.set(store.key, store);
    if (!this.rows.has(store.key)) this.rows.set(store.key, new StoreRows(store.seq));
  }

  #rowsOf(store: string): StoreRows {
    const known = this.rows.get(store);
    if (known) return known;
    const made = new StoreRows(0);
    this.rows.set(store, made);
    return made;
  }

  #tasksOf(workflow: string): Map<string, PanelTask> {
    const known = this.#tasks.get(workflow);
    if (known) return known;
    const made = new Map<string, PanelTask>();
    this.#tasks.set(workflow, made);
    return made;
  }

  /* ---------------------------------------------------------------- runs */

  #putRun(rows: StoreRows, run: PanelRun): void {
    const before = rows.runs.get(run.id);
    rows.runs.set(run.id, run);
    replaceIn(rows.chains, run.root, before, run);
    replaceIn(rows.attempts, attemptsKey(run.workflow, run.task ?? run.root), before, run);
    for (const id of before?.unmet ?? []) rows.waiting.get(id)?.delete(run.id);
    if (run.status !== 'queued') return;
    for (const id of run.unmet) {
      const waiting = rows.waiting.get(id);
      if (waiting) waiting.add(run.id);
      else rows.waiting.set(id, new Set([run.id]));
    }
  }

  #dropRun(rows: StoreRows, run: PanelRun): void {
    rows.runs.delete(run.id);
    replaceIn(rows.chains, run.root, run, undefined);
    replaceIn(rows.attempts, attemptsKey(run.workflow, run.task ?? run.root), run, undefined);
    for (const id of run.unmet) rows.waiting.get(id)?.delete(run.id);
  }

  #changeRuns(
    of: string,
    put: readonly PanelRun[],
    drop: readonly string[],
    touch: (scope: Scope, key: string) => void,
  ): void {
    const rows = this.#rowsOf(of);
    const dropped = drop.flatMap((id) => rows.runs.get(id) ?? []);
    const before = new Map(put.map(({ id }) => [id, rows.runs.get(id)]));
    // Whoever waits for it may be blocked now, or not any more.
    const touchAround = (run: PanelRun) => {
      for (const scope of this.#scopesOf(of, run)) touch(scope, keyOfRun(scope, run));
      for (const dependent of this.dependentsOf(of, rows.chains.get(run.root) ?? [run]))
        for (const scope of this.#scopesOf(of, dependent)) touch(scope, keyOfRun(scope, dependent));
    };
    for (const run of dropped) {
      touchAround(run);
      for (const scope of this.#scopesOf(of, run)) scope.putAttempt(run, undefined);
      this.#dropRun(rows, run);
    }
    for (const run of put) {
      for (const scope of this.#scopesOf(of, run)) scope.putAttempt(before.get(run.id), run);
      this.#putRun(rows, run);
      touchAround(run);
    }
  }

  *#scopesOf(store: string, run: PanelRun): Generator<Scope> {
    let found = false;
    for (const scope of this.#byWorkflow.get(scopeIndex(store, run.workflow)) ?? []) {
      found = true;
      yield scope;
    }
    if (!found) yield this.#outside(store);
  }

  #byWorkflow = new Map<string, Scope[]>();

  #outside(store: string): Scope {
    const key = outsideKey(store);
    const known = this.scopes.get(key);
    if (known) return known;
    const made = new Scope(key, store, null);
    this.scopes.set(key, made);
    return made;
  }

  /* ---------------------------------------------------------------- scopes */

  #changeWorkflows({ workflows, gone }: ChangeMessage): void {
    let other = false;
    for (const workflow of workflows ?? []) {
      const before = this.workflows.get(workflow.key);
      other ||= before?.id !== workflow.id || before.store !== workflow.store;
      this.workflows.set(workflow.key, workflow);
    }
    for (const key of gone ?? []) {
      other = this.workflows.delete(key) || other;
      this.#tasks.delete(key);
    }
    if (other) this.#buildScopes();
  }

  /** All anew: workflows have come or gone, which is rare. */
  #buildScopes(): void {
    this.scopes.clear();
    this.#timed.clear();
    this.#byWorkflow = new Map();
    for (const { key, store, id } of this.workflows.values()) {
      const scope = new Scope(key, store, id);
      this.scopes.set(key, scope);
      if (id === null) continue;
      const index = scopeIndex(store, id);
      this.#byWorkflow.set(index, [...(this.#byWorkflow.get(index) ?? []), scope]);
    }
    const keys = new Map<Scope, Set<string>>();
    const note = (scope: Scope, key: string) => {
      const known = keys.get(scope);
      if (known) known.add(key);
      else keys.set(scope, new Set([key]));
    };
    for (const [workflow, tasks] of this.#tasks) {
      const scope = this.scopes.get(workflow);
      if (scope) for (const key of tasks.keys()) note(scope, key);
    }
    for (const [store, { runs }] of this.rows) {
      for (const run of runs.values()) {
        for (const scope of this.#scopesOf(store, run)) {
          scope.putAttempt(undefined, run);
          note(scope, keyOfRun(scope, run));
        }
      }
    }
    for (const [scope, all] of keys) for (const key of all) this.#refresh(scope, key);
  }

  /** Makes the item of a key what its rows say now. */
  #refresh(scope: Scope, key: string, moved?: (move: Moved) => void): void {
    const before = scope.items.get(key);
    const now = this.#itemOf(scope, key);
    const timedKey = `${scope.key}\0${key}`;
    if (!now) {
      scope.drop(key);
      this.#timed.delete(timedKey);
      return;
    }
    scope.put(now);
    if (now.run && (now.run.status === 'running' || now.state === 'retry'))
      this.#timed.set(timedKey, { scope, key });
    else this.#timed.delete(timedKey);
    if (before && before.bucket !== now.bucket) moved?.({ scope: scope.key, key, before, now });
  }

  #itemOf(scope: Scope, key: string): Item | undefined {
    const task = this.#tasks.get(scope.key)?.get(key) ?? null;
    const rows = this.#rowsOf(scope.store);
    const run = attemptsIn(scope, rows, key).at(-1) ?? null;
    if (!task && !run) return undefined;
    const state = stateOf(task, run, { now: this.#now, blocked: isBlocked(run, rows) });
    const stale = isStale(run, this.#now);
    return {
      key,
      task,
      run,
      wave: task?.wave ?? run?.wave ?? 0,
      order: task?.order ?? runsAfterTasks + (run?.order ?? 0),
      state,
      stale,
      bucket: stale && state === 'running' ? 'stale' : state,
    };
  }

  #bucketNow(item: Item, rows: StoreRows): Item['bucket'] {
    const state = stateOf(item.task, item.run, {
      now: this.#now,
      blocked: isBlocked(item.run, rows),
    });
    return state === 'running' && isStale(item.run, this.#now) ? 'stale' : state;
  }

  /* ---------------------------------------------------------------- locks, agents, events */

  #changeLocks({ locks, waiters, agents }: ChangeMessage): void {
    for (const { of, put, drop } of locks ?? []) {
      const rows = this.#rowsOf(of);
      for (const lock of put) rows.locks.set(lock.id, lock);
      for (const id of drop) rows.locks.delete(id);
      rows.locksVersion += 1;
    }
    for (const { of, put, drop } of waiters ?? []) {
      const rows = this.#rowsOf(of);
      for (const waiter of put) rows.waiters.set(waiter.id, waiter);
      for (const id of drop) rows.waiters.delete(id);
      rows.locksVersion += 1;
    }
    for (const { of, put, drop } of agents ?? []) {
      const rows = this.#rowsOf(of);
      for (const agent of put) rows.agents.set(agent.id, agent);
      for (const id of drop) rows.agents.delete(id);
    }
  }

  #addEvents(of: string, events: readonly PanelEvent[]): void {
    const rows = this.#rowsOf(of);
    const known = rows.events.at(-1)?.seq ?? rows.eventsFrom - 1;
    const fresh = events.filter(({ seq }) => seq > known);
    const first = fresh[0];
    if (!first) return;
    if (first.seq === known + 1) rows.events.push(...fresh);
    else {
      // More has happened at once than was sent one by one: what lies between is fetched when somebody looks.
      rows.events = [...fresh];
      rows.eventsFrom = first.seq;
    }
    if (rows.events.length > 2 * mostEvents) {
      rows.events = rows.events.slice(-mostEvents);
      rows.eventsFrom = rows.events[0]?.seq ?? rows.eventsFrom;
    }
  }
}

export const outsideKey = (store: string): string => `store:${store}`;
const scopeIndex = (store: string, workflow: string | null): string =>
  `${store}\0${workflow ?? ''}`;
const attemptsKey = (workflow: string | null, key: string): string => `${workflow ?? ''}\0${key}`;

/** The item that a run belongs to. Task ids are of one workflow; outside of it they name nothing. */
export function keyOfRun(scope: Scope, run: PanelRun): string {
  return scope.workflow === null ? run.root : (run.task ?? run.root);
}

function attemptsIn(scope: Scope, rows: StoreRows, key: string): readonly PanelRun[] {
  const attempts =
    scope.workflow === null
      ? rows.chains.get(key)
      : rows.attempts.get(attemptsKey(scope.workflow, key));
  return attempts ?? [];
}

function replaceIn(
  lists: Map<string, readonly PanelRun[]>,
  key: string,
  before: PanelRun | undefined,
  now: PanelRun | undefined,
): void {
  const list = lists.get(key) ?? [];
  const without = before ? list.filter(({ id }) => id !== before.id) : list;
  const next = now ? [...without, now].sort((one, other) => one.order - other.order) : without;
  if (next.length > 0) lists.set(key, next);
  else lists.delete(key);
}

/** A dependency that nothing will satisfy: its chain has failed, or is gone. */
function isBlocked(run: PanelRun | null, rows: StoreRows): boolean {
  if (run?.status !== 'queued') return false;
  return run.unmet.some((id) => {
    const known = rows.runs.get(id);
    const chain = known ? (rows.chains.get(known.root) ?? []) : [];
    return !chain.some((attempt) => isLive(attempt) || attempt.status === 'completed');
  });
}
