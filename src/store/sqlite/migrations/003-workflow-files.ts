/**
 * Never edited once released; the next change of the schema is the next file.
 *
 * What was one pending write for each workflow becomes edits in order, and the intents of those who write them.
 */
export const workflowFiles = `
-- What was last said of a task, by hand, by command, or by its run where the file may not say it.
CREATE TABLE tasks (
  workflow TEXT NOT NULL,
  task     TEXT NOT NULL,
  row      TEXT NOT NULL,
  PRIMARY KEY (workflow, task)
) STRICT, WITHOUT ROWID;

-- What files shall say and do not say yet, in the order in which it was promised.
CREATE TABLE file_edits (
  created  INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  row      TEXT NOT NULL,
  workflow TEXT AS (row ->> '$.workflow')
) STRICT;
CREATE INDEX file_edits_by_workflow ON file_edits (workflow, created);

-- Bytes that a writer has announced and nobody has confirmed.
CREATE TABLE file_intents (
  workflow TEXT NOT NULL,
  target   TEXT NOT NULL,
  row      TEXT NOT NULL,
  PRIMARY KEY (workflow, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE conflicts (id TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID;

INSERT INTO file_edits (id, row)
SELECT row ->> '$.target', json_object(
  'id', row ->> '$.target',
  'workflow', workflow,
  'change', json_object('kind', 'wave', 'wave', row -> '$.edit.wave'),
  'session', row ->> '$.session',
  'since', row -> '$.since')
FROM pending_writes ORDER BY workflow;
DROP TABLE pending_writes;
`;
