// npm test [-- LAYER … --grep TEXT --desktop]: sets up what the chosen layers need, runs each of them whatever
// the others did, and says the sum in its last line.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  ensureChromium,
  ensureDependencies,
  ensureEditor,
  ensureInspector,
  ensureNode,
  projectRoot,
} from './setup.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number, failures: { title: string, reason: string }[] }} Tally
 * @typedef {{ name: string, timeout: number, setUp?: 'product' | 'browser' | 'editor', run: (layer: Layer) => Promise<Tally> }} Layer
 */

const { values: asked, positionals: named } = parseArgs({
  allowPositionals: true,
  options: { desktop: { type: 'boolean' }, grep: { type: 'string' } },
});

/**
 * The limits end what hangs, and say nothing of speed: the same machine has been seen to be eight times slower.
 *
 * @type {Layer[]}
 */
const layers = [
  { name: 'house', timeout: 0, run: checkHouse },
  { name: 'layers', timeout: 120_000, run: runMocha },
  { name: 'core', timeout: 120_000, run: runMocha },
  { name: 'workflow', timeout: 120_000, run: runMocha },
  { name: 'contract', timeout: 300_000, setUp: 'product', run: runMocha },
  { name: 'crash', timeout: 600_000, setUp: 'product', run: runMocha },
  { name: 'cli', timeout: 300_000, setUp: 'product', run: runTools },
  { name: 'mcp', timeout: 300_000, setUp: 'product', run: runMocha },
  { name: 'panel', timeout: 300_000, setUp: 'browser', run: runPanel },
  { name: 'hosts', timeout: 0, setUp: asked.desktop ? 'product' : 'editor', run: runHosts },
  { name: 'e2e', timeout: 600_000, setUp: 'editor', run: runEndToEnd },
];

const houseChecks = [
  { name: 'typecheck', command: ['typescript/bin/tsc', '--noEmit', '-p', '.'] },
  { name: 'lint', command: ['eslint/bin/eslint.js', '.'] },
  { name: 'format', command: ['prettier/bin/prettier.cjs', '--check', '.'] },
];

