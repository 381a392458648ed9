/** A workflow file as it is on the disk at one moment: found, read, decoded. Needs no store and no lock. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { ContentHash, FileSight, Refusal, RelativePath, WorkflowId } from '../core/model';
import { isValid, unreadable, type WorkflowDocument } from '../workflow/document';
import { readWorkflow } from '../workflow/reader';
import { fileFault } from './durableFs';
import { relativeTo, type Place } from './place';

export const workflowFileName = 'STATE.md';

export interface WorkflowFile {
  readonly path: string;
  readonly file: RelativePath;
  readonly hash: ContentHash;
  readonly document: WorkflowDocument;
}

/** The workflow file of a folder, if there is one. */
export function findWorkflowFile(place: Place, folder: string): WorkflowFile | undefined {
  return readWorkflowFile(place, join(folder, workflowFileName));
}

export function readWorkflowFile(place: Place, path: string): WorkflowFile | undefined {
  let bytes: Buffer;
  let real: string;
  try {
    real = realpathSync(path);
    if (!statSync(real).isFile()) return undefined;
    bytes = readFileSync(real);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileFault(error, path);
  }
  const inside = relativeTo(place, real);
  // A link that leads out of the worktree is shown under its own name, and never written.
  const file = inside ?? (relative(place.root, path).split(sep).join('/') as RelativePath);
  const document = inside === undefined ? outside(file) : documentOf(file, bytes);
  return { path: real, file, hash: hashOf(bytes), document };
}

function outside(file: RelativePath): WorkflowDocument {
  return unreadable(
    file,
    '',
    'outside_workspace',
    `${file} is a link that leads out of the workspace. Put the file itself here.`,
  );
}

/** What bytes say as the workflow file of this name. */
export function documentOf(file: string, bytes: Uint8Array): WorkflowDocument {
  const text = decode(bytes);
  if (text !== undefined) return readWorkflow(file, text);
  return unreadable(
    file,
    '',
    'invalid_encoding',
    `${file} is not valid UTF-8. Save it with UTF-8 encoding.`,
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
    message: `There is no ${workflowFileName} at ${path}. Create one, or go to the folder that has it.`,
  };
}

/* ------------------------------------------------------------------ where it may have gone */

const mostFolders = 2_000;
const mostLevels = 4;

/**
 * Files of this name with this workflow's id, anywhere below the top of the worktree. Looked for only when the
 * bound file is gone, so that a moved file is found again; folders of tools are passed over.
 */
export function filesWithId(place: Place, name: string, id: WorkflowId): ValidFile[] {
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

/** Strict, and with the byte order mark kept: text that is decoded here encodes to the same bytes. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return undefined;
    throw error;
  }
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
