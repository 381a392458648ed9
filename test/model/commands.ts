/**
 * Scenarios as plain lists of abstract steps. A step names what it is about by number ("the third run that was
 * made"), and is resolved only when it runs; so a shrunk scenario still makes sense, and reads as a short list.
 *
 * The universe is small on purpose: whoever acts meets somebody.
 */
import fc from 'fast-check';
import type { ConfigKey, LockMode } from '../../src/core/model';

export interface Actor {
  readonly name: string;
  readonly host: string;
  readonly named: boolean;
}

/** One agent at work on two hosts, one on each, and one that gave no name. */
export const actors: readonly Actor[] = [
  { name: 'ann', host: 'h1', named: true },
  { name: 'bob', host: 'h1', named: true },
  { name: 'cy', host: 'h2', named: true },
  { name: 'ann', host: 'h2', named: true },
  { name: 'nobody', host: 'h1', named: false },
];
export const hosts = ['h1', 'h2'] as const;

/** Chosen so that nearly any two of them overlap somehow, but not all. */
export const resources = [
  'src/a.ts',
  'src/a.ts#f',
  'src/a.ts#g',
  'src/b.ts',
  'glob:src/*.ts',
  'glob:docs/**',
  './src//x/../a.ts',
  'docs/x.md',
  'task:t1',
  'workspace',
] as const;

const settings: readonly (readonly [ConfigKey, number | string | null])[] = [
  ['slots', 0],
  ['slots', 1],
  ['slots', 1],
  ['slots', 2],
  ['slots', null],
  ['slots', -1],
  ['slots.wf1', 1],
  ['slots.wf1', 1],
  ['slots.wf1', null],
  ['grace', 2_000],
  ['lease.claim', 45_000],
  ['lock.ttl', 20_000],
  ['lock.ttl', 'soon'],
  ['retention.max', 1],
  ['retention.max', null],
  ['rate.mutations', 2],
  ['rate.mutations', 0],
];

export type Wish = readonly [resource: number, mode: LockMode];

export type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'jump'; readonly host: number; readonly ms: number }
  | { readonly do: 'reboot'; readonly host: number }
  | { readonly do: 'die'; readonly who: number }
  | {
      readonly do: 'create';
      readonly who: number;
      readonly place: number;
      readonly needs: readonly number[];
      readonly parent: number | null;
      readonly priority: number;
      readonly max: number;
      readonly timeout: boolean;
      readonly count: number;
    }
  | {
      readonly do: 'claim';
      readonly who: number;
      readonly what: 'any' | 'wf1' | number;
      readonly wait: boolean;
      readonly program: boolean;
    }
  | { readonly do: 'renewClaim' | 'unwaitClaim'; readonly which: number }
  | { readonly do: 'beat' | 'complete'; readonly which: number; readonly wrong: boolean }
  | {
      readonly do: 'fail';
      readonly which: number;
      readonly wrong: boolean;
      readonly as: 'error' | 'killed' | 'cancelled';
    }
  | { readonly do: 'cancel' | 'kill' | 'retry'; readonly who: number; readonly run: number }
  | {
      readonly do: 'link';
      readonly run: number;
      readonly needs: readonly number[];
      readonly parent: number | null;
    }
  | { readonly do: 'handoff'; readonly run: number; readonly wrong: boolean }
  | { readonly do: 'retain' | 'sweep'; readonly who: number }
  | { readonly do: 'register' | 'touch' | 'start' | 'end' | 'notify'; readonly who: number }
  | { readonly do: 'leave'; readonly who: number; readonly force: boolean }
  | {
      readonly do: 'acquire';
      readonly who: number;
      readonly wishes: readonly Wish[];
      readonly wait: boolean;
      readonly shared: boolean;
      readonly tree: boolean;
      readonly ttl: boolean;
    }
  | { readonly do: 'renewLock' | 'unwaitLock'; readonly which: number }
  | {
      readonly do: 'release' | 'break' | 'verify';
      readonly who: number;
      readonly wishes: readonly Wish[];
      readonly tree: boolean;
    }
  | { readonly do: 'releaseAll'; readonly who: number }
  | { readonly do: 'set'; readonly setting: number }
  | {
      readonly do: 'advance';
      readonly who: number;
      /** What its file says: the wave under way, and how many tasks are done. */
      readonly wave: number;
      readonly done: number;
      readonly late: boolean;
      readonly force: boolean;
      readonly copy: boolean;
    }
  | { readonly do: 'confirm'; readonly who: number; readonly wave: number };

