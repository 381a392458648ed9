// `run()` of the extension-host tests: mocha in the real extension host. Its report goes to the terminal that
// started the stand-in (WAVELOCK_TEST_OUTPUT) or, in a desktop VS Code, to the ordinary console.
import { findSourceMap } from 'node:module';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import Mocha, { reporters } from 'mocha';
import { takeWaits } from '../hosts/heard';
import Report from '../report';

interface Terminal {
  readonly print: (...values: unknown[]) => void;
  readonly close: () => Promise<void>;
}

export async function run(): Promise<void> {
  const terminal = await openTerminal();
  // The host makes console.* read-only and sends it to the window's log.
  (reporters.Base as unknown as { consoleLog: Terminal['print'] }).consoleLog = terminal.print;
  process.setSourceMapsEnabled(true);
  let failures: number;
  try {
    failures = await runMocha(testFiles());
  } catch (error) {
    terminal.print(error instanceof Error ? (error.stack ?? error.message) : error);
    throw error;
  } finally {
    await terminal.close();
  }
  if (failures > 0) throw new Error(`${failures} test(s) failed`); // VS Code turns a rejection into exit code 1
}

function runMocha(files: readonly string[]): Promise<number> {
  const grep = process.env['WAVELOCK_GREP'];
  const mocha = new Mocha({
    ui: 'bdd',
    reporter: Report,
    color: Boolean(process.env['FORCE_COLOR']),
    // Ends what hangs; it is no measure of speed.
    timeout: 120_000,
    forbidOnly: Boolean(process.env['CI']),
    ...(grep === undefined ? {} : { grep }),
  });
  for (const file of files) mocha.addFile(file);
  return new Promise((done) => {
    mocha.run(done).on('fail', (_test, error: unknown) => {
      const waits = takeWaits();
      if (error instanceof Error && error.stack !== undefined)
        error.stack = inSources([error.stack, ...waits].join('\n'));
    });
  });
}

/** The host makes its own stack traces, without source maps. */
function inSources(stack: string): string {
  return stack.replace(
    /([^\s(]+\.js):(\d+):(\d+)/g,
    (place, file: string, line: string, column: string) => {
      const map = findSourceMap(resolve(file));
      const origin = map?.findEntry(Number(line) - 1, Number(column) - 1);
      if (origin === undefined || !('originalSource' in origin)) return place;
      return `${fileURLToPath(origin.originalSource)}:${origin.originalLine + 1}:${origin.originalColumn + 1}`;
    },
  );
}

/** runHosts.ts says which tests are for this window. */
function testFiles(): string[] {
  const given: unknown = JSON.parse(process.env['WAVELOCK_TEST_FILES'] ?? '[]');
  if (!Array.isArray(given) || given.length === 0)
    throw new Error('WAVELOCK_TEST_FILES names no tests');
  return given.map(String);
}

async function openTerminal(): Promise<Terminal> {
  const port = Number(process.env['WAVELOCK_TEST_OUTPUT'] ?? 0);
  if (!port)
    return {
      print: (...values) => {
        console.log(...values);
      },
      close: () => Promise.resolve(),
    };
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((connected, failed) =>
    socket.once('connect', connected).once('error', failed),
  );
  return {
    print: (...values) => void socket.write(format(...values) + '\n'),
    close: () =>
      new Promise((flushed) =>
        socket.end(() => {
          flushed();
        }),
      ),
  };
}
