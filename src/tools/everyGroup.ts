/** Every group of commands, in the order of the help. */
import type { Command } from 'commander';
import type { CommandGroup, CommandLine } from './commandLine';
import { addCompletionCommand } from './completion';
import { addFileCommands } from './fileProgram';
import { addInsightCommands } from './insightProgram';
import { run } from './program';
import { quickGroups } from './quickGroups';
import { addRunnerCommands } from './runnerProgram';
import { addStoreCommands } from './storeProgram';
import { addWorkflowCommands } from './workflowProgram';

export const everyGroup: readonly CommandGroup[] = [
  { names: ['status', 'validate', 'advance'], add: addWorkflowCommands },
  { names: ['init', 'task', 'note', 'undo', 'backup', 'conflict'], add: addFileCommands },
  ...quickGroups,
  { names: ['log', 'export', 'metrics', 'guard', 'doctor'], add: addInsightCommands },
  { names: ['store'], add: addStoreCommands },
  {
    names: ['exec', 'worker', 'connect', 'mcp'],
    add: (root, commandLine) => {
      addRunnerCommands(root, commandLine, (host) => run(host, everyGroup));
    },
  },
  { names: ['completion'], add: addCompletion },
];

/** It tells of all the others, so it makes them. */
function addCompletion(root: Command, commandLine: CommandLine): void {
  for (const { names, add } of everyGroup) {
    if (names[0] !== 'completion' && !root.commands.some((each) => each.name() === names[0])) {
      add(root, { ...commandLine, subcommand: undefined });
    }
  }
  addCompletionCommand(root, (script, shell) => {
    commandLine.deliver({ ok: true, shell, script }, () => script);
  });
}
