// npm run pictures: makes the pictures of the documentation and puts them into docs/pictures.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './setup.mjs';

const pictures = join(projectRoot, 'docs/pictures');
mkdirSync(pictures, { recursive: true });
const shown =
  'of (normal in dark|fresh in dark|failed in dark|10,000 runs)|^panel looks board of normal in light';
for (const [layer, chosen] of [
  ['e2e', '^pictures'],
  // Each tab: as on any day, without a run, with a damaged store, and full.
  ['panel', `^panel looks (board|graph|timeline|locks|events) ${shown}`],
]) {
  const { status } = spawnSync(
    process.execPath,
    [join(projectRoot, 'scripts/test.mjs'), layer, '--grep', chosen],
    { stdio: 'inherit', env: { ...process.env, WAVELOCK_PICTURES: pictures } },
  );
  process.exitCode ||= status ?? 1;
}
