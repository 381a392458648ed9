/** Which reader a workflow file is for. */
import type { WorkflowDocument } from './document';
import { readStateMd } from './stateMd';

/** Reads one file; `path` is relative to the folder that the workflow is of, `/`-separated. Never throws. */
export function readWorkflow(path: string, text: string): WorkflowDocument {
  return readStateMd(text, path);
}
