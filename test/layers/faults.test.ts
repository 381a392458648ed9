/** The faults that `npm run mutate` plants must still have their place, or a defence is no longer proven. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

interface Fault {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly suite?: string;
}

describe('planted faults', () => {
  for (const list of ['mutations', 'storeMutations', 'workflowMutations']) {
    it(`each of test/${list}.json is found once, and in a suite that there is`, () => {
      const faults = JSON.parse(readFileSync(`test/${list}.json`, 'utf8')) as readonly Fault[];
      const misplaced = faults.filter(({ file, find, replace, suite }) => {
        const times = readFileSync(file, 'utf8').split(find).length - 1;
        const tested = suite === undefined || existsSync(`test/${suite}.test.ts`);
        return times !== 1 || find === replace || !tested;
      });
      assert.deepEqual(misplaced, []);
    });
  }
});
