/**
 * Whatever several processes say at once to one store, some order of whole transactions explains all that they
 * were answered. A failure leaves what was said and answered in a file, which
 * `node out/test/contract/replayed.js FILE` judges again; the interleaving that made it cannot be repeated.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { scenarios, waves, type Step } from '../../model/commands';
import { Conversation, type Stage } from '../conversation';
import { Encounters } from '../encounters';
import { Random } from '../random';
import { Scene } from '../scene';
import type { Company } from '../company';

/** Conversations that go on side by side, each about a store of its own: most of the time they wait. */
const lanes = 4;
/** Sequences that follow one another on what the one before has left. */
const inOneStore = 5;

export function describeModel({ engine, speakers, seed, isLong }: Company): void {
  describe('against the plain model', () => {
    /** A failure leaves what was said and answered in a file. */
    const converse = async (
      number: number,
      talk: (conversation: Conversation, stage: Stage) => Promise<void>,
    ): Promise<number> => {
      const inThread = new Set(number % 2 === 0 ? [(number / 2) % 4] : []);
      const stage = {
        engine,
        speakers: speakers.slice(0, 4),
        random: new Random(seed + number),
        inThread,
      };
      const conversation = await Conversation.begin(stage);
      try {
        await talk(conversation, stage);
      } catch (error) {
        const file = join(tmpdir(), `wavelock-history-${seed}-${number}.json`);
        writeFileSync(file, JSON.stringify(conversation.history.rounds));
        throw new Error(`number ${number} of seed ${seed}; see ${file}`, { cause: error });
      } finally {
        await conversation.end();
      }
      return conversation.operations;
    };

    const sequences = isLong ? 1_200 : 120;
    it(`MODEL some order explains every answer (${sequences} sequences)`, () =>
      inLanes(seed, sequences / inOneStore, (number) =>
        converse(number, async (conversation, stage) => {
          for (let played = 0; played < inOneStore; played += 1) {
            const steps = stepsOf(seed + number * inOneStore + played);
            await new Scene(stage, conversation).play(steps);
          }
          await conversation.verify();
        }),
      ));

    const histories = isLong ? 12_000 : 400;
    it(`MODEL claims, locks and waves are linearizable (${histories} histories)`, () =>
      inLanes(seed, lanes, (lane) =>
        converse(lane, async (conversation, stage) => {
          const encounters = new Encounters(stage, conversation);
          await encounters.begin();
          for (let met = 0; met < histories / lanes; met += 1) await encounters.meet();
          await conversation.verify();
        }),
      ));
  });
}

/** Does the numbers below `count`, some at a time, and no further ones once one has failed. */
async function inLanes(
  seed: number,
  count: number,
  work: (number: number) => Promise<number>,
): Promise<void> {
  const start = performance.now();
  let [next, commands] = [0, 0];
  const go = async (): Promise<void> => {
    while (next < count) {
      const made = await work(next++);
      commands += made;
    }
  };
  const going = Array.from({ length: lanes }, () =>
    go().catch((error: unknown) => {
      next = count;
      throw error;
    }),
  );
  await Promise.allSettled(going);
  await Promise.all(going);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`      ${commands} commands in ${seconds} s; WAVELOCK_SEED=${seed} repeats them`);
}

function stepsOf(seed: number): readonly Step[] {
  const [steps] = fc.sample(scenarios(24, 44, waves), { seed, numRuns: 1 });
  assert.ok(steps);
  return steps;
}
