/**
 * Answers move out of the index. In a table that is its own index, a search reads every row that it compares
 * with to its end, and an answer with thousands of runs is megabytes long.
 */
export const operations = `
CREATE TABLE answers (
  op_id  TEXT NOT NULL UNIQUE,
  answer TEXT NOT NULL,
  hash   BLOB NOT NULL
) STRICT;
INSERT INTO answers SELECT op_id, answer, hash FROM ops;
DROP TABLE ops;
ALTER TABLE answers RENAME TO ops;
`;
