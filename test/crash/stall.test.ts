/**
 * Processes that stand still for longer than leases, locks and lockfiles live, at each step of a claim, an end,
 * a lock and a file write, while others go on. When they wake, nothing that they do may undo what was done
 * without them, and nobody has waited for them longer than the bound. WAVELOCK_CAMPAIGN=1 for the long form,
 * WAVELOCK_SEED repeats the choice of the short one.
 */
import assert from 'node:assert/strict';
import { Chance } from './stormChance';
import { busyStories } from './stallBusy';
import { fileStories } from './stallFiles';
import { storeStories } from './stallStore';
import type { Story } from './stallStory';
import { Waits } from './stallStory';

const campaign = process.env['WAVELOCK_CAMPAIGN'] !== undefined;
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 1_000_000);
const rounds = campaign ? 12 : 1;
const most = campaign ? Infinity : 24;
const atOnce = 16;
/** Each of these fails when one defence is taken away; they belong to the short form, too. */
const telling =
  /stands still|claim, at "answered"|complete, at "asked"|release at "asked"|without a lockfile, at "temp"|with a lockfile, at "(lock\.free|rename)"/;

describe('crash: processes that stand still', function () {
  this.timeout(campaign ? 900_000 : 300_000);

  const waits = new Waits();
  const chance = new Chance(seed);
  const all: readonly Story[] = [
    ...busyStories(waits),
    ...storeStories(waits),
    ...fileStories(waits),
  ];
  const chosen = [...all]
    .map((story) => ({ story, place: telling.test(story.name) ? -1 : chance.next() }))
    .sort((one, other) => one.place - other.place)
    .slice(0, most)
    .map(({ story }) => story);
  const told = new Map(chosen.map((story) => [story, [] as Promise<void>[]]));
  const queue = Array.from({ length: rounds }, () => chosen).flat();

  const starts: (() => Promise<void>)[] = [];

  before(() => {
    let next = 0;
    const begun = queue.map(
      (story) =>
        new Promise<void>((resolve, reject) => {
          starts.push(() => story.run().then(resolve, reject));
        }),
    );
    queue.forEach((story, index) => {
      const end = begun[index];
      // A failure is told by its own test, not as an unhandled one.
      end?.catch(() => undefined);
      if (end) told.get(story)?.push(end);
    });
    const work = async (): Promise<void> => {
      for (let start = starts[next++]; start; start = starts[next++]) await start();
    };
    for (let worker = 0; worker < atOnce; worker += 1) void work();
  });

  for (const [story, ends] of told) {
    it(story.name, async () => {
      assert.equal(ends.length, rounds);
      await Promise.all(ends);
    });
  }

  after(() => {
    console.log(
      `      WAVELOCK_SEED=${seed}; ${queue.length} stalls, ${atOnce} at a time; ${waits.said()}`,
    );
  });
});
