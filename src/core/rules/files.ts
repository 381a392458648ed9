/**
 * What the store knows of workflow files (FILE-n): to which file a workflow is bound, which content was known last,
 * which bytes a writer is about to make, and what of all this does not go together.
 *
 * Contract: the known content only ever moves by compare-and-set, so of any number of windows and writers one
 * tells of a content, and a writer that was stopped finds its announcement void.
 */
import type {
  BindWorkflow,
  ConfirmWrite,
  ConflictRow,
  Context,
  Decision,
  EditId,
  FileEdit,
  FileIntent,
  FileSight,
  Granted,
  ImportFile,
  IntendWrite,
  NewEvent,
  RecordConflict,
  Refusal,
  RefusalOf,
  ResolveConflict,
  RowChange,
  Step,
  TaskMoved,
  WorkflowRow,
} from '../model';
import { waveNow } from '../waveNow';
import { ask } from './ask';
import { unchanged, type Part } from './runs';
import { movedByHand, promise } from './tasks';

/** The workflow of a file as the command's changes leave it, made or filled in where the store did not know it. */
export interface Bound extends Part {
  readonly row: WorkflowRow;
}

/** The workflow of this file, if it is bound to it and the speaker has seen the content that the store knows. */
export function* boundHere(sight: FileSight): Step<Bound | Refusal> {
  const known = yield* ask('workflow', { id: sight.workflow });
  if (!known) return created(sight);
  const elsewhere = boundElsewhere(known, sight);
  if (elsewhere) return elsewhere;
  if (known.hash === sight.hash) return { row: known, changes: [], events: [] };
  if (known.hash !== undefined) {
    return {
      code: 'conflict',
      message: `${sight.file} has changed since it was read. Look again.`,
    };
  }
  // Of a version that did not look at contents.
  const row = seenAs(known, sight);
  return {
    row,
    changes: [{ put: 'workflow', row }],
    events: [imported(row, { from: null, diff: noDifference, overruled: [] })],
  };
}

function created(sight: FileSight): Bound {
  const row = seenAs(null, sight);
  return {
    row,
    changes: [{ put: 'workflow', row }],
    events: [{ kind: 'workflow.created', workflow: row.id, resource: row.file, data: { row } }],
  };
}

export function boundElsewhere(
  known: WorkflowRow,
  sight: Pick<FileSight, 'file' | 'worktree'>,
): RefusalOf<'conflict'> | undefined {
  if (known.file === sight.file && known.worktree === sight.worktree) return undefined;
  return {
    code: 'conflict',
    message: `Workflow ${known.id} belongs to ${placeOf(known)}; ${placeOf(sight)} is a copy with the same id and is left alone.`,
  };
}

function placeOf(place: { readonly file: string; readonly worktree: string }): string {
  return place.worktree === '' ? place.file : `${place.file} in worktree ${place.worktree}`;
}

/** A workflow that people have set back, or given another wave, is not completed any more. */
function seenAs(known: WorkflowRow | null, sight: FileSight): WorkflowRow {
  const { workflow: id, name, file, worktree, waveCount, hash, head, editing } = sight;
  const wave = waveNow(sight, editing, known);
  const completed = known?.status === 'completed' && wave >= waveCount;
  return {
    ...known,
    ...{ id, name, file, worktree, wave, waveCount, hash, head, editing },
    status: completed ? 'completed' : 'active',
  };
}

export function* bindWorkflow({ sight, from }: BindWorkflow): Decision<Granted['workflow.bind']> {
  const known = yield* ask('workflow', { id: sight.workflow });
  if (known?.file !== from?.file || known?.worktree !== from?.worktree) {
    return {
      code: 'conflict',
      message: known
        ? `Workflow ${known.id} belongs to ${placeOf(known)} by now. Look again.`
        : `No file is bound to ${sight.workflow} any more. Look again.`,
    };
  }
  const row = seenAs(known, sight);
  return {
    facts: { workflow: row },
    changes: [{ put: 'workflow', row }],
    events: [{ kind: 'workflow.bound', workflow: row.id, resource: row.file, data: { row, from } }],
  };
}

/* ------------------------------------------------------------------ contents of others */

const noDifference = { added: [], removed: [], modified: [] } as const;

export function* importFile(
  command: ImportFile,
  context: Context,
): Decision<Granted['file.import']> {
  const { sight, from, how, tasks, diff, lost } = command;
  const known = yield* ask('workflow', { id: sight.workflow });
  if (!known) return { facts: { imported: true, cancelled: [] }, ...partOf(created(sight)) };
  const elsewhere = boundElsewhere(known, sight);
  if (elsewhere) return elsewhere;
  if ((known.hash ?? null) !== from) return unchanged({ imported: false, cancelled: [] });
  const row = seenAs(known, sight);
  const put: RowChange = { put: 'workflow', row };
  if (how === 'git') {
    return {
      facts: { imported: true, cancelled: [] },
      changes: [put],
      events: [{ kind: 'file.rebased', workflow: row.id, resource: row.file, data: { row, from } }],
    };
  }
  const moved = yield* movedByHand(row.id, tasks, context);
  const overruled = overruledBy(tasks, yield* ask('fileEdits', { workflow: row.id }));
  const again = lost ? yield* promise(row, { kind: 'merge', ...lost }, context) : nothingMore;
  return {
    facts: { imported: true, cancelled: moved.cancelled },
    changes: [put, ...dropped(overruled), ...moved.changes, ...again.changes],
    events: [imported(row, { from, diff, overruled }), ...moved.events, ...again.events],
  };
}

const nothingMore: Part = { changes: [], events: [] };

function partOf({ changes, events }: Part): Part {
  return { changes, events };
}

