/** Entry point of the command line: composes the program with this process, and nothing else. */
import { version } from '../package.json';
import { run } from './tools/program';

void run({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  version,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((code) => {
  process.exitCode = code;
});
