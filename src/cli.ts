#!/usr/bin/env node
/**
 * Looks at Node before anything that a too old one cannot even load: the rest of the program names
 * `node:sqlite` at its top, and would end in a stack trace instead of a sentence.
 */
import { sqliteMissing } from './store/sqlite/available';

// An editor that was made Node by this is asked once; what we start shall not take itself for one.
delete process.env['ELECTRON_RUN_AS_NODE'];

const missing = sqliteMissing();
if (missing === undefined) {
  silenceSqliteWarning();
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would load it too early
  require('./cliMain.js');
} else {
  if (process.argv.includes('--json')) {
    console.log(
      JSON.stringify({ v: 1, ok: false, error: { code: 'bad_usage', message: missing } }),
    );
  }
  console.error(`wavelock: ${missing}`);
  process.exitCode = 2;
}

/** Node calls its SQLite experimental at every start; people who run this cannot do anything about it. */
function silenceSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (...values: unknown[]) => void;
  process.emitWarning = (...values: unknown[]): void => {
    if (!String(values[0]).startsWith('SQLite is an experimental feature')) emitWarning(...values);
  };
}
