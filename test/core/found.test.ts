/** Scenarios in which rules and plain model once disagreed, as the shrinker left them. */
import type { Step } from '../model/commands';
import { Duel, type Manner } from './duel';

const play = (manner: Manner, ...steps: readonly Step[]): void => {
  const duel = new Duel(manner, true);
  duel.play(steps);
  if (manner === 'swept') duel.close();
};

const [ann, bob, cy] = [0, 1, 2] as const;

const create = (fields: Partial<Step & { do: 'create' }>): Step => ({
  do: 'create',
  who: ann,
  place: 0,
  needs: [],
  parent: null,
  priority: 0,
  max: 1,
  timeout: false,
  count: 1,
  ...fields,
});

const claim = (who: number): Step => ({
  do: 'claim',
  who,
  what: 'any',
  wait: false,
  program: false,
});

/** Resources by number: 0 is src/a.ts, 8 is task:t1. */
const acquire = (who: number, fields: Partial<Step & { do: 'acquire' }>): Step => ({
  do: 'acquire',
  who,
  wishes: [],
  wait: false,
  shared: true,
  tree: false,
  ttl: false,
  ...fields,
});

/** The only setting of `slots.wf1` to 1, by its number in the universe. */
const oneSlotForWf1: Step = { do: 'set', setting: 6 };

describe('PROPERTY what the plain model has found', () => {
  it('STOP-3 counts the grace of a stop that was asked on a host whose clock is ahead', () => {
    play(
      'swept',
      { do: 'jump', host: 1, ms: 15_013 },
      create({}),
      claim(ann),
      { do: 'kill', who: cy, run: 0 },
      { do: 'sweep', who: ann },
      { do: 'pass', ms: 11_311 },
      { do: 'sweep', who: ann },
    );
  });

  it('LOCK-11 does not let an upgrade overtake a reader whose turn it is', () => {
    play(
      'swept',
      acquire(ann, { wishes: [[0, 'write']] }),
      acquire(cy, {
        wishes: [
          [8, 'read'],
          [0, 'read'],
        ],
        wait: true,
      }),
      { do: 'releaseAll', who: ann },
      acquire(ann, { wishes: [[0, 'read']] }),
      acquire(ann, { wishes: [[0, 'write']], wait: true }),
      { do: 'renewLock', which: 1 },
    );
  });

  it('LOCK-13 takes an upgrade for no circle when a reader waits behind a writer', () => {
    play(
      'swept',
      acquire(ann, { wishes: [[0, 'read']] }),
      acquire(bob, { wishes: [[0, 'write']], wait: true }),
      acquire(cy, { wishes: [[0, 'read']], wait: true }),
      acquire(ann, { wishes: [[0, 'write']], wait: true }),
    );
  });

  it('CLAIM-1 takes the run of highest priority though a run that is over had its slot', () => {
    play(
      'lazy',
      oneSlotForWf1,
      create({ place: 1 }),
      claim(ann),
      create({}),
      { do: 'pass', ms: 1_801_607 },
      create({ place: 1, priority: 1 }),
      claim(ann),
    );
  });
});
