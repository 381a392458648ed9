/** The groups of `quickCommands`. */
import type { CommandGroup } from './commandLine';
import { addRunCommands } from './runProgram';

export const quickGroups: readonly CommandGroup[] = [{ names: ['run'], add: addRunCommands }];
