/**
 * One side of a scenario: what a store has given out so far, so that abstract steps become commands. Two sides
 * of one universe get the same commands about the same things, each in its own ids.
 */
import type {
  AdvanceWave,
  AgentName,
  ClaimToken,
  Command,
  ContentHash,
  Context,
  LockRow,
  PlanTask,
  RelativePath,
  RunId,
  RunRow,
  TaskId,
  WaiterId,
  WorkflowId,
} from '../../src/core/model';
import { actors, resources, settingOf, type Step, type Wish } from './commands';
import { secret, Speaker, type Universe } from './universe';

/** A place in one of the lines, as its owner remembers it. */
export interface Place {
  readonly id: WaiterId;
  readonly who: number;
  readonly step: Step & { do: 'claim' | 'acquire' };
  /** The name of the run that a claim asked for, which has to stay the same. */
  readonly run: string | null;
}

export interface Spoken {
  readonly who: number;
  readonly command: Command;
  /** The place that this asks for or renews. */
  readonly place?: Place;
}

/** What a scenario remembers by number; the same for both sides, in names that both understand. */
export class Memory {
  readonly runs: string[] = [];
  readonly claims: { readonly run: string; readonly who: number; readonly epoch: number }[] = [];
  readonly claimPlaces: Place[] = [];
  readonly lockPlaces: Place[] = [];
  /** What the last step of retention has chosen. */
  chosen: readonly string[] = [];
}

/** One store's ids for what both sides have names for. */
export class Side {
  readonly #names = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #tokens = new Map<string, ClaimToken>();
  /** Rows do not change, so what they are in names does not either. */
  readonly #plain = new WeakMap<object, unknown>();
  #roots = 0;
  #made = 0;

  constructor(
    private readonly universe: Universe,
    private readonly prefix: string,
  ) {}

