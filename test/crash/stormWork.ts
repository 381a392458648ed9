/**
 * What a process of the storm asks for next: every kind of command, on so few runs and resources that
 * whoever asks meets somebody. It knows what it was answered and what it has seen happen, no more.
 */
import type { AnyAnswer } from '../../src/store/engine';
import type {
  ClaimToken,
  Command,
  CommandOf,
  Granted,
  OpId,
  RunId,
  StoredEvent,
  WaiterId,
} from '../../src/core/model';
import { newId } from '../../src/store/newId';
import type { Chance } from './stormChance';

/** What is done once, under an id by which it can be asked for again. */
export type Order = { readonly op: OpId } & (
  | {
      readonly do: 'submit';
      readonly command: Command;
      /** With a token that is not the claim's: whatever happens, the answer must be no. */
      readonly forged?: true;
    }
  | { readonly do: 'advance'; readonly folder: string }
);

/** What a process does to the store beside its orders. */
export type Chore = 'retain' | 'backup' | 'reopen';

/** The folders of workflow files; those of a group are used one after the other. */
export const fileGroups = 3;
export const filesOfGroup = 12;
export const folderOf = (group: number, place: number): string => `wf-${group}-${place}`;

/** Of this workflow no more than two runs may be running. */
export const narrow = { workflow: 'narrow', slots: 2 } as const;

const resources = [
  'src/a.ts',
  'src/a.ts#f',
  'src/a.ts#g',
  'src/b.ts',
  'glob:src/*.ts',
  'glob:docs/**',
  'docs/x.md',
  'task:t1',
  'lib/one.ts',
  'lib/two.ts',
  'workspace',
] as const;

type Wish = CommandOf<'lock.acquire'>['wishes'][number];

interface Claim {
  readonly run: RunId;
  readonly token: ClaimToken;
}

/** Internal to the write path of files, which asks for them itself. */
type OfFiles =
  | 'wave.advance'
  | 'task.set'
  | 'note.add'
  | 'change.undo'
  | 'workflow.bind'
  | 'conflict.resolve'
  | Extract<Command['kind'], `file.${string}` | `guard.${string}`>;
export type Asked = Exclude<Command['kind'], OfFiles>;

/** How often each kind is asked for, next to the others. */
export const shares: { readonly [Kind in Asked]: number } = {
  'run.create': 16,
  'run.claim': 30,
  'run.unwait': 1,
  'run.heartbeat': 8,
  'run.complete': 16,
  'run.fail': 6,
  'run.cancel': 3,
  'run.kill': 3,
  'run.retry': 3,
  'run.link': 3,
  'run.handoff': 3,
  'retention.step': 0.3,
  sweep: 2,
  'agent.register': 1,
  'agent.touch': 1,
  'agent.leave': 0.5,
  'session.start': 1,
  'session.end': 0.5,
  'lock.acquire': 14,
  'lock.release': 8,
  'lock.unwait': 1,
  'lock.break': 1,
  'lock.verify': 6,
  'notification.take': 2,
  'config.set': 1,
};
const all = Object.entries(shares) as [Asked, number][];
const sum = all.reduce((total, [, share]) => total + share, 0);

export class Work {
  #runs: RunId[] = [];
  #claims: Claim[] = [];
  #waiters: WaiterId[] = [];
  /** The last that was granted to write to; nobody asks whether a reader still may. */
  #lock: Wish = { resource: resources[0] };
  #isNew = false;
  #file = 0;
  #isAdvancing = false;

  constructor(
    private readonly chance: Chance,
    private readonly index: number,
  ) {}

  chore(): Chore | undefined {
    const { chance } = this;
    if (chance.oneIn(400)) return 'retain';
    if (chance.oneIn(4_000)) return 'backup';
    return chance.oneIn(1_000) ? 'reopen' : undefined;
  }