function imported(
  row: WorkflowRow,
  data: { readonly from: FileIntent['known'] | null } & Pick<ImportFile, 'diff'> & {
      readonly overruled: readonly EditId[];
    },
): NewEvent {
  return { kind: 'file.imported', workflow: row.id, resource: row.file, data: { row, ...data } };
}

/** Both moved: people win. */
function overruledBy(tasks: readonly TaskMoved[], edits: readonly FileEdit[]): readonly EditId[] {
  const moved = new Map(tasks.map(({ task, to }) => [task, to]));
  return edits.flatMap(({ id, change }) =>
    change.kind === 'task' && moved.has(change.task) && moved.get(change.task) !== change.status
      ? [id]
      : [],
  );
}

function dropped(edits: readonly EditId[]): RowChange[] {
  return edits.map((id) => ({ drop: 'fileEdit', id }));
}

/* ------------------------------------------------------------------ contents of ours */

/** Of one that was overtaken; whoever stands still for longer finds its temp file cleared away by who wrote since. */
const announcedForMs = 24 * 3_600_000;

export function* intendWrite(
  command: IntendWrite,
  context: Context,
): Decision<Granted['file.intend']> {
  const { workflow, known, base, target, edits, restores = null, instead } = command;
  const row = yield* ask('workflow', { id: workflow });
  const open = new Set((yield* ask('fileEdits', { workflow })).map(({ id }) => id));
  if (row?.hash !== known || edits.some((id) => !open.has(id)))
    return unchanged({ intended: false });
  const { session, now } = context;
  const intents = yield* ask('fileIntents', { workflow });
  const isOver = (intent: FileIntent): boolean =>
    (intent.target === instead && intent.session === session && !intent.shared) ||
    (intent.known !== known && now - intent.since > announcedForMs);
  const replaces = intents
    .filter((intent) => intent.target !== target && isOver(intent))
    .map((intent) => intent.target);
  const same = intents.find((intent) => intent.target === target);
  const shared = same?.shared ?? (same !== undefined && same.session !== session);
  const intent: FileIntent = {
    ...{ workflow, target, base, known, edits, restores, session },
    ...(shared ? { shared } : {}),
    since: now,
  };
  return {
    facts: { intended: true },
    changes: [
      ...replaces.map((old): RowChange => ({ drop: 'fileIntent', workflow, target: old })),
      { put: 'fileIntent', row: intent },
    ],
    events: [
      { kind: 'file.intent', workflow, resource: row.file, data: { row: intent, replaces } },
    ],
  };
}

/** Settles what was promised, once, whoever brings the news. */
export function* confirmWrite(
  command: ConfirmWrite,
  context: Context,
): Decision<Granted['file.confirm']> {
  const { workflow, target, sight, tasks = [] } = command;
  const known = yield* ask('workflow', { id: workflow });
  const intents = yield* ask('fileIntents', { workflow });
  const intent = intents.find((each) => each.target === target);
  if (!known || known.hash !== (intent?.known ?? target)) return unchanged({ confirmed: false });
  const named = new Set([...(intent?.edits ?? []), ...(command.edits ?? [])]);
  const edits = (yield* ask('fileEdits', { workflow })).flatMap(({ id }) =>
    named.has(id) ? [id] : [],
  );
  if (!intent && edits.length === 0) return unchanged({ confirmed: false });
  const row = { ...(sight ? seenAs(known, sight) : known), hash: target };
  const moved = yield* movedByHand(workflow, tasks, context);
  const data = { row, base: intent?.base ?? target, target, edits };
  const backup = intent?.restores ?? null;
  const about = { workflow, resource: row.file };
  return {
    facts: { confirmed: true },
    changes: [
      { put: 'workflow', row },
      ...(intent ? [{ drop: 'fileIntent', workflow, target } as const] : []),
      ...dropped(edits),
      ...moved.changes,
    ],
    events: [
      backup === null
        ? { kind: 'file.written', ...about, data }
        : { kind: 'file.restored', ...about, data: { ...data, backup } },
      ...moved.events,
    ],
  };
}

/* ------------------------------------------------------------------ conflicts */

export function* recordConflict(
  command: RecordConflict,
  context: Context,
): Decision<Granted['file.conflict']> {
  const { workflow, conflict: id, base, mine, theirs, diff } = command;
  const known = yield* ask('workflow', { id: workflow });
  if (!known) {
    return { code: 'unknown_workflow', message: `There is no workflow ${workflow}.`, workflow };
  }
  const given = new Set(command.edits);
  const edits = (yield* ask('fileEdits', { workflow })).flatMap((edit) =>
    given.has(edit.id) ? [edit.id] : [],
  );
  const row: ConflictRow = {
    ...{ id, workflow, base, mine, theirs, diff },
    since: context.now,
    resolved: null,
  };
  return {
    facts: { conflict: row },
    changes: [{ put: 'conflict', row }, ...dropped(edits)],
    events: [{ kind: 'file.conflict', workflow, resource: known.file, data: { row, edits } }],
  };
}

export function* resolveConflict({
  conflict: id,
  as: resolved,
}: ResolveConflict): Decision<Granted['conflict.resolve']> {
  const open = yield* ask('conflict', { id });
  if (!open) {
    return {
      code: 'bad_input',
      message: `There is no open conflict ${id}. \`wavelock conflict list\` shows those there are.`,
      path: 'conflict',
    };
  }
  const row: ConflictRow = { ...open, resolved };
  return {
    facts: { conflict: row },
    changes: [{ drop: 'conflict', id }],
    events: [{ kind: 'file.conflict', workflow: row.workflow, data: { row, edits: [] } }],
  };
}
