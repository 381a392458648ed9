/** Where one VS Code server keeps what it knows. */
export interface EditorPlace {
  /** `lib/vscode` of the editor package. */
  readonly vscodeRoot: string;
  /** A Node 24 binary. */
  readonly node: string;
  readonly dataDir: string;
  /** `dataDir/extensions` when left out. */
  readonly extensionsDir?: string;
}

export interface ServerOptions extends EditorPlace {
  readonly port?: number;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Leave settings alone that are there already. */
  readonly keepSettings?: boolean;
  /** Lets the page's address carry `extensionTestsPath` and the like. */
  readonly testDriver?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly onOutput?: (text: string) => void;
}

export interface EditorServer {
  readonly port: number;
  readonly pid: number;
  readonly ended: Promise<unknown>;
  /** Ends the server and everything that it started. */
  stop(): Promise<void>;
}

export interface WindowContent {
  readonly folder?: string;
  readonly workspace?: string;
  readonly payload?: readonly (readonly [string, string])[];
}

export const quietSettings: Readonly<Record<string, unknown>>;
export function settingsFile(dataDir: string): string;
export function installExtension(place: EditorPlace, vsix: string): Promise<void>;
export function startEditorServer(options: ServerOptions): Promise<EditorServer>;
export function windowAddress(port: number, content?: WindowContent): string;
