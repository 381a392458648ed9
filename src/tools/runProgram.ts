/** Flags of the commands about runs. */
import { Option, type Command } from 'commander';
import type { RunStatus } from '../core/model';
import type { CommandGroup, CommandLine } from './commandLine';
import { duration, json, list, notEmpty, whole, workflowOption, type Which } from './flags';
import * as shown from './presentRuns';
import * as runs from './runCommands';
import type { Awaiting, Held } from './runCommands';

const statuses: readonly RunStatus[] = [
  'queued',
  'running',
  'completed',
  'error',
  'killed',
  'cancelled',
  'lost',
];

export function addRunCommands(root: Command, commandLine: CommandLine): void {
  const run = root.command('run').description('make, claim, end and watch runs');
  const { subcommand = '' } = commandLine;
  const meant = parts.filter(({ names }) => names.includes(subcommand));
  for (const { add } of meant.length === 0 ? parts : meant) add(run, commandLine);
}

const parts: readonly CommandGroup[] = [
  { names: ['create', 'claim'], add: addMaking },
  { names: ['heartbeat', 'complete', 'fail'], add: addHolding },
  { names: ['cancel', 'kill', 'retry'], add: addStopping },
  { names: ['await'], add: addWaiting },
  { names: ['list', 'show', 'next', 'diff'], add: addLooking },
];

function addMaking(run: Command, { host, json: quiet, workplace, deliver }: CommandLine): void {
  run
    .command('create')
    .description('make runs that wait to be claimed')
    .option('--title <text>', 'what it is about; a task has one', notEmpty)
    .option('--task <id>', 'the task that it does', notEmpty)
    .addOption(workflowOption())
    .option('--parent <run>', 'the run that it is a part of', notEmpty)
    .option('--depends-on <run...>', 'claimable only when these have completed')
    .option('--priority <n>', 'higher comes first', whole(-1_000_000, 1_000_000))
    .option('--timeout <duration>', 'killed when it runs longer', duration)
    .option('--max-attempts <n>', 'how often it is tried', whole(1, 100))
    .option('--count <n>', 'so many equal ones', whole(1, 10_000))
    .action(async (options: CreateOptions) => {
      const { title, task, workflow, parent, priority, maxAttempts, count } = options;
      const document = await runs.createRuns(workplace(), {
        ...{ title, task, workflow, parent, priority, maxAttempts, count },
        dependsOn: (options.dependsOn ?? []).flatMap(list),
        timeoutMs: options.timeout,
      });
      deliver(document, shown.showRuns);
    });
  run
    .command('claim')
    .description('take a run: the highest priority, then the oldest, or the one that is named')
    .option('--run <run>', 'this one', notEmpty)
    .option('--workflow <id>', 'one of this workflow', notEmpty)
    .option('--wait <duration>', 'stand in line until there is one', duration)
    .option('--lease <duration>', 'how long it is yours without a heartbeat', duration)
    .action(async (options: ClaimOptions) => {
      const document = await runs.claimRun(workplace(), {
        run: options.run,
        workflow: options.workflow,
        waitMs: options.wait,
        leaseMs: options.lease,
        ending: () => host.ending,
        waiting: ({ message }) => {
          if (!quiet) host.err(`wavelock: ${message} Waiting…\n`);
        },
      });
      deliver(document, shown.showClaim);
    });
}

function addHolding(run: Command, { host, workplace, deliver }: CommandLine): void {
  const held = (name: string, description: string): Command => {
    const known = host.env['WAVELOCK_RUN'];
    return run
      .command(name)
      .description(description)
      .argument('[run]', 'its id, or the beginning of it; WAVELOCK_RUN is used without', known)
      .option('--token <token>', 'the proof of your claim', host.env['WAVELOCK_TOKEN']);
  };
  held('heartbeat', 'keep a claimed run, and hear whether it should stop').action(
    async (id: string | undefined, options: TokenOptions, command: Command) => {
      const document = await runs.heartbeat(workplace(), heldBy(id, options, command));
      deliver(document, shown.showHeartbeat);
    },
  );
  held('complete', 'say that a claimed run is done')
    .option('--result <json>', 'what came of it', json)
    .action(
      async (
        id: string | undefined,
        options: TokenOptions & { result?: ReturnType<typeof json> },
        command: Command,
      ) => {
        const { result } = options;
        const document = await runs.completeRun(workplace(), {
          ...heldBy(id, options, command),
          result,
        });
        deliver(document, shown.showEnded);
      },
    );
  held('fail', 'say that a claimed run has failed; it is tried again if it may be')
    .option('--error <text>', 'what went wrong', notEmpty, 'It failed.')
    .option('--code <code>', 'a word for it that programs know', notEmpty)
    .action(
      async (
        id: string | undefined,
        options: TokenOptions & { error: string; code?: string },
        command: Command,
      ) => {
        const { error: message, code } = options;
        const document = await runs.failRun(workplace(), {
          ...heldBy(id, options, command),
          message,
          code,
        });
        deliver(document, shown.showEnded);
      },
    );
}

function heldBy(run: string | undefined, { token }: TokenOptions, command: Command): Held {
  if (run === undefined) command.error('error: name the run, or set WAVELOCK_RUN', usage);
  if (token === undefined) command.error('error: give --token, or set WAVELOCK_TOKEN', usage);
  return { run, token };
}

