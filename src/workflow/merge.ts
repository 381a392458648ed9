/**
 * Two changes of one text, made apart: one text that says both, or where they contradict each other.
 *
 * Tasks come first: what each side says of a task's status, commit, files and error, and of the wave, is carried
 * over to the other side as an edit. What is then left to merge, by lines, is what people have written.
 * Lines that follow from others (counts, the time of the last update) are made to follow again.
 *
 * A merge is clean only if nothing is lost: each task of either side is there unless the other has removed it.
 */
import type { TaskId, WorkflowEdit } from '../core/model';
import {
  diffPlans,
  statedTasks,
  type PlanDifference,
  type StatedTask,
  type TaskField,
} from './difference';
import { applyEdits, type TextEdit, type WorkflowDocument } from './document';
import { diffLines, splitLines, type Hunk } from './lineDiff';
import { readWorkflow } from './reader';

export type Merge =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly conflict: MergeConflict };

/** Whole texts, so that a person can take either, and what stands against what. */
export interface MergeConflict {
  readonly base: string;
  readonly mine: string;
  readonly theirs: string;
  /** What both say of one task, differently. */
  readonly tasks: readonly TaskConflict[];
  /** The waves that both have gone to, if they differ. */
  readonly wave: { readonly mine: number; readonly theirs: number } | null;
  /** Lines that both changed, in the order of the base. */
  readonly lines: readonly LineConflict[];
  /** What each side has done since the base. */
  readonly changes: { readonly mine: TextDifference; readonly theirs: TextDifference };
}

/** Of a field that both changed, both values; of a task that one has removed, null for its side. */
export interface TaskConflict {
  readonly task: TaskId;
  readonly field: TaskField | 'task';
  readonly mine: string | null;
  readonly theirs: string | null;
}

/** Lines of one place, with their ends of line, as each side has them. */
export interface LineConflict {
  /** Zero-based line of the base. */
  readonly line: number;
  readonly base: readonly string[];
  readonly mine: readonly string[];
  readonly theirs: readonly string[];
}

/** `modified` pairs lines that took each other's place. */
export interface TextDifference {
  readonly plan: PlanDifference;
  readonly added: readonly LineAt[];
  readonly removed: readonly LineAt[];
  readonly modified: readonly { readonly before: LineAt; readonly after: LineAt }[];
}

export interface LineAt {
  /** Zero-based; of the new text for what was added, else of the base. */
  readonly line: number;
  /** Without its end of line. */
  readonly text: string;
}

/**
 * Whoever merges comes to the same: with `mine` and `theirs` the other way round the merge is the same text, and a
 * conflict the same one seen from the other side.
 * @param path tells how the three texts are to be read
 */
export function mergeThreeWay(path: string, base: string, mine: string, theirs: string): Merge {
  if (mine === base || mine === theirs) return { ok: true, text: theirs };
  if (theirs === base) return { ok: true, text: mine };
  // Tasks that both have moved below one heading have to come in some order; the texts themselves give it.
  const [one, other] = mine < theirs ? [mine, theirs] : [theirs, mine];
  const first = mergeSides(path, base, one, other);
  if (first.ok) return first;
  // It is told of either side's tasks in the places of the other; sometimes only one of the two has them.
  const second = mergeSides(path, base, other, one);
  if (second.ok) return second;
  return one === mine ? first : { ok: false, conflict: mirrored(first.conflict) };
}

function mirrored(conflict: MergeConflict): MergeConflict {
  const { tasks, wave, lines, changes } = conflict;
  return {
    ...otherWay(conflict),
    tasks: tasks.map(otherWay),
    wave: wave && otherWay(wave),
    lines: lines.map(otherWay),
    changes: otherWay(changes),
  };
}

function otherWay<Value, Of extends { readonly mine: Value; readonly theirs: Value }>(of: Of): Of {
  return { ...of, mine: of.theirs, theirs: of.mine };
}

function mergeSides(path: string, base: string, mine: string, theirs: string): Merge {
  const sides = {
    base: readWorkflow(path, base),
    mine: readWorkflow(path, mine),
    theirs: readWorkflow(path, theirs),
  };
  const conflict = (found: Partial<Pick<MergeConflict, 'tasks' | 'wave' | 'lines'>>): Merge => ({
    ok: false,
    conflict: {
      ...{ base, mine, theirs, tasks: [], wave: null, lines: [] },
      ...found,
      changes: {
        mine: diffTexts(sides.base, sides.mine),
        theirs: diffTexts(sides.base, sides.theirs),
      },
    },
  });

  const tasks = taskConflicts(sides);
  const wave = waveConflict(sides);
  if (tasks.length > 0 || wave) return conflict({ tasks, wave });

  const level = levelled(sides, path);
  const merged = mergeLines(level.base, level.mine, level.theirs);
  if (merged.conflicts.length > 0) return conflict({ lines: merged.conflicts });
  const text = settled(readWorkflow(path, merged.text), sides);
  return losesNothing(readWorkflow(path, text), sides) ? { ok: true, text } : conflict({});
}

