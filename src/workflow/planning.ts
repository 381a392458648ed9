/**
 * A `.planning/` folder: phases and plans of ROADMAP.md, waves and dependencies of each PLAN.md, one plan of
 * them all. Other tools own these files; of what they say, the checkbox of a plan in ROADMAP.md alone is ours to
 * change, and only to the two states that those tools know.
 *
 * Phases follow one another, and each has waves of its own; here they are counted through.
 */
import type { PlanTask, PlanWave, TaskEdit, TaskId, WorkflowEdit, WorkflowId } from '../core/model';
import { dependencyFindings, overlapFindings, type Dependent, type FileUser } from './dependencies';
import {
  can,
  cannot,
  detailsIn,
  NOTHING_DERIVED,
  type EditAnswer,
  type TaskDetails,
  type WorkflowDocument,
} from './document';
import { readLines, spanOf, type Span } from './lines';
import {
  phaseNumber,
  planOfPath,
  readPlanFile,
  readPosition,
  readRoadmap,
  type PhaseNumber,
  type PlanFile,
  type Roadmap,
  type RoadmapPhase,
  type RoadmapPlan,
} from './planningFiles';
import { finding, inOrder, quote, told, type Finding } from './problems';
import { isTaskId } from './taskText';
import { waveUnderWay } from './waveUnderWay';

/** Of a summary the path is enough. */
export interface SourceText {
  /** From the folder that holds `.planning/`, `/`-separated. */
  readonly path: string;
  readonly text: string;
}

export const planningFolder = '.planning';

/** What stands before `.planning` in the path of one of its files, empty or with a `/` at its end. */
export function abovePlanning(path: string): string | undefined {
  return /^((?:.*\/)?)\.planning\//s.exec(path)?.[1];
}

/**
 * Takes those of the folder's files that `belongsToPlanning`, in any order.
 * @param above where the folder is, as `abovePlanning` tells it
 */
export function readPlanning(files: readonly SourceText[], above = ''): WorkflowDocument {
  const roadmapPath = `${planningFolder}/ROADMAP.md`;
  const text = files.find(({ path }) => path === roadmapPath)?.text ?? '';
  const roadmap = readRoadmap(text);
  const summaries = new Set(
    files
      .filter(({ path }) => /SUMMARY\.md$/i.test(path))
      .flatMap(({ path }) => planOfPath(path)?.id ?? []),
  );
  const planFiles = files
    .filter(({ path }) => /PLAN\.md$/i.test(path))
    .flatMap(({ path, text: plan }) => readPlanFile(path, plan) ?? []);
  const statePath = `${planningFolder}/STATE.md`;
  const position = readPosition(files.find(({ path }) => path === statePath)?.text ?? '');
  const tasks = tasksOf(roadmap, planFiles, summaries);
  const waves = wavesOf(tasks);
  const known = new Map(tasks.map((task) => [task.key, task]));
  const findings = [
    ...roadmap.findings,
    ...position.findings.map((each) => inFile(each, statePath)),
    ...planFiles.flatMap(({ path, findings: found }) => found.map((each) => inFile(each, path))),
    ...planFindings(tasks, waves, known, text),
  ];
  return {
    format: 'planning',
    editing: 'checkbox',
    path: above + roadmapPath,
    text,
    plan:
      tasks.length === 0
        ? null
        : {
            id: `${above}${planningFolder}`.slice(0, 128) as WorkflowId,
            name: roadmap.name ?? planningFolder,
            wave: waveUnderWay(waves),
            waveCount: waves.length,
            waves: waves.map(({ number, tasks: inWave }): PlanWave => {
              return { number, tasks: inWave.map((task) => planTask(task, known)) };
            }),
          },
    waveTitles: new Map(waves.map(({ number, title }) => [number, title])),
    details: detailsOf(tasks),
    notes: position.lines,
    derived: NOTHING_DERIVED,
    ...told(inOrder(findings.map((each) => below(above, each)))),
    edit: (edit) => editOf(tasks, edit),
  };
}

/** Files elsewhere in `.planning/`, such as archived milestones, are not of the plan under way. */
export function belongsToPlanning(path: string): boolean {
  return /^\.planning\/(?:ROADMAP\.md|STATE\.md|phases\/[^/]+\/[^/]*(?:PLAN|SUMMARY)\.md)$/i.test(
    path,
  );
}

/* ------------------------------------------------------------------ tasks */

interface Task {
  readonly id: TaskId;
  /** Phase and plan without leading zeros, by which plans name each other. */
  readonly key: string;
  readonly phase: RoadmapPhase | null;
  readonly phaseNumber: PhaseNumber;
  readonly entry: RoadmapPlan | null;
  readonly file: PlanFile | null;
  readonly description: string;
  readonly status: TaskStatus;
  /** Done for another reason than its own box. */
  readonly doneElsewhere: boolean;
  /** Within its phase. */
  readonly wave: number;
  readonly dependsOn: readonly string[];
}

type TaskStatus = PlanTask['status'];

