/** "Initialize Workflow": a new STATE.md, asked step by step, from a plan.json, or from a template. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { PlanDraft } from '../core/model';
import { decodePlanDraft } from '../core/planDraft';
import { workflowFileName } from '../store/workflowFiles';
import { allowedToChange, answered } from './answers';
import type { FolderModel } from './folderModel';
import type { WorkspaceModel } from './workspaceModel';

/** For who knows all of it: a folder of the workspace, and a plan as plan.json holds it. */
export interface InitializeRequest {
  readonly folder?: string;
  readonly plan: unknown;
}

interface Draft {
  readonly name: string;
  readonly waves: readonly {
    readonly name?: string;
    readonly tasks: readonly { readonly id: string; readonly description: string }[];
  }[];
}

const mostWaves = 50;
const mostPlans = 20;

export async function initializeWorkflow(
  model: WorkspaceModel,
  log: vscode.LogOutputChannel,
  request?: InitializeRequest,
): Promise<void> {
  if (!allowedToChange()) return;
  await model.ready;
  const folder = await chooseFolder(model, request?.folder);
  if (!folder) return;
  const path = join(folder.folder, workflowFileName);
  if (existsSync(path)) {
    const open = vscode.l10n.t('Open {0}', workflowFileName);
    const choice = await vscode.window.showInformationMessage(
      vscode.l10n.t('There is a {0} already; it is left as it is.', workflowFileName),
      open,
    );
    if (choice === open) await vscode.window.showTextDocument(vscode.Uri.file(path));
    return;
  }
  const plan = request ? decoded(request.plan) : await askForPlan(folder);
  if (!plan) return;
  const initialized = await answered(
    () =>
      folder.change(({ files }) => files.initialize(folder.folder, plan), 'even without a file'),
    { log },
  );
  if (!initialized) return;
  log.info(`Initialized ${initialized.workflow}: ${initialized.tasks} tasks`);
  await vscode.window.showTextDocument(vscode.Uri.file(path));
}

async function chooseFolder(
  model: WorkspaceModel,
  named: string | undefined,
): Promise<FolderModel | undefined> {
  const folders = model.folders;
  const found = folders.find(({ folder }) => folder === named);
  if (found || folders.length <= 1) {
    if (!found && folders.length === 0) {
      void vscode.window.showInformationMessage(
        vscode.l10n.t('Open a folder first: a workflow lies in one.'),
      );
    }
    return found ?? folders[0];
  }
  const picked = await vscode.window.showQuickPick(
    folders.map((folder) => ({ label: folder.folder, folder })),
    { title: vscode.l10n.t('Initialize the workflow in which folder?') },
  );
  return picked?.folder;
}

async function askForPlan(folder: FolderModel): Promise<PlanDraft | undefined> {
  const plans = await vscode.workspace.findFiles(
    new vscode.RelativePattern(folder.folder, '**/*plan*.json'),
    '**/{node_modules,.git,.wavelock}/**',
    mostPlans,
  );
  const picked = await vscode.window.showQuickPick(
    [
      {
        label: `$(list-ordered) ${vscode.l10n.t('Step by step')}`,
        detail: vscode.l10n.t('A name, and the tasks of each wave.'),
        begin: stepByStep,
      },
      ...templates().map((template) => ({
        label: `$(layers) ${template.name}`,
        detail: template.waves.map((wave) => wave.name).join(' → '),
        begin: () => fromTemplate(template),
      })),
      ...plans.map((uri) => ({
        label: `$(json) ${vscode.workspace.asRelativePath(uri)}`,
        detail: vscode.l10n.t('A plan.json: waves, tasks, what waits for what.'),
        begin: () => Promise.resolve(fromFile(uri.fsPath)),
      })),
      {
        label: `$(folder-opened) ${vscode.l10n.t('Choose a plan.json…')}`,
        detail: '',
        begin: chooseFile,
      },
    ],
    { title: vscode.l10n.t('Begin the workflow from what?'), matchOnDetail: true },
  );
  return picked?.begin();
}

/* ------------------------------------------------------------------ step by step */

