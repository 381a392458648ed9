/** Runs, and who works on them: what most tests of runs begin with. */
import { granted, RowStore, World, type Speaker, type SpeakerSettings } from './rowStore';
import type {
  Answer,
  ClaimRun,
  ClaimToken,
  Command,
  ConfigKey,
  ConfigValue,
  CreateRuns,
  FailRun,
  Granted,
  RetryRun,
  RunId,
  RunRow,
  SetConfig,
  Sweep,
} from '../../src/core/model';

export interface Held {
  readonly run: RunRow;
  readonly token: ClaimToken;
}

export const minute = 60_000;
export const day = 24 * 60 * minute;

export class Scene {
  readonly world = new World();
  readonly store = new RowStore();
  readonly ann = this.world.speaker('ann');
  readonly bob = this.world.speaker('bob');

  speaker(name: string, settings?: SpeakerSettings): Speaker {
    return this.world.speaker(name, settings);
  }

  perform<C extends Command>(command: C, who: Speaker = this.ann): Answer<Granted[C['kind']]> {
    return this.store.perform(command, who);
  }

  createAll(fields: Partial<CreateRuns> = {}): readonly RunRow[] {
    const command: CreateRuns = { kind: 'run.create', title: 'work', ...fields };
    return granted(this.perform(command)).runs;
  }

  create(fields: Partial<CreateRuns> = {}): RunRow {
    return this.createAll(fields)[0]!;
  }

  claim(fields: Partial<ClaimRun> = {}, who: Speaker = this.ann): Held {
    return granted(this.tryClaim(fields, who));
  }

  tryClaim(fields: Partial<ClaimRun> = {}, who: Speaker = this.ann): Answer<Granted['run.claim']> {
    const command: ClaimRun = { kind: 'run.claim', ...fields };
    return this.perform(command, who);
  }

  /** A new run, claimed at once. */
  running(
    fields: Partial<CreateRuns> = {},
    claim: Partial<ClaimRun> = {},
    who: Speaker = this.ann,
  ): Held {
    return this.claim({ run: this.create(fields).id, ...claim }, who);
  }

  complete({ run, token }: Held): Answer<Granted['run.complete']> {
    return this.perform({ kind: 'run.complete', run: run.id, token });
  }

  fail({ run, token }: Held, fields: Partial<FailRun> = {}): Answer<Granted['run.fail']> {
    const error = { message: 'it broke' };
    const command: FailRun = { kind: 'run.fail', run: run.id, token, error, ...fields };
    return this.perform(command);
  }

  beat({ run, token }: Held, who: Speaker = this.ann): Answer<Granted['run.heartbeat']> {
    return this.perform({ kind: 'run.heartbeat', run: run.id, token }, who);
  }

  cancel({ id }: Pick<RunRow, 'id'>, reason = 'no need'): Answer<Granted['run.cancel']> {
    return this.perform({ kind: 'run.cancel', run: id, reason }, this.bob);
  }

  kill({ id }: Pick<RunRow, 'id'>, reason = 'now'): Answer<Granted['run.kill']> {
    return this.perform({ kind: 'run.kill', run: id, reason }, this.bob);
  }

  retry({ id }: Pick<RunRow, 'id'>): Answer<Granted['run.retry']> {
    const command: RetryRun = { kind: 'run.retry', run: id };
    return this.perform(command);
  }

  sweep(who: Speaker = this.bob): Granted['sweep'] {
    const command: Sweep = { kind: 'sweep' };
    return granted(this.perform(command, who));
  }

  set(key: ConfigKey, value: ConfigValue | null): void {
    const command: SetConfig = { kind: 'config.set', key, value };
    granted(this.perform(command));
  }

  /** Ended runs, out of the live store. */
  archive(...ids: readonly RunId[]): void {
    granted(this.perform({ kind: 'retention.step', archived: ids }));
  }

  run({ id }: Pick<RunRow, 'id'>): RunRow {
    return this.store.run(id);
  }

  status(run: Pick<RunRow, 'id'>): RunRow['status'] {
    return this.run(run).status;
  }

  /** The kinds of the events since then, in order. */
  kindsSince(seq: number): readonly string[] {
    return this.store.events.slice(seq).map(({ kind }) => kind);
  }
}
