/**
 * The rules against the plain model, and against what has to hold whatever happens.
 *
 * WAVELOCK_SEED repeats a run; WAVELOCK_CAMPAIGN=1 is the long form (`npm run campaign`).
 */
import fc from 'fast-check';
import { alone, backwards, scenarios, type Step } from '../model/commands';
import { Duel } from './duel';

const isLong = process.env['WAVELOCK_CAMPAIGN'] === '1';
const seed = Number(process.env['WAVELOCK_SEED'] ?? Date.now() % 2 ** 31);
const any = isLong ? scenarios(40, 80) : scenarios(8, 22);

interface Property {
  readonly title: string;
  /** In the short form, and in the long one. */
  readonly sequences: readonly [number, number];
  readonly steps: fc.Arbitrary<readonly Step[]>;
  readonly duel: () => Duel;
  readonly play: (duel: Duel, steps: readonly Step[]) => void;
}

const play = (duel: Duel, steps: readonly Step[]): void => {
  duel.play(steps);
};

const properties: readonly Property[] = [
  {
    title: 'MODEL rules and model say the same and are in the same state',
    sequences: [500, 10_000],
    steps: any,
    duel: () => new Duel('swept', isLong),
    play,
  },
  {
    title: 'MODEL everybody who waits gets a turn, and nothing is left of anything',
    sequences: [150, 3_000],
    steps: any,
    duel: () => new Duel('swept', isLong),
    play: (duel, steps) => {
      duel.play(steps);
      duel.close();
    },
  },
  {
    title: 'MODEL what is over counts for nobody, though nobody sweeps',
    sequences: [200, 4_000],
    steps: any.map(alone),
    duel: () => new Duel('lazy', isLong),
    play,
  },
  {
    title: 'PROPERTY nothing is taken or given twice, whatever clocks show',
    sequences: [200, 4_000],
    steps: isLong ? scenarios(40, 80, backwards) : scenarios(8, 22, backwards),
    duel: () => new Duel('unswept', true),
    play,
  },
];

let played = 0;

describe(`PROPERTY rules and model (seed ${seed})`, function () {
  this.timeout(isLong ? 0 : 100_000);
  const start = performance.now();
  after(() => {
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`    ${played} sequences in ${seconds} s; WAVELOCK_SEED=${seed} repeats them`);
  });

  for (const [place, property] of properties.entries()) {
    const numRuns = property.sequences[isLong ? 1 : 0];
    it(`${property.title} (${numRuns} sequences)`, () => {
      const found = fc.check(
        fc.property(property.steps, (steps) => {
          played += 1;
          property.play(property.duel(), steps);
        }),
        // Each its own, so that one does not play the first of another again.
        { numRuns, seed: seed + place },
      );
      if (found.failed)
        throw new Error(reportOf(property, found.counterexample?.[0] ?? [], found.numRuns));
    });
  }
});

/** Steps that are not needed for it are left out, and what was answered on the way is told. */
function reportOf(property: Property, found: readonly Step[], sequences: number): string {
  let steps = found;
  for (let index = steps.length - 1; index >= 0; index -= 1) {
    const fewer = steps.filter((_step, place) => place !== index);
    if (replay(property, fewer).why !== null) steps = fewer;
  }
  const { said, why } = replay(property, steps);
  return `after ${sequences} sequences with WAVELOCK_SEED=${seed}:\n  ${said.join('\n  ')}\n${why}`;
}

function replay(
  { duel, play }: Property,
  steps: readonly Step[],
): { readonly said: readonly string[]; readonly why: string | null } {
  const one = duel();
  try {
    play(one, steps);
    return { said: one.said, why: null };
  } catch (error) {
    return { said: one.said, why: error instanceof Error ? error.message : String(error) };
  }
}
