/** Stores that are opened and closed, by the thousand; WAVELOCK_CAMPAIGN=1 for ten thousand. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Left } from './leaksChild';

const campaign = process.env['WAVELOCK_CAMPAIGN'] !== undefined;
const cycles = campaign ? { local: 9_500, thread: 500 } : { local: 300, thread: 10 };
/** Bytes that the last half of all rounds may add to memory: a leak of one page a round is five times as much. */
const mostGrowth = campaign ? 16e6 : 40e6;

describe('crash: leaks', function () {
  this.timeout(campaign ? 3_600_000 : 300_000);

  it(`O-4 nothing is left after ${cycles.local} stores here and ${cycles.thread} in threads`, async function () {
    if (process.platform !== 'linux') {
      console.log('      skipped: no /proc to look into');
      this.skip();
    }
    // Memory where there is some: nobody looks at this store after a power cut.
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    const folder = realpathSync(mkdtempSync(join(base, 'wavelock-leaks-')));
    try {
      const left = await cycle(folder);
      assert.deepEqual(left.handles, left.warmHandles, 'handles or watches');
      assert.deepEqual(left.resources, left.warmResources, 'timers, watchers or workers');
      assert.deepEqual(left.files, [], 'files');
      const half = left.memory[Math.floor(left.memory.length / 2)]?.bytes ?? 0;
      const end = left.memory.at(-1)?.bytes ?? Infinity;
      const megabytes = left.memory.map(({ bytes }) => Math.round(bytes / 1e6)).join(' ');
      console.log(`      memory in MB, a tenth of the rounds apart: ${megabytes}`);
      assert.ok(end - half < mostGrowth, `memory grows: ${megabytes}`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

async function cycle(folder: string): Promise<Left> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--disable-warning=ExperimentalWarning',
    '--enable-source-maps',
    'out/test/crash/leaksChild.js',
    ...[String(cycles.local), String(cycles.thread), folder],
  ]);
  return JSON.parse(stdout) as Left;
}
