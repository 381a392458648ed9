/** Flags of the commands that change a workflow's file. */
import { Option, type Command } from 'commander';
import type { ClaimToken, TaskId, TaskStatus } from '../core/model';
import type { CommandLine } from './commandLine';
import { duration, list, notEmpty, workflowOption, type Which } from './flags';

const work = () => import('./fileCommands');
const shown = () => import('./presentWorkflows');

const statuses: readonly TaskStatus[] = ['todo', 'doing', 'done', 'failed'];

export function addFileCommands(root: Command, { host, workplace, deliver }: CommandLine): void {
  const wait = (): Option =>
    new Option('--wait <duration>', 'how long to wait for the lock of the file')
      .argParser(duration)
      .default(3_000, '3s');

  root
    .command('init')
    .description('begin a workflow: write its file from a plan')
    .argument('[file]', 'the file to write', 'STATE.md')
    .requiredOption('--from <plan.json>', 'the plan, `-` for standard input')
    .option('--name <name>', 'what the workflow is called', notEmpty)
    .addOption(wait())
    .action(async (file: string, options: InitOptions, command: Command) => {
      const files = await work();
      const read = files.planIn(options.from, workplace().folder);
      if ('problem' in read) command.error(`error: ${read.problem}`, { exitCode: 2 });
      const { plan } = read;
      const { name, wait: lockWaitMs } = options;
      const document = await files.init(workplace(), { file, name, plan, lockWaitMs });
      deliver(document, (await shown()).showInit);
    });

  root
    .command('task')
    .description('say where a task stands')
    .command('set')
    .argument('<task>', 'its id')
    .addOption(new Option('--status <status>').choices(statuses).makeOptionMandatory())
    .option('--commit <commit>', 'what it was done with', notEmpty)
    .option('--files <files>', 'the files it changed, with commas between them', list)
    .option('--error <text>', 'why it failed', notEmpty)
    .option('--token <token>', 'of its run, while that is running', host.env['WAVELOCK_TOKEN'])
    .addOption(workflowOption())
    .addOption(wait())
    .action(async (task: string, options: TaskOptions) => {
      const { status, commit, files: changed, error, token } = options;
      const document = await (
        await work()
      ).setTask(workplace(), {
        task: task as TaskId,
        status,
        ...(commit === undefined ? {} : { commit }),
        ...(changed === undefined ? {} : { files: changed }),
        ...(error === undefined ? {} : { error }),
        ...(token === undefined ? {} : { token: token as ClaimToken }),
        workflow: options.workflow,
        lockWaitMs: options.wait,
      });
      deliver(document, (await shown()).showTask);
    });

  root
    .command('note')
    .description('leave a note in the workflow file')
    .command('add')
    .argument('<text>', 'what to note', notEmpty)
    .addOption(workflowOption())
    .addOption(wait())
    .action(async (text: string, { workflow, wait: lockWaitMs }: Which & { wait: number }) => {
      const document = await (await work()).addNote(workplace(), { text, workflow, lockWaitMs });
      deliver(document, (await shown()).showNote);
    });

  root
    .command('undo')
    .description('take back the last change of yours that nothing was built on')
    .option(
      '--token <token>',
      'of the run of the task, while that is running',
      host.env['WAVELOCK_TOKEN'],
    )
    .addOption(workflowOption())
    .addOption(wait())
    .action(async ({ token, workflow, wait: lockWaitMs }: UndoOptions) => {
      const document = await (
        await work()
      ).undo(workplace(), {
        ...(token === undefined ? {} : { token: token as ClaimToken }),
        ...{ workflow, lockWaitMs },
      });
      deliver(document, (await shown()).showUndone);
    });

  const backup = root
    .command('backup')
    .description('the workflow file as it was before each write');
  backup
    .command('list')
    .description('the backups there are, newest first')
    .addOption(workflowOption())
    .action(async ({ workflow }: Which) => {
      const document = await (await work()).listBackups(workplace(), { workflow });
      deliver(document, (await shown()).showBackups);
    });
  backup
    .command('show')
    .description('what a backup says')
    .argument('<id>', 'its id, or the beginning of it')
    .addOption(workflowOption())
    .action(async (id: string, { workflow }: Which) => {
      const document = await (await work()).previewBackup(workplace(), { id, workflow });
      deliver(document, (await shown()).showBackup);
    });
  backup
    .command('restore')
    .description('put a backup in the place of the file; what is there becomes a backup')
    .argument('<id>', 'its id, or the beginning of it')
    .option('--preview', 'only show what would change')
    .addOption(workflowOption())
    .addOption(wait())
    .action(async (id: string, options: Which & { preview?: true; wait: number }) => {
      const { preview, workflow, wait: lockWaitMs } = options;
      const files = await work();
      const document =
        preview === true
          ? await files.previewBackup(workplace(), { id, workflow })
          : await files.restoreBackup(workplace(), { id, workflow, lockWaitMs });
      deliver(document, (await shown()).showBackup);
    });

  const conflict = root
    .command('conflict')
    .description('changes of the workflow file that did not go together');
  conflict
    .command('list')
    .description('those that nobody has resolved')
    .action(async () => {
      const document = await (await work()).listConflicts(workplace());
      deliver(document, (await shown()).showConflict);
    });
  conflict
    .command('show')
    .description('both changes, and what they were made from')
    .argument('<id>')
    .action(async (id: string) => {
      const document = await (await work()).showConflict(workplace(), id);
      deliver(document, (await shown()).showConflict);
    });
  conflict
    .command('resolve')
    .description('say which change stands')
    .argument('<id>')
    .addOption(
      new Option('--mine', 'what Wavelock would have written').conflicts(['theirs', 'merged']),
    )
    .addOption(new Option('--theirs', 'what the file said').conflicts(['mine', 'merged']))
    .option('--merged', 'the file as it is now has both')
    .addOption(wait())
    .action(async (id: string, options: Sides & { wait: number }, command: Command) => {
      const as = (['mine', 'theirs', 'merged'] as const).find((side) => options[side] === true);
      if (as === undefined) {
        command.error('error: say --mine, --theirs or --merged', { exitCode: 2 });
      }
      const document = await (
        await work()
      ).resolveConflict(workplace(), { id, as, lockWaitMs: options.wait });
      deliver(document, (await shown()).showConflict);
    });
}

interface InitOptions {
  readonly from: string;
  readonly name?: string;
  readonly wait: number;
}

interface TaskOptions extends Which {
  readonly status: TaskStatus;
  readonly commit?: string;
  readonly files?: readonly string[];
  readonly error?: string;
  readonly token?: string;
  readonly wait: number;
}

interface UndoOptions extends Which {
  readonly token?: string;
  readonly wait: number;
}

interface Sides {
  readonly mine?: true;
  readonly theirs?: true;
  readonly merged?: true;
}
