/** Entry point of the command line: composes the program with this process, and nothing else. */
import { constants } from 'node:os';
import { version } from '../package.json';
import { Interrupted } from './tools/commandLine';
import { run } from './tools/program';

let ending: AbortController | undefined;

/** Only a command that knows how to end in order is kept from being ended at once. */
function endingSignal(): AbortSignal {
  if (ending) return ending.signal;
  const begun = (ending = new AbortController());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      begun.abort(new Interrupted(128 + constants.signals[signal]));
    });
  }
  return begun.signal;
}

/** Whoever read our output has gone: there is nothing to say any more, and nothing wrong. */
function readerGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  ending?.abort(new Interrupted(0));
}

process.stdout.on('error', readerGone);
process.stderr.on('error', readerGone);

void run({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  version,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  get ending() {
    return endingSignal();
  },
}).then((code) => {
  process.exitCode = code;
});