  next(): Order {
    // One at a time, else all lanes would soon wait for the same lock.
    if (!this.#isAdvancing && this.chance.oneIn(60)) return this.advance() ?? this.next();
    if (this.#isNew) {
      this.#isNew = false;
      if (this.chance.oneIn(2)) return submit(verifying(this.#lock));
    }
    let left = this.chance.next() * sum;
    const [kind] = all.find(([, share]) => (left -= share) < 0) ?? all[0] ?? [];
    const made = kind === undefined ? undefined : this.#make(kind);
    if (made === undefined) return this.next();
    return submit(made.command, made.forged);
  }

  /** Undefined when all files of our group are through. */
  advance(): Order | undefined {
    if (this.#file >= filesOfGroup) return undefined;
    const folder = folderOf(this.index % fileGroups, this.#file);
    this.#isAdvancing = true;
    return { op: newId('op') as OpId, do: 'advance', folder };
  }

  learn(order: Order, answer: AnyAnswer): void {
    if (order.do === 'advance') {
      this.#isAdvancing = false;
      if (!answer.ok && answer.refusal.code === 'invalid_transition') this.#file += 1;
      return;
    }
    const { command } = order;
    if ('token' in command && 'run' in command) this.#forget(command);
    if (!answer.ok) return;
    if (command.kind === 'run.create') {
      const { runs } = answer.facts as Granted['run.create'];
      this.#know(runs.map(({ id }) => id));
    } else if (command.kind === 'run.claim') {
      const { run, token } = answer.facts as Granted['run.claim'];
      this.#claims.push({ run: run.id, token });
    } else if (command.kind === 'lock.acquire') {
      const written = command.wishes.find(({ mode }) => mode === 'write');
      if (written) this.#lock = written;
      this.#isNew = written !== undefined;
    }
  }

  failed(order: Order): void {
    if (order.do === 'advance') this.#isAdvancing = false;
  }

  see(events: readonly StoredEvent[]): void {
    this.#know(events.flatMap(({ kind, run }) => (kind === 'run.created' && run ? [run] : [])));
  }

  #know(runs: readonly RunId[]): void {
    this.#runs = [...this.#runs, ...runs].slice(-40);
  }

  /** After a heartbeat it is held on, now and then. */
  #forget(command: Command & { readonly run: RunId }): void {
    if (command.kind === 'run.heartbeat' && !this.chance.oneIn(10)) return;
    this.#claims = this.#claims.filter(({ run }) => run !== command.run);
  }

  #make(kind: Asked): { readonly command: Command; readonly forged?: true } | undefined {
    const command = this.#makers[kind]();
    if (
      command === undefined ||
      !('token' in command) ||
      !('run' in command) ||
      !this.chance.oneIn(12)
    ) {
      return command && { command };
    }
    // Its own token of another run, or one that nobody was ever given.
    const other = this.#claims.find(({ run }) => run !== command.run)?.token;
    const token = other ?? (newId('op') as ClaimToken);
    return { command: { ...command, token }, forged: true };
  }

  readonly #makers: { readonly [Kind in Asked]: () => CommandOf<Kind> | undefined } = {
    'run.create': () => {
      const { chance } = this;
      const [parent, needed] = [this.#anyRun(), this.#anyRun()];
      return {
        kind: 'run.create',
        title: `Work of ${this.index}`,
        count: chance.whole(1, 3),
        priority: chance.whole(0, 2),
        maxAttempts: chance.whole(1, 3),
        backoff: { baseMs: 1, capMs: 20 },
        ...(parent && chance.oneIn(4) ? { parent } : {}),
        ...(needed && chance.oneIn(4) ? { dependsOn: [needed] } : {}),
        ...(chance.oneIn(4) ? { workflow: narrow.workflow as never } : {}),
        ...(chance.oneIn(10) ? { timeoutMs: 100 } : {}),
      };
    },
    'run.claim': () => {
      const { chance } = this;
      const run = chance.oneIn(3) ? this.#anyRun() : undefined;
      const waits = chance.oneIn(6);
      const renewed = waits && chance.oneIn(2) ? chance.pick(this.#waiters) : undefined;
      return {
        kind: 'run.claim',
        leaseMs: chance.whole(50, 2_000),
        program: !chance.oneIn(4),
        ...(run ? { run } : {}),
        ...(!run && chance.oneIn(4) ? { workflow: narrow.workflow as never } : {}),
        ...(waits ? { waiter: renewed ?? this.#newWaiter() } : {}),
        ...(renewed ? { renewal: true } : {}),
      };
    },
    'run.unwait': () => this.#about(this.#waiters, (waiter) => ({ kind: 'run.unwait', waiter })),
    'run.heartbeat': () =>
      this.#about(this.#claims, (claim) => ({ kind: 'run.heartbeat', ...claim })),
    'run.complete': () =>
      this.#about(this.#claims, (claim) => ({
        kind: 'run.complete',
        ...claim,
        result: { by: this.index },
      })),
    'run.fail': () =>
      this.#about(this.#claims, (claim) => ({
        kind: 'run.fail',
        ...claim,
        error: { message: 'It did not work.' },
        as: this.chance.pick(['error', 'error', 'killed', 'cancelled'] as const) ?? 'error',
      })),
    'run.cancel': () => this.#about(this.#runs, (run) => ({ kind: 'run.cancel', run })),
    'run.kill': () => this.#about(this.#runs, (run) => ({ kind: 'run.kill', run })),
    'run.retry': () => this.#about(this.#runs, (run) => ({ kind: 'run.retry', run })),
    'run.link': () =>
      this.#about(this.#runs, (run) => {
        const other = this.#anyRun() ?? run;
        return this.chance.oneIn(2)
          ? { kind: 'run.link', run, parent: other }
          : { kind: 'run.link', run, dependsOn: [other] };
      }),
    'run.handoff': () =>
      this.#about(this.#runs, (run) => {
        const mine = this.#claims.find((claim) => claim.run === run);
        const note = `Left by ${this.index}`;
        return { kind: 'run.handoff', run, note, ...(mine ? { token: mine.token } : {}) };
      }),
    'retention.step': () => ({ kind: 'retention.step', archived: [] }),
    sweep: () => ({ kind: 'sweep' }),
    'agent.register': () => ({ kind: 'agent.register', name: this.#guest() }),
    'agent.touch': () => ({ kind: 'agent.touch' }),
    'agent.leave': () => ({
      kind: 'agent.leave',
      force: true,
      // Now and then the speaker itself, with all that it holds.
      ...(this.chance.oneIn(4) ? {} : { agent: this.#guest() }),
    }),
    'session.start': () => ({ kind: 'session.start' }),
    'session.end': () => ({ kind: 'session.end' }),
    'lock.acquire': () => {
      const { chance } = this;
      const waits = chance.oneIn(4);
      const renewed = waits && chance.oneIn(2) ? chance.pick(this.#waiters) : undefined;
      return {
        kind: 'lock.acquire',
        worktree: '',
        ttlMs: chance.whole(50, 3_000),
        wishes: Array.from({ length: chance.whole(1, 3) }, () => ({
          resource: this.#resource(),
          mode: chance.oneIn(3) ? ('write' as const) : ('read' as const),
        })),
        ...(waits ? { waiter: renewed ?? this.#newWaiter() } : {}),
        ...(renewed ? { renewal: true } : {}),
      };
    },
    'lock.release': () => ({
      kind: 'lock.release',
      worktree: '',
      resources: this.chance.oneIn(5) ? 'all' : [this.#resource(), this.#resource()],
    }),
    'lock.unwait': () => this.#about(this.#waiters, (waiter) => ({ kind: 'lock.unwait', waiter })),
    'lock.break': () => ({
      kind: 'lock.break',
      worktree: '',
      resource: this.#resource(),
      reason: 'In the way',
    }),
    // A lock is held for moments: a guess hardly ever meets one.
    'lock.verify': () =>
      verifying(this.chance.oneIn(4) ? { resource: this.#resource() } : this.#lock),
    'notification.take': () => ({
      kind: 'notification.take',
      about: `news-${this.chance.whole(1, 3)}`,
    }),
    'config.set': () => ({
      kind: 'config.set',
      key: 'validate.storm',
      value: this.chance.pick(['error', 'warning', 'off', null] as const) ?? null,
    }),
  };

  #about<Item, Made>(items: readonly Item[], make: (item: Item) => Made): Made | undefined {
    const item = this.chance.pick(items);
    return item === undefined ? undefined : make(item);
  }

  #anyRun(): RunId | undefined {
    return this.chance.pick(this.#runs);
  }

  #resource(): string {
    return this.chance.pick(resources) ?? resources[0];
  }

  #guest(): never {
    return `guest-${this.chance.whole(1, 4)}` as never;
  }

  #newWaiter(): WaiterId {
    const waiter = newId('wtr') as WaiterId;
    this.#waiters = [...this.#waiters, waiter].slice(-8);
    return waiter;
  }
}

function submit(command: Command, forged?: true): Order {
  return { op: newId('op') as OpId, do: 'submit', command, ...(forged ? { forged } : {}) };
}

function verifying(wish: Wish): CommandOf<'lock.verify'> {
  return { kind: 'lock.verify', worktree: '', wishes: [wish] };
}
