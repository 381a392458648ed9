/**
 * Eight workers, runs that fail in every way, workers and commands that are killed. A run of this is repeated by
 * its seed, as far as the order of processes allows.
 */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigKey, RunRow } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import { Random } from '../contract/random';
import { Workbench } from '../contract/stores';
import { Breath, Running } from './running';

const campaign = process.env['WAVELOCK_CAMPAIGN'] === '1';
const runCount = campaign ? 500 : 60;
const workerCount = 8;
const killedWorkers = campaign ? 60 : 8;
const maxAttempts = 4;
const timeoutMs = 2_000;
const seed = Number(process.env['WAVELOCK_SEED'] ?? Math.floor(Math.random() * 2 ** 32));

/** How an attempt behaves; what becomes of it when nobody kills its worker. */
const behaviours = {
  ok: 'completed',
  slow: 'completed',
  forks: 'completed',
  fails: 'error',
  crashes: 'killed',
  /** Longer than its limit. */
  hangs: 'killed',
} as const;
type Behaviour = keyof typeof behaviours;

/** An attempt that is done twice cannot make its marker the second time. */
const command = `
exec 9>"$BREATH"
attempt="$WAVELOCK_TITLE.$WAVELOCK_ATTEMPT"
if ! (set -C; : > "marks/$WAVELOCK_RUN.$WAVELOCK_ATTEMPT") 2>/dev/null; then : > "doubles/$attempt"; fi
case $(cat "plan/$attempt") in
  ok) exit 0;;
  slow) sleep 0.05; exit 0;;
  forks) (trap '' TERM INT HUP; exec sleep 1000) & exit 0;;
  fails) exit 1;;
  crashes) kill -KILL $$;;
  hangs) trap '' TERM; while :; do sleep 1000; done;;
esac
exit 99`;

describe('worker storm', function () {
  if (process.platform === 'win32') return;
  this.timeout(campaign ? 3_000_000 : 600_000);
  let bench: Workbench;
  let store: Store;
  const workers = new Set<Running>();
  beforeEach(async () => {
    bench = new Workbench();
    store = await bench.store();
    for (const name of ['plan', 'marks', 'doubles']) mkdirSync(join(bench.folder, name));
  });
  afterEach(async () => {
    await Promise.all([...workers].map((worker) => worker.signal('SIGKILL').ended));
    workers.clear();
    await bench.clear();
  });

  const set = async (key: ConfigKey, value: number): Promise<void> => {
    assert.ok((await store.submit({ kind: 'config.set', key, value })).ok);
  };

  it(`${runCount} runs by ${workerCount} workers: each ends as it should, none is done twice, nothing is left`, async () => {
    const chance = new Random(seed);
    const breath = new Breath(bench.folder);
    const plan = new Map<string, Behaviour>();
    const names = Object.keys(behaviours) as Behaviour[];
    for (let index = 0; index < runCount; index += 1) {
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        const behaviour = chance.among(names);
        plan.set(`run${index}.${attempt}`, behaviour);
        writeFileSync(join(bench.folder, 'plan', `run${index}.${attempt}`), behaviour);
      }
    }
    await set('slots', 0);
    await set('rate.mutations', 0);
    await set('grace', 100);

    const begin = (): void => {
      const worker = new Running(
        { cwd: bench.folder, env: { BREATH: breath.path } },
        ...['worker', '--exec', command, '--concurrency', '3', '--interval', '300ms'],
      );
      workers.add(worker);
    };
    let killed = 0;
    const killOne = (): void => {
      const victim = chance.among([...workers]);
      killed += 1;
      workers.delete(victim);
      victim.signal('SIGKILL');
      begin();
    };
    const every = Math.max(1, Math.floor(runCount / killedWorkers));
    let claims = 0;
    const killing = store.subscribe(0, (events) => {
      for (const { kind } of events) {
        if (kind !== 'run.claimed') continue;
        claims += 1;
        if (claims % every === 0 && killed < killedWorkers) killOne();
      }
    });
    const created: RunRow[] = [];
    for (let index = 0; index < runCount; index += 1) {
      const answer = await store.submit({
        kind: 'run.create',
        title: `run${index}`,
        maxAttempts,
        timeoutMs,
        backoff: { baseMs: 5, capMs: 20 },
      });
      assert.ok(answer.ok);
      created.push(...answer.facts.runs);
    }
    // Held from here, so that it is not over before the first command begins.
    const open = openSync(breath.path, 'w');
    for (let index = 0; index < workerCount; index += 1) begin();
    await store.await({ ids: created.map(({ id }) => id), mode: 'all', deadlineMs: null });
    killing.dispose();
    const ends = await Promise.all([...workers].map((worker) => worker.signal('SIGINT').ended));
    assert.deepEqual(
      ends.map(({ code }) => code),
      Array(workerCount).fill(0),
      ends.map(({ err }) => err.slice(-500)).join('\n'),
    );
    // Without orphans nobody else holds it.
    closeSync(open);
    await breath.over();
    assert.deepEqual(survivors(breath.path), []);

    const rows = (await store.read('state', {})).runs;
    const marks = new Set(readdirSync(join(bench.folder, 'marks')));
    assert.deepEqual(readdirSync(join(bench.folder, 'doubles')), []);
    const counts: Record<string, number> = {};
    for (const row of rows) {
      counts[row.status] = (counts[row.status] ?? 0) + 1;
      const behaviour = plan.get(`${row.title}.${row.attempt}`) ?? 'ok';
      const what = `${row.title} attempt ${row.attempt} (${behaviour}) is ${row.status}`;
      assert.ok(row.attempt <= maxAttempts, what);
      // Whoever died had perhaps not even begun; whoever lived has done it, once, and said how.
      if (row.status === 'lost') continue;
      assert.ok(marks.has(`${row.id}.${row.attempt}`), `${what}, and was not done`);
      // On a machine that is busy enough, anything may have had its time.
      // The wall clock and the one of the timeout each leave out the rest of a millisecond.
      const took = Number(row.endedAt) - Number(row.startedAt);
      if (row.error?.code === 'timeout')
        assert.ok(took >= timeoutMs - 1, `${what} after ${took} ms`);
      else assert.equal(row.status, behaviours[behaviour], what);
      if (behaviour === 'hangs') assert.equal(row.error?.code, 'timeout', what);
    }
    for (const { title } of created) {
      const chain = rows.filter((row) => row.title === title);
      const last = chain.reduce((one, other) => (other.attempt > one.attempt ? other : one));
      const final = last.status === 'completed' || last.error?.code === 'signal';
      assert.ok(final || last.attempt === maxAttempts, `${title} stopped at ${last.attempt}`);
      assert.equal(chain.length, last.attempt);
    }
    assert.ok(killed >= killedWorkers / 2, `${killed} workers were killed`);
    console.log(
      `      seed ${seed}: ${runCount} runs, ${rows.length} attempts, ${killed} workers killed, ${JSON.stringify(counts)}`,
    );
  });
});

/** Processes of the storm that are still there. */
function survivors(mark: string): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
      } catch {
        // Gone meanwhile, or of somebody else.
        return false;
      }
    });
}
