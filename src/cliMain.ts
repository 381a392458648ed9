/** Entry point of the whole command line: composes the program with this process, and nothing else. */
import { version } from '../package.json';
import { everyGroup } from './tools/everyGroup';
import { processHost } from './tools/processHost';
import { run } from './tools/program';

void run(processHost(version), everyGroup).then((code) => {
  process.exitCode = code;
});
