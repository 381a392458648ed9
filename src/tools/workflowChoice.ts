/** Which workflow a command is about, where a folder may have several. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Refusal, WorkflowId } from '../core/model';
import type { Place } from '../store/place';
import type { Store } from '../store/store';
import {
  findWorkflowFiles,
  pathAt,
  readWorkflowFile,
  type WorkflowFile,
} from '../store/workflowFile';
import { isNoFile, severitiesOf, type Reading } from '../store/workflowReading';

/** The workflows of a folder, read as the settings of its store say. */
export interface Workflows {
  readonly reading: Reading;
  readonly folder: string;
  readonly found: readonly WorkflowFile[];
}

/** @param store undefined where there is none; nothing is set then */
export async function workflowsIn(
  { folder, place }: { readonly folder: string; readonly place: Place },
  store: Store | undefined,
): Promise<Workflows> {
  if (!store) return { reading: place, folder, found: findWorkflowFiles(place, folder, []) };
  const reading = { ...place, severities: await severitiesOf(store) };
  const listed = (await store.read('config', { key: 'workflow.files' }))?.value;
  const files = typeof listed === 'object' ? listed : [];
  return { reading, folder, found: findWorkflowFiles(reading, folder, files) };
}

/**
 * Those that `wanted` names, by id or file; all of them when nothing is wanted.
 * A file counts also where it is not among the workflows of the folder.
 */
export function named({ reading, folder, found }: Workflows, wanted: string): WorkflowFile[] {
  const path = realPath(pathAt(resolve(folder, wanted)));
  const matching = found.filter(
    (each) => each.path === path || each.document.plan?.id === wanted || each.file === wanted,
  );
  if (matching.length > 0) return matching;
  const file = readWorkflowFile(reading, path);
  return file ? [file] : [];
}

/** The path of the one workflow that a command shall change, there or moved away, or why none is meant. */
export async function chosen(
  workflows: Workflows,
  wanted: string | undefined,
  store: Store,
): Promise<string | Refusal> {
  const { reading, folder, found } = workflows;
  const matching = wanted === undefined ? found : named(workflows, wanted);
  const [only, another] = matching;
  if (another) return several(matching);
  if (only) return only.path;
  if (wanted === undefined) return folder;
  const rows = await store.read('workflows', {});
  const row = rows.find(({ id, worktree }) => id === wanted && worktree === reading.worktree);
  return row ? join(reading.root, ...row.file.split('/')) : unknownWorkflow(wanted, found);
}

export function unknownWorkflow(wanted: string, found: readonly WorkflowFile[]): Refusal {
  return {
    code: 'unknown_workflow',
    message: `There is no workflow ${wanted}.${found.length === 0 ? '' : ` There is ${listed(found)}.`}`,
    workflows: told(found),
  };
}

function several(matching: readonly WorkflowFile[]): Refusal {
  return {
    code: 'unknown_workflow',
    message: `Several workflows match: ${listed(matching)}. Name one with --workflow.`,
    workflows: told(matching),
  };
}

function listed(files: readonly WorkflowFile[]): string {
  return files.map(({ file }) => file).join(', ');
}

/** One that is damaged goes by its file. */
function told(files: readonly WorkflowFile[]) {
  return files.map(({ file, document }) => ({
    id: document.plan?.id ?? (file as string as WorkflowId),
    file,
  }));
}

/** Through links in its folder, but not through itself: one that leads out is to be seen as such. */
export function realPath(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch (error) {
    if (isNoFile(error)) return path;
    throw error;
  }
}
