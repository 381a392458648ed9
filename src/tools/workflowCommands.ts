/** What the command line does with a workflow. Each returns the document that `--json` prints. */
import { resolve } from 'node:path';
import { isStoreError } from '../core/errors';
import type { AdvanceFacts, Problem, Refusal, RunId } from '../core/model';
import { viewOf, type StateView } from '../core/views';
import {
  overview,
  type TaskOverview,
  type WaveOverview,
  type WorkflowOverview,
} from '../store/overview';
import { relativeTo } from '../store/place';
import type { Store } from '../store/store';
import { isValidFile, pathAt, readWorkflowFile } from '../store/workflowFile';
import { WorkflowFiles, type WorkflowFile } from '../store/workflowFiles';
import { refused, type Done, type Refused } from './commandLine';
import { withChildren, type Run } from './runShape';
import {
  chosen,
  named,
  realPath,
  unknownWorkflow,
  workflowsIn,
  type Workflows,
} from './workflowChoice';
import { hasStore, locate, openStore, withStore, type Workplace } from './workplace';

export type AdvanceDocument =
  (Done & Omit<AdvanceFacts, 'runs'> & { readonly runs: readonly Run[] }) | Refused;

type Task = Omit<TaskOverview, 'run'> & { readonly run: Run | null };
type Wave = Omit<WaveOverview, 'tasks'> & { readonly tasks: readonly Task[] };

export type StatusDocument =
  | (Done & {
      readonly workflows: readonly (Omit<WorkflowOverview, 'waves'> & {
        readonly waves: readonly Wave[];
      })[];
    })
  | Refused;

type Looked = Pick<WorkflowOverview, 'file' | 'format' | 'editing'>;

export type ValidateDocument =
  | (Done & { readonly files: readonly Looked[]; readonly problems: readonly Problem[] })
  | (Refused & { readonly files?: readonly Looked[]; readonly problems: readonly Problem[] });

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
    const { runs, ...facts } = answer.facts;
    return { ok: true, at: answer.at, ...facts, runs: await withChildren(store, runs) };
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
    const overviews = views.map(({ file, view }) => overview(file, view, at.place.worktree));
    const runs = await runsIn(overviews, store);
    return {
      ok: true,
      // All that is shown goes at least as far as this.
      at: Math.min(...views.map(({ view }) => view.seq), (await store?.read('head', {})) ?? 0),
      workflows: overviews.map((each) => ({
        ...each,
        waves: each.waves.map((wave) => ({
          ...wave,
          tasks: wave.tasks.map((task) => ({
            ...task,
            run: (task.run && runs.get(task.run.id)) ?? null,
          })),
        })),
        problems: numbered(each.problems),
      })),
    };
  };
  return hasStore(at.place) ? withStore(workplace, at.place, show) : show(undefined);
}

async function runsIn(
  overviews: readonly WorkflowOverview[],
  store: Store | undefined,
): Promise<ReadonlyMap<RunId, Run>> {
  const tasks = overviews.flatMap(({ waves }) => waves.flatMap((wave) => wave.tasks));
  const rows = tasks.flatMap(({ run }) => run ?? []);
  const runs = store ? await withChildren(store, rows) : [];
  return new Map(runs.map((run) => [run.id, run]));
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