const usage = { exitCode: 2 } as const;

function addStopping(run: Command, { host, workplace, deliver }: CommandLine): void {
  const known = host.env['WAVELOCK_RUN'];
  const about = (name: string, description: string): Command =>
    run
      .command(name)
      .description(description)
      .argument('[run]', 'its id, or the beginning of it; WAVELOCK_RUN is used without', known)
      .option('--reason <text>', 'why, for others to see', notEmpty);
  for (const [name, kind, description] of [
    ['cancel', 'run.cancel', 'end a queued run, or ask a running one to stop'],
    ['kill', 'run.kill', 'end a queued run, or have a running one stopped at once'],
  ] as const) {
    about(name, description).action(
      async (id: string | undefined, { reason }: { reason?: string }, command: Command) => {
        if (id === undefined) command.error('error: name the run, or set WAVELOCK_RUN', usage);
        const document = await runs.stopRun(workplace(), kind, { run: id, reason });
        deliver(document, shown.showStopped);
      },
    );
  }
  about('retry', 'make a new attempt of a run that has ended').action(
    async (id: string | undefined, { reason }: { reason?: string }, command: Command) => {
      if (id === undefined) command.error('error: name the run, or set WAVELOCK_RUN', usage);
      const document = await runs.retryRun(workplace(), { run: id, reason });
      deliver(document, shown.showRetried);
    },
  );
}

function addWaiting(
  run: Command,
  { host, json: quiet, workplace, deliver, look }: CommandLine,
): void {
  run
    .command('await')
    .description('wait until runs have ended; done only if they have completed')
    .argument('<runs...>', 'their ids, or the beginnings of them')
    .addOption(new Option('--any', 'until one of them has ended').conflicts('all'))
    .option('--all', 'until all of them have ended; so it is without')
    .option('--timeout <duration>', 'give up after', duration)
    .option('--attempt', 'these very attempts, not those that follow')
    .action(async (awaited: readonly string[], options: AwaitOptions) => {
      const progress: Awaiting['progress'] = quiet
        ? undefined
        : (event) => {
            const line = shown.progressLine(event, look());
            if (line !== undefined) host.err(line);
          };
      const document = await runs.awaitRuns(workplace(), {
        runs: awaited,
        mode: options.any === true ? 'any' : 'all',
        attempt: options.attempt === true,
        timeoutMs: options.timeout ?? null,
        ending: host.ending,
        progress,
      });
      deliver(document, shown.showAwaited);
    });
}

function addLooking(run: Command, { host, workplace, deliver }: CommandLine): void {
  run
    .command('list')
    .description('the runs there are, newest first, and how many of each status')
    .addOption(
      new Option('--status <status...>', 'only those that are so').choices(statuses as string[]),
    )
    .option('--workflow <id>', 'only those of this workflow', notEmpty)
    .option('--limit <n>', 'at most so many', whole(0, 100_000), 100)
    .action(async (options: Which & { status?: RunStatus[]; limit: number }) => {
      const { status: wanted = [], workflow, limit } = options;
      const document = await runs.listRuns(workplace(), { statuses: wanted, workflow, limit });
      deliver(document, shown.showRunList);
    });
  run
    .command('show')
    .description('all there is to know of a run, its attempts and its parts')
    .argument('[run]', 'its id, or the beginning of it', host.env['WAVELOCK_RUN'])
    .option('--depth <n>', 'parts of parts down to here', whole(0, 100), 1)
    .action(async (id: string | undefined, { depth }: { depth: number }, command: Command) => {
      if (id === undefined) command.error('error: name the run, or set WAVELOCK_RUN', usage);
      const document = await runs.showRun(workplace(), { run: id, depth });
      deliver(document, shown.showRun);
    });
  run
    .command('diff')
    .description('what came of a run in the files, as git knows it')
    .argument('[run]', 'its id, or the beginning of it', host.env['WAVELOCK_RUN'])
    .option('--copy', 'to the clipboard; to a file where there is none')
    .action(async (id: string | undefined, options: { copy?: true }, command: Command) => {
      if (id === undefined) command.error('error: name the run, or set WAVELOCK_RUN', usage);
      const { diffOfRun } = await import('./runDiff');
      const { env } = host;
      deliver(
        await diffOfRun(workplace(), { run: id, copy: options.copy === true, env }),
        shown.showDiff,
      );
    });
  run
    .command('next')
    .description('what a claim would give now')
    .option('--workflow <id>', 'one of this workflow', notEmpty)
    .action(async ({ workflow }: Which) => {
      const document = await runs.nextRun(workplace(), workflow);
      deliver(document, shown.showNext);
    });
}

interface CreateOptions extends Which {
  readonly title?: string;
  readonly task?: string;
  readonly parent?: string;
  readonly dependsOn?: readonly string[];
  readonly priority?: number;
  readonly timeout?: number;
  readonly maxAttempts?: number;
  readonly count?: number;
}

interface ClaimOptions extends Which {
  readonly run?: string;
  readonly wait?: number;
  readonly lease?: number;
}

interface TokenOptions {
  readonly token?: string;
}

interface AwaitOptions {
  readonly any?: true;
  readonly all?: true;
  readonly timeout?: number;
  readonly attempt?: true;
}
