/**
 * The rows of the domain in SQLite: every question that a rule may ask, as one statement over an index, and
 * every change, as an upsert that keeps the place of a row that is there already. Long because both are closed
 * lists; an entry is a few lines, and none knows another.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  decodeAgent,
  decodeConfig,
  decodeConflict,
  decodeCounter,
  decodeEvent,
  decodeFileEdit,
  decodeFileIntent,
  decodeGuard,
  decodeLock,
  decodeRate,
  decodeRun,
  decodeSession,
  decodeSighting,
  decodeSlotWaiter,
  decodeTask,
  decodeWaiter,
  decodeWorkflow,
} from '../../core/codec';
import type {
  ConflictRow,
  FileEdit,
  GuardRow,
  LockArea,
  PageMark,
  RowChange,
  RowQueries,
  RunId,
  RunRow,
  WorkflowId,
  WorkflowRow,
} from '../../core/model';
import { undoHorizon } from '../../core/rules/undo';
import type { StateRows } from '../../core/views';
import { sha256 } from '../chance';

type Value = string | number | Uint8Array | null;

type Answers = {
  readonly [Name in keyof RowQueries]: (ask: RowQueries[Name]['ask']) => RowQueries[Name]['rows'];
};

const live = `status IN ('queued', 'running')`;
const ofWorkflow = `(:workflow IS NULL OR workflow = :workflow)`;

/**
 * Rows of which a term may be over: by its maker's wall clock, by the clock of the observer's own boot, or
 * made where neither means anything.
 */
const mayBePast = (beat: string, term: string): string =>
  `(row ->> '$.${term}' IS NOT NULL AND (
     (row ->> '$.${beat}.host') || '/' || (row ->> '$.${beat}.bootId') <> :observer
     OR (row ->> '$.${beat}.wall') + (row ->> '$.${term}') <= :now
     OR (row ->> '$.${beat}.mono') + (row ->> '$.${term}') <= :mono))`;

/** What has left the live store; in order of creation, unknown ids left out. */
export interface ArchivedRuns {
  runs(ids: readonly RunId[]): readonly RunRow[];
  chain(root: RunId): readonly RunRow[];
}

/** Vouches for a row that no event tells again. */
export function digestOf(...texts: readonly string[]): Buffer {
  return sha256(...texts.flatMap((text) => [text, '\0']));
}

export class Tables {
  readonly #statements = new Map<string, StatementSync>();

  constructor(
    private readonly database: DatabaseSync,
    private readonly archive: ArchivedRuns = { runs: () => [], chain: () => [] },
  ) {}

  /** The statement is prepared once; its text must not hold values. */
  sql(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.database.prepare(text);
      // One set of named values serves statements that use only some of them.
      statement.setAllowUnknownNamedParameters(true);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  close(): void {
    this.#statements.clear();
  }

  answer<Name extends keyof RowQueries>(
    name: Name,
    ask: RowQueries[Name]['ask'],
  ): RowQueries[Name]['rows'] {
    return this.#answers[name](ask);
  }

  /** Of every workflow, in the order in which they were promised. */
  fileEdits(): FileEdit[] {
    return this.#texts('SELECT row FROM file_edits ORDER BY created').map((text) =>
      decodeFileEdit(text),
    );
  }

  workflows(): WorkflowRow[] {
    return this.#texts('SELECT row FROM workflows').map((text) => decodeWorkflow(text));
  }

  conflicts(): ConflictRow[] {
    return this.#texts('SELECT row FROM conflicts').map((text) => decodeConflict(text));
  }

  /** Everything a view starts from, but the seq. */
  state(): Omit<StateRows, 'seq'> {
    const all = <Row>(table: string, decode: (text: string) => Row): Row[] =>
      this.#texts(`SELECT row FROM ${table} ORDER BY created`).map((text) => decode(text));
    return {
      workflows: this.workflows(),
      runs: all('runs', decodeRun),
      agents: all('agents', decodeAgent),
      sessions: all('sessions', decodeSession),
      locks: all('locks', decodeLock),
      waiters: all('waiters', decodeWaiter),
      slotWaiters: all('slot_waiters', decodeSlotWaiter),
      config: this.#texts('SELECT row FROM config').map((text) => decodeConfig(text)),
      guards: this.#guards(),
      tasks: this.#texts('SELECT row FROM tasks').map((text) => decodeTask(text)),
      conflicts: this.conflicts(),
    };
  }

