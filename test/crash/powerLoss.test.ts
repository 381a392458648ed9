/**
 * The power fails in the middle of writes of a workflow file: after every call to the disk, with what was not
 * flushed dropped, zeroed or cut, names for themselves and contents for themselves. Whoever opens the folder next
 * finds every committed change in the file exactly once, and none that was not.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TaskId } from '../../src/core/model';
import { openLocalStore } from '../../src/store/localStore';
import { placeOf } from '../../src/store/place';
import type { Store } from '../../src/store/store';
import { hashOf, WorkflowFiles } from '../../src/store/workflowFiles';
import { readWorkflow } from '../../src/workflow/reader';
import { granted } from '../core/rowStore';
import { identity, stateMd } from '../contract/stores';
import { noLockfile } from './stallLockfile';
import { RecordingDisk, type Contents } from './powerLossDisk';

const campaign = process.env['WAVELOCK_CAMPAIGN'] === '1';
const wanted = campaign ? 20_000 : 120;
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 1_000_000);
const start = stateMd({ wave: 1, waves: [['x', 'x'], [' ', ' ', ' '], [' ']] });

describe('crash: power fails while a workflow file is written', function () {
  this.timeout(campaign ? 3_600_000 : 600_000);

  it(`leaves the old or the new, and the next to come finishes it (${wanted} states, seed ${seed})`, async () => {
    const random = randomOf(seed);
    const seen = new Set<string>();
    for (let round = 0; seen.size < wanted; round += 1) {
      // Every third disk knows no links, or has the backups on another device.
      const story = await record(random, round % 3 !== 1);
      const each = Math.min(wanted - seen.size, campaign ? 1_000 : 40);
      await replay(story, each, seen, random).catch((error: unknown) => {
        throw new Error(`seed ${seed}, story ${round}: ${String(error)}`, { cause: error });
      });
    }
  });
});

/* ------------------------------------------------------------------ what happens */

/** What a command has put into the file, to be found there from its commit on. */
interface Mark {
  /** Number of calls to the disk when it was committed. */
  readonly after: number;
  readonly name: string;
  isIn(text: string): boolean;
}

interface Story {
  readonly disk: RecordingDisk;
  readonly folder: string;
  readonly marks: readonly Mark[];
  /** The store after each commit, and how many calls had been made. */
  readonly stores: readonly { readonly after: number; readonly database: Buffer }[];
}

async function record(random: () => number, links: boolean): Promise<Story> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wavelock-power-')));
  const path = join(folder, 'STATE.md');
  writeFileSync(path, start);
  const store = await open(folder);
  try {
    const disk = new RecordingDisk(new Map([[path, Buffer.from(start)]]), links);
    const stores: { after: number; database: Buffer }[] = [];
    const keep = (): void => {
      stores.push({ after: disk.calls.length, database: copyOf(folder) });
    };
    keep();
    const marks: Mark[] = [];
    const watched = {
      identity: store.identity,
      read: store.read.bind(store),
      submit: async (...of: Parameters<Store['submit']>) => {
        const answer = await store.submit(...of);
        keep();
        return answer;
      },
    } as unknown as Store;
    const files = new WorkflowFiles({
      place: placeOf(folder),
      store: watched,
      now: Date.now,
      ops: disk,
      acquire: noLockfile,
    });
    for (const act of chosen(random)) await act({ files, folder, path, disk, marks });
    return { disk, folder, marks, stores };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly files: WorkflowFiles;
  readonly folder: string;
  readonly path: string;
  readonly disk: RecordingDisk;
  readonly marks: Mark[];
}

type Act = (stage: Stage) => Promise<void>;

/** A few acts in an order of chance; the notes tell them apart. */
function chosen(random: () => number): Act[] {
  const tasks = ['2-1', '2-2', '2-3'];
  const all: Act[] = [
    advance,
    note(`Note ${Math.floor(random() * 1e6)}`),
    note(`Word ${Math.floor(random() * 1e6)}`),
    byHand(`Hand ${Math.floor(random() * 1e6)}`),
    ...tasks.map((id) => done(id as TaskId)),
  ];
  return all
    .map((act) => ({ act, at: random() }))
    .sort((one, other) => one.at - other.at)
    .slice(0, 4)
    .map(({ act }) => act);
}

/** The commit of a command is its first; the calls before it belong to those who were here before. */
async function marked(
  stage: Stage,
  mark: Omit<Mark, 'after'>,
  act: Promise<unknown>,
): Promise<void> {
  await act;
  stage.marks.push({ ...mark, after: stage.disk.calls.length });
}

const advance: Act = async (stage) => {
  const mark = { name: 'advance', isIn: (text: string) => text.includes('Wave 2/3') };
  await marked(stage, mark, stage.files.advance(stage.folder, {}).then(granted));
};

function note(words: string): Act {
  return async (stage) => {
    const mark = { name: words, isIn: (text: string) => text.includes(words) };
    await marked(stage, mark, stage.files.addNote(stage.folder, { text: words }).then(granted));
  };
}

function done(id: TaskId): Act {
  return async (stage) => {
    const isIn = (text: string): boolean =>
      readWorkflow('STATE.md', text).plan?.waves.some(({ tasks }) =>
        tasks.some((task) => task.id === id && task.status === 'done'),
      ) === true;
    const change = { task: id, status: 'done' } as const;
    await marked(
      stage,
      { name: id, isIn },
      stage.files.setTask(stage.folder, change).then(granted),
    );
  };
}