function tasksOf(
  roadmap: Roadmap,
  files: readonly PlanFile[],
  summaries: ReadonlySet<string>,
): Task[] {
  const byPhase = new Map<PhaseNumber, PlanFile[]>();
  for (const file of files) {
    const list = byPhase.get(file.phase);
    if (list) list.push(file);
    else byPhase.set(file.phase, [file]);
  }
  const numbers = [...new Set([...roadmap.phases.keys(), ...byPhase.keys()])].sort(byNumber);
  const tasks = new Map<string, Task>();
  for (const number of numbers) {
    const phase = roadmap.phases.get(number) ?? null;
    const isDone =
      phase?.isComplete === true || phase?.status === 'done' || roadmap.isShipped(number);
    const inPhase = tasksOfPhase(number, phase, byPhase.get(number) ?? [], isDone, summaries);
    for (const task of inPhase) if (!tasks.has(task.id)) tasks.set(task.id, task);
  }
  return [...tasks.values()];
}

function tasksOfPhase(
  number: PhaseNumber,
  phase: RoadmapPhase | null,
  files: readonly PlanFile[],
  isDone: boolean,
  summaries: ReadonlySet<string>,
): Task[] {
  if (phase && phase.plans.length === 0 && files.length === 0) return phaseItself(phase, isDone);
  const sources = new Map<string, { file: PlanFile | null; entry: RoadmapPlan | null }>();
  for (const entry of phase?.plans ?? []) sources.set(entry.plan, { file: null, entry });
  for (const file of files) {
    sources.set(file.plan, { file, entry: sources.get(file.plan)?.entry ?? null });
  }
  const plans = [...sources].sort(([a], [b]) => byNumber(a, b));
  let wave = 1;
  return plans.flatMap(([plan, { file, entry }]): Task[] => {
    const id = file?.id ?? entry?.id ?? '';
    if (!isTaskId(id)) return [];
    // A plan that is not written yet is most likely in the wave of the one before it.
    wave = file?.wave?.value ?? wave;
    const doneElsewhere = isDone || summaries.has(id);
    const status = entry?.status === 'done' || doneElsewhere ? 'done' : (entry?.status ?? 'todo');
    return [
      {
        ...{ id, key: `${number}-${plan}`, phase, phaseNumber: number, entry, file, wave },
        ...{ status, doneElsewhere },
        description: entry?.description || file?.description || '',
        dependsOn: (file?.dependsOn?.values ?? []).map((value) => dependencyKey(value, number)),
      },
    ];
  });
}

/** A phase that nobody has planned yet is a task itself. */
function phaseItself(phase: RoadmapPhase, isDone: boolean): Task[] {
  const id = `phase-${phase.number}`;
  if (!isTaskId(id)) return [];
  return [
    {
      ...{ id, key: id, phase, phaseNumber: phase.number, entry: null, file: null, wave: 1 },
      description: phase.title,
      status: isDone ? 'done' : phase.status,
      doneElsewhere: phase.isComplete,
      dependsOn: [],
    },
  ];
}

/** `01-02`, `01-02-PLAN.md`, `01-foundation/02`, or `02` of the same phase. */
function dependencyKey(value: string, phase: PhaseNumber): string {
  const full =
    /^(\d{1,6}(?:\.\d{1,6})?)(?:-[^/]*\/|-)(?:\d{1,6}(?:\.\d{1,6})?-)?(\d{1,6})(?:-PLAN\.md)?$/i.exec(
      value,
    );
  if (full) return `${phaseNumber(full[1] ?? '')}-${Number(full[2])}`;
  return /^\d{1,6}$/.test(value) ? `${phase}-${Number(value)}` : value;
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b) || (a < b ? -1 : 1);
}

/* ------------------------------------------------------------------ waves */

interface Wave {
  readonly number: number;
  readonly title: string;
  readonly tasks: readonly Task[];
}

function wavesOf(tasks: readonly Task[]): Wave[] {
  const groups: Task[][] = [];
  // Tasks come in the order of their phases; only the waves within one have to be sorted.
  for (let start = 0; start < tasks.length;) {
    const phase = tasks[start]?.phaseNumber;
    let end = start + 1;
    while (end < tasks.length && tasks[end]?.phaseNumber === phase) end++;
    groups.push(...groupsOfPhase(tasks.slice(start, end)));
    start = end;
  }
  return groups.map((inWave, index) => {
    const [first] = inWave;
    const title = first?.phase?.title ?? '';
    const name = `Phase ${first?.phaseNumber ?? ''}${title === '' ? '' : `: ${title}`}`;
    return { number: index + 1, title: `${name}, wave ${first?.wave ?? 1}`, tasks: inWave };
  });
}

function groupsOfPhase(tasks: readonly Task[]): Task[][] {
  const groups = new Map<number, Task[]>();
  for (const task of tasks.toSorted((a, b) => a.wave - b.wave)) {
    const group = groups.get(task.wave);
    if (group) group.push(task);
    else groups.set(task.wave, [task]);
  }
  return [...groups.values()];
}

