/** What the host sends to a panel: everything once, then what has changed, at the cost of the change. */
import assert from 'node:assert/strict';
import type {
  AgentName,
  LockRow,
  PlanTask,
  RunId,
  RunRow,
  SessionId,
  StoredEvent,
  TaskId,
  WaiterRow,
  WorkflowId,
} from '../../src/core/model';
import { newRun } from '../../src/core/rules/runs';
import { evolve, viewOf, type StateView } from '../../src/core/views';
import { toHost, toPanel, type ToPanel } from '../../src/shared/protocol';
import type { WorkflowFile } from '../../src/store/workflowFiles';
import type { FolderChange, StoreState } from '../../src/ui/folderModel';
import { chunkRows, PanelFeed, type FeedFolder } from '../../src/ui/panelFeed';
import { Link } from '../../webview/link';
import type { Model } from '../../webview/model';

const workflow = 'w1' as WorkflowId;
const now = 1_800_000_000_000;
const beat = { host: 'h', bootId: 'b' as never, mono: 0, wall: now, server: null };
const path = '/work/a/STATE.md';
const storeFolder = '/work/a/.wavelock';

const rowOf = (index: number, fields: Partial<RunRow> = {}): RunRow => ({
  ...newRun(
    {
      id: `run_${index}` as RunId,
      title: `Convert call site ${index} of packages/checkout/src/handlers`,
      workflow,
      wave: 1,
      task: `t${index}` as TaskId,
    },
    { now },
  ),
  ...fields,
});

const claimed = (row: RunRow): RunRow => ({
  ...row,
  status: 'running',
  startedAt: now,
  epoch: 1,
  claim: {
    agent: 'worker-ci-01' as AgentName,
    session: 'ses_x' as SessionId,
    epoch: 1,
    tokenDigest: 'the digest of a token' as never,
    leaseMs: 300_000,
    leaseUntil: now + 300_000,
    beat,
    started: beat,
    process: null,
  },
});

class Folder implements FeedFolder {
  readonly folder = '/work/a';
  readonly place = { storeFolder, worktree: '' };
  readonly session = 'ses_me';
  store: StoreState = { state: 'live', warnings: [] };
  view: StateView;
  files: WorkflowFile[] = [];
  heard: ((change: FolderChange | undefined) => void) | undefined;
  #seq = 0;

  constructor(runs: readonly RunRow[]) {
    this.view = viewOf({ seq: 0, workflows: [], runs, guards: [] });
    this.write(runs.map((run) => planned(run.task ?? '')));
  }

  get state() {
    return {
      store: this.store,
      workflows: this.files.map((file) => ({
        id: workflow,
        name: 'Ledger',
        file: 'STATE.md',
        path: file.path,
        format: 'native',
        editing: 'full',
        valid: true,
        completed: false,
        wave: 1,
        waveCount: 1,
        waves: [{ number: 1, tasks: [] }],
        problems: [],
        holder: null,
      })),
    } as unknown as FeedFolder['state'];
  }

  write(tasks: readonly PlanTask[]): void {
    this.files = [
      {
        path,
        file: 'STATE.md',
        hash: '',
        document: {
          plan: {
            id: workflow,
            name: 'Ledger',
            wave: 1,
            waveCount: 1,
            waves: [{ number: 1, tasks }],
          },
          waveTitles: new Map(),
        },
      } as unknown as WorkflowFile,
    ];
  }

  tell(...events: Partial<StoredEvent>[]): void {
    const stored = events.map((event) => {
      this.#seq += 1;
      return {
        v: 1,
        seq: this.#seq,
        at: now,
        agent: 'a',
        session: 's',
        opId: 'o',
        ...event,
      } as StoredEvent;
    });
    stored.reduce(evolve, this.view);
    this.heard?.({ folder: this.folder, store: false, files: false, events: stored });
  }

  hear(change: Partial<FolderChange>): void {
    this.heard?.({ folder: this.folder, store: false, files: false, events: [], ...change });
  }
}

const planned = (id: string, fields: Partial<PlanTask> = {}): PlanTask => ({
  id: id as TaskId,
  description: `Task ${id}`,
  status: 'todo',
  dependsOn: [],
  line: 3,
  ...fields,
});

/** A feed and the panel at its other end, with a host whose turns are taken one by one. */
function connected(folder: Folder) {
  const sent: ToPanel[] = [];
  const turns: (() => void)[] = [];
  const frames: (() => void)[] = [];
  let model: Model | undefined;
  const link = new Link(
    {
      post: (message) => {
        assert.ok(toHost.safeParse(message).success);
        if (message.type === 'resync') feed.begin();
      },
      now: () => now,
      frame: (work) => frames.push(work),
      warn: (text, error) => assert.fail(`${text}: ${String(error)}`),
    },
    {
      hello: () => undefined,
      began: (begun) => (model = begun),
      changed: () => undefined,
      gaveUp: () => assert.fail('gave up'),
    },
  );
  const feed = new PanelFeed({
    source: {
      folders: [folder],
      onDidChange: (listener) => {
        folder.heard = listener;
        return { dispose: () => (folder.heard = undefined) };
      },
    },
    send: (message) => {
      sent.push(message);
      // As it goes over the wire.
      link.receive(JSON.parse(JSON.stringify(message)));
    },
    now: () => now,
    later: (work) => turns.push(work),
  });
  const turn = () => {
    for (const work of turns.splice(0)) work();
  };
  const settle = () => {
    while (turns.length + frames.length > 0) {
      turn();
      frames.splice(0).forEach((frame) => {
        frame();
      });
    }
  };
  feed.begin();
  return {
    feed,
    sent,
    turn,
    settle,
    get model() {
      assert.ok(model);
      return model;
    },
    since: (work: () => void): ToPanel[] => {
      const before = sent.length;
      work();
      settle();
      return sent.slice(before);
    },
  };
}

