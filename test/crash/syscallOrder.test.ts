/**
 * What a power cut would take away is decided by the order of a few system calls: what is on the disk before
 * what. Each rule here is read from the log of the calls themselves.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildShim, type Call, type Family } from './shim';
import { tellStories } from './syscallTelling';

describe('crash: the order of system calls', function () {
  this.timeout(150_000);

  let scratch: string;
  const logs = new Map<string, readonly Call[]>();

  before(async function () {
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    scratch = realpathSync(mkdtempSync(join(base, 'wavelock-order-')));
    const built = buildShim(scratch);
    if (typeof built === 'string') {
      console.log(`      skipped: ${built}`);
      this.skip();
    }
    const stories = ['claim', 'fresh', 'advance', 'backup', 'archive'];
    const root = mkdtempSync(join(scratch, 'w'));
    const lines = await tellStories({ stories, only: 'log' }, root, scratch);
    for (const line of lines) if ('log' in line) logs.set(line.story, line.log);
  });
  after(() => {
    rmSync(scratch, { recursive: true, force: true });
  });

  const log = 'store.db-wal';

  it('a commit is flushed before it is answered, and told to others after that', () => {
    const calls = new Calls(logs.get('claim'));
    const flushed = calls.last('sync', log);
    assert.ok(calls.last('write', log) < flushed, 'something of the commit was not flushed');
    assert.ok(calls.first('open', 'head') > flushed, 'others were told of what may be lost');
  });

  it('a new folder is on the disk before there is anything in it', () => {
    const calls = new Calls(logs.get('fresh'));
    const made = calls.first('mkdir', '.wavelock');
    assert.ok(calls.first('sync', '', made) < calls.first('write', 'store.db'));
  });

  it('a file: promise, text, backup, name, each flushed before the next', () => {
    const calls = new Calls(logs.get('advance'));
    const temp = /^\.STATE\.md\.wavelock-/;
    const made = calls.first('open', temp);
    const promised = calls.first('sync', log);
    const text = calls.first('sync', temp);
    const kept = calls.first('link', /^\.wavelock\/backups\/wf\//);
    const keptForGood = calls.first('sync', '.wavelock/backups/wf', kept);
    const named = calls.first('rename', 'STATE.md');
    const namedForGood = calls.first('sync', '', named);
    const settled = calls.first('write', log, named);
    const order = [promised, made, calls.last('write', temp), text, kept, keptForGood, named];
    assert.deepEqual(order, [...order].sort(ascending));
    assert.ok(named < namedForGood && namedForGood < settled, 'settled before it was durable');
    // The promise was the last thing in the log before the file was touched.
    const before = calls.last('write', log, made);
    assert.ok(before < calls.last('sync', log, made), 'the promise was not flushed');
  });

  it('a backup counts when its bytes are on the disk', () => {
    const calls = new Calls(logs.get('backup'));
    const temp = /^\.wavelock\/store-backups\/\.[0-9a-f]+\.tmp$/;
    const named = calls.first('rename', /^\.wavelock\/store-backups\/[^.]+\.db$/);
    assert.ok(calls.last('write', temp) < calls.last('sync', temp));
    assert.ok(calls.last('sync', temp) < named);
    assert.ok(calls.first('sync', '.wavelock/store-backups', named) > named);
  });

  it('an archived run is durable before the live store drops it', () => {
    const calls = new Calls(logs.get('archive'));
    const archived = calls.first('unlink', '.wavelock/archive.db-journal');
    assert.ok(
      calls.last('write', '.wavelock/archive.db') < calls.last('sync', '.wavelock/archive.db'),
    );
    assert.ok(calls.last('sync', '.wavelock/archive.db') < archived);
    const forGood = calls.first('sync', '.wavelock', archived);
    assert.ok(forGood < calls.first('write', log, archived), 'dropped before it was durable');
  });
});

const ascending = (one: number, other: number): number => one - other;

/** Calls of one act, found by their place; a path counts from the act's own folder. */
class Calls {
  constructor(private readonly calls: readonly Call[] = []) {}

  first(family: Family, path: string | RegExp, after = -1): number {
    const found = this.calls.findIndex(
      (call, index) => index > after && call.family === family && matches(call, path),
    );
    if (found < 0) assert.fail(`no ${family} of ${String(path)} in\n${this.text()}`);
    return found;
  }

  /** @param before the place that it has to be before */
  last(family: Family, path: string | RegExp, before = Infinity): number {
    const found = this.calls.findLastIndex(
      (call, index) => index < before && call.family === family && matches(call, path),
    );
    if (found < 0) assert.fail(`no ${family} of ${String(path)} in\n${this.text()}`);
    return found;
  }

  text(): string {
    return this.calls.map(({ family, path }) => `${family} ${path}`).join('\n');
  }
}

function matches({ path }: Call, wanted: string | RegExp): boolean {
  const own = path.split('/').slice(2).join('/');
  if (wanted instanceof RegExp) return wanted.test(own);
  return own === wanted || own === `.wavelock/${wanted}`;
}
