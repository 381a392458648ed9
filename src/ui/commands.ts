/** Every command of the extension, with what it takes. A test holds package.json to this table. */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';

/** Names one workflow: the workspace folder that holds it. */
export interface WorkflowTarget {
  readonly folder: string;
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

export type CommandHandlers = {
  readonly [Id in CommandId]: (...values: CommandArguments[Id]) => unknown;
};

/** A mapped type cannot forget a member; neither can this. */
export function registerCommands(handlers: CommandHandlers): Disposable {
  return vscode.Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) =>
      vscode.commands.registerCommand(id, handler as (...values: unknown[]) => unknown),
    ),
  );
}

export function commandTo<Id extends CommandId>(
  command: Id,
  title: string,
  ...values: CommandArguments[Id]
): vscode.Command {
  return { command, title, arguments: values };
}
