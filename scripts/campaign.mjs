// npm run campaign [-- SEED]: the long form of the property tests of the core; prints sequences, seed and time.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './setup.mjs';

const [seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
const { status } = spawnSync(
  process.execPath,
  [join(projectRoot, 'scripts/test.mjs'), 'core', '--grep', '^PROPERTY rules and model'],
  {
    stdio: 'inherit',
    env: { ...process.env, WAVELOCK_CAMPAIGN: '1', WAVELOCK_SEED: seed },
  },
);
process.exitCode = status ?? 1;
