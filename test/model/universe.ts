/** Time, machines, processes and who speaks: what both sides of a scenario share. */
import type {
  AgentId,
  AgentName,
  BootId,
  ClaimToken,
  Context,
  Liveness,
  LockId,
  ObserverId,
  ProcessIdentity,
  RunId,
  SessionId,
  TokenDigest,
} from '../../src/core/model';
import { actors, hosts, type Actor } from './commands';

interface Machine {
  readonly boot: BootId;
  /** What the world's clock showed when it was started, and how far its wall clock is off. */
  readonly bootedAt: number;
  readonly wallOff: number;
}

/**
 * What somebody knows of the world at one moment: plain values, so that it can be told to another process, and
 * told again when what was said there is replayed.
 */
export interface Moment {
  readonly who: number;
  readonly now: number;
  readonly mono: number;
  readonly boot: BootId;
  /** Of the process that speaks; no other has it, or ever had. */
  readonly pid: number;
  /** Processes that have ended. */
  readonly gone: readonly number[];
}

/** Time, machines and processes: what both sides share. */
export class Universe {
  /** True time, which no clock of the scenario has to show. */
  time = 1_000_000;
  readonly #machines = new Map<string, Machine>();
  readonly #processes: ProcessIdentity[] = [];
  #gone: readonly number[] = [];
  #named = 0;

  constructor() {
    for (const host of hosts) this.#start(host, 0);
    for (const actor of actors) this.#processes.push(this.#process(actor));
  }

  pass(ms: number): void {
    this.time += ms;
  }

  jump(host: string, ms: number): void {
    const machine = this.machine(host);
    this.#machines.set(host, { ...machine, wallOff: machine.wallOff + ms });
  }

  reboot(host: string): void {
    this.#start(host, this.machine(host).wallOff);
    actors.forEach((actor, who) => {
      if (actor.host === host) this.#processes[who] = this.#process(actor);
    });
  }

  die(who: number): void {
    this.#gone = [...this.#gone, this.processOf(who).pid];
    this.#processes[who] = this.#process(actors[who]!);
  }

  isGone(process: ProcessIdentity): boolean {
    return this.#gone.includes(process.pid);
  }

  momentOf(who: number): Moment {
    const { host } = actors[who]!;
    const { boot, bootedAt } = this.machine(host);
    const [now, mono] = [this.wall(host), this.time - bootedAt];
    return { who, now, mono, boot, pid: this.processOf(who).pid, gone: this.#gone };
  }

  machine(host: string): Machine {
    return this.#machines.get(host)!;
  }

  processOf(who: number): ProcessIdentity {
    return this.#processes[who]!;
  }

  wall(host: string): number {
    return 1_700_000_000_000 + this.time + this.machine(host).wallOff;
  }

  #start(host: string, wallOff: number): void {
    const boot = `boot${(this.#named += 1)}` as BootId;
    this.#machines.set(host, { boot, bootedAt: this.time - 1_000, wallOff });
  }

  #process({ host }: Actor): ProcessIdentity {
    const pid = (this.#named += 1);
    return processWith(host, this.machine(host).boot, pid);
  }
}

const processWith = (host: string, bootId: BootId, pid: number): ProcessIdentity => ({
  host,
  bootId,
  pidNamespace: 'ns',
  pid,
  startTime: String(pid),
});

export const sessionOf = ({ pid }: { readonly pid: number }): SessionId =>
  `ses_${pid}` as SessionId;

export const secret = 'secret-';

/** What somebody knows of the world who speaks now, in the ids of one side. */
export class Speaker implements Context {
  readonly agent: AgentName;
  readonly named: boolean;
  readonly agentKind = 'terminal';
  readonly session: SessionId;
  readonly process: ProcessIdentity;
  readonly now: number;
  readonly mono: number;
  readonly server = null;
  readonly host: string;
  readonly bootId: BootId;
  readonly pidNamespace = 'ns';
  readonly observer: ObserverId;
  readonly sharedMono = true;
  readonly caseFold = false;

  constructor(
    private readonly moment: Moment,
    private readonly next: (kind: string) => string,
  ) {
    const { name, host, named } = actors[moment.who]!;
    this.agent = name as AgentName;
    this.named = named;
    this.process = processWith(host, moment.boot, moment.pid);
    this.session = sessionOf(moment);
    this.now = moment.now;
    this.mono = moment.mono;
    this.host = host;
    this.bootId = moment.boot;
    this.observer = `${host}/${moment.boot}` as ObserverId;
  }

  liveness({ host, bootId, pid }: ProcessIdentity): Liveness {
    if (host !== this.host || bootId !== this.bootId) return 'unknown';
    return this.moment.gone.includes(pid) ? 'gone' : 'alive';
  }

  newRunId(): RunId {
    return this.next('run_') as RunId;
  }

  newAgentId(): AgentId {
    return this.next('agt_') as AgentId;
  }

  newLockId(): LockId {
    return this.next('lck_') as LockId;
  }

  newToken(): ClaimToken {
    return this.next(secret) as ClaimToken;
  }

  /** As of a real one, nobody could tell the token from it. */
  digest(token: ClaimToken): TokenDigest {
    return `digest ${token.slice(secret.length)}` as TokenDigest;
  }

  random(): number {
    return 0.5;
  }
}
