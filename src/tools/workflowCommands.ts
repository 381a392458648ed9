/** What the command line does with a workflow. Each returns the document that `--json` prints. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { isStoreError, StoreError } from '../core/errors';
import type { AgentName, OpId, Problem, Refusal, Seq, SessionId } from '../core/model';
import { viewOf, type StateView } from '../core/views';
import type { Identity } from '../store/engine';
import { openLocalStore } from '../store/localStore';
import { newId } from '../store/newId';
import { overview } from '../store/overview';
import { placeOf, relativeTo, type Place } from '../store/place';
import type { Store } from '../store/store';
import { isValidFile, pathAt, readWorkflowFile } from '../store/workflowFile';
import { WorkflowFiles, type WorkflowFile } from '../store/workflowFiles';
import type { AdvanceDocument, Refused, StatusDocument, ValidateDocument } from './present';
import {
  chosen,
  named,
  realPath,
  unknownWorkflow,
  workflowsIn,
  type Workflows,
} from './workflowChoice';

/** Where a command works and in whose name. */
export interface Workplace {
  readonly folder: string;
  readonly agent: string | undefined;
  readonly store: string | undefined;
  readonly opId: OpId | undefined;
  /** Told what people should know beside the answer. */
  readonly warn: (message: string) => void;
}

export async function advance(
  workplace: Workplace,
  options: {
    readonly force: { readonly reason: string } | undefined;
    readonly lockWaitMs: number;
    readonly workflow?: string | undefined;
  },
): Promise<AdvanceDocument> {
  const at = locate(workplace);
  const { place } = at;
  return withStore(workplace, place, async (store) => {
    const files = new WorkflowFiles({
      place,
      store,
      now: Date.now,
      lockWaitMs: options.lockWaitMs,
    });
    await files.keepPromises();
    const path = await chosen(await workflowsIn(at, store), options.workflow, store);
    if (typeof path !== 'string') return refused(path, await store.read('head', {}));
    const answer = await files.advance(path, {
      ...(options.force ? { force: options.force } : {}),
      ...(workplace.opId === undefined ? {} : { opId: workplace.opId }),
    });
    if (!answer.ok) {
      return { ok: false, at: answer.at, refusal: inLines(answer.refusal) };
    }
    return { ok: true, at: answer.at, ...answer.facts };
  });
}

/** Looking leaves no trace: without a store, the files alone are shown and no store is made. */
export async function status(
  workplace: Workplace,
  wanted: string | undefined,
): Promise<StatusDocument> {
  const at = locate(workplace);
  const show = async (store: Store | undefined): Promise<StatusDocument> => {
    const workflows = await workflowsIn(at, store);
    const files = wanted === undefined ? workflows.found : named(workflows, wanted);
    if (wanted !== undefined && files.length === 0) {
      return refused(
        unknownWorkflow(wanted, workflows.found),
        (await store?.read('head', {})) ?? 0,
      );
    }
    const views = await Promise.all(files.map((file) => viewFor(file, store)));
    return {
      ok: true,
      // All that is shown goes at least as far as this.
      at: Math.min(...views.map(({ view }) => view.seq), (await store?.read('head', {})) ?? 0),
      workflows: views.map(({ file, view }) => {
        const shown = overview(file, view, at.place.worktree);
        return { ...shown, problems: numbered(shown.problems) };
      }),
    };
  };
  return hasStore(at.place) ? withStore(workplace, at.place, show) : show(undefined);
}

async function viewFor(
  file: WorkflowFile,
  store: Store | undefined,
): Promise<{ readonly file: WorkflowFile; readonly view: StateView }> {
  const id = file.document.plan?.id ?? null;
  const rows = await store?.read('workflow', { id });
  return { file, view: viewOf(rows ?? { seq: 0, workflows: [], runs: [], guards: [] }) };
}

/** Every workflow of the folder, unless files are named. Never refused for what a file holds. */
export async function validate(
  workplace: Workplace,
  named: readonly string[],
): Promise<ValidateDocument> {
  const at = locate(workplace);
  const look = async (store: Store | undefined): Promise<ValidateDocument> => {
    const workflows = await workflowsIn(at, store);
    const files: WorkflowFile[] = [];
    for (const name of named) {
      const file = fileNamed(workflows, name);
      if ('code' in file) return { ...refused(file, 0), problems: [] };
      files.push(file);
    }
    return validated(named.length === 0 ? workflows.found : files, at.folder);
  };
  if (!hasStore(at.place)) return look(undefined);
  let store: Store;
  try {
    store = await openStore(workplace, at.place);
  } catch (error) {
    if (!isStoreError(error)) throw error;
    workplace.warn(`${error.message} The files are looked at without its settings.`);
    return look(undefined);
  }
  try {
    return await look(store);
  } finally {
    await store.close();
  }
}

function fileNamed({ reading, folder }: Workflows, name: string): WorkflowFile | Refusal {
  const path = realPath(resolve(folder, name));
  if (path !== reading.root && relativeTo(reading, path) === undefined) {
    const message = `${name} lies outside of ${reading.root}.`;
    return { code: 'bad_input', message, path: 'file' };
  }
  const file = readWorkflowFile(reading, pathAt(path));
  if (file) return file;
  return { code: 'unknown_workflow', message: `There is no workflow file ${path}.` };
}

function validated(files: readonly WorkflowFile[], folder: string): ValidateDocument {
  if (files.length === 0) {
    const message = `There is no workflow file in ${folder}.`;
    return { ...refused({ code: 'unknown_workflow', message }, 0), problems: [] };
  }
  const problems = files.flatMap(({ file, document }) =>
    numbered(document.problems).map((problem) => ({ file, ...problem })),
  );
  const unfit = files.filter((each) => !isValidFile(each)).map(({ file }) => file);
  const looked = files.map(({ file, document: { format, editing } }) => ({
    file,
    format,
    editing,
  }));
  if (unfit.length === 0) return { ok: true, at: 0, files: looked, problems };
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  const message = `${unfit.join(', ')} ${unfit.length === 1 ? 'has' : 'have'} ${errors === 1 ? 'an error' : `${errors} errors`}.`;
  const refusal: Refusal = { code: 'invalid_workflow', message, problems };
  return { ...refused(refusal, 0), files: looked, problems };
}

function hasStore({ storeFolder }: Place): boolean {
  return existsSync(join(storeFolder, 'store.db'));
}

export function refused(refusal: Refusal, at: Seq): Refused {
  return { ok: false, at, refusal };
}

/** People and editors count lines and columns from one. */
function numbered(problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({
    ...problem,
    line: problem.line + 1,
    column: problem.column + 1,
  }));
}

export function inLines<Refused extends { readonly code: string }>(refusal: Refused): Refused {
  return 'problems' in refusal
    ? { ...refusal, problems: numbered(refusal.problems as readonly Problem[]) }
    : refusal;
}

export function locate(workplace: Workplace): { folder: string; place: Place } {
  const folder = resolve(workplace.folder);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new StoreError('store_gone', `There is no folder ${folder}.`);
  }
  // As the paths of workflows are, through whatever links the folder was named by.
  const real = realpathSync(folder);
  return { folder: real, place: placeOf(real, workplace.store) };
}

export async function withStore<T>(
  workplace: Workplace,
  place: Place,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await openStore(workplace, place);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function openStore(workplace: Workplace, place: Place): Promise<Store> {
  const store = await openLocalStore({ place, identity: identify(workplace), durability: 'full' });
  for (const { message } of store.warnings) workplace.warn(message);
  return store;
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
