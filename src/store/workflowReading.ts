/**
 * What the bytes of a workflow file say, whatever its format. Of `.planning/` ROADMAP.md is the file that is
 * written; what it says is only whole together with the other files of the folder, so they are read beside it.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigRow, Problem } from '../core/model';
import { unreadable, type WorkflowDocument } from '../workflow/document';
import type { SeveritySetting } from '../workflow/problems';
import {
  abovePlanning,
  belongsToPlanning,
  planningFolder,
  readPlanning,
  readWorkflow,
  withSeverities,
  type SourceText,
} from '../workflow/reader';
import { fileFault } from './fileFault';
import { relativeTo, type Place } from './place';
import type { Store } from './store';

/** Where files are read, and how grave their problems count there if that has been set. */
export interface Reading extends Place {
  readonly severities?: Severities;
}

export type Severities = ReadonlyMap<string, SeveritySetting>;

const severityPrefix = 'validate.';

/** Settings `validate.<code>`. */
export async function severitiesOf(store: Pick<Store, 'read'>): Promise<Severities> {
  return severitiesIn(await store.read('configs', { prefix: severityPrefix }));
}

/** The same of settings that are known already; others among them do not matter. */
export function severitiesIn(settings: Iterable<ConfigRow>): Severities {
  const severities = new Map<string, SeveritySetting>();
  for (const { key, value } of settings) {
    // Only these three are let in (CONF-1).
    if (key.startsWith(severityPrefix))
      severities.set(key.slice(severityPrefix.length), value as SeveritySetting);
  }
  return severities;
}

/** What bytes say as the workflow file of this name. */
export function documentOf(reading: Reading, file: string, bytes: Uint8Array): WorkflowDocument {
  const text = decode(bytes);
  if (text !== undefined) return documentIn(reading, file, text);
  return unreadable(file, '', 'invalid_encoding', notUtf8(file));
}

/** What a text says as the workflow file of this name. */
export function documentIn(reading: Reading, file: string, text: string): WorkflowDocument {
  const above = abovePlanning(file);
  const document =
    above === undefined ? readWorkflow(file, text) : planning(reading, above, { file, text });
  return withSeverities(document, reading.severities ?? new Map());
}

function planning(
  reading: Reading,
  above: string,
  { file, text }: { readonly file: string; readonly text: string },
): WorkflowDocument {
  const own = file.slice(above.length);
  const unread: Problem[] = [];
  const others = planningFiles(join(reading.root, ...above.split('/')))
    .filter((path) => path !== own)
    .map((path): SourceText => {
      const bytes = bytesInside(reading, join(reading.root, ...`${above}${path}`.split('/')));
      const other = bytes && decode(bytes);
      if (bytes && other === undefined) unread.push(encodingProblem(above + path));
      return { path, text: other ?? '' };
    });
  const document = readPlanning([{ path: own, text }, ...others], above);
  return unread.length === 0
    ? document
    : { ...document, problems: [...unread, ...document.problems] };
}

/** `/`-separated, from the folder that holds `.planning/`. */
function planningFiles(folder: string): string[] {
  const phases = namesIn(join(folder, planningFolder, 'phases'));
  return [
    ...namesIn(join(folder, planningFolder)).map((name) => `${planningFolder}/${name}`),
    ...phases.flatMap((phase) =>
      namesIn(join(folder, planningFolder, 'phases', phase)).map(
        (name) => `${planningFolder}/phases/${phase}/${name}`,
      ),
    ),
  ].filter(belongsToPlanning);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (isNoFile(error)) return [];
    throw fileFault(error, folder);
  }
}

/** Nothing of a file that is gone, or of a link that leads out of the worktree. */
function bytesInside(place: Place, path: string): Uint8Array | undefined {
  try {
    const real = realpathSync(path);
    if (relativeTo(place, real) === undefined || !statSync(real).isFile()) return undefined;
    return readFileSync(real);
  } catch (error) {
    if (isNoFile(error)) return undefined;
    throw fileFault(error, path);
  }
}

/** Nothing is there, or nothing that could be a file: a circle of links, a name longer than names can be. */
export function isNoFile(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code);
}

function encodingProblem(file: string): Problem {
  const message = notUtf8(file);
  return {
    ...{ file, line: 0, column: 0, length: 0 },
    ...{ severity: 'error', code: 'invalid_encoding', message },
  };
}

function notUtf8(file: string): string {
  return `${file} is not valid UTF-8. Save it with UTF-8 encoding.`;
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
