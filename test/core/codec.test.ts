/** What comes in from outside, and what goes to disk and back (INPUT-n). Long because each kind of row and command is shown. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as codec from '../../src/core/codec';
import { decodeCommand, limits, staysInside } from '../../src/core/commandCodec';
import type {
  AgentRow,
  Beat,
  ClaimRow,
  Command,
  ConfigRow,
  ConflictRow,
  CounterRow,
  EventHeader,
  EventKind,
  FileEdit,
  FileIntent,
  GuardRow,
  Holder,
  LockRequest,
  LockNote,
  LockRow,
  ProcessIdentity,
  RateRow,
  Refusal,
  RunRow,
  SessionRow,
  SightingRow,
  SlotWaiterRow,
  StopRequest,
  TaskRow,
  WaiterRow,
  WorkflowRow,
} from '../../src/core/model';
import { examples } from './commandExamples';

const kinds = Object.keys(examples) as Command['kind'][];

type Field = readonly (string | number)[];

/** Every place in a value, the root included. */
function placesOf(value: unknown, at: Field = []): Field[] {
  if (typeof value !== 'object' || value === null) return [at];
  const members = Object.entries(value).flatMap(([key, member]) =>
    placesOf(member, [...at, Array.isArray(value) ? Number(key) : key]),
  );
  return [at, ...members];
}

/** A copy that holds `put` at one place. */
function withAt(value: unknown, [key, ...rest]: Field, put: unknown): unknown {
  if (key === undefined) return put;
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  const members = copy as Record<string | number, unknown>;
  const member = withAt(members[key], rest, put);
  // Plain assignment would set the prototype where the key says so.
  Object.defineProperty(members, key, { value: member, enumerable: true, configurable: true });
  return copy;
}

function withoutAt(value: unknown, field: Field): unknown {
  const copy = structuredClone(value);
  let parent = copy as Record<string | number, unknown>;
  for (const key of field.slice(0, -1)) parent = parent[key] as typeof parent;
  Reflect.deleteProperty(parent, field.at(-1)!);
  return copy;
}

