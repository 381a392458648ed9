/** Flags of the commands that look: events, exports, metrics, guard, doctor. */
import { Option, type Command } from 'commander';
import { Interrupted, exitCode, type CommandLine } from './commandLine';
import { exportFormats, type ExportFormat } from './exportCommand';
import { whole } from './flags';

const shown = () => import('./presentInsight');

export function addInsightCommands(root: Command, commandLine: CommandLine): void {
  const { host, json, workplace, deliver, look } = commandLine;
  root
    .command('log')
    .description('what has happened, oldest first')
    .option('--since <seq>', 'after this event', whole(0, Number.MAX_SAFE_INTEGER))
    .option(
      '--limit <n>',
      'at most so many; without --since, the last of them',
      whole(1, 10_000),
      100,
    )
    .option('--follow', 'and what happens from now on, one JSON a line with --json')
    .action(async (options: { since?: number; limit: number; follow?: true }) => {
      const { since, limit } = options;
      const { followLog, readLog } = await import('./logCommands');
      const { eventLine, showLog } = await shown();
      if (options.follow !== true) {
        deliver(await readLog(workplace(), { since, limit }), showLog);
        return;
      }
      await followLog(workplace(), {
        since,
        ending: host.ending,
        tell: (event) => {
          host.out(json ? `${JSON.stringify(event)}\n` : eventLine(event, look()));
        },
      });
      // Being told to stop is how it ends.
      throw new Interrupted(exitCode.ok);
    });
  root
    .command('export')
    .description('all that the live store holds, for other programs')
    .addOption(
      new Option('--format <format>', 'csv has the runs, mermaid their graph')
        .choices(exportFormats)
        .default('json'),
    )
    .action(async ({ format }: { format: ExportFormat }) => {
      const { exported } = await import('./exportCommand');
      deliver(await exported(workplace(), format), (await shown()).showExport);
    });
  root
    .command('metrics')
    .description('figures for a monitor, as Prometheus reads them')
    .action(async () => {
      const { metrics } = await import('./metricsCommand');
      deliver(await metrics(workplace()), (await shown()).showMetrics);
    });
  root
    .command('guard')
    .description('refuse if others have locked these files: for hooks before a commit or an edit')
    .argument('[files...]')
    .option('--staged', 'what git would commit')
    .action(async (files: readonly string[], { staged }: { staged?: true }, command: Command) => {
      if (files.length === 0 && staged === undefined) {
        command.error('error: name the files, or say --staged', { exitCode: 2 });
      }
      const { guard } = await import('./guardCommand');
      const document = await guard(workplace(), { files, staged: staged === true });
      // A hook that fails stops what it guards; it does not try later by itself.
      deliver(document, (await shown()).showGuarded, exitCode.refused);
    });
  root
    .command('doctor')
    .description('what is not as it should be, how that is known, and what to do about it')
    .option('--fix', 'mend what can be mended safely, and nothing else')
    .action(async ({ fix }: { fix?: true }) => {
      const { doctor } = await import('./doctor');
      deliver(await doctor(workplace(), fix === true), (await shown()).showDoctor);
    });
}
