#!/usr/bin/env node
/**
 * Looks at Node before anything that a too old one cannot even load: the rest of the program names
 * `node:sqlite` at its top, and would end in a stack trace instead of a sentence.
 */
import { enableCompileCache } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { sqliteMissing } from './store/sqlite/available';
import { commandWord, quickCommands } from './tools/commandWord';

// An editor that was made Node by this is asked once; what we start shall not take itself for one.
delete process.env['ELECTRON_RUN_AS_NODE'];

const missing = sqliteMissing();
if (missing === undefined) {
  silenceSqliteWarning();
  keepCompiledCode();
  const quick = quickCommands.has(commandWord(process.argv.slice(2)) ?? '');
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- a static import would load it too early
  require(quick ? './cliQuick.js' : './cliMain.js');
} else {
  if (process.argv.includes('--json')) {
    console.log(
      JSON.stringify({ v: 1, ok: false, error: { code: 'bad_usage', message: missing } }),
    );
  }
  console.error(`wavelock: ${missing}`);
  process.exitCode = 2;
}

/**
 * Compiling is the larger part of a short call; what was compiled once is kept in a folder that only this user writes
 * to. Node checks what it finds there against the program, and goes on without where it cannot keep anything.
 */
function keepCompiledCode(): void {
  const { env, platform } = process;
  const cache =
    platform === 'win32'
      ? env['LOCALAPPDATA']
      : platform === 'darwin'
        ? env['HOME'] && `${env['HOME']}/Library/Caches`
        : (env['XDG_CACHE_HOME'] ?? (env['HOME'] && `${env['HOME']}/.cache`));
  if (cache !== undefined && isAbsolute(cache)) enableCompileCache(join(cache, 'wavelock', 'node'));
}

/** Node calls its SQLite experimental at every start; people who run this cannot do anything about it. */
function silenceSqliteWarning(): void {
  const emitWarning = process.emitWarning.bind(process) as (...values: unknown[]) => void;
  process.emitWarning = (...values: unknown[]): void => {
    if (!String(values[0]).startsWith('SQLite is an experimental feature')) emitWarning(...values);
  };
}
