/**
 * Keeps one panel's copy of the rows up to date: all of them in chunks when it asks, and from then on what has
 * changed, in one message for each turn of the host.
 *
 * Contract: after `end` the panel knows every row as it was at some moment since `begin`, and the changes that follow
 * bring it to now; what changes while chunks are on their way is sent again. Messages after `end` are numbered without
 * a gap. What one transition costs does not depend on how many runs there are.
 */
import { basename } from 'node:path';
import type { LockId, RunId, StoredEvent, WaiterId } from '../core/model';
import { guardKey, type StateView } from '../core/views';
import type { Disposable, Listener } from '../shared/lifecycle';
import type {
  ChangeMessage,
  PanelStore,
  PanelTask,
  PanelWorkflow,
  Sections,
  ToPanel,
} from '../shared/protocol';
import { plain } from '../shared/plainText';
import type { Place } from '../store/place';
import type { WorkflowFile } from '../store/workflowFiles';
import type { FolderChange, FolderState } from './folderModel';
import {
  agentRow,
  alsoTouched,
  eventRow,
  guardMark,
  guardRow,
  inTheWay,
  lockRow,
  runRow,
  taskRow,
  waiterRow,
} from './panelRows';

/** What is looked at of a folder; `FolderModel` is one. */
export interface FeedFolder {
  readonly folder: string;
  readonly place: Pick<Place, 'storeFolder' | 'worktree'>;
  readonly state: Pick<FolderState, 'store' | 'workflows'>;
  readonly view: StateView;
  readonly files: readonly WorkflowFile[];
  readonly session: string;
}

export interface FeedSource {
  readonly folders: readonly FeedFolder[];
  /** Undefined: folders have come or gone. */
  readonly onDidChange: (listener: Listener<FolderChange | undefined>) => Disposable;
}

export interface FeedOptions {
  readonly source: FeedSource;
  readonly send: (message: ToPanel) => void;
  readonly now: () => number;
  /** Called with what to do later in this turn of the host, and between two chunks. */
  readonly later: (work: () => void) => void;
}

export const chunkRows = 1_000;
/** More than a panel keeps up with event by event; it asks for pages of them instead. */
const mostEvents = 500;

interface Pending {
  all: boolean;
  readonly stores: Set<string>;
  readonly heads: Set<string>;
  readonly folders: Set<string>;
  readonly headers: Set<string>;
  readonly runs: Map<string, Set<string>>;
  readonly locks: Map<string, Set<string>>;
  readonly waiters: Map<string, Set<string>>;
  readonly agents: Map<string, Set<string>>;
  readonly events: Map<string, StoredEvent[]>;
}

const nothingPending = (): Pending => ({
  all: false,
  stores: new Set(),
  heads: new Set(),
  folders: new Set(),
  headers: new Set(),
  runs: new Map(),
  locks: new Map(),
  waiters: new Map(),
  agents: new Map(),
  events: new Map(),
});

/** What the panel has of one workflow file. */
interface SentFile {
  readonly document: WorkflowFile['document'];
  readonly header: string;
  readonly tasks: ReadonlyMap<string, PanelTask>;
}

export class PanelFeed implements Disposable {
  readonly #listening: Disposable;
  #pending = nothingPending();
  #scheduled = false;
  #begun = false;
  #sending = false;
  #disposed = false;
  #epoch = 0;
  #seq = 0;
  readonly #views = new Map<string, StateView>();
  readonly #stores = new Map<string, string>();
  readonly #files = new Map<string, SentFile>();
  /** Place of each run in the order of creation, by store. */
  readonly #orders = new Map<string, Map<string, number>>();

