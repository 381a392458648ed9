/** Holds docs/workflow-files.md and the codes of problems and of drift together. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { driftCodes } from '../../src/core/drift';
import { graded, problemCodes } from '../../src/workflow/problems';

describe('problems of workflow files', () => {
  const document = readFileSync('docs/workflow-files.md', 'utf8');
  const table = document.split(/^## Problems$/m)[1] ?? '';
  const rows = [
    ...table.matchAll(/^\| `([a-z_]+)`( \\\*)? \| (error|warning) \| ([^|]+) \| ([^|]+) \|$/gm),
  ];

  it('docs/workflow-files.md lists each code with its severity, and no other', () => {
    assert.deepEqual(
      rows.map(([, code, , severity]) => [code, severity]),
      Object.entries(problemCodes).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  });

  it('docs/workflow-files.md marks those that no setting changes', () => {
    for (const [, code = '', mark] of rows) {
      const problem = {
        line: 0,
        column: 0,
        length: 0,
        severity: 'error',
        code,
        message: '',
      } as const;
      const stays = graded([problem], new Map([[code, 'off']])).length === 1;
      assert.equal(stays, mark !== undefined, code);
    }
  });

  it('docs/workflow-files.md says what each means and what its fix does', () => {
    for (const [, code, , , says = '', fix = ''] of rows) {
      assert.ok(says.trim().length > 5 && fix.trim() !== '', code);
    }
  });
});

describe('drift of workflow files', () => {
  it('docs/workflow-files.md lists each code in the order in which it is told, and no other', () => {
    const table = readFileSync('docs/workflow-files.md', 'utf8').split(/^## Drift$/m)[1] ?? '';
    const codes = [...table.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, code]) => code);
    assert.deepEqual(codes, driftCodes);
  });
});
