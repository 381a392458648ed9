/**
 * Eight processes ask for everything that there is to ask for, and are killed at random moments and at every
 * step of ours; or they are stopped, for longer than claims, locks and lockfiles last. What any of them was told must be in the store afterwards, once, and nothing else be wrong.
 * WAVELOCK_CAMPAIGN=1 for the long form, WAVELOCK_SEED repeats what is chosen by chance.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { findWorkflowFile, WorkflowFiles } from '../../src/store/workflowFiles';
import { listBackups } from '../../src/store/sqlite/backups';
import { verifyStore } from '../../src/store/sqlite/verify';
import { stateMd, Workbench } from '../contract/stores';
import { Chance } from './stormChance';
import type { Part, Told } from './stormChild';
import { StormRecord } from './stormRecord';
import { fileGroups, filesOfGroup, folderOf, narrow, shares, type Order } from './stormWork';

const campaign = process.env['WAVELOCK_CAMPAIGN'] !== undefined;
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 1_000_000);
interface Size {
  readonly storms: number;
  /** Of each storm, at least. */
  readonly harms: number;
  readonly acknowledged: number;
}
const sizes: { readonly [Harm in 'kill' | 'halt']: Size } = campaign
  ? {
      kill: { storms: 10, harms: 205, acknowledged: 20_500 },
      halt: { storms: 3, harms: 110, acknowledged: 5_000 },
    }
  : {
      kill: { storms: 1, harms: 40, acknowledged: 2_000 },
      halt: { storms: 1, harms: 8, acknowledged: 500 },
    };
const waves = 40;
/** Milliseconds that a process stands still. */
const halt = { shortest: 100, longest: 2_600 };
const processes = 8;
const program = 'out/test/crash/stormChild.js';
const settings = [
  ['slots', 0],
  ['rate.mutations', 0],
  [`slots.${narrow.workflow}`, narrow.slots],
  ['retention.max', 300],
  ['grace', 50],
] as const;

/** Where a process may kill itself, how often it gets there, and what makes it get there at once. */
const fatalSteps: readonly (readonly [string, number, Part['first']?])[] = [
  // Most of what happens, happens there.
  ...['store.commit', 'store.durable', 'store.commit', 'store.durable', 'store.commit'].map(
    (step) => [step, 15] as const,
  ),
  ...(['archive.commit', 'archive.durable'] as const).map((step) => [step, 1, 'retain'] as const),
  ...['temp', 'pages', 'copied', 'verify', 'rename', 'flush', 'done'].map(
    (step) => [`backup.${step}`, 1, 'backup'] as const,
  ),
  ...['locked', 'committed', 'temp', 'backup', 'hold', 'check', 'rename', 'flush', 'written'].map(
    (step) => [step, 2, 'advance'] as const,
  ),
];

for (const harm of ['kill', 'halt'] as const) {
  describe(`crash: a storm of ${harm}s`, function () {
    this.timeout(campaign ? 1_800_000 : 600_000);

    const { storms } = sizes[harm];
    let passing: Storm | undefined;
    // Also when it was given up.
    afterEach(() => passing?.end());
    for (let storm = 0; storm < storms; storm += 1) {
      it(`storm ${storm + 1} of ${storms}: nothing lost, nothing done twice`, async () => {
        const bench = new Workbench();
        passing = new Storm(bench, seed + storm, harm);
        await passing.pass();
      });
    }
  });
}

class Storm {
  readonly #chance: Chance;
  readonly #record = new StormRecord();
  readonly #living = new Set<ChildProcess>();
  readonly #over: Promise<void>;
  #end = (): void => undefined;
  readonly #size: Size;
  #kills = 0;
  #halts = 0;
  #untilHarm = 1;
  #blowing = true;

