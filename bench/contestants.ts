/**
 * The stores that a drain compares, each as a careful program would use it. The others keep a bare table and
 * no rules, no events, no result: what they do is less than what is compared with them.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { lock } from 'proper-lockfile';
import { newId } from '../src/store/newId';
import type { OpId } from '../src/core/model';
import { openLocalStore } from '../src/store/localStore';
import { Mailbox } from '../src/store/mailbox';
import { openSqlite } from '../src/store/sqlite/opening';
import type { DrainJob } from './drain';
import { benchPlace, fill, identityOf, openBenchStore } from './stores';
import type { Command } from '../src/core/model';
import type { AnyAnswer } from '../src/store/engine';

export interface Claim {
  readonly id: string;
  complete(): Promise<void>;
}

export interface Contestant {
  claim(): Promise<Claim | undefined>;
  close(): Promise<void>;
}

interface Contender {
  /** Makes the store with runs to claim. */
  prepare(folder: string, runs: number, packages: string | undefined): Promise<void>;
  open(job: DrainJob): Promise<Contestant>;
}

const patience = 60_000;

/** Wavelock as it is. */
const wavelock: Contender = {
  prepare: prepareWavelock,
  async open({ folder, worker }) {
    const store = await openLocalStore({
      place: benchPlace(folder),
      identity: identityOf(`worker-${worker}`),
      durability: 'full',
    });
    return wavelockContestant(
      (command) => store.submit(command),
      () => store.close(),
    );
  },
};

/** Wavelock's rules and mailbox, but SQLite itself waits for the lock, with its own back-off. */
const waitingSqlite: Contender = {
  prepare: prepareWavelock,
  async open({ folder, worker }) {
    const engine = await openSqlite({
      folder: benchPlace(folder).storeFolder,
      identity: identityOf(`worker-${worker}`),
      durability: 'full',
      inThread: false,
    });
    engine['database'].exec(`PRAGMA busy_timeout = ${patience}`);
    const noTurns = { take: <T>(transact: () => T) => Promise.resolve(transact()) };
    const mailbox = new Mailbox(engine, noTurns, () => undefined);
    return wavelockContestant(
      (command) => mailbox.submit({ command, opId: newId('op') as OpId }),
      async () => {
        await mailbox.close();
        engine.close();
      },
    );
  },
};

async function prepareWavelock(folder: string, runs: number): Promise<void> {
  const store = await openBenchStore(folder);
  await fill(store, runs);
  await store.close();
}

function wavelockContestant(
  submit: (command: Command) => Promise<AnyAnswer>,
  close: () => Promise<void>,
): Contestant {
  return {
    async claim() {
      const answer = await submit({ kind: 'run.claim' });
      if (!answer.ok) {
        if (answer.refusal.code === 'nothing_queued') return undefined;
        throw new Error(answer.refusal.message);
      }
      if (!('token' in answer.facts)) throw new Error('a claim without a token');
      const { run, token } = answer.facts;
      return {
        id: run.id,
        complete: async () => {
          const done = await submit({ kind: 'run.complete', run: run.id, token });
          if (!done.ok) throw new Error(done.refusal.message);
        },
      };
    },
    close,
  };
}

/* ------------------------------------------------------------------ bare tables in SQLite */

const schema = `
CREATE TABLE runs (id INTEGER PRIMARY KEY, status TEXT NOT NULL, owner TEXT, title TEXT NOT NULL);
CREATE INDEX queued ON runs (id) WHERE status = 'queued'`;
const claimSql = `UPDATE runs SET status = 'running', owner = ?
  WHERE id = (SELECT id FROM runs WHERE status = 'queued' ORDER BY id LIMIT 1) RETURNING id`;
const completeSql = `UPDATE runs SET status = 'completed' WHERE id = ? AND status = 'running' AND owner = ?`;

/** What better-sqlite3 and node:sqlite have in common. */
interface BareDatabase {
  exec(sql: string): void;
  prepare(sql: string): Pick<StatementSync, 'get' | 'run'>;
  close(): void;
}

type OpenBare = (path: string, packages: string | undefined) => BareDatabase;

const betterSqlite: OpenBare = (path, packages) => {
  if (packages === undefined) throw new Error('better-sqlite3 is not installed');
  const Database = createRequire(join(packages, 'x.js'))('better-sqlite3') as new (
    path: string,
    options: { timeout: number },
  ) => BareDatabase;
  return new Database(path, { timeout: patience });
};

const nodeSqlite: OpenBare = (path) => {
  const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite');
  return new Database(path, { timeout: patience }) satisfies DatabaseSync;
};

