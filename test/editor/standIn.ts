// Stands in for the VS Code executable of @vscode/test-electron: takes the same arguments, runs the tests in
// a real extension host, prints what they print and ends with their exit code (124: they did not end).
import { createServer, type AddressInfo, type Server } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import {
  startEditorServer,
  windowAddress,
  type EditorServer,
} from '../../scripts/editorServer.mjs';
import { editorFromEnvironment, testEnvironment } from './server';
import { launchBrowser, picturePath } from './window';

const { values, positionals } = parseArgs({
  strict: false, // VS Code has many more switches; those that mean nothing here are ignored
  allowPositionals: true,
  options: {
    extensionTestsPath: { type: 'string' },
    extensionDevelopmentPath: { type: 'string', multiple: true },
    'user-data-dir': { type: 'string' },
    'extensions-dir': { type: 'string' },
  },
});

const limit = Number(process.env['WAVELOCK_HOST_TIMEOUT'] ?? 1_500_000);
// What this editor always says, because its optional native modules and its gallery are absent.
const usual = /bindings file|build\/Release\/watchdog|ServiceWorker|open-vsx/;

class HostRun {
  // Promises, so that a signal during start-up also finds what to stop.
  #server: Promise<EditorServer> | undefined;
  #browser: Promise<Browser> | undefined;
  #ending = false;
  #reported = false;
  readonly #errors: string[] = [];
  // VS Code mixes the extension host's console with the window's own lines, so the tests get a line of their own.
  readonly #output: Server = createServer((socket) =>
    socket.on('data', (text) => {
      this.#reported = true;
      process.stdout.write(text);
    }),
  );

  async run(): Promise<number> {
    const port = await this.#startServer();
    this.#browser = launchBrowser();
    const page = await (await this.#browser).newPage({ viewport: { width: 1400, height: 900 } });
    // Both must be there before the page loads.
    const exited = new Promise<number>(
      (done) => void page.exposeFunction('codeAutomationExit', done),
    );
    await page.exposeFunction('codeAutomationLog', (level: string, parts: unknown[]) => {
      this.#hear(level, parts);
    });
    await page.goto(testWindow(port));
    const code = await withinLimit(exited);
    if (code === 'late') return this.#late(page);
    if (code !== 0 && !this.#reported) {
      process.stderr.write(
        `The tests did not start. Errors in the window's log:\n${this.#errors.join('\n')}\n`,
      );
    }
    return code;
  }

  async end(code: number): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    const stopped = await Promise.allSettled([
      this.#browser?.then((it) => it.close()),
      this.#server?.then((it) => it.stop()),
    ]);
    const failed = stopped.flatMap((it) =>
      it.status === 'rejected' ? [it.reason as unknown] : [],
    );
    if (code === 0 && failed.length > 0) console.error(...failed);
    this.#output.close();
    process.exit(code);
  }

  get ending(): boolean {
    return this.#ending;
  }

  async #startServer(): Promise<number> {
    await new Promise<void>((listening) => this.#output.listen(0, '127.0.0.1', listening));
    const outputPort = (this.#output.address() as AddressInfo).port;
    const extensionsDir = textOf(values['extensions-dir']);
    const dataDir = resolve(textOf(values['user-data-dir']) ?? '.vscode-test/user-data');
    this.#server = startEditorServer({
      ...editorFromEnvironment(),
      dataDir,
      ...(extensionsDir === undefined ? {} : { extensionsDir: resolve(extensionsDir) }),
      testDriver: true,
      // It copies a file that was saved, for ever if a test cuts it short in that moment (libuv's copyfile).
      settings: { 'workbench.localHistory.enabled': false },
      env: { ...testEnvironment(dataDir), WAVELOCK_TEST_OUTPUT: String(outputPort) },
      ...(process.env['WAVELOCK_HOST_VERBOSE']
        ? { onOutput: (text) => void process.stderr.write(text) }
        : {}),
    });
    return (await this.#server).port;
  }

  #hear(level: string, parts: unknown[]): void {
    const line = parts.map(String).join(' ');
    if (level === 'error' && !usual.test(line)) this.#errors.push(line);
  }

  async #late(page: Page): Promise<number> {
    const picture = picturePath('host-timeout');
    await page.screenshot({ path: picture });
    process.stderr.write(`The tests did not end within ${limit} ms; the window then: ${picture}\n`);
    if (this.#errors.length > 0)
      process.stderr.write(`Errors in the window's log:\n${this.#errors.join('\n')}\n`);
    return 124;
  }
}

function testWindow(port: number): string {
  const remote = (path: string): string => `vscode-remote://127.0.0.1:${port}${resolve(path)}`;
  const tests = textOf(values.extensionTestsPath);
  if (tests === undefined) throw new Error('--extensionTestsPath is missing');
  const developed = (values.extensionDevelopmentPath ?? []) as string[];
  const opened = positionals[0] === undefined ? undefined : resolve(positionals[0]);
  return windowAddress(port, {
    ...(opened === undefined
      ? {}
      : { [opened.endsWith('.code-workspace') ? 'workspace' : 'folder']: opened }),
    payload: [
      ['skipWelcome', 'true'],
      ...developed.map((path) => ['extensionDevelopmentPath', remote(path)] as const),
      ['extensionTestsPath', remote(tests)],
    ],
  });
}

function withinLimit(exited: Promise<number>): Promise<number | 'late'> {
  const late = new Promise<'late'>((done) => setTimeout(done, limit, 'late').unref());
  return Promise.race([exited, late]);
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined;

async function main(): Promise<void> {
  const run = new HostRun();
  process.on('SIGINT', () => void run.end(130));
  process.on('SIGTERM', () => void run.end(143));
  try {
    await run.end(await run.run());
  } catch (error) {
    // Ending closes the browser under whatever is under way; that is no failure of its own.
    if (!run.ending) console.error(error);
    await run.end(1);
  }
}

void main();