const pathOf = (field: Field): string =>
  field
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index ? '.' : ''}${key}`))
    .join('');

function isRefusal(outcome: Command | Refusal): outcome is Refusal {
  return 'code' in outcome;
}

/** The one promise about any value: a command that is what came in, or a refusal that says where. */
function assertTotal(value: unknown): Command | Refusal {
  const outcome = decodeCommand(value);
  if (!isRefusal(outcome)) {
    assert.deepEqual(outcome, value);
    return outcome;
  }
  assert.ok(outcome.code === 'bad_input' || outcome.code === 'too_large', outcome.code);
  assert.equal(typeof outcome.path, 'string');
  assert.doesNotMatch(outcome.path ?? '', /[\p{Cc}\p{Cf}\p{Cs}]/u);
  assert.ok(JSON.stringify(outcome).length < 2_000, 'a refusal is short, whatever came in');
  if (outcome.code === 'too_large') assert.ok(outcome.size > outcome.limit);
  return outcome;
}

function refusedAt(value: unknown, field: Field | string): void {
  const outcome = assertTotal(value);
  const path = typeof field === 'string' ? field : pathOf(field);
  assert.ok(isRefusal(outcome), `${String(value)} was taken`);
  assert.equal(outcome.code, 'bad_input');
  assert.equal(outcome.path, path);
}

const nested = (depth: number, leaf: unknown = 0): unknown => {
  let value = leaf;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
};

const hostileTexts: Readonly<Record<string, string>> = {
  empty: '',
  blank: ' \t ',
  zero: 'a\u0000b',
  bell: 'a\u0007b',
  escape: '\u001b[31mred',
  'line feed': 'a\nb',
  delete: 'a\u007fb',
  'next line': 'a\u0085b',
  'right to left override': 'a\u202eb',
  isolate: 'a\u2066b',
  'arabic letter mark': 'a\u061cb',
  'zero width space': 'a\u200bb',
  'left to right mark': 'a\u200eb',
  'soft hyphen': 'a\u00adb',
  'byte order mark': '\ufeffa',
  'line separator': 'a\u2028b',
  tag: 'a\u{e0041}b',
  'lone high surrogate': 'a\ud800b',
  'lone low surrogate': 'a\udc00b',
  '10 MB': 'x'.repeat(10_000_000),
};

const outside = [
  '/etc/passwd',
  '\\windows',
  '..',
  '../a',
  'a/../../b',
  'a\\..\\..\\b',
  './../a',
  'C:\\a',
  'c:a',
  '\\\\server\\share',
  '//server/share',
  '\\\\?\\C:\\a',
];

const hostileValues: readonly unknown[] = [
  ...Object.values(hostileTexts),
  ...outside,
  null,
  undefined,
  true,
  -1,
  -0.5,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.MAX_VALUE,
  2 ** 53,
  [],
  {},
  nested(100_000),
  JSON.parse('{"__proto__": {"kind": "sweep"}}'),
  JSON.parse('{"constructor": {"prototype": {"a": 1}}}'),
  JSON.parse('{"prototype": 1, "hasOwnProperty": 1, "toString": 1, "toJSON": 1}'),
  Array.from({ length: 1_001 }, () => 'x'),
  Symbol('s'),
  10n,
  () => 1,
];

describe('INPUT-1: any value gives a command or a refusal', () => {
  for (const kind of kinds) {
    it(`INPUT-1 ${kind} decodes to itself`, () => {
      for (const example of [examples[kind].least, examples[kind].full]) {
        assert.deepEqual(decodeCommand(example), example);
        assert.deepEqual(decodeCommand(JSON.parse(JSON.stringify(example))), example);
      }
    });

    it(`INPUT-1 ${kind} needs each of its fields, and says which is missing`, () => {
      const { least } = examples[kind];
      for (const field of Object.keys(least)) refusedAt(withoutAt(least, [field]), field);
    });

    it(`INPUT-1 ${kind} with something hostile anywhere in it`, () => {
      const { full } = examples[kind];
      for (const field of placesOf(full))
        for (const hostile of hostileValues) assertTotal(withAt(full, field, hostile));
    });
  }

  it('INPUT-1 any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        assertTotal(value);
      }),
      { numRuns: 600 },
    );
  });

  it('INPUT-1 any value in any place of any command', () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }),
      fc.constantFrom(...hostileValues),
    );
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.nat(), anything, (kind, which, value) => {
        const places = placesOf(examples[kind].full);
        assertTotal(withAt(examples[kind].full, places[which % places.length]!, value));
      }),
      { numRuns: 600 },
    );
  });

  it('INPUT-1 a kind that is called like a part of every object', () => {
    for (const kind of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'run', '', 1])
      refusedAt({ kind }, 'kind');
    refusedAt(JSON.parse('{"__proto__": {"kind": "sweep"}}'), '');
    for (const value of [undefined, null, 1, 'sweep', [], [{ kind: 'sweep' }]])
      refusedAt(value, '');
  });

  it('INPUT-1 what is too large is too_large with its path and size, in bounded time', () => {
    const command = examples['run.complete'].full;
    const large: readonly [string, unknown][] = [
      ['a text', 'x'.repeat(limits.size)],
      ['many texts', Array.from({ length: 2_000 }, () => 'x'.repeat(1_000))],
      ['many members', new Array<number>(1_000_000).fill(0)],
      [
        'many fields',
        Object.fromEntries(
          Array.from({ length: 2_000 }, (_, key) => [`${key}${'k'.repeat(600)}`, 0]),
        ),
      ],
      ['a long key', { ['k'.repeat(10_000_000)]: 0 }],
      ['members that are not there', new Array<number>(200_000)],
    ];
    for (const [what, result] of large) {
      const start = process.cpuUsage();
      const outcome = assertTotal({ ...command, result });
      assert.equal((outcome as Refusal).code, 'too_large', what);
      assert.match((outcome as { path: string }).path, /^result/, what);
      // Not by the clock on the wall, which also runs for other programs.
      assert.ok(process.cpuUsage(start).user < 500_000, `${what} took too long`);
    }
  });

  it('INPUT-1 as large and as deep as is allowed is taken', () => {
    const command = examples['run.complete'].least;
    assert.ok(!isRefusal(assertTotal({ ...command, result: 'x'.repeat(limits.size - 1_000) })));
    assert.ok(!isRefusal(assertTotal({ ...command, result: nested(limits.depth - 1) })));
    const tooDeep = assertTotal({ ...command, result: nested(limits.depth) });
    assert.ok(isRefusal(tooDeep) && tooDeep.code === 'bad_input');
    assert.match(tooDeep.path ?? '', /^result\.0\.0/);
  });

  it('INPUT-1 what refers to itself is refused, not followed', () => {
    const result: unknown[] = [];
    result.push(result, result);
    const outcome = assertTotalShallow({ ...examples['run.complete'].least, result });
    assert.equal(outcome.code, 'bad_input');
  });
});

function assertTotalShallow(value: unknown): Refusal {
  const outcome = decodeCommand(value);
  assert.ok(isRefusal(outcome));
  return outcome;
}

describe('INPUT-2: what is refused by name', () => {
  const { full: create } = examples['run.create'];
  const { full: acquire } = examples['lock.acquire'];
  const names: readonly [Command['kind'], Field][] = [
    ['agent.register', ['name']],
    ['agent.leave', ['agent']],
    ['run.claim', ['waiter']],
    ['run.create', ['title']],
    ['run.create', ['workflow']],
    ['run.create', ['task']],
    ['run.create', ['dependsOn', 0]],
    ['lock.acquire', ['wishes', 0, 'resource']],
    ['lock.break', ['reason']],
    ['guard.hold', ['file']],
    ['notification.take', ['about']],
  ];

  for (const [what, text] of Object.entries(hostileTexts)) {
    if (what === '10 MB') continue;
    it(`INPUT-2 ${what} in a name`, () => {
      for (const [kind, field] of names) refusedAt(withAt(examples[kind].full, field, text), field);
    });
  }

  it('INPUT-2 a worktree may be empty, but holds no such characters either', () => {
    for (const [what, text] of Object.entries(hostileTexts)) {
      if (['empty', 'blank', '10 MB'].includes(what)) continue;
      refusedAt({ ...acquire, worktree: text }, 'worktree');
    }
  });

  it('INPUT-2 a text of several lines keeps its lines, but turns no direction and holds no control', () => {
    const note = (text: string): unknown => ({ ...examples['run.handoff'].least, note: text });
    for (const text of ['', 'a\nb', 'a\r\n\tb', '👩‍💻', 'می\u200cخواهم', 'soft\u00adly'])
      assert.ok(!isRefusal(assertTotal(note(text))), JSON.stringify(text));
    for (const name of [
      'zero',
      'bell',
      'escape',
      'delete',
      'next line',
      'isolate',
      'lone low surrogate',
    ])
      refusedAt(note(hostileTexts[name]!), 'note');
    refusedAt(note('a\u202eb'), 'note');
  });

  it('INPUT-2 titles and paths may be written with joiners, names of agents may not', () => {
    for (const text of ['👩‍💻', 'می\u200cخواهم']) {
      assert.ok(!isRefusal(assertTotal({ ...create, title: text })));
      refusedAt({ kind: 'agent.register', name: text }, 'name');
    }
  });

  it('INPUT-2 numbers that are no numbers, negative durations, and what is out of range', () => {
    const wrong: readonly [Command['kind'], Field, readonly unknown[]][] = [
      ['run.create', ['timeoutMs'], [-1, 0, '60000', null, limits.durationMs + 1]],
      ['run.create', ['backoff', 'baseMs'], [-1, -0.001]],
      ['run.create', ['backoff', 'capMs'], [-1, limits.durationMs + 1]],
      ['run.create', ['notBefore'], [-1, 1e17]],
      ['run.create', ['count'], [0, -1, 1.5, limits.count + 1]],
      ['run.create', ['priority'], [0.5, limits.priority + 1, -limits.priority - 1]],
      ['run.create', ['maxAttempts'], [0, limits.attempts + 1]],
      ['run.claim', ['leaseMs'], [-1, 0]],
      ['lock.acquire', ['ttlMs'], [-1, 0, limits.lockTtlMs + 1]],
    ];
    for (const [kind, field, values] of wrong)
      for (const value of [
        ...values,
        Number.NaN,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
      ])
        refusedAt(withAt(examples[kind].full, field, value), field);
  });

  it('INPUT-2 prototype keys, wherever they stand', () => {
    for (const kind of kinds) {
      const { full } = examples[kind];
      for (const field of placesOf(full)) {
        const place = field.reduce<unknown>(
          (at, key) => (at as Record<string, unknown>)[key],
          full,
        );
        if (typeof place !== 'object' || place === null || Array.isArray(place)) continue;
        const outcome = assertTotal(withAt(full, [...field, '__proto__'], { polluted: true }));
        assert.equal((outcome as Refusal).code, 'bad_input');
      }
    }
    refusedAt(JSON.parse('{"kind":"sweep","constructor":{}}'), 'constructor');
    refusedAt(JSON.parse('{"kind":"sweep","prototype":{}}'), 'prototype');
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  });

  it('INPUT-2 unknown fields, at every level that is not a result', () => {
    for (const kind of kinds) {
      const { full } = examples[kind];
      for (const field of placesOf(full)) {
        if (field[0] === 'result') continue;
        const place = field.reduce<unknown>(
          (at, key) => (at as Record<string, unknown>)[key],
          full,
        );
        if (typeof place !== 'object' || place === null || Array.isArray(place)) continue;
        refusedAt(withAt(full, [...field, 'unheard'], 1), [...field, 'unheard']);
      }
    }
  });

  it('INPUT-2 what a refusal names is safe to print', () => {
    refusedAt({ kind: 'sweep', 'a\u001b[31m\u202eb\ud800': 1 }, 'a\ufffd[31m\ufffdb\ufffd');
  });

  it('INPUT-2 paths that leave the workspace', () => {
    const places: readonly [Command['kind'], Field][] = [
      ['lock.acquire', ['wishes', 0, 'resource']],
      ['lock.release', ['resources', 0]],
      ['lock.break', ['resource']],
      ['lock.verify', ['wishes', 0, 'resource']],
      ['wave.advance', ['file']],
      ['guard.hold', ['file']],
      ['guard.free', ['file']],
      ['run.create', ['links', 0, 'target']],
    ];
    for (const path of outside) {
      assert.equal(staysInside(path), false, path);
      for (const [kind, field] of places)
        refusedAt(withAt(examples[kind].full, field, path), field);
      refusedAt({ ...acquire, wishes: [{ resource: `glob:${path}` }] }, ['wishes', 0, 'resource']);
    }
  });

  it('INPUT-2 paths that stay inside are taken, also by way of a folder', () => {
    for (const path of ['a', './a', 'a/../b', 'a//b', 'a/..', '..a/b', 'a/...', 'ä/日本', 'a b'])
      assert.equal(staysInside(path), true, path);
  });

  it('INPUT-2 links to anything but a path inside or a page', () => {
    for (const target of [
      'javascript:alert(1)',
      'file:///etc/passwd',
      'data:text/html,x',
      'ftp://a',
    ])
      refusedAt(withAt(create, ['links', 0, 'target'], target), ['links', 0, 'target']);
  });

  it('INPUT-2 lists that are too long, and empty batches of locks', () => {
    const many = Array.from({ length: limits.list + 1 }, () => 'run_1');
    refusedAt({ ...create, dependsOn: many }, 'dependsOn');
    assert.ok(!isRefusal(assertTotal({ ...create, dependsOn: many.slice(1) })));
    refusedAt({ ...acquire, wishes: [] }, 'wishes');
  });

  it('INPUT-2 texts at their longest are taken, and one more is not', () => {
    const longest: readonly [Command['kind'], Field, number][] = [
      ['run.create', ['title'], limits.title],
      ['agent.register', ['name'], limits.name],
      ['run.handoff', ['note'], limits.note],
      ['run.fail', ['error', 'message'], limits.message],
      ['lock.break', ['resource'], limits.resource],
    ];
    for (const [kind, field, most] of longest) {
      const { full } = examples[kind];
      assert.ok(!isRefusal(assertTotal(withAt(full, field, 'x'.repeat(most)))));
      refusedAt(withAt(full, field, 'x'.repeat(most + 1)), field);
    }
  });

  it('INPUT-2 settings that there are not', () => {
    for (const key of [
      'slot',
      'slots.',
      'validate.',
      'rate',
      'constructor',
      'lease.claim2',
      ' slots',
    ])
      refusedAt({ kind: 'config.set', key, value: 1 }, 'key');
    for (const key of ['slots', 'slots.wf', 'validate.count-mismatch', 'backups.keep'])
      assert.ok(!isRefusal(assertTotal({ kind: 'config.set', key, value: 1 })), key);
  });
});

/* ------------------------------------------------------------------ rows and events */

/** Any UTF-16, halves of characters included. */
const text = fc
  .array(fc.oneof(fc.integer({ min: 32, max: 126 }), fc.nat(0xffff)), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
const texts = fc.array(text, { maxLength: 3 });
const count = fc.nat(1_000);
const instant = fc.nat(2 ** 31 - 1);
/** As JSON carries it: there is no -0. */
const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const orNull = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.option(value, { nil: null });

/** A row of which every field is generated: one that its type gains does not compile until it is here. */
function rowOf<Row>(fields: {
  readonly [Name in keyof Required<Row>]: fc.Arbitrary<unknown>;
}): fc.Arbitrary<Record<string, unknown>> {
  const model: Record<string, fc.Arbitrary<unknown>> = fields;
  return fc.record(model);
}

const beat = rowOf<Beat>({
  host: text,
  bootId: text,
  mono: instant,
  wall: instant,
  server: orNull(instant),
});
const processIdentity = rowOf<ProcessIdentity>({
  host: text,
  bootId: text,
  pidNamespace: text,
  pid: count,
  startTime: text,
});
const claim = rowOf<ClaimRow>({
  agent: text,
  session: text,
  epoch: count,
  tokenDigest: text,
  leaseMs: count,
  leaseUntil: instant,
  beat,
  started: beat,
  process: orNull(processIdentity),
});
const stop = rowOf<StopRequest>({
  directive: fc.constantFrom('cancel', 'kill'),
  reason: orNull(text),
  by: text,
  asked: beat,
  graceMs: count,
});
const run = rowOf<RunRow>({
  id: text,
  title: text,
  status: fc.constantFrom('queued', 'running', 'completed', 'error', 'killed', 'cancelled', 'lost'),
  parent: orNull(text),
  dependsOn: texts,
  unmet: texts,
  workflow: orNull(text),
  wave: orNull(count),
  task: orNull(text),
  priority: fc.integer(),
  attempt: count,
  maxAttempts: count,
  backoff: fc.record({ baseMs: count, capMs: count }),
  notBefore: orNull(instant),
  timeoutMs: orNull(count),
  createdAt: instant,
  startedAt: orNull(instant),
  endedAt: orNull(instant),
  claim: orNull(claim),
  epoch: count,
  stop: orNull(stop),
  result: json,
  error: orNull(fc.record({ code: text, message: text })),
  reason: orNull(text),
  retryOf: orNull(text),
  root: text,
  handoff: orNull(text),
  links: fc.array(fc.record({ kind: fc.constantFrom('log', 'artefact', 'page'), target: text }), {
    maxLength: 2,
  }),
});
const agent = rowOf<AgentRow>({
  id: text,
  name: text,
  kind: fc.constantFrom('window', 'terminal', 'worker', 'mcp', 'other'),
  description: text,
  registeredAt: instant,
  seen: beat,
});
const session = rowOf<SessionRow>({
  id: text,
  agent: text,
  process: processIdentity,
  startedAt: instant,
  seen: beat,
});
const mode = fc.constantFrom('read', 'write');
const lockKey = {
  resource: text,
  kind: fc.constantFrom('path', 'symbol', 'glob', 'task', 'workspace'),
  anchor: text,
  worktree: orNull(text),
};
const lock = rowOf<LockRow>({
  ...lockKey,
  id: text,
  mode,
  agent: text,
  session: text,
  fence: count,
  since: instant,
  grant: beat,
  ttlMs: count,
  expiresAt: instant,
  hash: orNull(text),
});
const waiter = rowOf<WaiterRow>({
  id: text,
  agent: text,
  session: text,
  requests: fc.array(rowOf<LockRequest>({ ...lockKey, mode, hash: orNull(text) }), {
    maxLength: 2,
  }),
  ttlMs: count,
  since: instant,
  renewed: beat,
  offer: orNull(fc.record({ made: beat, ttlMs: count })),
});
const slotWaiter = rowOf<SlotWaiterRow>({
  id: text,
  agent: text,
  session: text,
  workflow: orNull(text),
  run: orNull(text),
  since: instant,
  renewed: beat,
  process: orNull(processIdentity),
});
const workflow = rowOf<WorkflowRow>({
  id: text,
  name: text,
  file: text,
  worktree: text,
  wave: count,
  waveCount: count,
  status: fc.constantFrom('active', 'completed'),
  hash: text,
  head: orNull(text),
  editing: fc.constantFrom('full', 'checkbox', 'none'),
});
const taskStatus = fc.constantFrom('todo', 'doing', 'done', 'failed');
const task = rowOf<TaskRow>({
  workflow: text,
  task: text,
  status: taskStatus,
  by: fc.constantFrom('hand', 'set', 'run'),
  agent: text,
  since: instant,
  commit: orNull(text),
  files: texts,
  error: orNull(text),
});
const fileEdit = rowOf<FileEdit>({
  id: text,
  workflow: text,
  change: fc.oneof(
    fc.record({ kind: fc.constant('wave'), wave: count }),
    fc.record({
      kind: fc.constant('task'),
      cause: fc.constantFrom('set', 'run'),
      task: text,
      status: taskStatus,
    }),
    fc.record({ kind: fc.constant('note'), by: text, text }),
    fc.record({ kind: fc.constant('merge'), base: text, mine: text }),
  ),
  session: text,
  since: instant,
});
const fileIntent = rowOf<FileIntent>({
  workflow: text,
  target: text,
  base: text,
  known: text,
  edits: texts,
  restores: orNull(text),
  session: text,
  shared: fc.constant(true),
  since: instant,
});
const diff = fc.record({ added: texts, removed: texts, modified: texts });
const conflict = rowOf<ConflictRow>({
  id: text,
  workflow: text,
  base: text,
  mine: text,
  theirs: text,
  diff,
  since: instant,
  resolved: orNull(fc.constantFrom('mine', 'theirs', 'merged')),
});
const config = rowOf<ConfigRow>({ key: text, value: fc.oneof(count, text, texts) });
const holder = rowOf<Holder>({
  agent: text,
  session: text,
  host: text,
  pid: count,
  since: instant,
  bootId: text,
  pidNamespace: text,
  startTime: text,
  tookOver: fc.record({ why: text, host: orNull(text), pid: orNull(count) }),
});
const optional: ReadonlySet<string> = new Set([
  'bootId',
  'pidNamespace',
  'startTime',
  'tookOver',
  'hash',
  'head',
  'editing',
  'shared',
]);
const lockNote = rowOf<LockNote>({ lock: text, process: processIdentity });

const tables: Readonly<
  Record<
    string,
    {
      readonly decode: (text: string) => unknown;
      readonly row: fc.Arbitrary<Record<string, unknown>>;
    }
  >
> = {
  decodeWorkflow: { decode: codec.decodeWorkflow, row: workflow },
  decodeRun: { decode: codec.decodeRun, row: run },
  decodeAgent: { decode: codec.decodeAgent, row: agent },
  decodeSession: { decode: codec.decodeSession, row: session },
  decodeLock: { decode: codec.decodeLock, row: lock },
  decodeLockNote: { decode: codec.decodeLockNote, row: lockNote },
  decodeWaiter: { decode: codec.decodeWaiter, row: waiter },
  decodeSlotWaiter: { decode: codec.decodeSlotWaiter, row: slotWaiter },
  decodeSighting: {
    decode: codec.decodeSighting,
    row: rowOf<SightingRow>({ observer: text, subject: text, beat, mono: instant, wall: instant }),
  },
  decodeRate: {
    decode: codec.decodeRate,
    row: rowOf<RateRow>({ key: text, tokens: count, at: beat }),
  },
  decodeConfig: { decode: codec.decodeConfig, row: config },
  decodeCounter: {
    decode: codec.decodeCounter,
    row: rowOf<CounterRow>({ name: fc.constant('fence'), value: count }),
  },
  decodeTask: { decode: codec.decodeTask, row: task },
  decodeFileEdit: { decode: codec.decodeFileEdit, row: fileEdit },
  decodeFileIntent: { decode: codec.decodeFileIntent, row: fileIntent },
  decodeConflict: { decode: codec.decodeConflict, row: conflict },
  decodeGuard: {
    decode: codec.decodeGuard,
    row: rowOf<GuardRow>({ file: text, worktree: text, holder }),
  },
  decodeHolder: { decode: codec.decodeHolder, row: holder },
};

const evidence = fc.record({
  rule: text,
  ageMs: orNull(count),
  ttlMs: count,
  process: text,
  host: text,
  observer: text,
});
const runAfter = fc.record({ row: run });
const runEnded = fc.record({ row: run, exhausted: fc.boolean(), evidence });
const lockAfter = fc.record({ row: lock, waiter: text });
const lockGone = fc.record({ lock: text, agent: text });
const leftQueue = fc.record({ waiter: text, agent: text, why: text });
const advanced = fc.record({ from: count, to: count, row: workflow, carriedOver: texts });
const guardPlace = { guard: fc.constant(true), worktree: text };
const edit = fc.record({ kind: fc.constant('wave'), wave: count, updated: text });
const formerly = fc.record({ base: text, target: text, hash: text });
const written = fc.record({ row: workflow, base: text, target: text, edits: texts });

const eventData: { readonly [Kind in EventKind]: fc.Arbitrary<object> } = {
  'run.created': runAfter,
  'run.claimed': fc.record({ row: run, waiter: text }),
  'run.beat': fc.record({ epoch: count, beat, leaseUntil: instant }),
  'run.completed': fc.record({
    row: run,
    released: fc.array(fc.record({ run: text, unmet: texts }), { maxLength: 2 }),
  }),
  'run.failed': runEnded,
  'run.killed': runEnded,
  'run.cancelled': runEnded,
  'run.lost': runEnded,
  'run.retried': fc.record({ next: text, attempt: count, notBefore: orNull(instant) }),
  'run.cancel_requested': runAfter,
  'run.changed': fc.record({ row: run, what: text }),
  'run.archived': fc.record({ runs: texts }),
  'slot.queued': fc.record({ row: slotWaiter }),
  'slot.dropped': leftQueue,
  'agent.registered': fc.record({ row: agent }),
  'agent.seen': fc.record({ seen: beat }),
  'agent.left': fc.record({ forced: fc.boolean() }),
  'agent.swept': fc.record({ silentMs: count }),
  'session.started': fc.record({ row: session }),
  'session.ended': fc.record({ why: text }),
  'lock.acquired': fc.oneof(lockAfter, fc.record({ ...guardPlace, holder })),
  'lock.refreshed': lockAfter,
  'lock.upgraded': lockAfter,
  'lock.released': fc.oneof(lockGone, fc.record(guardPlace)),
  'lock.expired': lockGone,
  'lock.broken': lockGone,
  'lock.queued': fc.record({ row: waiter }),
  'lock.offered': fc.record({ row: waiter }),
  'lock.dropped': leftQueue,
  'workflow.created': fc.record({ row: workflow }),
  'workflow.advanced': advanced,
  'workflow.completed': advanced,
  'workflow.bound': fc.record({ row: workflow, from: orNull(fc.record({ file: text })) }),
  'task.changed': fc.record({ row: task, from: orNull(taskStatus) }),
  'note.added': fc.record({ text }),
  'change.undone': fc.record({ undoes: count, op: text, what: text, row: workflow }),
  'file.pending': fc.record({ row: fileEdit, replaces: texts }),
  'file.intent': fc.oneof(
    fc.record({ base: text, target: text, edit }),
    fc.record({ row: fileIntent, replaces: texts }),
  ),
  'file.written': fc.oneof(formerly, written),
  'file.restored': written,
  'file.imported': fc.record({ row: workflow, from: orNull(text), diff, overruled: texts }),
  'file.rebased': fc.record({ row: workflow, from: orNull(text) }),
  'file.conflict': fc.record({ row: conflict, edits: texts }),
  'config.set': fc.record({ row: orNull(config), before: orNull(count) }),
};

const eventOf = (kind: EventKind): fc.Arbitrary<Record<string, unknown>> =>
  rowOf<EventHeader & { kind: string; data: object; run: string; about: string }>({
    v: fc.constant(1),
    seq: fc.integer({ min: 1, max: 1_000_000 }),
    at: instant,
    agent: text,
    session: text,
    opId: text,
    kind: fc.constant(kind),
    run: text,
    about: text,
    data: eventData[kind],
  });

/** What a newer version may have added, in every object of a row and in some of their names' worst cases. */
function grown(value: unknown, addition: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((member) => grown(member, addition, name));
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    const put = grown(member, addition, name);
    Object.defineProperty(copy, key, {
      value: put,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  Object.defineProperty(copy, name, { value: addition, enumerable: true });
  return copy;
}

const added = fc.tuple(json, fc.constantFrom('fromTheFuture', '__proto__', 'constructor', '0', ''));

function assertKept(decode: (text: string) => unknown, row: unknown): void {
  const encoded = JSON.stringify(row);
  const decoded = decode(encoded);
  assert.equal(JSON.stringify(decoded), encoded);
  assert.deepEqual(decoded, JSON.parse(encoded));
  // As events are kept: in canonical order.
  assert.deepEqual(decode(codec.canonical(row)), JSON.parse(encoded));
}

describe('INPUT-3: what was written comes back as it was', () => {
  for (const [name, { decode, row }] of Object.entries(tables)) {
    it(`INPUT-3 ${name}: the same, with what a newer version has added at every level`, () => {
      fc.assert(
        fc.property(row, added, (plain, [addition, field]) => {
          assertKept(decode, plain);
          assertKept(decode, grown(plain, addition, field));
        }),
        { numRuns: 25 },
      );
    });

    it(`INPUT-3 ${name}: a field that is missing or not what it should be is told by name`, () => {
      const [sample] = fc.sample(row, { numRuns: 1, seed: 7 });
      assert.ok(sample);
      for (const field of Object.keys(sample)) {
        for (const wrong of [withoutAt(sample, [field]), withAt(sample, [field], { odd: {} })]) {
          const there = field in (wrong as object);
          // A result may be any value; a holder's evidence may be missing, as older versions left it out.
          if (there ? field === 'result' : optional.has(field)) continue;
          assert.throws(
            () => decode(JSON.stringify(wrong)),
            (error) => error instanceof codec.CodecError && error.message.includes(field),
          );
        }
      }
    });
  }

  for (const kind of Object.keys(eventData) as EventKind[]) {
    it(`INPUT-3 ${kind}: the same, with what a newer version has added at every level`, () => {
      fc.assert(
        fc.property(eventOf(kind), added, (plain, [addition, field]) => {
          assertKept(codec.decodeEvent, plain);
          assertKept(codec.decodeEvent, grown(plain, addition, field));
        }),
        { numRuns: 12 },
      );
    });
  }

  it('INPUT-3 a member of a list that is not what it should be is told by its place', () => {
    const [row] = fc.sample(run, { numRuns: 1, seed: 7 });
    assert.throws(
      () => codec.decodeRun(JSON.stringify({ ...row, dependsOn: ['run_a', 7] })),
      /a run is malformed: dependsOn\.1 is not a text/,
    );
  });

  it('INPUT-3 every decoder is here', () => {
    const decoders = Object.keys(codec).filter((name) => name.startsWith('decode'));
    assert.deepEqual(decoders.sort(), [...Object.keys(tables), 'decodeEvent'].sort());
  });

  it('INPUT-3 an event of an unknown kind is kept as it is', () => {
    fc.assert(
      fc.property(eventOf('run.archived'), json, text, (event, data, kind) => {
        assertKept(codec.decodeEvent, { ...event, kind: `new.${kind}`, data: { data } });
        assertKept(codec.decodeEvent, { ...event, kind: 'constructor', data: {} });
      }),
      { numRuns: 25 },
    );
  });

  it('INPUT-3 an event of a known kind without what views need of it is named as damaged', () => {
    for (const kind of Object.keys(eventData) as EventKind[]) {
      const [sample] = fc.sample(eventOf(kind), { numRuns: 1, seed: 7 });
      const data = sample?.['data'] as object;
      if (!('row' in data)) continue;
      assert.throws(
        () => codec.decodeEvent(JSON.stringify({ ...sample, data: { ...data, row: { id: 1 } } })),
        (error) => error instanceof codec.CodecError && error.message.includes(kind),
      );
    }
  });

  it('INPUT-3 any text is a row or a CodecError', () => {
    const decoders = [...Object.values(tables).map(({ decode }) => decode), codec.decodeEvent];
    const anyText = fc.oneof(fc.string(), fc.json(), fc.constantFrom('', 'null', '[]', '{', '\0'));
    fc.assert(
      fc.property(fc.constantFrom(...decoders), anyText, (decode, written_) => {
        try {
          decode(written_);
        } catch (error) {
          assert.ok(error instanceof codec.CodecError, String(error));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('INPUT-3 a result may be as deep as it was written', () => {
    const [sample] = fc.sample(run, { numRuns: 1, seed: 7 });
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const encoded = JSON.stringify({ ...sample, result: null }).replace(
      '"result":null',
      `"result":${deep}`,
    );
    assert.ok(Array.isArray(codec.decodeRun(encoded).result));
  });

  it('INPUT-3 equal values have the same canonical text, whatever the order of their keys', () => {
    const shuffled = (value: unknown): unknown =>
      typeof value !== 'object' || value === null
        ? value
        : Array.isArray(value)
          ? value.map(shuffled)
          : grownBackwards(value);
    const grownBackwards = (value: object): object => {
      const copy = {};
      for (const [key, member] of Object.entries(value).reverse())
        Object.defineProperty(copy, key, { value: shuffled(member), enumerable: true });
      return copy;
    };
    fc.assert(
      fc.property(json, (value) => {
        assert.equal(codec.canonical(shuffled(value)), codec.canonical(value));
        assert.deepEqual(JSON.parse(codec.canonical(value)), value);
      }),
      { numRuns: 500 },
    );
    assert.equal(codec.canonical({ b: 1, a: [{ d: 1, c: 2 }] }), '{"a":[{"c":2,"d":1}],"b":1}');
  });
});
