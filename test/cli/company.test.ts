import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { Workbench } from '../contract/stores';
import { workedOffByTwo } from './twoAgents';

describe('company', function () {
  this.timeout(600_000);
  const bench = new Workbench();
  after(() => bench.clear());

  it('one by the command line, one by MCP: every wave, locks taken and given back, nothing left', async () => {
    copyFileSync('test/fixtures/sample/STATE.md', join(bench.folder, 'STATE.md'));
    await workedOffByTwo({ folder: bench.folder, store: await bench.store() });
  });
});
