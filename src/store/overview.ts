/** A workflow as every surface shows it: what its file says, with what the store knows beside it. */
import type {
  Holder,
  Plan,
  Problem,
  RelativePath,
  RunRow,
  TaskId,
  TaskStatus,
  WorkflowId,
} from '../core/model';
import { guardKey, type StateView } from '../core/views';
import { isValid, type Editing, type WorkflowFormat } from '../workflow/document';
import { planNow } from './planNow';
import type { WorkflowFile } from './workflowFiles';

export interface TaskOverview {
  readonly id: TaskId;
  readonly description: string;
  readonly status: TaskStatus;
  readonly line: number;
  readonly run: RunRow | null;
}

export interface WaveOverview {
  readonly number: number;
  readonly tasks: readonly TaskOverview[];
}

export interface WorkflowOverview {
  readonly id: WorkflowId | null;
  readonly name: string;
  readonly file: RelativePath;
  /** Absolute, and the real one where links lead to it. */
  readonly path: string;
  readonly format: WorkflowFormat;
  /** What of the file Wavelock may change. */
  readonly editing: Editing;
  readonly valid: boolean;
  readonly completed: boolean;
  readonly wave: number;
  readonly waveCount: number;
  readonly waves: readonly WaveOverview[];
  readonly problems: readonly Problem[];
  readonly holder: Holder | null;
}

export function overview(file: WorkflowFile, view: StateView, worktree: string): WorkflowOverview {
  const { document } = file;
  const plan = planNow(document, view);
  const runs = plan ? view.runs.get(plan.id) : undefined;
  return {
    id: plan?.id ?? null,
    name: plan?.name ?? file.file,
    file: file.file,
    path: file.path,
    format: document.format,
    editing: document.editing,
    valid: isValid(document),
    completed: plan !== null && isCompleted(plan, view),
    wave: plan?.wave ?? 0,
    waveCount: plan?.waveCount ?? 0,
    waves: (plan?.waves ?? []).map((wave) => ({
      number: wave.number,
      tasks: wave.tasks.map(({ id, description, status, line }) => ({
        id,
        description,
        status,
        line,
        run: runs?.get(id) ?? null,
      })),
    })),
    problems: document.problems,
    holder: view.guards.get(guardKey({ file: file.file, worktree }))?.holder ?? null,
  };
}

/** The store remembers the last step, but a wave that people have moved back by hand is not completed. */
function isCompleted(plan: Plan, view: StateView): boolean {
  return view.workflows.get(plan.id)?.status === 'completed' && plan.wave >= plan.waveCount;
}

export function tasksDone(wave: WaveOverview): number {
  return wave.tasks.filter((task) => task.status === 'done').length;
}
