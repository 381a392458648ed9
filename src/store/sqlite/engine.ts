/**
 * SQLite, as it is inside the editor's own Node: one file, WAL, every commit flushed.
 *
 * Contract: an outcome exists only after its COMMIT returned. A batch is one immediate transaction; each
 * command has a savepoint, so one that fails leaves the others standing. If the transaction itself is
 * lost (a full disk rolls back by itself), the whole batch fails and nothing has happened.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { canonical, decodeEvent } from '../../core/codec';
import { decide } from '../../core/decide';
import { StoreError } from '../../core/errors';
import type {
  AgentId,
  Changes,
  ClaimToken,
  Command,
  Context,
  Granted,
  LockId,
  NewEvent,
  ObserverId,
  Refusal,
  RunId,
  Seq,
  StoredEvent,
  TokenDigest,
  Write,
} from '../../core/model';
import { createStoreFolder, overwriteHint } from '../durableFs';
import {
  Busy,
  type AnyAnswer,
  type Engine,
  type Identity,
  type Outcome,
  type Reads,
  type Submission,
} from '../engine';
import { liveness, monotonic, processIdentity, thisBoot } from '../hostClock';
import { whenFree } from '../mailbox';
import { newId } from '../newId';
import { migrate } from './migrate';
import { asFault, isBusy } from './sqliteFault';
import { Tables } from './tables';

export interface SqliteOptions {
  readonly folder: string;
  readonly identity: Identity;
  readonly durability: 'full' | 'normal';
  readonly inThread: boolean;
}

type Decided = Changes<Granted[Command['kind']]> | Refusal;

export const headFile = 'head';

export async function openSqlite(options: SqliteOptions): Promise<SqliteEngine> {
  createStoreFolder(options.folder);
  const path = join(options.folder, 'store.db');
  refuseOddFile(path);
  const database = await whenFree(() => faultsNamed(path, () => openDatabase(path, options)));
  return new SqliteEngine(database, path, options);
}

function openDatabase(path: string, options: SqliteOptions): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    migrate(database, path);
    database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${options.durability === 'full' ? 'FULL' : 'NORMAL'}`);
    database.exec('PRAGMA foreign_keys = ON');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** SQLite would follow a link or fail on a folder with words that help nobody. */
function refuseOddFile(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) return;
  throw new StoreError(
    'store_foreign',
    `${path} is ${stats.isSymbolicLink() ? 'a link' : 'not a file'}. Wavelock leaves it alone; move it away, or set another folder for the store.`,
  );
}

export class SqliteEngine implements Engine {
  readonly #tables: Tables;
  readonly #storeId: string;
  #dataVersion: number;

