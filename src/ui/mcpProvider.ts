/** Tells the editor's own agents of `wavelock mcp`, for each folder that has a workflow. */
import * as vscode from 'vscode';
import { Belongings, type Disposable } from '../shared/lifecycle';
import type { EditorProgram } from './editorProgram';
import type { WorkspaceModel } from './workspaceModel';

/** As package.json declares it. */
const providerId = 'wavelock.mcp';

export class McpServers
  implements vscode.McpServerDefinitionProvider<vscode.McpStdioServerDefinition>, Disposable
{
  readonly #belongings = new Belongings();
  readonly #changed = this.#belongings.add(new vscode.EventEmitter<void>());
  readonly onDidChangeMcpServerDefinitions = this.#changed.event;
  #told: string;

  constructor(
    private readonly model: WorkspaceModel,
    private readonly program: EditorProgram,
    private readonly version: string,
  ) {
    this.#told = this.#folders().join('\n');
    const look = (): void => {
      const folders = this.#folders().join('\n');
      if (folders === this.#told) return;
      this.#told = folders;
      this.#changed.fire();
    };
    this.#belongings.add(
      model.onDidChange((change) => {
        if (change === undefined || change.files || change.store) look();
      }),
    );
    if (canTellOfServers())
      this.#belongings.add(vscode.lm.registerMcpServerDefinitionProvider(providerId, this));
  }

  async provideMcpServerDefinitions(): Promise<vscode.McpStdioServerDefinition[]> {
    await this.model.ready;
    const { node, cli, env } = this.program;
    return this.#folders().map((folder) => {
      const uri = vscode.Uri.file(folder);
      const name = vscode.workspace.getWorkspaceFolder(uri)?.name ?? folder;
      const several = (vscode.workspace.workspaceFolders?.length ?? 0) > 1;
      const server = new vscode.McpStdioServerDefinition(
        several ? `Wavelock (${name})` : 'Wavelock',
        node,
        [cli, 'mcp', '--cwd', folder],
        { ...env },
        this.version,
      );
      server.cwd = uri;
      return server;
    });
  }

  dispose(): void {
    this.#belongings.dispose();
  }

  /** An agent acts; where nobody trusts the files there is none. */
  #folders(): readonly string[] {
    if (!vscode.workspace.isTrusted) return [];
    return this.model.folders.filter(({ files }) => files.length > 0).map(({ folder }) => folder);
  }
}

/** An editor that is built on an older one may lack it, whatever its version says. */
function canTellOfServers(): boolean {
  const { lm } = vscode as { readonly lm?: Partial<typeof vscode.lm> };
  return (
    typeof lm?.registerMcpServerDefinitionProvider === 'function' &&
    typeof (vscode as Partial<typeof vscode>).McpStdioServerDefinition === 'function'
  );
}
