/** The sample folder of the window, with a workflow of the test file's own, and somebody else at work on the same store. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { reporters } from 'mocha';
import * as vscode from 'vscode';
import type {
  AgentName,
  Answer,
  Command,
  Granted,
  RunRow,
  SessionId,
  WorkflowId,
} from '../../src/core/model';
import type { ExtensionParts } from '../../src/extension';
import { newId } from '../../src/store/newId';
import type { TaskOverview, WorkflowOverview } from '../../src/store/overview';
import { placeOf } from '../../src/store/place';
import type { Store } from '../../src/store/store';
import { openThreadStore } from '../../src/store/threadStore';
import { WorkflowFiles } from '../../src/store/workflowFiles';
import type { FolderModel, FolderState } from '../../src/ui/folderModel';
import { Dialogue } from './dialogue';
import { heard } from './heard';

export const extensionId = 'wavelock.wavelock';

/** The terminal that runs the tests; the host's own console goes to the window's log. */
export const print = (line: string): void => {
  reporters.Base.consoleLog(`      ${line}`);
};

export async function activated(): Promise<ExtensionParts> {
  const extension = vscode.extensions.getExtension<ExtensionParts>(extensionId);
  assert.ok(extension, 'the extension is not there');
  return extension.activate();
}

function extensionPath(): string {
  return vscode.extensions.getExtension(extensionId)?.extensionPath ?? '';
}

/** Another agent, by a connection of its own. */
export class Somebody {
  private constructor(
    readonly name: AgentName,
    private readonly store: Store,
    private readonly files: WorkflowFiles,
  ) {}

  get session(): SessionId {
    return this.store.identity.session;
  }

  static async at(folder: string, name: string): Promise<Somebody> {
    const place = placeOf(folder);
    const store = await openThreadStore(
      {
        place,
        identity: {
          agent: name as AgentName,
          named: true,
          kind: 'terminal',
          session: newId('ses') as SessionId,
          host: hostname(),
          pid: process.pid,
        },
        durability: 'normal',
      },
      join(extensionPath(), 'dist/storeThread.js'),
    );
    const files = new WorkflowFiles({ place, store, now: Date.now });
    return new Somebody(name as AgentName, store, files);
  }

  async does<C extends Command>(command: C): Promise<Granted[C['kind']]> {
    const answer = await this.asks(command);
    assert.ok(answer.ok, answer.ok ? '' : answer.refusal.message);
    // As every program does: what was promised of the file is its own to write.
    await this.files.keepPromises();
    return answer.facts;
  }

  asks<C extends Command>(command: C): Promise<Answer<Granted[C['kind']]>> {
    return this.store.submit(command);
  }

  leave(): Promise<void> {
    return this.store.close();
  }
}

export interface Scene {
  readonly parts: ExtensionParts;
  readonly folder: string;
  readonly file: string;
  readonly model: FolderModel;
  readonly dialogue: Dialogue;
  readonly workflow: WorkflowOverview;
  task(id: string): TaskOverview;
  run(task: string): RunRow;
  write(text: string): Promise<void>;
  text(): string;
  until(holds: (state: FolderState) => boolean): Promise<FolderState>;
  untilTask(id: string, holds: (task: TaskOverview) => boolean): Promise<TaskOverview>;
}

/** For the tests of one `describe`. Each finds the workflow at wave 2, whose tasks are queued. */
export function useScene(id: string): Scene {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
  const file = join(folder, 'STATE.md');
  const dialogue = new Dialogue();
  let original = '';
  let parts: ExtensionParts | undefined;
  let count = 0;

  const scene: Scene = {
    folder,
    file,
    dialogue,
    get parts() {
      assert.ok(parts);
      return parts;
    },
    get model() {
      const model = scene.parts.model.folder(folder);
      assert.ok(model);
      return model;
    },
    get workflow() {
      const [workflow] = scene.model.state.workflows;
      assert.ok(workflow);
      return workflow;
    },
    task(name) {
      const found = scene.workflow.waves
        .flatMap(({ tasks }) => tasks)
        .find((task) => task.id === name);
      assert.ok(found, `there is no task ${name}`);
      return found;
    },
    run(name) {
      const { run } = scene.task(name);
      assert.ok(run, `${name} has no run`);
      return run;
    },
    async write(text) {
      writeFileSync(file, text);
      await scene.until(({ workflows }) => workflows.length > 0);
    },
    text: () => readFileSync(file, 'utf8'),
    async until(holds) {
      await heard(
        (listener) => scene.parts.model.onDidChange(listener),
        () => holds(scene.model.state),
      );
      return scene.model.state;
    },
    async untilTask(name, holds) {
      await scene.until(({ workflows }) =>
        workflows.some(({ waves }) =>
          waves.some(({ tasks }) => tasks.some((task) => task.id === name && holds(task))),
        ),
      );
      return scene.task(name);
    },
  };

  before(async () => {
    parts = await activated();
    await parts.model.ready;
    // Not the folder's own, which tests before these have changed.
    original = readFileSync(join(extensionPath(), 'test/fixtures/sample/STATE.md'), 'utf8');
    await scene.until(({ store }) => store.state === 'live');
    dialogue.begin();
  });
  after(async () => {
    dialogue.end();
    await scene.write(original);
    await scene.until(({ workflows: [workflow] }) => workflow?.id === 'ledger-double-entry');
  });
  beforeEach(async () => {
    const name = `${id}-${(count += 1)}` as WorkflowId;
    await scene.write(original.replace('`ledger-double-entry`', `\`${name}\``));
    await scene.until(({ workflows: [workflow] }) => workflow?.id === name);
    const answer = await scene.model.advance(file, { seen: 1 });
    assert.ok(answer.ok, answer.ok ? '' : answer.refusal.message);
    await scene.untilTask('2-01', ({ run }) => run?.status === 'queued');
    dialogue.forget();
  });
  afterEach(async function () {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    if (this.currentTest?.state === 'passed')
      assert.equal(dialogue.unasked, 0, 'an answer was prepared that nobody asked for');
  });
  return scene;
}
