/** For each kind of command the least that it needs, and everything that it may say. */
import type { Command, CommandOf } from '../../src/core/model';

type Full<Kind extends Command['kind']> = Required<CommandOf<Kind>>;

interface Examples<Kind extends Command['kind']> {
  readonly least: CommandOf<Kind>;
  /** Typed so that a field which the codec forgets, or its type has gained, is noticed. */
  readonly full: Full<Kind>;
}

const id = (text: string): never => text as never;
const hash = 'c0ffee'.repeat(10) + 'c0de';
const links = [
  { kind: 'log', target: 'logs/run 1.txt' },
  { kind: 'page', target: 'https://example.org/a?b=c#d' },
] as const;
const wishes = [
  { resource: 'src/a.ts' },
  { resource: 'src/a.ts#Class.method', mode: 'read', hash: null },
  { resource: 'glob:src/**/*.ts', mode: 'write', hash: id(hash) },
  { resource: 'task:2-1' },
  { resource: 'workspace' },
] as const;
const plan = {
  id: id('wf'),
  name: 'Ledger',
  wave: 1,
  waveCount: 2,
  waves: [
    {
      number: 1,
      tasks: [
        { id: id('1-1'), description: 'First', status: 'done', dependsOn: [], line: 12 },
        { id: id('1-2'), description: '', status: 'todo', dependsOn: [id('1-1')], line: 13 },
      ],
    },
  ],
} as const;
const sight = {
  workflow: id('wf'),
  name: 'Ledger',
  wave: 1,
  waveCount: 2,
  file: id('docs/STATE.md'),
  worktree: 'feature',
  hash: id(hash),
  head: null,
  editing: 'full',
} as const;
const write = { workflow: id('wf'), known: id(hash), base: id(hash), target: id(hash) };
const moves = [
  { task: id('1-1'), from: 'todo', to: 'done' },
  { task: id('1-2'), from: null, to: 'doing' },
] as const;
const diff = { added: [], removed: [], modified: [] };
const holder = { agent: id('ada'), session: id('ses_1'), host: 'host', pid: 7, since: 1_000 };

