// Bundles the product into dist/ and the tests into out/test/. As a program: [--production] [--tests] [--watch].
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, context } from 'esbuild';
import { projectRoot } from './setup.mjs';

const programs = [
  { source: 'src/extension.ts', bundle: 'extension' },
  { source: 'src/store/sqlite/threadEntry.ts', bundle: 'storeThread' },
  // cli checks the version of Node before it loads one of the others, so they may not become one file.
  { source: 'src/cli.ts', bundle: 'cli', external: ['./cliMain.js', './cliQuick.js'] },
  // mcp is loaded for one command only.
  { source: 'src/cliMain.ts', bundle: 'cliMain', external: ['./mcp.js'] },
  { source: 'src/mcp.ts', bundle: 'mcp' },
  {
    source: 'src/cliQuick.ts',
    bundle: 'cliQuick',
    apart: { filesOfRuns: 'cliFiles', runDiff: 'cliDiff' },
  },
  { source: 'src/tools/filesOfRuns.ts', bundle: 'cliFiles' },
  { source: 'src/tools/runDiff.ts', bundle: 'cliDiff' },
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

/**
 * Commander loads `child_process`, and with it sockets and streams, for subcommands that are programs of their own.
 * There are none here, and every call of the command line would pay for it.
 * @type {import('esbuild').Plugin}
 */
const lazyChildProcess = {
  name: 'lazy child_process in commander',
  setup(build) {
    build.onLoad({ filter: /commander[\\/]lib[\\/]command\.js$/ }, async ({ path }) => {
      const eager = "const childProcess = require('node:child_process');";
      const text = await readFile(path, 'utf8');
      if (!text.includes(eager)) throw new Error(`${path} does not load child_process as expected`);
      const lazy =
        "const childProcess = { spawn: (...all) => require('node:child_process').spawn(...all) };";
      return { contents: text.replace(eager, lazy) };
    });
  },
};

/**
 * Modules that become bundles of their own, loaded when they are needed. Inside one bundle `import()` would have
 * everything that such a module needs wrapped in functions, what the others start with included.
 * @param {Record<string, string>} bundles by the name of the module
 * @returns {import('esbuild').Plugin}
 */
function loadedApart(bundles) {
  return {
    name: 'loaded apart',
    setup(build) {
      build.onResolve({ filter: /^\.\/\w+$/ }, ({ path, kind }) => {
        const bundle = kind === 'dynamic-import' ? bundles[path.slice(2)] : undefined;
        return bundle === undefined ? undefined : { path: `./${bundle}.js`, external: true };
      });
    },
  };
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
    ...programs.map(({ source, bundle, external = [], apart = {} }) => ({
      ...node,
      entryPoints: [source],
      outfile: `dist/${bundle}.js`,
      external: ['vscode', ...external],
      plugins: [lazyChildProcess, loadedApart(apart)],
      // A bundle that is apart is required: `import()` would start the other module loader first.
      supported: { 'dynamic-import': false },
    })),
    {
      ...browser,
      entryPoints: ['webview/main.ts'],
      outfile: 'dist/webview.js',
      // Two of its packages bring one each.
      alias: { tslib: 'tslib' },
      plugins: production ? [unusedParts, flatTemplates] : [],
      // Beside it, in a file of its own that is packaged too.
      legalComments: production ? 'external' : 'inline',
    },
    {
      ...browser,
      entryPoints: ['webview/panel.css'],
      outfile: 'dist/webview.css',
      loader: { '.ttf': 'file' },
      assetNames: '[name]',
    },
  ].filter(({ entryPoints }) => existsSync(join(projectRoot, entryPoints[0])));
}

/**
 * The indentation of templates is a tenth of our part of the panel; a line break is as good to HTML.
 * @type {import('esbuild').Plugin}
 */
const flatTemplates = {
  name: 'templates without indentation',
  setup(build) {
    build.onLoad(
      { filter: /[\\/](?:webview|webview-ui-toolkit|fast-foundation)[\\/].*\.[jt]s$/ },
      async ({ path }) => ({
        contents: (await readFile(path, 'utf8')).replace(/\n +/g, '\n'),
        loader: path.endsWith('.ts') ? 'ts' : 'js',
      }),
    );
  },
};

/**
 * The widget library brings a table of all keys and the colours of all its widgets, written so that no bundler dares
 * to leave out what nothing looks into.
 * @type {import('esbuild').Plugin}
 */
const unusedParts = {
  name: 'no parts of the widget library that nobody uses',
  setup(build) {
    const instead = (filter, part, by) =>
      build.onLoad({ filter }, async ({ path }) => {
        const text = await readFile(path, 'utf8');
        if (!part.test(text)) throw new Error(`${path} is not written as expected`);
        return { contents: text.replace(part, by), loader: 'js' };
      });
    instead(
      /fast-web-utilities[\\/]dist[\\/]key-codes\.js$/,
      /export var KeyCodes;\s*\(function[^]*?\}\)\(KeyCodes \|\| \(KeyCodes = \{\}\)\);/,
      '',
    );
    // A long search for what every browser has had for years; its last resort is `new Function`.
    instead(
      /fast-element[\\/]dist[\\/]esm[\\/]platform\.js$/,
      /export const \$global = \(function \(\) \{[^]*?\n\}\)\(\);/,
      'export const $global = globalThis;',
    );
    instead(
      /webview-ui-toolkit[\\/]dist[\\/]design-tokens\.js$/,
      /= create\(([^]*?)\);(?=\n|$)/g,
      '= /* @__PURE__ */ (() => create($1))();',
    );
  },
};

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
