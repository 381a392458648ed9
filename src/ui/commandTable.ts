/** Every command of the extension, with what it takes. A test holds package.json to this table. */

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
}

export type CommandId = keyof CommandArguments;

/** Each title's key in package.nls.json. Mapped over all ids, so that none can be forgotten. */
export const commandTitles: { readonly [Id in CommandId]: string } = {
  'wavelock.advanceWave': 'command.advanceWave',
  'wavelock.openPanel': 'command.openPanel',
  'wavelock.openWorkflowFile': 'command.openWorkflowFile',
  'wavelock.showLog': 'command.showLog',
};