async function stepByStep(): Promise<PlanDraft | undefined> {
  const name = await askName('');
  if (name === undefined) return undefined;
  const waves: Draft['waves'][number][] = [];
  for (;;) {
    const number = waves.length + 1;
    const tasks = await vscode.window.showInputBox({
      title: vscode.l10n.t('Tasks of wave {0}', number),
      prompt:
        waves.length === 0
          ? vscode.l10n.t(
              'Separated by semicolons. Tasks of one wave can be worked on at the same time.',
            )
          : vscode.l10n.t('Separated by semicolons. Leave it empty when there are no more waves.'),
      placeHolder: vscode.l10n.t('Write the parser; Write its tests'),
      ignoreFocusOut: true,
      validateInput: (text) =>
        waves.length === 0 && descriptions(text).length === 0
          ? vscode.l10n.t('The first wave needs a task.')
          : undefined,
    });
    if (tasks === undefined) return undefined;
    const described = descriptions(tasks);
    if (described.length > 0) {
      waves.push({
        tasks: described.map((description, index) => ({ id: taskId(number, index), description })),
      });
    }
    if (described.length === 0 || waves.length === mostWaves) return decoded({ name, waves });
  }
}

function askName(value: string): Thenable<string | undefined> {
  return vscode.window.showInputBox({
    title: vscode.l10n.t('Initialize Workflow'),
    prompt: vscode.l10n.t('What is the workflow called?'),
    value,
    ignoreFocusOut: true,
    validateInput: (text) =>
      text.trim() === '' ? vscode.l10n.t('A workflow needs a name.') : undefined,
  });
}

function descriptions(text: string): string[] {
  return text
    .split(';')
    .map((task) => task.trim())
    .filter((task) => task !== '');
}

/** `1-01`, as the examples in the documentation have them. */
function taskId(wave: number, index: number): string {
  return `${wave}-${String(index + 1).padStart(2, '0')}`;
}

/* ------------------------------------------------------------------ from what is there */

async function fromTemplate(template: Draft): Promise<PlanDraft | undefined> {
  const name = await askName(template.name);
  return name === undefined ? undefined : decoded({ ...template, name });
}

async function chooseFile(): Promise<PlanDraft | undefined> {
  const [uri] =
    (await vscode.window.showOpenDialog({
      canSelectMany: false,
      filters: { JSON: ['json'] },
      title: vscode.l10n.t('Choose a plan.json'),
    })) ?? [];
  return uri && fromFile(uri.fsPath);
}

function fromFile(path: string): PlanDraft | undefined {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    void vscode.window.showWarningMessage(vscode.l10n.t('{0} cannot be read: {1}', path, reason));
    return undefined;
  }
  return decoded(value);
}

function decoded(value: unknown): PlanDraft | undefined {
  const plan = decodePlanDraft(value, undefined);
  if ('draft' in plan) return plan.draft;
  void vscode.window.showWarningMessage(
    vscode.l10n.t('This plan cannot be used. {0}', plan.message),
  );
  return undefined;
}

function templates(): Draft[] {
  const wave = (number: number, name: string, ...tasks: string[]): Draft['waves'][number] => ({
    name,
    tasks: tasks.map((description, index) => ({ id: taskId(number, index), description })),
  });
  return [
    {
      name: vscode.l10n.t('New feature'),
      waves: [
        wave(
          1,
          vscode.l10n.t('Design'),
          vscode.l10n.t('Write down what it shall do'),
          vscode.l10n.t('Decide the interfaces'),
        ),
        wave(
          2,
          vscode.l10n.t('Build'),
          vscode.l10n.t('Build the core'),
          vscode.l10n.t('Build the surface'),
          vscode.l10n.t('Write the tests'),
        ),
        wave(
          3,
          vscode.l10n.t('Ship'),
          vscode.l10n.t('Review'),
          vscode.l10n.t('Document'),
          vscode.l10n.t('Release'),
        ),
      ],
    },
    {
      name: vscode.l10n.t('Bug fix'),
      waves: [
        wave(
          1,
          vscode.l10n.t('Understand'),
          vscode.l10n.t('Reproduce it in a test'),
          vscode.l10n.t('Find the cause'),
        ),
        wave(
          2,
          vscode.l10n.t('Mend'),
          vscode.l10n.t('Fix the cause'),
          vscode.l10n.t('Look for its like elsewhere'),
        ),
        wave(3, vscode.l10n.t('Ship'), vscode.l10n.t('Review'), vscode.l10n.t('Release')),
      ],
    },
    {
      name: vscode.l10n.t('Migration'),
      waves: [
        wave(
          1,
          vscode.l10n.t('Prepare'),
          vscode.l10n.t('List what has to move'),
          vscode.l10n.t('Make a way back'),
        ),
        wave(
          2,
          vscode.l10n.t('Move'),
          vscode.l10n.t('Move a first part and measure'),
          vscode.l10n.t('Move the rest'),
        ),
        wave(
          3,
          vscode.l10n.t('Clean up'),
          vscode.l10n.t('Remove the old way'),
          vscode.l10n.t('Document'),
        ),
      ],
    },
  ];
}
