/** Entry point of the commands that have to be quick: the same program with these groups only. */
import { version } from '../package.json';
import { processHost } from './tools/processHost';
import { run } from './tools/program';
import { quickGroups } from './tools/quickGroups';

void run(processHost(version), quickGroups).then((code) => {
  process.exitCode = code;
});