  constructor(
    private readonly database: DatabaseSync,
    private readonly path: string,
    private readonly options: SqliteOptions,
  ) {
    this.#tables = new Tables(database);
    this.#storeId = String(
      this.#sql("SELECT value FROM meta WHERE key = 'storeId'").get()?.['value'],
    );
    this.#dataVersion = this.#readDataVersion();
    this.#writeHint();
  }

  transact(batch: readonly Submission[]): readonly Outcome[] {
    return faultsNamed(this.path, () => {
      this.#refuseVanished();
      this.#exec('BEGIN IMMEDIATE');
      try {
        const outcomes = batch.map((submission) => this.#one(submission));
        this.#exec('COMMIT');
        this.#writeHint();
        return outcomes;
      } catch (error) {
        // A failed COMMIT may have rolled back already; asking is the only way to know.
        if (this.database.isTransaction) this.#exec('ROLLBACK');
        throw error;
      }
    });
  }

  read<Name extends keyof Reads>(name: Name, ask: Reads[Name]['ask']): Reads[Name]['rows'] {
    const reads: { [Key in keyof Reads]: (ask: Reads[Key]['ask']) => Reads[Key]['rows'] } = {
      head: () => this.#headSeq(),
      state: () => this.#readState(),
      pendingWrites: () => this.#tables.pendingWrites(),
      events: ({ after, limit }) =>
        this.#sql('SELECT event FROM events WHERE seq > ? ORDER BY seq LIMIT ?')
          .all(after, limit)
          .map((row) => decodeEvent(String(row['event']))),
      versions: () => ({
        node: process.versions.node,
        engine: `SQLite ${String(this.#sql('SELECT sqlite_version() AS v').get()?.['v'])}`,
        inThread: this.options.inThread,
      }),
    };
    return faultsNamed(this.path, () => reads[name](ask));
  }

  othersCommitted(): boolean {
    return faultsNamed(this.path, () => {
      const version = this.#readDataVersion();
      if (version === this.#dataVersion) return false;
      this.#dataVersion = version;
      return true;
    });
  }

  close(): void {
    this.#tables.close();
    if (this.database.isOpen) this.database.close();
  }

  #one(submission: Submission): Outcome {
    this.#exec('SAVEPOINT command');
    try {
      const answer = this.#answered(submission.opId) ?? this.#decide(submission);
      this.#exec('RELEASE command');
      return { answer };
    } catch (error) {
      if (!this.database.isTransaction) throw error;
      this.#exec('ROLLBACK TO command');
      this.#exec('RELEASE command');
      return { error };
    }
  }

  #answered(opId: string): AnyAnswer | undefined {
    const row = this.#sql('SELECT answer FROM ops WHERE op_id = ?').get(opId);
    return row === undefined ? undefined : (JSON.parse(String(row['answer'])) as AnyAnswer);
  }

  #decide({ command, opId }: Submission): AnyAnswer {
    const { identity } = this.options;
    const context = this.#context();
    const append = (events: readonly NewEvent[]): void => {
      for (const event of events) {
        this.#append({
          v: 1,
          seq: this.#headSeq() + 1,
          at: context.now,
          agent: identity.agent,
          session: identity.session,
          opId,
          ...event,
        });
      }
    };
    const decided = this.#drive(command, context, ({ write, events }) => {
      for (const change of write) this.#tables.apply(change);
      append(events);
    });
    if ('code' in decided) return { ok: false, at: this.#headSeq(), refusal: decided };

    for (const change of decided.changes) this.#tables.apply(change);
    append(decided.events);
    const answer: AnyAnswer = { ok: true, at: this.#headSeq(), facts: decided.facts };
    this.#sql('INSERT INTO ops VALUES (?, ?)').run(opId, JSON.stringify(answer));
    return answer;
  }

  #context(): Context {
    const { agent, named, kind, session, host, pid } = this.options.identity;
    return {
      agent,
      named,
      agentKind: kind,
      session,
      process: processIdentity(host, pid),
      now: Date.now(),
      mono: monotonic(),
      server: null,
      host,
      ...thisBoot,
      observer: `${host}/${thisBoot.bootId}` as ObserverId,
      liveness,
      caseFold: process.platform === 'win32' || process.platform === 'darwin',
      newRunId: () => newId('run') as RunId,
      newAgentId: () => newId('agt') as AgentId,
      newLockId: () => newId('lck') as LockId,
      newToken: () => randomBytes(20).toString('hex') as ClaimToken,
      digest: (token) => createHash('sha256').update(token).digest('hex') as TokenDigest,
      random: Math.random,
    };
  }

  #drive(command: Command, context: Context, write: (write: Write) => void): Decided {
    const decision = decide(command, context);
    let step = decision.next();
    while (step.done !== true) {
      if ('write' in step.value) {
        write(step.value);
        step = decision.next(undefined);
      } else {
        step = decision.next(this.#tables.answer(step.value.rows, step.value));
      }
    }
    return step.value;
  }

  #append(event: StoredEvent): void {
    const text = canonical(event);
    const previous = this.#sql('SELECT hash FROM events WHERE seq = ?').get(event.seq - 1)?.[
      'hash'
    ];
    const hash = createHash('sha256');
    if (previous instanceof Uint8Array) hash.update(previous);
    this.#sql('INSERT INTO events VALUES (?, ?, ?)').run(
      event.seq,
      text,
      hash.update(text).digest(),
    );
  }

  /** One read transaction: the rows and the seq belong together, whatever others commit meanwhile. */
  #readState(): Reads['state']['rows'] {
    this.#exec('BEGIN');
    try {
      return {
        seq: this.#headSeq(),
        ...this.#tables.state(),
      };
    } finally {
      this.#exec('COMMIT');
    }
  }

  #headSeq(): Seq {
    return Number(this.#sql('SELECT max(seq) AS seq FROM events').get()?.['seq'] ?? 0);
  }

  #readDataVersion(): number {
    return Number(this.#sql('PRAGMA data_version').get()?.['data_version']);
  }

  /** Tells the observers that watch this file to look; the commit stands whether they hear it or not. */
  #writeHint(): void {
    overwriteHint(
      join(this.options.folder, headFile),
      JSON.stringify({ storeId: this.#storeId, seq: this.#headSeq() }),
    );
  }

  /** A deleted store would still take commits into a file that nobody can find again. */
  #refuseVanished(): void {
    if (lstatSync(this.path, { throwIfNoEntry: false }) !== undefined) return;
    throw new StoreError(
      'store_gone',
      `The store ${this.path} was removed while it was in use. Reload to start a new one, or put it back.`,
    );
  }

  #exec(sql: string): void {
    this.#sql(sql).run();
  }

  #sql(sql: string): StatementSync {
    return this.#tables.sql(sql);
  }
}

/** What an observer's hint says; null when it is torn or missing, which is no matter. */
export function readHint(folder: string): { storeId: string; seq: Seq } | null {
  try {
    return JSON.parse(readFileSync(join(folder, headFile), 'utf8')) as {
      storeId: string;
      seq: Seq;
    };
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT')
      return null;
    throw error;
  }
}

function faultsNamed<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isBusy(error)) throw new Busy('another process is writing', { cause: error });
    throw asFault(error, path);
  }
}
