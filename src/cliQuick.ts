/** Entry point of the commands that have to be quick: the same program with these groups only. */
import * as z from 'zod/mini';
import { version } from '../package.json';
import { leave, processHost } from './tools/processHost';
import { run } from './tools/program';
import { quickGroups } from './tools/quickGroups';

// Code that is made for a schema pays off from the hundredth value on; a call has a handful.
z.config({ jitless: true });

void run(processHost(version), quickGroups).then(leave);