export const examples: { readonly [Kind in Command['kind']]: Examples<Kind> } = {
  'run.create': {
    least: { kind: 'run.create', title: 'Build' },
    full: {
      kind: 'run.create',
      title: 'Build 👩‍💻 it',
      count: 3,
      parent: id('run_0'),
      dependsOn: [id('run_1'), id('run_2')],
      workflow: id('wf'),
      wave: 1,
      task: id('1-1'),
      priority: -5,
      maxAttempts: 3,
      backoff: { baseMs: 0, capMs: 60_000 },
      notBefore: 1_700_000_000_000,
      timeoutMs: 60_000,
      links,
    },
  },
  'run.claim': {
    least: { kind: 'run.claim' },
    full: {
      kind: 'run.claim',
      run: id('run_1'),
      workflow: id('wf'),
      leaseMs: 60_000,
      waiter: id('wtr_1'),
      renewal: true,
      program: true,
      create: {
        title: 'A title',
        parent: id('run_1'),
        workflow: id('wf'),
        wave: 1,
        task: id('t1'),
        priority: 1,
        maxAttempts: 3,
        backoff: { baseMs: 1_000, capMs: 60_000 },
        timeoutMs: 60_000,
        links,
      },
    },
  },
  'run.unwait': both({ kind: 'run.unwait', waiter: id('wtr_1') }),
  'run.heartbeat': both({ kind: 'run.heartbeat', run: id('run_1'), token: id('token') }),
  'run.complete': {
    least: { kind: 'run.complete', run: id('run_1'), token: id('token') },
    full: {
      kind: 'run.complete',
      run: id('run_1'),
      token: id('token'),
      result: { files: ['a', 1, true, null, { constructor: 'is a word like others' }] },
      links,
    },
  },
  'run.fail': {
    least: { kind: 'run.fail', run: id('run_1'), token: id('token'), error: { message: '' } },
    full: {
      kind: 'run.fail',
      run: id('run_1'),
      token: id('token'),
      error: { code: 'E1', message: 'First line\n\tat second' },
      links,
      as: 'killed',
    },
  },
  'run.cancel': {
    least: { kind: 'run.cancel', run: id('run_1') },
    full: { kind: 'run.cancel', run: id('run_1'), reason: 'Not needed\nany more' },
  },
  'run.kill': {
    least: { kind: 'run.kill', run: id('run_1') },
    full: { kind: 'run.kill', run: id('run_1'), reason: '' },
  },
  'run.retry': {
    least: { kind: 'run.retry', run: id('run_1') },
    full: { kind: 'run.retry', run: id('run_1'), reason: 'Again' },
  },
  'run.link': {
    least: { kind: 'run.link', run: id('run_1') },
    full: { kind: 'run.link', run: id('run_1'), parent: id('run_0'), dependsOn: [id('run_2')] },
  },
  'run.handoff': {
    least: { kind: 'run.handoff', run: id('run_1'), note: '' },
    full: { kind: 'run.handoff', run: id('run_1'), token: id('token'), note: 'Half done' },
  },
  'retention.step': both({ kind: 'retention.step', archived: [id('run_1')] }),
  sweep: both({ kind: 'sweep' }),
  'agent.register': {
    least: { kind: 'agent.register', name: id('ada') },
    full: { kind: 'agent.register', name: id('Ada Löve'), agentKind: 'mcp', description: '' },
  },
  'agent.touch': both({ kind: 'agent.touch' }),
  'agent.leave': {
    least: { kind: 'agent.leave' },
    full: { kind: 'agent.leave', agent: id('ada'), force: true },
  },
  'session.start': both({ kind: 'session.start' }),
  'session.end': both({ kind: 'session.end' }),
  'lock.acquire': {
    least: { kind: 'lock.acquire', wishes: [{ resource: 'a' }], worktree: '' },
    full: {
      kind: 'lock.acquire',
      wishes,
      worktree: 'feature',
      shared: false,
      ttlMs: 24 * 60 * 60_000,
      waiter: id('wtr_1'),
      renewal: true,
    },
  },
  'lock.release': {
    least: { kind: 'lock.release', resources: 'all', worktree: '' },
    full: { kind: 'lock.release', resources: ['a', 'b/../c'], worktree: 'feature', shared: true },
  },
  'lock.unwait': both({ kind: 'lock.unwait', waiter: id('wtr_1') }),
  'lock.break': {
    least: { kind: 'lock.break', resource: 'a', worktree: '', reason: 'Gone' },
    full: { kind: 'lock.break', resource: 'a', worktree: 'feature', shared: true, reason: 'Gone' },
  },
  'lock.verify': {
    least: { kind: 'lock.verify', wishes: [{ resource: 'a' }], worktree: '' },
    full: { kind: 'lock.verify', wishes, worktree: '', shared: false },
  },
  'notification.take': both({ kind: 'notification.take', about: 'run.lost' }),
  'config.set': {
    least: { kind: 'config.set', key: 'slots', value: null },
    full: { kind: 'config.set', key: 'workflow.files', value: ['docs/PLAN.md'] },
  },
  'wave.advance': {
    least: { kind: 'wave.advance', plan, sight },
    full: { kind: 'wave.advance', plan, sight, seen: 1, force: { reason: 'Demo' } },
  },
  'task.set': {
    least: {
      kind: 'task.set',
      sight,
      change: { task: id('1-1'), status: 'done' },
      present: 'todo',
    },
    full: {
      kind: 'task.set',
      sight: { ...sight, head: 'ref: refs/heads/main', editing: 'none' },
      change: {
        task: id('1-1'),
        status: 'failed',
        commit: 'c0ffee',
        files: ['a b.ts'],
        error: null,
      },
      present: 'doing',
      seen: 'doing',
      token: id('token'),
    },
  },
  'note.add': both({ kind: 'note.add', sight, text: 'Ask Ada about **this**' }),
  'change.undo': {
    least: { kind: 'change.undo', sight, plan, undoes: null, file: null },
    full: {
      ...{ kind: 'change.undo', sight, plan, undoes: 7, token: id('token') },
      file: { with: id(hash), without: id(hash) },
    },
  },
  'workflow.bind': {
    least: { kind: 'workflow.bind', sight, from: null },
    full: { kind: 'workflow.bind', sight, from: { file: id('old/STATE.md'), worktree: 'feature' } },
  },
  'file.import': {
    least: { kind: 'file.import', sight, from: null, how: 'git', tasks: [], diff },
    full: {
      kind: 'file.import',
      sight,
      from: id(hash),
      how: 'hand',
      tasks: moves,
      diff: { added: ['1-2'], removed: [], modified: ['1-1'] },
      lost: { base: id(hash), mine: id(hash) },
    },
  },
  'file.intend': {
    least: { kind: 'file.intend', ...write, edits: [] },
    full: {
      kind: 'file.intend',
      ...write,
      edits: [id('edt_1')],
      restores: 'wf/2026.md',
      instead: id(hash),
    },
  },
  'file.confirm': {
    least: { kind: 'file.confirm', workflow: id('wf'), target: id(hash) },
    full: {
      kind: 'file.confirm',
      workflow: id('wf'),
      target: id(hash),
      edits: [id('edt_1')],
      sight,
      tasks: moves,
    },
  },
  'file.conflict': both({
    kind: 'file.conflict',
    workflow: id('wf'),
    conflict: id('cfl_1'),
    base: id(hash),
    mine: id(hash),
    theirs: id(hash),
    diff,
    edits: [id('edt_1')],
  }),
  'conflict.resolve': both({ kind: 'conflict.resolve', conflict: id('cfl_1'), as: 'merged' }),
  'guard.hold': both({ kind: 'guard.hold', file: id('STATE.md'), worktree: '', holder }),
  'guard.free': both({ kind: 'guard.free', file: id('STATE.md'), worktree: 'feature' }),
};

function both<Example>(example: Example): { readonly least: Example; readonly full: Example } {
  return { least: example, full: example };
}