interface Sides {
  readonly base: WorkflowDocument;
  readonly mine: WorkflowDocument;
  readonly theirs: WorkflowDocument;
}

/* ------------------------------------------------------------------ what both say of one task */

function taskConflicts({ base, mine, theirs }: Sides): TaskConflict[] {
  const ours = diffPlans(base, mine);
  const other = diffPlans(base, theirs);
  const conflicts: TaskConflict[] = [];
  const othersModified = new Map(other.modified.map((task) => [task.id, task]));
  const removedBy = (difference: PlanDifference) =>
    new Map(difference.removed.map((task) => [task.id, task]));
  const removedByMine = removedBy(ours);
  const removedByTheirs = removedBy(other);
  for (const { id, after, fields } of ours.modified) {
    const there = othersModified.get(id);
    for (const field of fields) {
      const values = [shown(after, field), there ? shown(there.after, field) : ''] as const;
      if (there?.fields.includes(field) && values[0] !== values[1]) {
        conflicts.push({ task: id, field, mine: values[0], theirs: values[1] });
      }
    }
    if (removedByTheirs.has(id)) {
      conflicts.push({ task: id, field: 'task', mine: after.status, theirs: null });
    }
  }
  for (const { id, after } of other.modified) {
    if (removedByMine.has(id)) {
      conflicts.push({ task: id, field: 'task', mine: null, theirs: after.status });
    }
  }
  const added = new Map(other.added.map((task) => [task.id, task]));
  for (const task of ours.added) {
    const twin = added.get(task.id);
    if (!twin || JSON.stringify(twin) === JSON.stringify(task)) continue;
    conflicts.push({
      ...{ task: task.id, field: 'task' },
      ...{ mine: task.description, theirs: twin.description },
    } as const);
  }
  return conflicts;
}

function shown(task: StatedTask, field: TaskField): string {
  const value = task[field];
  return value === null ? '' : typeof value === 'object' ? value.join(', ') : String(value);
}

function waveConflict({ base, mine, theirs }: Sides): MergeConflict['wave'] {
  const ours = diffPlans(base, mine).wave;
  const other = diffPlans(base, theirs).wave;
  return ours && other && ours.after !== other.after
    ? { mine: ours.after, theirs: other.after }
    : null;
}

/* ------------------------------------------------------------------ the same tasks on all sides */

type Texts = { readonly [Side in keyof Sides]: string };

/** The three texts, each with what both sides say of tasks and of the wave, and with equal counts and times. */
function levelled(sides: Sides, path: string): Texts {
  const ours = editsBetween(sides.base, sides.mine);
  const other = editsBetween(sides.base, sides.theirs);
  const carried = {
    base: withEdits(sides.base, [...ours, ...other], path),
    mine: withEdits(sides.mine, other, path),
    theirs: withEdits(sides.theirs, ours, path),
  };
  // What one side cannot be made to say stays a matter of lines.
  const { base, mine, theirs } = isWhole(carried)
    ? carried
    : { base: sides.base.text, mine: sides.mine.text, theirs: sides.theirs.text };
  const counts = followCounts(sides);
  const updated = laterUpdate(sides);
  const even = (text: string) =>
    withDerived(readWorkflow(path, text), counts ? '0' : null, updated);
  return { base: even(base), mine: even(mine), theirs: even(theirs) };
}

function isWhole(texts: { readonly [Side in keyof Sides]: string | null }): texts is Texts {
  return texts.base !== null && texts.mine !== null && texts.theirs !== null;
}

function editsBetween(before: WorkflowDocument, after: WorkflowDocument): WorkflowEdit[] {
  const { modified, wave } = diffPlans(before, after);
  const updated = before.derived.updated?.value ?? '';
  const edits = modified.flatMap(({ id, after: task, fields }): WorkflowEdit[] => {
    const { status, commit, files, error } = task;
    const said = fields.filter((field) => SAID.has(field));
    if (said.length === 0) return [];
    return [
      {
        ...{ kind: 'task', task: id, status, updated },
        ...(fields.includes('commit') ? { commit } : {}),
        ...(fields.includes('files') ? { files } : {}),
        ...(fields.includes('error') ? { error } : {}),
      },
    ];
  });
  return wave ? [...edits, { kind: 'wave', wave: wave.after, updated }] : edits;
}

