// Starts and stops the VS Code server that the tests and `npm start` use. No dependencies and no
// import.meta: it is also bundled into the compiled tests.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const quietSettings = {
  'security.workspace.trust.enabled': false,
  'chat.disableAIFeatures': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'window.autoDetectColorScheme': false, // otherwise the browser decides and workbench.colorTheme means nothing
  'workbench.colorTheme': 'Dark 2026',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'files.autoSave': 'off', // in a browser window the default is afterDelay
};

const commonArguments = (place) => [
  join(place.vscodeRoot, 'out/server-main.js'),
  '--accept-server-license-terms',
  '--telemetry-level',
  'off',
  '--server-data-dir',
  place.dataDir,
  '--user-data-dir',
  place.dataDir,
  '--extensions-dir',
  extensionsOf(place),
];

const extensionsOf = (place) => place.extensionsDir ?? join(place.dataDir, 'extensions');

/** The file that holds the user's settings of a server. */
export const settingsFile = (dataDir) => join(dataDir, 'User/settings.json');

/** Makes a VSIX part of the server with this data folder. Do it before the server starts. */
export async function installExtension(place, vsix) {
  const { stdout, stderr } = await promisify(execFile)(
    place.node,
    [...commonArguments(place), '--install-extension', vsix, '--force'],
    { env: environment() },
  );
  if (!/successfully installed/.test(stdout))
    throw new Error(`${vsix} was not installed:\n${stdout}\n${stderr}`);
}

/** Resolves when the server listens. */
export async function startEditorServer(options) {
  await writeSettings(options);
  await mkdir(extensionsOf(options), { recursive: true });
  const child = spawn(
    options.node,
    [
      ...commonArguments(options),
      '--host',
      '127.0.0.1',
      '--port',
      String(options.port ?? 0),
      '--without-connection-token',
      // Otherwise the extension host of a window that vanished lives on for three hours.
      '--reconnection-grace-time',
      '5',
      ...(options.testDriver ? ['--enable-smoke-test-driver'] : []),
    ],
    // A process group of its own, so that its file watchers and extension hosts can be ended with it.
    {
      env: environment(options.env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    },
  );
  const killAll = () => killGroup(child.pid);
  process.once('exit', killAll);
  try {
    return {
      port: await listeningPort(child, options.onOutput),
      pid: child.pid,
      ended: once(child, 'exit'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }

  async function stop() {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const impatient = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(impatient);
    }
    killAll();
    process.off('exit', killAll);
  }
}

/** The address of a window; `payload` entries are VS Code's own web environment options. */
export function windowAddress(port, { folder, workspace, payload = [] } = {}) {
  const query = new URLSearchParams();
  if (workspace !== undefined) query.set('workspace', workspace);
  else if (folder !== undefined) query.set('folder', folder);
  else query.set('ew', 'true');
  if (payload.length > 0) query.set('payload', JSON.stringify(payload));
  // Readable slashes: people see this address.
  return `http://127.0.0.1:${port}/?${query.toString().replaceAll('%2F', '/')}`;
}

async function writeSettings({ dataDir, settings, keepSettings }) {
  const file = settingsFile(dataDir);
  if (
    keepSettings &&
    (await access(file).then(
      () => true,
      () => false,
    ))
  )
    return;
  await mkdir(join(dataDir, 'User'), { recursive: true });
  await writeFile(file, JSON.stringify({ ...quietSettings, ...settings }, null, 2));
}

function environment(env = process.env) {
  const clean = { ...env };
  delete clean.NODE_OPTIONS;
  // A terminal inside VS Code carries these; the server would talk to that VS Code.
  for (const name of Object.keys(clean)) if (name.startsWith('VSCODE_')) delete clean[name];
  return clean;
}

function listeningPort(child, onOutput) {
  return new Promise((resolve, reject) => {
    let tail = '';
    const listen = (chunk) => {
      tail = (tail + chunk).slice(-8000);
      onOutput?.(String(chunk));
      const match = /Extension host agent listening on (\d+)/.exec(tail);
      if (match) resolve(Number(match[1]));
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`The VS Code server ended with ${code} before it listened:\n${tail}`)),
    );
  });
}

function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
