/** A store of the first schema, brought to the present one with what it had promised. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { canonical } from '../../src/core/codec';
import { migrate, migrations } from '../../src/store/sqlite/migrate';
import { verifyStore } from '../../src/store/sqlite/verify';
import { chained } from '../../src/store/sqlite/witness';
import { Workbench } from './stores';

describe('store: schemas', () => {
  const bench = new Workbench();
  after(() => bench.clear());

  it('a promised write of the first schema is an edit that is due in the present one', async () => {
    const folder = join(bench.folder, '.wavelock');
    mkdirSync(folder);
    const path = join(folder, 'store.db');
    const former = new DatabaseSync(path);
    migrate(former, path, migrations.slice(0, 1));
    const row = { id: 'wf', name: 'W', file: 'STATE.md', worktree: '', wave: 2, waveCount: 3 };
    const edit = { kind: 'wave', wave: 2, updated: '2026-01-02 03:04:05' };
    const write = { base: 'a', target: 'b', edit };
    const pending = { workflow: 'wf', file: 'STATE.md', worktree: '', ...write };
    const by = { v: 1, at: 5, agent: 'ann', session: 'ses_1', opId: 'op_1', workflow: 'wf' };
    const whole = { ...row, status: 'active' };
    const events = [
      { ...by, seq: 1, kind: 'workflow.created', data: { row: whole } },
      { ...by, seq: 2, kind: 'file.intent', resource: 'STATE.md', data: write },
    ];
    let hash: unknown = former.prepare("SELECT value FROM meta WHERE key = 'lineage'").get()?.[
      'value'
    ];
    for (const event of events) {
      const text = canonical(event);
      const next = chained(hash, text);
      former.prepare('INSERT INTO events VALUES (?, ?, ?)').run(event.seq, text, next);
      hash = next;
    }
    former.prepare('INSERT INTO workflows VALUES (?, ?)').run('wf', JSON.stringify(whole));
    former
      .prepare('INSERT INTO pending_writes VALUES (?, ?)')
      .run('wf', JSON.stringify({ ...pending, session: 'ses_1', since: 5 }));
    former.close();

    const store = await bench.store();
    const [due] = await store.read('fileEdits', {});
    assert.deepEqual(due?.change, { kind: 'wave', wave: 2 });
    assert.deepEqual([due.workflow, due.session, due.since], ['wf', 'ses_1', 5]);
    assert.deepEqual((await verifyStore(folder)).problems, []);
  });
});
