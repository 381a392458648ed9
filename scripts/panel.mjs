// npm run panel [-- PORT]: the run-state panel in a browser, with recorded states instead of an editor.
import { resolve } from 'node:path';
import { context } from 'esbuild';

/** Serves webview/standalone.html of the project in the working folder; bundles afresh on each load. */
export async function servePanel({ port = 0 } = {}) {
  const root = process.cwd();
  const builds = await context({
    absWorkingDir: root,
    entryPoints: [
      { in: 'webview/main.ts', out: 'webview' },
      { in: 'webview/panel.css', out: 'webview' },
      { in: 'test/panel/page.ts', out: 'page' },
      { in: 'test/panel/themes.css', out: 'themes' },
    ],
    // Never written: esbuild answers from memory.
    write: false,
    outdir: 'webview/built',
    bundle: true,
    format: 'iife',
    target: 'es2022',
    loader: { '.ttf': 'file' },
    assetNames: '[name]',
    logLevel: 'warning',
  });
  const server = await builds.serve({ host: '127.0.0.1', port, servedir: 'webview' });
  return {
    url: `http://127.0.0.1:${server.port}/standalone.html`,
    stop: () => builds.dispose(),
  };
}

// The tests bundle this file, which rules out import.meta.url and a top-level await.
if (process.argv[1] && resolve(process.argv[1]) === resolve('scripts', 'panel.mjs')) {
  void servePanel({ port: Number(process.argv[2] ?? 0) }).then(({ url }) => {
    process.stdout.write(`${url}#theme=dark&state=normal\n`);
  });
}
