// Makes wavelock.vsix.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureDependencies, projectRoot } from './setup.mjs';

export const vsixFile = join(projectRoot, 'wavelock.vsix');

/** Builds for production and packs; returns the path of the VSIX. */
export async function makeVsix() {
  // Both come with the dependencies, which this may have just installed.
  const { buildProduct } = await import('./build.mjs');
  const { createVSIX } = await import('@vscode/vsce');
  await buildProduct({ production: true });
  await createVSIX({
    cwd: projectRoot,
    packagePath: vsixFile,
    dependencies: false, // everything is in the bundles
    allowMissingRepository: true,
    rewriteRelativeLinks: false, // the picture of the README is inside
  });
  return vsixFile;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await ensureDependencies();
  await makeVsix();
}
