/**
 * A claimed run and the command that does it: heartbeats while it works, obeys what others ask of the run, and
 * reports how it ended.
 *
 * Contract: the command never outlives our right to the run. Whoever took the run to be lost or over by its clocks
 * may have given it to somebody else, so then the command is killed at once and nothing is reported. When the
 * store cannot be reached for as long as the lease lasts, the same. The end is reported when the command and its
 * group are gone, not before: nobody else begins while it still works.
 */
import { relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { isStoreError } from '../core/errors';
import type {
  Answer,
  ClaimToken,
  CommandOf,
  EndedFacts,
  EventOf,
  Link,
  OpId,
  RunRow,
  StopRequest,
  StoredEvent,
} from '../core/model';
import { newId } from '../store/newId';
import type { Place } from '../store/place';
import type { Store } from '../store/store';
import { printable } from './terminal';
import { RunLog } from './runLog';
import { SupervisedCommand, type CommandEnd } from './supervisedCommand';

export interface Undertaking {
  readonly store: Store;
  readonly place: Place;
  readonly run: RunRow;
  readonly token: ClaimToken;
  /** The claim was asked for no earlier than this, by `performance.now()`. */
  readonly claimedAt: number;
  readonly command: readonly string[] | string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: 'inherit' | 'ignore';
  /** What a run counts as that ended because we were told to stop: an error is tried again, as its policy says. */
  readonly interruptedAs: 'error' | 'killed';
  readonly graceMs: number;
  /** Carries out what a change of the run has promised for its workflow's file; never rejects. */
  readonly keepPromises: () => Promise<void>;
  readonly warn: (message: string) => void;
}

export interface HeldRunEnd {
  /** As the store has it, by our word or by that of others. */
  readonly run: RunRow;
  readonly retry: RunRow | null;
  readonly exit: CommandEnd;
}

type Because = 'cancel' | 'kill' | 'timeout' | 'interrupted' | 'fenced';

type RunEnd = EventOf<'run.completed' | 'run.failed' | 'run.killed' | 'run.cancelled' | 'run.lost'>;

function isEnd(event: StoredEvent): event is RunEnd {
  return /^run\.(completed|failed|killed|cancelled|lost)$/.test(event.kind);
}

/** A lease is renewed so often in its time: two renewals may fail. */
const beatsPerLease = 3;
const longestTimer = 2 ** 31 - 1;
const reportAttempts = 5;
const lastLineLength = 500;

export class HeldRun {
  readonly log: RunLog;
  readonly done: Promise<HeldRunEnd>;
  readonly #command: SupervisedCommand;
  readonly #timers = new Set<NodeJS.Timeout>();
  #beat: Promise<void> = Promise.resolve();
  #lastBeat: number;
  #because: Because | undefined;
  /** The command has reported by itself how its run ended. */
  #told = false;
  #over = false;
  #lastLine = '';

  constructor(private readonly work: Undertaking) {
    const { run, place, command, cwd, env, stdin, warn } = work;
    this.#lastBeat = work.claimedAt;
    this.log = new RunLog(place.storeFolder, run.id, ({ message }) => {
      warn(`The log of ${run.id} ends here: ${message}`);
    });
    this.#command = new SupervisedCommand({ command, cwd, env, stdin });
    this.stdout.on('data', (chunk: Buffer) => {
      this.log.write(chunk);
    });
    this.stderr.on('data', (chunk: Buffer) => {
      this.log.write(chunk);
      this.#rememberLine(chunk);
    });
    this.done = this.#work();
  }

  get stdout(): Readable {
    return this.#command.stdout;
  }

  get stderr(): Readable {
    return this.#command.stderr;
  }

  /** What anybody has committed about this run. */
  hear(event: StoredEvent): void {
    if (event.run !== this.work.run.id || this.#over) return;
    if (event.kind === 'run.cancel_requested' || isEnd(event)) this.#see(event.data.row);
  }

  /** We are told to stop: the command is told the same, and has the grace to end by itself. */
  interrupt(signal: NodeJS.Signals): void {
    this.#stop('interrupted', this.work.graceMs, signal);
  }

  kill(): void {
    this.#because ??= 'interrupted';
    this.#command.kill();
  }

  async #work(): Promise<HeldRunEnd> {
    const { run } = this.work;
    this.#beatEvery(Math.max(50, (run.claim?.leaseMs ?? 60_000) / beatsPerLease));
    if (run.timeoutMs !== null) this.#timeoutAfter(performance.now() + run.timeoutMs);
    // Somebody may have asked it to stop before there was anybody to hear it.
    this.#beat = this.#attempt(async () => {
      this.#see(await this.#row());
    });
    const begun = this.#keepPromises();
    const exit = await this.#command.ended;
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#beat;
    this.log.close();
    await begun;
    const end = await this.#report(exit);
    await this.#keepPromises();
    return { ...end, exit };
  }

  /** Only a run of a workflow has anything to say in a file. */
  async #keepPromises(): Promise<void> {
    if (this.work.run.workflow !== null) await this.work.keepPromises();
  }

  /* ---------------------------------------------------------------- while it works */

  #beatEvery(ms: number): void {
    const timer = setInterval(() => {
      this.#beat = this.#beat.then(() => this.#attempt(() => this.#sendBeat()));
    }, ms);
    this.#timers.add(timer);
  }

  async #sendBeat(): Promise<void> {
    if (this.#over || this.#told || this.#because === 'fenced') return;
    const { store, run, token } = this.work;
    const asked = performance.now();
    const answer = await store.submit({ kind: 'run.heartbeat', run: run.id, token });
    if (!answer.ok) {
      this.#see(await this.#row());
      return;
    }
    this.#lastBeat = asked;
    const { directive } = answer.facts;
    if (directive !== null) this.#obey(directive, this.work.graceMs);
  }

  /** Without the store nobody can tell whether the run is still ours; when the lease is over, it need not be. */
  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isStoreError(error)) throw error;
      const leaseMs = this.work.run.claim?.leaseMs ?? 0;
      if (performance.now() - this.#lastBeat < leaseMs) return;
      this.work.warn(`The lease of ${this.work.run.id} could not be renewed: ${error.message}`);
      this.#fence();
    }
  }

  #see(row: RunRow): void {
    if (this.#over) return;
    const { claim, status, stop } = row;
    if (status === 'running' && claim?.epoch === this.work.run.epoch) {
      if (stop) this.#obey(stop.directive, stop.graceMs);
    } else if (status === 'running' || status === 'lost' || status === 'killed') {
      // A command that reports its own run as killed is on its way out, too.
      this.#fence();
    } else {
      this.#told = true;
    }
  }

  #obey(directive: StopRequest['directive'], graceMs: number): void {
    this.#stop(directive, directive === 'kill' ? 0 : graceMs);
  }

  #fence(): void {
    this.#because = 'fenced';
    this.#command.kill();
  }

  #stop(because: Because, graceMs: number, signal?: NodeJS.Signals): void {
    if (this.#because === because && graceMs > 0) return;
    // A person's word counts more than our own end, and a kill more than a cancel.
    if (this.#because === undefined || because === 'kill' || this.#because === 'interrupted') {
      this.#because = because;
    }
    this.#command.stop(graceMs, signal);
  }

  #timeoutAfter(at: number): void {
    const left = at - performance.now();
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (performance.now() < at) this.#timeoutAfter(at);
        else this.#stop('timeout', this.work.graceMs);
      },
      Math.min(Math.max(0, left), longestTimer),
    );
    this.#timers.add(timer);
  }

  /* ---------------------------------------------------------------- how it ended */

  async #report(exit: CommandEnd): Promise<Pick<HeldRunEnd, 'run' | 'retry'>> {
    if (!this.#told && this.#because !== 'fenced') {
      const answer = await this.#submitEnd(this.#ending(exit));
      if (answer.ok) return answer.facts;
    }
    // The command, a person or a clock was first.
    return { run: await this.#row(), retry: null };
  }

  #ending(exit: CommandEnd): CommandOf<'run.complete'> | CommandOf<'run.fail'> {
    const { run, token, interruptedAs } = this.work;
    const links = this.#links();
    const fail = (
      as: 'error' | 'killed' | 'cancelled',
      code: string,
      message: string,
    ): CommandOf<'run.fail'> => {
      return { kind: 'run.fail', run: run.id, token, as, error: { code, message }, links };
    };
    const because = this.#because;
    if (because === 'cancel')
      return fail('cancelled', 'cancelled', 'It was stopped when it was cancelled.');
    if (because === 'kill') return fail('killed', 'killed', 'It was killed, as was asked.');
    if (because === 'timeout') {
      const message = `It ran longer than its limit of ${run.timeoutMs ?? 0} ms.`;
      return fail('killed', 'timeout', message);
    }
    if (because === 'interrupted' && exit.code !== 0)
      return fail(interruptedAs, 'interrupted', 'The program that ran it was told to stop.');
    if (exit.code === 0) {
      return { kind: 'run.complete', run: run.id, token, result: { exitCode: 0 }, links };
    }
    if (exit.code === null)
      return fail('killed', 'signal', `${exit.signal ?? 'A signal'} ended the command.`);
    const last = this.#lastLine.trim();
    const why = exit.code === 127 && last === '' ? 'there is no such command' : last;
    const message = `The command ended with exit code ${exit.code}${why === '' ? '.' : `: ${why}`}`;
    return fail('error', `exit_${exit.code}`, message);
  }

  /** Only where the log lies in the workspace: a link is a path of it. */
  #links(): readonly Link[] {
    const target = relative(this.work.place.root, this.log.path).split(sep).join('/');
    return target.startsWith('..') || target.includes(':') ? [] : [{ kind: 'log', target }];
  }

  /** The same operation each time, so that an end that was recorded and not answered is not refused. */
  async #submitEnd(
    command: CommandOf<'run.complete'> | CommandOf<'run.fail'>,
  ): Promise<Answer<EndedFacts>> {
    const opId = newId('op') as OpId;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.work.store.submit(command, opId);
      } catch (error) {
        // Each attempt has waited for its turn itself.
        const busy = isStoreError(error) && error.code === 'store_busy';
        if (!busy || attempt === reportAttempts) throw error;
      }
    }
  }

  async #row(): Promise<RunRow> {
    const { store, run } = this.work;
    const { chains } = await store.read('chains', { ids: [run.id] });
    return chains[0]?.runs.find(({ id }) => id === run.id) ?? run;
  }

  #rememberLine(chunk: Buffer): void {
    const text = this.#lastLine + chunk.subarray(-4 * lastLineLength).toString('utf8');
    const lines = text.split(/[\r\n]+/);
    const last = lines.findLast((line) => line.trim() !== '') ?? '';
    this.#lastLine = printable(last).slice(-lastLineLength);
  }
}