export const settingOf = (step: Step & { do: 'set' }): (typeof settings)[number] =>
  settings[step.setting % settings.length] ?? ['slots', null];

const who = fc.nat(actors.length - 1);
const index = fc.nat(9);
const seldom = fc.integer({ min: 0, max: 9 }).map((value) => value === 0);
const often = fc.integer({ min: 0, max: 9 }).map((value) => value > 3);
const needs = fc.oneof(
  { weight: 4, arbitrary: fc.constant<readonly number[]>([]) },
  { weight: 1, arbitrary: fc.array(index, { minLength: 1, maxLength: 2 }) },
);
const parent = fc.oneof(
  { weight: 6, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: index },
);
/** Some are asked for more than others, so that two ask for the very same thing. */
const wish = fc.tuple(
  fc.oneof(fc.constantFrom(0, 0, 4, 8), fc.nat(resources.length - 1)),
  fc.constantFrom<LockMode>('read', 'write'),
);
const wishes = fc.array(wish, { minLength: 1, maxLength: 3 });
/** No two sums of these meet a limit exactly: what "over" means at that very moment is a table's case. */
const spans = [
  7, 211, 1_103, 4_217, 4_217, 9_029, 11_311, 11_311, 31_337, 61_403, 301_501, 1_801_607,
] as const;

const one = <Kind extends Step['do']>(
  kind: Kind,
  fields: { [Key in Exclude<keyof Extract<Step, { do: Kind }>, 'do'>]: fc.Arbitrary<unknown> },
): fc.Arbitrary<Step> =>
  fc.record({ do: fc.constant(kind), ...fields }) as unknown as fc.Arbitrary<Step>;

export type Weighted = readonly {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<Step>;
}[];

const weigh = (weight: number, arbitrary: fc.Arbitrary<Step>): Weighted[number] => ({
  weight,
  arbitrary,
});

const times: Weighted = [
  weigh(12, one('pass', { ms: fc.constantFrom(...spans) })),
  weigh(1, one('jump', { host: fc.nat(1), ms: fc.constantFrom(15_013, 3_600_017) })),
  weigh(1, one('reboot', { host: fc.nat(1) })),
  weigh(2, one('die', { who })),
];
const aboutAgents: Weighted = [
  weigh(1, one('register', { who })),
  weigh(1, one('touch', { who })),
  weigh(1, one('start', { who })),
  weigh(1, one('end', { who })),
  weigh(1, one('notify', { who })),
  weigh(1, one('leave', { who, force: fc.boolean() })),
  weigh(1, one('sweep', { who })),
  weigh(3, one('set', { setting: fc.nat(settings.length - 1) })),
];
const creation = one('create', {
  who,
  place: fc.nat(5),
  needs,
  parent,
  priority: fc.nat(2),
  max: fc.integer({ min: 1, max: 3 }),
  timeout: seldom,
  count: fc.constantFrom(1, 1, 1, 2),
});
const tightness = one('set', {
  setting: fc.constantFrom(
    ...settings.flatMap(([key, value], place) =>
      (key.startsWith('slots') && value === 1) || value === 2 || key === 'retention.max'
        ? [place]
        : [],
    ),
  ),
});
const aboutRuns: Weighted = [
  weigh(7, creation),
  weigh(
    12,
    one('claim', {
      who,
      what: fc.oneof(
        fc.constant<'any'>('any'),
        fc.constant<'any'>('any'),
        fc.constant<'wf1'>('wf1'),
        index,
      ),
      wait: fc.boolean(),
      program: fc.boolean(),
    }),
  ),
  weigh(5, one('renewClaim', { which: index })),
  weigh(1, one('unwaitClaim', { which: index })),
  weigh(5, one('beat', { which: index, wrong: seldom })),
  weigh(5, one('complete', { which: index, wrong: seldom })),
  weigh(
    7,
    one('fail', {
      which: index,
      wrong: seldom,
      as: fc.constantFrom('error', 'error', 'error', 'killed', 'cancelled'),
    }),
  ),
  weigh(2, one('cancel', { who, run: index })),
  weigh(2, one('kill', { who, run: index })),
  weigh(3, one('retry', { who, run: index })),
  weigh(4, one('link', { run: index, needs, parent })),
  weigh(1, one('handoff', { run: index, wrong: fc.boolean() })),
  weigh(3, one('retain', { who })),
];
const aboutLocks: Weighted = [
  weigh(
    20,
    one('acquire', { who, wishes, wait: often, shared: seldom, tree: seldom, ttl: fc.boolean() }),
  ),
  weigh(10, one('renewLock', { which: index })),
  weigh(1, one('unwaitLock', { which: index })),
  weigh(6, one('release', { who, wishes, tree: seldom })),
  weigh(1, one('releaseAll', { who })),
  weigh(2, one('break', { who, wishes, tree: seldom })),
  weigh(4, one('verify', { who, wishes, tree: seldom })),
];