/** The commands of all lanes share a transaction, as Wavelock's do. */
function bare(openBare: OpenBare, synchronous: 'FULL' | 'NORMAL'): Contender {
  return {
    prepare(folder, runs, packages) {
      const database = openBare(join(folder, 'runs.db'), packages);
      database.exec(`PRAGMA journal_mode = WAL; ${schema}; BEGIN`);
      const insert = database.prepare(
        `INSERT INTO runs (status, title) VALUES ('queued', 'npm run build')`,
      );
      for (let run = 0; run < runs; run += 1) insert.run();
      database.exec('COMMIT');
      database.close();
      return Promise.resolve();
    },
    open({ folder, worker, packages }) {
      const database = openBare(join(folder, 'runs.db'), packages);
      database.exec(`PRAGMA synchronous = ${synchronous}`);
      const [begin, commit, claim, complete] = [
        'BEGIN IMMEDIATE',
        'COMMIT',
        claimSql,
        completeSql,
      ].map((sql) => database.prepare(sql)) as [Bare, Bare, Bare, Bare];
      const owner = `worker-${worker}`;
      const batch = new Batch((works) => {
        begin.run();
        const values = works.map((work) => work());
        commit.run();
        return values;
      });
      return Promise.resolve({
        async claim() {
          const row = (await batch.add(() => claim.get(owner))) as { id: number } | undefined;
          if (row === undefined) return undefined;
          return {
            id: String(row.id),
            complete: async () => {
              await batch.add(() => complete.run(row.id, owner));
            },
          };
        },
        close: () => {
          database.close();
          return Promise.resolve();
        },
      });
    },
  };
}

type Bare = Pick<StatementSync, 'get' | 'run'>;

/** Whatever comes in one turn of the event loop is done together. */
class Batch {
  #waiting: { work: () => unknown; resolve: (value: unknown) => void }[] = [];

  constructor(private readonly perform: (works: readonly (() => unknown)[]) => unknown[]) {}

  add(work: () => unknown): Promise<unknown> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) {
        setImmediate(() => {
          const batch = this.#waiting;
          this.#waiting = [];
          const values = this.perform(batch.map((each) => each.work));
          batch.forEach((each, index) => {
            each.resolve(values[index]);
          });
        });
      }
      this.#waiting.push({ work, resolve });
    });
  }
}

/* ------------------------------------------------------------------ a JSON file under a lockfile */

interface State {
  readonly runs: { readonly id: string; status: string; owner?: string }[];
}

/** Nothing is flushed; one lane at a time asks for the lock, or they would fight among themselves. */
const json: Contender = {
  prepare(folder, runs) {
    const state: State = {
      runs: Array.from({ length: runs }, (_, run) => ({ id: `run_${run}`, status: 'queued' })),
    };
    writeFileSync(join(folder, 'state.json'), JSON.stringify(state));
    return Promise.resolve();
  },
  open({ folder, worker }) {
    const file = join(folder, 'state.json');
    const owner = `worker-${worker}`;
    let last: Promise<unknown> = Promise.resolve();
    const change = <T>(edit: (state: State) => T): Promise<T> => {
      const done = last.then(async () => {
        const release = await lock(file, {
          realpath: false,
          retries: { forever: true, factor: 1.2, minTimeout: 1, maxTimeout: 10, randomize: true },
        });
        try {
          const state = JSON.parse(readFileSync(file, 'utf8')) as State;
          const value = edit(state);
          const temp = `${file}.${randomUUID()}`;
          const descriptor = openSync(temp, 'w');
          writeSync(descriptor, JSON.stringify(state));
          closeSync(descriptor);
          renameSync(temp, file);
          return value;
        } finally {
          await release();
        }
      });
      last = done;
      return done;
    };
    return Promise.resolve({
      async claim() {
        const id = await change(({ runs }) => {
          const run = runs.find(({ status }) => status === 'queued');
          if (run) Object.assign(run, { status: 'running', owner });
          return run?.id;
        });
        if (id === undefined) return undefined;
        return {
          id,
          complete: () =>
            change(({ runs }) => {
              const run = runs.find((each) => each.id === id);
              if (run) run.status = 'completed';
            }),
        };
      },
      close: () => Promise.resolve(),
    });
  },
};

const contenders: Readonly<Record<string, Contender>> = {
  wavelock,
  'waiting SQLite': waitingSqlite,
  'better-sqlite3 FULL': bare(betterSqlite, 'FULL'),
  'better-sqlite3 NORMAL': bare(betterSqlite, 'NORMAL'),
  'node:sqlite FULL': bare(nodeSqlite, 'FULL'),
  'JSON under a lockfile': json,
};

export function prepareContestant(
  contestant: string,
  folder: string,
  runs: number,
  packages: string | undefined,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  return contender(contestant).prepare(folder, runs, packages);
}

export const createContestant = (job: DrainJob): Promise<Contestant> =>
  contender(job.contestant).open(job);

function contender(name: string): Contender {
  const found = contenders[name];
  if (!found) throw new Error(`nobody is called ${name}`);
  return found;
}
