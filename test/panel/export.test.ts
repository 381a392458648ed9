/** What the panel shows, as a text to take elsewhere. */
import assert from 'node:assert/strict';
import type { RunId, TaskId, WorkflowId } from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';
import { exportText } from '../../src/ui/panelExport';

const task = (id: string, description: string, dependsOn: string[] = []) => ({
  id: id as TaskId,
  description,
  status: 'todo' as const,
  dependsOn: dependsOn as TaskId[],
  line: 0,
  wave: 1,
});
const exported = {
  workflow: { id: 'w', name: 'A # name | with *marks*', wave: 1, waveCount: 2 },
  tasks: [task('a', '=HYPERLINK("http://x")'), task('b', 'Says "hello", twice\nover', ['a'])],
  runs: [
    {
      ...newRun(
        { id: 'run_1' as RunId, title: 't', workflow: 'w' as WorkflowId, task: 'a' as TaskId },
        { now: 0 },
      ),
      claim: { tokenDigest: 'digest' } as never,
    },
  ].map((run) => ({ ...run, claim: null })),
};

describe('panel export', () => {
  it('CSV quotes what must be quoted, and starts no formula', () => {
    const lines = exportText('csv', exported).split('\r\n');
    assert.equal(lines[0], 'wave,task,title,box,run,status,attempt,agent,started,ended,error');
    assert.equal(lines[1], `1,a,"'=HYPERLINK(""http://x"")",todo,run_1,queued,1/1,,,,`);
    assert.match(lines[2] ?? '', /^1,b,"Says ""hello"", twice\n/);
  });

  it('Markdown keeps what people wrote from being read as marks', () => {
    const text = exportText('markdown', exported);
    assert.match(text, /^# A \\# name \\\| with \\\*marks\\\*$/m);
    assert.equal(text.split('\n').filter((line) => line.startsWith('|')).length, 4);
  });

  it('Mermaid has a node for each task and an edge for each need, and ends no string early', () => {
    const text = exportText('mermaid', exported);
    assert.match(text, /n0 --> n1/);
    assert.match(text, /subgraph wave1\["Wave 1"\]/);
    for (const line of text.split('\n').filter((each) => each.includes('[')))
      assert.equal((line.match(/"/g) ?? []).length, 2, line);
  });

  it('JSON is one document, and holds no digest of a token', () => {
    const run = {
      ...exported.runs[0]!,
      claim: {
        agent: 'a',
        tokenDigest: 'secret',
        leaseUntil: 1,
        epoch: 1,
        beat: { host: 'h' },
      } as never,
    };
    const text = exportText('json', { ...exported, runs: [run] });
    const read = JSON.parse(text) as { v: number; tasks: unknown[]; runs: unknown[] };
    assert.deepEqual([read.v, read.tasks.length, read.runs.length], [1, 2, 1]);
    assert.equal(text.includes('secret'), false);
  });
});
