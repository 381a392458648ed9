/** Which reader a workflow file is for. */
import type { Problem } from '../core/model';
import type { WorkflowDocument } from './document';
import { abovePlanning, readPlanning } from './planning';
import { graded, type SeveritySetting } from './problems';
import { readStateMd } from './stateMd';
import { readWaves } from './waves';

export {
  abovePlanning,
  belongsToPlanning,
  planningFolder,
  readPlanning,
  type SourceText,
} from './planning';

/**
 * Reads one file; `path` is relative to the folder that the workflow is of, `/`-separated. Never throws. A
 * folder `.planning/` is read as a whole by `readPlanning`; of its files alone, ROADMAP.md says the most.
 */
export function readWorkflow(path: string, text: string): WorkflowDocument {
  const above = abovePlanning(path);
  if (above !== undefined) return readPlanning([{ path: path.slice(above.length), text }], above);
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^WAVES\.md$/i.test(name)) return readWaves(path, text, 'waves');
  if (/^STATE\.md$/i.test(name) || isNative(text)) return readStateMd(text, path);
  return asUnknown(readWaves(path, text, 'checklist'));
}

/** Settings `validate.<code>`, as `graded` takes them. */
export function withSeverities(
  document: WorkflowDocument,
  settings: ReadonlyMap<string, SeveritySetting>,
): WorkflowDocument {
  const problems: readonly Problem[] = graded(document.problems, settings);
  return problems === document.problems ? document : { ...document, problems };
}

/** Written by hand under another name. */
function isNative(text: string): boolean {
  return /^(?:\uFEFF)?# Workflow:|^\*\*Workflow ID:\*\*/m.test(text);
}

function asUnknown(document: WorkflowDocument): WorkflowDocument {
  return document.plan ? document : { ...document, format: 'unknown', editing: 'none' };
}
