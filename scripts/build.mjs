// Bundles the product into dist/ and the tests into out/test/. As a program: [--production] [--tests] [--watch].
import { existsSync } from 'node:fs';
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, context } from 'esbuild';
import { projectRoot } from './setup.mjs';

const programs = [
  { source: 'src/extension.ts', bundle: 'extension' },
  { source: 'src/store/sqlite/threadEntry.ts', bundle: 'storeThread' },
  // cli checks the version of Node before it loads cliMain, so the two may not become one file.
  { source: 'src/cli.ts', bundle: 'cli', external: ['./cliMain.js'] },
  { source: 'src/cliMain.ts', bundle: 'cliMain' },
];

/** @param {{ production?: boolean }} [options] */
export async function buildProduct({ production = false } = {}) {
  await rm(join(projectRoot, 'dist'), { recursive: true, force: true });
  await Promise.all(productBuilds(production).map((options) => build(options)));
  const cli = join(projectRoot, 'dist/cli.js');
  if (existsSync(cli)) await chmod(cli, 0o755);
}

export async function buildTests() {
  await rm(join(projectRoot, 'out/test'), { recursive: true, force: true });
  await build(await testBuild());
}

async function watch() {
  const builds = [...productBuilds(false), await testBuild()];
  const contexts = await Promise.all(
    builds.map((options) => context({ ...options, logLevel: 'info' })),
  );
  await Promise.all(contexts.map((it) => it.watch()));
}

/** @returns {import('esbuild').BuildOptions[]} */
function productBuilds(production) {
  const common = {
    bundle: true,
    absWorkingDir: projectRoot,
    minify: production,
    sourcemap: !production,
    logLevel: 'warning',
  };
  const node = { ...common, platform: 'node', format: 'cjs', target: 'node22' };
  const browser = { ...common, platform: 'browser', format: 'iife', target: 'es2022' };
  return [
    ...programs.map(({ source, bundle, external = [] }) => ({
      ...node,
      entryPoints: [source],
      outfile: `dist/${bundle}.js`,
      external: ['vscode', ...external],
    })),
    { ...browser, entryPoints: ['webview/main.ts'], outfile: 'dist/webview.js' },
    {
      ...browser,
      entryPoints: ['webview/panel.css'],
      outfile: 'dist/webview.css',
      loader: { '.ttf': 'file' },
      assetNames: '[name]',
    },
  ].filter(({ entryPoints }) => existsSync(join(projectRoot, entryPoints[0])));
}

/** One bundle per file: a test sees the sources it names, and packages stay what is installed. */
async function testBuild() {
  const files = await readdir(join(projectRoot, 'test'), { recursive: true });
  const entryPoints = files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => join('test', file));
  return {
    entryPoints,
    outdir: 'out/test',
    outbase: 'test',
    absWorkingDir: projectRoot,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    packages: 'external',
    external: ['vscode'],
    sourcemap: 'inline',
    logLevel: 'warning',
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const asked = new Set(process.argv.slice(2));
  if (asked.has('--watch')) await watch();
  else {
    await buildProduct({ production: asked.has('--production') });
    if (asked.has('--tests')) await buildTests();
  }
}
