/**
 * Eight processes that set tasks and add notes, and a person whose editor saves the same file in place and by
 * rename, also what was read a while ago: every edit is in the file, or in a listed conflict or backup.
 */
import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Store } from '../../src/store/store';
import { hashOf, WorkflowFiles } from '../../src/store/workflowFiles';
import { readWorkflow } from '../../src/workflow/reader';
import { granted } from '../core/rowStore';
import { stateMd, Workbench } from '../contract/stores';
import type { Said } from './editorsChild';

const campaign = process.env['WAVELOCK_CAMPAIGN'] === '1';
const rounds = campaign ? 2_000 : 8;
const writers = 8;
const start = stateMd({ wave: 1, waves: [Array.from({ length: writers }, () => ' '), [' ']] });

describe('crash: many writers and a person at one file', function () {
  this.timeout(campaign ? 3_600_000 : 600_000);

  for (const lock of ['on', 'off']) {
    it(`S-16 with the lock ${lock}: every edit is in the file, a conflict or a backup (${rounds} rounds)`, () =>
      storm(lock));
  }
});

async function storm(lock: string): Promise<void> {
  const bench = new Workbench();
  const path = bench.write('STATE.md', start);
  const store = await bench.store();
  granted(await store.submit({ kind: 'config.set', key: 'rate.mutations', value: 0 }));
  granted(await store.submit({ kind: 'config.set', key: 'backups.keep', value: 10_000 }));
  const files = new WorkflowFiles({ place: bench.place, store, now: Date.now, lockWaitMs: 60_000 });
  await files.sync(bench.folder);
  const children = Array.from({ length: writers }, (_, index) =>
    startWriter(bench.folder, `1-${index + 1}`, lock),
  );
  try {
    await Promise.all(children.map(({ ready }) => ready));
    const person = new Person(path);
    // A write of theirs is what the person's next save has to live with; so they alternate.
    const heard = follow(store);
    for (let round = 0; round < rounds; round += 1) {
      await heard.next(round % 3 === 0 ? 1 : 3);
      // Who saves an older text over a save of their own that nobody has seen has done away with that themselves.
      while (person.isAsLeft) await heard.next(1);
      person.save(round);
    }
    for (const { child } of children) child.send('stop');
    const said = await Promise.all(children.map(({ done }) => done));
    heard.stop();
    await Promise.all(children.map(({ ended }) => ended));
    await files.keepPromises();
    await files.sync(bench.folder);

    const text = readFileSync(path, 'utf8');
    const kept = await everythingKept(bench.folder, files);
    const { plan } = readWorkflow('STATE.md', text);
    let apart = 0;
    const isKept = (words: string): boolean => {
      if (text.includes(words)) return true;
      apart += 1;
      return kept.includes(words);
    };
    const conflicts = await files.conflicts();
    // Where the person has won, ours is in the conflict.
    const decided = new Set(
      conflicts.flatMap(({ diff: { added, removed, modified } }) => [
        ...added,
        ...removed,
        ...modified,
      ]),
    );
    said.forEach(({ notes, status }, index) => {
      const task = `1-${index + 1}`;
      for (let note = 1; note <= notes; note += 1)
        assert.ok(isKept(`${task} says ${note}.`), `note ${note} of ${task} is nowhere`);
      const box = plan?.waves[0]?.tasks.find(({ id }) => id === task);
      if (!decided.has(task)) assert.equal(box?.status, status, `${task} in\n${text}`);
    });
    for (const { words } of person.saved.filter(({ how }) => how === 'in place'))
      assert.ok(isKept(words), `“${words}” is nowhere`);
    // Of saves by rename the one that falls between our last look and our own rename is gone.
    const renamed = person.saved.filter(({ how }) => how === 'by rename');
    const gone = renamed.filter(({ words }) => !isKept(words)).length;
    assert.ok(gone <= 1 + renamed.length / 100, `${gone} of ${renamed.length} are nowhere`);
    assert.deepEqual(await store.read('fileEdits', {}), []);
    const { workflow } = await store.read('workflowFile', { workflow: 'wf' as never });
    assert.equal(workflow?.hash, hashOf(text));
    const left = readdirSync(bench.folder).filter((name) => name.startsWith('.STATE'));
    assert.deepEqual(left, [], 'no temp file is left');
    const sum = (of: (each: Said) => number): number =>
      said.reduce((all, each) => all + of(each), 0);
    const [notes, later, busy] = [
      sum((each) => each.notes),
      sum((each) => each.later),
      sum((each) => each.busy),
    ];
    // Whoever comes too late again and again is told so, which must stay the exception.
    assert.ok(busy <= 2 + (2 * notes) / 50, `${busy} of ${2 * notes} were told to come again`);
    console.log(
      `      lock ${lock}: ${notes} notes and as many tasks set, ${person.saved.length} saves by hand; ${apart} in a backup or one of ${conflicts.length} conflicts, ${gone} in the gap, ${later} told later, ${granted(await files.backups(bench.folder)).backups.length} backups, ${busy} told to come again`,
    );
  } finally {
    for (const { child } of children) if (child.exitCode === null) child.kill('SIGKILL');
    await bench.clear();
  }
}