function byHand(words: string): Act {
  return async (stage) => {
    const { path, disk } = stage;
    const text = readFileSync(path, 'utf8').replace('- A note', `- ${words}\n- A note`);
    writeFileSync(path, text);
    disk.saved(path, text);
    stage.marks.push({ name: words, isIn: (it) => it.includes(words), after: disk.calls.length });
    await stage.files.sync(stage.folder);
  };
}

/* ------------------------------------------------------------------ what is left of it */

/** Every prefix is cut, again and again, until there are enough states that nobody has seen. */
async function replay(
  story: Story,
  enough: number,
  seen: Set<string>,
  random: () => number,
): Promise<void> {
  const before = seen.size;
  const counts = Array.from({ length: story.disk.calls.length + 1 }, (_, count) => count);
  for (let turn = 0; turn < 40 && seen.size - before < enough; turn += 1) {
    for (const count of counts) {
      if (seen.size - before >= enough) return;
      const contents = story.disk.cut(count, random);
      // Of commits between the same two calls either may be the last.
      const stores = story.stores.filter(({ after }) => after <= count);
      const newest = Math.max(...stores.map(({ after }) => after));
      const last = stores.filter(({ after }) => after === newest);
      const store = last[Math.floor(random() * last.length)] ?? assert.fail();
      const state = digest(story, contents, store.database);
      if (seen.has(state)) continue;
      seen.add(state);
      await recover(story, { count, contents, database: store.database });
    }
  }
}

async function recover(
  story: Story,
  { count, contents, database }: { count: number; contents: Contents; database: Buffer },
): Promise<void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wavelock-power-')));
  try {
    const path = join(folder, 'STATE.md');
    for (const [at, content] of contents) put(join(folder, relative(story.folder, at)), content);
    put(join(folder, '.wavelock/store.db'), database);
    const found = readFileSync(path, 'utf8');
    const kept = backupsIn(folder);
    for (const { content, by } of replacedBefore(story, found, count))
      assert.ok(kept.has(content), `after ${count} calls no backup of what ${by} has replaced`);
    const store = await open(folder);
    try {
      const files = new WorkflowFiles({
        place: placeOf(folder),
        store,
        now: Date.now,
        acquire: noLockfile,
      });
      await files.keepPromises();
      await files.sync(folder);
      const text = readFileSync(path, 'utf8');
      const told = `after ${count} calls:\n${found}\n── became ──\n${text}`;
      const plan = readWorkflow('STATE.md', text).plan ?? assert.fail(told);
      for (const mark of story.marks)
        if (mark.after <= count) assert.ok(mark.isIn(text), `${mark.name} is lost ${told}`);
      assert.match(text, /- A note with trailing spaces {3}\n/);
      for (const mark of story.marks.filter(({ name }) => !/^\d-\d|advance/.test(name)))
        assert.ok(text.split(mark.name).length <= 2, `${mark.name} is there twice ${told}`);
      const { workflow, edits } = await store.read('workflowFile', { workflow: 'wf' as never });
      assert.deepEqual(edits, [], told);
      assert.equal(workflow?.hash, hashOf(text), told);
      assert.equal(workflow.wave, plan.wave, told);
      const { runs } = await store.read('state', {});
      assert.equal(new Set(runs.map(({ task }) => task)).size, runs.length, told);
      const events = await store.read('events', { after: 0, limit: 500 });
      const advances = events.filter(({ kind }) => kind === 'workflow.advanced');
      assert.equal(advances.length, plan.wave - 1, told);
      assert.deepEqual(await store.read('conflicts', {}), [], told);
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('.STATE')),
        [],
        told,
      );
    } finally {
      await store.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What our writes had replaced on the way to the content that was found; a person replaces without a backup. */
function replacedBefore(
  { disk, folder }: Story,
  found: string,
  count: number,
): { readonly content: string; readonly by: string }[] {
  const path = join(folder, 'STATE.md');
  const held = disk.contentsOf(path).filter(({ after }) => after <= count);
  const last = held.findLastIndex(({ content }) => content.toString() === found);
  return held.slice(0, Math.max(0, last)).flatMap(({ content }, index) => {
    const next = held[index + 1] ?? assert.fail();
    const isOurs = disk.calls[next.after - 1]?.do === 'rename';
    return isOurs ? [{ content: content.toString(), by: `write ${index + 1}` }] : [];
  });
}

function backupsIn(folder: string): Set<string> {
  const backups = join(folder, '.wavelock/backups/wf');
  if (!existsSync(backups)) return new Set();
  return new Set(readdirSync(backups).map((name) => readFileSync(join(backups, name), 'utf8')));
}

function put(path: string, content: Buffer): void {
  if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Without upkeep, which would back up each of them. */
function open(folder: string): Promise<Store> {
  return openLocalStore({
    place: placeOf(folder),
    identity: identity(),
    durability: 'normal',
    schedule: () => () => undefined,
  });
}

/** The store as it is now, in one file. */
function copyOf(folder: string): Buffer {
  const copy = join(folder, '.wavelock', 'copy.db');
  const database = new DatabaseSync(join(folder, '.wavelock/store.db'), { readOnly: true });
  database.prepare('VACUUM INTO ?').run(copy);
  database.close();
  const bytes = readFileSync(copy);
  rmSync(copy);
  return bytes;
}

function digest({ folder }: Story, contents: Contents, database: Buffer): string {
  const hash = createHash('sha256').update(database);
  for (const [path, content] of [...contents].sort(([one], [other]) => (one < other ? -1 : 1)))
    hash.update(`\0${relative(folder, path)}\0`).update(content);
  return hash.digest('hex');
}

/** Mulberry32: the same sequence for the same seed. */
function randomOf(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