/** Runs, locks, or everything together; each is the more likely to meet itself when it is alone. */
export const scenarios = (
  minLength: number,
  maxLength: number,
  more: Weighted = [],
): fc.Arbitrary<readonly Step[]> => {
  const among = (...weighted: Weighted[]): fc.Arbitrary<Step[]> =>
    fc.array(fc.oneof(...weighted.flat(), ...more), { minLength, maxLength, size: 'max' });
  /** Without a run there is little to say about runs, and without a tight limit about lines. */
  const withRuns = (steps: fc.Arbitrary<Step[]>): fc.Arbitrary<Step[]> =>
    fc
      .tuple(fc.array(fc.oneof(creation, tightness), { minLength: 1, maxLength: 4 }), steps)
      .map(([first, then]) => [...first, ...then]);
  // Small numbers are nothing special here, so there is no need to prefer them.
  return fc.noBias(
    fc.oneof(
      withRuns(among(times, aboutRuns, aboutAgents)),
      among(times, aboutLocks, aboutAgents),
      withRuns(among(times, aboutRuns, aboutLocks, aboutAgents)),
    ),
  );
};

/** Clocks that are set back, which a sweep follows only when they have caught up. */
export const backwards: Weighted = [
  weigh(3, one('jump', { host: fc.nat(1), ms: fc.constantFrom(-15_013, -3_600_017) })),
];

/** One workflow, whose tasks are those that runs are made for; files are not written here, so they say anything. */
export const waves: Weighted = [
  weigh(
    9,
    one('advance', {
      who,
      wave: fc.nat(2),
      done: fc.nat(3),
      late: seldom,
      force: seldom,
      copy: seldom,
    }),
  ),
  weigh(4, one('confirm', { who, wave: fc.nat(2) })),
];

/**
 * The same scenario where it makes no difference when something is found to be over: on one machine that is
 * not started anew, without retries, without anybody in line, and with one way only for a run to be over.
 */
export const alone = (steps: readonly Step[]): readonly Step[] =>
  steps.flatMap((step): Step[] => {
    if (['reboot', 'retain', 'sweep', 'cancel', 'kill'].includes(step.do)) return [];
    const here = 'who' in step ? { ...step, who: step.who % 2 } : step;
    if (here.do === 'create') return [{ ...here, max: 1, timeout: false }];
    return 'wait' in here ? [{ ...here, wait: false }] : [here];
  });

/* ------------------------------------------------------------------ for people */

const actorText = (who: number): string => {
  const actor = actors[who % actors.length];
  return actor ? `${actor.name}@${actor.host}` : '?';
};

const wishText = ([resource, mode]: Wish): string =>
  `${mode === 'read' ? 'r' : 'w'}:${resources[resource % resources.length] ?? '?'}`;

/** One line for one step, as a failing scenario is printed. */
export function lineOf(step: Step): string {
  if (step.do === 'set') return `set ${settingOf(step).join(' = ')}`;
  const words = Object.entries(step).flatMap(([key, value]: [string, unknown]) => {
    if (key === 'do' || value === false || value === null) return [];
    if (key === 'who') return [actorText(Number(value))];
    if (key === 'wishes') return [(value as readonly Wish[]).map(wishText).join(' ')];
    if (value === true) return [key];
    if (Array.isArray(value)) return value.length === 0 ? [] : [`${key}=${value.join(',')}`];
    return [`${key}=${JSON.stringify(value)}`];
  });
  return [step.do, ...words].join(' ');
}