/** Resolves with each so many writes of the file that become known. */
function follow(store: Store): { next(count: number): Promise<void>; stop(): void } {
  let written = 0;
  let wake = (): void => undefined;
  const subscription = store.subscribe(0, (events) => {
    written += events.filter(({ kind }) => kind === 'file.written').length;
    wake();
  });
  return {
    next: async (count) => {
      const enough = written + count;
      while (written < enough)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
    stop: () => {
      subscription.dispose();
    },
  };
}

/** Each line of conflicts and backups once: whole, thousands of them are more than a string can hold. */
async function everythingKept(folder: string, files: WorkflowFiles): Promise<string> {
  const lines = new Set<string>();
  const keep = (text = ''): void => {
    for (const line of text.split('\n')) lines.add(line);
  };
  for (const conflict of await files.conflicts())
    for (const text of Object.values(files.conflictTexts(conflict))) keep(text);
  for (const { file } of granted(await files.backups(folder)).backups)
    keep(readFileSync(file, 'utf8'));
  return [...lines].join('\n');
}

/** Reads, thinks, and saves what was read with a line more: in place, or by a rename. */
class Person {
  readonly saved: { readonly words: string; readonly how: 'in place' | 'by rename' }[] = [];
  #read: string | undefined;

  #left: string | undefined;

  constructor(private readonly path: string) {}

  get isAsLeft(): boolean {
    return readFileSync(this.path, 'utf8') === this.#left;
  }

  save(round: number): void {
    const words = `The person says ${round}.`;
    const stale = round % 4 === 3 ? this.#read : undefined;
    const text = stale ?? readFileSync(this.path, 'utf8');
    // What an editor shows in the middle of another's save is nothing to go on from.
    if (!text.includes('## Notes')) return;
    this.#read = text;
    const changed = text.replace('- A note', `- ${words}\n- A note`);
    const how = round % 2 === 0 ? 'in place' : 'by rename';
    if (how === 'in place') writeFileSync(this.path, changed);
    else {
      writeFileSync(`${this.path}~`, changed);
      renameSync(`${this.path}~`, this.path);
    }
    this.#left = changed;
    this.saved.push({ words, how });
  }
}

interface Started {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
  readonly done: Promise<Said>;
  readonly ended: Promise<unknown>;
}

function startWriter(folder: string, task: string, lock: string): Started {
  const child = fork('out/test/crash/editorsChild.js', [folder, task, '1000000', lock], {
    execArgv: ['--disable-warning=ExperimentalWarning', '--enable-source-maps'],
  });
  // Its end may be known before what it said last is read.
  const ended = Promise.all([once(child, 'exit'), once(child, 'disconnect')]);
  const failed = ended.then(([[code]]) => {
    throw new Error(`${task} ended with ${String(code)} before it was done`);
  });
  failed.catch(() => undefined);
  const messages: Said[] = [];
  let heard = (): void => undefined;
  child.on('message', (said: Said) => {
    messages.push(said);
    heard();
  });
  const message = async (count: number): Promise<Said> => {
    while (messages.length < count)
      await new Promise<void>((resolve) => {
        heard = resolve;
      });
    return messages[count - 1] as Said;
  };
  const ready = Promise.race([message(1), failed]);
  return { child, ready, done: ready.then(() => Promise.race([message(2), failed])), ended };
}
