/** Every group of commands, in the order of the help. */
import type { CommandGroup } from './commandLine';
import { addFileCommands } from './fileProgram';
import { addInsightCommands } from './insightProgram';
import { run } from './program';
import { quickGroups } from './quickGroups';
import { addRunnerCommands } from './runnerProgram';
import { addStoreCommands } from './storeProgram';
import { addWorkflowCommands } from './workflowProgram';

export const everyGroup: readonly CommandGroup[] = [
  { names: ['status', 'validate', 'advance'], add: addWorkflowCommands },
  { names: ['init', 'task', 'note', 'backup', 'conflict'], add: addFileCommands },
  ...quickGroups,
  { names: ['log', 'export', 'metrics', 'guard', 'doctor'], add: addInsightCommands },
  { names: ['store'], add: addStoreCommands },
  {
    names: ['exec', 'worker', 'connect', 'mcp'],
    add: (root, commandLine) => {
      addRunnerCommands(root, commandLine, (host) => run(host, everyGroup));
    },
  },
];
