/** Every command of the extension, with what it takes. A test holds package.json to this table. */
import type { Uri } from 'vscode';
import type { LockId, RunId, TaskId, TaskStatus } from '../core/model';
import type { LockNode } from './lockTree';
import type { InitializeRequest } from './initialize';
import type { WaveTarget } from './runWave';
import type { NodeOf } from './workflowTree';

/** Names one workflow by its file. */
export interface WorkflowTarget {
  readonly path: string;
  /** The wave that was on the screen when the person acted. */
  readonly seen?: number;
}

export interface TaskTarget {
  /** Of the workflow file. */
  readonly path: string;
  readonly task: TaskId;
}

/** A run, or the newest one of a task. */
export type RunTarget = { readonly folder: string; readonly run: RunId } | TaskTarget;

export interface LockTarget {
  readonly folder: string;
  readonly lock: LockId;
}

/** A lock, or whatever is locked of a file; without it, the file of the active editor. */
export type LockedTarget = LockTarget | LockNode | Uri;

export interface CommandArguments {
  'wavelock.acquireLock': [file?: Uri];
  'wavelock.advanceWave': [target?: WorkflowTarget];
  'wavelock.breakLock': [target?: LockedTarget];
  'wavelock.cancelRun': [target?: RunTarget];
  'wavelock.claimRun': [target?: RunTarget];
  'wavelock.clearFilter': [];
  'wavelock.completeRun': [target?: RunTarget];
  'wavelock.connectAgents': [];
  'wavelock.copyRunId': [target?: RunTarget];
  'wavelock.copyRunLink': [target?: RunTarget];
  'wavelock.copyRunSummary': [target?: RunTarget];
  'wavelock.createRun': [target?: WorkflowTarget | TaskTarget];
  'wavelock.export': [];
  'wavelock.failRun': [target?: RunTarget];
  'wavelock.filterTree': [text?: string];
  'wavelock.killRun': [target?: RunTarget];
  'wavelock.openPanel': [];
  'wavelock.openWorkflowFile': [
    target?: WorkflowTarget & { readonly line?: number; readonly task?: TaskId },
  ];
  'wavelock.releaseLock': [target?: LockedTarget];
  'wavelock.restoreStore': [];
  'wavelock.retryRun': [target?: RunTarget];
  'wavelock.retryStore': [];
  'wavelock.runDoctor': [];
  'wavelock.runTaskInTerminal': [target?: TaskTarget];
  'wavelock.setTaskStatus': [target?: TaskTarget, status?: TaskStatus];
  'wavelock.showActions': [];
  'wavelock.showEventLog': [];
  'wavelock.showLockHolder': [target?: LockedTarget];
  'wavelock.showLog': [];
  'wavelock.showMore': [node: NodeOf<'more'>];
  'wavelock.startWorker': [];
  'wavelock.stopWorker': [];
  'wavelock.takeBack': [target?: WorkflowTarget | Uri];
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
  'wavelock.acquireLock': 'command.acquireLock',
  'wavelock.advanceWave': 'command.advanceWave',
  'wavelock.breakLock': 'command.breakLock',
  'wavelock.cancelRun': 'command.cancelRun',
  'wavelock.claimRun': 'command.claimRun',
  'wavelock.clearFilter': 'command.clearFilter',
  'wavelock.completeRun': 'command.completeRun',
  'wavelock.connectAgents': 'command.connectAgents',
  'wavelock.copyRunId': 'command.copyRunId',
  'wavelock.copyRunLink': 'command.copyRunLink',
  'wavelock.copyRunSummary': 'command.copyRunSummary',
  'wavelock.createRun': 'command.createRun',
  'wavelock.export': 'command.export',
  'wavelock.failRun': 'command.failRun',
  'wavelock.filterTree': 'command.filterTree',
  'wavelock.killRun': 'command.killRun',
  'wavelock.openPanel': 'command.openPanel',
  'wavelock.openWorkflowFile': 'command.openWorkflowFile',
  'wavelock.releaseLock': 'command.releaseLock',
  'wavelock.restoreStore': 'command.restoreStore',
  'wavelock.retryRun': 'command.retryRun',
  'wavelock.retryStore': 'command.retryStore',
  'wavelock.runDoctor': 'command.runDoctor',
  'wavelock.runTaskInTerminal': 'command.runTaskInTerminal',
  'wavelock.setTaskStatus': 'command.setTaskStatus',
  'wavelock.showActions': 'command.showActions',
  'wavelock.showEventLog': 'command.showEventLog',
  'wavelock.showLockHolder': 'command.showLockHolder',
  'wavelock.showLog': 'command.showLog',
  'wavelock.showMore': 'command.showMore',
  'wavelock.startWorker': 'command.startWorker',
  'wavelock.stopWorker': 'command.stopWorker',
  'wavelock.takeBack': 'command.takeBack',
  'wavelock.addNote': 'command.addNote',
  'wavelock.initializeWorkflow': 'command.initializeWorkflow',
  'wavelock.resolveConflict': 'command.resolveConflict',
  'wavelock.restoreBackup': 'command.restoreBackup',
  'wavelock.runWave': 'command.runWave',
  'wavelock.validateWorkflowFile': 'command.validateWorkflowFile',
};
