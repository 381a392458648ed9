/** Binds the command table to the editor. */
import * as vscode from 'vscode';
import type { Disposable } from '../shared/lifecycle';
import type { CommandArguments, CommandId } from './commandTable';

export type CommandHandlers = {
  readonly [Id in CommandId]: (...values: CommandArguments[Id]) => unknown;
};

export function registerCommands(handlers: CommandHandlers): Disposable {
  return vscode.Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) =>
      vscode.commands.registerCommand(id, handler as (...values: unknown[]) => unknown),
    ),
  );
}

export function runCommand<Id extends CommandId>(
  id: Id,
  ...values: CommandArguments[Id]
): Thenable<unknown> {
  return vscode.commands.executeCommand(id, ...values);
}

export function commandTo<Id extends CommandId>(
  command: Id,
  title: string,
  ...values: CommandArguments[Id]
): vscode.Command {
  return { command, title, arguments: values };
}
