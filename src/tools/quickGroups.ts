/** The groups of `quickCommands`. */
import type { CommandGroup } from './commandLine';
import { addAgentCommands, addConfigCommands, addLockCommands } from './lockProgram';
import { addRunCommands } from './runProgram';

export const quickGroups: readonly CommandGroup[] = [
  { names: ['run'], add: addRunCommands },
  { names: ['lock'], add: addLockCommands },
  { names: ['agent'], add: addAgentCommands },
  { names: ['config'], add: addConfigCommands },
];
