// npm run coverage: how much of src/core its own tests run, by line and by branch.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { transpileCore } from './coreTests.mjs';
import { ensureDependencies, projectRoot } from './setup.mjs';

const least = 98;

await ensureDependencies();
const folder = join(projectRoot, 'out/coverage');
rmSync(folder, { recursive: true, force: true });
const programs = await transpileCore(projectRoot, folder);

const c8 = [
  'node_modules/c8/bin/c8.js',
  ...[
    '--include',
    'src/core/**',
    '--exclude-after-remap',
    '--reporter',
    'text',
    '--reporter',
    'html',
  ],
  ...['--temp-directory', join(folder, 'raw'), '--reports-dir', join(projectRoot, 'coverage')],
  ...[
    '--check-coverage',
    '--lines',
    least,
    '--branches',
    least,
    '--functions',
    0,
    '--statements',
    0,
  ],
];
const mocha = [
  'node_modules/mocha/bin/mocha.js',
  '--reporter',
  'dot',
  '--timeout',
  60_000,
  ...programs,
];
spawn(process.execPath, [...c8, process.execPath, ...mocha].map(String), {
  cwd: projectRoot,
  // The same sequences each time, so that figures can be compared.
  env: { WAVELOCK_SEED: '1', ...process.env },
  stdio: 'inherit',
}).once('close', (code) => {
  process.stdout.write(
    code === 0
      ? '1 passed, 0 failed\n'
      : `Tests fail, or less than ${least} % is covered.\n0 passed, 1 failed\n`,
  );
  process.exitCode = code ?? 1;
});
