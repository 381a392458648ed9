/** Every command of the extension, with what it takes. A test holds package.json to this table. */

import type { Uri } from 'vscode';
import type { InitializeRequest } from './initialize';
import type { WaveTarget } from './runWave';

/** Names one workflow by its file. */
export interface WorkflowTarget {
  readonly path: string;
  /** The wave that was on the screen when the person acted. */
  readonly seen?: number;
}

export interface CommandArguments {
  'wavelock.advanceWave': [target?: WorkflowTarget];
  'wavelock.openPanel': [];
  'wavelock.openWorkflowFile': [target?: WorkflowTarget & { readonly line?: number }];
  'wavelock.showLog': [];
  // What a person does with workflow files.
  'wavelock.addNote': [target?: WorkflowTarget | Uri, text?: string];
  'wavelock.initializeWorkflow': [request?: InitializeRequest];
  'wavelock.resolveConflict': [target?: WorkflowTarget | Uri];
  'wavelock.restoreBackup': [target?: WorkflowTarget | Uri, backup?: string];
  'wavelock.runWave': [target?: WaveTarget];
  'wavelock.validateWorkflowFile': [target?: WorkflowTarget | Uri];
}

export type CommandId = keyof CommandArguments;

/** Each title's key in package.nls.json. Mapped over all ids, so that none can be forgotten. */
export const commandTitles: { readonly [Id in CommandId]: string } = {
  'wavelock.advanceWave': 'command.advanceWave',
  'wavelock.openPanel': 'command.openPanel',
  'wavelock.openWorkflowFile': 'command.openWorkflowFile',
  'wavelock.showLog': 'command.showLog',
  'wavelock.addNote': 'command.addNote',
  'wavelock.initializeWorkflow': 'command.initializeWorkflow',
  'wavelock.resolveConflict': 'command.resolveConflict',
  'wavelock.restoreBackup': 'command.restoreBackup',
  'wavelock.runWave': 'command.runWave',
  'wavelock.validateWorkflowFile': 'command.validateWorkflowFile',
};