const SAID: ReadonlySet<TaskField> = new Set(['status', 'commit', 'files', 'error']);

/** Each edit reads the text anew; whoever has changed more has written a file, not set tasks. */
const MOST_CARRIED = 200;

/** Null when the document has no place for one of the edits. */
function withEdits(
  document: WorkflowDocument,
  edits: readonly WorkflowEdit[],
  path: string,
): string | null {
  if (edits.length > MOST_CARRIED) return null;
  let current = document;
  for (const edit of edits) {
    const answer = current.edit(edit);
    if (!answer.ok) return null;
    if (answer.edits.length > 0) {
      current = readWorkflow(path, applyEdits(current.text, answer.edits));
    }
  }
  return current.text;
}

/** Counts that were wrong already are somebody's words, not ours to make right. */
function followCounts(sides: Sides): boolean {
  return [sides.base, sides.mine, sides.theirs].every(({ derived }) =>
    derived.counts.every(({ value, shall }) => value === shall),
  );
}

function laterUpdate({ mine, theirs }: Sides): string | null {
  const times = [mine, theirs].map(({ derived }) => derived.updated?.value ?? '');
  const [first = '', second = ''] = times.toSorted();
  return first === '' ? null : second;
}

function withDerived(
  document: WorkflowDocument,
  count: string | null,
  updated: string | null,
): string {
  const edits: TextEdit[] = [];
  const { derived } = document;
  if (count !== null) edits.push(...derived.counts.map(({ edit }) => ({ ...edit, text: count })));
  if (updated !== null && derived.updated) edits.push({ ...derived.updated.edit, text: updated });
  return applyEdits(
    document.text,
    edits.sort((a, b) => a.start - b.start),
  );
}

function settled(merged: WorkflowDocument, sides: Sides): string {
  if (!followCounts(sides)) return merged.text;
  return applyEdits(
    merged.text,
    merged.derived.counts.map(({ edit, shall }) => ({ ...edit, text: String(shall) })),
  );
}

/* ------------------------------------------------------------------ lines */

interface MergedLines {
  readonly text: string;
  readonly conflicts: readonly LineConflict[];
}

function mergeLines(baseText: string, mineText: string, theirsText: string): MergedLines {
  const base = splitLines(baseText);
  const mine = splitLines(mineText);
  const theirs = splitLines(theirsText);
  const ours = diffLines(base, mine);
  const other = diffLines(base, theirs);
  const result: string[] = [];
  const conflicts: LineConflict[] = [];
  let done = 0;
  let left = 0;
  let right = 0;
  while (left < ours.length || right < other.length) {
    const group = nextGroup(ours, other, left, right);
    push(result, base.slice(done, group.start));
    const sideLines = (side: readonly string[], hunks: readonly Hunk[]) =>
      linesOfSide(base, side, hunks, group.start, group.end);
    const place: LineConflict = {
      line: group.start,
      base: base.slice(group.start, group.end),
      mine: sideLines(mine, ours.slice(left, group.left)),
      theirs: sideLines(theirs, other.slice(right, group.right)),
    };
    const one = group.left === left ? place.theirs : group.right === right ? place.mine : null;
    const both = one ?? together(place, result);
    if (both) push(result, both);
    else conflicts.push(place);
    done = group.end;
    left = group.left;
    right = group.right;
  }
  push(result, base.slice(done));
  return { text: result.join(''), conflicts };
}

/** Not `push(...lines)`: a hundred thousand arguments are too many. */
function push(result: string[], lines: readonly string[]): void {
  for (const line of lines) result.push(line);
}

interface HunkGroup {
  readonly start: number;
  readonly end: number;
  /** How many hunks of either side are done after it. */
  readonly left: number;
  readonly right: number;
}

/** The next hunks that concern the same lines of the base; those of one side alone are a group, too. */
function nextGroup(
  ours: readonly Hunk[],
  other: readonly Hunk[],
  left: number,
  right: number,
): HunkGroup {
  const first = [ours[left], other[right]]
    .flatMap((hunk) => hunk ?? [])
    .reduce((a, b) => (b.start < a.start || (b.start === a.start && b.end < a.end) ? b : a));
  const { start } = first;
  let { end } = first;
  let [nextLeft, nextRight] = first === ours[left] ? [left + 1, right] : [left, right + 1];
  for (;;) {
    const mine = ours[nextLeft];
    const theirs = other[nextRight];
    if (mine && meets(mine, start, end)) {
      end = Math.max(end, mine.end);
      nextLeft++;
    } else if (theirs && meets(theirs, start, end)) {
      end = Math.max(end, theirs.end);
      nextRight++;
    } else {
      return { start, end, left: nextLeft, right: nextRight };
    }
  }
}

