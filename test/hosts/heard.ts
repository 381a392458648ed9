/** Waiting for events instead of sleeping. What a test still waited for is told with its failure. */

interface Listens {
  (listener: () => void): { dispose(): unknown };
}

/** VS Code loads what runs the tests by another loader than they are loaded by: this module is there twice. */
const shared = globalThis as { wavelockWaits?: Set<Error> };
const waits = (shared.wavelockWaits ??= new Set<Error>());

/** Resolves as soon as it holds, looking now and after each event; the test's own limit is the deadline. */
export function heard(on: Listens, holds: () => boolean): Promise<void> {
  if (holds()) return Promise.resolve();
  const here = new Error('It waited here');
  waits.add(here);
  return new Promise((resolve) => {
    const listening = on(() => {
      if (!holds()) return;
      listening.dispose();
      waits.delete(here);
      resolve();
    });
  });
}

/** Where the test that has just ended still waits. */
export function takeWaits(): string[] {
  const stacks = [...waits].map(({ stack }) => stack ?? '');
  waits.clear();
  return stacks;
}