const rows = (count: number) => Array.from({ length: count }, (_, index) => rowOf(index));
const bytes = (message: ToPanel | undefined) => Buffer.byteLength(JSON.stringify(message));

describe('panel feed', () => {
  it('sends the snapshot in chunks between which the host takes other turns', () => {
    const panel = connected(new Folder(rows(3_500)));
    panel.settle();
    const chunks = panel.sent.filter(({ type }) => type === 'rows');
    assert.ok(chunks.length >= 8);
    for (const chunk of chunks) {
      assert.ok(chunk.type === 'rows');
      for (const { put } of [...(chunk.runs ?? []), ...(chunk.tasks ?? [])])
        assert.ok(put.length <= chunkRows);
    }
    assert.equal(panel.model.scopes.get(path)?.items.size, 3_500);
  });

  it('a transition among 10,000 runs is a message of less than 2 KB, however many there are', () => {
    const sizes = [100, 10_000].map((count) => {
      const folder = new Folder(rows(count));
      const panel = connected(folder);
      panel.settle();
      const row = claimed(rowOf(7, { title: 'x'.repeat(10_000) }));
      const messages = panel.since(() => {
        folder.tell({ kind: 'run.claimed', run: row.id, task: row.task!, data: { row } });
      });
      assert.equal(messages.length, 1);
      assert.equal(panel.model.scopes.get(path)?.items.get('t7')?.state, 'running');
      return bytes(messages[0]);
    });
    assert.ok(sizes[1]! < 2_048, `${sizes[1]} bytes`);
    assert.ok(Math.abs(sizes[1]! - sizes[0]!) < 40, `${sizes.join(' and ')} bytes`);
    console.log(`      one transition among 10,000 runs: ${sizes[1]} bytes`);
  });

  it('a box that is ticked in a file of 10,000 tasks is one row, also where the lines move', () => {
    const folder = new Folder(rows(10_000));
    const panel = connected(folder);
    panel.settle();
    const tasks = rows(10_000).map((row, index) =>
      planned(row.task ?? '', { line: index + 9, ...(index === 5 ? { status: 'done' } : {}) }),
    );
    const [message] = panel.since(() => {
      // What is done stands in another section, further down.
      folder.write([...tasks.slice(0, 5), ...tasks.slice(6), tasks[5]!]);
      folder.hear({ files: true });
    });
    assert.ok(message?.type === 'change');
    assert.deepEqual(
      message.tasks?.[0]?.put.map(({ id }) => id),
      ['t5'],
    );
    assert.ok(bytes(message) < 2_048);
    assert.equal(panel.model.scopes.get(path)?.items.get('t5')?.order, 5);
  });

  it('many events of one turn are one message, each row in it once', () => {
    const folder = new Folder(rows(10));
    const panel = connected(folder);
    panel.settle();
    const row = claimed(rowOf(1));
    const messages = panel.since(() => {
      folder.tell({ kind: 'run.claimed', run: row.id, data: { row } });
      for (let step = 1; step <= 50; step += 1)
        folder.tell({
          kind: 'run.beat',
          run: row.id,
          data: { epoch: 1, beat: { ...beat, wall: now + step }, leaseUntil: now + step },
        });
    });
    assert.equal(messages.length, 1);
    const [message] = messages;
    assert.ok(message?.type === 'change');
    assert.equal(message.runs?.[0]?.put.length, 1);
    assert.equal(message.runs[0].put[0]?.leaseUntil, now + 50);
    assert.equal(message.events?.[0]?.rows.length, 51);
  });

  it('what changes while chunks are on their way arrives all the same', () => {
    const folder = new Folder(rows(5_000));
    const panel = connected(folder);
    panel.turn();
    const row = claimed(rowOf(3));
    folder.tell({ kind: 'run.claimed', run: row.id, data: { row } });
    folder.tell({ kind: 'run.archived', data: { runs: ['run_4' as RunId] } });
    folder.tell({
      kind: 'run.created',
      run: 'run_9999' as RunId,
      data: {
        row: rowOf(9_999, { task: null, id: 'run_9999' as RunId, root: 'run_9999' as RunId }),
      },
    });
    panel.settle();
    const scope = panel.model.scopes.get(path)!;
    assert.equal(scope.items.get('t3')?.state, 'running');
    assert.equal(scope.items.get('t4')?.run, null);
    assert.equal(scope.items.get('run_9999')?.state, 'queued');
  });

  it('tells whom a completed run has freed', () => {
    const folder = new Folder([
      rowOf(0),
      rowOf(1, { dependsOn: ['run_0' as RunId], unmet: ['run_0' as RunId] }),
    ]);
    const panel = connected(folder);
    panel.settle();
    const row = rowOf(0, { status: 'completed', endedAt: now });
    panel.since(() => {
      folder.tell({
        kind: 'run.completed',
        run: row.id,
        data: { row, released: [{ run: 'run_1' as RunId, unmet: [] }] },
      });
    });
    assert.deepEqual(panel.model.scopes.get(path)?.items.get('t1')?.run?.unmet, []);
  });

  it('locks and those who wait for them come, change and go', () => {
    const folder = new Folder([]);
    const panel = connected(folder);
    panel.settle();
    const lock = (fields: Partial<LockRow>) =>
      ({
        id: 'lck_1',
        resource: 'src/a.ts',
        kind: 'path',
        anchor: 'src/a.ts',
        worktree: '',
        mode: 'write',
        agent: 'b',
        session: 'ses_b',
        fence: 1,
        since: now,
        grant: beat,
        ttlMs: 1_000,
        expiresAt: now + 1_000,
        hash: null,
        ...fields,
      }) as unknown as LockRow;
    const waiter = {
      id: 'wtr_1',
      agent: 'c',
      session: 'ses_c',
      requests: [lock({})],
      ttlMs: 1,
      since: now,
      renewed: beat,
      offer: null,
    } as unknown as WaiterRow;
    panel.since(() => {
      folder.tell({ kind: 'lock.acquired', resource: 'src/a.ts', data: { row: lock({}) } });
    });
    panel.since(() => {
      folder.tell({ kind: 'lock.queued', data: { row: waiter } });
    });
    const store = panel.model.rows.get(storeFolder)!;
    assert.equal(store.locks.get('lck_1')?.mine, false);
    assert.deepEqual(store.waiters.get('wtr_1')?.on, ['lck_1']);
    panel.since(() => {
      folder.tell({
        kind: 'lock.released',
        resource: 'src/a.ts',
        data: { lock: 'lck_1' as never, agent: 'b' as never },
      });
    });
    panel.since(() => {
      folder.tell({
        kind: 'lock.offered',
        data: { row: { ...waiter, offer: { made: beat, ttlMs: 10_000 } } },
      });
    });
    assert.equal(store.locks.size, 0);
    assert.equal(store.waiters.get('wtr_1')?.offerUntil, now + 10_000);
    panel.since(() => {
      folder.tell({
        kind: 'lock.dropped',
        data: { waiter: 'wtr_1' as never, agent: 'c' as never, why: 'withdrawn' },
      });
    });
    assert.equal(store.waiters.size, 0);
  });

  it('a store that fails is told as it is; one that was opened anew is sent anew', () => {
    const folder = new Folder(rows(3));
    const panel = connected(folder);
    panel.settle();
    const failed = panel.since(() => {
      folder.store = { state: 'failed', code: 'store_gone', message: 'The folder is gone.' };
      folder.hear({ store: true });
    });
    assert.deepEqual(
      failed.map(({ type }) => type),
      ['change'],
    );
    assert.equal(panel.model.stores.get(storeFolder)?.code, 'store_gone');
    assert.equal(panel.model.scopes.get(path)?.items.size, 3, 'what was known is still shown');
    panel.since(() => {
      folder.view = viewOf({ seq: 0, workflows: [], runs: rows(2), guards: [] });
      folder.store = { state: 'live', warnings: [] };
      folder.hear({ store: true });
    });
    assert.equal(panel.model.rows.get(storeFolder)?.runs.size, 2);
  });

  it('a folder that comes begins anew, and a file that goes takes its workflow along', () => {
    const folder = new Folder(rows(3));
    const panel = connected(folder);
    panel.settle();
    assert.equal(panel.since(() => folder.heard?.(undefined)).at(-1)?.type, 'end');
    panel.since(() => {
      folder.files = [];
      folder.hear({ files: true });
    });
    assert.equal(panel.model.workflows.size, 0);
  });

  it('sends no secret, and no text that would be obeyed instead of shown', () => {
    const folder = new Folder([claimed(rowOf(0, { title: 'a\u202eb\u0000c\n<b>' }))]);
    const panel = connected(folder);
    panel.settle();
    const all = JSON.stringify(panel.sent);
    assert.equal(all.includes('digest'), false);
    assert.equal(
      /[\u202e\u0000]/.test(panel.model.rows.get(storeFolder)?.runs.get('run_0')?.title ?? ''),
      false,
    );
  });

  it('every message is of the protocol', () => {
    const folder = new Folder(rows(30));
    const panel = connected(folder);
    panel.settle();
    folder.tell(
      { kind: 'note.added', workflow, data: { text: 'x' } },
      { kind: 'from.the.future' as never, data: {} as never },
    );
    panel.settle();
    for (const message of panel.sent) {
      const parsed = toPanel.safeParse(JSON.parse(JSON.stringify(message)));
      assert.ok(parsed.success, parsed.error?.message);
    }
  });
});
