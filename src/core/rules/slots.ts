/**
 * What there is to claim: slots, the runs that wait for one, and why a wish cannot be met (SLOT-n, CLAIM-6).
 *
 * Contract: a running run is its slot. What is free is counted from runs each time, never kept.
 */
import type { Context, Refusal, RefusalOf, RunId, RunRow, Step, WorkflowId } from '../model';
import { ask } from './ask';
import { numberSetting } from './limits';
import { knownRuns } from './links';
import { chainOf, chainState } from './retries';

/** Work for a queue that nobody tells of changes. */
const askAgainMs = 5_000;
/** A slot is freed sooner than work is made. */
const slotAgainMs = 1_000;

export interface SlotState {
  /** The limit; Infinity when it is switched off with 0. */
  readonly slots: number;
  readonly used: number;
}

/** Of the whole store, or of one workflow when it has a limit of its own (SLOT-1). */
export function* slotState(workflow: WorkflowId | null): Step<SlotState> {
  const slots = yield* numberSetting(workflow === null ? 'slots' : `slots.${workflow}`);
  const used = yield* ask('running', { workflow });
  return { slots: slots === 0 ? Infinity : slots, used };
}

/** What somebody would take: this run, a run of this workflow, or any. */
export interface Wish {
  readonly workflow: WorkflowId | null;
  readonly run: RunId | null;
}

/** Free slots and claimable runs, from which one wish after another is met in thought. */
export class Supply {
  readonly #taken = new Set<RunId>();
  /** Wishes for a workflow, or for any, that have found nothing; what shrinks does not get more. */
  readonly #dry = new Set<WorkflowId | null>();

  private constructor(
    private free: number,
    /** Free slots of each workflow with a limit of its own. */
    private readonly room: Map<WorkflowId, number>,
    private readonly now: number,
  ) {}

  static *look(context: Context): Step<Supply> {
    const { slots, used } = yield* slotState(null);
    const room = new Map<WorkflowId, number>();
    for (const { key } of yield* ask('configs', { prefix: 'slots.' })) {
      const workflow = key.slice('slots.'.length) as WorkflowId;
      const own = yield* slotState(workflow);
      room.set(workflow, own.slots - own.used);
    }
    return new Supply(slots - used, room, context.now);
  }

  get isEmpty(): boolean {
    return this.free <= 0;
  }

  /** Workflows without room, whose runs nobody can have now (SLOT-2). */
  get full(): readonly WorkflowId[] {
    return [...this.room].flatMap(([workflow, free]) => (free > 0 ? [] : [workflow]));
  }

  *take(wish: Wish): Step<RunRow | null> {
    if (this.isEmpty) return null;
    const run = wish.run === null ? yield* this.#best(wish.workflow) : yield* this.#given(wish.run);
    if (!run) return null;
    this.#taken.add(run.id);
    this.free -= 1;
    if (run.workflow !== null) {
      this.room.set(run.workflow, (this.room.get(run.workflow) ?? Infinity) - 1);
    }
    return run;
  }

  /** Highest priority, then oldest (CLAIM-1). */
  *#best(workflow: WorkflowId | null): Step<RunRow | null> {
    if (this.#dry.has(workflow) || this.#dry.has(null)) return null;
    const rows = yield* ask('claimable', {
      workflow,
      except: this.full,
      now: this.now,
      limit: this.#taken.size + 1,
    });
    const run = rows.find(({ id }) => !this.#taken.has(id));
    if (!run) this.#dry.add(workflow);
    return run ?? null;
  }

  *#given(id: RunId): Step<RunRow | null> {
    const run = yield* ask('run', { id });
    if (!run || !isClaimable(run, this.now) || this.#taken.has(id)) return null;
    return run.workflow !== null && this.full.includes(run.workflow) ? null : run;
  }
}

function isClaimable({ status, unmet, notBefore }: RunRow, now: number): boolean {
  return status === 'queued' && unmet.length === 0 && (notBefore ?? now) <= now;
}

/** Where the asker stands: in line, or where it would stand. */
export interface Standing {
  readonly position: number;
  readonly waits: boolean;
  readonly dropped: boolean;
}

/** Why a wish cannot be met: nothing to claim, no slot, or others have waited longer. */
export function* whyNot(wish: Wish, standing: Standing, context: Context): Step<Refusal> {
  const { now } = context;
  const { workflow } = wish;
  const given = wish.run === null ? null : yield* ask('run', { id: wish.run });
  const claimable = given
    ? [given].filter((run) => isClaimable(run, now))
    : yield* ask('claimable', { workflow, except: [], now, limit: 1 });
  const [first] = claimable;
  if (!first) {
    const waiting = given ? yield* waitingOf(given) : yield* ask('waitingRuns', { workflow, now });
    return nothingQueued(waiting, standing, now);
  }
  return yield* fullest(first.workflow, standing);
}

/** Why a run that is there to be taken finds no room. */
export function* whyNoRoom(
  workflow: WorkflowId | null,
  position: number,
): Step<RefusalOf<'no_slot'>> {
  return yield* fullest(workflow, { position, waits: false, dropped: false });
}

function* fullest(workflow: WorkflowId | null, standing: Standing): Step<RefusalOf<'no_slot'>> {
  const all = yield* slotState(null);
  if (all.used < all.slots && workflow !== null) {
    const own = yield* slotState(workflow);
    if (own.used >= own.slots) return noSlot(own, workflow, standing);
  }
  return noSlot(all, null, standing);
}

interface Waiting {
  readonly dependencies: number;
  readonly blocked: number;
  readonly notBefore: number;
  readonly soonest: number | null;
}

/** What one queued run waits for. */
function* waitingOf({ unmet, notBefore }: RunRow): Step<Waiting> {
  if (unmet.length === 0) return { dependencies: 0, blocked: 0, notBefore: 1, soonest: notBefore };
  let blocked = 0;
  for (const run of (yield* knownRuns(unmet)).values()) {
    if (chainState(yield* chainOf(run))?.status === 'failed') blocked = 1;
  }
  return { dependencies: 1, blocked, notBefore: 0, soonest: null };
}

function nothingQueued(
  { dependencies, blocked, notBefore, soonest }: Waiting,
  { position, waits, dropped }: Standing,
  now: number,
): RefusalOf<'nothing_queued'> {
  return {
    code: 'nothing_queued',
    message: `No run can be claimed now: ${dependencies - blocked} wait for dependencies, ${notBefore} for their time, ${blocked} are blocked.`,
    retryAfterMs: soonest === null ? askAgainMs : Math.min(askAgainMs, Math.ceil(soonest - now)),
    waiting: { dependencies: dependencies - blocked, notBefore, blocked },
    ...(waits ? { queuePosition: position } : {}),
    ...(dropped ? { dropped } : {}),
  };
}

function noSlot(
  { slots, used }: SlotState,
  workflow: WorkflowId | null,
  { position, dropped }: Standing,
): RefusalOf<'no_slot'> {
  const of = workflow === null ? '' : ` of workflow ${workflow}`;
  return {
    code: 'no_slot',
    message:
      used < slots
        ? 'Others have waited longer for what can be claimed now.'
        : `All ${slots} slots${of} are in use.`,
    slots: slots === Infinity ? 0 : slots,
    workflow,
    retryAfterMs: slotAgainMs,
    queuePosition: position,
    ...(dropped ? { dropped } : {}),
  };
}
