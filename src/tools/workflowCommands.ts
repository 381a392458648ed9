/** What the command line does with a workflow. Each returns the document that `--json` prints. */
import { existsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { StoreError } from '../core/errors';
import type { AgentName, OpId, Problem, SessionId } from '../core/model';
import { viewOf, type StateView } from '../core/views';
import type { Identity } from '../store/engine';
import { openLocalStore } from '../store/localStore';
import { newId } from '../store/newId';
import { placeOf, type Place } from '../store/place';
import type { Store } from '../store/store';
import {
  findWorkflowFile,
  WorkflowFiles,
  workflowFileName,
  type WorkflowFile,
} from '../store/workflowFiles';
import { overview } from '../store/overview';
import type { AdvanceDocument, StatusDocument, ValidateDocument } from './present';

/** Where a command works and in whose name. */
export interface Workplace {
  readonly folder: string;
  readonly agent: string | undefined;
  readonly store: string | undefined;
  readonly opId: OpId | undefined;
}

export async function advance(
  workplace: Workplace,
  options: { readonly force: { readonly reason: string } | undefined; readonly lockWaitMs: number },
): Promise<AdvanceDocument> {
  const { folder, place } = locate(workplace);
  return withStore(workplace, place, async (store) => {
    const files = new WorkflowFiles({
      place,
      store,
      now: Date.now,
      lockWaitMs: options.lockWaitMs,
    });
    await files.keepPromises();
    const answer = await files.advance(folder, {
      ...(options.force ? { force: options.force } : {}),
      ...(workplace.opId === undefined ? {} : { opId: workplace.opId }),
    });
    if (!answer.ok) {
      return { ok: false, at: answer.at, refusal: inLines(answer.refusal) };
    }
    return { ok: true, at: answer.at, ...answer.facts };
  });
}

/** Looking leaves no trace: without a store, the file alone is shown and no store is made. */
export async function status(workplace: Workplace): Promise<StatusDocument> {
  const { folder, place } = locate(workplace);
  const file = findWorkflowFile(place, folder);
  const show = (view: StateView): StatusDocument => ({
    ok: true,
    at: view.seq,
    workflows: file
      ? [overview(file, view, place.worktree)].map((it) => ({
          ...it,
          problems: numbered(it.problems),
        }))
      : [],
  });
  if (!existsSync(join(place.storeFolder, 'store.db'))) {
    return show(viewOf({ seq: 0, workflows: [], runs: [], guards: [] }));
  }
  const id = file?.document.plan?.id ?? null;
  return withStore(workplace, place, async (store) =>
    show(viewOf(await store.read('workflow', { id }))),
  );
}

export function validate(workplace: Workplace, path: string | undefined): ValidateDocument {
  const { folder, place } = locate(workplace);
  const wanted = resolve(folder, path ?? workflowFileName);
  const file = findWorkflowFile(place, dirname(wanted));
  if (!file || resolve(wanted) !== resolve(join(dirname(wanted), workflowFileName))) {
    const message = existsSync(wanted)
      ? `${wanted} is of a format that Wavelock does not know.`
      : `There is no file ${wanted}.`;
    return {
      ok: false,
      at: 0,
      refusal: { code: existsSync(wanted) ? 'invalid_workflow' : 'unknown_workflow', message },
      problems: existsSync(wanted)
        ? [{ line: 1, column: 1, length: 0, severity: 'error', code: 'unknown_format', message }]
        : [],
    };
  }
  return validated(file);
}

function validated({ file, document }: WorkflowFile): ValidateDocument {
  const problems = numbered(document.problems);
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  if (errors === 0) return { ok: true, at: 0, file, problems };
  const message = `${file} has ${errors === 1 ? 'an error' : `${errors} errors`}.`;
  return { ok: false, at: 0, refusal: { code: 'invalid_workflow', message, problems }, problems };
}

/** People and editors count lines and columns from one. */
function numbered(problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({
    ...problem,
    line: problem.line + 1,
    column: problem.column + 1,
  }));
}

function inLines<Refused extends { readonly code: string }>(refusal: Refused): Refused {
  return 'problems' in refusal
    ? { ...refusal, problems: numbered(refusal.problems as readonly Problem[]) }
    : refusal;
}

export function locate(workplace: Workplace): { folder: string; place: Place } {
  const folder = resolve(workplace.folder);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError('store_gone', `There is no folder ${folder}.`);
  }
  return { folder, place: placeOf(folder, workplace.store) };
}

async function withStore<T>(
  workplace: Workplace,
  place: Place,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openLocalStore({ place, identity: identify(workplace), durability: 'full' });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

function identify(workplace: Workplace): Identity {
  const session = newId('ses') as SessionId;
  const host = hostname();
  const agent = (workplace.agent ?? `cli:${host}:${session.slice(4, 10)}`) as AgentName;
  return {
    agent,
    named: workplace.agent !== undefined,
    kind: 'terminal',
    session,
    host,
    pid: process.pid,
  };
}
