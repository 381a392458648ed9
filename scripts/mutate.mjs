// npm run mutate [-- TEXT …]: makes each fault of test/mutations.json (the core), test/storeMutations.json (the store)
// and test/workflowMutations.json (workflow files) in a copy of the project, and says which of them the tests catch:
// nearly all of the core's, every one of the others. With words, only the faults in whose file, test or reason one of
// them occurs.
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundleCoreTests } from './coreTests.mjs';
import { ensureDependencies, ensureNode, projectRoot } from './setup.mjs';
import { bundleStoreTests } from './storeTests.mjs';

/**
 * With a suite, the test is of that file, and may be one of several that `|` parts.
 * @typedef {{ file: string, find: string, replace: string, suite?: string, test: string, why: string }} Fault
 */

const patience = 60_000;
const leastOfTheCore = 0.95;
/** What the tests are made from. */
const copied = ['src', 'test', 'package.json', 'tsconfig.json'];

const running = new Set();
const scratch = mkdtempSync(join(tmpdir(), 'wavelock-mutate-'));
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

const [node] = await Promise.all([ensureNode(), ensureDependencies()]);
const words = process.argv.slice(2);
/** @type {Fault[]} */
const faults = ['test/mutations.json', 'test/storeMutations.json', 'test/workflowMutations.json']
  .flatMap((list) => JSON.parse(readFileSync(join(projectRoot, list), 'utf8')))
  .filter(
    ({ file, test, why }) =>
      words.length === 0 || words.some((word) => `${file} ${test} ${why}`.includes(word)),
  );
const originals = new Map(
  [...new Set(faults.map(({ file }) => file))].map((file) => [
    file,
    readFileSync(join(projectRoot, file), 'utf8'),
  ]),
);
refuseUnclearFaults();

const copies = Array.from({ length: Math.max(1, Math.min(8, availableParallelism())) }, makeCopy);
await refuseFailingTests(copies[0]);
const verdicts = [];
let next = 0;
await Promise.all(copies.map(work));
sumUp();

function refuseUnclearFaults() {
  const unclear = faults.flatMap(({ file, find, replace, why }) => {
    const matches = originals.get(file).split(find).length - 1;
    if (matches === 1 && find !== replace) return [];
    return [`${file}: “${find}” is there ${matches} times (${why})`];
  });
  if (unclear.length === 0 && faults.length > 0) return;
  giveUp([...unclear, `${unclear.length} of ${faults.length} faults cannot be made.`].join('\n'));
}

async function refuseFailingTests(copy) {
  for (const suite of new Set(faults.map((fault) => fault.suite))) {
    const program = await programOf(copy, suite);
    // Of the store only the tests that are named: its long ones would take as long as all faults together.
    const named = suite === undefined ? [] : faults.filter((fault) => fault.suite === suite);
    const flags = named.length > 0 ? ['--grep', named.map(patternOf).join('|')] : [];
    const { failed, said } = await runTests(copy, program, flags);
    if (failed !== false) giveUp(`${said}\nThe tests fail without any fault.`);
  }
}

/** @returns the tests that a fault is for, bundled */
async function programOf(copy, suite) {
  if (suite !== undefined) return bundleStoreTests(copy, suite);
  await bundleCoreTests(copy, join(copy, 'core.test.js'));
  return 'core.test.js';
}

/** Not “LOCK-10” where “LOCK-1” is meant. */
function patternOf({ test, suite }) {
  const texts = suite === undefined ? [test] : test.split('|');
  return texts.map((text) => `${text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?!\\d)`).join('|');
}

function giveUp(why) {
  process.stdout.write(`${why}\n0 passed, 1 failed\n`);
  process.exit(1);
}

function makeCopy(_, index) {
  const copy = join(scratch, String(index));
  for (const path of copied) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    cpSync(join(projectRoot, path), join(copy, path), { recursive: true });
  }
  symlinkSync(join(projectRoot, 'node_modules'), join(copy, 'node_modules'), 'junction');
  return copy;
}

async function work(copy) {
  for (let fault = faults[next++]; fault !== undefined; fault = faults[next++]) {
    const original = originals.get(fault.file);
    const path = join(copy, fault.file);
    const start = performance.now();
    // A function, for a replacement is text in which no `$` is special.
    writeFileSync(
      path,
      original.replace(fault.find, () => fault.replace),
    );
    const verdict = await verdictOn(fault, copy);
    writeFileSync(path, original);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    verdicts.push({ fault, ...verdict });
    const sign = verdict.caught ? '✔' : '✘';
    process.stdout.write(`${sign} ${verdict.how} (${seconds} s)  ${fault.file}: ${fault.why}\n`);
  }
}

/** @param {Fault} fault */
async function verdictOn(fault, copy) {
  let program;
  try {
    program = await programOf(copy, fault.suite);
  } catch (error) {
    return { caught: false, how: `no program: ${error.message}` };
  }
  const named = await runTests(copy, program, ['--grep', patternOf(fault)]);
  if (named.failed === undefined) return { caught: false, how: 'no end in 60 s' };
  if (named.failed) return { caught: true, how: 'caught' };
  const none = /\b0 passing/.test(named.said) ? 'there is no' : 'not by';
  const all = await runTests(copy, program, []);
  if (all.failed === undefined) return { caught: false, how: 'no end in 60 s' };
  if (!all.failed) return { caught: false, how: 'survived' };
  const by = /^ +1\) (.+)$/m.exec(all.said)?.[1] ?? 'another test';
  return { caught: true, how: `caught, ${none} “${fault.test}” but “${by}”` };
}

/** `failed` is undefined when there was no end in time. */
function runTests(copy, program, flags) {
  return new Promise((done, fail) => {
    const mocha = [
      'node_modules/mocha/bin/mocha.js',
      '--bail',
      '--timeout',
      String(patience),
      ...flags,
    ];
    const child = spawn(node, ['--disable-warning=ExperimentalWarning', ...mocha, program], {
      cwd: copy,
      // The same sequences each time: a fault is caught, or it is not.
      env: { ...process.env, WAVELOCK_SEED: '1' },
    });
    running.add(child);
    let said = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, patience);
    child.stdout.on('data', (text) => (said += text));
    child.stderr.on('data', (text) => (said += text));
    child.once('error', fail);
    child.once('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      done({ failed: late ? undefined : code !== 0, said: said.slice(-8000) });
    });
  });
}

function sumUp() {
  const survivors = verdicts.filter(({ caught }) => !caught);
  const passed = verdicts.length - survivors.length;
  for (const { fault, how } of survivors)
    process.stdout.write(
      `\n${how}: ${fault.file}\n  ${fault.why}\n  - ${fault.find}\n  + ${fault.replace}\n`,
    );
  process.stdout.write(`\n${passed} passed, ${survivors.length} failed\n`);
  const ofTheCore = verdicts.filter(({ fault }) => fault.suite === undefined);
  const lost = survivors.filter(({ fault }) => fault.suite === undefined).length;
  const enough = lost <= (1 - leastOfTheCore) * ofTheCore.length && lost === survivors.length;
  process.exitCode = enough ? 0 : 1;
}
