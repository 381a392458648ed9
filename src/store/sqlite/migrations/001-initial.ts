/** Never edited once released; the next change of the schema is the next file. */
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

-- What was answered to an operation, so that asking again answers the same.
CREATE TABLE ops (
  op_id  TEXT PRIMARY KEY,
  answer TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE workflows (
  id  TEXT PRIMARY KEY,
  row TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  created  INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  workflow TEXT,
  task     TEXT,
  row      TEXT NOT NULL
) STRICT;
CREATE INDEX runs_by_task ON runs (workflow, task, created) WHERE task IS NOT NULL;

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