  context(who: number): Context {
    return new Speaker(this.universe.momentOf(who), (kind) => {
      // In order also as text: what is over at the same time is looked at in the order of ids.
      const number = String((this.#made += 1)).padStart(6, '0');
      return `${kind}${this.prefix}${number}`;
    });
  }

  /** A first attempt is known by its place among all, a later one by its chain, a lock by what it covers. */
  learn(runs: readonly RunRow[], locks: readonly LockRow[]): void {
    for (const run of runs) {
      if (this.#names.has(run.id)) continue;
      const root = this.#names.get(run.root);
      this.#name(
        run.id,
        root === undefined ? `R${(this.#roots += 1)}` : `${root.split('.')[0]!}.${run.attempt}`,
      );
    }
    for (const lock of locks)
      this.#name(lock.id, `lock(${lock.agent} ${lock.resource} ${lock.worktree ?? '*'})`);
  }

  #name(id: string, name: string): void {
    this.#names.set(id, name);
    this.#ids.set(name, id);
  }

  remember(run: string, epoch: number, token: ClaimToken): void {
    this.#tokens.set(`${run} ${epoch}`, token);
  }

  token(claim: Memory['claims'][number]): ClaimToken {
    return this.#tokens.get(`${claim.run} ${claim.epoch}`)!;
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }

  idOf(name: string): RunId {
    return (this.#ids.get(name) ?? 'run_unknown') as RunId;
  }

  /** The same in names; what differs between two stores by right is left out. */
  plain(value: unknown): unknown {
    if (typeof value === 'string') {
      return value.startsWith('agt_') ? 'agt' : this.nameOf(value);
    }
    if (Array.isArray(value)) return value.map((member) => this.plain(member));
    if (typeof value !== 'object' || value === null) return value;
    const known = this.#plain.get(value);
    if (known !== undefined) return known;
    const members: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(value))
      if (!leftOut.has(key) && !isProse(key, member)) members[key] = this.plain(member);
    this.#plain.set(value, members);
    return members;
  }
}

/** A reason that nobody in the scenario gave is a sentence of the rules' own. */
const isProse = (key: string, value: unknown): boolean => key === 'reason' && value !== asked;
const asked = 'asked';

const leftOut = new Set(['anchor', 'tokenDigest', 'token', 'fence', 'message']);

/** The command that a step asks for now, or null when it is not about a command or there is nothing to ask. */
export function spoken(step: Step, memory: Memory, side: Side): Spoken | null {
  const run = (index: number): RunId => side.idOf(runName(index, memory) ?? 'unknown');
  const wish = ([resource, mode]: Wish): { resource: string; mode: 'read' | 'write' } => ({
    resource: resources[resource % resources.length]!,
    mode,
  });
  switch (step.do) {
    case 'pass':
    case 'jump':
    case 'reboot':
    case 'die':
      return null;
    case 'create': {
      const places = [
        {},
        { workflow: 'wf1' as WorkflowId },
        { workflow: 'wf1' as WorkflowId, task: 't1' as TaskId },
        { workflow: 'wf1' as WorkflowId, task: 't2' as TaskId },
        { workflow: 'wf2' as WorkflowId, task: 't1' as TaskId },
        { notBefore: side.context(step.who).now + 9_001 },
      ];
      const place = places[step.place % places.length]!;
      const command = {
        kind: 'run.create',
        title: 'work',
        ...place,
        ...(step.needs.length > 0 ? { dependsOn: step.needs.map(run) } : {}),
        ...(step.parent === null ? {} : { parent: run(step.parent) }),
        priority: step.priority,
        maxAttempts: step.max,
        ...(step.timeout ? { timeoutMs: 50_021 } : {}),
        ...('task' in place ? {} : { count: step.count }),
      } as const;
      return { who: step.who, command };
    }
    case 'claim': {
      const wanted = typeof step.what === 'number' ? (runName(step.what, memory) ?? null) : null;
      const id = `wait${memory.claimPlaces.length}` as WaiterId;
      const place = { id, who: step.who, step, run: wanted };
      return { who: step.who, command: claimOf(place, side), ...(step.wait ? { place } : {}) };
    }
    case 'renewClaim':
    case 'unwaitClaim': {
      const place = pick(memory.claimPlaces, step.which);
      if (!place) return null;
      return step.do === 'unwaitClaim'
        ? { who: place.who, command: { kind: 'run.unwait', waiter: place.id } }
        : renewal(place, side);
    }
    case 'beat':
    case 'complete':
    case 'fail': {
      const claim = pick(memory.claims, step.which);
      if (!claim) return null;
      const token = step.wrong ? (`${secret}wrong` as ClaimToken) : side.token(claim);
      const about = { run: side.idOf(claim.run), token };
      if (step.do === 'beat')
        return { who: claim.who, command: { kind: 'run.heartbeat', ...about } };
      if (step.do === 'complete')
        return { who: claim.who, command: { kind: 'run.complete', ...about, result: 1 } };
      const error = { code: 'broken', message: 'no' };
      const as = 'as' in step ? step.as : 'error';
      return { who: claim.who, command: { kind: 'run.fail', ...about, error, as } };
    }
    case 'cancel':
    case 'kill':
    case 'retry': {
      const kind = `run.${step.do}` as const;
      return { who: step.who, command: { kind, run: run(step.run), reason: asked } };
    }
    case 'link':
      if (step.needs.length === 0 && step.parent === null) return null;
      return {
        who: 0,
        command: {
          kind: 'run.link',
          run: run(step.run),
          ...(step.needs.length > 0 ? { dependsOn: step.needs.map(run) } : {}),
          ...(step.parent === null ? {} : { parent: run(step.parent) }),
        },
      };
    case 'handoff': {
      const name = runName(step.run, memory);
      const claim = memory.claims.filter((each) => each.run === name).at(-1);
      const token = claim && !step.wrong ? { token: side.token(claim) } : {};
      const command = {
        kind: 'run.handoff',
        run: run(step.run),
        ...token,
        note: 'so far',
      } as const;
      return { who: 0, command };
    }
    case 'retain': {
      const archived = memory.chosen.map((name) => side.idOf(name));
      return { who: step.who, command: { kind: 'retention.step', archived } };
    }
    case 'sweep':
      return { who: step.who, command: { kind: 'sweep' } };
    case 'register': {
      const name = actors[step.who]!.name as AgentName;
      const command = { kind: 'agent.register', name, description: 'again' } as const;
      return { who: step.who, command };
    }
    case 'touch':
      return { who: step.who, command: { kind: 'agent.touch' } };
    case 'start':
      return { who: step.who, command: { kind: 'session.start' } };
    case 'end':
      return { who: step.who, command: { kind: 'session.end' } };
    case 'notify':
      return { who: step.who, command: { kind: 'notification.take', about: 'lost' } };
    case 'leave':
      return { who: step.who, command: { kind: 'agent.leave', force: step.force } };
    case 'acquire': {
      const id = `line${memory.lockPlaces.length}` as WaiterId;
      const place = { id, who: step.who, step, run: null };
      return { who: step.who, command: acquireOf(place), ...(step.wait ? { place } : {}) };
    }
    case 'renewLock':
    case 'unwaitLock': {
      const place = pick(memory.lockPlaces, step.which);
      if (!place) return null;
      return step.do === 'unwaitLock'
        ? { who: place.who, command: { kind: 'lock.unwait', waiter: place.id } }
        : renewal(place, side);
    }
    case 'release': {
      const texts = step.wishes.map((each) => wish(each).resource);
      const command = { kind: 'lock.release', resources: texts, worktree: tree(step) } as const;
      return { who: step.who, command };
    }
    case 'releaseAll': {
      const command = { kind: 'lock.release', resources: 'all', worktree: '' } as const;
      return { who: step.who, command };
    }
    case 'break': {
      const { resource } = wish(step.wishes[0]!);
      const about = { resource, worktree: tree(step), reason: 'in the way' };
      return { who: step.who, command: { kind: 'lock.break', ...about } };
    }
    case 'verify':
      return {
        who: step.who,
        command: {
          kind: 'lock.verify',
          wishes: step.wishes.map((each) => ({ ...wish(each), hash: hashes[each[0] % 3]! })),
          worktree: tree(step),
        },
      };
    case 'advance':
      return { who: step.who, command: advanceOf(step) };
    case 'confirm': {
      const target = targetOf(step.wave);
      const about = { workflow: 'wf1' as WorkflowId, target, hash: target };
      return { who: step.who, command: { kind: 'file.confirm', ...about } };
    }
    case 'set': {
      const [key, value] = settingOf(step);
      return { who: 0, command: { kind: 'config.set', key, value } };
    }
  }
}

const targetOf = (wave: number): ContentHash => String(wave).repeat(64) as ContentHash;

const taskNames = [
  ['t1', 't2'],
  ['t3', 't4'],
] as const;

function advanceOf(step: Step & { do: 'advance' }): AdvanceWave {
  const names = taskNames.flat();
  const task = (name: (typeof names)[number]): PlanTask => ({
    id: name as TaskId,
    description: `Task ${name}`,
    status: names.indexOf(name) < step.done ? 'done' : 'todo',
    dependsOn: (name === 't3' ? ['t1'] : name === 't4' ? ['t3'] : []) as TaskId[],
    line: 0,
  });
  return {
    kind: 'wave.advance',
    plan: {
      id: 'wf1' as WorkflowId,
      name: 'Workflow',
      wave: step.wave,
      waveCount: taskNames.length,
      waves: taskNames.map((tasks, index) => ({ number: index + 1, tasks: tasks.map(task) })),
    },
    file: (step.copy ? 'old/STATE.md' : 'STATE.md') as RelativePath,
    worktree: '',
    seen: step.late ? step.wave + 1 : step.wave,
    ...(step.force ? { force: { reason: asked } } : {}),
    write: {
      base: targetOf(step.wave),
      target: targetOf(step.wave + 1),
      updated: '2026-01-02 03:04:05',
    },
  };
}

/** Never `null` for what was read: which files have content is all that matters here. */
const hashes = [null, 'a'.repeat(64), 'b'.repeat(64)] as never[];

const tree = (step: { readonly tree: boolean }): string => (step.tree ? 'side' : '');

const runName = (index: number, { runs }: Memory): string | undefined =>
  index === 9 ? undefined : pick(runs, index);

function pick<Value>(values: readonly Value[], index: number): Value | undefined {
  // The newest come first, so that small numbers are about what is still going on.
  return values.length === 0 ? undefined : values[values.length - 1 - (index % values.length)];
}

/** Asks again for what somebody in line waits for. */
export function renewal(place: Place, side: Side): Spoken {
  const command = place.step.do === 'claim' ? claimOf(place, side) : acquireOf(place);
  return { who: place.who, command: { ...command, renewal: true }, place };
}

function claimOf({ id, step, run }: Place, side: Side): Command & { kind: 'run.claim' } {
  if (step.do !== 'claim') throw new Error('this place is in the other line');
  return {
    kind: 'run.claim',
    ...(step.what === 'wf1' ? { workflow: 'wf1' as WorkflowId } : {}),
    ...(typeof step.what === 'number' ? { run: side.idOf(run ?? 'unknown') } : {}),
    program: step.program,
    ...(step.wait ? { waiter: id } : {}),
  };
}

function acquireOf({ id, step }: Place): Command & { kind: 'lock.acquire' } {
  if (step.do !== 'acquire') throw new Error('this place is in the other line');
  return {
    kind: 'lock.acquire',
    wishes: step.wishes.map(([resource, mode]) => ({
      resource: resources[resource % resources.length]!,
      mode,
      hash: hashes[resource % 2]!,
    })),
    worktree: tree(step),
    shared: step.shared,
    ...(step.ttl ? { ttlMs: 25_013 } : {}),
    ...(step.wait ? { waiter: id } : {}),
  };
}
