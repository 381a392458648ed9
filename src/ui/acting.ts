/**
 * A person asks for something: the change is made, a refusal or a fault is explained, and the caller gets the facts or
 * nothing. Every command goes through here, so none forgets trust, progress or the log.
 */
import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { Answer } from '../core/model';
import type { Explanations, Scene, WayOut } from './explain';
import type { FolderModel, FolderTools } from './folderModel';
import type { WorkspaceModel } from './workspaceModel';

export interface Asked extends Scene {
  /** For the log: "Cancel run". */
  readonly what: string;
  /** Ways out of a refusal that only this command knows. */
  readonly ways?: readonly WayOut[];
}

export class Acting {
  constructor(
    private readonly model: WorkspaceModel,
    readonly explanations: Explanations,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** Whether anything may be changed; says so where not. */
  async allowed(): Promise<boolean> {
    if (!vscode.workspace.isTrusted) {
      this.explanations.untrusted();
      return false;
    }
    await this.model.ready;
    return true;
  }

  /** What was granted; undefined when it was refused or failed, which is on the screen then. */
  async ask<Facts>(
    model: FolderModel,
    asked: Asked,
    work: (tools: FolderTools) => Promise<Answer<Facts>>,
  ): Promise<Facts | undefined> {
    const answer = await this.answer(model, asked, work);
    if (answer?.ok) return answer.facts;
    if (answer)
      this.explanations.refused(answer.refusal, { folder: model.folder, ...asked }, asked.ways);
    return undefined;
  }

  /** The same for who explains a refusal itself; undefined only for a fault. */
  async answer<Facts>(
    model: FolderModel,
    asked: Asked,
    work: (tools: FolderTools) => Promise<Answer<Facts>>,
  ): Promise<Answer<Facts> | undefined> {
    try {
      const answer = await vscode.window.withProgress(
        { location: { viewId: 'wavelock.workflows' } },
        () => model.change(work),
      );
      if (answer.ok) this.log.info(`${asked.what}: done`);
      return answer;
    } catch (error) {
      this.explanations.failed(asked.what, error, { folder: model.folder, ...asked });
      return undefined;
    }
  }

  /** The only folder, or the one that is picked. */
  async folder(title: string): Promise<FolderModel | undefined> {
    const folders = this.model.folders.filter(({ files }) => files.length > 0);
    if (folders.length <= 1) {
      if (!folders[0]) {
        this.explanations.nothing(
          vscode.l10n.t('There is no workflow in this workspace: no folder of it has a STATE.md.'),
        );
      }
      return folders[0];
    }
    const items = folders.map((model) => ({
      label: basename(model.folder),
      description: model.folder,
      model,
    }));
    return (await vscode.window.showQuickPick(items, { title }))?.model;
  }
}

/** A sign in passing that something was done; it goes by itself. */
export function mention(text: string): void {
  vscode.window.setStatusBarMessage(text, 4_000);
}
