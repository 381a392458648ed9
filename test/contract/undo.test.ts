/** Taking back, as the file sees it: the bytes before, but for the time of the last update. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { AgentName, TaskId, TaskStatus } from '../../src/core/model';
import { openLocalStore } from '../../src/store/localStore';
import type { Store } from '../../src/store/store';
import { hashOf, WorkflowFiles } from '../../src/store/workflowFiles';
import { readWorkflow } from '../../src/workflow/reader';
import { granted, refused } from '../core/rowStore';
import { identity, stateMd, Workbench } from './stores';

const isLong = process.env['WAVELOCK_CAMPAIGN'] === '1';
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 2 ** 31);
const task = (id: string): TaskId => id as TaskId;

describe('workflow files: taking back', function () {
  this.timeout(isLong ? 0 : 60_000);
  let bench: Workbench;
  let stores: Store[] = [];
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(async () => {
    await Promise.all(stores.map((store) => store.close()));
    stores = [];
    await bench.clear();
  });

  const text = (): string => readFileSync(join(bench.folder, 'STATE.md'), 'utf8');
  const undated = (content: string): string => content.replace(/^(\*\*Updated:\*\*).*$/m, '$1');

  /** Another second for each change, as the file counts them. */
  let seconds = 0;
  async function filesOf(agent: string): Promise<WorkflowFiles> {
    const by = { ...identity(), agent: agent as AgentName };
    const store = await openLocalStore({ place: bench.place, identity: by, durability: 'full' });
    stores.push(store);
    const now = (): number => new Date(2026, 0, 2, 3, 4, (seconds += 1)).getTime();
    return new WorkflowFiles({ place: bench.place, store, now, lockStaleMs: 2_000 });
  }

  type Change =
    | {
        readonly do: 'set';
        readonly id: string;
        readonly status: TaskStatus;
        readonly said: boolean;
      }
    | { readonly do: 'note'; readonly note: string }
    | { readonly do: 'advance' };

  function make(files: WorkflowFiles, change: Change): Promise<{ readonly ok: boolean }> {
    if (change.do === 'note') return files.addNote(bench.folder, { text: change.note });
    if (change.do === 'advance')
      return files.advance(bench.folder, { force: { reason: 'a test' } });
    const { id, status, said } = change;
    const details = said ? { commit: 'c0ffee', files: ['a.ts', 'b c.ts'] } : {};
    return files.setTask(bench.folder, { task: task(id), status, ...details });
  }

  const changes: fc.Arbitrary<Change> = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('set' as const),
        id: fc.constantFrom('1-1', '1-2', '2-1'),
        status: fc.constantFrom<TaskStatus>('todo', 'doing', 'done', 'failed'),
        said: fc.boolean(),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('note' as const),
        note: fc.constantFrom('Mind the gap', '# not a heading', '- [x] **1-1**: no task'),
      }),
    },
    { weight: 1, arbitrary: fc.constant<Change>({ do: 'advance' }) },
  );
  const box = fc.constantFrom(' ', 'x', '~', '!');
  type Shape = typeof plans extends fc.Arbitrary<infer Plan> ? Plan : never;
  const plans = fc.record({
    boxes: fc.tuple(box, box, box),
    wave: fc.integer({ min: 0, max: 2 }),
    eol: fc.constantFrom('\n', '\r\n'),
    bom: fc.boolean(),
    last: fc.boolean(),
    extra: fc.constantFrom('', '## Décisions  \n\n* keep **this**   \n\n'),
  });

  function textOf({ boxes: [a, b, c], wave, eol, bom, last, extra }: Shape): string {
    const plain = stateMd({ wave, waves: [[a, b], [c]] }).replace('## Notes', `${extra}## Notes`);
    const ended = last ? plain : plain.trimEnd();
    return (bom ? '\uFEFF' : '') + ended.replaceAll('\n', eol);
  }

  it(`PROPERTY after any changes, one after the other taken back, each time the bytes are as before (seed ${seed})`, async () => {
    await fc.assert(
      fc.asyncProperty(
        plans,
        fc.array(changes, { minLength: 1, maxLength: 5 }),
        async (plan, made) => {
          rmSync(bench.storeFolder, { recursive: true, force: true });
          bench.write('STATE.md', textOf(plan));
          const files = await filesOf('ann');
          const before: string[] = [];
          for (const change of made) {
            const was = text();
            if ((await make(files, change)).ok) before.push(was);
          }
          for (const was of before.reverse()) {
            granted(await files.undo(bench.folder));
            assert.equal(undated(text()), undated(was));
          }
          refused(await files.undo(bench.folder), 'invalid_transition');
          await Promise.all(stores.splice(0).map((store) => store.close()));
        },
      ),
      { numRuns: isLong ? 1_000 : 25, seed },
    );
  });

  it('what others have changed elsewhere in the file since stays, whoever comes first', async () => {
    bench.write('STATE.md', stateMd({ wave: 1, waves: [[' ', ' '], [' ']] }));
    const [ann, bob] = [await filesOf('ann'), await filesOf('bob')];
    granted(await ann.setTask(bench.folder, { task: task('1-1'), status: 'done' }));
    granted(await ann.addNote(bench.folder, { text: 'of ann' }));
    granted(await bob.setTask(bench.folder, { task: task('1-2'), status: 'failed', error: 'no' }));
    granted(await bob.addNote(bench.folder, { text: 'of bob' }));
    const byHand = text().replace('# Workflow: Test', '# Workflow: Renamed');
    bench.write('STATE.md', byHand);
    granted(await ann.undo(bench.folder));
    granted(await ann.undo(bench.folder));
    const document = readWorkflow('STATE.md', text());
    assert.deepEqual(
      document.plan?.waves.flatMap(({ tasks }) => tasks.map(({ status }) => status)),
      ['todo', 'failed', 'todo'],
    );
    assert.match(text(), /# Workflow: Renamed/);
    assert.match(text(), /of bob/);
    assert.doesNotMatch(text(), /of ann/);
    assert.match(text(), /Error: no/);
  });

  it('what is written into the very place of a note since is a conflict, and the file is left alone', async () => {
    bench.write('STATE.md', stateMd({ wave: 1, waves: [[' ']] }));
    const ann = await filesOf('ann');
    granted(await ann.addNote(bench.folder, { text: 'of ann' }));
    const byHand = text().replace('of ann', 'of ann, and a person added this');
    bench.write('STATE.md', byHand);
    assert.match(refused(await ann.undo(bench.folder), 'conflict').message, /same place/);
    assert.equal(text(), byHand);
  });

  it('a text before that is not kept any more is a conflict', async () => {
    bench.write('STATE.md', stateMd({ wave: 1, waves: [[' ']] }));
    const ann = await filesOf('ann');
    granted(await ann.addNote(bench.folder, { text: 'of ann' }));
    const after = text();
    rmSync(join(bench.storeFolder, 'texts'), { recursive: true });
    assert.match(refused(await ann.undo(bench.folder), 'conflict').message, /not kept/);
    assert.equal(text(), after);
  });

  it('asked again with the same id, it answers the same and takes back once', async () => {
    bench.write('STATE.md', stateMd({ wave: 1, waves: [[' ']] }));
    const ann = await filesOf('ann');
    granted(await ann.addNote(bench.folder, { text: 'first' }));
    granted(await ann.addNote(bench.folder, { text: 'second' }));
    const opId = 'op_again' as never;
    const answer = await ann.undo(bench.folder, { opId });
    assert.deepEqual(await ann.undo(bench.folder, { opId }), answer);
    assert.match(text(), /first/);
    assert.doesNotMatch(text(), /second/);
  });

  it('of two processes that take back the same at once, each change goes once', async () => {
    bench.write('STATE.md', stateMd({ wave: 1, waves: [[' ']] }));
    const [one, other] = [await filesOf('ann'), await filesOf('ann')];
    for (const note of ['first', 'second', 'third'])
      granted(await one.addNote(bench.folder, { text: note }));
    const answers = await Promise.all([one.undo(bench.folder), other.undo(bench.folder)]);
    const taken = answers.map((answer) => {
      const { undone } = granted(answer);
      return undone.kind === 'note' ? undone.text : undone.kind;
    });
    assert.deepEqual(taken.sort(), ['second', 'third']);
    assert.match(text(), /first/);
  });

  for (const step of [
    'locked',
    'committed',
    'kept',
    'intended',
    'temp',
    'rename',
    'written',
    'tidied',
  ]) {
    it(`killed at "${step}", it has happened wholly or not at all as soon as anybody comes next`, async () => {
      const before = stateMd({ wave: 1, waves: [[' ', ' ']] });
      bench.write('STATE.md', before);
      const ann = await filesOf('tester');
      granted(await ann.setTask(bench.folder, { task: task('1-1'), status: 'done' }));
      const set = text();
      const args = ['out/test/contract/undoChild.js', bench.folder, step];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      assert.equal(signal, 'SIGKILL', `the child did not reach "${step}"`);
      await ann.keepPromises();
      assert.equal(undated(text()), undated(step === 'locked' ? set : before));
      const store = stores[0];
      assert.deepEqual(await store?.read('fileEdits', {}), []);
      const known = await store?.read('workflowFile', { workflow: 'wf' as never });
      assert.equal(known?.workflow?.hash, hashOf(text()), 'file and store agree');
    });
  }
});
