/**
 * Never edited once released; the next change of the schema is the next file.
 *
 * A row is kept as the text that the codec made, fields of newer versions and all. What an index needs is a
 * column generated from that text, so the two cannot disagree; `created` keeps the order of creation.
 */
export const initial = `
CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The one order of everything that happened. hash = sha256(hash of the event before, event).
CREATE TABLE events (
  seq   INTEGER PRIMARY KEY,
  event TEXT NOT NULL,
  hash  BLOB NOT NULL
) STRICT;

-- What was answered to an operation, so that asking again answers the same. No event tells it again, so it
-- carries a digest of its own, as sightings and rates do: sha256 of key and text, each ended by a NUL.
CREATE TABLE ops (
  op_id  TEXT PRIMARY KEY,
  answer TEXT NOT NULL,
  hash   BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workflows (
  id  TEXT PRIMARY KEY,
  row TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  created    INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  row        TEXT NOT NULL,
  status     TEXT    AS (row ->> '$.status'),
  workflow   TEXT    AS (row ->> '$.workflow'),
  task       TEXT    AS (row ->> '$.task'),
  parent     TEXT    AS (row ->> '$.parent'),
  root       TEXT    AS (row ->> '$.root'),
  priority   REAL    AS (row ->> '$.priority'),
  not_before REAL    AS (row ->> '$.notBefore'),
  unmet      INTEGER AS (json_array_length(row, '$.unmet')),
  agent      TEXT    AS (row ->> '$.claim.agent'),
  ended_at   REAL    AS (row ->> '$.endedAt')
) STRICT;
CREATE INDEX runs_by_task      ON runs (workflow, task, created) WHERE task IS NOT NULL;
CREATE INDEX runs_by_parent    ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_by_root      ON runs (root);
CREATE INDEX runs_waiting      ON runs (workflow, unmet, not_before) WHERE status = 'queued';
CREATE INDEX runs_claimable    ON runs (priority DESC, created) WHERE status = 'queued' AND unmet = 0;
CREATE INDEX runs_claimable_of ON runs (workflow, priority DESC, created)
                               WHERE status = 'queued' AND unmet = 0;
CREATE INDEX runs_running      ON runs (workflow) WHERE status = 'running';
CREATE INDEX runs_held         ON runs (agent) WHERE status = 'running';
CREATE INDEX runs_ended        ON runs (ended_at, created) WHERE ended_at IS NOT NULL;

-- What live runs refer to: parent, dependencies (unmet or not) and the attempt before.
CREATE TABLE run_references (
  target TEXT NOT NULL,
  run    INTEGER NOT NULL,
  unmet  INTEGER NOT NULL,
  PRIMARY KEY (target, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_references_of ON run_references (run);

CREATE TABLE slot_waiters (
  created INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  row     TEXT NOT NULL
) STRICT;

CREATE TABLE agents (
  created INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  row     TEXT NOT NULL,
  seen    REAL AS (row ->> '$.seen.wall')
) STRICT;
CREATE INDEX agents_by_seen ON agents (seen);

CREATE TABLE sessions (
  created INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  row     TEXT NOT NULL,
  agent   TEXT AS (row ->> '$.agent')
) STRICT;
CREATE INDEX sessions_by_agent ON sessions (agent);

CREATE TABLE locks (
  created    INTEGER PRIMARY KEY,
  id         TEXT NOT NULL UNIQUE,
  row        TEXT NOT NULL,
  anchor     TEXT AS (row ->> '$.anchor'),
  worktree   TEXT AS (row ->> '$.worktree'),
  agent      TEXT AS (row ->> '$.agent'),
  granted    REAL AS (row ->> '$.grant.wall')
) STRICT;
CREATE INDEX locks_by_anchor ON locks (anchor);
CREATE INDEX locks_by_agent  ON locks (agent);
CREATE INDEX locks_by_age    ON locks (granted, id);

CREATE TABLE waiters (
  created INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  row     TEXT NOT NULL,
  agent   TEXT AS (row ->> '$.agent')
) STRICT;
CREATE INDEX waiters_by_agent ON waiters (agent);

-- Where the requests of waiters lie; a batch has several.
CREATE TABLE waiter_keys (
  anchor   TEXT NOT NULL,
  waiter   INTEGER NOT NULL,
  worktree TEXT
) STRICT;
CREATE INDEX waiter_keys_by_anchor ON waiter_keys (anchor);
CREATE INDEX waiter_keys_of        ON waiter_keys (waiter);

CREATE TABLE sightings (
  subject  TEXT NOT NULL,
  observer TEXT NOT NULL,
  row      TEXT NOT NULL,
  hash     BLOB NOT NULL,
  PRIMARY KEY (subject, observer)
) STRICT, WITHOUT ROWID;

CREATE TABLE rates (
  id   TEXT PRIMARY KEY,
  row  TEXT NOT NULL,
  hash BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE config   (id TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (id TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE pending_writes (
  workflow TEXT PRIMARY KEY,
  row      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE guards (
  worktree TEXT NOT NULL,
  file     TEXT NOT NULL,
  row      TEXT NOT NULL,
  PRIMARY KEY (worktree, file)
) STRICT, WITHOUT ROWID;
`;
