/**
 * The command line as this editor can start it: with the Node that the editor itself runs on, so that nobody has to
 * install one. In the desktop that is the editor's own program, asked to be Node; on a server it is Node already.
 */
import { join } from 'node:path';

export interface EditorProgram {
  /** Of Node, or of what can be it. */
  readonly node: string;
  readonly cli: string;
  /** Makes Node of an editor; says nothing to a Node. */
  readonly env: Readonly<Record<string, string>>;
}

export function editorProgram(extensionPath: string): EditorProgram {
  return {
    node: process.execPath,
    cli: join(extensionPath, 'dist', 'cli.js'),
    env: { ELECTRON_RUN_AS_NODE: '1' },
  };
}
