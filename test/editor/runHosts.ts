// Runs test/hosts in the extension host of a real VS Code: the one of scripts/setup.mjs, or with --desktop one
// that @vscode/test-electron downloads. Tests in hosts/twoFolders get a window with two folders, those in
// hosts/emptyFolder one with an empty folder.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runTests, TestRunFailedError } from '@vscode/test-electron';

const { values: asked } = parseArgs({
  options: { desktop: { type: 'boolean' }, grep: { type: 'string' } },
});
const compiled = resolve(__dirname, '..');
const projectRoot = resolve(compiled, '../..');

interface Window {
  readonly files: readonly string[];
  readonly open: (scratch: string) => string;
}

const windows: readonly Window[] = [
  {
    files: testFiles().filter((file) => !isIn('twoFolders', file) && !isIn('emptyFolder', file)),
    open: sampleFolder,
  },
  { files: testFiles().filter((file) => isIn('twoFolders', file)), open: twoFolders },
  { files: testFiles().filter((file) => isIn('emptyFolder', file)), open: emptyFolder },
];

function testFiles(): string[] {
  const folder = join(compiled, 'hosts');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(folder, name))
    .sort();
}

function isIn(window: 'emptyFolder' | 'twoFolders', file: string): boolean {
  return file.startsWith(join(compiled, 'hosts', window));
}

function sampleFolder(scratch: string, name = 'sample'): string {
  const folder = join(scratch, name);
  const sample = join(projectRoot, 'test/fixtures/sample');
  if (existsSync(sample)) cpSync(sample, folder, { recursive: true });
  else mkdirSync(folder, { recursive: true });
  return folder;
}

/** Nothing wakes the extension there before a test does. */
function emptyFolder(scratch: string): string {
  const folder = join(scratch, 'empty');
  mkdirSync(folder);
  return folder;
}

function twoFolders(scratch: string): string {
  const folders = ['first', 'second'].map((name) => ({ path: sampleFolder(scratch, name) }));
  const file = join(scratch, 'both.code-workspace');
  writeFileSync(file, JSON.stringify({ folders }));
  return file;
}

async function runIn({ files, open }: Window): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'wavelock-hosts-'));
  try {
    return await runTests({
      ...(asked.desktop ? {} : { vscodeExecutablePath: standInExecutable() }),
      extensionDevelopmentPath: projectRoot,
      extensionTestsPath: join(compiled, 'editor/hostRun.js'),
      extensionTestsEnv: {
        WAVELOCK_TEST_FILES: JSON.stringify(files),
        ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}),
        ...(asked.grep === undefined ? {} : { WAVELOCK_GREP: asked.grep }),
      },
      launchArgs: [
        open(scratch),
        `--user-data-dir=${join(scratch, 'user-data')}`,
        `--extensions-dir=${join(scratch, 'extensions')}`,
      ],
    });
  } catch (error) {
    // The report is on the screen already.
    if (error instanceof TestRunFailedError) return error.code ?? 1;
    throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A program of its own, because runTests starts the executable without further arguments. */
function standInExecutable(): string {
  const script = join(compiled, 'editor/standIn.js');
  const [name, text] =
    process.platform === 'win32'
      ? ['code.cmd', `@"${process.execPath}" --enable-source-maps "${script}" %*\r\n`]
      : [
          'code',
          `#!/bin/sh\nexec ${quoted(process.execPath)} --enable-source-maps ${quoted(script)} "$@"\n`,
        ];
  const file = join(compiled, 'editor', name);
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

let stopping = false;

async function main(): Promise<number> {
  let worst = 0;
  for (const window of windows) {
    if (window.files.length > 0 && !stopping) worst = Math.max(worst, await runIn(window));
  }
  return worst;
}

process.on('SIGINT', () => (stopping = true));
// runTests passes only SIGINT on to the editor.
process.on('SIGTERM', () => process.emit('SIGINT'));
void main().then((code) => process.exit(code));
