// npm run mutate [-- TEXT …]: makes each fault of test/mutations.json in a copy of the core, and says which of them
// its tests catch. With words, only the faults in whose file, test or reason one of them occurs.
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
import { ensureDependencies, projectRoot } from './setup.mjs';

/** @typedef {{ file: string, find: string, replace: string, test: string, why: string }} Fault */

const patience = 60_000;
const least = 0.95;
/** What the tests of the core are made from. */
const copied = ['src/core', 'test/core', 'test/model', 'package.json', 'tsconfig.json'];

const running = new Set();
const scratch = mkdtempSync(join(tmpdir(), 'wavelock-mutate-'));
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

await ensureDependencies();
const words = process.argv.slice(2);
/** @type {Fault[]} */
const faults = JSON.parse(readFileSync(join(projectRoot, 'test/mutations.json'), 'utf8')).filter(
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
  await bundleCoreTests(copy, join(copy, 'core.test.js'));
  const { failed, said } = await runTests(copy, []);
  if (failed !== false) giveUp(`${said}\nThe tests fail without any fault.`);
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
  try {
    await bundleCoreTests(copy, join(copy, 'core.test.js'));
  } catch (error) {
    return { caught: false, how: `no program: ${error.message}` };
  }
  // Not “LOCK-10” where “LOCK-1” is meant.
  const grep = `${fault.test.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?!\\d)`;
  const named = await runTests(copy, ['--grep', grep]);
  if (named.failed === undefined) return { caught: false, how: 'no end in 60 s' };
  if (named.failed) return { caught: true, how: 'caught' };
  const none = /\b0 passing/.test(named.said) ? 'there is no' : 'not by';
  const all = await runTests(copy, []);
  if (all.failed === undefined) return { caught: false, how: 'no end in 60 s' };
  if (!all.failed) return { caught: false, how: 'survived' };
  const by = /^ +1\) (.+)$/m.exec(all.said)?.[1] ?? 'another test';
  return { caught: true, how: `caught, ${none} “${fault.test}” but “${by}”` };
}

/** `failed` is undefined when there was no end in time. */
function runTests(copy, flags) {
  return new Promise((done, fail) => {
    const mocha = [
      'node_modules/mocha/bin/mocha.js',
      '--bail',
      '--timeout',
      String(patience),
      ...flags,
    ];
    const child = spawn(process.execPath, [...mocha, 'core.test.js'], {
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
  process.exitCode = passed < least * verdicts.length ? 1 : 0;
}