  constructor(
    private readonly bench: Workbench,
    private readonly seed: number,
    private readonly harm: 'kill' | 'halt',
  ) {
    this.#size = sizes[harm];
    this.#chance = new Chance(seed);
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async pass(): Promise<void> {
    const start = performance.now();
    this.#layOutFiles();
    if (this.harm === 'kill') await this.#beginBadly();
    await this.#configure();
    const lives = Array.from({ length: processes }, (_, index) => this.#livesOf(index));
    try {
      await Promise.race([this.#over, Promise.all(lives)]);
    } finally {
      this.#killAll();
      await Promise.allSettled(lives);
    }
    const blownMs = performance.now() - start;
    const after = await this.#lookAfter();
    this.#print({ ...after, blownMs, ms: performance.now() - start });
    const wrong = this.#record.wrong.slice(0, 10);
    assert.equal(wrong.length, 0, [`WAVELOCK_SEED=${this.seed}`, ...wrong].join('\n'));
    assert.ok(after.openMs < 1_000, `the next open took ${after.openMs} ms`);
    if (!campaign) return;
    const silent = Object.keys(shares).filter((kind) => !this.#record.counts.has(kind));
    assert.deepEqual(silent, [], 'not once granted');
  }

  async end(): Promise<void> {
    this.#killAll();
    await this.bench.clear();
  }

  #killAll(): void {
    this.#blowing = false;
    for (const child of this.#living) child.kill('SIGKILL');
  }

  #layOutFiles(): void {
    const boxes = Array.from({ length: waves }, () => [' ', ' ']);
    for (let group = 0; group < fileGroups; group += 1) {
      for (let place = 0; place < filesOfGroup; place += 1) {
        const id = folderOf(group, place);
        mkdirSync(join(this.bench.folder, id));
        this.bench.write(join(id, 'STATE.md'), stateMd({ wave: 0, waves: boxes, id }));
      }
    }
  }

  /** Whoever makes the store dies of it: three before it is there, one just after. None is in a thread. */
  async #beginBadly(): Promise<void> {
    const dieAt = (step: string, index: number): Promise<void> =>
      this.#life(index, [], { step, time: 1 }, undefined).then(() => undefined);
    await Promise.all([0, 2, 4].map((index) => dieAt('migration.commit', index)));
    await dieAt('migration.durable', 6);
  }

  async #configure(): Promise<void> {
    const store = await this.bench.store();
    for (const [key, value] of settings) {
      const answer = await store.submit({ kind: 'config.set', key, value });
      assert.ok(answer.ok);
    }
    await store.close();
  }

  /** One process after the other, each with what its predecessor was not told the answer of. */
  async #livesOf(index: number): Promise<void> {
    let unanswered: readonly Order[] = [];
    while (this.#blowing) {
      const inThread = index % 2 === 1;
      const mayDie = this.harm === 'kill' && this.#chance.oneIn(4);
      const possible = inThread ? fatalSteps.filter(([step]) => !step.includes('.')) : fatalSteps;
      const [step, most = 1, first] = (mayDie && this.#chance.pick(possible)) || [];
      const fatal = step === undefined ? undefined : { step, time: this.#chance.whole(1, most) };
      unanswered = await this.#life(index, unanswered, fatal, first);
    }
  }

  /** @returns what it has asked for and was not told the answer of */
  async #life(
    index: number,
    unanswered: readonly Order[],
    fatal: Part['fatal'],
    first: Part['first'],
  ): Promise<readonly Order[]> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program], {
      stdio: ['pipe', 'inherit', 'inherit', 'pipe'],
      // Half of a short life is spent on compiling.
      env: { ...process.env, NODE_COMPILE_CACHE: join(this.bench.folder, 'compiled') },
    });
    this.#living.add(child);
    const part: Part = {
      folder: this.bench.folder,
      index,
      seed: this.#chance.whole(0, 2 ** 31),
      inThread: index % 2 === 1,
      lanes: this.#chance.whole(2, 32),
      follows: index < 2,
      ...(fatal ? { fatal } : {}),
      ...(first ? { first } : {}),
      unanswered,
    };
    // It may be killed before it has read what it is to be.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(JSON.stringify(part));
    const underWay = new Map<string, Order>(unanswered.map((order) => [order.op, order]));
    let rest = '';
    (child.stdio[3] as Readable).setEncoding('utf8').on('data', (text: string) => {
      // What was cut off in the middle was not told.
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#hear(JSON.parse(line) as Told, underWay);
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    this.#living.delete(child);
    assert.equal(signal, 'SIGKILL', `process ${index} ended by itself, with ${code}`);
    if (this.#blowing) this.#kills += 1;
    return [...underWay.values()];
  }

  #hear(told: Told, underWay: Map<string, Order>): void {
    const before = this.#record.acknowledged.size;
    this.#record.hear(told, underWay);
    const acknowledged = this.#record.acknowledged.size;
    if (acknowledged === before || !this.#blowing) return;
    const harms = this.harm === 'kill' ? this.#kills : this.#halts;
    if (harms >= this.#size.harms && acknowledged >= this.#size.acknowledged) {
      this.#end();
      return;
    }
    this.#untilHarm -= 1;
    if (this.#untilHarm > 0) return;
    this.#untilHarm = this.#chance.whole(1, (2 * this.#size.acknowledged) / this.#size.harms);
    const child = this.#chance.pick([...this.#living]);
    // In the middle of whatever comes next, not always at the moment of an answer.
    const soon = this.#chance.next() * 5;
    if (child) {
      setTimeout(() => {
        this.#hurt(child);
      }, soon);
    }
  }

  #hurt(child: ChildProcess): void {
    if (this.harm === 'kill') {
      child.kill('SIGKILL');
      return;
    }
    this.#halts += 1;
    child.kill('SIGSTOP');
    setTimeout(() => child.kill('SIGCONT'), this.#chance.whole(halt.shortest, halt.longest));
  }

  async #lookAfter(): Promise<After> {
    const { bench } = this;
    const before = performance.now();
    const store = await bench.store();
    const openMs = performance.now() - before;
    const wrong = this.#record.wrong;
    assert.equal(store.readOnlyBecause, undefined);
    const files = new WorkflowFiles({ place: bench.place, store, now: Date.now });
    await files.keepPromises();
    const { events } = await this.#record.check(store, bench.folder);
    for (const { id, file, wave } of (await store.read('state', {})).workflows) {
      const folder = join(bench.folder, id);
      const said = findWorkflowFile(bench.place, folder)?.document.plan?.wave;
      if (said !== wave) wrong.push(`${file} says wave ${said}, the store ${wave}`);
      const left = readdirSync(folder).filter((name) => name.includes('.wavelock-'));
      if (left.length > 0) wrong.push(`${left.join(', ')} was left behind`);
    }
    const verified = await store.verify();
    wrong.push(...verified.problems.map(({ where, message }) => `${where}: ${message}`));
    const backups = listBackups(join(bench.folder, '.wavelock'));
    for (const { file } of backups) {
      const { problems } = await verifyStore(join(bench.folder, '.wavelock'), file);
      wrong.push(...problems.map(({ where, message }) => `${file}: ${where}: ${message}`));
    }
    return { openMs, events, backups: backups.length };
  }

  #print({ openMs, events, backups, blownMs, ms }: After & { blownMs: number; ms: number }): void {
    const { acknowledged, answers, counts, wrong, longestOpenMs } = this.#record;
    const part = (start: string): string =>
      [...counts]
        .filter(([what]) => what.startsWith(start))
        .map(([what, count]) => `${what.slice(start.length)} ${count}`)
        .sort()
        .join(', ');
    const rest = [...counts].filter(([what]) => !/^(refused|fault|died at) /.test(what));
    const said = [
      `WAVELOCK_SEED=${this.seed}; ${settings.map(([key, value]) => `${key}=${value}`).join(' ')}`,
      `${this.#kills} kills, ${this.#halts} halts, ${acknowledged.size} acknowledged of ${answers} answers, ${events} events, ${backups} backups kept`,
      `next open ${openMs.toFixed(0)} ms, longest open in the storm ${longestOpenMs.toFixed(0)} ms; ${(blownMs / 1000).toFixed(1)} s of storm, ${(ms / 1000).toFixed(1)} s in all; ${wrong.length} wrong`,
      ...wrong,
      `killed by themselves at: ${part('died at ')}`,
      `granted: ${rest
        .map(([what, count]) => `${what} ${count}`)
        .sort()
        .join(', ')}`,
      `refused: ${part('refused ')}; faults: ${part('fault ') || 'none'}`,
    ];
    console.log(said.map((line) => `      ${line}`).join('\n'));
  }
}

interface After {
  readonly openMs: number;
  readonly events: number;
  readonly backups: number;
}
