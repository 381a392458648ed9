/** STATE.md, the native workflow file: what it says as a plan, what is wrong with it, how to edit it. */
import type { WorkflowDocument } from './document';
import { told } from './problems';
import { editOf } from './stateMdEdits';
import { allDetails, derivedOf, interpret, planOf, waveTitles } from './stateMdMeaning';
import { findingsOf } from './stateMdProblems';
import { readSyntax } from './stateMdSyntax';

export { MAX_WAVES } from './stateMdMeaning';

export function readStateMd(text: string, path = 'STATE.md'): WorkflowDocument {
  const state = interpret(text, readSyntax(text));
  let details: ReturnType<typeof allDetails> | null = null;
  return {
    format: 'native',
    editing: 'full',
    path,
    text,
    plan: planOf(state),
    waveTitles: waveTitles(state),
    // Few ask for them, and a large file has many.
    get details() {
      return (details ??= allDetails(state));
    },
    notes: state.syntax.notes,
    derived: derivedOf(state),
    ...told(findingsOf(state)),
    edit: (edit) => editOf(state, edit),
  };
}
