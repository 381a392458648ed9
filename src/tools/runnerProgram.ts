/** Flags of the commands for programs and agents: exec, worker, connect, mcp. What they do is loaded when it is asked for. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Refusal } from '../core/model';
import type { CommandLine, Host } from './commandLine';
import type { ExecEnd } from './exec';
import { duration, notEmpty, whole, workflowOption, type Which } from './flags';
import { printable } from './terminal';
import type { WorkerDocument, WorkerNews } from './worker';

const mostAtOnce = 256;
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @param again the whole command line, for one more call */
export function addRunnerCommands(
  root: Command,
  commandLine: CommandLine,
  again: (host: Host) => Promise<number>,
): void {
  root
    .command('exec')
    .description('run a command as a run: its leases, its log, its end')
    .usage('[options] -- <command> [arguments...]')
    .argument('<command...>', 'what to run, after --')
    .option('--run <id>', 'a queued run, instead of a new one', notEmpty)
    .option('--task <id>', 'for this task: its queued run, or a new one', notEmpty)
    .option('--title <text>', 'what the new run is called; else the command', notEmpty)
    .option('--timeout <duration>', 'kill the new run when it takes longer', duration)
    .option('--report <file>', 'write the document about it here')
    .addOption(workflowOption())
    .action(async (command: string[], options: ExecFlags, self: Command) => {
      if (commandLine.json) {
        self.error(
          'error: standard output belongs to the command; --report FILE takes the document',
          {
            exitCode: 2,
          },
        );
      }
      await execute(commandLine, command, options);
    });

  root
    .command('worker')
    .description('take runs as they become claimable, and do each with a command')
    .requiredOption('--exec <command>', 'for the shell, once for each run', notEmpty)
    .addOption(
      new Option('--concurrency <n>', 'how many at once')
        .argParser(whole(1, mostAtOnce))
        .default(1),
    )
    .addOption(
      new Option('--interval <duration>', 'look at least so often, whatever is heard')
        .argParser(interval)
        .default(5_000, '5s'),
    )
    .addOption(workflowOption())
    .option('--drain', 'end when there is nothing left to claim')
    .action(async (options: WorkerFlags) => {
      const { host, workplace, deliver } = commandLine;
      const { Worker } = await import('./worker');
      const document = await Worker.work(
        workplace(),
        {
          command: options.exec,
          concurrency: options.concurrency,
          intervalMs: options.interval,
          workflow: options.workflow,
          drain: options.drain === true,
          env: host.env,
        },
        (news) => {
          host.err(`${newsLine(news)}\n`);
        },
        onEnding,
      );
      deliver(document, summary);
    });

  root
    .command('connect')
    .description('tell AI agents of Wavelock: their MCP entry, and a few lines of rules')
    .argument(
      '[agents...]',
      'claude, cursor, vscode, codex, gemini, windsurf; else those used here',
    )
    .option('--preview', 'only show what would be changed')
    .action(async (agents: readonly string[], { preview }: { preview?: true }) => {
      const { connect, showConnect } = await import('./connectCommand');
      const asked = { agents, preview: preview === true };
      commandLine.deliver(connect(commandLine.workplace(), asked), showConnect);
    });

  root
    .command('mcp')
    .description('serve MCP clients over standard input and output')
    .action(async () => {
      const { serveMcp } = await import('./mcpHost');
      await serveMcp(commandLine, again);
    });
}

interface ExecFlags extends Which {
  readonly run?: string;
  readonly task?: string;
  readonly title?: string;
  readonly timeout?: number;
  readonly report?: string;
}

interface WorkerFlags extends Which {
  readonly exec: string;
  readonly concurrency: number;
  readonly interval: number;
  readonly drain?: true;
}

async function execute(
  { host, workplace, deliver, leave }: CommandLine,
  command: readonly string[],
  { run, task, title, timeout: timeoutMs, workflow, report }: ExecFlags,
): Promise<void> {
  const { exec, notStarted } = await import('./exec');
  const place = workplace();
  const path = report === undefined ? undefined : resolve(place.folder, report);
  const unfit = path === undefined ? undefined : unwritable(path);
  let end: ExecEnd;
  if (unfit) {
    end = { document: { ok: false, at: 0, refusal: unfit }, exitCode: notStarted };
  } else {
    end = await exec(
      place,
      { command, run, task, title, timeoutMs, workflow },
      { env: host.env, stdout: process.stdout, stderr: process.stderr },
    );
    if (path !== undefined) writeFileSync(path, `${JSON.stringify({ v: 1, ...end.document })}\n`);
  }
  // Of what was begun the command itself has told.
  if (!('exit' in end.document)) deliver(end.document, () => '');
  leave(end.exitCode);
}

/** Found out before anything is claimed. */
function unwritable(path: string): Refusal | undefined {
  try {
    closeSync(openSync(path, 'a'));
    return undefined;
  } catch (error) {
    const message = `report: ${path} cannot be written: ${(error as Error).message}`;
    return { code: 'bad_input', message, path: 'report' };
  }
}

function onEnding(stop: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of endings) process.on(signal, stop);
  return () => {
    for (const signal of endings) process.off(signal, stop);
  };
}

function interval(text: string): number {
  const ms = duration(text);
  if (ms >= 50 && ms <= 24 * 60 * 60_000) return ms;
  throw new InvalidArgumentError('From 50ms to 24h.');
}

/* ------------------------------------------------------------------ for people */

function newsLine(news: WorkerNews): string {
  switch (news.kind) {
    case 'ready':
      return `${news.agent} waits for runs. Ctrl-C stops it.`;
    case 'claimed':
      return `▸ ${news.run.id}  ${printable(news.run.title)}${attemptOf(news.run.attempt)}`;
    case 'ended': {
      const { run, retry, exit } = news.end;
      const mark = run.status === 'completed' ? '✔' : '✘';
      const why = run.error === null ? '' : `  ${printable(run.error.message)}`;
      const next = retry === null ? '' : `  Attempt ${retry.attempt} follows.`;
      return `${mark} ${run.id}  ${run.status} after ${seconds(exit.durationMs)}${why}${next}`;
    }
    case 'stopping':
      return news.running === 0
        ? `${news.signal}: nothing is running.`
        : `${news.signal}: told ${news.running} to stop; once more kills at once.`;
  }
}

function attemptOf(attempt: number): string {
  return attempt === 1 ? '' : `  (attempt ${attempt})`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function summary({ claimed, ended }: Extract<WorkerDocument, { ok: true }>): string {
  const parts = Object.entries(ended).filter(([, count]) => count > 0);
  const list = parts.map(([status, count]) => `${count} ${status}`).join(', ');
  return `${claimed} ${claimed === 1 ? 'run' : 'runs'} claimed${list === '' ? '' : `: ${list}`}.\n`;
}