  constructor(private readonly options: FeedOptions) {
    this.#listening = options.source.onDidChange((change) => {
      if (this.#begun) this.#hear(change);
    });
  }

  /** Sends everything. What the panel had before counts no more. */
  begin(): void {
    this.#begun = true;
    this.#pending = nothingPending();
    this.#epoch += 1;
    this.#seq = 0;
    const leads = this.#leads();
    this.#views.clear();
    this.#stores.clear();
    this.#files.clear();
    this.#orders.clear();
    for (const [key, { view }] of leads) {
      this.#views.set(key, view);
      this.#orders.set(key, new Map());
    }
    const stores = [...leads].map(([key, lead]) => this.#storeRow(key, lead));
    for (const store of stores) this.#stores.set(store.key, JSON.stringify(store));
    const files = this.#located();
    const headers = files.map(({ folder, file }) => headerOf(folder, file));
    this.#send({
      type: 'begin',
      epoch: this.#epoch,
      at: this.options.now(),
      stores,
      workflows: headers.filter((header) => header !== undefined),
    });
    this.#sending = true;
    this.#sendChunks(this.#epoch, this.#chunks(leads, files));
  }

  dispose(): void {
    this.#disposed = true;
    this.#listening.dispose();
  }

  #sendChunks(epoch: number, chunks: Iterator<Sections>): void {
    if (this.#disposed || epoch !== this.#epoch) return;
    const next = chunks.next();
    if (next.done !== true) {
      this.#send({ type: 'rows', epoch, ...mutable(next.value) });
      this.options.later(() => {
        this.#sendChunks(epoch, chunks);
      });
      return;
    }
    this.#send({ type: 'end', epoch, seq: this.#seq, at: this.options.now() });
    this.#sending = false;
    this.#schedule();
  }

  *#chunks(leads: ReadonlyMap<string, FeedFolder>, files: readonly Located[]): Generator<Sections> {
    for (const { folder, file } of files) {
      const tasks = tasksOf(file);
      this.#files.set(file.path, {
        document: file.document,
        header: JSON.stringify(headerOf(folder, file)),
        tasks,
      });
      for (const put of chunked(tasks.values()))
        yield { tasks: [{ of: file.path, put, drop: [] }] };
    }
    for (const [of, { view, session }] of leads) {
      for (const put of chunked(view.allRuns.keys(), (id) => this.#runRow(of, view, id))) {
        yield { runs: [{ of, put, drop: [] }] };
      }
      for (const put of chunked(view.locks.values(), (lock) => lockRow(lock, session)))
        yield { locks: [{ of, put, drop: [] }] };
      for (const put of chunked(view.guards.values(), (it) =>
        guardRow(guardId(guardKey(it)), it, session),
      ))
        yield { locks: [{ of, put, drop: [] }] };
      for (const put of chunked(view.waiters.values(), (waiter) => waiterRow(waiter, view)))
        yield { waiters: [{ of, put, drop: [] }] };
      for (const put of chunked(view.agents.values(), agentRow))
        yield { agents: [{ of, put, drop: [] }] };
    }
  }

  /* ---------------------------------------------------------------- what has changed */

  #hear(change: FolderChange | undefined): void {
    if (change === undefined) {
      this.#pending.all = true;
      this.#schedule();
      return;
    }
    const folder = this.options.source.folders.find((it) => it.folder === change.folder);
    if (!folder) return;
    const key = folder.place.storeFolder;
    // What folders share is told by the first of them.
    const leads = this.options.source.folders.find((it) => it.place.storeFolder === key) === folder;
    if (change.store) {
      this.#pending.stores.add(key);
      // A store that was opened anew has other rows.
      if (leads && this.#views.get(key) !== folder.view) this.#pending.all = true;
    }
    if (change.files) this.#pending.folders.add(folder.folder);
    if (change.events.length > 0 && leads) this.#hearEvents(key, folder, change.events);
    this.#schedule();
  }

  #hearEvents(key: string, { view }: FeedFolder, events: readonly StoredEvent[]): void {
    const pending = this.#pending;
    pending.heads.add(key);
    setIn(pending.events, key, () => []).push(...events);
    for (const event of events) {
      for (const id of event.run === undefined
        ? alsoTouched(event)
        : [event.run, ...alsoTouched(event)])
        setIn(pending.runs, key, newSet).add(id);
      if (event.kind === 'run.archived')
        for (const id of event.data.runs) setIn(pending.runs, key, newSet).add(id);
      if (event.kind.startsWith('lock.')) this.#hearLock(key, view, event);
      if (event.kind.startsWith('agent.')) {
        setIn(pending.agents, key, newSet).add(event.about ?? event.agent);
      }
      if (event.kind.startsWith('workflow.')) {
        for (const path of this.#files.keys()) pending.headers.add(path);
      }
    }
  }

  #hearLock(key: string, view: StateView, event: StoredEvent): void {
    const pending = this.#pending;
    const locks = setIn(pending.locks, key, newSet);
    const waiters = setIn(pending.waiters, key, newSet);
    if (
      event.kind === 'lock.acquired' ||
      event.kind === 'lock.refreshed' ||
      event.kind === 'lock.upgraded'
    ) {
      if (!('row' in event.data)) {
        this.#hearGuard(locks, event.resource ?? '', event.data.worktree);
        return;
      }
      const { row, waiter } = event.data;
      locks.add(row.id);
      if (waiter !== undefined) waiters.add(waiter);
      for (const waiting of view.waiters.values())
        if (inTheWay(row, waiting)) waiters.add(waiting.id);
    } else if (event.kind === 'lock.released') {
      if ('lock' in event.data) locks.add(event.data.lock);
      else this.#hearGuard(locks, event.resource ?? '', event.data.worktree);
    } else if (event.kind === 'lock.expired' || event.kind === 'lock.broken')
      locks.add(event.data.lock);
    else if (event.kind === 'lock.queued' || event.kind === 'lock.offered')
      waiters.add(event.data.row.id);
    else if (event.kind === 'lock.dropped') waiters.add(event.data.waiter);
  }

  #hearGuard(locks: Set<string>, file: string, worktree: string): void {
    locks.add(guardId(guardKey({ file, worktree })));
    for (const path of this.#files.keys()) this.#pending.headers.add(path);
  }

  #schedule(): void {
    if (this.#scheduled || this.#disposed) return;
    this.#scheduled = true;
    this.options.later(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#disposed) return;
    if (this.#pending.all) {
      this.begin();
      return;
    }
    if (this.#sending) return;
    const pending = this.#pending;
    this.#pending = nothingPending();
    const leads = this.#leads();
    const change: Writable<ChangeMessage> = {
      type: 'change',
      epoch: this.#epoch,
      seq: this.#seq + 1,
      at: this.options.now(),
    };
    this.#storesInto(change, pending, leads);
    this.#filesInto(change, pending);
    this.#rowsInto(change, pending, leads);
    for (const [of, events] of pending.events) {
      (change.events ??= []).push({ of, rows: events.slice(-mostEvents).map(eventRow) });
    }
    // Four fields say nothing.
    if (Object.keys(change).length === 4) return;
    this.#seq += 1;
    this.#send(change);
  }

  #storesInto(
    change: Writable<ChangeMessage>,
    pending: Pending,
    leads: ReadonlyMap<string, FeedFolder>,
  ): void {
    for (const key of pending.stores) {
      const lead = leads.get(key);
      if (!lead) continue;
      const row = this.#storeRow(key, lead);
      const text = JSON.stringify(row);
      if (this.#stores.get(key) === text) continue;
      this.#stores.set(key, text);
      (change.stores ??= []).push(row);
    }
    for (const of of pending.heads) {
      const lead = leads.get(of);
      if (lead) (change.heads ??= []).push({ of, seq: lead.view.seq });
    }
  }

  #filesInto(change: Writable<ChangeMessage>, pending: Pending): void {
    if (pending.folders.size === 0 && pending.headers.size === 0) return;
    const located = this.#located();
    const present = new Set(located.map(({ file }) => file.path));
    for (const path of [...this.#files.keys()]) {
      if (present.has(path)) continue;
      this.#files.delete(path);
      (change.gone ??= []).push(path);
    }
    for (const { folder, file } of located) {
      const sent = this.#files.get(file.path);
      if (sent?.document === file.document && !pending.headers.has(file.path)) continue;
      const header = headerOf(folder, file);
      if (!header) continue;
      const text = JSON.stringify(header);
      if (sent?.header !== text) (change.workflows ??= []).push(header);
      const tasks = sent?.document === file.document ? sent.tasks : tasksOf(file, sent?.tasks);
      const different = differenceOf(file.path, sent?.tasks, tasks);
      if (different) (change.tasks ??= []).push(different);
      this.#files.set(file.path, { document: file.document, header: text, tasks });
    }
  }

  #rowsInto(
    change: Writable<ChangeMessage>,
    pending: Pending,
    leads: ReadonlyMap<string, FeedFolder>,
  ): void {
    for (const [of, ids] of pending.runs) {
      const view = leads.get(of)?.view;
      if (!view) continue;
      (change.runs ??= []).push(
        partOf(of, ids, (id) =>
          view.allRuns.has(id as RunId) ? this.#runRow(of, view, id as RunId) : undefined,
        ),
      );
    }
    for (const [of, ids] of pending.locks) {
      const lead = leads.get(of);
      if (!lead || ids.size === 0) continue;
      const { view, session } = lead;
      (change.locks ??= []).push(
        partOf(of, ids, (id) => {
          const guard = id.startsWith(guardMark) && view.guards.get(id.slice(guardMark.length));
          if (guard) return guardRow(id, guard, session);
          const lock = view.locks.get(id as LockId);
          return lock && lockRow(lock, session);
        }),
      );
    }
    for (const [of, ids] of pending.waiters) {
      const view = leads.get(of)?.view;
      if (!view || ids.size === 0) continue;
      (change.waiters ??= []).push(
        partOf(of, ids, (id) => {
          const waiter = view.waiters.get(id as WaiterId);
          return waiter && waiterRow(waiter, view);
        }),
      );
    }
    for (const [of, ids] of pending.agents) {
      const view = leads.get(of)?.view;
      if (!view) continue;
      const names = new Map([...view.agents.values()].map((row) => [String(row.name), row]));
      (change.agents ??= []).push(
        partOf(of, ids, (name) => {
          const row = names.get(name);
          return row && agentRow(row);
        }),
      );
    }
  }

  #runRow(of: string, view: StateView, id: RunId) {
    const orders = setIn(this.#orders, of, () => new Map<string, number>());
    const order = setIn(orders, id, () => orders.size);
    const row = view.allRuns.get(id);
    return row && runRow(row, order);
  }

  #leads(): Map<string, FeedFolder> {
    const leads = new Map<string, FeedFolder>();
    for (const folder of this.options.source.folders) {
      const { storeFolder } = folder.place;
      if (!leads.has(storeFolder)) leads.set(storeFolder, folder);
    }
    return leads;
  }

  /** Each workflow file once, in the order of the folders. */
  #located(): Located[] {
    const found = new Map<string, Located>();
    for (const folder of this.options.source.folders)
      for (const file of folder.files)
        if (!found.has(file.path)) found.set(file.path, { folder, file });
    return [...found.values()];
  }

  #storeRow(key: string, lead: FeedFolder): PanelStore {
    const { store } = lead.state;
    const sharing = this.options.source.folders.filter((it) => it.place.storeFolder === key);
    return {
      key,
      name: plain(sharing.map(({ folder }) => basename(folder)).join(', ')),
      state: store.state,
      seq: lead.view.seq,
      code: store.state === 'failed' ? store.code : null,
      message: store.state === 'failed' ? plain(store.message, 600) : null,
      warnings:
        store.state === 'live'
          ? store.warnings.map(({ code, message }) => ({ code, message: plain(message, 600) }))
          : [],
    };
  }

  #send(message: ToPanel): void {
    this.options.send(message);
  }
}

