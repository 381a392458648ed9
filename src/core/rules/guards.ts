/**
 * Who holds a workflow file's lockfile. The lockfile is the guard; these rows are the evidence that other
 * windows show. So the newest holder is always right, and freeing what another has taken since is nothing.
 */
import type { Context, Decision, FreeGuard, Granted, HoldGuard } from '../model';
import { ask } from './ask';

export function* holdGuard(command: HoldGuard): Decision<Granted['guard.hold']> {
  const { file, worktree, holder } = command;
  return {
    facts: {},
    changes: [{ put: 'guard', row: { file, worktree, holder } }],
    events: [{ kind: 'lock.acquired', resource: file, data: { guard: true, worktree, holder } }],
  };
}

export function* freeGuard(command: FreeGuard, context: Context): Decision<Granted['guard.free']> {
  const { file, worktree } = command;
  const row = yield* ask('guard', { file, worktree });
  if (row?.holder.session !== context.session) return { facts: {}, changes: [], events: [] };
  return {
    facts: {},
    changes: [{ drop: 'guard', file, worktree }],
    events: [{ kind: 'lock.released', resource: file, data: { guard: true, worktree } }],
  };
}
