/** The one door to the rules: every host and both engines decide every command here. */
import type { Command, Context, Decision, Granted } from './model';
import { freeGuard, holdGuard } from './rules/guards';
import { advanceWave, confirmWrite } from './rules/waves';

export function decide(command: Command, context: Context): Decision<Granted[Command['kind']]> {
  switch (command.kind) {
    case 'wave.advance':
      return advanceWave(command, context);
    case 'file.confirm':
      return confirmWrite(command);
    case 'guard.hold':
      return holdGuard(command);
    case 'guard.free':
      return freeGuard(command, context);
  }
}
