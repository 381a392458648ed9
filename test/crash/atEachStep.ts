/**
 * One story for each step, all told at once: each spends most of its time waiting for its process to start and
 * die. Must be called inside of a `describe`.
 */
export function atEachStep(
  steps: readonly string[],
  nameOf: (step: string) => string,
  story: (step: string) => Promise<void>,
): void {
  const stories = new Map<string, Promise<void>>();
  before(() => {
    for (const step of steps) {
      const told = story(step);
      // A failure is told by its own test, not as an unhandled one.
      told.catch(() => undefined);
      stories.set(step, told);
    }
  });
  for (const step of steps) it(nameOf(step), () => stories.get(step));
}

/** From the promise to the end of a write, in the order in which they happen. */
export const stepsOfAWrite = [
  'committed',
  'kept',
  'intended',
  'temp',
  'backup',
  'hold',
  'check',
  'rename',
  'flush',
  'written',
  'confirmed',
  'tidied',
];
