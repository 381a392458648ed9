/**
 * SQLite, as it is inside the editor's own Node: one file, WAL, every commit flushed.
 *
 * Contract: an outcome exists only after its COMMIT returned. A batch is one immediate transaction; each
 * command has a savepoint, so one that fails leaves the others standing. If the transaction itself is
 * lost (a full disk rolls back by itself), the whole batch fails and nothing has happened.
 */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { canonical, decodeEvent } from '../../core/codec';
import { decide } from '../../core/decide';
import { StoreError } from '../../core/errors';
import { nextRun } from '../../core/rules/claims';
import { heldByOthers, standingLocks } from '../../core/rules/lockLook';
import { isRetentionDue } from '../../core/rules/retention';
import { isSweepDue } from '../../core/rules/sweep';
import { lastChange } from '../../core/rules/undo';
import type {
  AgentId,
  Changes,
  ClaimToken,
  Command,
  Context,
  EditId,
  Granted,
  LockId,
  NewEvent,
  ObserverId,
  OpId,
  ProcessIdentity,
  Refusal,
  RunId,
  RunRow,
  Seq,
  Step,
  StoredEvent,
  TokenDigest,
  WorkflowId,
  Write,
} from '../../core/model';
import { chance, sha256 } from '../chance';
import { overwriteHint, type OnStep } from '../durableFs';
import type { AnyAnswer, Engine, Identity, Outcome, Reads, Submission } from '../engine';
import { liveness, monotonic, processIdentity, thisBoot } from '../hostClock';
import type { MountQuestions } from '../mounts';
import { newId } from '../newId';
import type { StoreFolder } from '../storeFolder';
import { Archive } from './archive';
import { Listings } from './listings';
import { asFault, faultsNamed, isBusy, readIfPossible } from './sqliteFault';
import { digestOf, Tables } from './tables';
import { chained, headFile, headText, lastActiveIn, metaOf } from './witness';

export interface SqliteOptions {
  readonly folder: string;
  readonly identity: Identity;
  readonly durability: 'full' | 'normal';
  readonly inThread: boolean;
  readonly onStep?: OnStep | undefined;
  /** Those of this version, unless a test brings one that is to come. */
  readonly migrations?: readonly string[] | undefined;
  readonly mounts?: MountQuestions | undefined;
  /** What a command is decided by, where it is not this machine and this moment: a test has worlds of its own. */
  readonly contextOf?: ContextOf | undefined;
}

export type ContextOf = (opId: OpId) => Context;

/** What SQLite calls FULL. */
const synchronousFull = 2;

type Decided = Changes<Granted[Command['kind']]> | Refusal;

export function journalOf(database: DatabaseSync): unknown {
  return database.prepare('PRAGMA journal_mode').get()?.['journal_mode'];
}

export class SqliteEngine implements Engine {
  readonly #tables: Tables;
  readonly #archive: Archive;
  readonly #listings: Listings;
  readonly #storeId: string;
  /** Names the store through its restores; what was written beside it keeps this name. */
  readonly lineage: string;
  /** The file that was opened, which another may have replaced under its name since. */
  readonly #file: string | undefined;
  readonly #onStep: OnStep;
  #dataVersion: number;
  /** Read once: it stays as long as the process does, and a look at it costs as much as a query. */
  readonly #process: ProcessIdentity;

  /** @param readOnlyBecause what was found at open; reads answer, a command gets this fault */
  constructor(
    private readonly database: DatabaseSync,
    private readonly path: string,
    private readonly options: SqliteOptions,
    private readonly folder: StoreFolder,
    readonly readOnlyBecause?: StoreError,
  ) {
    // Without a name a store is read-only, and has no archive that could be known as its own.
    this.lineage = metaOf(database, 'lineage') ?? '';
    this.#archive = new Archive(options.folder, this.lineage);
    this.#tables = new Tables(database, this.#archive);
    this.#listings = new Listings(this.#tables, this.#archive);
    this.#storeId = metaOf(database, 'storeId') ?? '';
    this.#file = fileAt(path);
    this.#onStep = options.onStep ?? (() => undefined);
    this.#dataVersion = this.#readDataVersion();
    this.#process = processIdentity(options.identity.host, options.identity.pid);
    if (!readOnlyBecause) this.#writeHint();
  }

  get warnings(): StoreFolder['warnings'] {
    return this.folder.warnings;
  }

