/**
 * One store under several processes, against the plain model: whatever they say at once, some order of whole
 * transactions explains all that they were answered.
 *
 * WAVELOCK_SEED repeats what is said, though not who is first; WAVELOCK_CAMPAIGN=1 is the long form. A failure
 * leaves what was said and answered in a file, which `node out/test/contract/replayed.js FILE` judges again.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { scenarios, waves, type Step } from '../model/commands';
import { engines, type EngineName } from './engines';
import { Random } from './random';
import { Scene } from './scene';
import { SpeakerProcess } from './speakers';

const isLong = process.env['WAVELOCK_CAMPAIGN'] === '1';
/** Scenes that play side by side, each on a store of its own. */
const atOnce = 4;
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 2 ** 31);

for (const engine of Object.keys(engines) as EngineName[]) {
  describe(`store: ${engine} under four processes (seed ${seed})`, function () {
    this.timeout(isLong ? 0 : 60_000);
    let speakers: readonly SpeakerProcess[];
    before(() => {
      speakers = Array.from({ length: 4 }, () => new SpeakerProcess());
    });
    after(() => Promise.all(speakers.map((speaker) => speaker.kill())));

    const play = async (number: number): Promise<number> => {
      // A thread takes longer to start than a scenario to play.
      const inThread = new Set(number % 6 === 0 ? [number % 4, (number + 2) % 4] : []);
      const random = new Random(seed + number);
      const scene = new Scene({ engine, speakers, random, inThread });
      try {
        await scene.play(stepsOf(seed + number));
      } catch (error) {
        const file = join(tmpdir(), `wavelock-history-${seed}-${number}.json`);
        writeFileSync(file, JSON.stringify(scene.history.rounds));
        throw new Error(`sequence ${number} of seed ${seed}; see ${file}`, { cause: error });
      } finally {
        await scene.end();
      }
      return scene.operations;
    };

    const sequences = isLong ? 1_200 : 120;
    it(`MODEL some order explains every answer (${sequences} sequences)`, async () => {
      let [operations, begun] = [0, 0];
      const start = performance.now();
      const playOn = async (): Promise<void> => {
        while (begun < sequences) {
          const made = await play(begun++);
          operations += made;
        }
      };
      // Most of the time they wait for one another; meanwhile others play.
      const scenes = Array.from({ length: atOnce }, () =>
        playOn().catch((error: unknown) => {
          begun = sequences;
          throw error;
        }),
      );
      await Promise.allSettled(scenes);
      await Promise.all(scenes);
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(
        `      ${operations} commands in ${seconds} s; WAVELOCK_SEED=${seed} repeats them`,
      );
    });
  });
}

function stepsOf(seed: number): readonly Step[] {
  const [steps] = fc.sample(scenarios(24, 44, waves), { seed, numRuns: 1 });
  assert.ok(steps);
  return steps;
}
