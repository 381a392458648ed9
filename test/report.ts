import { appendFileSync } from 'node:fs';
import { reporters, type MochaOptions, type Runner } from 'mocha';

interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed and why, to be told once more at the very end. */
  readonly failures: readonly { readonly title: string; readonly reason: string }[];
}

/**
 * Mocha's own report, and its figures in the file that WAVELOCK_TALLY names, so that scripts/test.mjs can add
 * up layers that ran in different programs.
 */
class Report extends reporters.Spec {
  constructor(runner: Runner, options?: MochaOptions) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      addToTally({
        passed: passes,
        failed: failures,
        skipped: pending,
        failures: this.failures.map((test) => ({
          title: test.titlePath().join(' › '),
          reason: test.err?.stack ?? String(test.err),
        })),
      });
      failWhenSomethingLeaked();
    });
  }
}

function addToTally(tally: Tally): void {
  const file = process.env['WAVELOCK_TALLY'];
  if (file !== undefined) appendFileSync(file, JSON.stringify(tally) + '\n');
}

/** Not in the extension host, which lives longer than the tests. */
function failWhenSomethingLeaked(): void {
  const patience = Number(process.env['WAVELOCK_MUST_END_WITHIN'] ?? 0);
  if (!patience) return;
  // Without a reference of its own the timer fires only when something else keeps the program alive.
  setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ');
    const reason = `Something that a test left behind keeps the program alive: ${held}`;
    process.stderr.write(`${reason}\n`);
    addToTally({ passed: 0, failed: 1, skipped: 0, failures: [{ title: 'the end', reason }] });
    process.exit(1);
  }, patience).unref();
}

export = Report;
