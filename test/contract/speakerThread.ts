/** The store's thread as it is, but for the moments at which it decides: those that operations tell. */
import { parentPort } from 'node:worker_threads';
import { serve } from '../../src/store/sqlite/thread';
import { contextOf } from '../model/operation';

if (parentPort) void serve(parentPort, { contextOf, schedule: () => () => undefined });
