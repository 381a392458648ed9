/** Flags of the commands that look at workflows and move them on. */
import type { Command } from 'commander';
import type { CommandLine } from './commandLine';
import { duration, notEmpty, workflowOption, type Which } from './flags';

const work = () => import('./workflowCommands');
const shown = () => import('./presentWorkflows');

export function addWorkflowCommands(root: Command, { workplace, deliver }: CommandLine): void {
  root
    .command('status')
    .description('show the workflows, their waves and tasks')
    .addOption(workflowOption())
    .action(async ({ workflow }: Which) => {
      const document = await (await work()).status(workplace(), workflow);
      deliver(document, (await shown()).showStatus);
    });
  root
    .command('validate')
    .description('say what is wrong with workflow files')
    .argument('[files...]', 'those to look at, instead of all there are')
    .action(async (files: readonly string[]) => {
      const document = await (await work()).validate(workplace(), files);
      deliver(document, (await shown()).showValid);
    });
  root
    .command('advance')
    .description('go to the next wave, or say what keeps the workflow from it')
    .option('--force', 'even if the current wave is not completed')
    .option('--reason <text>', 'why it is forced', notEmpty)
    .addOption(workflowOption())
    .option('--wait <duration>', 'how long to wait for the lock of the file', duration, 3_000)
    .action(async (options: AdvanceOptions, command: Command) => {
      if (options.force === true && options.reason === undefined) {
        command.error('error: --force needs --reason, so that others can see why', { exitCode: 2 });
      }
      if (options.force === undefined && options.reason !== undefined) {
        command.error('error: --reason goes with --force', { exitCode: 2 });
      }
      const force =
        options.force && options.reason !== undefined ? { reason: options.reason } : undefined;
      const { workflow, wait: lockWaitMs } = options;
      const document = await (await work()).advance(workplace(), { force, lockWaitMs, workflow });
      deliver(document, (await shown()).showAdvanced);
    });
}

interface AdvanceOptions extends Which {
  readonly force?: true;
  readonly reason?: string;
  readonly wait: number;
}
