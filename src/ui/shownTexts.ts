/** Texts that are no files, for an editor to show beside files: nobody can change them, and they go with their tab. */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';

export class ShownTexts implements vscode.TextDocumentContentProvider, Disposable {
  readonly #texts = new Map<string, string>();
  readonly #listeners: vscode.Disposable;
  #number = 0;

  constructor(private readonly scheme: `wavelock-${string}`) {
    this.#listeners = vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(scheme, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === scheme) this.#texts.delete(uri.toString());
      }),
    );
  }

  /** @param file what the tab is called, and what the text is coloured as */
  show(file: string, text: string, side = 'text'): vscode.Uri {
    this.#number += 1;
    const query = `${side}-${this.#number}`;
    const uri = vscode.Uri.from({ scheme: this.scheme, path: `/${file}`, query });
    this.#texts.set(uri.toString(), text);
    return uri;
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#texts.get(uri.toString()) ?? '';
  }

  dispose(): void {
    this.#listeners.dispose();
    this.#texts.clear();
  }
}
