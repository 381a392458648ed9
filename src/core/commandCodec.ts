/**
 * unknown → Command. Total: any JSON value gives a command or a refusal, never an exception. What comes in
 * here was typed by people or made by programs that we do not know; behind it, types are trusted.
 *
 * A command has no field that this version does not know: a misspelt option must not be silently ignored.
 */
import * as z from 'zod/mini';
import { late } from './late';
import type { Command, Refusal, RefusalOf } from './model';

export const limits = {
  /** Of the whole command, in UTF-16 units of text and 8 for each other value. */
  size: 1_000_000,
  depth: 64,
  title: 500,
  name: 64,
  note: 10_000,
  message: 10_000,
  resource: 1_024,
  list: 1_000,
  count: 10_000,
  attempts: 100,
  priority: 1_000_000,
  lockTtlMs: 24 * 60 * 60_000,
  durationMs: 365 * 24 * 60 * 60_000,
} as const;

export function decodeCommand(value: unknown): Command | Refusal {
  const unfit = measure(value);
  if (unfit) return unfit;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return badInput('', 'A command is an object.');
  const kind = (value as { readonly kind?: unknown }).kind;
  if (typeof kind !== 'string' || !Object.hasOwn(commandSchemas, kind))
    return badInput('kind', 'There is no command of this kind.');
  const parsed = commandSchemas[kind as Command['kind']](value).safeParse(value);
  // The schemas vouch for the brands; a test holds each schema to its type.
  if (parsed.success) return parsed.data as Command;
  // A parse that failed has an issue at least.
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const path = [...issue.path];
  if (issue.code === 'unrecognized_keys') path.push(...issue.keys.slice(0, 1));
  return badInput(pathText(path), issue.message);
}

function badInput(path: string, message: string): RefusalOf<'bad_input'> {
  return {
    code: 'bad_input',
    message: path === '' ? message : `${path}: ${message}`,
    path,
  };
}