function planTask(task: Task, known: ReadonlyMap<string, Task>): PlanTask {
  const dependsOn = task.dependsOn.flatMap((key) => known.get(key)?.id ?? []);
  return {
    id: task.id,
    description: task.description,
    status: task.status,
    dependsOn: [...new Set(dependsOn)],
    line: (task.entry?.line ?? task.phase?.line)?.number ?? 0,
  };
}

function detailsOf(tasks: readonly Task[]): Map<TaskId, TaskDetails> {
  return new Map(
    tasks.flatMap(({ id, file }) => {
      const files = file?.files?.values ?? [];
      return files.length === 0 ? [] : [[id, { commit: null, files, error: null }] as const];
    }),
  );
}

/* ------------------------------------------------------------------ problems */

function planFindings(
  tasks: readonly Task[],
  waves: readonly Wave[],
  known: ReadonlyMap<string, Task>,
  text: string,
): Finding[] {
  const waveOf = new Map(
    waves.flatMap(({ number, tasks: of }) => of.map((task) => [task.id, number])),
  );
  const findings: Finding[] = [];
  const dependents: Dependent[] = [];
  const users: FileUser[] = [];
  const planned = new Set(tasks.flatMap((task) => (task.file ? [task.phaseNumber] : [])));
  for (const task of tasks) {
    const { file, entry, id } = task;
    const wave = waveOf.get(id) ?? 1;
    const dependsOn = task.dependsOn.map((key, index) => {
      const at = placeIn(file, file?.dependsOn?.at);
      const asWritten = file?.dependsOn?.values[index] ?? key;
      return { id: known.get(key)?.id ?? asWritten, at, removal: null };
    });
    dependents.push({ id, wave, dependsOn });
    if (file?.files && task.status !== 'done') {
      const at = placeIn(file, file.files.at);
      users.push({ id, wave, dependsOn, at, files: file.files.values });
    }
    if (entry && !file && task.status !== 'done' && planned.has(task.phaseNumber)) {
      const message = `There is no file for plan ${quote(id)}, so that its wave and dependencies are not known; it is shown in wave ${wave}.`;
      findings.push(finding('missing_plan', spanOf(entry.line), message));
    }
  }
  const cross = [...dependencyFindings(dependents), ...overlapFindings(users)];
  // Its own tools decide what may be done in these files; here it is only told.
  findings.push(...cross.map(asWarning));
  if (tasks.length === 0) {
    const first = readLines(text).next();
    const at = first.done === true ? START : spanOf(first.value);
    const message =
      'There are no phases and no plans. ROADMAP.md has “### Phase 1: Name” and “- [ ] 01-01-PLAN.md — what it does”.';
    findings.push(finding('unknown_format', at, message));
  }
  return findings;
}

const START: Span = { line: 0, column: 0, start: 0, end: 0 };

function placeIn(file: PlanFile | null, at: Span = START): Span {
  return file ? { ...at, file: file.path } : at;
}

function inFile({ problem, fix }: Finding, file: string): Finding {
  return { problem: { ...problem, file }, fix };
}

function below(above: string, found: Finding): Finding {
  const { file } = found.problem;
  return above === '' || file === undefined ? found : inFile(found, above + file);
}

function asWarning({ problem, fix }: Finding): Finding {
  return { problem: { ...problem, severity: 'warning' }, fix };
}

/* ------------------------------------------------------------------ edits */

function editOf(tasks: readonly Task[], edit: WorkflowEdit): EditAnswer {
  if (edit.kind !== 'task') {
    const what = edit.kind === 'wave' ? 'A wave is' : 'Notes are';
    return cannot(
      'not_in_format',
      `${what} not written into ${planningFolder}/, which other tools own.`,
    );
  }
  const task = tasks.find(({ id }) => id === edit.task);
  if (!task) return cannot('unknown_task', `There is no plan ${quote(edit.task)}.`);
  const unsaid = detailsIn(edit);
  return task.status === edit.status ? can([], unsaid) : boxEdit(task, edit, unsaid);
}

function boxEdit(
  task: Task,
  { status }: TaskEdit,
  unsaid: readonly (keyof TaskDetails)[],
): EditAnswer {
  const box = task.entry ? task.entry.box : task.file ? null : (task.phase?.box ?? null);
  if (!box) return cannot('not_in_format', `ROADMAP.md has no checkbox for ${quote(task.id)}.`);
  if (status !== 'done' && status !== 'todo') {
    return cannot(
      'not_in_format',
      'A checkbox in ROADMAP.md is done or not done, and nothing between.',
    );
  }
  if (task.doneElsewhere && status === 'todo') {
    return cannot(
      'not_in_format',
      `${quote(task.id)} is done by what ROADMAP.md says of its phase, or by its summary; its checkbox cannot take that back.`,
    );
  }
  return can([{ start: box.start, end: box.end, text: status === 'done' ? '[x]' : '[ ]' }], unsaid);
}
