/**
 * This process as the command line needs it: what it prints to, how wide that is, and how it is told to end.
 *
 * Contract: whatever is printed is printed before the process ends, to a pipe that is full as well; a reader that has
 * gone is no error.
 */
import { fstatSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { Interrupted, type Host } from './commandLine';

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

/** To ask a stream would make it first. */
function isTerminal(): boolean {
  return fstatSync(1).isCharacterDevice() && process.stdout.isTTY;
}

/** At once, and without the streams of Node, whose making costs a short call more than what it prints. */
function write(descriptor: 1 | 2, text: string): void {
  let left = Buffer.from(text);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(descriptor, left));
    } catch (error) {
      // A pipe that is full and does not block: the stream knows how to wait for it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') {
        readerGone(error as NodeJS.ErrnoException);
        return;
      }
      streamOf(descriptor).write(left);
      return;
    }
  }
}

const streams = new Map<1 | 2, NodeJS.WriteStream>();

function streamOf(descriptor: 1 | 2): NodeJS.WriteStream {
  const known = streams.get(descriptor);
  if (known) return known;
  const stream = descriptor === 1 ? process.stdout : process.stderr;
  stream.on('error', readerGone);
  streams.set(descriptor, stream);
  return stream;
}

export function processHost(version: string): Host {
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    version,
    get columns() {
      return isTerminal() ? process.stdout.columns : undefined;
    },
    out: (text) => {
      print(1, text);
    },
    err: (text) => {
      print(2, text);
    },
    get ending() {
      return endingSignal();
    },
  };
}

/** In order: what comes after something that a stream has taken is the stream's, too. */
function print(descriptor: 1 | 2, text: string): void {
  if (streams.has(descriptor)) streamOf(descriptor).write(text);
  else write(descriptor, text);
}

/**
 * Ends the process. At once where nothing is left to be printed: what Node takes apart in order before it ends is gone
 * with the process in any case, and takes a short call some milliseconds.
 */
export function leave(code: number): void {
  if (streams.size === 0) process.exit(code);
  process.exitCode = code;
}
