/**
 * The command line: flags in, one document or a few lines for people out, an exit code that a script
 * can rely on (0 done, 1 refused, 2 bad usage, 3 store fault, 4 refused but worth another try).
 */
import { Command, CommanderError } from 'commander';
import { isStoreError } from '../core/errors';
import type { OpId, RefusalCode } from '../core/model';
import { duration } from './duration';
import { addFileCommands, notEmpty, workflowOption, type Which } from './fileProgram';
import { present, printable, type Document } from './present';
import * as stores from './storeCommands';
import { advance, status, validate, type Workplace } from './workflowCommands';

export interface Host {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly version: string;
  /** Width of the terminal; undefined when the output goes elsewhere. */
  readonly columns: number | undefined;
  out(text: string): void;
  err(text: string): void;
}

export const exitCode = { ok: 0, refused: 1, usage: 2, fault: 3, later: 4 } as const;

const worthAnotherTry: ReadonlySet<RefusalCode> = new Set([
  'nothing_queued',
  'timeout',
  'no_slot',
  'lock_denied',
  'rate_limited',
]);

export async function run(host: Host): Promise<number> {
  const json = host.argv.includes('--json');
  let code: number = exitCode.ok;
  const deliver = (document: Document): void => {
    code = exitCodeOf(document);
    if (json) {
      host.out(`${JSON.stringify({ v: 1, ...document })}\n`);
      return;
    }
    const text = present(document, colourOf(host));
    if (document.ok) host.out(text);
    else host.err(text);
  };

  try {
    await program(host, deliver).parseAsync([...host.argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version also arrive here, with 0.
      if (error.exitCode === 0) return exitCode.ok;
      const message = error.message.replace(/^error: /, '');
      deliver({ ok: false, error: { code: 'bad_usage', message } });
      if (!json) host.err('Run wavelock --help to see what there is.\n');
      return exitCode.usage;
    }
    if (!isStoreError(error)) throw error;
    deliver({ ok: false, error: { code: error.code, message: error.message } });
    return exitCode.fault;
  }
}

function program(host: Host, deliver: (document: Document) => void): Command {
  const root = new Command('wavelock')
    .description('Waves of work by several agents and windows on one repository.')
    .version(host.version)
    .option('--json', 'print exactly one JSON document')
    .option('--cwd <dir>', 'work in this folder', host.cwd)
    .option('--agent <name>', 'who is speaking', host.env['WAVELOCK_AGENT'])
    .option('--store <dir>', 'folder that holds store.db', host.env['WAVELOCK_STORE'])
    .option('--op-id <id>', 'the same id again gets the same answer, once done')
    .option('--no-color', 'print without colours')
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        host.out(text);
      },
      // Errors are told once, by `run`, in the form that was asked for.
      writeErr: () => undefined,
    });
  const workplace = (): Workplace => {
    const options = root.opts<{ cwd: string; agent?: string; store?: string; opId?: string }>();
    return {
      folder: options.cwd,
      agent: options.agent,
      store: options.store,
      opId: options.opId as OpId | undefined,
      warn: (message) => {
        host.err(`wavelock: ${printable(message)}\n`);
      },
    };
  };

  root
    .command('status')
    .description('show the workflows, their waves and tasks')
    .addOption(workflowOption())
    .action(async ({ workflow }: Which) => {
      deliver(await status(workplace(), workflow));
    });
  root
    .command('validate')
    .description('say what is wrong with workflow files')
    .argument('[files...]', 'those to look at, instead of all there are')
    .action(async (files: readonly string[]) => {
      deliver(await validate(workplace(), files));
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
      deliver(await advance(workplace(), { force, lockWaitMs, workflow }));
    });
  addFileCommands(root, { host, workplace, deliver });
  const store = root
    .command('store')
    .description('look after the store itself: verify, back up, restore, copy');
  store
    .command('verify')
    .description('look at everything the store holds, and say what is not as it was written')
    .action(async () => {
      deliver(await stores.verify(workplace()));
    });
  store
    .command('backup')
    .description('back the store up now; the last five are kept')
    .option('--list', 'show the backups there are')
    .action(async ({ list }: { list?: true }) => {
      deliver(list === true ? stores.backups(workplace()) : await stores.backUp(workplace()));
    });
  store
    .command('restore')
    .description('put a backup in the place of the store; what is there is kept aside')
    .argument('<backup>', 'its id, `latest`, or `present` to accept the store as it is')
    .option('--preview', 'only show what would be lost')
    .option('--force', 'although another process has the store open')
    .action(async (from: string, { preview, force }: { preview?: true; force?: true }) => {
      const how = { preview: preview === true, force: force === true };
      deliver(await stores.restore(workplace(), from, how));
    });
  store
    .command('copy')
    .description('make another store with the same content')
    .argument('<dir>', 'folder for it, without a store.db')
    .action(async (target: string) => {
      deliver(await stores.copy(workplace(), target));
    });
  return root;
}

interface AdvanceOptions extends Which {
  readonly force?: true;
  readonly reason?: string;
  readonly wait: number;
}

function exitCodeOf(document: Document): number {
  if (document.ok) return exitCode.ok;
  if ('error' in document)
    return document.error.code === 'bad_usage' ? exitCode.usage : exitCode.fault;
  return worthAnotherTry.has(document.refusal.code) ? exitCode.later : exitCode.refused;
}

function colourOf(host: Host): boolean {
  return host.columns !== undefined && !host.argv.includes('--no-color') && !host.env['NO_COLOR'];
}