type Writable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

interface Located {
  readonly folder: FeedFolder;
  readonly file: WorkflowFile;
}

const guardId = (key: string): string => guardMark + key;
const newSet = (): Set<string> => new Set();

function setIn<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function headerOf(folder: FeedFolder, file: WorkflowFile): PanelWorkflow | undefined {
  const overview = folder.state.workflows.find(({ path }) => path === file.path);
  if (!overview) return undefined;
  const { holder } = overview;
  return {
    key: file.path,
    store: folder.place.storeFolder,
    id: overview.id,
    name: plain(overview.name),
    file: plain(overview.file),
    folder: plain(basename(folder.folder)),
    wave: overview.wave,
    waveCount: overview.waveCount,
    completed: overview.completed,
    editing: overview.editing,
    waves: overview.waves.map(({ number }) => {
      const title = file.document.waveTitles.get(number);
      return { number, title: title === undefined ? null : plain(title) };
    }),
    errors: overview.problems
      .filter(({ severity }) => severity === 'error')
      .slice(0, 100)
      .map(({ line, code, message }) => ({ line, code, message: plain(message, 400) })),
    holder: holder && {
      name: plain(holder.agent),
      since: holder.since,
      mine: holder.session === folder.session,
    },
  };
}

function tasksOf(
  { document }: WorkflowFile,
  before?: ReadonlyMap<string, PanelTask>,
): Map<string, PanelTask> {
  const tasks = new Map<string, PanelTask>();
  let next = 0;
  for (const task of before?.values() ?? []) next = Math.max(next, task.order + 1);
  for (const wave of document.plan?.waves ?? []) {
    for (const task of wave.tasks) {
      const order = before?.get(task.id)?.order ?? next;
      if (order === next) next += 1;
      tasks.set(task.id, taskRow(task, wave, order));
    }
  }
  return tasks;
}

