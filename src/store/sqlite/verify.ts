/**
 * Looks at everything that a store holds, and says what is not as it was written: the pages, the schema, the
 * chain of events, every row against the events, and what no event tells against digests of its own.
 *
 * It reads one snapshot through a connection of its own and goes in short steps, so that the thread it runs
 * in goes on answering. It changes nothing, and damage never ends it: what cannot be read is a finding.
 */
import { lstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { canonical, CodecError, decodeEvent, decodeRate, decodeSighting } from '../../core/codec';
import { isStoreError, StoreError } from '../../core/errors';
import type { RunId, RunRow, Seq, WaiterRow } from '../../core/model';
import { Replay } from '../../core/replay';
import { Archive, archiveFile } from './archive';
import { freshSchema, schemaOf, stateOf } from './migrate';
import { asFault, isBusy } from './sqliteFault';
import { digestOf } from './tables';
import { chained, databaseFile, evidenceAgainst, metaOf, readHead, sameBytes } from './witness';

export interface Finding {
  readonly code:
    | 'unreadable'
    | 'pages'
    | 'schema'
    | 'head'
    | 'chain'
    | 'event'
    | 'row'
    | 'reference'
    | 'digest'
    | 'archive';
  /** The table and key, or the file. */
  readonly where: string;
  readonly message: string;
}

export interface Verified {
  readonly ok: boolean;
  readonly head: { readonly seq: Seq };
  readonly runs: number;
  /** The first hundred; more would say the same. */
  readonly problems: readonly Finding[];
}

const mostFindings = 100;
/** Milliseconds of work between two pauses. */
const slice = 8;
const rowsAtOnce = 200;
/** Pages that are looked through in 50 ms. */
const smallBytes = 4 * 1024 * 1024;

/** @param database the file to look at, when it is not the folder's own: then neither head nor archive count */
export async function verifyStore(folder: string, database?: string): Promise<Verified> {
  const path = database ?? join(folder, databaseFile);
  try {
    return await look(new Check(folder, path, database !== undefined));
  } catch (error) {
    if (!isBusy(error)) throw error;
    throw new StoreError('store_busy', `The store ${path} is being written; try again.`, {
      cause: error,
    });
  }
}

async function look(check: Check): Promise<Verified> {
  const steps = check.run();
  for (
    let began = performance.now(), step = steps.next();
    step.done !== true;
    step = steps.next()
  ) {
    if (step.value !== undefined) await step.value;
    else if (performance.now() - began < slice) continue;
    await new Promise((resolve) => setImmediate(resolve));
    began = performance.now();
  }
  return check.result();
}

/** Yields where it may be held up, or what it waits for. */
type Steps = Generator<Promise<void> | undefined, void>;
type Row = Readonly<Record<string, unknown>>;

class Check {
  readonly #problems: Finding[] = [];
  #database: DatabaseSync | undefined;
  readonly #archived = new Map<RunId, string>();
  readonly #replay = new Replay((id, row) => {
    if (row) this.#archived.set(id, canonical(row));
    else this.#tell('event', `events run.archived ${id}`, 'Archives a run that no event has made.');
  });
  /** What the tables of references must hold, by the rows as the events have them. */
  readonly #references = new Set<string>();
  readonly #waiterKeys = new Set<string>();
  #seq: Seq = 0;
  #runs = 0;

  constructor(
    private readonly folder: string,
    private readonly path: string,
    private readonly isCopy: boolean,
  ) {}

  result(): Verified {
    const problems = this.#problems.slice(0, mostFindings);
    return { ok: problems.length === 0, head: { seq: this.#seq }, runs: this.#runs, problems };
  }

  *run(): Steps {
    try {
      yield* this.#whole();
    } finally {
      this.#database?.close();
    }
  }

  *#whole(): Steps {
    let database: DatabaseSync | undefined;
    let older = false;
    try {
      // Before the snapshot, so that it cannot be ahead of it by right.
      const head = this.isCopy ? null : readHead(this.folder);
      if (lstatSync(this.path, { throwIfNoEntry: false })?.isFile() !== true) {
        this.#tell('unreadable', this.path, 'There is no database file.');
        return;
      }
      this.#database = database = new DatabaseSync(this.path, { readOnly: true, timeout: 1_000 });
      database.exec('BEGIN');
      const state = stateOf(database, this.path);
      if (state === 'empty') {
        this.#tell('schema', this.path, 'It has no tables.');
        return;
      }
      older = state === 'older';
      const fault = evidenceAgainst(database, this.path, head);
      if (fault) this.#tell('head', this.path, fault.message);
    } catch (error) {
      this.#unreadable(this.path, error);
      // A header that makes no sense leaves nothing to look through; anything else may be half there.
      if (!database?.isTransaction) return;
    }
    const whole: readonly (readonly [string, (database: DatabaseSync) => Steps])[] = [
      ['pages', (it) => this.#pages(it)],
      ['schema', (it) => this.#schema(it)],
      ['events', (it) => this.#events(it)],
      ...this.#tables().map(
        ({ name, ...table }) => [name, (it: DatabaseSync) => this.#rows(it, name, table)] as const,
      ),
      [
        'run_references',
        (it) => this.#same(it, 'run_references', ['target', 'run', 'unmet'], this.#references),
      ],
      [
        'waiter_keys',
        (it) => this.#same(it, 'waiter_keys', ['anchor', 'waiter', 'worktree'], this.#waiterKeys),
      ],
      [
        'ops',
        (it) =>
          this.#digests(it, 'ops', ['op_id', 'answer'], (row) => {
            this.#answer(row);
          }),
      ],
      [
        'rates',
        (it) => this.#digests(it, 'rates', ['id', 'row'], (row) => decodeRate(String(row['row']))),
      ],
      [
        'sightings',
        (it) =>
          this.#digests(it, 'sightings', ['subject', 'observer', 'row'], (row) =>
            decodeSighting(String(row['row'])),
          ),
      ],
      ...(this.isCopy ? [] : [[archiveFile, (it: DatabaseSync) => this.#archive(it)] as const]),
    ];
    // The tables of an older version are the business of the version that made them.
    const due = older ? whole.filter(([where]) => where === 'pages' || where === 'events') : whole;
    for (const [where, steps] of due) {
      try {
        yield* steps(database);
      } catch (error) {
        this.#unreadable(where, error);
      }
    }
  }

  *#pages(database: DatabaseSync): Steps {
    const { size } = statSync(this.path);
    let said: readonly string[] = [];
    if (size <= smallBytes) {
      // In parts SQLite would not look at the list of free pages.
      said = database
        .prepare('PRAGMA integrity_check(10)')
        .all()
        .map((row) => String(row['integrity_check']));
    } else {
      yield integrityOf(this.path).then((all) => {
        said = all;
      });
    }
    for (const text of said) if (text !== 'ok') this.#tell('pages', this.path, text);
    yield;
    for (const row of database.prepare('PRAGMA foreign_key_check').all()) {
      this.#tell('pages', String(row['table']), 'A row refers to one that is not there.');
    }
  }

  *#schema(database: DatabaseSync): Steps {
    const [found, due] = [schemaOf(database), freshSchema()];
    yield;
    for (const text of due) {
      if (!found.includes(text))
        this.#tell('schema', nameIn(text), 'It is missing or not as it was made.');
    }
    for (const text of found) {
      if (!due.includes(text))
        this.#tell('schema', nameIn(text), 'This version knows nothing like it.');
    }
  }

  *#events(database: DatabaseSync): Steps {
    let previous: unknown = metaOf(database, 'lineage');
    for (const row of pages(
      database,
      'SELECT seq, event, hash FROM events WHERE seq > ? ORDER BY seq',
      'seq',
      0,
    )) {
      if (row === undefined) {
        yield;
        continue;
      }
      const seq = Number(row['seq']);
      const text = String(row['event']);
      if (seq !== this.#seq + 1) {
        this.#tell('chain', `events ${this.#seq + 1}`, `Missing: the next event is ${seq}.`);
      }
      if (!sameBytes(row['hash'], chained(previous, text))) {
        this.#tell(
          'chain',
          `events ${seq}`,
          'Its hash does not follow from it and the event before.',
        );
      }
      previous = row['hash'];
      this.#seq = seq;
      try {
        const event = decodeEvent(text);
        if (event.seq !== seq)
          this.#tell('event', `events ${seq}`, `It says that it is event ${event.seq}.`);
        this.#replay.apply(event);
      } catch (error) {
        // Data of a known kind that is not what its kind says fails in the views.
        if (!(error instanceof CodecError || error instanceof TypeError)) throw error;
        this.#tell('event', `events ${seq}`, error.message);
      }
    }
  }

  #tables(): readonly ({ readonly name: string } & Derived)[] {
    const { view, fileEdits, fileIntents } = this.#replay;
    const asRow =
      (rows: ReadonlyMap<string, object>): (() => ReadonlyMap<string, object>) =>
      () =>
        rows;
    return [
      { name: 'workflows', keys: ['id'], rows: asRow(view.workflows) },
      {
        name: 'runs',
        keys: ['id'],
        rows: asRow(view.allRuns),
        ordered: true,
        refer: (row, created) => {
          for (const { target, unmet } of referencesOf(row as RunRow))
            this.#references.add(JSON.stringify([target, created, unmet ? 1 : 0]));
        },
      },
      { name: 'agents', keys: ['id'], rows: asRow(view.agents), ordered: true },
      { name: 'sessions', keys: ['id'], rows: asRow(view.sessions), ordered: true },
      { name: 'locks', keys: ['id'], rows: asRow(view.locks), ordered: true },
      {
        name: 'waiters',
        keys: ['id'],
        rows: asRow(view.waiters),
        ordered: true,
        refer: (row, created) => {
          for (const { anchor, worktree } of (row as WaiterRow).requests)
            this.#waiterKeys.add(JSON.stringify([anchor, created, worktree]));
        },
      },
      { name: 'slot_waiters', keys: ['id'], rows: asRow(view.slotWaiters), ordered: true },
      { name: 'config', keys: ['id'], rows: asRow(view.config) },
      { name: 'guards', keys: ['worktree', 'file'], rows: asRow(view.guards) },
      { name: 'tasks', keys: ['workflow', 'task'], rows: asRow(view.tasks) },
      { name: 'file_edits', keys: ['id'], rows: asRow(fileEdits), ordered: true },
      { name: 'file_intents', keys: ['workflow', 'target'], rows: asRow(fileIntents) },
      { name: 'conflicts', keys: ['id'], rows: asRow(view.conflicts) },
      {
        name: 'counters',
        keys: ['id'],
        // Made with the first token; asked for only when all events are known.
        rows: () =>
          this.#replay.fence === 0
            ? new Map<string, object>()
            : new Map([['fence', { name: 'fence', value: this.#replay.fence }]]),
      },
    ];
  }

  /** What the table says is what the events say: the same keys, in the same order, with the same rows. */
  *#rows(
    database: DatabaseSync,
    table: string,
    { keys, rows, ordered, refer }: Omit<Derived, 'name'>,
  ): Steps {
    const due = rows();
    const inOrder = due.keys();
    let [count, disordered] = [0, false];
    const found = ordered
      ? pages(
          database,
          `SELECT created, id, row FROM ${table} WHERE created > ? ORDER BY created`,
          'created',
          0,
        )
      : some(database, `SELECT ${keys.join(', ')}, row FROM ${table}`);
    for (const row of found) {
      if (row === undefined) {
        yield;
        continue;
      }
      count += 1;
      const key = keys.map((name) => String(row[name])).join('\0');
      const where = `${table} ${key.replace('\0', ' ')}`;
      const expected = due.get(key);
      if (expected === undefined) this.#tell('row', where, 'No event has made this row.');
      else {
        refer?.(expected, Number(row['created']));
        // Far cheaper than comparing canonical texts.
        if (!isDeepStrictEqual(parsed(row['row']), expected)) {
          this.#tell('row', where, 'It is not what the events say.');
        }
      }
      if (ordered && !disordered && inOrder.next().value !== key) {
        disordered = true;
        this.#tell('row', where, 'It is not where its creation puts it.');
      }
    }
    if (table === 'runs') this.#runs = count;
    if (count >= due.size) return;
    this.#tell('row', table, `It has ${count} rows; the events say ${due.size}.`);
  }

  *#same(
    database: DatabaseSync,
    table: string,
    columns: readonly string[],
    due: Set<string>,
  ): Steps {
    for (const row of some(database, `SELECT ${columns.join(', ')} FROM ${table}`)) {
      if (row === undefined) {
        yield;
        continue;
      }
      const key = JSON.stringify(columns.map((name) => row[name]));
      if (!due.has(key)) this.#tell('reference', `${table} ${key}`, 'No row says so.');
    }
    const count = Number(
      database
        .prepare(`SELECT count(*) AS n FROM (SELECT DISTINCT ${columns.join(', ')} FROM ${table})`)
        .get()?.['n'],
    );
    if (count < due.size)
      this.#tell('reference', table, `It has ${count} entries; the rows say ${due.size}.`);
  }

  *#digests(
    database: DatabaseSync,
    table: string,
    columns: readonly string[],
    look: (row: Row) => unknown,
  ): Steps {
    for (const row of some(database, `SELECT ${columns.join(', ')}, hash FROM ${table}`)) {
      if (row === undefined) {
        yield;
        continue;
      }
      const where = `${table} ${String(row[columns[0] ?? ''])}`;
      const texts = columns.map((name) => String(row[name]));
      if (!sameBytes(row['hash'], digestOf(...texts))) {
        this.#tell('digest', where, 'It is not what was written.');
        continue;
      }
      look(row);
    }
  }

  #answer(row: Row): void {
    const { at } = JSON.parse(String(row['answer'])) as { at: number };
    if (at <= this.#seq) return;
    this.#tell(
      'digest',
      `ops ${String(row['op_id'])}`,
      `It was answered at event ${at}, which is not there.`,
    );
  }

  *#archive(database: DatabaseSync): Steps {
    const archive = new Archive(this.folder, metaOf(database, 'lineage') ?? '');
    try {
      const ids = [...this.#archived.keys()];
      for (let start = 0; start < ids.length; start += rowsAtOnce) {
        yield;
        const wanted = ids.slice(start, start + rowsAtOnce);
        const found = new Map(archive.runs(wanted).map((row) => [row.id, canonical(row)]));
        for (const id of wanted) {
          const text = found.get(id);
          if (text === this.#archived.get(id)) continue;
          this.#tell(
            'archive',
            `${archiveFile} ${id}`,
            text === undefined
              ? 'The run left for the archive, but is not in it.'
              : 'It is not what the events say.',
          );
        }
      }
      yield;
      for (const said of archive.integrity()) this.#tell('archive', archiveFile, said);
    } finally {
      archive.close();
    }
  }

  #unreadable(where: string, error: unknown): void {
    if (isBusy(error)) throw error;
    const fault = asFault(error, this.path);
    const known =
      isStoreError(fault) ||
      error instanceof SyntaxError ||
      (error instanceof Error && 'errcode' in error);
    if (!known) throw error;
    this.#tell('unreadable', where, (fault as Error).message);
  }

  #tell(code: Finding['code'], where: string, message: string): void {
    // One more than is shown is enough to go on.
    if (this.#problems.length <= mostFindings) this.#problems.push({ code, where, message });
  }
}