/** What is put in right beside changed lines may belong to them. */
function meets(hunk: Hunk, start: number, end: number): boolean {
  const isInsertion = hunk.start === hunk.end || start === end;
  return isInsertion ? hunk.start <= end : hunk.start < end;
}

function linesOfSide(
  base: readonly string[],
  side: readonly string[],
  hunks: readonly Hunk[],
  start: number,
  end: number,
): string[] {
  const lines: string[] = [];
  let position = start;
  for (const hunk of hunks) {
    push(lines, base.slice(position, hunk.start));
    push(lines, side.slice(hunk.newStart, hunk.newEnd));
    position = hunk.end;
  }
  push(lines, base.slice(position, end));
  return lines;
}

/** What both did alike, or notes that both have added in the same place; null when it is a conflict. */
function together({ base, mine, theirs }: LineConflict, above: readonly string[]): string[] | null {
  if (mine.length === theirs.length && mine.every((line, index) => line === theirs[index])) {
    return [...mine];
  }
  if (base.length > 0) return null;
  let same = 0;
  while (same < mine.length && mine[same] === theirs[same]) same++;
  const shared = mine.slice(0, same);
  const added = [mine.slice(same), theirs.slice(same)].map((lines) => lines.join(''));
  if (
    !isNotes([...above, ...shared]) ||
    !added.every((lines) => /^(?:[-*+][ \t].*\s*)*$/.test(lines))
  ) {
    return null;
  }
  // Notes begin with their time; sorted, both sides come to the same text.
  const [first = '', second = ''] = added.toSorted();
  const glue = first === '' || /[\r\n]$/.test(first) ? '' : '\n';
  return splitLines(shared.join('') + first + glue + second);
}

function isNotes(lines: readonly string[]): boolean {
  const heading = lines.findLast((line) => line.startsWith('#'));
  return heading !== undefined && /^##[ \t]+[^\p{L}\p{N}]*notes\s*$/iu.test(heading);
}

/* ------------------------------------------------------------------ nothing lost */

function losesNothing(merged: WorkflowDocument, { base, mine, theirs }: Sides): boolean {
  if ((mine.plan === null) !== (merged.plan === null)) return false;
  const old = statedTasks(base);
  const now = statedTasks(merged);
  const [ours, other] = [statedTasks(mine), statedTasks(theirs)];
  const pairs = [
    [ours, other],
    [other, ours],
  ] as const;
  for (const [side, opposite] of pairs) {
    for (const [id, task] of side) {
      const isRemoved = old.has(id) && !opposite.has(id);
      const there = now.get(id);
      if (!there && !isRemoved) return false;
      const before = old.get(id);
      if (there && before && before.status !== task.status && there.status !== task.status) {
        return false;
      }
    }
  }
  // A kind of error that no side had is the merge's own, and so is an id that has come twice.
  const errors = ({ problems }: WorkflowDocument) =>
    problems.filter(({ severity }) => severity === 'error').map(({ code }) => code);
  const had = new Set([base, mine, theirs].flatMap(errors));
  const twice = (document: WorkflowDocument) =>
    errors(document).filter((code) => code === 'duplicate_task').length;
  return (
    errors(merged).every((code) => had.has(code)) &&
    twice(merged) <= Math.max(twice(mine), twice(theirs))
  );
}

/* ------------------------------------------------------------------ what a side has done */

export function diffTexts(before: WorkflowDocument, after: WorkflowDocument): TextDifference {
  const old = splitLines(before.text);
  const now = splitLines(after.text);
  const at = (lines: readonly string[], line: number): LineAt => ({
    line,
    text: (lines[line] ?? '').replace(/[\r\n]+$/, ''),
  });
  const added: LineAt[] = [];
  const removed: LineAt[] = [];
  const modified: { before: LineAt; after: LineAt }[] = [];
  for (const { start, end, newStart, newEnd } of diffLines(old, now)) {
    const paired = Math.min(end - start, newEnd - newStart);
    for (let index = 0; index < paired; index++) {
      modified.push({ before: at(old, start + index), after: at(now, newStart + index) });
    }
    for (let line = start + paired; line < end; line++) removed.push(at(old, line));
    for (let line = newStart + paired; line < newEnd; line++) added.push(at(now, line));
  }
  return { plan: diffPlans(before, after), added, removed, modified };
}
