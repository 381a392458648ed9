/** The store's thread and its host: what goes between them never holds up the host. */
import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Worker } from 'node:worker_threads';
import type { RunRow, StoredEvent } from '../../src/core/model';
import { viewOf } from '../../src/core/views';
import { putTogether, rowsAtOnce, takeApart, type Part } from '../../src/store/parts';
import type { Store } from '../../src/store/store';
import type { ThreadReport } from '../../src/store/threadStore';
import { Workbench } from './stores';

describe('store: between thread and host', () => {
  let bench: Workbench;
  beforeEach(() => {
    bench = new Workbench();
  });
  afterEach(() => bench.clear());

  async function filled(runs: number): Promise<Store> {
    const store = await bench.store();
    await store.submit({ kind: 'config.set', key: 'rate.mutations', value: 0 });
    for (let made = 0; made < runs; made += 1_000) {
      const count = Math.min(1_000, runs - made);
      const answer = await store.submit({ kind: 'run.create', title: 'Work', count });
      assert.ok(answer.ok);
    }
    return store;
  }

  /** How many rows each message of the next thread has. */
  function overheard(): number[] {
    const rows: number[] = [];
    process.once('worker', (worker: Worker) => {
      worker.on('message', (report: ThreadReport) => rows.push(rowsIn(report)));
    });
    return rows;
  }

  const rowsIn = (report: ThreadReport): number => {
    if (report.type === 'part') return report.part.rows.length;
    if (report.type === 'events') return report.events.length;
    if (report.type !== 'answer') return 0;
    const { value } = report;
    const lists = Array.isArray(value) ? [value] : Object.values(value ?? {});
    return lists.reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
  };

  it('a state of 10,000 runs comes in messages of at most 500 rows, of one moment', async function () {
    const other = await filled(10_000);
    const rows = overheard();
    const store = await bench.threadStore();
    const writing = { on: true };
    const writer = (async () => {
      while (writing.on) await other.submit({ kind: 'run.create', title: 'More' });
    })();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const state = await store.read('state', {});
    delay.disable();
    writing.on = false;
    await writer;

    this.test!.title += ` (host held up ${(delay.max / 1e6).toFixed(1)} ms at most)`;
    assert.ok(rows.length > 20);
    assert.ok(Math.max(...rows) <= rowsAtOnce);
    // One event for each run and one for the setting, so the seq tells how many there must be.
    assert.equal(state.runs.length, state.seq - 1);
    assert.deepEqual(viewOf(state), viewOf(await viewedAt(other, state.seq, state.runs)));
  });

  /** The state that this store has, without the runs that were made after `seq`. */
  async function viewedAt(store: Store, seq: number, known: readonly RunRow[]) {
    const state = await store.read('state', {});
    return { ...state, seq, runs: state.runs.slice(0, known.length) };
  }

  it('5,000 events come in batches of at most 500, the next when one was taken', async () => {
    await filled(5_000);
    const rows = overheard();
    const store = await bench.threadStore();
    const seen: StoredEvent[] = [];
    let [atWork, together] = [0, 0];
    await new Promise<void>((resolve) => {
      store.subscribe(0, async (events) => {
        atWork += 1;
        together = Math.max(together, atWork);
        seen.push(...events);
        await new Promise((later) => setImmediate(later));
        atWork -= 1;
        if (seen.length === 5_001) resolve();
      });
    });
    assert.deepEqual(
      seen.map(({ seq }) => seq),
      Array.from({ length: 5_001 }, (_, index) => index + 1),
    );
    assert.equal(together, 1);
    assert.ok(Math.max(...rows) <= rowsAtOnce);
  });

  it('answers what was asked before it closed, also in parts', async () => {
    await filled(2_000);
    const store = await bench.threadStore();
    const asked = store.read('state', {});
    const closing = store.close();
    assert.equal((await asked).runs.length, 2_000);
    await closing;
  });

  it('a listener that throws is a fault, and hears the next batch', async () => {
    const store = await bench.threadStore();
    const faults: string[] = [];
    store.onFault(({ message }) => faults.push(message));
    let batches = 0;
    const twice = new Promise<void>((resolve) => {
      store.subscribe(0, () => {
        batches += 1;
        if (batches === 2) resolve();
        throw new Error('no view');
      });
    });
    await store.submit({ kind: 'run.create', title: 'One' });
    await store.submit({ kind: 'run.create', title: 'Two' });
    await twice;
    assert.deepEqual(faults.slice(0, 1), ['no view']);
  });

  it('parts put together are the whole, whatever its form', () => {
    const list = (length: number): number[] => Array.from({ length }, (_, index) => index);
    const wholes: unknown[] = [
      list(1_234),
      { seq: 3, runs: list(501), locks: list(2), none: [] },
      { ok: true, at: 7, facts: { runs: list(999), completed: false, nothing: null } },
      { seq: 1, chains: [{ id: 'run', runs: list(9) }] },
      list(500),
      null,
      undefined,
      'text',
    ];
    for (const whole of wholes) {
      const { frame, parts } = takeApart(whole);
      for (const part of parts) assert.ok(part.rows.length <= rowsAtOnce);
      const [gotFrame, gotParts] = structuredClone([frame, parts]) as [unknown, Part[]];
      assert.deepEqual(putTogether(gotFrame, gotParts), whole);
    }
    assert.equal(takeApart(list(500)).parts.length, 0);
    assert.equal(takeApart(list(501)).parts.length, 2);
  });
});
