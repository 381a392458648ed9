/**
 * One store under several living processes. Each engine passes the same suites; see `engines.ts`.
 *
 * WAVELOCK_SEED repeats what is said, though not who is first; WAVELOCK_CAMPAIGN=1 is the long form.
 */
import { Company } from './company';
import { engines, type EngineName } from './engines';
import { describeLocks } from './suites/locks';
import { describeModel } from './suites/model';
import { describeRuns } from './suites/runs';
import { describeWorkers } from './suites/workers';

const isLong = process.env['WAVELOCK_CAMPAIGN'] === '1';
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 2 ** 31);

for (const engine of Object.keys(engines) as EngineName[]) {
  describe(`processes: ${engine} (seed ${seed})`, function () {
    // The machine may have other things to do; what has to be fast is measured elsewhere.
    this.timeout(isLong ? 0 : 1_500_000);
    const company = new Company(engine, { seed, isLong });
    before(() => {
      company.gather();
    });
    after(() => company.part());

    describeModel(company);
    describeRuns(company);
    describeLocks(company);
    describeWorkers(company);
  });
}
