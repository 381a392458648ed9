/** Entry point of `dist/storeThread.js`; apart from `thread.ts`, so that importing that starts nothing. */
import { parentPort } from 'node:worker_threads';
import { serve } from './thread';

if (parentPort) void serve(parentPort);
