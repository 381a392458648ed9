/**
 * A command that is looked after from its start to the end of everything that it started.
 *
 * Contract (POSIX): the command leads a process group of its own. When it ends, what is left of the group ends with
 * it; when this process ends in whatever way, `kill -9` included, the whole group ends within a moment. For that a
 * watcher sits in the group and reads from a pipe of which only this process has the other end. Not caught: a
 * process that makes a session of its own (`setsid`), as daemons do.
 *
 * On Windows there are no process groups: the tree is ended with `taskkill /T`, and what outlives a `kill` of this
 * process stays. A polite stop does not exist there for programs without a window, so a stop is a kill.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';

export interface CommandLine {
  /** A program and its arguments, or a text for the shell. */
  readonly command: readonly string[] | string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: 'inherit' | 'ignore';
}

export interface CommandEnd {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
}

const windows = process.platform === 'win32';

/** The watcher first, so that there is no moment without it; then the shell becomes the command itself. */
const guarded =
  `(trap '' INT TERM HUP QUIT; read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 & ` +
  `exec 3<&-; exec "$@"`;

/** After the command has ended: until nothing more is taken to come out of its pipes. */
const silenceMs = 1_000;

export class SupervisedCommand {
  /** Everything of its group has ended and all output was handed over. */
  readonly ended: Promise<CommandEnd>;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly #child: ChildProcess;
  readonly #startedAt = performance.now();
  #over = false;
  #grace: NodeJS.Timeout | undefined;

  constructor(line: CommandLine) {
    this.#child = windows ? startOnWindows(line) : startInGroup(line);
    const { stdout, stderr } = this.#child;
    if (!stdout || !stderr) throw new Error('a command was started without its pipes');
    this.stdout = stdout;
    this.stderr = stderr;
    // Whoever reads may have gone; the command hears of it by its own write.
    for (const stream of [stdout, stderr]) stream.on('error', () => stream.destroy());
    this.ended = this.#end();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Passes a signal on to the whole group. */
  signal(signal: NodeJS.Signals): void {
    if (this.#over) return;
    if (windows) this.#endTree();
    else this.#signalGroup(signal);
  }

  /** Asks it to stop, and ends it when the grace is over. Asking again shortens the grace, and never extends it. */
  stop(graceMs: number, signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.#over) return;
    if (graceMs <= 0) {
      this.kill();
      return;
    }
    this.signal(signal);
    this.#grace ??= setTimeout(() => {
      this.kill();
    }, graceMs);
  }

  kill(): void {
    clearTimeout(this.#grace);
    this.signal('SIGKILL');
  }

  async #end(): Promise<CommandEnd> {
    const child = this.#child;
    const drained = Promise.all([closed(this.stdout), closed(this.stderr)]);
    const [code, signal] = await exitOf(child);
    this.#over = true;
    clearTimeout(this.#grace);
    if (!windows) this.#signalGroup('SIGKILL');
    const durationMs = Math.round(performance.now() - this.#startedAt);
    const silence = [this.stdout, this.stderr].map(closeWhenSilent);
    await drained;
    for (const stopWatching of silence) stopWatching();
    (child.stdio[3] as Writable | null | undefined)?.destroy();
    return { code, signal, durationMs };
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      // ESRCH: nobody is left. EPERM: what is left belongs to somebody else by now, and macOS says so of zombies.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ESRCH' && code !== 'EPERM') throw error;
    }
  }

  #endTree(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    spawn('taskkill', ['/PID', String(pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true }).on(
      'error',
      () => this.#child.kill(),
    );
  }
}

function startInGroup({ command, cwd, env, stdin }: CommandLine): ChildProcess {
  const argv = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  return spawn('/bin/sh', ['-c', guarded, 'wavelock', ...argv], {
    cwd,
    env: env,
    detached: true,
    stdio: [stdin, 'pipe', 'pipe', 'pipe'],
  });
}

function startOnWindows({ command, cwd, env, stdin }: CommandLine): ChildProcess {
  const [program, args, shell] =
    typeof command === 'string' ? [command, [], true] : [command[0] ?? '', command.slice(1), false];
  return spawn(program, args, {
    cwd,
    env: env,
    shell,
    windowsHide: true,
    stdio: [stdin, 'pipe', 'pipe'],
  });
}

/** What could not even be started ends as a shell says it: 127. */
function exitOf(child: ChildProcess): Promise<[number | null, NodeJS.Signals | null]> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve([code, signal]);
    });
    child.once('error', () => {
      if (child.pid === undefined) resolve([127, null]);
    });
  });
}

function closed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.closed) resolve();
    else stream.once('close', resolve);
  });
}

/**
 * Somebody who left the group may hold a pipe open for ever. What is paused is being read by somebody slow, and
 * not silent.
 */
function closeWhenSilent(stream: Readable): () => void {
  const timer = setInterval(() => {
    if (!stream.isPaused()) stream.destroy();
  }, silenceMs);
  const heard = (): void => {
    timer.refresh();
  };
  stream.on('data', heard);
  return () => {
    clearInterval(timer);
  };
}

/** 128 + the number of the signal, as shells have it. */
export function exitCodeOf({ code, signal }: Pick<CommandEnd, 'code' | 'signal'>): number {
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
