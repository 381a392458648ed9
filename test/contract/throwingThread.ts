/** The store's thread, but asked to verify it fails as a mistake of ours would make it: uncaught. */
import { resolve } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { ThreadRequest } from '../../src/store/threadStore';

parentPort?.on('message', ({ type }: ThreadRequest) => {
  if (type === 'verify') throw new Error('a mistake of ours');
});
// eslint-disable-next-line @typescript-eslint/no-require-imports -- the bundle as it is shipped
require(resolve('dist/storeThread.js'));
