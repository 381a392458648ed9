// The tests of the store, made into programs from the sources of any copy of the project.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22',
  sourcemap: 'inline',
  logLevel: 'silent',
};

/**
 * One file of tests, with the programs that tests start and the store's thread.
 * @param {string} root of the project, or of a copy of it
 * @param {string} suite as `contract/store`
 * @returns {Promise<string>} the program, from the root
 */
export async function bundleStoreTests(root, suite) {
  const folders = ['test/contract', 'test/crash'].map(async (folder) =>
    (await readdir(join(root, folder)))
      .filter((name) => name.endsWith('Child.ts'))
      .map((name) => `${folder}/${name}`),
  );
  const programs = (await Promise.all(folders)).flat();
  await Promise.all([
    build({
      ...common,
      entryPoints: [`test/${suite}.test.ts`, ...programs],
      outdir: 'out/test',
      outbase: 'test',
      absWorkingDir: root,
      packages: 'external',
    }),
    build({
      ...common,
      entryPoints: ['src/store/sqlite/threadEntry.ts'],
      outfile: 'dist/storeThread.js',
      absWorkingDir: root,
    }),
  ]);
  return `out/test/${suite}.test.js`;
}
