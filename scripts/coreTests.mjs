// The tests of the core, made into programs without the other layers.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const common = {
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  sourcemap: true,
  logLevel: 'silent',
};

/**
 * One bundle of all of them: quick to make.
 * @param {string} root of the project, or of a copy of it
 * @param {string} outfile
 */
export async function bundleCoreTests(root, outfile) {
  const tests = (await filesBelow(root, 'test/core')).filter(isTest);
  await build({
    ...common,
    stdin: { contents: tests.map((file) => `import './${file}';`).join('\n'), resolveDir: root },
    outfile,
    absWorkingDir: root,
    bundle: true,
    packages: 'external',
  });
}

/**
 * One module for each file, with all of its code and nothing else, so that coverage can be told by file. Gives
 * what has to be loaded: the tests, and the sources, for one that no test knows has to be seen as well.
 * @param {string} root
 * @param {string} outdir
 */
export async function transpileCore(root, outdir) {
  const folders = ['src/core', 'test/core', 'test/model'];
  const files = (await Promise.all(folders.map((folder) => filesBelow(root, folder)))).flat();
  await build({
    ...common,
    format: 'esm',
    entryPoints: files,
    outdir,
    outbase: root,
    outExtension: { '.js': '.mjs' },
    absWorkingDir: root,
    bundle: true,
    packages: 'external',
    plugins: [
      {
        name: 'modules apart',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^\./ }, ({ path, kind }) =>
            kind === 'entry-point' ? undefined : { path: `${path}.mjs`, external: true },
          ),
      },
    ],
  });
  return files
    .filter((file) => file.startsWith('src/') || isTest(file))
    .map((file) => join(outdir, file.replace(/\.ts$/, '.mjs')));
}

const isTest = (file) => file.endsWith('.test.ts');

async function filesBelow(root, folder) {
  const files = await readdir(join(root, folder), { recursive: true });
  return files
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .sort();
}