  transact(batch: readonly Submission[]): readonly Outcome[] {
    if (this.readOnlyBecause) throw this.readOnlyBecause;
    return faultsNamed(this.path, () => {
      this.#refuseVanished();
      this.#exec('BEGIN IMMEDIATE');
      try {
        // Again, now that no restore can come between: it takes the same lock.
        this.#refuseVanished();
        const outcomes = batch.map((submission) => this.#one(submission));
        this.#onStep('store.commit');
        this.#exec('COMMIT');
        this.#onStep('store.durable');
        // A forced restore takes no lock: what it has moved aside meanwhile is not acknowledged.
        this.#refuseVanished();
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
      fileEdits: () => this.#tables.fileEdits(),
      workflows: () => this.#tables.workflows(),
      conflicts: () => this.#tables.conflicts(),
      config: (of) => this.#tables.answer('config', of),
      configs: (of) => this.#tables.answer('configs', of),
      guard: (place) => this.#tables.answer('guard', place),
      workflowFile: ({ workflow }) => this.#ofOneMoment(() => this.#workflowFile(workflow)),
      state: () => this.#ofOneMoment(() => ({ seq: this.#headSeq(), ...this.#tables.state() })),
      workflow: ({ id }) =>
        this.#ofOneMoment(() => ({ seq: this.#headSeq(), ...this.#tables.stateOf(id) })),
      events: ({ after, limit }) =>
        this.#sql('SELECT event FROM events WHERE seq > ? ORDER BY seq LIMIT ?')
          .all(after, limit)
          .map((row) => decodeEvent(String(row['event']))),
      chains: ({ ids }) =>
        this.#ofOneMoment(() => ({
          seq: this.#headSeq(),
          chains: ids.map((id) => ({ id, runs: this.#tables.chainOf(id) })),
        })),
      chores: () => {
        const context = this.#context();
        return {
          sweep: this.#ask(isSweepDue(context)),
          retention: this.#ask(isRetentionDue(context)),
        };
      },
      session: ({ id }) => this.#tables.answer('session', { id }),
      versions: () => ({
        node: process.versions.node,
        engine: `SQLite ${String(this.#sql('SELECT sqlite_version() AS v').get()?.['v'])}`,
        inThread: this.options.inThread,
        durability:
          this.#sql('PRAGMA synchronous').get()?.['synchronous'] === synchronousFull
            ? 'full'
            : 'normal',
        journal: String(journalOf(this.database)),
      }),
      runs: (of) => this.#ofOneMoment(() => ({ seq: this.#headSeq(), ...this.#listings.runs(of) })),
      children: ({ of }) => this.#listings.children(of),
      runIds: ({ prefix, limit }) => this.#listings.runIds(prefix, limit),
      nextRun: ({ workflow }) =>
        this.#ofOneMoment(() => this.#ask(nextRun(workflow, this.#context()))),
      agents: () => this.#ofOneMoment(() => ({ seq: this.#headSeq(), ...this.#listings.agents() })),
      locks: () => this.#ofOneMoment(() => this.#ask(standingLocks(this.#context()))),
      heldByOthers: (touched) =>
        this.#ofOneMoment(() => this.#ask(heldByOthers(touched, this.#context()))),
      lastChange: ({ workflow }) =>
        this.#ofOneMoment(() => this.#ask(lastChange(workflow, this.#context()))),
      eventKinds: () => this.#listings.eventKinds(),
    };
    return faultsNamed(this.path, () => reads[name](ask));
  }

  /** Who wrote last, for people; undefined when nobody has, or it cannot be read now. */
  lastActive(): string | undefined {
    return readIfPossible(() => lastActiveIn(this.database, Date.now()));
  }

  othersCommitted(): boolean {
    return faultsNamed(this.path, () => {
      this.#refuseVanished();
      const version = this.#readDataVersion();
      if (version === this.#dataVersion) return false;
      this.#dataVersion = version;
      return true;
    });
  }

  /** Durable when it returns, before the live store may drop them. */
  archive(rows: readonly RunRow[]): void {
    if (this.readOnlyBecause) throw this.readOnlyBecause;
    faultsNamed(this.path, () => {
      this.#refuseVanished();
      this.#archive.write(rows, this.options.onStep);
    });
  }

  /** From the next commit on. */
  harden(): void {
    faultsNamed(this.path, () => {
      this.database.exec('PRAGMA synchronous = FULL');
    });
  }

  /** Empties the write-ahead log into the database; false when others are at work and it stays for now. */
  checkpoint(): boolean {
    if (this.readOnlyBecause) return true;
    return faultsNamed(this.path, () => {
      this.#refuseVanished();
      this.#onStep('store.checkpoint');
      return this.#sql('PRAGMA wal_checkpoint(TRUNCATE)').get()?.['busy'] === 0;
    });
  }

  close(): void {
    this.#archive.close();
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
      // Busy is the archive, which another is writing: the whole batch waits, as for the store itself.
      if (!this.database.isTransaction || isBusy(error)) throw error;
      this.#exec('ROLLBACK TO command');
      this.#exec('RELEASE command');
      return { error: asFault(error, this.path) };
    }
  }

  #answered(opId: string): AnyAnswer | undefined {
    const row = this.#sql('SELECT answer FROM ops WHERE op_id = ?').get(opId);
    return row === undefined ? undefined : (JSON.parse(String(row['answer'])) as AnyAnswer);
  }

  #decide({ command, opId }: Submission): AnyAnswer {
    const { identity } = this.options;
    const context = this.options.contextOf?.(opId) ?? this.#context();
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
    const decided: Decided = this.#drive(decide(command, context), ({ write, events }) => {
      for (const change of write) this.#tables.apply(change);
      append(events);
    });
    if ('code' in decided) return { ok: false, at: this.#headSeq(), refusal: decided };

    for (const change of decided.changes) this.#tables.apply(change);
    append(decided.events);
    const answer: AnyAnswer = { ok: true, at: this.#headSeq(), facts: decided.facts };
    const text = JSON.stringify(answer);
    this.#sql('INSERT INTO ops VALUES (?, ?, ?)').run(opId, text, digestOf(opId, text));
    return answer;
  }

  #context(): Context {
    const { agent, named, kind, session, host } = this.options.identity;
    return {
      agent,
      named,
      agentKind: kind,
      session,
      process: this.#process,
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
      newEditId: () => newId('edt') as EditId,
      newToken: () => chance(20).toString('hex') as ClaimToken,
      digest: (token) => sha256(token).toString('hex') as TokenDigest,
      random: Math.random,
    };
  }

