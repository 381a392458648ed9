// npm run goldens: writes anew what the command line is promised to print. What has changed is for git to show.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './setup.mjs';

const { status } = spawnSync(
  process.execPath,
  [join(projectRoot, 'scripts/test.mjs'), 'cli', '--grep', 'goldens'],
  { cwd: projectRoot, stdio: 'inherit', env: { ...process.env, WAVELOCK_GOLDENS: 'renew' } },
);
process.exitCode = status ?? 1;
