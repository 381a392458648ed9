/**
 * The whole domain as it is meant, in memory: slow, simple, and written from docs/rules.md, not from the
 * rules. What everything else is compared with.
 *
 * It is eager where rules are lazy: each command first ends whatever time has ended anywhere, and last gives
 * everybody in line who can have a turn its turn. So whoever compares it with rules that expire only what
 * they touch sends them a sweep before each command.
 */
import type { AgentName, Command, Context, LockId, RunId, WaiterId } from '../../src/core/model';
import * as agents from './agents';
import * as claims from './claims';
import * as locks from './locks';
import { retentionStep } from './retention';
import * as runs from './runs';
import * as waves from './waves';
import { grant, isOver, refuse, World, type Outcome } from './world';

export type { Facts, Outcome } from './world';

/** Those that hold something in the speaker's name (AGENT-2). */
const needsName: ReadonlySet<Command['kind']> = new Set([
  'run.claim',
  'agent.touch',
  'session.start',
  'agent.leave',
  'lock.acquire',
]);

/** RATE-1; what renews, ends or tidies is not among them (RATE-2). */
const isCounted: ReadonlySet<Command['kind']> = new Set([
  'run.create',
  'run.claim',
  'run.cancel',
  'run.kill',
  'run.retry',
  'run.link',
  'run.handoff',
  'agent.register',
  'lock.acquire',
  'lock.break',
  'config.set',
]);

interface Tidied {
  readonly lost: RunId[];
  readonly killed: RunId[];
  readonly locks: LockId[];
  readonly waiters: WaiterId[];
}

export class PlainModel {
  constructor(readonly world = new World()) {}

  perform(command: Command, context: Context): Outcome {
    const tidied = this.#tidy(context);
    const outcome = this.#answer(command, context, tidied);
    locks.makeOffers(this.world, context);
    this.world.forget();
    return outcome;
  }

  #answer(command: Command, context: Context, tidied: Tidied): Outcome {
    const { world } = this;
    if (isCounted.has(command.kind) && !agents.rateAllows(world, context))
      return refuse('rate_limited');
    if (needsName.has(command.kind)) {
      if (!context.named) return refuse('agent_required');
      if (command.kind !== 'agent.leave' && !agents.isKnown(world, context.agent))
        agents.enrol(world, context.agent, context);
    }
    agents.signOfLife(world, context);
    return this.#decide(command, context, tidied);
  }

  /** LEASE-8, LOCK-6, LOCK-10, SLOT-4: what is over is over for everybody who looks. */
  #tidy(context: Context): Tidied {
    const { world } = this;
    const tidied: Tidied = { lost: [], killed: [], locks: [], waiters: [] };
    const oldestBeatFirst = [...world.runs].sort(
      (a, b) => (a.claim?.beat.wall ?? 0) - (b.claim?.beat.wall ?? 0) || (a.id < b.id ? -1 : 1),
    );
    for (const run of oldestBeatFirst) {
      const how = runs.expireRun(world, run, context);
      if (how !== null) tidied[how].push(run.id);
    }
    const over = world.locks.filter((lock) => locks.lockIsOver(world, lock, context));
    world.locks = world.locks.filter((lock) => !over.includes(lock));
    tidied.locks.push(...over.map((lock) => lock.id));

    const silent = world.waiters.filter((waiter) => locks.waiterIsOver(world, waiter, context));
    world.waiters = world.waiters.filter((waiter) => !silent.includes(waiter));
    const silentClaims = world.slotWaiters.filter((waiter) =>
      isOver(
        world,
        {
          subject: `slot:${waiter.id}`,
          beat: waiter.renewed,
          ttlMs: locks.renewalMs,
          afterReboot: 'over',
          process: waiter.process,
        },
        context,
      ),
    );
    world.slotWaiters = world.slotWaiters.filter((waiter) => !silentClaims.includes(waiter));
    tidied.waiters.push(...[...silent, ...silentClaims].map((waiter) => waiter.id));
    locks.makeOffers(world, context);
    world.forget();
    return tidied;
  }

  #decide(command: Command, context: Context, tidied: Tidied): Outcome {
    const { world } = this;
    switch (command.kind) {
      case 'run.create':
        return runs.createRuns(world, command, context);
      case 'run.claim':
        return claims.claim(world, command, context);
      case 'run.unwait':
        return grant({ left: claims.leaveLine(world, command.waiter) });
      case 'run.heartbeat':
        return runs.heartbeat(world, command, context);
      case 'run.complete':
        return runs.complete(world, command, context);
      case 'run.fail':
        return runs.fail(world, command, context);
      case 'run.cancel':
      case 'run.kill':
        return runs.stop(world, command, context);
      case 'run.retry':
        return runs.retry(world, command, context);
      case 'run.link':
        return runs.linkRun(world, command);
      case 'run.handoff':
        return runs.handOff(world, command, context);
      case 'retention.step':
        return retentionStep(world, command, context);
      case 'sweep': {
        const swept: AgentName[] = agents.sweepAgents(world, context);
        return grant({ ...tidied, agents: swept, more: false });
      }
      case 'agent.register':
        agents.enrol(world, command.name, context, command);
        return grant({ agent: world.agents.find((agent) => agent.name === command.name) });
      case 'agent.touch':
        return grant();
      case 'agent.leave':
        return agents.leave(world, command, context);
      case 'session.start':
        return agents.startSession(world, context);
      case 'session.end':
        return agents.endSession(world, context);
      case 'lock.acquire':
        return locks.acquire(world, command, context);
      case 'lock.release':
        return locks.release(world, command, context);
      case 'lock.unwait':
        return grant({ left: locks.leaveLine(world, command.waiter) });
      case 'lock.break':
        return locks.breakLock(world, command, context);
      case 'lock.verify':
        return locks.verify(world, command, context);
      case 'notification.take':
        return agents.notify(world, command, context);
      case 'config.set':
        return agents.configure(world, command);
      case 'wave.advance':
        return waves.advance(world, command, context);
      case 'file.confirm':
        return waves.confirm();
      case 'task.set':
      case 'note.add':
      case 'change.undo':
      case 'workflow.bind':
      case 'file.import':
      case 'file.intend':
      case 'file.conflict':
      case 'conflict.resolve':
      case 'guard.hold':
      case 'guard.free':
        throw new Error(`the plain model knows no files: ${command.kind}`);
    }
  }
}
