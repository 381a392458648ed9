// npm run pictures: makes the pictures of the README and puts them into docs/pictures.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './setup.mjs';

const pictures = join(projectRoot, 'docs/pictures');
mkdirSync(pictures, { recursive: true });
const { status } = spawnSync(
  process.execPath,
  [join(projectRoot, 'scripts/test.mjs'), 'e2e', '--grep', '^pictures'],
  { stdio: 'inherit', env: { ...process.env, WAVELOCK_PICTURES: pictures } },
);
process.exitCode = status ?? 1;
