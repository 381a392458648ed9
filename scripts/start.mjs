// npm start [-- --port N --fresh --no-open]: Wavelock, installed in a real VS Code, on a sample workspace.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { installExtension, startEditorServer, windowAddress } from './editorServer.mjs';
import {
  ensureDependencies,
  ensureEditor,
  ensureNode,
  projectRoot,
  scratchRoot,
} from './setup.mjs';

const { values: asked } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    fresh: { type: 'boolean' },
    'no-open': { type: 'boolean' },
  },
});
// Outside this checkout, else the sample would count as a part of it and share its store.
const checkout = createHash('sha256').update(projectRoot).digest('hex').slice(0, 8);
const folder = join(realpathSync(tmpdir()), `wavelock-sample-${checkout}`, 'ledger');

/** @type {AbortController} */
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stopped.abort());

const [{ vscodeRoot }, node] = await Promise.all([
  ensureEditor(),
  ensureNode(),
  ensureDependencies(),
]);
const { makeVsix } = await import('./package.mjs');
const vsix = await makeVsix();
await prepareSample();
const place = { vscodeRoot, node, dataDir: join(scratchRoot, 'start') };
await installExtension(place, vsix);
if (!stopped.signal.aborted) await serve();

async function serve() {
  const server = await startEditorServer({
    ...place,
    port: Number(asked.port),
    keepSettings: true,
  });
  const address = windowAddress(server.port, { folder });
  process.stdout.write(`\nWavelock runs in VS Code at ${address}\n`);
  if (onPath('code')) {
    process.stdout.write(
      `To install it in your own VS Code: code --install-extension ${relative(process.cwd(), vsix)}\n`,
    );
  }
  process.stdout.write('Ctrl-C stops it.\n');
  if (!asked['no-open'] && !process.env.CI) open(address);

  const interrupted = new Promise((done) => stopped.signal.addEventListener('abort', done));
  const why = await Promise.race([
    interrupted.then(() => 'asked'),
    server.ended.then(() => 'ended'),
  ]);
  await server.stop();
  if (why === 'ended') {
    process.stderr.write('The VS Code server ended by itself.\n');
    process.exitCode = 1;
  }
}

async function prepareSample() {
  if (asked.fresh) await rm(folder, { recursive: true, force: true });
  if (existsSync(folder)) return;
  await cp(join(projectRoot, 'test/fixtures/sample'), folder, { recursive: true });
}

/** @param {string} program */
function onPath(program) {
  const look = process.platform === 'win32' ? 'where' : 'which';
  return spawnSync(look, [program], { stdio: 'ignore' }).status === 0;
}

/** @param {string} address */
function open(address) {
  const [program, ...args] = {
    darwin: ['open', address],
    win32: ['cmd', '/c', 'start', '""', address.replaceAll('&', '^&')],
  }[process.platform] ?? ['xdg-open', address];
  const opener = spawn(program, args, { stdio: 'ignore', detached: true });
  opener.once('error', () => {}); // the address is on the screen
  opener.unref();
}
