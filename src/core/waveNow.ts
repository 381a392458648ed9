/**
 * Which wave is under way. A file that states it has the last word. Of one that does not, its tasks show how far people
 * have come, and the store knows how far the workflow was advanced: the further of the two counts, until people have
 * taken back all that was begun.
 */
import type { FileEditing, Plan, WorkflowRow } from './model';

/** @param stated as the file says it, or as follows from its tasks */
export function waveNow(
  stated: Pick<Plan, 'wave' | 'waveCount'>,
  editing: FileEditing,
  known: Pick<WorkflowRow, 'wave'> | null | undefined,
): number {
  if (editing === 'full' || !known) return stated.wave;
  // After the first advance nothing has begun either, until a task does.
  const isTakenBack = stated.wave === 0 && known.wave > 1;
  return isTakenBack ? 0 : Math.max(stated.wave, Math.min(known.wave, stated.waveCount));
}
