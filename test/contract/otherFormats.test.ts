/** Advance, tasks and runs in files that state no wave and hold checkboxes only; what they cannot say is kept. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { drift } from '../../src/core/drift';
import type { RunId, TaskId } from '../../src/core/model';
import { viewOf } from '../../src/core/views';
import { overview } from '../../src/store/overview';
import type { Store } from '../../src/store/store';
import { findWorkflowFile, WorkflowFiles } from '../../src/store/workflowFiles';
import { granted, refused } from '../core/rowStore';
import { Workbench } from './stores';

const waves = [
  '# Garden',
  '## Wave 1',
  '- [x] **dig**: Dig the beds',
  '- [ ] **sow**: Sow the beans  ',
  '## Wave 2',
  '- [ ] **water**: Water them',
  '## Wave 3',
  '| ID | Title | Status |',
  '| --- | --- | --- |',
  '| pick | Pick the beans | todo |',
  '',
].join('\r\n');
const checklist = '## Wave 1\n- [ ] T1: Begin\n\n## Wave 2\n- [ ] T2: End';
const roadmap = [
  '# Roadmap: Boat',
  '### Phase 1: Keel',
  '- [x] 01-01-PLAN.md — Lay it',
  '### Phase 2: Hull',
  '- [ ] 02-01-PLAN.md — Ribs',
  '### Phase 3: Mast',
  '- [ ] 03-01-PLAN.md — Step it',
  '',
].join('\n');

describe('workflow files: other formats', () => {
  let bench: Workbench;
  let store: Store;
  beforeEach(async () => {
    bench = new Workbench();
    store = await bench.store();
  });
  afterEach(() => bench.clear());

  class Scene {
    readonly files = new WorkflowFiles({ place: bench.place, store, now: Date.now });
    readonly path: string;

    constructor(
      name: string,
      private readonly first: string,
    ) {
      this.path = join(bench.folder, name);
      mkdirSync(dirname(this.path), { recursive: true });
      writeFileSync(this.path, first);
    }

    get text(): string {
      return readFileSync(this.path, 'utf8');
    }

    /** The file differs from its beginning in these boxes alone. */
    assertText(...changes: readonly (readonly [before: string, after: string])[]): void {
      const wanted = changes.reduce(
        (text, [before, after]) => text.replace(before, after),
        this.first,
      );
      assert.equal(this.text, wanted);
    }

    /** As every surface shows it. */
    async shown(): Promise<{ wave: string; tasks: Record<string, string> }> {
      const file = findWorkflowFile(bench.place, this.path) ?? assert.fail();
      const {
        wave,
        waveCount,
        waves: all,
      } = overview(file, viewOf(await store.read('state', {})), '');
      const tasks = all.flatMap((each) => each.tasks).map(({ id, status }) => [id, status]);
      return { wave: `${wave}/${waveCount}`, tasks: Object.fromEntries(tasks) as never };
    }

    async begin(run: RunId): Promise<() => Promise<void>> {
      const { token } = granted(await store.submit({ kind: 'run.claim', run }));
      await this.files.keepPromises();
      return async () => {
        granted(await store.submit({ kind: 'run.complete', run, token }));
        await this.files.keepPromises();
      };
    }

    async fail(run: RunId): Promise<void> {
      const { token } = granted(await store.submit({ kind: 'run.claim', run }));
      const error = { code: 'E', message: 'No wood' };
      granted(await store.submit({ kind: 'run.fail', run, token, error }));
      await this.files.keepPromises();
    }

    async advance(): Promise<readonly RunId[]> {
      const { runs } = granted(await this.files.advance(this.path, {}));
      return runs.map(({ id }) => id);
    }
  }

  it('WAVES.md: a wave is advanced once, its runs show in the boxes, and not a byte more', async () => {
    const scene = new Scene('WAVES.md', waves);
    refused(await scene.files.advance(scene.path, {}), 'wave_incomplete');
    granted(await scene.files.setTask(scene.path, { task: 'sow' as TaskId, status: 'done' }));
    const [run] = await scene.advance();
    assert.ok(run);
    assert.equal((await scene.shown()).wave, '2/3');
    const again = refused(await scene.files.advance(scene.path, {}), 'wave_incomplete');
    assert.deepEqual(
      again.blockers.map(({ task }) => task),
      ['water'],
    );
    const complete = await scene.begin(run);
    scene.assertText(['- [ ] **sow**', '- [x] **sow**'], ['- [ ] **water**', '- [~] **water**']);
    await complete();
    scene.assertText(['- [ ] **sow**', '- [x] **sow**'], ['- [ ] **water**', '- [x] **water**']);
  });

  it('WAVES.md: a wave that nothing has begun of stays advanced when a person edits the file', async () => {
    const scene = new Scene('WAVES.md', waves.replace('[ ] **sow**', '[x] **sow**'));
    await scene.advance();
    writeFileSync(scene.path, scene.text.replace('Garden', 'Kitchen garden'));
    await scene.files.sync(scene.path);
    assert.equal((await scene.shown()).wave, '2/3');
    assert.equal((await store.read('workflows', {}))[0]?.wave, 2);
    refused(await scene.files.advance(scene.path, {}), 'wave_incomplete');
  });

  it('WAVES.md: the row of a table is done in the store when its run is, and the workflow ends', async () => {
    const scene = new Scene('WAVES.md', waves.replaceAll('[ ]', '[x]'));
    const [run] = await scene.advance();
    assert.ok(run);
    await (
      await scene.begin(run)
    )();
    scene.assertText();
    assert.equal((await scene.shown()).tasks['pick'], 'done');
    assert.equal(granted(await scene.files.advance(scene.path, {})).completed, true);
  });

  it('a checklist: from before the first wave to the end, by runs alone', async () => {
    const scene = new Scene('plan.md', checklist);
    for (const wave of ['1/2', '2/2']) {
      const [run] = await scene.advance();
      assert.ok(run);
      assert.equal((await scene.shown()).wave, wave);
      await (
        await scene.begin(run)
      )();
    }
    assert.equal(granted(await scene.files.advance(scene.path, {})).completed, true);
    scene.assertText(['[ ] T1', '[x] T1'], ['[ ] T2', '[x] T2']);
  });

  it('ROADMAP.md: at work and failed are shown, though the box stays open and not a byte changes', async () => {
    const scene = new Scene('.planning/ROADMAP.md', roadmap);
    const [run] = await scene.advance();
    assert.ok(run);
    const { token } = granted(await store.submit({ kind: 'run.claim', run }));
    await scene.files.keepPromises();
    assert.equal((await scene.shown()).tasks['02-01'], 'doing');
    const error = { code: 'E', message: 'No wood' };
    granted(await store.submit({ kind: 'run.fail', run, token, error }));
    await scene.files.keepPromises();
    assert.deepEqual(await scene.shown(), {
      wave: '2/3',
      tasks: { '01-01': 'done', '02-01': 'failed', '03-01': 'todo' },
    });
    scene.assertText();
    assert.deepEqual(await store.read('fileEdits', {}), []);
    const blockers = refused(await scene.files.advance(scene.path, {}), 'wave_incomplete').blockers;
    assert.deepEqual(
      blockers.map(({ status }) => status),
      ['failed'],
    );
  });

  it('ROADMAP.md: a person who checks the box, or a word, ends what the store has kept', async () => {
    const scene = new Scene('.planning/ROADMAP.md', roadmap);
    const [run] = await scene.advance();
    assert.ok(run);
    await scene.fail(run);
    writeFileSync(scene.path, scene.text.replace('[ ] 02-01', '[x] 02-01'));
    await scene.files.sync(scene.path);
    assert.equal((await scene.shown()).tasks['02-01'], 'done');
    granted(await scene.files.setTask(scene.path, { task: '02-01' as TaskId, status: 'todo' }));
    assert.equal((await scene.shown()).tasks['02-01'], 'todo');
    assert.equal(scene.text, roadmap);
  });

  it('ROADMAP.md: an asker who saw a failed task may set it to done, and the box is checked', async () => {
    const scene = new Scene('.planning/ROADMAP.md', roadmap);
    const [run] = await scene.advance();
    assert.ok(run);
    await scene.fail(run);
    const change = { task: '02-01' as TaskId, status: 'done', seen: 'failed' } as const;
    assert.equal(granted(await scene.files.setTask(scene.path, change)).from, 'failed');
    scene.assertText(['[ ] 02-01', '[x] 02-01']);
  });

  it('STATE.md of .planning/ and the plans are left alone', async () => {
    const scene = new Scene('.planning/ROADMAP.md', roadmap);
    const state = join(bench.folder, '.planning/STATE.md');
    writeFileSync(state, '## Current Position\nPhase: 2\n');
    granted(await scene.files.setTask(scene.path, { task: '02-01' as TaskId, status: 'done' }));
    refused(await scene.files.addNote(scene.path, { text: 'x' }), 'read_only');
    assert.equal(readFileSync(state, 'utf8'), '## Current Position\nPhase: 2\n');
  });

  it('what is kept for a file is no drift', async () => {
    const scene = new Scene('.planning/ROADMAP.md', roadmap);
    const [run] = await scene.advance();
    assert.ok(run);
    await scene.begin(run);
    const view = viewOf(await store.read('state', {}));
    const file = findWorkflowFile(bench.place, scene.path) ?? assert.fail();
    const { planNow } = await import('../../src/store/planNow');
    const plan = planNow(file.document, view) ?? assert.fail();
    const asked = { worktree: '', pending: await store.read('fileEdits', {}), now: Date.now() };
    assert.deepEqual(drift({ ...asked, files: [{ ...file, plan }] }, view), []);
  });
});
