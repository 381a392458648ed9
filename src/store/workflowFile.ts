/** A workflow file as it is on the disk at one moment: found, read, decoded. Needs no store and no lock. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { StoreError } from '../core/errors';
import type { ContentHash, FileSight, Refusal, RelativePath, WorkflowId } from '../core/model';
import { isValid, unreadable, type WorkflowDocument } from '../workflow/document';
import { abovePlanning, planningFolder } from '../workflow/reader';
import { fileFault } from './fileFault';
import { relativeTo, type Place } from './place';
import { documentOf, isNoFile, type Reading } from './workflowReading';

export const workflowFileName = 'STATE.md';

export interface WorkflowFile {
  readonly path: string;
  readonly file: RelativePath;
  readonly hash: ContentHash;
  readonly document: WorkflowDocument;
}

export interface FileOnDisk extends WorkflowFile {
  /** In bytes. */
  readonly size: number;
}

/** The first workflow file of a folder, or the file that is named itself, if there is one. */
export function findWorkflowFile(reading: Reading, at: string): WorkflowFile | undefined {
  return readWorkflowFile(reading, pathAt(at));
}

/** Every workflow of a folder, and those of the setting `workflow.files`. */
export function findWorkflowFiles(
  reading: Reading,
  folder: string,
  listed: readonly string[],
): WorkflowFile[] {
  const paths = workflowPaths(reading, folder, listed);
  const found = paths.flatMap((path) => readWorkflowFile(reading, path) ?? []);
  return [...new Map(found.map((file) => [file.path, file])).values()];
}

/** Where those are, as far as they are there. */
export function workflowPaths(place: Place, folder: string, listed: readonly string[]): string[] {
  return [...rootPaths(folder), ...listed.map((file) => pathAt(join(place.root, file)))];
}

/** A file that is there and cannot be read: it is shown with its reason. */
export function unreadableFile(place: Place, path: string, reason: string): WorkflowFile {
  const file = relative(place.root, path).split(sep).join('/') as RelativePath;
  const document = unreadable(file, '', 'unreadable_file', reason);
  return { path, file, hash: hashOf(''), document };
}

/** Where the workflow of a folder is stated; a file that is named stands for itself. */
export function pathAt(at: string): string {
  if (basename(at) === planningFolder && isFolder(at)) return join(at, roadmap);
  if (!isFolder(at)) return at;
  return rootPaths(at)[0] ?? join(at, workflowFileName);
}

const roadmap = 'ROADMAP.md';

/** Of those that are there, in the order in which they count. */
function rootPaths(folder: string): string[] {
  const state = join(folder, workflowFileName);
  const planning = join(folder, planningFolder);
  const waves = join(folder, 'WAVES.md');
  return [
    ...(existsSync(state) ? [state] : []),
    ...(isFolder(planning) ? [join(planning, roadmap)] : []),
    ...(existsSync(waves) ? [waves] : []),
  ];
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    if (isNoFile(error)) return false;
    throw fileFault(error, path);
  }
}

export function readWorkflowFile(reading: Reading, path: string): FileOnDisk | undefined {
  const stated = relativeTo(reading, path);
  const above = stated === undefined ? undefined : abovePlanning(stated);
  let bytes: Uint8Array;
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isFile()) return undefined;
    bytes = readFileSync(real);
  } catch (error) {
    if (!isNoFile(error)) throw fileFault(error, path);
    // The rest of `.planning/` may say something without it.
    if (above === undefined || basename(path) !== roadmap || !isFolder(dirname(path)))
      return undefined;
    [real, bytes] = [path, new Uint8Array()];
  }
  const inside = relativeTo(reading, real);
  // A link that leads out of the worktree is shown under its own name, and never written.
  const file = inside ?? (relative(reading.root, path).split(sep).join('/') as RelativePath);
  const document = inside === undefined ? outside(file) : documentOf(reading, file, bytes);
  return { path: real, file, hash: hashOf(bytes), size: bytes.length, document };
}

function outside(file: RelativePath): WorkflowDocument {
  return unreadable(
    file,
    '',
    'outside_workspace',
    `${file} is a link that leads out of the workspace. Put the file itself here.`,
  );
}

/** What a command is told of a file. */
export function sightOf(
  { file, hash, document: { plan, editing } }: ValidFile,
  { worktree }: Place,
  head: string | null,
): FileSight {
  const { id: workflow, name, wave, waveCount } = plan;
  return { workflow, name, wave, waveCount, file, worktree, hash, head, editing };
}

/** Of which nothing is an error, so that it may be acted upon. */
export type ValidFile = WorkflowFile & {
  readonly document: WorkflowDocument & { readonly plan: object };
};

export function isValidFile(file: WorkflowFile): file is ValidFile {
  return isValid(file.document);
}

export function invalidFile({ file, document }: WorkflowFile): Refusal {
  const errors = document.problems.filter((problem) => problem.severity === 'error');
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return {
    code: 'invalid_workflow',
    message: first
      ? `${file} is not a valid workflow file. Line ${first.line + 1}: ${first.message}${more}`
      : `${file} is not a workflow file.`,
    problems: document.problems,
  };
}

export function missingFile(path: string): Refusal {
  return {
    code: 'unknown_workflow',
    message: `There is no workflow file at ${path}. Create one, or go to the folder that has it.`,
  };
}

/** A rename would go past the write protection that somebody has put on the file. */
export function refuseWriteProtected(path: string): void {
  let stats: Stats | undefined;
  try {
    stats = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw fileFault(error, path);
  }
  if (stats === undefined || (stats.mode & 0o222) !== 0) return;
  throw new StoreError(
    'store_permission',
    `${path} is write-protected. Nothing was changed; make the file writable first.`,
  );
}

/* ------------------------------------------------------------------ where it may have gone */

const mostFolders = 2_000;
const mostLevels = 4;

/**
 * Files of this name with this workflow's id, anywhere below the top of the worktree. Looked for only when the
 * bound file is gone, so that a moved file is found again; folders of tools are passed over.
 */
export function filesWithId(place: Reading, name: string, id: WorkflowId): ValidFile[] {
  const found: ValidFile[] = [];
  let level = [place.root];
  let folders = 0;
  for (let depth = 0; depth <= mostLevels && level.length > 0; depth += 1) {
    const below: string[] = [];
    for (const folder of level) {
      if ((folders += 1) > mostFolders) return found;
      const file = readWorkflowFile(place, join(folder, name));
      if (file && isValidFile(file) && file.document.plan.id === id) found.push(file);
      below.push(...foldersIn(folder));
    }
    level = below;
  }
  return found;
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules'
        ? [join(folder, entry.name)]
        : [],
    );
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It may be gone by now, or be nobody's to look into.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EPERM') return [];
    throw error;
  }
}

/* ------------------------------------------------------------------ bytes and times */

export function hashOf(content: string | Uint8Array): ContentHash {
  return createHash('sha256').update(content).digest('hex') as ContentHash;
}

/** A workflow's id may hold anything; a folder's name may not. */
export function folderNameOf(id: WorkflowId): string {
  const safe = id.replace(/[^\w-]/g, '_').slice(0, 48);
  return safe === id ? safe : `${safe}-${hashOf(id).slice(0, 8)}`;
}

/** As workflow files write it. */
export function localTime(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
