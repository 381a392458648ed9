import assert from 'node:assert/strict';
import type { PlanDraft, TaskId, WorkflowId } from '../../src/core/model';
import { isValid } from '../../src/workflow/document';
import { initialStateMd } from '../../src/workflow/initialState';
import { readStateMd } from '../../src/workflow/stateMd';

const NOW = '2026-11-21 10:11:12';
const id = (text: string) => text as TaskId;

describe('a new STATE.md', () => {
  const draft: PlanDraft = {
    id: 'ship' as WorkflowId,
    name: 'Ship | it\n**now**',
    waves: [
      {
        name: 'Keel',
        tasks: [
          { id: id('a'), description: '文档 `x` [y] **z** | 👩‍🚀' },
          { id: id('b'), description: '', files: ['src/a.ts', 'odd, name.ts', '`tick`'] },
        ],
      },
      { tasks: [{ id: id('c'), description: 'C\n## Failed', dependsOn: [id('a'), id('b')] }] },
      { tasks: [] },
    ],
  };

  it('says the plan, with nothing wrong', () => {
    const document = readStateMd(initialStateMd(draft, NOW));
    assert.deepEqual(document.problems, []);
    assert.ok(isValid(document));
    const { plan } = document;
    assert.deepEqual(
      [plan.id, plan.name, plan.wave, plan.waveCount],
      ['ship', 'Ship | it **now**', 0, 3],
    );
    assert.deepEqual(
      plan.waves.map(({ tasks }) => tasks.map((task) => [task.id, task.description, task.status])),
      [
        [
          ['a', '文档 `x` [y] **z** | 👩‍🚀', 'todo'],
          ['b', '', 'todo'],
        ],
        [['c', 'C ## Failed', 'todo']],
        [],
      ],
    );
    assert.deepEqual(plan.waves[1]?.tasks[0]?.dependsOn, ['a', 'b']);
    assert.deepEqual(document.details.get(id('b'))?.files, ['src/a.ts', 'odd, name.ts', '`tick`']);
  });

  it('S-21 an empty list of tasks is a workflow, too', () => {
    const document = readStateMd(initialStateMd({ ...draft, waves: [{ tasks: [] }] }, NOW));
    assert.ok(isValid(document));
    assert.deepEqual(document.problems, []);
    assert.deepEqual(document.plan.waves, [{ number: 1, tasks: [] }]);
  });

  it('refuses a plan without waves', () => {
    assert.throws(() => initialStateMd({ ...draft, waves: [] }, NOW), RangeError);
  });
});
