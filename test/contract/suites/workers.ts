/** Workers that wait, hold, die and come back: the cases M, A and O that need processes. */
import assert from 'node:assert/strict';
import type {
  Answer,
  ClaimToken,
  CommandOf,
  Granted,
  OpId,
  RunId,
  WaiterId,
} from '../../../src/core/model';
import { granted, refused } from '../../core/rowStore';
import { opIdOf } from '../../model/operation';
import { Universe } from '../../model/universe';
import { nameOf, type Company, type Crew } from '../company';
import { Random } from '../random';
import { engines } from '../engines';
import type { Death, Line } from '../speaker';

const everybody = [0, 1, 2, 3, 4, 5, 6, 7] as const;

const waiter = (who: number): WaiterId => `waiter of ${who}` as WaiterId;
/** Of a program, whose death may be judged. */
const claim = (fields: Partial<CommandOf<'run.claim'>> = {}): CommandOf<'run.claim'> => ({
  kind: 'run.claim',
  program: true,
  ...fields,
});
const complete = ({ run, token }: Granted['run.claim']): CommandOf<'run.complete'> => ({
  kind: 'run.complete',
  run: run.id,
  token,
});

async function counts(crew: Crew): Promise<{ running: number; waiting: number }> {
  const { runs, slotWaiters = [] } = await crew.store.read('state', {});
  const running = runs.filter(({ status }) => status === 'running').length;
  return { running, waiting: slotWaiters.length };
}