function differenceOf(
  of: string,
  before: ReadonlyMap<string, PanelTask> | undefined,
  now: ReadonlyMap<string, PanelTask>,
): { of: string; put: PanelTask[]; drop: string[] } | undefined {
  if (before === now) return undefined;
  const put = [...now.values()].filter((task) => !sameTask(before?.get(task.id), task));
  const drop = [...(before?.keys() ?? [])].filter((id) => !now.has(id));
  return put.length + drop.length > 0 ? { of, put, drop } : undefined;
}

function sameTask(one: PanelTask | undefined, other: PanelTask): boolean {
  return (
    one?.status === other.status &&
    one.order === other.order &&
    one.wave === other.wave &&
    one.title === other.title &&
    one.needs.join('\0') === other.needs.join('\0')
  );
}

function partOf<Row>(
  of: string,
  ids: ReadonlySet<string>,
  row: (id: string) => Row | undefined,
): { of: string; put: Row[]; drop: string[] } {
  const put: Row[] = [];
  const drop: string[] = [];
  for (const id of ids) {
    const now = row(id);
    if (now === undefined) drop.push(id);
    else put.push(now);
  }
  return { of, put, drop };
}

/** The rows as they are when their chunk is asked for; what is gone by then is left out. */
function* chunked<Item, Row = Item>(
  items: Iterable<Item>,
  rowOf?: (item: Item) => Row | undefined,
): Generator<Row[]> {
  let rows: Row[] = [];
  for (const item of [...items]) {
    const row = rowOf ? rowOf(item) : (item as unknown as Row);
    if (row === undefined) continue;
    rows.push(row);
    if (rows.length < chunkRows) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

/** The schema's types are writable; nobody writes to them. */
function mutable(sections: Sections): Writable<ChangeSections> {
  return sections as Writable<ChangeSections>;
}
type ChangeSections = Pick<ChangeMessage, 'tasks' | 'runs' | 'locks' | 'waiters' | 'agents'>;