/** Programs that a signal has to end too. Each leads a process group. */
const running = new Set();
const scratch = mkdtempSync(join(tmpdir(), 'wavelock-test-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));
process.once('exit', () => running.forEach((child) => signalGroup(child, 'SIGKILL')));
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.once(signal, () => void endRunning().then(() => process.exit(code)));
}

const chosen = chooseLayers();
// Both go on beside the layers that do without; those that need one tell when it failed.
const chromium = needs('browser', 'editor') ? ensureChromium() : undefined;
const editor = needs('editor') ? ensureEditor() : undefined;
chromium?.catch(() => {});
editor?.catch(() => {});
const node = await setUpOrGiveUp();
const { buildProduct, buildTests } = await import('./build.mjs');

const results = [];
let testsBuilt = false;
let productBuild;
for (const layer of chosen) {
  process.stdout.write(`\n── ${layer.name} ──\n`);
  const start = performance.now();
  const tally = await runLayer(layer);
  results.push({
    layer: layer.name,
    ...tally,
    seconds: ((performance.now() - start) / 1000).toFixed(1),
  });
}
sumUp();

function chooseLayers() {
  const unknown = named.filter((name) => !layers.some((layer) => layer.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `No layer is called ${unknown.join(', ')}. There are: ${layers.map(({ name }) => name).join(', ')}\n`,
    );
    process.exit(1);
  }
  return layers.filter(
    ({ name }) =>
      (named.length === 0 || named.includes(name)) && (name === 'house' || hasTests(name)),
  );
}

function hasTests(layer) {
  const folder = join(projectRoot, 'test', layer);
  return (
    existsSync(folder) &&
    readdirSync(folder, { recursive: true }).some((file) => String(file).endsWith('.test.ts'))
  );
}

/** @param {string[]} setUps */
function needs(...setUps) {
  return chosen.some(({ setUp }) => setUp !== undefined && setUps.includes(setUp));
}

async function setUpOrGiveUp() {
  try {
    const [path] = await Promise.all([ensureNode(), ensureDependencies()]);
    return path;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.stdout.write('0 passed, 1 failed\n');
    process.exit(1);
  }
}

/** A layer that cannot even start has failed once; the others still run. */
async function runLayer(layer) {
  try {
    if (layer.name !== 'house' && !testsBuilt) {
      await buildTests();
      testsBuilt = true;
    }
    if (layer.setUp === 'product') {
      await Promise.allSettled([editor, chromium]); // an install beside them would disturb what these tests time
      await buildOnce();
    }
    return await layer.run(layer);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${reason}\n`);
    return { passed: 0, failed: 1, skipped: 0, failures: [{ title: 'the start', reason }] };
  }
}

function buildOnce() {
  return (productBuild ??= buildProduct());
}

/** @returns {Promise<Tally>} */
async function checkHouse() {
  const failures = (await Promise.all(houseChecks.map(runCheck))).filter((failure) => failure);
  const failed = failures.length;
  return { passed: houseChecks.length - failed, failed, skipped: 0, failures };
}

async function runCheck({ name, command: [script, ...args] }) {
  const start = performance.now();
  let said = '';
  const code = await runProgram(
    process.execPath,
    [join(projectRoot, 'node_modules', script), ...args],
    {
      onOutput: (text) => (said += text),
    },
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(code === 0 ? `  ✔ ${name} (${seconds} s)\n` : `  ✘ ${name}\n${said}\n`);
  return code === 0 ? undefined : { title: name, reason: said };
}

/** @param {Layer} layer */
async function runMocha({ name, timeout }, env = {}) {
  const flags = ['--reporter', 'out/test/report.js', '--timeout', String(timeout)];
  if (asked.grep !== undefined) flags.push('--grep', asked.grep);
  if (process.env.CI) flags.push('--forbid-only');
  const mocha = [
    '--enable-source-maps',
    'node_modules/mocha/bin/mocha.js',
    ...flags,
    `out/test/${name}/**/*.test.js`,
  ];
  return countTests(name, mocha, { WAVELOCK_MUST_END_WITHIN: '5000', ...env });
}

/** @param {Layer} layer */
async function runTools(layer) {
  return runMocha(layer, { WAVELOCK_INSPECTOR: await ensureInspector() });
}

/** @param {Layer} layer */
async function runPanel(layer) {
  return runMocha(layer, { WAVELOCK_CHROMIUM: await chromium });
}

/** @param {Layer} layer */
async function runHosts({ name }) {
  const flags = [];
  if (asked.desktop) flags.push('--desktop');
  if (asked.grep !== undefined) flags.push('--grep', asked.grep);
  const env = await editorEnvironment();
  await buildOnce();
  return countTests(name, ['--enable-source-maps', 'out/test/editor/runHosts.js', ...flags], env);
}

/** @param {Layer} layer */
async function runEndToEnd(layer) {
  const env = await editorEnvironment();
  const { makeVsix } = await import('./package.mjs');
  return runMocha(layer, { ...env, WAVELOCK_VSIX: await makeVsix() });
}

/** The desktop VS Code brings everything itself. */
async function editorEnvironment() {
  if (editor === undefined) return {};
  const { vscodeRoot } = await editor;
  return {
    WAVELOCK_VSCODE_ROOT: vscodeRoot,
    WAVELOCK_CHROMIUM: await chromium,
    WAVELOCK_NODE: node,
  };
}

/** Runs a program whose tests write to WAVELOCK_TALLY. */
async function countTests(layer, args, env) {
  const tallyFile = join(scratch, `${layer}.jsonl`);
  const code = await runProgram(node, args, {
    env: { ...process.env, ...env, WAVELOCK_TALLY: tallyFile },
  });
  /** @type {Tally} */
  const tally = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const lines = existsSync(tallyFile) ? readFileSync(tallyFile, 'utf8').trim().split('\n') : [];
  for (const line of lines) {
    const { passed, failed, skipped, failures } = JSON.parse(line);
    tally.passed += passed;
    tally.failed += failed;
    tally.skipped += skipped;
    tally.failures.push(...failures);
  }
  // Tests that end before their report, or after it for a reason of their own, have failed as well.
  if (tally.failed === 0 && (code !== 0 || lines.length === 0)) {
    const reason = `The tests of ${layer} ended with ${code}.`;
    process.stderr.write(`${reason}\n`);
    tally.failed = 1;
    tally.failures.push({ title: 'the end', reason });
  }
  return tally;
}

/** Resolves with the exit code, when the whole process group is gone. */
function runProgram(command, args, { env = process.env, onOutput } = {}) {
  return new Promise((done, failed) => {
    const child = spawn(command, args, {
      cwd: projectRoot,
      env,
      stdio: onOutput ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      detached: process.platform !== 'win32',
    });
    running.add(child);
    child.stdout?.on('data', onOutput);
    child.stderr?.on('data', onOutput);
    child.once('error', failed);
    child.once('close', (code, signal) => {
      signalGroup(child, 'SIGKILL');
      running.delete(child);
      done(code ?? signal);
    });
  });
}

async function endRunning() {
  const ended = [...running].map((child) => new Promise((done) => child.once('close', done)));
  running.forEach((child) => signalGroup(child, 'SIGTERM'));
  const impatient = setTimeout(
    () => running.forEach((child) => signalGroup(child, 'SIGKILL')),
    8000,
  );
  await Promise.all(ended);
  clearTimeout(impatient);
}

function signalGroup(child, signal) {
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Where a long log is cut, its end is what is left. */
function tellAgain(layer, { title, reason }) {
  const lines = reason.trim().split('\n');
  const more = lines.length > 30 ? [`… ${lines.length - 30} lines more above`] : [];
  process.stdout.write(`\n✘ ${layer}: ${title}\n`);
  for (const line of [...lines.slice(0, 30), ...more]) process.stdout.write(`    ${line}\n`);
}

function sumUp() {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map(sum);
  const columns = ['layer', 'passed', 'failed', 'skipped', 'seconds'];
  const rows = [columns, ...results.map((result) => columns.map((key) => String(result[key])))];
  const lines = rows.map(
    ([name, ...figures]) => name.padEnd(10) + figures.map((figure) => figure.padStart(9)).join(''),
  );
  for (const { layer, failures } of results)
    failures.forEach((failure) => tellAgain(layer, failure));
  const last = `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  process.stdout.write(`\n${lines.join('\n')}\n\n${last}\n`);
  process.exitCode = failed > 0 || passed + failed === 0 ? 1 : 0;
}
