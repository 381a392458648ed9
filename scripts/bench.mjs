// npm run bench [-- NAME …]: builds the product and the benches, installs what they compare with, and runs them.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBenchPackages, ensureDependencies, ensureNode, projectRoot } from './setup.mjs';

const [node, packages] = await Promise.all([
  ensureNode(),
  ensureBenchPackages(),
  ensureDependencies(),
]);
const { buildProduct } = await import('./build.mjs');
// What people install is what is measured.
await Promise.all([buildProduct({ production: true }), buildBenches()]);

const program = spawn(
  node,
  [
    '--disable-warning=ExperimentalWarning',
    '--enable-source-maps',
    'out/bench/run.js',
    ...process.argv.slice(2),
  ],
  {
    cwd: projectRoot,
    stdio: 'inherit',
    env: { ...process.env, ...(packages ? { WAVELOCK_BENCH_PACKAGES: packages } : {}) },
  },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => program.kill(signal));
program.once('close', (code) => {
  process.exitCode = code ?? 1;
});

/** Each bench and each of their processes is a program of its own. */
async function buildBenches() {
  const { build } = await import('esbuild');
  const folder = join(projectRoot, 'out/bench');
  await rm(folder, { recursive: true, force: true });
  await build({
    entryPoints: readdirSync(join(projectRoot, 'bench'))
      .filter((file) => file === 'run.ts' || /\.(bench|child)\.ts$/.test(file))
      .map((file) => join('bench', file)),
    outdir: folder,
    absWorkingDir: projectRoot,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}
