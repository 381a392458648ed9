/** Flags of the commands about locks and agents. */
import { Option, type Command } from 'commander';
import type { AgentKind } from '../core/model';
import * as agents from './agentCommands';
import type { CommandLine } from './commandLine';
import { duration, notEmpty } from './flags';
import * as locks from './lockCommands';
import * as shown from './presentLocks';

const shared = (): Option => new Option('--shared', 'over all worktrees of the repository');

export function addLockCommands(
  root: Command,
  { host, json, workplace, deliver }: CommandLine,
): void {
  const lock = root.command('lock').description('what only one agent may change at a time');
  lock
    .command('acquire')
    .description(
      'take all of these, or none: a path, path#symbol, glob:PATTERN, task:ID or workspace',
    )
    .argument('<resources...>')
    .addOption(new Option('--read', 'others may read as well').conflicts('write'))
    .option('--write', 'nobody else may; so it is without')
    .option('--ttl <duration>', 'how long they are yours', duration)
    .option('--wait <duration>', 'stand in line until they are free', duration)
    .addOption(shared())
    .action(async (resources: readonly string[], options: AcquireOptions) => {
      const document = await locks.acquireLocks(workplace(), {
        resources,
        mode: options.read === true ? 'read' : 'write',
        ttlMs: options.ttl,
        waitMs: options.wait,
        shared: options.shared === true,
        ending: () => host.ending,
        waiting: ({ message }) => {
          if (!json) host.err(`wavelock: ${message} Waiting…\n`);
        },
      });
      deliver(document, shown.showAcquired);
    });
  lock
    .command('release')
    .description('give up locks of your own')
    .argument('[resources...]')
    .option('--all', 'every one, and every place in line')
    .addOption(shared())
    .action(async (resources: readonly string[], options: AllOptions, command: Command) => {
      if (resources.length > 0 === (options.all === true)) {
        command.error('error: name the resources, or say --all', { exitCode: 2 });
      }
      const document = await locks.releaseLocks(workplace(), {
        resources: options.all === true ? 'all' : resources,
        shared: options.shared === true,
      });
      deliver(document, shown.showReleased);
    });
  lock
    .command('list')
    .description('who holds what, and who waits for it')
    .action(async () => {
      deliver(await locks.listLocks(workplace()), shown.showLocks);
    });
  lock
    .command('verify')
    .description('are these yours for writing, and do the files still say what they said?')
    .argument('<resources...>')
    .option(
      '--hash <sha256>',
      'what you have read, instead of what the one file holds now',
      notEmpty,
    )
    .addOption(shared())
    .action(async (resources: readonly string[], options: VerifyOptions, command: Command) => {
      const { hash } = options;
      if (hash !== undefined && resources.length !== 1) {
        command.error('error: --hash is about one resource', { exitCode: 2 });
      }
      const of = { resources, hash, shared: options.shared === true };
      deliver(await locks.verifyLocks(workplace(), of), shown.showLocksVerified);
    });
  lock
    .command('break')
    .description('take a lock from whoever holds it; everybody can see who did, and why')
    .argument('<resource>')
    .requiredOption('--reason <text>', 'why', notEmpty)
    .addOption(shared())
    .action(async (resource: string, options: { reason: string; shared?: true }) => {
      const of = { resource, reason: options.reason, shared: options.shared === true };
      deliver(await locks.breakLock(workplace(), of), shown.showBroken);
    });
}

const kinds: readonly AgentKind[] = ['window', 'terminal', 'worker', 'mcp', 'other'];

export function addAgentCommands(root: Command, { workplace, deliver }: CommandLine): void {
  const agent = root.command('agent').description('who works here');
  agent
    .command('register')
    .description('make a name known, or describe it anew')
    .requiredOption('--name <name>', 'what it is called', notEmpty)
    .addOption(new Option('--kind <kind>').choices(kinds))
    .option('--description <text>', 'what it is there for')
    .action(async (options: { name: string; kind?: AgentKind; description?: string }) => {
      const { name, kind, description } = options;
      const document = await agents.registerAgent(workplace(), { name, kind, description });
      deliver(document, shown.showAgent);
    });
  agent
    .command('list')
    .description('the agents there are, and what each of them holds')
    .action(async () => {
      deliver(await agents.listAgents(workplace()), shown.showAgents);
    });
  agent
    .command('leave')
    .description('say good-bye: releases every lock')
    .option('--force', 'although runs are held, which are lost then')
    .action(async ({ force }: { force?: true }) => {
      deliver(await agents.leaveAgent(workplace(), force === true), shown.showLeft);
    });
}

export function addConfigCommands(root: Command, { workplace, deliver }: CommandLine): void {
  const config = root
    .command('config')
    .description('settings of the store, the same for every host');
  config
    .command('get')
    .description('one setting, or all of them')
    .argument('[key]')
    .action(async (key: string | undefined) => {
      deliver(await agents.getConfig(workplace(), key), shown.showConfig);
    });
  config
    .command('set')
    .description('change a setting; `default` brings the default back')
    .argument('<key>')
    .argument('<value>')
    .action(async (key: string, text: string) => {
      const value = agents.valueOf(key, text, duration);
      deliver(await agents.setConfig(workplace(), { key, value }), shown.showConfigSet);
    });
}

interface AcquireOptions {
  readonly read?: true;
  readonly ttl?: number;
  readonly wait?: number;
  readonly shared?: true;
}

interface AllOptions {
  readonly all?: true;
  readonly shared?: true;
}

interface VerifyOptions {
  readonly hash?: string;
  readonly shared?: true;
}
