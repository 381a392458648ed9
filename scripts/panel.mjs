// npm run panel [-- PORT]: the run-state panel in a browser, with recorded states instead of an editor.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { build, context } from 'esbuild';

/**
 * Serves webview/standalone.html of the project in the working folder.
 * @param {{ port?: number, fresh?: boolean }} [options] fresh: bundles anew on each load; else once, for tests
 */
export async function servePanel({ port = 0, fresh = false } = {}) {
  return fresh ? serveFresh(port) : serveOnce(port);
}

async function serveFresh(port) {
  const builds = await context(bundles());
  const server = await builds.serve({ host: '127.0.0.1', port, servedir: 'webview' });
  return { url: addressAt(server.port), stop: () => builds.dispose() };
}

async function serveOnce(port) {
  const { outputFiles } = await build({ ...bundles(), minify: true });
  const files = new Map(
    outputFiles.map(({ path, contents }) => [`/built/${basename(path)}`, contents]),
  );
  files.set('/standalone.html', await readFile(join('webview', 'standalone.html')));
  const server = createServer(({ url = '' }, response) => {
    const path = url.split('?')[0] ?? '';
    const content = files.get(path);
    response.writeHead(content ? 200 : 404, {
      'content-type': types[path.slice(path.lastIndexOf('.'))] ?? 'application/octet-stream',
    });
    response.end(content);
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: addressAt(server.address().port),
    stop: () =>
      new Promise((done) => {
        server.close(done);
        server.closeAllConnections();
      }),
  };
}

const addressAt = (port) => `http://127.0.0.1:${port}/standalone.html`;

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.ttf': 'font/ttf',
};

/** @returns {import('esbuild').BuildOptions & { write: false }} */
function bundles() {
  return {
    absWorkingDir: process.cwd(),
    entryPoints: [
      { in: 'webview/main.ts', out: 'webview' },
      { in: 'webview/panel.css', out: 'webview' },
      { in: 'test/panel/page.ts', out: 'page' },
      { in: 'test/panel/themes.css', out: 'themes' },
    ],
    // Never written: all is answered from memory.
    write: false,
    outdir: 'webview/built',
    bundle: true,
    format: 'iife',
    target: 'es2022',
    loader: { '.ttf': 'file' },
    assetNames: '[name]',
    logLevel: 'warning',
  };
}

// The tests bundle this file, which rules out import.meta.url and a top-level await.
if (process.argv[1] && resolve(process.argv[1]) === resolve('scripts', 'panel.mjs')) {
  void servePanel({ port: Number(process.argv[2] ?? 0), fresh: true }).then(({ url }) => {
    process.stdout.write(`${url}#theme=dark&state=normal\n`);
  });
}