function pathText(path: readonly PropertyKey[]): string {
  return shown(
    path
      .map((part, index) =>
        typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`,
      )
      .join(''),
  );
}

/** Size, depth, numbers and keys, before any schema looks: without recursion, so that no depth can hurt. */
function measure(value: unknown): Refusal | null {
  interface Place {
    readonly value: unknown;
    readonly depth: number;
    readonly key: string;
    readonly up: Place | null;
  }
  const pathTo = (place: Place): string => {
    const keys: string[] = [];
    for (let at: Place = place; at.up !== null; at = at.up) keys.unshift(at.key);
    return shown(keys.slice(0, 20).join('.'));
  };
  const tooLarge = (place: Place): Refusal => ({
    code: 'too_large',
    message: `A command holds at most ${limits.size} characters.`,
    path: pathTo(place),
    limit: limits.size,
    size,
  });
  let size = 0;
  const stack: Place[] = [{ value, depth: 0, key: '', up: null }];
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { value: part, depth } = place;
    size += typeof part === 'string' ? part.length : 8;
    if (size > limits.size) return tooLarge(place);
    if (depth > limits.depth) return badInput(pathTo(place), 'This is nested too deeply.');
    if (typeof part === 'number' && !Number.isFinite(part))
      return badInput(pathTo(place), 'This is not a finite number.');
    if (typeof part === 'bigint' || typeof part === 'function' || typeof part === 'symbol')
      return badInput(pathTo(place), 'This is not a JSON value.');
    if (typeof part !== 'object' || part === null) continue;
    // Before its members are listed, which of millions would take long.
    if (Array.isArray(part) && size + 8 * part.length > limits.size) {
      size += 8 * part.length;
      return tooLarge(place);
    }
    for (const key of Object.keys(part)) {
      if (key === '__proto__') return badInput(pathTo(place), 'A key may not be __proto__.');
      size += key.length;
      if (size > limits.size) return tooLarge(place);
      stack.push({
        value: (part as Readonly<Record<string, unknown>>)[key],
        depth: depth + 1,
        key,
        up: place,
      });
    }
  }
  return null;
}

/* ------------------------------------------------------------------ words */

/** Control and format characters, which hide in a text or turn its direction, and halves of characters. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** As above, but for the joiners that scripts and emoji are written with. */
const unseenInLine = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
/** Of several lines: those and tabs are fine, and so is what only hides. */
const unseenInText = /(?![\t\n\r])[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** A path as an answer may show it on a terminal. */
function shown(path: string): string {
  return path.slice(0, 200).replace(new RegExp(unseen.source, 'gu'), '\ufffd');
}

const line = (most: number, never = unseenInLine) =>
  z.string().check(
    z.minLength(1, 'This must not be empty.'),
    z.maxLength(most, `This holds at most ${most} characters.`),
    z.refine((text) => !never.test(text), 'This must not hold control or direction characters.'),
    z.refine((text) => text.trim() !== '', 'This must not be blank.'),
  );
const prose = (most: number) =>
  z.string().check(
    z.maxLength(most, `This holds at most ${most} characters.`),
    z.refine(
      (text) => !unseenInText.test(text),
      'This must not hold control or direction characters.',
    ),
  );

const id = late(() => line(128, unseen));
const agentName = late(() => line(limits.name, unseen));
const taskId = late(() =>
  z.string().check(z.regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'This is not a task id.')),
);
const token = late(() => z.string().check(z.minLength(1), z.maxLength(256)));
const hash = late(() =>
  z.string().check(z.regex(/^[0-9a-f]{64}$/, 'This is not a SHA-256 in hex.')),
);
const anyHash = late(() => z.string().check(z.minLength(1), z.maxLength(128)));
const wall = late(() => z.number().check(z.minimum(0), z.maximum(8.64e15)));
const lasting = (most: number) =>
  z
    .number()
    .check(z.minimum(0, 'A duration is not negative.'), z.maximum(most, 'This is too long.'));
const positive = (most: number) =>
  z.number().check(z.minimum(1, 'This is too short.'), z.maximum(most, 'This is too long.'));
const whole = (least: number, most: number) => z.int().check(z.minimum(least), z.maximum(most));
const opt = z.optional;
const list = <Schema extends z.ZodMiniType>(schema: Schema) =>
  z.array(schema).check(z.maxLength(limits.list, `At most ${limits.list} at once.`));

/** Relative, and never above the folder it starts from, not even on the way. */
export function staysInside(path: string): boolean {
  if (/^([/\\]|[A-Za-z]:)/.test(path)) return false;
  let depth = 0;
  for (const segment of path.split(/[/\\]/)) {
    if (segment === '..') depth -= 1;
    else if (segment !== '' && segment !== '.') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

const path = late(() =>
  line(limits.resource).check(z.refine(staysInside, 'This path leaves the workspace.')),
);
const resource = late(() =>
  line(limits.resource).check(
    z.refine(
      (text) => text.startsWith('task:') || staysInside(text.replace(/^glob:/, '')),
      'This path leaves the workspace.',
    ),
  ),
);
const worktree = late(() =>
  z.string().check(
    z.maxLength(limits.resource),
    z.refine((text) => !unseen.test(text), 'This must not hold control or direction characters.'),
  ),
);
const reason = late(() => prose(limits.note));
const link = late(() =>
  z.strictObject({
    kind: z.enum(['log', 'artefact', 'page']),
    target: line(2_048).check(
      z.refine(
        (target) => /^https?:\/\//.test(target) || (!target.includes(':') && staysInside(target)),
        'A link is a path of the workspace or an http(s) address.',
      ),
    ),
  }),
);
const wishes = late(() =>
  list(
    z.strictObject({
      resource: resource(),
      mode: opt(z.enum(['read', 'write'])),
      hash: opt(z.nullable(hash())),
    }),
  ).check(z.minLength(1)),
);
const lockPlace = late(() => ({ worktree: worktree(), shared: opt(z.boolean()) }));
const holder = late(() =>
  z.strictObject({
    agent: line(256),
    session: id(),
    host: line(256),
    pid: whole(0, 2 ** 32),
    since: wall(),
    bootId: opt(line(128)),
    pidNamespace: opt(z.string().check(z.maxLength(128))),
    startTime: opt(z.string().check(z.maxLength(128))),
    tookOver: opt(
      z.strictObject({
        why: z.enum(['process-gone', 'other-boot', 'stale']),
        host: z.nullable(line(256)),
        pid: z.nullable(whole(0, 2 ** 32)),
      }),
    ),
  }),
);
const taskStatus = late(() => z.enum(['todo', 'doing', 'done', 'failed']));
/** Written by a workflow file's reader, which is ours; only its form is checked here. */
const plan = late(() =>
  z.strictObject({
    id: z.string(),
    name: z.string(),
    wave: whole(0, 1e9),
    waveCount: whole(0, 1e9),
    waves: z.array(
      z.strictObject({
        number: whole(0, 1e9),
        tasks: z.array(
          z.strictObject({
            id: z.string(),
            description: z.string(),
            status: taskStatus(),
            dependsOn: z.array(z.string()),
            line: whole(0, 1e9),
          }),
        ),
      }),
    ),
  }),
);
const sight = late(() =>
  z.strictObject({
    workflow: z.string(),
    name: z.string(),
    wave: whole(0, 1e9),
    waveCount: whole(0, 1e9),
    file: path(),
    worktree: worktree(),
    hash: anyHash(),
    head: z.nullable(z.string()),
    editing: z.enum(['full', 'checkbox', 'none']),
  }),
);
const moves = late(() =>
  z.array(z.strictObject({ task: z.string(), from: z.nullable(taskStatus()), to: taskStatus() })),
);
const diff = late(() =>
  z.strictObject({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    modified: z.array(z.string()),
  }),
);
const configKey = late(() =>
  z
    .string()
    .check(
      z.regex(
        /^(slots|slots\..{1,128}|lease\.claim|lease\.program|lock\.ttl|grace|retention\.days|retention\.max|rate\.mutations|rate\.notifications|backups\.keep|workflow\.files|validate\.[\w-]{1,64})$/,
        'There is no such setting.',
      ),
    ),
);

const newRun = late(() => ({
  title: line(limits.title),
  parent: opt(id()),
  workflow: opt(id()),
  wave: opt(whole(0, 1e9)),
  task: opt(taskId()),
  priority: opt(whole(-limits.priority, limits.priority)),
  maxAttempts: opt(whole(1, limits.attempts)),
  backoff: opt(
    z.strictObject({ baseMs: lasting(limits.durationMs), capMs: lasting(limits.durationMs) }),
  ),
  timeoutMs: opt(positive(limits.durationMs)),
  links: opt(list(link())),
}));

const claim = late(() =>
  z.strictObject({
    kind: z.literal('run.claim'),
    run: opt(id()),
    workflow: opt(id()),
    leaseMs: opt(positive(limits.durationMs)),
    waiter: opt(id()),
    renewal: opt(z.boolean()),
    program: opt(z.boolean()),
  }),
);
const claimOfNew = late(() => z.extend(claim(), { create: opt(z.strictObject(newRun())) }));

/**
 * One schema for each kind; a kind that is forgotten does not compile. Made when it is asked for: a call of the command
 * line asks for one.
 */
const commandSchemas: { readonly [Kind in Command['kind']]: (command: object) => z.ZodMiniType } = {
  'run.create': late(() =>
    z.strictObject({
      kind: z.literal('run.create'),
      ...newRun(),
      count: opt(whole(1, limits.count)),
      dependsOn: opt(list(id())),
      notBefore: opt(wall()),
    }),
  ),
  // Few claims make their run, whose schema would take half the time of reading any.
  'run.claim': (command) => ('create' in command ? claimOfNew() : claim()),
  'run.unwait': late(() => z.strictObject({ kind: z.literal('run.unwait'), waiter: id() })),
  'run.heartbeat': late(() =>
    z.strictObject({ kind: z.literal('run.heartbeat'), run: id(), token: token() }),
  ),
  'run.complete': late(() =>
    z.strictObject({
      kind: z.literal('run.complete'),
      run: id(),
      token: token(),
      result: opt(z.json()),
      links: opt(list(link())),
    }),
  ),
  'run.fail': late(() =>
    z.strictObject({
      kind: z.literal('run.fail'),
      run: id(),
      token: token(),
      error: z.strictObject({ code: opt(line(64)), message: prose(limits.message) }),
      links: opt(list(link())),
      as: opt(z.enum(['error', 'killed', 'cancelled'])),
    }),
  ),
  'run.cancel': late(() =>
    z.strictObject({ kind: z.literal('run.cancel'), run: id(), reason: opt(reason()) }),
  ),
  'run.kill': late(() =>
    z.strictObject({ kind: z.literal('run.kill'), run: id(), reason: opt(reason()) }),
  ),
  'run.retry': late(() =>
    z.strictObject({ kind: z.literal('run.retry'), run: id(), reason: opt(reason()) }),
  ),
  'run.link': late(() =>
    z.strictObject({
      kind: z.literal('run.link'),
      run: id(),
      parent: opt(id()),
      dependsOn: opt(list(id())),
    }),
  ),
  'run.handoff': late(() =>
    z.strictObject({
      kind: z.literal('run.handoff'),
      run: id(),
      token: opt(token()),
      note: prose(limits.note),
    }),
  ),
  'retention.step': late(() =>
    z.strictObject({ kind: z.literal('retention.step'), archived: list(id()) }),
  ),
  sweep: late(() => z.strictObject({ kind: z.literal('sweep') })),
  'agent.register': late(() =>
    z.strictObject({
      kind: z.literal('agent.register'),
      name: agentName(),
      agentKind: opt(z.enum(['window', 'terminal', 'worker', 'mcp', 'other'])),
      description: opt(z.union([z.literal(''), line(limits.title)])),
    }),
  ),
  'agent.touch': late(() => z.strictObject({ kind: z.literal('agent.touch') })),
  'agent.leave': late(() =>
    z.strictObject({
      kind: z.literal('agent.leave'),
      agent: opt(agentName()),
      force: opt(z.boolean()),
    }),
  ),
  'session.start': late(() => z.strictObject({ kind: z.literal('session.start') })),
  'session.end': late(() => z.strictObject({ kind: z.literal('session.end') })),
  'lock.acquire': late(() =>
    z.strictObject({
      kind: z.literal('lock.acquire'),
      wishes: wishes(),
      ...lockPlace(),
      ttlMs: opt(positive(limits.lockTtlMs)),
      waiter: opt(id()),
      renewal: opt(z.boolean()),
    }),
  ),
  'lock.release': late(() =>
    z.strictObject({
      kind: z.literal('lock.release'),
      resources: z.union([z.literal('all'), list(resource())]),
      ...lockPlace(),
    }),
  ),
  'lock.unwait': late(() => z.strictObject({ kind: z.literal('lock.unwait'), waiter: id() })),
  'lock.break': late(() =>
    z.strictObject({
      kind: z.literal('lock.break'),
      resource: resource(),
      ...lockPlace(),
      reason: line(limits.title),
    }),
  ),
  'lock.verify': late(() =>
    z.strictObject({ kind: z.literal('lock.verify'), wishes: wishes(), ...lockPlace() }),
  ),
  'notification.take': late(() =>
    z.strictObject({
      kind: z.literal('notification.take'),
      about: line(limits.name),
    }),
  ),
  'config.set': late(() =>
    z.strictObject({
      kind: z.literal('config.set'),
      key: configKey(),
      value: z.nullable(z.union([z.number(), line(limits.resource), list(line(limits.resource))])),
    }),
  ),
  'wave.advance': late(() =>
    z.strictObject({
      kind: z.literal('wave.advance'),
      plan: plan(),
      sight: sight(),
      seen: opt(whole(0, 1e9)),
      force: opt(z.strictObject({ reason: line(limits.note) })),
    }),
  ),
  'task.set': late(() =>
    z.strictObject({
      kind: z.literal('task.set'),
      sight: sight(),
      change: z.strictObject({
        task: taskId(),
        status: taskStatus(),
        commit: opt(z.nullable(line(limits.name))),
        files: opt(z.nullable(list(line(limits.resource)))),
        error: opt(z.nullable(line(limits.title))),
      }),
      present: taskStatus(),
      seen: opt(taskStatus()),
      token: opt(token()),
    }),
  ),
  'note.add': late(() =>
    z.strictObject({ kind: z.literal('note.add'), sight: sight(), text: line(limits.note) }),
  ),
  'change.undo': late(() =>
    z.strictObject({
      kind: z.literal('change.undo'),
      sight: sight(),
      plan: plan(),
      undoes: z.nullable(whole(1, Number.MAX_SAFE_INTEGER)),
      file: z.nullable(
        z.union([
          z.strictObject({ with: hash(), without: hash() }),
          z.strictObject({ unfit: z.enum(['lost', 'apart']) }),
        ]),
      ),
      token: opt(token()),
    }),
  ),
  'workflow.bind': late(() =>
    z.strictObject({
      kind: z.literal('workflow.bind'),
      sight: sight(),
      from: z.nullable(z.strictObject({ file: path(), worktree: worktree() })),
    }),
  ),
  'file.import': late(() =>
    z.strictObject({
      kind: z.literal('file.import'),
      sight: sight(),
      from: z.nullable(anyHash()),
      how: z.enum(['hand', 'git']),
      tasks: moves(),
      diff: diff(),
      lost: opt(z.strictObject({ base: anyHash(), mine: anyHash() })),
    }),
  ),
  'file.intend': late(() =>
    z.strictObject({
      kind: z.literal('file.intend'),
      workflow: z.string(),
      known: anyHash(),
      base: anyHash(),
      target: anyHash(),
      edits: z.array(id()),
      restores: opt(line(limits.resource)),
      instead: opt(anyHash()),
    }),
  ),
  'file.confirm': late(() =>
    z.strictObject({
      kind: z.literal('file.confirm'),
      workflow: z.string(),
      target: anyHash(),
      edits: opt(z.array(id())),
      sight: opt(sight()),
      tasks: opt(moves()),
    }),
  ),
  'file.conflict': late(() =>
    z.strictObject({
      kind: z.literal('file.conflict'),
      workflow: z.string(),
      conflict: id(),
      base: anyHash(),
      mine: anyHash(),
      theirs: anyHash(),
      diff: diff(),
      edits: z.array(id()),
    }),
  ),
  'conflict.resolve': late(() =>
    z.strictObject({
      kind: z.literal('conflict.resolve'),
      conflict: id(),
      as: z.enum(['mine', 'theirs', 'merged']),
    }),
  ),
  'guard.hold': late(() =>
    z.strictObject({
      kind: z.literal('guard.hold'),
      file: path(),
      worktree: worktree(),
      holder: holder(),
    }),
  ),
  'guard.free': late(() =>
    z.strictObject({ kind: z.literal('guard.free'), file: path(), worktree: worktree() }),
  ),
};