interface Derived {
  readonly keys: readonly string[];
  readonly rows: () => ReadonlyMap<string, object>;
  /** Has a place by creation. */
  readonly ordered?: boolean;
  readonly refer?: (row: object, created: number) => void;
}

function referencesOf(run: RunRow): { readonly target: string; readonly unmet: boolean }[] {
  if (run.status !== 'queued' && run.status !== 'running') return [];
  return [...new Set([...run.dependsOn, run.parent, run.retryOf])].flatMap((target) =>
    target === null ? [] : [{ target, unmet: run.unmet.includes(target) }],
  );
}

/** A few rows at a time with pauses between, marked by undefined; a statement is never left half-way. */
function* pages(
  database: DatabaseSync,
  sql: string,
  key: string,
  first: number,
): Generator<Row | undefined> {
  const statement = database.prepare(`${sql} LIMIT ${rowsAtOnce}`);
  for (let after = first; ;) {
    const rows = statement.all(after);
    yield* rows;
    const last = rows.at(-1)?.[key];
    // A damaged tree may lead back; it has been reported with the pages.
    if (typeof last !== 'number' || last <= after) return;
    after = last;
    yield undefined;
  }
}

/** For tables that have no number to go on from. */
function* some(database: DatabaseSync, sql: string): Generator<Row | undefined> {
  let count = 0;
  for (const row of database.prepare(sql).iterate()) {
    yield row;
    count += 1;
    if (count % rowsAtOnce === 0) yield undefined;
  }
}

/** What is not JSON equals nothing. */
function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * What SQLite says against the pages of a file: a second for each 80 MB, in one call. A large one is looked
 * through in a thread of its own, so that whoever verifies goes on answering.
 */
function integrityOf(path: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    // Every call of the command line has this file, and hardly any of them verifies.
    const { Worker } = process.getBuiltinModule('node:worker_threads');
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       const { DatabaseSync } = require('node:sqlite');
       const database = new DatabaseSync(workerData, { readOnly: true, timeout: 1000 });
       let said;
       try {
         said = database.prepare('PRAGMA integrity_check(10)').all().map((row) => row.integrity_check);
       } catch (error) {
         said = [error.message];
       }
       database.close();
       parentPort.postMessage(said);`,
      { eval: true, workerData: path, execArgv: ['--disable-warning=ExperimentalWarning'] },
    );
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function nameIn(schemaText: string): string {
  return schemaText.split('\n', 1)[0] ?? '';
}
