import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  installExtension,
  settingsFile,
  startEditorServer,
  type EditorPlace,
  type EditorServer,
} from '../../scripts/editorServer.mjs';

export interface RunningEditor extends EditorServer {
  readonly place: EditorPlace;
  readonly settingsFile: string;
}

export interface EditorOptions {
  /** Installed before the server starts. */
  readonly vsix?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: NodeJS.ProcessEnv;
  readonly onOutput?: (text: string) => void;
}

/** A VS Code server with a data folder of its own, which is gone after `stop()`. */
export async function startEditor({
  vsix,
  env,
  ...options
}: EditorOptions = {}): Promise<RunningEditor> {
  endWithSignals();
  const dataDir = await mkdtemp(join(tmpdir(), 'wavelock-editor-'));
  const forget = (): void => {
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const place = { ...editorFromEnvironment(), dataDir };
    if (vsix !== undefined) await installExtension(place, vsix);
    const server = await startEditorServer({
      ...place,
      ...options,
      env: testEnvironment(dataDir, env),
    });
    process.once('exit', forget); // after the server's own exit listener, which kills it
    return {
      ...server,
      place,
      settingsFile: settingsFile(dataDir),
      async stop() {
        await server.stop();
        process.off('exit', forget);
        forget();
      },
    };
  } catch (error) {
    forget();
    throw error;
  }
}

/** With the server's sockets in its data folder; otherwise they stay in the system's for ever. */
export function testEnvironment(dataDir: string, env = process.env): NodeJS.ProcessEnv {
  return { ...env, XDG_RUNTIME_DIR: dataDir };
}

/** What scripts/test.mjs set up. */
export function editorFromEnvironment(): Pick<EditorPlace, 'vscodeRoot' | 'node'> {
  return { vscodeRoot: required('WAVELOCK_VSCODE_ROOT'), node: required('WAVELOCK_NODE') };
}

export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set; start the tests with "npm test".`);
  return value;
}

let handlesSignals = false;

/** A signal's own way to end a program runs no exit listeners, and those end the server and the browser. */
function endWithSignals(): void {
  if (handlesSignals) return;
  handlesSignals = true;
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
}
