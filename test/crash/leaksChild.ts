/**
 * Opens and closes stores again and again, each time with all that a surface does, and tells what is left:
 * `leaksChild.js LOCAL THREAD FOLDER`. The first rounds fill caches and do not count.
 */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { OpId } from '../../src/core/model';
import { openLocalStore } from '../../src/store/localStore';
import { newId } from '../../src/store/newId';
import { placeOf, type Place } from '../../src/store/place';
import type { Store } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import { anAdvance, identity, stateMd } from '../contract/stores';

export interface Left {
  readonly handles: Readonly<Record<string, number>>;
  readonly resources: Readonly<Record<string, number>>;
  readonly files: readonly string[];
  /** Bytes in memory after so many rounds. */
  readonly memory: readonly { readonly rounds: number; readonly bytes: number }[];
  readonly warmHandles: Readonly<Record<string, number>>;
  readonly warmResources: Readonly<Record<string, number>>;
}

const [local = '0', thread = '0', folder = ''] = process.argv.slice(2);
/** So many rounds have one store: looking through it takes the more memory, the more has happened in it. */
const roundsOfStore = 500;
const text = stateMd({ wave: 1, waves: [['x'], [' ', ' '], [' ']] });

/** Rounds until pools and caches are what they stay. */
const warming = 5;

async function main(): Promise<void> {
  const memory: { rounds: number; bytes: number }[] = [];
  let warm = look();
  const rounds = Number(local) + Number(thread);
  const every = Math.max(1, Math.floor(rounds / 10));
  for (let round = 0; round < warming + rounds; round += 1) {
    if (round === warming) warm = await quiet();
    const inThread = round < warming ? round % 2 === 0 : round - warming < Number(thread);
    await use(inThread, round);
    if (round >= warming && (round - warming) % every === 0) {
      globalThis.gc?.();
      memory.push({ rounds: round - warming, bytes: process.memoryUsage.rss() });
    }
  }
  const { handles, resources } = await quiet();
  const left: Left = {
    handles,
    resources,
    files: filesLeft(),
    memory,
    warmHandles: warm.handles,
    warmResources: warm.resources,
  };
  process.stdout.write(JSON.stringify(left));
}

/** What a window or a call does with a store, now and then all of it. */
async function use(inThread: boolean, round: number): Promise<void> {
  const home = join(folder, String(Math.floor(round / roundsOfStore)));
  mkdirSync(home, { recursive: true });
  const place = placeOf(home);
  const options = { place, identity: identity(), durability: 'normal' } as const;
  const store = inThread
    ? await openThreadStore(options, resolve('dist/storeThread.js'))
    : await openLocalStore(options);
  // The same operation each time: the store does not grow with the rounds.
  const { at } = await store.submit(anAdvance('wf-same'), 'op_same' as OpId);
  const newest = Math.max(at, await store.read('head', {}));
  await new Promise<void>((done) => {
    // One is taken back, the other is ended by closing.
    const subscription = store.subscribe(newest - 1, () => {
      subscription.dispose();
      done();
    });
    store.subscribe(newest, () => undefined);
  });
  const everything = inThread || round % 50 === 0;
  if (everything) await withFiles(store, place);
  if (round % 100 === 0) {
    await store.backup();
    await store.verify();
    await store.retain();
  }
  await store.close();
}

async function withFiles(store: Store, place: Place): Promise<void> {
  const file = join(place.root, 'STATE.md');
  const files = new WorkflowFiles({ place, store, now: Date.now, lockStaleMs: 2_000 });
  writeFileSync(file, text.replace('`wf`', `\`${newId('op')}\``));
  const held = await files.holdForEdit(file, () => undefined);
  if (!held.ok) throw new Error(held.refusal.message);
  // One more waits, and is woken by the release.
  const advancing = files.advance(place.root, {});
  await held.facts.lock.release();
  const answer = await advancing;
  if (!answer.ok) throw new Error(answer.refusal.message);
}

/** Handles are closed by the system a turn or two after they are let go of. */
async function quiet(): Promise<ReturnType<typeof look>> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((next) => setImmediate(next));
  globalThis.gc?.();
  return look();
}

function look(): {
  handles: Record<string, number>;
  resources: Record<string, number>;
} {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [kindOf(readlinkSync(`/proc/self/fd/${fd}`))];
    } catch {
      // The handle by which the list was read.
      return [];
    }
  });
  // What a watch watches is told in the state of its handle only.
  const watches = readdirSync('/proc/self/fdinfo').flatMap((fd) => {
    try {
      const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
      return info.match(/^inotify /gm) ?? [];
    } catch {
      return [];
    }
  });
  return {
    handles: { ...tally(links), watches: watches.length },
    resources: tally([...process.getActiveResourcesInfo(), ...loopHandles()]),
  };
}

/** Watches of files keep nothing alive, and many of one file are one to the system. */
function loopHandles(): string[] {
  const { libuv } = process.report.getReport() as unknown as { libuv: { type: string }[] };
  return libuv.map(({ type }) => type).filter((type) => type === 'fs_event');
}

function kindOf(link: string): string {
  if (link.startsWith(folder)) return relative(folder, link);
  return link.replace(/\d+/g, '');
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function filesLeft(): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => /\.tmp|\.wavelock-|\.lock$|-journal$|-wal$|-shm$|lockfiles\/\d+$/.test(path));
}

void main();