  /** As much of it as one workflow needs, however many runs there are. */
  stateOf(id: WorkflowId | null): Omit<StateRows, 'seq'> {
    const workflow = id && this.answer('workflow', { id });
    return {
      workflows: workflow ? [workflow] : [],
      runs: id ? this.answer('newestRuns', { workflow: id }) : [],
      tasks: this.#texts('SELECT row FROM tasks WHERE workflow = :id', { id }).map((text) =>
        decodeTask(text),
      ),
      guards: this.#guards(),
    };
  }

  /** Every attempt, oldest first. One that is on its way to the archive is in both places, and live here. */
  chainOf(id: RunId): readonly RunRow[] {
    const { run, chain } = this.#answers;
    const root = (run({ id }) ?? this.archive.runs([id])[0])?.root;
    if (root === undefined) return [];
    const present = chain({ root });
    const known = new Set(present.map((row) => row.id));
    const archived = this.archive.chain(root).filter((row) => !known.has(row.id));
    return [...archived, ...present].sort((one, other) => one.attempt - other.attempt);
  }

  apply(change: RowChange): void {
    if ('drop' in change) this.#drop(change);
    else this.#put(change);
  }

  readonly #answers: Answers = {
    run: ({ id }) => this.#one('SELECT row FROM runs WHERE id = :id', { id }, decodeRun),
    runs: ({ ids }) => this.#runsOf(ids),
    archived: ({ ids }) => this.archive.runs(ids),
    chain: ({ root }) => this.#runs('WHERE root = :root ORDER BY created', { root }),
    archivedChain: ({ root }) => this.archive.chain(root),
    children: ({ parent }) => this.#runs('WHERE parent = :parent ORDER BY created', { parent }),
    dependents: ({ of }) =>
      this.#runs(
        `WHERE status = 'queued' AND created IN (
           SELECT run FROM run_references
           WHERE unmet = 1 AND target IN (SELECT value FROM json_each(:of)))
         ORDER BY created`,
        { of: JSON.stringify(of) },
      ),
    liveOfTask: ({ workflow, task }) =>
      this.#runs(`WHERE workflow IS :workflow AND task = :task AND ${live} ORDER BY created`, {
        workflow,
        task,
      }),
    ofTask: ({ workflow, task }) =>
      this.#runs('WHERE workflow = :workflow AND task = :task ORDER BY created', {
        workflow,
        task,
      }),
    heldRuns: ({ agent }) =>
      this.#runs(`WHERE status = 'running' AND agent = :agent ORDER BY created`, { agent }),
    claimable: ({ workflow, except, now, limit }) =>
      this.#runs(
        `WHERE status = 'queued' AND unmet = 0 AND (not_before IS NULL OR not_before <= :now)
           AND ${workflow === null ? 'TRUE' : 'workflow = :workflow'}
           AND (workflow IS NULL OR workflow NOT IN (SELECT value FROM json_each(:except)))
         ORDER BY priority DESC, created LIMIT :limit`,
        { workflow, except: JSON.stringify(except), now, limit },
      ),
    waitingRuns: ({ workflow, now }) => {
      const row = this.#get(
        `SELECT count(*) FILTER (WHERE unmet > 0) AS dependencies,
                count(*) FILTER (WHERE unmet = 0 AND not_before > :now) AS notBefore,
                min(not_before) FILTER (WHERE not_before > :now) AS soonest
         FROM runs WHERE status = 'queued' AND ${ofWorkflow}`,
        { workflow, now },
      );
      return {
        dependencies: Number(row['dependencies']),
        blocked: this.#blocked(workflow),
        notBefore: Number(row['notBefore']),
        soonest: row['soonest'] === null ? null : Number(row['soonest']),
      };
    },
    running: ({ workflow }) =>
      Number(
        this.#get(`SELECT count(*) AS n FROM runs WHERE status = 'running' AND ${ofWorkflow}`, {
          workflow,
        })['n'],
      ),
    // As many as there are slots at most, so that no index is needed beyond "running".
    expirableRuns: ({ now, mono, observer, after, limit }) =>
      this.#runs(
        `WHERE status = 'running'
           AND (row ->> '$.claim.process' IS NOT NULL
             OR ${mayBePast('claim.beat', 'claim.leaseMs')}
             OR ${mayBePast('claim.started', 'timeoutMs')}
             OR ${mayBePast('stop.asked', 'stop.graceMs')})
           AND (:afterId IS NULL OR (row ->> '$.claim.beat.wall', id) > (:afterWall, :afterId))
         ORDER BY row ->> '$.claim.beat.wall', id LIMIT :limit`,
        { now, mono, observer, ...markOf(after), limit },
      ),
    archivable: ({ endedBefore, keep, limit }) =>
      this.#runs(
        `WHERE ended_at IS NOT NULL
           AND (ended_at < :endedBefore OR (ended_at, created) <=
             (SELECT ended_at, created FROM runs WHERE ended_at IS NOT NULL
              ORDER BY ended_at DESC, created DESC LIMIT 1 OFFSET :keep))
           AND NOT EXISTS (SELECT 1 FROM run_references WHERE target = runs.id)
         ORDER BY ended_at, created LIMIT :limit`,
        { endedBefore, keep, limit },
      ),
    referrers: ({ run }) =>
      this.#runs(
        'WHERE created IN (SELECT run FROM run_references WHERE target = :run) ORDER BY created',
        { run },
      ),

    slotWaiter: ({ id }) =>
      this.#one('SELECT row FROM slot_waiters WHERE id = :id', { id }, decodeSlotWaiter),
    slotWaiters: () =>
      this.#texts('SELECT row FROM slot_waiters ORDER BY created').map((text) =>
        decodeSlotWaiter(text),
      ),

    agent: ({ name }) =>
      this.#one('SELECT row FROM agents WHERE id = :name', { name }, decodeAgent),
    session: ({ id }) =>
      this.#one('SELECT row FROM sessions WHERE id = :id', { id }, decodeSession),
    sessions: ({ agent }) =>
      this.#texts('SELECT row FROM sessions WHERE agent = :agent ORDER BY created', {
        agent,
      }).map((text) => decodeSession(text)),
    silentAgents: ({ seenBefore, limit }) =>
      this.#texts(
        'SELECT row FROM agents WHERE seen < :seenBefore ORDER BY seen, created LIMIT :limit',
        { seenBefore, limit },
      ).map((text) => decodeAgent(text)),

    locksNear: (area) =>
      this.#texts(
        `SELECT row FROM locks WHERE ${near('locks')} ORDER BY created`,
        areaOf(area),
      ).map((text) => decodeLock(text)),
    waitersNear: (area) =>
      this.#texts(
        `SELECT row FROM waiters WHERE created IN
           (SELECT waiter FROM waiter_keys WHERE ${near('waiter_keys')})
         ORDER BY created`,
        areaOf(area),
      ).map((text) => decodeWaiter(text)),
    locksOf: ({ agent }) =>
      this.#texts('SELECT row FROM locks WHERE agent = :agent ORDER BY created', { agent }).map(
        (text) => decodeLock(text),
      ),
    lockWaiter: ({ id }) =>
      this.#one('SELECT row FROM waiters WHERE id = :id', { id }, decodeWaiter),
    waitersOf: ({ agent }) =>
      this.#texts('SELECT row FROM waiters WHERE agent = :agent ORDER BY created', {
        agent,
      }).map((text) => decodeWaiter(text)),
    lockWaiters: () =>
      this.#texts('SELECT row FROM waiters ORDER BY created').map((text) => decodeWaiter(text)),
    expirableLocks: ({ now, mono, observer, after, limit }) =>
      this.#texts(
        `SELECT row FROM locks
         WHERE ${mayBePast('grant', 'ttlMs')}
           AND (:afterId IS NULL OR (granted, id) > (:afterWall, :afterId))
         ORDER BY granted, id LIMIT :limit`,
        { now, mono, observer, ...markOf(after), limit },
      ).map((text) => decodeLock(text)),

    sighting: ({ observer, subject }) =>
      this.#one(
        'SELECT row FROM sightings WHERE subject = :subject AND observer = :observer',
        { observer, subject },
        decodeSighting,
      ),
    rate: ({ key }) => this.#one('SELECT row FROM rates WHERE id = :key', { key }, decodeRate),
    config: ({ key }) => this.#one('SELECT row FROM config WHERE id = :key', { key }, decodeConfig),
    configs: ({ prefix }) =>
      this.#texts('SELECT row FROM config WHERE substr(id, 1, length(:prefix)) = :prefix', {
        prefix,
      }).map((text) => decodeConfig(text)),
    counter: ({ name }) =>
      this.#one('SELECT row FROM counters WHERE id = :name', { name }, decodeCounter),

    workflow: ({ id }) =>
      this.#one('SELECT row FROM workflows WHERE id = :id', { id }, decodeWorkflow),
    newestRuns: ({ workflow }) =>
      this.#runs(
        `WHERE created IN (SELECT max(created) FROM runs
           WHERE workflow = :workflow AND task IS NOT NULL GROUP BY task)
         ORDER BY created`,
        { workflow },
      ),
    task: ({ workflow, task }) =>
      this.#one(
        'SELECT row FROM tasks WHERE workflow = :workflow AND task = :task',
        { workflow, task },
        decodeTask,
      ),
    fileEdits: ({ workflow }) =>
      this.#texts('SELECT row FROM file_edits WHERE workflow = :workflow ORDER BY created', {
        workflow,
      }).map((text) => decodeFileEdit(text)),
    fileIntents: ({ workflow }) =>
      this.#texts('SELECT row FROM file_intents WHERE workflow = :workflow', { workflow }).map(
        (text) => decodeFileIntent(text),
      ),
    conflict: ({ id }) =>
      this.#one('SELECT row FROM conflicts WHERE id = :id', { id }, decodeConflict),
    workflowEvents: ({ workflow, kinds, tasks, agent, op, except, after, before, limit }) =>
      this.#texts(
        `SELECT event AS row FROM events
         WHERE seq > :after AND seq < coalesce(:before, 9e15) AND seq > (SELECT max(seq) FROM events) - :horizon
           AND event ->> '$.workflow' = :workflow
           AND (:kinds = '[]' OR event ->> '$.kind' IN (SELECT value FROM json_each(:kinds)))
           AND (:agent IS NULL OR event ->> '$.agent' = :agent)
           AND (:op IS NULL OR event ->> '$.opId' = :op)
           AND (:tasks IS NULL OR event ->> '$.task' IN (SELECT value FROM json_each(:tasks)))
           AND event ->> '$.opId' NOT IN (SELECT value FROM json_each(:except))
         ORDER BY seq DESC LIMIT :limit`,
        {
          ...{ workflow, agent, op, after, before, limit, horizon: undoHorizon },
          kinds: JSON.stringify(kinds),
          tasks: tasks && JSON.stringify(tasks),
          except: JSON.stringify(except),
        },
      ).map((text) => decodeEvent(text)),
    guard: ({ file, worktree }) =>
      this.#one(
        'SELECT row FROM guards WHERE worktree = :worktree AND file = :file',
        { file, worktree },
        decodeGuard,
      ),
  };

  #guards(): GuardRow[] {
    return this.#texts('SELECT row FROM guards').map((text) => decodeGuard(text));
  }

  #put(change: Extract<RowChange, { put: unknown }>): void {
    const row = JSON.stringify(change.row);
    switch (change.put) {
      case 'run':
        this.#upsert('runs', change.row.id, row);
        this.#refer(change.row);
        return;
      case 'agent':
        this.#upsert('agents', change.row.name, row);
        return;
      case 'session':
        this.#upsert('sessions', change.row.id, row);
        return;
      case 'lock':
        this.#upsert('locks', change.row.id, row);
        return;
      case 'waiter':
        this.#upsert('waiters', change.row.id, row);
        this.#locate(change.row.id);
        return;
      case 'slotWaiter':
        this.#upsert('slot_waiters', change.row.id, row);
        return;
      case 'sighting':
        this.#run('INSERT OR REPLACE INTO sightings VALUES (:subject, :observer, :row, :hash)', {
          subject: change.row.subject,
          observer: change.row.observer,
          row,
          hash: digestOf(change.row.subject, change.row.observer, row),
        });
        return;
      case 'rate':
        this.#run('INSERT OR REPLACE INTO rates VALUES (:key, :row, :hash)', {
          key: change.row.key,
          row,
          hash: digestOf(change.row.key, row),
        });
        return;
      case 'config':
        this.#upsert('config', change.row.key, row);
        return;
      case 'counter':
        this.#upsert('counters', change.row.name, row);
        return;
      case 'workflow':
        this.#upsert('workflows', change.row.id, row);
        return;
      case 'task':
        this.#run('INSERT OR REPLACE INTO tasks VALUES (:workflow, :task, :row)', {
          workflow: change.row.workflow,
          task: change.row.task,
          row,
        });
        return;
      case 'fileEdit':
        this.#upsert('file_edits', change.row.id, row);
        return;
      case 'fileIntent':
        this.#run('INSERT OR REPLACE INTO file_intents VALUES (:workflow, :target, :row)', {
          workflow: change.row.workflow,
          target: change.row.target,
          row,
        });
        return;
      case 'conflict':
        this.#upsert('conflicts', change.row.id, row);
        return;
      case 'guard':
        this.#run('INSERT OR REPLACE INTO guards VALUES (:worktree, :file, :row)', {
          worktree: change.row.worktree,
          file: change.row.file,
          row,
        });
        return;
    }
  }

  #drop(change: Extract<RowChange, { drop: unknown }>): void {
    switch (change.drop) {
      case 'run':
        this.#run(
          'DELETE FROM run_references WHERE run = (SELECT created FROM runs WHERE id = :id)',
          { id: change.id },
        );
        this.#delete('runs', change.id);
        return;
      case 'agent':
        this.#delete('agents', change.name);
        return;
      case 'session':
        this.#delete('sessions', change.id);
        return;
      case 'lock':
        this.#delete('locks', change.id);
        return;
      case 'waiter':
        this.#unlocate(change.id);
        this.#delete('waiters', change.id);
        return;
      case 'slotWaiter':
        this.#delete('slot_waiters', change.id);
        return;
      case 'sightings':
        this.#run('DELETE FROM sightings WHERE subject = :subject', { subject: change.subject });
        return;
      case 'config':
        this.#delete('config', change.key);
        return;
      case 'fileEdit':
        this.#delete('file_edits', change.id);
        return;
      case 'fileIntent':
        this.#run('DELETE FROM file_intents WHERE workflow = :workflow AND target = :target', {
          workflow: change.workflow,
          target: change.target,
        });
        return;
      case 'conflict':
        this.#delete('conflicts', change.id);
        return;
      case 'guard':
        this.#run('DELETE FROM guards WHERE worktree = :worktree AND file = :file', {
          worktree: change.worktree,
          file: change.file,
        });
        return;
    }
  }

  /** Only live runs refer; what an ended run named no longer holds anything. */
  #refer(run: RunRow): void {
    const { id } = run;
    this.#run('DELETE FROM run_references WHERE run = (SELECT created FROM runs WHERE id = :id)', {
      id,
    });
    if (run.status !== 'queued' && run.status !== 'running') return;
    const unmet = new Set<string>(run.unmet);
    const targets = new Set([...run.dependsOn, run.parent, run.retryOf]);
    for (const target of targets) {
      if (target === null) continue;
      this.#run(
        `INSERT INTO run_references
         VALUES (:target, (SELECT created FROM runs WHERE id = :id), :unmet)`,
        { target, id, unmet: unmet.has(target) ? 1 : 0 },
      );
    }
  }

  #locate(id: string): void {
    this.#unlocate(id);
    this.#run(
      `INSERT INTO waiter_keys
       SELECT request.value ->> '$.anchor', waiters.created, request.value ->> '$.worktree'
       FROM waiters, json_each(waiters.row, '$.requests') AS request WHERE waiters.id = :id`,
      { id },
    );
  }

  #unlocate(id: string): void {
    this.#run(
      'DELETE FROM waiter_keys WHERE waiter = (SELECT created FROM waiters WHERE id = :id)',
      { id },
    );
  }

  #upsert(table: string, id: string, row: string): void {
    this.#run(
      `INSERT INTO ${table} (id, row) VALUES (:id, :row)
       ON CONFLICT (id) DO UPDATE SET row = excluded.row`,
      { id, row },
    );
  }

  #delete(table: string, id: string): void {
    this.#run(`DELETE FROM ${table} WHERE id = :id`, { id });
  }

  /** RUN-8: something they need has no live attempt. Only who finds nothing to claim asks this, so it may look at every queued run that waits. */
  #blocked(workflow: string | null): number {
    const gone = this.sql(
      `SELECT DISTINCT target FROM run_references
       WHERE unmet = 1 AND NOT EXISTS (SELECT 1 FROM runs WHERE id = target)`,
    ).all();
    const roots = this.archive
      .runs(gone.map(({ target }) => String(target) as RunId))
      .map(({ id, root }) => [id, root]);
    return Number(
      this.#get(
        `SELECT count(*) AS n FROM runs AS waiting
         WHERE status = 'queued' AND ${ofWorkflow} AND EXISTS (
           SELECT 1 FROM run_references AS it WHERE it.run = waiting.created AND it.unmet = 1
             AND NOT EXISTS (SELECT 1 FROM runs AS attempt
               WHERE attempt.${live} AND attempt.root = coalesce(
                 (SELECT root FROM runs WHERE id = it.target),
                 (SELECT value FROM json_each(:roots) WHERE key = it.target))))`,
        { workflow, roots: JSON.stringify(Object.fromEntries(roots)) },
      )['n'],
    );
  }

  #runsOf(ids: readonly string[]): RunRow[] {
    return this.#texts(
      `SELECT runs.row FROM json_each(:ids) AS wanted JOIN runs ON runs.id = wanted.value
       ORDER BY wanted.key`,
      { ids: JSON.stringify(ids) },
    ).map((text) => decodeRun(text));
  }

  #runs(where: string, values: Readonly<Record<string, Value>>): RunRow[] {
    return this.#texts(`SELECT row FROM runs ${where}`, values).map((text) => decodeRun(text));
  }

  #one<Row>(
    sql: string,
    values: Readonly<Record<string, Value>>,
    decode: (text: string) => Row,
  ): Row | null {
    const [text] = this.#texts(sql, values);
    return text === undefined ? null : decode(text);
  }

  #texts(sql: string, values: Readonly<Record<string, Value>> = {}): string[] {
    return this.sql(sql)
      .all({ ...values })
      .map((found) => String(found['row']));
  }

  #get(sql: string, values: Readonly<Record<string, Value>>): Readonly<Record<string, unknown>> {
    // An aggregate without GROUP BY always has its one row.
    return this.sql(sql).get({ ...values }) ?? {};
  }

  #run(sql: string, values: Readonly<Record<string, Value>>): void {
    this.sql(sql).run({ ...values });
  }
}

/** KEY-6 as SQL: `0` is the character after `/`, so the range holds what lies below a folder and nothing else. */
function near(table: 'locks' | 'waiter_keys'): string {
  return `(:everywhere OR ${table}.worktree IS NULL OR ${table}.worktree = :worktree)
    AND (anchor IN (SELECT value FROM json_each(:at))
      OR :under = ''
      OR anchor = :under
      OR (anchor >= :under || '/' AND anchor < :under || '0'))`;
}

function markOf(after: PageMark<string> | null): Record<string, Value> {
  return { afterWall: after?.wall ?? null, afterId: after?.id ?? null };
}

function areaOf({ worktree, at, under }: LockArea): Record<string, Value> {
  return {
    everywhere: worktree === null ? 1 : 0,
    worktree,
    at: JSON.stringify(at),
    under,
  };
}
