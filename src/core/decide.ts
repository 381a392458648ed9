/** The one door to the rules: every host and both engines decide every command here. */
import type { Command, Context, Decision, Granted } from './model';
import * as agents from './rules/agents';
import * as claims from './rules/claims';
import * as files from './rules/files';
import { freeGuard, holdGuard } from './rules/guards';
import * as limits from './rules/limits';
import { linkRun } from './rules/links';
import * as locks from './rules/locks';
import { retentionStep } from './rules/retention';
import { retryRun } from './rules/retries';
import * as runs from './rules/runs';
import { sweep } from './rules/sweep';
import * as tasks from './rules/tasks';
import { undoChange } from './rules/undo';
import { advanceWave } from './rules/waves';

type Rules = {
  readonly [C in Command as C['kind']]: (
    command: C,
    context: Context,
  ) => Decision<Granted[C['kind']]>;
};

const rules: Rules = {
  'run.create': runs.createRuns,
  'run.claim': claims.claimRun,
  'run.unwait': claims.leaveSlotQueue,
  'run.heartbeat': claims.heartbeatRun,
  'run.complete': runs.completeRun,
  'run.fail': runs.failRun,
  'run.cancel': runs.cancelRun,
  'run.kill': runs.killRun,
  'run.retry': retryRun,
  'run.link': linkRun,
  'run.handoff': runs.handOffRun,
  'retention.step': retentionStep,
  sweep,
  'agent.register': agents.registerAgent,
  'agent.touch': agents.touchAgent,
  'agent.leave': agents.leaveAgent,
  'session.start': agents.startSession,
  'session.end': agents.endSession,
  'lock.acquire': locks.acquireLocks,
  'lock.release': locks.releaseLocks,
  'lock.unwait': locks.leaveLockQueue,
  'lock.break': locks.breakLock,
  'lock.verify': locks.verifyLocks,
  'notification.take': limits.takeNotification,
  'config.set': limits.setConfig,
  'wave.advance': advanceWave,
  'task.set': tasks.setTask,
  'note.add': tasks.addNote,
  'change.undo': undoChange,
  'workflow.bind': files.bindWorkflow,
  'file.import': files.importFile,
  'file.intend': files.intendWrite,
  'file.confirm': files.confirmWrite,
  'file.conflict': files.recordConflict,
  'conflict.resolve': files.resolveConflict,
  'guard.hold': holdGuard,
  'guard.free': freeGuard,
};

/**
 * Commands that the rate limit counts (RATE-1). What keeps or ends something is never held up by it: a
 * heartbeat that is refused would lose a run, and a sweep that is refused would keep the dead.
 */
export const rateLimited: ReadonlySet<Command['kind']> = new Set([
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
  'task.set',
  'note.add',
  'change.undo',
]);

export function* decide(command: Command, context: Context): Decision<Granted[Command['kind']]> {
  const refused = yield* limits.limitRate(command, context);
  if (refused) return refused;
  yield* agents.signOfLife(context);
  const rule = rules[command.kind] as (
    command: Command,
    context: Context,
  ) => Decision<Granted[Command['kind']]>;
  return yield* rule(command, context);
}