  #drive<Decided>(step: Step<Decided>, write: (write: Write) => void): Decided {
    let next = step.next();
    while (next.done !== true) {
      if ('write' in next.value) {
        write(next.value);
        next = step.next(undefined);
      } else {
        next = step.next(this.#tables.answer(next.value.rows, next.value));
      }
    }
    return next.value;
  }

  /** Drives what asks and changes nothing. */
  #ask<T>(step: Step<T>): T {
    return this.#drive(step, () => {
      throw new Error('a question of the rules wanted to write');
    });
  }

  #append(event: StoredEvent): void {
    const text = canonical(event);
    const previous = this.#sql('SELECT hash FROM events WHERE seq = ?').get(event.seq - 1)?.[
      'hash'
    ];
    const hash = chained(previous ?? this.lineage, text);
    this.#sql('INSERT INTO events VALUES (?, ?, ?)').run(event.seq, text, hash);
  }

  #workflowFile(id: WorkflowId): Reads['workflowFile']['rows'] {
    return {
      workflow: this.#tables.answer('workflow', { id }),
      edits: this.#tables.answer('fileEdits', { workflow: id }),
      intents: this.#tables.answer('fileIntents', { workflow: id }),
    };
  }

  /** One read transaction: rows and seq belong together, whatever others commit meanwhile. */
  #ofOneMoment<T>(read: () => T): T {
    this.#exec('BEGIN');
    try {
      const found = read();
      this.#exec('COMMIT');
      return found;
    } catch (error) {
      // A read that failed may have ended the transaction; what it said must not be hidden.
      if (this.database.isTransaction) this.#exec('ROLLBACK');
      throw error;
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
    let newest: Record<string, unknown> | undefined;
    try {
      newest = this.#sql('SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1').get();
    } catch (error) {
      if (!(error instanceof Error && 'errcode' in error)) throw error;
      // A disk that fails now must not turn an answer that is durable into a fault.
      return;
    }
    overwriteHint(join(this.options.folder, headFile), headText(this.#storeId, newest));
  }

  /** A store that is deleted or replaced would still take commits into a file that nobody can find. */
  #refuseVanished(): void {
    const now = fileAt(this.path);
    if (now !== undefined && now === this.#file) return;
    throw new StoreError(
      'store_gone',
      now === undefined
        ? `The store ${this.path} was removed while it was in use. Put it back; or try again, and a new one is begun.`
        : `The store ${this.path} was replaced while it was in use, as by a restore. Ask again to use the one that is there now.`,
    );
  }

  #exec(sql: string): void {
    this.#sql(sql).run();
  }

  #sql(sql: string): StatementSync {
    return this.#tables.sql(sql);
  }
}

function fileAt(path: string): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}
