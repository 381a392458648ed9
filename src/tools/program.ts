/**
 * The command line: flags in, one document or a few lines for people out, an exit code that a script
 * can rely on (0 done, 1 refused, 2 bad usage, 3 store fault, 4 refused but worth another try).
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { isStoreError } from '../core/errors';
import type { OpId } from '../core/model';
import {
  exitCode,
  exitCodeOf,
  Interrupted,
  refused,
  type CommandGroup,
  type CommandLine,
  type Deliver,
  type Document,
  type Host,
} from './commandLine';
import { commandWord, commandWords } from './commandWord';
import { notEmpty } from './flags';
import { showFailure } from './presentFailure';
import { painter, printable, type Look } from './terminal';
import { isUnfit, type Workplace } from './workplace';

export type { Host } from './commandLine';

export async function run(host: Host, groups: readonly CommandGroup[]): Promise<number> {
  const json = isAsked(host.argv, '--json');
  const look = (): Look => ({
    paint: painter(isColoured(host)),
    columns: host.columns,
    now: Date.now(),
  });
  let code: number = exitCode.ok;
  let text = '';
  let failure: Extract<Document, { ok: false }> | undefined;
  const deliver: Deliver = (document, show, refusedExit) => {
    code = 'refusal' in document ? (refusedExit ?? exitCodeOf(document)) : exitCodeOf(document);
    if (json) host.out(`${JSON.stringify({ v: 1, ...document })}\n`);
    else if (isGranted(document)) text = show(document, look());
    else failure = document as unknown as Extract<Document, { ok: false }>;
  };
  const leave = (value: number): void => {
    code = value;
  };
  const tell = (): void => {
    if (text !== '') host.out(text);
    if (failure) host.err(showFailure(failure, look()));
  };
  const fail = (document: Extract<Document, { ok: false }>): number => {
    deliver(document, () => '');
    tell();
    return code;
  };

  const root = program(
    { host, deliver, leave, look, json, subcommand: commandWords(host.argv)[1] },
    groups,
  );
  try {
    await root.parseAsync([...host.argv], { from: 'user' });
    tell();
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version also arrive here, with 0.
      if (error.exitCode === 0) return exitCode.ok;
      const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
      fail({ ok: false, error: { code: 'bad_usage', message } });
      if (!json) host.err('Run wavelock --help to see what there is.\n');
      return exitCode.usage;
    }
    if (isUnfit(error)) return fail(refused(error.refusal, 0));
    if (error instanceof Interrupted) return error.exitCode;
    if (!isStoreError(error)) throw error;
    return fail({ ok: false, error: { code: error.code, message: error.message } });
  }
}

function isGranted<Answered extends Document>(
  document: Answered,
): document is Extract<Answered, { readonly ok: true }> {
  return document.ok;
}

function program(told: Omit<CommandLine, 'workplace'>, groups: readonly CommandGroup[]): Command {
  const { host } = told;
  const root = new Command('wavelock')
    .description('Waves of work by several agents and windows on one repository.')
    .version(host.version)
    .option('--json', 'print exactly one JSON document')
    .option('--cwd <dir>', 'work in this folder', host.cwd)
    .option('--agent <name|id>', 'who is speaking', nonEmpty(host.env['WAVELOCK_AGENT']))
    .option('--store <dir>', 'folder that holds store.db', host.env['WAVELOCK_STORE'])
    .option('--op-id <id>', 'the same id again gets the same answer, once done', operationId)
    .option('--no-color', 'print without colours')
    .showHelpAfterError(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        host.out(text);
      },
      // Errors are told once, by `run`, in the form that was asked for.
      writeErr: () => undefined,
      getOutHelpWidth: () => host.columns ?? 100,
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
  const commandLine: CommandLine = { ...told, workplace };
  for (const { add } of neededFor(host.argv, groups)) add(root, commandLine);
  return root;
}

/** Making all of them takes as long as one of them does; help, and a word that is none, need them all. */
function neededFor(
  argv: readonly string[],
  groups: readonly CommandGroup[],
): readonly CommandGroup[] {
  const word = commandWord(argv) ?? '';
  const meant = groups.filter(({ names }) => names.includes(word));
  return meant.length === 0 ? groups : meant;
}

/** Global flags stand anywhere before `--`; what follows it is another program's. */
function isAsked(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).includes(flag);
}

/** An empty variable is as good as none. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function operationId(text: string): string {
  if (notEmpty(text).length > 128 || /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) {
    throw new InvalidArgumentError('It has at most 128 characters, none of which is hidden.');
  }
  return text;
}

function isColoured(host: Host): boolean {
  return host.columns !== undefined && !isAsked(host.argv, '--no-color') && !host.env['NO_COLOR'];
}
