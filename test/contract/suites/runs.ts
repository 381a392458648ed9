/** Runs that several processes change at once: the cases R of the run graph. */
import assert from 'node:assert/strict';
import type { Command, RunId } from '../../../src/core/model';
import { granted, refused } from '../../core/rowStore';
import type { Company } from '../company';

/** Enough for both orders to come about. */
const rounds = 12;
const everybody = [0, 1, 2, 3, 4, 5, 6, 7] as const;

export function describeRuns(company: Company): void {
  describe('runs', () => {
    it('R-1 of two processes that start one run at once one wins, the other is refused', () =>
      company.meet(2, async (crew) => {
        for (let round = 0; round < rounds; round += 1) {
          const { id } = await crew.run();
          const answers = await Promise.all(
            [0, 1].map((who) => crew.say(who, { kind: 'run.claim', run: id })),
          );
          const winner = answers.findIndex(({ ok }) => ok);
          assert.equal(answers.filter(({ ok }) => ok).length, 1);
          const loser = answers[1 - winner];
          assert.ok(loser);
          assert.equal(refused(loser, 'invalid_transition').status, 'running');
          const run = await crew.runWith(id);
          assert.equal(run.claim?.agent, `worker ${winner}`);
          assert.equal(run.epoch, 1);
          const won = answers[winner];
          assert.ok(won);
          const { token } = granted(won);
          granted(await crew.say(winner, { kind: 'run.complete', run: id, token }));
        }
      }));

    it('R-2 of completed against killed one becomes of it, and the other hears so', () =>
      company.meet(2, async (crew) => {
        for (let round = 0; round < rounds; round += 1) {
          const { id } = await crew.run();
          const { token } = granted(await crew.say(0, { kind: 'run.claim', run: id }));
          const error = { message: 'stopped' };
          const ends: readonly Command[] = [
            { kind: 'run.complete', run: id, token },
            { kind: 'run.fail', run: id, token, error, as: 'killed' },
          ];
          const answers = await Promise.all(ends.map((command, who) => crew.say(who, command)));
          assert.equal(answers.filter(({ ok }) => ok).length, 1);
          const winner = answers[0]?.ok ? 'completed' : 'killed';
          assert.equal((await crew.runWith(id)).status, winner);
          const loser = answers.find(({ ok }) => !ok);
          assert.ok(loser);
          assert.equal(refused(loser, 'invalid_transition').status, winner);
        }
      }));

    it('R-3 of completed against lost the one that comes second changes nothing', () =>
      company.meet(3, async (crew) => {
        for (let round = 0; round < rounds / 2; round += 1) {
          const { id } = await crew.run();
          const claim = { kind: 'run.claim', run: id, program: true } as const;
          const { token } = granted(await crew.say(2, claim));
          // Its process is gone, which the sweep sees; but its last word is on its way by another.
          await crew.kill(2);
          const [completed] = await Promise.all([
            crew.say(0, { kind: 'run.complete', run: id, token }),
            crew.say(1, { kind: 'sweep' }),
          ]);
          const { status } = await crew.runWith(id);
          if (completed.ok) assert.equal(status, 'completed');
          else {
            refused(completed, 'stale_claim');
            assert.equal(status, 'lost');
          }
          const late = await crew.say(0, { kind: 'run.heartbeat', run: id, token });
          assert.ok(!late.ok, 'a heartbeat came back to life');
          assert.equal((await crew.runWith(id)).status, status);
          await crew.restart(2);
        }
      }));

    it('R-4 of 100 changes of different runs at once all are kept', () =>
      company.meet(8, async (crew) => {
        const created = { kind: 'run.create', title: 'one of many', count: 100 } as const;
        const { runs } = granted(await crew.store.submit(created));
        await Promise.all(
          everybody.map((who) => {
            const mine = runs.filter((_, index) => index % everybody.length === who);
            const noteOn = ({ id }: { readonly id: RunId }): Command => ({
              kind: 'run.handoff',
              run: id,
              note: `${id} by ${who}`,
            });
            return crew.sayAll(who, mine.map(noteOn));
          }),
        );
        const notes = (await crew.runs()).map(({ id, handoff }) => handoff?.startsWith(id));
        assert.deepEqual(notes, Array<boolean>(100).fill(true));
      }));

    it('R-5 a parent gains 50 children from eight processes, each once', () =>
      company.meet(8, async (crew) => {
        const { id: parent } = await crew.run();
        const made = await Promise.all(
          Array.from({ length: 50 }, async (_, child) => {
            const title = `child ${child}`;
            return granted(await crew.say(child % 8, { kind: 'run.create', title, parent })).runs;
          }),
        );
        const children = (await crew.runs()).filter((run) => run.parent === parent);
        const titles = children.map(({ title }) => title).sort();
        assert.deepEqual(titles, Array.from({ length: 50 }, (_, i) => `child ${i}`).sort());
        const ids = made.flat().map(({ id }) => id);
        assert.deepEqual(new Set(children.map(({ id }) => id)), new Set(ids));
      }));

    it('R-6 a child ends while its parent is being cancelled: each as it was told', () =>
      company.meet(2, async (crew) => {
        for (let round = 0; round < rounds; round += 1) {
          const { id: parent } = await crew.run();
          const { id: child } = await crew.run({ parent });
          const { token } = granted(await crew.say(0, { kind: 'run.claim', run: child }));
          const answers = await Promise.all([
            crew.say(0, { kind: 'run.complete', run: child, token }),
            crew.say(1, { kind: 'run.cancel', run: parent }),
          ]);
          for (const answer of answers) granted<unknown>(answer);
          assert.equal((await crew.runWith(child)).status, 'completed');
          assert.equal((await crew.runWith(parent)).status, 'cancelled');
        }
      }));

    it('R-7 an ended run refuses every transition, whoever asks', () =>
      company.meet(2, async (crew) => {
        const { id: run } = await crew.run();
        const { token } = granted(await crew.say(0, { kind: 'run.claim', run }));
        granted(await crew.say(0, { kind: 'run.complete', run, token }));
        const before = await crew.runWith(run);
        const error = { message: 'no' };
        const transitions: readonly Command[] = [
          { kind: 'run.claim', run },
          { kind: 'run.heartbeat', run, token },
          { kind: 'run.complete', run, token },
          { kind: 'run.fail', run, token, error },
          { kind: 'run.cancel', run },
          { kind: 'run.kill', run },
          { kind: 'run.retry', run },
        ];
        const answers = await Promise.all([0, 1].map((who) => crew.sayAll(who, transitions)));
        for (const answer of answers.flat()) refused(answer, 'invalid_transition');
        assert.deepEqual(await crew.runWith(run), before);
      }));

    it('R-8 a run that is unknown to one process is unknown to all, until one makes it', () =>
      company.meet(2, async (crew) => {
        const unknown = { kind: 'run.cancel', run: 'run_nobody' as RunId } as const;
        for (const who of [0, 1]) refused(await crew.say(who, unknown), 'unknown_run');
        const { runs } = granted(await crew.say(0, { kind: 'run.create', title: 'known' }));
        const [made] = runs;
        assert.ok(made);
        granted(await crew.say(1, { kind: 'run.cancel', run: made.id }));
      }));

    it('R-16 every follower sees the order of seq, under eight writers', () =>
      company.meet(8, async (crew) => {
        const followers = [0, 3, 7] as const;
        await Promise.all(followers.map((who) => crew.follow(who)));
        const each = company.isLong ? 250 : 40;
        await Promise.all(
          everybody.map(async (who) => {
            for (let made = 0; made < each; made += 1)
              granted(await crew.say(who, { kind: 'run.create', title: `${who}/${made}` }));
          }),
        );
        const head = await crew.store.read('head', {});
        assert.equal(head, each * everybody.length);
        const inOrder = Array.from({ length: head }, (_, index) => index + 1);
        for (const who of followers) assert.deepEqual(await crew.followed(who, head), inOrder);
      }));
  });
}
