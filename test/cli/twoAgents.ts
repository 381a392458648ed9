/**
 * Two agents that work a workflow off together, one by the command line and one by MCP, from its first wave to its
 * last: they advance in turns, claim, take the lock of a file, write it, give the lock back and complete.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredEvent } from '../../src/core/model';
import type { Store } from '../../src/store/store';
import { Party } from './party';
import { wavelock } from './wavelock';

type Document = Record<string, unknown> & { readonly ok: boolean };

/** What both can do, each in its own way. */
interface Agent {
  readonly name: string;
  readonly claim: () => Promise<Document>;
  readonly lock: (file: string) => Promise<Document>;
  readonly verify: (file: string) => Promise<Document>;
  readonly release: () => Promise<Document>;
  readonly complete: (run: string, token: string, result: string) => Promise<Document>;
  readonly note: (text: string) => Promise<Document>;
  readonly advance: () => Promise<Document>;
}

export interface TwoAgents {
  readonly folder: string;
  /** Somebody else's, who looks on. */
  readonly store: Store;
  /** With whatever shows the workflow, between one wave and the next. */
  readonly waveIsOver?: (wave: string) => Promise<void>;
}

/** Plays it, and holds it to what must be so in the end: all is done, by both, nothing is left, and nothing was done twice. */
export async function workedOffByTwo({
  folder,
  store,
  waveIsOver = () => Promise.resolve(),
}: TwoAgents): Promise<void> {
  const party = await Party.open(folder, { env: { WAVELOCK_AGENT: 'bob' } });
  try {
    await play({ folder, store, waveIsOver }, party);
  } finally {
    await party.close();
  }
}

async function play(
  { folder, store, waveIsOver }: Required<TwoAgents>,
  party: Party,
): Promise<void> {
  const agents: readonly Agent[] = [byCommandLine('ann', folder), byMcp('bob', party)];
  const events: StoredEvent[] = [];
  const following = store.subscribe(0, (batch) => {
    events.push(...batch);
  });
  const done = new Map<string, number>();
  let completed = false;
  for (let turn = 0; !completed; turn += 1) {
    const [one, other] = turn % 2 === 0 ? agents : [...agents].reverse();
    assert.ok(one && other);
    const step = await one.advance();
    if (!step.ok) assert.fail(JSON.stringify(step));
    completed = step['completed'] === true;
    for (;;) {
      const claims: readonly Document[] = [await one.claim(), await other.claim()];
      if (claims.every(({ ok }) => !ok)) break;
      for (const [index, claim] of claims.entries()) {
        if (!claim.ok) continue;
        const agent: Agent = index === 0 ? one : other;
        const neighbour: Agent = index === 0 ? other : one;
        const { id, task } = claim['run'] as { id: string; task: string };
        const file = `${task}.txt`;
        await granted(agent.lock(file));
        assert.equal(await refusedAs(neighbour.lock(file)), 'lock_denied');
        await granted(agent.verify(file));
        writeFileSync(join(folder, file), `${agent.name} was here\n`);
        await granted(agent.release());
        await granted(agent.complete(id, String(claim['token']), `by ${agent.name}`));
        done.set(agent.name, (done.get(agent.name) ?? 0) + 1);
      }
    }
    if (completed) continue;
    await granted(one.note(`${one.name} saw the end of wave ${String(step['to'])}`));
    await waveIsOver(String(step['to']));
  }
  assert.ok((done.get('ann') ?? 0) > 0 && (done.get('bob') ?? 0) > 0, JSON.stringify([...done]));
  const text = readFileSync(join(folder, 'STATE.md'), 'utf8');
  assert.doesNotMatch(text, /- \[[ ~!]\]/);
  const { runs, locks, slotWaiters, waiters, workflows } = await store.read('state', {});
  assert.ok(runs.every(({ status }) => status === 'completed'));
  assert.deepEqual([locks, slotWaiters, waiters], [[], [], []]);
  assert.equal(workflows[0]?.status, 'completed');
  following.dispose();
  // No lock was ever held by two, and each run was claimed once.
  const held = new Map<string, string>();
  const claimed = new Set<string>();
  for (const event of events) {
    if (event.kind === 'lock.acquired' && 'row' in event.data) {
      assert.equal(held.get(event.data.row.resource), undefined);
      held.set(event.data.row.resource, event.agent);
    } else if (event.kind === 'lock.released') held.delete(String(event.resource));
    else if (event.kind === 'run.claimed') {
      assert.ok(!claimed.has(event.data.row.id));
      claimed.add(event.data.row.id);
    }
  }
  assert.equal(claimed.size, runs.length);
}

function byCommandLine(name: string, cwd: string): Agent {
  const call = async (...args: string[]): Promise<Document> =>
    (await wavelock({ cwd, env: { WAVELOCK_AGENT: name } }, ...args, '--json')).document;
  return {
    name,
    claim: () => call('run', 'claim'),
    lock: (file) => call('lock', 'acquire', file),
    verify: (file) => call('lock', 'verify', file),
    release: () => call('lock', 'release', '--all'),
    complete: (run, token, result) =>
      call('run', 'complete', run, '--token', token, '--result', JSON.stringify(result)),
    note: (text) => call('note', 'add', text),
    advance: () => call('advance'),
  };
}
function byMcp(name: string, party: Party): Agent {
  const ask = async (tool: string, args: Record<string, unknown> = {}): Promise<Document> =>
    (await party.call(tool, args)).document;
  return {
    name,
    claim: () => ask('claim_run'),
    lock: (file) => ask('acquire_locks', { resources: [file] }),
    verify: (file) => ask('verify_locks', { resources: [file] }),
    release: () => ask('release_locks', { all: true }),
    complete: (run, token, result) => ask('complete_run', { run, token, result }),
    note: (text) => ask('add_note', { text }),
    advance: () => ask('advance_wave'),
  };
}

async function granted(answer: Promise<Document>): Promise<Document> {
  const document = await answer;
  assert.ok(document.ok, JSON.stringify(document));
  return document;
}
async function refusedAs(answer: Promise<Document>): Promise<unknown> {
  return ((await answer)['refusal'] as { code: string } | undefined)?.code;
}