export function describeWorkers(company: Company): void {
  describe('slots', () => {
    it('M-1 a waiter that has fallen silent is dropped, told so, and its count is gone', () =>
      company.meet(2, async (crew) => {
        const universe = new Universe();
        let said = 0;
        const speak = async <C extends Line['command']>(
          who: number,
          command: C,
        ): Promise<Answer<Granted[C['kind']]>> => {
          const opId = opIdOf((said += 1), universe.momentOf(who));
          return crew.sayScripted(who, command, opId);
        };
        for (const who of [0, 1]) await crew.joinScripted(who, universe.momentOf(who));
        granted(await speak(0, { kind: 'config.set', key: 'slots', value: 1 }));
        granted(await speak(0, { kind: 'run.create', title: 'work', count: 2 }));
        granted(await speak(0, { kind: 'run.claim' }));
        const wait = { kind: 'run.claim', waiter: waiter(1) } as const;
        refused(await speak(1, wait), 'no_slot');
        assert.equal((await counts(crew)).waiting, 1);
        universe.pass(30_001);
        granted(await speak(0, { kind: 'sweep' }));
        assert.equal((await counts(crew)).waiting, 0);
        const again = refused(await speak(1, { ...wait, renewal: true }), 'no_slot');
        assert.equal(again.dropped, true);
        // M-4: and who renews keeps its place, however long it takes.
        for (let renewed = 0; renewed < 5; renewed += 1) {
          universe.pass(20_003);
          const place = refused(await speak(1, { ...wait, renewal: true }), 'no_slot');
          assert.deepEqual([place.queuePosition, place.dropped], [1, undefined]);
        }
      }));

    it('M-2 of a worker that is killed while it waits nothing is left', () =>
      company.meet(3, async (crew) => {
        await crew.set('slots', 1);
        await crew.run();
        await crew.run();
        const first = granted(await crew.say(0, claim()));
        refused(await crew.say(1, claim({ waiter: waiter(1) })), 'no_slot');
        refused(await crew.say(2, claim({ waiter: waiter(2) })), 'no_slot');
        await crew.kill(1);
        // Its place in front of the other counts for nothing, without any sweep.
        granted(await crew.say(0, complete(first)));
        granted(await crew.say(2, claim({ waiter: waiter(2), renewal: true })));
        assert.deepEqual(await counts(crew), { running: 1, waiting: 0 });
        await crew.restart(1);
      }));

    it('M-3 a worker that is killed while it holds a slot frees it, with the end of its run', () =>
      company.meet(2, async (crew) => {
        await crew.set('slots', 1);
        const held = granted(await (await withRuns(crew, 2)).say(0, claim()));
        refused(await crew.say(1, claim()), 'no_slot');
        await crew.kill(0);
        const next = granted(await crew.say(1, claim()));
        assert.notEqual(next.run.id, held.run.id);
        assert.equal((await crew.runWith(held.run.id)).status, 'lost');
        assert.deepEqual(await counts(crew), { running: 1, waiting: 0 });
        await crew.restart(0);
      }));

    it('M-4 a waiter that renews keeps its place before those that came later', () =>
      company.meet(4, async (crew) => {
        await crew.set('slots', 1);
        await withRuns(crew, 4);
        let holder = granted(await crew.say(0, claim()));
        const line = [1, 2, 3] as const;
        for (const who of line) {
          const said = refused(await crew.say(who, claim({ waiter: waiter(who) })), 'no_slot');
          assert.equal(said.queuePosition, who);
        }
        for (const who of line) {
          const renew = claim({ waiter: waiter(who), renewal: true });
          assert.equal(refused(await crew.say(who, renew), 'no_slot').queuePosition, 1);
          granted(await crew.say(who - 1, complete(holder)));
          for (const behind of line.filter((other) => other > who)) {
            const later = claim({ waiter: waiter(behind), renewal: true });
            refused(await crew.say(behind, later), 'no_slot');
          }
          holder = granted(await crew.say(who, renew));
        }
      }));

    const cycles = company.isLong ? 10_000 : 120;
    const kills = company.isLong ? 250 : 5;
    it(`M-5 after ${cycles} cycles of claiming, ending and ${kills} kills no slot is in use`, () =>
      company.meet(
        8,
        async (crew) => {
          const slots = 3;
          await crew.set('slots', slots);
          await crew.set('rate.mutations', 0);
          const random = new Random(company.seed);
          const deadly = new Set<number>();
          while (deadly.size < kills) deadly.add(random.within(0, cycles - 1));
          let begun = 0;
          await Promise.all(
            everybody.map(async (who) => {
              while (begun < cycles) {
                const isLast = deadly.has(begun++);
                await cycle(crew, who);
                if (!isLast) continue;
                // In the middle of something, as far as it came.
                const dying = cycle(crew, who).catch(() => undefined);
                await crew.kill(who);
                await dying;
                await crew.restart(who);
              }
            }),
          );
          granted(await crew.say(0, { kind: 'sweep' }));
          assert.deepEqual(await counts(crew), { running: 0, waiting: 0 });
          for (let taken = 0; taken < slots; taken += 1) await claimed(crew, 0);
          const { id } = await crew.run();
          refused(await crew.say(1, claim({ run: id })), 'no_slot');
        },
        [5],
      ));
  });

  describe('claims', () => {
    it('A-1 a worker that is started anew in mid-run finds its run lost and tried again, not doubled', () =>
      company.meet(2, async (crew) => {
        const work = { maxAttempts: 2, backoff: { baseMs: 0, capMs: 0 } };
        const { id } = await crew.run(work);
        const before = granted(await crew.say(0, claim()));
        await crew.restart(0);
        // Whoever comes first; the other finds nothing.
        const answers = await Promise.all([0, 1].map((who) => crew.say(who, claim())));
        const [after] = answers.flatMap((answer) => (answer.ok ? [answer.facts] : []));
        assert.equal(answers.filter(({ ok }) => ok).length, 1);
        assert.equal(after?.run.retryOf, id);
        refused(await crew.say(0, complete(before)), 'stale_claim');
        const winner = answers.findIndex(({ ok }) => ok);
        granted(await crew.say(winner, complete(after)));
        const statuses = (await crew.runs()).map(({ status }) => status);
        assert.deepEqual(statuses, ['lost', 'completed']);
      }));

    it('A-2 a run that is asked for while somebody executes it is not executed twice', () =>
      company.meet(8, async (crew) => {
        const { id } = await crew.run();
        const asking = everybody.map((who) => crew.say(who, claim({ run: id })));
        const answers = await Promise.all(asking);
        assert.equal(answers.filter(({ ok }) => ok).length, 1);
        for (const answer of answers)
          if (!answer.ok) assert.equal(refused(answer, 'invalid_transition').status, 'running');
        assert.equal((await crew.runWith(id)).epoch, 1);
      }));

    it('A-3 four workers do ten runs, each once', () =>
      company.meet(4, async (crew) => {
        await withRuns(crew, 10);
        const done = await Promise.all(
          [0, 1, 2, 3].map(async (who) => {
            const mine: RunId[] = [];
            for (;;) {
              const answer = await crew.say(who, claim());
              if (!answer.ok) break;
              mine.push(answer.facts.run.id);
              granted(await crew.say(who, complete(answer.facts)));
            }
            return mine;
          }),
        );
        assert.equal(done.flat().length, 10);
        assert.equal(new Set(done.flat()).size, 10);
        const runs = await crew.runs();
        assert.ok(runs.every(({ status, epoch }) => status === 'completed' && epoch === 1));
      }));

    it('A-4 a worker killed at any look within its transaction leaves events and rows, or neither', () =>
      company.meet(1, async (crew) => {
        const universe = new Universe();
        let [operations, kills] = [0, 0];
        const operation = (): OpId => opIdOf((operations += 1), universe.momentOf(0));
        // Every look when there is time; else about one in five, but never the same ones.
        const step = company.isLong ? 1 : 9;
        let look = 1 + (company.seed % step);
        for (let survived = false; !survived; look += step) {
          await crew.joinScripted(0, universe.momentOf(0));
          const made = await crew.sayScripted(
            0,
            { kind: 'run.create', title: 'held' },
            operation(),
          );
          const { id: run } = granted(made).runs[0] ?? assert.fail('no run was made');
          const held = granted(await crew.sayScripted(0, { kind: 'run.claim', run }, operation()));
          const head = await crew.store.read('head', {});
          const batch = [
            [{ kind: 'run.create', title: 'before' }, operation()],
            [complete(held), operation()],
            [{ kind: 'run.create', title: 'after' }, operation()],
          ] as const;
          survived = await crew.dieSaying(0, batch, look);
          if (!survived) {
            kills += 1;
            await crew.restart(0);
            assert.equal(await crew.store.read('head', {}), head, `look ${look} left events`);
            assert.equal((await crew.runWith(run)).status, 'running');
            await crew.joinScripted(0, universe.momentOf(0));
            for (const [command, opId] of batch)
              granted<unknown>(await crew.sayScripted(0, command, opId));
          }
          // However often it was said, it has happened once.
          const events = await crew.store.read('events', { after: head, limit: 100 });
          assert.deepEqual(
            events.map(({ kind }) => kind),
            ['run.created', 'run.completed', 'run.created'],
          );
          assert.equal((await crew.runWith(run)).status, 'completed');
        }
        assert.ok(kills > 2, `it was killed ${kills} times only`);
      }));

    const { commit, durable } = engines[company.engine].steps;
    const deaths: readonly (readonly [string, Death, done: boolean])[] = [
      ['before its transaction is durable', { step: commit }, false],
      ['when it is durable', { step: durable }, true],
      ['with its answer in hand', 'answer', true],
    ];
    for (const [when, death, isDone] of deaths)
      it(`A-4 a worker killed ${when} has done ${isDone ? 'all' : 'nothing'}, and once when it says it again`, () =>
        company.meet(1, async (crew) => {
          const universe = new Universe();
          await crew.joinScripted(0, universe.momentOf(0));
          const opId = opIdOf(1, universe.momentOf(0));
          const create = { kind: 'run.create', title: 'once', count: 2 } as const;
          assert.equal(await crew.dieSaying(0, [[create, opId]], death), false);
          assert.equal((await crew.runs()).length, isDone ? 2 : 0);
          assert.equal(await crew.store.read('head', {}), isDone ? 2 : 0);
          await crew.restart(0);
          await crew.joinScripted(0, universe.momentOf(0));
          const { runs } = granted(await crew.sayScripted(0, create, opId));
          assert.deepEqual(await crew.runs(), runs);
          assert.equal(await crew.store.read('head', {}), 2);
        }));

    it('A-5 a worker that is told to end gives its run back or finishes it, and leaves no slot', () =>
      company.meet(3, async (crew) => {
        await crew.set('slots', 2);
        await withRuns(crew, 3);
        const [given, finished] = [
          granted(await crew.say(0, claim())),
          granted(await crew.say(1, claim())),
        ];
        const error = { message: 'told to end' };
        const back = { kind: 'run.fail', ...tokenOf(given), error, as: 'cancelled' } as const;
        // The last word is said, and the store closed without waiting for its answer.
        const words = [crew.say(0, back), crew.say(1, complete(finished))];
        await Promise.all([crew.close(0), crew.close(1)]);
        for (const word of await Promise.all(words)) granted(word);
        assert.equal((await crew.runWith(given.run.id)).status, 'cancelled');
        assert.equal((await crew.runWith(finished.run.id)).status, 'completed');
        granted(await crew.say(2, claim()));
        assert.deepEqual(await counts(crew), { running: 1, waiting: 0 });
      }));

    it('A-6 a worker is told when to ask again, and hears of work before', () =>
      company.meet(2, async (crew) => {
        const start = performance.now();
        const { retryAfterMs } = refused(await crew.say(0, claim()), 'nothing_queued');
        assert.ok(retryAfterMs > 0);
        const heard = new Promise<void>((resolve) => {
          const following = crew.store.subscribe(0, (events) => {
            if (!events.some(({ kind }) => kind === 'run.created')) return;
            following.dispose();
            resolve();
          });
        });
        granted(await crew.say(1, { kind: 'run.create', title: 'work' }));
        await heard;
        assert.ok(performance.now() - start < retryAfterMs, 'it could as well have asked again');
        granted(await crew.say(0, claim()));
      }));
  });

  describe('worklog', () => {
    it('O-1 10,000 runs are there again after the process that made them was killed', () =>
      company.meet(1, async (crew) => {
        await crew.set('rate.mutations', 0);
        const create = { kind: 'run.create', title: 'one of many', count: 1_000 } as const;
        for (let made = 0; made < 10; made += 1) granted(await crew.say(0, create));
        const held = granted(await crew.say(0, claim()));
        const lastWord = crew.say(0, { kind: 'run.handoff', ...tokenOf(held), note: 'so far' });
        const word = lastWord.catch(() => undefined);
        await crew.kill(0);
        const answered = await word;
        const start = performance.now();
        const again = await crew.another();
        const { runs } = await again.read('state', {});
        const took = performance.now() - start;
        await again.close();
        assert.equal(runs.length, 10_000);
        const run = runs.find(({ id }) => id === held.run.id);
        assert.equal(run?.status, 'running');
        if (answered?.ok) assert.equal(run.handoff, 'so far');
        console.log(`        open and all of 10,000 runs: ${took.toFixed(0)} ms`);
        assert.ok(took < 5_000);
        await crew.restart(0);
      }));

    it('O-5 a rate limit is exact under eight processes of one agent', () =>
      company.meet(8, async (crew) => {
        const [limit, each] = [40, 12];
        await crew.set('rate.mutations', limit);
        const universe = new Universe();
        for (const who of everybody) await crew.joinScripted(who, universe.momentOf(0));
        let said = 0;
        const grantedOfAll = async (): Promise<number> => {
          const answers = await Promise.all(
            everybody.map((who) =>
              Promise.all(
                Array.from({ length: each }, () => {
                  const opId = opIdOf((said += 1), universe.momentOf(0));
                  return crew.sayScripted(who, { kind: 'run.create', title: 'work' }, opId);
                }),
              ),
            ),
          );
          for (const answer of answers.flat()) if (!answer.ok) refused(answer, 'rate_limited');
          return answers.flat().filter(({ ok }) => ok).length;
        };
        assert.equal(await grantedOfAll(), limit);
        universe.pass(500);
        assert.equal(await grantedOfAll(), limit / 2);
        assert.equal((await crew.runs()).length, limit * 1.5);
      }));
  });
}

const tokenOf = ({
  run,
  token,
}: Granted['run.claim']): { readonly run: RunId; readonly token: ClaimToken } => ({
  run: run.id,
  token,
});

async function withRuns(crew: Crew, count: number): Promise<Crew> {
  granted(await crew.store.submit({ kind: 'run.create', title: 'work', count }));
  return crew;
}

async function claimed(crew: Crew, who: number): Promise<Granted['run.claim']> {
  const { id } = await crew.run();
  return granted(await crew.say(who, claim({ run: id })));
}

/** Somebody makes work, takes some or waits for it, and ends what it has got. */
async function cycle(crew: Crew, who: number): Promise<void> {
  granted(await crew.say(who, { kind: 'run.create', title: nameOf(who) }));
  const wish = { waiter: waiter(who) };
  const first = await crew.say(who, claim(wish));
  const answer = first.ok ? first : await crew.say(who, claim({ ...wish, renewal: true }));
  if (answer.ok) granted(await crew.say(who, complete(answer.facts)));
  else granted(await crew.say(who, { kind: 'run.unwait', waiter: waiter(who) }));
}
